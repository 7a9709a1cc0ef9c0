package intents

import (
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

var starting = scripted{
	"run": {Name: intentRun, Args: map[string]string{"agent": "license audit"}},
	"roi": {Name: "start_roi", Args: map[string]string{"rate": "60"}},
}

// sweeps lets time pass and sweeps as one replica would.
func (b *bench) sweeps(after time.Duration) {
	b.t.Helper()
	b.clock.Add(after)
	b.redis.FastForward(after)
	check(b.t, b.s.Sweep(b.t.Context()))
}

// onCard is the card of a request in #ops, as it is shown.
func (b *bench) onCard(asked adapters.Answer) cards.Card {
	b.t.Helper()
	rec := b.record(asked)
	return b.s.shownCard(b.t.Context(), rec, time.UTC)
}

// approved asks for something and has Sam approve it.
func (b *bench) approved(text string) adapters.Answer {
	b.t.Helper()
	asked := b.says("riley", text)
	done := b.clicks("sam", asked, "Approve")
	b.wantCard(done, adapters.Shown, done.Card.Status, "queued")
	return asked
}

func TestRunIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t, starting)
	b.neo.Mutate(func(s *sandbox.State) {
		for a := range s.Agents.All() {
			s.Outcomes[a.ID] = sandbox.Outcome{Status: "failure", Message: "<!channel> consent has *expired*", Error: "403"}
		}
	})
	asked := b.approved("run")
	var seen []string
	for range 8 {
		b.sweeps(3 * time.Second)
		for _, c := range b.screen.all("License audit") {
			for _, word := range []string{"queued", "running", "failed"} {
				if strings.Contains(c.Summary, word) && len(c.Buttons) > 0 && (len(seen) == 0 || seen[len(seen)-1] != word) {
					seen = append(seen, word)
				}
			}
		}
	}
	if got := strings.Join(seen, " "); !strings.HasSuffix(got, "running failed") {
		t.Errorf("the card showed %q", got)
	}
	card := b.onCard(asked)
	if card.Status != cards.StatusFailed || !strings.Contains(card.Summary, "Approved by Sam") || !strings.Contains(card.Summary, "consent has") {
		t.Errorf("final card: %s %s", card.Status, card.Summary)
	}
	b.wantPosted("C_OPS", "Asked for by Riley", 1)
	for range 5 {
		b.sweeps(time.Minute)
	}
	b.wantPosted("C_OPS", "Asked for by Riley", 1)
	b.wantWrites(1)
}

// The process dies after the run was started and before anything followed it;
// later the platform is down when the end comes.
func TestProgressSurvives(t *testing.T) {
	t.Parallel()
	b := newBench(t, starting)
	asked := b.says("riley", "run")
	rec := b.record(asked)
	ctx := t.Context()
	b.decided(asked)
	rec, _, err := b.s.Store.Redeem(ctx, rec.Workspace, rec.ID, rec.Digest)
	check(t, err)
	b.run("run-77", "License audit", "running")
	_, err = b.s.Store.Finish(ctx, rec, approvals.Done, mustJSON(result{Code: "applied", Run: "run-77"}))
	check(t, err)
	b.sweeps(2 * time.Minute)
	b.sweeps(10 * time.Second)
	if c := b.onCard(asked); c.Status != cards.StatusWorking || !strings.Contains(c.Summary, "running") {
		t.Fatalf("card %s %s", c.Status, c.Summary)
	}
	b.ends("run-77", "success")
	b.screen.fail = errBroken
	b.clock.Add(2 * time.Minute)
	_ = b.s.Sweep(ctx) // the platform's fault; tried again
	b.screen.fail = nil
	b.sweeps(2 * time.Minute)
	b.sweeps(2 * time.Minute)
	b.wantPosted("C_OPS", "Asked for by Riley", 1)
	for _, c := range b.screen.all("License audit") {
		if c.Status != cards.StatusDone {
			t.Errorf("a copy shows %s: %s", c.Status, c.Summary)
		}
	}
	b.wantWrites(0)
}

// A run that hangs is followed for an hour, with few reads.
func TestProgressGivesUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, starting)
	asked := b.approved("run")
	b.neo.Mutate(func(s *sandbox.State) {
		for e := range s.Executions.All() {
			if e.Status == "queued" || e.Status == "running" {
				e.Waiting = true
			}
		}
	})
	reads := func() (n int) {
		for _, r := range b.neo.Requests() {
			if r.Op == "get_execution" {
				n++
			}
		}
		return n
	}
	for range 70 * 6 {
		b.sweeps(10 * time.Second)
	}
	if n := reads(); n < 20 || n > 80 {
		t.Errorf("%d reads in an hour", n)
	}
	before := reads()
	for range 60 {
		b.sweeps(time.Minute)
	}
	if reads() != before {
		t.Error("still followed after an hour")
	}
	if c := b.onCard(asked); c.Status != cards.StatusUnknown || !strings.Contains(c.Summary, "within an hour") {
		t.Errorf("final card: %s %s", c.Status, c.Summary)
	}
	b.wantPosted("C_OPS", "within an hour", 2) // the card and the line in the thread
}

func TestAnalysisIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t, starting)
	asked := b.says("riley", "roi")
	b.clicks("sam", asked, "Approve")
	b.sweeps(3 * time.Second)
	if c := b.onCard(asked); c.Status != cards.StatusWorking {
		t.Errorf("card %s %s", c.Status, c.Summary)
	}
	for range 6 {
		b.sweeps(15 * time.Second)
	}
	c := b.onCard(asked)
	if c.Status != cards.StatusDone || !strings.Contains(c.Summary, "The analysis completed") || !strings.Contains(c.Summary, "Neo saved") {
		t.Errorf("card %s %s", c.Status, c.Summary)
	}
	b.wantPosted("C_OPS", "Asked for by Riley", 1)
	b.wantWrites(1)
}

// Test mode starts nothing, so nothing is followed.
func TestProgressTestMode(t *testing.T) {
	t.Parallel()
	b := newBench(t, starting, func(f *PolicyFile) { f.TestMode = true })
	asked := b.says("riley", "run")
	b.clicks("sam", asked, "Approve")
	b.sweeps(time.Minute)
	if c := b.onCard(asked); c.Status != cards.StatusDone || !strings.Contains(c.Summary, "not sent") {
		t.Errorf("card %s %s", c.Status, c.Summary)
	}
	b.wantWrites(0)
}
