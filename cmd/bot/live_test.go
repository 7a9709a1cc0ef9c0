package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long a test waits for anything before it gives up. It is long
// because machines that run tests are busy; nothing waits that long when all is well.
const patience = 40 * time.Second

// buildBot compiles the program into a directory of the test.
func buildBot(tb testing.TB) string {
	tb.Helper()
	bin := filepath.Join(tb.TempDir(), "bot")
	out, err := exec.CommandContext(tb.Context(), "go", "build", "-o", bin, ".").CombinedOutput()
	if err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// eventually polls until done says so. what it returns besides is shown when
// time runs out.
func eventually(tb testing.TB, what string, done func() (bool, any)) {
	tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		ok, state := done()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-tb.Context().Done():
			tb.Fatalf("%s: test ended", what)
		case <-deadline:
			tb.Fatalf("%s: not within %v; now: %v", what, patience, state)
		}
	}
}

// freeAddr is a loopback address nobody listens on at this moment.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// redisServer is a real redis-server of the test's own, with an append-only file.
type redisServer struct {
	tb   testing.TB
	addr string
	dir  string
	cmd  *exec.Cmd
	rdb  *redis.Client
}

func startRedis(tb testing.TB) *redisServer {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if testing.Short() {
			tb.Skip("no redis-server and -short")
		}
		tb.Fatal("redis-server is not installed: run deploy/test/setup.sh (make test does), or go test -short")
	}
	r := &redisServer{tb: tb, addr: freeAddr(tb), dir: tb.TempDir()}
	r.rdb = redis.NewClient(&redis.Options{Addr: r.addr, MaxRetries: -1})
	tb.Cleanup(func() {
		_ = r.rdb.Close()
		r.kill()
	})
	r.start()
	return r
}

func (r *redisServer) start() {
	r.tb.Helper()
	_, port, _ := net.SplitHostPort(r.addr)
	log, err := os.OpenFile(filepath.Join(r.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		r.tb.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	r.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
		"--dir", r.dir, "--maxmemory-policy", "noeviction")
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		r.tb.Fatal(err)
	}
	eventually(r.tb, "redis-server up", func() (bool, any) {
		err := r.rdb.Ping(r.tb.Context()).Err()
		return err == nil, err
	})
}

// kill is kill -9.
func (r *redisServer) kill() {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.cmd = nil
}

// process is one running bot.
type process struct {
	tb   testing.TB
	url  string
	cmd  *exec.Cmd
	log  *lockedBuffer
	dead chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startProcess runs `bot serve` at addr with these variables and nothing else,
// and returns once it says that it is ready.
func startProcess(tb testing.TB, bin, addr string, env []string) *process {
	tb.Helper()
	p := &process{tb: tb, url: "http://" + addr, log: &lockedBuffer{}, dead: make(chan struct{})}
	p.cmd = exec.Command(bin, "serve")
	p.cmd.Env = append([]string{"LISTEN_ADDR=" + addr, "HOME=" + tb.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.dead)
	}()
	tb.Cleanup(func() {
		p.kill()
		if tb.Failed() {
			tb.Logf("log of the bot at %s:\n%s", addr, lastLines(p.log.String(), 30))
		}
	})
	p.waitReady()
	return p
}

func (p *process) waitReady() {
	p.tb.Helper()
	eventually(p.tb, "bot ready", func() (bool, any) {
		select {
		case <-p.dead:
			p.tb.Fatalf("the bot ended: %s", p.log)
		default:
		}
		status, body, err := get(p.tb.Context(), p.url+"/readyz")
		return status == http.StatusOK, fmt.Sprint(status, body, err)
	})
}

// kill is kill -9: no handler runs, nothing is flushed.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.dead
}

func get(ctx context.Context, url string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
