package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"neobot/adapters"
	"neobot/cards"
)

// formBudget is the time for showing a form: Slack's trigger lives three
// seconds, and the click wants its 200 in the same time.
const formBudget = 2 * time.Second

// interaction is what we read of an interactivity payload.
// https://docs.slack.dev/reference/interaction-payloads
type interaction struct {
	Type                string        `json:"type"`
	APIAppID            string        `json:"api_app_id"`
	Team                *idField      `json:"team"` // null for org-wide installs
	Enterprise          *idField      `json:"enterprise"`
	IsEnterpriseInstall bool          `json:"is_enterprise_install"`
	User                clicker       `json:"user"`
	Channel             *idField      `json:"channel"`
	Container           container     `json:"container"`
	Message             *clicked      `json:"message"`
	ResponseURL         string        `json:"response_url"`
	TriggerID           string        `json:"trigger_id"`
	Actions             []blockAction `json:"actions"`
	View                *view         `json:"view"`
}

type idField struct {
	ID string `json:"id"`
}

type clicker struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"` // the clicker's own workspace, unlike team.id
}

type container struct {
	Type      string `json:"type"`
	MessageTS string `json:"message_ts"`
	ChannelID string `json:"channel_id"`
	ThreadTS  string `json:"thread_ts"`
}

type clicked struct {
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
}

type blockAction struct {
	Type     string `json:"type"`
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Value    string `json:"value"`
	ActionTS string `json:"action_ts"`
}

type view struct {
	ID                 string                       `json:"id"`
	CallbackID         string                       `json:"callback_id"`
	PrivateMetadata    string                       `json:"private_metadata"`
	AppInstalledTeamID string                       `json:"app_installed_team_id"`
	Blocks             []viewBlock                  `json:"blocks"`
	State              struct{ Values stateValues } `json:"state"`
}

type stateValues map[string]map[string]stateValue

type stateValue struct {
	Value          *string                 `json:"value"`
	SelectedOption *struct{ Value string } `json:"selected_option"`
}

func idOf(f *idField) string {
	if f == nil {
		return ""
	}
	return f.ID
}

// interaction takes one interactivity payload, from HTTP or Socket Mode.
func (a *Adapter) interaction(ctx context.Context, payload []byte) reply {
	var it interaction
	if err := json.Unmarshal(payload, &it); err != nil {
		return a.refuse("malformed", "interaction", "err", err.Error())
	}
	in, ok := a.admitInteraction(&it)
	if !ok {
		return a.refuse("not_ours", "app or workspace is not allowed", "app", it.APIAppID, "team", idOf(it.Team))
	}
	if it.User.ID == "" {
		return a.refuse("malformed", "interaction without a user")
	}
	switch it.Type {
	case "block_actions":
		return a.pressed(ctx, in, &it)
	case "view_submission":
		return a.submitted(ctx, in, &it)
	case "block_suggestion":
		return reply{body: map[string]any{"options": []any{}}}
	case "view_closed":
		return reply{}
	}
	return a.refuse("unknown_type", "interaction", "type", it.Type)
}

// admitInteraction finds the install: for views the one the app is installed
// in, else the team, which is where the app is installed and not where the
// clicker comes from. https://github.com/slackapi/bolt-js/issues/1615
func (a *Adapter) admitInteraction(it *interaction) (*install, bool) {
	team, org := idOf(it.Team), ""
	if it.View != nil && it.View.AppInstalledTeamID != "" {
		team = it.View.AppInstalledTeamID
	}
	if it.IsEnterpriseInstall {
		org = idOf(it.Enterprise)
	}
	return a.admit(it.APIAppID, team, org)
}

// pressed handles a button.
func (a *Adapter) pressed(ctx context.Context, in *install, it *interaction) reply {
	if len(it.Actions) == 0 {
		return a.refuse("malformed", "click without an action")
	}
	act := it.Actions[0] // one click is one action
	c := it.click(in.workspace, act)
	action, target, ok := cards.ParseSlackAction(act.ActionID, act.Value)
	if !ok || act.Type != "button" {
		a.note(c, "This button does nothing any more. Please ask again.")
		return a.refuse("unknown_action", "click", "workspace", in.workspace, "user", c.User.ID, "action_id", act.ActionID)
	}
	c.Action, c.Target = action, target
	if action.OpensForm() {
		a.openForm(ctx, in, c)
		return reply{}
	}
	fresh, err := a.cfg.Inbox.PutClick(ctx, c)
	return a.redrawn(ctx, c, a.accepted("click", fresh, err))
}

// redrawn has the home page drawn again after a click on it: in the same lane,
// so once the click is worked on. It is a view, and not worth a retry.
func (a *Adapter) redrawn(ctx context.Context, c adapters.Click, r reply) reply {
	if r.retry || !adapters.IsHome(c.Conversation) {
		return r
	}
	_, err := a.cfg.Inbox.PutMessage(ctx, adapters.Message{
		Workspace: c.Workspace, ID: "home:" + c.ID, Home: true, At: c.At, User: c.User, Conversation: c.Conversation,
	})
	if err != nil {
		a.cfg.Logger.WarnContext(ctx, "home page will not be redrawn", "workspace", c.Workspace, "user", c.User.ID, "err", err)
	}
	return r
}

// click copies who, where and when. The id names this very press: a replay of
// the same bytes has the same one, a second press has another action_ts.
func (it *interaction) click(w adapters.Workspace, act blockAction) adapters.Click {
	channel := firstOf(it.Container.ChannelID, idOf(it.Channel))
	if channel == "" && it.View != nil { // a button on the home tab
		channel = adapters.HomePlace(it.User.ID).ID
	}
	ts, thread := it.Container.MessageTS, it.Container.ThreadTS
	if it.Message != nil {
		ts, thread = firstOf(ts, it.Message.TS), firstOf(thread, it.Message.ThreadTS)
	}
	ref := adapters.Ref{Workspace: w, Conversation: channel, Thread: thread, Message: ts}
	if ts == "" {
		ref = adapters.Ref{} // no message
	}
	return adapters.Click{
		Workspace:    w,
		User:         adapters.User{ID: it.User.ID, Home: it.User.TeamID},
		Conversation: adapters.Conversation{ID: channel, Kind: kindOf(channel, "")},
		Card:         ref,
		ID:           strings.Join([]string{it.User.ID, channel, ts, act.ActionID, act.ActionTS}, ":"),
		At:           tsTime(act.ActionTS),
		Reply:        it.ResponseURL,
		Trigger:      it.TriggerID,
	}
}

// note tells the person something beside the request.
func (a *Adapter) note(c adapters.Click, text string) {
	card := cards.Card{Status: cards.StatusRefused, Summary: text}
	a.aside("click", func(ctx context.Context) error { return a.tell(ctx, c, card) })
}

// tell shows a card to the one who clicked: in place, else directly.
func (a *Adapter) tell(ctx context.Context, c adapters.Click, card cards.Card) error {
	to := adapters.Destination{Workspace: c.Workspace, Conversation: c.Conversation.ID, Thread: c.Card.Thread, User: c.User.ID, Reply: c.Reply}
	err := a.Whisper(ctx, to, card)
	if !errors.Is(err, adapters.ErrGone) {
		return err
	}
	_, err = a.Post(ctx, "note:"+c.ID, adapters.Destination{Workspace: c.Workspace, User: c.User.ID}, card)
	return err
}

// openForm asks the handler for the dialog and opens it while the trigger lives.
// Every way out is visible to the person.
func (a *Adapter) openForm(ctx context.Context, in *install, c adapters.Click) {
	ctx, cancel := context.WithTimeout(ctx, formBudget)
	defer cancel()
	u, conv, err := a.Verify(ctx, c.Workspace, c.User, c.Conversation)
	if err != nil {
		a.cfg.Logger.WarnContext(ctx, "person not verified", "workspace", c.Workspace, "user", c.User.ID, "err", err)
	}
	c.User, c.Conversation = u, conv
	form, answer := a.cfg.Handler.HandleForm(ctx, c)
	if form == nil {
		a.aside("form refused", func(ctx context.Context) error { return a.tell(ctx, c, answer.Card) })
		return
	}
	v := cards.SlackForm(*form)
	if v.PrivateMetadata, err = withOrigin(v.PrivateMetadata, c); err == nil {
		err = a.call(ctx, in, "views.open", func(ctx context.Context) error {
			_, err := in.api.OpenViewContext(ctx, c.Trigger, v)
			return err
		})
	}
	if err != nil {
		a.cfg.Logger.WarnContext(ctx, "form not opened", "workspace", c.Workspace, "user", c.User.ID, "err", err)
		a.note(c, "The form could not be opened in time. Please press the button again.")
	}
}

// origin is where a form was opened. It is added to the modal's private
// metadata, which the client can see: ids only.
type origin struct {
	Channel string `json:"c,omitempty"`
	Thread  string `json:"t,omitempty"`
}

func withOrigin(meta string, c adapters.Click) (string, error) {
	m := map[string]any{}
	if err := json.Unmarshal([]byte(meta), &m); err != nil {
		return "", fmt.Errorf("form without action and id: %w", err)
	}
	m["c"], m["t"] = c.Conversation.ID, firstOf(c.Card.Thread, threadOf(c))
	b, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("form metadata: %w", err)
	}
	return string(b), nil
}

// threadOf is the thread an answer to the card belongs to: in a channel the
// card's own.
func threadOf(c adapters.Click) string {
	if c.Conversation.Kind == adapters.Direct {
		return ""
	}
	return c.Card.Message
}

// submitted handles a sent form.
func (a *Adapter) submitted(ctx context.Context, in *install, it *interaction) reply {
	v := it.View
	if v == nil || v.ID == "" {
		return a.refuse("malformed", "submission without a view")
	}
	action, target, ok := cards.ParseSlackForm(v.PrivateMetadata)
	if !ok || v.CallbackID != cards.SlackFormCallback {
		a.refuse("unknown_action", "form", "workspace", in.workspace, "user", it.User.ID, "callback_id", v.CallbackID)
		return reply{body: map[string]any{"response_action": "update", "view": outdated()}}
	}
	inputs, faults := v.read()
	if len(faults) > 0 {
		return reply{body: map[string]any{"response_action": "errors", "errors": faults}}
	}
	var from origin
	_ = json.Unmarshal([]byte(v.PrivateMetadata), &from) // parsed once already
	c := adapters.Click{
		Workspace:    in.workspace,
		User:         adapters.User{ID: it.User.ID, Home: it.User.TeamID},
		Conversation: adapters.Conversation{ID: from.Channel, Kind: kindOf(from.Channel, "")},
		Card:         adapters.Ref{Workspace: in.workspace, Conversation: from.Channel, Thread: from.Thread},
		ID:           "view:" + v.ID, // one submit per opened form
		Action:       action, Target: target, Inputs: inputs, At: a.cfg.Now().UTC(),
	}
	fresh, err := a.cfg.Inbox.PutClick(ctx, c)
	if r := a.redrawn(ctx, c, a.accepted("form", fresh, err)); r.retry {
		return r // Slack keeps the form open and says it had trouble
	}
	return reply{body: map[string]string{"response_action": "clear"}}
}

// outdated replaces a form that this version does not know.
func outdated() slack.ModalViewRequest {
	text := slack.NewTextBlockObject(slack.PlainTextType, "This form is out of date and was not sent. Please ask again.", false, false)
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: slack.NewTextBlockObject(slack.PlainTextType, "Out of date", false, false),
		Close:  slack.NewTextBlockObject(slack.PlainTextType, "Close", false, false),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewSectionBlock(text, nil, nil)}},
	}
}
