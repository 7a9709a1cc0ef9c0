package approvals

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func TestZeroGrant(t *testing.T) {
	t.Parallel()
	var g Grant
	for _, digest := range []string{"", testDigest} {
		if err := g.Spend(digest); !errors.Is(err, ErrSpent) {
			t.Errorf("spend %q: %v", digest, err)
		}
	}
	if !g.TestMode() || g.Attempt() != 0 {
		t.Errorf("test mode %v, attempt %d", g.TestMode(), g.Attempt())
	}
}

func TestGrantIsForOneDigestAndOneUse(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	_, g := e.executing(t)
	for _, digest := range []string{"", "other"} {
		if err := g.Spend(digest); !errors.Is(err, ErrDigest) {
			t.Errorf("spend %q: %v", digest, err)
		}
	}
	copied := g
	var spent atomic.Int64
	atOnce(20, func(i int) {
		use := g
		if i%2 == 0 {
			use = copied
		}
		if err := use.Spend(testDigest); err == nil {
			spent.Add(1)
		} else if !errors.Is(err, ErrSpent) {
			t.Error(err)
		}
	})
	if n := spent.Load(); n != 1 {
		t.Errorf("spent %d times", n)
	}
	if g.TestMode() || g.Attempt() != 1 {
		t.Errorf("test mode %v, attempt %d", g.TestMode(), g.Attempt())
	}
}

func TestGrantKnowsTestMode(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	r := e.submit(t, func(r *Request) { r.TestMode = true })
	if _, err := e.Decide(t.Context(), r.Workspace, r.ID, by("anna", Approve)); err != nil {
		t.Fatal(err)
	}
	if _, g, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest); err != nil || !g.TestMode() {
		t.Errorf("test mode %v, %v", g.TestMode(), err)
	}
}

// A grant that was not used in time is worth nothing: another worker may have
// taken over.
func TestGrantLapsesWithTheLease(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		_, g := e.executing(t)
		e.clock.add(e.c.Lease)
		if err := g.Spend(testDigest); !errors.Is(err, ErrLapsed) {
			t.Errorf("after the lease: %v", err)
		}
		r, g := e.executing(t)
		e.clock.add(e.c.Lease - time.Millisecond)
		if err := e.Extend(t.Context(), r, g); err != nil {
			t.Fatal(err)
		}
		e.clock.add(e.c.Lease - time.Millisecond)
		if _, err := e.Retake(t.Context(), r.Workspace, r.ID); !errors.Is(err, ErrBusy) {
			t.Errorf("retake of an extended lease: %v", err)
		}
		if err := g.Spend(testDigest); err != nil {
			t.Errorf("extended: %v", err)
		}
	})
}

// The sweep looks at an execution when its lease ends, not when the one before it would have.
func TestDueFollowsTheLease(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		ctx := t.Context()
		r := e.approved(t)
		almost := e.c.Lease - time.Second
		quiet := func(after string) {
			t.Helper()
			e.clock.add(almost)
			if due, err := e.Due(ctx, r.Workspace, 10); err != nil || len(due) != 0 {
				t.Errorf("after %s: %v, %v", after, due, err)
			}
		}
		quiet("approval")
		r, g, err := e.Redeem(ctx, r.Workspace, r.ID, r.Digest)
		if err != nil {
			t.Fatal(err)
		}
		quiet("redeem")
		if err := e.Extend(ctx, r, g); err != nil {
			t.Fatal(err)
		}
		quiet("extend")
		if r, _, err = e.Again(ctx, r, 2); err != nil {
			t.Fatal(err)
		}
		quiet("again")
		e.clock.add(time.Second)
		if r, err = e.Retake(ctx, r.Workspace, r.ID); err != nil {
			t.Fatal(err)
		}
		quiet("retake")
		e.clock.add(time.Second)
		if due, err := e.Due(ctx, r.Workspace, 10); err != nil || len(due) != 1 {
			t.Errorf("at the end of the lease: %v, %v", due, err)
		}
	})
}

// A grant is prolonged by its own lease only.
func TestExtendDoesNotProlongOthersGrants(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	_, other := e.executing(t)
	e.clock.add(e.c.Lease / 2)
	r, _ := e.executing(t)
	if err := e.Extend(t.Context(), r, other); err != nil {
		t.Fatal(err)
	}
	e.clock.add(e.c.Lease / 2)
	if err := other.Spend(testDigest); !errors.Is(err, ErrLapsed) {
		t.Errorf("the other's grant: %v", err)
	}
	r, g := e.executing(t)
	e.clock.add(e.c.Lease)
	r, err := e.Retake(t.Context(), r.Workspace, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Extend(t.Context(), r, g); err != nil {
		t.Fatal(err)
	}
	if err := g.Spend(testDigest); !errors.Is(err, ErrLapsed) {
		t.Errorf("the grant of the lease before: %v", err)
	}
}

// A process that dies between approval and execution: another one finds the
// request and carries on.
func TestRestartBetweenDecideAndExecute(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		r := e.submit(t, nil)
		click := by("anna", Approve)
		if _, err := e.replicas(t, 1)[0].Decide(t.Context(), r.Workspace, r.ID, click); err != nil {
			t.Fatal(err)
		}
		after := e.replicas(t, 1)[0]
		// One way: the delivery comes again.
		got, err := after.Decide(t.Context(), r.Workspace, r.ID, click)
		if err != nil || got.State != Approved || len(got.Decisions) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		// The other: the sweep finds it, but not before the lease time is over.
		if due, err := after.Due(t.Context(), r.Workspace, 10); err != nil || len(due) != 0 {
			t.Fatalf("due: %v, %v", due, err)
		}
		e.clock.add(e.c.Lease)
		due, err := after.Due(t.Context(), r.Workspace, 10)
		if err != nil || len(due) != 1 || due[0].State != Approved {
			t.Fatalf("due: %v, %v", due, err)
		}
		_, g, err := after.Redeem(t.Context(), r.Workspace, r.ID, due[0].Digest)
		if err != nil || g.Spend(r.Digest) != nil {
			t.Fatal(err)
		}
		if _, g, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest); !errors.Is(err, ErrBusy) || g.Spend(r.Digest) == nil {
			t.Errorf("second redeem: %v", err)
		}
	})
}

func TestLeaseTakeover(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		ctx := t.Context()
		old, _ := e.executing(t)
		e.clock.add(e.c.Lease - time.Millisecond)
		if _, err := e.Retake(ctx, old.Workspace, old.ID); !errors.Is(err, ErrBusy) {
			t.Fatalf("a millisecond early: %v", err)
		}
		if due, _ := e.Due(ctx, old.Workspace, 10); len(due) != 0 {
			t.Errorf("due early: %v", due)
		}
		e.clock.add(time.Millisecond)
		if due, _ := e.Due(ctx, old.Workspace, 10); len(due) != 1 || due[0].State != Executing || due[0].Lease != "" {
			t.Errorf("due: %+v", due)
		}
		stores := e.replicas(t, 5)
		var took atomic.Pointer[Request]
		var n atomic.Int64
		atOnce(20, func(i int) {
			r, err := stores[i%5].Retake(ctx, old.Workspace, old.ID)
			if err == nil {
				took.Store(&r)
				n.Add(1)
			} else if !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
		})
		if n.Load() != 1 {
			t.Fatalf("%d took over", n.Load())
		}
		r := *took.Load()
		if r.Attempts != 1 || r.Lease == "" || r.Lease == old.Lease {
			t.Errorf("taken: %+v", r)
		}
		// The old holder wakes up and can do nothing any more.
		if _, err := e.Finish(ctx, old, Done, nil); !errors.Is(err, ErrBusy) {
			t.Errorf("old finish: %v", err)
		}
		if err := e.Extend(ctx, old, Grant{}); !errors.Is(err, ErrBusy) {
			t.Errorf("old extend: %v", err)
		}
		if _, _, err := e.Again(ctx, old, 9); !errors.Is(err, ErrBusy) {
			t.Errorf("old again: %v", err)
		}
		// The new one has read back that nothing was applied.
		r, g, err := e.Again(ctx, r, 2)
		if err != nil || r.Attempts != 2 || g.Attempt() != 2 || g.Spend(testDigest) != nil {
			t.Fatalf("again: %+v, %v", r, err)
		}
		if _, g, err := e.Again(ctx, r, 2); !errors.Is(err, ErrAttempts) || g.Attempt() != 0 {
			t.Errorf("third: %v", err)
		}
		if r, err = e.Finish(ctx, r, Unknown, nil); err != nil || r.State != Unknown || r.Result != nil {
			t.Errorf("finish: %+v, %v", r, err)
		}
	})
}

// A lease that ran out but that nobody took is still its holder's to finish.
func TestFinishAfterTheLeaseUntaken(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	r, g := e.executing(t)
	e.clock.add(2 * e.c.Lease)
	if err := g.Spend(r.Digest); !errors.Is(err, ErrLapsed) {
		t.Errorf("grant: %v", err)
	}
	if got, err := e.Finish(t.Context(), r, Done, nil); err != nil || got.State != Done {
		t.Errorf("%s, %v", got.State, err)
	}
}

func TestFinishRefusesBadArguments(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	r, _ := e.executing(t)
	for _, s := range []State{"", Pending, Approved, Executing, Rejected, Expired, Withdrawn, "whatever"} {
		if _, err := e.Finish(t.Context(), r, s, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := e.Finish(t.Context(), r, Done, json.RawMessage(`{"a":`)); !errors.Is(err, ErrInvalid) {
		t.Errorf("result: %v", err)
	}
	if _, _, err := e.Redeem(t.Context(), r.Workspace, r.ID, ""); !errors.Is(err, ErrDigest) {
		t.Errorf("empty digest: %v", err)
	}
	if got, err := e.Get(t.Context(), r.Workspace, r.ID); err != nil || got.State != Executing {
		t.Errorf("%s, %v", got.State, err)
	}
}

// life plays a request with every method and returns what each call gave.
func life(t *testing.T, s *Store, c *clock, key string) (seen []Request) {
	t.Helper()
	ctx := t.Context()
	step := func(r Request, err error) Request {
		t.Helper()
		if err != nil {
			t.Fatalf("step %d: %v", len(seen)+1, err)
		}
		plain := r
		plain.ID, plain.Lease, plain.Key = "", "", ""
		for i := range plain.Decisions {
			plain.Decisions[i].Delivery = ""
		}
		seen = append(seen, plain)
		return r
	}
	granted := func(r Request, g Grant, err error) Request {
		t.Helper()
		return step(r, spendable(g, r.Digest, err))
	}
	in := sample(c)
	in.Key, in.Quorum = key, 2
	r, fresh, err := s.Submit(ctx, in)
	if !fresh {
		t.Errorf("not fresh")
	}
	step(r, err)
	step(s.AddCopy(ctx, r.Workspace, r.ID, "copy 1"))
	for _, p := range []string{"anna", "bert"} {
		a := by(p, Approve)
		a.Quorum = 2
		step(s.Decide(ctx, r.Workspace, r.ID, a))
	}
	step(s.AddCopy(ctx, r.Workspace, r.ID, "copy 2"))
	r = granted(s.Redeem(ctx, r.Workspace, r.ID, r.Digest))
	step(r, s.Drawn(ctx, r))
	c.add(s.c.Lease)
	r = step(s.Retake(ctx, r.Workspace, r.ID))
	r = granted(s.Again(ctx, r, 3))
	r = granted(s.Again(ctx, r, 3))
	step(r, s.Extend(ctx, r, Grant{}))
	r = step(s.Finish(ctx, r, Done, json.RawMessage(`{"n":1}`)))
	step(s.Get(ctx, r.Workspace, r.ID))

	w, _, err := s.Submit(ctx, sample(c))
	step(w, err)
	step(s.Withdraw(ctx, w.Workspace, w.ID, w.Requester))
	x, _, err := s.Submit(ctx, sample(c))
	step(x, err)
	c.add(8 * time.Hour)
	step(s.ExpireIfDue(ctx, x.Workspace, x.ID))
	return seen
}

// Every call executed twice by go-redis, the first reply lost, must give what
// it gives when executed once.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		want := life(t, e.Store, newClockFor(e), "once")
		twice := &repeatHook{}
		s := e.replicas(t, 1)[0]
		s.c.Redis.AddHook(twice)
		got := life(t, s, newClockFor(e), "twice")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-once +twice):\n%s", d)
		}
		if twice.n.Load() < 15 {
			t.Errorf("only %d scripts were repeated", twice.n.Load())
		}
	})
}

// newClockFor sets the environment's clock back to the start.
func newClockFor(e env) *clock {
	e.clock.mu.Lock()
	defer e.clock.mu.Unlock()
	e.clock.t = newClock().t
	return e.clock
}

// The same through a connection that really breaks, so that the retry is
// go-redis' own.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	p := newLossyProxy(t, miniredis.RunT(t).Addr())
	e := newEnv(t, p.Addr().String())
	e.rdb.(*redis.Client).Options().MaxRetries = 3
	e.executing(t) // loads the scripts
	p.lose.Store(true)
	r := e.submit(t, nil)
	p.lose.Store(true)
	if got, err := e.Decide(t.Context(), r.Workspace, r.ID, by("anna", Approve)); err != nil || got.State != Approved || got.Version != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	p.lose.Store(true)
	r, g, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest)
	if err != nil || r.Attempts != 1 || g.Spend(r.Digest) != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	p.lose.Store(true)
	if r, err = e.Finish(t.Context(), r, Done, nil); err != nil || r.State != Done || r.Version != 4 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := p.lost.Load(); n != 4 {
		t.Errorf("%d replies lost", n)
	}
}

// A Redeem whose retry arrives after somebody else has taken the lease over
// must not make a grant.
func TestRedeemRetryAfterTakeover(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		r := e.approved(t)
		s := e.replicas(t, 1)[0]
		s.c.Redis.AddHook(&repeatHook{between: func() {
			e.clock.add(e.c.Lease)
			if _, err := e.Retake(t.Context(), r.Workspace, r.ID); err != nil {
				t.Error(err)
			}
		}})
		if _, g, err := s.Redeem(t.Context(), r.Workspace, r.ID, r.Digest); !errors.Is(err, ErrBusy) || g.Attempt() != 0 {
			t.Errorf("redeem: attempt %d, %v", g.Attempt(), err)
		}
	})
}

func TestRedisDown(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	e := newEnv(t, m.Addr())
	e.c.Redis = redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = e.c.Redis.Close() })
	s := &Store{e.c}
	r := e.approved(t)
	m.SetError("LOADING Redis is loading the dataset in memory")
	check := func(name string, err error) {
		t.Helper()
		for _, known := range []error{ErrNotFound, ErrDecided, ErrExpired, ErrInvalid, ErrBusy} {
			if err == nil || errors.Is(err, known) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	ctx := t.Context()
	_, fresh, err := s.Submit(ctx, sample(e.clock))
	check("submit", err)
	_, g, err := s.Redeem(ctx, r.Workspace, r.ID, r.Digest)
	check("redeem", err)
	if fresh || g.Spend(r.Digest) == nil {
		t.Error("something was allowed")
	}
	got, err := s.Decide(ctx, r.Workspace, r.ID, by("bert", Approve))
	check("decide", err)
	if got.State != "" {
		t.Errorf("state %s", got.State)
	}
	_, err = s.Get(ctx, r.Workspace, r.ID)
	check("get", err)
	_, err = s.Due(ctx, r.Workspace, 1)
	check("due", err)
	_, err = s.Pending(ctx, r.Workspace, 1)
	check("pending", err)
	a := e.audit(t)
	check("audit", a.Append(ctx, note(1)))
}
