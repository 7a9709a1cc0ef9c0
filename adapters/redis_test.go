package adapters

import (
	"os"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// onRedis runs a test on miniredis, and on a real redis-server when its address
// is in NEOBOT_TEST_REDIS (make test starts one). Each run has its own key prefix.
func onRedis(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		m := miniredis.RunT(t)
		rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		test(t, rdb)
	})
	addr := os.Getenv("NEOBOT_TEST_REDIS")
	if addr == "" {
		return
	}
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		opts := &redis.Options{Addr: addr}
		if strings.Contains(addr, "://") {
			var err error
			if opts, err = redis.ParseURL(addr); err != nil {
				t.Fatal(err)
			}
		}
		rdb := redis.NewClient(opts)
		t.Cleanup(func() { _ = rdb.Close() })
		test(t, rdb)
	})
}
