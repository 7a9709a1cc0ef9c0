package neoapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Limits of a client that no configuration changes.
const (
	defaultMaxBody = 8 << 20
	attemptTimeout = 30 * time.Second // one HTTP exchange, body included
	flightTimeout  = 60 * time.Second // one read with its retries, when the caller set no deadline
	maxRedirects   = 3
)

// Config of a Client.
type Config struct {
	BaseURL string // with or without /public-api; https, or http to this machine
	Key     string // neo_sk_...; never logged, never part of an error

	// AllowPlainHTTP permits http to another machine. The key then travels in
	// the clear: only for a sandbox in a private network.
	AllowPlainHTTP bool

	HTTP    *http.Client  // nil: an own one; its redirect rule is always replaced, and it never goes without a timeout
	Catalog *Catalog      // nil: Embedded
	Budget  Budget        // nil: half of Neo's limit, in this process only
	Logger  *slog.Logger  // nil: silent
	MaxBody int64         // bytes of one answer, decompressed; 0: 8 MiB
	Cache   time.Duration // how long an identical read is answered from memory; 0: not at all

	Now   func() time.Time                                 // required
	Sleep func(ctx context.Context, d time.Duration) error // nil: a timer; tests pass their own
}

// Client holds the address and the key of one tenant. It makes no calls for
// people itself: take a Session. Safe for concurrent use.
type Client struct {
	base    string // without PathPrefix and trailing slash
	key     string
	http    *http.Client
	catalog *Catalog
	budget  Budget
	log     *slog.Logger
	maxBody int64
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error

	rate    rateMemory
	cache   readCache
	flight  singleflight.Group
	missing atomic.Pointer[map[string]bool] // operation ids that this Neo does not serve, see Drift
}

// New checks the configuration and returns a ready client. It sends nothing.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, err
	}
	if err := checkKey(cfg.Key); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		return nil, errors.New("neo client: Now is missing")
	}
	c := &Client{
		base: base, key: cfg.Key, catalog: cfg.Catalog, budget: cfg.Budget, log: cfg.Logger,
		maxBody: cfg.MaxBody, now: cfg.Now, sleep: cfg.Sleep, http: httpClient(cfg.HTTP),
		cache: readCache{keep: cfg.Cache},
	}
	if c.catalog == nil {
		if c.catalog, err = Embedded(); err != nil {
			return nil, err
		}
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
	if c.budget == nil {
		c.budget = NewLocalBudget(BudgetConfig{Now: c.now, Sleep: c.sleep})
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.maxBody <= 0 {
		c.maxBody = defaultMaxBody
	}
	return c, nil
}

// Catalog of operations, as embedded; what Drift found is not in it.
func (c *Client) Catalog() *Catalog { return c.catalog }

// Session is the client bound to one person's scope. It keeps its own copy.
func (c *Client) Session(scope Scope) *Session {
	return &Session{client: c, scope: maps.Clone(scope)}
}

// operation by id, when this Neo offers it.
func (c *Client) operation(id string) (Operation, error) {
	op, ok := c.catalog.Operation(id)
	if !ok {
		return Operation{}, fmt.Errorf("neo %q: %w", id, ErrUnknown)
	}
	return op, nil
}

// offered is ErrUnavailable for an operation that the served file lacks.
func (c *Client) offered(op Operation) error {
	if m := c.missing.Load(); m != nil && (*m)[op.ID] {
		return fmt.Errorf("neo %s: %w", op.ID, ErrUnavailable)
	}
	return nil
}

func parseBase(text string, plain bool) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("neo client: base URL must look like https://api.neoagent.io")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !plain && !loopback(u.Hostname())) {
		return "", fmt.Errorf("neo client: base URL %s://%s must be https", u.Scheme, u.Host)
	}
	path := strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), PathPrefix)
	return u.Scheme + "://" + u.Host + path, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// checkKey refuses what net/http would refuse later with the key in reach of a message.
func checkKey(key string) error {
	if key == "" {
		return errors.New("neo client: key is missing")
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return errors.New("neo client: key has a space or an unprintable character")
		}
	}
	return nil
}

// httpClient copies given, or makes one, and puts our redirect rule in.
func httpClient(given *http.Client) *http.Client {
	out := &http.Client{Timeout: attemptTimeout, Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          32,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 25 * time.Second,
	}}
	if given != nil {
		*out = *given
	}
	if out.Timeout <= 0 { // a silent Neo must not hold anybody for ever
		out.Timeout = attemptTimeout
	}
	out.CheckRedirect = sameHost
	return out
}

// sameHost follows a redirect of a GET on the same scheme and host. Any other
// 3xx answer is returned as it is and becomes an Error: a write must not be
// sent twice, and the key must not travel.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || len(via) > maxRedirects ||
		next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
