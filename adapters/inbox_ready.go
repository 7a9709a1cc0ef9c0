package adapters

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// Ready is nil when every workspace's queue is there with its group of workers,
// so that what is put will be worked on.
func (b *Inbox) Ready(ctx context.Context) error {
	for w := range b.known {
		groups, err := b.cfg.Redis.XInfoGroups(ctx, b.keys.stream(w)).Result()
		if err != nil {
			return fmt.Errorf("queue of %s: %w", w, err)
		}
		if !slices.ContainsFunc(groups, func(g redis.XInfoGroup) bool { return g.Name == b.cfg.Group }) {
			return fmt.Errorf("queue of %s: no group %q", w, b.cfg.Group)
		}
	}
	return nil
}

// Idle reports that no delivery waits and none is being answered.
func (b *Inbox) Idle(ctx context.Context) (bool, error) {
	for w := range b.known {
		n, err := b.cfg.Redis.XLen(ctx, b.keys.stream(w)).Result()
		if err != nil || n > 0 {
			return false, err
		}
	}
	return true, nil
}
