package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"neobot/adapters"
)

const (
	// callTimeout is the longest Config.CallTimeout.
	callTimeout = 10 * time.Second
	// maxRetryAfter is the longest Retry-After waited out here; a longer one
	// goes back to the inbox.
	maxRetryAfter = 15 * time.Second
	// maxTries bounds the tries of one call, all after a 429.
	maxTries = 4
)

// newHTTPClient makes the client for everything we send: slack-go's default has
// no timeout. Redirects are not followed, so a token cannot be carried off.
func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: callTimeout,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          128,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       90 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// pacer keeps to Slack's rate limits: a pace per channel for posts, and a stop
// per method and workspace after a 429.
// https://docs.slack.dev/apis/web-api/rate-limits
type pacer struct {
	limit rate.Limit
	now   func() time.Time

	mu       sync.Mutex
	channels map[string]*rate.Limiter
	closed   map[string]time.Time // method/team -> not before
}

// postBurst is how many posts a quiet channel takes at once.
const postBurst = 5

func newPacer(perSecond float64, now func() time.Time) *pacer {
	limit := rate.Limit(perSecond)
	switch {
	case perSecond == 0:
		limit = 1
	case perSecond < 0:
		limit = rate.Inf
	}
	return &pacer{limit: limit, now: now, channels: map[string]*rate.Limiter{}, closed: map[string]time.Time{}}
}

// post waits for the channel's turn.
func (p *pacer) post(ctx context.Context, channel string) error {
	if p.limit == rate.Inf {
		return nil
	}
	p.mu.Lock()
	l := p.channels[channel]
	if l == nil {
		if len(p.channels) >= cacheSize {
			clear(p.channels)
		}
		l = rate.NewLimiter(p.limit, postBurst)
		p.channels[channel] = l
	}
	p.mu.Unlock()
	return l.Wait(ctx)
}

func (p *pacer) close(key string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed[key] = p.now().Add(d)
}

// closedFor is how long the method may not be called yet.
func (p *pacer) closedFor(key string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	until, ok := p.closed[key]
	if !ok {
		return 0
	}
	return until.Sub(p.now())
}

// open waits until the method may be called again.
func (p *pacer) open(ctx context.Context, key string) error {
	wait := p.closedFor(key)
	if wait <= 0 {
		return nil
	}
	if wait > maxRetryAfter {
		return fmt.Errorf("rate limited for another %v", wait)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// call runs one Web API call. A 429 is waited out and tried again, because
// Slack did nothing; every other failure is returned, since a post may have
// gone through.
func (a *Adapter) call(ctx context.Context, in *install, method string, do func(context.Context) error) error {
	key := method + "/" + in.Team
	for try := 1; ; try++ {
		if err := a.pace.open(ctx, key); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		once, cancel := context.WithTimeout(ctx, a.cfg.CallTimeout)
		err := do(once)
		cancel()
		var limited *slack.RateLimitedError
		if !errors.As(err, &limited) {
			return a.mapped(in, method, err)
		}
		wait := max(limited.RetryAfter, time.Second)
		a.pace.close(key, wait)
		a.cfg.Logger.WarnContext(ctx, "Slack asks to wait", "method", method, "workspace", in.workspace, "retry_after", wait)
		if try == maxTries {
			return fmt.Errorf("%s: %w", method, err)
		}
	}
}

// gone are Slack's refusals that trying again cannot help.
// https://docs.slack.dev/reference/methods/chat.postMessage and chat.update
var gone = map[string]bool{
	"channel_not_found": true, "not_in_channel": true, "is_archived": true, "channel_is_archived": true,
	"restricted_action": true, "restricted_action_read_only_channel": true, "restricted_action_thread_locked": true,
	"restricted_action_thread_only_channel": true, "restricted_action_non_threadable_channel": true,
	"cannot_dm_bot": true, "user_not_found": true, "user_disabled": true, "user_not_in_channel": true, "user_not_visible": true,
	"messages_tab_disabled": true, "no_permission": true, "ekm_access_denied": true, "team_access_not_granted": true,
	"message_not_found": true, "cant_update_message": true, "edit_window_closed": true, "is_inactive": true, "thread_not_found": true,
	"account_inactive": true, "token_revoked": true, "token_expired": true, "invalid_auth": true, "not_authed": true,
	"missing_scope": true, "not_allowed_token_type": true, "org_login_required": true, "team_not_found": true,
	"duplicate_channel_not_found": true, "not_enabled": true, "view_not_found": true, "cannot_reply_to_message": true,
}

// badBlocks are refusals of the layout: the same words without tables, then
// without blocks, are tried at once.
var badBlocks = map[string]bool{"invalid_blocks": true, "invalid_blocks_format": true, "msg_blocks_too_long": true, "msg_too_long": true}

// mapped marks hopeless errors with adapters.ErrGone.
func (a *Adapter) mapped(in *install, method string, err error) error {
	if err == nil {
		return nil
	}
	code := slackCode(err)
	switch code {
	case "token_revoked", "account_inactive", "invalid_auth", "token_expired", "missing_scope":
		a.cfg.Logger.Error("Slack refuses our token", "method", method, "workspace", in.workspace, "code", code)
	}
	if gone[code] {
		return fmt.Errorf("%s: %w: %w", method, err, adapters.ErrGone)
	}
	return fmt.Errorf("%s: %w", method, err)
}

// slackCode is Slack's machine code of an error, empty when Slack did not answer.
func slackCode(err error) string {
	var r slack.SlackErrorResponse
	if errors.As(err, &r) {
		return r.Err
	}
	return ""
}
