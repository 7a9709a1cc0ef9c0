package teams

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// window is a limit of the connector: at most n calls in per.
type window struct {
	n   int
	per time.Duration
}

// What one bot may do in one conversation; reading its roster counts apart:
// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
// Edits are counted as posts: the page does not name them, and says that all
// requests are limited alike.
var (
	postWindows   = []window{{7, time.Second}, {8, 2 * time.Second}, {60, 30 * time.Second}, {1800, time.Hour}}
	rosterWindows = []window{{14, time.Second}, {16, 2 * time.Second}, {120, 30 * time.Second}, {3600, time.Hour}}
)

const (
	// postsPerSecond is the first of postWindows, which configuration can scale.
	postsPerSecond = 7
	// unpaced is a pace nothing is held to.
	unpaced = 1000 * postsPerSecond
	// maxTurn is how long a call waits for its turn. A longer wait goes back to
	// the inbox, which tries again later.
	maxTurn = 8 * time.Second
	// maxLine is how many calls may wait in one conversation: each holds a
	// worker, and a busy conversation must not get hold of all of them.
	maxLine = 8
	// maxLanes bounds the memory.
	maxLanes = 4096
)

// pacer holds the calls in one conversation to the connector's limits, before
// the connector refuses them. Conversations do not wait for each other. It knows
// this process only: with several, the connector's 429 does the rest.
type pacer struct {
	scale float64 // of the windows; 0: no limits
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is one conversation. turns are the calls of the last hour, those that
// still wait included, in order.
type lane struct {
	turns   []time.Time
	closed  time.Time // no call before this: the connector said so
	waiting int
}

func newPacer(cfg ConnectorConfig) *pacer {
	p := &pacer{scale: cfg.PostsPerSecond / postsPerSecond, now: cfg.Now, sleep: cfg.Sleep, lanes: map[string]*lane{}}
	switch {
	case cfg.PostsPerSecond <= 0:
		p.scale = 1
	case cfg.PostsPerSecond >= unpaced:
		p.scale = 0
	}
	return p
}

// turn waits for the lane's next turn, at most patience. Otherwise the error
// says when to come again; nothing was sent.
func (p *pacer) turn(ctx context.Context, r request, patience time.Duration) error {
	if p.scale == 0 || r.lane == "" {
		return nil
	}
	p.mu.Lock()
	l := p.lane(r.lane)
	now := p.now()
	at := l.next(now, r.windows, p.scale)
	wait := at.Sub(now)
	if wait > 0 && (wait > patience || l.waiting >= maxLine) {
		p.mu.Unlock()
		return &Error{Op: r.op, Status: http.StatusTooManyRequests, Code: "NotSentYet", RetryAfter: wait}
	}
	l.turns = append(l.turns, at)
	l.waiting++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		l.waiting--
	}()
	if wait <= 0 {
		return nil
	}
	return p.sleep(ctx, wait)
}

// close keeps everybody out of a lane for a time the connector named.
func (p *pacer) close(key string, d time.Duration) {
	if key == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(key)
	if until := p.now().Add(d); until.After(l.closed) {
		l.closed = until
	}
}

// lane finds or makes a lane. The caller holds mu.
func (p *pacer) lane(key string) *lane {
	if l := p.lanes[key]; l != nil {
		return l
	}
	if len(p.lanes) >= maxLanes {
		p.makeRoom()
	}
	l := &lane{}
	p.lanes[key] = l
	return l
}

// makeRoom forgets the idle lanes, or any one nobody waits in.
func (p *pacer) makeRoom() {
	idle := p.now().Add(-time.Minute)
	for key, l := range p.lanes {
		if l.waiting == 0 && (len(l.turns) == 0 || l.turns[len(l.turns)-1].Before(idle)) {
			delete(p.lanes, key)
		}
	}
	for key, l := range p.lanes {
		if len(p.lanes) < maxLanes {
			return
		}
		if l.waiting == 0 {
			delete(p.lanes, key)
		}
	}
}

// next is when the next call may be made.
func (l *lane) next(now time.Time, windows []window, scale float64) time.Time {
	for len(l.turns) > 0 && now.Sub(l.turns[0]) > time.Hour {
		l.turns = l.turns[1:]
	}
	at := now
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	later(l.closed)
	if n := len(l.turns); n > 0 {
		later(l.turns[n-1]) // in line
	}
	for _, w := range windows {
		if n := max(int(float64(w.n)*scale), 1); len(l.turns) >= n {
			later(l.turns[len(l.turns)-n].Add(w.per))
		}
	}
	return at
}
