//go:build unix

package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"syscall"
	"testing"
	"time"

	"neobot/neoapi/sandbox"
)

// BenchmarkRequests answers one request after the other, in process and
// without validation. cpu-µs/op is the CPU time of the process: it means
// something on a busy machine, ns/op does not.
func BenchmarkRequests(b *testing.B) {
	neo, err := sandbox.New(sandbox.Config{Now: func() time.Time { return start }, Key: key, RateLimit: -1})
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"/executions", "/agents/101", "/agents", "/til-requests?status=PENDING", "/callbacks?entity_number=48213", "/billing/usage"} {
		b.Run(path, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/public-api"+path, nil)
			r.Header.Set("Authorization", "Bearer "+key)
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				w := httptest.NewRecorder()
				neo.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/1e3/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpu is the CPU time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkValidated is what checking against the document costs a test.
func BenchmarkValidated(b *testing.B) {
	neo, err := sandbox.New(sandbox.Config{Now: func() time.Time { return start }, Key: key, RateLimit: -1, Validate: true})
	if err != nil {
		b.Fatal(err)
	}
	before := cpu(b)
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/public-api/agents/101", nil)
		r.Header.Set("Authorization", "Bearer "+key)
		neo.ServeHTTP(httptest.NewRecorder(), r)
	}
	b.ReportMetric(float64(cpu(b)-before)/1e3/float64(b.N), "cpu-µs/op")
}

// BenchmarkNew is what a fresh sandbox costs a test.
func BenchmarkNew(b *testing.B) {
	before := cpu(b)
	for b.Loop() {
		if _, err := sandbox.New(sandbox.Config{Now: func() time.Time { return start }, Key: key}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/1e3/float64(b.N), "cpu-µs/op")
}

// BenchmarkMemory reports what one seeded sandbox keeps.
func BenchmarkMemory(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		neo, err := sandbox.New(sandbox.Config{Now: func() time.Time { return start }, Key: key})
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(neo)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
}
