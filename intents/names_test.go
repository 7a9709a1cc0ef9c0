package intents

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	names := []string{
		0: "Ticket Triage", 1: "Email Triage", 2: "Dispatch", 3: "Merge Duplicates", 4: "User Onboarding", 5: "User Offboarding",
		6: "Phone Agent", 7: "Überwachung (Nacht)", 8: "Dispatch v2", 9: "L1 Support", 10: "L2 Support", 11: "Nightly Sync", 12: "nightly-sync",
	}
	tests := []struct {
		said string
		want Match
	}{
		{"Dispatch", Match{Exact: 2, Candidates: []int{2}}},
		{"  the DISPATCH agent ", Match{Exact: 2, Candidates: []int{2}}},
		{"dispatch-v2", Match{Exact: 8, Candidates: []int{8}}},
		{"mergeduplicates", Match{Exact: 3, Candidates: []int{3}}},
		{"phone", Match{Exact: 6, Candidates: []int{6}}}, // only the noise word is missing
		{"uberwachung nacht", Match{Exact: 7, Candidates: []int{7}}},
		{"ＤＩＳＰＡＴＣＨ", Match{Exact: 2, Candidates: []int{2}}},
		{"dis\u200bpatch\u202e", Match{Exact: 2, Candidates: []int{2}}},
		{"triage", Match{Exact: -1, Candidates: []int{0, 1}}},
		{"nightly sync", Match{Exact: -1, Candidates: []int{11, 12}}}, // two agents of one name
		{"onboarding", Match{Exact: -1, Candidates: []int{4}}},
		{"onboard", Match{Exact: -1, Candidates: []int{4}}},
		{"user", Match{Exact: -1, Candidates: []int{4, 5}}},
		{"duplicate merge", Match{Exact: -1, Candidates: []int{3}}},
		{"dispatcj", Match{Exact: -1, Candidates: []int{2}}},
		{"merg duplicatez", Match{Exact: -1, Candidates: []int{3}}},
		{"email triaje", Match{Exact: -1, Candidates: []int{1}}},
		{"L2", Match{Exact: -1, Candidates: []int{10}}},
		{"L3 support", Match{Exact: -1, Suggestions: []int{9, 10}}}, // never a slip between numbers
		{"ticket routing", Match{Exact: -1, Suggestions: []int{0}}},
		{"xyzzy", Match{Exact: -1}},
		{"", Match{Exact: -1}},
		{"!!!", Match{Exact: -1}},
	}
	for _, tt := range tests {
		t.Run(tt.said, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Resolve(tt.said, names)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestResolveEveryNameItself: every name finds itself, in any order of the list.
func TestResolveEveryNameItself(t *testing.T) {
	t.Parallel()
	names := slices.Clone(routerAgents)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for i, n := range names {
			if m := Resolve(n, names); m.Exact != i {
				t.Errorf("%q: %+v", n, m)
			}
		}
	}
}

func TestResolveBounds(t *testing.T) {
	t.Parallel()
	if m := Resolve("dispatch", nil); m.Exact != -1 || m.Candidates != nil || m.Suggestions != nil {
		t.Errorf("no names: %+v", m)
	}
	many := make([]string, 40)
	for i := range many {
		many[i] = "Ticket helper " + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	if m := Resolve("ticket router", many); len(m.Suggestions) != maxSuggestions {
		t.Errorf("%d suggestions", len(m.Suggestions))
	}
}

// FuzzResolve: no panic, indexes in range, exact means a candidate.
func FuzzResolve(f *testing.F) {
	f.Add("triage", "Ticket Triage")
	f.Add("\xff", "É")
	f.Fuzz(func(t *testing.T, q, name string) {
		m := Resolve(q, []string{name, "Dispatch", name})
		for _, i := range append(slices.Clone(m.Candidates), m.Suggestions...) {
			if i < 0 || i > 2 {
				t.Errorf("index %d", i)
			}
		}
		if m.Exact >= 0 && !slices.Equal(m.Candidates, []int{m.Exact}) {
			t.Errorf("exact %d of %v", m.Exact, m.Candidates)
		}
	})
}
