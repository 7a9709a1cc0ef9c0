package intents

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"neobot/approvals"
)

// severalReads is a line of twostep.jsonl: a question, the reads that answer it in
// their order, and the agent the last one is about.
type severalReads struct {
	Text  string   `json:"text"`
	Want  []string `json:"want"`
	Agent string   `json:"agent"`
}

// partsFloor is how many of the questions of several parts the built-in router
// answers with exactly the reads wanted.
const partsFloor = 25

// TestEvalParts asks the questions of several parts of the whole service, since
// what comes second depends on what the sandbox answers first.
func TestEvalParts(t *testing.T) {
	t.Parallel()
	right, missed, _ := evaluateParts(t, BuiltIn{})
	t.Logf("built-in router, twostep.jsonl: %d right\nmissed:\n%s", right, strings.Join(missed, "\n"))
	if right < partsFloor {
		t.Errorf("%d right, at least %d are wanted", right, partsFloor)
	}
	if m := evalModel(t); m != nil {
		right, missed, tokens := evaluateParts(t, m)
		t.Logf("%s, twostep.jsonl: %d of %d right, tokens per question: %d on average, %d at most\nmissed:\n%s",
			m.Model, right, right+len(missed), sum(tokens)/len(tokens), slices.Max(tokens), strings.Join(missed, "\n"))
	}
}

func evaluateParts(t *testing.T, r Router) (right int, missed []string, tokens []int) {
	t.Helper()
	raw, err := os.ReadFile("testdata/router/twostep.jsonl")
	check(t, err)
	for line := range strings.Lines(string(raw)) {
		var l severalReads
		check(t, json.Unmarshal([]byte(line), &l))
		b := newBench(t, r)
		b.says("riley", l.Text)
		var got []string
		agent, used := "", 0
		for _, rec := range b.records() {
			if n, ok := rec.Detail["tokens"].(float64); ok {
				used += int(n)
			}
			if args, ok := rec.Detail["args"].(map[string]any); ok && rec.Kind == approvals.KindQuestion {
				agent, _ = args["agent"].(string)
				got = append(got, rec.Detail["intent"].(string))
			}
		}
		tokens = append(tokens, used)
		if len(b.writes()) > 0 {
			t.Errorf("%q wrote", l.Text)
		}
		if slices.Equal(got, l.Want) && (l.Agent == "" || agent == l.Agent) {
			right++
		} else {
			missed = append(missed, fmt.Sprintf("%q: got %q about %q", l.Text, got, agent))
		}
	}
	return right, missed, tokens
}

func sum(all []int) int {
	n := 0
	for _, x := range all {
		n += x
	}
	return n
}
