package cards

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

func TestParseSlackAction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		actionID, value string
		want            Action
		ok              bool
	}{
		{"neobot:approve:0", "id1", ActionApprove, true},
		{"neobot:continue:999", strings.Repeat("a", 128), ActionContinue, true},
		{"neobot:approve:0", strings.Repeat("a", 129), "", false},
		{"neobot:approve:0", "", "", false},
		{"neobot:approve:0", "../../x", "", false},
		{"neobot:approve:0", "id1\n", "", false},
		{"neobot:approve:00", "id1", "", false},
		{"neobot:approve:1000", "id1", "", false},
		{"neobot:approve:", "id1", "", false},
		{"neobot:approve", "id1", "", false},
		{"neobot:delete:0", "id1", "", false},
		{"neobot::0", "id1", "", false},
		{"approve:0", "id1", "", false},
		{"neobot:approve:0:1", "id1", "", false},
	}
	for _, tt := range tests {
		a, id, ok := ParseSlackAction(tt.actionID, tt.value)
		if a != tt.want || ok != tt.ok || ok && id != tt.value {
			t.Errorf("ParseSlackAction(%q, %.20q) = %q, %q, %v", tt.actionID, tt.value, a, id, ok)
		}
	}
}

func TestParseTeamsAction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, verb, data string
		action           Action
		inputs           map[string]string
		ok               bool
	}{
		{"execute", "approve", `{"action":"approve","id":"id1"}`, ActionApprove, nil, true},
		{"submit", "", `{"action":"reject","id":"id1","msteams":{"type":"task/fetch"}}`, ActionReject, nil, true},
		{"dialog", "", `{"action":"reject","id":"id1","in.reason":"not now","in.note":""}`, ActionReject, map[string]string{"reason": "not now", "note": ""}, true},
		{"verb differs", "reject", `{"action":"approve","id":"id1"}`, "", nil, false},
		{"unknown action", "", `{"action":"delete","id":"id1"}`, "", nil, false},
		{"no id", "", `{"action":"approve"}`, "", nil, false},
		{"id is a number", "", `{"action":"approve","id":7}`, "", nil, false},
		{"id is a path", "", `{"action":"approve","id":"../x"}`, "", nil, false},
		{"input is an object", "", `{"action":"reject","id":"id1","in.reason":{"a":1}}`, "", nil, false},
		{"input is null", "", `{"action":"reject","id":"id1","in.reason":null}`, "", nil, false},
		{"input called action", "", `{"action":"reject","id":"id1","in.action":"approve"}`, "", nil, false},
		{"array", "", `["approve"]`, "", nil, false},
		{"string", "", `"approve"`, "", nil, false},
		{"nothing", "", ``, "", nil, false},
		{"huge", "", `{"action":"approve","id":"id1","x":"` + strings.Repeat("x", 70_000) + `"}`, "", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, _, inputs, ok := ParseTeamsAction(tt.verb, json.RawMessage(tt.data))
			if a != tt.action || ok != tt.ok || !cmp.Equal(inputs, tt.inputs) {
				t.Errorf("got %q, %v, %v", a, inputs, ok)
			}
		})
	}
}

// TestRoundTrip: every button and form that is rendered comes back as itself.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, c := range samples() {
		want := Buttons(c)
		var got []Button
		objects(t, Slack(c).Blocks, func(o object) {
			if str(o["type"]) == "button" {
				a, id, ok := ParseSlackAction(str(o["action_id"]), str(o["value"]))
				if !ok {
					t.Errorf("%s: %v", name, o)
				}
				got = append(got, Button{Action: a, ID: id})
			}
		})
		if len(got) != len(want) {
			t.Errorf("%s: %d buttons in Slack, %d in Buttons", name, len(got), len(want))
		}
	}
	for name, f := range forms() {
		if a, id, ok := ParseSlackForm(SlackForm(f).PrivateMetadata); !ok || a != f.Action || id != f.ID {
			t.Errorf("%s: %q, %q, %v", name, a, id, ok)
		}
	}
	for _, meta := range []string{"", "{}", `{"action":"approve","id":"x"}`, `{"action":"reject","id":"a b"}`, `{"action":"reject","id":"x"}` + strings.Repeat(" ", 400)} {
		if _, _, ok := ParseSlackForm(meta); ok {
			t.Errorf("ParseSlackForm(%.40q) accepted", meta)
		}
	}
}

// TestUnusableButtons: what could not come back is not shown, and that is said.
func TestUnusableButtons(t *testing.T) {
	t.Parallel()
	c := Card{Title: "x", Buttons: []Button{
		{"No action", "", "id", ""}, {"Made up", "delete", "id", ""}, {"No id", ActionApprove, "", ""}, {"", ActionApprove, "id", ""}, {"Good", ActionApprove, "id", ""},
	}}
	for platform, out := range map[string]string{"slack": string(pretty(t, Slack(c).Blocks)), "teams": string(pretty(t, Teams(c)))} {
		if !strings.Contains(out, "4 buttons could not be shown") || strings.Contains(out, "Made up") || !strings.Contains(out, "Good") {
			t.Errorf("%s: %s", platform, out)
		}
	}
	if got := Buttons(c); len(got) != 1 {
		t.Errorf("Buttons: %v", got)
	}
}

func TestSafeLink(t *testing.T) {
	t.Parallel()
	for u, want := range map[string]bool{
		"https://app.neoagent.io/x?y=1#z": true, "https://localhost:8443/": true,
		"http://app.neoagent.io": false, "javascript:alert(1)": false, "https://": false, "https://user@evil.example": false,
		"https://a b": false, "https://аpp.neoagent.io": false, "https://x/>|": false, "//x": false, "": false,
		"https://app.neoagent.io\u202e/": false, "https://x_y*.example/": false,
	} {
		if _, _, ok := safeLink(Link{URL: u}); ok != want {
			t.Errorf("safeLink(%q) = %v", u, ok)
		}
	}
}

// TestLeftOut: a card too big for a message says how much is missing, and keeps
// title, buttons and footer.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	c := pendingCard()
	for range 300 {
		c.Body = append(c.Body, Block{Items: []Item{{Title: strings.Repeat("name ", 20), Detail: strings.Repeat("detail ", 20)}}})
	}
	c.Body = []Block{{Items: func() (items []Item) {
		for _, b := range c.Body {
			items = append(items, b.Items...)
		}
		return items
	}()}}
	m := Slack(c)
	out := string(pretty(t, m.Blocks))
	for _, want := range []string{"Not shown here: ", " rows.", "neobot:approve:0", "Request Zk3vQ0pXJr9s", "Update agent"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := jsonUnits(m.Blocks); n < slackMaxPayload*3/4 {
		t.Errorf("only %d characters used", n)
	}
}

// TestCheckSlack: the checker of the limits can say no.
func TestCheckSlack(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4000)
	button := slack.NewButtonBlockElement("a", long, plainText(long))
	many := make([]slack.Block, 51)
	for i := range many {
		many[i] = slack.NewDividerBlock()
	}
	tests := map[string][]slack.Block{
		"no blocks":       {},
		"51 blocks":       many,
		"header":          {slack.NewHeaderBlock(plainText(long))},
		"empty text":      {slack.NewHeaderBlock(plainText(""))},
		"section":         {slack.NewSectionBlock(plainText(long), nil, nil)},
		"no text":         {slack.NewSectionBlock(nil, nil, nil)},
		"fields":          {slack.NewSectionBlock(nil, make11Fields(), nil)},
		"button":          {slack.NewActionBlock("", button)},
		"same action id":  {slack.NewActionBlock("", slackButton(Button{"a", ActionApprove, "x", ""}, 0), slackButton(Button{"b", ActionApprove, "x", ""}, 0))},
		"rich text":       {richBlock(section(run(long)))},
		"two tables":      {tableBlock([][]string{{"a"}, {"b"}}), tableBlock([][]string{{"a"}, {"b"}})},
		"empty cell":      {tableBlock([][]string{{"a"}, {""}})},
		"too much":        {richBlock(preformatted(long[:3000])), richBlock(preformatted(long[:3000])), richBlock(preformatted(long[:3000])), richBlock(preformatted(long[:3000]))},
		"unknown block":   {slack.NewImageBlock("https://x", "x", "", nil)},
		"unknown element": {slack.NewActionBlock("", slack.NewDatePickerBlockElement("d"))},
	}
	for name, blocks := range tests {
		if len(CheckSlack(blocks)) == 0 {
			t.Errorf("%s: no fault found", name)
		}
	}
}

func make11Fields() []*slack.TextBlockObject {
	out := make([]*slack.TextBlockObject, 11)
	for i := range out {
		out[i] = plainText("x")
	}
	return out
}

// TestCheckTeams: so can the one for Teams.
func TestCheckTeams(t *testing.T) {
	t.Parallel()
	good := teamsAction(Button{"x", ActionApprove, "id", ""})
	tests := map[string][]any{
		"empty body":   {},
		"empty text":   {textBlock{Type: "TextBlock"}},
		"too big":      {richText("", textRun{Type: "TextRun", Text: strings.Repeat("x", 26_000)})},
		"six actions":  {actionSet{Type: "ActionSet", Actions: []any{good, good, good, good, good, good}}},
		"no fallback":  {actionSet{Type: "ActionSet", Actions: []any{action{Type: "Action.Execute", Title: "x", Verb: "approve", Data: map[string]any{"action": "approve", "id": "x"}}}}},
		"bad data":     {actionSet{Type: "ActionSet", Actions: []any{action{Type: "Action.Submit", Title: "x", Data: map[string]any{"action": "approve"}}}}},
		"reserved id":  {textInput{Type: "Input.Text", ID: "action", Label: "x"}},
		"same id":      {textInput{Type: "Input.Text", ID: "in.a", Label: "x"}, textInput{Type: "Input.Text", ID: "in.a", Label: "x"}},
		"deep problem": {container{Type: "Container", Items: []any{container{Type: "Container", Items: []any{textBlock{Type: "TextBlock"}}}}}},
	}
	for name, body := range tests {
		if len(CheckTeams(newAdaptiveCard(body))) == 0 {
			t.Errorf("%s: no fault found", name)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Card{
		"neobot": {},
		"🧪 Test mode – Waiting for a decision: Disable “x” – Dana asks.": {Title: "Disable “x”", Summary: "Dana asks.", Status: StatusPending, TestMode: true},
		"a ⏎ b": {Title: "a\nb"},
	} {
		if got := Summary(c); got != want {
			t.Errorf("Summary = %q, want %q", got, want)
		}
	}
	if got := Slack(Card{Title: "<!here> & co"}).Text; got != "&lt;!here&gt; &amp; co" {
		t.Errorf("Text = %q", got)
	}
}

// TestButtonsMatchText: the numbers on screen are the order of Buttons.
func TestButtonsMatchText(t *testing.T) {
	t.Parallel()
	for name, c := range samples() {
		for i, b := range Buttons(c) {
			if mark := "[" + thousands(i+1) + "] " + b.Label; !strings.Contains(Text(c, 80), mark) {
				t.Errorf("%s: no %q", name, mark)
			}
		}
	}
}
