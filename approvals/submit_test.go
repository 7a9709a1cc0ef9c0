package approvals

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func TestSubmitIsIdempotentByKey(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		in := sample(e.clock)
		first, fresh, err := e.Submit(t.Context(), in)
		if err != nil || !fresh {
			t.Fatal(fresh, err)
		}
		ttl := e.rdb.PTTL(t.Context(), e.key(in.Workspace, "key:"+in.Key)).Val()
		if want := e.c.Keep + 8*time.Hour; ttl > want || ttl < want-time.Minute {
			t.Errorf("the key is remembered for %v", ttl)
		}
		if first, err = e.Decide(t.Context(), in.Workspace, first.ID, by("anna", Approve)); err != nil {
			t.Fatal(err)
		}
		before := dump(t, e)
		in.Digest, in.Change = "other", json.RawMessage(`{"op":"deleteAgent"}`)
		got, fresh, err := e.Submit(t.Context(), in)
		if err != nil || fresh {
			t.Fatal(fresh, err)
		}
		if d := cmp.Diff(first, got); d != "" {
			t.Errorf("not the request that was there:\n%s", d)
		}
		if d := cmp.Diff(before, dump(t, e)); d != "" {
			t.Errorf("changed:\n%s", d)
		}
		in.Workspace = "slack:T2"
		if other, fresh, err := e.Submit(t.Context(), in); err != nil || !fresh || other.ID == first.ID {
			t.Errorf("the same key elsewhere: %+v %v %v", other, fresh, err)
		}
	})
}

func TestSubmitAtOnce(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		in := sample(e.clock)
		stores := e.replicas(t, 3)
		var fresh atomic.Int64
		ids := make([]ID, 30)
		atOnce(len(ids), func(i int) {
			r, f, err := stores[i%3].Submit(t.Context(), in)
			if err != nil {
				t.Error(err)
			}
			if f {
				fresh.Add(1)
			}
			ids[i] = r.ID
		})
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("ids %s and %s", ids[0], id)
			}
		}
		if n := fresh.Load(); n != 1 {
			t.Errorf("%d fresh", n)
		}
	})
}

// A key entry whose record is gone does not block the key.
func TestSubmitAfterTheRecordIsGone(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		in := sample(e.clock)
		old, _, err := e.Submit(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		e.rdb.Del(t.Context(), e.keys(in.Workspace, old.ID)[0])
		for i := range 2 {
			r, fresh, err := e.Submit(t.Context(), in)
			if err != nil || r.ID == old.ID || fresh != (i == 0) {
				t.Errorf("%d: %+v %v %v", i, r, fresh, err)
			}
		}
	})
}

func TestSubmitRefusesBadRequests(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	for name, edit := range map[string]func(r *Request){
		"no workspace":   func(r *Request) { r.Workspace = "" },
		"open brace":     func(r *Request) { r.Workspace = "slack:{T1" },
		"closing brace":  func(r *Request) { r.Workspace = "slack:T1}" },
		"long workspace": func(r *Request) { r.Workspace = strings.Repeat("w", maxText+1) },
		"no key":         func(r *Request) { r.Key = "" },
		"long key":       func(r *Request) { r.Key = strings.Repeat("k", maxText+1) },
		"no requester":   func(r *Request) { r.Requester = "" },
		"no digest":      func(r *Request) { r.Digest = "" },
		"no change":      func(r *Request) { r.Change = nil },
		"change no JSON": func(r *Request) { r.Change = json.RawMessage(`{`) },
		"view no JSON":   func(r *Request) { r.View = json.RawMessage(`{}{}`) },
		"origin no JSON": func(r *Request) { r.Origin = json.RawMessage(`'x'`) },
		"no quorum":      func(r *Request) { r.Quorum = 0 },
		"no expiry":      func(r *Request) { r.ExpiresAt = time.Time{} },
		"expired":        func(r *Request) { r.ExpiresAt = e.clock.now() },
	} {
		r := sample(e.clock)
		edit(&r)
		if got, fresh, err := e.Submit(t.Context(), r); !errors.Is(err, ErrInvalid) || fresh || got.ID != "" {
			t.Errorf("%s: %+v %v %v", name, got, fresh, err)
		}
	}
	if d := dump(t, e); len(d) != 0 {
		t.Errorf("written: %v", d)
	}
}

// The store's own fields cannot be smuggled in.
func TestSubmitIgnoresStoreFields(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	got := e.submit(t, func(r *Request) {
		r.ID, r.State, r.Version, r.Attempts, r.Drawn = "mine", Approved, 9, 9, 9
		r.Decisions = []Decision{{Person: "anna", Choice: Approve}}
		r.Copies, r.Result, r.Lease = []string{"x"}, json.RawMessage(`1`), "mine"
		r.StartedAt, r.EndedAt = e.clock.now(), e.clock.now()
	})
	want := sample(e.clock)
	want.Key, want.ID, want.CreatedAt, want.State, want.Version = got.Key, got.ID, e.clock.now(), Pending, 1
	if d := cmp.Diff(want, got); d != "" || !got.ID.valid() {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestNewRefusesBadConfig(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{})
	now := newClock().now
	for name, c := range map[string]Config{
		"zero":           {},
		"no redis":       {Now: now},
		"no clock":       {Redis: rdb},
		"brace":          {Redis: rdb, Now: now, Prefix: "a{b}"},
		"negative lease": {Redis: rdb, Now: now, Lease: -1},
		"negative keep":  {Redis: rdb, Now: now, Keep: -1},
		"negative grace": {Redis: rdb, Now: now, Grace: -1},
	} {
		if s, err := New(c); !errors.Is(err, ErrInvalid) || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewAudit(AuditConfig{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("audit: %v", err)
	}
	if _, err := NewAudit(AuditConfig{Redis: rdb, Now: now, Prefix: "}"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("audit prefix: %v", err)
	}
}
