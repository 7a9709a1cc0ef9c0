package teams

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"strings"
	"time"

	"neobot/adapters"
	"neobot/cards"
)

// threadMark stands between a channel and the root message of a thread in the
// id of a channel conversation.
const threadMark = ";messageid="

// maxText bounds a message for the model and the memory, in characters.
const maxText = 8000

// delivery is an activity with what was established about it.
type delivery struct {
	*activity
	raw       []byte
	workspace adapters.Workspace
	place     adapters.Conversation
	thread    string
	user      adapters.User
	id        string // unique in the workspace, the same on redelivery
	at        time.Time
}

// take looks at a verified delivery. Types the bot does not know are accepted
// and ignored, as the protocol asks.
func (a *Adapter) take(ctx context.Context, act *activity, raw []byte) response {
	w, ok := a.workspace(act)
	if !ok {
		return a.foreign(ctx, act)
	}
	if act.From.Role == "bot" || strings.HasPrefix(act.From.ID, "28:") {
		return accepted // a bot, maybe ourselves: no conversation of machines
	}
	d := a.open(act, raw, w)
	switch act.Type {
	case "message":
		if r, ok := a.remember(ctx, d); !ok {
			return r
		}
		return a.message(ctx, d)
	case "invoke":
		if r, ok := a.remember(ctx, d); !ok {
			return r
		}
		return a.invoke(ctx, d)
	case "installationUpdate":
		return a.installation(ctx, d)
	case "conversationUpdate":
		return a.membership(ctx, d)
	}
	return accepted
}

// foreign: a tenant that is not served gets nothing said into its
// conversations; a click is answered, because Teams shows something anyway.
func (a *Adapter) foreign(ctx context.Context, act *activity) response {
	a.cfg.RefusedFunc("tenant")
	a.log.WarnContext(ctx, "delivery of a tenant that is not served", "type", act.Type,
		"tenant", clip(act.Conversation.TenantID, 64), "channel_tenant", clip(act.ChannelData.Tenant.ID, 64))
	if act.Type == "invoke" {
		return invokeText(act.Name, "This bot does not serve your organisation.")
	}
	return accepted
}

// open names the conversation and the person as the platform does.
func (a *Adapter) open(act *activity, raw []byte, w adapters.Workspace) *delivery {
	d := &delivery{activity: act, raw: raw, workspace: w, at: act.Timestamp}
	if now := a.cfg.Now(); d.at.IsZero() || d.at.After(now) {
		d.at = now
	}
	d.place.ID, d.thread, _ = strings.Cut(act.Conversation.ID, threadMark)
	d.place.Kind = kindOf(act.Conversation.Type)
	// The Entra object id is the person. Somebody without one (anonymous
	// meeting guest) keeps the connector's id, which no policy names.
	d.user = adapters.User{ID: strings.ToLower(act.From.AAD), Name: clip(act.From.Name, 100)}
	if d.user.ID == "" {
		d.user.ID = act.From.ID
	}
	id := act.ID
	if id == "" {
		sum := sha256.Sum256(raw)
		id = "sha256-" + hex.EncodeToString(sum[:])
	}
	d.id = act.Conversation.ID + "/" + id
	return d
}

// remember notes where the conversation and the person are reached. It comes
// before the inbox: what is in the inbox can be answered.
func (a *Adapter) remember(ctx context.Context, d *delivery) (response, bool) {
	s := saved{
		ref: Reference{
			Conversation: d.place.ID, Type: d.Conversation.Type, ServiceURL: d.ServiceURL, BotID: d.Recipient.ID,
			TeamID: d.ChannelData.Team.ID, ChannelType: d.ChannelData.Channel.Type,
		},
	}
	if d.From.AAD != "" && d.From.ID != "" {
		s.person = Person{ID: d.user.ID, MRI: d.From.ID, Name: d.user.Name, ServiceURL: d.ServiceURL}
		if d.place.Kind == adapters.Direct {
			s.person.Chat = d.place.ID
		}
	}
	if d.place.ID == "" || d.user.ID == "" {
		a.cfg.RefusedFunc("malformed")
		a.log.WarnContext(ctx, "activity without conversation or sender", "workspace", d.workspace, "type", d.Type)
		return accepted, false
	}
	key := convKey(d.workspace, d.place.ID) + "|" + d.user.ID
	if old, ok := a.saved.get(key); ok && old == s {
		return response{}, true
	}
	if err := a.cfg.Refs.Save(ctx, d.workspace, s.ref, s.person); err != nil {
		return a.put(ctx, d.workspace, "reference", false, err), false
	}
	a.saved.put(key, s)
	a.saved.put(convKey(d.workspace, d.place.ID), saved{ref: s.ref})
	if s.person.ID != "" { // read again when asked for: this activity need not know his chat
		a.met.drop(convKey(d.workspace, s.person.ID))
	}
	return response{}, true
}

// message is something said, or a click of a client that does not know
// Action.Execute: that one comes as a message with a value and no text.
func (a *Adapter) message(ctx context.Context, d *delivery) response {
	text := d.plainText()
	if text == "" && len(d.Value) > 0 && string(d.Value) != "null" {
		click, ok := d.click("", d.Value)
		if !ok {
			return a.dropped(ctx, d, "submit")
		}
		fresh, err := a.cfg.Inbox.PutClick(ctx, click)
		return a.put(ctx, d.workspace, "click", fresh, err)
	}
	if text == "" {
		return accepted // a picture, a file, only a mention
	}
	fresh, err := a.cfg.Inbox.PutMessage(ctx, adapters.Message{
		Workspace: d.workspace, User: d.user, Conversation: d.place, Thread: d.thread,
		ID: d.id, Text: text, At: d.at,
	})
	if err == nil && fresh && d.place.Kind != adapters.Channel { // channels show no typing
		before := a.posts.Load()
		a.aside(ctx, func(ctx context.Context) {
			if a.conn.sleep(ctx, typingAfter) == nil && !a.answered(d, before) {
				a.typing(ctx, d)
			}
		})
	}
	return a.put(ctx, d.workspace, "message", fresh, err)
}

// answered says whether this process has posted in d's conversation since it
// had made so many posts.
func (a *Adapter) answered(d *delivery, posts int64) bool {
	n, ok := a.posted.get(convKey(d.workspace, d.place.ID))
	return ok && n > posts
}

// dropped: a click that none of our cards can make.
func (a *Adapter) dropped(ctx context.Context, d *delivery, what string) response {
	a.cfg.RefusedFunc("malformed")
	a.log.WarnContext(ctx, "malformed click dropped", "workspace", d.workspace, "what", what, "user", d.user.ID, "name", clip(d.Name, 60))
	return accepted
}

// click reads a pressed button. Everything in data comes from the client: it is
// a choice out of a closed list and an opaque id, nothing else.
func (d *delivery) click(verb string, data []byte) (adapters.Click, bool) {
	action, target, inputs, ok := cards.ParseTeamsAction(verb, data)
	c := adapters.Click{
		Workspace: d.workspace, User: d.user, Conversation: d.place, ID: d.id,
		Card:   adapters.Ref{Workspace: d.workspace, Conversation: d.place.ID, Thread: d.thread, Message: d.ReplyToID},
		Action: action, Target: target, Inputs: inputs, At: d.at,
	}
	return c, ok
}

// plainText is what the person said: our mention out, other mentions as names,
// entities decoded.
func (d *delivery) plainText() string {
	text := d.Text
	for _, e := range d.Entities {
		if e.Type != "mention" || e.Text == "" {
			continue
		}
		// By id: the bot can be renamed, and people can have its name.
		if e.Mentioned.ID != "" && e.Mentioned.ID == d.Recipient.ID {
			text = strings.Replace(text, e.Text, " ", 1)
		} else {
			text = strings.ReplaceAll(text, e.Text, "@"+e.Mentioned.Name)
		}
	}
	text = html.UnescapeString(text)
	text = strings.ReplaceAll(text, "\u00a0", " ")
	return clip(strings.TrimSpace(text), maxText)
}

// installation is the bot being added somewhere or removed.
func (a *Adapter) installation(ctx context.Context, d *delivery) response {
	if strings.HasPrefix(d.Action, "remove") {
		return a.forget(ctx, d)
	}
	r, ok := a.remember(ctx, d)
	if !ok || d.place.Kind != adapters.Direct {
		return orAccepted(r)
	}
	// The home page is the welcome: it says what the person may do, or whom to ask.
	first, err := a.cfg.Refs.Once(ctx, d.workspace, "home:"+d.user.ID, 24*time.Hour)
	if err != nil || !first {
		return a.put(ctx, d.workspace, "welcome", first, err)
	}
	fresh, err := a.cfg.Inbox.PutMessage(ctx, adapters.Message{
		Workspace: d.workspace, User: d.user, Conversation: d.place, ID: d.id, At: d.at, Home: true,
	})
	return a.put(ctx, d.workspace, "welcome", fresh, err)
}

// membership is people or the bot joining or leaving. People joining are no
// reason to speak; the bot being added to a group chat is, once.
func (a *Adapter) membership(ctx context.Context, d *delivery) response {
	for _, m := range d.Removed {
		if m.ID == d.Recipient.ID && d.Recipient.ID != "" {
			return a.forget(ctx, d)
		}
	}
	r, ok := a.remember(ctx, d)
	if !ok {
		return orAccepted(r)
	}
	for _, m := range d.MembersAdded {
		if m.ID != d.Recipient.ID || d.Recipient.ID == "" || d.Conversation.Type != "groupChat" {
			continue
		}
		first, err := a.cfg.Refs.Once(ctx, d.workspace, "welcome:"+d.place.ID, 24*time.Hour)
		if err == nil && first {
			a.aside(ctx, func(ctx context.Context) { a.welcome(ctx, d) })
		}
		return a.put(ctx, d.workspace, "welcome", first, err)
	}
	return accepted
}

func (a *Adapter) forget(ctx context.Context, d *delivery) response {
	a.saved.drop(convKey(d.workspace, d.place.ID) + "|" + d.user.ID)
	a.saved.drop(convKey(d.workspace, d.place.ID))
	err := a.cfg.Refs.Forget(ctx, d.workspace, d.place.ID)
	return a.put(ctx, d.workspace, "removal", true, err)
}

// orAccepted keeps a refusal and makes no answer a 200.
func orAccepted(r response) response {
	if r.status == 0 {
		return accepted
	}
	return r
}

func convKey(w adapters.Workspace, conversation string) string {
	return string(w) + "|" + conversation
}

// clip cuts to n characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n])
}
