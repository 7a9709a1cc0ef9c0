package intents

import (
	"strings"
	"testing"

	"neobot/cards"
	"neobot/neoapi/sandbox"
)

// The agent's card tells how it did lately; without its runs it is still a card.
func TestAgentCardAndItsRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*PolicyFile)
		fault  bool
		want   string
		lacks  string
	}{
		"all is well":     {want: "Last runs"},
		"Neo is unwell":   {fault: true, want: "Its runs could not be read just now.", lacks: "Last runs"},
		"not one's group": {change: func(f *PolicyFile) { f.Permissions = map[string]string{"all": "read_write", "executions": "disabled"} }, want: "Turn off…", lacks: "uns, "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := c.change
			if change == nil {
				change = func(*PolicyFile) {}
			}
			b := newBench(t, scripted{"go": {Name: intentShowAgent, Args: args{"agent": "License audit"}}}, change)
			if c.fault {
				b.neo.Fail(sandbox.Fault{Op: "list_executions", Times: -1, Status: 404})
			}
			answer := b.says("riley", "go")
			text := cards.Text(answer.Card, 72)
			if answer.Card.Status != cards.StatusOn || !strings.Contains(text, c.want) || c.lacks != "" && strings.Contains(text, c.lacks) {
				t.Errorf("%s", text)
			}
		})
	}
}
