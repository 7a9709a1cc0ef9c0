package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/slack-go/slack"
)

// Scopes are the bot scopes the app needs, and no more.
func Scopes() []string {
	return []string{
		"app_mentions:read", // questions in channels
		"assistant:write",   // asked for by agent_view: the entry in Slack's top bar
		"channels:history",  // follow-ups in the bot's threads; finding a post whose reply was lost
		"channels:read",     // is the channel shared with another company?
		"chat:write",        // answers
		"commands",          // /neo
		filesScope,          // charts as pictures; without it they are text
		"groups:history",    // the same three for private channels,
		"groups:read",
		"im:history", // direct messages,
		"im:read",
		"im:write",     // (telling a person directly)
		"mpim:history", // and group messages
		"mpim:read",
		"users:read", // guest, deactivated, another company?
	}
}

// botEvents are the events the adapter handles.
var botEvents = []string{
	"app_home_opened", "app_mention", "app_uninstalled", "tokens_revoked",
	"message.channels", "message.groups", "message.im", "message.mpim",
}

// Manifest is the app manifest for "create an app from a manifest" at
// api.slack.com/apps, as JSON. baseURL is where the bot is reached (https);
// with socket set it is not needed and events come over Socket Mode.
func Manifest(baseURL string, socket bool) ([]byte, error) {
	base := strings.TrimSuffix(baseURL, "/")
	if !socket {
		u, err := url.Parse(base)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("slack manifest: %q is not an https URL", baseURL)
		}
	}
	at := func(path string) string {
		if socket {
			return ""
		}
		return base + path
	}
	m := slack.Manifest{
		Metadata: slack.ManifestMetadata{MajorVersion: 2, MinorVersion: 1},
		Display: slack.Display{
			Name:            "neobot",
			Description:     "Ask about Neo's agents, approve changes and escalate, from chat.",
			BackgroundColor: "#1f2937",
		},
		Features: slack.Features{
			AppHome:   slack.AppHome{HomeTabEnabled: true, MessagesTabEnabled: true},
			BotUser:   slack.BotUser{DisplayName: "neobot", AlwaysOnline: true},
			AgentView: agentView(),
			SlashCommands: []slack.ManifestSlashCommand{{
				Command: "/neo", Url: at("/slack/commands"), Description: "Ask Neo; only you see the answer",
				UsageHint: "agents | runs failed today | help",
			}},
		},
		OAuthConfig: slack.OAuthConfig{Scopes: slack.OAuthScopes{Bot: Scopes()}},
		Settings: slack.Settings{
			EventSubscriptions: &slack.EventSubscriptions{RequestUrl: at("/slack/events"), BotEvents: botEvents},
			Interactivity:      &slack.Interactivity{IsEnabled: true, RequestUrl: at("/slack/interactions")},
			SocketModeEnabled:  socket,
		},
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, errors.Join(errors.New("slack manifest"), err)
	}
	return b, nil
}

// agentView is how the bot introduces itself in Slack's place for agents. The
// prompts are questions of the built-in router.
func agentView() *slack.AgentView {
	return &slack.AgentView{
		AgentDescription: "Answers questions about your Neo agents and their runs, and makes changes only after somebody entitled has approved them.",
		SuggestedPrompts: []slack.ManifestSuggestedPrompt{
			{Title: "What failed today?", Message: "runs failed today"},
			{Title: "List agents", Message: "agents"},
			{Title: "Waiting for a technician", Message: "pending requests"},
			{Title: "What may I do?", Message: "what may I do"},
		},
	}
}
