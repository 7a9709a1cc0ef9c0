package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"neobot/neoapi/sandbox"
)

// validating is a sandbox that checks traffic and whose violations the test
// wants to see.
func validating(t *testing.T) *sandbox.Neo {
	t.Helper()
	clock := &hand{now: start}
	neo, err := sandbox.New(sandbox.Config{Now: clock.Now, Key: key, Validate: true})
	if err != nil {
		t.Fatal(err)
	}
	return neo
}

// send puts a request straight into the handler.
func send(t *testing.T, neo *sandbox.Neo, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	neo.ServeHTTP(w, r)
	return w
}

func TestServedDocument(t *testing.T) {
	t.Parallel()
	neo := validating(t)
	const path = "/public-api/openapi.json"
	own := send(t, neo, http.MethodGet, path, "").Body.String()
	if !strings.HasPrefix(own, `{"`) || !strings.Contains(own, `"operationId":"run_agent_now"`) || !strings.Contains(own, `"x-access":"write"`) {
		t.Errorf("served %.80s", own)
	}
	neo.ServeDocument([]byte(`{"openapi":"3.1.0","paths":{}}`))
	if got := send(t, neo, http.MethodGet, path, "").Body.String(); got != `{"openapi":"3.1.0","paths":{}}` {
		t.Errorf("served %.80s", got)
	}
	if send(t, neo, http.MethodGet, agents, "").Code != http.StatusOK {
		t.Error("the served document changed what works")
	}
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	clock := &hand{now: start}
	neo, err := sandbox.New(sandbox.Config{Now: clock.Now, Key: key, RateLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		send(t, neo, http.MethodGet, "/public-api/health", "")
	}
	send(t, neo, http.MethodPost, "/public-api/escalate-to-neo-team", `{"summary":"s","details":"`+strings.Repeat("x", 100_000)+`"}`)
	list := neo.Requests()
	last := list[len(list)-1]
	if len(list) > 4096 || last.Op != "escalate_to_neo_team" || len(last.Body) > 70_000 {
		t.Errorf("%d records, last %s with %d bytes", len(list), last.Op, len(last.Body))
	}
}
