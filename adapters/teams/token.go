package teams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// tokenEarly is how long before its end a token is renewed. It lives an hour.
	tokenEarly   = 5 * time.Minute
	tokenTimeout = 10 * time.Second
	maxTokenBody = 64 << 10
)

// tokenSource holds the bot's own token: client credentials of the tenant the
// bot is registered in (single-tenant is the only kind that can be created now).
type tokenSource struct {
	url    string
	form   url.Values
	client *http.Client
	now    func() time.Time

	flight singleflight.Group

	mu    sync.Mutex
	token string
	until time.Time
}

func newTokenSource(cfg ConnectorConfig) (*tokenSource, error) {
	raw := strings.ReplaceAll(cfg.Cloud.TokenURL, "{tenant}", url.PathEscape(cfg.AppTenant))
	u, err := checkEndpoint(raw)
	if err != nil {
		return nil, fmt.Errorf("teams: token %w", err)
	}
	return &tokenSource{
		url: u.String(), now: cfg.Now,
		form: url.Values{
			"grant_type": {"client_credentials"}, "client_id": {cfg.AppID},
			"client_secret": {cfg.AppPassword}, "scope": {cfg.Cloud.Scope},
		},
		client: &http.Client{Transport: cfg.Transport, Timeout: tokenTimeout, CheckRedirect: noRedirect},
	}, nil
}

// get returns a token that is good for a while. Near its end it is renewed in
// the background; callers without one share a single request.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	token, left := s.held()
	if token != "" && left > tokenEarly {
		return token, nil
	}
	done := s.flight.DoChan("token", func() (any, error) {
		// Another flight may have landed between our look and this one.
		if token, left := s.held(); token != "" && left > tokenEarly {
			return token, nil
		}
		return s.fetch(context.WithoutCancel(ctx))
	})
	if token != "" && left > time.Minute {
		return token, nil
	}
	select {
	case r := <-done:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", ErrToken, ctx.Err())
	}
}

// held is the token at hand and how long it is still good.
func (s *tokenSource) held() (token string, left time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.until.Sub(s.now())
}

// drop forgets a token the connector refused, unless it was replaced meanwhile.
func (s *tokenSource) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

func (s *tokenSource) fetch(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(s.form.Encode()))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrToken, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrToken, stripURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"` // seconds
		Error   string  `json:"error"`      // a fixed word, such as invalid_client
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxTokenBody)).Decode(&out)
	switch {
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("%w: status %d %.60s", ErrToken, resp.StatusCode, out.Error)
	case err != nil:
		return "", fmt.Errorf("%w: decode: %w", ErrToken, err)
	case out.Token == "" || out.Expires <= 0:
		return "", fmt.Errorf("%w: answer without a token or its lifetime", ErrToken)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.until = out.Token, s.now().Add(time.Duration(min(out.Expires, 86400))*time.Second)
	return s.token, nil
}

// stripURL takes the address out of a client error: it is long and in the
// configuration anyway.
func stripURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
