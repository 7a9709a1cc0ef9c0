package slack

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack/slacktest"

	"neobot/adapters"
)

// box is an inbox whose Put can fail, with a signal per delivery.
type box struct {
	mu       sync.Mutex
	fail     error
	messages chan adapters.Message
	clicks   chan adapters.Click
}

func (b *box) setFail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

func (b *box) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fail
}

func (b *box) PutMessage(_ context.Context, m adapters.Message) (bool, error) {
	err := b.err()
	b.messages <- m
	return true, err
}

func (b *box) PutClick(_ context.Context, c adapters.Click) (bool, error) {
	err := b.err()
	b.clicks <- c
	return true, err
}

func (b *box) ThreadKnown(context.Context, adapters.Workspace, string, string) (bool, error) {
	return false, b.err()
}

// socketDesk runs the adapter against slack-go's Socket Mode server.
func socketDesk(t *testing.T) (*slacktest.Server, *box) {
	t.Helper()
	s := slacktest.NewTestServer()
	s.Start()
	t.Cleanup(s.Stop)
	b := &box{messages: make(chan adapters.Message, 10), clicks: make(chan adapters.Click, 10)}
	a, err := New(Config{
		Installs: []Install{{Team: deskTeam, Token: "xoxb-1"}}, AppID: deskApp, AppToken: "xapp-1", APIURL: s.GetAPIURL(),
		Inbox: b, Threads: b, Handler: &brain{}, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Socket(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("socket: %v", err)
		}
	})
	for deadline := time.Now().Add(5 * time.Second); !a.Connected(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not connected")
		}
	}
	return s, b
}

// seen waits for the acknowledgement of an envelope and returns its payload.
func seen(t *testing.T, s *slacktest.Server, id string) string {
	t.Helper()
	for {
		select {
		case raw := <-s.SeenFeed:
			var ack struct {
				EnvelopeID string          `json:"envelope_id"`
				Payload    json.RawMessage `json:"payload"`
			}
			if json.Unmarshal([]byte(raw), &ack) == nil && ack.EnvelopeID == id {
				return string(ack.Payload)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("envelope %s was not acknowledged", id)
		}
	}
}

func socketEnvelope(id, kind, payload string) string {
	return `{"envelope_id":"` + id + `","type":"` + kind + `","accepts_response_payload":true,"payload":` + payload + `}`
}

func TestSocketMode(t *testing.T) {
	t.Parallel()
	s, b := socketDesk(t)
	s.SendToWebsocket(socketEnvelope("e1", "events_api", envelopeOf(`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, nil)))
	seen(t, s, "e1")
	if m := <-b.messages; m.Text != "hi" || m.Workspace != "slack:T0HOME" {
		t.Errorf("%+v", m)
	}
	s.SendToWebsocket(socketEnvelope("e2", "slash_commands", `{"command":"/neo","text":"agents","api_app_id":"A0NEO","team_id":"T0HOME","user_id":"U1","channel_id":"C1","trigger_id":"t1","response_url":"https://hooks.slack.com/x"}`))
	seen(t, s, "e2")
	if m := <-b.messages; !m.Command || m.Text != "agents" {
		t.Errorf("%+v", m)
	}
	s.SendToWebsocket(socketEnvelope("e3", "interactive", `{"type":"block_actions","api_app_id":"A0NEO","team":{"id":"T0HOME"},"user":{"id":"U1","team_id":"T0HOME"},
		"container":{"channel_id":"C1","message_ts":"1.1"},"actions":[{"type":"button","action_id":"neobot:approve:0","value":"r1","action_ts":"1.2"}]}`))
	seen(t, s, "e3")
	if c := <-b.clicks; c.Target != "r1" {
		t.Errorf("%+v", c)
	}
	form := `{"type":"view_submission","api_app_id":"A0NEO","team":{"id":"T0HOME"},"user":{"id":"U1","team_id":"T0HOME"},"view":{"id":"V1","callback_id":"neobot:form",
		"private_metadata":"{\"action\":\"reject\",\"id\":\"r1\"}","blocks":[{"type":"input","block_id":"reason","element":{"type":"plain_text_input","action_id":"reason"}}],"state":{"values":{}}}}`
	s.SendToWebsocket(socketEnvelope("e4", "interactive", form))
	if p := seen(t, s, "e4"); p != `{"errors":{"reason":"Please fill this in."},"response_action":"errors"}` {
		t.Errorf("payload %s", p)
	}
}

// slack-go cannot parse these; they are acknowledged all the same, or Slack
// would send them again and again.
func TestSocketModeUnknownEvents(t *testing.T) {
	t.Parallel()
	s, _ := socketDesk(t)
	s.SendToWebsocket(socketEnvelope("e1", "events_api", envelopeOf(`{"type":"brand_new_event","user":"U1"}`, nil)))
	seen(t, s, "e1")
	s.SendToWebsocket(socketEnvelope("e2", "brand_new_envelope", `{}`))
	seen(t, s, "e2")
}

// Redis is down: no acknowledgement. When it comes again, it is taken.
func TestSocketModeRedisDown(t *testing.T) {
	t.Parallel()
	s, b := socketDesk(t)
	b.setFail(errors.New("redis down"))
	body := envelopeOf(`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, nil)
	s.SendToWebsocket(socketEnvelope("e1", "events_api", body))
	<-b.messages
	b.setFail(nil)
	s.SendToWebsocket(socketEnvelope("e2", "events_api", body))
	<-b.messages
	for {
		raw := <-s.SeenFeed
		var ack struct {
			EnvelopeID string `json:"envelope_id"`
		}
		_ = json.Unmarshal([]byte(raw), &ack)
		if ack.EnvelopeID == "e1" {
			t.Fatal("acknowledged what was not stored")
		}
		if ack.EnvelopeID == "e2" {
			return
		}
	}
}

func TestSocketModeFatal(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"invalid_auth", "missing_scope", "not_allowed_token_type"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"ok":false,"error":"` + code + `"}`))
		}))
		defer srv.Close()
		b := &box{}
		a, err := New(Config{
			Installs: []Install{{Team: deskTeam, Token: "xoxb-1"}}, AppID: deskApp, AppToken: "xapp-1", APIURL: srv.URL + "/",
			Inbox: b, Threads: b, Handler: &brain{}, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Socket(t.Context()); !errors.Is(err, ErrSocketRefused) {
			t.Errorf("%s: %v", code, err)
		}
	}
}
