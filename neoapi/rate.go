package neoapi

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// How the client behaves towards Neo's limit of 1,200 requests per sliding 60 s
// and tenant, which people at the dashboard share with it
// (https://docs.neoagent.io/developers/rate-limits).
const (
	lowShare     = 10              // slow down when less than 1/lowShare of the limit is left
	maxSlowDown  = 2 * time.Second // longest voluntary pause before one request
	maxLimitWait = 15 * time.Second
)

// rateMemory remembers what Neo last said about the limit. The zero value knows nothing.
type rateMemory struct {
	mu        sync.Mutex
	limit     int
	remaining int
	reset     time.Time // what is remembered counts until then
	blocked   time.Time // end of the last Retry-After
}

func (m *rateMemory) remember(resp *http.Response, now time.Time) {
	h := resp.Header
	limit, err1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err1 == nil && err2 == nil && err3 == nil {
		m.limit, m.remaining, m.reset = limit, remaining, time.Unix(reset, 0)
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		if until := now.Add(retryAfter(h.Get("Retry-After"), now)); until.After(m.blocked) {
			m.blocked = until
		}
	}
}

// pause before the next request: the rest of a Retry-After, or a share of the
// time to the reset when little is left.
func (m *rateMemory) pause(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := m.blocked.Sub(now); d > 0 {
		return d
	}
	left := m.reset.Sub(now)
	if left <= 0 || m.remaining*lowShare >= m.limit {
		return 0
	}
	return min(maxSlowDown, left/time.Duration(m.remaining+1))
}

// Remaining requests that Neo granted this tenant when it last answered, and
// the limit. ok is false when it never said, or when that has run out.
func (c *Client) Remaining() (remaining, limit int, ok bool) {
	m := &c.rate
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.remaining, m.limit, m.reset.After(c.now())
}

// take waits for the right to send one request.
func (c *Client) take(ctx context.Context, op Operation) error {
	if err := ctx.Err(); err != nil {
		return &Error{Op: op.ID, Err: err, Outcome: NotApplied}
	}
	if err := c.budget.Take(ctx); err != nil {
		return c.noBudget(op, err)
	}
	d := c.rate.pause(c.now())
	if d <= 0 {
		return nil
	}
	if d > longestWait(op) || !inTime(ctx, d) {
		return c.noBudget(op, overBudget(d))
	}
	if err := c.sleep(ctx, d); err != nil {
		return &Error{Op: op.ID, Err: err, Outcome: NotApplied}
	}
	return nil
}

// longestWait is short for a write: its grant lapses.
func longestWait(op Operation) time.Duration {
	if op.Access == Read {
		return maxLimitWait
	}
	return writeRetryWait
}

// inTime reports whether a wait ends before the context does. Deadlines are on
// the real clock, whatever Config.Now says, so the context compares them.
func inTime(ctx context.Context, d time.Duration) bool {
	end, ok := ctx.Deadline()
	if !ok {
		return true
	}
	waiting, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	wakes, _ := waiting.Deadline()
	return wakes.Before(end)
}
