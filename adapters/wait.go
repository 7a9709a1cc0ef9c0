package adapters

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Some platforms want the answer to a click in the HTTP response (Teams
// invokes). The worker may be another process, so the answer travels through
// Redis. Either the waiter takes it or the worker shows it itself, never both:
// both sides decide in one script on the same two keys.
var (
	//go:embed lua/offer.lua
	offerSource string
	offerScript = redis.NewScript(offerSource)
	//go:embed lua/leave.lua
	leaveSource string
	leaveScript = redis.NewScript(leaveSource)
)

// answerTTL keeps an offered answer for platform retries of the same delivery.
const answerTTL = 2 * time.Minute

// waitPoll is how often a waiter looks for an answer that another process may
// have given; answers of this process are announced by its bell.
const waitPoll = 50 * time.Millisecond

// bell wakes the waiters of this process. A blocking command would hold a
// connection per waiter, and with enough of them the workers would get none.
type bell struct {
	mu      sync.Mutex
	waiting map[string][]chan struct{}
}

// listen returns a channel that is sent to when key's answer is there.
func (b *bell) listen(key string) (rung chan struct{}, leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[string][]chan struct{}{}
	}
	rung = make(chan struct{}, 1)
	b.waiting[key] = append(b.waiting[key], rung)
	return rung, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting[key] = slices.DeleteFunc(b.waiting[key], func(c chan struct{}) bool { return c == rung })
		if len(b.waiting[key]) == 0 {
			delete(b.waiting, key)
		}
	}
}

func (b *bell) ring(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.waiting[key] {
		poke(c)
	}
}

// PutAndWait puts d and waits for its answer, at most timeout. ok is false when
// it is not there in time: the worker shows the answer by itself then, and the
// platform gets a neutral reply. An error is one of Put.
func (b *Inbox) PutAndWait(ctx context.Context, d Delivery, timeout time.Duration) (a Answer, ok bool, err error) {
	key := b.keys.wait(d.Workspace, d.Dedupe)
	rung, leave := b.bell.listen(key)
	defer leave()
	fresh, err := b.put(ctx, d, true)
	if err != nil {
		return Answer{}, false, err
	}
	data, ok := b.await(ctx, key, rung, timeout, fresh)
	if !ok {
		// Nothing in time, or Redis gone: tell the worker nobody waits any more,
		// unless the answer came in this very moment.
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		data, err = leaveScript.Run(left, b.cfg.Redis,
			[]string{key, b.keys.gone(d.Workspace, d.Dedupe)}, b.cfg.DedupeTTL.Milliseconds()).Text()
		if err != nil {
			return Answer{}, false, nil
		}
	}
	if err := json.Unmarshal([]byte(data), &a); err != nil {
		return Answer{}, false, fmt.Errorf("answer of %s: %w", d.Dedupe, err)
	}
	return a, true, nil
}

// await looks for the answer until it is there. It is left in its list: a retry
// of the platform that waits for the same delivery gets the same answer.
func (b *Inbox) await(ctx context.Context, key string, rung <-chan struct{}, timeout time.Duration, fresh bool) (string, bool) {
	end := time.NewTimer(timeout)
	defer end.Stop()
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	for {
		if !fresh { // what was put a moment ago has no answer yet
			if data, err := b.cfg.Redis.LIndex(ctx, key, 0).Result(); err == nil {
				return data, true
			}
		}
		fresh = false
		select {
		case <-rung:
		case <-tick.C:
		case <-end.C:
			return "", false
		case <-ctx.Done():
			return "", false
		}
	}
}

// offer hands the answer to whoever waits for d. It is false when nobody waits
// any more.
func (b *Inbox) offer(ctx context.Context, d Delivery, a Answer) (bool, error) {
	if !d.Awaited {
		return false, nil
	}
	data, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("pack answer: %w", err)
	}
	n, err := offerScript.Run(ctx, b.cfg.Redis,
		[]string{b.keys.wait(d.Workspace, d.Dedupe), b.keys.gone(d.Workspace, d.Dedupe)}, data, answerTTL.Milliseconds()).Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("offer answer: %w", err)
	}
	b.bell.ring(b.keys.wait(d.Workspace, d.Dedupe))
	return n == 1, nil
}
