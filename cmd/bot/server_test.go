package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"neobot/approvals"
)

func testEngine(ready error) *gin.Engine {
	return newEngine(engineConfig{
		Logger: slog.New(slog.DiscardHandler), Metrics: newMetrics(),
		Ready: func(context.Context) error { return ready },
		Mount: func(r gin.IRouter) {
			r.POST("/panic", func(*gin.Context) { panic("boom") })
			r.POST("/read", func(g *gin.Context) {
				if _, err := io.ReadAll(g.Request.Body); err != nil {
					g.Status(http.StatusRequestEntityTooLarge)
					return
				}
				g.String(http.StatusOK, g.ClientIP())
			})
		},
	})
}

func TestEngine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ready        error
		method, path string
		body         string
		status       int
		contains     string
	}{
		"alive":             {nil, "GET", "/healthz", "", 200, "ok"},
		"alive, not ready":  {errors.New("redis"), "GET", "/healthz", "", 200, "ok"},
		"ready":             {nil, "GET", "/readyz", "", 200, "ready"},
		"not ready":         {errors.New("dial 10.0.0.1"), "GET", "/readyz", "", 503, "not ready\n"},
		"metrics":           {nil, "GET", "/metrics", "", 200, "go_goroutines"},
		"unknown path":      {nil, "GET", "/admin", "", 404, ""},
		"wrong method":      {nil, "GET", "/read", "", 405, ""},
		"panic":             {nil, "POST", "/panic", "x", 500, ""},
		"body":              {nil, "POST", "/read", "x", 200, ""},
		"body over a limit": {nil, "POST", "/read", strings.Repeat("x", maxRequestBody+1), 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			testEngine(tc.ready).ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body)))
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.contains) {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, tc.status, tc.contains)
			}
			if strings.Contains(w.Body.String(), "10.0.0.1") {
				t.Error("the reason is shown to anybody")
			}
		})
	}
}

// A forwarded address is a claim of the client: it must not become its address.
func TestEngineTrustsNoProxy(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/read", strings.NewReader("x"))
	r.Header.Set("X-Forwarded-For", "6.6.6.6")
	w := httptest.NewRecorder()
	testEngine(nil).ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "6.6.6.6") {
		t.Errorf("client address %q", w.Body)
	}
}

func TestMetricsCountRequests(t *testing.T) {
	t.Parallel()
	e := testEngine(nil)
	for _, path := range []string{"/healthz", "/secret/token-1", "/secret/token-2"} {
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, http.NoBody))
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for _, want := range []string{
		`neobot_http_request_seconds_count{route="/healthz",status="200"} 1`,
		`neobot_http_request_seconds_count{route="none",status="404"} 2`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics do not have %s", want)
		}
	}
	if strings.Contains(w.Body.String(), "secret") {
		t.Error("an unknown path became a label")
	}
}

// Labels are a closed set: an outcome that holds an id would make a series each.
func TestMetricsCountRecords(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for _, r := range []approvals.Record{
		{Kind: approvals.KindResult, Outcome: "done"},
		{Kind: approvals.KindResult, Outcome: "done"},
		{Kind: approvals.KindQuestion},
		{Kind: approvals.KindRefusal, Outcome: "decide Ab3: already decided"},
	} {
		m.recorded(r)
	}
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for _, want := range []string{
		`neobot_audit_records_total{kind="result",outcome="done"} 2`,
		`neobot_audit_records_total{kind="question",outcome="none"} 1`,
		`neobot_audit_records_total{kind="refusal",outcome="other"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics do not have %s", want)
		}
	}
}

func TestServeHTTPStops(t *testing.T) {
	t.Parallel()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	started, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		w.WriteHeader(http.StatusTeapot)
	})
	done := make(chan error, 1)
	go func() { done <- serveHTTP(ctx, l, h, slog.New(slog.DiscardHandler)) }()
	status := make(chan int, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-started
	cancel() // the stop must wait for the request that is running
	close(release)
	if got := <-status; got != http.StatusTeapot {
		t.Errorf("running request got %d", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := listen(t.Context(), l.Addr().String()); err != nil {
		t.Errorf("address still taken: %v", err)
	}
}

// A redirect to another host would carry the key along.
func TestClientRefusesRedirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed to another host") }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer s.Close()
	resp, err := newMetrics().client("neo", 0).Get(s.URL)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("no error")
	}
}
