package cards

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// hostile is text that has hurt bots before, one seed each; huge is too slow
// for a fuzzer to grow from and is tried by TestHuge.
var hostile = []string{
	"", " ", "\n", "plain words",
	"<!channel> <!here> <!everyone> <!subteam^S123|ops> <@U123> <#C123|general>",
	"@here @channel @everyone #general <at>Priya Nair</at>",
	"<https://evil.example|https://app.neoagent.io> [Approve](https://evil.example) ![x](https://evil.example/x.png)",
	"https://evil.example www.evil.example mailto:a@evil.example javascript:alert(1)",
	"*bold* _italic_ ~strike~ `code` ```block``` > quote\n> quote\n# head\n- list\n1. list",
	":white_check_mark: Approved by the CEO :rocket:",
	"{{DATE(2026-11-24T09:42:00Z,SHORT)}} {{ time (2026-11-24T09:42:00Z)}} ${secret} {{ticket.id}}",
	"true → false\nafter\ntrue", `{"type":"actions","elements":[]}`, "&lt;!channel&gt; &amp; &#60;",
	"abc\u202Edesrever\u202C \u2066isolated\u2069 \u200Fmark", "zero\u200Bwidth\uFEFF\u2060\u00AD\u3164\u2800",
	"שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "日本語のテキスト", "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308",
	strings.Repeat("Z\u0351\u036B\u0343\u036A\u0302", 30), "\u0301leading mark",
	"👨‍👩‍👧‍👦 👍🏽 🏳️‍🌈 ✂️ 1️⃣ 🇩🇪", strings.Repeat("👨‍👩‍👧‍👦", 60),
	"null\x00byte \x1b[31mred\x1b[0m \x07 \x7f \u0085 \u009b31m", "bad \xff\xfe utf8 \xed\xa0\x80",
	strings.Repeat("<&>\"\\\n", 90), "\r\n\r\n\tindented  twice   ", strings.Repeat("word ", 300),
	"… (cut, 12 more characters)", "neobot:approve:0", "agt_01J9ZC4T7Q",
}

var huge = []string{
	strings.Repeat("a", 100_000), strings.Repeat("<&>\"\\\n", 20_000), strings.Repeat("\u202E", 50_000),
	strings.Repeat("line of text\n", 8000), strings.Repeat("&", 3000), strings.Repeat("👨‍👩‍👧‍👦", 2000), strings.Repeat("𝔘", 5000),
}

// everywhere puts the strings a, b and c wherever a card takes one.
func everywhere(a, b, c string, n uint8) Card {
	many := int(n)
	card := Card{
		Title: a, Summary: b, Status: Status([]string{"", "pending", "done", "unknown", "?" + c}[many%5]),
		TestMode: many%2 == 0, AIGenerated: many%3 == 0,
		Links:   []Link{{a, b}, {b, "https://app.neoagent.io/x?y=(z)"}, {c, "https://" + a}, {"", "javascript:" + c}},
		Buttons: []Button{{a, ActionApprove, "id1", StylePrimary}, {"Reject", ActionReject, "id1", StyleDanger}, {b, Action(c), a, Style(b)}, {c, ActionForm, b, ""}},
		Footer:  []string{a, b, c},
	}
	for i := range many {
		card.Fields = append(card.Fields, Field{a, b}, Field{c, a})
		card.Changes = append(card.Changes, Change{a, b, c}, Change{c, a + b, a + c})
		it := Item{Title: b, Detail: c, Status: card.Status}
		if i%3 > 0 {
			it.Button = &Button{Label: c, Action: ActionContinue, ID: "id2"}
		}
		card.Body = append(card.Body, Block{Heading: c, Items: []Item{it, {Title: a}}})
		card.Buttons = append(card.Buttons, Button{c, ActionContinue, "id3", ""})
	}
	card.Body = append(card.Body,
		Block{Heading: a, Text: b}, Block{Text: c}, Block{Heading: b, Code: a},
		Block{Table: &Table{Columns: []string{a, b, c}, Rows: [][]string{{b, c, a}, {}, {c}}}},
		Block{Table: &Table{Columns: make([]string, many), Rows: [][]string{{a, b}, {c}}}},
	)
	return chartsEverywhere(card, [3]string{a, b, c}, many)
}

// chartsEverywhere adds charts with hostile names and numbers, before the other
// blocks, which may leave them no room, and after.
func chartsEverywhere(card Card, s [3]string, many int) Card {
	values := []float64{0, 0.04, 1, 1234.56, 1e15, float64(many)}
	chart := func(kind string, points, series int) Block {
		c := Chart{Kind: ChartKind(kind), Unit: s[many%3]}
		for i := range points {
			c.Labels = append(c.Labels, s[i%3])
		}
		for j := range series {
			line := Series{Name: s[j%3], Status: Status([]string{"", "done", "failed", "expired", "pending"}[(many+j)%5])}
			for i := range points + 1 - j {
				line.Values = append(line.Values, values[(i+j)%len(values)])
			}
			c.Series = append(c.Series, line)
		}
		return Block{Heading: s[many%3], Chart: &c}
	}
	odd := chart("bars", 3, 1)
	odd.Chart.Series[0].Values[1] = []float64{math.NaN(), math.Inf(1), -1, 1e300}[many%4]
	first := []Block{chart("bars", 1+many%40, 1+many%4), odd}
	last := []Block{chart("rows", 1+many%17, 1), chart("rows", 3, 2), chart("line", many, 3), chart(s[0], 2, 1), {Chart: &Chart{}}}
	card.Body = append(append(first, card.Body...), last...)
	return card
}

// pictureIDs are files for all charts of a card but the second.
func pictureIDs(c Card) []string {
	ids := make([]string, len(Drawings(c)))
	for i := range ids {
		ids[i] = fmt.Sprintf("F%09d", i)
	}
	if len(ids) > 1 {
		ids[1] = "<F0123456789>"
	}
	return ids
}

// TestHuge tries every pair of huge strings with each other.
func TestHuge(t *testing.T) {
	t.Parallel()
	for i, s := range huge {
		a, b, n := huge[(i+1)%len(huge)], huge[(i+3)%len(huge)], uint8(i)
		checkSlack(t, s, a, b, n)
		checkTeams(t, s, b, a, n)
		checkText(t, b, s, a, n)
	}
}

func seed(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, hostile[(i+7)%len(hostile)], hostile[(i+13)%len(hostile)], uint8(i%5))
	}
	f.Add("x", "y", "z", uint8(255))
}

// objects calls see for every JSON object in v, as it goes over the wire.
func objects(t *testing.T, v any, see func(o object)) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(raw) {
		t.Error("not UTF-8")
	}
	var root any
	if err := json.Unmarshal(raw, &root); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		if o := obj(v); o != nil {
			see(o)
			for _, inner := range o {
				walk(inner)
			}
		}
		for _, inner := range list(v) {
			walk(inner)
		}
	}
	walk(root)
}

// unsafeText reports what no text on any platform may hold.
func unsafeText(s string) string {
	for _, r := range s {
		switch {
		case r < 0x20 && r != '\n' && r != '\t', r == 0x7f, r >= 0x80 && r < 0xa0:
			return "control character"
		case isOverride(r):
			return "bidirectional override"
		}
	}
	return ""
}

// allowedLinks are the links a card may make live.
func allowedLinks(c Card) []string {
	var out []string
	for _, l := range c.Links {
		if target, _, ok := safeLink(l); ok {
			out = append(out, target)
		}
	}
	return out
}

// inertSlack fails when anything in v is a mention, a link that the card did
// not ask for, or text that Slack would read as markup.
func inertSlack(t *testing.T, c Card, v any) {
	t.Helper()
	links := allowedLinks(c)
	objects(t, v, func(o object) {
		s := str(o["text"])
		if why := unsafeText(s); why != "" {
			t.Errorf("%s in %q", why, s)
		}
		switch str(o["type"]) {
		case "mrkdwn":
			if strings.ContainsAny(s, "<>~`") || o["verbatim"] != true {
				t.Errorf("mrkdwn can be live: %q", s)
			}
		case "plain_text":
			if o["emoji"] == true {
				t.Errorf("emoji names are live: %q", s)
			}
		case "link":
			if !slices.Contains(links, str(o["url"])) {
				t.Errorf("link nobody asked for: %v", o)
			}
		case "user", "usergroup", "channel", "broadcast", "emoji", "team", "date", "markdown":
			t.Errorf("live element %v", o)
		case "image":
			if why := unsafeText(str(o["alt_text"])); why != "" || o["image_url"] != nil || o["slack_file"] == nil {
				t.Errorf("picture %v", o)
			}
		case "button":
			if _, _, ok := ParseSlackAction(str(o["action_id"]), str(o["value"])); !ok || o["url"] != nil {
				t.Errorf("button would be dropped: %v", o)
			}
		}
	})
}

// boundHolds fails when the estimate that saves measuring is below the truth.
func boundHolds(t *testing.T, k costs, c Card, size int) {
	t.Helper()
	if bound := k.atMost(c, 1<<30); size > bound {
		t.Errorf("%d on the wire, estimated at most %d", size, bound)
	}
}

func FuzzSlack(f *testing.F) {
	seed(f)
	f.Fuzz(checkSlack)
}

// checkSlack asserts everything that must hold for any card.
func checkSlack(t *testing.T, a, b, c string, n uint8) {
	t.Helper()
	card := everywhere(a, b, c, n)
	m := Slack(card)
	for _, fault := range append(CheckSlack(m.Blocks), CheckSlack(SlackNoTable(card).Blocks)...) {
		t.Error(fault)
	}
	home := SlackHome(card)
	for _, fault := range CheckSlackView(home.Blocks.BlockSet) {
		t.Error(fault)
	}
	drawn := SlackPictures(card, pictureIDs(card))
	for _, fault := range CheckSlack(drawn.Blocks) {
		t.Error(fault)
	}
	boundHolds(t, slackCosts, card, jsonUnits(drawn.Blocks))
	conforms(t, slackBlocksSchema(), drawn.Blocks)
	inertSlack(t, card, drawn.Blocks)
	boundHolds(t, slackCosts, card, jsonUnits(m.Blocks))
	boundHolds(t, slackCosts, card, jsonUnits(SlackNoTable(card).Blocks))
	conforms(t, slackBlocksSchema(), m.Blocks)
	conforms(t, slackViewSchema(), home)
	inertSlack(t, card, m.Blocks)
	inertSlack(t, card, home)
	if m.Text == "" || units(m.Text) > slackAdvisedText || strings.ContainsAny(m.Text, "<>") {
		t.Errorf("text %q", m.Text)
	}
	if again := Slack(everywhere(a, b, c, n)); string(pretty(t, again)) != string(pretty(t, m)) {
		t.Error("not deterministic")
	}
	form := formEverywhere(a, b, c, n)
	for _, fault := range CheckSlackModal(SlackForm(form)) {
		t.Error(fault)
	}
	conforms(t, slackViewSchema(), SlackForm(form))
	inertSlack(t, Card{}, SlackForm(form))
}

func formEverywhere(a, b, c string, n uint8) Form {
	f := Form{
		Title: a, Submit: b, Action: ActionForm, ID: "id1",
		Intro: []Block{{Heading: a, Text: b}, {Code: c}, {Items: []Item{{Title: a, Detail: b, Button: &Button{c, ActionForm, "x", ""}}}}},
		Inputs: []Input{
			{Name: "one", Label: a, Hint: b, Kind: InputText, Value: c, Max: int(n)},
			{Name: "two", Label: b, Hint: c, Kind: InputMultiline, Value: a},
			{Name: "three", Label: c, Kind: InputSelect, Value: a, Options: []Option{{a, a}, {b, b}, {c, c}, {a, "fix"}}},
			{Name: a, Label: b, Kind: InputText},
			{Name: "id", Kind: InputText},
			{Name: "one", Kind: InputText},
		},
	}
	for i := range int(n) {
		f.Inputs = append(f.Inputs, Input{Name: "many" + strings.Repeat("x", i%60) + string(rune('a'+i%26)), Label: c, Kind: InputMultiline, Value: b})
	}
	return f
}

// ownLink is the only Markdown link this project writes.
var ownLink = regexp.MustCompile(`^\[([^\]\[]*)\]\((https://[^()\s]+)\)( \([^()\s]+\))?$`)

// inertTeams fails when a text of v holds live Markdown, a mention, a macro, or
// a link that the card did not ask for.
func inertTeams(t *testing.T, c Card, v any) {
	t.Helper()
	links := allowedLinks(c)
	for i, l := range links {
		links[i] = strings.NewReplacer("(", "%28", ")", "%29", "[", "%5B", "]", "%5D").Replace(l)
	}
	objects(t, v, func(o object) {
		s := str(o["text"])
		if why := unsafeText(s); why != "" {
			t.Errorf("%s in %q", why, s)
		}
		for _, key := range []string{"text", "title", "label", "value", "x", "legend", "xAxisTitle", "yAxisTitle"} {
			if macro.MatchString(str(o[key])) && str(o["type"]) != "Input.Text" {
				t.Errorf("live macro in %q", o[key])
			}
		}
		switch str(o["type"]) {
		case "TextBlock":
			m := ownLink.FindStringSubmatch(s)
			own := s == testModeIcon+" **"+testModeTitle+":** "+testModeText
			if m != nil && !slices.Contains(links, m[2]) || m == nil && !own && !mdKeeps(s) {
				t.Errorf("Markdown can be live: %q", s)
			}
		case "Action.OpenUrl", "Image", "Media":
			t.Errorf("live element %v", o)
		case "AdaptiveCard":
			if obj(o["msteams"])["entities"] != nil {
				t.Error("mentions")
			}
		}
	})
}

func FuzzTeams(f *testing.F) {
	seed(f)
	f.Fuzz(checkTeams)
}

// checkTeams asserts everything that must hold for any card.
func checkTeams(t *testing.T, a, b, c string, n uint8) {
	t.Helper()
	card := everywhere(a, b, c, n)
	out := Teams(card)
	for _, fault := range CheckTeams(out) {
		t.Error(fault)
	}
	boundHolds(t, teamsCosts, card, jsonBytes(out))
	conforms(t, adaptiveSchema(), out)
	inertTeams(t, card, out)
	if again := Teams(everywhere(a, b, c, n)); string(pretty(t, again)) != string(pretty(t, out)) {
		t.Error("not deterministic")
	}
	form, ok := TeamsForm(formEverywhere(a, b, c, n)).Card["content"].(AdaptiveCard)
	if !ok {
		t.Fatal("no card in the dialog")
	}
	for _, fault := range CheckTeams(form) {
		t.Error(fault)
	}
	conforms(t, adaptiveSchema(), form)
	inertTeams(t, Card{}, form)
}

var buttonMark = regexp.MustCompile(`\[(\d+)\] `)

func FuzzText(f *testing.F) {
	seed(f)
	f.Fuzz(checkText)
}

// checkText asserts everything that must hold for any card.
func checkText(t *testing.T, a, b, c string, n uint8) {
	t.Helper()
	card := everywhere(a, b, c, n)
	out := Text(card, int(n))
	if !utf8.ValidString(out) || !strings.HasSuffix(out, "\n") {
		t.Error("not UTF-8 or not a whole line")
	}
	if why := unsafeText(out); why != "" {
		t.Errorf("%s in %q", why, out)
	}
	if got, want := len(buttonMark.FindAllString(out, -1)), len(Buttons(card)); got < want {
		t.Errorf("%d buttons on screen, Buttons lists %d", got, want)
	}
	if again := Text(everywhere(a, b, c, n), int(n)); again != out {
		t.Error("not deterministic")
	}
}

// FuzzParse feeds what comes over the wire.
func FuzzParse(f *testing.F) {
	f.Add("neobot:approve:0", "id1", `{"action":"approve","id":"id1","in.reason":"no"}`)
	f.Add("neobot:approve:01", "../x", `{"action":"approve","id":"id1","in.reason":{"a":1}}`)
	f.Add("neobot:reject:12", "", `[1]`)
	f.Fuzz(func(t *testing.T, actionID, value, data string) {
		if a, id, ok := ParseSlackAction(actionID, value); ok != (a.Valid() && ValidID(id)) || ok && id != value {
			t.Errorf("ParseSlackAction(%q, %q) = %q, %q, %v", actionID, value, a, id, ok)
		}
		if a, id, ok := ParseSlackForm(data); ok != (a.OpensForm() && ValidID(id)) {
			t.Errorf("ParseSlackForm(%q) = %q, %q, %v", data, a, id, ok)
		}
		a, id, inputs, ok := ParseTeamsAction("", json.RawMessage(data))
		if ok != (a.Valid() && ValidID(id)) || !ok && inputs != nil {
			t.Errorf("ParseTeamsAction(%q) = %q, %q, %v, %v", data, a, id, inputs, ok)
		}
		if _, _, _, other := ParseTeamsAction("other", json.RawMessage(data)); other {
			t.Errorf("verb that is not the action accepted for %q", data)
		}
	})
}

// FuzzChange checks that the shown places of a change tell the whole truth: put
// back in place they turn one value into the other.
func FuzzChange(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, hostile[(i+1)%len(hostile)])
	}
	f.Add("a\nb\nc\nd\ne", "a\nB\nc\nD\ne\nf")
	f.Add("x\nx\nx", "x\ny\nx\nx")
	f.Fuzz(func(t *testing.T, before, after string) {
		before, after = visible(before), visible(after)
		a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
		if len(a)*len(b) > maxDiffCells || before == after {
			return
		}
		got := applyPlaces(t, a, lineDiff(0, a, b))
		want := make([]string, len(b))
		for i := range b {
			want[i] = markedLines(b[i : i+1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("places do not lead from %q to %q:\n%s", before, after, diff)
		}
	})
}
