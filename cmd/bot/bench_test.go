package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// BenchmarkBot measures the running program, as a process of its own behind
// signed HTTP, with a real redis-server, the Neo sandbox and a cheap Slack in the
// process of the benchmark. CPU, allocations and memory are the bot's alone: they
// are read from /proc and its /metrics. docs/benchmarks.md explains the numbers.
func BenchmarkBot(b *testing.B) {
	r := newBenchRig(b)
	r.warm(b)
	b.Run("ask/direct", func(b *testing.B) { r.flows(b, r.askDirect) })
	b.Run("ask/mention", func(b *testing.B) { r.flows(b, r.askMention) })
	b.Run("ask/uncached", func(b *testing.B) { r.flows(b, r.askUncached) })
	b.Run("request", func(b *testing.B) { r.flows(b, r.request) })
	b.Run("approve", r.approve)
	b.Run("acknowledge/500-per-s", r.acknowledge)
}

const (
	benchKey = "neo_sk_bench"
	// benchDrivers flows are under way at once.
	benchDrivers = 8
	// benchChannels are many, because Slack takes one message a second in each.
	benchChannels = 1600
)

const benchPolicy = `
workspaces: ["slack:T0HOME"]
permissions: {all: read_write, api_keys: disabled}
roles:
  technician: {permissions: {all: read_write}}
people:
  - {name: Riley, slack: {team: T0HOME, id: U0RILEY}, roles: [technician]}
  - {name: Sam, slack: {team: T0HOME, id: U0SAM}, roles: [technician]}
channels:
  - {match: "*", permissions: {all: read_write}}
  - {match: direct, permissions: {all: read_write}}
approvals:
  rules:
    - {approvers: [Sam]}
`

// benchAgents of the sandbox's seed; each driver has one of its own.
var benchAgents = []string{
	"Ticket triage (night)", "Dispatch", "Onboarding", "Offboarding", "License audit", "Merge duplicates", "L1 engineer", "Stale ticket chaser",
}

type benchRig struct {
	slack  *benchSlack
	neo    *sandbox.Neo
	calls  atomic.Int64 // to Neo
	redis  *redisServer
	bot    *process
	client *http.Client
	next   atomic.Int64
}

func newBenchRig(b *testing.B) *benchRig {
	b.Helper()
	return newLimitedRig(b, -1, benchPolicy, "NEO_REQUESTS_PER_MINUTE=1000000", "SLACK_POSTS_PER_SECOND=1000000")
}

// newLimitedRig has a Neo that takes limit requests a minute (0: as many as Neo
// does, below 0: any number) and starts the bot with env besides what it needs.
func newLimitedRig(b *testing.B, limit int, rules string, env ...string) *benchRig {
	b.Helper()
	r := &benchRig{slack: newBenchSlack(b)}
	r.start(b, limit, rules, append(env,
		"SLACK_API_URL="+r.slack.server.URL+"/api/", "SLACK_BOT_TOKEN=xoxb-bench", "SLACK_SIGNING_SECRET="+benchSecret, "SLACK_APP_ID="+benchApp,
	))
	return r
}

// start runs Redis, a Neo with a limit and the bot, whose platform is in env.
func (r *benchRig) start(b *testing.B, limit int, rules string, env []string) {
	b.Helper()
	r.redis = startRedis(b)
	var err error
	r.neo, err = sandbox.New(sandbox.Config{Now: time.Now, Key: benchKey, Seed: 1, Document: neoapi.Document(), RateLimit: limit})
	if err != nil {
		b.Fatal(err)
	}
	neo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.calls.Add(1)
		r.neo.ServeHTTP(w, q)
	}))
	b.Cleanup(neo.Close)
	policy := filepath.Join(b.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(rules), 0o600); err != nil {
		b.Fatal(err)
	}
	r.bot = startProcess(b, buildBot(b), freeAddr(b), append(env,
		"REDIS_URL=redis://"+r.redis.addr+"/0", "NEOBOT_CONFIG="+policy, "NEO_BASE_URL="+neo.URL, "NEO_API_KEY="+benchKey,
	))
	r.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: patience}
}

// flow is one conversation of a driver, from the first delivery to the last card.
type flow func(tb testing.TB, driver int, channel string) error

// warm brings the bot to the state of a working day: connections, caches, heap.
func (r *benchRig) warm(b *testing.B) {
	b.Helper()
	r.enable(benchAgents...)
	r.drive(b, 300, r.askDirect)
	r.drive(b, benchChannels, r.askMention)
	r.drive(b, 40, func(tb testing.TB, driver int, channel string) error { return r.change(tb, driver, channel, true) })
}

// drive runs n flows, benchDrivers at once.
func (r *benchRig) drive(b *testing.B, n int, f flow) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for d := range benchDrivers {
		wg.Go(func() {
			for left.Add(-1) >= 0 && failed.Load() == nil {
				channel := fmt.Sprintf("C%05d", r.next.Add(1)%benchChannels)
				if err := f(b, d, channel); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
}

// flows measures b.N flows.
func (r *benchRig) flows(b *testing.B, f flow) {
	m := r.meter(b)
	r.drive(b, b.N, f)
	m.report(b.N)
}

// shown waits for a card.
func (r *benchRig) shown(tb testing.TB, c <-chan benchPost, channel, what string) (benchPost, error) {
	select {
	case p := <-c:
		return p, nil
	case <-time.After(patience):
		return benchPost{}, fmt.Errorf("%s: no card within %v; another one: %s", what, patience, r.slack.other(channel))
	case <-tb.Context().Done():
		return benchPost{}, tb.Context().Err()
	}
}

func (r *benchRig) say(tb testing.TB, kinds []string, channel, text, want string) (ts string, card benchPost, err error) {
	ts = r.slack.ts()
	answer := r.slack.expect(channel, want)
	for _, kind := range kinds {
		path, contentType, body := r.slack.event(kind, channel, ts, text)
		if err := r.slack.send(tb, r.client, r.bot.url, path, contentType, body); err != nil {
			return ts, card, err
		}
	}
	card, err = r.shown(tb, answer, channel, text)
	return ts, card, err
}

// askDirect is a question in a direct message: one delivery, one card.
func (r *benchRig) askDirect(tb testing.TB, _ int, channel string) error {
	_, _, err := r.say(tb, []string{"message"}, "D"+channel[1:], "which agents are on?", "agents on")
	return err
}

// both are what Slack delivers for one mention in a channel.
var both = []string{"app_mention", "message"}

// askMention is a question in a channel: two deliveries, one card.
func (r *benchRig) askMention(tb testing.TB, _ int, channel string) error {
	_, _, err := r.say(tb, both, channel, "<@U0BOT> which agents are on?", "agents on")
	return err
}

// askUncached is a question that needs a read of its own from Neo.
func (r *benchRig) askUncached(tb testing.TB, _ int, channel string) error {
	ticket := 100_000 + r.next.Add(1)
	_, _, err := r.say(tb, []string{"message"}, "D"+channel[1:], fmt.Sprintf("what did neo do on ticket %d", ticket), "Nothing ran")
	return err
}

// request is a change asked for in a channel, up to the approval card.
func (r *benchRig) request(tb testing.TB, driver int, channel string) error {
	return r.change(tb, driver, channel, false)
}

func (r *benchRig) change(tb testing.TB, driver int, channel string, approve bool) error {
	thread, card, err := r.ask(tb, driver, channel)
	if err != nil || !approve {
		return err
	}
	return r.press(tb, driver, channel, thread, card)
}

func (r *benchRig) ask(tb testing.TB, driver int, channel string) (thread string, card benchPost, err error) {
	return r.say(tb, both, channel, "<@U0BOT> disable "+benchAgents[driver], "Withdraw")
}

// press approves a card and waits until every copy of it shows what Neo says.
func (r *benchRig) press(tb testing.TB, driver int, channel, thread string, card benchPost) error {
	path, contentType, body, err := r.slack.click(channel, thread, card)
	if err != nil {
		return err
	}
	done := r.slack.expect(channel, "Neo now shows the change")
	if err := r.slack.send(tb, r.client, r.bot.url, path, contentType, body); err != nil {
		return err
	}
	if _, err := r.shown(tb, done, channel, "click"); err != nil {
		return err
	}
	r.enable(benchAgents[driver])
	return nil
}

// enable switches agents on behind the bot's back.
func (r *benchRig) enable(names ...string) {
	r.neo.Mutate(func(s *sandbox.State) {
		for a := range s.Agents.All() {
			if slices.Contains(names, a.Name) {
				a.State = "ENABLED"
			}
		}
	})
}

// pendingCard is a request that waits to be approved.
type pendingCard struct {
	channel, thread string
	card            benchPost
}

// approve measures from the click to the last redrawn card. The requests are
// made before the clock runs.
func (r *benchRig) approve(b *testing.B) {
	var mu sync.Mutex
	waiting := map[int][]pendingCard{}
	share := (b.N + benchDrivers - 1) / benchDrivers
	r.driveEach(b, share, func(driver int, channel string) error {
		thread, card, err := r.ask(b, driver, channel)
		mu.Lock()
		defer mu.Unlock()
		waiting[driver] = append(waiting[driver], pendingCard{channel, thread, card})
		return err
	})
	m := r.meter(b)
	var taken [benchDrivers]int
	r.driveEach(b, share, func(driver int, _ string) error {
		p := waiting[driver][taken[driver]]
		taken[driver]++
		return r.press(b, driver, p.channel, p.thread, p.card)
	})
	m.report(share * benchDrivers)
}

// driveEach runs share flows in every driver.
func (r *benchRig) driveEach(b *testing.B, share int, f func(driver int, channel string) error) {
	b.Helper()
	var wg sync.WaitGroup
	errs := make([]error, benchDrivers)
	for d := range benchDrivers {
		wg.Go(func() {
			for range share {
				if errs[d] = f(d, fmt.Sprintf("C%05d", r.next.Add(1)%benchChannels)); errs[d] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// acknowledge sends questions at a fixed rate, whether answers come or not, and
// measures from the moment each should have been sent to its acknowledgement.
// The bot answers all of them meanwhile.
func (r *benchRig) acknowledge(b *testing.B) {
	const rate, length = 500, 4 * time.Second
	n := int(length.Seconds()) * rate
	times := make([]time.Duration, n)
	errs := make([]error, n)
	bodies := make([][]byte, n)
	for i := range n {
		_, _, bodies[i] = r.slack.event("message", fmt.Sprintf("D%05d", i%benchChannels), r.slack.ts(), "which agents are on?")
	}
	m := r.meter(b)
	start := time.Now()
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for i := range n {
		due := start.Add(time.Duration(i) * time.Second / rate)
		for time.Now().Before(due) {
			<-tick.C
		}
		wg.Go(func() {
			errs[i] = r.slack.send(b, r.client, r.bot.url, "/slack/events", "application/json", bodies[i])
			times[i] = time.Since(due)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	r.idle(b)
	m.report(n)
	slices.Sort(times)
	ms := func(q float64) float64 { return times[min(n-1, int(q*float64(n)))].Seconds() * 1000 }
	b.ReportMetric(ms(.5), "p50-ms")
	b.ReportMetric(ms(.99), "p99-ms")
	b.ReportMetric(ms(.999), "p99.9-ms")
}

// idle waits until the bot has answered everything.
func (r *benchRig) idle(b *testing.B) {
	b.Helper()
	eventually(b, "all answered", func() (bool, any) {
		n, err := r.redis.rdb.XLen(b.Context(), "neobot:{slack:T0HOME}:inbox").Result()
		return n == 0 && err == nil, fmt.Sprint(n, err)
	})
}
