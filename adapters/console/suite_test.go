package console

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/adaptertest"
	"neobot/cards"
)

// noForms opens no form.
type noForms struct{}

func (noForms) HandleForm(context.Context, adapters.Click) (*cards.Form, adapters.Answer) {
	return nil, adapters.Answer{}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T) *adaptertest.Subject {
		t.Helper()
		rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		const home adapters.Workspace = "console:suite"
		inbox, err := adapters.NewInbox(adapters.InboxConfig{
			Redis: rdb, Workspaces: []adapters.Workspace{home}, Consumer: "suite", Now: time.Now,
			Block: 20 * time.Millisecond, Backoff: 10 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: rdb})
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(Config{
			Workspace: home, Member: func(name string) bool { return name == "ann" || name == "bob" },
			Channels: []string{"ops"}, Intake: inbox, Forms: noForms{}, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		return &adaptertest.Subject{
			Adapter: c, Inbox: inbox, Outbox: outbox, Workspace: home,
			Member: adapters.User{ID: "ann"}, Other: adapters.User{ID: "bob"}, Outsider: adapters.User{ID: "eve"},
			Channel: adapters.Conversation{ID: "ops", Kind: adapters.Channel},
			Finds:   true,
			Seen: func(u adapters.User) []string {
				var out []string
				entries := c.Since(u.ID, 0)
				slices.SortFunc(entries, func(a, b Entry) int { return int(a.First) - int(b.First) })
				for _, e := range entries {
					if e.Card != nil && !e.Home {
						out = append(out, cards.Text(*e.Card, 80))
					}
				}
				return out
			},
		}
	})
}
