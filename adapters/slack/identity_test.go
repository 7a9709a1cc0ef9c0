package slack

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/adapters/slack/slackfake"
)

// alone is an adapter on a fake Slack, without inbox and runner.
func alone(t *testing.T, fake slackfake.Config, change func(*Config)) (*Adapter, *slackfake.Server) {
	t.Helper()
	f := newFake(t, fake)
	d := &desk{refused: map[string]int{}, threads: map[string]bool{}}
	cfg := Config{
		Installs: []Install{{Team: f.Config().Team, Enterprise: f.Config().Enterprise, Token: f.Config().Token}}, AppID: f.Config().App,
		SigningSecrets: []string{f.Config().Secret}, APIURL: f.APIURL(), ResponseHosts: []string{f.ResponseHost()},
		Inbox: d, Threads: d, Handler: &brain{t: t}, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	if change != nil {
		change(&cfg)
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a, f
}

func TestVerifyPeople(t *testing.T) {
	t.Parallel()
	a, f := alone(t, slackfake.Config{Enterprise: "E1"}, nil)
	for _, u := range []slackfake.User{
		{ID: "UDEL", Name: "Del", Deleted: true, Restricted: true},
		{ID: "UBOT2", Name: "Other bot", Bot: true},
		{ID: "UULTRA", Name: "Ultra", UltraRestricted: true},
		{ID: "USTRANGER", Name: "Str", Stranger: true},
		{ID: "UGRID", Name: "Grid", Team: "T2SISTER", Enterprise: "E1"},
		{ID: "UGRID9", Name: "Foreign grid", Team: "T9", Enterprise: "E9"},
	} {
		f.AddUser(u)
	}
	for name, c := range map[string]struct {
		user, home string
		want       adapters.Trust
	}{
		"member":                      {"U1", "", adapters.TrustMember},
		"member, home given":          {"U1", "T0HOME", adapters.TrustMember},
		"member, another home given":  {"U1", "T9", adapters.TrustOutsider},
		"guest":                       {"UGUEST", "T0HOME", adapters.TrustGuest},
		"single-channel guest":        {"UULTRA", "", adapters.TrustGuest},
		"Slack Connect":               {"UOUT", "T9OTHER", adapters.TrustOutsider},
		"Slack Connect, lying home":   {"UOUT", "T0HOME", adapters.TrustOutsider},
		"stranger in the home team":   {"USTRANGER", "", adapters.TrustOutsider},
		"deactivated guest":           {"UDEL", "", adapters.TrustDeactivated},
		"bot":                         {"UBOT2", "", adapters.TrustBot},
		"sister workspace of the org": {"UGRID", "T2SISTER", adapters.TrustMember},
		"another org":                 {"UGRID9", "T9", adapters.TrustOutsider},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, _, err := a.Verify(t.Context(), "slack:T0HOME", adapters.User{ID: c.user, Home: c.home}, adapters.Conversation{ID: "C1", Kind: adapters.Channel})
			if err != nil || u.Trust != c.want {
				t.Errorf("trust %q, err %v; want %q", u.Trust, err, c.want)
			}
		})
	}
}

func TestVerifyPlaces(t *testing.T) {
	t.Parallel()
	a, f := alone(t, slackfake.Config{}, nil)
	f.AddChannel(slackfake.Channel{ID: "CPEND", PendingShared: true, Members: []string{"U1"}})
	f.AddChannel(slackfake.Channel{ID: "GPRIV", Kind: "group", NoBot: true, Members: []string{"U1"}})
	f.AddChannel(slackfake.Channel{ID: "GMP", Kind: "mpim", Members: []string{"U1", "U2"}})
	mine, foreign := f.Direct("U1"), f.Direct("UOUT")
	for name, c := range map[string]struct {
		user  string
		in    adapters.Conversation
		want  adapters.Sharing
		place adapters.Conversation // what Place says
	}{
		"internal":        {"U1", adapters.Conversation{ID: "C1", Kind: adapters.Channel}, adapters.SharingInternal, adapters.Conversation{ID: "C1", Kind: adapters.Channel, Sharing: adapters.SharingInternal}},
		"shared":          {"U1", adapters.Conversation{ID: "CX", Kind: adapters.Channel}, adapters.SharingExternal, adapters.Conversation{ID: "CX", Kind: adapters.Channel, Sharing: adapters.SharingExternal}},
		"about to be":     {"U1", adapters.Conversation{ID: "CPEND", Kind: adapters.Channel}, adapters.SharingExternal, adapters.Conversation{ID: "CPEND", Kind: adapters.Channel, Sharing: adapters.SharingExternal}},
		"said so outside": {"U1", adapters.Conversation{ID: "C1", Kind: adapters.Channel, Sharing: adapters.SharingExternal}, adapters.SharingExternal, adapters.Conversation{ID: "C1", Kind: adapters.Channel, Sharing: adapters.SharingInternal}},
		"group message":   {"U1", adapters.Conversation{ID: "GMP", Kind: adapters.Group}, adapters.SharingInternal, adapters.Conversation{ID: "GMP", Kind: adapters.Group, Sharing: adapters.SharingInternal}},
		"direct":          {"U1", adapters.Conversation{ID: mine, Kind: adapters.Direct}, adapters.SharingInternal, adapters.Conversation{ID: mine, Kind: adapters.Direct, Sharing: adapters.SharingInternal}},
		"direct, outside": {"UOUT", adapters.Conversation{ID: foreign, Kind: adapters.Direct}, adapters.SharingExternal, adapters.Conversation{ID: foreign, Kind: adapters.Direct, Sharing: adapters.SharingExternal}},
		"not shown to us": {"U1", adapters.Conversation{ID: "GPRIV", Kind: adapters.Channel}, adapters.SharingUnknown, adapters.Conversation{ID: "GPRIV", Kind: adapters.Channel}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, conv, err := a.Verify(t.Context(), "slack:T0HOME", adapters.User{ID: c.user}, c.in)
			if err != nil || conv.Sharing != c.want || u.Trust == adapters.TrustUnknown {
				t.Errorf("%+v, sharing %q, err %v; want %q", u, conv.Sharing, err, c.want)
			}
			place, err := a.Place(t.Context(), "slack:T0HOME", c.in.ID)
			if d := cmp.Diff(c.place, place); d != "" || (err != nil) != (c.place.Sharing == adapters.SharingUnknown) {
				t.Errorf("place: %v\n%s", err, d)
			}
		})
	}
}

// Whatever goes wrong, nobody is vouched for.
func TestVerifyFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w      adapters.Workspace
		user   string
		method string
		fault  slackfake.Fault
		scopes []string
	}{
		"people unavailable": {"slack:T0HOME", "U1", "users.info", slackfake.Fault{Status: 500}, nil},
		"people dropped":     {"slack:T0HOME", "U1", "users.info", slackfake.Fault{Drop: true}, nil},
		"people refused":     {"slack:T0HOME", "U1", "users.info", slackfake.Fault{Error: "fatal_error"}, nil},
		"places unavailable": {"slack:T0HOME", "U1", "conversations.info", slackfake.Fault{Status: 500}, nil},
		"nobody":             {"slack:T0HOME", "", "", slackfake.Fault{}, nil},
		"unknown person":     {"slack:T0HOME", "U404", "", slackfake.Fault{}, nil},
		"other workspace":    {"slack:T9", "U1", "", slackfake.Fault{}, nil},
		"other platform":     {"teams:T0HOME", "U1", "", slackfake.Fault{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, f := alone(t, slackfake.Config{}, nil)
			if c.method != "" {
				f.Fail(c.method, c.fault)
			}
			u, conv, err := a.Verify(t.Context(), c.w, adapters.User{ID: c.user, Trust: adapters.TrustMember}, adapters.Conversation{ID: "C1", Kind: adapters.Channel, Sharing: adapters.SharingInternal})
			if err == nil || u.Trust != adapters.TrustUnknown || conv.Sharing != adapters.SharingUnknown {
				t.Errorf("%+v %+v %v", u, conv, err)
			}
		})
	}
}

func TestVerifyIsCachedForAMinute(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	a, f := alone(t, slackfake.Config{}, func(c *Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	ask := func() adapters.Trust {
		u, _, err := a.Verify(t.Context(), "slack:T0HOME", adapters.User{ID: "U1"}, adapters.Conversation{ID: "C1", Kind: adapters.Channel})
		if err != nil {
			t.Fatal(err)
		}
		return u.Trust
	}
	ask()
	f.AddUser(slackfake.User{ID: "U1", Name: "Ann", Deleted: true})
	if got := ask(); got != adapters.TrustMember || len(f.Calls("users.info")) != 1 || len(f.Calls("conversations.info")) != 1 {
		t.Errorf("%s after %d calls", got, len(f.Calls("users.info")))
	}
	ahead.Store(int64(61 * time.Second))
	if got := ask(); got != adapters.TrustDeactivated {
		t.Errorf("a minute later: %s", got)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	a, _ := alone(t, slackfake.Config{}, nil)
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
	a, _ = alone(t, slackfake.Config{Scopes: Scopes()[:3]}, nil)
	if err := a.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "users:read") {
		t.Errorf("missing scopes: %v", err)
	}
	a, _ = alone(t, slackfake.Config{}, func(c *Config) { c.Installs[0].Team = "T9" })
	if err := a.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "T0HOME") {
		t.Errorf("wrong workspace: %v", err)
	}
	a, _ = alone(t, slackfake.Config{}, func(c *Config) { c.Installs[0].Token = "xoxb-other" })
	if err := a.Check(t.Context()); err == nil {
		t.Error("wrong token passed")
	}
}

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no app":       func(c *Config) { c.AppID = "" },
		"no install":   func(c *Config) { c.Installs = nil },
		"no token":     func(c *Config) { c.Installs[0].Token = "" },
		"twice":        func(c *Config) { c.Installs = append(c.Installs, c.Installs[0]) },
		"no secret":    func(c *Config) { c.SigningSecrets = nil },
		"empty secret": func(c *Config) { c.SigningSecrets = []string{""} },
		"no inbox":     func(c *Config) { c.Inbox = nil },
		"no clock":     func(c *Config) { c.Now = nil },
		"API URL":      func(c *Config) { c.APIURL = "slack" },
	} {
		d := &desk{}
		cfg := Config{
			Installs: []Install{{Team: "T1", Token: "x"}}, AppID: "A1", SigningSecrets: []string{"long-enough"},
			Inbox: d, Threads: d, Handler: &brain{}, Now: time.Now,
		}
		if _, err := New(cfg); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestResponseHosts(t *testing.T) {
	t.Parallel()
	a, _ := alone(t, slackfake.Config{}, func(c *Config) { c.ResponseHosts = nil })
	for raw, want := range map[string]bool{
		"https://hooks.slack.com/actions/T1/1/x":  true,
		"http://hooks.slack.com/actions/T1/1/x":   false,
		"https://hooks.slack.com.evil.example/x":  false,
		"https://hooks.slack.com@evil.example/x":  false,
		"https://user@hooks.slack.com/x":          false,
		"https://hooks.slack.com:444/x":           false,
		"https://evil.example/hooks.slack.com":    false,
		"//hooks.slack.com/x":                     false,
		"file:///etc/passwd":                      false,
		"http://169.254.169.254/latest/meta-data": false,
		"": false,
		"https://hooks.slack.com\\@evil.example/path": false,
	} {
		if got := a.responseAllowed(raw); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
}
