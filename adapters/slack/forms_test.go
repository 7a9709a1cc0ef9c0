package slack

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/adapters/slack/slackfake"
	"neobot/cards"
)

func form() *cards.Form {
	return &cards.Form{Title: "Reject", Submit: "Reject", Action: cards.ActionReject, ID: "req-1", Inputs: []cards.Input{
		{Name: "reason", Label: "Why?", Kind: cards.InputMultiline, Max: 20},
		{Name: "how", Label: "How?", Kind: cards.InputSelect, Optional: true, Options: []cards.Option{{Label: "Softly", Value: "soft"}}},
	}}
}

func TestForm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = button(cards.ActionReject)
	r.brain.form = func(_ context.Context, c adapters.Click) (*cards.Form, adapters.Answer) {
		if c.User.Trust != adapters.TrustMember || c.Trigger == "" {
			t.Errorf("form click %+v", c)
		}
		return form(), adapters.Answer{}
	}
	clicks := make(chan adapters.Click, 5)
	r.brain.click = func(_ context.Context, c adapters.Click) (adapters.Answer, error) {
		clicks <- c
		return adapters.Answer{Where: adapters.Reply, Card: cards.Card{Summary: "Rejected: " + c.Inputs["reason"]}}, nil
	}
	ts := r.mention("U1", "C1", "", "x")
	r.until("the card", func() bool { return len(r.fake.Posts("C1")) == 1 })
	press, err := r.fake.Press("U2", "C1", r.fake.Posts("C1")[0].TS, "Go")
	r.must(err)
	r.send(press)
	if len(r.fake.Modals()) != 1 {
		t.Fatal("no modal")
	}
	v := r.fake.Modals()[0]
	for _, bad := range []struct {
		inputs map[string]string
		block  string
	}{
		{map[string]string{}, "reason"},
		{map[string]string{"reason": " \n"}, "reason"},
		{map[string]string{"reason": strings.Repeat("é", 21)}, "reason"},
		{map[string]string{"reason": "ok", "how": "hard"}, "how"},
	} {
		var got struct {
			Action string            `json:"response_action"`
			Errors map[string]string `json:"errors"`
		}
		r.must(json.Unmarshal([]byte(r.send(r.fake.Submit("U2", v, bad.inputs))), &got))
		if got.Action != "errors" || len(got.Errors) != 1 || got.Errors[bad.block] == "" {
			t.Errorf("%v: %+v", bad.inputs, got)
		}
	}
	submit := r.fake.Submit("U2", v, map[string]string{"reason": "not <now> 🙂"})
	if body := r.send(submit); !strings.Contains(body, "clear") {
		t.Errorf("body %s", body)
	}
	r.send(submit)
	r.until("the answer", func() bool { return len(r.fake.Posts("C1")) == 2 })
	r.idle()
	c := <-clicks
	want := map[string]string{"reason": "not <now> 🙂", "how": ""}
	if d := cmp.Diff(want, c.Inputs); d != "" || c.Action != cards.ActionReject || c.Target != "req-1" || c.Conversation.ID != "C1" {
		t.Errorf("%+v\n%s", c, d)
	}
	if len(clicks) != 0 {
		t.Error("a repeated submit counted twice")
	}
	if p := r.fake.Posts("C1")[1]; p.Thread != ts {
		t.Errorf("answer not in the thread: %+v", p)
	}
}

func TestFormRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = button(cards.ActionReject)
	r.brain.form = func(context.Context, adapters.Click) (*cards.Form, adapters.Answer) {
		return nil, adapters.Answer{Where: adapters.Private, Card: cards.Card{Summary: "You may not."}}
	}
	r.mention("U1", "C1", "", "x")
	r.until("the card", func() bool { return len(r.fake.Posts("C1")) == 1 })
	press, err := r.fake.Press("U1", "C1", r.fake.Posts("C1")[0].TS, "Go")
	r.must(err)
	r.send(press)
	r.until("the refusal", func() bool { return len(r.fake.Ephemerals("U1")) == 1 })
	if len(r.fake.Modals()) != 0 {
		t.Error("a modal was opened")
	}
}

func TestFormTooLate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = button(cards.ActionForm)
	r.brain.form = func(context.Context, adapters.Click) (*cards.Form, adapters.Answer) {
		f := form()
		f.Action = cards.ActionForm
		return f, adapters.Answer{}
	}
	r.mention("U1", "C1", "", "x")
	r.until("the card", func() bool { return len(r.fake.Posts("C1")) == 1 })
	press, err := r.fake.Press("U1", "C1", r.fake.Posts("C1")[0].TS, "Go")
	r.must(err)
	r.fake.Fail("views.open", slackfake.Fault{Error: "expired_trigger_id"})
	r.send(press)
	r.until("the note", func() bool { return len(r.fake.Ephemerals("U1")) == 1 })
	has(t, slackfake.Text(r.fake.Ephemerals("U1")[0].Blocks), "press the button again")
}

func TestOutdatedForm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := slackfake.View{ID: "V1", JSON: json.RawMessage(`{"type":"modal","callback_id":"other","private_metadata":"{}","blocks":[]}`)}
	if body := r.send(r.fake.Submit("U1", v, nil)); !strings.Contains(body, `"response_action":"update"`) {
		t.Errorf("body %s", body)
	}
}

// A button on the home tab: the answer comes directly, and the tab is drawn
// again after the click was worked on.
func TestHomeButton(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var decided atomic.Bool
	r.brain.message = func(_ context.Context, _ adapters.Message) (adapters.Answer, error) {
		c := cards.Card{Title: "Home", Summary: "nothing waits for you"}
		if !decided.Load() {
			c.Summary = "one request waits"
			c.Buttons = []cards.Button{{Label: "Approve", Action: cards.ActionApprove, ID: "req-1"}, {Label: "Reject", Action: cards.ActionReject, ID: "req-1"}}
		}
		return adapters.Answer{Where: adapters.Reply, Card: c}, nil
	}
	r.brain.click = func(_ context.Context, c adapters.Click) (adapters.Answer, error) {
		decided.Store(true)
		if c.Card.Message != "" || c.User.Trust != adapters.TrustMember || c.Conversation.Sharing != adapters.SharingInternal {
			t.Errorf("click %+v", c)
		}
		return adapters.Answer{Where: adapters.Replace, Card: cards.Card{Summary: "Decided by you: " + c.Inputs["reason"]}}, nil
	}
	r.brain.form = func(context.Context, adapters.Click) (*cards.Form, adapters.Answer) { return form(), adapters.Answer{} }
	home := func() string { v, _ := r.fake.Home("U1"); return slackfake.Text(v.JSON) }
	direct := r.fake.Direct("U1")
	r.send(r.fake.OpenHome("U1"))
	r.until("the home tab", func() bool { return strings.Contains(home(), "one request waits") })

	approve, err := r.fake.Press("U1", "", "", "Approve")
	r.must(err)
	r.send(approve)
	r.until("the answer", func() bool { return len(r.fake.Posts(direct)) == 1 })
	r.until("the new home tab", func() bool { return strings.Contains(home(), "nothing waits") })

	decided.Store(false)
	r.send(r.fake.OpenHome("U1"))
	r.until("the home tab", func() bool { return strings.Contains(home(), "one request waits") })
	reject, err := r.fake.Press("U1", "", "", "Reject")
	r.must(err)
	r.send(reject)
	r.send(r.fake.Submit("U1", r.fake.Modals()[0], map[string]string{"reason": "too risky"}))
	r.until("the second answer", func() bool { return len(r.fake.Posts(direct)) == 2 })
	r.until("the new home tab", func() bool { return strings.Contains(home(), "nothing waits") })
	has(t, read(r.fake.Posts(direct)[1]), "too risky")
	r.idle()
}
