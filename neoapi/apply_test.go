package neoapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/approvals"
)

var disable = Change{
	Op: "update_agent", Path: map[string]string{"agent_id": "42"},
	Body:   json.RawMessage(`{"state":"DISABLED"}`),
	Before: json.RawMessage(`{"state":"ENABLED"}`),
}

func TestApplySendsWhatWasApprovedOnce(t *testing.T) {
	t.Parallel()
	var got string
	neo := newFakeNeo(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		data(w, map[string]any{"id": "42", "name": "a", "state": "DISABLED"})
	})
	c := newTestClient(t, neo.URL)
	s := c.Session(everything(t))
	grant := mint(t, disable, false)
	resp, err := s.Apply(t.Context(), disable, grant)
	if err != nil || resp.Status != 200 || resp.RequestID != "req-1" {
		t.Fatalf("%+v %v", resp, err)
	}
	if got != `{"state":"DISABLED"}` {
		t.Errorf("body %s", got)
	}
	if _, err := s.Apply(t.Context(), disable, grant); !errors.Is(err, approvals.ErrSpent) {
		t.Errorf("second use: %v", err)
	}
	if diff := cmp.Diff([]string{"PUT /public-api/agents/42"}, neo.requests()); diff != "" {
		t.Error(diff)
	}
}

// Every refusal leaves Neo untouched.
func TestApplyRefusals(t *testing.T) {
	t.Parallel()
	other := disable
	other.Body = json.RawMessage(`{"state":"ENABLED"}`)
	without := func(f func(*Change)) Change {
		c := disable
		f(&c)
		return c
	}
	fit := func(t *testing.T) approvals.Grant { return mint(t, disable, false) }
	tests := map[string]struct {
		scope  Scope
		change Change
		grant  func(*testing.T) approvals.Grant
		want   error
	}{
		"zero grant":    {everything(t), disable, func(*testing.T) approvals.Grant { return approvals.Grant{} }, approvals.ErrSpent},
		"other digest":  {everything(t), other, fit, approvals.ErrDigest},
		"other target":  {everything(t), without(func(c *Change) { c.Path = map[string]string{"agent_id": "43"} }), fit, approvals.ErrDigest},
		"other before":  {everything(t), without(func(c *Change) { c.Before = nil }), fit, approvals.ErrDigest},
		"test mode":     {everything(t), disable, func(t *testing.T) approvals.Grant { return mint(t, disable, true) }, ErrTestMode},
		"a read":        {everything(t), Change{Op: "get_agent", Path: map[string]string{"agent_id": "1"}}, fit, ErrNotWrite},
		"unknown":       {everything(t), Change{Op: "drop"}, fit, ErrUnknown},
		"no body":       {everything(t), without(func(c *Change) { c.Body = nil }), fit, ErrArgs},
		"no JSON":       {everything(t), without(func(c *Change) { c.Body = json.RawMessage(`{"a"`) }), fit, ErrArgs},
		"body not used": {everything(t), Change{Op: "delete_agent", Path: map[string]string{"agent_id": "1"}, Body: json.RawMessage(`{}`)}, fit, ErrArgs},
		"dots":          {everything(t), without(func(c *Change) { c.Path = map[string]string{"agent_id": ".."} }), fit, ErrArgs},
		"no path":       {everything(t), without(func(c *Change) { c.Path = nil }), fit, ErrArgs},
		"extra query":   {everything(t), without(func(c *Change) { c.Query = map[string]string{"force": "1"} }), fit, ErrArgs},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neo := newFakeNeo(t, func(http.ResponseWriter, *http.Request) {})
			_, err := newTestClient(t, neo.URL).Session(tt.scope).Apply(t.Context(), tt.change, tt.grant(t))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if n := neo.requests(); len(n) > 0 {
				t.Errorf("sent %v", n)
			}
		})
	}
}

func TestApplyOutsideScope(t *testing.T) {
	t.Parallel()
	for _, scope := range []Scope{nil, {}, {"agents": ReadOnly}, {"billing": ReadWrite}} {
		neo := newFakeNeo(t, func(http.ResponseWriter, *http.Request) {})
		s := newTestClient(t, neo.URL).Session(scope)
		grant := mint(t, disable, false)
		_, err := s.Apply(t.Context(), disable, grant)
		var scopeErr *ScopeError
		if !errors.As(err, &scopeErr) || scopeErr.Group != "agents" || scopeErr.Need != ReadWrite || scopeErr.Have != scope["agents"] {
			t.Errorf("%v: %v", scope, err)
		}
		if n := neo.requests(); len(n) > 0 {
			t.Errorf("sent %v", n)
		}
		if err := grant.Spend(disable.Digest()); err != nil {
			t.Errorf("grant was used up by a refused call: %v", err)
		}
	}
}

// The scope of a session is its own: who made it cannot widen it later.
func TestSessionKeepsItsScope(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(http.ResponseWriter, *http.Request) {})
	scope := Scope{"agents": ReadOnly}
	s := newTestClient(t, neo.URL).Session(scope)
	scope["agents"] = ReadWrite
	var scopeErr *ScopeError
	if err := s.Allowed("update_agent"); !errors.As(err, &scopeErr) {
		t.Errorf("got %v", err)
	}
}

func TestApplyOutcomes(t *testing.T) {
	t.Parallel()
	status := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { refuse(w, n, "Some_Code") }
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		want   Outcome
		status int
	}{
		"400": {status(400), NotApplied, 400},
		"403": {status(403), NotApplied, 403},
		"404": {status(404), NotApplied, 404},
		"408": {status(408), Maybe, 408},
		"409": {status(409), NotApplied, 409},
		"422": {status(422), NotApplied, 422},
		"500": {status(500), Maybe, 500},
		"502": {status(502), Maybe, 502},
		"503": {status(503), Maybe, 503},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/public-api/agents", http.StatusTemporaryRedirect)
		}, Maybe, 307},
		"dropped reply": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, Maybe, 0},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, `{"data":`)
		}, Maybe, 0},
		"not JSON": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, Maybe, 200},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `"`+strings.Repeat("x", 5000)+`"`)
		}, Maybe, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neo := newFakeNeo(t, tt.answer)
			c := newTestClient(t, neo.URL, func(c *Config) { c.MaxBody = 4096 })
			_, err := c.Session(everything(t)).Apply(t.Context(), disable, mint(t, disable, false))
			var e *Error
			if !errors.As(err, &e) || e.Outcome != tt.want || e.Status != tt.status || e.Op != "update_agent" {
				t.Errorf("got %+v", err)
			}
			if n := neo.requests(); len(n) != 1 {
				t.Errorf("sent %d times: %v", len(n), n)
			}
		})
	}
}

func TestApplyNeverConnected(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	wrapped := func(c *Config) { c.HTTP = &http.Client{Transport: roundTrip(http.DefaultTransport.RoundTrip)} }
	for name, conf := range map[string]func(*Config){"own transport": func(*Config) {}, "other transport": wrapped} {
		c := newTestClient(t, "http://"+addr, conf)
		_, err = c.Session(everything(t)).Apply(t.Context(), disable, mint(t, disable, false))
		var e *Error
		if !errors.As(err, &e) || e.Outcome != NotApplied || e.Status != 0 {
			t.Errorf("%s: got %+v", name, err)
		}
	}
	// A transport that says nothing about connections: on doubt it may have happened.
	odd := newTestClient(t, "http://"+addr, func(c *Config) {
		c.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })}
	})
	_, err = odd.Session(everything(t)).Apply(t.Context(), disable, mint(t, disable, false))
	var e *Error
	if !errors.As(err, &e) || e.Outcome != Maybe {
		t.Errorf("got %+v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestApplyTimeoutIsMaybe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	neo := newFakeNeo(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel() // the caller gives up while Neo works
		<-r.Context().Done()
	})
	_, err := newTestClient(t, neo.URL).Session(everything(t)).Apply(ctx, disable, mint(t, disable, false))
	var e *Error
	if !errors.As(err, &e) || e.Outcome != Maybe || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v", err)
	}
}

func TestApplyRepeatsAfter429Only(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after  string
		refuse int
		sent   int
		ok     bool
	}{
		"short wait":        {"2", 1, 2, true},
		"no Retry-After":    {"", 1, 2, true},
		"too long":          {"30", 1, 1, false},
		"refused for good":  {"3", 99, 3, false}, // 3 s + 3 s fit into the span, 9 s do not
		"two are no matter": {"1", 2, 3, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) {
				if n++; n <= tt.refuse {
					w.Header().Set("Retry-After", tt.after)
					refuse(w, 429, "rate_limited")
					return
				}
				data(w, map[string]any{"id": "42"})
			})
			_, err := newTestClient(t, neo.URL).Session(everything(t)).Apply(t.Context(), disable, mint(t, disable, false))
			if (err == nil) != tt.ok || len(neo.requests()) != tt.sent {
				t.Errorf("sent %d, err %v", len(neo.requests()), err)
			}
			var e *Error
			if !tt.ok && (!errors.As(err, &e) || e.Outcome != NotApplied || e.RetryAfter < 3*time.Second) {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// Without budget nothing is sent, and the grant can still be used.
func TestApplyWithoutBudgetKeepsTheGrant(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { data(w, map[string]any{"id": "42"}) })
	grant := mint(t, disable, false)
	c := newTestClient(t, neo.URL, func(c *Config) { c.Budget = noBudget{} })
	_, err := c.Session(everything(t)).Apply(t.Context(), disable, grant)
	var e *Error
	if !errors.Is(err, ErrBudget) || !errors.As(err, &e) || e.Outcome != NotApplied || e.RetryAfter != time.Minute || e.Op != "update_agent" {
		t.Errorf("got %+v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c = newTestClient(t, neo.URL)
	if _, err := c.Session(everything(t)).Apply(ctx, disable, grant); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := neo.requests(); len(n) > 0 {
		t.Fatalf("sent %v", n)
	}
	if _, err := c.Session(everything(t)).Apply(t.Context(), disable, grant); err != nil {
		t.Errorf("grant lost: %v", err)
	}
}

type noBudget struct{}

func (noBudget) Take(context.Context) error { return overBudget(time.Minute) }

func TestHTTPShowsTheCall(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(http.ResponseWriter, *http.Request) {})
	s := newTestClient(t, neo.URL+"/public-api/").Session(Scope{"agents": ReadWrite})
	change := disable
	change.Path = map[string]string{"agent_id": "a/b c?"}
	method, address, err := s.HTTP(change)
	if err != nil || method != "PUT" || address != neo.URL+"/public-api/agents/a%2Fb%20c%3F" {
		t.Errorf("%s %s %v", method, address, err)
	}
	var scopeErr *ScopeError
	if method, address, err := s.HTTP(Change{Op: "update_settings", Body: json.RawMessage(`{}`)}); !errors.As(err, &scopeErr) || method+address != "" {
		t.Errorf("%s %s %v", method, address, err)
	}
	if n := neo.requests(); len(n) > 0 {
		t.Errorf("sent %v", n)
	}
}
