package adapters

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"neobot/cards"
)

// chat is a platform in memory. Faults are queued per method.
type chat struct {
	mu       sync.Mutex
	posts    []chatPost
	whispers []string
	homes    []string
	finds    int
	faults   map[string][]error // consumed one per call; errApplied acts first, then fails
	slow     chan struct{}      // Post waits for it when set
}

type chatPost struct {
	Key, Conversation, Thread, Text string
	Edits                           int
}

// errApplied: the platform did it, but we never learn.
var errApplied = errors.New("reply lost")

func (c *chat) fault(method string) error {
	q := c.faults[method]
	if len(q) == 0 {
		return nil
	}
	c.faults[method] = q[1:]
	return q[0]
}

func (c *chat) fail(method string, errs ...error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults == nil {
		c.faults = map[string][]error{}
	}
	c.faults[method] = append(c.faults[method], errs...)
}

func (c *chat) Platform() Platform { return Slack }

func (c *chat) Verify(_ context.Context, _ Workspace, u User, conv Conversation) (User, Conversation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fault("verify"); err != nil {
		return u, conv, err
	}
	u.Trust, conv.Sharing = TrustMember, SharingInternal
	return u, conv, nil
}

func (c *chat) Place(_ context.Context, _ Workspace, conversation string) (Conversation, error) {
	return Conversation{ID: conversation, Kind: Channel, Sharing: SharingInternal}, nil
}

func (c *chat) Post(ctx context.Context, key string, to Destination, card cards.Card) (Ref, error) {
	if c.slow != nil {
		select {
		case <-c.slow:
		case <-ctx.Done():
			return Ref{}, ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.fault("post")
	if err != nil && !errors.Is(err, errApplied) {
		return Ref{}, err
	}
	conv := to.Conversation
	if conv == "" {
		conv = "direct:" + to.User
	}
	c.posts = append(c.posts, chatPost{key, conv, to.Thread, card.Summary, 0})
	return Ref{Workspace: to.Workspace, Conversation: conv, Thread: to.Thread, Message: fmt.Sprint(len(c.posts) - 1)}, err
}

func (c *chat) Find(_ context.Context, key string, to Destination) (Ref, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finds++
	if err := c.fault("find"); err != nil {
		return Ref{}, false, err
	}
	for i, p := range c.posts {
		if p.Key == key {
			return Ref{Workspace: to.Workspace, Conversation: p.Conversation, Thread: p.Thread, Message: fmt.Sprint(i)}, true, nil
		}
	}
	return Ref{}, false, nil
}

func (c *chat) Update(_ context.Context, ref Ref, card cards.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fault("update"); err != nil {
		return err
	}
	var i int
	if _, err := fmt.Sscan(ref.Message, &i); err != nil || i >= len(c.posts) {
		return ErrGone
	}
	c.posts[i].Text = card.Summary
	c.posts[i].Edits++
	return nil
}

func (c *chat) Whisper(_ context.Context, to Destination, card cards.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fault("whisper"); err != nil {
		return err
	}
	c.whispers = append(c.whispers, to.User+": "+card.Summary)
	return nil
}

func (c *chat) Home(_ context.Context, _ Workspace, user string, card cards.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.homes = append(c.homes, user+": "+card.Summary)
	return nil
}

func (c *chat) seen() []chatPost {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]chatPost(nil), c.posts...)
}

func testOutbox(t *testing.T, rdb redis.UniversalClient, prefix string, sendTimeout time.Duration) *Outbox {
	t.Helper()
	o, err := NewOutbox(OutboxConfig{Redis: rdb, Prefix: prefix, SendTimeout: sendTimeout})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

var testTo = Destination{Workspace: testWorkspace, Conversation: "C1", Thread: "t1"}

func text(s string) cards.Card { return cards.Card{Summary: s} }

func TestOutboxPostsOnceThenEdits(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := &chat{}
		o := testOutbox(t, rdb, rand.Text(), time.Minute)
		for _, s := range []string{"working", "answer", "answer"} {
			ref, err := o.Post(t.Context(), c, "k", testTo, text(s))
			if err != nil || ref.Message != "0" {
				t.Fatalf("%s: %+v, %v", s, ref, err)
			}
		}
		if d := cmp.Diff([]chatPost{{"k", "C1", "t1", "answer", 1}}, c.seen()); d != "" {
			t.Error(d)
		}
		if c.finds != 0 {
			t.Error("the platform was asked without need")
		}
		ref, ok, err := o.Lookup(t.Context(), testWorkspace, "k")
		if err != nil || !ok || ref.Message != "0" {
			t.Errorf("lookup %+v %v %v", ref, ok, err)
		}
		if known, err := o.ThreadKnown(t.Context(), testWorkspace, "C1", "t1"); !known || err != nil {
			t.Errorf("thread known %v, %v", known, err)
		}
		for _, other := range [][3]string{{"slack:T2", "C1", "t1"}, {string(testWorkspace), "C2", "t1"}, {string(testWorkspace), "C1", "t2"}} {
			if known, err := o.ThreadKnown(t.Context(), Workspace(other[0]), other[1], other[2]); known || err != nil {
				t.Errorf("%v known %v, %v", other, known, err)
			}
		}
	})
}

// dying fails every Redis command from the nth on: the process is dead for Redis.
type dying struct{ left int }

var errDead = errors.New("process killed")

func (d *dying) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *dying) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if d.left--; d.left < 0 {
			cmd.SetErr(errDead)
			return errDead
		}
		return next(ctx, cmd)
	}
}

func (d *dying) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if d.left--; d.left < 0 {
			return errDead
		}
		return next(ctx, cmds)
	}
}

// The process is killed after each of its steps in turn, and another one
// repeats the post: there is one message in the end, whatever the step was.
func TestOutboxSurvivesDeathAtEveryStep(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		opts := rdb.(*redis.Client).Options()
		for steps := range 5 {
			for _, lost := range []bool{false, true} { // does the platform's answer arrive?
				c := &chat{}
				prefix := rand.Text()
				dead := redis.NewClient(opts)
				if err := dead.Ping(t.Context()).Err(); err != nil { // connect first, steps count commands
					t.Fatal(err)
				}
				claimPostScript.Load(t.Context(), dead)
				dead.AddHook(&dying{left: steps})
				if lost {
					c.fail("post", errApplied)
				}
				_, _ = testOutbox(t, dead, prefix, time.Minute).Post(t.Context(), c, "k", testTo, text("first try"))
				_ = dead.Close()
				c.faults = nil

				next := testOutbox(t, rdb, prefix, time.Nanosecond) // the send timeout has passed
				ref, err := next.Post(t.Context(), c, "k", testTo, text("answer"))
				for errors.Is(err, ErrBusy) { // within the same millisecond
					ref, err = next.Post(t.Context(), c, "k", testTo, text("answer"))
				}
				if err != nil {
					t.Fatalf("steps %d, lost %v: %v", steps, lost, err)
				}
				posts := c.seen()
				if len(posts) != 1 || posts[0].Text != "answer" || ref.Message != "0" {
					t.Errorf("steps %d, lost %v: %+v", steps, lost, posts)
				}
			}
		}
	})
}

// Another process may be in the middle of posting: do not look, do not post.
func TestOutboxWaitsForALiveSender(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := &chat{slow: make(chan struct{})}
		prefix := rand.Text()
		done := make(chan error, 1)
		a := testOutbox(t, rdb, prefix, time.Minute)
		go func() {
			_, err := a.Post(t.Context(), c, "k", testTo, text("a"))
			done <- err
		}()
		for rdb.Exists(t.Context(), a.keys.out(testWorkspace, "k")).Val() == 0 {
			time.Sleep(time.Millisecond)
		}
		b := testOutbox(t, rdb, prefix, time.Minute)
		if _, err := b.Post(t.Context(), &chat{}, "k", testTo, text("b")); !errors.Is(err, ErrBusy) {
			t.Errorf("second process: %v", err)
		}
		close(c.slow)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if _, err := b.Post(t.Context(), c, "k", testTo, text("b")); err != nil {
			t.Error(err)
		}
		if p := c.seen(); len(p) != 1 || p[0].Text != "b" {
			t.Errorf("%+v", p)
		}
	})
}

func TestOutboxOnce(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		o := testOutbox(t, rdb, rand.Text(), time.Minute)
		n := 0
		for i := range 3 {
			err := o.Once(t.Context(), testWorkspace, "k", func(context.Context) error {
				if n++; n == 1 {
					return errors.New("first fails")
				}
				return nil
			})
			if (err != nil) != (i == 0) {
				t.Errorf("try %d: %v", i, err)
			}
		}
		if n != 2 {
			t.Errorf("shown %d times", n)
		}
	})
}

func TestOutboxRedisDown(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer func() { _ = rdb.Close() }()
	o, c := testOutbox(t, rdb, "x", time.Minute), &chat{}
	if _, err := o.Post(t.Context(), c, "k", testTo, text("a")); err == nil || len(c.seen()) != 0 {
		t.Errorf("posted without a note: %v, %+v", err, c.seen())
	}
}

// Two goroutines of one process post under the same key at the same moment.
func TestOutboxOneProcessTwice(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := &chat{}
		o := testOutbox(t, rdb, rand.Text(), time.Minute)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := o.Post(t.Context(), c, "k", testTo, text("a")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(c.seen()); n != 1 {
			t.Errorf("%d messages", n)
		}
		if len(o.local.held) != 0 {
			t.Errorf("%d locks left behind", len(o.local.held))
		}
	})
}

// blind is a chat that cannot say what was posted.
type blind struct{ *chat }

func (b blind) Find(context.Context, string, Destination) (Ref, bool, error) {
	return Ref{}, false, fmt.Errorf("blind: %w", ErrCannotTell)
}

// marked keeps the footer of what was posted.
type marked struct {
	blind
	footers [][]string
}

func (m *marked) Post(ctx context.Context, key string, to Destination, card cards.Card) (Ref, error) {
	m.footers = append(m.footers, card.Footer)
	return m.chat.Post(ctx, key, to, card)
}

// TestOutboxBlind: where nobody can tell whether a post went through, the second
// one says that it is one; a post that was certainly not sent leaves no doubt.
func TestOutboxBlind(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		for name, tc := range map[string]struct {
			faults []error
			posts  int
			again  bool
		}{
			"reply lost":            {[]error{errApplied}, 2, true},
			"no answer":             {[]error{errors.New("timeout")}, 1, true}, // perhaps it went through
			"refused":               {[]error{fmt.Errorf("429: %w", ErrNotSent)}, 1, false},
			"refused, then lost":    {[]error{ErrNotSent, errApplied}, 2, true},
			"lost, then refused":    {[]error{errApplied, ErrNotSent}, 2, true},
			"refused several times": {[]error{ErrNotSent, ErrNotSent, ErrNotSent}, 1, false},
		} {
			m := &marked{blind: blind{&chat{}}}
			m.fail("post", tc.faults...)
			o := testOutbox(t, rdb, rand.Text(), time.Minute)
			card := cards.Card{Summary: "a", Footer: []string{"f"}}
			for range tc.faults {
				if _, err := o.Post(t.Context(), m, "k", testTo, card); err == nil {
					t.Fatalf("%s: no error", name)
				}
			}
			for range 2 {
				ref, err := o.Post(t.Context(), m, "k", testTo, card)
				if err != nil || ref.Again != tc.again {
					t.Fatalf("%s: %+v, %v", name, ref, err)
				}
			}
			if n := len(m.seen()); n != tc.posts {
				t.Errorf("%s: %d messages, want %d", name, n, tc.posts)
			}
			last := m.footers[len(m.footers)-1]
			if (len(last) == 2) != tc.again || len(card.Footer) != 1 {
				t.Errorf("%s: footer %q", name, last)
			}
			for _, p := range m.seen() {
				if p.Edits != 0 {
					t.Errorf("%s: the same card was shown again: %+v", name, p)
				}
			}
		}
	})
}

// A note of another process is not taken back.
func TestOutboxReleasesItsOwn(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		prefix := rand.Text()
		mine, other := testOutbox(t, rdb, prefix, time.Minute), testOutbox(t, rdb, prefix, time.Minute)
		if _, _, err := other.claim(t.Context(), "k", testWorkspace); err != nil {
			t.Fatal(err)
		}
		mine.release(t.Context(), "k", testWorkspace)
		if have, _, err := mine.claim(t.Context(), "k", testWorkspace); err != nil || have == nil || have.Owner != other.owner {
			t.Errorf("%+v, %v", have, err)
		}
		other.release(t.Context(), "k", testWorkspace)
		if have, _, err := mine.claim(t.Context(), "k", testWorkspace); err != nil || have != nil {
			t.Errorf("after its own release: %+v, %v", have, err)
		}
	})
}
