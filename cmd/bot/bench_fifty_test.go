package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"neobot/neoapi/sandbox"
)

// The working day of a service desk, and worse: everybody asks at the same
// moment, again and again. Neo answers as slowly as one over the internet.
const (
	fiftyPeople   = 50
	fiftyRounds   = 6
	fiftyPause    = 10 * time.Second // from one round to the next
	fiftyNeoTakes = 150 * time.Millisecond
)

// BenchmarkFiftyPeople asks 300 questions of 46 kinds in one minute, in bursts of
// fifty, with the bot's own share of Neo's limit (600 of 1,200 a minute) and Slack's
// limits in force. It reports what people wait and what Neo is asked for.
func BenchmarkFiftyPeople(b *testing.B) {
	r := newLimitedRig(b, 0, fiftyPolicy())
	r.neo.Fail(sandbox.Fault{Times: -1, Latency: fiftyNeoTakes})
	questions := fiftyQuestions()
	for b.Loop() {
		began := r.calls.Load()
		var waits []time.Duration
		tick := time.NewTicker(fiftyPause)
		for round := range fiftyRounds {
			waits = append(waits, r.askAtOnce(b, questions, round)...)
			<-tick.C
		}
		tick.Stop()
		slices.Sort(waits)
		at := func(q float64) float64 { return waits[min(len(waits)-1, int(q*float64(len(waits))))].Seconds() * 1000 }
		b.ReportMetric(at(.5), "p50-ms")
		b.ReportMetric(at(.99), "p99-ms")
		b.ReportMetric(at(1), "max-ms")
		b.ReportMetric(float64(r.calls.Load()-began), "neo/min")
		b.ReportMetric(float64(r.calls.Load()-began)/float64(len(waits)), "neo/question")
	}
	over := 0
	for _, q := range r.neo.Requests() {
		if q.Status == http.StatusTooManyRequests {
			over++
		}
	}
	b.ReportMetric(float64(over), "refused-by-neo")
}

// askAtOnce lets everybody ask at one moment and returns how long each waited for
// the card.
func (r *benchRig) askAtOnce(b *testing.B, questions []fiftyQuestion, round int) []time.Duration {
	b.Helper()
	waits := make([]time.Duration, fiftyPeople)
	errs := make([]error, fiftyPeople)
	var wg sync.WaitGroup
	for i := range fiftyPeople {
		wg.Go(func() {
			q := questions[(i+7*round)%len(questions)]
			channel, ts := fmt.Sprintf("D%d%04d", round, i), r.slack.ts() // a new conversation: nothing to follow up on
			answer := r.slack.expect(channel, q.want)
			start := time.Now()
			path, contentType, body := r.slack.eventBy(fiftyUser(i), "message", channel, ts, q.text)
			if errs[i] = r.slack.send(b, r.client, r.bot.url, path, contentType, body); errs[i] != nil {
				return
			}
			_, errs[i] = r.shown(b, answer, channel, q.text)
			waits[i] = time.Since(start)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	return waits
}

func fiftyUser(i int) string { return fmt.Sprintf("U%05d", i) }

func fiftyPolicy() string {
	var people strings.Builder
	for i := range fiftyPeople {
		fmt.Fprintf(&people, "  - {name: Tech %d, slack: {team: T0HOME, id: %s}, roles: [technician]}\n", i, fiftyUser(i))
	}
	return `
workspaces: ["slack:T0HOME"]
permissions: {all: read_write, api_keys: disabled}
roles:
  technician: {permissions: {all: read_write}}
people:
` + people.String() + `
channels:
  - {match: direct, permissions: {all: read_write}}
`
}

// fiftyQuestion and a text that only its answer has.
type fiftyQuestion struct{ text, want string }

func fiftyQuestions() []fiftyQuestion {
	out := []fiftyQuestion{
		{"which agents are on?", "agents on"},
		{"what failed today?", "Failed runs, today"},
		{"what failed yesterday?", "Failed runs, yesterday"},
		{"runs this week", "Runs, this week"},
		{"pending requests", "Technician requests"},
		{"how many credits did we use this month?", "credits used of"},
		{"phone calls today", "Phone calls"},
		{"which phone numbers do we have?", "Phone Agent numbers"},
		{"chat sessions", "Chat sessions"},
		{"is any integration broken?", "Integrations"},
		{"companies", "Client companies"},
		{"templates", "8 templates"},
		{"how reliable are the agents?", "Reliability, last 7 days"},
		{"show the funnel", "Event pipeline"},
		{"MAU this month", "active users"},
		{"settings", "Business hours"},
		{"scripts that ran this week", "RMM scripts"},
		{"what did neo do on ticket 48213", "Runs on ticket 48213"},
		{"what did neo do on ticket 48196", "Runs on ticket 48196"},
		{"what may I do", "What you may do here"},
	}
	for _, name := range benchAgents {
		out = append(out,
			fiftyQuestion{"when did " + name + " last run?", name + ", last 7 days"},
			fiftyQuestion{"show me the agent " + name, "Agent number"},
			fiftyQuestion{"versions of " + name, "Versions of " + name})
	}
	return append(out, fiftyQuestion{"did Onboarding run today?", "Onboarding, today"}, fiftyQuestion{"help", "What you can ask"})
}
