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
	"neobot/intents"
	"neobot/neoapi"
)

// checkTimeout bounds each point of bot check.
const checkTimeout = 15 * time.Second

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Look over configuration and connections, and say what to do",
		Long: `Checks the environment, the policy file, Redis, Neo (key, and which operations differ
from what we know), Slack, Teams and the model, one line each: ok, warn or fail with
what to do about it. Nothing is changed anywhere. Exit code 1 when something fails.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.check(cmd.Context()) },
	}
}

// doctor looks at one part after the other.
type doctor struct {
	*app
	cfg     Config
	policy  *intents.Policy // nil: has a fault
	redis   redis.UniversalClient
	metrics *metrics
	failed  bool
}

func (a *app) check(ctx context.Context) error {
	cfg, err := readConfig(a.environ)
	if err != nil {
		return err
	}
	d := &doctor{app: a, cfg: cfg, metrics: newMetrics()}
	for _, point := range []func(context.Context){d.environment, d.policyFile, d.redisServer, d.neo, d.slack, d.teams, d.model} {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		point(ctx)
		cancel()
	}
	if d.redis != nil {
		_ = d.redis.Close()
	}
	if d.failed {
		return errSilent
	}
	return nil
}

func (d *doctor) line(verdict, part, text string) {
	_, _ = fmt.Fprintf(d.out, "%-5s %-12s %s\n", verdict, part, oneLine(text))
}

func (d *doctor) ok(part, format string, args ...any) {
	d.line("ok", part, fmt.Sprintf(format, args...))
}

func (d *doctor) warn(part, format string, args ...any) {
	d.line("warn", part, fmt.Sprintf(format, args...))
}

func (d *doctor) fail(part, format string, args ...any) {
	d.failed = true
	d.line("fail", part, fmt.Sprintf(format, args...))
}

func (d *doctor) environment(context.Context) {
	err := d.cfg.check(needNeo, needRedis, needPolicy, needChat)
	if err == nil {
		d.ok("environment", "complete")
		return
	}
	for fault := range strings.SplitSeq(err.Error(), "\n") {
		d.fail("environment", "%s", fault)
	}
}

func (d *doctor) policyFile(context.Context) {
	if d.cfg.PolicyPath == "" {
		return // said already
	}
	p, err := readPolicy(d.cfg.PolicyPath)
	if err != nil {
		text, _ := strings.CutPrefix(err.Error(), policyPrefix(d.cfg.PolicyPath))
		for fault := range strings.SplitSeq(text, "\n") {
			d.fail("policy", "%s", fault)
		}
		return
	}
	d.policy = p
	var names []string
	for _, w := range p.Workspaces() {
		names = append(names, string(w))
	}
	d.ok("policy", "%s: %s", d.cfg.PolicyPath, strings.Join(names, ", "))
	pc := platformConfig{Config: d.cfg, Workspaces: p.Workspaces()}
	if d.cfg.slackOn() && len(pc.of(adapters.Slack)) == 0 {
		d.fail("policy", "no slack: workspace is listed, so nobody in Slack would be answered")
	}
	if d.cfg.teamsOn() && len(pc.of(adapters.Teams)) == 0 {
		d.fail("policy", "no teams: workspace is listed, so nobody in Teams would be answered")
	}
	if !d.cfg.slackOn() && len(pc.of(adapters.Slack)) > 0 {
		d.warn("policy", "a slack: workspace is listed, but no SLACK_ variable is set: nobody in Slack is answered")
	}
	if !d.cfg.teamsOn() && len(pc.of(adapters.Teams)) > 0 {
		d.warn("policy", "a teams: workspace is listed, but no TEAMS_ variable is set: nobody in Teams is answered")
	}
}

func (d *doctor) redisServer(ctx context.Context) {
	if d.cfg.RedisURL == "" {
		return
	}
	rdb, err := openRedis(d.cfg.RedisURL)
	if err != nil {
		d.fail("redis", "%v", err)
		return
	}
	d.redis = rdb
	if err := rdb.Ping(ctx).Err(); err != nil {
		d.fail("redis", "no answer (%v): is REDIS_URL right and the server up?", err)
		return
	}
	info, _ := rdb.Info(ctx, "server").Result() // some hosted servers do not tell
	d.ok("redis", "answers, version %s", orNone(infoValue(info, "redis_version")))
	memory, err := rdb.Info(ctx, "memory").Result()
	if err == nil && infoValue(memory, "maxmemory_policy") != "noeviction" && infoValue(memory, "maxmemory_policy") != "" {
		d.warn("redis", "maxmemory-policy is %s: approvals and audit records could be thrown out; set it to noeviction", infoValue(memory, "maxmemory_policy"))
	}
	kept, err := rdb.Info(ctx, "persistence").Result()
	if err == nil && infoValue(kept, "aof_enabled") == "0" {
		d.warn("redis", "appendonly is off: what was acknowledged last can be lost when the server dies; set appendonly yes")
	}
}

// infoValue finds a line "name:value" of Redis' INFO.
func infoValue(info, name string) string {
	for line := range strings.SplitSeq(info, "\n") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

func (d *doctor) neo(ctx context.Context) {
	if d.cfg.NeoAPIKey == "" {
		return
	}
	client, err := neoapi.New(neoapi.Config{
		BaseURL: d.cfg.NeoBaseURL, Key: string(d.cfg.NeoAPIKey), HTTP: d.metrics.client("neo", checkTimeout), Now: d.now,
	})
	if err != nil {
		d.fail("neo", "%v", err)
		return
	}
	settings, err := client.Session(neoapi.Scope{"settings": neoapi.ReadOnly}).GetSettings(ctx)
	var refused *neoapi.Error
	switch {
	case err == nil:
		d.ok("neo", "key accepted at %s, time zone of the tenant: %s", d.cfg.NeoBaseURL, orNone(settings.Timezone))
	case errors.As(err, &refused) && refused.Status == 401:
		d.fail("neo", "NEO_API_KEY was refused: is it expired or revoked? Create a new one in the dashboard")
		return
	case errors.As(err, &refused) && refused.Status == 404:
		d.fail("neo", "there is no Neo API at %s: NEO_BASE_URL is its address, without a path or with /public-api", d.cfg.NeoBaseURL)
		return
	case errors.As(err, &refused) && refused.Status == 403:
		d.warn("neo", "the key may not read the tenant's settings: times will be shown in UTC")
	default:
		d.fail("neo", "%s does not answer (%v): is NEO_BASE_URL right, may this machine reach it?", d.cfg.NeoBaseURL, err)
		return
	}
	d.drift(ctx, client)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// drift says where the served API differs from the one we know.
func (d *doctor) drift(ctx context.Context, client *neoapi.Client) {
	drift, err := client.Drift(ctx)
	switch {
	case err != nil:
		d.warn("neo api", "its OpenAPI file cannot be read (%v); the embedded one is used", err)
	case drift.Empty():
		d.ok("neo api", "as we know it, version %s", orNone(drift.Version))
	}
	if len(drift.Missing) > 0 {
		d.warn("neo api", "not offered, the bot will say so: %s", strings.Join(drift.Missing, ", "))
	}
	if len(drift.New) > 0 {
		d.warn("neo api", "offered, but unknown to this version: %s", strings.Join(drift.New, ", "))
	}
	for _, c := range drift.Changed {
		d.warn("neo api", "%s differs: %s", c.Op, strings.Join(c.What, "; "))
	}
}

// ports for adapters that are only asked to check themselves.
func (d *doctor) ports() (ports, error) {
	rdb := d.redis
	if rdb == nil {
		rdb = redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"}) // never used: nothing is delivered
	}
	inbox, err := adapters.NewInbox(adapters.InboxConfig{Redis: rdb, Prefix: keyPrefix, Workspaces: d.policy.Workspaces(), Consumer: "check", Now: d.now})
	if err != nil {
		return ports{}, err
	}
	outbox, err := adapters.NewOutbox(adapters.OutboxConfig{Redis: rdb, Prefix: keyPrefix})
	return ports{Inbox: inbox, Outbox: outbox, Handler: &handlerSlot{}}, err
}

func (d *doctor) platform() (platformConfig, ports, bool) {
	if d.policy == nil {
		return platformConfig{}, ports{}, false // said already
	}
	at, err := d.ports()
	if err != nil {
		d.fail("policy", "%v", err)
		return platformConfig{}, ports{}, false
	}
	return platformConfig{
		Config: d.cfg, Workspaces: d.policy.Workspaces(), Redis: d.redis, Metrics: d.metrics, Logger: slog.New(slog.DiscardHandler), Now: d.now,
	}, at, true
}

func (d *doctor) slack(ctx context.Context) {
	pc, at, ready := d.platform()
	if !d.cfg.slackOn() || !ready {
		return
	}
	a, err := connectSlack(ctx, pc, at)
	if err == nil {
		err = a.Check(ctx)
	}
	if err != nil {
		d.fail("slack", "%v", err)
		return
	}
	way := "signed HTTP"
	if d.cfg.SlackAppToken != "" {
		way = "Socket Mode"
	}
	if !a.ShowsPictures() {
		d.warn("slack", "charts go out as text: the scope files:write is missing; install the app again with the manifest of now")
		return
	}
	d.ok("slack", "token accepted, all scopes granted, deliveries by %s", way)
}

func (d *doctor) teams(ctx context.Context) {
	pc, at, ready := d.platform()
	if !d.cfg.teamsOn() || !ready {
		return
	}
	a, err := connectTeams(pc, at)
	if err == nil {
		err = a.Check(ctx)
	}
	if err != nil {
		d.fail("teams", "%v", err)
		return
	}
	d.ok("teams", "signing keys found, own token granted")
}

// model asks it one question, without the built-in router to fall back on.
func (d *doctor) model(ctx context.Context) {
	if !d.cfg.modelOn() {
		d.ok("model", "none configured: the built-in router answers")
		return
	}
	m, err := intents.NewModel(intents.ModelConfig{
		BaseURL: d.cfg.modelURL(), Key: string(d.cfg.OpenAIKey), Model: d.cfg.OpenAIModel, HTTP: d.metrics.client("model", checkTimeout), Now: d.now,
	})
	if err != nil {
		d.fail("model", "%v", err)
		return
	}
	began := d.now()
	_, err = m.Route(ctx, intents.Question{Text: "help", Now: began, Specs: intents.Specs()})
	if err != nil {
		d.warn("model", "%s at %s does not answer (%v): until it does, the built-in router answers", d.cfg.OpenAIModel, d.cfg.modelURL(), err)
		return
	}
	d.ok("model", "%s answers in %s", d.cfg.OpenAIModel, d.now().Sub(began).Round(time.Millisecond))
}
