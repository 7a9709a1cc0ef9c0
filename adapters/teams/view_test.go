package teams

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/adapters/teams/teamsfake"
	"neobot/cards"
)

// eyes draw everybody a card with his name; nobody may press anything on it.
type eyes struct {
	mu     sync.Mutex
	asked  []adapters.Click
	answer func(context.Context, adapters.Click) adapters.Answer
}

func (e *eyes) HandleView(ctx context.Context, c adapters.Click) adapters.Answer {
	e.mu.Lock()
	e.asked = append(e.asked, c)
	f := e.answer
	e.mu.Unlock()
	if f != nil {
		return f(ctx, c)
	}
	return adapters.Answer{Card: cards.Card{Title: "For " + c.User.Name}, Where: adapters.Shown}
}

func everybody(accounts ...string) *cards.Views {
	v := &cards.Views{ID: "r1"}
	for _, a := range accounts {
		v.For = append(v.For, string(home)+"/"+a)
	}
	return v
}

// withViews has alice ask; the card differs for these accounts.
func (r *rig) withViews(t *testing.T, conversation string, views *cards.Views) teamsfake.Message {
	t.Helper()
	card := approvalCard()
	card.Views = views
	ref, err := r.Post(t.Context(), "k", adapters.Destination{Workspace: home, Conversation: conversation}, card)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.fake.Messages(conversation) {
		if m.ID == ref.Message {
			return m
		}
	}
	t.Fatal("no message")
	return teamsfake.Message{}
}

func userIDs(m teamsfake.Message) []any {
	refresh, _ := m.Card["refresh"].(map[string]any)
	ids, _ := refresh["userIds"].([]any)
	return ids
}

// TestViewers: only people of this tenant the bot has met, in the given order,
// and in somebody's own chat only he.
func TestViewers(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Views = &eyes{} })
	accounts := everybody(bobID, "00000000-0000-0000-0000-00000000dead", aliceID)
	accounts.For = append(accounts.For, "slack:T1/U1", "teams:ffffffff-0000-0000-0000-000000000002/"+aliceID)
	r.fake.Say(guest, group, "hello") // the conversation is known
	if got := userIDs(r.withViews(t, group, accounts)); got != nil {
		t.Errorf("before anybody was met: %v", got)
	}
	r.fake.Say(alice, group, "hello")
	r.fake.Say(alice, personal, "hello")
	if diff := cmp.Diff([]any{alice}, userIDs(r.withViews(t, group, accounts))); diff != "" {
		t.Error(diff)
	}
	r.fake.Say(bob, bobChat, "hello")
	for conversation, want := range map[string][]any{group: {bob, alice}, personal: {alice}, bobChat: {bob}} {
		if diff := cmp.Diff(want, userIDs(r.withViews(t, conversation, accounts))); diff != "" {
			t.Errorf("%s: %s", conversation, diff)
		}
	}
	if got := r.withViews(t, group, nil); got.Card["refresh"] != nil {
		t.Error("a card without views refreshes")
	}
}

// TestView: a client that draws a card gets its person's, whatever the verb
// says, and that is no click.
func TestView(t *testing.T) {
	t.Parallel()
	e := &eyes{}
	r := newRig(t, func(c *Config) { c.Views = e })
	r.fake.Say(alice, group, "hello")
	r.fake.Say(bob, group, "hello")
	m := r.withViews(t, group, everybody(aliceID, bobID))
	for user, name := range map[string]string{alice: "For Alice", bob: "For Bob"} {
		got, asked := r.fake.Open(user, m.ID)
		if !asked || !strings.Contains(cardText(got.Card), name) {
			t.Errorf("%s sees %+v", user, got)
		}
	}
	if _, asked := r.fake.Open(guest, m.ID); asked {
		t.Error("the guest's client was told to ask")
	}
	approve := map[string]any{"verb": "approve", "data": map[string]any{"action": "approve", "id": "r1"}}
	if got := r.fake.Redraw(bob, m, approve); !strings.Contains(cardText(got.Card), "For Bob") {
		t.Errorf("automatic approve: %+v", got)
	}
	// "Refresh" in the message's menu is sent as manual, older clients say nothing.
	refresh, _ := m.Card["refresh"].(map[string]any)
	action, _ := refresh["action"].(map[string]any)
	if got := r.fake.Act(guest, m, action); !strings.Contains(cardText(got.Card), "For Guest") {
		t.Errorf("refresh by hand: %+v", got)
	}
	if n := len(r.brain.pressed()) + len(r.brain.forms); n != 0 {
		t.Errorf("%d clicks", n)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.asked {
		want := adapters.Ref{Workspace: home, Conversation: group, Message: m.ID}
		if c.Target != "r1" || c.Card != want || c.Action != "" || c.Inputs != nil || c.User.Trust != "" {
			t.Errorf("asked with %+v", c)
		}
	}
}

// TestViewNone: without a view the client keeps its card, in time.
func TestViewNone(t *testing.T) {
	t.Parallel()
	e := &eyes{answer: func(ctx context.Context, c adapters.Click) adapters.Answer {
		if c.Target == "slow" {
			<-ctx.Done()
		}
		return adapters.Answer{}
	}}
	with := newRig(t, func(c *Config) { c.Views = e })
	without := newRig(t)
	for name, tc := range map[string]struct {
		r    *rig
		data any
	}{
		"unknown": {with, map[string]any{"action": "view", "id": "r9"}}, "bad id": {with, map[string]any{"action": "view", "id": "../x"}},
		"no data": {with, nil}, "text": {with, "r1"}, "no views": {without, map[string]any{"action": "view", "id": "r1"}},
		"slow": {with, map[string]any{"action": "view", "id": "slow"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := teamsfake.Message{ID: "1700", Conversation: group}
			began := time.Now()
			got := tc.r.fake.Redraw(alice, m, map[string]any{"verb": "view", "data": tc.data})
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("answered after %s", took)
			}
			if got.Status != http.StatusOK || got.Card != nil || got.Body["statusCode"] != 400.0 {
				t.Errorf("answer %+v", got)
			}
		})
	}
}

// TestViewOfMany: a policy of any size asks for at most sixty views.
func TestViewOfMany(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Views = &eyes{} })
	var accounts []string
	for i := range 90 {
		id := strings.Repeat("0", 30) + string(rune('a'+i/26)) + string(rune('a'+i%26))
		accounts = append(accounts, id)
		if err := r.cfg.Refs.Save(t.Context(), home, Reference{}, Person{ID: id, MRI: "29:" + strings.Repeat("x", 110) + id, ServiceURL: r.fake.ServiceURL()}); err != nil {
			t.Fatal(err)
		}
	}
	r.fake.Say(alice, group, "hello")
	m := r.withViews(t, group, everybody(accounts...))
	if n := len(userIDs(m)); n != 60 {
		t.Errorf("%d viewers", n)
	}
	if len(teamsfake.Buttons(m.Card)) != 4 {
		t.Errorf("buttons %q", teamsfake.Buttons(m.Card))
	}
}

// TestOrphan: a card that was posted but never noted is put away for everybody
// as soon as one client draws it.
func TestOrphan(t *testing.T) {
	t.Parallel()
	note := cards.Card{Title: "Posted twice"}
	r := newRig(t, func(c *Config) {
		c.Views = &eyes{answer: func(_ context.Context, c adapters.Click) adapters.Answer {
			if c.Card.Message == "" {
				t.Error("no message named")
			}
			return adapters.Answer{Card: note, Where: adapters.Replace}
		}}
	})
	r.fake.Say(alice, group, "hello")
	m := r.withViews(t, group, everybody(aliceID))
	if got, _ := r.fake.Open(alice, m.ID); !strings.Contains(cardText(got.Card), note.Title) {
		t.Errorf("the viewer sees %+v", got)
	}
	r.fake.Await(group, func(ms []teamsfake.Message) bool {
		for _, x := range ms {
			if x.ID == m.ID && x.Edits == 1 && strings.Contains(cardText(x.Card), note.Title) && len(teamsfake.Buttons(x.Card)) == 0 {
				return true
			}
		}
		return false
	})
	if n := len(r.brain.pressed()); n != 0 {
		t.Errorf("%d clicks", n)
	}
}
