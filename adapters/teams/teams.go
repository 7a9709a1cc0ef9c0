package teams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"neobot/adapters"
	"neobot/cards"
)

// Inbox is where accepted deliveries go; *adapters.Inbox is one.
type Inbox interface {
	PutMessage(ctx context.Context, m adapters.Message) (fresh bool, err error)
	PutClick(ctx context.Context, c adapters.Click) (fresh bool, err error)
	PutAndWait(ctx context.Context, d adapters.Delivery, timeout time.Duration) (a adapters.Answer, ok bool, err error)
}

// Forms opens dialogs: the adapters.Handler.
type Forms interface {
	HandleForm(ctx context.Context, c adapters.Click) (*cards.Form, adapters.Answer)
}

// Config configures the adapter. Everything is needed except what says otherwise.
type Config struct {
	AppID       string // of the bot registration; also the audience of inbound tokens
	AppPassword string
	AppTenant   string // tenant the bot is registered in: its own token comes from there
	Cloud       Cloud
	// Workspaces are the tenants served, "teams:<tenant id>". A delivery whose
	// conversation or channel data names another tenant is not taken.
	Workspaces []adapters.Workspace
	Inbox      Inbox
	Forms      Forms
	Refs       Refs
	Now        func() time.Time
	// Views draws cards for one person; optional: cards then look the same to everybody.
	Views Views

	// PostsPerSecond and CallTimeout as in ConnectorConfig. Optional.
	PostsPerSecond float64
	CallTimeout    time.Duration

	Transport http.RoundTripper                                // optional: to the connector and the identity services
	Logger    *slog.Logger                                     // optional
	Sleep     func(ctx context.Context, d time.Duration) error // optional: waits between tries, for tests
	// RefusedFunc counts deliveries that were turned away, by reason. Optional.
	RefusedFunc func(reason string)
	// FeedbackFunc records a thumb; after an error Teams is asked to deliver it
	// again. Optional.
	FeedbackFunc func(ctx context.Context, f adapters.Feedback) error
}

const (
	// invokeWait is how long a click waits for its answer. Teams gives up after
	// 10 to 15 s and shows the person a delay much earlier.
	invokeWait = 2500 * time.Millisecond
	// formWait bounds opening a dialog.
	formWait = 3 * time.Second
	// viewWait bounds drawing a card for one person.
	viewWait = 2500 * time.Millisecond
	// typingAfter is how long an answer may take before "typing" is shown. Most
	// are there by then; shown late it would stand below its own answer.
	typingAfter = 500 * time.Millisecond
	// trustFor is how long a roster look-up counts.
	trustFor = time.Minute
)

// Adapter is Teams. It is safe for concurrent use.
type Adapter struct {
	cfg        Config
	log        *slog.Logger
	validator  *Validator
	conn       *Connector
	workspaces map[string]adapters.Workspace // by tenant id in lower case

	saved   *recent[string, saved]  // references as last written or read
	met     *recent[string, Person] // people, by object id
	members *recent[string, member] // roster look-ups
	sharing *recent[string, adapters.Sharing]
	posted  *recent[string, int64] // number of the latest post in a conversation
	posts   atomic.Int64
	flight  singleflight.Group

	floods   *floods
	refusals *rate.Limiter // of log lines
	unlogged atomic.Int64

	asides chan struct{} // bounds work beside a request
	wg     sync.WaitGroup
}

// saved is what was last written of a conversation and a person.
type saved struct {
	ref    Reference
	person Person
}

var _ adapters.Adapter = (*Adapter)(nil)

// New checks the configuration. It does not talk to anybody yet.
func New(cfg Config) (*Adapter, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.RefusedFunc == nil {
		cfg.RefusedFunc = func(string) {}
	}
	if cfg.FeedbackFunc == nil {
		cfg.FeedbackFunc = func(context.Context, adapters.Feedback) error { return nil }
	}
	if cfg.Inbox == nil || cfg.Forms == nil || cfg.Refs == nil {
		return nil, errors.New("teams: Inbox, Forms and Refs are needed")
	}
	validator, err := NewValidator(ValidatorConfig{
		AppID: cfg.AppID, Cloud: cfg.Cloud, Transport: cfg.Transport, Now: cfg.Now, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	conn, err := NewConnector(ConnectorConfig{
		AppID: cfg.AppID, AppPassword: cfg.AppPassword, AppTenant: cfg.AppTenant, Cloud: cfg.Cloud,
		Transport: cfg.Transport, Now: cfg.Now, Logger: cfg.Logger, Sleep: cfg.Sleep,
		PostsPerSecond: cfg.PostsPerSecond, CallTimeout: cfg.CallTimeout,
	})
	if err != nil {
		return nil, err
	}
	a := &Adapter{
		cfg: cfg, log: cfg.Logger, validator: validator, conn: conn,
		workspaces: map[string]adapters.Workspace{},
		saved:      newRecent[string, saved](cfg.Now, seenFor),
		met:        newRecent[string, Person](cfg.Now, seenFor),
		members:    newRecent[string, member](cfg.Now, trustFor),
		sharing:    newRecent[string, adapters.Sharing](cfg.Now, trustFor),
		posted:     newRecent[string, int64](cfg.Now, trustFor),
		asides:     make(chan struct{}, 32),
		floods:     newFloods(cfg.Now),
		refusals:   rate.NewLimiter(1, 20),
	}
	return a, a.addWorkspaces()
}

func (a *Adapter) addWorkspaces() error {
	for _, w := range a.cfg.Workspaces {
		if w.Platform() != adapters.Teams || w.ID() == "" {
			return fmt.Errorf("teams: workspace %q is not teams:<tenant id>", w)
		}
		a.workspaces[strings.ToLower(w.ID())] = w
	}
	if len(a.workspaces) == 0 {
		return errors.New("teams: no tenant is served: list teams:<tenant id> under workspaces")
	}
	return nil
}

// Platform is adapters.Teams.
func (a *Adapter) Platform() adapters.Platform { return adapters.Teams }

// Check fetches the signing keys and a token of our own, so that a wrong
// setting is found at the start and not by the first person.
func (a *Adapter) Check(ctx context.Context) error {
	_, err := a.validator.keys.get(ctx, "none")
	if reasonOf(err) != ReasonKey {
		return fmt.Errorf("teams: signing keys: %w", err)
	}
	if _, err := a.conn.token.get(ctx); err != nil {
		return fmt.Errorf("teams: %w", err)
	}
	return nil
}

// Wait returns when the small notes begun beside requests are sent.
func (a *Adapter) Wait() { a.wg.Wait() }

// aside does something that nobody waits for and that may be left out when
// there is much of it.
func (a *Adapter) aside(ctx context.Context, do func(context.Context)) {
	select {
	case a.asides <- struct{}{}:
	default:
		return
	}
	ctx = context.WithoutCancel(ctx)
	a.wg.Go(func() {
		defer func() { <-a.asides }()
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		do(ctx)
	})
}

// workspace of a delivery. Both places that name the tenant must agree and be
// served: one alone can be the home of a guest.
func (a *Adapter) workspace(act *activity) (adapters.Workspace, bool) {
	one, two := strings.ToLower(act.Conversation.TenantID), strings.ToLower(act.ChannelData.Tenant.ID)
	w, ok := a.workspaces[one]
	return w, ok && one == two
}
