package sandbox_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"neobot/neoapi/sandbox"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, token := range []string{"", "wrong", key + "x", strings.ToUpper(key)} {
		f.token = token
		f.refused(401, "UNAUTHORIZED", http.MethodGet, agents, "")
		f.refused(401, "UNAUTHORIZED", http.MethodPut, agents+"/101", `{"state":"DISABLED"}`)
	}
	f.token = ""
	f.ok(http.MethodGet, "/public-api/health", "")
	f.ok(http.MethodGet, "/public-api/shared-agents/shr_weekly_report_7Qm2", "")
	f.refused(404, "NOT_FOUND", http.MethodGet, "/public-api/shared-agents/guess", "")
	if f.neo.Agent("101").State != "ENABLED" {
		t.Error("changed without a key")
	}
}

func TestNewNeedsAKeyAndAClock(t *testing.T) {
	t.Parallel()
	for _, cfg := range []sandbox.Config{{}, {Now: time.Now}, {Key: key}, {Now: time.Now, Key: key, Document: []byte("openapi: [")}} {
		if _, err := sandbox.New(cfg); err == nil {
			t.Errorf("accepted %+v", cfg)
		}
	}
}

// An operation without a handler must not pass unnoticed.
func TestUnknownOperationInDocument(t *testing.T) {
	t.Parallel()
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/public-api/new":{"get":{"operationId":"new_thing","responses":{"200":{"description":"ok"}}}}}}`
	_, err := sandbox.New(sandbox.Config{Now: time.Now, Key: key, Document: []byte(doc)})
	if err == nil || !strings.Contains(err.Error(), "new_thing") {
		t.Errorf("error %v", err)
	}
}

func TestKeysAreForAdmins(t *testing.T) {
	t.Parallel()
	const keys = "/public-api/api-keys"
	f := newFixture(t)
	f.refused(403, "FORBIDDEN", http.MethodGet, keys, "")
	f.refused(403, "FORBIDDEN", http.MethodPost, keys, `{"name":"mine"}`)
	f.refused(403, "FORBIDDEN", http.MethodPost, keys+"/key_1/rotate", "")
	f.refused(403, "FORBIDDEN", http.MethodDelete, keys+"/key_1", "")

	f.token = adminToken
	made := f.ok(http.MethodPost, keys, `{"name":"ci","expires_at":"2026-11-25T00:00:00Z"}`)
	f.refused(422, "validation_error", http.MethodPost, keys, `{"name":"old","expires_at":"2026-11-01T00:00:00Z"}`)
	if g := f.ok(http.MethodGet, keys, ""); strings.Contains(string(g.raw), "neo_sk_") {
		t.Errorf("list shows secrets: %s", g.raw)
	}
	rotated := f.ok(http.MethodPost, keys+"/key_1/rotate", "").at("key").(string)
	works := func(token string, want int) {
		t.Helper()
		f.token = token
		if g := f.do(http.MethodGet, agents, ""); g.status != want {
			t.Errorf("status %d, want %d", g.status, want)
		}
	}
	works(made.at("key").(string), 200)
	works(key, 200) // the old one, for 24 hours
	works(rotated, 200)
	f.clock.Add(25 * time.Hour)
	works(key, 401)
	works(made.at("key").(string), 401) // expired
	f.token = adminToken
	f.ok(http.MethodDelete, keys+"/key_1", "")
	works(rotated, 401)
}

func TestPlatformOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refused(403, "FORBIDDEN", http.MethodPost, "/public-api/channels/install-events", `{"bot_id":"bot-contoso","end_client_tenant_id":"t"}`)
	f.refused(403, "FORBIDDEN", http.MethodPost, "/public-api/chat/sessions", `{"agent_id":112,"client_id":"other"}`)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *sandbox.Config) { c.RateLimit = 10 })
	for range 4 {
		f.ok(http.MethodGet, agents, "")
	}
	f.clock.Add(30 * time.Second)
	f.neo.Spend(5) // people at the dashboard
	if g := f.ok(http.MethodGet, agents, ""); g.header.Get("X-RateLimit-Remaining") != "0" || g.header.Get("X-RateLimit-Limit") != "10" ||
		g.header.Get("X-RateLimit-Reset") != strconv.FormatInt(start.Add(time.Minute).Unix(), 10) {
		t.Errorf("headers %v", g.header)
	}
	g := f.refused(429, "RATE_LIMITED", http.MethodPut, agents+"/101", `{"state":"DISABLED"}`)
	if g.header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After %q", g.header.Get("Retry-After"))
	}
	f.clock.Add(30 * time.Second) // the window slides: the first four leave
	for range 4 {
		f.ok(http.MethodGet, agents, "")
	}
	f.refused(429, "RATE_LIMITED", http.MethodGet, agents, "")
	if f.neo.Agent("101").State != "ENABLED" {
		t.Error("a limited write was applied")
	}
}

func TestDocumentedRateLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.neo.Spend(1199)
	f.ok(http.MethodGet, agents, "")
	f.refused(429, "RATE_LIMITED", http.MethodGet, agents, "")
}

func TestParameters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, unchecked)
	for _, path := range []string{
		"/agents?page_size=0", "/agents?page_size=201", "/agents?page_size=many", "/agents?page_size=-1", "/agents?cursor=nonsense", "/agents?cursor=bGlzdF9leGVjdXRpb25zfDU",
		"/executions?agent_id=dispatch", "/scheduled-work?page=0", "/scheduled-work?status=DONE", "/billing/usage?month=2026-1", "/billing/usage?month=2026-13",
		"/billing/usage?month=2026-12", "/billing/end-user-teams/detail?months=25", "/performance/workflows", "/performance/workflows?from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z",
		"/performance/chat?from=2026-11-01T00:00:00Z&to=2026-11-25T00:00:00Z&audience=all", "/observability/callback-funnel?since=2026-11-10T00:00:00Z",
		"/integrations/connectwise/sync-runs?since=2026-10-01T00:00:00Z", "/til-requests?created_after=monday", "/executions/x/steps?include_data=perhaps",
	} {
		g := f.do(http.MethodGet, "/public-api"+path, "")
		if g.status != 400 || g.Error.Code != "validation_error" || field(g.Error.Details["errors"], 0, "field") == "" {
			t.Errorf("%s: %d %s", path, g.status, g.raw)
		}
	}
	f.refused(404, "NOT_FOUND", http.MethodGet, "/public-api/nothing", "")
	f.refused(404, "NOT_FOUND", http.MethodPatch, agents+"/101", `{}`)
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for path, want := range map[string]int{"/executions": 50, "/executions?page_size=200": 200, "/executions?page_size=1": 1, "/agents?page_size=3": 3} {
		g := f.ok(http.MethodGet, "/public-api"+path, "")
		if len(g.rows()) != want || !g.Meta.Pagination.HasMore || g.Meta.Pagination.NextCursor == nil {
			t.Errorf("%s: %d rows, %+v", path, len(g.rows()), g.Meta.Pagination)
		}
	}
	last := f.ok(http.MethodGet, agents, "")
	if last.Meta.Pagination.HasMore || last.Meta.Pagination.NextCursor != nil || len(last.rows()) != 14 {
		t.Errorf("agents: %d rows, %+v", len(last.rows()), last.Meta.Pagination)
	}
}
