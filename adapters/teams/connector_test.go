package teams

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/cards"
)

// api is a connector and token service that answers as it is told.
type api struct {
	*httptest.Server
	clock    *clock
	mu       sync.Mutex
	seen     []*http.Request
	bodies   []string
	answers  []func(http.ResponseWriter) // in order; the last one stays
	tokens   atomic.Int64
	tokenFor func(http.ResponseWriter)
	slept    []time.Duration
}

func newAPI(t *testing.T, answers ...func(http.ResponseWriter)) (*api, *Connector) {
	t.Helper()
	a := &api{clock: &clock{}, answers: answers}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	cloud, err := CloudNamed(Public)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := NewConnector(ConnectorConfig{
		AppID: testApp, AppPassword: "p&ss word", AppTenant: tenant, Cloud: cloud.At("", a.URL+"/{tenant}/token"), Now: a.clock.Now,
		Sleep: func(_ context.Context, d time.Duration) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.slept = append(a.slept, d)
			a.clock.Advance(d)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, conn
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.HasSuffix(r.URL.Path, "/token") {
		n := a.tokens.Add(1)
		form, _ := url.ParseQuery(string(body))
		want := url.Values{
			"grant_type": {"client_credentials"}, "client_id": {testApp},
			"client_secret": {"p&ss word"}, "scope": {"https://api.botframework.com/.default"},
		}
		if !cmp.Equal(want, form) || r.URL.Path != "/"+tenant+"/token" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		a.mu.Lock()
		other := a.tokenFor
		a.mu.Unlock()
		if other != nil {
			other(w)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "t" + string(rune('0'+n)), "expires_in": 3600})
		return
	}
	a.mu.Lock()
	a.seen = append(a.seen, r)
	a.bodies = append(a.bodies, string(body))
	next := a.answers[0]
	if len(a.answers) > 1 {
		a.answers = a.answers[1:]
	}
	a.mu.Unlock()
	next(w)
}

// calls is how many requests the connector has seen.
func (a *api) calls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

// tokens answered otherwise from now on; nil: as usual.
func (a *api) answerTokens(f func(http.ResponseWriter)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokenFor = f
}

func says(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func text(s string) *outgoing { return &outgoing{Type: "message", Text: s, TextFormat: "plain"} }

func TestConnectorCalls(t *testing.T) {
	t.Parallel()
	a, conn := newAPI(t, says(201, `{"id":"7"}`))
	ctx := t.Context()
	nasty := "a/../../../v3/botstate?x#;=@%2e"
	id, err := conn.send(ctx, a.URL+"/amer/", nasty, text("hi"))
	if err != nil || id != "7" {
		t.Fatal(id, err)
	}
	reply := text("hi")
	reply.ReplyToID = "5/6"
	if _, err := conn.send(ctx, a.URL, "19:c@thread.tacv2;messageid=1", reply); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		conn.update(ctx, a.URL, "c", "1:2", text("x")), conn.remove(ctx, a.URL, "c", "1"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := conn.create(ctx, a.URL, newConversation{Bot: account{ID: "28:b"}, Members: []account{{ID: alice}}, TenantID: tenant}); err != nil {
		t.Error(err)
	}
	if _, err := conn.member(ctx, a.URL, "c", alice); err != nil {
		t.Error(err)
	}
	if _, err := conn.members(ctx, a.URL, "c", "next&x"); err != nil {
		t.Error(err)
	}
	var got []string
	for _, r := range a.seen {
		if r.Header.Get("Authorization") != "Bearer t1" {
			t.Errorf("%s: authorization %q", r.URL, r.Header.Get("Authorization"))
		}
		got = append(got, r.Method+" "+r.RequestURI)
	}
	want := []string{
		"POST /amer/v3/conversations/a%2F..%2F..%2F..%2Fv3%2Fbotstate%3Fx%23%3B=@%252e/activities",
		"POST /v3/conversations/19:c@thread.tacv2%3Bmessageid=1/activities/5%2F6",
		"PUT /v3/conversations/c/activities/1:2",
		"DELETE /v3/conversations/c/activities/1",
		"POST /v3/conversations",
		"GET /v3/conversations/c/members/29:alice",
		"GET /v3/conversations/c/pagedmembers?continuationToken=next%26x&pageSize=500",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Only what has a value is sent.
	if want := `{"type":"message","text":"hi","textFormat":"plain"}`; a.bodies[0] != want {
		t.Errorf("sent %s", a.bodies[0])
	}
	if n := a.tokens.Load(); n != 1 {
		t.Errorf("%d tokens fetched, want 1", n)
	}
}

// TestConnectorRefusesAddresses: the token goes to connectors only.
func TestConnectorRefusesAddresses(t *testing.T) {
	t.Parallel()
	a, conn := newAPI(t, says(200, `{}`))
	for _, service := range []string{"https://evil.example/", "http://169.254.169.254/", "", "::", a.URL + "/../x", "https://smba.trafficmanager.net.evil.example"} {
		if _, err := conn.send(t.Context(), service, "c", text("x")); !errors.Is(err, ErrService) {
			t.Errorf("%q: %v", service, err)
		}
	}
	for _, id := range []string{"", ".", "..", strings.Repeat("x", maxID+1)} {
		if _, err := conn.send(t.Context(), a.URL, id, text("x")); err == nil {
			t.Errorf("id %.10q accepted", id)
		}
	}
	if a.calls() != 0 || a.tokens.Load() != 0 {
		t.Error("something was sent")
	}
	// Not on loopback: then loopback connectors are as foreign as any other.
	public, _ := CloudNamed(Public)
	public2, err := NewConnector(ConnectorConfig{AppID: "a", AppPassword: "b", AppTenant: "c", Cloud: public, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := public2.send(t.Context(), "http://127.0.0.1:1/", "c", text("x")); !errors.Is(err, ErrService) {
		t.Errorf("loopback connector with Microsoft's token: %v", err)
	}
}

func TestConnectorRedirect(t *testing.T) {
	t.Parallel()
	_, conn := newAPI(t, says(302, "", "Location", "https://evil.example/"))
	a, _ := newAPI(t, says(200, "{}"))
	_ = a
	err := conn.update(t.Context(), conn.token.url[:strings.Index(conn.token.url, "/"+tenant)], "c", "1", text("x"))
	var e *Error
	if !errors.As(err, &e) || e.Status != 302 {
		t.Errorf("redirect: %v", err)
	}
}

func TestConnectorRetries(t *testing.T) {
	t.Parallel()
	ok := says(200, `{"id":"1"}`)
	for name, tc := range map[string]struct {
		answers []func(http.ResponseWriter)
		calls   int
		status  int             // of the final error; 0: none
		waits   []time.Duration // lower bounds
	}{
		"429 twice":              {[]func(http.ResponseWriter){says(429, "", "Retry-After", "3"), says(429, "", "Retry-After", "1"), ok}, 3, 0, []time.Duration{3 * time.Second, time.Second}},
		"429 without a time":     {[]func(http.ResponseWriter){says(429, ""), ok}, 2, 0, []time.Duration{firstPause / 2}},
		"429 for minutes":        {[]func(http.ResponseWriter){says(429, "", "Retry-After", "300"), ok}, 1, 429, nil},
		"412":                    {[]func(http.ResponseWriter){says(412, ""), ok}, 2, 0, []time.Duration{firstPause / 2}},
		"502, 503, 504":          {[]func(http.ResponseWriter){says(502, ""), says(503, ""), says(504, ""), ok}, 4, 0, []time.Duration{firstPause / 2, firstPause, 2 * firstPause}},
		"502 for ever":           {[]func(http.ResponseWriter){says(502, "")}, maxTries, 502, []time.Duration{0, 0, 0}},
		"500 is not repeated":    {[]func(http.ResponseWriter){says(500, ""), ok}, 1, 500, nil},
		"403 is not repeated":    {[]func(http.ResponseWriter){says(403, `{"error":{"code":"BotNotInConversationRoster"}}`), ok}, 1, 403, nil},
		"401 once":               {[]func(http.ResponseWriter){says(401, ""), ok}, 2, 0, nil},
		"401 twice":              {[]func(http.ResponseWriter){says(401, ""), says(401, "")}, 2, 401, nil},
		"retry at a date":        {[]func(http.ResponseWriter){says(429, "", "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), ok}, 2, 0, []time.Duration{0}},
		"broken answer document": {[]func(http.ResponseWriter){says(403, "<html>")}, 1, 403, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, conn := newAPI(t, tc.answers...)
			_, err := conn.send(t.Context(), a.URL, "c", text("x"))
			var e *Error
			switch {
			case tc.status == 0 && err != nil:
				t.Errorf("error %v", err)
			case tc.status != 0 && (!errors.As(err, &e) || e.Status != tc.status):
				t.Errorf("error %v, want status %d", err, tc.status)
			}
			if a.calls() != tc.calls {
				t.Errorf("%d calls, want %d", a.calls(), tc.calls)
			}
			if len(a.slept) != len(tc.waits) {
				t.Fatalf("waits %v", a.slept)
			}
			for i, min := range tc.waits {
				if a.slept[i] < min || a.slept[i] > min+4*time.Second {
					t.Errorf("wait %d: %s, want about %s", i, a.slept[i], min)
				}
			}
		})
	}
}

func TestErrorMeaning(t *testing.T) {
	t.Parallel()
	for status, gone := range map[int]bool{400: true, 403: true, 404: true, 413: true, 401: false, 429: false, 500: false, 502: false, 409: false} {
		err := error(&Error{Op: "send", Status: status})
		if errors.Is(err, adapters.ErrGone) != gone {
			t.Errorf("%d: gone %v, want %v", status, !gone, gone)
		}
	}
	if !errors.Is(ErrTooLarge, adapters.ErrGone) {
		t.Error("a message that is too large is tried for ever")
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	a, conn := newAPI(t, func(http.ResponseWriter) { panic(http.ErrAbortHandler) })
	if _, err := conn.send(t.Context(), a.URL, "c", text("x")); err == nil || a.calls() != 1 {
		t.Errorf("a post without an answer must not be repeated here: %v, %d calls", err, a.calls())
	}
	if err := conn.update(t.Context(), a.URL, "c", "1", text("x")); err == nil || a.calls() != 1+maxTries {
		t.Errorf("an edit without an answer is repeated: %v, %d calls", err, a.calls())
	}
}

// TestDoubt: which failures leave a post in doubt.
func TestDoubt(t *testing.T) {
	t.Parallel()
	ok := says(201, `{"id":"1"}`)
	cut := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	for name, tc := range map[string]struct {
		answers      []func(http.ResponseWriter)
		fails, doubt bool
	}{
		"sent":               {[]func(http.ResponseWriter){ok}, false, false},
		"throttled, sent":    {[]func(http.ResponseWriter){says(429, "", "Retry-After", "1"), ok}, false, false},
		"412, sent":          {[]func(http.ResponseWriter){says(412, ""), ok}, false, false},
		"503, sent":          {[]func(http.ResponseWriter){says(503, ""), ok}, false, false},
		"502, sent":          {[]func(http.ResponseWriter){says(502, ""), ok}, false, true},
		"504, refused":       {[]func(http.ResponseWriter){says(504, ""), says(403, "")}, true, true},
		"refused":            {[]func(http.ResponseWriter){says(403, "")}, true, false},
		"throttled for ever": {[]func(http.ResponseWriter){says(429, "")}, true, false},
		"500":                {[]func(http.ResponseWriter){says(500, "")}, true, true},
		"no answer":          {[]func(http.ResponseWriter){cut}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, conn := newAPI(t, tc.answers...)
			_, doubt, err := conn.post(t.Context(), a.URL, "c", text("x"))
			if doubt != tc.doubt || (err != nil) != tc.fails {
				t.Errorf("doubt %v, error %v", doubt, err)
			}
		})
	}
	a, conn := newAPI(t, ok)
	if _, err := conn.send(t.Context(), a.URL, "c", text("x")); err != nil { // has a token now
		t.Fatal(err)
	}
	a.Close()
	if _, doubt, err := conn.post(t.Context(), a.URL, "c", text("x")); err == nil || doubt {
		t.Errorf("nobody there: doubt %v, error %v", doubt, err)
	}
	if _, doubt, err := conn.post(t.Context(), "https://evil.example", "c", text("x")); err == nil || doubt {
		t.Errorf("foreign address: doubt %v, error %v", doubt, err)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	a, conn := newAPI(t, says(201, `{"id":"1"}`))
	big := &outgoing{Type: "message", Attachments: []attachment{{cards.AdaptiveCardType, json.RawMessage(`"` + strings.Repeat("x", maxCard) + `"`)}}}
	if _, err := conn.send(t.Context(), a.URL, "c", big); !errors.Is(err, ErrTooLarge) {
		t.Errorf("card above 25 KB: %v", err)
	}
	if _, err := conn.send(t.Context(), a.URL, "c", text(strings.Repeat("é", maxMessage/2))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("message above 100 KB of UTF-16: %v", err)
	}
	if _, err := conn.send(t.Context(), a.URL, "c", text(strings.Repeat("é", maxMessage/2-200))); err != nil {
		t.Errorf("message below: %v", err)
	}
	// The largest card the renderer makes fits.
	huge := cards.Card{Title: strings.Repeat("t", 10000), Summary: strings.Repeat("é", 100000)}
	for range 500 {
		huge.Body = append(huge.Body, cards.Block{Heading: "h", Text: strings.Repeat("ü", 3000)})
		huge.Changes = append(huge.Changes, cards.Change{Field: "f", Before: strings.Repeat("b", 2000), After: strings.Repeat("😀", 2000)})
	}
	out, err := cardActivity(cards.Teams(huge), cards.Card{AIGenerated: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.send(t.Context(), a.URL, "c", out); err != nil {
		t.Errorf("huge card: %v", err)
	}
}

// TestTokenLife: one request for all, renewed early in the background, and no
// empty or failed token is ever used.
func TestTokenLife(t *testing.T) {
	t.Parallel()
	a, conn := newAPI(t, says(200, `{"id":"1"}`))
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := conn.send(t.Context(), a.URL, "c", text("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := a.tokens.Load(); n != 1 {
		t.Errorf("%d token requests for 30 calls, want 1", n)
	}
	a.clock.Advance(56 * time.Minute) // less than five minutes left
	if _, err := conn.token.get(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		if token, err := conn.token.get(t.Context()); err == nil && token == "t2" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not renewed early")
		}
	}
	// The flight that brought t2 may still be landing; nobody below may join it.
	_, _, _ = conn.token.flight.Do("token", func() (any, error) { return nil, nil })
	a.clock.Advance(2 * time.Hour)
	for name, answer := range map[string]func(http.ResponseWriter){
		"refused":     says(401, `{"error":"invalid_client"}`),
		"200 with no": says(200, `{"access_token":"","expires_in":3600}`),
		"no lifetime": says(200, `{"access_token":"x"}`),
		"not JSON":    says(200, `<html>`),
		"elsewhere":   says(302, "", "Location", "https://evil.example/"),
	} {
		a.answerTokens(answer)
		before := a.calls()
		if _, err := conn.send(t.Context(), a.URL, "c", text("x")); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
		if a.calls() != before {
			t.Errorf("%s: the connector was called without a token", name)
		}
	}
	a.answerTokens(nil)
	if _, err := conn.send(t.Context(), a.URL, "c", text("x")); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

func TestNewConnectorRefusesToStart(t *testing.T) {
	t.Parallel()
	c, _ := CloudNamed(Public)
	for name, cfg := range map[string]ConnectorConfig{
		"no id":         {AppPassword: "b", AppTenant: "c", Cloud: c, Now: time.Now},
		"no password":   {AppID: "a", AppTenant: "c", Cloud: c, Now: time.Now},
		"no tenant":     {AppID: "a", AppPassword: "b", Cloud: c, Now: time.Now},
		"no clock":      {AppID: "a", AppPassword: "b", AppTenant: "c", Cloud: c},
		"token by http": {AppID: "a", AppPassword: "b", AppTenant: "c", Cloud: c.At("", "http://login.example/token"), Now: time.Now},
	} {
		if _, err := NewConnector(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSecretsStayInside: no error text carries the password or a token.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	a, conn := newAPI(t, says(500, "boom t1"))
	_, err := conn.send(t.Context(), a.URL, "c", text("x"))
	a.answerTokens(says(400, `{"error":"invalid_request","error_description":"p&ss word"}`))
	conn.token.drop("t1")
	_, err2 := conn.send(t.Context(), a.URL, "c", text("x"))
	a.Close()
	conn.token.drop("t1")
	_, err3 := conn.send(t.Context(), a.URL, "c", text("x"))
	for _, e := range []error{err, err2, err3} {
		if e == nil || strings.Contains(e.Error(), "p&ss") || strings.Contains(e.Error(), "t1") {
			t.Errorf("error %v", e)
		}
	}
}
