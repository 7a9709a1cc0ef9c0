package approvals

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicas are stores of other processes: each has its own connection.
func (e env) replicas(t *testing.T, n int) []*Store {
	t.Helper()
	out := make([]*Store, n)
	for i := range out {
		rdb := redis.NewClient(&redis.Options{Addr: e.addr(t), PoolSize: 4})
		t.Cleanup(func() { _ = rdb.Close() })
		c := e.c
		c.Redis = rdb
		var err error
		if out[i], err = New(c); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// atOnce runs f n times, all released at the same moment.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func TestFiftyClicksOneTransition(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		r := e.submit(t, nil)
		stores := e.replicas(t, 3)
		var won, lost, grants atomic.Int64
		atOnce(50, func(i int) {
			choice := Approve
			if i%2 == 1 {
				choice = Reject
			}
			got, err := stores[i%3].Decide(t.Context(), r.Workspace, r.ID, by(fmt.Sprint("p", i), choice))
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrDecided) && len(got.Decisions) == 1 && got.Decisions[0].Person != "":
				lost.Add(1)
			default:
				t.Errorf("click %d: %s, %v", i, got.State, err)
			}
			if _, g, err := stores[i%3].Redeem(t.Context(), r.Workspace, r.ID, r.Digest); err == nil && g.Spend(r.Digest) == nil {
				grants.Add(1)
			}
		})
		got, err := e.Get(t.Context(), r.Workspace, r.ID)
		if err != nil || won.Load() != 1 || lost.Load() != 49 || len(got.Decisions) != 1 {
			t.Errorf("%d won, %d lost, %d decisions, %v", won.Load(), lost.Load(), len(got.Decisions), err)
		}
		wantGrants, wantState := int64(0), Rejected
		if got.Decisions[0].Choice == Approve {
			wantGrants, wantState = 1, Executing
		}
		if grants.Load() != wantGrants || got.State != wantState {
			t.Errorf("%s with %d grants", got.State, grants.Load())
		}
	})
}

func TestTwoApproversAtOnce(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		stores := e.replicas(t, 2)
		for range 20 {
			r := e.submit(t, func(r *Request) { r.Quorum = 2 })
			var approvedSeen atomic.Int64
			atOnce(2, func(i int) {
				a := by([]string{"anna", "bert"}[i], Approve)
				a.Quorum = 2
				got, err := stores[i].Decide(t.Context(), r.Workspace, r.ID, a)
				if err != nil {
					t.Error(err)
				}
				if got.State == Approved {
					approvedSeen.Add(1)
				}
			})
			if n := approvedSeen.Load(); n != 1 {
				t.Errorf("%d calls made the transition", n)
			}
		}
	})
}

func TestQuorum(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		decide := func(r Request, a DecideArgs, want State, wantErr error) Request {
			t.Helper()
			got, err := e.Decide(t.Context(), r.Workspace, r.ID, a)
			if !errors.Is(err, wantErr) || got.State != want {
				t.Fatalf("%s by %s: %s, %v; want %s, %v", a.Decision.Choice, a.Decision.Person, got.State, err, want, wantErr)
			}
			return got
		}
		two := func(person string, c Choice) DecideArgs { a := by(person, c); a.Quorum = 2; return a }

		r := e.submit(t, nil)
		anna := two("anna", Approve)
		decide(r, anna, Pending, nil)
		decide(r, anna, Pending, nil) // the same click again
		decide(r, two("anna", Approve), Pending, ErrRepeated)
		decide(r, two("anna", Reject), Pending, ErrRepeated)
		swapped := anna
		swapped.Decision.Choice = Reject // same delivery, other choice: no repeat
		decide(r, swapped, Pending, ErrRepeated)
		decide(r, two(r.Requester, Approve), Pending, ErrSelf)
		got := decide(r, two("bert", Approve), Approved, nil)
		if len(got.Decisions) != 2 || got.Decisions[0].Person != "anna" || got.Decisions[1].Person != "bert" {
			t.Errorf("decisions: %+v", got.Decisions)
		}
		if got.Version != 3 {
			t.Errorf("version %d", got.Version)
		}
		decide(r, anna, Approved, nil) // a late redelivery still is no error

		r = e.submit(t, nil)
		decide(r, two("anna", Approve), Pending, nil)
		decide(r, two("bert", Reject), Rejected, nil) // one no is enough
	})
}

func TestSelfApproval(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		for _, c := range []struct {
			choice Choice
			allow  bool
			want   State
			err    error
		}{
			{Approve, false, Pending, ErrSelf},
			{Approve, true, Approved, nil},
			{Reject, false, Pending, ErrSelf},
			{Reject, true, Pending, ErrSelf},
		} {
			// What the card said does not count, what Decide is told does.
			r := e.submit(t, func(r *Request) { r.SelfApproval = !c.allow })
			a := by(r.Requester, c.choice)
			a.AllowSelf = c.allow
			got, err := e.Decide(t.Context(), r.Workspace, r.ID, a)
			if !errors.Is(err, c.err) || got.State != c.want {
				t.Errorf("%s, allowed %v: %s, %v", c.choice, c.allow, got.State, err)
			}
		}
	})
}

func TestExpiryBoundary(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		for _, c := range []struct {
			before time.Duration
			want   State
			err    error
		}{
			{time.Millisecond, Approved, nil},
			{0, Expired, ErrExpired},
			{-time.Millisecond, Expired, ErrExpired},
		} {
			r := e.submit(t, nil)
			e.clock.add(r.ExpiresAt.Sub(e.clock.now()) - c.before)
			a := by("anna", Approve)
			for range 2 { // a repeat after a lost reply says the same
				got, err := e.Decide(t.Context(), r.Workspace, r.ID, a)
				if !errors.Is(err, c.err) || got.State != c.want {
					t.Errorf("%s before: %s, %v", c.before, got.State, err)
				}
				if (len(got.Decisions) == 1) != (c.err == nil) {
					t.Errorf("%s before: decisions %v", c.before, got.Decisions)
				}
			}
		}
	})
}

// An approval just before the expiry may still begin, but not hours later.
func TestApprovalGrace(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		for _, c := range []struct {
			wait time.Duration // after the approval, made a second before the expiry
			err  error
		}{
			{0, nil},
			{time.Second, nil},
			{defaultGrace - time.Millisecond, nil},
			{defaultGrace, ErrExpired},
		} {
			r := e.submit(t, nil)
			e.clock.add(r.ExpiresAt.Sub(e.clock.now()) - time.Second)
			if _, err := e.Decide(t.Context(), r.Workspace, r.ID, by("anna", Approve)); err != nil {
				t.Fatal(err)
			}
			e.clock.add(c.wait)
			if _, _, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest); !errors.Is(err, c.err) {
				t.Errorf("%s after: %v, want %v", c.wait, err, c.err)
			}
		}
		// Long before its expiry the grace does not matter.
		r := e.approved(t)
		e.clock.add(7 * time.Hour)
		if _, _, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest); err != nil {
			t.Error(err)
		}
	})
}

func TestDecideRefusesBadArguments(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	r := e.submit(t, nil)
	before := dump(t, e)
	for name, edit := range map[string]func(a *DecideArgs){
		"zero quorum":     func(a *DecideArgs) { a.Quorum = 0 },
		"negative quorum": func(a *DecideArgs) { a.Quorum = -1 },
		"no choice":       func(a *DecideArgs) { a.Decision.Choice = "" },
		"other choice":    func(a *DecideArgs) { a.Decision.Choice = "Approve" },
		"nobody":          func(a *DecideArgs) { a.Decision.Person = "" },
		"no delivery":     func(a *DecideArgs) { a.Decision.Delivery = "" },
		"everything zero": func(a *DecideArgs) { *a = DecideArgs{} },
	} {
		a := by("anna", Approve)
		edit(&a)
		if got, err := e.Decide(t.Context(), r.Workspace, r.ID, a); !errors.Is(err, ErrInvalid) || got.ID != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := e.Withdraw(t.Context(), r.Workspace, r.ID, ""); !errors.Is(err, ErrInvalid) {
		t.Errorf("withdraw by nobody: %v", err)
	}
	if len(before) == 0 || len(dump(t, e)) != len(before) {
		t.Error("something was written")
	}
	if got, err := e.Get(t.Context(), r.Workspace, r.ID); err != nil || got.Version != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
