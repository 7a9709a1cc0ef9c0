package neoapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Codes of our own in Error.Code, for answers that carry none.
const (
	CodeRedirect = "redirect_refused"
	CodeTooLarge = "answer_too_large"
	CodeNotJSON  = "answer_not_json"
	CodeNotList  = "answer_not_a_list"
	CodeShape    = "answer_not_understood"
)

// What is kept of Neo's words, in bytes.
const (
	maxCode    = 100
	maxMessage = 2000
	maxDetails = 64 << 10
)

var errTooLarge = errors.New("answer larger than the limit")

// do is one HTTP exchange: it builds, sends, limits the body, decodes the
// envelope and maps every failure to *Error. It never repeats anything.
func (c *Client) do(ctx context.Context, r request) (Response, error) {
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), r.op.Method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return Response{}, r.failed(&Error{Err: err, Outcome: NotApplied})
	}
	if len(r.body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "neobot")
	start := c.now()
	resp, err := c.http.Do(req)
	if err != nil {
		e := r.failed(&Error{Err: withoutURL(err), Outcome: c.unsent(err, sent.Load())})
		c.logCall(ctx, r, start, Response{}, e)
		return Response{}, e
	}
	defer func() { _ = resp.Body.Close() }()
	c.rate.remember(resp, c.now())
	body, err := readCapped(resp.Body, c.maxBody)
	if resp.StatusCode >= 300 {
		body = bytes.ReplaceAll(body, []byte(c.key), []byte("[key]")) // some servers repeat the header they dislike
	}
	out, e := c.answer(r, resp, body, err)
	c.logCall(ctx, r, start, out, e)
	if e != nil {
		return Response{}, e
	}
	return out, nil
}

// answer turns what came back into a Response or an Error.
func (c *Client) answer(r request, resp *http.Response, body []byte, readErr error) (Response, *Error) {
	requestID := resp.Header.Get("X-Request-Id")
	ok := resp.StatusCode >= 200 && resp.StatusCode < 300
	switch {
	case !ok:
		return Response{}, r.failed(refusal(resp, body, c.now()))
	case errors.Is(readErr, errTooLarge):
		return Response{}, r.failed(&Error{Status: resp.StatusCode, Code: CodeTooLarge, RequestID: requestID, Outcome: Maybe, Err: readErr})
	case readErr != nil: // the reply broke off: as good as none
		return Response{}, r.failed(&Error{RequestID: requestID, Outcome: Maybe, Err: readErr})
	}
	out := Response{Status: resp.StatusCode, Data: body, RequestID: requestID}
	if r.raw || len(body) == 0 {
		return out, nil
	}
	if err := out.unwrap(body); err != nil {
		return Response{}, r.failed(&Error{Status: resp.StatusCode, Code: CodeNotJSON, RequestID: requestID, Outcome: Maybe, Err: err})
	}
	return out, nil
}

// failed fills in what do knows. A read has no effect, so it is never a maybe.
func (r request) failed(e *Error) *Error {
	e.Op = r.op.ID
	if r.op.Access == Read {
		e.Outcome = NotApplied
	}
	return e
}

type meta struct {
	RequestID  string `json:"request_id"`
	Pagination struct {
		HasMore    *bool   `json:"has_more"`
		NextCursor *string `json:"next_cursor"`
	} `json:"pagination"`
	Warnings []string `json:"warnings"`
}

// unwrap takes data out of the envelope. A body without the envelope (the
// /schemas catalogs) is the data itself.
func (r *Response) unwrap(body []byte) error {
	var env struct {
		Data json.RawMessage `json:"data"`
		Meta *meta           `json:"meta"`
	}
	err := lenient(body, &env)
	if odd := new(json.UnmarshalTypeError); err != nil && !errors.As(err, &odd) {
		return err
	}
	if err != nil || env.Meta == nil || env.Data == nil {
		return nil // an array, a scalar or another object: no envelope
	}
	r.Data, r.Warnings = env.Data, env.Meta.Warnings
	if env.Meta.RequestID != "" {
		r.RequestID = env.Meta.RequestID
	}
	p := env.Meta.Pagination
	if p.NextCursor != nil && (p.HasMore == nil || *p.HasMore) {
		r.Cursor = *p.NextCursor
	}
	r.More = p.HasMore
	return nil
}

// refusal maps an answer outside 2xx.
func refusal(resp *http.Response, body []byte, now time.Time) *Error {
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"), Outcome: outcome(resp.StatusCode)}
	var env struct {
		Error struct {
			Code    string          `json:"code"`
			Message string          `json:"message"`
			Details json.RawMessage `json:"details"`
		} `json:"error"`
		Meta   meta            `json:"meta"`
		Detail json.RawMessage `json:"detail"` // of frameworks that answer before Neo's own code
	}
	if lenient(body, &env) == nil {
		e.Code, e.Message, e.Details = cut(strings.ToLower(env.Error.Code), maxCode), cut(env.Error.Message, maxMessage), env.Error.Details
		if env.Meta.RequestID != "" {
			e.RequestID = env.Meta.RequestID
		}
		if e.Details == nil {
			e.Details = env.Detail
		}
	}
	if len(e.Details) > maxDetails {
		e.Details = nil
	}
	if resp.StatusCode/100 == 3 {
		e.Code = CodeRedirect
	}
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
	return e
}

// outcome of a write by status. 4xx is a refusal, except 408, which a proxy
// sends after it passed the request on. A redirect may follow a write that happened.
func outcome(status int) Outcome {
	if status/100 == 4 && status != http.StatusRequestTimeout {
		return NotApplied
	}
	return Maybe
}

// unsent is NotApplied when there never was a connection to send on. Only
// net/http's own transport is known to report every connection; with another
// one the error must say by itself that the dial failed.
func (c *Client) unsent(err error, sent bool) Outcome {
	if sent {
		return Maybe
	}
	if _, own := c.http.Transport.(*http.Transport); own || c.http.Transport == nil {
		return NotApplied
	}
	var op *net.OpError
	var dns *net.DNSError
	if errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) {
		return NotApplied
	}
	return Maybe
}

// withoutURL drops the address and the query, which may name people, from a
// transport error.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func readCapped(body io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, errTooLarge
	}
	return b, nil
}

// retryAfter reads seconds or an HTTP date; 0 when there is none.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 && n < 1e6 {
		return time.Duration(n * float64(time.Second))
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

func cut(s string, limit int) string {
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + " (cut)"
	}
	return s
}

func (c *Client) logCall(ctx context.Context, r request, start time.Time, out Response, e *Error) {
	attrs := []slog.Attr{slog.String("operation", r.op.ID), slog.Duration("took", c.now().Sub(start))}
	if e == nil {
		c.log.LogAttrs(ctx, slog.LevelDebug, "neo answered", append(attrs,
			slog.Int("status", out.Status), slog.String("request_id", out.RequestID))...)
		return
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "neo call failed", append(attrs, slog.Int("status", e.Status),
		slog.String("code", e.Code), slog.String("request_id", e.RequestID), slog.String("outcome", string(e.Outcome)))...)
}
