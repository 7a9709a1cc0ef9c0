package cards

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func viewers(n int) []string {
	out := make([]string, n)
	for i := range out { // as long as the connector's ids are
		out[i] = fmt.Sprintf("29:%0110d", i)
	}
	return out
}

// TestTeamsViews: whatever is on the card, it stays within Teams' limits, and
// what the clients send back is understood.
func TestTeamsViews(t *testing.T) {
	t.Parallel()
	big := everywhere(strings.Repeat("wide & <b> ", 300), strings.Repeat("é\n", 500), "x", 255)
	for name, c := range map[string]Card{"pending": pendingCard(), "big": big} {
		for _, n := range []int{1, teamsMaxViewers, teamsMaxViewers + 20} {
			c.Views = &Views{ID: sampleID}
			out := TeamsViews(c, viewers(n))
			for _, fault := range CheckTeams(out) {
				t.Errorf("%s, %d viewers: %s", name, n, fault)
			}
			conforms(t, adaptiveSchema(), out)
			if out.Refresh == nil || len(out.Refresh.UserIDs) != min(n, teamsMaxViewers) {
				t.Fatalf("%s, %d viewers: refresh %+v", name, n, out.Refresh)
			}
			data, err := json.Marshal(out.Refresh.Action.Data)
			if err != nil {
				t.Fatal(err)
			}
			if id, refresh := ParseTeamsView(out.Refresh.Action.Verb, data); id != sampleID || !refresh {
				t.Errorf("%s: comes back as %q, %v", name, id, refresh)
			}
			// A refresh is no click.
			if a, _, _, ok := ParseTeamsAction(out.Refresh.Action.Verb, data); ok {
				t.Errorf("%s: a refresh reads as %q", name, a)
			}
		}
	}
}

// TestTeamsWithoutViews: no refresh where nothing differs or nobody is known.
func TestTeamsWithoutViews(t *testing.T) {
	t.Parallel()
	c := pendingCard()
	plain := string(pretty(t, Teams(c)))
	for name, v := range map[string]struct {
		views   *Views
		viewers []string
	}{
		"no views": {nil, viewers(3)}, "nobody": {&Views{ID: sampleID}, nil}, "bad id": {&Views{ID: "../x"}, viewers(3)},
	} {
		c.Views = v.views
		if got := string(pretty(t, TeamsViews(c, v.viewers))); got != plain {
			t.Errorf("%s: the card is not the plain one", name)
		}
	}
	if strings.Contains(plain, "refresh") {
		t.Error("a plain card asks for a refresh")
	}
}

func TestParseTeamsView(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]struct {
		verb    string
		id      string
		refresh bool
	}{
		`{"action":"view","id":"r1"}`:                  {"view", "r1", true},
		`{"action":"view","id":"r2"}`:                  {"", "r2", true},         // a client that leaves the verb out
		`{"action":"approve","id":"r3"}`:               {"approve", "r3", false}, // a button
		`{"action":"approve","id":"r4"}`:               {"view", "r4", true},
		`{"action":"view","id":"../x"}`:                {"view", "", true},
		`{"action":"view","id":7}`:                     {"view", "", true},
		`{"action":{"a":1},"id":"r5"}`:                 {"x", "r5", false},
		`[]`:                                           {"view", "", true},
		`"view"`:                                       {"approve", "", false},
		`{"id":"` + strings.Repeat("a", 70<<10) + `"}`: {"view", "", true},
	} {
		if id, refresh := ParseTeamsView(want.verb, json.RawMessage(data)); id != want.id || refresh != want.refresh {
			t.Errorf("%s %.60s: %q, %v", want.verb, data, id, refresh)
		}
	}
}
