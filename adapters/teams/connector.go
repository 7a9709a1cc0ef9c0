package teams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	callTimeout = 10 * time.Second // one request, at most
	maxTries    = 4
	firstPause  = 400 * time.Millisecond
	maxPause    = 30 * time.Second // also of a Retry-After: longer is an error the outbox repeats
	maxShut     = 5 * time.Minute  // a conversation is not closed for longer, whatever was said
	maxAnswer   = 1 << 20
	maxID       = 2048
)

// ConnectorConfig configures a Connector.
type ConnectorConfig struct {
	AppID       string
	AppPassword string // client secret
	AppTenant   string // tenant the bot is registered in
	Cloud       Cloud
	Transport   http.RoundTripper // default http.DefaultTransport
	Now         func() time.Time
	Logger      *slog.Logger
	// PostsPerSecond in one conversation; 0 is Microsoft's limit of 7, and the
	// limits for longer times are scaled with it.
	PostsPerSecond float64
	// CallTimeout bounds one request, at most and by default 10 s. A post with
	// all its waiting takes less than twice as long: the outbox leaves a post
	// alone for that time.
	CallTimeout time.Duration
	// Sleep waits between tries; nil is a real wait. For tests.
	Sleep func(context.Context, time.Duration) error
}

// Connector is the client of the Bot Connector REST API:
// https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
// Ids are escaped, addresses checked at every call, redirects not followed.
// 429, 412, 502 and 504 are tried again, as Microsoft asks:
// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
type Connector struct {
	token  *tokenSource
	allow  services
	client *http.Client
	log    *slog.Logger
	sleep  func(context.Context, time.Duration) error
	now    func() time.Time
	pace   *pacer
	limit  time.Duration // of a post, with all its waiting
}

// NewConnector checks the configuration. It does not call anybody yet.
func NewConnector(cfg ConnectorConfig) (*Connector, error) {
	switch {
	case cfg.AppID == "" || cfg.AppPassword == "" || cfg.AppTenant == "":
		return nil, errors.New("teams: app id, password and tenant are needed")
	case cfg.Now == nil:
		return nil, errors.New("teams: no clock")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.CallTimeout <= 0 || cfg.CallTimeout > callTimeout {
		cfg.CallTimeout = callTimeout
	}
	token, err := newTokenSource(cfg)
	if err != nil {
		return nil, err
	}
	tokenURL, err := url.Parse(token.url)
	if err != nil {
		return nil, fmt.Errorf("teams: token URL: %w", err)
	}
	return &Connector{
		token: token, log: cfg.Logger, sleep: cfg.Sleep, now: cfg.Now, pace: newPacer(cfg), limit: cfg.CallTimeout * 19 / 10,
		allow:  services{hosts: cfg.Cloud.Hosts, loopback: isLoopback(tokenURL)},
		client: &http.Client{Transport: cfg.Transport, Timeout: cfg.CallTimeout, CheckRedirect: noRedirect},
	}, nil
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

type resource struct {
	ID string `json:"id"`
}

// send posts an activity and returns its id. With ReplyToID it answers that one.
func (c *Connector) send(ctx context.Context, service, conversation string, o *outgoing) (string, error) {
	id, _, err := c.post(ctx, service, conversation, o)
	return id, err
}

// post is send. doubt says that one of its tries may have gone through besides
// the one that succeeded, or although none did.
func (c *Connector) post(ctx context.Context, service, conversation string, o *outgoing) (id string, doubt bool, err error) {
	body, err := o.encode()
	if err != nil {
		return "", false, err
	}
	path := []string{"conversations", conversation, "activities"}
	if o.ReplyToID != "" {
		path = append(path, o.ReplyToID)
	}
	// With its waiting it must end before another process may think it dead.
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	r := request{op: "send", method: http.MethodPost, service: service, path: path, body: body}.posts(conversation)
	r.optional, r.doubt = o.Type == "typing", &doubt
	var out resource
	err = c.call(ctx, r, &out)
	return out.ID, doubt, err
}

// mayHavePassed says whether a failed request may have been carried out all the
// same: the connector, or a gateway before it, broke down over it, or nobody
// answered. A refusal is none, nor is a connection that was never made.
func mayHavePassed(err error) bool {
	var e *Error
	var dial *net.OpError
	switch {
	case errors.As(err, &e):
		return e.Status >= 500 && e.Status != http.StatusServiceUnavailable
	case errors.Is(err, ErrToken):
		return false
	case errors.As(err, &dial):
		return dial.Op != "dial"
	}
	return true
}

// update replaces an activity.
func (c *Connector) update(ctx context.Context, service, conversation, id string, o *outgoing) error {
	body, err := o.encode()
	if err != nil {
		return err
	}
	path := []string{"conversations", conversation, "activities", id}
	return c.call(ctx, request{op: "update", method: http.MethodPut, service: service, path: path, body: body}.posts(conversation), nil)
}

// remove deletes an activity.
func (c *Connector) remove(ctx context.Context, service, conversation, id string) error {
	path := []string{"conversations", conversation, "activities", id}
	return c.call(ctx, request{op: "delete", method: http.MethodDelete, service: service, path: path}.posts(conversation), nil)
}

// create opens the conversation with one person, or finds the one there is.
func (c *Connector) create(ctx context.Context, service string, n newConversation) (string, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return "", fmt.Errorf("encode conversation: %w", err)
	}
	var out resource
	err = c.call(ctx, request{op: "create conversation", method: http.MethodPost, service: service, path: []string{"conversations"}, body: body}, &out)
	if err == nil && out.ID == "" {
		err = errors.New("teams create conversation: answer without an id")
	}
	return out.ID, err
}

// member looks one person up in a conversation.
func (c *Connector) member(ctx context.Context, service, conversation, person string) (member, error) {
	var out member
	path := []string{"conversations", conversation, "members", person}
	err := c.call(ctx, request{op: "member", method: http.MethodGet, service: service, path: path}.reads(conversation), &out)
	return out, err
}

// members reads one page of a conversation's roster.
func (c *Connector) members(ctx context.Context, service, conversation, next string) (memberPage, error) {
	q := url.Values{"pageSize": {"500"}}
	if next != "" {
		q.Set("continuationToken", next)
	}
	var out memberPage
	path := []string{"conversations", conversation, "pagedmembers"}
	err := c.call(ctx, request{op: "members", method: http.MethodGet, service: service, path: path, query: q}.reads(conversation), &out)
	return out, err
}

// channels reads the channels of a team.
func (c *Connector) channels(ctx context.Context, service, team string) (channelList, error) {
	var out channelList
	err := c.call(ctx, request{op: "channels", method: http.MethodGet, service: service, path: []string{"teams", team, "conversations"}}, &out)
	return out, err
}

type request struct {
	op, method, service string
	path                []string // below /v3, unescaped
	query               url.Values
	body                []byte

	lane     string // calls in it are paced together; empty: not paced
	windows  []window
	optional bool // left out when it would have to wait for its turn
	doubt    *bool
}

// posts puts the request in line with the posts of its conversation. A channel's
// threads are one conversation to the connector.
func (r request) posts(conversation string) request {
	conversation, _, _ = strings.Cut(conversation, threadMark)
	r.lane, r.windows = "post|"+conversation, postWindows
	return r
}

// reads puts it in line with those who look up people there.
func (r request) reads(conversation string) request {
	r.lane, r.windows = "read|"+conversation, rosterWindows
	return r
}

// url builds the address: every id is one escaped path segment, whatever is in it.
func (c *Connector) url(r request) (string, error) {
	base, err := c.allow.parse(r.service)
	if err != nil {
		return "", fmt.Errorf("teams %s: %w", r.op, err)
	}
	var b strings.Builder
	b.WriteString(base.String())
	b.WriteString("/v3")
	for _, p := range r.path {
		if p == "" || p == "." || p == ".." || len(p) > maxID {
			return "", fmt.Errorf("teams %s: id %.40q is not one", r.op, p)
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	if len(r.query) > 0 {
		b.WriteByte('?')
		b.WriteString(r.query.Encode())
	}
	return b.String(), nil
}

// call sends a request until it is answered for good, and decodes into out.
func (c *Connector) call(ctx context.Context, r request, out any) error {
	target, err := c.url(r)
	if err != nil {
		return err
	}
	fresh := false // the token was renewed after a 401
	pause, patience := firstPause, maxTurn
	if r.optional {
		patience = 0
	}
	for try := 1; ; try++ {
		if err := c.pace.turn(ctx, r, patience); err != nil {
			return fmt.Errorf("teams %s: wait for a turn: %w", r.op, err)
		}
		err = c.once(ctx, r, target, out)
		if err == nil {
			return nil
		}
		if r.doubt != nil && mayHavePassed(err) {
			*r.doubt = true
		}
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusUnauthorized && !fresh {
			fresh = true
			continue
		}
		wait, again := c.again(r, err, pause)
		if !again || try == maxTries {
			return err
		}
		pause = min(2*pause, maxPause)
		c.log.WarnContext(ctx, "connector call is tried again", "op", r.op, "try", try, "wait", wait, "err", err)
		if c.sleep(ctx, wait) != nil {
			return err
		}
	}
}

// again says whether a failed call is tried again here, and after what time.
func (c *Connector) again(r request, err error, pause time.Duration) (time.Duration, bool) {
	wait, longest := pause/2+rand.N(pause), maxPause //nolint:gosec // jitter is not a secret
	if r.method == http.MethodPost {
		longest = c.limit / 2 // a post has little time; the outbox repeats it
	}
	var e *Error
	if !errors.As(err, &e) {
		// No answer. Only what changes nothing by being repeated is repeated.
		return wait, r.method != http.MethodPost && !errors.Is(err, ErrToken)
	}
	if e.RetryAfter > 0 {
		wait = e.RetryAfter + rand.N(firstPause)         //nolint:gosec // jitter is not a secret
		c.pace.close(r.lane, min(e.RetryAfter, maxShut)) // others in this conversation would be refused too
	}
	return wait, transient(e.Status) && wait <= longest
}

func transient(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusPreconditionFailed, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *Connector) once(ctx context.Context, r request, target string, out any) error {
	token, err := c.token.get(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return fmt.Errorf("teams %s: %w", r.op, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("teams %s: %w", r.op, stripURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= 300 {
		if resp.StatusCode == http.StatusUnauthorized {
			c.token.drop(token)
		}
		return c.refused(r.op, resp, body)
	}
	if err != nil {
		return fmt.Errorf("teams %s: read: %w", r.op, err)
	}
	if out == nil || len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("teams %s: decode: %w", r.op, err)
	}
	return nil
}

// refused reads the connector's error document.
func (c *Connector) refused(op string, resp *http.Response, body []byte) error {
	var doc struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &doc) // not every proxy on the way answers in JSON
	e := &Error{Op: op, Status: resp.StatusCode}
	if len(doc.Error.Code) <= 80 {
		e.Code = doc.Error.Code
	}
	after := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(after); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	} else if at, err := http.ParseTime(after); err == nil {
		e.RetryAfter = max(at.Sub(c.now()), 0)
	}
	return e
}
