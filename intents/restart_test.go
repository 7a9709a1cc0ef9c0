package intents

import (
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
)

// The process dies after the outcome was saved and before anybody, or the audit
// trail, was told of it.
func TestEndIsToldAfterRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	rec := b.record(asked)
	ctx := t.Context()
	b.decided(asked)
	rec, _, err := b.s.Store.Redeem(ctx, rec.Workspace, rec.ID, rec.Digest)
	check(t, err)
	b.clock.Add(90 * time.Second)
	_, err = b.s.Store.Finish(ctx, rec, approvals.Done, mustJSON(result{Code: "applied", Summary: "Neo now shows the change.", RequestID: "r-1"}))
	check(t, err)
	b.clock.Add(2 * time.Minute)
	for range 3 {
		check(t, b.s.Sweep(ctx))
		b.clock.Add(2 * time.Minute)
	}
	results := 0
	for _, line := range b.audited() {
		if strings.HasPrefix(line, string(approvals.KindResult)) {
			results++
		}
	}
	if results != 1 {
		t.Errorf("%d result records in the audit trail: %v", results, b.audited())
	}
	told := 0
	for _, c := range b.screen.all(merge) {
		if c.Status != cards.StatusDone {
			t.Errorf("a card shows %q", c.Status)
		}
		if len(c.Fields) == 0 {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the requester was told %d times", told)
	}
	b.wantWrites(0)
}

// A person, or a fast client, may click before we have noted where the card is.
func TestClickBeforeCardIsNoted(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked, err := b.s.HandleMessage(t.Context(), adapters.Message{
		Workspace: home, User: member("riley"), Conversation: channelOps, Thread: "t1", ID: "m1", Text: "off", At: b.clock.Now(),
	})
	check(t, err)
	card := adapters.Ref{Workspace: home, Conversation: channelOps.ID, Thread: "t1", Message: "77.7"}
	clicked := make(chan adapters.Answer, 1)
	go func() {
		answer, err := b.s.HandleClick(t.Context(), adapters.Click{
			Workspace: home, User: member("sam"), Conversation: channelOps, ID: "c1", Card: card,
			Action: cards.ActionApprove, Target: asked.Track,
		})
		if err != nil {
			t.Error(err)
		}
		clicked <- answer
	}()
	check(t, b.s.Posted(t.Context(), asked.Track, card))
	b.wantCard(<-clicked, adapters.Shown, cards.StatusDone, "Approved by Sam")
	b.wantWrites(1)
}
