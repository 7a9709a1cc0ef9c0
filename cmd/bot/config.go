package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
	"github.com/redis/go-redis/v9"
)

// Secret is a value that is never printed: every way of formatting it says
// only whether it is set. Use string(s) where the value itself is needed.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return "[not set]"
	}
	return "[set]"
}

// Format covers every verb, also the ones that would print the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config is everything the environment says. docs/configuration.md explains
// each variable; a test keeps the two in step.
type Config struct {
	NeoAPIKey  Secret `koanf:"NEO_API_KEY"`
	NeoBaseURL string `koanf:"NEO_BASE_URL"`
	NeoBudget  string `koanf:"NEO_REQUESTS_PER_MINUTE"` // of all replicas together

	RedisURL Secret `koanf:"REDIS_URL"` // may hold a password

	SlackBotToken      Secret `koanf:"SLACK_BOT_TOKEN"`
	SlackSigningSecret Secret `koanf:"SLACK_SIGNING_SECRET"` // two, separated by a comma, while rotating
	SlackAppToken      Secret `koanf:"SLACK_APP_TOKEN"`      // turns Socket Mode on
	SlackAppID         string `koanf:"SLACK_APP_ID"`         // asked from Slack when not set
	SlackAPIURL        string `koanf:"SLACK_API_URL"`
	SlackPace          string `koanf:"SLACK_POSTS_PER_SECOND"` // in one channel

	OpenAIKey     Secret `koanf:"OPENAI_API_KEY"`
	OpenAIBaseURL string `koanf:"OPENAI_BASE_URL"`
	OpenAIModel   string `koanf:"OPENAI_MODEL"`

	TeamsAppID       string `koanf:"TEAMS_APP_ID"`
	TeamsAppPassword Secret `koanf:"TEAMS_APP_PASSWORD"`
	TeamsTenantID    string `koanf:"TEAMS_TENANT_ID"`
	TeamsOpenIDURL   string `koanf:"TEAMS_OPENID_URL"`
	TeamsTokenURL    string `koanf:"TEAMS_TOKEN_URL"`
	TeamsCloud       string `koanf:"TEAMS_CLOUD"`            // default: the public one
	TeamsPace        string `koanf:"TEAMS_POSTS_PER_SECOND"` // in one conversation

	ListenAddr   string `koanf:"LISTEN_ADDR"`
	PolicyPath   string `koanf:"NEOBOT_CONFIG"`
	Lease        string `koanf:"NEOBOT_LEASE"`                // how long a dead process holds its work
	OTLPEndpoint string `koanf:"OTEL_EXPORTER_OTLP_ENDPOINT"` // turns tracing on; the exporter reads the rest itself
}

// Defaults for what may be left out.
const (
	defaultNeoURL   = "https://api.neoagent.io"
	defaultSlackURL = "https://slack.com/api/"
	defaultModelURL = "https://api.openai.com/v1"
	defaultModel    = "gpt-5-mini"
	defaultListen   = ":8080"
)

// Bounds of NEOBOT_LEASE: shorter than a slow call to Neo would let two
// processes work on one thing, longer would leave people waiting after a crash.
const (
	minLease = time.Second
	maxLease = 10 * time.Minute
)

// readConfig reads the environment once. It reports nothing: check does, so
// that commands can ask for what they need and no more.
func readConfig(environ func() []string) (Config, error) {
	c := Config{
		NeoBaseURL: defaultNeoURL, SlackAPIURL: defaultSlackURL,
		OpenAIModel: defaultModel, ListenAddr: defaultListen,
	}
	names := configNames()
	k := koanf.New("\x00") // no nesting: names are taken as they are
	provider := env.Provider("\x00", env.Opt{
		EnvironFunc: environ,
		TransformFunc: func(name, value string) (string, any) {
			value = strings.TrimSpace(value)
			if value == "" || !slices.Contains(names, name) {
				return "", nil // an empty variable is an unset one
			}
			return name, value
		},
	})
	if err := k.Load(provider, nil); err != nil {
		return Config{}, fmt.Errorf("read environment: %w", err)
	}
	if err := k.Unmarshal("", &c); err != nil {
		return Config{}, fmt.Errorf("read environment: %w", err)
	}
	return c, nil
}

// configNames are the variables of Config, in order.
func configNames() []string {
	t := reflect.TypeFor[Config]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("koanf")
	}
	return names
}

// need is a part of the configuration a command cannot do without.
type need int

const (
	needNeo need = iota
	needRedis
	needPolicy
	needChat // Slack or Teams
)

// check returns every fault at once: what the command needs and is missing,
// and what is there but wrong.
func (c Config) check(needs ...need) error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, n := range needs {
		switch n {
		case needNeo:
			if c.NeoAPIKey == "" {
				add("NEO_API_KEY is not set: create a key in the Neo dashboard under Roles & Access, API Keys")
			}
		case needRedis:
			if c.RedisURL == "" {
				add("REDIS_URL is not set, e.g. redis://localhost:6379/0")
			}
		case needPolicy:
			if c.PolicyPath == "" {
				add("NEOBOT_CONFIG (or --config) is not set: the path of the policy file, see docs/configuration.md")
			}
		case needChat:
			if !c.slackOn() && !c.teamsOn() {
				add("no chat platform is set up: set SLACK_BOT_TOKEN or TEAMS_APP_ID")
			}
		}
	}
	c.checkValues(add)
	return errors.Join(faults...)
}

func (c Config) slackOn() bool {
	return c.SlackBotToken != "" || c.SlackSigningSecret != "" || c.SlackAppToken != ""
}

func (c Config) teamsOn() bool {
	return c.TeamsAppID != "" || c.TeamsAppPassword != "" || c.TeamsTenantID != ""
}

func (c Config) checkValues(add func(string, ...any)) {
	if c.slackOn() {
		if c.SlackBotToken == "" {
			add("SLACK_BOT_TOKEN is not set, but other SLACK_ variables are")
		}
		if c.SlackSigningSecret == "" && c.SlackAppToken == "" {
			add("SLACK_SIGNING_SECRET (HTTP) or SLACK_APP_TOKEN (Socket Mode) is not set")
		}
	}
	if c.SlackBotToken != "" && !strings.HasPrefix(string(c.SlackBotToken), "xoxb-") {
		add("SLACK_BOT_TOKEN must start with xoxb-")
	}
	if c.SlackAppToken != "" && !strings.HasPrefix(string(c.SlackAppToken), "xapp-") {
		add("SLACK_APP_TOKEN must start with xapp-")
	}
	if len(c.slackSecrets()) > 2 {
		add("SLACK_SIGNING_SECRET has more than two secrets: one, or the new and the old with a comma between")
	}
	if c.teamsOn() && (c.TeamsAppID == "" || c.TeamsAppPassword == "" || c.TeamsTenantID == "") {
		add("TEAMS_APP_ID, TEAMS_APP_PASSWORD and TEAMS_TENANT_ID must be set together")
	}
	c.checkURLs(add)
	if c.RedisURL != "" {
		if _, err := redis.ParseURL(string(c.RedisURL)); err != nil {
			add("REDIS_URL is not a Redis address, e.g. redis://user:password@host:6379/0") // err would print the password
		}
	}
	if d, err := time.ParseDuration(c.Lease); c.Lease != "" && (err != nil || d < minLease || d > maxLease) {
		add("NEOBOT_LEASE %q is not a duration between %s and %s, e.g. 30s", c.Lease, minLease, maxLease)
	}
	c.checkPaces(add)
	if _, _, err := net.SplitHostPort(c.ListenAddr); err != nil {
		add("LISTEN_ADDR %q is not host:port, e.g. :8080", c.ListenAddr)
	}
}

func (c Config) checkPaces(add func(string, ...any)) {
	if c.NeoBudget != "" && c.neoBudget() < 1 {
		add("NEO_REQUESTS_PER_MINUTE %q is not a whole number above 0, e.g. 600", c.NeoBudget)
	}
	if c.SlackPace != "" && c.slackPace() <= 0 {
		add("SLACK_POSTS_PER_SECOND %q is not a number above 0, e.g. 1", c.SlackPace)
	}
	if c.TeamsPace != "" && c.teamsPace() <= 0 {
		add("TEAMS_POSTS_PER_SECOND %q is not a number above 0, e.g. 7", c.TeamsPace)
	}
}

// neoBudget is NEO_REQUESTS_PER_MINUTE; 0 means the client's default.
func (c Config) neoBudget() int {
	n, err := strconv.Atoi(c.NeoBudget)
	if err != nil {
		return 0
	}
	return n
}

// slackPace is SLACK_POSTS_PER_SECOND; 0 means the adapter's default.
func (c Config) slackPace() float64 { return number(c.SlackPace) }

// teamsPace is TEAMS_POSTS_PER_SECOND; 0 means the adapter's default.
func (c Config) teamsPace() float64 { return number(c.TeamsPace) }

// number is s, or 0 when it is none.
func number(s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) {
		return 0
	}
	return n
}

func (c Config) checkURLs(add func(string, ...any)) {
	for _, u := range []struct {
		name, value string
		plain       bool // plain http is all right: nothing secret is sent there
	}{
		{"NEO_BASE_URL", c.NeoBaseURL, false},
		{"SLACK_API_URL", c.SlackAPIURL, false},
		{"OPENAI_BASE_URL", c.OpenAIBaseURL, c.OpenAIKey == ""}, // a model server of one's own, without a key
		{"TEAMS_OPENID_URL", c.TeamsOpenIDURL, false},
		{"TEAMS_TOKEN_URL", c.TeamsTokenURL, false},
	} {
		if fault := urlFault(u.value, u.plain); fault != "" {
			add("%s %s", u.name, fault)
		}
	}
}

// modelURL is the model's endpoint.
func (c Config) modelURL() string {
	if c.OpenAIBaseURL == "" {
		return defaultModelURL
	}
	return c.OpenAIBaseURL
}

// modelOn reports whether a model is configured: a key, or a server that needs none.
func (c Config) modelOn() bool { return c.OpenAIKey != "" || c.OpenAIBaseURL != "" }

// urlFault says what is wrong with an address that keys or tokens are sent to:
// anything but https, except on this machine.
func urlFault(s string, plain bool) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return "is not an address, e.g. https://example.com"
	}
	if u.Scheme == "http" && !plain && !isLoopback(u.Hostname()) {
		return "must be https: a key or token is sent there"
	}
	return ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// lease is NEOBOT_LEASE; 0 means each part's own default.
func (c Config) lease() time.Duration {
	d, err := time.ParseDuration(c.Lease)
	if err != nil {
		return 0
	}
	return d
}

// slackSecrets are the signing secrets, newest first.
func (c Config) slackSecrets() []string {
	var out []string
	for s := range strings.SplitSeq(string(c.SlackSigningSecret), ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
