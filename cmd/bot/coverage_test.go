package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"neobot/intents"
	"neobot/neoapi"
)

var updateCoverage = flag.Bool("update", false, "rewrite docs/coverage.md")

const coverageFile = "../../docs/coverage.md"

// coverage is what the stories have used: which operations Neo was asked for,
// and which intents answered.
type coverage struct {
	mu      sync.Mutex
	stories []story
}

type story struct {
	name    string
	ops     map[string]bool
	intents map[string]bool
}

// passedOn are buttons whose intent hands over to another one, which is what the
// audit trail names.
var passedOn = map[string]string{"clicks How did it go?": "follow_run", "clicks Plan again": "plan_again"}

func (c *coverage) add(w *world, name, script string) {
	w.t.Helper()
	s := story{name: name, ops: map[string]bool{}, intents: map[string]bool{}}
	for _, r := range w.neo.Requests() {
		s.ops[r.Op] = true
	}
	records, err := w.bot.core.audit.Last(w.t.Context(), string(scenarioWorkspace), 1000)
	w.must(err)
	for _, r := range records {
		if used, _ := r.Detail["intent"].(string); used != "" {
			s.intents[used] = true
		}
	}
	for step, intent := range passedOn {
		if strings.Contains(script, step) {
			s.intents[intent] = true
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stories = append(c.stories, s)
}

func (c *coverage) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.stories)
}

// proof is the story that is most about something: of those that fit, the one
// that uses the fewest intents.
func (c *coverage) proof(fits func(story) bool) string {
	var found []story
	for _, s := range c.stories {
		if fits(s) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return ""
	}
	best := slices.MinFunc(found, func(x, y story) int {
		return cmp.Or(cmp.Compare(len(x.intents), len(y.intents)), cmp.Compare(x.name, y.name))
	})
	return best.name
}

// document writes docs/coverage.md, or fails when it is not what the catalog and
// the stories say, when an operation has no proof, or an intent no story or card.
func (c *coverage) document(t *testing.T) {
	t.Helper()
	catalog, err := neoapi.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	specs, err := intents.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# What of Neo's API can be reached, and what proves it\n\n" +
		"Written by `go test ./cmd/bot -run TestScenarios -update` from the catalog and from what the stories did. A test fails when an\n" +
		"operation has no proof, an intent no story or no card, or this file is stale.\n\n" +
		"Evidence: *page* is in Neo's documentation; *inferred* is our reading of it, with how sure we are.\n")
	c.operations(t, &b, catalog, specs)
	c.perIntent(t, &b, specs)
	if *updateCoverage {
		if err := os.WriteFile(coverageFile, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(was), b.String()); diff != "" {
		t.Errorf("docs/coverage.md is stale (-file +now), -update rewrites it:\n%s", diff)
	}
}

func (c *coverage) operations(t *testing.T, b *strings.Builder, catalog *neoapi.Catalog, specs []intents.Spec) {
	t.Helper()
	byGroup := map[neoapi.Group][]neoapi.Operation{}
	var groups []neoapi.Group
	for _, op := range catalog.Operations() {
		if byGroup[op.Group] == nil {
			groups = append(groups, op.Group)
		}
		byGroup[op.Group] = append(byGroup[op.Group], op)
	}
	slices.Sort(groups)
	fmt.Fprintf(b, "\n## %d operations\n", len(catalog.Operations()))
	for _, g := range groups {
		fmt.Fprintf(b, "\n### %s\n\n| Operation | Access | Evidence | Intent | Card | Proved by |\n|---|---|---|---|---|---|\n", g)
		for _, op := range byGroup[g] {
			evidence := op.Evidence
			if op.Confidence != "" {
				evidence += ", " + op.Confidence
			}
			intent, card, proof := c.row(t, op, specs)
			fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s |\n", op.ID, op.Access, evidence, intent, card, proof)
		}
	}
}

// buttonOps are operations that only a button's intent uses.
var buttonOps = map[string]string{"decide_til_request": "decide_request"}

// byFormTest calls every operation that has no intent of its own.
const byFormTest = "TestEveryOperationByForm"

func (c *coverage) row(t *testing.T, op neoapi.Operation, specs []intents.Spec) (intent, card, proof string) {
	t.Helper()
	intent = buttonOps[op.ID]
	if intent == "" {
		intent = intentOf(op, specs)
	}
	switch why := intents.NotByForm(op); {
	case intent == "" && why != "":
		return "none: " + why, "-", "`" + byFormTest + "` (refused with the reason)"
	case intent == "":
		return "`call_operation`", cardLinks(t, "call_operation"), "`" + byFormTest + "/" + op.ID + "`"
	}
	name := c.proof(func(s story) bool { return s.ops[op.ID] && s.intents[intent] })
	if name == "" {
		name = c.proof(func(s story) bool { return s.ops[op.ID] })
	}
	if name == "" {
		t.Errorf("no story makes the bot call %s (intent %s)", op.ID, intent)
	}
	return "`" + intent + "`", cardLinks(t, intent), storyLink(name)
}

// intentOf is the intent that is most about an operation: the one that uses the
// fewest others.
func intentOf(op neoapi.Operation, specs []intents.Spec) string {
	best, size := "", 0
	for _, s := range specs {
		if slices.Contains(s.Ops, op.ID) && (best == "" || len(s.Ops) < size) {
			best, size = s.Name, len(s.Ops)
		}
	}
	return best
}

func (c *coverage) perIntent(t *testing.T, b *strings.Builder, specs []intents.Spec) {
	t.Helper()
	fmt.Fprintf(b, "\n## %d intents\n\n| Intent | Said like | Card | Story |\n|---|---|---|---|\n", len(specs))
	for _, s := range specs {
		said := "a button"
		if len(s.Examples) > 0 {
			said = strings.NewReplacer("<", "‹", ">", "›", "|", "/").Replace(s.Examples[0])
		}
		name := c.proof(func(x story) bool { return x.intents[s.Name] })
		if name == "" {
			t.Errorf("no story uses the intent %s", s.Name)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Name, said, cardLinks(t, s.Name), storyLink(name))
	}
}

func storyLink(name string) string { return "[" + name + "](../cmd/bot/testdata/" + name + ".txtar)" }

// cardLinks leads to the golden file and the picture, which must be there.
func cardLinks(t *testing.T, intent string) string {
	t.Helper()
	golden, picture := "intents/testdata/cards/"+intent+".txt", "docs/cards/intents/"+intent+".png"
	for _, f := range []string{golden, picture} {
		if _, err := os.Stat(filepath.Join("..", "..", f)); err != nil {
			t.Errorf("the card of %s: %v", intent, err)
		}
	}
	return "[text](../" + golden + ") [picture](cards/intents/" + intent + ".png)"
}

// A missing story, card or row is noticed.
func TestCoverageCatches(t *testing.T) {
	t.Parallel()
	c := &coverage{stories: []story{
		{name: "b", ops: map[string]bool{"get_tenant": true}, intents: map[string]bool{"tenant": true, "help": true}},
		{name: "a", ops: map[string]bool{"get_tenant": true}, intents: map[string]bool{"tenant": true}},
	}}
	if got := c.proof(func(s story) bool { return s.ops["get_tenant"] }); got != "a" {
		t.Errorf("proof is %q, want the story that is most about it", got)
	}
	if got := c.proof(func(s story) bool { return s.ops["delete_agent"] }); got != "" {
		t.Errorf("proof of what no story does: %q", got)
	}
}
