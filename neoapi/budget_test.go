package neoapi

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func granted(t testing.TB, b Budget, tries int) (n int) {
	t.Helper()
	for range tries {
		switch err := b.Take(t.Context()); {
		case err == nil:
			n++
		case !errors.Is(err, ErrBudget):
			t.Fatal(err)
		}
	}
	return n
}

func TestLocalBudget(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	b := NewLocalBudget(BudgetConfig{Requests: 60, Window: time.Minute, Wait: time.Second, Now: clock.Now, Sleep: clock.Sleep})
	start, n := clock.Now(), 0
	for clock.Now().Sub(start) < time.Minute {
		if err := b.Take(t.Context()); err == nil {
			n++
			continue
		} else if e := new(Error); !errors.As(err, &e) || e.RetryAfter <= 0 || !errors.Is(err, ErrBudget) {
			t.Fatalf("got %v", err)
		}
		_ = clock.Sleep(t.Context(), 100*time.Millisecond)
	}
	if n < 55 || n > 60 {
		t.Errorf("%d requests in the first minute, want at most 60", n)
	}
}

func TestLocalBudgetGivesUpWithTheContext(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	b := NewLocalBudget(BudgetConfig{Requests: 6, Wait: time.Hour, Now: clock.Now, Sleep: clock.Sleep})
	granted(t, b, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := b.Take(ctx); !errors.Is(err, ErrBudget) || len(clock.sleeps()) > 0 {
		t.Errorf("got %v after %v", err, clock.sleeps())
	}
	cancel()
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := b.Take(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Two replicas with one Redis share one budget.
func TestSharedBudget(t *testing.T) {
	t.Parallel()
	srv := miniredis.RunT(t)
	clock := newTestClock()
	srv.SetTime(clock.Now())
	cfg := BudgetConfig{Requests: 60, Window: time.Minute, Wait: time.Millisecond, Sleep: clock.Sleep}
	budget := func(key string) *SharedBudget {
		rdb := redis.NewClient(&redis.Options{Addr: srv.Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		return NewSharedBudget(rdb, key, cfg)
	}
	a, b, other := budget("tenant"), budget("tenant"), budget("other tenant")
	total := 0
	for range 60 {
		total += granted(t, a, 3) + granted(t, b, 3)
		_ = clock.Sleep(t.Context(), time.Second)
		srv.SetTime(clock.Now())
	}
	if total < 55 || total > 60 {
		t.Errorf("%d requests in a minute, want at most 60", total)
	}
	if n := granted(t, other, 5); n != 5 {
		t.Errorf("another tenant got %d", n)
	}
}

func TestSharedBudgetWaits(t *testing.T) {
	t.Parallel()
	srv := miniredis.RunT(t)
	clock := newTestClock()
	srv.SetTime(clock.Now())
	rdb := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	b := NewSharedBudget(rdb, "tenant", BudgetConfig{Requests: 60, Sleep: func(ctx context.Context, d time.Duration) error {
		err := clock.Sleep(ctx, d)
		srv.SetTime(clock.Now())
		return err
	}})
	if n := granted(t, b, 15); n != 15 {
		t.Errorf("granted %d of 15 with waiting", n)
	}
	if len(clock.sleeps()) == 0 {
		t.Error("never waited")
	}
}

// No Redis, no budget, no request.
func TestSharedBudgetWithoutRedis(t *testing.T) {
	t.Parallel()
	srv := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: srv.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	srv.Close()
	neo := newFakeNeo(t, func(http.ResponseWriter, *http.Request) {})
	c := newTestClient(t, neo.URL, func(c *Config) { c.Budget = NewSharedBudget(rdb, "tenant", BudgetConfig{}) })
	_, err := c.Session(everything(t)).GetAgent(t.Context(), "42")
	var e *Error
	if !errors.As(err, &e) || e.Outcome != NotApplied || errors.Is(err, ErrBudget) || len(neo.requests()) > 0 {
		t.Errorf("got %v", err)
	}
}
