package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// benchSlack is a Slack that does as little as it can, so that the machine is
// left to the bot: it answers, counts, and tells who waits for a card.
type benchSlack struct {
	server *httptest.Server
	seq    atomic.Int64
	calls  atomic.Int64

	mu    sync.Mutex
	waits map[string]*benchWait // by channel: one flow at a time in each
}

// benchWait is a flow that waits for a card with a text.
type benchWait struct {
	text  string
	other string // last card without it
	shown chan benchPost
}

type benchPost struct{ ts, blocks string }

const (
	benchSecret = "bench-signing-secret"
	benchApp    = "A0NEO"
	benchTeam   = "T0HOME"
)

func newBenchSlack(tb testing.TB) *benchSlack {
	s := &benchSlack{waits: map[string]*benchWait{}}
	s.server = httptest.NewServer(s)
	tb.Cleanup(s.server.Close)
	return s
}

func (s *benchSlack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := `{"ok":true}`
	channel := form.Get("channel")
	switch strings.TrimPrefix(r.URL.Path, "/api/") {
	case "auth.test":
		out = `{"ok":true,"team_id":"` + benchTeam + `","user_id":"U0BOT","bot_id":"B0BOT","app_id":"` + benchApp + `"}`
	case "users.info":
		out = `{"ok":true,"user":{"id":"` + form.Get("user") + `","team_id":"` + benchTeam + `","real_name":"Somebody"}}`
	case "conversations.info":
		out = `{"ok":true,"channel":{"id":"` + channel + `","is_channel":true}}`
	case "conversations.open":
		out = `{"ok":true,"channel":{"id":"D` + form.Get("users") + `"}}`
	case "chat.postMessage":
		ts := s.ts()
		out = `{"ok":true,"channel":"` + channel + `","ts":"` + ts + `"}`
		defer s.show(channel, benchPost{ts, form.Get("blocks")})
	case "chat.update":
		out = `{"ok":true,"channel":"` + channel + `","ts":"` + form.Get("ts") + `"}`
		defer s.show(channel, benchPost{form.Get("ts"), form.Get("blocks")})
	}
	_, _ = io.WriteString(w, out)
}

func (s *benchSlack) ts() string {
	return fmt.Sprintf("%d.%06d", time.Now().Unix(), s.seq.Add(1)%1_000_000)
}

func (s *benchSlack) show(channel string, p benchPost) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waits[channel]
	switch {
	case w == nil:
	case strings.Contains(p.blocks, w.text):
		delete(s.waits, channel)
		w.shown <- p
	default:
		w.other = p.blocks
	}
}

// other is the last card in a channel that was not the one waited for.
func (s *benchSlack) other(channel string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waits[channel]; w != nil {
		return w.other
	}
	return ""
}

// expect says what the flow in a channel waits for next.
func (s *benchSlack) expect(channel, text string) <-chan benchPost {
	w := &benchWait{text: text, shown: make(chan benchPost, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits[channel] = w
	return w.shown
}

// event is a delivery of a message of Riley; kind is "app_mention" or "message".
func (s *benchSlack) event(kind, channel, ts, text string) (path, contentType string, body []byte) {
	return s.eventBy("U0RILEY", kind, channel, ts, text)
}

func (s *benchSlack) eventBy(user, kind, channel, ts, text string) (path, contentType string, body []byte) {
	inner := map[string]any{"type": kind, "channel": channel, "user": user, "text": text, "ts": ts, "event_ts": ts, "team": benchTeam}
	if kind == "message" {
		inner["channel_type"] = map[byte]string{'D': "im", 'C': "channel"}[channel[0]]
	}
	body, _ = json.Marshal(map[string]any{ // plain maps cannot fail
		"type": "event_callback", "team_id": benchTeam, "api_app_id": benchApp,
		"event_id": "Ev" + strconv.FormatInt(s.seq.Add(1), 10), "event_time": time.Now().Unix(),
		"authorizations": []any{map[string]any{"team_id": benchTeam, "user_id": "U0BOT", "is_bot": true}},
		"event":          inner,
	})
	return "/slack/events", "application/json", body
}

var approveButton = regexp.MustCompile(`"action_id":"([^"]*approve[^"]*)"[^{}]*"value":"([^"]+)"`)

// click is a press of Approve on a card, as Sam.
func (s *benchSlack) click(channel, thread string, card benchPost) (path, contentType string, body []byte, err error) {
	m := approveButton.FindStringSubmatch(card.blocks)
	if m == nil {
		return "", "", nil, fmt.Errorf("no Approve button in %s", card.blocks)
	}
	n := s.seq.Add(1)
	payload, _ := json.Marshal(map[string]any{
		"type": "block_actions", "api_app_id": benchApp, "trigger_id": fmt.Sprintf("%d.x", n),
		"team": map[string]any{"id": benchTeam}, "user": map[string]any{"id": "U0SAM", "team_id": benchTeam},
		"channel":   map[string]any{"id": channel},
		"container": map[string]any{"type": "message", "channel_id": channel, "message_ts": card.ts, "thread_ts": thread},
		"message":   map[string]any{"ts": card.ts, "thread_ts": thread},
		"actions":   []any{map[string]any{"type": "button", "action_id": m[1], "value": m[2], "action_ts": s.ts(), "block_id": "b"}},
	})
	return "/slack/interactions", "application/x-www-form-urlencoded", []byte(url.Values{"payload": {string(payload)}}.Encode()), nil
}

// send signs a delivery and posts it to the bot; it takes until the acknowledgement.
func (s *benchSlack) send(tb testing.TB, client *http.Client, base, path, contentType string, body []byte) error {
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	m := hmac.New(sha256.New, []byte(benchSecret))
	m.Write([]byte("v0:" + stamp + ":"))
	m.Write(body)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(m.Sum(nil)))
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("delivery answered %d", res.StatusCode)
	}
	return nil
}
