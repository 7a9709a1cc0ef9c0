package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/intents"
	"neobot/neoapi"
)

// keyPrefix starts every key in Redis.
const keyPrefix = "neobot"

// coreConfig is what a bot is made of, whatever it is for. Everything without a
// default is needed.
type coreConfig struct {
	Redis redis.UniversalClient
	// Queue is where deliveries and posts are kept: Redis, or one of the
	// process' own where nobody else may take them (the terminal).
	Queue redis.UniversalClient
	// Workspaces whose deliveries this process works on: those it has an adapter for.
	Workspaces []adapters.Workspace
	Policy     func() *intents.Policy
	Neo        neoapi.Config // without Budget, Logger and Now
	Router     intents.Router
	Consumer   string // name of this process among those that share the Redis
	Logger     *slog.Logger
	Metrics    adapters.Metrics
	Now        func() time.Time
	// Recorded is told of every audit record, for metrics. Optional.
	Recorded func(r approvals.Record)
	// Lease is how long work of a dead process is left alone; 0: the defaults.
	// A post that a dead process began is left alone for two thirds of it, so a
	// platform call must not take longer than one third.
	Lease time.Duration
	// Block is how long a worker waits for deliveries in one read, and so how
	// long a stop can take; 0: the default.
	Block time.Duration
	// NeoBudget is how many requests to Neo all replicas may make in a minute; 0: the default.
	NeoBudget int
	// Connect makes the platforms' adapters. The handler it is given may be
	// called once newCore has returned.
	Connect func(p ports) ([]adapters.Adapter, error)
}

// ports are what a platform's adapter is plugged into.
type ports struct {
	Inbox   *adapters.Inbox
	Outbox  *adapters.Outbox
	Handler *handlerSlot
}

// core is the bot between its platforms and Neo.
type core struct {
	cfg     coreConfig
	neo     *neoapi.Client
	store   *approvals.Store
	audit   *approvals.Audit
	inbox   *adapters.Inbox
	service *intents.Service
	runner  *adapters.Runner
}

// handlerSlot lets the adapters be made before the service that they ask for
// forms: the service needs the adapters to post.
type handlerSlot struct {
	adapters.Handler
	service *intents.Service
}

// HandleView draws a card for one person.
func (h *handlerSlot) HandleView(ctx context.Context, c adapters.Click) adapters.Answer {
	return h.service.HandleView(ctx, c)
}

// HandleFeedback records a thumb.
func (h *handlerSlot) HandleFeedback(ctx context.Context, f adapters.Feedback) error {
	return h.service.HandleFeedback(ctx, f)
}

func newCore(cfg coreConfig) (*core, error) {
	c := &core{cfg: cfg}
	if err := c.stores(); err != nil {
		return nil, err
	}
	outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: cfg.Queue, Prefix: keyPrefix, SendTimeout: 2 * cfg.Lease / 3})
	if err != nil {
		return nil, err
	}
	slot := &handlerSlot{}
	all, err := cfg.Connect(ports{Inbox: c.inbox, Outbox: outbox, Handler: slot})
	if err != nil {
		return nil, err
	}
	poster, err := adapters.NewPoster(outbox, all...)
	if err != nil {
		return nil, err
	}
	c.service, err = intents.New(intents.Config{
		Policy: cfg.Policy, Neo: c.neo, Store: c.store, Audit: c.audit,
		Memory: intents.NewMemory(cfg.Redis, keyPrefix, cfg.Now),
		Router: cfg.Router, Summarizer: summarizerOf(cfg.Router), Poster: poster, Logger: cfg.Logger, Now: cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	slot.Handler, slot.service = tracedHandler{c.service}, c.service
	c.runner, err = adapters.NewRunner(adapters.RunnerConfig{
		Inbox: c.inbox, Outbox: outbox, Adapters: all, Handler: slot.Handler, Logger: cfg.Logger,
	})
	return c, err
}

// stores makes everything that stands on Redis or Neo alone.
func (c *core) stores() (err error) {
	neo := c.cfg.Neo
	neo.Logger, neo.Now = c.cfg.Logger, c.cfg.Now
	neo.Budget = neoapi.NewSharedBudget(c.cfg.Redis, keyPrefix+":neo:budget:"+fingerprint(neo.Key), neoapi.BudgetConfig{
		Requests: c.cfg.NeoBudget, Now: c.cfg.Now,
	})
	if c.neo, err = neoapi.New(neo); err != nil {
		return err
	}
	if c.store, err = approvals.New(approvals.Config{Redis: c.cfg.Redis, Prefix: keyPrefix, Now: c.cfg.Now, Lease: c.cfg.Lease}); err != nil {
		return err
	}
	if c.audit, err = approvals.NewAudit(approvals.AuditConfig{Redis: c.cfg.Redis, Prefix: keyPrefix, Now: c.cfg.Now, StoredFunc: c.cfg.Recorded}); err != nil {
		return err
	}
	c.inbox, err = adapters.NewInbox(adapters.InboxConfig{
		Redis: c.cfg.Queue, Prefix: keyPrefix, Workspaces: c.cfg.Workspaces, Consumer: c.cfg.Consumer,
		Now: c.cfg.Now, Logger: c.cfg.Logger, Metrics: c.cfg.Metrics, Lease: c.cfg.Lease, Block: c.cfg.Block,
	})
	return err
}

// fingerprint tells keys apart without giving them away: replicas with the same
// Neo key share one budget.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte("neobot budget\n" + key))
	return hex.EncodeToString(sum[:8])
}

// part is something that runs until its context ends.
type part func(ctx context.Context) error

// run works until ctx ends or intake does. intake is whatever lets deliveries
// in; it ends first, then the work already taken in is finished, then the audit
// is closed. upkeep moves waiting requests on: the service, or nothing where
// another process does it.
func (c *core) run(ctx context.Context, intake, upkeep part) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	in, stopIntake := context.WithCancel(ctx)
	defer stopIntake()

	var wg sync.WaitGroup
	faults := make(chan error, 2)
	for name, f := range map[string]part{"runner": c.runner.Run, "upkeep": upkeep} {
		wg.Go(func() {
			if err := f(work); err != nil && !errors.Is(err, context.Canceled) {
				faults <- fmt.Errorf("%s: %w", name, err)
			}
			stopIntake() // when it ended by itself the bot cannot go on
		})
	}
	err := intake(in)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	stopWork()
	wg.Wait()
	close(faults)
	all := []error{err}
	for f := range faults {
		all = append(all, f)
	}
	return errors.Join(append(all, c.audit.Close())...)
}

// ready is nil when deliveries can be taken: Redis answers and every queue is
// readable by the workers.
func (c *core) ready(ctx context.Context) error {
	if err := c.cfg.Redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return c.inbox.Ready(ctx)
}

// absent stands in for a platform that this process has no way to: cards of the
// terminal, seen from a serving bot. What is posted there is gone.
type absent struct{ platform adapters.Platform }

var _ adapters.Adapter = absent{}

func (a absent) gone() error {
	return fmt.Errorf("%s is not connected to this process: %w", a.platform, adapters.ErrGone)
}

func (a absent) Platform() adapters.Platform { return a.platform }

func (a absent) Verify(_ context.Context, _ adapters.Workspace, u adapters.User, c adapters.Conversation) (adapters.User, adapters.Conversation, error) {
	return u, c, a.gone()
}

func (a absent) Place(_ context.Context, _ adapters.Workspace, conversation string) (adapters.Conversation, error) {
	return adapters.Conversation{ID: conversation}, a.gone()
}

func (a absent) Post(context.Context, string, adapters.Destination, cards.Card) (adapters.Ref, error) {
	return adapters.Ref{}, a.gone()
}

func (a absent) Find(context.Context, string, adapters.Destination) (adapters.Ref, bool, error) {
	return adapters.Ref{}, false, nil
}
func (a absent) Update(context.Context, adapters.Ref, cards.Card) error          { return a.gone() }
func (a absent) Whisper(context.Context, adapters.Destination, cards.Card) error { return a.gone() }
func (a absent) Home(context.Context, adapters.Workspace, string, cards.Card) error {
	return a.gone()
}
