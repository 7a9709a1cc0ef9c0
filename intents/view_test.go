package intents

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
)

// sees is the buttons on a person's view of a request's card, nil without a view.
func (b *bench) sees(account string, answer adapters.Answer, card adapters.Ref) []string {
	b.t.Helper()
	before := b.record(answer)
	got := b.s.HandleView(b.t.Context(), adapters.Click{
		Workspace: card.Workspace, User: adapters.User{ID: account}, Conversation: adapters.Conversation{ID: card.Conversation},
		Card: card, ID: "v", Target: answer.Track,
	})
	if after := b.record(answer); after.Version != before.Version || after.State != before.State {
		b.t.Errorf("a view changed the request from %s to %s", before.State, after.State)
	}
	if got.Where == adapters.Nowhere {
		return nil
	}
	labels := []string{}
	for _, x := range got.Card.Buttons {
		labels = append(labels, x.Label)
	}
	return labels
}

// TestViews: everybody sees what he can press, and a view does nothing.
func TestViews(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{"disable": {Name: "disable_agent", Args: map[string]string{"agent": "Merge duplicates"}}}, func(f *PolicyFile) {
		f.Approvals.Rules[2].Quorum = 2
		f.People = append(f.People, PersonFile{Name: "Lee", Slack: SlackID{"T1", "U_LEE"}, Roles: []string{"lead"}})
	})
	asked := b.says("riley", "disable")
	card := b.copyOf(asked.Track)
	audit := len(b.audited())
	want := func(state string, buttons map[string][]string) {
		t.Helper()
		for who, labels := range buttons {
			if diff := cmp.Diff(labels, b.sees(who, asked, card)); diff != "" {
				t.Errorf("%s, %s: %s", state, who, diff)
			}
		}
	}
	decide, mine, none := []string{"Approve", "Reject"}, []string{"Withdraw"}, []string{}
	want("pending", map[string][]string{"U_RILEY": mine, "U_SAM": decide, "U_DANA": decide, "U_VIC": none, "U_NOBODY": none, "": none})
	if n := len(b.audited()); n != audit {
		t.Errorf("views left %d audit records", n-audit)
	}
	answer := b.clicks("sam", asked, "Approve")
	if answer.Where != adapters.Shown || len(answer.Card.Buttons) != 0 {
		t.Errorf("Sam, who has decided, is shown %+v", answer.Card.Buttons)
	}
	want("one of two", map[string][]string{"U_RILEY": mine, "U_SAM": none, "U_DANA": decide, "U_VIC": none})
	b.clicks("dana", asked, "Approve")
	b.wantWrites(1)
	final := []string{"Undo"}
	want("done", map[string][]string{"U_RILEY": final, "U_SAM": final, "U_DANA": final, "U_VIC": final, "U_NOBODY": final})
}

// TestViewRefused: an id alone opens nothing; the card must be one of the request.
func TestViewRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{"disable": {Name: "disable_agent", Args: map[string]string{"agent": "Merge duplicates"}}})
	asked := b.says("riley", "disable")
	card := b.copyOf(asked.Track)
	for name, change := range map[string]func(*adapters.Ref){
		"other message":      func(r *adapters.Ref) { r.Message = "12345" },
		"other conversation": func(r *adapters.Ref) { r.Conversation = "C_OTHER" },
		"other workspace":    func(r *adapters.Ref) { r.Workspace = "teams:tenant-1" },
	} {
		other := card
		change(&other)
		b.clock.Add(2 * time.Minute) // not young any more: no waiting for the note
		if got := b.sees("U_SAM", asked, other); got != nil {
			t.Errorf("%s: shown with %q", name, got)
		}
	}
	asked.Track = "no-such-request"
	if got := b.s.HandleView(t.Context(), adapters.Click{Workspace: home, Target: asked.Track, Card: card}); got.Where != adapters.Nowhere {
		t.Errorf("unknown request: %+v", got)
	}
}

// TestViewAccounts: the card names the Teams accounts of the policy, those who
// can act first, and nobody once it is final.
func TestViewAccounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{"disable": {Name: "disable_agent", Args: map[string]string{"agent": "Merge duplicates"}}}, func(f *PolicyFile) {
		var many []PersonFile
		for i := range 80 {
			many = append(many, PersonFile{Name: fmt.Sprint("P", i), Teams: TeamsID{"tenant-1", fmt.Sprint("aad-", i)}, Roles: []string{"viewer"}})
		}
		f.People = slices.Concat(many, f.People) // the approvers are last in the file
	})
	asked := b.says("riley", "disable")
	v := asked.Card.Views
	if v == nil || v.ID != asked.Track || len(v.For) != maxViewers {
		t.Fatalf("views %+v", v)
	}
	if diff := cmp.Diff([]string{"teams:tenant-1/aad-riley", "teams:tenant-1/aad-sam", "teams:tenant-1/aad-0"}, v.For[:3]); diff != "" {
		t.Error(diff)
	}
	done := b.clicks("sam", asked, "Approve")
	if done.Card.Views != nil {
		t.Errorf("final card has views %+v", done.Card.Views)
	}
}

// TestFeedbackRecorded: once, for people of the policy, without credentials.
func TestFeedbackRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{})
	say := func(user adapters.User, delivery string, like bool) {
		t.Helper()
		check(t, b.s.HandleFeedback(t.Context(), adapters.Feedback{
			Workspace: home, User: user, Conversation: channelOps, Message: "1700", Delivery: delivery, Like: like, Text: "use " + plantedToken,
		}))
	}
	say(member("riley"), "d1", true)
	say(member("riley"), "d1", true) // delivered again
	say(member("sam"), "d2", false)
	say(adapters.User{ID: "U_SAM", Trust: adapters.TrustGuest}, "d3", true)
	say(adapters.User{ID: "U_SAM"}, "d4", true)
	say(member("nobody"), "d5", true)
	if diff := cmp.Diff([]string{"feedback like", "feedback dislike"}, b.audited()); diff != "" {
		t.Error(diff)
	}
	var trail strings.Builder
	check(t, b.s.Audit.Export(t.Context(), string(home), &trail, time.Time{}))
	if !strings.Contains(trail.String(), "1700") || strings.Contains(trail.String(), plantedToken) {
		t.Errorf("trail:\n%s", trail.String())
	}
}

// routedBy picks one intent, as one of the routers.
type routedBy struct {
	by     string
	intent Intent
}

func (r routedBy) Route(context.Context, Question) (Routed, error) {
	return Routed{Intent: r.intent, By: r.by}, nil
}

// TestRated: thumbs where a model chose the answer, never on an approval.
func TestRated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		by     string
		intent Intent
		want   bool
	}{
		"model":    {ByModel, Intent{Name: "list_agents"}, true},
		"built in": {ByBuiltIn, Intent{Name: "list_agents"}, false},
		"approval": {ByModel, Intent{Name: "disable_agent", Args: map[string]string{"agent": "Merge duplicates"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, routedBy{tc.by, tc.intent})
			if got := b.says("riley", "x").Card.Rated; got != tc.want {
				t.Errorf("rated %v", got)
			}
		})
	}
}

// TestDoubledCard: the process died between posting a card and noting it, so it
// was posted again. The forgotten one decides nothing and is put away, whether
// somebody looks at it or presses on it; without a second try nothing is.
func TestDoubledCard(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{true, false} {
		b := newBench(t, scripted{"disable": {Name: "disable_agent", Args: map[string]string{"agent": "Merge duplicates"}}})
		b.screen.again = again
		asked := b.says("riley", "disable")
		known := b.copyOf(asked.Track)
		forgotten := known
		forgotten.Message, forgotten.Again = "forgotten", false
		b.clock.Add(2 * time.Minute) // not young any more: no waiting for the note
		look := func(card adapters.Ref) adapters.Answer {
			return b.s.HandleView(t.Context(), adapters.Click{Workspace: home, User: member("sam"), Card: card, Target: asked.Track})
		}
		press := button(t, asked.Card, "Approve")
		click := adapters.Click{
			Workspace: home, User: member("sam"), Conversation: channelOps, ID: "c-forgotten",
			Card: forgotten, Action: press.Action, Target: press.ID, At: b.clock.Now(),
		}
		answer, err := b.s.HandleClick(t.Context(), click)
		check(t, err)
		if again {
			b.wantCard(answer, adapters.Replace, cards.StatusExpired, "Posted twice")
			b.wantCard(look(forgotten), adapters.Replace, cards.StatusExpired, "Posted twice")
		} else {
			b.wantCard(answer, adapters.Private, cards.StatusRefused, "not a card of that request")
			if got := look(forgotten); got.Where != adapters.Nowhere {
				t.Errorf("a foreign card is shown %+v", got)
			}
		}
		elsewhere := forgotten
		elsewhere.Conversation = "C_OTHER"
		if got := look(elsewhere); got.Where != adapters.Nowhere {
			t.Errorf("again %v: a card elsewhere is shown %+v", again, got)
		}
		b.wantWrites(0)
		if rec := b.record(asked); rec.State != approvals.Pending || len(rec.Decisions) != 0 {
			t.Errorf("again %v: %s, %+v", again, rec.State, rec.Decisions)
		}
		click.Card, click.ID = known, "c-known"
		_, err = b.s.HandleClick(t.Context(), click)
		check(t, err)
		b.wantWrites(1)
	}
}

// TestLateClicksDrawOnce: many late clicks do not edit the cards again and again.
func TestLateClicksDrawOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{"disable": {Name: "disable_agent", Args: map[string]string{"agent": "Merge duplicates"}}})
	asked := b.says("riley", "disable")
	press, card := button(t, asked.Card, "Approve"), b.copyOf(asked.Track)
	late := func() {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				_, err := b.s.HandleClick(t.Context(), adapters.Click{
					Workspace: home, User: member("dana"), Conversation: channelOps, ID: fmt.Sprint("late", i),
					Card: card, Action: press.Action, Target: press.ID, At: b.clock.Now(),
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	b.screen.breaks(errBroken)
	b.clicks("sam", asked, "Approve")
	b.wantWrites(1)
	rec := b.record(asked)
	if rec.Drawn >= rec.Version {
		t.Fatal("drawn on a broken screen")
	}
	b.screen.breaks(nil)
	before := b.screen.edited()
	unlock, _ := b.s.drawing.lock(rec.ID) // all of these find the card undrawn
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { b.s.redraw(t.Context(), rec) })
	}
	for b.s.drawing.waiting(rec.ID) < 21 {
		runtime.Gosched()
	}
	unlock()
	wg.Wait()
	if n := b.screen.edited() - before; n != len(rec.Copies) {
		t.Errorf("twenty redraws of %d copies edited %d times", len(rec.Copies), n)
	}
	before = b.screen.edited()
	late()
	if n := b.screen.edited() - before; n != 0 {
		t.Errorf("fifty late clicks edited cards %d times", n)
	}
}

// waiting counts who draws a request's cards, or waits for it.
func (d *drawLocks) waiting(id approvals.ID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.held[id]; l != nil {
		return l.users
	}
	return 0
}
