package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// quiet drops what the Redis library would print by itself: every fault comes
// back as an error and is reported once, by whoever asked.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(quiet{}) }

// openRedis connects to a Redis server. It does not wait for it: readiness does.
func openRedis(url Secret) (redis.UniversalClient, error) {
	opt, err := redis.ParseURL(string(url))
	if err != nil {
		return nil, errors.New("REDIS_URL is not a Redis address") // err would print the password
	}
	opt.ClientName = "neobot"
	// RESP3 would have every reply looked through for notifications, which we do
	// not use. Our commands are small: the library's buffers, 320 KiB for every
	// pair of connections, would be most of our memory.
	opt.Protocol, opt.ReadBufferSize, opt.WriteBufferSize, opt.PipelinePoolSize = 2, 8<<10, 8<<10, -1
	// Workers block on reads; the rest must never wait for a free connection.
	opt.PoolSize = 64
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout = 2*time.Second, 3*time.Second, 3*time.Second
	return redis.NewClient(opt), nil
}

// embeddedRedis starts a Redis inside the process, for the demo and the
// terminal. Nothing of it is kept.
func embeddedRedis(ctx context.Context) (rdb redis.UniversalClient, stop func(), err error) {
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("embedded redis: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() { // miniredis lets keys grow old only when told
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				m.FastForward(now.Sub(last))
				last = now
			}
		}
	}()
	client := redis.NewClient(&redis.Options{Addr: m.Addr(), PoolSize: 64})
	return client, func() {
		cancel()
		_ = client.Close() // the server goes with it
		m.Close()
	}, nil
}
