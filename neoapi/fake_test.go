package neoapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/redis/go-redis/v9"

	"neobot/approvals"
)

const testKey = "neo_sk_test_s3cr3tvalue"

// everything is a scope that covers all groups.
func everything(t testing.TB) Scope {
	s := Scope{}
	for _, g := range mustCatalog(t).Groups() {
		s[g] = ReadWrite
	}
	return s
}

var specRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(Document())
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	return gorillamux.NewRouter(doc)
})

// fakeNeo is a server with one answer per test. It fails the test on a request
// that does not fit the OpenAPI file or lacks the key.
type fakeNeo struct {
	*httptest.Server
	t testing.TB

	mu   sync.Mutex
	seen []string // "GET /public-api/...?..." in order
}

func newFakeNeo(t testing.TB, answer http.HandlerFunc) *fakeNeo {
	f := &fakeNeo{t: t}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.check(r)
		answer(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeNeo) check(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	f.seen = append(f.seen, r.Method+" "+r.RequestURI)
	f.mu.Unlock()
	if got := r.Header.Get("Authorization"); got != "Bearer "+testKey {
		f.t.Errorf("authorization %q", got)
	}
	router, err := specRouter()
	if err != nil {
		f.t.Errorf("router: %v", err)
		return
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		f.t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		f.t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
}

func (f *fakeNeo) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

// testClock is a clock that only sleeping moves. It notes every sleep.
type testClock struct {
	mu    sync.Mutex
	t     time.Time
	slept []time.Duration
}

func newTestClock() *testClock { return &testClock{t: time.Unix(1_800_000_000, 0)} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept = append(c.slept, d)
	c.t = c.t.Add(d)
	return ctx.Err()
}

func (c *testClock) sleeps() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}

// logBuffer collects log lines of all levels.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type testClient struct {
	*Client
	clock *testClock
	log   *logBuffer
}

func newTestClient(t testing.TB, base string, change ...func(*Config)) testClient {
	t.Helper()
	out := testClient{clock: newTestClock(), log: &logBuffer{}}
	cfg := Config{
		BaseURL: base, Key: testKey, Now: out.clock.Now, Sleep: out.clock.Sleep,
		Logger: slog.New(slog.NewTextHandler(out.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out.Client = c
	return out
}

// data answers with the envelope.
func data(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": v, "meta": map[string]any{"request_id": "req-1"}})
}

func page(w http.ResponseWriter, items any, cursor string) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": items, "meta": map[string]any{
		"request_id": "req-1", "pagination": map[string]any{"has_more": cursor != "", "next_cursor": cursor},
	}})
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"no","details":{"a":1}},"meta":{"request_id":"req-9"}}`, code)
}

// mint makes a grant the only way there is: through an approved request.
func mint(t testing.TB, change Change, testMode bool) approvals.Grant {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	clock := newTestClock()
	store, err := approvals.New(approvals.Config{Redis: rdb, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	req, _, err := store.Submit(ctx, approvals.Request{
		Workspace: "console:t", Key: "k", Requester: "ann", Change: body, Digest: change.Digest(),
		TestMode: testMode, Quorum: 1, ExpiresAt: clock.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Decide(ctx, "console:t", req.ID, approvals.DecideArgs{
		Quorum: 1, Decision: approvals.Decision{Person: "bob", Choice: approvals.Approve, Delivery: "d1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, grant, err := store.Redeem(ctx, "console:t", req.ID, change.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return grant
}
