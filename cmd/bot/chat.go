package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"neobot/adapters"
	"neobot/adapters/console"
	"neobot/cards"
	"neobot/intents"
	"neobot/neoapi"
)

const (
	askTimeout = 2 * time.Minute
	sweepEvery = 2 * time.Second
)

func (a *app) askCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   `ask "what failed today?"`,
		Short: "Ask one question and print the answer",
		Long: `Asks one question as one person and prints the card as text. Exit code 0 when it was
answered or a request was made, 1 when it was refused, failed or needs another question.

It needs NEO_API_KEY and a policy file (NEOBOT_CONFIG) with a console: workspace and
people with a console name. With REDIS_URL a change asked for here can be approved
elsewhere; without, it ends with the process.`,
		Example: `  bot ask --as riley "what failed today?"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New(`no question: bot ask "what failed today?"`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ask(cmd.Context(), as, strings.Join(args, " "))
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "your console name in the policy file; may be left out when it has only one")
	return cmd
}

func (a *app) chatCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "chat",
		Short: "Chat in the terminal",
		Long: `A conversation with the bot in the terminal, against the real Neo. Lines are messages,
numbers press buttons, /help lists the rest.

It needs the same settings as bot ask. With REDIS_URL it shares approvals, audit and
memory with a serving bot; without, they end with the process.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.chat(cmd.Context(), as) },
	}
	cmd.Flags().StringVar(&as, "as", "", "your console name in the policy file; may be left out when it has only one")
	return cmd
}

// terminal is a bot for one person at a terminal.
type terminal struct {
	core    *core
	console *console.Console
	as      string // the person's console name
	shared  bool   // approvals live in a Redis of their own
	stops   []func()
}

func (t *terminal) close() {
	for _, stop := range t.stops {
		stop()
	}
}

// newTerminal wires a bot for the person as. Deliveries stay in the process:
// another one must not answer them, and this one must not take Slack's.
func (a *app) newTerminal(ctx context.Context, as string) (t *terminal, err error) {
	t = &terminal{}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	cfg, err := readConfig(a.environ)
	if err != nil {
		return t, err
	}
	if err := cfg.check(needNeo, needPolicy); err != nil {
		return t, err
	}
	live, err := openPolicy(cfg.PolicyPath)
	if err != nil {
		return t, err
	}
	if as == "" {
		if as, err = onlyConsoleName(live.Policy()); err != nil {
			return t, fmt.Errorf("policy file %s: %w", cfg.PolicyPath, err)
		}
	}
	t.as = as
	w, err := consoleWorkspace(live.Policy(), as)
	if err != nil {
		return t, fmt.Errorf("policy file %s: %w", cfg.PolicyPath, err)
	}
	queue, stop, err := embeddedRedis(context.WithoutCancel(ctx))
	if err != nil {
		return t, err
	}
	t.stops = append(t.stops, stop)
	rdb := queue
	if t.shared = cfg.RedisURL != ""; t.shared {
		if rdb, err = openRedis(cfg.RedisURL); err != nil {
			return t, err
		}
		t.stops = append(t.stops, func() { _ = rdb.Close() })
	}
	return t, a.wireTerminal(t, cfg, live.Policy, w, rdb, queue)
}

func (a *app) wireTerminal(t *terminal, cfg Config, policy func() *intents.Policy, w adapters.Workspace, rdb, queue redis.UniversalClient) error {
	log, metrics := a.logger(slog.LevelError), newMetrics()
	router, err := newRouter(cfg, metrics, log, a.now)
	if err != nil {
		return err
	}
	t.core, err = newCore(coreConfig{
		Redis: rdb, Queue: queue, Workspaces: []adapters.Workspace{w}, Policy: policy, Router: router,
		Neo:      neoapi.Config{BaseURL: cfg.NeoBaseURL, Key: string(cfg.NeoAPIKey), HTTP: metrics.client("neo", 0)},
		Consumer: "terminal", Block: 100 * time.Millisecond, Logger: log, Metrics: metrics, Now: a.now,
		Connect: func(p ports) (_ []adapters.Adapter, err error) {
			t.console, err = newConsole(w, policy, p, a.now)
			return []adapters.Adapter{t.console, absent{adapters.Slack}, absent{adapters.Teams}}, err
		},
	})
	return err
}

// onlyConsoleName is who sits at the terminal when nobody said so: the one
// person with a console name. With several nobody is guessed.
func onlyConsoleName(p *intents.Policy) (string, error) {
	names := p.ConsoleNames()
	switch len(names) {
	case 0:
		return "", errors.New("nobody has a console name; add `console: <name>` to yourself under people")
	case 1:
		return names[0], nil
	}
	return "", fmt.Errorf("several people have a console name; say who you are with --as: %s", strings.Join(names, ", "))
}

// consoleWorkspace is the workspace in which as is somebody.
func consoleWorkspace(p *intents.Policy, as string) (adapters.Workspace, error) {
	found := false
	for _, w := range p.Workspaces() {
		if w.Platform() != adapters.Console {
			continue
		}
		found = true
		if _, ok := p.Who(w, adapters.User{ID: as, Trust: adapters.TrustMember}); ok {
			return w, nil
		}
	}
	if !found {
		return "", errors.New("lists no workspace for the terminal; add console:local under workspaces")
	}
	return "", fmt.Errorf("nobody has the console name %q; add it to a person under people", as)
}

// upkeep moves requests on where no serving bot does: with a Redis inside the
// process. Schedules are left to the serving bot in any case.
func (t *terminal) upkeep(ctx context.Context) error {
	if t.shared {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := t.core.service.Sweep(ctx); err != nil && ctx.Err() == nil {
				t.core.cfg.Logger.ErrorContext(ctx, "sweep", "error", err)
			}
		}
	}
}

func (a *app) chat(ctx context.Context, as string) error {
	t, err := a.newTerminal(ctx, as)
	if err != nil {
		return err
	}
	defer t.close()
	return t.core.run(ctx, func(ctx context.Context) error {
		r := &repl{console: t.console, app: a, as: t.as, conversation: console.Direct(t.as), idle: t.core.inbox.Idle}
		return r.run(ctx)
	}, t.upkeep)
}

func (a *app) ask(ctx context.Context, as, question string) error {
	t, err := a.newTerminal(ctx, as)
	if err != nil {
		return err
	}
	defer t.close()
	var card *cards.Card
	err = t.core.run(ctx, func(ctx context.Context) (err error) {
		card, err = t.question(ctx, t.as, question)
		return err
	}, t.upkeep)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprint(a.out, cards.Text(*card, textWidth))
	switch card.Status {
	case cards.StatusRefused, cards.StatusFailed, cards.StatusQuestion, cards.StatusUnknown:
		return errSilent
	case cards.StatusPending:
		if !t.shared {
			_, _ = fmt.Fprintln(a.err, "bot: REDIS_URL is not set, so this request has ended with the process")
		}
	case cards.StatusNone, cards.StatusWorking, cards.StatusDone, cards.StatusRejected, cards.StatusExpired,
		cards.StatusOn, cards.StatusOff:
	}
	return nil
}

// question says one message and waits for its answer.
func (t *terminal) question(ctx context.Context, as, text string) (*cards.Card, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := t.console.Say(ctx, as, console.Direct(as), text); err != nil {
		return nil, err
	}
	var seq uint64
	for {
		batch, err := t.console.Wait(ctx, as, seq)
		if err != nil {
			return nil, fmt.Errorf("no answer: %w", err)
		}
		for _, e := range batch {
			seq = e.Seq
			if e.Card != nil && e.Card.Status != cards.StatusWorking {
				return e.Card, nil
			}
		}
	}
}
