package approvals

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func newMiniEnv(t testing.TB) env {
	t.Helper()
	return newEnv(t, miniredis.RunT(t).Addr())
}

func (e env) addr(t testing.TB) string {
	t.Helper()
	return e.rdb.(*redis.Client).Options().Addr
}

// dump is everything stored under the environment's prefix.
func dump(t testing.TB, e env) map[string]any {
	t.Helper()
	ctx, out := t.Context(), map[string]any{}
	keys, err := e.rdb.Keys(ctx, e.c.Prefix+":*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		switch e.rdb.Type(ctx, k).Val() {
		case "hash":
			out[k] = e.rdb.HGetAll(ctx, k).Val()
		case "zset":
			out[k] = e.rdb.ZRangeWithScores(ctx, k, 0, -1).Val()
		case "stream":
			out[k] = e.rdb.XLen(ctx, k).Val()
		default:
			out[k] = e.rdb.Get(ctx, k).Val()
		}
	}
	return out
}

// waitFor waits for something another goroutine is about to do.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
		runtime.Gosched()
	}
}

func isScript(cmd redis.Cmder) bool { return strings.HasPrefix(cmd.Name(), "eval") }

// repeatHook runs every script that succeeds twice with the same arguments and
// shows the caller only the second reply: what go-redis does by itself when the
// connection breaks after the command was executed.
type repeatHook struct {
	between func() // may be nil
	n       atomic.Int64
}

func (r *repeatHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (r *repeatHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (r *repeatHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err != nil || !isScript(cmd) {
			return err
		}
		r.n.Add(1)
		if r.between != nil {
			r.between()
		}
		cmd.SetErr(nil)
		return next(ctx, cmd)
	}
}

// tripHook counts round trips.
type tripHook struct{ n atomic.Int64 }

func (h *tripHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *tripHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { h.n.Add(1); return next(ctx, cmd) }
}

func (h *tripHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { h.n.Add(1); return next(ctx, cmds) }
}

// gateHook holds the first script back until it is released.
type gateHook struct {
	once             sync.Once
	entered, release chan struct{}
}

func (h *gateHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *gateHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *gateHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if isScript(cmd) {
			h.once.Do(func() {
				h.entered <- struct{}{}
				<-h.release
			})
		}
		return next(ctx, cmd)
	}
}

// lossyProxy forwards connections to Redis and can lose a reply: the command
// is executed, then the connection breaks.
type lossyProxy struct {
	net.Listener
	target string
	lose   atomic.Bool // the next reply
	lost   atomic.Int64
}

func newLossyProxy(t testing.TB, target string) *lossyProxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &lossyProxy{Listener: l, target: target}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(t.Context(), c)
		}
	}()
	return p
}

func (p *lossyProxy) serve(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		defer func() { _ = server.Close() }()
		buf := make([]byte, 64<<10)
		for {
			n, err := client.Read(buf)
			if err != nil {
				return
			}
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		if p.lose.CompareAndSwap(true, false) {
			p.lost.Add(1)
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
