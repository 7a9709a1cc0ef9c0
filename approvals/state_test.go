package approvals

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var allStates = []State{Pending, Approved, Executing, Rejected, Expired, Withdrawn, Done, Failed, Unknown}

// inState makes a request that is in s. An executing one holds its lease.
func (e env) inState(t testing.TB, s State) Request {
	t.Helper()
	var r Request
	var err error
	ctx := t.Context()
	switch s {
	case Pending:
		return e.submit(t, nil)
	case Approved:
		return e.approved(t)
	case Executing:
		r, _ = e.executing(t)
	case Rejected:
		r = e.submit(t, nil)
		r, err = e.Decide(ctx, r.Workspace, r.ID, by("anna", Reject))
	case Expired:
		r = e.submit(t, func(r *Request) { r.ExpiresAt = e.clock.now().Add(time.Millisecond) })
		e.clock.add(time.Millisecond)
		r, err = e.ExpireIfDue(ctx, r.Workspace, r.ID)
	case Withdrawn:
		r = e.submit(t, nil)
		r, err = e.Withdraw(ctx, r.Workspace, r.ID, r.Requester)
	case Done, Failed, Unknown:
		r, _ = e.executing(t)
		r, err = e.Finish(ctx, r, s, json.RawMessage(`{"first":true}`))
	}
	if err != nil || r.State != s {
		t.Fatalf("make %s: %s, %v", s, r.State, err)
	}
	return r
}

// steps is every method that can change a state.
var steps = map[string]func(t *testing.T, e env, r Request) (Request, error){
	"approve": func(t *testing.T, e env, r Request) (Request, error) {
		return e.Decide(t.Context(), r.Workspace, r.ID, by("bert", Approve))
	},
	"reject": func(t *testing.T, e env, r Request) (Request, error) {
		return e.Decide(t.Context(), r.Workspace, r.ID, by("bert", Reject))
	},
	"approve own": func(t *testing.T, e env, r Request) (Request, error) {
		return e.Decide(t.Context(), r.Workspace, r.ID, by(r.Requester, Approve))
	},
	"withdraw": func(t *testing.T, e env, r Request) (Request, error) {
		return e.Withdraw(t.Context(), r.Workspace, r.ID, r.Requester)
	},
	"withdraw another's": func(t *testing.T, e env, r Request) (Request, error) {
		return e.Withdraw(t.Context(), r.Workspace, r.ID, "bert")
	},
	"redeem": func(t *testing.T, e env, r Request) (Request, error) {
		got, g, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest)
		return got, spendable(g, r.Digest, err)
	},
	"redeem other digest": func(t *testing.T, e env, r Request) (Request, error) {
		got, g, err := e.Redeem(t.Context(), r.Workspace, r.ID, "0ther")
		return got, spendable(g, r.Digest, err)
	},
	"retake": func(t *testing.T, e env, r Request) (Request, error) {
		return e.Retake(t.Context(), r.Workspace, r.ID)
	},
	"retake late": func(t *testing.T, e env, r Request) (Request, error) {
		e.clock.add(e.c.Lease)
		return e.Retake(t.Context(), r.Workspace, r.ID)
	},
	"again": func(t *testing.T, e env, r Request) (Request, error) {
		got, g, err := e.Again(t.Context(), r, 2)
		return got, spendable(g, r.Digest, err)
	},
	"again, none left": func(t *testing.T, e env, r Request) (Request, error) {
		got, g, err := e.Again(t.Context(), r, 1)
		return got, spendable(g, r.Digest, err)
	},
	"again, other lease": func(t *testing.T, e env, r Request) (Request, error) {
		r.Lease = newToken()
		got, g, err := e.Again(t.Context(), r, 2)
		return got, spendable(g, r.Digest, err)
	},
	"again, no lease": func(t *testing.T, e env, r Request) (Request, error) {
		r.Lease = ""
		got, g, err := e.Again(t.Context(), r, 2)
		return got, spendable(g, r.Digest, err)
	},
	"again, other digest": func(t *testing.T, e env, r Request) (Request, error) {
		r.Digest = "0ther"
		got, g, err := e.Again(t.Context(), r, 2)
		return got, spendable(g, r.Digest, err)
	},
	"extend": func(t *testing.T, e env, r Request) (Request, error) {
		return e.extended(t, r)
	},
	"extend, other lease": func(t *testing.T, e env, r Request) (Request, error) {
		r.Lease = newToken()
		return e.extended(t, r)
	},
	"done":    finish(Done),
	"failed":  finish(Failed),
	"unknown": finish(Unknown),
	"done, other lease": func(t *testing.T, e env, r Request) (Request, error) {
		r.Lease = newToken()
		return e.Finish(t.Context(), r, Done, nil)
	},
	"failed, no lease": func(t *testing.T, e env, r Request) (Request, error) {
		r.Lease = ""
		return e.Finish(t.Context(), r, Failed, nil)
	},
	"expire": func(t *testing.T, e env, r Request) (Request, error) {
		return e.ExpireIfDue(t.Context(), r.Workspace, r.ID)
	},
	"expire late": func(t *testing.T, e env, r Request) (Request, error) {
		e.clock.add(8 * time.Hour)
		return e.ExpireIfDue(t.Context(), r.Workspace, r.ID)
	},
	"approve late": func(t *testing.T, e env, r Request) (Request, error) {
		e.clock.add(8 * time.Hour)
		return e.Decide(t.Context(), r.Workspace, r.ID, by("bert", Approve))
	},
	"withdraw late": func(t *testing.T, e env, r Request) (Request, error) {
		e.clock.add(8 * time.Hour)
		return e.Withdraw(t.Context(), r.Workspace, r.ID, r.Requester)
	},
	"redeem late": func(t *testing.T, e env, r Request) (Request, error) {
		e.clock.add(8 * time.Hour)
		got, g, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest)
		return got, spendable(g, r.Digest, err)
	},
}

// extended gives Extend, which returns no record, the form of the others.
func (e env) extended(t *testing.T, r Request) (Request, error) {
	t.Helper()
	err := e.Extend(t.Context(), r, Grant{})
	got, gerr := e.Get(t.Context(), r.Workspace, r.ID)
	return got, errors.Join(err, gerr)
}

func finish(s State) func(t *testing.T, e env, r Request) (Request, error) {
	return func(t *testing.T, e env, r Request) (Request, error) {
		return e.Finish(t.Context(), r, s, json.RawMessage(`{"second":true}`))
	}
}

// spendable ties a grant to its error: with one it must be worthless, without
// it must work.
func spendable(g Grant, digest string, err error) error {
	spend := g.Spend(digest)
	switch {
	case err != nil && !errors.Is(spend, ErrSpent):
		return fmt.Errorf("grant in spite of %w: %w", err, spend)
	case err == nil && spend != nil:
		return fmt.Errorf("grant does not work: %w", spend)
	}
	return err
}

// The state machine. A column per state before; a cell is the state after, "="
// for no change and no error, or the refusal.
const stateTable = `
                     pending   approved  executing rejected expired   withdrawn done     failed   unknown
approve              approved  decided   decided   decided  expired!  decided   decided  decided  decided
reject               rejected  decided   decided   decided  expired!  decided   decided  decided  decided
approve_own          self      decided   decided   decided  expired!  decided   decided  decided  decided
withdraw             withdrawn decided   decided   decided  expired!  =         decided  decided  decided
withdraw_another's   foreign   foreign   foreign   foreign  foreign   foreign   foreign  foreign  foreign
redeem               not_ready executing busy      decided  expired!  decided   decided  decided  decided
redeem_other_digest  not_ready digest    busy      decided  expired!  decided   decided  decided  decided
retake               not_ready not_ready busy      decided  expired!  decided   decided  decided  decided
retake_late          not_ready not_ready =         decided  expired!  decided   decided  decided  decided
again                not_ready not_ready =         decided  expired!  decided   decided  decided  decided
again,_none_left     not_ready not_ready attempts  decided  expired!  decided   decided  decided  decided
again,_other_lease   not_ready not_ready busy      decided  expired!  decided   decided  decided  decided
again,_no_lease      not_ready not_ready busy      decided  expired!  decided   decided  decided  decided
again,_other_digest  not_ready not_ready digest    decided  expired!  decided   decided  decided  decided
extend               not_ready not_ready =         decided  expired!  decided   decided  decided  decided
extend,_other_lease  not_ready not_ready busy      decided  expired!  decided   decided  decided  decided
done                 not_ready not_ready done      decided  expired!  decided   =        decided  decided
failed               not_ready failed    failed    decided  expired!  decided   decided  =        decided
unknown              not_ready not_ready unknown   decided  expired!  decided   decided  decided  =
done,_other_lease    not_ready not_ready busy      decided  expired!  decided   =        decided  decided
failed,_no_lease     not_ready failed    busy      decided  expired!  decided   decided  =        decided
expire               =         =         =         =        =         =         =        =        =
expire_late          expired   expired   =         =        =         =         =        =        =
approve_late         >expired  decided   decided   decided  expired!  decided   decided  decided  decided
withdraw_late        >expired  decided   decided   decided  expired!  =         decided  decided  decided
redeem_late          not_ready >expired  busy      decided  expired!  decided   decided  decided  decided
`

func TestStateTable(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(stateTable), "\n")
	if len(lines) != len(steps)+1 {
		t.Fatalf("%d rows for %d steps", len(lines)-1, len(steps))
	}
	columns := strings.Fields(lines[0])
	if len(columns) != len(allStates) {
		t.Fatalf("columns %v", columns)
	}
	eachRedis(t, func(t *testing.T, e env) {
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			name := strings.ReplaceAll(cells[0], "_", " ")
			for i, cell := range cells[1:] {
				t.Run(name+"/"+columns[i], func(t *testing.T) { checkCell(t, e, name, State(columns[i]), cell) })
			}
		}
	})
}

func checkCell(t *testing.T, e env, step string, from State, cell string) {
	t.Helper()
	// A prefix of its own, so that dump sees this request only.
	e.c.Prefix = "test-" + newToken()
	e = env{&Store{e.c}, newClock(), e.rdb}
	e.c.Now = e.clock.now
	t.Cleanup(func() { e.clean(t) })
	r := e.inState(t, from)
	before := dump(t, e)
	got, err := steps[step](t, e, r)

	want, wantErr := from, error(nil)
	switch {
	case cell == "=":
	case cell == "expired!":
		wantErr = ErrExpired
	case cell == ">expired": // the call itself finds the time is up
		want, wantErr = Expired, ErrExpired
	case codes[cell] != nil && cell != "expired":
		wantErr = codes[cell]
	default:
		want = State(cell)
	}
	if !errors.Is(err, wantErr) || got.State != want {
		t.Fatalf("%s, %v; want %s, %v", got.State, err, want, wantErr)
	}
	stored, err := e.Get(t.Context(), r.Workspace, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	got.Lease = ""
	if d := cmp.Diff(stored, got); d != "" {
		t.Errorf("returned is not what is stored:\n%s", d)
	}
	if wantErr != nil && want == from {
		if d := cmp.Diff(before, dump(t, e)); d != "" {
			t.Errorf("refused, but changed:\n%s", d)
		}
	}
	e.checkIndexes(t, stored)
	if (want != from) != (stored.Version != r.Version) {
		t.Errorf("version %d -> %d for %s -> %s", r.Version, stored.Version, from, want)
	}
}

// checkIndexes compares the sorted sets with the state.
func (e env) checkIndexes(t *testing.T, r Request) {
	t.Helper()
	ctx := t.Context()
	in := func(index string) bool {
		return e.rdb.ZScore(ctx, e.key(r.Workspace, index), string(r.ID)).Err() == nil
	}
	if in("due") == r.State.Final() || in("pending") != (r.State == Pending) || !in("recent") || !in("undrawn") {
		t.Errorf("%s: due %v, pending %v, recent %v, undrawn %v",
			r.State, in("due"), in("pending"), in("recent"), in("undrawn"))
	}
	ttl := e.rdb.PTTL(ctx, e.keys(r.Workspace, r.ID)[0]).Val()
	if left := ttl > 0; left != r.State.Final() || (left && (ttl > e.c.Keep || ttl < e.c.Keep-time.Minute)) {
		t.Errorf("%s: time to live %v", r.State, ttl)
	}
	if r.State.Final() == r.EndedAt.IsZero() {
		t.Errorf("%s: ended %v", r.State, r.EndedAt)
	}
}

func TestFinalAndZeroState(t *testing.T) {
	t.Parallel()
	for _, s := range append([]State{""}, allStates...) {
		want := s != "" && s != Pending && s != Approved && s != Executing
		if s.Final() != want {
			t.Errorf("%q final: %v", s, !want)
		}
	}
}
