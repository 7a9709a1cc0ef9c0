package teams

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/adaptertest"
)

// TestSuiteChannel is the suite in a thread of a channel, which Teams addresses
// differently from chats, with people who are known by what they did.
func TestSuiteChannel(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T) *adaptertest.Subject {
		t.Helper()
		r := newIdleRig(t)
		client := redis.NewClient(&redis.Options{Addr: r.redis.Addr()})
		t.Cleanup(func() { _ = client.Close() })
		outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: client})
		if err != nil {
			t.Fatal(err)
		}
		joined := map[string]any{"type": "conversationUpdate", "membersAdded": []any{map[string]any{"id": "29:new"}}}
		for _, user := range []string{alice, bob, foreign} {
			if got := r.fake.Deliver(r.fake.With(user, channel, joined)); got.Status != http.StatusOK {
				t.Fatalf("status %d", got.Status)
			}
		}
		var broken atomic.Bool
		r.fake.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
			if broken.Load() {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return broken.Load()
		}
		chats := map[string]string{aliceID: personal, bobID: bobChat}
		return &adaptertest.Subject{
			Adapter: r.Adapter, Inbox: r.inbox, Outbox: outbox, Workspace: home,
			Member: adapters.User{ID: aliceID, Name: "Alice"}, Other: adapters.User{ID: bobID, Name: "Bob"},
			Outsider: adapters.User{ID: "00000000-0000-0000-0000-0000000000d1"},
			Channel:  adapters.Conversation{ID: channel, Kind: adapters.Channel}, Thread: "1700",
			Seen: func(u adapters.User) []string {
				var out []string
				for _, m := range append(r.fake.Messages(channel), r.fake.Messages(chats[u.ID])...) {
					out = append(out, cardText(m.Card))
				}
				return out
			},
			Break:     func() { broken.Store(true) },
			LoseReply: r.fake.LoseReply,
		}
	})
}
