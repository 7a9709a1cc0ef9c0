package neoapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// maxTries of one read, the first included.
const maxTries = 4

// read sends a read and repeats it after 429, 5xx and network faults. A wait
// that does not fit into the context is not begun: the last error comes back at
// once, with RetryAfter.
func (c *Client) read(ctx context.Context, r request) (Response, error) {
	var pauses *backoff.ExponentialBackOff // made when it is needed
	for try := 1; ; try++ {
		if err := c.take(ctx, r.op); err != nil {
			return Response{}, err
		}
		resp, err := c.do(ctx, r)
		if err == nil {
			return resp, nil
		}
		if pauses == nil {
			pauses = newPauses()
		}
		wait, again := repeatRead(err, pauses)
		if !again || try == maxTries || ctx.Err() != nil || !inTime(ctx, wait) {
			return Response{}, err
		}
		c.log.WarnContext(ctx, "neo read is repeated", "operation", r.op.ID, "try", try, "wait", wait, "error", err)
		if c.sleep(ctx, wait) != nil {
			return Response{}, err // says more than "cancelled"
		}
	}
}

// newPauses between tries: 250 ms doubling to 4 s, each half as much more or less.
func newPauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = 250*time.Millisecond, 4*time.Second, 2
	return b
}

// repeatRead says whether and when a failed read is worth another try.
func repeatRead(err error, pauses *backoff.ExponentialBackOff) (wait time.Duration, again bool) {
	var e *Error
	if !errors.As(err, &e) {
		return 0, false
	}
	switch {
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable && e.RetryAfter > 0:
		wait = max(e.RetryAfter, pauses.NextBackOff())
		return wait, wait <= maxLimitWait
	case e.Status == 0, e.Status >= 500 && e.Status != http.StatusNotImplemented:
		return pauses.NextBackOff(), true
	}
	return 0, false
}

// shared answers a read from memory or joins an identical one under way. A
// write starts a new generation, so nothing from before it is joined or kept.
func (c *Client) shared(ctx context.Context, r request) (Response, error) {
	gen := c.cache.generation()
	key := strconv.FormatUint(gen, 10) + " " + r.op.ID + " " + r.url + "\n" + string(r.body)
	if resp, ok := c.cache.get(key, c.now()); ok {
		return resp, nil
	}
	ch := c.flight.DoChan(key, func() (any, error) {
		// One caller that goes away must not fail the others.
		fctx, cancel := flightContext(ctx)
		defer cancel()
		resp, err := c.read(fctx, r)
		if err == nil {
			resp.parsed = &parsed{}
			c.cache.put(key, gen, resp, c.now())
		}
		return resp, err
	})
	select {
	case <-ctx.Done():
		return Response{}, r.failed(&Error{Err: ctx.Err()})
	case res := <-ch:
		resp, _ := res.Val.(Response)
		if res.Shared && errors.Is(res.Err, context.DeadlineExceeded) && ctx.Err() == nil {
			return c.read(ctx, r) // the other's deadline, not ours
		}
		return resp, res.Err
	}
}

// flightContext keeps the values and the deadline of ctx, not its cancellation.
func flightContext(ctx context.Context) (context.Context, context.CancelFunc) {
	free := context.WithoutCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(free, end)
	}
	return context.WithTimeout(free, flightTimeout)
}

// Bounds of the read cache.
const (
	cacheEntries = 256
	cacheMaxBody = 256 << 10
)

// readCache keeps answers for a moment. With keep 0 it keeps nothing, but still
// counts generations.
type readCache struct {
	keep    time.Duration
	mu      sync.Mutex
	gen     uint64
	swept   time.Time
	entries map[string]cached
}

type cached struct {
	resp Response
	end  time.Time
}

func (c *readCache) generation() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gen
}

func (c *readCache) get(key string, now time.Time) (Response, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	return e.resp, ok && now.Before(e.end)
}

// put drops everything when full: entries live for seconds, so order is not
// worth keeping.
func (c *readCache) put(key string, gen uint64, resp Response, now time.Time) {
	if c.keep <= 0 || len(resp.Data) > cacheMaxBody {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen != c.gen {
		return
	}
	if c.entries == nil || len(c.entries) >= cacheEntries {
		c.entries = map[string]cached{}
	}
	if now.After(c.swept.Add(c.keep)) { // what has run out would only take memory
		maps.DeleteFunc(c.entries, func(_ string, e cached) bool { return !now.Before(e.end) })
		c.swept = now
	}
	c.entries[key] = cached{resp: resp, end: now.Add(c.keep)}
}

// clear starts a new generation.
func (c *readCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	c.entries = nil
}
