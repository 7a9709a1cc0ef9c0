package adapters

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Handle works on one delivery. nil means done for good; an error leaves the
// delivery in the inbox for another try, unless it is ErrGiveUp.
type Handle func(ctx context.Context, d Delivery) error

// Dead is told of a delivery that will not be tried again, so that the person
// who asked is told too. An error makes the inbox call it again later, up to
// five more times.
type Dead func(ctx context.Context, d Delivery, cause error) error

// ErrGiveUp marks an error that another try cannot help.
var ErrGiveUp = errors.New("not worth another try")

// errLost cancels work whose lease went to another process.
var errLost = errors.New("another process took the delivery over")

// deadTries is how often Dead may fail before the delivery is put away without it.
const deadTries = 5

// maxWaiting bounds the deliveries this process holds back because an earlier
// one of their lane is still being worked on.
const maxWaiting = 256

// Run works on deliveries until ctx ends, then stops reading, waits for running
// work (up to StopTimeout) and gives the rest back. It survives lost
// connections and an emptied Redis. It returns nil after a clean stop, or an
// error when work had to be cut off.
func (b *Inbox) Run(ctx context.Context, handle Handle, dead Dead) error {
	hard, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	var shards []*shard
	var wg sync.WaitGroup
	for w := range b.known {
		s := newShard(hard, b, w, handle, dead)
		shards = append(shards, s)
		wg.Go(func() {
			s.resume(ctx)
			wg.Go(func() { s.claim(ctx) })
			s.read(ctx)
		})
		wg.Go(func() { s.lanes(ctx) })
	}
	background := sync.WaitGroup{}
	for _, s := range shards {
		background.Go(s.beat)
		background.Go(s.ack)
	}
	defer context.AfterFunc(ctx, func() {
		for _, s := range shards {
			s.halt()
		}
	})()
	wg.Wait() // readers are gone: nothing new comes in

	err := b.finish(shards, cut)
	for _, s := range shards {
		s.close()
	}
	background.Wait()
	return err
}

// finish waits for running work, and cuts it off after StopTimeout.
func (b *Inbox) finish(shards []*shard, cut context.CancelCauseFunc) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, s := range shards {
			s.drain()
		}
	}()
	timer := time.NewTimer(b.cfg.StopTimeout)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		err := errors.New("inbox: stopped while work was running; it will be taken over")
		cut(err)
		<-done
		return err
	}
}

// entry is a delivery held by this process.
type entry struct {
	Delivery
	head    bool // was first in its lane when put, so nothing is before it
	started bool
	cancel  context.CancelCauseFunc
}

// shard is the work on one workspace's stream.
type shard struct {
	b      *Inbox
	w      Workspace
	stream string
	handle Handle
	onDead Dead
	hard   context.Context // ends only when running work is cut off

	mu       sync.Mutex
	stopping bool
	held     map[string]*entry // by stream id: everything this process owns
	waiting  int               // of these, not started: an earlier one of the lane is not done
	done     []finished        // to be acknowledged

	freed  chan struct{}  // held shrank
	acks   chan struct{}  // done grew
	look   chan struct{}  // look for deliveries to claim now
	next   chan struct{}  // something waits for its lane
	stop   chan struct{}  // no new work
	closed chan struct{}  // nothing runs any more
	wg     sync.WaitGroup // running work
}

type finished struct {
	e    *entry
	dead string // record for the dead list, empty when handled
}

func newShard(hard context.Context, b *Inbox, w Workspace, handle Handle, dead Dead) *shard {
	return &shard{
		b: b, w: w, stream: b.keys.stream(w), handle: handle, onDead: dead, hard: hard,
		held:  map[string]*entry{},
		freed: make(chan struct{}, 1), acks: make(chan struct{}, 1),
		look: make(chan struct{}, 1), next: make(chan struct{}, 1),
		stop: make(chan struct{}), closed: make(chan struct{}),
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// read takes new deliveries from the stream.
func (s *shard) read(ctx context.Context) {
	pause := s.b.cfg.Backoff
	for ctx.Err() == nil {
		n := s.room(ctx)
		if n == 0 {
			return
		}
		res, err := s.b.cfg.Redis.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: s.b.cfg.Group, Consumer: s.b.cfg.Consumer,
			Streams: []string{s.stream, ">"}, Count: int64(n), Block: s.b.cfg.Block,
		}).Result()
		switch {
		case err == nil:
			pause = s.b.cfg.Backoff
			for _, m := range res[0].Messages {
				s.take(parseEntry(s.w, m.ID, 1, m.Values))
			}
		case errors.Is(err, redis.Nil):
		case strings.HasPrefix(err.Error(), "NOGROUP"), strings.HasPrefix(err.Error(), "UNBLOCKED"):
			s.createGroup(ctx)
		case ctx.Err() == nil:
			s.b.cfg.Logger.WarnContext(ctx, "inbox read failed", "workspace", s.w, "err", err, "retry_in", pause)
			sleep(ctx, pause)
			pause = min(2*pause, 10*time.Second)
		}
	}
}

// room waits until there is space for more work and says for how many.
func (s *shard) room(ctx context.Context) int {
	for {
		s.mu.Lock()
		free := s.b.cfg.Workers - (len(s.held) - s.waiting)
		if s.waiting >= maxWaiting {
			free = 0
		}
		s.mu.Unlock()
		if free > 0 {
			poke(s.freed) // reader and claimer both wait here: pass it on
			return min(free, 32)
		}
		select {
		case <-ctx.Done():
			return 0
		case <-s.freed:
		}
	}
}

// createGroup makes the stream and its group: at the first start, and when
// Redis came back empty. It starts at 0, so what was put before is not missed.
func (s *shard) createGroup(ctx context.Context) {
	err := s.b.cfg.Redis.XGroupCreateMkStream(ctx, s.stream, s.b.cfg.Group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		s.b.cfg.Logger.WarnContext(ctx, "inbox group not created", "workspace", s.w, "err", err)
		sleep(ctx, s.b.cfg.Backoff)
	}
}

// take accepts a delivery from Redis and starts it, or holds it back until
// every earlier one of its lane is done.
func (s *shard) take(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[e.ID] != nil {
		return // claimed from ourselves after a long outage; it is still running
	}
	s.held[e.ID] = e
	if s.stopping {
		return // drain gives it back
	}
	if e.Lane != "" && !e.head {
		s.waiting++
		poke(s.next)
		return
	}
	s.start(e)
}

// start runs e as soon as a worker is free. The caller holds mu.
func (s *shard) start(e *entry) {
	e.started = true
	ctx, cancel := context.WithCancelCause(s.hard)
	e.cancel = cancel
	s.wg.Go(func() {
		defer cancel(nil)
		select {
		case s.b.slots <- struct{}{}:
		case <-s.stop: // not begun: leave it to another process
			s.giveBack(0, e.Attempt-1, e)
			s.forget(e)
			return
		}
		began := s.b.cfg.Now()
		err := s.try(ctx, e)
		took := s.b.cfg.Now().Sub(began)
		<-s.b.slots
		s.finish(ctx, e, err, took)
	})
}

// try calls the handler, or Dead when there were enough tries: a delivery that
// kills its process is counted too, because the count is Redis'.
func (s *shard) try(ctx context.Context, e *entry) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.b.cfg.Logger.ErrorContext(ctx, "delivery panicked", "workspace", s.w, "delivery", e.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if e.Attempt > s.b.cfg.MaxDeliveries {
		return s.bury(ctx, e, errors.New("too many tries"))
	}
	err = s.handle(ctx, e.Delivery)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, ErrGiveUp) || e.Attempt == s.b.cfg.MaxDeliveries {
		return s.bury(ctx, e, err)
	}
	return err
}

// buried is the result of a delivery that goes to the dead list.
type buried struct{ cause error }

func (b *buried) Error() string { return "dead: " + b.cause.Error() }

// bury tells the person, then lets the delivery go to the dead list.
func (s *shard) bury(ctx context.Context, e *entry, cause error) error {
	if s.onDead != nil {
		if err := s.onDead(ctx, e.Delivery, cause); err != nil && e.Attempt < s.b.cfg.MaxDeliveries+deadTries {
			return fmt.Errorf("tell of dead delivery: %w", err)
		}
	}
	return &buried{cause}
}

func (s *shard) finish(ctx context.Context, e *entry, err error, took time.Duration) {
	log := s.b.cfg.Logger.With("workspace", s.w, "delivery", e.ID, "attempt", e.Attempt)
	outcome := "ok"
	var dead *buried
	switch {
	case errors.Is(context.Cause(ctx), errLost):
		outcome = "lost"
		log.WarnContext(ctx, "delivery was taken over by another process")
		s.forget(e)
	case err == nil:
		s.settle(finished{e: e})
	case errors.As(err, &dead):
		outcome = "dead"
		log.ErrorContext(ctx, "delivery given up", "err", dead.cause)
		s.settle(finished{e: e, dead: deadRecord(e, dead.cause)})
	default:
		outcome = "retry"
		log.WarnContext(ctx, "delivery failed", "err", err)
		s.retry(ctx, e)
	}
	s.b.cfg.Metrics.Handled(s.w, e.Kind, s.b.cfg.Now().Sub(e.At)-took, took, outcome)
}

// retry gives e back with its next try put off. Any process may take it then.
func (s *shard) retry(ctx context.Context, e *entry) {
	lease := s.b.cfg.Lease
	wait := min(s.b.cfg.Backoff<<min(e.Attempt-1, 16), lease)
	count := e.Attempt
	if ctx.Err() != nil { // cut off by the stop: not its fault, and nothing to wait for
		wait, count = 0, max(e.Attempt-1, 0)
	}
	s.giveBack(wait, count, e)
	s.forget(e)
	time.AfterFunc(wait+5*time.Millisecond, func() { poke(s.look) })
}

func parseEntry(w Workspace, id string, attempt int, v map[string]any) *entry {
	str := func(k string) string { s, _ := v[k].(string); return s }
	ms, _, _ := strings.Cut(id, "-")
	at, _ := strconv.ParseInt(ms, 10, 64) // the id is Redis' own; zero only makes the age odd
	return &entry{
		Delivery: Delivery{
			Workspace: w, Dedupe: str("x"), Lane: str("l"), Kind: DeliveryKind(str("k")), Payload: []byte(str("p")),
			ID: id, Attempt: attempt, At: time.UnixMilli(at), Awaited: str("w") == "1",
		},
		head: str("h") == "1",
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
