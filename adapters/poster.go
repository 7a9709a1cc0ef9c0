package adapters

import (
	"context"
	"errors"
	"fmt"

	"neobot/cards"
)

// Poster posts and edits cards on whatever platform their workspace is on. It
// is for cards that are not the answer to the delivery at hand: copies of
// approvals, their later states, scheduled posts.
type Poster struct {
	outbox   *Outbox
	adapters map[Platform]Adapter
}

// NewPoster sends through the outbox, so that every key is posted once.
func NewPoster(outbox *Outbox, all ...Adapter) (*Poster, error) {
	p := &Poster{outbox: outbox, adapters: map[Platform]Adapter{}}
	for _, a := range all {
		if p.adapters[a.Platform()] != nil {
			return nil, fmt.Errorf("poster: two adapters for %s", a.Platform())
		}
		p.adapters[a.Platform()] = a
	}
	if outbox == nil || len(all) == 0 {
		return nil, errors.New("poster: needs an outbox and an adapter")
	}
	return p, nil
}

// Post sends a card once per key and returns where it lives.
func (p *Poster) Post(ctx context.Context, key string, to Destination, card cards.Card) (Ref, error) {
	a, err := p.adapter(to.Workspace)
	if err != nil {
		return Ref{}, err
	}
	return p.outbox.Post(ctx, a, key, to, card)
}

// Place asks the platform what a conversation is and who can see it.
func (p *Poster) Place(ctx context.Context, w Workspace, conversation string) (Conversation, error) {
	a, err := p.adapter(w)
	if err != nil {
		return Conversation{}, err
	}
	return a.Place(ctx, w, conversation)
}

// Update replaces a posted card.
func (p *Poster) Update(ctx context.Context, ref Ref, card cards.Card) error {
	a, err := p.adapter(ref.Workspace)
	if err != nil {
		return err
	}
	return a.Update(ctx, ref, card)
}

// adapter of a workspace. A platform that is not connected (any more) is gone.
func (p *Poster) adapter(w Workspace) (Adapter, error) {
	a := p.adapters[w.Platform()]
	if a == nil {
		return nil, fmt.Errorf("no adapter for %s: %w", w.Platform(), ErrGone)
	}
	return a, nil
}
