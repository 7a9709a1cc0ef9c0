package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"neobot/neoapi/sandbox"
)

const (
	key         = "neo_sk_test_0123456789"
	adminToken  = "entra-admin"
	platformKey = "neo_sk_platform_relay"
)

// start is Tuesday 2026-11-24 15:30 in New York.
var start = time.Date(2026, 11, 24, 20, 30, 0, 0, time.UTC)

// hand is a clock that tests set.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) Add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// fixture is a sandbox behind a listener, with everything checked against the
// document. Violations fail the test unless it takes them.
type fixture struct {
	t     *testing.T
	neo   *sandbox.Neo
	srv   *httptest.Server
	clock *hand
	token string
}

func newFixture(t *testing.T, change ...func(*sandbox.Config)) *fixture {
	t.Helper()
	clock := &hand{now: start}
	cfg := sandbox.Config{Now: clock.Now, Key: key, AdminToken: adminToken, PlatformKey: platformKey, Validate: true}
	for _, f := range change {
		f(&cfg)
	}
	neo, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, neo: neo, srv: httptest.NewServer(neo), clock: clock, token: key}
	t.Cleanup(func() {
		f.srv.Close()
		for _, v := range neo.Violations() {
			t.Error("violation:", v)
		}
	})
	return f
}

// unchecked lets a test send what leaves the document on purpose.
func unchecked(c *sandbox.Config) { c.Validate = false }

// got is an answer, decoded.
type got struct {
	status int
	header http.Header
	raw    []byte
	Data   any
	Error  struct {
		Code, Message string
		Details       map[string]any
	}
	Meta struct {
		RequestID  string `json:"request_id"`
		Pagination *struct {
			HasMore    bool    `json:"has_more"`
			NextCursor *string `json:"next_cursor"`
		}
	}
}

// do sends one request; body is text or nil.
func (f *fixture) do(method, path, body string) got {
	f.t.Helper()
	g, err := f.try(method, path, body)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	return g
}

func (f *fixture) try(method, path, body string) (got, error) {
	f.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.srv.URL+path, r)
	if err != nil {
		return got{}, err
	}
	if f.token != "" {
		req.Header.Set("Authorization", "Bearer "+f.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := f.srv.Client().Do(req)
	if err != nil {
		return got{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return got{}, err
	}
	g := got{status: res.StatusCode, header: res.Header, raw: raw}
	if bytes.HasPrefix(raw, []byte("{")) { // else a file, a stream or a control answer
		if err := json.Unmarshal(raw, &g); err != nil {
			f.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return g, nil
}

// ok sends a request that has to succeed and returns its data.
func (f *fixture) ok(method, path, body string) got {
	f.t.Helper()
	g := f.do(method, path, body)
	if g.status >= http.StatusMultipleChoices {
		f.t.Fatalf("%s %s: status %d: %s", method, path, g.status, g.raw)
	}
	return g
}

// refused sends a request that has to be refused in this way.
func (f *fixture) refused(status int, code, method, path, body string) got {
	f.t.Helper()
	g := f.do(method, path, body)
	if g.status != status || g.Error.Code != code {
		f.t.Errorf("%s %s: got %d %s, want %d %s: %s", method, path, g.status, g.Error.Code, status, code, g.raw)
	}
	if g.Meta.RequestID == "" {
		f.t.Errorf("%s %s: no request id", method, path)
	}
	return g
}

// field walks into decoded JSON: keys and list indexes.
func field(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

func (g got) at(path ...any) any { return field(g.Data, path...) }

func (g got) rows() []any {
	l, _ := g.Data.([]any)
	return l
}
