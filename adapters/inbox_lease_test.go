package adapters

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// A process that dies leaves its deliveries to the others. Dying is played by a
// consumer that reads and then does nothing more.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, shortLease)
		put(t, b, "1", "lane")
		put(t, b, "2", "lane")
		stream := b.keys.stream(testWorkspace)
		if err := rdb.XGroupCreateMkStream(t.Context(), stream, b.cfg.Group, "0").Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: b.cfg.Group, Consumer: "dead", Streams: []string{stream, ">"}, Count: 1}).Err(); err != nil {
			t.Fatal(err)
		}
		got := make(chan Delivery, 2)
		run(t, b, func(_ context.Context, d Delivery) error { got <- d; return nil }, nil)
		first, second := <-got, <-got
		if first.Dedupe != "1" || first.Attempt != 2 || second.Dedupe != "2" || second.Attempt != 1 {
			t.Errorf("got %s (attempt %d), %s (attempt %d)", first.Dedupe, first.Attempt, second.Dedupe, second.Attempt)
		}
		left(t, b)
	})
}

// The same consumer name after a restart: no waiting for the lease.
func TestRestartSameName(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, func(c *InboxConfig) { c.Lease = time.Hour })
		put(t, b, "1", "")
		stream := b.keys.stream(testWorkspace)
		if err := rdb.XGroupCreateMkStream(t.Context(), stream, b.cfg.Group, "0").Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: b.cfg.Group, Consumer: b.cfg.Consumer, Streams: []string{stream, ">"}}).Err(); err != nil {
			t.Fatal(err)
		}
		got := make(chan Delivery, 1)
		run(t, b, func(_ context.Context, d Delivery) error { got <- d; return nil }, nil)
		if d := <-got; d.Attempt != 2 {
			t.Errorf("attempt %d", d.Attempt)
		}
	})
}

// A handler slower than the lease is not doubled while its process lives.
func TestSlowIsNotDead(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		a := testInbox(t, rdb, func(c *InboxConfig) { c.Lease = time.Second })
		b := sibling(t, a)
		var runs atomic.Int32
		handle := func(ctx context.Context, _ Delivery) error {
			runs.Add(1)
			select { // slow work; nothing to wait for but time
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(2500 * time.Millisecond):
				return nil
			}
		}
		run(t, a, handle, nil)
		run(t, b, handle, nil)
		put(t, a, "1", "")
		left(t, a)
		if n := runs.Load(); n != 1 {
			t.Errorf("ran %d times", n)
		}
	})
}

// Work whose lease went to another process is cancelled.
func TestLostLeaseCancels(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, shortLease)
		started, cause := make(chan Delivery, 1), make(chan error, 1)
		run(t, b, func(ctx context.Context, d Delivery) error {
			started <- d
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return ctx.Err()
		}, nil)
		put(t, b, "1", "")
		d := <-started
		err := rdb.XClaim(t.Context(), &redis.XClaimArgs{Stream: b.keys.stream(testWorkspace), Group: b.cfg.Group, Consumer: "thief", Messages: []string{d.ID}}).Err()
		if err != nil {
			t.Fatal(err)
		}
		if err := <-cause; !errors.Is(err, errLost) {
			t.Errorf("cause %v", err)
		}
	})
}

func TestStopFinishesAndGivesBack(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		a := testInbox(t, rdb, func(c *InboxConfig) { c.Lease = time.Hour })
		started, release := make(chan struct{}), make(chan struct{})
		stopped := run(t, a, func(ctx context.Context, d Delivery) error {
			if d.Dedupe != "1" {
				t.Errorf("%s was begun while stopping", d.Dedupe)
			}
			close(started)
			<-release
			return ctx.Err()
		}, nil)
		put(t, a, "1", "lane")
		put(t, a, "2", "lane")
		<-started
		for rdb.XPending(t.Context(), a.keys.stream(testWorkspace), a.cfg.Group).Val().Count != 2 {
			time.Sleep(time.Millisecond)
		}
		go func() { // "1" goes on until "2" was given back
			defer close(release)
			for t.Context().Err() == nil {
				p := rdb.XPendingExt(t.Context(), &redis.XPendingExtArgs{
					Stream: a.keys.stream(testWorkspace), Group: a.cfg.Group, Idle: time.Hour, Start: "-", End: "+", Count: 1,
				}).Val()
				if len(p) == 1 {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		stopped()
		b := sibling(t, a)
		got := make(chan Delivery, 1)
		run(t, b, func(_ context.Context, d Delivery) error { got <- d; return nil }, nil)
		if d := <-got; d.Dedupe != "2" || d.Attempt != 1 {
			t.Errorf("next process got %s, attempt %d", d.Dedupe, d.Attempt)
		}
		left(t, b)
	})
}

// With every worker busy, reader and claimer wait for room at the same time;
// one of them must not swallow the other's wake-up.
func TestFullHouseGoesOn(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, func(c *InboxConfig) { c.Lease = 600 * time.Millisecond; c.Workers = 1 })
		got := make(chan string, 20)
		run(t, b, func(_ context.Context, d Delivery) error {
			time.Sleep(250 * time.Millisecond) // longer than the claimer's period
			got <- d.Dedupe
			return nil
		}, nil)
		for i := range 6 {
			put(t, b, fmt.Sprint(i), "")
		}
		for i := range 6 {
			select {
			case <-got:
			case <-time.After(10 * time.Second):
				t.Fatalf("stuck after %d deliveries", i)
			}
		}
	})
}

func TestTidyForgetsDeadConsumers(t *testing.T) {
	t.Parallel()
	onRedis(t, func(t *testing.T, rdb redis.UniversalClient) {
		b := testInbox(t, rdb, nil)
		stream := b.keys.stream(testWorkspace)
		put(t, b, "1", "")
		if err := rdb.XGroupCreateMkStream(t.Context(), stream, b.cfg.Group, "0").Err(); err != nil {
			t.Fatal(err)
		}
		put(t, b, "2", "")
		err := rdb.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: b.cfg.Group, Consumer: "holds-one", Streams: []string{stream, ">"}}).Err()
		if err != nil {
			t.Fatal(err)
		}
		second := rdb.XRange(t.Context(), stream, "-", "+").Val()[1].ID
		err = rdb.XClaim(t.Context(), &redis.XClaimArgs{Stream: stream, Group: b.cfg.Group, Consumer: "holds-none", Messages: []string{second}}).Err()
		if err != nil {
			t.Fatal(err)
		}
		rdb.XAck(t.Context(), stream, b.cfg.Group, second)
		s := newShard(t.Context(), b, testWorkspace, nil, nil)
		s.tidy(t.Context(), time.Hour) // both were seen just now
		if n := len(rdb.XInfoConsumers(t.Context(), stream, b.cfg.Group).Val()); n != 2 {
			t.Fatalf("%d consumers", n)
		}
		time.Sleep(5 * time.Millisecond)
		s.tidy(t.Context(), time.Millisecond)
		left := rdb.XInfoConsumers(t.Context(), stream, b.cfg.Group).Val()
		if len(left) != 1 || left[0].Name != "holds-one" {
			t.Errorf("consumers %+v", left)
		}
	})
}

// Redis is away while a delivery is being worked on: its acknowledgement waits,
// it is not worked on twice, and what comes later is taken again.
func TestRedisAwayForAWhile(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	b := testInbox(t, rdb, nil)
	started, release := make(chan string, 10), make(chan struct{})
	run(t, b, func(_ context.Context, d Delivery) error {
		started <- d.Dedupe
		<-release
		return nil
	}, nil)
	put(t, b, "1", "lane")
	<-started
	m.SetError("LOADING Redis is loading the dataset in memory")
	close(release)
	if _, err := b.Put(t.Context(), Delivery{Workspace: testWorkspace, Dedupe: "2", Lane: "lane", Kind: KindMessage, Payload: []byte(`{}`)}); err == nil {
		t.Error("accepted without Redis")
	}
	m.SetError("")
	put(t, b, "2", "lane")
	if id := <-started; id != "2" {
		t.Errorf("got %s", id)
	}
	left(t, b)
	if len(started) != 0 {
		t.Error("something ran twice")
	}
}
