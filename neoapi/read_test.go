package neoapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var agent42 = Args{Path: map[string]string{"agent_id": "42"}}

func TestReadEnvelope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		op, body string
		args     Args
		want     Response
	}{
		"envelope": {
			"get_agent", `{"data":{"id":"42"},"meta":{"request_id":"r1","warnings":["slow"],"more":1},"x":2}`, agent42,
			Response{Status: 200, Data: json.RawMessage(`{"id":"42"}`), RequestID: "r1", Warnings: []string{"slow"}},
		},
		"null data": {
			"get_agent", `{"data":null,"meta":{"request_id":"r1"}}`, agent42,
			Response{Status: 200, Data: json.RawMessage(`null`), RequestID: "r1"},
		},
		"cursor": {
			"list_agents", `{"data":[],"meta":{"request_id":"r1","pagination":{"has_more":true,"next_cursor":"c2"}}}`,
			Args{},
			Response{Status: 200, Data: json.RawMessage(`[]`), RequestID: "r1", Cursor: "c2", More: ptr(true)},
		},
		"cursor on the last page": {
			"list_agents", `{"data":[],"meta":{"request_id":"r1","pagination":{"has_more":false,"next_cursor":"c2"}}}`,
			Args{},
			Response{Status: 200, Data: json.RawMessage(`[]`), RequestID: "r1", More: ptr(false)},
		},
		"odd warnings": {
			"get_agent", `{"data":1,"meta":{"request_id":"r1","warnings":"none"}}`, agent42,
			Response{Status: 200, Data: json.RawMessage(`1`), RequestID: "r1"},
		},
		"no envelope": {
			"get_schema_catalog", `{"tools":[],"data":1}`,
			Args{Path: map[string]string{"schema_name": "tools"}},
			Response{Status: 200, Data: json.RawMessage(`{"tools":[],"data":1}`)},
		},
		"a bare list": {"list_agents", `[{"id":1}]`, Args{}, Response{Status: 200, Data: json.RawMessage(`[{"id":1}]`)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
			got, err := newTestClient(t, neo.URL).Session(everything(t)).Read(t.Context(), tt.op, tt.args)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(Response{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestReadRefusals(t *testing.T) {
	t.Parallel()
	var scopeErr *ScopeError
	all := everything(t)
	tests := map[string]struct {
		scope Scope
		op    string
		args  Args
		want  error
	}{
		"a write":        {all, "run_agent_now", agent42, ErrNotRead},
		"a stream":       {all, "tail_chat_events", Args{Path: map[string]string{"session_id": "1"}}, ErrNotRead},
		"unknown":        {all, "nope", Args{}, ErrUnknown},
		"unknown query":  {all, "list_agents", Args{Query: url.Values{"status": {"x"}}}, ErrArgs},
		"missing query":  {all, "get_agent_version_at", agent42, ErrArgs},
		"extra path":     {all, "list_agents", agent42, ErrArgs},
		"empty id":       {all, "get_agent", Args{Path: map[string]string{"agent_id": ""}}, ErrArgs},
		"dots":           {all, "get_agent", Args{Path: map[string]string{"agent_id": "."}}, ErrArgs},
		"traversal":      {all, "get_agent", Args{Path: map[string]string{"agent_id": "x/../../settings"}}, ErrArgs},
		"back slashes":   {all, "get_agent", Args{Path: map[string]string{"agent_id": `..\settings`}}, ErrArgs},
		"line break":     {all, "get_agent", Args{Path: map[string]string{"agent_id": "4\n2"}}, ErrArgs},
		"not UTF-8":      {all, "get_agent", Args{Path: map[string]string{"agent_id": "\xff"}}, ErrArgs},
		"very long":      {all, "get_agent", Args{Path: map[string]string{"agent_id": strings.Repeat("a", 600)}}, ErrArgs},
		"body for a GET": {all, "get_agent", Args{Path: agent42.Path, Body: json.RawMessage(`{}`)}, ErrArgs},
		"scope":          {Scope{"billing": ReadWrite}, "get_agent", agent42, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neo := newFakeNeo(t, func(http.ResponseWriter, *http.Request) {})
			_, err := newTestClient(t, neo.URL).Session(tt.scope).Read(t.Context(), tt.op, tt.args)
			if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && !errors.As(err, &scopeErr) {
				t.Errorf("got %v", err)
			}
			if n := neo.requests(); len(n) > 0 {
				t.Errorf("sent %v", n)
			}
		})
	}
}

// An answer of another shape is an error and not an empty agent.
func TestGetOfAnotherShape(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`null`, `[]`, `"x"`, `5`} {
		neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { data(w, json.RawMessage(body)) })
		_, err := newTestClient(t, neo.URL).Session(everything(t)).GetAgent(t.Context(), "42")
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeShape {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestReadEscapesEveryPart(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a/b", "a?x=1", "a#b", "%2e%2e", "a;b", "äö", "a b", "a&b=c", `a\b`, "...", "{agent_id}"} {
		neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { data(w, 1) })
		if _, err := newTestClient(t, neo.URL).Session(everything(t)).GetAgent(t.Context(), id); err == nil {
			t.Errorf("%s: a number decoded as an agent", id)
		}
		want := []string{"GET /public-api/agents/" + url.PathEscape(id)}
		if diff := cmp.Diff(want, neo.requests()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReadRetries(t *testing.T) {
	t.Parallel()
	drop := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	status := func(n int, after string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", after)
			refuse(w, n, "Broken")
		}
	}
	tests := map[string]struct {
		fault  http.HandlerFunc
		faults int
		sent   int
		status int // of the final error, -1: none
		waited time.Duration
	}{
		"500 once":           {status(500, ""), 1, 2, -1, 100 * time.Millisecond},
		"503 with wait":      {status(503, "4"), 1, 2, -1, 4 * time.Second},
		"dropped twice":      {drop, 2, 3, -1, 300 * time.Millisecond},
		"500 for good":       {status(500, ""), 99, 4, 500, 500 * time.Millisecond},
		"dropped for good":   {drop, 99, 4, 0, 500 * time.Millisecond},
		"429 waits":          {status(429, "7"), 1, 2, -1, 7 * time.Second},
		"429 with no number": {status(429, "soon"), 1, 2, -1, 100 * time.Millisecond},
		"429 too long":       {status(429, "3600"), 1, 1, 429, 0},
		"501":                {status(501, ""), 1, 1, 501, 0},
		"400":                {status(400, ""), 1, 1, 400, 0},
		"401":                {status(401, ""), 1, 1, 401, 0},
		"404":                {status(404, ""), 1, 1, 404, 0},
		"409":                {status(409, ""), 1, 1, 409, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			neo := newFakeNeo(t, func(w http.ResponseWriter, r *http.Request) {
				if int(n.Add(1)) <= tt.faults {
					tt.fault(w, r)
					return
				}
				data(w, map[string]any{"id": "42", "name": "Triage"})
			})
			c := newTestClient(t, neo.URL)
			got, err := c.Session(everything(t)).GetAgent(t.Context(), "42")
			var e *Error
			switch {
			case tt.status < 0 && (err != nil || got.Name != "Triage"):
				t.Errorf("got %+v, %v", got, err)
			case tt.status >= 0 && (!errors.As(err, &e) || e.Status != tt.status || e.Outcome != NotApplied):
				t.Errorf("got %+v", err)
			case tt.status > 0 && (e.Code != "broken" || e.RequestID != "req-9" || e.Message != "no" || string(e.Details) != `{"a":1}`):
				t.Errorf("got %+v", e)
			}
			var total time.Duration
			for _, d := range c.clock.sleeps() {
				total += d
			}
			if len(neo.requests()) != tt.sent || total < tt.waited || tt.waited == 0 && total > 0 {
				t.Errorf("sent %d, waited %v", len(neo.requests()), total)
			}
		})
	}
}

// A wait that the context does not allow is not begun.
func TestReadHandsOutLongWaits(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "10")
		refuse(w, 429, "rate_limited")
	})
	c := newTestClient(t, neo.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := c.Session(everything(t)).GetAgent(ctx, "42")
	var e *Error
	if !errors.As(err, &e) || e.Status != 429 || e.RetryAfter != 10*time.Second || len(c.clock.sleeps()) > 0 {
		t.Errorf("got %+v after sleeping %v", err, c.clock.sleeps())
	}
	// Nor does the next call go out before Neo's time is over.
	_, err = c.Session(everything(t)).GetSettings(ctx)
	if !errors.Is(err, ErrBudget) || !errors.As(err, &e) || e.RetryAfter != 10*time.Second {
		t.Errorf("got %+v", err)
	}
	if len(neo.requests()) != 1 {
		t.Errorf("sent %v", neo.requests())
	}
}

func TestReadSlowsDownWhenLittleIsLeft(t *testing.T) {
	t.Parallel()
	left := "600"
	var c testClient
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "1200")
		w.Header().Set("X-RateLimit-Remaining", left)
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(c.clock.Now().Unix()+30))
		data(w, map[string]any{"id": "42"})
	})
	c = newTestClient(t, neo.URL)
	s := c.Session(everything(t)).Fresh()
	read := func() {
		t.Helper()
		if _, err := s.GetAgent(t.Context(), "42"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, ok := c.Remaining(); ok {
		t.Error("knows the limit before the first answer")
	}
	read()
	if rem, limit, ok := c.Remaining(); !ok || rem != 600 || limit != 1200 {
		t.Errorf("remembers %d of %d, %v", rem, limit, ok)
	}
	left = "59"
	read()
	if n := len(c.clock.sleeps()); n != 0 {
		t.Fatalf("slept %v with plenty left", c.clock.sleeps())
	}
	left = "0"
	read()
	read()
	want := []time.Duration{30 * time.Second / 60, maxSlowDown}
	if diff := cmp.Diff(want, c.clock.sleeps()); diff != "" {
		t.Error(diff)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host was called with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	to := ""
	neo := newFakeNeo(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/42") {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		data(w, map[string]any{"id": "43"})
	})
	s := newTestClient(t, neo.URL).Session(everything(t))
	for _, to = range []string{other.URL + "/public-api/agents/43", "https" + strings.TrimPrefix(neo.URL, "http") + "/public-api/agents/43"} {
		_, err := s.GetAgent(t.Context(), "42")
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeRedirect || e.Status != 302 {
			t.Errorf("%s: got %v", to, err)
		}
	}
	to = "/public-api/agents/43"
	if a, err := s.GetAgent(t.Context(), "42"); err != nil || a.ID != "43" {
		t.Errorf("same host: %v %v", a, err)
	}
	to = "/public-api/agents/42"
	if _, err := s.GetAgent(t.Context(), "42"); err == nil {
		t.Error("a redirect loop ended well")
	}
}

func TestBodyIsCapped(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"meta":{"request_id":"1"},"data":"`)
		for range 1000 {
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
		}
		_, _ = io.WriteString(w, `"}`)
	})
	c := newTestClient(t, neo.URL, func(c *Config) { c.MaxBody = 100_000 })
	_, err := c.Session(everything(t)).GetAgent(t.Context(), "42")
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeTooLarge || len(neo.requests()) != 1 {
		t.Errorf("got %v after %d requests", err, len(neo.requests()))
	}
}

// Whatever goes wrong, the key stays out of errors and logs.
func TestKeyNeverShows(t *testing.T) {
	t.Parallel()
	faults := map[string]http.HandlerFunc{
		"echo": func(w http.ResponseWriter, r *http.Request) {
			refuse(w, 401, "unauthorized "+r.Header.Get("Authorization"))
		},
		"drop": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"500":  func(w http.ResponseWriter, _ *http.Request) { refuse(w, 500, "broken") },
		"far": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.invalid/", http.StatusFound)
		},
	}
	for name, fault := range faults {
		neo := newFakeNeo(t, fault)
		c := newTestClient(t, neo.URL)
		_, err := c.Session(everything(t)).GetAgent(t.Context(), "42")
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), c.log.String()} {
			if strings.Contains(text, "s3cr3t") {
				t.Errorf("%s: key in %s", name, text)
			}
		}
	}
	for _, bad := range []string{"", "s3cr3t\r\nX: y", "s3cr3t value", "s3cr3té"} {
		_, err := New(Config{BaseURL: "https://neo.example", Key: bad, Now: newTestClock().Now})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url   string
		plain bool
		want  string // empty: refused
	}{
		"plain":           {"https://api.neoagent.io", false, "https://api.neoagent.io"},
		"with path":       {"https://api.neoagent.io/public-api", false, "https://api.neoagent.io"},
		"with slash":      {"https://api.neoagent.io/public-api/", false, "https://api.neoagent.io"},
		"behind a prefix": {"https://gw.example/neo/public-api", false, "https://gw.example/neo"},
		"this machine":    {"http://127.0.0.1:8080", false, "http://127.0.0.1:8080"},
		"this machine 6":  {"http://[::1]:8080", false, "http://[::1]:8080"},
		"http elsewhere":  {"http://sandbox:8080", false, ""},
		"http allowed":    {"http://sandbox:8080", true, "http://sandbox:8080"},
		"looks local":     {"http://127.0.0.1.example.com", false, ""},
		"other scheme":    {"ftp://neo.example", true, ""},
		"no scheme":       {"api.neoagent.io", false, ""},
		"password":        {"https://a:b@neo.example", false, ""},
		"query":           {"https://neo.example?x=1", false, ""},
		"empty":           {"", false, ""},
	}
	for name, tt := range tests {
		got, err := parseBase(tt.url, tt.plain)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

// Identical reads under way at the same time are one request, and the one who
// asked first may go away without the others noticing.
func TestReadsJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var sent atomic.Int32
		c := newTestClient(t, "https://neo.example", func(c *Config) {
			c.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				sent.Add(1)
				<-release
				body := io.NopCloser(strings.NewReader(`{"data":{"id":"42","name":"Triage"},"meta":{}}`))
				return &http.Response{StatusCode: 200, Body: body, Header: http.Header{}}, nil
			})}
		})
		s := c.Session(everything(t))
		leader, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.GetAgent(leader, "42"); !errors.Is(err, context.Canceled) {
				t.Errorf("leader: %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() {
				if a, err := s.GetAgent(t.Context(), "42"); err != nil || a.Name != "Triage" {
					t.Errorf("follower: %v %v", a, err)
				}
			})
		}
		// Not joined: another agent, a fresh read, and a read after a write began.
		wg.Go(func() { _, _ = s.GetAgent(t.Context(), "43") })
		wg.Go(func() { _, _ = s.Fresh().GetAgent(t.Context(), "42") })
		synctest.Wait()
		c.cache.clear()
		wg.Go(func() { _, _ = s.GetAgent(t.Context(), "42") })
		leave()
		synctest.Wait()
		close(release)
		wg.Wait()
		if n := sent.Load(); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
	})
}

func TestCache(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { data(w, map[string]any{"id": "42", "name": "Triage"}) })
	c := newTestClient(t, neo.URL, func(c *Config) { c.Cache = 5 * time.Second })
	s := c.Session(everything(t))
	steps := []struct {
		name string
		do   func() error
		sent int
	}{
		{"first", func() error { _, err := s.GetAgent(t.Context(), "42"); return err }, 1},
		{"same", func() error { _, err := s.GetAgent(t.Context(), "42"); return err }, 1},
		{"other id", func() error { _, err := s.GetAgent(t.Context(), "43"); return err }, 2},
		{"fresh", func() error { _, err := s.Fresh().GetAgent(t.Context(), "42"); return err }, 3},
		{"write", func() error { _, err := s.Apply(t.Context(), disable, mint(t, disable, false)); return err }, 4},
		{"after the write", func() error { _, err := s.GetAgent(t.Context(), "42"); return err }, 5},
		{"later", func() error {
			_ = c.clock.Sleep(t.Context(), 6*time.Second)
			_, err := s.GetAgent(t.Context(), "42")
			return err
		}, 6},
	}
	for _, step := range steps {
		if err := step.do(); err != nil || len(neo.requests()) != step.sent {
			t.Errorf("%s: sent %d, want %d, err %v", step.name, len(neo.requests()), step.sent, err)
		}
	}
	var scopeErr *ScopeError
	if _, err := c.Session(nil).GetAgent(t.Context(), "42"); !errors.As(err, &scopeErr) {
		t.Errorf("the cache answered without a scope: %v", err)
	}
}

// A Neo that takes the call and never answers must not hold a caller that set
// no deadline for ever, whoever made the HTTP client: the sweep is one.
func TestSilentNeoIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, "https://neo.example", func(c *Config) {
			c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})}
		})
		began := time.Now()
		_, err := c.Session(everything(t)).Fresh().Read(context.Background(), "get_agent", agent42)
		if took := time.Since(began); err == nil || took > maxTries*attemptTimeout {
			t.Errorf("%v after %s", err, took)
		}
	})
}
