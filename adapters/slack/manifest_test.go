package slack

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

func manifest(t *testing.T, base string, socket bool) slack.Manifest {
	t.Helper()
	b, err := Manifest(base, socket)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var m slack.Manifest
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The limits are those of
// https://github.com/slackapi/manifest-schema schemas/manifest.schema.2.0.0.json
func TestManifest(t *testing.T) {
	t.Parallel()
	m := manifest(t, "https://bot.example/", false)
	within := func(what, s string, limit int) {
		t.Helper()
		if n := utf8.RuneCountInString(s); n == 0 || n > limit {
			t.Errorf("%s: %d characters, limit %d", what, n, limit)
		}
	}
	within("name", m.Display.Name, 35)
	within("description", m.Display.Description, 140)
	within("bot name", m.Features.BotUser.DisplayName, 80)
	within("agent description", m.Features.AgentView.AgentDescription, 300)
	if n := len(m.Features.AgentView.SuggestedPrompts); n > 4 {
		t.Errorf("%d suggested prompts", n)
	}
	for _, c := range m.Features.SlashCommands {
		within("command", c.Command, 32)
		if !strings.HasPrefix(c.Command, "/") || c.Url != "https://bot.example/slack/commands" {
			t.Errorf("command %+v", c)
		}
	}
	if m.Settings.EventSubscriptions.RequestUrl != "https://bot.example/slack/events" ||
		m.Settings.Interactivity.RequestUrl != "https://bot.example/slack/interactions" || !m.Settings.Interactivity.IsEnabled {
		t.Errorf("settings %+v", m.Settings)
	}
	if n := len(m.Settings.EventSubscriptions.BotEvents); n == 0 || n > 100 {
		t.Errorf("%d events", n)
	}
	if n := len(m.OAuthConfig.Scopes.Bot); n == 0 || n > 255 || len(m.OAuthConfig.Scopes.User) > 0 {
		t.Errorf("scopes %+v", m.OAuthConfig.Scopes)
	}
	if !m.Features.AppHome.HomeTabEnabled || !m.Features.AppHome.MessagesTabEnabled || m.Features.AppHome.MessagesTabReadOnlyEnabled {
		t.Errorf("app home %+v", m.Features.AppHome)
	}
}

// Each event is delivered only with its scope.
// https://docs.slack.dev/reference/events
func TestManifestScopesCoverItsEvents(t *testing.T) {
	t.Parallel()
	m := manifest(t, "https://bot.example", false)
	need := map[string]string{
		"app_mention": "app_mentions:read", "message.channels": "channels:history", "message.groups": "groups:history",
		"message.im": "im:history", "message.mpim": "mpim:history",
		"app_home_opened": "", "app_uninstalled": "", "tokens_revoked": "",
	}
	for _, e := range m.Settings.EventSubscriptions.BotEvents {
		scope, ok := need[e]
		if !ok || scope != "" && !slices.Contains(m.OAuthConfig.Scopes.Bot, scope) {
			t.Errorf("event %s: scope %q", e, scope)
		}
	}
}

func TestManifestSocketMode(t *testing.T) {
	t.Parallel()
	m := manifest(t, "", true)
	if !m.Settings.SocketModeEnabled || m.Settings.EventSubscriptions.RequestUrl != "" || m.Settings.Interactivity.RequestUrl != "" || m.Features.SlashCommands[0].Url != "" {
		t.Errorf("%+v", m)
	}
	for _, bad := range []string{"", "http://bot.example", "bot.example", "https://", "https://bot.example?x=1"} {
		if _, err := Manifest(bad, false); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
