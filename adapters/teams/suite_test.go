package teams

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/adaptertest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, newSubject)
}

func newSubject(t *testing.T) *adaptertest.Subject {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fake := newFake(t, time.Now)
	var broken atomic.Bool
	fake.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		return broken.Load()
	}
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	inbox, err := adapters.NewInbox(adapters.InboxConfig{
		Redis: rdb, Workspaces: []adapters.Workspace{home}, Consumer: "suite", Now: time.Now,
		Block: 20 * time.Millisecond, Backoff: 10 * time.Millisecond,
	})
	must(err)
	outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: rdb})
	must(err)
	cloud, err := CloudNamed(Public)
	must(err)
	refs := NewRedisRefs(rdb, "")
	a, err := New(Config{
		AppID: testApp, AppPassword: "hush", AppTenant: tenant, PostsPerSecond: unpaced, Cloud: cloud.At(fake.MetadataURL(), fake.TokenURL()),
		Workspaces: []adapters.Workspace{home}, Inbox: inbox, Forms: &brain{}, Refs: refs, Now: time.Now,
		Sleep: func(context.Context, time.Duration) error { return nil }, Logger: slog.New(slog.DiscardHandler),
	})
	must(err)
	// What the activities of an installation would have told.
	know := func(conversation, kind, mri, id, chat string) {
		must(refs.Save(t.Context(), home,
			Reference{Conversation: conversation, Type: kind, ServiceURL: fake.ServiceURL(), BotID: fake.BotID()},
			Person{ID: id, MRI: mri, Chat: chat, ServiceURL: fake.ServiceURL()}))
	}
	know(personal, "personal", alice, aliceID, personal)
	know(bobChat, "personal", bob, bobID, bobChat)
	know(group, "groupChat", alice, aliceID, personal)
	members := map[string][]string{aliceID: {group, personal}, bobID: {group, bobChat}}
	return &adaptertest.Subject{
		Adapter: a, Inbox: inbox, Outbox: outbox, Workspace: home,
		Member: adapters.User{ID: aliceID, Home: tenant}, Other: adapters.User{ID: bobID, Home: tenant},
		Channel: adapters.Conversation{ID: group, Kind: adapters.Group},
		Seen: func(u adapters.User) []string {
			var out []string
			for _, conversation := range members[u.ID] {
				for _, m := range fake.Messages(conversation) {
					out = append(out, cardText(m.Card))
				}
			}
			return out
		},
		Break:     func() { broken.Store(true) },
		LoseReply: fake.LoseReply,
	}
}
