package teams

import (
	"context"
	"sync"
	"time"

	"neobot/adapters"
)

// Reference is where a conversation lives, as its last activity said.
type Reference struct {
	Conversation string // without ";messageid="
	Type         string // personal, groupChat, channel
	ServiceURL   string
	BotID        string // how the conversation calls the bot, "28:…"
	TeamID       string // of a channel
	ChannelType  string // standard, private, shared; empty when not said
}

// Person is what a tenant's activities told of somebody.
type Person struct {
	ID         string // Entra object id, lower case
	MRI        string // the id the connector knows the person by, "29:…"
	Name       string
	Chat       string // his conversation with the bot, when there is one
	ServiceURL string // of the last activity
}

// Refs remembers where conversations and people are reached, per workspace.
// ErrNoReference when nothing is known.
type Refs interface {
	// Save notes what an activity said; person may be zero.
	Save(ctx context.Context, w adapters.Workspace, ref Reference, person Person) error
	Conversation(ctx context.Context, w adapters.Workspace, conversation string) (Reference, error)
	Person(ctx context.Context, w adapters.Workspace, id string) (Person, error)
	// People are those of the ids that are known, in one round trip.
	People(ctx context.Context, w adapters.Workspace, ids []string) ([]Person, error)
	// Service is the address the tenant's last activity came from.
	Service(ctx context.Context, w adapters.Workspace) (string, error)
	// Forget drops a conversation the bot was removed from.
	Forget(ctx context.Context, w adapters.Workspace, conversation string) error
	// Once is true for the first caller with this key within ttl.
	Once(ctx context.Context, w adapters.Workspace, key string, ttl time.Duration) (bool, error)
}

const (
	// seenFor: what was written this recently and has not changed is not written
	// again, and what was read this recently is not read again. A conversation
	// then costs no round trip per message.
	seenFor  = 5 * time.Minute
	seenSize = 4096
)

// recent remembers values for a short time, in a bounded map.
type recent[K, V comparable] struct {
	now func() time.Time
	ttl time.Duration

	mu sync.Mutex
	m  map[K]recentEntry[V]
}

type recentEntry[V any] struct {
	v     V
	until time.Time
}

func newRecent[K, V comparable](now func() time.Time, ttl time.Duration) *recent[K, V] {
	return &recent[K, V]{now: now, ttl: ttl, m: map[K]recentEntry[V]{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.m[k]
	if !ok || !r.now().Before(e.until) {
		var zero V
		return zero, false
	}
	return e.v, true
}

func (r *recent[K, V]) put(k K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if len(r.m) >= seenSize {
		for old, e := range r.m {
			if !now.Before(e.until) {
				delete(r.m, old)
			}
		}
		if len(r.m) >= seenSize { // all fresh: drop any one, it is only a cache
			for old := range r.m {
				delete(r.m, old)
				break
			}
		}
	}
	r.m[k] = recentEntry[V]{v, now.Add(r.ttl)}
}

func (r *recent[K, V]) drop(k K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, k)
}
