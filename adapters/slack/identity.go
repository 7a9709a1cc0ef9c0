package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"neobot/adapters"
)

// cacheFor is how long Slack's word on a person or channel is believed. A guest
// made a member, or a channel shared, counts after a minute.
const cacheFor = time.Minute

// cacheSize bounds each cache; when it is full it starts afresh.
const cacheSize = 10_000

type cached[T any] struct {
	value T
	until time.Time
}

type cache[T any] struct {
	now  func() time.Time
	mu   sync.Mutex
	held map[string]cached[T]
}

func newCache[T any](now func() time.Time) *cache[T] {
	return &cache[T]{now: now, held: map[string]cached[T]{}}
}

// get answers from the cache or asks; errors are not kept.
func (c *cache[T]) get(key string, ask func() (T, error)) (T, error) {
	c.mu.Lock()
	have, ok := c.held[key]
	c.mu.Unlock()
	if ok && c.now().Before(have.until) {
		return have.value, nil
	}
	v, err := ask()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) >= cacheSize {
		clear(c.held)
	}
	c.held[key] = cached[T]{v, c.now().Add(cacheFor)}
	return v, nil
}

// Verify asks Slack who u is (users.info) and who can see c (conversations.info).
// Answers are kept for a minute. On any error neither is vouched for.
func (a *Adapter) Verify(ctx context.Context, w adapters.Workspace, u adapters.User, c adapters.Conversation) (adapters.User, adapters.Conversation, error) {
	claimed, outside := u.Home, c.Sharing == adapters.SharingExternal
	u.Trust, c.Sharing = adapters.TrustUnknown, adapters.SharingUnknown
	in, err := a.of(w)
	if err != nil {
		return u, c, err
	}
	var wg sync.WaitGroup
	var user slack.User
	var room slack.Channel
	var userErr, roomErr error
	wg.Go(func() { user, userErr = a.user(ctx, in, u.ID) })
	if c.Kind != adapters.Direct {
		room, roomErr = a.room(ctx, in, c.ID)
	}
	wg.Wait()
	if userErr != nil {
		return u, c, userErr
	}
	if roomErr != nil && !errors.Is(roomErr, adapters.ErrGone) {
		return u, c, roomErr
	}
	v := u
	v.Home, v.Name, v.Trust = user.TeamID, displayName(user), trust(in, user, claimed)
	if roomErr != nil {
		// Slack answered, and does not show us the room (a command in a
		// conversation the bot is not in): the person is known, the sharing stays
		// unknown and counts as external.
		return v, c, nil
	}
	switch {
	case outside:
		c.Sharing = adapters.SharingExternal
	case c.Kind != adapters.Direct:
		c.Sharing = sharing(room)
	case v.Trust == adapters.TrustMember:
		c.Sharing = adapters.SharingInternal // nobody else is in it
	default:
		c.Sharing = adapters.SharingExternal
	}
	return v, c, nil
}

func (a *Adapter) user(ctx context.Context, in *install, id string) (slack.User, error) {
	if id == "" {
		return slack.User{}, errors.New("slack: delivery without a user")
	}
	return a.users.get(in.Team+"/"+id, func() (slack.User, error) {
		var got *slack.User
		err := a.call(ctx, in, "users.info", func(ctx context.Context) (err error) {
			got, err = in.api.GetUserInfoContext(ctx, id)
			return err
		})
		if err != nil {
			return slack.User{}, fmt.Errorf("users.info: %w", err)
		}
		if got.ID != id {
			return slack.User{}, fmt.Errorf("users.info: asked for %s, got %s", id, got.ID)
		}
		return *got, nil
	})
}

func (a *Adapter) room(ctx context.Context, in *install, id string) (slack.Channel, error) {
	return a.rooms.get(in.Team+"/"+id, func() (slack.Channel, error) {
		var got *slack.Channel
		err := a.call(ctx, in, "conversations.info", func(ctx context.Context) (err error) {
			got, err = in.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
			return err
		})
		if err != nil {
			return slack.Channel{}, fmt.Errorf("conversations.info: %w", err)
		}
		if got.ID != id {
			return slack.Channel{}, fmt.Errorf("conversations.info: asked for %s, got %s", id, got.ID)
		}
		return *got, nil
	})
}

// trust reads the account. The order matters: a deactivated guest is
// deactivated. claimed is the home team the delivery named; a different answer
// of Slack makes the person an outsider.
func trust(in *install, u slack.User, claimed string) adapters.Trust {
	sameOrg := in.Enterprise != "" && u.Enterprise.EnterpriseID == in.Enterprise
	home := u.TeamID == in.Team || sameOrg
	sister := sameOrg && (claimed == in.Enterprise || slices.Contains(u.Enterprise.Teams, claimed))
	switch {
	case u.Deleted:
		return adapters.TrustDeactivated
	case u.IsBot, u.IsWorkflowBot, u.IsConnectorBot, u.ID == "USLACKBOT":
		return adapters.TrustBot
	case u.TeamID == "", u.IsStranger, !home:
		return adapters.TrustOutsider
	case claimed != "" && claimed != u.TeamID && !sister:
		return adapters.TrustOutsider
	case u.IsRestricted, u.IsUltraRestricted:
		return adapters.TrustGuest
	}
	return adapters.TrustMember
}

func displayName(u slack.User) string {
	for _, n := range []string{u.Profile.DisplayName, u.RealName, u.Profile.RealName, u.Name} {
		if n = strings.TrimSpace(n); n != "" {
			return n
		}
	}
	return ""
}

// Place asks Slack (conversations.info) what kind of conversation it is and who
// outside can see it.
func (a *Adapter) Place(ctx context.Context, w adapters.Workspace, conversation string) (adapters.Conversation, error) {
	c := adapters.Conversation{ID: conversation, Kind: kindOf(conversation, "")}
	in, err := a.of(w)
	if err != nil {
		return c, err
	}
	room, err := a.room(ctx, in, conversation)
	if err != nil {
		return c, err
	}
	switch {
	case room.IsIM:
		c.Kind = adapters.Direct
		u, err := a.user(ctx, in, room.User)
		if err != nil {
			return c, err
		}
		c.Sharing = adapters.SharingExternal
		if trust(in, u, "") == adapters.TrustMember {
			c.Sharing = adapters.SharingInternal
		}
		return c, nil
	case room.IsMpIM:
		c.Kind = adapters.Group
	}
	c.Sharing = sharing(room)
	return c, nil
}

func sharing(room slack.Channel) adapters.Sharing {
	if room.IsExtShared || room.IsPendingExtShared {
		return adapters.SharingExternal
	}
	return adapters.SharingInternal
}
