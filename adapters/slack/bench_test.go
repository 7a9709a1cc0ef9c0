package slack

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/slack/slackfake"
)

// BenchmarkAsk is one question from the signed request to the posted answer with
// a handler that costs nothing: what the way in and the way out cost. It needs
// the address of a real Redis, which runs in a process of its own.
func BenchmarkAsk(b *testing.B) {
	addr := os.Getenv("NEOBOT_TEST_REDIS")
	if addr == "" {
		b.Skip("NEOBOT_TEST_REDIS is not set")
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = rdb.Close() }()
	fake := slackfake.New(slackfake.Config{SkipSchema: true})
	defer fake.Close()
	fake.AddUser(slackfake.User{ID: "U1", Name: "Ann"})
	fake.AddChannel(slackfake.Channel{ID: "C1", Members: []string{"U1"}})
	// A Slack that answers at once and remembers nothing.
	var posts atomic.Int64
	done := make(chan struct{}, 1<<16)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "users.info"):
			_, _ = w.Write([]byte(`{"ok":true,"user":{"id":"U1","team_id":"T0HOME"}}`))
		case strings.HasSuffix(r.URL.Path, "conversations.info"):
			_, _ = w.Write([]byte(`{"ok":true,"channel":{"id":"C1"}}`))
		default:
			_, _ = fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":"%d.1"}`, posts.Add(1))
			done <- struct{}{}
		}
	}))
	defer web.Close()
	prefix := "bench-" + rand.Text()
	inbox, err := adapters.NewInbox(adapters.InboxConfig{Redis: rdb, Prefix: prefix, Workspaces: []adapters.Workspace{"slack:T0HOME"}, Consumer: "bench", Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: rdb, Prefix: prefix})
	if err != nil {
		b.Fatal(err)
	}
	h := &brain{message: echo}
	a, err := New(Config{
		Installs: []Install{{Team: "T0HOME", Token: "x"}}, AppID: "A0NEO", SigningSecrets: []string{fake.Config().Secret},
		APIURL: web.URL + "/", Inbox: inbox, Threads: outbox, Handler: h, Now: time.Now, PostsPerSecond: -1,
	})
	if err != nil {
		b.Fatal(err)
	}
	runner, err := adapters.NewRunner(adapters.RunnerConfig{Inbox: inbox, Outbox: outbox, Adapters: []adapters.Adapter{a}, Handler: h})
	if err != nil {
		b.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	a.Routes(e)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = runner.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		body := envelopeOf(fmt.Sprintf(`{"type":"app_mention","user":"U1","text":"<@UBOT> hi","ts":"%d.%d","channel":"C1"}`, 1800000000+i, i), nil)
		r := httptest.NewRequest(http.MethodPost, "/slack/events", strings.NewReader(body))
		fake.Sign(r, []byte(body))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
		if i > 8 {
			<-done
		}
	}
}
