package adapters

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed lua/ack.lua
	ackSource string
	ackScript = redis.NewScript(ackSource)
	//go:embed lua/heads.lua
	headsSource string
	headsScript = redis.NewScript(headsSource)
	//go:embed lua/claim.lua
	claimSource string
	claimScript = redis.NewScript(claimSource)
	//go:embed lua/beat.lua
	beatSource string
	beatScript = redis.NewScript(beatSource)
	//go:embed lua/tidy.lua
	tidySource string
	tidyScript = redis.NewScript(tidySource)
	//go:embed lua/release.lua
	releaseSource string
	releaseScript = redis.NewScript(releaseSource)
)

const (
	// laneEvery is how often a held-back delivery looks whether the one before
	// it, running in another process, is done.
	laneEvery = 200 * time.Millisecond
	// deadTTL keeps dead deliveries for a person to look at. They hold message text.
	deadTTL = 7 * 24 * time.Hour
	// consumerTTL is how long a consumer that holds nothing is kept. A live one
	// reads every few seconds.
	consumerTTL = time.Hour
	// ackBatch bounds one acknowledging script.
	ackBatch = 64
)

// resume takes what this consumer name held in an earlier life, and what others
// gave back. It runs before the first read: after it, everything pending under
// our name is being worked on.
func (s *shard) resume(ctx context.Context) {
	s.claimOnce(ctx, 0, s.b.cfg.Consumer)
	s.claimOnce(ctx, s.b.cfg.Lease, "")
	s.tidy(ctx, consumerTTL)
}

// tidy forgets consumers without work that were not seen for idle.
func (s *shard) tidy(ctx context.Context, idle time.Duration) {
	err := tidyScript.Run(ctx, s.b.cfg.Redis, []string{s.stream}, s.b.cfg.Group, idle.Milliseconds()).Err()
	if err != nil { // no group yet, or Redis away: it does no harm to wait
		s.b.cfg.Logger.DebugContext(ctx, "consumers not tidied", "workspace", s.w, "err", err)
	}
}

// claim takes over what dead processes held and what waits for another try.
func (s *shard) claim(ctx context.Context) {
	tick := time.NewTicker(s.b.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.look:
		}
		s.claimOnce(ctx, s.b.cfg.Lease, "")
	}
}

func (s *shard) claimOnce(ctx context.Context, idle time.Duration, from string) {
	n := s.room(ctx)
	if n == 0 {
		return
	}
	res, err := claimScript.Run(ctx, s.b.cfg.Redis, []string{s.stream},
		s.b.cfg.Group, s.b.cfg.Consumer, idle.Milliseconds(), n, from).Slice()
	if err != nil {
		// No group yet: the reader makes it. Redis away: the reader logs it.
		return
	}
	for _, r := range res {
		if e := parseClaimed(s.w, r); e != nil {
			s.take(e)
		}
	}
}

// parseClaimed reads one {id, count, {field, value, ...}} of claim.lua.
func parseClaimed(w Workspace, r any) *entry {
	row, _ := r.([]any)
	if len(row) != 3 {
		return nil
	}
	id, _ := row[0].(string)
	count, _ := row[1].(int64)
	fields, _ := row[2].([]any)
	values := map[string]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		if k, ok := fields[i].(string); ok {
			values[k] = fields[i+1]
		}
	}
	return parseEntry(w, id, int(count), values)
}

// beat renews the lease of everything held, and stops work whose lease is gone.
func (s *shard) beat() {
	tick := time.NewTicker(s.b.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-tick.C:
		}
		args := []any{s.b.cfg.Group, s.b.cfg.Consumer}
		s.mu.Lock()
		for id := range s.held {
			args = append(args, id)
		}
		s.mu.Unlock()
		if len(args) == 2 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.b.cfg.Lease/3)
		lost, err := beatScript.Run(ctx, s.b.cfg.Redis, []string{s.stream}, args...).StringSlice()
		cancel()
		if err != nil {
			s.b.cfg.Logger.Warn("inbox lease not renewed", "workspace", s.w, "err", err)
			continue
		}
		s.drop(lost)
	}
}

// drop stops work on deliveries that belong to somebody else now.
func (s *shard) drop(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		e := s.held[id]
		switch {
		case e == nil: // finished meanwhile
		case e.started:
			e.cancel(errLost) // finish forgets it
		default:
			delete(s.held, id)
			s.waiting--
		}
	}
}

// settle queues e for acknowledgement.
func (s *shard) settle(f finished) {
	s.mu.Lock()
	s.done = append(s.done, f)
	s.mu.Unlock()
	poke(s.acks)
}

// forget drops e from what this process holds.
func (s *shard) forget(e *entry) {
	s.mu.Lock()
	delete(s.held, e.ID)
	s.mu.Unlock()
	poke(s.freed)
}

// ack acknowledges what is done. While one script is under way the next batch
// gathers, so a busy process needs few round trips and a quiet one waits for
// nothing.
func (s *shard) ack() {
	for {
		select {
		case <-s.closed:
			s.ackAll()
			return
		case <-s.acks:
			s.ackAll()
		}
	}
}

func (s *shard) ackAll() {
	pause := 50 * time.Millisecond
	for {
		s.mu.Lock()
		batch := s.done[:min(len(s.done), ackBatch)]
		s.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		heads, err := s.ackBatch(batch)
		if err != nil {
			s.b.cfg.Logger.Warn("inbox acknowledgement failed", "workspace", s.w, "err", err)
			select {
			case <-s.closed:
				return // they will be redelivered; handlers come to the same effect
			case <-time.After(pause):
			}
			pause = min(2*pause, 5*time.Second)
			continue
		}
		s.mu.Lock()
		s.done = append([]finished(nil), s.done[len(batch):]...)
		for _, f := range batch {
			delete(s.held, f.e.ID)
		}
		s.startHeads(heads)
		s.mu.Unlock()
		poke(s.freed)
	}
}

func (s *shard) ackBatch(batch []finished) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	keys := make([]string, 0, 2+len(batch))
	keys = append(keys, s.stream, s.b.keys.dead(s.w))
	args := make([]any, 0, 2+2*len(batch))
	args = append(args, s.b.cfg.Group, deadTTL.Milliseconds())
	for _, f := range batch {
		keys = append(keys, s.b.keys.lane(s.w, f.e.Lane))
		args = append(args, f.e.ID, f.dead)
	}
	return ackScript.Run(ctx, s.b.cfg.Redis, keys, args...).StringSlice()
}

// startHeads starts held-back deliveries that are now first in their lane. The
// caller holds mu.
func (s *shard) startHeads(ids []string) {
	for _, id := range ids {
		if e := s.held[id]; e != nil && !e.started && !s.stopping {
			s.waiting--
			s.start(e)
		}
	}
}

// lanes looks after held-back deliveries whose predecessor is in another process.
func (s *shard) lanes(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.next:
		case <-timer.C:
		}
		if s.lookLanes(ctx) {
			timer.Reset(laneEvery)
		}
	}
}

// lookLanes asks for the heads of all lanes somebody waits in; more is false
// when nobody waits.
func (s *shard) lookLanes(ctx context.Context) (more bool) {
	keys := []string{s.stream}
	var first []string // per lane, the oldest that waits here
	index := map[string]int{}
	s.mu.Lock()
	for id, e := range s.held {
		if e.started {
			continue
		}
		if i, ok := index[e.Lane]; ok {
			if older(id, first[i]) {
				first[i] = id
			}
			continue
		}
		index[e.Lane] = len(first)
		first = append(first, id)
		keys = append(keys, s.b.keys.lane(s.w, e.Lane))
	}
	s.mu.Unlock()
	if len(first) == 0 {
		return false
	}
	heads, err := headsScript.Run(ctx, s.b.cfg.Redis, keys).StringSlice()
	if err != nil {
		return true
	}
	for i, h := range heads {
		if h == "" { // the lane's key is gone (expired): nothing can be before us
			heads[i] = first[i]
		}
	}
	s.mu.Lock()
	s.startHeads(heads)
	s.mu.Unlock()
	return true
}

// older compares two stream ids.
func older(a, b string) bool {
	am, an, _ := strings.Cut(a, "-")
	bm, bn, _ := strings.Cut(b, "-")
	if am != bm {
		return len(am) < len(bm) || len(am) == len(bm) && am < bm
	}
	return len(an) < len(bn) || len(an) == len(bn) && an < bn
}

// halt keeps what is held from being started.
func (s *shard) halt() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
}

// drain gives back what was not started and waits for what runs.
func (s *shard) drain() {
	s.mu.Lock()
	s.stopping = true
	var rest []*entry
	for id, e := range s.held {
		if !e.started {
			rest = append(rest, e)
			delete(s.held, id)
		}
	}
	s.waiting = 0
	s.mu.Unlock()
	close(s.stop)
	for _, e := range rest {
		s.giveBack(0, e.Attempt-1, e)
	}
	s.wg.Wait()
}

func (s *shard) close() { close(s.closed) }

// giveBack lets any process claim e after wait.
func (s *shard) giveBack(wait time.Duration, count int, e *entry) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	idle := max(s.b.cfg.Lease-wait, 0)
	err := releaseScript.Run(ctx, s.b.cfg.Redis, []string{s.stream},
		s.b.cfg.Group, s.b.cfg.Consumer, e.ID, idle.Milliseconds(), count).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.b.cfg.Logger.Warn("delivery not given back, its lease must run out", "workspace", s.w, "delivery", e.ID, "err", err)
	}
}

// deadRecord is what the dead list keeps of a delivery.
func deadRecord(e *entry, cause error) string {
	b, err := json.Marshal(struct {
		ID       string          `json:"id"`
		Dedupe   string          `json:"dedupe"`
		Kind     DeliveryKind    `json:"kind"`
		Attempts int             `json:"attempts"`
		At       time.Time       `json:"at"`
		Cause    string          `json:"cause"`
		Payload  json.RawMessage `json:"payload"`
	}{e.ID, e.Dedupe, e.Kind, e.Attempt, e.At, cause.Error(), e.Payload})
	if err != nil { // a payload that is not JSON
		b, _ = json.Marshal(map[string]string{"id": e.ID, "dedupe": e.Dedupe, "cause": cause.Error()})
	}
	return string(b)
}
