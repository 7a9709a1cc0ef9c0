package approvals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// audit is an Audit over the Redis and under the keys of e.
func (e env) audit(t testing.TB) *Audit {
	t.Helper()
	a, err := NewAudit(AuditConfig{Redis: e.rdb, Now: e.clock.now, Prefix: e.c.Prefix})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func note(n int) Record {
	return Record{
		Workspace: testWorkspace, Kind: KindDecision, Person: "anna", User: "U1", Home: "T1",
		Detail: map[string]any{"n": n, "text": "<@U1> \u2028\n\"}"},
	}
}

func appendN(t testing.TB, a *Audit, n int) {
	t.Helper()
	for i := range n {
		if err := a.Append(t.Context(), note(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func export(t testing.TB, a *Audit, since time.Time) string {
	t.Helper()
	var b bytes.Buffer
	if err := a.Export(t.Context(), testWorkspace, &b, since); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAuditChain(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		a := e.audit(t)
		start := e.clock.now()
		for i := range 5 {
			if err := a.Append(t.Context(), note(i)); err != nil {
				t.Fatal(err)
			}
			e.clock.add(time.Minute)
		}
		rep, err := a.VerifyStream(t.Context(), testWorkspace, "")
		if err != nil {
			t.Fatal(err)
		}
		want := Report{
			Workspace: testWorkspace, Records: 5, First: 1, Last: 5, Head: rep.Head,
			From: start, To: start.Add(4 * time.Minute),
		}
		if d := cmp.Diff(want, rep); d != "" || len(rep.Head) != hashLen {
			t.Errorf("stream (-want +got):\n%s", d)
		}
		file, err := Verify(strings.NewReader(export(t, a, time.Time{})), rep.Head)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, file); d != "" {
			t.Errorf("file (-want +got):\n%s", d)
		}
		last, err := a.Last(t.Context(), testWorkspace, 2)
		if err != nil || len(last) != 2 || last[0].Seq != 5 || last[0].Hash != rep.Head || last[0].Prev != last[1].Hash {
			t.Errorf("last: %+v, %v", last, err)
		}
		if last[0].Person != "anna" || last[0].Detail["text"] != note(0).Detail["text"] {
			t.Errorf("last record: %+v", last[0].Record)
		}
	})
}

func TestAuditExportSince(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		a := e.audit(t)
		start := e.clock.now()
		for i := range 9 {
			if err := a.Append(t.Context(), note(i)); err != nil {
				t.Fatal(err)
			}
			e.clock.add(time.Minute)
		}
		for since, first := range map[time.Duration]int64{
			-time.Hour: 1, 0: 1, time.Second: 2, 4 * time.Minute: 5, 8 * time.Minute: 9, time.Hour: 10,
		} {
			text := export(t, a, start.Add(since))
			rep, err := Verify(strings.NewReader(text), "")
			if err != nil || rep.Records != 10-first || (rep.Records > 0 && rep.First != first) {
				t.Errorf("since %s: %+v, %v", since, rep, err)
			}
			// A noted hash from before the export is found as prev of its first record only.
			if first == 5 {
				if _, err := Verify(strings.NewReader(text), rep.Head); err != nil {
					t.Error(err)
				}
				if _, err := Verify(strings.NewReader(text), genesis[1:]+"1"); !errors.Is(err, ErrTampered) {
					t.Errorf("unknown noted hash: %v", err)
				}
			}
		}
	})
}

// A stream that has run ahead of its head cannot be written to any more.
func TestAuditRefusesBrokenStream(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		a := e.audit(t)
		appendN(t, a, 3)
		e.rdb.Del(t.Context(), a.key(testWorkspace, ":head"))
		if err := a.Append(t.Context(), note(3)); err == nil {
			t.Error("appended to a stream without its head")
		}
		if n := e.rdb.XLen(t.Context(), a.key(testWorkspace, "")).Val(); n != 3 {
			t.Errorf("%d records", n)
		}
	})
}

func TestAuditKeyMakesOneRecord(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		a, b := e.audit(t), e.audit(t)
		keyed := func(k string) Record { r := note(0); r.Key = k; return r }
		for range 3 {
			for _, a := range []*Audit{a, b} {
				if err := a.Append(t.Context(), keyed("one")); err != nil {
					t.Fatal(err)
				}
			}
		}
		// Old, new, twice, and without key, in one batch.
		var wg sync.WaitGroup
		for _, k := range []string{"one", "two", "two", "", "", "three", "one"} {
			wg.Go(func() {
				if err := a.Append(t.Context(), keyed(k)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		rep, err := a.VerifyStream(t.Context(), testWorkspace, "")
		if err != nil || rep.Records != 5 {
			t.Errorf("%+v, %v", rep, err)
		}
		if ttl := e.rdb.PTTL(t.Context(), a.key(testWorkspace, ":key:one")).Val(); ttl <= 0 || ttl > defaultRemember {
			t.Errorf("key is remembered for %v", ttl)
		}
		for _, k := range e.rdb.Keys(t.Context(), a.key(testWorkspace, ":batch:*")).Val() {
			if ttl := e.rdb.PTTL(t.Context(), k).Val(); ttl <= 0 {
				t.Errorf("mark of a batch stays: %v", ttl)
			}
		}
		other := keyed("one")
		other.Workspace = "slack:T2"
		if err := a.Append(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if rep, err := a.VerifyStream(t.Context(), "slack:T2", ""); err != nil || rep.Records != 1 {
			t.Errorf("other workspace: %+v, %v", rep, err)
		}
	})
}

// One batch with keys that are known, new and repeated, without the goroutine.
func TestAuditCommitMixedBatch(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	a := e.audit(t)
	commit := func(keys ...string) {
		t.Helper()
		var batch []*entry
		for _, k := range keys {
			r := note(0)
			r.Key = k
			en, err := a.encode(&r)
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, en)
		}
		if err := a.commit(t.Context(), testWorkspace, &chain{head: head{hash: genesis}}, batch); err != nil {
			t.Fatal(err)
		}
	}
	commit("a", "", "b", "b")
	commit("b", "c", "", "a", "c", "d")
	commit("a", "d")
	list, err := a.Last(t.Context(), testWorkspace, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, en := range list {
		got = append(got, en.Key)
	}
	if d := cmp.Diff([]string{"d", "", "c", "b", "", "a"}, got); d != "" {
		t.Error(d)
	}
}

func TestAuditConcurrentWriters(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		const writers, each = 20, 20
		var wg sync.WaitGroup
		for _, a := range []*Audit{e.audit(t), e.audit(t), e.audit(t)} {
			for w := range writers {
				wg.Go(func() {
					for i := range each {
						r := note(i)
						r.Workspace = fmt.Sprintf("slack:T%d", w%2)
						if err := a.Append(t.Context(), r); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		for _, ws := range []string{"slack:T0", "slack:T1"} {
			rep, err := e.audit(t).VerifyStream(t.Context(), ws, "")
			if err != nil || rep.Records != 3*writers*each/2 {
				t.Errorf("%s: %+v, %v", ws, rep, err)
			}
		}
	})
}

// Appends made while a batch is under way travel together.
func TestAuditGroupCommit(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	appendN(t, e.audit(t), 1) // connects and loads the script
	gate := &gateHook{entered: make(chan struct{}, 1), release: make(chan struct{})}
	trips := &tripHook{}
	e.rdb.AddHook(gate)
	e.rdb.AddHook(trips)
	a := e.audit(t)
	var wg sync.WaitGroup
	appendOne := func() {
		if err := a.Append(t.Context(), note(0)); err != nil {
			t.Error(err)
		}
	}
	wg.Go(appendOne)
	<-gate.entered
	for range 100 {
		wg.Go(appendOne)
	}
	waitFor(t, func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.chains[testWorkspace].queue) == 100 })
	trips.n.Store(0)
	close(gate.release)
	wg.Wait()
	if n := trips.n.Load(); n > 3 { // the first learns the head and appends one, the rest is one batch
		t.Errorf("%d round trips for 101 records", n)
	}
	if rep, err := a.VerifyStream(t.Context(), testWorkspace, ""); err != nil || rep.Records != 102 {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestAuditClose(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	gate := &gateHook{entered: make(chan struct{}, 1), release: make(chan struct{})}
	e.rdb.AddHook(gate)
	a := e.audit(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- a.Append(ctx, note(1)) }()
	<-gate.entered
	cancel() // the caller leaves, his record does not
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	close(gate.release)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Append(t.Context(), note(2)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if rep, err := a.VerifyStream(t.Context(), testWorkspace, ""); err != nil || rep.Records != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestAuditRefusesBadRecords(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	a := e.audit(t)
	for name, r := range map[string]Record{
		"no workspace": {Kind: KindWrite},
		"brace":        {Workspace: "slack:{T1}", Kind: KindWrite},
		"no kind":      {Workspace: testWorkspace},
		"long key":     {Workspace: testWorkspace, Kind: KindWrite, Key: strings.Repeat("k", maxText+1)},
		"huge":         {Workspace: testWorkspace, Kind: KindWrite, Outcome: strings.Repeat("x", maxRecord)},
	} {
		if err := a.Append(t.Context(), r); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Append(t.Context(), Record{
		Workspace: testWorkspace, Kind: KindWrite, Detail: map[string]any{"f": func() {}},
	}); err == nil {
		t.Error("a function is no JSON")
	}
	if d := dump(t, e); len(d) != 0 {
		t.Errorf("written: %v", d)
	}
}

// A lost reply of the append script, with somebody else's record in between.
func TestAuditLostReply(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		other := e.audit(t)
		appendN(t, other, 1)
		again := &repeatHook{between: func() {
			if err := other.Append(context.Background(), note(9)); err != nil {
				t.Error(err)
			}
		}}
		rdb := redis.NewClient(&redis.Options{Addr: e.addr(t)})
		t.Cleanup(func() { _ = rdb.Close() })
		rdb.AddHook(again)
		a, err := NewAudit(AuditConfig{Redis: rdb, Now: e.clock.now, Prefix: e.c.Prefix})
		if err != nil {
			t.Fatal(err)
		}
		appendN(t, a, 3)
		list, err := other.Last(t.Context(), testWorkspace, 100)
		if err != nil {
			t.Fatal(err)
		}
		mine := map[float64]int{}
		for _, en := range list {
			mine[en.Detail["n"].(float64)]++
		}
		if mine[1] != 1 || mine[2] != 1 {
			t.Errorf("records by number: %v", mine)
		}
		if _, err := other.VerifyStream(t.Context(), testWorkspace, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestEntryReadsALine(t *testing.T) {
	t.Parallel()
	line, h := link(head{hash: genesis}, []byte(`{"workspace":"slack:T1","kind":"write"}`))
	var en Entry
	if err := json.Unmarshal(line, &en); err != nil {
		t.Fatal(err)
	}
	want := Entry{Seq: 1, Prev: genesis, Hash: h.hash, Record: Record{Workspace: "slack:T1", Kind: KindWrite}}
	if d := cmp.Diff(want, en); d != "" {
		t.Error(d)
	}
}
