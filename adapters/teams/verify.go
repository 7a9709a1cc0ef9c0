package teams

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"neobot/adapters"
)

// rosterMax is how many members of a group chat are looked at to tell whether
// somebody from outside is in it. Teams' chats end at 250.
const rosterMax = 1000

// errIdentity means the roster names somebody else than the delivery.
var errIdentity = errors.New("roster and delivery name different people")

// Verify asks the roster of the conversation who the person is, and whether
// outsiders read along. Look-ups count for a minute.
func (a *Adapter) Verify(ctx context.Context, w adapters.Workspace, u adapters.User, c adapters.Conversation) (adapters.User, adapters.Conversation, error) {
	u.Trust, u.Home, c.Sharing = adapters.TrustUnknown, "", adapters.SharingUnknown
	known, err := a.Place(ctx, w, c.ID)
	if err != nil {
		return u, c, err
	}
	if !isObjectID(u.ID) {
		u.Trust, c.Sharing = adapters.TrustOutsider, known.Sharing
		return u, c, nil
	}
	ref, err := a.reference(ctx, w, c.ID)
	if err != nil {
		return u, c, err
	}
	m, err := a.lookUp(ctx, w, ref, u.ID)
	if err != nil {
		return u, c, err
	}
	if u.Trust, err = trust(m, u.ID, w.ID()); err != nil {
		return u, c, err
	}
	u.Home, c.Sharing = strings.ToLower(m.TenantID), known.Sharing
	if m.Name != "" {
		u.Name = clip(m.Name, 100)
	}
	return u, c, nil
}

// Place says what kind a conversation is and whether outsiders read along.
func (a *Adapter) Place(ctx context.Context, w adapters.Workspace, conversation string) (adapters.Conversation, error) {
	c := adapters.Conversation{ID: conversation}
	if err := a.serves(w); err != nil {
		return c, err
	}
	ref, err := a.reference(ctx, w, conversation)
	if err != nil {
		return c, err
	}
	c.Kind = kindOf(ref.Type)
	c.Sharing, err = a.shared(ctx, w, ref)
	return c, err
}

// kindOf a conversation type. What is not said to be private is not.
func kindOf(t string) adapters.Kind {
	switch t {
	case "personal":
		return adapters.Direct
	case "channel":
		return adapters.Channel
	}
	return adapters.Group
}

// isObjectID tells an Entra object id from the connector's own ids ("29:…"),
// which are all a person without an account has.
func isObjectID(id string) bool { return id != "" && !strings.Contains(id, ":") }

// trust is what the roster vouches for. What it does not say counts as no.
func trust(m member, id, tenant string) (adapters.Trust, error) {
	object := m.AAD
	if object == "" {
		object = m.ObjectID
	}
	switch {
	case object == "":
		return adapters.TrustOutsider, nil
	case !strings.EqualFold(object, id):
		return adapters.TrustUnknown, errIdentity
	case m.TenantID == "":
		return adapters.TrustUnknown, nil
	case !strings.EqualFold(m.TenantID, tenant):
		return adapters.TrustOutsider, nil
	}
	switch strings.ToLower(m.Role) {
	case "guest":
		return adapters.TrustGuest, nil
	case "user", "owner", "admin":
	case "": // older connectors do not say; a guest's name still shows it
		if m.UPN == "" {
			return adapters.TrustUnknown, nil
		}
	case "bot", "skill":
		return adapters.TrustBot, nil
	default: // anonymous, and what we do not know
		return adapters.TrustOutsider, nil
	}
	if strings.Contains(strings.ToLower(m.UPN), "#ext#") {
		return adapters.TrustGuest, nil
	}
	return adapters.TrustMember, nil
}

// lookUp finds a person in a conversation's roster.
func (a *Adapter) lookUp(ctx context.Context, w adapters.Workspace, ref Reference, user string) (member, error) {
	key := string(w) + "|" + ref.Conversation + "|" + user
	if m, ok := a.members.get(key); ok {
		return m, nil
	}
	got, err, _ := a.flight.Do("member|"+key, func() (any, error) {
		person, err := a.person(ctx, w, user)
		if err != nil {
			return member{}, err
		}
		m, err := a.conn.member(ctx, ref.ServiceURL, ref.Conversation, person.MRI)
		if errors.Is(err, adapters.ErrGone) && ref.TeamID != "" && ref.TeamID != ref.Conversation {
			// A standard channel may have no roster of its own: the team's is it.
			m, err = a.conn.member(ctx, ref.ServiceURL, ref.TeamID, person.MRI)
		}
		if err == nil {
			a.members.put(key, m)
		}
		return m, err
	})
	if err != nil {
		return member{}, fmt.Errorf("look %s up: %w", user, err)
	}
	return got.(member), nil
}

// person by object id, from memory or Redis.
func (a *Adapter) person(ctx context.Context, w adapters.Workspace, user string) (Person, error) {
	p, err := a.cfg.Refs.Person(ctx, w, user)
	if err != nil {
		return Person{ID: user}, fmt.Errorf("teams person %s: %w", user, err)
	}
	return p, nil
}

// shared says whether people from outside are in a conversation. Standard and
// private channels take members of the team's tenant only; a shared channel can
// be open to others without naming them. For the rest the roster tells.
func (a *Adapter) shared(ctx context.Context, w adapters.Workspace, ref Reference) (adapters.Sharing, error) {
	if ref.Type == "personal" {
		return adapters.SharingInternal, nil
	}
	if s, ok := sharingOf(ref.ChannelType); ok {
		return s, nil
	}
	key := convKey(w, ref.Conversation)
	if s, ok := a.sharing.get(key); ok {
		return s, nil
	}
	got, err, _ := a.flight.Do("sharing|"+key, func() (any, error) {
		s, err := a.look(ctx, w, ref)
		if err == nil {
			a.sharing.put(key, s)
		}
		return s, err
	})
	if err != nil {
		return adapters.SharingUnknown, fmt.Errorf("who is in the conversation: %w", err)
	}
	return got.(adapters.Sharing), nil
}

// sharingOf a channel's type; ok is false when it was not said.
func sharingOf(channelType string) (s adapters.Sharing, ok bool) {
	switch channelType {
	case "":
		return adapters.SharingUnknown, false
	case "standard", "private":
		return adapters.SharingInternal, true
	}
	return adapters.SharingExternal, true
}

// look asks the team what kind of channel it is (messages often do not say), or
// reads the roster.
func (a *Adapter) look(ctx context.Context, w adapters.Workspace, ref Reference) (adapters.Sharing, error) {
	listed := false
	if ref.Type == "channel" && ref.TeamID != "" {
		list, err := a.conn.channels(ctx, ref.ServiceURL, ref.TeamID)
		if err != nil && !errors.Is(err, adapters.ErrGone) {
			return adapters.SharingUnknown, err
		}
		for _, c := range list.Conversations {
			if c.ID != ref.Conversation {
				continue
			}
			listed = true
			if s, ok := sharingOf(c.Type); ok {
				return s, nil
			}
		}
	}
	s, err := a.roster(ctx, w, ref.ServiceURL, ref.Conversation)
	if errors.Is(err, adapters.ErrGone) && listed {
		// A channel of the team without a roster of its own: the team's is it.
		return a.roster(ctx, w, ref.ServiceURL, ref.TeamID)
	}
	return s, err
}

// roster reads the members until an outsider is found.
func (a *Adapter) roster(ctx context.Context, w adapters.Workspace, service, conversation string) (adapters.Sharing, error) {
	next, seen := "", 0
	for seen < rosterMax {
		page, err := a.conn.members(ctx, service, conversation, next)
		if err != nil {
			return adapters.SharingUnknown, err
		}
		for _, m := range page.Members {
			if strings.HasPrefix(m.ID, "28:") { // a bot
				continue
			}
			if !strings.EqualFold(m.TenantID, w.ID()) || strings.EqualFold(m.Role, "anonymous") {
				return adapters.SharingExternal, nil
			}
		}
		seen += len(page.Members)
		if page.Next == "" {
			if seen == 0 {
				return adapters.SharingUnknown, nil
			}
			return adapters.SharingInternal, nil
		}
		if len(page.Members) == 0 {
			break
		}
		next = page.Next
	}
	return adapters.SharingUnknown, nil
}
