package slack

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"neobot/adapters"
)

// envelope is the outer layer of an Events API delivery. We decode it ourselves:
// slackevents.ParseEvent fails on event types it does not know, and those must
// be acknowledged too. https://docs.slack.dev/apis/events-api
type envelope struct {
	Type           string          `json:"type"`
	Challenge      string          `json:"challenge"`
	TeamID         string          `json:"team_id"`
	EnterpriseID   string          `json:"enterprise_id"`
	APIAppID       string          `json:"api_app_id"`
	EventID        string          `json:"event_id"`
	EventTime      int64           `json:"event_time"`
	ExtShared      bool            `json:"is_ext_shared_channel"`
	Authorizations []authorization `json:"authorizations"`
	Event          json.RawMessage `json:"event"`
	// app_rate_limited
	MinuteRateLimited int64 `json:"minute_rate_limited"`
}

type authorization struct {
	EnterpriseID        string `json:"enterprise_id"`
	TeamID              string `json:"team_id"`
	UserID              string `json:"user_id"`
	IsBot               bool   `json:"is_bot"`
	IsEnterpriseInstall bool   `json:"is_enterprise_install"`
}

// inner is the part of an event we look at. A field of an unexpected shape
// makes the event undecodable, and it is dropped.
type inner struct {
	Type        string          `json:"type"`
	Subtype     string          `json:"subtype"`
	User        string          `json:"user"`
	BotID       string          `json:"bot_id"`
	Text        string          `json:"text"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	Channel     string          `json:"channel"`
	ChannelType string          `json:"channel_type"`
	Team        string          `json:"team"`
	UserTeam    string          `json:"user_team"`
	Edited      json.RawMessage `json:"edited"`
	Hidden      bool            `json:"hidden"`
	Tab         string          `json:"tab"`
	Tokens      struct {
		Bot []string `json:"bot"`
	} `json:"tokens"`
	AssistantThread struct {
		UserID    string `json:"user_id"`
		ChannelID string `json:"channel_id"`
		ThreadTS  string `json:"thread_ts"`
	} `json:"assistant_thread"`
}

// event takes one Events API delivery, from HTTP or Socket Mode.
func (a *Adapter) event(ctx context.Context, body []byte) reply {
	var env envelope
	if err := json.Unmarshal(body, &env); err != nil {
		return a.refuse("malformed", "event envelope", "err", err.Error())
	}
	switch env.Type {
	case "url_verification":
		return reply{body: map[string]string{"challenge": env.Challenge}}
	case "app_rate_limited":
		a.cfg.RefusedFunc("app_rate_limited")
		a.cfg.Logger.ErrorContext(ctx, "Slack withholds events: too many", "team", env.TeamID, "minute", env.MinuteRateLimited)
		return reply{}
	case "event_callback":
	default:
		return a.refuse("unknown_type", "event envelope", "type", env.Type)
	}
	in, ok := a.admit(env.APIAppID, env.TeamID, env.orgOf())
	if !ok {
		return a.refuse("not_ours", "app or workspace is not allowed", "app", env.APIAppID, "team", env.TeamID, "event_id", env.EventID)
	}
	var ev inner
	if err := json.Unmarshal(env.Event, &ev); err != nil {
		return a.refuse("malformed", "event", "event_id", env.EventID, "err", err.Error())
	}
	for _, au := range env.Authorizations {
		if au.IsBot && (au.TeamID == in.Team || au.TeamID == env.TeamID) {
			in.setBotUser(au.UserID)
		}
	}
	return a.dispatch(ctx, in, &env, &ev)
}

// orgOf is the organisation of an org-wide install, else empty: only then may
// the organisation's id stand for the workspace.
func (e *envelope) orgOf() string {
	for _, au := range e.Authorizations {
		if au.IsEnterpriseInstall && au.EnterpriseID == e.EnterpriseID {
			return e.EnterpriseID
		}
	}
	return ""
}

// admit finds the install a delivery is for. The app id must be ours; an org
// counts only for an org-wide install.
func (a *Adapter) admit(app, team, org string) (*install, bool) {
	if app != a.cfg.AppID {
		return nil, false
	}
	if in := a.installs[team]; in != nil && team != "" {
		return in, true
	}
	if in := a.installs[org]; in != nil && org != "" {
		return in, true
	}
	return nil, false
}

func (a *Adapter) dispatch(ctx context.Context, in *install, env *envelope, ev *inner) reply {
	switch ev.Type {
	case "app_mention", "message":
		return a.said(ctx, in, env, ev)
	case "app_home_opened":
		if ev.Tab != "home" || ev.User == "" {
			return reply{}
		}
		return a.put(ctx, adapters.Message{
			Workspace: in.workspace, ID: "home:" + env.EventID, Home: true, At: env.at(),
			User: adapters.User{ID: ev.User}, Conversation: adapters.HomePlace(ev.User),
		})
	case "assistant_thread_started":
		t := ev.AssistantThread
		if t.UserID == "" || t.ChannelID == "" {
			return reply{}
		}
		return a.put(ctx, adapters.Message{
			Workspace: in.workspace, ID: "assistant:" + t.ChannelID + ":" + t.ThreadTS, Text: "help", At: env.at(),
			User:         adapters.User{ID: t.UserID},
			Conversation: adapters.Conversation{ID: t.ChannelID, Kind: adapters.Direct},
			Thread:       t.ThreadTS,
		})
	case "app_uninstalled":
		in.retire()
		a.cfg.Logger.ErrorContext(ctx, "app was uninstalled", "workspace", in.workspace)
	case "tokens_revoked":
		if len(ev.Tokens.Bot) > 0 {
			in.retire()
			a.cfg.Logger.ErrorContext(ctx, "bot token was revoked", "workspace", in.workspace)
		}
	}
	return reply{} // everything else is none of our business
}

func (e *envelope) at() time.Time {
	if e.EventTime <= 0 {
		return time.Time{}
	}
	return time.Unix(e.EventTime, 0).UTC()
}

func (a *Adapter) put(ctx context.Context, m adapters.Message) reply {
	fresh, err := a.cfg.Inbox.PutMessage(ctx, m)
	return a.accepted("message", fresh, err)
}

// said handles app_mention and message. One mention in a channel arrives as
// both; they have the same channel and ts and so the same id.
func (a *Adapter) said(ctx context.Context, in *install, env *envelope, ev *inner) reply {
	if !ev.fromPerson(in.bot()) {
		return reply{}
	}
	kind := kindOf(ev.Channel, ev.ChannelType)
	addressed, err := a.addressed(ctx, in, ev, kind)
	if err != nil {
		return a.accepted("message", false, err)
	}
	if !addressed {
		return reply{}
	}
	m := adapters.Message{
		Workspace: in.workspace, ID: ev.Channel + ":" + ev.TS, At: tsTime(ev.TS),
		User:         adapters.User{ID: ev.User, Home: firstOf(ev.UserTeam, ev.Team)},
		Conversation: adapters.Conversation{ID: ev.Channel, Kind: kind},
		Text:         plain(ev.Text, in.bot()),
		Thread:       ev.ThreadTS,
	}
	if env.ExtShared {
		m.Conversation.Sharing = adapters.SharingExternal
	}
	// In a channel every question opens a thread. A direct conversation is one
	// thread already; there we stay in the assistant's thread if there is one.
	if m.Thread == "" && kind != adapters.Direct {
		m.Thread = ev.TS
	}
	return a.put(ctx, m)
}

// fromPerson keeps out bots (ourselves first: our posts come back as events),
// edits, joins and other notices. A mention added by an edit does not count:
// the bot would answer a text nobody sees as a question.
func (ev *inner) fromPerson(bot string) bool {
	switch ev.Subtype {
	case "", "file_share", "thread_broadcast":
	default:
		return false
	}
	return ev.BotID == "" && ev.User != "" && ev.User != bot && ev.User != "USLACKBOT" &&
		!ev.Hidden && isNull(ev.Edited) && ev.Channel != "" && ev.TS != ""
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// addressed says whether the message is meant for the bot: a mention, a direct
// message, or a follow-up in a thread where the bot has answered.
func (a *Adapter) addressed(ctx context.Context, in *install, ev *inner, kind adapters.Kind) (bool, error) {
	if kind == adapters.Direct {
		return ev.Type == "message", nil // app_mention is not sent for direct messages
	}
	if ev.Type == "app_mention" || mentions(ev.Text, in.bot()) {
		return true, nil
	}
	if ev.ThreadTS == "" || ev.ThreadTS == ev.TS || toOther(ev.Text) {
		return false, nil
	}
	known, err := a.cfg.Threads.ThreadKnown(ctx, in.workspace, ev.Channel, ev.ThreadTS)
	if err != nil {
		return false, errors.Join(errors.New("thread not looked up"), err)
	}
	return known, nil
}

// kindOf goes by the event's channel_type, else by the id: D is direct. A
// missing type on a C or G id counts as a channel.
func kindOf(channel, typ string) adapters.Kind {
	switch {
	case adapters.IsHome(adapters.Conversation{ID: channel}):
		return adapters.Direct
	case typ == "im" || typ == "" && strings.HasPrefix(channel, "D"):
		return adapters.Direct
	case typ == "mpim":
		return adapters.Group
	}
	return adapters.Channel
}

// tsTime reads the seconds of a message id. The id itself stays a string.
func tsTime(ts string) time.Time {
	sec, _, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseInt(sec, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
