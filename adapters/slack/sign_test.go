package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"neobot/adapters"
)

func sign(secret string, at time.Time, body string) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("v0:" + stamp + ":" + body))
	return http.Header{
		"X-Slack-Request-Timestamp": {stamp},
		"X-Slack-Signature":         {"v0=" + hex.EncodeToString(m.Sum(nil))},
	}
}

func without(h http.Header, key string) http.Header {
	h.Del(key)
	return h
}

func with(h http.Header, key, value string) http.Header {
	h.Set(key, value)
	return h
}

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	const body = `{"type":"event_callback"}`
	const stamp, sig = "X-Slack-Request-Timestamp", "X-Slack-Signature"
	good := func() http.Header { return sign("secret-one", now, body) }
	for name, c := range map[string]struct {
		h    http.Header
		body string
		want error
	}{
		"good":                  {good(), body, nil},
		"second secret":         {sign("secret-two", now, body), body, nil},
		"unknown secret":        {sign("secret-three", now, body), body, errBadSignature},
		"empty secret":          {sign("", now, body), body, errBadSignature},
		"295 s old":             {sign("secret-one", now.Add(-295*time.Second), body), body, nil},
		"301 s old":             {sign("secret-one", now.Add(-301*time.Second), body), body, errStale},
		"310 s ahead":           {sign("secret-one", now.Add(310*time.Second), body), body, errStale},
		"body changed":          {good(), body + " ", errBadSignature},
		"body empty":            {good(), "", errBadSignature},
		"stamp changed":         {with(good(), stamp, "1800000001"), body, errBadSignature},
		"stamp not a number":    {with(good(), stamp, "soon"), body, errNoSignature},
		"stamp overflows":       {with(good(), stamp, "99999999999999999999"), body, errNoSignature},
		"no stamp":              {without(good(), stamp), body, errNoSignature},
		"no signature":          {without(good(), sig), body, errNoSignature},
		"other version":         {with(good(), sig, strings.Replace(good().Get(sig), "v0=", "v1=", 1)), body, errBadSignature},
		"not hex":               {with(good(), sig, "v0=zz"), body, errBadSignature},
		"short":                 {with(good(), sig, good().Get(sig)[:40]), body, errBadSignature},
		"only prefix":           {with(good(), sig, "v0="), body, errBadSignature},
		"signature in capitals": {with(good(), sig, "v0="+strings.ToUpper(good().Get(sig)[3:])), body, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := verify([][]byte{[]byte("secret-one"), []byte("secret-two")}, c.h, []byte(c.body), now)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if err := verify(nil, good(), []byte(body), now); !errors.Is(err, errBadSignature) {
		t.Errorf("no secret configured: %v", err)
	}
}

// desk is an adapter with an inbox that only remembers, for what happens before
// anything is worked on.
type desk struct {
	a        *Adapter
	engine   http.Handler
	messages []adapters.Message
	clicks   []adapters.Click
	refused  map[string]int
	fail     error
	threads  map[string]bool
}

const (
	deskSecret = "desk-secret-1"
	deskApp    = "A0NEO"
	deskTeam   = "T0HOME"
)

var deskNow = time.Unix(1_800_000_000, 0)

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{refused: map[string]int{}, threads: map[string]bool{}}
	a, err := New(Config{
		Installs: []Install{{Team: deskTeam, Token: "xoxb-1"}}, AppID: deskApp, SigningSecrets: []string{deskSecret, "desk-secret-2"},
		APIURL: "http://127.0.0.1:1/", Inbox: d, Threads: d, Handler: &brain{}, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return deskNow }, RefusedFunc: func(r string) { d.refused[r]++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.a = a
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	a.Routes(e)
	d.engine = e
	return d
}

func (d *desk) PutMessage(_ ctx, m adapters.Message) (bool, error) {
	d.messages = append(d.messages, m)
	return true, d.fail
}

func (d *desk) PutClick(_ ctx, c adapters.Click) (bool, error) {
	d.clicks = append(d.clicks, c)
	return true, d.fail
}

func (d *desk) ThreadKnown(_ ctx, _ adapters.Workspace, conversation, thread string) (bool, error) {
	return d.threads[conversation+"/"+thread], d.fail
}

func (d *desk) post(path, contentType, body string, h http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header = h
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	d.engine.ServeHTTP(w, r)
	return w
}

// signed posts a body with a good signature.
func (d *desk) signed(path, contentType, body string) *httptest.ResponseRecorder {
	return d.post(path, contentType, body, sign(deskSecret, deskNow, body))
}

func (d *desk) event(body string) *httptest.ResponseRecorder {
	return d.signed("/slack/events", "application/json", body)
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	const js, form = "application/json", "application/x-www-form-urlencoded"
	challenge := `{"type":"url_verification","challenge":"abc\"<>"}`
	for name, c := range map[string]struct {
		path, contentType, body string
		header                  func(body string) http.Header
		status                  int
		want                    string
	}{
		"url verification":              {"/slack/events", js, challenge, nil, 200, `{"challenge":"abc\"\u003c\u003e"}`},
		"url verification unsigned":     {"/slack/events", js, challenge, func(string) http.Header { return http.Header{} }, 401, ""},
		"url verification badly signed": {"/slack/events", js, challenge, func(b string) http.Header { return sign("wrong-secret", deskNow, b) }, 401, ""},
		"ssl check unsigned":            {"/slack/commands", form, "ssl_check=1&token=x", func(string) http.Header { return http.Header{} }, 200, ""},
		"ssl check signed":              {"/slack/commands", form, "ssl_check=1&token=x", nil, 200, ""},
		"ssl check cannot smuggle":      {"/slack/interactions", form, "ssl_check=1&payload=%7B%7D", func(string) http.Header { return http.Header{} }, 401, ""},
		"command unsigned":              {"/slack/commands", form, "command=%2Fneo&ssl_check=1", func(string) http.Header { return http.Header{} }, 401, ""},
		"second secret":                 {"/slack/events", js, challenge, func(b string) http.Header { return sign("desk-secret-2", deskNow, b) }, 200, `{"challenge":"abc\"\u003c\u003e"}`},
		"stale":                         {"/slack/events", js, challenge, func(b string) http.Header { return sign(deskSecret, deskNow.Add(-301*time.Second), b) }, 401, ""},
		"future":                        {"/slack/events", js, challenge, func(b string) http.Header { return sign(deskSecret, deskNow.Add(310*time.Second), b) }, 401, ""},
		"not JSON":                      {"/slack/events", js, "{", nil, 200, ""},
		"not a form":                    {"/slack/interactions", form, "%zz", nil, 200, ""},
		"no payload":                    {"/slack/interactions", form, "a=b", nil, 200, ""},
		"too big":                       {"/slack/events", js, strings.Repeat("x", maxBody+1), nil, 413, ""},
		"rate limited by Slack":         {"/slack/events", js, `{"type":"app_rate_limited","team_id":"T0HOME","minute_rate_limited":1}`, nil, 200, ""},
		"unknown outer type":            {"/slack/events", js, `{"type":"surprise"}`, nil, 200, ""},
		"payload in the query only":     {"/slack/interactions?payload=%7B%22type%22%3A%22view_closed%22%7D", form, "", nil, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			h := sign(deskSecret, deskNow, c.body)
			if c.header != nil {
				h = c.header(c.body)
			}
			w := d.post(c.path, c.contentType, c.body, h)
			if w.Code != c.status || w.Body.String() != c.want {
				t.Errorf("status %d, body %q; want %d, %q", w.Code, w.Body, c.status, c.want)
			}
			if len(d.messages)+len(d.clicks) > 0 {
				t.Errorf("something was accepted: %v %v", d.messages, d.clicks)
			}
		})
	}
}
