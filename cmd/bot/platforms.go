package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"neobot/adapters"
	"neobot/adapters/slack"
	"neobot/adapters/teams"
)

// platforms are the chat platforms a serving bot is connected to.
type platforms struct {
	slack *slack.Adapter // nil: not configured
	teams *teams.Adapter
	all   []adapters.Adapter
}

// platformConfig is what the platforms' adapters are made from.
type platformConfig struct {
	Config     Config
	Workspaces []adapters.Workspace // of the policy
	Redis      redis.UniversalClient
	Metrics    *metrics
	Logger     *slog.Logger
	Now        func() time.Time
}

// served are the workspaces of the policy on platforms that are configured.
func (c platformConfig) served() []adapters.Workspace {
	return slices.DeleteFunc(slices.Clone(c.Workspaces), func(w adapters.Workspace) bool {
		switch w.Platform() {
		case adapters.Slack:
			return !c.Config.slackOn()
		case adapters.Teams:
			return !c.Config.teamsOn()
		default:
			return true // a terminal has its own process
		}
	})
}

// of are the workspaces of one platform.
func (c platformConfig) of(p adapters.Platform) []adapters.Workspace {
	return slices.DeleteFunc(slices.Clone(c.Workspaces), func(w adapters.Workspace) bool { return w.Platform() != p })
}

// connect makes the adapters. Platforms that only the policy knows get a
// stand-in, so that their old cards do not keep the sweep busy.
func (p *platforms) connect(ctx context.Context, c platformConfig, at ports) ([]adapters.Adapter, error) {
	var faults []error
	if c.Config.slackOn() {
		a, err := connectSlack(ctx, c, at)
		faults = append(faults, err)
		p.slack = a
		p.all = append(p.all, a)
	} else {
		p.all = append(p.all, absent{adapters.Slack})
	}
	if c.Config.teamsOn() {
		a, err := connectTeams(c, at)
		faults = append(faults, err)
		p.teams = a
		p.all = append(p.all, a)
	} else {
		p.all = append(p.all, absent{adapters.Teams})
	}
	p.all = append(p.all, absent{adapters.Console})
	return p.all, errors.Join(faults...)
}

// mount adds the platforms' routes. Slack's are left out when it comes over
// Socket Mode only: without a signing secret nothing could be verified.
func (p *platforms) mount(cfg Config) func(r gin.IRouter) {
	return func(r gin.IRouter) {
		if p.slack != nil && len(cfg.slackSecrets()) > 0 {
			p.slack.Routes(r)
		}
		if p.teams != nil {
			p.teams.Routes(r)
		}
	}
}

// wait returns when work beside requests is done.
func (p *platforms) wait() {
	if p.slack != nil {
		p.slack.Wait()
	}
	if p.teams != nil {
		p.teams.Wait()
	}
}

func connectSlack(ctx context.Context, c platformConfig, at ports) (*slack.Adapter, error) {
	installed := c.of(adapters.Slack)
	if len(installed) != 1 {
		return nil, fmt.Errorf("SLACK_BOT_TOKEN is for one workspace, but the policy lists %d Slack workspaces", len(installed))
	}
	client := c.Metrics.client("slack", slackTimeout)
	app, enterprise, err := slackApp(ctx, c.Config, installed[0].ID(), client)
	if err != nil {
		return nil, err
	}
	return slack.New(slack.Config{
		Installs: []slack.Install{{Team: installed[0].ID(), Enterprise: enterprise, Token: string(c.Config.SlackBotToken)}},
		AppID:    app, SigningSecrets: c.Config.slackSecrets(), AppToken: string(c.Config.SlackAppToken),
		APIURL: c.Config.SlackAPIURL, ResponseHosts: responseHosts(c.Config.SlackAPIURL),
		Inbox: at.Inbox, Threads: at.Outbox, Pictures: at.Outbox, Handler: at.Handler, HTTP: client, Logger: c.Logger, Now: c.Now,
		PostsPerSecond: c.Config.slackPace(), CallTimeout: c.Config.lease() / 3, RefusedFunc: c.Metrics.refusals(adapters.Slack),
	})
}

// slackTimeout bounds one call to Slack.
const slackTimeout = 10 * time.Second

// responseHosts is where response URLs may lead: Slack's own host or, with an
// API elsewhere (tests, a proxy), that one.
func responseHosts(apiURL string) []string {
	hosts := []string{"hooks.slack.com"}
	u, err := url.Parse(apiURL)
	if err == nil && u.Hostname() != "slack.com" {
		hosts = append(hosts, u.Scheme+"://"+u.Host)
	}
	return hosts
}

// slackApp finds our app id, by which deliveries for other apps are refused:
// configured, or part of the app token, or asked from Slack.
func slackApp(ctx context.Context, cfg Config, team string, client *http.Client) (app, enterprise string, err error) {
	if cfg.SlackAppID != "" {
		return cfg.SlackAppID, "", nil
	}
	if parts := strings.Split(string(cfg.SlackAppToken), "-"); len(parts) == 5 && strings.HasPrefix(parts[2], "A") {
		return parts[2], "", nil // xapp-1-A0123ABCD-…
	}
	me, err := askSlack(ctx, cfg, client, "auth.test", nil)
	if err != nil {
		return "", "", err
	}
	if me.TeamID != team && me.EnterpriseID != team {
		return "", "", fmt.Errorf("SLACK_BOT_TOKEN is of workspace slack:%s, but the policy lists slack:%s", me.TeamID, team)
	}
	bot, err := askSlack(ctx, cfg, client, "bots.info", url.Values{"bot": {me.BotID}})
	if err != nil {
		return "", "", err
	}
	if bot.Bot.AppID == "" {
		return "", "", errors.New("slack does not tell the app id of this token; set SLACK_APP_ID")
	}
	return bot.Bot.AppID, me.EnterpriseID, nil
}

// slackSelf is what two methods of Slack say about a bot token.
type slackSelf struct {
	OK           bool   `json:"ok"`
	Error        string `json:"error"`
	BotID        string `json:"bot_id"`
	TeamID       string `json:"team_id"`
	EnterpriseID string `json:"enterprise_id"`
	Bot          struct {
		AppID string `json:"app_id"`
	} `json:"bot"`
}

func askSlack(ctx context.Context, cfg Config, client *http.Client, method string, args url.Values) (slackSelf, error) {
	var self slackSelf
	fault := func(err error) (slackSelf, error) {
		return self, fmt.Errorf("slack %s: %w", method, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(cfg.SlackAPIURL, "/")+"/"+method, strings.NewReader(args.Encode()))
	if err != nil {
		return fault(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+string(cfg.SlackBotToken))
	resp, err := client.Do(r)
	if err != nil {
		return fault(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&self); err != nil {
		return fault(err)
	}
	if !self.OK && method == "auth.test" {
		return self, fmt.Errorf("slack refuses SLACK_BOT_TOKEN (%.60q): copy it again from the app's settings, OAuth & Permissions", self.Error)
	}
	if !self.OK {
		return self, fmt.Errorf("slack does not tell the app id of this token (%.60q): set SLACK_APP_ID", self.Error)
	}
	return self, nil
}

func connectTeams(c platformConfig, at ports) (*teams.Adapter, error) {
	cloud, err := teams.CloudNamed(c.Config.TeamsCloud)
	if err != nil {
		return nil, fmt.Errorf("TEAMS_CLOUD: %w", err)
	}
	return teams.New(teams.Config{
		AppID: c.Config.TeamsAppID, AppPassword: string(c.Config.TeamsAppPassword), AppTenant: c.Config.TeamsTenantID,
		Cloud: cloud.At(c.Config.TeamsOpenIDURL, c.Config.TeamsTokenURL), Workspaces: c.of(adapters.Teams),
		Inbox: at.Inbox, Forms: at.Handler, Refs: teams.NewRedisRefs(c.Redis, keyPrefix), Now: c.Now, Logger: c.Logger,
		Transport: c.Metrics.client("teams", 0).Transport, RefusedFunc: c.Metrics.refusals(adapters.Teams),
		PostsPerSecond: c.Config.teamsPace(), CallTimeout: c.Config.lease() / 3,
		Views: at.Handler, FeedbackFunc: at.Handler.HandleFeedback,
	})
}
