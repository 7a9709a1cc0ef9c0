package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"neobot/adapters"
	"neobot/adapters/slack"
	"neobot/neoapi"
)

// neoCache is how long an identical read is answered from memory: long enough
// for a burst of people asking the same, too short to be noticed.
const neoCache = 3 * time.Second

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the bot for Slack and Teams",
		Long: `Runs the bot: HTTP on LISTEN_ADDR, Slack's Socket Mode when SLACK_APP_TOKEN is set.

Any number of replicas may share one Redis. SIGTERM ends it after the work already
taken in; SIGHUP reads the policy file again. Everything comes from the environment
and the policy file, see docs/configuration.md; bot check looks them over.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
}

func (a *app) serve(ctx context.Context) error {
	cfg, err := readConfig(a.environ)
	if err != nil {
		return err
	}
	if err := cfg.check(needNeo, needRedis, needPolicy, needChat); err != nil {
		return err
	}
	policy, err := openPolicy(cfg.PolicyPath)
	if err != nil {
		return err
	}
	log := a.logger(slog.LevelInfo)
	stopTracing, err := startTracing(ctx, cfg.OTLPEndpoint)
	if err != nil {
		return err
	}
	l, err := listen(ctx, cfg.ListenAddr)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	s := &server{app: a, cfg: cfg, policy: policy, log: log, metrics: newMetrics(), listener: l}
	err = s.run(ctx)
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return errors.Join(err, stopTracing(flush))
}

// server is `bot serve` at work.
type server struct {
	*app
	cfg       Config
	policy    *livePolicy
	log       *slog.Logger
	metrics   *metrics
	listener  net.Listener
	platforms platforms
	core      *core
}

func (s *server) run(ctx context.Context) error {
	rdb, err := openRedis(s.cfg.RedisURL)
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	if err := s.build(ctx, rdb); err != nil {
		return err
	}
	stopReload := s.reloadOnHangup(ctx)
	defer stopReload()
	s.log.InfoContext(ctx, "serving", "version", version(), "address", s.listener.Addr().String(), "workspaces", s.core.cfg.Workspaces, "model", modelName(s.cfg))
	err = s.core.run(ctx, s.intake, s.core.service.Run)
	s.log.InfoContext(ctx, "stopped")
	return err
}

func (s *server) build(ctx context.Context, rdb redis.UniversalClient) error {
	router, err := newRouter(s.cfg, s.metrics, s.log, s.now)
	if err != nil {
		return err
	}
	pc := platformConfig{
		Config: s.cfg, Workspaces: s.policy.Policy().Workspaces(), Redis: rdb, Metrics: s.metrics, Logger: s.log, Now: s.now,
	}
	if len(pc.served()) == 0 {
		return fmt.Errorf("policy file %s lists no workspace of a platform that is configured", s.cfg.PolicyPath)
	}
	s.core, err = newCore(coreConfig{
		Redis: rdb, Queue: rdb, Workspaces: pc.served(), Policy: s.policy.Policy, Router: router,
		Neo:      neoapi.Config{BaseURL: s.cfg.NeoBaseURL, Key: string(s.cfg.NeoAPIKey), HTTP: s.metrics.client("neo", 0), Cache: neoCache},
		Consumer: consumerName(s.cfg.ListenAddr), Logger: s.log, Metrics: s.metrics, Recorded: s.metrics.recorded, Now: s.now, Lease: s.cfg.lease(), NeoBudget: s.cfg.neoBudget(),
		Connect: func(at ports) ([]adapters.Adapter, error) { return s.platforms.connect(ctx, pc, at) },
	})
	return err
}

// consumerName is unique among live processes and the same after a restart on
// the same host, so that a restarted bot goes on with its own work at once.
func consumerName(addr string) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	return host + addr
}

// intake lets deliveries in until ctx ends: HTTP, and Socket Mode where set up.
func (s *server) intake(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	engine := newEngine(engineConfig{Logger: s.log, Metrics: s.metrics, Ready: s.core.ready, Mount: s.platforms.mount(s.cfg)})
	var wg sync.WaitGroup
	var socketFault error
	if s.platforms.slack != nil && s.cfg.SlackAppToken != "" {
		wg.Go(func() {
			err := s.platforms.slack.Socket(ctx)
			if errors.Is(err, slack.ErrSocketRefused) && len(s.cfg.slackSecrets()) == 0 {
				socketFault = fmt.Errorf("SLACK_APP_TOKEN: %w", err)
				stop() // there is no other way in
			}
		})
	}
	err := serveHTTP(ctx, s.listener, engine, s.log)
	stop()
	wg.Wait()
	s.platforms.wait()
	return errors.Join(err, socketFault)
}

// reloadOnHangup reads the policy file again on SIGHUP.
func (s *server) reloadOnHangup(ctx context.Context) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangup:
				s.reload(ctx)
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(hangup); close(done) }
}

func (s *server) reload(ctx context.Context) {
	outcome := "ok"
	if err := s.policy.reload(); err != nil {
		outcome = "fault"
		s.log.ErrorContext(ctx, "policy not reloaded", "error", oneLine(err.Error()))
	} else {
		s.log.InfoContext(ctx, "policy reloaded")
	}
	s.metrics.policy.WithLabelValues(outcome).Inc()
}
