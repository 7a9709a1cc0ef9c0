package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A gate stands between one process and a server it calls, and holds one call
// at an exact point: before the server has heard of it, or after the server has
// done it and before the process hears of that. A process killed meanwhile dies
// at that very point.

// hold is one armed gate.
type hold struct {
	match   func(call string) bool
	after   bool
	reached chan struct{} // closed when the call is held
	open    chan struct{} // closed to let it go on
	once    sync.Once
}

// release lets the held call go on, and every later one.
func (h *hold) release() { h.once.Do(func() { close(h.open) }) }

// holds are the armed gates of one server.
type holds struct {
	mu  sync.Mutex
	all []*hold
}

// arm holds the first call whose text contains all the parts.
func (hs *holds) arm(after bool, parts ...string) *hold {
	h := &hold{after: after, reached: make(chan struct{}), open: make(chan struct{})}
	h.match = func(call string) bool {
		for _, p := range parts {
			if !strings.Contains(call, p) {
				return false
			}
		}
		return true
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.all = append(hs.all, h)
	return h
}

// take finds and disarms the gate for a call.
func (hs *holds) take(call string) *hold {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for i, h := range hs.all {
		if h.match(call) {
			hs.all = append(hs.all[:i:i], hs.all[i+1:]...)
			return h
		}
	}
	return nil
}

// wait holds until released or the caller is gone; gone is true for the latter.
func (h *hold) wait(ctx context.Context) (gone bool) {
	close(h.reached)
	select {
	case <-h.open:
		return ctx.Err() != nil
	case <-ctx.Done():
		return true
	}
}

// httpGate is a gate before an HTTP server. The text of a call is
// "<method> <path and query> <body>".
type httpGate struct {
	holds
	target string
	server *httptest.Server
}

func newHTTPGate(tb testing.TB, target string) *httpGate {
	g := &httpGate{target: strings.TrimSuffix(target, "/")}
	g.server = httptest.NewServer(g)
	tb.Cleanup(g.server.Close)
	return g
}

func (g *httpGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	h := g.take(r.Method + " " + r.URL.RequestURI() + " " + string(body))
	if h != nil && !h.after && h.wait(r.Context()) {
		return // never reached the server
	}
	// From here on it reaches the server, whatever becomes of the caller.
	res, err := g.forward(context.WithoutCancel(r.Context()), r, body)
	if err != nil {
		panic(http.ErrAbortHandler) // the server cut the connection: so do we
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if h != nil && h.after && h.wait(r.Context()) {
		return
	}
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(answer)
}

func (g *httpGate) forward(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	out, err := http.NewRequestWithContext(ctx, r.Method, g.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header = r.Header.Clone()
	return http.DefaultTransport.RoundTrip(out)
}

// redisGate is a gate before a redis-server. The text of a call is what one
// write to the connection holds: a command or a pipeline, as the protocol has it.
type redisGate struct {
	holds
	target string
	l      net.Listener
}

func newRedisGate(tb testing.TB, target string) *redisGate {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	g := &redisGate{target: target, l: l}
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go g.serve(c)
		}
	}()
	return g
}

func (g *redisGate) url() string { return "redis://" + g.l.Addr().String() + "/0" }

// serve pumps one connection. A call held before is not passed on; of one held
// after, the reply is kept back. A reply NOSCRIPT means that the call did
// nothing: it is sent again in full, so the gate stays armed.
func (g *redisGate) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	var d net.Dialer
	dial, cancel := context.WithTimeout(context.Background(), time.Second)
	server, err := d.DialContext(dial, "tcp", g.target)
	cancel()
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	ctx, gone := context.WithCancel(context.Background())
	defer gone()
	calls := make(chan []byte)
	go func() { // the reader, which also notices that the client is gone
		defer gone()
		defer close(calls)
		for {
			buf := make([]byte, 64<<10)
			n, err := client.Read(buf)
			if err != nil {
				return
			}
			select {
			case calls <- buf[:n]:
			case <-ctx.Done():
				return
			}
		}
	}()
	var kept atomic.Pointer[hold] // its reply is to be kept back
	go func() {
		defer gone()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			if h := kept.Swap(nil); h != nil {
				if bytes.HasPrefix(buf[:n], []byte("-NOSCRIPT")) {
					g.rearm(h)
				} else if h.wait(ctx) {
					return
				}
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case call, ok := <-calls:
			if !ok {
				return
			}
			if h := g.take(string(call)); h != nil {
				if h.after {
					kept.Store(h)
				} else if h.wait(ctx) {
					return
				}
			}
			if _, err := server.Write(call); err != nil {
				return
			}
		}
	}
}

func (g *redisGate) rearm(h *hold) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, h)
}
