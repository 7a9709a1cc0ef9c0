package sandbox_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"neobot/neoapi/sandbox"
)

const til = "/public-api/til-requests"

func TestTilFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for query, want := range map[string]int{
		"status=pending": 5, "q=48213": 2, "approver=" + sandbox.Dana.ID + "&status=PENDING": 1, "status=pending&agent_id=104": 2,
		"status=PENDING&created_before=" + start.Add(-20*time.Hour).Format(time.RFC3339): 1, "q=shared%20MAILBOX&status=PENDING": 2,
		"created_after=" + start.Format(time.RFC3339): 0,
	} {
		if n := len(f.ok(http.MethodGet, til+"?"+query, "").rows()); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}

func TestTilApproveLetsTheRunGoOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	g := f.ok(http.MethodPost, til+"/912/decision", `{"action":"approve","note":"Priya Raman via Slack","acting_end_user":"`+sandbox.Priya.ID+`"}`)
	if g.at("status") != "APPROVED" || g.at("comment") != "Priya Raman via Slack" || g.at("decided_by", "name") != "neobot (API key)" {
		t.Errorf("%s", g.raw)
	}
	if s := f.ok(http.MethodGet, waitingRun, "").at("status"); s != "success" {
		t.Errorf("run is %v", s)
	}
	again := f.refused(409, "til_request_already_resolved", http.MethodPost, til+"/912/decision", `{"action":"reject"}`)
	if field(again.Error.Details, "decided_by", "name") != "neobot (API key)" {
		t.Errorf("%s", again.raw)
	}
	if s := f.ok(http.MethodGet, til+"/912", "").at("status"); s != "APPROVED" {
		t.Errorf("second decision won: %v", s)
	}
}

func TestTilRejectEndsTheRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.ok(http.MethodPost, til+"/912/decision", `{"action":"reject","note":"wrong user"}`)
	if s := f.ok(http.MethodGet, waitingRun, "").at("status"); s != "skipped" {
		t.Errorf("run is %v", s)
	}
}

func TestTilWhoMayDecide(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refused(403, "FORBIDDEN", http.MethodPost, til+"/915/decision", `{"action":"approve"}`)
	f.refused(403, "FORBIDDEN", http.MethodPost, til+"/912/decision", `{"action":"approve","client_id":"other"}`)
	f.token = platformKey
	f.refused(403, "FORBIDDEN", http.MethodPost, til+"/912/decision", `{"action":"approve","acting_end_user":"`+sandbox.Dana.ID+`"}`)
	g := f.ok(http.MethodPost, til+"/912/decision", `{"action":"approve","acting_end_user":"`+sandbox.Priya.ID+`","acting_end_user_name":"Priya Raman"}`)
	if g.at("decided_by", "id") != sandbox.Priya.ID {
		t.Errorf("%s", g.raw)
	}
}

func TestTilBadBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, unchecked)
	f.refused(422, "validation_error", http.MethodPost, til+"/912/decision", `{"action":"maybe"}`)
	f.refused(422, "validation_error", http.MethodPost, til+"/912/decision", `{}`)
	f.refused(404, "NOT_FOUND", http.MethodPost, til+"/1/decision", `{"action":"approve"}`)
}

// Of many at once exactly one decides.
func TestTilDecidedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var won atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			w := send(t, f.neo, http.MethodPost, til+"/912/decision", `{"action":"approve"}`)
			send(t, f.neo, http.MethodGet, executions+"?page_size=5", "")
			if w.Code == http.StatusOK {
				won.Add(1)
			} else if w.Code != http.StatusConflict {
				t.Errorf("status %d", w.Code)
			}
		})
	}
	all.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d decided", n)
	}
}
