package intents

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestToolsPerTurn: whatever is asked, the model gets at most twenty tools, and
// the right one is nearly always among them.
func TestToolsPerTurn(t *testing.T) {
	t.Parallel()
	for _, file := range labelledSets() {
		floor := map[string]int{tuned: 98, heldOut: 90}[file]
		first, either, all := 0, 0, 0
		for _, l := range labels(t, file) {
			offered, more := likelyTools(l.question())
			if n := len(toolSpecs(offered)); n > maxTools || len(toolSpecs(more)) > maxTools {
				t.Errorf("%q: %d tools", l.Text, n)
			}
			for _, name := range alwaysOffered {
				if _, ok := SpecByName(offered, name); !ok {
					t.Errorf("%q: no %s", l.Text, name)
				}
			}
			if l.Want == "" || l.Want == "ask" {
				continue
			}
			all++
			if _, ok := SpecByName(offered, l.Want); ok {
				first, either = first+1, either+1
			} else if _, ok := SpecByName(more, l.Want); ok {
				either++
			} else if file == tuned {
				t.Logf("%q: %s is offered in neither round", l.Text, l.Want)
			}
		}
		t.Logf("%s: the right tool is among the first for %d, in either round for %d of %d", file, first, either, all)
		if first*100 < floor*all {
			t.Errorf("%s: less than %d %%", file, floor)
		}
	}
}

// TestToolsGolden shows which tools some questions come with.
func TestToolsGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, text := range []string{
		"disable Dispatch", "who changed triage?", "why didn't dispatch pick up 48213?", "how many end users used our Teams bot?",
		"retry the last run", "what is this", "api list_skills",
	} {
		first, second := likelyTools(labelled{Text: text}.question())
		b.WriteString(text + "\n")
		for _, some := range [][]Spec{first, second} {
			names := make([]string, len(some))
			for i, s := range some {
				names[i] = s.Name
			}
			b.WriteString("  " + strings.Join(names, " ") + "\n")
		}
	}
	const file = "testdata/router/tools.golden.txt"
	if *updatePrompt {
		check(t, os.WriteFile(file, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("tools changed (-update-prompt rewrites it):\n%s", diff)
	}
}

// TestSecondRound: a tool that is not among the first twenty is still reached,
// when the model says that the question is about another part of Neo.
func TestSecondRound(t *testing.T) {
	t.Parallel()
	q := labelled{Text: "zzz qqq"}.question()
	first, second := likelyTools(q)
	late := second[slices.IndexFunc(second, func(s Spec) bool {
		return !s.Write && !slices.ContainsFunc(s.Args, func(a Arg) bool { return a.Required })
	})]
	s := newScripted(t, toolReply("tool_calls", "out_of_scope", `{"reason":"other_part_of_neo"}`), toolReply("tool_calls", late.Name, `{}`))
	got, err := s.Route(t.Context(), q)
	if err != nil || got.Intent.Name != late.Name || s.script.count() != 2 {
		t.Errorf("got %+v, %v after %d requests, want %s", got, err, s.script.count(), late.Name)
	}
	if _, ok := SpecByName(first, late.Name); ok {
		t.Errorf("%s was offered at once", late.Name)
	}
	// A tool that was not offered cannot be called, though the catalog has it.
	s = newScripted(t, toolReply("tool_calls", late.Name, `{}`), toolReply("tool_calls", late.Name, `{}`))
	if got, err := s.Route(t.Context(), q); err != nil || got.Intent.Name != "" || got.Note != noteUnusable {
		t.Errorf("not offered: got %+v, %v", got, err)
	}
	// And nothing off the subject costs a second call.
	s = newScripted(t, toolReply("tool_calls", "out_of_scope", `{"reason":"not_about_neo"}`))
	if got, err := s.Route(t.Context(), q); err != nil || got.Intent.Name != "" || s.script.count() != 1 {
		t.Errorf("off the subject: got %+v, %v", got, err)
	}
}
