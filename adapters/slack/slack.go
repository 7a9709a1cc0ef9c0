package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"

	"neobot/adapters"
)

// Install is one workspace (or Grid organisation) the app is installed in.
type Install struct {
	// Team is the workspace id (T…), or the organisation id (E…) of an
	// org-wide install.
	Team string
	// Enterprise is the Grid organisation the workspace belongs to, if any.
	// Members of its other workspaces count as our own people then.
	Enterprise string
	// Token is the bot token (xoxb-…) for it.
	Token string
}

// Inbox is where accepted deliveries go; *adapters.Inbox is one.
type Inbox interface {
	PutMessage(ctx context.Context, m adapters.Message) (fresh bool, err error)
	PutClick(ctx context.Context, c adapters.Click) (fresh bool, err error)
}

// Threads knows where the bot has answered; *adapters.Outbox is one.
type Threads interface {
	ThreadKnown(ctx context.Context, w adapters.Workspace, conversation, thread string) (bool, error)
}

// Config configures the adapter. Installs, AppID, Inbox, Threads, Handler and
// Now are needed, and SigningSecrets for HTTP or AppToken for Socket Mode.
type Config struct {
	Installs       []Install // deliveries of every other workspace are refused
	AppID          string    // A…; deliveries for other apps are refused
	SigningSecrets []string  // one, or two while the secret is being changed
	AppToken       string    // xapp-…, for Socket Mode
	// APIURL is the base of the Web API, default https://slack.com/api/.
	APIURL string
	// ResponseHosts are the hosts a response_url may have, default
	// hooks.slack.com. "http://host:port" also allows plain HTTP, for tests.
	ResponseHosts []string
	Inbox         Inbox
	Threads       Threads
	Handler       adapters.Handler // asked for forms only
	// Pictures lets charts be shown as pictures; without it they are text.
	Pictures Pictures
	HTTP     *http.Client // default: own client with timeouts, no redirects
	// PostsPerSecond is the pace per channel, with bursts of five; Slack takes
	// about one. Default 1; negative: no pacing.
	PostsPerSecond float64
	// CallTimeout bounds one call to Slack, 10 s at most, which is the default.
	// adapters.OutboxConfig.SendTimeout must be longer.
	CallTimeout time.Duration
	Logger      *slog.Logger
	Now         func() time.Time
	// RefusedFunc counts deliveries that were turned away, by reason.
	RefusedFunc func(reason string)
}

// Adapter is Slack. It is safe for concurrent use.
type Adapter struct {
	cfg      Config
	secrets  [][]byte
	installs map[string]*install // by team id
	pace     *pacer
	users    *cache[slack.User]
	rooms    *cache[slack.Channel]
	uploads  singleflight.Group
	asides   chan struct{} // bounds work beside a request
	wg       sync.WaitGroup
	socket   socketState
}

var _ adapters.Adapter = (*Adapter)(nil)

// install is an Install at work.
type install struct {
	Install
	workspace adapters.Workspace
	api       *slack.Client

	mu      sync.Mutex
	botUser string            // U… of the bot, from auth.test or an event's authorizations
	scopes  string            // X-OAuth-Scopes of the last reply
	dead    bool              // uninstalled or token revoked
	noFiles time.Time         // until then Slack is not asked to take a file
	direct  map[string]string // user id -> D… conversation
}

// New checks the configuration. It does not talk to Slack; see Check.
func New(cfg Config) (*Adapter, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.APIURL == "" {
		cfg.APIURL = slack.APIURL
	}
	if !strings.HasSuffix(cfg.APIURL, "/") {
		cfg.APIURL += "/"
	}
	if len(cfg.ResponseHosts) == 0 {
		cfg.ResponseHosts = []string{"hooks.slack.com"}
	}
	if cfg.CallTimeout <= 0 || cfg.CallTimeout > callTimeout {
		cfg.CallTimeout = callTimeout
	}
	if cfg.HTTP == nil {
		cfg.HTTP = newHTTPClient()
	}
	if cfg.RefusedFunc == nil {
		cfg.RefusedFunc = func(string) {}
	}
	a := &Adapter{
		cfg: cfg, installs: map[string]*install{},
		pace:   newPacer(cfg.PostsPerSecond, cfg.Now),
		users:  newCache[slack.User](cfg.Now),
		rooms:  newCache[slack.Channel](cfg.Now),
		asides: make(chan struct{}, 16),
	}
	for _, s := range cfg.SigningSecrets {
		a.secrets = append(a.secrets, []byte(s))
	}
	for _, i := range cfg.Installs {
		a.installs[i.Team] = a.newInstall(i)
	}
	return a, nil
}

func (c *Config) check() error {
	switch {
	case c.Now == nil, c.Inbox == nil, c.Threads == nil, c.Handler == nil:
		return errors.New("clock, inbox, threads and handler are needed")
	case c.AppID == "":
		return errors.New("no app id: deliveries could not be told from another app's")
	case len(c.Installs) == 0:
		return errors.New("no workspace installed")
	case len(c.SigningSecrets) == 0 && c.AppToken == "":
		return errors.New("neither signing secret (HTTP) nor app token (Socket Mode)")
	}
	for _, s := range c.SigningSecrets {
		if len(s) < 8 {
			return errors.New("signing secret is too short to be one")
		}
	}
	seen := map[string]bool{}
	for _, i := range c.Installs {
		if i.Team == "" || i.Token == "" || seen[i.Team] {
			return fmt.Errorf("install %q: team id missing or twice, or no token", i.Team)
		}
		seen[i.Team] = true
	}
	if c.APIURL != "" {
		if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" {
			return fmt.Errorf("API URL %q is not one", c.APIURL)
		}
	}
	return nil
}

func (a *Adapter) newInstall(i Install) *install {
	in := &install{Install: i, workspace: adapters.NewWorkspace(adapters.Slack, i.Team), direct: map[string]string{}}
	in.api = slack.New(i.Token,
		slack.OptionAPIURL(a.cfg.APIURL),
		slack.OptionHTTPClient(a.cfg.HTTP),
		slack.OptionAppLevelToken(a.cfg.AppToken),
		slack.OptionOnResponseHeaders(func(_ string, h http.Header) {
			if s := h.Get("X-OAuth-Scopes"); s != "" {
				in.mu.Lock()
				in.scopes = s
				in.mu.Unlock()
			}
		}))
	return in
}

// Platform is adapters.Slack.
func (a *Adapter) Platform() adapters.Platform { return adapters.Slack }

// Wait returns when the small notes begun beside requests are sent.
func (a *Adapter) Wait() { a.wg.Wait() }

// Check asks Slack who we are in every workspace: that the token belongs to the
// workspace it is configured for and has the scopes of the manifest, except the
// one it can do without: see ShowsPictures.
func (a *Adapter) Check(ctx context.Context) error {
	var errs []error
	for _, in := range a.installs {
		if err := a.checkInstall(ctx, in); err != nil {
			errs = append(errs, fmt.Errorf("slack workspace %s: %w", in.Team, err))
		}
	}
	return errors.Join(errs...)
}

func (a *Adapter) checkInstall(ctx context.Context, in *install) error {
	me, err := in.api.AuthTestContext(ctx)
	if err != nil {
		return fmt.Errorf("auth.test: %w", err)
	}
	if me.TeamID != in.Team && me.EnterpriseID != in.Team {
		return fmt.Errorf("the token belongs to workspace %s", me.TeamID)
	}
	in.setBotUser(me.UserID)
	in.mu.Lock()
	have := in.scopes
	in.mu.Unlock()
	if have == "" {
		return nil // not told
	}
	var missing []string
	for _, s := range Scopes() {
		if s != filesScope && !strings.Contains(","+have+",", ","+s+",") { // without that one charts are text
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("scopes missing, install the app again: %s", strings.Join(missing, ", "))
	}
	return nil
}

// ShowsPictures reports whether charts go out as pictures in every workspace, as
// far as Slack has told: they need the scope files:write.
func (a *Adapter) ShowsPictures() bool {
	for _, in := range a.installs {
		if a.cfg.Pictures == nil || !in.mayUpload(a.cfg.Now()) {
			return false
		}
	}
	return true
}

func (in *install) setBotUser(id string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if id != "" {
		in.botUser = id
	}
}

func (in *install) bot() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.botUser
}

// retire stops everything for an install Slack says is gone.
func (in *install) retire() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.dead = true
	in.Token = ""
}

// of finds the install of a workspace key.
func (a *Adapter) of(w adapters.Workspace) (*install, error) {
	in := a.installs[w.ID()]
	if w.Platform() != adapters.Slack || in == nil {
		return nil, fmt.Errorf("slack: %s: %w", w, adapters.ErrWorkspace)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.dead {
		return nil, fmt.Errorf("slack: app was removed from %s: %w", w, adapters.ErrGone)
	}
	return in, nil
}

// aside runs small work beside a request, bounded in number and time.
func (a *Adapter) aside(what string, work func(context.Context) error) {
	select {
	case a.asides <- struct{}{}:
	default:
		a.cfg.Logger.Warn("too many notes at once, one dropped", "what", what)
		return
	}
	a.wg.Go(func() {
		defer func() { <-a.asides }()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := work(ctx); err != nil {
			a.cfg.Logger.Warn("note not sent", "what", what, "err", err)
		}
	})
}
