package neoapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"
)

// Budget is the bot's own share of Neo's request limit.
type Budget interface {
	// Take waits for one request's worth, a few seconds at most. When that is
	// not enough the error is ErrBudget, as an *Error with RetryAfter.
	Take(ctx context.Context) error
}

// BudgetConfig is a share: Requests in any Window. Zero fields take the default.
type BudgetConfig struct {
	Requests int           // 600: half of Neo's limit, so that people at the dashboard keep theirs
	Window   time.Duration // 60 s, as Neo counts
	Wait     time.Duration // longest wait of one Take; 3 s
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error
}

func (b BudgetConfig) withDefaults() BudgetConfig {
	if b.Requests <= 0 {
		b.Requests = 600
	}
	if b.Window <= 0 {
		b.Window = time.Minute
	}
	if b.Wait <= 0 {
		b.Wait = 3 * time.Second
	}
	if b.Sleep == nil {
		b.Sleep = sleep
	}
	return b
}

// split makes a burst and a steady part that together never exceed Requests in
// any window: a bucket of size b refilled at r per window lets through at most
// b + r in one window.
func (b BudgetConfig) split() (burst, steady int) {
	burst = max(1, b.Requests/6)
	return burst, max(1, b.Requests-burst)
}

// LocalBudget counts in this process only: for one replica and the terminal.
type LocalBudget struct {
	cfg BudgetConfig
	lim *rate.Limiter
}

// NewLocalBudget needs Now.
func NewLocalBudget(cfg BudgetConfig) *LocalBudget {
	cfg = cfg.withDefaults()
	burst, steady := cfg.split()
	return &LocalBudget{cfg: cfg, lim: rate.NewLimiter(rate.Limit(float64(steady)/cfg.Window.Seconds()), burst)}
}

// Take implements Budget.
func (b *LocalBudget) Take(ctx context.Context) error {
	now := b.cfg.Now()
	r := b.lim.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d == 0 {
		return nil
	}
	if d > b.cfg.Wait || !inTime(ctx, d) {
		r.CancelAt(now)
		return overBudget(d)
	}
	if err := b.cfg.Sleep(ctx, d); err != nil {
		r.CancelAt(b.cfg.Now())
		return err
	}
	return nil
}

// SharedBudget counts in Redis, for all replicas together, on Redis's clock.
// With Redis down nothing is granted.
type SharedBudget struct {
	cfg   BudgetConfig
	lim   *redis_rate.Limiter
	limit redis_rate.Limit
	key   string
}

// NewSharedBudget counts under one key, which names the Neo tenant and not a
// workspace: the limit is the tenant's. One request costs one round trip.
func NewSharedBudget(rdb redis.UniversalClient, key string, cfg BudgetConfig) *SharedBudget {
	cfg = cfg.withDefaults()
	burst, steady := cfg.split()
	return &SharedBudget{
		cfg: cfg, lim: redis_rate.NewLimiter(rdb), key: key,
		limit: redis_rate.Limit{Rate: steady, Burst: burst, Period: cfg.Window},
	}
}

// Take implements Budget.
func (b *SharedBudget) Take(ctx context.Context) error {
	var waited time.Duration
	for {
		res, err := b.lim.Allow(ctx, b.key, b.limit)
		if err != nil {
			return fmt.Errorf("request budget in redis: %w", err)
		}
		if res.Allowed > 0 {
			return nil
		}
		waited += res.RetryAfter
		if waited > b.cfg.Wait || !inTime(ctx, res.RetryAfter) {
			return overBudget(res.RetryAfter)
		}
		if err := b.cfg.Sleep(ctx, res.RetryAfter); err != nil {
			return err
		}
	}
}

func overBudget(wait time.Duration) error {
	return &Error{RetryAfter: wait, Outcome: NotApplied, Err: ErrBudget}
}

// noBudget names the operation in an error of a Budget.
func (c *Client) noBudget(op Operation, err error) error {
	out := &Error{Op: op.ID, Outcome: NotApplied, Err: err}
	var e *Error
	if errors.As(err, &e) {
		out.Err, out.RetryAfter = e.Err, e.RetryAfter
	}
	return out
}
