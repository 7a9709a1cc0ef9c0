package approvals

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
)

func ids(list []Request) []ID {
	var out []ID
	for _, r := range list {
		out = append(out, r.ID)
	}
	return out
}

func TestPendingAndRecent(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		ctx := t.Context()
		var all []ID
		for range 5 {
			all = append([]ID{e.submit(t, nil).ID}, all...) // newest first
			e.clock.add(time.Second)
		}
		check := func(what string, want []ID, list []Request, err error) {
			t.Helper()
			if d := cmp.Diff(want, ids(list)); d != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", what, err, d)
			}
		}
		if _, err := e.Decide(ctx, testWorkspace, all[1], by("anna", Reject)); err != nil {
			t.Fatal(err)
		}
		list, err := e.Pending(ctx, testWorkspace, 10)
		check("pending", []ID{all[0], all[2], all[3], all[4]}, list, err)
		list, err = e.Pending(ctx, testWorkspace, 2)
		check("pending, two", []ID{all[0], all[2]}, list, err)
		list, err = e.Recent(ctx, testWorkspace, 10)
		check("recent", all, list, err)
		list, err = e.Recent(ctx, testWorkspace, 0)
		check("recent, none", nil, list, err)
		list, err = e.Pending(ctx, "slack:T2", 10)
		check("elsewhere", nil, list, err)

		// Past its time nothing can be decided, swept or not.
		e.clock.add(8*time.Hour - 3*time.Second)
		list, err = e.Pending(ctx, testWorkspace, 10)
		check("after the first three expired", []ID{all[0]}, list, err)

		// A record that is gone leaves the lists.
		e.rdb.Del(ctx, e.keys(testWorkspace, all[0])[0])
		list, err = e.Recent(ctx, testWorkspace, 10)
		check("recent without the deleted", all[1:], list, err)
		if n := e.rdb.ZCard(ctx, e.key(testWorkspace, "recent")).Val(); n != 4 {
			t.Errorf("%d index entries", n)
		}
	})
}

func TestRecentForgetsAfterKeep(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	e.submit(t, nil)
	e.clock.add(e.c.Keep + time.Second)
	r := e.submit(t, nil)
	if list, err := e.Recent(t.Context(), testWorkspace, 10); err != nil || len(list) != 1 || list[0].ID != r.ID {
		t.Errorf("%v, %v", ids(list), err)
	}
}

func TestFinalRecordsLiveNinetyDays(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	e := newEnv(t, m.Addr())
	open, final := e.submit(t, nil), e.inState(t, Done)
	m.FastForward(90*24*time.Hour - time.Minute)
	if _, err := e.Get(t.Context(), testWorkspace, final.ID); err != nil {
		t.Errorf("a minute before: %v", err)
	}
	// Later notes do not prolong or clear it.
	if _, err := e.AddCopy(t.Context(), testWorkspace, final.ID, "late copy"); err != nil {
		t.Error(err)
	}
	m.FastForward(time.Minute)
	if _, err := e.Get(t.Context(), testWorkspace, final.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("after 90 days: %v", err)
	}
	if _, err := e.AddCopy(t.Context(), testWorkspace, final.ID, "too late"); !errors.Is(err, ErrNotFound) {
		t.Errorf("copy of nothing: %v", err)
	}
	if n := len(m.Keys()); n == 0 || strings.Contains(fmt.Sprint(m.Keys()), string(final.ID)) {
		t.Errorf("keys: %v", m.Keys())
	}
	if got, err := e.Get(t.Context(), testWorkspace, open.ID); err != nil || got.State != Pending {
		t.Errorf("an open request must stay: %v", err)
	}
}

func TestDueIsHandedOutOncePerLease(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		ctx := t.Context()
		want := map[ID]State{}
		for _, s := range []State{Pending, Approved, Executing, Done, Rejected} {
			r := e.inState(t, s)
			if !s.Final() {
				want[r.ID] = s
			}
		}
		e.clock.add(8 * time.Hour)
		stores := e.replicas(t, 4)
		found := make(chan Request, 100)
		atOnce(8, func(i int) {
			list, err := stores[i%4].Due(ctx, testWorkspace, 2)
			if err != nil {
				t.Error(err)
			}
			for _, r := range list {
				found <- r
			}
		})
		close(found)
		got := map[ID]State{}
		for r := range found {
			if got[r.ID] != "" {
				t.Errorf("%s handed out twice", r.ID)
			}
			got[r.ID] = r.State
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		e.clock.add(e.c.Lease) // nobody did anything: again
		if list, err := e.Due(ctx, testWorkspace, 10); err != nil || len(list) != 3 {
			t.Errorf("again: %v, %v", ids(list), err)
		}
	})
}

func TestCopiesAndDrawn(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		ctx := t.Context()
		undrawn := func(want bool) {
			t.Helper()
			e.clock.add(e.c.Lease)
			list, err := e.Undrawn(ctx, testWorkspace, 10)
			if err != nil || (len(list) == 1) != want {
				t.Errorf("undrawn: %v, %v", ids(list), err)
			}
			if again, _ := e.Undrawn(ctx, testWorkspace, 10); len(again) != 0 {
				t.Errorf("handed out twice: %v", ids(again))
			}
		}
		must := func(r Request, err error) Request {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		moved := func(err error) {
			t.Helper()
			if !errors.Is(err, ErrMoved) {
				t.Errorf("%v, want moved on", err)
			}
		}
		r := e.submit(t, nil)
		if list, _ := e.Undrawn(ctx, testWorkspace, 10); len(list) != 0 {
			t.Error("whoever submitted is still at it")
		}
		undrawn(true) // no card was posted at all
		r = must(e.AddCopy(ctx, r.Workspace, r.ID, "a"))
		r = must(e.AddCopy(ctx, r.Workspace, r.ID, "b{}"))
		r = must(e.AddCopy(ctx, r.Workspace, r.ID, "a"))
		if d := cmp.Diff([]string{"a", "b{}"}, r.Copies); d != "" || r.Drawn != 1 || r.Version != 1 {
			t.Errorf("drawn %d, version %d, copies: %s", r.Drawn, r.Version, d)
		}
		undrawn(false)
		r = must(e.Decide(ctx, r.Workspace, r.ID, by("anna", Approve)))
		undrawn(true)
		stale := r
		r, _, err := e.Redeem(ctx, r.Workspace, r.ID, r.Digest)
		must(r, err)
		moved(e.Drawn(ctx, stale)) // an older version on the cards
		undrawn(true)
		must(r, e.Drawn(ctx, r))
		undrawn(false)
		must(r, e.Drawn(ctx, stale)) // a slow worker does not set it back
		if r = must(e.Get(ctx, r.Workspace, r.ID)); r.Drawn != 3 {
			t.Errorf("drawn %d", r.Drawn)
		}
		// A copy that was posted while the others were drawn is not drawn.
		before := r
		r = must(e.AddCopy(ctx, r.Workspace, r.ID, "c"))
		moved(e.Drawn(ctx, before))
		undrawn(true)
		must(r, e.Drawn(ctx, r))
		undrawn(false)
	})
}

func TestUndrawnForgetsDeletedRecords(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	r := e.inState(t, Done)
	e.rdb.Del(t.Context(), e.keys(r.Workspace, r.ID)[0])
	e.clock.add(e.c.Lease)
	if list, err := e.Undrawn(t.Context(), r.Workspace, 10); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if n := e.rdb.ZCard(t.Context(), e.key(r.Workspace, "undrawn")).Val(); n != 0 {
		t.Errorf("%d index entries", n)
	}
}

// One damaged record hides no others.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	for field, value := range map[string]string{
		"version": "x", "state": "", "digest": "", "id": "short", "d:anna": "1 {", "d:bert": "x {}", "expires": "1e9",
	} {
		e := newMiniEnv(t)
		bad, good := e.submit(t, nil), e.submit(t, nil)
		e.rdb.HSet(t.Context(), e.keys(testWorkspace, bad.ID)[0], field, value)
		if r, err := e.Get(t.Context(), testWorkspace, bad.ID); err == nil || errors.Is(err, ErrNotFound) || r.ID != "" {
			t.Errorf("%s: %+v, %v", field, r, err)
		}
		list, err := e.Recent(t.Context(), testWorkspace, 10)
		if err == nil || len(list) != 1 || list[0].ID != good.ID {
			t.Errorf("%s: %v, %v", field, ids(list), err)
		}
	}
}

// Nothing of one workspace can be seen or moved from another, even with the id.
func TestWorkspacesAreIsolated(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		for name, step := range steps {
			r := e.inState(t, map[bool]State{true: Approved, false: Executing}[strings.HasPrefix(name, "redeem")])
			before := dump(t, e)
			r.Workspace = "slack:T2"
			if got, err := step(t, e, r); !errors.Is(err, ErrNotFound) || got.ID != "" {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			if d := cmp.Diff(before, dump(t, e)); d != "" {
				t.Errorf("%s changed:\n%s", name, d)
			}
		}
		r := e.inState(t, Pending)
		for _, ws := range []string{"slack:T2", "teams:T1", "slack:T1 ", "slack:t1"} {
			if _, err := e.Get(t.Context(), ws, r.ID); !errors.Is(err, ErrNotFound) {
				t.Errorf("get from %q: %v", ws, err)
			}
			if _, err := e.AddCopy(t.Context(), ws, r.ID, "x"); !errors.Is(err, ErrNotFound) {
				t.Errorf("copy from %q: %v", ws, err)
			}
		}
		for _, ws := range []string{"", "{", "a}b", "slack:T1}:x{"} {
			if _, err := e.Get(t.Context(), ws, r.ID); !errors.Is(err, ErrInvalid) {
				t.Errorf("get from %q: %v", ws, err)
			}
			if _, err := e.Due(t.Context(), ws, 1); !errors.Is(err, ErrInvalid) {
				t.Errorf("due of %q: %v", ws, err)
			}
			if _, err := e.Recent(t.Context(), ws, 1); !errors.Is(err, ErrInvalid) {
				t.Errorf("recent of %q: %v", ws, err)
			}
		}
	})
}
