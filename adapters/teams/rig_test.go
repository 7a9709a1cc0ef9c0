package teams

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/teams/teamsfake"
	"neobot/cards"
)

const (
	tenant   = "0a0a0a0a-0000-0000-0000-000000000001"
	home     = adapters.Workspace("teams:" + tenant)
	alice    = "29:alice"
	aliceID  = "00000000-0000-0000-0000-0000000000a1"
	bob      = "29:bob"
	bobID    = "00000000-0000-0000-0000-0000000000b1"
	guest    = "29:guest"
	foreign  = "29:foreign"
	stranger = "29:anonymous"

	personal = "a:1-alice"
	bobChat  = "a:1-bob"
	group    = "19:group@thread.v2"
	mixed    = "19:mixed@thread.v2"
	channel  = "19:channel@thread.tacv2"
	sharedCh = "19:shared@thread.tacv2"
	telling  = "19:telling@thread.tacv2" // its activities tell that it is private
	oldCh    = "19:old@thread.tacv2"     // of a connector that tells no types and no channel rosters
	oldMixed = "19:oldmixed@thread.tacv2"
	oldTeam  = "19:oldteam@thread.tacv2"
	team     = "19:team@thread.tacv2"
)

// brain is a scripted handler that records what it was asked.
type brain struct {
	mu       sync.Mutex
	messages []adapters.Message
	clicks   []adapters.Click
	forms    []adapters.Click
	posted   map[string][]adapters.Ref
	tracked  chan struct{} // one per call of Posted

	onMessage func(adapters.Message) adapters.Answer
	onClick   func(adapters.Click) adapters.Answer
	onForm    func(adapters.Click) (*cards.Form, adapters.Answer)
}

func (b *brain) HandleMessage(_ context.Context, m adapters.Message) (adapters.Answer, error) {
	b.mu.Lock()
	b.messages = append(b.messages, m)
	f := b.onMessage
	b.mu.Unlock()
	if f != nil {
		return f(m), nil
	}
	return adapters.Answer{Card: cards.Card{Title: "You said", Summary: m.Text}, Where: adapters.Reply}, nil
}

func (b *brain) HandleClick(_ context.Context, c adapters.Click) (adapters.Answer, error) {
	b.mu.Lock()
	b.clicks = append(b.clicks, c)
	f := b.onClick
	b.mu.Unlock()
	if f != nil {
		return f(c), nil
	}
	return adapters.Answer{Card: cards.Card{Title: "Clicked", Status: cards.StatusDone}, Where: adapters.Replace}, nil
}

func (b *brain) HandleForm(_ context.Context, c adapters.Click) (*cards.Form, adapters.Answer) {
	b.mu.Lock()
	b.forms = append(b.forms, c)
	f := b.onForm
	b.mu.Unlock()
	if f != nil {
		return f(c)
	}
	return nil, adapters.Answer{Card: cards.Card{Title: "No form"}, Where: adapters.Private}
}

func (b *brain) Posted(_ context.Context, approval string, ref adapters.Ref) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.posted == nil {
		b.posted = map[string][]adapters.Ref{}
	}
	b.posted[approval] = append(b.posted[approval], ref)
	b.tracked <- struct{}{}
	return nil
}

func (b *brain) heard() []adapters.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]adapters.Message(nil), b.messages...)
}

func (b *brain) pressed() []adapters.Click {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]adapters.Click(nil), b.clicks...)
}

// rig is the adapter between the fake Teams, a Redis and a brain.
type rig struct {
	*Adapter
	fake    *teamsfake.Server
	redis   *miniredis.Miniredis
	inbox   *adapters.Inbox
	brain   *brain
	clock   *clock
	refused []string
	mu      sync.Mutex
}

func newFake(t testing.TB, now func() time.Time) *teamsfake.Server {
	t.Helper()
	f := teamsfake.New(t, teamsfake.Config{AppID: testApp, Secret: "hush", Tenant: tenant, Now: now})
	for _, p := range []teamsfake.Person{
		{MRI: alice, AAD: aliceID, Name: "Alice"},
		{MRI: bob, AAD: bobID, Name: "Bob"},
		{MRI: guest, AAD: "00000000-0000-0000-0000-0000000000c1", Name: "Guest", Role: "guest"},
		{MRI: foreign, AAD: "00000000-0000-0000-0000-0000000000d1", Name: "Foreign", Tenant: "ffffffff-0000-0000-0000-000000000002"},
		{MRI: stranger, Name: "Somebody", Role: "anonymous"},
	} {
		f.AddPerson(p)
	}
	for _, c := range []teamsfake.Conversation{
		{ID: personal, Type: "personal", Members: []string{alice}},
		{ID: bobChat, Type: "personal", Members: []string{bob}},
		{ID: group, Type: "groupChat", Members: []string{alice, bob, guest}},
		{ID: mixed, Type: "groupChat", Members: []string{alice, bob, guest, foreign, stranger}},
		{ID: channel, Type: "channel", TeamID: team, ChannelType: "standard", Members: []string{alice, bob, guest}},
		{ID: sharedCh, Type: "channel", TeamID: team, ChannelType: "shared", Members: []string{alice, bob, foreign}},
		{ID: telling, Type: "channel", TeamID: "19:t2@thread.tacv2", ChannelType: "private", Telling: true, Members: []string{alice}},
		{ID: oldCh, Type: "channel", TeamID: oldTeam, NoRoster: true, Members: []string{alice, guest}},
		{ID: oldMixed, Type: "channel", TeamID: "19:t3@thread.tacv2", Members: []string{alice, foreign}},
	} {
		f.AddConversation(c)
	}
	return f
}

// newRig starts everything. mod changes the configuration first.
func newRig(t *testing.T, mod ...func(*Config)) *rig {
	t.Helper()
	r := newIdleRig(t, mod...)
	client := redis.NewClient(&redis.Options{Addr: r.redis.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	r.run(t, client)
	return r
}

// newIdleRig has no worker.
func newIdleRig(t *testing.T, mod ...func(*Config)) *rig {
	t.Helper()
	r := &rig{redis: miniredis.RunT(t), brain: &brain{tracked: make(chan struct{}, 100)}, clock: &clock{}}
	r.fake = newFake(t, r.clock.Now)
	client := redis.NewClient(&redis.Options{Addr: r.redis.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	var err error
	r.inbox, err = adapters.NewInbox(adapters.InboxConfig{
		Redis: client, Workspaces: []adapters.Workspace{home}, Consumer: "test", Now: r.clock.Now,
		Block: 20 * time.Millisecond, Backoff: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := CloudNamed(Public)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		AppID: testApp, AppPassword: "hush", AppTenant: tenant, PostsPerSecond: unpaced, Cloud: cloud.At(r.fake.MetadataURL(), r.fake.TokenURL()),
		Workspaces: []adapters.Workspace{home}, Inbox: r.inbox, Forms: r.brain, Refs: NewRedisRefs(client, ""), Now: r.clock.Now,
		Sleep:       func(context.Context, time.Duration) error { return nil },
		Logger:      slog.New(slog.DiscardHandler),
		RefusedFunc: r.note,
	}
	for _, m := range mod {
		m(&cfg)
	}
	if r.Adapter, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	r.Routes(engine)
	r.fake.Bot = engine
	return r
}

func (r *rig) note(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = append(r.refused, reason)
}

func (r *rig) refusals() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.refused, " ")
}

// run starts the worker and stops it at the end of the test.
func (r *rig) run(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: client})
	if err != nil {
		t.Fatal(err)
	}
	runner, err := adapters.NewRunner(adapters.RunnerConfig{
		Inbox: r.inbox, Outbox: outbox, Adapters: []adapters.Adapter{r.Adapter}, Handler: r.brain, SlowAfter: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		r.Wait()
	})
}

// one waits for exactly the nth message of a conversation.
func (r *rig) nth(conversation string, n int) teamsfake.Message {
	m := r.fake.Await(conversation, func(m []teamsfake.Message) bool { return len(m) >= n })
	return m[n-1]
}

func cardText(card map[string]any) string {
	s, _ := card["fallbackText"].(string)
	return s
}

func approvalCard() cards.Card {
	return cards.Card{
		Title: "Disable Triage", Status: cards.StatusPending,
		Buttons: []cards.Button{
			{Label: "Approve", Action: cards.ActionApprove, ID: "r1", Style: cards.StylePrimary},
			{Label: "Reject", Action: cards.ActionReject, ID: "r1"},
			{Label: "Withdraw", Action: cards.ActionWithdraw, ID: "r1"},
			{Label: "More", Action: cards.ActionContinue, ID: "n1"},
		},
	}
}

// ask has alice ask and returns the approval card's message.
func (r *rig) ask(conversation string) teamsfake.Message {
	r.brain.mu.Lock()
	r.brain.onMessage = func(adapters.Message) adapters.Answer {
		return adapters.Answer{Card: approvalCard(), Where: adapters.Reply, Track: "r1"}
	}
	r.brain.mu.Unlock()
	r.fake.Say(alice, conversation, "disable triage")
	<-r.brain.tracked // the card is known to the handler, not only posted
	return r.nth(base(conversation), 1)
}

func base(conversation string) string {
	id, _, _ := strings.Cut(conversation, threadMark)
	return id
}

var _ http.Handler = (*gin.Engine)(nil)
