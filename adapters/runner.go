package adapters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"neobot/cards"
)

// RunnerConfig configures a Runner. Inbox, Outbox, Adapters and Handler are needed.
type RunnerConfig struct {
	Inbox    *Inbox
	Outbox   *Outbox
	Adapters []Adapter // at most one per platform
	Handler  Handler
	Logger   *slog.Logger
	// SlowAfter is how long an answer may take before a working card is shown,
	// which the answer then replaces. Default 800 ms.
	SlowAfter time.Duration
	// Limit ends the work on one delivery; the person is told. Default 5 min.
	Limit time.Duration
}

// Runner takes deliveries from the inbox, has the handler answer them and shows
// the answers: one message per answer, whatever is repeated.
type Runner struct {
	cfg      RunnerConfig
	adapters map[Platform]Adapter
}

// NewRunner checks the configuration.
func NewRunner(cfg RunnerConfig) (*Runner, error) {
	setDefault(&cfg.SlowAfter, 800*time.Millisecond)
	setDefault(&cfg.Limit, 5*time.Minute)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Inbox == nil || cfg.Outbox == nil || cfg.Handler == nil || len(cfg.Adapters) == 0 {
		return nil, errors.New("runner: needs inbox, outbox, handler and an adapter")
	}
	r := &Runner{cfg: cfg, adapters: map[Platform]Adapter{}}
	for _, a := range cfg.Adapters {
		if r.adapters[a.Platform()] != nil {
			return nil, fmt.Errorf("runner: two adapters for %s", a.Platform())
		}
		r.adapters[a.Platform()] = a
	}
	return r, nil
}

// Run works until ctx ends; see Inbox.Run.
func (r *Runner) Run(ctx context.Context) error {
	return r.cfg.Inbox.Run(ctx, r.handle, r.dead)
}

// PutAndWait puts a click and waits for its answer, for platforms that want it
// in the HTTP response; see Inbox.PutAndWait.
func (r *Runner) PutAndWait(ctx context.Context, d Delivery, timeout time.Duration) (Answer, bool, error) {
	return r.cfg.Inbox.PutAndWait(ctx, d, timeout)
}

// job is one delivery, unpacked.
type job struct {
	d       Delivery
	a       Adapter
	message *Message // one of the two
	click   *Click
	to      Destination
	key     string // of the answer's post
}

func (r *Runner) open(d Delivery) (*job, error) {
	a := r.adapters[d.Workspace.Platform()]
	if a == nil {
		return nil, fmt.Errorf("no adapter for %s: %w", d.Workspace, ErrGiveUp)
	}
	j := &job{d: d, a: a, key: "answer:" + d.Dedupe}
	var err error
	switch d.Kind {
	case KindMessage:
		j.message = &Message{}
		err = json.Unmarshal(d.Payload, j.message)
		m := j.message
		m.Workspace = d.Workspace
		j.to = Destination{Workspace: d.Workspace, Conversation: m.Conversation.ID, Thread: m.Thread, User: m.User.ID, Reply: m.Reply}
	case KindClick:
		j.click = &Click{}
		err = json.Unmarshal(d.Payload, j.click)
		c := j.click
		c.Workspace = d.Workspace
		j.to = Destination{Workspace: d.Workspace, Conversation: c.Conversation.ID, Thread: c.Card.Thread, User: c.User.ID, Reply: c.Reply}
	default:
		err = fmt.Errorf("unknown kind %q", d.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack delivery: %w: %w", err, ErrGiveUp)
	}
	return j, nil
}

func (r *Runner) handle(ctx context.Context, d Delivery) error {
	j, err := r.open(d)
	if err != nil {
		return err
	}
	w := r.working(ctx, j)
	limited, cancel := context.WithTimeout(ctx, r.cfg.Limit)
	answer, err := r.ask(limited, j)
	cancel()
	shown := w.stop()
	if err != nil {
		return fmt.Errorf("handle %s: %w", d.Kind, err)
	}
	return r.show(ctx, j, answer, shown)
}

// ask establishes who speaks, then asks the handler.
func (r *Runner) ask(ctx context.Context, j *job) (Answer, error) {
	if m := j.message; m != nil {
		m.User, m.Conversation = r.verify(ctx, j, m.User, m.Conversation)
		return r.cfg.Handler.HandleMessage(ctx, *m)
	}
	c := j.click
	c.User, c.Conversation = r.verify(ctx, j, c.User, c.Conversation)
	return r.cfg.Handler.HandleClick(ctx, *c)
}

// verify never fails: what the platform does not vouch for stays unknown, and
// the handler refuses the person visibly.
func (r *Runner) verify(ctx context.Context, j *job, u User, c Conversation) (User, Conversation) {
	vu, vc, err := j.a.Verify(ctx, j.d.Workspace, u, c)
	if err != nil {
		r.cfg.Logger.WarnContext(ctx, "person not verified", "workspace", j.d.Workspace, "user", u.ID, "delivery", j.d.ID, "err", err)
		u.Trust, c.Sharing = TrustUnknown, SharingUnknown
		return u, c
	}
	return vu, vc
}

// working shows a card when the answer takes long. It is posted under the
// answer's key, so the answer edits it.
func (r *Runner) working(ctx context.Context, j *job) *slow {
	s := &slow{}
	if !j.visible() {
		return s
	}
	s.done = make(chan struct{})
	s.timer = time.AfterFunc(r.cfg.SlowAfter, func() {
		defer close(s.done)
		_, err := r.cfg.Outbox.Post(ctx, j.a, j.key, j.to, cards.Card{Status: cards.StatusWorking, Summary: "Working on it …"})
		if err != nil {
			r.cfg.Logger.WarnContext(ctx, "working card not shown", "workspace", j.d.Workspace, "delivery", j.d.ID, "err", err)
			return
		}
		s.shown = true
	})
	return s
}

// visible says whether the answer will most likely be a message in the thread:
// then there may be a working card in its place.
func (j *job) visible() bool {
	if j.message != nil {
		return !j.message.Home && !j.message.Command
	}
	return j.click.Action == cards.ActionContinue && !j.d.Awaited
}

type slow struct {
	timer *time.Timer
	done  chan struct{}
	shown bool
}

// stop ends the wait and says whether a working card is up.
func (s *slow) stop() bool {
	if s.timer == nil || s.timer.Stop() {
		return false
	}
	<-s.done
	return s.shown
}

// dead tells the person that his delivery will not be answered.
func (r *Runner) dead(ctx context.Context, d Delivery, _ error) error {
	j, err := r.open(d)
	if err != nil {
		r.cfg.Logger.ErrorContext(ctx, "dead delivery cannot be answered", "workspace", d.Workspace, "delivery", d.ID, "err", err)
		return nil
	}
	card := cards.Card{
		Title: "This did not work", Status: cards.StatusFailed,
		Summary: "I tried several times and could not finish. Nothing more will happen by itself; please ask again.",
		Footer:  []string{"Reference " + d.ID},
	}
	where := Private
	if j.visible() {
		where = Reply
	}
	err = r.show(ctx, j, Answer{Card: card, Where: where}, false)
	if errors.Is(err, ErrGiveUp) {
		return nil
	}
	return err
}
