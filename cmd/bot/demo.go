package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"neobot/adapters"
	"neobot/adapters/console"
	"neobot/intents"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

//go:embed demo_policy.yaml
var demoPolicy []byte

const (
	demoWorkspace = adapters.Workspace("console:demo")
	demoChannel   = "ops"
	demoListen    = "127.0.0.1:8474"
	demoSeed      = 1
)

// demoPeople are the persons one can act as, the asker first.
var demoPeople = []demoPerson{
	{ID: "riley", Name: "Riley", About: "technician: asks and requests"},
	{ID: "sam", Name: "Sam", About: "team lead: approves"},
	{ID: "mallory", Name: "Mallory", About: "from another company: may do nothing"},
}

type demoPerson struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	About string `json:"about"`
}

func (a *app) demoCommand() *cobra.Command {
	var addr string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try everything in one process: no account, no network",
		Long: `Starts an embedded Redis, a Neo sandbox with two weeks of data, a web page on this
machine and, when a person is at the terminal, a chat there.

Act as Riley to ask and to request changes, as Sam to approve them. Nothing is kept
when it ends. OPENAI_API_KEY or OPENAI_BASE_URL turn a model on; without one the
built-in router answers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), addr, a.terminal && !quiet)
		},
	}
	cmd.Flags().StringVar(&addr, "listen", demoListen, "loopback address of the web page; the default takes a free port when it is taken")
	cmd.Flags().BoolVar(&quiet, "no-chat", false, "web page only, no chat in the terminal")
	return cmd
}

// demo runs until ctx ends or the person at the terminal leaves.
func (a *app) demo(ctx context.Context, addr string, chat bool) error {
	cfg, err := readConfig(a.environ)
	if err != nil {
		return err
	}
	if err := cfg.check(); err != nil {
		return err
	}
	log := a.logger(slog.LevelWarn)
	l, err := listenLoopback(ctx, addr)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	d, err := a.newDemo(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer d.close()
	page, err := newPage(pageConfig{
		Console: d.console, Neo: d.neo, Addr: l.Addr().String(), Token: rand.Text(), People: demoPeople,
		Model: modelName(cfg), Logger: log,
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.out, "\n  neobot demo is running. Open this page:\n\n    %s\n\n", page.URL())
	return d.core.run(ctx, func(ctx context.Context) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var wg sync.WaitGroup
		var served error
		wg.Go(func() { served = serveStreams(ctx, l, page, log) })
		if chat {
			r := &repl{console: d.console, app: a, as: demoPeople[0].ID, conversation: demoChannel, people: demoPeople, idle: d.core.inbox.Idle}
			err := r.run(ctx)
			stop()
			wg.Wait()
			return errors.Join(err, served)
		}
		_, _ = fmt.Fprintln(a.out, "  Ctrl-C ends it.")
		wg.Wait()
		return served
	}, d.core.service.Run)
}

// demoBot is the whole stack of the demo.
type demoBot struct {
	core    *core
	console *console.Console
	neo     *sandbox.Neo
	stops   []func() // in the order of the starts
}

func (d *demoBot) close() {
	for _, stop := range slices.Backward(d.stops) {
		stop()
	}
}

func (a *app) newDemo(ctx context.Context, cfg Config, log *slog.Logger) (d *demoBot, err error) {
	d = &demoBot{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	policy, err := parsePolicy(demoPolicy)
	if err != nil {
		return d, fmt.Errorf("demo policy: %w", err)
	}
	key := "neo_sk_demo_" + rand.Text()
	neoURL, err := d.startNeo(context.WithoutCancel(ctx), sandbox.Config{Now: a.now, Key: key, Seed: demoSeed, Document: neoapi.Document(), Logger: log})
	if err != nil {
		return d, err
	}
	metrics := newMetrics()
	router, err := newRouter(cfg, metrics, log, a.now)
	if err != nil {
		return d, err
	}
	rdb, stop, err := embeddedRedis(context.WithoutCancel(ctx))
	if err != nil {
		return d, err
	}
	d.stops = append(d.stops, stop)
	inForce := func() *intents.Policy { return policy }
	d.core, err = newCore(coreConfig{
		Redis: rdb, Queue: rdb, Workspaces: policy.Workspaces(), Policy: inForce,
		Neo:    neoapi.Config{BaseURL: neoURL, Key: key},
		Router: router, Consumer: "demo", Logger: log, Metrics: metrics, Now: a.now,
		Connect: func(p ports) (_ []adapters.Adapter, err error) {
			d.console, err = newConsole(demoWorkspace, inForce, p, a.now)
			return []adapters.Adapter{d.console}, err
		},
	})
	return d, err
}

// startNeo serves a sandbox on a free loopback port.
func (d *demoBot) startNeo(ctx context.Context, cfg sandbox.Config) (url string, err error) {
	if d.neo, err = sandbox.New(cfg); err != nil {
		return "", err
	}
	l, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := serveStreams(ctx, l, d.neo, cfg.Logger); err != nil {
			cfg.Logger.ErrorContext(ctx, "sandbox", "error", err)
		}
	})
	d.stops = append(d.stops, func() { cancel(); wg.Wait() })
	return "http://" + l.Addr().String(), nil
}

// newConsole is a console whose members are the policy's people with a console name.
func newConsole(w adapters.Workspace, policy func() *intents.Policy, p ports, now func() time.Time) (*console.Console, error) {
	return console.New(console.Config{
		Workspace: w, Channels: []string{demoChannel}, Intake: p.Inbox, Forms: p.Handler, Now: now,
		Member: func(name string) bool {
			_, ok := policy().Who(w, adapters.User{ID: name, Trust: adapters.TrustMember})
			return ok
		},
	})
}

// listenLoopback opens an address of this machine only: whoever reaches the page
// can act as anybody on it. When the default port is taken any free one will do.
func listenLoopback(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || !isLoopback(host) {
		return nil, fmt.Errorf("--listen %q must be a loopback address, e.g. %s", addr, demoListen)
	}
	l, err := listen(ctx, addr)
	if err != nil && addr == demoListen {
		return listen(ctx, "127.0.0.1:0")
	}
	return l, err
}
