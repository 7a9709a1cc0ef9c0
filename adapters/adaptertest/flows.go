package adaptertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/cards"
)

// testOutbox: the same key is one message, whatever is repeated.
func testOutbox(t *testing.T, s *Subject) {
	var first adapters.Ref
	for i, text := range []string{"working", "answer", "answer", "late change"} {
		ref, err := s.Outbox.Post(t.Context(), s.Adapter, "k", s.channel(), card(text))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = ref
		} else if ref != first {
			t.Errorf("moved from %+v to %+v", first, ref)
		}
	}
	s.reads(t, s.Other, "late change")
}

// testLostReply: a post whose reply was lost is found again, not doubled. Where
// the platform cannot tell, the second one is known to be one.
func testLostReply(t *testing.T, s *Subject) {
	if s.LoseReply == nil {
		return
	}
	s.LoseReply()
	if _, err := s.Outbox.Post(t.Context(), s.Adapter, "k", s.channel(), card("answer")); err == nil {
		t.Fatal("the reply was not lost")
	}
	for range 2 { // repeating changes nothing any more
		ref, err := s.Outbox.Post(t.Context(), s.Adapter, "k", s.channel(), card("answer"))
		if err != nil || ref.Again == s.Finds {
			t.Fatalf("%+v, %v", ref, err)
		}
	}
	if s.Finds {
		s.reads(t, s.Other, "answer")
	} else {
		s.reads(t, s.Other, "answer", "answer")
	}
}

// script is a Handler out of two functions.
type script struct {
	message func(adapters.Message) (adapters.Answer, error)
	click   func(adapters.Click) (adapters.Answer, error)

	mu     sync.Mutex
	posted []adapters.Ref
}

func (h *script) HandleMessage(_ context.Context, m adapters.Message) (adapters.Answer, error) {
	return h.message(m)
}

func (h *script) HandleClick(_ context.Context, c adapters.Click) (adapters.Answer, error) {
	return h.click(c)
}

func (h *script) HandleForm(context.Context, adapters.Click) (*cards.Form, adapters.Answer) {
	return nil, adapters.Answer{}
}

func (h *script) Posted(_ context.Context, _ string, ref adapters.Ref) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.posted = append(h.posted, ref)
	return nil
}

func (h *script) refs() []adapters.Ref {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]adapters.Ref(nil), h.posted...)
}

// start runs a runner with h until the end of the test.
func (s *Subject) start(t *testing.T, h *script) {
	t.Helper()
	r, err := adapters.NewRunner(adapters.RunnerConfig{
		Inbox: s.Inbox, Outbox: s.Outbox, Adapters: []adapters.Adapter{s.Adapter}, Handler: h, SlowAfter: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func (s *Subject) message(id string) adapters.Message {
	return adapters.Message{Workspace: s.Workspace, ID: id, Text: id, User: s.Member, Conversation: s.Channel, Thread: s.Thread}
}

// testOneAnswer: delivered twice, failed once, answered once, and the copy noted.
func testOneAnswer(t *testing.T, s *Subject) {
	calls := 0
	h := &script{message: func(m adapters.Message) (adapters.Answer, error) {
		if calls++; calls == 1 {
			return adapters.Answer{}, errors.New("store down")
		}
		return adapters.Answer{Where: adapters.Reply, Card: card("re " + m.Text), Track: "r1"}, nil
	}}
	s.start(t, h)
	for _, want := range []bool{true, false, false} {
		if fresh, err := s.Inbox.PutMessage(t.Context(), s.message("m1")); err != nil || fresh != want {
			t.Fatalf("fresh %v, err %v", fresh, err)
		}
	}
	until(t, "the answer", func() bool { return len(h.refs()) == 1 })
	s.reads(t, s.Other, "re m1")
}

// testClick: the clicked card is replaced for everybody, once.
func testClick(t *testing.T, s *Subject) {
	ref := s.post(t, "card", "decide")
	h := &script{click: func(c adapters.Click) (adapters.Answer, error) {
		if c.Card != ref || c.Target != "r1" || c.User.Trust != adapters.TrustMember {
			t.Errorf("click %+v", c)
		}
		return adapters.Answer{Where: adapters.Replace, Card: card("decided"), Track: "r1"}, nil
	}}
	s.start(t, h)
	c := adapters.Click{
		Workspace: s.Workspace, ID: "c1", User: s.Other, Conversation: s.Channel, Card: ref, Action: cards.ActionApprove, Target: "r1",
	}
	for range 2 {
		if _, err := s.Inbox.PutClick(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the new card", func() bool { return len(h.refs()) == 1 })
	s.reads(t, s.Member, "decided")
}

// testPrivate: nobody else sees a private answer.
func testPrivate(t *testing.T, s *Subject) {
	s.start(t, &script{message: func(adapters.Message) (adapters.Answer, error) {
		return adapters.Answer{Where: adapters.Private, Card: card("between us")}, nil
	}})
	if _, err := s.Inbox.PutMessage(t.Context(), s.message("m1")); err != nil {
		t.Fatal(err)
	}
	until(t, "the private answer", func() bool { return len(s.Seen(s.Member)) == 1 })
	s.reads(t, s.Member, "between us")
	s.reads(t, s.Other)
}

// testUnverified: with the platform broken, the handler sees a stranger,
// whatever the delivery claims.
func testUnverified(t *testing.T, s *Subject) {
	if s.Break == nil {
		return
	}
	got := make(chan adapters.Message, 10)
	s.start(t, &script{message: func(m adapters.Message) (adapters.Answer, error) {
		got <- m
		return adapters.Answer{}, nil
	}})
	s.Break()
	m := s.message("m1")
	m.User.Trust, m.Conversation.Sharing = adapters.TrustMember, adapters.SharingInternal
	if _, err := s.Inbox.PutMessage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if m := <-got; m.User.Trust != adapters.TrustUnknown || m.Conversation.Sharing != adapters.SharingUnknown {
		t.Errorf("handler was told %+v %+v", m.User, m.Conversation)
	}
}
