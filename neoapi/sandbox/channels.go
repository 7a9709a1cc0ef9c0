package sandbox

import (
	"net/http"
	"time"
)

// Channel exposes a chat agent through a transport.
type Channel struct {
	ID                string    `json:"id"`
	InternalName      string    `json:"internal_name"`
	AgentID           *int      `json:"agent_id"`
	DisplayName       *string   `json:"display_name"`
	Description       *string   `json:"description"`
	WelcomeMessage    *string   `json:"welcome_message"`
	ColorIconURL      *string   `json:"color_icon_url"`
	OutlineIconURL    *string   `json:"outline_icon_url"`
	RelayPrefix       *string   `json:"relay_prefix"`
	ShowProgressSteps bool      `json:"show_agent_progress_steps"`
	Audience          string    `json:"audience"`
	Status            string    `json:"status"`
	Transport         string    `json:"transport"`
	CreatedAt         time.Time `json:"created_at"`
	UpdatedAt         time.Time `json:"updated_at"`

	botID string
}

func channelOps() map[string]handler {
	return map[string]handler{
		"list_channels":  func(c *call) (reply, error) { return list(c, c.state.Channels, nil) },
		"create_channel": createChannel,
		"get_channel": func(c *call) (reply, error) {
			ch, err := lookup(c, c.state.Channels, "channel_id", "Channel")
			return reply{data: ch}, err
		},
		"update_channel": updateChannel, "resolve_install_branding": installBranding,
		"delete_channel": func(c *call) (reply, error) {
			if !c.state.Channels.Remove(c.path("channel_id")) {
				return reply{}, notFound("Channel")
			}
			return reply{data: Object{"id": c.path("channel_id"), "deleted": true}}, nil
		},
	}
}

func createChannel(c *call) (reply, error) {
	ch := &Channel{Status: "ACTIVE", Transport: "TEAMS"}
	if err := c.bind(ch); err != nil {
		return reply{}, err
	}
	if err := checkChannel(c, ch); err != nil {
		return reply{}, err
	}
	ch.ID, ch.CreatedAt, ch.UpdatedAt = c.state.uuid(), c.now, c.now
	c.state.Channels.Add(ch)
	return reply{data: ch}, nil
}

// updateChannel changes the sent fields.
func updateChannel(c *call) (reply, error) {
	old, err := lookup(c, c.state.Channels, "channel_id", "Channel")
	if err != nil {
		return reply{}, err
	}
	next, err := clone(old)
	if err != nil {
		return reply{}, err
	}
	if err := c.bind(next); err != nil {
		return reply{}, err
	}
	if next.Audience != old.Audience {
		return reply{}, badParameter("audience", "cannot change")
	}
	if err := checkChannel(c, next); err != nil {
		return reply{}, err
	}
	next.ID, next.botID, next.CreatedAt, next.UpdatedAt = old.ID, old.botID, old.CreatedAt, c.now
	*old = *next
	return reply{data: old}, nil
}

func checkChannel(c *call, ch *Channel) error {
	if ch.InternalName == "" {
		return unprocessable("internal_name", "must not be empty")
	}
	if ch.Transport != "TEAMS" {
		return unprocessable("transport", "only TEAMS is live; the others are reserved")
	}
	if ch.AgentID == nil {
		return nil
	}
	a := c.state.Agents.Get(itoa(*ch.AgentID))
	if a == nil || a.AutonomyType != "CONVERSATIONAL" {
		return unprocessable("agent_id", "is not a chat agent")
	}
	if a.Audience != ch.Audience {
		return unprocessable("agent_id", "serves another audience")
	}
	return nil
}

// installBranding is for Neo's own relay.
func installBranding(c *call) (reply, error) {
	if c.caller.kind != platform {
		return reply{}, refuse(http.StatusForbidden, "FORBIDDEN", "Only platform accounts may resolve installs")
	}
	var in struct {
		BotID    string `json:"bot_id"`
		TenantID string `json:"end_client_tenant_id"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	for ch := range c.state.Channels.All() {
		if ch.botID == in.BotID && c.state.mapped(in.TenantID) {
			return reply{data: Object{"matched": true, "display_name": ch.DisplayName, "welcome_message": ch.WelcomeMessage}}, nil
		}
	}
	return reply{data: Object{"matched": false, "display_name": nil, "welcome_message": nil}}, nil
}
