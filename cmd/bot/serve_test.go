package main

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"neobot/adapters/slack/slackfake"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// TestServe runs the program with nothing but what an operator must set, asks
// it in Slack, changes its policy by SIGHUP and ends it by SIGTERM.
func TestServe(t *testing.T) {
	t.Parallel()
	s := slackfake.New(slackfake.Config{})
	t.Cleanup(s.Close)
	s.AddUser(slackPeople["riley"])
	s.AddChannel(slackfake.Channel{ID: "C0OPS", Kind: "channel", Members: []string{"U0RILEY"}})
	neo, err := sandbox.New(sandbox.Config{Now: time.Now, Key: "neo_sk_test_serve", Seed: demoSeed, Document: neoapi.Document()})
	if err != nil {
		t.Fatal(err)
	}
	neoServer := httptest.NewServer(neo)
	t.Cleanup(neoServer.Close)
	var spans atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			spans.Add(1)
		}
	}))
	t.Cleanup(collector.Close)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	source, err := os.ReadFile("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write := func(src string) {
		t.Helper()
		if err := os.WriteFile(policy, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(source))
	p := startProcess(t, buildBot(t), freeAddr(t), []string{
		"NEO_API_KEY=neo_sk_test_serve", "NEO_BASE_URL=" + neoServer.URL, "NEOBOT_CONFIG=" + policy,
		"REDIS_URL=redis://" + miniredis.RunT(t).Addr() + "/0", "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL,
		"SLACK_API_URL=" + s.APIURL(), "SLACK_BOT_TOKEN=" + s.Config().Token, "SLACK_SIGNING_SECRET=" + s.Config().Secret,
	})
	ask := func(want string) {
		t.Helper()
		ts, requests := s.Mention("U0RILEY", "C0OPS", "", "which agents are off?")
		for _, q := range requests {
			if status, _, err := s.Send(t.Context(), p.url, q); err != nil || status != http.StatusOK {
				t.Fatalf("delivery: %d %v", status, err)
			}
		}
		eventually(t, want, func() (bool, any) {
			told := ""
			for _, m := range s.Posts("C0OPS") {
				if m.Thread == ts {
					told += slackfake.Text(m.Blocks)
				}
			}
			for _, e := range s.Ephemerals("U0RILEY") {
				told += slackfake.Text(e.Blocks)
			}
			return strings.Contains(told, want), told
		})
	}
	ask("Stale ticket chaser")

	hangup := func(want string) {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, want, func() (bool, any) { return strings.Contains(p.log.String(), want), p.log.String() })
	}
	write("nonsense: true\n")
	hangup("the policy of before stays in force")
	ask("Stale ticket chaser")
	write(strings.Replace(string(source), "U0RILEY", "U0SOMEBODY", 1))
	hangup("policy reloaded")
	ask("You are not in this bot's list of people")

	if _, body, err := get(t.Context(), p.url+"/metrics"); err != nil || !strings.Contains(body, `neobot_audit_records_total{kind="question",outcome="none"} 2`) {
		t.Errorf("metrics: %v\n%s", err, body)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.dead
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if spans.Load() == 0 {
		t.Error("no traces were sent")
	}
	for _, secret := range []string{s.Config().Token, s.Config().Secret, "neo_sk_test_serve", "which agents"} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if problems := s.Problems(); len(problems) > 0 {
		t.Error(problems)
	}
}

// The app id is taken from where it is, without asking when it is known.
func TestSlackApp(t *testing.T) {
	t.Parallel()
	s := slackfake.New(slackfake.Config{App: "A0ASKED", Enterprise: "E0ORG"})
	t.Cleanup(s.Close)
	good := Config{SlackAPIURL: s.APIURL(), SlackBotToken: Secret(s.Config().Token)}
	for name, tc := range map[string]struct {
		change func(c *Config)
		app    string
		fault  string
		team   string // of the policy
	}{
		"configured":       {func(c *Config) { c.SlackAppID = "A0GIVEN" }, "A0GIVEN", "", ""},
		"in the app token": {func(c *Config) { c.SlackAppToken = "xapp-1-A0INTOKEN-123-abc" }, "A0INTOKEN", "", ""},
		"asked":            {func(*Config) {}, "A0ASKED", "", ""},
		"odd app token":    {func(c *Config) { c.SlackAppToken = "xapp-odd" }, "A0ASKED", "", ""},
		"wrong token":      {func(c *Config) { c.SlackBotToken = "xoxb-wrong" }, "", "invalid_auth", ""},
		"no Slack there":   {func(c *Config) { c.SlackAPIURL = "http://127.0.0.1:1/api/" }, "", "slack auth.test: ", ""},
		"organisation":     {func(*Config) {}, "A0ASKED", "", "E0ORG"},
		"other workspace":  {func(*Config) {}, "", "of workspace slack:T0HOME, but the policy lists slack:T0OTHER", "T0OTHER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := good
			tc.change(&c)
			app, _, err := slackApp(t.Context(), c, cmp.Or(tc.team, s.Config().Team), newMetrics().client("slack", slackTimeout))
			if app != tc.app || (err == nil) != (tc.fault == "") {
				t.Errorf("app %q, error %v", app, err)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.fault) || strings.Contains(err.Error(), "xoxb")) {
				t.Errorf("error %v, want %q", err, tc.fault)
			}
		})
	}
}

func TestResponseHosts(t *testing.T) {
	t.Parallel()
	if got := responseHosts(defaultSlackURL); len(got) != 1 || got[0] != "hooks.slack.com" {
		t.Errorf("for Slack itself: %v", got)
	}
	if got := responseHosts("http://127.0.0.1:9/api/"); len(got) != 2 || got[1] != "http://127.0.0.1:9" {
		t.Errorf("for a Slack elsewhere: %v", got)
	}
}
