package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"neobot/adapters"
	"neobot/cards"
)

// Limits of what a person may send.
const (
	MaxText   = 4000  // characters of a message
	MaxInput  = 20000 // characters of one form input, as many as the longest text Neo takes
	maxInputs = 20
)

// directPrefix starts the id of the conversation of one person and the bot.
const directPrefix = "direct-"

// Direct is the id of a person's own conversation with the bot.
func Direct(user string) string { return directPrefix + user }

// Errors to test with errors.Is.
var (
	ErrText    = errors.New("message is empty or too long")
	ErrPress   = errors.New("not a button on a card this person can see")
	ErrUnknown = errors.New("no such conversation")
)

// Intake is the durable inbox: *adapters.Inbox.
type Intake interface {
	PutMessage(ctx context.Context, m adapters.Message) (fresh bool, err error)
	PutClick(ctx context.Context, c adapters.Click) (fresh bool, err error)
}

// Forms opens dialogs: the adapters.Handler.
type Forms interface {
	HandleForm(ctx context.Context, c adapters.Click) (*cards.Form, adapters.Answer)
}

// Config of a Console. Everything but Keep is needed.
type Config struct {
	Workspace adapters.Workspace // "console:<name>"
	// Member reports whether a name belongs to the organisation. Asked every
	// time, so that a reloaded policy counts at once.
	Member   func(name string) bool
	Channels []string // ids of the conversations everybody sees
	Intake   Intake
	Forms    Forms
	Now      func() time.Time
	Keep     int // entries of history, default 500
}

// Console is an adapters.Adapter and the people's side of it. It is safe for
// concurrent use.
type Console struct {
	cfg Config
	history
}

var _ adapters.Adapter = (*Console)(nil)

// New checks the configuration.
func New(cfg Config) (*Console, error) {
	switch {
	case cfg.Workspace.Platform() != adapters.Console || cfg.Workspace.ID() == "":
		return nil, fmt.Errorf("console: workspace %q is not console:<name>", cfg.Workspace)
	case cfg.Member == nil || cfg.Intake == nil || cfg.Forms == nil || cfg.Now == nil:
		return nil, errors.New("console: Member, Intake, Forms and Now are needed")
	}
	if cfg.Keep == 0 {
		cfg.Keep = 500
	}
	return &Console{cfg: cfg, history: history{keep: cfg.Keep, homes: map[string]Entry{}, changed: make(chan struct{})}}, nil
}

// Platform is adapters.Console.
func (c *Console) Platform() adapters.Platform { return adapters.Console }

// Verify vouches for members and for the console's own conversations.
func (c *Console) Verify(ctx context.Context, w adapters.Workspace, u adapters.User, conv adapters.Conversation) (adapters.User, adapters.Conversation, error) {
	known, err := c.Place(ctx, w, conv.ID)
	if err != nil {
		return u, conv, err
	}
	return c.user(u.ID), known, nil
}

// Place knows the console's own conversations.
func (c *Console) Place(_ context.Context, w adapters.Workspace, conversation string) (adapters.Conversation, error) {
	if w != c.cfg.Workspace {
		return adapters.Conversation{ID: conversation}, fmt.Errorf("console %s: not this workspace: %s", c.cfg.Workspace, w)
	}
	return c.conversation(conversation)
}

func (c *Console) user(id string) adapters.User {
	u := adapters.User{ID: id, Name: id, Home: c.cfg.Workspace.ID(), Trust: adapters.TrustMember}
	if id == "" || !c.cfg.Member(id) {
		u.Home, u.Trust = "elsewhere", adapters.TrustOutsider
	}
	return u
}

func (c *Console) conversation(id string) (adapters.Conversation, error) {
	switch {
	case slices.Contains(c.cfg.Channels, id):
		return adapters.Conversation{ID: id, Kind: adapters.Channel, Sharing: adapters.SharingInternal}, nil
	case strings.HasPrefix(id, directPrefix) && len(id) > len(directPrefix):
		return adapters.Conversation{ID: id, Kind: adapters.Direct, Sharing: adapters.SharingInternal}, nil
	}
	return adapters.Conversation{}, fmt.Errorf("console %q: %w", id, ErrUnknown)
}

// Say is a person's message to the bot. It returns when the inbox has it; until
// then nobody sees it.
func (c *Console) Say(ctx context.Context, user, conversation, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > MaxText {
		return fmt.Errorf("%w: 1 to %d characters", ErrText, MaxText)
	}
	conv, err := c.open(user, conversation)
	if err != nil {
		return err
	}
	e := Entry{ID: rand.Text(), Conversation: conv.ID, From: user, Text: text, At: c.cfg.Now()}
	c.add(e) // before Put: a quick answer must not stand above its question
	_, err = c.cfg.Intake.PutMessage(ctx, adapters.Message{
		Workspace: c.cfg.Workspace, User: adapters.User{ID: user, Name: user}, Conversation: conv,
		ID: e.ID, Text: text, At: e.At,
	})
	if err != nil {
		c.remove(e.ID)
		return fmt.Errorf("say: %w", err)
	}
	return nil
}

// AskHome asks for the person's home page; it arrives as an entry with Home set.
func (c *Console) AskHome(ctx context.Context, user string) error {
	_, err := c.cfg.Intake.PutMessage(ctx, adapters.Message{
		Workspace: c.cfg.Workspace, User: adapters.User{ID: user, Name: user},
		Conversation: adapters.Conversation{ID: Direct(user), Kind: adapters.Direct},
		ID:           rand.Text(), At: c.cfg.Now(), Home: true,
	})
	if err != nil {
		return fmt.Errorf("home: %w", err)
	}
	return nil
}

// open is the conversation, if the person can speak there: nobody speaks in
// another one's direct conversation.
func (c *Console) open(user, id string) (adapters.Conversation, error) {
	conv, err := c.conversation(id)
	if err == nil && conv.Kind == adapters.Direct && id != Direct(user) {
		err = fmt.Errorf("console %q: %w", id, ErrUnknown)
	}
	return conv, err
}

// Press is a pressed button or a submitted form.
type Press struct {
	Entry  string // id of the entry with the button; for a submit, the one the form came from
	Action cards.Action
	Target string
	Inputs map[string]string // of a submitted form; nil for a button
}

// Press hands a click to the inbox. A button that opens a form returns the form
// instead: fill it in and Press again with the inputs. A nil form after such a
// button means no; the reason is whispered to the person.
func (c *Console) Press(ctx context.Context, user string, p Press) (*cards.Form, error) {
	click, err := c.click(user, p)
	if err != nil {
		return nil, err
	}
	if p.Inputs == nil && p.Action.OpensForm() {
		return c.form(ctx, click)
	}
	if _, err := c.cfg.Intake.PutClick(ctx, click); err != nil {
		return nil, fmt.Errorf("press: %w", err)
	}
	return nil, nil
}

// click checks a press: the button must stand on a card that this person sees.
// The handler checks again what it means; this only keeps guesses out.
func (c *Console) click(user string, p Press) (adapters.Click, error) {
	e, ok := c.entry(p.Entry)
	switch {
	case !ok || !e.visibleTo(user) || e.Card == nil:
		return adapters.Click{}, fmt.Errorf("entry %q: %w", p.Entry, ErrPress)
	case !p.Action.Valid() || !cards.ValidID(p.Target):
		return adapters.Click{}, fmt.Errorf("action %q: %w", p.Action, ErrPress)
	case p.Inputs != nil && !p.Action.OpensForm():
		return adapters.Click{}, fmt.Errorf("inputs for %q: %w", p.Action, ErrPress)
	}
	if err := checkInputs(p.Inputs); err != nil {
		return adapters.Click{}, err
	}
	conv := adapters.Conversation{ID: e.Conversation}
	if known, err := c.conversation(e.Conversation); err == nil {
		conv = known
	}
	card := c.ref(e)
	if e.Home || p.Inputs != nil {
		card = adapters.Ref{} // the home page and a dialog are no messages
	}
	return adapters.Click{
		Workspace: c.cfg.Workspace, User: adapters.User{ID: user, Name: user}, Conversation: conv,
		Card: card, ID: rand.Text(), Action: p.Action, Target: p.Target, Inputs: p.Inputs, At: c.cfg.Now(),
	}, nil
}

func checkInputs(in map[string]string) error {
	if len(in) > maxInputs {
		return fmt.Errorf("%d inputs: %w", len(in), ErrText)
	}
	for name, v := range in {
		if !cards.ValidInputName(name) || utf8.RuneCountInString(v) > MaxInput {
			return fmt.Errorf("input %q: %w", name, ErrText)
		}
	}
	return nil
}

func (c *Console) form(ctx context.Context, click adapters.Click) (*cards.Form, error) {
	u, conv, err := c.Verify(ctx, click.Workspace, click.User, click.Conversation)
	if err != nil {
		return nil, err
	}
	click.User, click.Conversation = u, conv
	form, answer := c.cfg.Forms.HandleForm(ctx, click)
	if form == nil && answer.Where != adapters.Nowhere {
		to := adapters.Destination{Workspace: click.Workspace, Conversation: conv.ID, User: u.ID}
		return nil, c.Whisper(ctx, to, answer.Card)
	}
	return form, nil
}

func (c *Console) ref(e Entry) adapters.Ref {
	return adapters.Ref{Workspace: c.cfg.Workspace, Conversation: e.Conversation, Message: e.ID}
}

// Post shows a card.
func (c *Console) Post(_ context.Context, key string, to adapters.Destination, card cards.Card) (adapters.Ref, error) {
	e, err := c.addressed(to)
	if err != nil {
		return adapters.Ref{}, err
	}
	e.Card, e.key = &card, key
	c.add(e)
	return c.ref(e), nil
}

// addressed is a new entry for a destination.
func (c *Console) addressed(to adapters.Destination) (Entry, error) {
	id := to.Conversation
	if id == "" && to.User != "" {
		id = Direct(to.User)
	}
	if _, err := c.conversation(id); err != nil || to.Workspace != c.cfg.Workspace {
		return Entry{}, fmt.Errorf("console %s/%s: %w", to.Workspace, id, adapters.ErrGone)
	}
	return Entry{ID: rand.Text(), Conversation: id, At: c.cfg.Now()}, nil
}

// Find looks through this process's history.
func (c *Console) Find(_ context.Context, key string, _ adapters.Destination) (adapters.Ref, bool, error) {
	e, ok := c.byKey(key)
	return c.ref(e), ok, nil
}

// Update replaces a posted card.
func (c *Console) Update(_ context.Context, ref adapters.Ref, card cards.Card) error {
	if ref.Workspace != c.cfg.Workspace || !c.replace(ref.Message, &card) {
		return fmt.Errorf("console message %s: %w", ref.Message, adapters.ErrGone)
	}
	return nil
}

// Whisper shows a card to one person, in the conversation it belongs to.
func (c *Console) Whisper(_ context.Context, to adapters.Destination, card cards.Card) error {
	if to.User == "" {
		return fmt.Errorf("console: whisper to nobody: %w", adapters.ErrGone)
	}
	e, err := c.addressed(to)
	if err != nil {
		return err
	}
	e.To, e.Card = to.User, &card
	c.add(e)
	return nil
}

// Home keeps the person's home page; the newest replaces the one before.
func (c *Console) Home(_ context.Context, w adapters.Workspace, user string, card cards.Card) error {
	if w != c.cfg.Workspace || user == "" {
		return fmt.Errorf("console home of %q: %w", user, adapters.ErrGone)
	}
	c.setHome(Entry{ID: "home-" + user, Conversation: Direct(user), To: user, Card: &card, At: c.cfg.Now(), Home: true})
	return nil
}
