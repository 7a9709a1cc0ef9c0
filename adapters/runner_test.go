package adapters

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"neobot/cards"
)

// head is a Handler a test fills in.
type head struct {
	message func(context.Context, Message) (Answer, error)
	click   func(context.Context, Click) (Answer, error)

	mu     sync.Mutex
	posted []string
	fails  int // Posted fails so many times
}

func (h *head) HandleMessage(ctx context.Context, m Message) (Answer, error) {
	return h.message(ctx, m)
}
func (h *head) HandleClick(ctx context.Context, c Click) (Answer, error) { return h.click(ctx, c) }
func (h *head) HandleForm(context.Context, Click) (*cards.Form, Answer)  { return nil, Answer{} }

func (h *head) Posted(_ context.Context, approval string, ref Ref) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fails > 0 {
		h.fails--
		return errors.New("store down")
	}
	h.posted = append(h.posted, approval+" at "+ref.Conversation+"/"+ref.Message)
	return nil
}

func (h *head) copies() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.posted...)
}

// startRunner runs h on c until the end of the test.
func startRunner(t *testing.T, rdb redis.UniversalClient, c *chat, h *head) (*Inbox, *Runner) {
	t.Helper()
	b := testInbox(t, rdb, func(cfg *InboxConfig) { cfg.MaxDeliveries = 3 })
	r, err := NewRunner(RunnerConfig{
		Inbox: b, Outbox: testOutbox(t, rdb, b.cfg.Prefix, time.Minute), Adapters: []Adapter{c}, Handler: h,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), SlowAfter: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return b, r
}

func message(id string) Message {
	return Message{Workspace: testWorkspace, ID: id, Text: id, Thread: "t1", User: User{ID: "U1"}, Conversation: Conversation{ID: "C1", Kind: Channel}}
}

func click(id string) Click {
	return Click{
		Workspace: testWorkspace, ID: id, Action: cards.ActionApprove, Target: "r1", User: User{ID: "U1"},
		Conversation: Conversation{ID: "C1", Kind: Channel}, Card: Ref{Workspace: testWorkspace, Conversation: "C1", Thread: "t1", Message: "0"},
	}
}

func answers(where Where, track string) func(context.Context, Message) (Answer, error) {
	return func(_ context.Context, m Message) (Answer, error) {
		return Answer{Card: text("re " + m.ID), Where: where, Track: track}, nil
	}
}

func clickAnswers(where Where) func(context.Context, Click) (Answer, error) {
	return func(_ context.Context, c Click) (Answer, error) {
		return Answer{Card: text("re " + c.ID), Where: where}, nil
	}
}

// Each place an answer can go, from each kind of delivery.
func TestRunnerPlaces(t *testing.T) {
	t.Parallel()
	posted := func(conv, thread, s string) []chatPost { return []chatPost{{"answer:m:1", conv, thread, s, 0}} }
	for name, c := range map[string]struct {
		change   func(*Message)
		where    Where
		track    string
		posts    []chatPost
		whispers []string
		homes    []string
		copies   []string
	}{
		"reply":             {nil, Reply, "", posted("C1", "t1", "re 1"), nil, nil, nil},
		"reply, tracked":    {nil, Reply, "r9", posted("C1", "t1", "re 1"), nil, nil, []string{"r9 at C1/0"}},
		"replace a message": {nil, Replace, "", posted("C1", "t1", "re 1"), nil, nil, nil},
		"private":           {nil, Private, "", nil, []string{"U1: re 1"}, nil, nil},
		"private, direct":   {func(m *Message) { m.Conversation.Kind = Direct }, Private, "", posted("C1", "t1", "re 1"), nil, nil, nil},
		"nowhere":           {nil, Nowhere, "", nil, nil, nil, nil},
		"shown":             {nil, Shown, "", nil, nil, nil, nil},
		"command":           {func(m *Message) { m.Command = true }, Reply, "", nil, []string{"U1: re 1"}, nil, nil},
		"command, tracked":  {func(m *Message) { m.Command, m.Thread = true, "" }, Reply, "r9", posted("C1", "", "re 1"), nil, nil, []string{"r9 at C1/0"}},
		"home":              {func(m *Message) { m.Home = true }, Reply, "", nil, nil, []string{"U1: re 1"}, nil},
		"home, nothing":     {func(m *Message) { m.Home = true }, Nowhere, "", nil, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
				p, h := &chat{}, &head{message: answers(c.where, c.track)}
				b, _ := startRunner(t, rdb, p, h)
				m := message("1")
				if c.change != nil {
					c.change(&m)
				}
				for _, want := range []bool{true, false} { // a redelivery changes nothing
					if fresh, err := b.PutMessage(t.Context(), m); err != nil || fresh != want {
						t.Fatal(fresh, err)
					}
				}
				left(t, b)
				if d := cmp.Diff(c.posts, p.seen()); d != "" {
					t.Error(d)
				}
				if d := cmp.Diff(c.whispers, p.whispers); d != "" {
					t.Error(d)
				}
				if d := cmp.Diff(c.homes, p.homes); d != "" {
					t.Error(d)
				}
				if d := cmp.Diff(c.copies, h.copies()); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestRunnerClickPlaces(t *testing.T) {
	t.Parallel()
	card := chatPost{"card", "C1", "t1", "the card", 0}
	for name, c := range map[string]struct {
		change   func(*Click)
		where    Where
		fail     map[string]error
		posts    []chatPost
		whispers []string
	}{
		"replace": {nil, Replace, nil, []chatPost{{"card", "C1", "t1", "re 1", 1}}, nil},
		"replace a card that is gone": {
			nil, Replace,
			map[string]error{"update": ErrGone},
			[]chatPost{card, {"answer:c:1", "C1", "t1", "re 1", 0}},
			nil,
		},
		"replace without a card": {
			func(c *Click) { c.Card.Message = "" }, Replace, nil,
			[]chatPost{card, {"answer:c:1", "C1", "t1", "re 1", 0}},
			nil,
		},
		"reply":   {nil, Reply, nil, []chatPost{card, {"answer:c:1", "C1", "t1", "re 1", 0}}, nil},
		"private": {nil, Private, nil, []chatPost{card}, []string{"U1: re 1"}},
		"private, not possible there": {
			nil, Private,
			map[string]error{"whisper": ErrGone},
			[]chatPost{card, {"direct:c:1", "direct:U1", "", "re 1", 0}},
			nil,
		},
		"reply, not possible there": {nil, Reply, map[string]error{"post": ErrGone}, []chatPost{card}, []string{"U1: re 1"}},
		"shown":                     {nil, Shown, nil, []chatPost{card}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
				p := &chat{posts: []chatPost{card}}
				for method, err := range c.fail {
					p.fail(method, err)
				}
				b, _ := startRunner(t, rdb, p, &head{click: clickAnswers(c.where)})
				k := click("1")
				if c.change != nil {
					c.change(&k)
				}
				if _, err := b.PutClick(t.Context(), k); err != nil {
					t.Fatal(err)
				}
				left(t, b)
				if d := cmp.Diff(c.posts, p.seen()); d != "" {
					t.Error(d)
				}
				if d := cmp.Diff(c.whispers, p.whispers); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// Every step of showing an answer fails once: the answer is there once all the same.
func TestRunnerFaults(t *testing.T) {
	t.Parallel()
	down := errors.New("platform down")
	for name, prepare := range map[string]func(*chat, *head){
		"post refused":       func(c *chat, _ *head) { c.fail("post", down) },
		"post, reply lost":   func(c *chat, _ *head) { c.fail("post", errApplied) },
		"find fails as well": func(c *chat, _ *head) { c.fail("post", errApplied); c.fail("find", down) },
		"note of the copy":   func(_ *chat, h *head) { h.fails = 1 },
		"handler": func(_ *chat, h *head) {
			answer := h.message
			first := true
			h.message = func(ctx context.Context, m Message) (Answer, error) {
				if first {
					first = false
					return Answer{}, errors.New("store down")
				}
				return answer(ctx, m)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
				p, h := &chat{}, &head{message: answers(Reply, "r9")}
				prepare(p, h)
				b, _ := startRunner(t, rdb, p, h)
				if _, err := b.PutMessage(t.Context(), message("1")); err != nil {
					t.Fatal(err)
				}
				left(t, b)
				posts := p.seen()
				if len(posts) != 1 || posts[0].Text != "re 1" {
					t.Errorf("posts %+v", posts)
				}
				if d := cmp.Diff([]string{"r9 at C1/0"}, h.copies()); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestRunnerVerifyFailureDeniesButAnswers(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		p := &chat{}
		p.fail("verify", errors.New("platform down"))
		got := make(chan Message, 1)
		b, _ := startRunner(t, rdb, p, &head{message: func(_ context.Context, m Message) (Answer, error) {
			got <- m
			return Answer{Card: text("who are you?"), Where: Reply}, nil
		}})
		m := message("1")
		m.User.Trust, m.Conversation.Sharing = TrustMember, SharingInternal // as if somebody had written it into Redis
		if _, err := b.PutMessage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		left(t, b)
		if m := <-got; m.User.Trust != TrustUnknown || m.Conversation.Sharing != SharingUnknown {
			t.Errorf("%+v", m)
		}
	})
}

func TestRunnerTellsOfDeadDeliveries(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		p := &chat{posts: []chatPost{{"card", "C1", "t1", "the card", 0}}}
		broken := errors.New("always")
		b, _ := startRunner(t, rdb, p, &head{
			message: func(context.Context, Message) (Answer, error) { return Answer{}, broken },
			click:   func(context.Context, Click) (Answer, error) { panic("always") },
		})
		if _, err := b.PutMessage(t.Context(), message("1")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.PutClick(t.Context(), click("2")); err != nil {
			t.Fatal(err)
		}
		left(t, b)
		if n := len(p.seen()); n != 2 || len(p.whispers) != 1 {
			t.Errorf("posts %+v, whispers %v", p.seen(), p.whispers)
		}
	})
}

func TestRunnerWorkingCard(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		p := &chat{}
		release := make(chan struct{})
		b, _ := startRunner(t, rdb, p, &head{message: func(ctx context.Context, m Message) (Answer, error) {
			<-release
			return answers(Reply, "")(ctx, m)
		}})
		if _, err := b.PutMessage(t.Context(), message("1")); err != nil {
			t.Fatal(err)
		}
		for len(p.seen()) == 0 {
			time.Sleep(time.Millisecond)
		}
		close(release)
		left(t, b)
		if d := cmp.Diff([]chatPost{{"answer:m:1", "C1", "t1", "re 1", 1}}, p.seen()); d != "" {
			t.Error(d)
		}
	})
}

// An awaited click is answered in the HTTP body; privately means there only,
// and a replaced card is edited for everybody as well.
func TestRunnerAwaited(t *testing.T) {
	t.Parallel()
	for where, want := range map[Where][2]int{ // edits of the card, whispers
		Private: {0, 0}, Replace: {1, 0}, Shown: {0, 0},
	} {
		t.Run(string(where), func(t *testing.T) {
			t.Parallel()
			onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
				p := &chat{posts: []chatPost{{"card", "C1", "t1", "the card", 0}}}
				b, r := startRunner(t, rdb, p, &head{click: clickAnswers(where)})
				d, err := ClickDelivery(click("1"))
				if err != nil {
					t.Fatal(err)
				}
				a, ok, err := r.PutAndWait(t.Context(), d, 5*time.Second)
				if err != nil || !ok || a.Card.Summary != "re 1" || a.Where != where {
					t.Fatalf("%+v %v %v", a, ok, err)
				}
				left(t, b)
				if p.seen()[0].Edits != want[0] || len(p.whispers) != want[1] {
					t.Errorf("%+v, whispers %v", p.seen(), p.whispers)
				}
			})
		})
	}
}
