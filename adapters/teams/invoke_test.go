package teams

import (
	"context"
	"errors"
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

// TestApprove: the clicker sees the new card in the answer, everybody after.
func TestApprove(t *testing.T) {
	t.Parallel()
	for _, conversation := range []string{personal, group, channel + threadMark + "1699"} {
		t.Run(conversation, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			m := r.ask(conversation)
			got := r.fake.Press(bob, m.ID, "Approve")
			if got.Status != http.StatusOK || cardText(got.Card) == "" {
				t.Fatalf("answer %+v", got)
			}
			r.fake.Await(base(conversation), func(ms []teamsfake.Message) bool { return ms[0].Edits == 1 })
			clicks := r.brain.pressed()
			if len(clicks) != 1 {
				t.Fatalf("%d clicks", len(clicks))
			}
			c := clicks[0]
			if c.Action != cards.ActionApprove || c.Target != "r1" || c.User.ID != bobID || c.Inputs != nil {
				t.Errorf("click %+v", c)
			}
			if base(conversation) != personal && c.User.Trust != adapters.TrustMember {
				t.Errorf("trust %q", c.User.Trust)
			}
			// Binding: the click names the very message that was tracked.
			if diff := cmp.Diff(r.brain.posted["r1"][0], c.Card); diff != "" {
				t.Errorf("card (-posted +clicked):\n%s", diff)
			}
		})
	}
}

// TestOldClient: Action.Submit comes as a message with a value.
func TestOldClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.ask(group)
	if got := r.fake.OldClient(bob, m.ID, "Approve"); got.Status != http.StatusOK {
		t.Fatalf("status %d", got.Status)
	}
	r.fake.Await(group, func(ms []teamsfake.Message) bool { return ms[0].Edits == 1 })
	if c := r.brain.pressed(); len(c) != 1 || c[0].Action != cards.ActionApprove || c[0].Card.Message != m.ID {
		t.Errorf("clicks %+v", c)
	}
	if n := len(r.brain.heard()); n != 1 {
		t.Errorf("%d messages, want only the question", n)
	}
}

// TestPlaces: where an answer goes decides how the click is answered.
func TestPlaces(t *testing.T) {
	t.Parallel()
	short := cards.Card{Title: "You cannot decide this", Status: cards.StatusRefused, Summary: "Bob can."}
	long := cards.Card{Title: "Runs", Body: []cards.Block{{Text: "secret"}}}
	for name, tc := range map[string]struct {
		answer  adapters.Answer
		text    string
		card    bool
		edits   int
		private int // messages in alice's own chat
		here    int // messages in the group
	}{
		"shown":         {adapters.Answer{Card: short, Where: adapters.Shown}, "", true, 0, 0, 1},
		"replace":       {adapters.Answer{Card: short, Where: adapters.Replace}, "", true, 1, 0, 1},
		"reply":         {adapters.Answer{Card: short, Where: adapters.Reply}, "Answered in the conversation.", false, 0, 0, 2},
		"private short": {adapters.Answer{Card: short, Where: adapters.Private}, "You cannot decide this", false, 0, 0, 1},
		"private long":  {adapters.Answer{Card: long, Where: adapters.Private}, "I answered you in our own chat.", false, 0, 1, 1},
		"nowhere":       {adapters.Answer{}, "Noted.", false, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			m := r.ask(group)
			r.brain.mu.Lock()
			r.brain.onClick = func(adapters.Click) adapters.Answer { return tc.answer }
			r.brain.mu.Unlock()
			got := r.fake.Press(alice, m.ID, "Approve")
			if !strings.Contains(got.Text, tc.text) || (got.Card != nil) != tc.card {
				t.Errorf("answer %+v", got)
			}
			r.fake.Await(group, func(ms []teamsfake.Message) bool { return len(ms) == tc.here && ms[0].Edits == tc.edits })
			if n := len(r.fake.Messages(personal)); n != tc.private {
				t.Errorf("%d private messages, want %d", n, tc.private)
			}
			for _, ms := range r.fake.Messages(group) {
				if strings.Contains(cardText(ms.Card), "secret") {
					t.Error("a private answer is in the group")
				}
			}
		})
	}
}

// TestSlowAnswer: a sentence in time; the outcome follows by itself.
func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.ask(group)
	release := make(chan struct{})
	r.brain.mu.Lock()
	r.brain.onClick = func(adapters.Click) adapters.Answer {
		<-release
		return adapters.Answer{Card: cards.Card{Title: "Done at last"}, Where: adapters.Replace}
	}
	r.brain.mu.Unlock()
	began := time.Now()
	got := r.fake.Press(bob, m.ID, "Approve")
	took := time.Since(began)
	if got.Status != http.StatusOK || !strings.Contains(got.Text, "Working on it") || took > 3*time.Second {
		t.Errorf("after %s: %+v", took, got)
	}
	close(release)
	r.fake.Await(group, func(ms []teamsfake.Message) bool { return strings.Contains(cardText(ms[0].Card), "Done at last") })
}

// TestParallelClicks: fifty deliveries of one click are one click; fifty clicks
// are fifty answers.
func TestParallelClicks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.ask(group)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got := r.fake.PressSeen(bob, m, "Approve"); got.Status != http.StatusOK || got.Card == nil && got.Text == "" {
				t.Errorf("%+v", got)
			}
		})
	}
	wg.Wait()
	act := r.fake.With(bob, group, map[string]any{
		"type": "invoke", "name": "adaptiveCard/action", "replyToId": m.ID,
		"value": map[string]any{"action": map[string]any{"verb": "approve", "data": map[string]any{"action": "approve", "id": "r1"}}},
	})
	for range 10 {
		wg.Go(func() {
			if got := r.fake.Deliver(act); got.Status != http.StatusOK || got.Body["type"] != cards.AdaptiveCardType {
				t.Errorf("redelivered click: %+v", got)
			}
		})
	}
	wg.Wait()
	if n := len(r.brain.pressed()); n != 51 {
		t.Errorf("%d clicks handled, want 51", n)
	}
}

// TestForgedClicks: nothing but a choice and an id gets through.
func TestForgedClicks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	execute := func(verb string, data any, more map[string]any) map[string]any {
		v := map[string]any{"action": map[string]any{"type": "Action.Execute", "verb": verb, "data": data}}
		return r.fake.With(alice, group, map[string]any{"type": "invoke", "name": "adaptiveCard/action", "value": change(v, more)})
	}
	good := map[string]any{"action": "approve", "id": "r1"}
	for name, act := range map[string]map[string]any{
		"unknown action":        execute("delete_all", map[string]any{"action": "delete_all", "id": "r1"}, nil),
		"verb and action apart": execute("approve", map[string]any{"action": "withdraw", "id": "r1"}, nil),
		"id is an object":       execute("approve", map[string]any{"action": "approve", "id": map[string]any{"$ne": 1}}, nil),
		"id with a path":        execute("approve", map[string]any{"action": "approve", "id": "../../x"}, nil),
		"no data":               execute("approve", nil, nil),
		"data is text":          execute("approve", "approve r1", nil),
		"data is a list":        execute("approve", []any{good}, nil),
		"value is text":         r.fake.With(alice, group, map[string]any{"type": "invoke", "name": "adaptiveCard/action", "value": "x"}),
		"value missing":         r.fake.With(alice, group, map[string]any{"type": "invoke", "name": "adaptiveCard/action"}),
		"automatic":             execute("approve", good, map[string]any{"trigger": "automatic"}),
		"submit of nonsense":    r.fake.With(alice, group, map[string]any{"type": "message", "value": map[string]any{"act": "deny"}}),
		"submit of text":        r.fake.With(alice, group, map[string]any{"type": "message", "value": "approve"}),
		"dialog for approve":    r.fake.With(alice, group, map[string]any{"type": "invoke", "name": "task/fetch", "value": map[string]any{"data": good}}),
		"submit for approve":    r.fake.With(alice, group, map[string]any{"type": "invoke", "name": "task/submit", "value": map[string]any{"data": good}}),
		"dialog without data":   r.fake.With(alice, group, map[string]any{"type": "invoke", "name": "task/fetch"}),
		"foreign tenant": change(execute("approve", good, nil), map[string]any{
			"conversation": map[string]any{"id": group, "conversationType": "groupChat", "tenantId": "ffffffff-0000-0000-0000-000000000002"},
		}),
	} {
		if got := r.fake.Deliver(act); got.Status != http.StatusOK {
			t.Errorf("%s: %d", name, got.Status)
		} else if act["type"] == "invoke" && len(got.Body) == 0 {
			t.Errorf("%s: no visible answer", name)
		}
	}
	if n := len(r.brain.pressed()) + len(r.brain.forms); n != 0 {
		t.Errorf("%d forged clicks handled", n)
	}
}

func reasonForm(c adapters.Click) (*cards.Form, adapters.Answer) {
	return &cards.Form{
		Title: "Reject", Submit: "Reject", Action: c.Action, ID: c.Target,
		Inputs: []cards.Input{{Name: "reason", Label: "Reason", Kind: cards.InputMultiline}},
	}, adapters.Answer{}
}

// TestDialog: fetch, fill in, submit.
func TestDialog(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.ask(channel + threadMark + "77")
	r.brain.mu.Lock()
	r.brain.onForm = reasonForm
	r.brain.onClick = func(c adapters.Click) adapters.Answer {
		if c.Inputs["reason"] == "" {
			return adapters.Answer{Card: cards.Card{Title: "A reason is needed", Buttons: approvalCard().Buttons}, Where: adapters.Private}
		}
		return adapters.Answer{Card: cards.Card{Title: "Rejected"}, Where: adapters.Shown}
	}
	r.brain.mu.Unlock()
	dialog := r.fake.Press(bob, m.ID, "Reject")
	if dialog.Dialog["title"] != "Reject" {
		t.Fatalf("dialog %+v", dialog)
	}
	if f := r.brain.forms; len(f) != 1 || f[0].User.Trust != adapters.TrustMember || f[0].User.ID != bobID || f[0].Target != "r1" {
		t.Errorf("form asked with %+v", f)
	}
	empty := r.fake.Submit(bob, m.Conversation, dialog, map[string]any{"in.reason": ""})
	attachment, _ := empty.Dialog["card"].(map[string]any)
	content, _ := attachment["content"].(map[string]any)
	if !strings.Contains(cardText(content), "A reason is needed") || teamsHasAction(content) {
		t.Errorf("answer to an empty reason: %+v", empty)
	}
	done := r.fake.Submit(bob, m.Conversation, dialog, map[string]any{"in.reason": "not today"})
	if done.Status != http.StatusOK || done.Dialog != nil || done.Text != "" {
		t.Errorf("answer to a good reason must close the dialog: %+v", done)
	}
	clicks := r.brain.pressed()
	last := clicks[len(clicks)-1]
	if diff := cmp.Diff(map[string]string{"reason": "not today"}, last.Inputs); diff != "" || last.Action != cards.ActionReject {
		t.Errorf("click %+v\n%s", last, diff)
	}
	if last.Card != (adapters.Ref{}) {
		t.Errorf("a dialog names a message: %+v", last.Card)
	}
	// Inputs of the wrong shape, or named like the action's own data, are refused.
	before := len(r.brain.pressed())
	for _, in := range []map[string]any{
		{"in.reason": 7}, {"in.reason": map[string]any{}}, {"in.id": "x"}, {"in.action": "approve"}, {"id": "../x"}, {"action": "approve"},
	} {
		if got := r.fake.Submit(bob, m.Conversation, dialog, in); got.Text == "" {
			t.Errorf("%v: %+v", in, got)
		}
	}
	if n := len(r.brain.pressed()); n != before {
		t.Errorf("%d forged submits handled", n-before)
	}
}

func teamsHasAction(card map[string]any) bool {
	list, _ := card["actions"].([]any)
	return len(list) > 0 || strings.Contains(strings.Join(keysOf(card), " "), "Action.")
}

func keysOf(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, c := range v {
			out = append(out, keysOf(c)...)
		}
	case []any:
		for _, c := range v {
			out = append(out, keysOf(c)...)
		}
	case string:
		out = append(out, v)
	}
	return out
}

// TestFeedback is told, once with who it is, and nobody else hears of it.
func TestFeedback(t *testing.T) {
	t.Parallel()
	var got []adapters.Feedback
	var fault error
	r := newRig(t, func(c *Config) {
		c.FeedbackFunc = func(_ context.Context, f adapters.Feedback) error {
			got = append(got, f)
			return fault
		}
	})
	value := func(user string, v map[string]any) map[string]any {
		return r.fake.With(user, group, map[string]any{"type": "invoke", "name": "message/submitAction", "id": "f1", "replyToId": "1700", "value": v})
	}
	like := map[string]any{"actionName": "feedback", "actionValue": map[string]any{"reaction": "like", "feedback": `{"feedbackText":"great"}`}}
	for _, act := range []map[string]any{
		value(alice, like),
		value(guest, map[string]any{"actionName": "feedback", "actionValue": map[string]any{"reaction": "dislike"}}),
		value(alice, map[string]any{"actionName": "feedback", "actionValue": map[string]any{"reaction": "love"}}),
		value(alice, map[string]any{"actionName": "other"}),
		value(alice, map[string]any{"actionName": map[string]any{}}),
	} {
		if a := r.fake.Deliver(act); a.Status != http.StatusOK || a.Body == nil {
			t.Errorf("feedback answered with %+v", a)
		}
	}
	place := adapters.Conversation{ID: group, Kind: adapters.Group, Sharing: adapters.SharingInternal}
	want := []adapters.Feedback{
		{
			Workspace: home, User: adapters.User{ID: aliceID, Home: tenant, Name: "Alice", Trust: adapters.TrustMember},
			Conversation: place, Message: "1700", Delivery: group + "/f1", Like: true, Text: "great",
		},
		{
			Workspace: home, User: adapters.User{ID: "00000000-0000-0000-0000-0000000000c1", Home: tenant, Name: "Guest", Trust: adapters.TrustGuest},
			Conversation: place, Message: "1700", Delivery: group + "/f1",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(r.brain.heard())+len(r.brain.pressed()) != 0 {
		t.Error("feedback was handled as a question")
	}
	fault = errors.New("no store")
	if a := r.fake.Deliver(value(alice, like)); a.Status != http.StatusServiceUnavailable {
		t.Errorf("feedback that was not recorded is answered with %d", a.Status)
	}
}
