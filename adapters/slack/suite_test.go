package slack

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/adaptertest"
	"neobot/adapters/slack/slackfake"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T) *adaptertest.Subject {
		t.Helper()
		rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		inbox, err := adapters.NewInbox(adapters.InboxConfig{
			Redis: rdb, Workspaces: []adapters.Workspace{"slack:T0HOME"}, Consumer: "suite", Now: time.Now,
			Block: 20 * time.Millisecond, Backoff: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: rdb})
		if err != nil {
			t.Fatal(err)
		}
		a, fake := alone(t, slackfake.Config{}, func(c *Config) { c.PostsPerSecond = -1 })
		root, _ := fake.Say("U1", "C1", "", "a thread")
		return &adaptertest.Subject{
			Adapter: a, Inbox: inbox, Outbox: outbox, Workspace: "slack:T0HOME",
			Member: adapters.User{ID: "U1"}, Other: adapters.User{ID: "U2"}, Outsider: adapters.User{ID: "UOUT"},
			Channel: adapters.Conversation{ID: "C1", Kind: adapters.Channel}, Thread: root,
			Finds: true, Seen: func(u adapters.User) []string { return seenAt(fake, u.ID) },
			LoseReply: func() { fake.Fail("chat.postMessage", slackfake.Fault{Drop: true}) },
			Break: func() {
				for _, m := range []string{"users.info", "conversations.info", "chat.postMessage", "chat.update", "chat.postEphemeral"} {
					fake.Fail(m, slackfake.Fault{Status: 500, Times: 1000})
				}
			},
			Problems: fake.Problems,
		}
	})
}

// seenAt is what the bot shows a person in the channel, directly and privately.
func seenAt(fake *slackfake.Server, user string) []string {
	var out []string
	direct := fake.Direct(user)
	for _, m := range fake.Posts("") {
		if m.Channel == direct || m.Channel == "C1" && slices.Contains([]string{"U1", "U2", "UGUEST"}, user) {
			out = append(out, slackfake.Text(m.Blocks))
		}
	}
	for _, e := range fake.Ephemerals(user) {
		out = append(out, slackfake.Text(e.Blocks))
	}
	return out
}
