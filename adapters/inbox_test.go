package adapters

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

const testWorkspace Workspace = "slack:T1"

func testInbox(t *testing.T, rdb redis.UniversalClient, change func(*InboxConfig)) *Inbox {
	t.Helper()
	cfg := InboxConfig{
		Redis: rdb, Prefix: "test-" + rand.Text(), Workspaces: []Workspace{testWorkspace}, Consumer: rand.Text(),
		Lease: 10 * time.Second, Block: 20 * time.Millisecond, Backoff: 10 * time.Millisecond,
		Now: time.Now, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	b, err := NewInbox(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// shortLease is for tests in which a delivery changes hands.
func shortLease(c *InboxConfig) { c.Lease = 300 * time.Millisecond }

// sibling is another process on the same queue.
func sibling(t *testing.T, b *Inbox) *Inbox {
	t.Helper()
	cfg := b.cfg
	cfg.Consumer = rand.Text()
	s, err := NewInbox(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts b and stops it at the end of the test.
func run(t *testing.T, b *Inbox, handle Handle, dead Dead) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, handle, dead) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func put(t *testing.T, b *Inbox, id, lane string) {
	t.Helper()
	payload, _ := json.Marshal(id)
	fresh, err := b.Put(t.Context(), Delivery{Workspace: testWorkspace, Dedupe: id, Lane: lane, Kind: KindMessage, Payload: payload})
	if err != nil || !fresh {
		t.Fatalf("put %s: fresh %v, err %v", id, fresh, err)
	}
}

// left waits until nothing is in the stream, its pending list or the lanes.
func left(t *testing.T, b *Inbox) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		n := b.cfg.Redis.XLen(t.Context(), b.keys.stream(testWorkspace)).Val()
		lanes := b.cfg.Redis.Keys(t.Context(), b.keys.of(testWorkspace, "lane:*")).Val()
		if n == 0 && len(lanes) == 0 {
			p := b.cfg.Redis.XPending(t.Context(), b.keys.stream(testWorkspace), b.cfg.Group).Val()
			if p == nil || p.Count == 0 {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %d deliveries and lanes %v", n, lanes)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, func(c *InboxConfig) { c.MaxQueue = 3 })
		d := Delivery{Workspace: testWorkspace, Dedupe: "1", Kind: KindClick, Payload: []byte(`{}`)}
		for i, want := range []bool{true, false, false} {
			if fresh, err := b.Put(t.Context(), d); fresh != want || err != nil {
				t.Errorf("put %d: fresh %v, err %v", i, fresh, err)
			}
		}
		other := d
		other.Workspace = "slack:T2"
		if _, err := b.Put(t.Context(), other); !errors.Is(err, ErrWorkspace) {
			t.Errorf("unknown workspace: %v", err)
		}
		put(t, b, "2", "")
		put(t, b, "3", "")
		d.Dedupe = "4"
		if _, err := b.Put(t.Context(), d); !errors.Is(err, ErrFull) {
			t.Errorf("full: %v", err)
		}
		ttl := rdb.PTTL(t.Context(), b.keys.seen(testWorkspace, "1")).Val()
		if ttl < time.Hour {
			t.Errorf("dedupe is kept for %v only", ttl)
		}
	})
}

func TestPutRacing(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, nil)
		var fresh atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				ok, err := b.Put(t.Context(), Delivery{Workspace: testWorkspace, Dedupe: "same", Kind: KindClick, Payload: []byte(`{}`)})
				if err != nil {
					t.Error(err)
				}
				if ok {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
		if fresh.Load() != 1 || rdb.XLen(t.Context(), b.keys.stream(testWorkspace)).Val() != 1 {
			t.Errorf("%d of 50 were fresh", fresh.Load())
		}
	})
}

func TestPutRedisDown(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer func() { _ = rdb.Close() }()
	b := testInbox(t, rdb, nil)
	if fresh, err := b.Put(t.Context(), Delivery{Workspace: testWorkspace, Dedupe: "1", Kind: KindClick}); err == nil || fresh {
		t.Errorf("fresh %v, err %v", fresh, err)
	}
}

func TestRunHandsOutEverythingOnce(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		a := testInbox(t, rdb, nil)
		b := sibling(t, a)
		var mu sync.Mutex
		got := map[string]int{}
		handle := func(_ context.Context, d Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			got[d.Dedupe]++
			return nil
		}
		run(t, a, handle, nil)
		run(t, b, handle, nil)
		want := map[string]int{}
		for i := range 200 {
			id := fmt.Sprint(i)
			want[id] = 1
			put(t, a, id, "")
		}
		left(t, a)
		mu.Lock()
		defer mu.Unlock()
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// Two processes, three lanes: each lane's deliveries run in order, never two at once.
func TestLanesKeepOrderAcrossProcesses(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		a := testInbox(t, rdb, nil)
		b := sibling(t, a)
		var mu sync.Mutex
		got := map[string][]string{}
		var running sync.Map
		fails := map[string]bool{"lane1-3": true}
		handle := func(_ context.Context, d Delivery) error {
			if _, twice := running.LoadOrStore(d.Lane, true); twice {
				t.Errorf("two of %s at once", d.Lane)
			}
			defer running.Delete(d.Lane)
			mu.Lock()
			defer mu.Unlock()
			if fails[d.Dedupe] { // a failing one keeps its place
				fails[d.Dedupe] = false
				return errors.New("once")
			}
			got[d.Lane] = append(got[d.Lane], d.Dedupe)
			return nil
		}
		want := map[string][]string{}
		for i := range 10 {
			for l := range 3 {
				lane := fmt.Sprint("lane", l)
				id := fmt.Sprint(lane, "-", i)
				want[lane] = append(want[lane], id)
				put(t, a, id, lane)
			}
		}
		run(t, a, handle, nil)
		run(t, b, handle, nil)
		left(t, a)
		mu.Lock()
		defer mu.Unlock()
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestRetryThenDead(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, func(c *InboxConfig) { c.MaxDeliveries = 4 })
		var mu sync.Mutex
		var attempts []int
		told := 0
		handle := func(_ context.Context, d Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, d.Attempt)
			if d.Attempt == 2 {
				panic("boom")
			}
			return errors.New("always")
		}
		dead := func(context.Context, Delivery, error) error {
			mu.Lock()
			defer mu.Unlock()
			told++
			if told == 1 {
				return errors.New("platform down")
			}
			return nil
		}
		run(t, b, handle, dead)
		put(t, b, "poison", "lane")
		put(t, b, "behind", "lane") // dies too, but must get its turn
		left(t, b)
		mu.Lock()
		defer mu.Unlock()
		if want := []int{1, 2, 3, 4, 1, 2, 3, 4}; !slices.Equal(attempts, want) {
			t.Errorf("attempts %v, want %v", attempts, want)
		}
		if told != 3 {
			t.Errorf("told %d times, want 3 (one failed)", told)
		}
		records := rdb.LRange(t.Context(), b.keys.dead(testWorkspace), 0, -1).Val()
		if len(records) != 2 {
			t.Errorf("dead list %v", records)
		}
	})
}

func TestGiveUp(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, nil)
		var tries atomic.Int32
		dead := make(chan error, 1)
		run(t, b, func(context.Context, Delivery) error {
			tries.Add(1)
			return fmt.Errorf("no: %w", ErrGiveUp)
		}, func(_ context.Context, _ Delivery, cause error) error {
			dead <- cause
			return nil
		})
		put(t, b, "1", "")
		left(t, b)
		if err := <-dead; !errors.Is(err, ErrGiveUp) || tries.Load() != 1 {
			t.Errorf("cause %v after %d tries", err, tries.Load())
		}
	})
}

// Redis loses everything, group included: new deliveries are worked on again.
func TestEmptiedRedis(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, nil)
		got := make(chan string, 2)
		run(t, b, func(_ context.Context, d Delivery) error { got <- d.Dedupe; return nil }, nil)
		put(t, b, "1", "lane")
		<-got
		left(t, b)
		rdb.Del(t.Context(), b.keys.stream(testWorkspace))
		put(t, b, "2", "lane")
		if id := <-got; id != "2" {
			t.Errorf("got %s", id)
		}
	})
}

func TestPutAndWait(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, nil)
		other := sibling(t, b)
		taken := make(chan bool, 1)
		run(t, other, func(ctx context.Context, d Delivery) error {
			if d.Dedupe == "late" {
				for other.cfg.Redis.Exists(ctx, other.keys.gone(testWorkspace, d.Dedupe)).Val() == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			ok, err := other.offer(ctx, d, Answer{Where: Replace, Track: d.Dedupe})
			taken <- ok
			return err
		}, nil)
		d := Delivery{Workspace: testWorkspace, Dedupe: "1", Kind: KindClick, Payload: []byte(`{}`)}
		for range 2 { // the second is a retry of the platform
			a, ok, err := b.PutAndWait(t.Context(), d, 5*time.Second)
			if err != nil || !ok || a.Track != "1" || a.Where != Replace {
				t.Errorf("answer %+v, ok %v, err %v", a, ok, err)
			}
		}
		if !<-taken {
			t.Error("worker thinks nobody took the answer")
		}
		d.Dedupe = "late"
		if _, ok, err := b.PutAndWait(t.Context(), d, time.Second); ok || err != nil {
			t.Errorf("late: ok %v, err %v", ok, err)
		}
		if <-taken {
			t.Error("worker thinks the late answer was taken")
		}
	})
}
