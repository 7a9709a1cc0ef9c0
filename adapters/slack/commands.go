package slack

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"neobot/adapters"
)

// command is a slash command; HTTP sends it as a form, Socket Mode as JSON.
// https://docs.slack.dev/interactivity/implementing-slash-commands
type command struct {
	Command             string `json:"command"`
	Text                string `json:"text"`
	APIAppID            string `json:"api_app_id"`
	TeamID              string `json:"team_id"`
	EnterpriseID        string `json:"enterprise_id"`
	IsEnterpriseInstall string `json:"is_enterprise_install"` // "true" or "false"
	ChannelID           string `json:"channel_id"`
	UserID              string `json:"user_id"`
	ResponseURL         string `json:"response_url"`
	TriggerID           string `json:"trigger_id"`
	SSLCheck            string `json:"ssl_check"`
}

func commandFromForm(f url.Values) command {
	return command{
		Command: f.Get("command"), Text: f.Get("text"), APIAppID: f.Get("api_app_id"),
		TeamID: f.Get("team_id"), EnterpriseID: f.Get("enterprise_id"), IsEnterpriseInstall: f.Get("is_enterprise_install"),
		ChannelID: f.Get("channel_id"), UserID: f.Get("user_id"),
		ResponseURL: f.Get("response_url"), TriggerID: f.Get("trigger_id"), SSLCheck: f.Get("ssl_check"),
	}
}

func commandFromJSON(b []byte) (command, error) {
	var c command
	err := json.Unmarshal(b, &c)
	return c, err
}

// command takes one slash command. It is answered privately, later, through its
// response_url; the reply itself is empty, so that nothing flickers.
func (a *Adapter) command(ctx context.Context, c command) reply {
	if c.SSLCheck == "1" {
		return reply{}
	}
	org := ""
	if c.IsEnterpriseInstall == "true" {
		org = c.EnterpriseID
	}
	in, ok := a.admit(c.APIAppID, c.TeamID, org)
	if !ok {
		return a.refuse("not_ours", "app or workspace is not allowed", "app", c.APIAppID, "team", c.TeamID)
	}
	if c.UserID == "" || c.TriggerID == "" || !strings.HasPrefix(c.Command, "/") {
		return a.refuse("malformed", "command")
	}
	return a.put(ctx, adapters.Message{
		Workspace: in.workspace, ID: "command:" + c.TriggerID, Command: true, At: a.cfg.Now().UTC(),
		User:         adapters.User{ID: c.UserID},
		Conversation: adapters.Conversation{ID: c.ChannelID, Kind: kindOf(c.ChannelID, "")},
		Text:         plain(c.Text, in.bot()),
		Reply:        c.ResponseURL,
	})
}
