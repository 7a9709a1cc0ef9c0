package slack

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/slack/slackfake"
	"neobot/cards"
)

// brain is a handler that a test fills in. Unset functions fail the test.
type brain struct {
	t       *testing.T
	message func(context.Context, adapters.Message) (adapters.Answer, error)
	click   func(context.Context, adapters.Click) (adapters.Answer, error)
	form    func(context.Context, adapters.Click) (*cards.Form, adapters.Answer)

	mu     sync.Mutex
	posted map[string][]adapters.Ref
}

func (b *brain) HandleMessage(ctx context.Context, m adapters.Message) (adapters.Answer, error) {
	if b.message == nil {
		b.t.Errorf("unexpected message %+v", m)
		return adapters.Answer{}, nil
	}
	return b.message(ctx, m)
}

func (b *brain) HandleClick(ctx context.Context, c adapters.Click) (adapters.Answer, error) {
	if b.click == nil {
		b.t.Errorf("unexpected click %+v", c)
		return adapters.Answer{}, nil
	}
	return b.click(ctx, c)
}

func (b *brain) HandleForm(ctx context.Context, c adapters.Click) (*cards.Form, adapters.Answer) {
	if b.form == nil {
		b.t.Errorf("unexpected form click %+v", c)
		return nil, adapters.Answer{}
	}
	return b.form(ctx, c)
}

func (b *brain) Posted(_ context.Context, approval string, ref adapters.Ref) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.posted == nil {
		b.posted = map[string][]adapters.Ref{}
	}
	b.posted[approval] = append(b.posted[approval], ref)
	return nil
}

// rig is the whole path: fake Slack, adapter on HTTP, inbox, runner, outbox.
type rig struct {
	t     *testing.T
	fake  *slackfake.Server
	brain *brain
	a     *Adapter
	inbox *adapters.Inbox
	out   *adapters.Outbox
	redis *miniredis.Miniredis
	url   string
}

func newFake(t *testing.T, cfg slackfake.Config) *slackfake.Server {
	t.Helper()
	if cfg.Scopes == nil {
		cfg.Scopes = Scopes()
	}
	f := slackfake.New(cfg)
	t.Cleanup(f.Close)
	f.AddUser(slackfake.User{ID: "U1", Name: "Ann"})
	f.AddUser(slackfake.User{ID: "U2", Name: "Bob"})
	f.AddUser(slackfake.User{ID: "UGUEST", Name: "Gus", Restricted: true})
	f.AddUser(slackfake.User{ID: "UOUT", Name: "Olga", Team: "T9OTHER", Stranger: true})
	f.AddChannel(slackfake.Channel{ID: "C1", Members: []string{"U1", "U2", "UGUEST"}})
	f.AddChannel(slackfake.Channel{ID: "CX", Members: []string{"U1", "UOUT"}, ExtShared: true})
	return f
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigAfter(t, time.Minute)
}

// newRigAfter shows a working card when an answer takes longer than slow.
func newRigAfter(t *testing.T, slow time.Duration) *rig {
	t.Helper()
	r := &rig{t: t, fake: newFake(t, slackfake.Config{}), brain: &brain{t: t}, redis: miniredis.RunT(t)}
	rdb := redis.NewClient(&redis.Options{Addr: r.redis.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	cfg := r.fake.Config()
	var err error
	r.inbox, err = adapters.NewInbox(adapters.InboxConfig{
		Redis: rdb, Workspaces: []adapters.Workspace{adapters.NewWorkspace(adapters.Slack, cfg.Team)}, Consumer: rand.Text(),
		Lease: time.Second, Block: 20 * time.Millisecond, Backoff: 10 * time.Millisecond, Now: time.Now, Logger: log,
	})
	r.must(err)
	r.out, err = adapters.NewOutbox(adapters.OutboxConfig{Redis: rdb})
	r.must(err)
	r.a, err = New(Config{
		Installs: []Install{{Team: cfg.Team, Token: cfg.Token}}, AppID: cfg.App, SigningSecrets: []string{cfg.Secret},
		APIURL: r.fake.APIURL(), ResponseHosts: []string{r.fake.ResponseHost()},
		Inbox: r.inbox, Threads: r.out, Pictures: r.out, Handler: r.brain, Logger: log, Now: time.Now,
	})
	r.must(err)
	runner, err := adapters.NewRunner(adapters.RunnerConfig{
		Inbox: r.inbox, Outbox: r.out, Adapters: []adapters.Adapter{r.a}, Handler: r.brain, Logger: log, SlowAfter: slow,
	})
	r.must(err)
	r.url = serve(t, r.a)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		r.a.Wait()
		for _, p := range r.fake.Problems() {
			t.Errorf("Slack would complain: %s", p)
		}
	})
	return r
}

func serve(t *testing.T, a *Adapter) string {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	a.Routes(e)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return srv.URL
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// send delivers requests and wants 200 for each; it returns the last body.
func (r *rig) send(qs ...slackfake.Request) string {
	r.t.Helper()
	var last []byte
	for _, q := range qs {
		status, body, err := r.fake.Send(r.t.Context(), r.url, q)
		if err != nil || status != http.StatusOK {
			r.t.Fatalf("%s: status %d, err %v", q.Path, status, err)
		}
		last = body
	}
	return string(last)
}

// until waits for changes at Slack until ok is true.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	for {
		changed := r.fake.Changed()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // for what does not show at Slack
		case <-ctx.Done():
			r.t.Fatalf("waited in vain for: %s\nposts %+v", what, r.fake.Posts(""))
		}
	}
}

func (r *rig) mention(user, channel, thread, text string) string {
	r.t.Helper()
	ts, qs := r.fake.Mention(user, channel, thread, text)
	r.send(qs...)
	return ts
}

// idle waits until the inbox is empty.
func (r *rig) idle() {
	r.t.Helper()
	r.until("an empty inbox", func() bool {
		keys, _ := r.redis.Stream("neobot:{slack:" + r.fake.Config().Team + "}:inbox")
		return len(keys) == 0
	})
}

// read is what people read in a message.
func read(m slackfake.Message) string { return slackfake.Text(m.Blocks) }

func has(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in\n%s", w, text)
		}
	}
}

func echo(_ context.Context, m adapters.Message) (adapters.Answer, error) {
	return adapters.Answer{Where: adapters.Reply, Card: cards.Card{Summary: "You said: " + m.Text}}, nil
}
