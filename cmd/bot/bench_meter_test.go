package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// usage is what the bot has used up since it started.
type usage struct {
	at         time.Time
	cpu, sys   time.Duration // all, and the kernel's part of it
	rss, peak  float64       // MiB
	mallocs    float64
	bytes      float64
	roundTrips float64 // reads of a socket by redis-server: one per command or pipeline
	neo, slack int64
}

func (r *benchRig) usage(b *testing.B) usage {
	b.Helper()
	u := usage{at: time.Now(), neo: r.calls.Load(), slack: r.slack.calls.Load()}
	u.cpu, u.sys, u.rss, u.peak = processUsage(b, r.bot.cmd.Process.Pid)
	_, metrics, err := get(b.Context(), r.bot.url+"/metrics")
	if err != nil {
		b.Fatal(err)
	}
	u.mallocs = value(b, metrics, "go_memstats_mallocs_total ")
	u.bytes = value(b, metrics, "go_memstats_alloc_bytes_total ")
	stats, err := r.redis.rdb.Info(context.WithoutCancel(b.Context()), "stats").Result()
	if err != nil {
		b.Fatal(err)
	}
	u.roundTrips = value(b, stats, "total_reads_processed:")
	return u
}

// value of a line "<name><number>".
func value(b *testing.B, text, name string) float64 {
	b.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				b.Fatal(err)
			}
			return v
		}
	}
	b.Fatalf("no %q", name)
	return 0
}

// clockTick is the unit of /proc/<pid>/stat, see sysconf(_SC_CLK_TCK): 100 a
// second on every Linux.
const clockTick = 10 * time.Millisecond

// processUsage reads CPU time and memory of a process.
func processUsage(b *testing.B, pid int) (cpu, sys time.Duration, rss, peak float64) {
	b.Helper()
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from field 3 on
	for _, i := range []int{11, 12} {                                                   // utime, stime
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			b.Fatal(err)
		}
		sys = time.Duration(n) * clockTick
		cpu += sys
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		b.Fatal(err)
	}
	kib := func(name string) float64 {
		line := string(status)[strings.Index(string(status), name)+len(name):]
		n, _ := strconv.ParseFloat(strings.Fields(line)[0], 64)
		return n / 1024
	}
	return cpu, sys, kib("VmRSS:"), kib("VmHWM:")
}

// meter measures the bot from now on.
type meter struct {
	b        *testing.B
	r        *benchRig
	unit     time.Duration
	before   usage
	platform string // name of the metric of calls to the platform
}

func (r *benchRig) meter(b *testing.B) *meter {
	b.Helper()
	m := &meter{b: b, r: r, unit: roundTrip(b), before: r.usage(b), platform: "slack/flow"}
	b.ResetTimer()
	return m
}

// report prints the cost of one of n flows.
func (m *meter) report(n int) {
	b, before := m.b, m.before
	b.Helper()
	b.StopTimer()
	after := m.r.usage(b)
	unit := (m.unit + roundTrip(b)) / 2
	per := func(x float64) float64 { return x / float64(n) }
	cpu := after.cpu - before.cpu
	b.ReportMetric(per(cpu.Seconds()*1000), "cpu-ms/flow")
	b.ReportMetric(per((after.sys-before.sys).Seconds()*1000), "sys-ms/flow")
	b.ReportMetric(unit.Seconds()*1000, "http-ms")
	b.ReportMetric(per(cpu.Seconds())/unit.Seconds(), "http-units/flow")
	b.ReportMetric(float64(n)/after.at.Sub(before.at).Seconds(), "flows/s")
	b.ReportMetric(per(after.mallocs-before.mallocs), "allocs/flow")
	b.ReportMetric(per(after.bytes-before.bytes)/1024, "KiB/flow")
	b.ReportMetric(per(after.roundTrips-before.roundTrips), "redis/flow")
	b.ReportMetric(per(float64(after.neo-before.neo)), "neo/flow")
	b.ReportMetric(per(float64(after.slack-before.slack)), m.platform)
	b.ReportMetric(after.rss, "rss-MiB")
	b.ReportMetric(after.peak, "peak-MiB")
}

// roundTrip is the yardstick that makes runs on busy and on other machines
// comparable: the CPU time, client and server together, of one HTTP request over
// loopback with a small JSON body, encoded and decoded on both sides.
func roundTrip(b *testing.B) time.Duration {
	b.Helper()
	type event struct {
		Type, User, Channel, Text string
		Fields                    map[string]string
	}
	sent := event{"message", "U0RILEY", "C00001", "which agents are on?", map[string]string{"team": benchTeam, "ts": "1764000000.000100"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e event
		if json.NewDecoder(r.Body).Decode(&e) == nil {
			_ = json.NewEncoder(w).Encode(e)
		}
	}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var began time.Duration
	const warm, n = 100, 1000
	for i := range warm + n {
		if i == warm {
			began = ownCPU(b)
		}
		body, _ := json.Marshal(sent) // plain strings cannot fail
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL, bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		var e event
		err = json.NewDecoder(res.Body).Decode(&e)
		_ = res.Body.Close()
		if err != nil || e.Text != sent.Text {
			b.Fatal(e, err)
		}
	}
	return (ownCPU(b) - began) / n
}

// ownCPU is the CPU time of this process.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
