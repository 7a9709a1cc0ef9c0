package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// window is how far back the rate limit looks.
const window = time.Minute

// limiter is the sliding-window limit of the tenant: at most limit requests in
// the last 60 seconds. See https://docs.neoagent.io/developers/rate-limits.
type limiter struct {
	limit int // below 1: no limit, headers show the documented one
	times []time.Time
	first int // index of the oldest entry still in the window
}

// take counts one request at now. It returns 0 when it is allowed, else the
// time until the next one would be. Refused requests do not count.
func (l *limiter) take(now time.Time) time.Duration {
	l.drop(now)
	if l.limit < 1 {
		return 0
	}
	if len(l.times)-l.first >= l.limit {
		return max(l.times[l.first].Add(window).Sub(now), time.Second)
	}
	l.times = append(l.times, now)
	return 0
}

// drop forgets what left the window and reuses the space.
func (l *limiter) drop(now time.Time) {
	for l.first < len(l.times) && !l.times[l.first].After(now.Add(-window)) {
		l.first++
	}
	if l.first > 256 && l.first > len(l.times)/2 {
		l.times = append(l.times[:0], l.times[l.first:]...)
		l.first = 0
	}
}

// headers writes the three X-RateLimit headers that every answer carries.
func (l *limiter) headers(h http.Header, now time.Time) {
	limit, reset := l.limit, now.Add(window)
	if limit < 1 {
		limit = documentedLimit
	}
	used := len(l.times) - l.first
	if used > 0 {
		reset = l.times[l.first].Add(window)
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(limit-used, 0)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Add(time.Second-1).Unix(), 10))
}
