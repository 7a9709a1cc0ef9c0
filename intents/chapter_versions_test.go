package intents

import (
	"strings"
	"testing"

	"neobot/cards"
)

// Any two versions, or times, of an agent can be compared. Dispatch was created on
// 26 May, changed on 15 November and got its max load on 22 November.
func TestCompareVersions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   args
		want []string
	}{
		"one version":    {args{"version": "3"}, []string{"1 setting changed between version 2 and version 3.", "max load: (not set) → 8"}},
		"two versions":   {args{"version": "versions 3 and 1"}, []string{"changed between version 1 and version 3.", "max load: (not set) → 8"}},
		"two times":      {args{"when": "between 2026-11-16 and 2026-11-20"}, []string{"Nothing has changed between Mon 16 Nov 00:00 and Sat 21 Nov 00:00."}},
		"a time and now": {args{"when": "since 2026-11-16"}, []string{"1 setting changed since Mon 16 Nov 00:00.", "max load: (not set) → 8"}},
		"no such one":    {args{"version": "9"}, []string{"Dispatch has no version 9."}},
		"the first one":  {args{"version": "1"}, []string{"That is the first version of Dispatch that Neo keeps."}},
		"no number":      {args{"version": "the other one"}, []string{"Which versions?"}},
		"three of them":  {args{"version": "1, 2 and 3"}, []string{"Which versions?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, scripted{"go": {Name: "compare_agent", Args: merged(c.in, "agent", "Dispatch")}})
			text := strings.Join(strings.Fields(cards.Text(b.says("riley", "go").Card, 200)), " ")
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in: %s", want, text)
				}
			}
		})
	}
}

// A version on the list is compared with the one before it by one tap.
func TestVersionsCardComparesByTap(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{"go": {Name: "agent_versions", Args: args{"agent": "Dispatch"}}})
	list := b.says("riley", "go")
	if got := cards.Text(list.Card, 72); strings.Count(got, "Changes") != 2 {
		t.Fatalf("want a button on two of three versions:\n%s", got)
	}
	answer := b.clicks("riley", list, "Changes")
	if !strings.Contains(answer.Card.Summary, "between version 2 and version 3") {
		t.Errorf("%s", answer.Card.Summary)
	}
}

func TestVersionNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"compare dispatch version 2 and 3":            "2 and 3",
		"diff v1 vs v3 of dispatch":                   "1 and 3",
		"what changed in version 4 of dispatch?":      "4",
		"compare dispatch with yesterday":             "",
		"what changed in dispatch since 2026-11-20":   "",
		"versions of dispatch":                        "",
		"version 48213 is a ticket":                   "",
		"what changed in Email triage v2 on ticket 5": "2",
	} {
		if got := versionNumbers(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
