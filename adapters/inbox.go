package adapters

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Errors of the inbox, to test with errors.Is.
var (
	// ErrWorkspace means the delivery is for an installation that is not configured.
	ErrWorkspace = errors.New("workspace is not configured")
	// ErrFull means the workspace's queue is at its limit; the platform should try later.
	ErrFull = errors.New("inbox is full")
)

// DeliveryKind says what a delivery carries.
type DeliveryKind string

// Delivery kinds.
const (
	KindMessage DeliveryKind = "message" // Payload is a Message
	KindClick   DeliveryKind = "click"   // Payload is a Click
)

// Delivery is one message or click on its way from the platform to a worker.
type Delivery struct {
	Workspace Workspace
	// Dedupe is the same on every redelivery by the platform and unique in the
	// workspace otherwise (Slack channel+ts, Teams activity id).
	Dedupe string
	// Lane keeps order: deliveries with the same lane run one after the other,
	// oldest first, across all processes. Empty: no order.
	Lane    string
	Kind    DeliveryKind
	Payload json.RawMessage

	// Set by the inbox when it hands the delivery out.
	ID      string    // stream entry id
	Attempt int       // 1 for the first try
	At      time.Time // when it was put, by Redis' clock
	Awaited bool      // somebody waits for the answer (PutAndWait)
}

// Metrics is told what happens in the inbox. Implementations must be fast and
// safe for concurrent use; nil in a config means nobody listens.
type Metrics interface {
	// Put counts a delivery from a platform; fresh is false for a repeat.
	Put(w Workspace, kind DeliveryKind, fresh bool)
	// Handled counts a try: waited is the age when it was started, outcome is
	// "ok", "retry", "dead" or "lost" (another process took it over).
	Handled(w Workspace, kind DeliveryKind, waited, took time.Duration, outcome string)
}

type noMetrics struct{}

func (noMetrics) Put(Workspace, DeliveryKind, bool)                                     {}
func (noMetrics) Handled(Workspace, DeliveryKind, time.Duration, time.Duration, string) {}

// InboxConfig configures an Inbox. Redis, Workspaces and Consumer are needed.
type InboxConfig struct {
	Redis  redis.UniversalClient
	Prefix string // of every key, default "neobot"
	// Workspaces are the installations served; every other one is refused.
	Workspaces []Workspace
	Group      string // default "workers"
	// Consumer names this process. It must be unique among live processes. If
	// it is the same after a restart, what the dead process held is resumed at
	// once; otherwise after Lease.
	Consumer string
	// Lease is how long a delivery may go without a sign of life before another
	// process takes it over. Default 30 s; renewed every third of it.
	Lease time.Duration
	// MaxDeliveries is the number of tries before a delivery is declared dead. Default 10.
	MaxDeliveries int
	Workers       int           // deliveries worked on at once, default 32
	MaxQueue      int           // per workspace, default 10,000
	DedupeTTL     time.Duration // default 24 h, at least 1 h
	StopTimeout   time.Duration // for running work when stopping, default 25 s
	Block         time.Duration // one blocking read, default 1 s
	Backoff       time.Duration // wait after the first failed try, doubled up to Lease; default 1 s
	Now           func() time.Time
	Logger        *slog.Logger
	Metrics       Metrics
}

func (c *InboxConfig) setDefaults() {
	setDefault(&c.Prefix, "neobot")
	setDefault(&c.Group, "workers")
	setDefault(&c.Lease, 30*time.Second)
	setDefault(&c.MaxDeliveries, 10)
	setDefault(&c.Workers, 32)
	setDefault(&c.MaxQueue, 10_000)
	setDefault(&c.DedupeTTL, 24*time.Hour)
	setDefault(&c.StopTimeout, 25*time.Second)
	setDefault(&c.Block, time.Second)
	setDefault(&c.Backoff, time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Inbox is the durable way in: one Redis stream per workspace, read by a
// consumer group. A delivery leaves it only after its handler returned nil.
type Inbox struct {
	cfg   InboxConfig
	keys  keys
	known map[Workspace]bool
	slots chan struct{} // one token per delivery being worked on
	bell  bell
}

// NewInbox checks the configuration. It does not talk to Redis.
func NewInbox(cfg InboxConfig) (*Inbox, error) {
	cfg.setDefaults()
	switch {
	case cfg.Redis == nil:
		return nil, errors.New("inbox: no Redis client")
	case cfg.Consumer == "":
		return nil, errors.New("inbox: no consumer name")
	case cfg.Now == nil:
		return nil, errors.New("inbox: no clock")
	case cfg.DedupeTTL < time.Hour:
		return nil, errors.New("inbox: platforms repeat deliveries for up to an hour: DedupeTTL is too short")
	case len(cfg.Workspaces) == 0:
		return nil, errors.New("inbox: no workspaces")
	}
	b := &Inbox{cfg: cfg, keys: keys{cfg.Prefix}, known: map[Workspace]bool{}, slots: make(chan struct{}, cfg.Workers)}
	for _, w := range cfg.Workspaces {
		if !validWorkspace(w) {
			return nil, fmt.Errorf("inbox: workspace %q: want platform:id without braces or spaces", w)
		}
		b.known[w] = true
	}
	return b, nil
}

// validWorkspace keeps ids out that would end the hash tag of a key early and
// so put a script's keys into different slots.
func validWorkspace(w Workspace) bool {
	return w.Platform() != "" && w.ID() != "" && !strings.ContainsAny(string(w), "{} \n\r\t")
}

var (
	//go:embed lua/put.lua
	putSource string
	putScript = redis.NewScript(putSource)
)

// Put stores a delivery, once: fresh is false when the same Dedupe was put
// before (within DedupeTTL). When it returns nil the delivery survives the death
// of this process, so the platform may be answered. ErrWorkspace and ErrFull
// tell two refusals apart; any other error means Redis could not be reached and
// the platform must be told to come again.
func (b *Inbox) Put(ctx context.Context, d Delivery) (fresh bool, err error) {
	return b.put(ctx, d, false)
}

func (b *Inbox) put(ctx context.Context, d Delivery, awaited bool) (bool, error) {
	if !b.known[d.Workspace] {
		return false, fmt.Errorf("put into %q: %w", d.Workspace, ErrWorkspace)
	}
	if d.Dedupe == "" || d.Kind == "" {
		return false, errors.New("put: delivery without dedupe id or kind")
	}
	lane := b.keys.lane(d.Workspace, d.Lane)
	n, err := putScript.Run(ctx, b.cfg.Redis,
		[]string{b.keys.seen(d.Workspace, d.Dedupe), b.keys.stream(d.Workspace), lane},
		b.cfg.DedupeTTL.Milliseconds(), flag(d.Lane != ""), b.cfg.MaxQueue,
		string(d.Kind), d.Lane, d.Dedupe, []byte(d.Payload), flag(awaited)).Int()
	if err != nil {
		return false, fmt.Errorf("put into %s: %w", d.Workspace, err)
	}
	if n < 0 {
		return false, fmt.Errorf("put into %s: %w", d.Workspace, ErrFull)
	}
	b.cfg.Metrics.Put(d.Workspace, d.Kind, n == 1)
	return n == 1, nil
}

// PutMessage puts m, in the lane of its thread.
func (b *Inbox) PutMessage(ctx context.Context, m Message) (fresh bool, err error) {
	d, err := MessageDelivery(m)
	if err != nil {
		return false, err
	}
	return b.Put(ctx, d)
}

// PutClick puts c.
func (b *Inbox) PutClick(ctx context.Context, c Click) (fresh bool, err error) {
	d, err := ClickDelivery(c)
	if err != nil {
		return false, err
	}
	return b.Put(ctx, d)
}

// MessageDelivery packs a message. Messages of one thread share a lane, so that
// "and yesterday?" is not read before the question it follows.
func MessageDelivery(m Message) (Delivery, error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return Delivery{}, fmt.Errorf("pack message: %w", err)
	}
	d := Delivery{Workspace: m.Workspace, Dedupe: "m:" + m.ID, Lane: m.Conversation.ID + "|" + m.Thread, Kind: KindMessage, Payload: payload}
	if m.Home || m.Command {
		d.Lane = m.Conversation.ID + "|" + m.User.ID
	}
	return d, nil
}

// ClickDelivery packs a click. Clicks have no lane: the approvals store lets the
// first one win, and fifty people who press at once should not queue. Only
// clicks on a home page do, so that the page is drawn again after them.
func ClickDelivery(c Click) (Delivery, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return Delivery{}, fmt.Errorf("pack click: %w", err)
	}
	d := Delivery{Workspace: c.Workspace, Dedupe: "c:" + c.ID, Kind: KindClick, Payload: payload}
	if IsHome(c.Conversation) {
		d.Lane = c.Conversation.ID + "|" + c.User.ID
	}
	return d, nil
}

// homePrefix begins the id of a person's home page.
const homePrefix = "home:"

// HomePlace is the place of a person's home page, where the platform has one: no
// conversation, but seen by him alone. Posts for it go to him directly.
func HomePlace(user string) Conversation {
	return Conversation{ID: homePrefix + user, Kind: Direct}
}

// IsHome reports whether c is somebody's home page.
func IsHome(c Conversation) bool { return strings.HasPrefix(c.ID, homePrefix) }

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// keys names everything this package keeps in Redis. All keys of a workspace
// share one hash tag, so they live in one slot of a Redis Cluster.
type keys struct{ prefix string }

func (k keys) of(w Workspace, rest string) string { return k.prefix + ":{" + string(w) + "}:" + rest }
func (k keys) stream(w Workspace) string          { return k.of(w, "inbox") }
func (k keys) dead(w Workspace) string            { return k.of(w, "inbox:dead") }
func (k keys) seen(w Workspace, id string) string { return k.of(w, "seen:"+short(id)) }
func (k keys) wait(w Workspace, id string) string { return k.of(w, "wait:"+short(id)) }
func (k keys) gone(w Workspace, id string) string { return k.of(w, "gone:"+short(id)) }
func (k keys) out(w Workspace, id string) string  { return k.of(w, "out:"+short(id)) }

func (k keys) picture(w Workspace, digest string) string { return k.of(w, "picture:"+short(digest)) }

func (k keys) thread(w Workspace, conversation, thread string) string {
	return k.of(w, "thread:"+short(conversation+"|"+thread))
}

func (k keys) lane(w Workspace, lane string) string {
	if lane == "" {
		return k.stream(w)
	}
	return k.of(w, "lane:"+short(lane))
}

// short keeps ids that come from outside from making huge keys.
func short(id string) string {
	if len(id) <= 80 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
