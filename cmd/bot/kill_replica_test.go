package main

import (
	"net/http"
	"testing"
	"time"
)

func testKillReplica(t *testing.T, bin string) {
	w := newOutside(t, bin)
	a, b := w.start(), w.start()
	for _, p := range []point{
		{"answer posted, Slack's reply not read", slackHold(true, "/api/chat.postMessage")},
		{"acknowledged, Neo not asked", neoHold(false, "GET /public-api/executions")},
	} {
		ha, hb := p.arm(a), p.arm(b)
		thread := w.asks(a.url)
		a, b = w.killHolder(a, b, ha, hb, p.name)
		w.waitCard(thread, "Nothing ran")
		w.check()
	}
	thread := w.requested(a.url, "disable Merge duplicates")
	ha, hb := a.neo.arm(true, "PUT /public-api/agents/"), b.neo.arm(true, "PUT /public-api/agents/")
	w.approves(b.url, thread)
	w.killHolder(a, b, ha, hb, "written, reply not read")
	w.writes++
	w.waitCard(thread, "Approved by Sam", "the change is there")
	w.check()
	w.audit()
}

func (w *outside) killHolder(a, b *victim, ha, hb *hold, what string) (survivor, fresh *victim) {
	w.t.Helper()
	select {
	case <-ha.reached:
	case <-hb.reached:
		a, b, ha, hb = b, a, hb, ha
	case <-time.After(patience):
		w.t.Fatalf("no bot came to the point %q", what)
	}
	hb.release()
	a.kill()
	return b, w.start()
}

func testKillRedis(t *testing.T, bin string) {
	w := newOutside(t, bin)
	v := w.start()
	change := w.requested(v.url, "disable Merge duplicates")
	h := v.neo.arm(false, "GET /public-api/agents/")
	w.approves(v.url, change)
	w.reached(h, "approved, target not read")
	w.redis.kill()

	question, requests := w.slack.Mention("U0RILEY", killChannel, "", "which agents are on?")
	for _, q := range requests {
		if status, _, err := w.slack.Send(t.Context(), v.url, q); err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("with Redis down: status %d, %v; want 503", status, err)
		}
	}
	if status, _, err := get(t.Context(), v.url+"/readyz"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("readiness with Redis down: %d, %v; want 503", status, err)
	}
	if status, _, err := get(t.Context(), v.url+"/healthz"); err != nil || status != http.StatusOK {
		t.Errorf("liveness with Redis down: %d, %v; want 200", status, err)
	}
	h.release()
	w.redis.start()
	v.waitReady()
	w.deliver(v.url, requests...) // Slack comes again
	w.posts++
	w.writes++
	w.waitCard(question, "agents")
	w.waitCard(change, "Approved by Sam", "Neo now shows the change")
	w.check()
	w.audit()
}
