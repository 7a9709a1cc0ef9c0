package intents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

const home = adapters.Workspace("slack:T1")

// clock is the time of a test; it moves only when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// screen is a Poster that keeps what is on it.
type screen struct {
	mu    sync.Mutex
	posts map[string]adapters.Ref
	cards map[adapters.Ref]cards.Card
	fail  error
	again bool // every post is a second try
	edits int  // that succeeded
}

func (s *screen) Post(_ context.Context, key string, to adapters.Destination, card cards.Card) (adapters.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return adapters.Ref{}, s.fail
	}
	ref, ok := s.posts[key]
	if !ok {
		conversation := to.Conversation
		if conversation == "" {
			conversation = "D" + to.User
		}
		ref = adapters.Ref{Workspace: to.Workspace, Conversation: conversation, Thread: to.Thread, Message: fmt.Sprint(len(s.posts) + 1), Again: s.again}
		s.posts[key] = ref
	}
	s.cards[ref] = card
	return ref, nil
}

func (s *screen) Place(_ context.Context, _ adapters.Workspace, id string) (adapters.Conversation, error) {
	c := adapters.Conversation{ID: id, Kind: adapters.Channel, Sharing: adapters.SharingInternal}
	if strings.HasPrefix(id, "C_SHARED") {
		c.Sharing = adapters.SharingExternal
	}
	if strings.HasPrefix(id, "D") {
		c.Kind = adapters.Direct
	}
	return c, nil
}

func (s *screen) Update(_ context.Context, ref adapters.Ref, card cards.Card) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.cards[ref] = card
	s.edits++
	return nil
}

// breaks makes the platform refuse everything, or with nil work again.
func (s *screen) breaks(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *screen) edited() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edits
}

// all cards with this title, as they now are.
func (s *screen) all(title string) []cards.Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []cards.Card
	for _, c := range s.cards {
		if strings.Contains(c.Title, title) {
			out = append(out, c)
		}
	}
	return out
}

// scripted is a Router that answers from a table and otherwise understands nothing.
type scripted map[string]Intent

func (t scripted) Route(_ context.Context, q Question) (Routed, error) {
	return Routed{Intent: t[q.Text], By: "test"}, nil
}

// bench is a whole service on miniredis and the sandbox.
type bench struct {
	t       testing.TB
	s       *Service
	neo     *sandbox.Neo
	clock   *clock
	screen  *screen
	redis   *miniredis.Miniredis
	mu      sync.Mutex
	policy  *Policy
	n       int
	fixture PolicyFile
	refs    map[string]adapters.Ref // button id -> the message in #ops that first had it
}

func testPolicy() PolicyFile {
	all := map[string]string{"all": "read_write"}
	return PolicyFile{
		Workspaces: []string{string(home), "teams:tenant-1"}, Admins: []string{"Dana"},
		Permissions: all,
		Roles: map[string]RoleFile{
			"tech": {Permissions: all}, "lead": {Permissions: all},
			"viewer": {Permissions: map[string]string{"all": "read_only"}},
		},
		People: []PersonFile{
			{Name: "Riley", Slack: SlackID{"T1", "U_RILEY"}, Teams: TeamsID{"tenant-1", "aad-riley"}, Roles: []string{"tech"}},
			{Name: "Sam", Slack: SlackID{"T1", "U_SAM"}, Teams: TeamsID{"tenant-1", "aad-sam"}, Roles: []string{"lead"}, NeoUserID: "u-sam"},
			{Name: "Dana", Slack: SlackID{"T1", "U_DANA"}, Roles: []string{"lead"}},
			{Name: "Vic", Slack: SlackID{"T1", "U_VIC"}, Roles: []string{"viewer"}},
		},
		Channels: []ChannelFile{{Match: "direct", Permissions: all}, {Match: "*", Permissions: all}},
		Approvals: ApprovalsFile{Rules: []RuleFile{
			{Operation: "escalate_to_neo_team", SelfApproval: true},
			{Risk: "destructive"},
			{Approvers: []string{"role:lead"}},
		}},
	}
}

func newBench(t testing.TB, router Router, change ...func(*PolicyFile)) *bench {
	t.Helper()
	b := &bench{
		t: t, clock: &clock{now: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)},
		screen: &screen{posts: map[string]adapters.Ref{}, cards: map[adapters.Ref]cards.Card{}},
		redis:  miniredis.RunT(t), fixture: testPolicy(), refs: map[string]adapters.Ref{},
	}
	for _, f := range change {
		f(&b.fixture)
	}
	var err error
	b.neo, err = sandbox.New(sandbox.Config{Now: b.clock.Now, Key: "neo_sk_test_key", Document: neoapi.Document(), Validate: true, RateLimit: -1})
	check(t, err)
	server := httptest.NewServer(b.neo)
	t.Cleanup(server.Close)
	client, err := neoapi.New(neoapi.Config{
		BaseURL: server.URL, Key: "neo_sk_test_key", Now: b.clock.Now,
		Budget: unlimited{}, Sleep: func(context.Context, time.Duration) error { return nil },
	})
	check(t, err)
	rdb := redis.NewClient(&redis.Options{Addr: b.redis.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	store, err := approvals.New(approvals.Config{Redis: rdb, Now: b.clock.Now})
	check(t, err)
	audit, err := approvals.NewAudit(approvals.AuditConfig{Redis: rdb, Now: b.clock.Now})
	check(t, err)
	b.setPolicy(b.fixture)
	b.s, err = New(Config{
		Policy: func() *Policy { b.mu.Lock(); defer b.mu.Unlock(); return b.policy },
		Neo:    client, Store: store, Audit: audit, Memory: NewMemory(rdb, "neobot", b.clock.Now),
		Router: router, Poster: b.screen, Now: b.clock.Now,
	})
	check(t, err)
	t.Cleanup(func() {
		for _, v := range b.neo.Violations() {
			t.Errorf("openapi violation: %s", v)
		}
		if _, err := audit.VerifyStream(context.Background(), string(home), ""); err != nil {
			t.Errorf("audit: %v", err)
		}
	})
	return b
}

type unlimited struct{}

func (unlimited) Take(context.Context) error { return nil }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) setPolicy(f PolicyFile) {
	b.t.Helper()
	catalog, err := neoapi.Embedded()
	check(b.t, err)
	p, err := NewPolicy(f, catalog)
	check(b.t, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.policy = p
}

var channelOps = adapters.Conversation{ID: "C_OPS", Kind: adapters.Channel, Sharing: adapters.SharingInternal}

func member(name string) adapters.User {
	return adapters.User{ID: "U_" + strings.ToUpper(name), Home: "T1", Trust: adapters.TrustMember}
}

// says has somebody write in #ops and posts the answer as the runner would.
func (b *bench) says(who, text string) adapters.Answer {
	b.t.Helper()
	return b.message(adapters.Message{
		Workspace: home, User: member(who), Conversation: channelOps, Thread: "t1", Text: text, At: b.clock.Now(),
	})
}

func (b *bench) message(m adapters.Message) adapters.Answer {
	b.t.Helper()
	b.n++
	m.ID = fmt.Sprint("m", b.n)
	answer, err := b.s.HandleMessage(b.t.Context(), m)
	check(b.t, err)
	b.show(m.ID, m.Conversation, m.Thread, answer)
	return answer
}

func (b *bench) show(key string, c adapters.Conversation, thread string, answer adapters.Answer) {
	b.t.Helper()
	if answer.Where != adapters.Reply {
		return
	}
	ref, err := b.screen.Post(b.t.Context(), key, adapters.Destination{Workspace: home, Conversation: c.ID, Thread: thread}, answer.Card)
	check(b.t, err)
	for _, x := range answer.Card.Buttons {
		b.refs[x.ID] = ref
	}
	if answer.Track != "" {
		check(b.t, b.s.Posted(b.t.Context(), answer.Track, ref))
	}
}

// clicks presses a button of a card, on the card's first copy in #ops.
func (b *bench) clicks(who string, answer adapters.Answer, label string) adapters.Answer {
	b.t.Helper()
	return b.press(who, button(b.t, answer.Card, label), nil)
}

func (b *bench) press(who string, press cards.Button, inputs map[string]string) adapters.Answer {
	b.t.Helper()
	b.n++
	c := adapters.Click{
		Workspace: home, User: member(who), Conversation: channelOps, ID: fmt.Sprint("c", b.n),
		Action: press.Action, Target: press.ID, Inputs: inputs, At: b.clock.Now(),
	}
	if inputs == nil {
		c.Card = b.copyOf(press.ID)
	}
	answer, err := b.s.HandleClick(b.t.Context(), c)
	check(b.t, err)
	b.show(c.ID, channelOps, "t1", answer)
	return answer
}

// copyOf finds the posted message in #ops that has this button.
func (b *bench) copyOf(id string) adapters.Ref {
	b.screen.mu.Lock()
	defer b.screen.mu.Unlock()
	for ref, card := range b.screen.cards {
		if ref.Conversation == channelOps.ID && slices.ContainsFunc(card.Buttons, func(x cards.Button) bool { return x.ID == id }) {
			b.refs[id] = ref
		}
	}
	if ref, ok := b.refs[id]; ok {
		return ref
	}
	return adapters.Ref{Workspace: home, Conversation: channelOps.ID, Message: "nowhere"}
}

func button(t testing.TB, card cards.Card, label string) cards.Button {
	t.Helper()
	for _, x := range card.Buttons {
		if strings.HasPrefix(x.Label, label) {
			return x
		}
	}
	for _, block := range card.Body {
		for _, item := range block.Items {
			if item.Button != nil && strings.HasPrefix(item.Button.Label, label) {
				return *item.Button
			}
		}
	}
	t.Fatalf("no button %q on %+v", label, card)
	return cards.Button{}
}

func (b *bench) writes() []sandbox.Recorded { return b.neo.Writes() }

func (b *bench) wantWrites(n int) {
	b.t.Helper()
	if got := b.writes(); len(got) != n {
		b.t.Fatalf("Neo got %d writes, want %d: %+v", len(got), n, got)
	}
}

func (b *bench) wantCard(got adapters.Answer, where adapters.Where, status cards.Status, text string) {
	b.t.Helper()
	if got.Where != where || got.Card.Status != status || !strings.Contains(cards.Text(got.Card, 1000), text) {
		b.t.Fatalf("answer goes %q with status %q, want %q, %q and the text %q:\n%s",
			got.Where, got.Card.Status, where, status, text, cards.Text(got.Card, 1000))
	}
}

// state of an agent in Neo, by name.
func (b *bench) state(name string) string {
	b.t.Helper()
	client := b.s.Neo.Session(neoapi.Scope{"agents": neoapi.ReadOnly}).Fresh()
	agents, _, err := client.ListAgents(b.t.Context(), "", 0)
	check(b.t, err)
	for _, a := range agents {
		if a.Name == name {
			return a.State
		}
	}
	b.t.Fatalf("no agent %q", name)
	return ""
}

// rename changes an agent behind the bot's back.
func (b *bench) rename(name, to string) {
	b.t.Helper()
	b.neo.Mutate(func(s *sandbox.State) {
		for a := range s.Agents.All() {
			if a.Name == name {
				a.Name = to
				return
			}
		}
		b.t.Errorf("no agent %q", name)
	})
}

// decided has Sam approve a request in the store, as a process would that died
// before it did anything about it.
func (b *bench) decided(asked adapters.Answer) {
	b.t.Helper()
	_, err := b.s.Store.Decide(b.t.Context(), string(home), approvals.ID(asked.Track), approvals.DecideArgs{Quorum: 1, Decision: approvals.Decision{
		Person: "Sam", Choice: approvals.Approve, At: b.clock.Now(), Workspace: string(home), User: "U_SAM", Home: "T1", Delivery: "c9",
	}})
	check(b.t, err)
}

func (b *bench) record(answer adapters.Answer) approvals.Request {
	b.t.Helper()
	rec, err := b.s.Store.Get(b.t.Context(), string(home), approvals.ID(answer.Track))
	check(b.t, err)
	return rec
}

// audited lists the audit kinds of this workspace, in order.
func (b *bench) audited() []string {
	b.t.Helper()
	var out strings.Builder
	check(b.t, b.s.Audit.Export(b.t.Context(), string(home), &out, time.Time{}))
	var kinds []string
	for line := range strings.Lines(out.String()) {
		var r struct{ Kind, Outcome string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			b.t.Fatal(err)
		}
		if r.Kind != "" { // the last line is the head of the chain
			kinds = append(kinds, r.Kind+" "+r.Outcome)
		}
	}
	return kinds
}

var errBroken = errors.New("broken")
