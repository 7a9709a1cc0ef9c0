package teams

import (
	"context"
	"net/http"
	"strings"

	"neobot/adapters"
	"neobot/cards"
)

// Views draws a card for one person. It reads only, and answers within
// viewWait; an empty Where means there is nothing to show.
type Views interface {
	HandleView(ctx context.Context, c adapters.Click) adapters.Answer
}

// view answers a client that draws a card again, by itself or from the message's
// menu: nobody pressed anything. It goes past the inbox: there is nothing to
// keep, and nothing is decided whatever the verb says. Without a view the client
// keeps the card it has.
func (a *Adapter) view(ctx context.Context, d *delivery, id string) response {
	none := response{http.StatusOK, actionAnswer{400, answerError, actionError{"BadRequest", "There is nothing newer to show."}}}
	if a.cfg.Views == nil || id == "" {
		return none
	}
	ctx, cancel := context.WithTimeout(ctx, viewWait)
	defer cancel()
	card := adapters.Ref{Workspace: d.workspace, Conversation: d.place.ID, Thread: d.thread, Message: d.ReplyToID}
	answer := a.cfg.Views.HandleView(ctx, adapters.Click{
		Workspace: d.workspace, User: d.user, Conversation: d.place, ID: d.id, Target: id, At: d.at, Card: card,
	})
	switch answer.Where {
	case adapters.Nowhere:
		return none
	case adapters.Replace: // not his view only: the card is wrong for everybody
		a.aside(ctx, func(ctx context.Context) {
			if err := a.Update(ctx, card, answer.Card); err != nil {
				a.log.WarnContext(ctx, "card not replaced", "workspace", d.workspace, "err", err)
			}
		})
	case adapters.Shown, adapters.Reply, adapters.Private:
	}
	return response{http.StatusOK, actionAnswer{200, cards.AdaptiveCardType, a.render(ctx, d.workspace, d.place.ID, answer.Card)}}
}

// render is a card for a conversation, with the people whose clients ask for
// their own view of it.
func (a *Adapter) render(ctx context.Context, w adapters.Workspace, conversation string, card cards.Card) cards.AdaptiveCard {
	if card.Views == nil || a.cfg.Views == nil {
		return cards.Teams(card)
	}
	return cards.TeamsViews(card, a.viewers(ctx, w, conversation, card.Views.For))
}

// viewers are the connector's ids of those accounts of this tenant that the bot
// has met; in somebody's own chat only he. A fault leaves people out: views are
// a convenience, and the card is whole without them.
func (a *Adapter) viewers(ctx context.Context, w adapters.Workspace, conversation string, accounts []string) []string {
	var ids []string
	for _, account := range accounts {
		if id, ok := strings.CutPrefix(account, string(w)+"/"); ok {
			ids = append(ids, id)
		}
	}
	people, err := a.people(ctx, w, ids)
	if err != nil {
		a.log.WarnContext(ctx, "card without views of its own", "workspace", w, "err", err)
	}
	kind := ""
	if ref, err := a.reference(ctx, w, conversation); err == nil {
		kind = ref.Type
	}
	var out []string
	for _, p := range people {
		if p.MRI != "" && (kind != "personal" || p.Chat == conversation) {
			out = append(out, p.MRI)
		}
	}
	return out
}

// people by object id, in that order, as far as they are known; from memory or,
// all at once, from Redis.
func (a *Adapter) people(ctx context.Context, w adapters.Workspace, ids []string) ([]Person, error) {
	found := map[string]Person{}
	var ask []string
	for _, id := range ids {
		if p, ok := a.met.get(convKey(w, id)); ok {
			found[id] = p
		} else {
			ask = append(ask, id)
		}
	}
	var err error
	if len(ask) > 0 {
		var more []Person
		more, err = a.cfg.Refs.People(ctx, w, ask)
		for _, p := range more {
			found[p.ID] = p
			a.met.put(convKey(w, p.ID), p)
		}
	}
	out := make([]Person, 0, len(ids))
	for _, id := range ids {
		if p, ok := found[id]; ok {
			out = append(out, p)
		}
	}
	return out, err
}
