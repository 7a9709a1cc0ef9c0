package intents

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

var disable = scripted{
	"off":    {Name: intentDisable, Args: map[string]string{"agent": "merge duplicates"}},
	"agents": {Name: "list_agents"},
	"run":    {Name: intentRun, Args: map[string]string{"agent": "license audit"}},
	"triage": {Name: intentDisable, Args: map[string]string{"agent": "triage"}},
	"help":   {Name: intentHelp},
	"failed": {Name: intentListRuns, Args: map[string]string{"status": "failed"}},
	"may":    {Name: "my_permissions"},
	"list":   {Name: "list_approvals"},
	"bug":    {Name: intentEscalate, Args: map[string]string{"about": "dispatch ignores shifts, password: hunter2"}},
}

const merge = "Merge duplicates"

// The main story: asked, approved by somebody else, done, shown, undone.
func TestApproveAndUndo(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.wantCard(asked, adapters.Reply, cards.StatusPending, "ENABLED")
	b.wantWrites(0)
	done := b.clicks("sam", asked, "Approve")
	b.wantCard(done, adapters.Shown, cards.StatusDone, "Approved by Sam")
	b.wantWrites(1)
	if got := b.state(merge); got != "DISABLED" {
		t.Fatalf("state in Neo is %s", got)
	}
	for _, c := range b.screen.all(merge) {
		if c.Status != cards.StatusDone || slices.ContainsFunc(c.Buttons, func(x cards.Button) bool { return x.Action == cards.ActionApprove }) {
			t.Errorf("a copy still shows %q with buttons %v", c.Status, c.Buttons)
		}
	}
	undo := b.clicks("riley", done, "Undo")
	b.wantCard(undo, adapters.Reply, cards.StatusPending, "DISABLED")
	b.wantCard(b.clicks("dana", undo, "Approve"), adapters.Shown, cards.StatusDone, "Approved by Dana")
	if got := b.state(merge); got != "ENABLED" {
		t.Fatalf("after undo the state in Neo is %s", got)
	}
	want := []string{"plan ", "question ", "decision approve", "write ", "result done"}
	if got := b.audited(); !slices.Equal(got[:5], want) {
		t.Errorf("audit has %q, want %q first", got, want)
	}
}

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	outsider := adapters.User{ID: "U_SAM", Home: "T9", Trust: adapters.TrustOutsider}
	for name, tc := range map[string]struct {
		user   adapters.User
		action cards.Action
		text   string
	}{
		"requester":  {member("riley"), cards.ActionApprove, "Dana or Sam"},
		"viewer":     {member("vic"), cards.ActionApprove, "These people can"},
		"stranger":   {member("eve"), cards.ActionApprove, "not in this bot's list"},
		"outsider":   {outsider, cards.ActionApprove, "another organisation"},
		"unverified": {adapters.User{ID: "U_SAM"}, cards.ActionApprove, "could not check"},
		"withdraw":   {member("sam"), cards.ActionWithdraw, "Only Riley can withdraw"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, disable)
			asked := b.says("riley", "off")
			answer, err := b.s.HandleClick(t.Context(), adapters.Click{
				Workspace: home, User: tc.user, Conversation: channelOps, ID: "c1", Action: tc.action, Target: asked.Track, Card: b.copyOf(asked.Track),
			})
			check(t, err)
			b.wantCard(answer, adapters.Private, cards.StatusRefused, strings.ReplaceAll(tc.text, "Dana or Sam", "Sam or Dana"))
			b.wantWrites(0)
			if got := b.audited(); !strings.HasPrefix(got[len(got)-1], "refusal") {
				t.Errorf("the refusal is not audited: %q", got)
			}
			if rec := b.record(asked); rec.State != approvals.Pending || len(rec.Decisions) != 0 {
				t.Errorf("the request is %s with %d decisions", rec.State, len(rec.Decisions))
			}
		})
	}
}

func TestFiftyClicksOneWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	ref := b.copyOf(asked.Track)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			who := []string{"sam", "dana"}[i%2]
			_, err := b.s.HandleClick(t.Context(), adapters.Click{
				Workspace: home, User: member(who), Conversation: channelOps, ID: fmt.Sprint("x", i), Action: cards.ActionApprove, Target: asked.Track, Card: ref,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b.wantWrites(1)
	if rec := b.record(asked); rec.State != approvals.Done || len(rec.Decisions) != 1 {
		t.Fatalf("state %s with %d decisions", rec.State, len(rec.Decisions))
	}
}

func TestClickFromAnotherMessage(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	answer, err := b.s.HandleClick(t.Context(), adapters.Click{
		Workspace: home, User: member("sam"), Conversation: channelOps, ID: "c1", Action: cards.ActionApprove, Target: asked.Track,
		Card: adapters.Ref{Workspace: home, Conversation: channelOps.ID, Message: "999.9"},
	})
	check(t, err)
	b.wantCard(answer, adapters.Private, cards.StatusRefused, "not a card of that request")
	b.wantWrites(0)
}

func TestRejectNeedsReason(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	press := button(t, asked.Card, "Reject")
	form, _ := b.s.HandleForm(t.Context(), adapters.Click{
		Workspace: home, User: member("sam"), Conversation: channelOps, ID: "f1", Action: press.Action, Target: press.ID, Card: b.copyOf(press.ID),
	})
	if form == nil || form.Inputs[0].Name != "reason" || form.ID != asked.Track {
		t.Fatalf("form is %+v", form)
	}
	b.wantCard(b.press("sam", press, map[string]string{"reason": "  "}), adapters.Private, cards.StatusRefused, "reason is needed")
	b.wantCard(b.press("sam", press, map[string]string{"reason": "not during the audit"}), adapters.Shown, cards.StatusRejected, "not during the audit")
	b.wantCard(b.clicks("dana", asked, "Approve"), adapters.Private, cards.StatusRefused, "Rejected by Sam")
	b.wantWrites(0)
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.clock.Add(9 * time.Hour)
	b.wantCard(b.clicks("sam", asked, "Approve"), adapters.Private, cards.StatusRefused, "expired")
	check(t, b.s.Sweep(t.Context()))
	b.wantWrites(0)
	var card cards.Card // there is also the line that tells the requester
	for _, got := range b.screen.all(merge) {
		if got.Status != cards.StatusExpired {
			t.Errorf("card shows %q", got.Status)
		}
		if len(got.Buttons) > 0 {
			card = got
		}
	}
	again := b.clicks("riley", adapters.Answer{Card: card}, "Plan again")
	b.wantCard(again, adapters.Reply, cards.StatusPending, "ENABLED")
}

func TestSweepExpiresUnclicked(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.clock.Add(8*time.Hour + time.Second)
	check(t, b.s.Sweep(t.Context()))
	if rec := b.record(asked); rec.State != approvals.Expired {
		t.Fatalf("state %s", rec.State)
	}
}

func TestChangedSince(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.neo.Mutate(func(s *sandbox.State) {
		for a := range s.Agents.All() {
			if a.Name == merge {
				a.State = "PAUSED"
			}
		}
	})
	answer := b.clicks("sam", asked, "Approve")
	b.wantCard(answer, adapters.Shown, cards.StatusFailed, "changed since the card was shown")
	button(t, answer.Card, "Plan again")
	b.wantWrites(0)
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  sandbox.Fault
		status cards.Status
		writes int
		state  string
	}{
		"500 after applying":       {sandbox.Fault{Op: "update_agent", Status: 500, AfterApply: true}, cards.StatusDone, 1, "DISABLED"},
		"dropped after applying":   {sandbox.Fault{Op: "update_agent", DropReply: true, AfterApply: true}, cards.StatusDone, 1, "DISABLED"},
		"500 once before applying": {sandbox.Fault{Op: "update_agent", Status: 500}, cards.StatusDone, 2, "DISABLED"},
		"500 twice":                {sandbox.Fault{Op: "update_agent", Status: 500, Times: 2}, cards.StatusFailed, 2, "ENABLED"},
		"conflict":                 {sandbox.Fault{Op: "update_agent", Status: 409, Code: "agent_update_conflict"}, cards.StatusFailed, 1, "ENABLED"},
		"forbidden":                {sandbox.Fault{Op: "update_agent", Status: 403}, cards.StatusFailed, 1, "ENABLED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, disable)
			asked := b.says("riley", "off")
			b.neo.Fail(tc.fault)
			answer := b.clicks("sam", asked, "Approve")
			b.wantCard(answer, adapters.Shown, tc.status, "Approved by Sam")
			b.wantWrites(tc.writes)
			if got := b.state(merge); got != tc.state {
				t.Errorf("state in Neo is %s, want %s", got, tc.state)
			}
		})
	}
}

func TestRunNowIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "run")
	b.neo.Fail(sandbox.Fault{Op: "run_agent_now", DropReply: true, AfterApply: true})
	b.wantCard(b.clicks("sam", asked, "Approve"), adapters.Shown, cards.StatusUnknown, "it may be this one")
	b.clock.Add(time.Hour)
	check(t, b.s.Sweep(t.Context()))
	b.wantWrites(1)
}

// The process dies after the grant was minted: nobody knows whether the write
// was sent. The sweep reads the target back.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ask    string
		sent   bool
		state  approvals.State
		writes int
	}{
		"before the write":         {"off", false, approvals.Done, 1},
		"after the write":          {"off", true, approvals.Done, 0},
		"run now, nobody can tell": {"run", false, approvals.Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, disable)
			asked := b.says("riley", tc.ask)
			rec := b.record(asked)
			rec, err := b.s.Store.Decide(t.Context(), rec.Workspace, rec.ID, approvals.DecideArgs{Quorum: 1, Decision: approvals.Decision{
				Person: "Sam", Choice: approvals.Approve, At: b.clock.Now(), Workspace: string(home), User: "U_SAM", Home: "T1", Delivery: "c9",
			}})
			check(t, err)
			_, _, err = b.s.Store.Redeem(t.Context(), rec.Workspace, rec.ID, rec.Digest)
			check(t, err)
			if tc.sent {
				b.neo.Mutate(func(s *sandbox.State) {
					for a := range s.Agents.All() {
						if a.Name == merge {
							a.State = "DISABLED"
						}
					}
				})
			}
			check(t, b.s.Sweep(t.Context()))
			b.wantWrites(0) // the lease is alive: hands off
			b.clock.Add(2 * time.Minute)
			check(t, b.s.Sweep(t.Context()))
			b.wantWrites(tc.writes)
			if got := b.record(asked).State; got != tc.state {
				t.Errorf("state %s, want %s", got, tc.state)
			}
		})
	}
}

// The process dies between the decision and the execution.
func TestApprovedIsExecutedAfterRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.decided(asked)
	b.clock.Add(2 * time.Minute)
	check(t, b.s.Sweep(t.Context()))
	check(t, b.s.Sweep(t.Context()))
	b.wantWrites(1)
	if got := b.record(asked).State; got != approvals.Done {
		t.Fatalf("state %s", got)
	}
}

func TestCardsAreRedrawnAfterFault(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.screen.fail = errBroken
	b.clicks("sam", asked, "Approve")
	b.screen.fail = nil
	if got := b.screen.all(merge)[0].Status; got != cards.StatusPending {
		t.Fatalf("card shows %q already", got)
	}
	b.clock.Add(2 * time.Minute)
	check(t, b.s.Sweep(t.Context()))
	for _, c := range b.screen.all(merge) {
		if c.Status != cards.StatusDone {
			t.Errorf("a copy shows %q", c.Status)
		}
	}
	b.wantWrites(1)
}

func TestTestMode(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable, func(f *PolicyFile) { f.TestMode = true })
	asked := b.says("riley", "off")
	if !asked.Card.TestMode {
		t.Error("the card is not marked")
	}
	b.wantCard(b.clicks("sam", asked, "Approve"), adapters.Shown, cards.StatusDone, "PUT")
	b.wantWrites(0)
}

// What is allowed when planned must still be allowed when executed.
func TestAmbiguousNameAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "triage")
	b.wantCard(asked, adapters.Reply, cards.StatusQuestion, "any of these")
	other := b.clicks("sam", asked, "Ticket triage")
	b.wantCard(other, adapters.Private, cards.StatusRefused, "Riley's")
	picked := b.clicks("riley", asked, "Ticket triage")
	b.wantCard(picked, adapters.Reply, cards.StatusPending, "Ticket triage")
	b.wantWrites(0)
}

func TestRedeliveryIsOneRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	m := adapters.Message{Workspace: home, User: member("riley"), Conversation: channelOps, Thread: "t", Text: "off", ID: "same"}
	first, err := b.s.HandleMessage(t.Context(), m)
	check(t, err)
	second, err := b.s.HandleMessage(t.Context(), m)
	check(t, err)
	if first.Track == "" || first.Track != second.Track {
		t.Fatalf("requests %q and %q", first.Track, second.Track)
	}
}

func TestRedisDown(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	b.redis.SetError("LOADING")
	_, err := b.s.HandleMessage(t.Context(), adapters.Message{Workspace: home, User: member("riley"), Conversation: channelOps, Text: "off", ID: "m"})
	b.redis.SetError("")
	if err == nil {
		t.Fatal("a delivery was answered although nothing could be recorded")
	}
	b.wantWrites(0)
}

func TestEscalation(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	b.says("riley", "failed")
	asked := b.says("riley", "bug")
	b.wantCard(asked, adapters.Private, cards.StatusQuestion, "leave your company")
	if strings.Contains(cards.Text(asked.Card, 100), "hunter2") {
		t.Error("the preview shows a password")
	}
	press := button(t, asked.Card, "Review and send")
	form, _ := b.s.HandleForm(t.Context(), adapters.Click{Workspace: home, User: member("riley"), Conversation: channelOps, ID: "f", Action: press.Action, Target: press.ID})
	if form == nil || !strings.Contains(form.Inputs[1].Value, "From the conversation") {
		t.Fatalf("form is %+v", form)
	}
	b.wantWrites(0)
	done := b.press("riley", press, map[string]string{"summary": "Dispatch ignores shifts", "details": "It did again. token=abc123"})
	b.wantCard(done, adapters.Reply, cards.StatusDone, "is open with the Neo team")
	b.wantWrites(1)
	if body := string(b.writes()[0].Body); strings.Contains(body, "abc123") {
		t.Errorf("a secret left: %s", body)
	}
	if len(done.Card.Links) != 1 {
		t.Errorf("links are %+v", done.Card.Links)
	}
}

func TestPendingListIsMine(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	b.says("riley", "off")
	b.wantCard(b.says("sam", "list"), adapters.Reply, cards.StatusNone, "1 for you")
	b.wantCard(b.says("riley", "list"), adapters.Reply, cards.StatusNone, "0 for you")
	b.wantCard(b.says("vic", "list"), adapters.Reply, cards.StatusNone, "Nothing waits")
	review := b.clicks("sam", b.says("sam", "list"), "Review")
	b.wantCard(review, adapters.Reply, cards.StatusPending, merge)
}
