package teams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"neobot/adapters"
	"neobot/cards"
)

// Post sends a new card, to a conversation or to a person. Teams has no place
// to keep key where a bot could find it again without reading rights on whole
// conversations, so Find cannot tell: a crash between Teams' "created" and our
// note of it can show a card twice. The state behind both is one, the second one
// says that it is one (Outbox), and a copy nobody noted is put away as soon as a
// client draws it or somebody presses on it (intents: doubled).
func (a *Adapter) Post(ctx context.Context, _ string, to adapters.Destination, card cards.Card) (adapters.Ref, error) {
	ctx, cancel := context.WithTimeout(ctx, a.conn.limit) // opening a chat included
	defer cancel()
	at, out, err := a.prepare(ctx, to, card)
	if err != nil {
		return adapters.Ref{}, fmt.Errorf("%w: %w", adapters.ErrNotSent, err)
	}
	id, doubt, err := a.conn.post(ctx, at.ServiceURL, out.Conversation.ID, out)
	if err != nil {
		if !doubt {
			err = fmt.Errorf("%w: %w", adapters.ErrNotSent, err)
		}
		return adapters.Ref{}, err
	}
	a.posted.put(convKey(to.Workspace, at.Conversation), a.posts.Add(1))
	ref := adapters.Ref{Workspace: to.Workspace, Conversation: at.Conversation, Thread: to.Thread, Message: id, Again: doubt}
	if at.Type == "channel" && to.Thread == "" {
		ref.Thread = id // it is the root of a new thread
	}
	return ref, nil
}

// prepare is everything before a post is sent.
func (a *Adapter) prepare(ctx context.Context, to adapters.Destination, card cards.Card) (Reference, *outgoing, error) {
	if err := a.serves(to.Workspace); err != nil {
		return Reference{}, nil, err
	}
	at, err := a.destination(ctx, to)
	if err != nil {
		return Reference{}, nil, err
	}
	out, err := cardActivity(a.render(ctx, to.Workspace, at.Conversation, card), card)
	if err != nil {
		return Reference{}, nil, err
	}
	a.address(out, at, inThread(at.Conversation, to.Thread))
	return at, out, nil
}

// inThread is the connector's id of a thread of a channel.
func inThread(conversation, thread string) string {
	if thread == "" {
		return conversation
	}
	return conversation + threadMark + thread
}

// Find cannot tell; see Post.
func (a *Adapter) Find(context.Context, string, adapters.Destination) (adapters.Ref, bool, error) {
	return adapters.Ref{}, false, fmt.Errorf("teams: %w", adapters.ErrCannotTell)
}

// Update replaces a posted card.
func (a *Adapter) Update(ctx context.Context, ref adapters.Ref, card cards.Card) error {
	if err := a.serves(ref.Workspace); err != nil {
		return err
	}
	if ref.Message == "" {
		return fmt.Errorf("teams update: no message: %w", adapters.ErrGone)
	}
	at, err := a.reference(ctx, ref.Workspace, ref.Conversation)
	if err != nil {
		return err
	}
	out, err := cardActivity(a.render(ctx, ref.Workspace, ref.Conversation, card), card)
	if err != nil {
		return err
	}
	conversation := inThread(ref.Conversation, ref.Thread)
	a.address(out, at, conversation)
	out.ID = ref.Message
	return a.conn.update(ctx, at.ServiceURL, conversation, ref.Message, out)
}

// Whisper shows a card to one person: in his own chat with the bot. If there is
// none and none can be opened, adapters.ErrGone.
func (a *Adapter) Whisper(ctx context.Context, to adapters.Destination, card cards.Card) error {
	if to.User == "" {
		return fmt.Errorf("teams: whisper to nobody: %w", adapters.ErrGone)
	}
	_, err := a.Post(ctx, "", adapters.Destination{Workspace: to.Workspace, User: to.User}, card)
	if errors.Is(err, adapters.ErrGone) && to.Conversation != "" {
		return a.pointer(ctx, to, err)
	}
	return err
}

// pointer tells the person in the conversation that there is an answer he has to
// fetch: without the answer, which was not for everybody. cause is why it could
// not be given privately.
func (a *Adapter) pointer(ctx context.Context, to adapters.Destination, cause error) error {
	card := cards.Card{
		Status:  cards.StatusRefused,
		Summary: "My answer is not for everybody here, and I cannot reach you alone. Install me for yourself in Teams (Apps, then Add) and ask me there.",
	}
	if _, err := a.Post(ctx, "", adapters.Destination{Workspace: to.Workspace, Conversation: to.Conversation, Thread: to.Thread}, card); err != nil {
		return fmt.Errorf("teams: whisper: %w: %w", cause, err)
	}
	return nil
}

// Home shows the person's page in his own chat: Teams has no home page for bots.
func (a *Adapter) Home(ctx context.Context, w adapters.Workspace, user string, card cards.Card) error {
	return a.Whisper(ctx, adapters.Destination{Workspace: w, User: user}, card)
}

func (a *Adapter) serves(w adapters.Workspace) error {
	if known, ok := a.workspaces[strings.ToLower(w.ID())]; ok && known == w {
		return nil
	}
	return fmt.Errorf("teams: workspace %s is not served: %w", w, adapters.ErrGone)
}

// destination is where to post.
func (a *Adapter) destination(ctx context.Context, to adapters.Destination) (Reference, error) {
	if to.Conversation == "" {
		return a.chat(ctx, to.Workspace, to.User)
	}
	return a.reference(ctx, to.Workspace, to.Conversation)
}

// reference of a conversation, from memory or Redis. A channel named in the
// policy that nobody has written in yet is reachable too, as soon as the app is
// in the team: by the tenant's address.
func (a *Adapter) reference(ctx context.Context, w adapters.Workspace, conversation string) (Reference, error) {
	key := convKey(w, conversation)
	if s, ok := a.saved.get(key); ok {
		return s.ref, nil
	}
	ref, err := a.cfg.Refs.Conversation(ctx, w, conversation)
	if errors.Is(err, ErrNoReference) {
		ref = Reference{Conversation: conversation, Type: typeOf(conversation)}
		ref.ServiceURL, err = a.service(ctx, w)
		return ref, err
	}
	if err != nil {
		return Reference{}, fmt.Errorf("teams %s: %w", conversation, err)
	}
	a.saved.put(key, saved{ref: ref})
	return ref, nil
}

// typeOf guesses from the form of an id whether a post starts a thread.
func typeOf(conversation string) string {
	if strings.HasPrefix(conversation, "19:") && strings.HasSuffix(conversation, "@thread.tacv2") {
		return "channel"
	}
	return ""
}

// service is the tenant's last address, or the one Microsoft documents for
// tenants nothing was heard of.
func (a *Adapter) service(ctx context.Context, w adapters.Workspace) (string, error) {
	s, err := a.cfg.Refs.Service(ctx, w)
	if errors.Is(err, ErrNoReference) && a.cfg.Cloud.Service != "" {
		return a.cfg.Cloud.Service, nil
	}
	return s, err
}

// chat is the person's own conversation with the bot; it is opened when needed.
func (a *Adapter) chat(ctx context.Context, w adapters.Workspace, user string) (Reference, error) {
	if user == "" {
		return Reference{}, fmt.Errorf("teams: post to nobody: %w", adapters.ErrGone)
	}
	person, err := a.person(ctx, w, user)
	if err != nil && !errors.Is(err, ErrNoReference) {
		return Reference{}, err
	}
	if person.Chat != "" {
		return Reference{Conversation: person.Chat, Type: "personal", ServiceURL: person.ServiceURL}, nil
	}
	service := person.ServiceURL
	if service == "" {
		if service, err = a.service(ctx, w); err != nil {
			return Reference{}, err
		}
	}
	// The object id serves as well as the connector's own id here.
	member := account{ID: person.MRI}
	if member.ID == "" {
		member.ID = user
	}
	id, err := a.conn.create(ctx, service, newConversation{
		Bot: account{ID: a.bot("")}, Members: []account{member}, TenantID: w.ID(),
		ChannelData: &sentData{Tenant: &withID{w.ID()}},
	})
	if err != nil {
		return Reference{}, err
	}
	ref := Reference{Conversation: id, Type: "personal", ServiceURL: service}
	if person.MRI == "" {
		person.MRI = member.ID
	}
	person.ID, person.Chat, person.ServiceURL = user, id, service
	if err := a.cfg.Refs.Save(ctx, w, ref, person); err != nil {
		a.log.WarnContext(ctx, "opened chat not noted", "workspace", w, "user", user, "err", err)
	}
	a.met.drop(convKey(w, user))
	return ref, nil
}

// bot is how a conversation calls the bot.
func (a *Adapter) bot(known string) string {
	if known != "" {
		return known
	}
	return "28:" + a.cfg.AppID
}

// address fills in sender and conversation.
func (a *Adapter) address(o *outgoing, p Reference, conversation string) {
	o.From = &account{ID: a.bot(p.BotID)}
	o.Conversation = &conversationID{conversation}
}

// cardActivity is the message that shows a rendered card: with the label where
// a model wrote a part of it, with thumbs where a model had any part in it.
func cardActivity(rendered cards.AdaptiveCard, card cards.Card) (*outgoing, error) {
	content, err := json.Marshal(rendered)
	if err != nil {
		return nil, fmt.Errorf("teams: encode card: %w", err)
	}
	o := &outgoing{
		Type: "message", Summary: rendered.FallbackText,
		Attachments: []attachment{{ContentType: cards.AdaptiveCardType, Content: content}},
	}
	if card.AIGenerated {
		o.Entities = []any{aiLabel()}
	}
	if card.AIGenerated || card.Rated {
		o.ChannelData = &sentData{FeedbackLoop: &feedbackLoop{"default"}}
	}
	return o, nil
}
