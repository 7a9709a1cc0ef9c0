package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	// socketWorkers bounds the envelopes decoded at once on one connection.
	socketWorkers = 32
	// socketAnswer is the time for one envelope; Slack wants its acknowledgement
	// within three seconds.
	socketAnswer = 2800 * time.Millisecond
	// socketPause is the longest wait between two tries to connect. slack-go
	// alone would go up to five minutes.
	socketPause = 15 * time.Second
)

// ErrSocketRefused means Slack will not take our app token: somebody has to act.
var ErrSocketRefused = errors.New("app-level token refused by Slack")

// fatalSocket are the errors after which connecting again is useless.
// https://docs.slack.dev/reference/methods/apps.connections.open
var fatalSocket = map[string]bool{
	"invalid_auth": true, "account_inactive": true, "not_authed": true, "token_revoked": true, "token_expired": true,
	"missing_scope": true, "not_allowed_token_type": true, "no_permission": true, "forbidden_team": true, "access_denied": true,
}

type socketState struct{ connected atomic.Bool }

// Connected reports whether the Socket Mode connection is up.
func (a *Adapter) Connected() bool { return a.socket.connected.Load() }

// Socket receives deliveries over Socket Mode until ctx ends. It reconnects by
// itself; it returns ErrSocketRefused when Slack refuses the token, and nil when
// ctx ended. Events go through the same functions as HTTP and are acknowledged
// only when they are in the inbox.
func (a *Adapter) Socket(ctx context.Context) error {
	if a.cfg.AppToken == "" {
		return fmt.Errorf("socket mode without app token: %w", ErrSocketRefused)
	}
	for {
		err := a.connection(ctx)
		a.socket.connected.Store(false)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrSocketRefused) {
			a.cfg.Logger.ErrorContext(ctx, "Socket Mode is off until the app token is replaced", "err", err)
			return err
		}
		a.cfg.Logger.WarnContext(ctx, "Socket Mode connection lost", "err", err, "retry_in", socketPause)
		t := time.NewTimer(socketPause)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// connection runs one slack-go client. It handles refreshes and short outages;
// a longer one ends it, so that the caller's shorter pause applies.
func (a *Adapter) connection(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	api := slack.New("", slack.OptionAppLevelToken(a.cfg.AppToken), slack.OptionAPIURL(a.cfg.APIURL), slack.OptionHTTPClient(a.cfg.HTTP))
	client := socketmode.New(api, socketmode.OptionReadLimit(maxBody))
	done := make(chan error, 1)
	go func() { done <- client.RunContext(ctx) }()

	var wg sync.WaitGroup
	defer wg.Wait()
	busy := make(chan struct{}, socketWorkers)
	for {
		select {
		case err := <-done:
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return classify(err)
		case evt := <-client.Events:
			if err := a.socketEvent(evt); err != nil {
				cancel(err)
				continue
			}
			req := requestOf(evt)
			if req == nil || req.EnvelopeID == "" {
				continue
			}
			busy <- struct{}{}
			wg.Go(func() {
				defer func() { <-busy }()
				a.envelope(ctx, client, req)
			})
		}
	}
}

// socketEvent follows the state of the connection. An error ends it.
func (a *Adapter) socketEvent(evt socketmode.Event) error {
	switch evt.Type {
	case socketmode.EventTypeConnected:
		a.socket.connected.Store(true)
		a.cfg.Logger.Info("Socket Mode connected")
	case socketmode.EventTypeConnecting, socketmode.EventTypeDisconnect:
		a.socket.connected.Store(false)
	case socketmode.EventTypeInvalidAuth:
		return ErrSocketRefused
	case socketmode.EventTypeConnectionError:
		e, ok := evt.Data.(*slack.ConnectionErrorEvent)
		if !ok {
			return nil
		}
		if err := classify(e.ErrorObj); errors.Is(err, ErrSocketRefused) || e.Backoff > socketPause {
			return err
		}
		a.cfg.Logger.Warn("Socket Mode not connected", "err", e.ErrorObj, "retry_in", e.Backoff)
	default: // deliveries, and faults of single frames: see requestOf
	}
	return nil
}

// classify parts errors that need a person from those that pass.
func classify(err error) error {
	if err == nil {
		return errors.New("connection ended")
	}
	if errors.Is(err, ErrSocketRefused) {
		return err
	}
	code := slackCode(err)
	if code == "" {
		code = err.Error() // slack-go compares the text as well
	}
	var status slack.StatusCodeError
	if fatalSocket[code] || errors.As(err, &status) && status.Code == http.StatusNotFound {
		return fmt.Errorf("%w: %w", ErrSocketRefused, err)
	}
	return err
}

// requestOf is the delivery in an event. What slack-go could not parse (event
// types it does not know) it reports without acknowledging; the envelope is
// read from the raw message then, and goes the same way as any other.
func requestOf(evt socketmode.Event) *socketmode.Request {
	if evt.Type == socketmode.EventTypeErrorBadMessage {
		bad, ok := evt.Data.(*socketmode.ErrorBadMessage)
		if !ok {
			return nil
		}
		var req socketmode.Request
		if json.Unmarshal(bad.Message, &req) != nil {
			return nil
		}
		return &req
	}
	return evt.Request
}

// envelope works on one delivery and acknowledges it, unless it could not be
// stored: then Slack delivers it again.
func (a *Adapter) envelope(ctx context.Context, client *socketmode.Client, req *socketmode.Request) {
	ctx, cancel := context.WithTimeout(ctx, socketAnswer)
	defer cancel()
	r := a.socketReply(ctx, req)
	if r.retry {
		return
	}
	if !req.AcceptsResponsePayload {
		r.body = nil
	}
	if err := client.AckCtx(ctx, req.EnvelopeID, r.body); err != nil {
		a.cfg.Logger.WarnContext(ctx, "envelope not acknowledged, it will come again", "err", err)
	}
}

func (a *Adapter) socketReply(ctx context.Context, req *socketmode.Request) (r reply) {
	defer func() {
		if p := recover(); p != nil {
			a.cfg.Logger.ErrorContext(ctx, "delivery panicked", "type", req.Type, "panic", fmt.Sprint(p))
			r = reply{retry: true}
		}
	}()
	switch req.Type {
	case socketmode.RequestTypeEventsAPI:
		return a.event(ctx, req.Payload)
	case socketmode.RequestTypeInteractive:
		return a.interaction(ctx, req.Payload)
	case socketmode.RequestTypeSlashCommands:
		c, err := commandFromJSON(req.Payload)
		if err != nil {
			return a.refuse("malformed", "command", "err", err.Error())
		}
		return a.command(ctx, c)
	}
	return a.refuse("unknown_type", "envelope", "type", req.Type)
}
