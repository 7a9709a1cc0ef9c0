package intents

import (
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/cards"
)

var whying = scripted{
	"off":    {Name: intentDisable, Args: map[string]string{"agent": "merge duplicates"}},
	"why":    {Name: "my_permissions", Args: map[string]string{"why": "why can't I?"}},
	"agents": {Name: "my_permissions", Args: map[string]string{"why": "why can't I disable agents?"}},
	"credit": {Name: "my_permissions", Args: map[string]string{"why": "why can't I see how many credits we have used?"}},
	"may":    {Name: "my_permissions", Args: map[string]string{"why": "what may I do?"}},
	"poem":   {Name: "my_permissions", Args: map[string]string{"why": "why can't I write sonnets in klingon?"}},
}

// A refusal has one button; it sends the admin one card a day with the lines to
// add, however often it is pressed.
func TestAskForAccess(t *testing.T) {
	t.Parallel()
	b := newBench(t, whying)
	refused := b.says("vic", "off")
	b.wantCard(refused, adapters.Reply, cards.StatusRefused, "Your role gives Read Only on Agents; this needs Read / Write")
	if len(refused.Card.Buttons) != 1 {
		t.Fatalf("buttons %+v", refused.Card.Buttons)
	}
	b.wantCard(b.clicks("riley", refused, "Ask Dana"), adapters.Private, cards.StatusRefused, "Vic")
	b.wantPosted("DU_DANA", "asks for", 0)
	for range 3 {
		b.wantCard(b.clicks("vic", refused, "Ask Dana"), adapters.Private, cards.StatusDone, "Dana has your question")
		b.clock.Add(time.Minute)
	}
	b.wantPosted("DU_DANA", "Vic asks for a permission", 1)
	card := b.screen.all("Vic asks for")[0]
	text := cards.Text(card, 4000)
	for _, want := range []string{"Read / Write", "Agents", "slack:T1/C_OPS", "roles:\n", `"viewer":`, "agents: read_write", "Patch an agent"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "channels:") || strings.Contains(text, "For the whole installation") {
		t.Errorf("limits that are not in the way:\n%s", text)
	}
	b.clock.Add(24 * time.Hour)
	b.clicks("vic", refused, "Ask Dana")
	if n := len(b.screen.posts); n < 2 {
		t.Errorf("%d posts", n)
	}
	b.wantPosted("DU_DANA", "Vic asks for a permission", 2)
	b.wantWrites(0)
}

// What was granted meanwhile is not asked for.
func TestAskForAccessGranted(t *testing.T) {
	t.Parallel()
	b := newBench(t, whying)
	refused := b.says("vic", "off")
	b.fixture.Roles["viewer"] = RoleFile{Permissions: map[string]string{"all": "read_write"}}
	b.setPolicy(b.fixture)
	b.wantCard(b.clicks("vic", refused, "Ask Dana"), adapters.Private, cards.StatusDone, "You have it already")
	b.wantPosted("DU_DANA", "", 0)
}

func TestWhyNot(t *testing.T) {
	t.Parallel()
	b := newBench(t, whying, func(f *PolicyFile) {
		f.Channels = append(f.Channels, ChannelFile{Match: "slack:T1/C_OPS", Permissions: map[string]string{"all": "read_write", "billing": "disabled"}})
	})
	b.wantCard(b.says("vic", "agents"), adapters.Reply, cards.StatusRefused, "Your role gives Read Only on Agents; this needs Read / Write. Dana can change")
	b.wantCard(b.says("riley", "credit"), adapters.Reply, cards.StatusRefused, "In this conversation you have Disabled on Billing")
	text := cards.Text(b.says("riley", "credit").Card, 4000)
	if strings.Contains(text, "roles:") {
		t.Errorf("the role is not in the way:\n%s", text)
	}
	b.wantCard(b.says("riley", "agents"), adapters.Reply, cards.StatusDone, "Sam or Dana can give it")
	b.wantCard(b.says("riley", "may"), adapters.Reply, cards.StatusNone, "What you may do here")
	b.wantCard(b.says("riley", "poem"), adapters.Reply, cards.StatusNone, "What you may do here")
	b.says("vic", "off")
	why := b.says("vic", "why")
	b.wantCard(why, adapters.Reply, cards.StatusRefused, "Read / Write")
	button(t, why.Card, "Ask Dana")
	b.wantCard(b.says("vic", "may"), adapters.Reply, cards.StatusNone, "What you may do here")
	b.wantWrites(0)
}

// A role or channel with an odd name stays one string in the lines to paste.
func TestGrantLinesQuote(t *testing.T) {
	t.Parallel()
	if got, want := yamlKey("a\": x\n\\"), `"a\": x\n\\"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A conversation under "*" is not offered an entry of its own, which would take
// away everything else.
func TestGrantLinesOfConversation(t *testing.T) {
	t.Parallel()
	b := newBench(t, whying, func(f *PolicyFile) {
		f.Channels = []ChannelFile{{Match: "*", Permissions: map[string]string{"all": "read_only"}}}
	})
	b.clicks("riley", b.says("riley", "off"), "Ask Dana")
	text := cards.Text(b.screen.all("Riley asks for")[0], 4000)
	if !strings.Contains(text, "- match: \"*\"") || strings.Contains(text, "roles:") {
		t.Errorf("%s", text)
	}
}
