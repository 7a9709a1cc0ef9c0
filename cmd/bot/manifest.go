package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) manifestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "App manifests for Slack and Teams, ready to install",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.manifestSlack())
	return cmd
}

func (a *app) manifestSlack() *cobra.Command {
	var base, name string
	var socket bool
	cmd := &cobra.Command{
		Use:   "slack --url https://bot.example.com",
		Short: "Print the Slack app manifest",
		Long: `Prints the manifest to paste at https://api.slack.com/apps, Create New App, From a manifest.

With --socket the app uses Socket Mode and needs no public address.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			m, err := slackManifest(name, base, socket)
			if err != nil {
				return err
			}
			out := json.NewEncoder(a.out)
			out.SetIndent("", "  ")
			out.SetEscapeHTML(false)
			return out.Encode(m)
		},
	}
	cmd.Flags().StringVar(&base, "url", "", "public https address of the bot, without a path")
	cmd.Flags().StringVar(&name, "name", "neobot", "name of the app, at most 35 characters")
	cmd.Flags().BoolVar(&socket, "socket", false, "use Socket Mode, no public address needed")
	return cmd
}

// manifest is the part of Slack's app manifest that we use.
// https://docs.slack.dev/reference/app-manifest
type manifest struct {
	DisplayInformation manifestDisplay  `json:"display_information"`
	Features           manifestFeatures `json:"features"`
	OAuthConfig        manifestOAuth    `json:"oauth_config"`
	Settings           manifestSettings `json:"settings"`
}

type manifestDisplay struct {
	Name            string `json:"name"`
	Description     string `json:"description"`
	BackgroundColor string `json:"background_color"`
}

type manifestFeatures struct {
	AppHome       manifestHome      `json:"app_home"`
	BotUser       manifestBot       `json:"bot_user"`
	SlashCommands []manifestCommand `json:"slash_commands"`
}

type manifestHome struct {
	HomeTab          bool `json:"home_tab_enabled"`
	MessagesTab      bool `json:"messages_tab_enabled"`
	MessagesReadOnly bool `json:"messages_tab_read_only_enabled"`
}

type manifestBot struct {
	DisplayName  string `json:"display_name"`
	AlwaysOnline bool   `json:"always_online"`
}

type manifestCommand struct {
	Command      string `json:"command"`
	URL          string `json:"url,omitempty"`
	Description  string `json:"description"`
	UsageHint    string `json:"usage_hint"`
	ShouldEscape bool   `json:"should_escape"`
}

type manifestOAuth struct {
	Scopes struct {
		Bot []string `json:"bot"`
	} `json:"scopes"`
}

type manifestSettings struct {
	EventSubscriptions struct {
		RequestURL string   `json:"request_url,omitempty"`
		BotEvents  []string `json:"bot_events"`
	} `json:"event_subscriptions"`
	Interactivity struct {
		Enabled    bool   `json:"is_enabled"`
		RequestURL string `json:"request_url,omitempty"`
	} `json:"interactivity"`
	OrgDeploy     bool `json:"org_deploy_enabled"`
	SocketMode    bool `json:"socket_mode_enabled"`
	TokenRotation bool `json:"token_rotation_enabled"`
}

// The paths Slack calls.
const (
	slackEventsPath       = "/slack/events"
	slackInteractionsPath = "/slack/interactions"
	slackCommandsPath     = "/slack/commands"
)

// slackScopes are the scopes of the bot token, each for something the bot does.
var slackScopes = []string{
	"app_mentions:read", // hear a mention
	"channels:read",     // is a channel shared with another company?
	"chat:write",        // answer
	"commands",          // /neo
	"groups:read",       // the same for private channels it is in
	"im:history",        // hear a direct message
	"im:read",           // is a conversation a direct one?
	"im:write",          // open one, for cards to approvers
	"mpim:history",      // hear a group direct message
	"mpim:read",
	"reactions:write", // show that it is working
	"users:read",      // is a person a guest or from another company?
}

var slackEvents = []string{
	"app_home_opened", "app_mention", "app_uninstalled", "message.im", "message.mpim", "tokens_revoked",
}

// slackManifest builds the manifest for a bot at base, or for Socket Mode.
func slackManifest(name, base string, socket bool) (*manifest, error) {
	if n := len([]rune(name)); n == 0 || n > 35 {
		return nil, fmt.Errorf("--name must have 1 to 35 characters")
	}
	var at func(path string) string
	switch {
	case socket && base != "":
		return nil, fmt.Errorf("give --url or --socket, not both: with Socket Mode Slack calls no address")
	case socket:
		at = func(string) string { return "" }
	default:
		u, err := url.Parse(base)
		if base == "" || err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("--url must be the public https address of the bot, e.g. https://bot.example.com (or use --socket)")
		}
		at = func(path string) string { return strings.TrimSuffix(base, "/") + path }
	}
	m := &manifest{
		DisplayInformation: manifestDisplay{
			Name: name, BackgroundColor: "#1d2a44",
			Description: "Ask about Neo's agents, approve changes with one click, escalate to the Neo team.",
		},
		Features: manifestFeatures{
			AppHome: manifestHome{HomeTab: true, MessagesTab: true},
			BotUser: manifestBot{DisplayName: name, AlwaysOnline: true},
			SlashCommands: []manifestCommand{{
				Command: "/neo", URL: at(slackCommandsPath), Description: "Ask Neo",
				UsageHint: "what failed today?", ShouldEscape: false,
			}},
		},
	}
	m.OAuthConfig.Scopes.Bot = slackScopes
	m.Settings.EventSubscriptions.RequestURL = at(slackEventsPath)
	m.Settings.EventSubscriptions.BotEvents = slackEvents
	m.Settings.Interactivity.Enabled = true
	m.Settings.Interactivity.RequestURL = at(slackInteractionsPath)
	m.Settings.SocketMode = socket
	return m, nil
}
