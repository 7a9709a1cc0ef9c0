package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"neobot/neoapi/sandbox"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	const path, body = agents + "/101", `{"state":"DISABLED"}`
	tests := map[string]struct {
		fault   sandbox.Fault
		status  int // 0: no reply
		code    string
		applied bool
	}{
		"refused before":       {sandbox.Fault{Op: "update_agent", Status: 503}, 503, "service_unavailable", false},
		"broken after":         {sandbox.Fault{Op: "update_agent", Status: 500, AfterApply: true}, 500, "internal_error", true},
		"update conflict":      {sandbox.Fault{Op: "update_agent", Status: 409, Code: "agent_update_conflict"}, 409, "agent_update_conflict", false},
		"limited":              {sandbox.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond}, 429, "RATE_LIMITED", false},
		"code alone":           {sandbox.Fault{Code: "odd"}, 500, "odd", false},
		"reply dropped before": {sandbox.Fault{DropReply: true}, 0, "", false},
		"reply dropped after":  {sandbox.Fault{DropReply: true, AfterApply: true}, 0, "", true},
		"only late":            {sandbox.Fault{Latency: time.Millisecond}, 200, "", true},
		"another operation":    {sandbox.Fault{Op: "get_agent", Status: 500}, 200, "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.neo.Fail(tt.fault)
			g, err := f.try(http.MethodPut, path, body)
			if (err != nil) != (tt.status == 0) || g.status != tt.status || g.Error.Code != tt.code {
				t.Errorf("got %d %s, error %v", g.status, g.Error.Code, err)
			}
			if got := f.neo.Agent("101").State == "DISABLED"; got != tt.applied {
				t.Errorf("applied: %v", got)
			}
			w := f.neo.Writes()
			if len(w) != 1 || w[0].Status != tt.status || w[0].Applied != tt.applied || string(w[0].Body) != body {
				t.Errorf("recorded %+v", w)
			}
			if tt.fault.Op == "" || tt.fault.Op == "update_agent" { // used up
				f.ok(http.MethodPut, path, body)
			}
		})
	}
}

func TestFaultTimes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.neo.Fail(sandbox.Fault{Op: "list_agents", Times: 2, Status: 500})
	f.neo.Fail(sandbox.Fault{Op: "get_agent", Times: -1, Status: 502})
	f.refused(500, "internal_error", http.MethodGet, agents, "")
	f.refused(502, "internal_error", http.MethodGet, agents+"/101", "")
	f.refused(500, "internal_error", http.MethodGet, agents, "")
	f.refused(502, "internal_error", http.MethodGet, agents+"/101", "")
	f.ok(http.MethodGet, agents, "")
	f.refused(502, "internal_error", http.MethodGet, agents+"/101", "")
	if err := f.neo.Reset(); err != nil {
		t.Fatal(err)
	}
	f.ok(http.MethodGet, agents+"/101", "")
}

func TestControl(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *sandbox.Config) { c.Control = true })
	f.ok(http.MethodPost, "/_sandbox/fault", `{"op":"get_agent","status":500,"times":1}`)
	f.refused(500, "internal_error", http.MethodGet, agents+"/101", "")
	for _, bad := range []string{`{"op":"no_such"}`, `{"when":"now"}`, `{`} {
		if g := f.do(http.MethodPost, "/_sandbox/fault", bad); g.status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, g.status)
		}
	}
	f.ok(http.MethodPut, agents+"/101", `{"state":"DISABLED"}`)
	var list []sandbox.Recorded
	if err := json.Unmarshal(f.ok(http.MethodGet, "/_sandbox/requests?writes=true", "").raw, &list); err != nil || len(list) != 1 || list[0].Op != "update_agent" {
		t.Errorf("writes %+v, error %v", list, err)
	}
	f.ok(http.MethodPost, "/_sandbox/reset", "")
	if f.neo.Agent("101").State != "ENABLED" || len(f.neo.Requests()) != 0 {
		t.Error("reset left something")
	}
}

func TestControlIsOffUnlessAsked(t *testing.T) {
	t.Parallel()
	f := newFixture(t, unchecked)
	f.refused(404, "NOT_FOUND", http.MethodPost, "/_sandbox/reset", "")
}

// Every way to leave the document is noticed.
func TestViolations(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ method, path, body, want string }{
		"undeclared parameter": {http.MethodGet, agents + "?limit=5", "", `undeclared query parameter "limit"`},
		"bad parameter":        {http.MethodGet, agents + "?page_size=500", "", "page_size"},
		"bad body":             {http.MethodPut, agents + "/101", `{"state":"OFF"}`, "state"},
		"missing body":         {http.MethodPost, "/public-api/escalate-to-neo-team", "", "body"},
		"unknown path":         {http.MethodGet, "/public-api/workflows", "", "path is not in the document"},
		"unknown method":       {http.MethodPatch, "/public-api/settings", `{}`, "path is not in the document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neo := validating(t)
			send(t, neo, tt.method, tt.path, tt.body)
			if v := neo.Violations(); len(v) != 1 || !strings.Contains(v[0], tt.want) {
				t.Errorf("violations %q", v)
			}
		})
	}
}

// A wrong answer of the sandbox itself is noticed as well.
func TestViolationInResponse(t *testing.T) {
	t.Parallel()
	neo := validating(t)
	neo.Fail(sandbox.Fault{Op: "get_agent", Status: 418})
	send(t, neo, http.MethodGet, agents+"/101", "")
	neo.Mutate(func(s *sandbox.State) { s.Scheduled.Get("64").Status = "LATER" })
	send(t, neo, http.MethodGet, "/public-api/scheduled-work", "")
	if v := neo.Violations(); len(v) != 2 || !strings.Contains(v[0], "418") || !strings.Contains(v[1], "status") {
		t.Errorf("violations %q", v)
	}
}
