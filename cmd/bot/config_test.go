package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func environ(vars ...string) func() []string { return func() []string { return vars } }

// TestSecretNeverPrinted tries every way a value can end up in a log.
func TestSecretNeverPrinted(t *testing.T) {
	t.Parallel()
	c, err := readConfig(environ("NEO_API_KEY=hunter2", "REDIS_URL=redis://:hunter2@h:1/0", "SLACK_BOT_TOKEN=xoxb-hunter2",
		"SLACK_SIGNING_SECRET=hunter2", "SLACK_APP_TOKEN=xapp-hunter2", "OPENAI_API_KEY=hunter2", "TEAMS_APP_PASSWORD=hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", &c)
		fmt.Fprintf(&out, verb+"\n", c.NeoAPIKey)
		fmt.Fprintf(&out, verb+"\n", []Secret{c.NeoAPIKey})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("config", "all", c, "key", c.NeoAPIKey)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("config", "all", c, "key", c.NeoAPIKey)
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("secret printed:\n%s", text)
	}
	if !strings.Contains(out.String(), "[set]") {
		t.Error("it does not say that the secret is set")
	}
}

func TestReadConfig(t *testing.T) {
	t.Parallel()
	got, err := readConfig(environ("NEO_API_KEY= neo_sk_test_1 ", "LISTEN_ADDR=", "PATH=/bin", "NEO_BASE_URL=http://127.0.0.1:9", "odd", "SLACK_SIGNING_SECRET=new,old"))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		NeoAPIKey: "neo_sk_test_1", NeoBaseURL: "http://127.0.0.1:9", SlackAPIURL: defaultSlackURL,
		SlackSigningSecret: "new,old", OpenAIModel: defaultModel, ListenAddr: defaultListen,
	}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if diff := cmp.Diff([]string{"new", "old"}, got.slackSecrets()); diff != "" {
		t.Error(diff)
	}
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	ok := []string{"NEO_API_KEY=k", "REDIS_URL=redis://localhost:6379", "NEOBOT_CONFIG=p.yaml", "SLACK_BOT_TOKEN=xoxb-1", "SLACK_SIGNING_SECRET=s"}
	all := []need{needNeo, needRedis, needPolicy, needChat}
	for name, tc := range map[string]struct {
		vars  []string
		needs []need
		want  []string // each part of its own fault
	}{
		"complete":          {ok, all, nil},
		"nothing needed":    {nil, nil, nil},
		"everything absent": {nil, all, []string{"NEO_API_KEY", "REDIS_URL", "NEOBOT_CONFIG", "no chat platform"}},
		"all values wrong": {
			[]string{
				"SLACK_BOT_TOKEN=xapp-1", "SLACK_APP_TOKEN=xoxb-1", "SLACK_SIGNING_SECRET=a,b,c", "TEAMS_APP_ID=1",
				"NEO_BASE_URL=http://neo.example", "SLACK_API_URL=ftp://x", "REDIS_URL=localhost", "LISTEN_ADDR=8080",
				"NEO_REQUESTS_PER_MINUTE=-5", "SLACK_POSTS_PER_SECOND=fast", "TEAMS_POSTS_PER_SECOND=-1",
			},
			nil,
			[]string{
				"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "TEAMS_APP_ID", "NEO_BASE_URL must be https", "SLACK_API_URL",
				"REDIS_URL", "NEO_REQUESTS_PER_MINUTE", "SLACK_POSTS_PER_SECOND", "TEAMS_POSTS_PER_SECOND", "LISTEN_ADDR",
			},
		},
		"slack half set":        {[]string{"SLACK_SIGNING_SECRET=s"}, nil, []string{"SLACK_BOT_TOKEN is not set"}},
		"slack without a way":   {[]string{"SLACK_BOT_TOKEN=xoxb-1"}, nil, []string{"SLACK_SIGNING_SECRET (HTTP) or SLACK_APP_TOKEN"}},
		"socket mode only":      {[]string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1"}, nil, nil},
		"user in an address":    {[]string{"NEO_BASE_URL=https://u:p@neo.example"}, nil, []string{"NEO_BASE_URL"}},
		"plain model, no key":   {[]string{"OPENAI_BASE_URL=http://ollama:11434/v1"}, nil, nil},
		"plain model, with key": {[]string{"OPENAI_BASE_URL=http://ollama:11434/v1", "OPENAI_API_KEY=k"}, nil, []string{"OPENAI_BASE_URL must be https"}},
		"loopback":              {[]string{"NEO_BASE_URL=http://[::1]:80", "SLACK_API_URL=http://localhost:1/api/"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := readConfig(environ(tc.vars...))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := c.check(tc.needs...); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(tc.want) {
				t.Fatalf("faults %q, want %q", got, tc.want)
			}
			for i, part := range tc.want {
				if !strings.Contains(got[i], part) {
					t.Errorf("fault %q, want %q", got[i], part)
				}
			}
		})
	}
}

// A Redis address that does not parse must not print its password.
func TestConfigCheckKeepsPassword(t *testing.T) {
	t.Parallel()
	c, err := readConfig(environ("REDIS_URL=http://:hunter2@host"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.check(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("check = %v", err)
	}
}

func TestConfigDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range configNames() {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/configuration.md does not explain %s", name)
		}
	}
}
