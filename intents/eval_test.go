package intents

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var evalAll = flag.Bool("eval", false, "list the failures of every labelled set, and ask the model of OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL too")

// tally counts right answers of one kind of questions.
type tally struct{ right, all int }

// scoreCard is what a router reached on a labelled set.
type scoreCard struct {
	kinds                   map[string]tally
	right, all              int
	dangerous, written      []string // writes nobody asked for; writes for questions and remarks
	outside                 []string // out of scope, answered as if in scope
	missed                  []string
	askedBack, mustAskBack  int // of the ambiguous and hostile questions that must be asked back
	tokens, tokensOfLongest int
}

// judge compares a router's answer with a label.
func (s *scoreCard) judge(l labelled, r Routed) {
	t := s.kinds[l.Kind]
	t.all, s.all = t.all+1, s.all+1
	said := fmt.Sprintf("%-10s %q: got %s %v, want %s %v", l.Kind, l.Text, cmp.Or(answerName(r), "nothing"), r.Intent.Args, cmp.Or(l.Want, "nothing"), l.Args)
	if l.right(r) {
		t.right, s.right = t.right+1, s.right+1
	} else {
		s.missed = append(s.missed, said)
	}
	s.kinds[l.Kind] = t
	spec, _ := SpecByName(allSpecs(), r.Intent.Name)
	if l.dangerous(r) {
		s.dangerous = append(s.dangerous, said)
	}
	if wants, _ := SpecByName(allSpecs(), l.Want); spec.Write && !wants.Write && !slices.Contains(l.Also, spec.Name) {
		s.written = append(s.written, said)
	}
	if l.Want == "ask" {
		if s.mustAskBack++; !spec.Write {
			s.askedBack++
		}
	}
	if l.Kind == "outofscope" && r.Intent.Name != "" && !l.right(r) {
		s.outside = append(s.outside, said)
	}
	s.tokens += r.Tokens
	s.tokensOfLongest = max(s.tokensOfLongest, r.Tokens)
}

// String is the report.
func (s *scoreCard) String() string {
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		t := s.kinds[kind]
		fmt.Fprintf(&b, "  %-11s %3d of %3d  %3d %%\n", kind, t.right, t.all, t.right*100/t.all)
	}
	fmt.Fprintf(&b, "  %-11s %3d of %3d  %.1f %%\n", "all", s.right, s.all, float64(s.right)*100/float64(s.all))
	fmt.Fprintf(&b, "  not taken for a change where it must not be: %d of %d\n", s.askedBack, s.mustAskBack)
	fmt.Fprintf(&b, "  dangerous: %d, writes for questions: %d, out of scope answered: %d\n", len(s.dangerous), len(s.written), len(s.outside))
	if s.tokens > 0 {
		fmt.Fprintf(&b, "  tokens per question: %d on average, %d at most\n", s.tokens/s.all, s.tokensOfLongest)
	}
	return b.String()
}

func evaluate(t *testing.T, r Router, file string) *scoreCard {
	t.Helper()
	s := &scoreCard{kinds: map[string]tally{}}
	for _, l := range labels(t, file) {
		got, err := r.Route(t.Context(), l.question())
		if err != nil {
			t.Fatalf("%q: %v", l.Text, err)
		}
		s.judge(l, got)
	}
	return s
}

// TestEval is `make eval`: accuracy per kind and what was missed, for the
// built-in router, and for a model when one is configured. Without -eval it
// holds the built-in router to what it has reached; the questions of the
// held-out set are then not listed, so that nobody tunes on them by accident.
func TestEval(t *testing.T) {
	for _, file := range labelledSets() {
		s := evaluate(t, BuiltIn{}, file)
		t.Logf("built-in router, %s\n%s", file, s)
		if *evalAll {
			t.Logf("missed:\n%s", strings.Join(s.missed, "\n"))
		}
		if bad := slices.Concat(s.dangerous, s.written); len(bad) > 0 || s.askedBack < s.mustAskBack {
			if file == heldOut && !*evalAll {
				bad = []string{fmt.Sprintf("%d, listed with -eval", len(bad))}
			}
			t.Errorf("%s: changes nobody asked for:\n%s", file, strings.Join(bad, "\n"))
		}
		if file == heldOut && s.right*100 < heldOutFloor*s.all {
			t.Errorf("held out: %d of %d right, less than %d %%", s.right, s.all, heldOutFloor)
		}
	}
	if m := evalModel(t); m != nil {
		for _, file := range labelledSets() {
			s := evaluate(t, m, file)
			t.Logf("%s, %s\n%s\nmissed:\n%s", m.Model, file, s, strings.Join(s.missed, "\n"))
		}
	}
}

// evalModel is the model to be judged, nil without -eval or without one.
func evalModel(t *testing.T) *Model {
	t.Helper()
	url, model := os.Getenv("OPENAI_BASE_URL"), os.Getenv("OPENAI_MODEL")
	if !*evalAll || model == "" {
		return nil
	}
	m, err := NewModel(ModelConfig{
		BaseURL: cmp.Or(url, "https://api.openai.com/v1"), Key: os.Getenv("OPENAI_API_KEY"), Model: model, Now: time.Now, Timeout: time.Minute,
	})
	check(t, err)
	return m
}
