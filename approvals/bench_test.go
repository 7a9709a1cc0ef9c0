package approvals

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// benchEnv runs on the real server of NEOBOT_TEST_REDIS, else on miniredis,
// and counts round trips.
func benchEnv(b *testing.B) (env, *tripHook) {
	b.Helper()
	addr := os.Getenv("NEOBOT_TEST_REDIS")
	if addr == "" {
		addr = miniredis.RunT(b).Addr()
	}
	e, trips := newEnv(b, addr), &tripHook{}
	e.executing(b) // connects and loads the scripts
	e.rdb.AddHook(trips)
	return e, trips
}

// reportPerOp adds what a busy machine does not blur: round trips, and the
// processor time of this process (miniredis included, a real server not).
func reportPerOp(b *testing.B, trips *tripHook) func() {
	b.Helper()
	trips.n.Store(0)
	start := cpuTime(b)
	return func() {
		b.ReportMetric(float64(trips.n.Load())/float64(b.N), "trips/op")
		b.ReportMetric(float64((cpuTime(b)-start).Microseconds())/float64(b.N), "cpu-us/op")
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkApproveFlow is one request from Submit to Finish, with a change and
// a view of 2 kB each and a posted card.
func BenchmarkApproveFlow(b *testing.B) {
	e, trips := benchEnv(b)
	ctx := b.Context()
	doc := json.RawMessage(`{"text":"` + strings.Repeat("x", 2000) + `"}`)
	flow := func() error {
		in := sample(e.clock)
		in.Change, in.View = doc, doc
		r, _, err := e.Submit(ctx, in)
		if err != nil {
			return err
		}
		if _, err = e.AddCopy(ctx, r.Workspace, r.ID, "slack:T1/C1/1700000000.000100"); err != nil {
			return err
		}
		if r, err = e.Decide(ctx, r.Workspace, r.ID, by("anna", Approve)); err != nil {
			return err
		}
		r, g, err := e.Redeem(ctx, r.Workspace, r.ID, r.Digest)
		if err != nil {
			return err
		}
		if err := g.Spend(r.Digest); err != nil {
			return err
		}
		if r, err = e.Finish(ctx, r, Done, json.RawMessage(`{"ok":true}`)); err != nil {
			return err
		}
		return e.Drawn(ctx, r)
	}
	if err := flow(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	defer reportPerOp(b, trips)()
	for b.Loop() {
		if err := flow(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecideRedeemFinish is the part between the click and the end.
func BenchmarkDecideRedeemFinish(b *testing.B) {
	e, trips := benchEnv(b)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		r := e.submit(b, nil)
		trips.n.Add(-1)
		b.StartTimer()
		if _, err := e.Decide(ctx, r.Workspace, r.ID, by("anna", Approve)); err != nil {
			b.Fatal(err)
		}
		r, _, err := e.Redeem(ctx, r.Workspace, r.ID, r.Digest)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Finish(ctx, r, Done, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(trips.n.Load())/float64(b.N), "trips/op")
}

func BenchmarkAuditAppend(b *testing.B) {
	for name, parallel := range map[string]int{"alone": 0, "64 at once": 32} {
		b.Run(name, func(b *testing.B) {
			e, trips := benchEnv(b)
			a := e.audit(b)
			appendN(b, a, 1)
			b.ReportAllocs()
			defer reportPerOp(b, trips)()
			if parallel == 0 {
				for b.Loop() {
					appendN(b, a, 1)
				}
			} else {
				b.SetParallelism(parallel) // times GOMAXPROCS
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						appendN(b, a, 1)
					}
				})
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	e := newMiniEnv(b)
	a := e.audit(b)
	appendN(b, a, 1000)
	var text strings.Builder
	if err := a.Export(b.Context(), testWorkspace, &text, e.clock.now().AddDate(-1, 0, 0)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := Verify(strings.NewReader(text.String()), ""); err != nil {
			b.Fatal(err)
		}
	}
}
