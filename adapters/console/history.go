package console

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"neobot/cards"
)

// Entry is one line of the history: something a person said, or a card.
type Entry struct {
	// Seq rises with every new entry and every change of one; First is the Seq
	// it began with, its place in the conversation.
	Seq, First   uint64
	ID           string
	Conversation string
	From         string // who said it; empty for the bot
	To           string // the only person who sees it; empty: everybody in the conversation
	Text         string
	Card         *cards.Card // nil for what a person said
	At           time.Time
	Home         bool // the person's home page, not part of the conversation
	Gone         bool // a message that was not accepted after all
	key          string
}

// visibleTo says who sees an entry: in a direct conversation its person, a
// whisper only the one it is for.
func (e Entry) visibleTo(user string) bool {
	if e.To != "" && e.To != user {
		return false
	}
	return !strings.HasPrefix(e.Conversation, directPrefix) || e.Conversation == Direct(user)
}

// history keeps the newest entries and tells watchers of changes.
type history struct {
	mu      sync.Mutex
	keep    int
	seq     uint64
	entries []Entry // oldest first
	homes   map[string]Entry
	changed chan struct{} // closed and replaced on every change
}

// bump is called with the lock held, once per change.
func (h *history) bump() uint64 {
	h.seq++
	close(h.changed)
	h.changed = make(chan struct{})
	return h.seq
}

func (h *history) add(e Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.Seq = h.bump()
	e.First = e.Seq
	h.entries = append(h.entries, e)
	if extra := len(h.entries) - h.keep; extra > 0 {
		h.entries = slices.Clone(h.entries[extra:])
	}
}

// remove marks an entry as gone, so that watchers who have seen it take it away.
func (h *history) remove(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.index(id); i >= 0 {
		h.entries[i].Gone, h.entries[i].Text = true, ""
		h.entries[i].Seq = h.bump()
	}
}

func (h *history) replace(id string, card *cards.Card) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.index(id)
	if i < 0 {
		return false
	}
	h.entries[i].Card = card
	h.entries[i].Seq = h.bump()
	return true
}

func (h *history) setHome(e Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.Seq = h.bump()
	h.homes[e.To] = e
}

func (h *history) index(id string) int {
	return slices.IndexFunc(h.entries, func(e Entry) bool { return e.ID == id })
}

func (h *history) entry(id string) (Entry, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.index(id); i >= 0 && !h.entries[i].Gone {
		return h.entries[i], true
	}
	for _, e := range h.homes {
		if e.ID == id {
			return e, true
		}
	}
	return Entry{}, false
}

func (h *history) byKey(key string) (Entry, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.entries, func(e Entry) bool { return e.key == key && key != "" })
	if i < 0 {
		return Entry{}, false
	}
	return h.entries[i], true
}

// Since returns what changed after seq, as one person sees it, in the order of
// the changes. 0 is everything there is.
func (c *Console) Since(user string, seq uint64) []Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since(user, seq)
}

func (h *history) since(user string, seq uint64) []Entry {
	var out []Entry
	for _, e := range h.entries {
		if e.Seq > seq && e.visibleTo(user) {
			out = append(out, e)
		}
	}
	if e, ok := h.homes[user]; ok && e.Seq > seq {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// Wait is Since that waits until there is something, or ctx ends.
func (c *Console) Wait(ctx context.Context, user string, seq uint64) ([]Entry, error) {
	for {
		c.mu.Lock()
		out, changed := c.since(user, seq), c.changed
		c.mu.Unlock()
		if len(out) > 0 {
			return out, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
