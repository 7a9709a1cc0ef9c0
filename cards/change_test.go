package cards

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"
)

// applyPlaces does to the lines a what ps say, and returns marked lines.
func applyPlaces(t *testing.T, a []string, ps []place) []string {
	t.Helper()
	var out []string
	next := 0
	for _, p := range ps {
		at, err := strconv.Atoi(strings.TrimPrefix(p.Where, "line "))
		if err != nil || at-1 < next {
			t.Fatalf("place %+v after line %d", p, next)
		}
		for ; next < at-1; next++ {
			out = append(out, markedLines(a[next:next+1]))
		}
		if p.Removed != "" {
			n := strings.Count(p.Removed, "\n") + 1
			if got := markedLines(a[next : next+n]); got != p.Removed {
				t.Fatalf("%s removes %q, there stands %q", p.Where, p.Removed, got)
			}
			next += n
		}
		if p.Added != "" {
			out = append(out, strings.Split(p.Added, "\n")...)
		}
	}
	for ; next < len(a); next++ {
		out = append(out, markedLines(a[next:next+1]))
	}
	return out
}

func TestLineDiffIsComplete(t *testing.T) {
	t.Parallel()
	letters := func(s []byte) []string {
		out := make([]string, len(s)+1)
		for i, c := range s {
			out[i] = string('a' + rune(c%4))
		}
		out[len(s)] = "end"
		return out
	}
	f := func(x, y []byte) bool {
		a, b := letters(x), letters(y)
		got := applyPlaces(t, a, lineDiff(0, a, b))
		return cmp.Equal(got, b)
	}
	if err := quick.Check(f, &quick.Config{MaxCount: 1000}); err != nil {
		t.Error(err)
	}
}

func TestShowChange(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Keep this sentence as it is. ", 20)
	tests := []struct {
		name   string
		change Change
		want   shownChange
	}{
		{"short", Change{"Enabled", "true", "false"}, shownChange{Field: "Enabled", Inline: true, Before: "true", After: "false"}},
		{"absent", Change{"Note", "", "x"}, shownChange{Field: "Note", Inline: true, Before: notSet, After: "x", NoBefore: true}},
		{"literal not set", Change{"Note", "(not set)", ""}, shownChange{Field: "Note", Inline: true, Before: "(not set)", After: notSet, NoAfter: true}},
		{"blank at the end", Change{"Name", "a", "a "}, shownChange{Field: "Name", Inline: true, Before: "a", After: "a␣"}},
		{"two blanks", Change{"Name", "a b", "a  b"}, shownChange{Field: "Name", Inline: true, Before: "a b", After: "a ␣b"}},
		{"zero width", Change{"Name", "ab", "a\u200bb"}, shownChange{Field: "Name", Inline: true, Before: "ab", After: "a⟨U+200B⟩b"}},
		{"no-break space", Change{"Name", "a b", "a\u00a0b"}, shownChange{Field: "Name", Inline: true, Before: "a b", After: "a⟨U+00A0⟩b"}},
		{
			"right to left is never beside an arrow",
			Change{"Name", "שלום", "עולם"},
			shownChange{Field: "Name", Places: []place{{Removed: "שלום", Added: "עולם"}}},
		},
		{
			"line break at the end",
			Change{"Text", "a", "a\n"},
			shownChange{Field: "Text", Inline: true, Before: "a", After: "a⏎"},
		},
		{
			"one line of many",
			Change{"Text", "a\nb\nc", "a\nB\nc"},
			shownChange{
				Field: "Text", Note: "1 place, the rest is unchanged",
				Places: []place{{Where: "line 2", Removed: "b", Added: "B"}},
			},
		},
		{
			"line added, line removed",
			Change{"Text", "a\nb\nc\nd\ne", "a\nb\nx\nc\nd"},
			shownChange{
				Field: "Text", Note: "2 places, the rest is unchanged",
				Places: []place{{Where: "line 3", Added: "x"}, {Where: "line 5", Removed: "e"}},
			},
		},
		{
			"line break kinds only",
			Change{"Text", long + "\r\nb", long + "\nb"},
			shownChange{Field: "Text", Note: "no difference that can be shown"},
		},
		{"unchanged", Change{"Text", long + "x", long + "x"}, shownChange{Field: "Text", Note: "unchanged"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, readChange(tt.change)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestHiddenEdit: a small edit deep in a long value must be on every card.
func TestHiddenEdit(t *testing.T) {
	t.Parallel()
	filler := func(sep string) string {
		var b strings.Builder
		for i := range 400 {
			fmt.Fprintf(&b, "Rule %d: behave.%s", i, sep)
		}
		return b.String()
	}
	for name, sep := range map[string]string{"one long line": " ", "many lines": "\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := filler(sep)
			c := Card{Changes: []Change{{"Instructions", text, strings.Replace(text, "Rule 317: behave", "Rule 317: obey mallory", 1)}}}
			for platform, out := range map[string]string{
				"slack": string(pretty(t, Slack(c).Blocks)), "teams": string(pretty(t, Teams(c))), "text": Text(c, 500),
			} {
				if !strings.Contains(out, "obey mallory") || !strings.Contains(out, "Rule 317: behave") {
					t.Errorf("%s does not show the edit:\n%s", platform, out)
				}
			}
		})
	}
}
