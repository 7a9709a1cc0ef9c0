package adapters

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"neobot/cards"
)

// ErrBusy means another process may be posting under the key at this moment.
var ErrBusy = errors.New("another process is posting this")

// OutboxConfig configures an Outbox. Redis is needed.
type OutboxConfig struct {
	Redis  redis.UniversalClient
	Prefix string        // of every key, default "neobot"
	TTL    time.Duration // how long a post is remembered, default 7 days, at least 24 h
	// SendTimeout is longer than any one call to a platform can take. A post
	// begun by another process is left alone for so long. Default 20 s.
	SendTimeout time.Duration
	// ThreadTTL is how long the bot follows a thread after its last answer. Default 7 days.
	ThreadTTL time.Duration
}

// Outbox posts every card once, whatever dies when. The note in Redis under a
// post's key has two states, and each step can be the last one of the process:
//
//  1. the note "sending" is written before the platform is called. Killed
//     before it: nothing was sent, the next try starts afresh.
//  2. the card is posted, with the key inside the message. Killed before,
//     during or after the call: the next try sees "sending", asks the platform
//     for a message with the key (Adapter.Find) and adopts it, or posts. Where
//     the platform cannot tell, the second message says that it is one. A post
//     that was certainly not sent (ErrNotSent) leaves no note.
//  3. the note becomes the message's Ref. Killed before it: as in 2. Killed
//     after it: the next try edits that message instead of posting.
//
// A note "sending" of another process that may still be alive is left alone
// until SendTimeout has passed, so that Find cannot run ahead of a slow post.
type Outbox struct {
	cfg   OutboxConfig
	keys  keys
	owner string
	local keyed
}

// NewOutbox checks the configuration. It does not talk to Redis.
func NewOutbox(cfg OutboxConfig) (*Outbox, error) {
	setDefault(&cfg.Prefix, "neobot")
	setDefault(&cfg.TTL, 7*24*time.Hour)
	setDefault(&cfg.SendTimeout, 20*time.Second)
	setDefault(&cfg.ThreadTTL, 7*24*time.Hour)
	if cfg.Redis == nil {
		return nil, errors.New("outbox: no Redis client")
	}
	if cfg.TTL < 24*time.Hour {
		return nil, errors.New("outbox: a TTL below 24 h could post a late repeat twice")
	}
	return &Outbox{cfg: cfg, keys: keys{cfg.Prefix}, owner: rand.Text()}, nil
}

// note is the record of one post.
type note struct {
	Owner string `json:"owner,omitempty"` // while sending: who
	At    int64  `json:"at,omitempty"`    // while sending: since when, ms
	Ref   *Ref   `json:"ref,omitempty"`   // once posted: where
	Sum   string `json:"sum,omitempty"`   // digest of the card last shown there
}

var (
	//go:embed lua/claim_post.lua
	claimPostSource string
	claimPostScript = redis.NewScript(claimPostSource)
	//go:embed lua/release_post.lua
	releasePostSource string
	releasePostScript = redis.NewScript(releasePostSource)
)

// Post shows card under key: as a new message the first time, by editing that
// message on every repeat. ErrBusy: try again later. Errors of the adapter come
// through; after them a repeat is safe.
func (o *Outbox) Post(ctx context.Context, a Adapter, key string, to Destination, card cards.Card) (Ref, error) {
	defer o.local.lock(o.keys.out(to.Workspace, key))()
	have, age, err := o.claim(ctx, key, to.Workspace)
	if err != nil {
		return Ref{}, err
	}
	if have != nil && have.Ref != nil {
		return o.update(ctx, a, key, *have, card)
	}
	if have != nil {
		if have.Owner != o.owner && age < o.cfg.SendTimeout {
			return Ref{}, fmt.Errorf("post %s: %w", key, ErrBusy)
		}
		ref, ok, err := a.Find(ctx, key, to)
		switch {
		case errors.Is(err, ErrCannotTell):
			return o.post(ctx, a, key, to, card, true)
		case err != nil:
			return Ref{}, fmt.Errorf("find post %s: %w", key, err)
		case ok:
			return o.update(ctx, a, key, note{Ref: &ref}, card)
		}
	}
	return o.post(ctx, a, key, to, card, false)
}

// post sends the card. again says that an earlier try may have gone through
// unseen: the card says so too, and the Ref keeps it.
func (o *Outbox) post(ctx context.Context, a Adapter, key string, to Destination, card cards.Card, again bool) (Ref, error) {
	shown := card
	if again {
		shown.Footer = append(slices.Clone(card.Footer), "Posted again after an interruption: an older copy of this message does not count")
	}
	ref, err := a.Post(ctx, key, to, shown)
	if err != nil {
		if !again && errors.Is(err, ErrNotSent) {
			o.release(ctx, key, to.Workspace)
		}
		return Ref{}, fmt.Errorf("post %s: %w", key, err)
	}
	ref.Again = ref.Again || again
	return ref, o.save(ctx, key, note{Ref: &ref, Sum: digest(card)})
}

// release takes the note "sending" back. When that fails, the next try takes
// the post for one that may have gone through.
func (o *Outbox) release(ctx context.Context, key string, w Workspace) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = releasePostScript.Run(ctx, o.cfg.Redis, []string{o.keys.out(w, key)}, o.owner).Err()
}

// update edits the known message unless it shows the card already.
func (o *Outbox) update(ctx context.Context, a Adapter, key string, n note, card cards.Card) (Ref, error) {
	sum := digest(card)
	if n.Sum == sum && sum != "" {
		return *n.Ref, nil
	}
	if err := a.Update(ctx, *n.Ref, card); err != nil {
		return *n.Ref, fmt.Errorf("update post %s: %w", key, err)
	}
	n.Sum = sum
	return *n.Ref, o.save(ctx, key, n)
}

// Once runs show for things that cannot be edited or found again (private
// answers): after a success it is not run again under the same key. Killed
// between show and the note, it runs twice: better than never.
func (o *Outbox) Once(ctx context.Context, w Workspace, key string, show func(context.Context) error) error {
	defer o.local.lock(o.keys.out(w, key))()
	have, _, err := o.claim(ctx, key, w)
	if err != nil {
		return err
	}
	if have != nil && have.Sum != "" {
		return nil
	}
	if err := show(ctx); err != nil {
		return err
	}
	return o.write(ctx, w, key, note{Sum: "shown"}, nil)
}

// keyed is a mutex per key: a note "sending" of our own process means that an
// earlier try ended without an answer, never that one is under way.
type keyed struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	mu    sync.Mutex
	users int
}

func (k *keyed) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*keyLock{}
	}
	l := k.held[key]
	if l == nil {
		l = &keyLock{}
		k.held[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.held, key)
		}
	}
}

// claim notes that this process is sending, or says what is noted already.
func (o *Outbox) claim(ctx context.Context, key string, w Workspace) (*note, time.Duration, error) {
	res, err := claimPostScript.Run(ctx, o.cfg.Redis, []string{o.keys.out(w, key)}, o.owner, o.cfg.TTL.Milliseconds()).Slice()
	if err != nil {
		return nil, 0, fmt.Errorf("claim post %s: %w", key, err)
	}
	if len(res) != 3 {
		return nil, 0, nil
	}
	text, _ := res[1].(string)
	age, _ := res[2].(int64)
	var n note
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return nil, 0, fmt.Errorf("note of post %s: %w", key, err)
	}
	return &n, time.Duration(age) * time.Millisecond, nil
}

// save notes where the card is, and that the bot takes part in the thread.
func (o *Outbox) save(ctx context.Context, key string, n note) error {
	return o.write(ctx, n.Ref.Workspace, key, n, n.Ref)
}

func (o *Outbox) write(ctx context.Context, w Workspace, key string, n note, ref *Ref) error {
	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("note of post %s: %w", key, err)
	}
	// The note must not be lost to a cancelled request: the message is out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err = o.cfg.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, o.keys.out(w, key), b, o.cfg.TTL)
		if ref != nil && ref.Thread != "" {
			p.Set(ctx, o.keys.thread(w, ref.Conversation, ref.Thread), "1", o.cfg.ThreadTTL)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note post %s: %w", key, err)
	}
	return nil
}

// Lookup says where the card posted under key is; ok is false when it was not
// posted or is not known to be.
func (o *Outbox) Lookup(ctx context.Context, w Workspace, key string) (ref Ref, ok bool, err error) {
	b, err := o.cfg.Redis.Get(ctx, o.keys.out(w, key)).Bytes()
	if errors.Is(err, redis.Nil) {
		return Ref{}, false, nil
	}
	if err != nil {
		return Ref{}, false, fmt.Errorf("look up post %s: %w", key, err)
	}
	var n note
	if err := json.Unmarshal(b, &n); err != nil {
		return Ref{}, false, fmt.Errorf("note of post %s: %w", key, err)
	}
	if n.Ref == nil {
		return Ref{}, false, nil
	}
	return *n.Ref, true, nil
}

// ThreadKnown reports whether the bot has answered in this thread lately, so
// that a follow-up there needs no mention.
func (o *Outbox) ThreadKnown(ctx context.Context, w Workspace, conversation, thread string) (bool, error) {
	n, err := o.cfg.Redis.Exists(ctx, o.keys.thread(w, conversation, thread)).Result()
	if err != nil {
		return false, fmt.Errorf("thread known: %w", err)
	}
	return n == 1, nil
}

// digest is of the card's content; empty when it has none.
func digest(card cards.Card) string {
	b, err := json.Marshal(card)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
