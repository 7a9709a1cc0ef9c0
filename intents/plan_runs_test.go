package intents

import (
	"testing"

	"neobot/adapters"
	"neobot/cards"
)

// Numbers of tickets and of runs look the same: "retry 91233" is about the ticket,
// and about the run where no ticket of that number ran.
func TestRetryByNumber(t *testing.T) {
	t.Parallel()
	b := newBench(t, BuiltIn{})
	b.wantCard(b.says("riley", "retry 91233"), adapters.Reply, cards.StatusRefused, "There is no such run")
	b.run("91233", "Dispatch", "failure")
	b.wantCard(b.says("riley", "retry 91233"), adapters.Reply, cards.StatusPending, "91233")
	b.wantWrites(0)
}
