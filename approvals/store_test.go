package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

const (
	testWorkspace = "slack:T1"
	testDigest    = "d1g357"
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// env is one store with its clock, under a key prefix of its own.
type env struct {
	*Store
	clock *clock
	rdb   redis.UniversalClient
}

// eachRedis runs a test on miniredis, and on a real server when
// NEOBOT_TEST_REDIS gives its address.
func eachRedis(t *testing.T, f func(t *testing.T, e env)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		f(t, newEnv(t, miniredis.RunT(t).Addr()))
	})
	if addr := os.Getenv("NEOBOT_TEST_REDIS"); addr != "" {
		t.Run("redis", func(t *testing.T) {
			t.Parallel()
			f(t, newEnv(t, addr))
		})
	}
}

func newEnv(t testing.TB, addr string) env {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = rdb.Close() })
	c := newClock()
	s, err := New(Config{Redis: rdb, Now: c.now, Prefix: "test-" + newToken()})
	if err != nil {
		t.Fatal(err)
	}
	e := env{Store: s, clock: c, rdb: rdb}
	t.Cleanup(func() { e.clean(t) }) // before the client is closed
	return e
}

// clean deletes what the environment stored: a real server is shared.
func (e env) clean(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	keys, err := e.rdb.Keys(ctx, e.c.Prefix+":*").Result()
	if err == nil && len(keys) > 0 {
		err = e.rdb.Del(ctx, keys...).Err()
	}
	if err != nil {
		t.Log(err) // the server of the test may be gone, on purpose
	}
}

func sample(c *clock) Request {
	return Request{
		Workspace: testWorkspace, Key: newToken(), Requester: "rita", Digest: testDigest,
		Change: json.RawMessage(`{"op":"updateAgent","body":{"list":[],"n":12345678901234567890,"x":null}}`),
		View:   json.RawMessage(`{"title":"a < b & c"}`), Origin: json.RawMessage(`[]`),
		Quorum: 1, ExpiresAt: c.now().Add(8 * time.Hour),
	}
}

func (e env) submit(t testing.TB, edit func(*Request)) Request {
	t.Helper()
	r := sample(e.clock)
	if edit != nil {
		edit(&r)
	}
	got, fresh, err := e.Submit(t.Context(), r)
	if err != nil || !fresh {
		t.Fatalf("submit: fresh %v, %v", fresh, err)
	}
	return got
}

// by is a decision under the rule "one approval, not by the requester".
func by(person string, c Choice) DecideArgs {
	return DecideArgs{Quorum: 1, Decision: Decision{
		Person: person, Choice: c, Delivery: "delivery-" + newToken(), Workspace: testWorkspace, User: "U1", Home: "T1",
	}}
}

func (e env) approved(t testing.TB) Request {
	t.Helper()
	r := e.submit(t, nil)
	got, err := e.Decide(t.Context(), r.Workspace, r.ID, by("anna", Approve))
	if err != nil || got.State != Approved {
		t.Fatalf("approve: %s, %v", got.State, err)
	}
	return got
}

func (e env) executing(t testing.TB) (Request, Grant) {
	t.Helper()
	r := e.approved(t)
	got, g, err := e.Redeem(t.Context(), r.Workspace, r.ID, r.Digest)
	if err != nil || got.State != Executing {
		t.Fatalf("redeem: %s, %v", got.State, err)
	}
	return got, g
}

func TestWholeLife(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		ctx := t.Context()
		in := sample(e.clock)
		r, fresh, err := e.Submit(ctx, in)
		if err != nil || !fresh {
			t.Fatal(fresh, err)
		}
		want := in
		want.ID, want.State, want.Version, want.CreatedAt = r.ID, Pending, 1, e.clock.now()
		if d := cmp.Diff(want, r); d != "" {
			t.Errorf("submitted (-want +got):\n%s", d)
		}
		e.clock.add(time.Minute)
		a := by("anna", Approve)
		r, err = e.Decide(ctx, r.Workspace, r.ID, a)
		if err != nil || r.State != Approved || r.Version != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		a.Decision.At = e.clock.now()
		if d := cmp.Diff([]Decision{a.Decision}, r.Decisions); d != "" {
			t.Errorf("decisions (-want +got):\n%s", d)
		}
		r, g, err := e.Redeem(ctx, r.Workspace, r.ID, r.Digest)
		if err != nil || r.State != Executing || r.Attempts != 1 || !r.StartedAt.Equal(e.clock.now()) {
			t.Fatalf("%+v %v", r, err)
		}
		if err := g.Spend(testDigest); err != nil {
			t.Fatal(err)
		}
		if err := g.Spend(testDigest); !errors.Is(err, ErrSpent) {
			t.Errorf("second spend: %v", err)
		}
		e.clock.add(time.Second)
		r, err = e.Finish(ctx, r, Done, json.RawMessage(`{"ok":[]}`))
		if err != nil || r.State != Done || string(r.Result) != `{"ok":[]}` || !r.EndedAt.Equal(e.clock.now()) {
			t.Fatalf("%+v %v", r, err)
		}
		got, err := e.Get(ctx, r.Workspace, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got); d != "" {
			t.Errorf("get (-finish +get):\n%s", d)
		}
	})
}

// Every script must keep to one slot, whatever the workspace, key or id.
func TestKeysShareOneSlot(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Redis: redis.NewClient(&redis.Options{}), Now: newClock().now})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		ws := fmt.Sprintf("teams:%s%d", strings.Repeat("é:", i), i)
		keys := append(s.keys(ws, ID(newToken())), s.key(ws, "recent"), s.key(ws, "key:a{b}c"))
		a := &Audit{c: AuditConfig{Prefix: defaultPrefix}}
		keys = append(keys, a.key(ws, ""), a.key(ws, ":head"), a.key(ws, ":batch:x"), a.key(ws, ":key:a{b}c"))
		want := slot("neobot:{" + ws + "}")
		for _, k := range keys {
			if slot(k) != want {
				t.Errorf("key %q: slot %d, want %d", k, slot(k), want)
			}
		}
	}
	if slot("123456789") != 0x31C3 { // check value of the Redis Cluster specification
		t.Error("the slot function of this test is wrong")
	}
}

// slot is HASH_SLOT of https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
func slot(key string) uint16 {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	var crc uint16
	for _, b := range []byte(key) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc % 16384
}
