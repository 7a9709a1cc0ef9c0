package adapters

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Picture is the platform's file that shows the picture with this digest in the
// workspace, empty when none is known. It spares uploading a picture again for
// every edit of a card, every replica and every restart.
func (o *Outbox) Picture(ctx context.Context, w Workspace, digest string) (file string, err error) {
	file, err = o.cfg.Redis.Get(ctx, o.keys.picture(w, digest)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("look up picture: %w", err)
	}
	return file, nil
}

// KeepPicture remembers that file shows the picture, as long as a post is
// remembered; an empty file forgets it.
func (o *Outbox) KeepPicture(ctx context.Context, w Workspace, digest, file string) error {
	key := o.keys.picture(w, digest)
	var err error
	if file == "" {
		err = o.cfg.Redis.Del(ctx, key).Err()
	} else {
		err = o.cfg.Redis.Set(ctx, key, file, o.cfg.TTL).Err()
	}
	if err != nil {
		return fmt.Errorf("note picture: %w", err)
	}
	return nil
}
