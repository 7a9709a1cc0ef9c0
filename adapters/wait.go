package adapters

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
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

// PutAndWait puts d and waits for its answer, at most timeout. ok is false when
// it is not there in time: the worker shows the answer by itself then, and the
// platform gets a neutral reply. An error is one of Put.
func (b *Inbox) PutAndWait(ctx context.Context, d Delivery, timeout time.Duration) (a Answer, ok bool, err error) {
	if _, err := b.put(ctx, d, true); err != nil {
		return Answer{}, false, err
	}
	key := b.keys.wait(d.Workspace, d.Dedupe)
	// Rotating instead of popping: a retry of the platform that waits for the
	// same delivery gets the same answer.
	data, err := b.cfg.Redis.BLMove(ctx, key, key, "LEFT", "LEFT", timeout).Result()
	if err != nil {
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
	return n == 1, nil
}
