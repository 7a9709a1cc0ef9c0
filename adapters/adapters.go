package adapters

import (
	"context"
	"errors"
	"strings"
	"time"

	"neobot/cards"
)

// Platform names a chat platform.
type Platform string

// The platforms.
const (
	Slack   Platform = "slack"
	Teams   Platform = "teams"
	Console Platform = "console"
)

// Workspace is one installation: "slack:<team id>", "teams:<tenant id>" or
// "console:<name>". It is part of every Redis key, record and policy look-up,
// so that nothing of one customer can reach another.
type Workspace string

// NewWorkspace joins a platform and its team or tenant id.
func NewWorkspace(p Platform, id string) Workspace { return Workspace(string(p) + ":" + id) }

// Platform is the part before the colon.
func (w Workspace) Platform() Platform {
	p, _, _ := strings.Cut(string(w), ":")
	return Platform(p)
}

// ID is the team or tenant id, the part after the colon.
func (w Workspace) ID() string {
	_, id, _ := strings.Cut(string(w), ":")
	return id
}

// Trust is what the platform itself says of a person. Only Member may do
// anything; the zero value means nobody has asked the platform yet.
type Trust string

// Trust levels.
const (
	TrustUnknown     Trust = ""            // not established: deny
	TrustMember      Trust = "member"      // full member of the workspace's own organisation
	TrustGuest       Trust = "guest"       // restricted account
	TrustOutsider    Trust = "outsider"    // another organisation (Slack Connect, foreign tenant)
	TrustBot         Trust = "bot"         // not a person
	TrustDeactivated Trust = "deactivated" // account switched off
)

// User is a person as the platform knows him. ID is stable and never taken
// from card data: Slack user id, Entra object id, console name. Home is the
// person's own Slack team or Entra tenant.
type User struct {
	ID    string `json:"id"`
	Home  string `json:"home"`
	Name  string `json:"name,omitempty"`
	Trust Trust  `json:"trust,omitempty"`
}

// Kind of a conversation.
type Kind string

// Conversation kinds.
const (
	Direct  Kind = "direct"  // one person and the bot
	Group   Kind = "group"   // group chat
	Channel Kind = "channel" // channel of a team
)

// Sharing says who outside the organisation can see a conversation.
type Sharing string

// Sharing values. Unknown is treated like External.
const (
	SharingUnknown  Sharing = ""
	SharingInternal Sharing = "internal"
	SharingExternal Sharing = "external" // Slack Connect, pending Connect, Teams shared channel
)

// Conversation is where a message was said.
type Conversation struct {
	ID      string  `json:"id"`
	Kind    Kind    `json:"kind"`
	Sharing Sharing `json:"sharing,omitempty"`
}

// Ref is where a posted card lives. It is stored, and is all an adapter needs
// to edit the card later (Teams keeps the service URL in its own store).
type Ref struct {
	Workspace    Workspace `json:"workspace"`
	Conversation string    `json:"conversation"`
	Thread       string    `json:"thread,omitempty"`
	Message      string    `json:"message"`
	// Again: this is a second try, and nobody can tell whether the first one is
	// in the conversation too, under an id that was never learnt.
	Again bool `json:"again,omitempty"`
}

// Message is something a person said to the bot, mention removed, entities of
// the platform decoded to plain text.
type Message struct {
	Workspace    Workspace    `json:"workspace"`
	User         User         `json:"user"`
	Conversation Conversation `json:"conversation"`
	Thread       string       `json:"thread,omitempty"` // where to reply; key of the thread's memory
	ID           string       `json:"id"`               // unique in the workspace, the same on every redelivery
	Text         string       `json:"text"`
	At           time.Time    `json:"at"`
	// Command is set for a slash command: it has no thread and is answered privately.
	Command bool `json:"command,omitempty"`
	// Home is set when the person opened the bot's home tab: the answer is that page.
	Home bool `json:"home,omitempty"`
	// Reply is an opaque reply address of the platform (Slack response_url).
	Reply string `json:"reply,omitempty"`
}

// Click is a pressed button or a submitted form: an action, an opaque id, and
// for forms the inputs. Everything else is loaded from the store.
type Click struct {
	Workspace    Workspace         `json:"workspace"`
	User         User              `json:"user"`
	Conversation Conversation      `json:"conversation"`
	Card         Ref               `json:"card"` // the message that was clicked; empty for a form
	ID           string            `json:"id"`   // unique per delivery, the same on every redelivery
	Action       cards.Action      `json:"action"`
	Target       string            `json:"target"`
	Inputs       map[string]string `json:"inputs,omitempty"` // nil for a button
	At           time.Time         `json:"at"`
	Reply        string            `json:"reply,omitempty"`
	// Trigger opens a dialog (Slack trigger_id, three seconds); never stored.
	Trigger string `json:"-"`
}

// Feedback is a thumb under an answer that a model had a hand in.
type Feedback struct {
	Workspace    Workspace
	User         User
	Conversation Conversation
	Message      string // the answer
	Delivery     string // unique, the same on every redelivery
	Like         bool
	Text         string // what the person wrote, at most 1000 characters
}

// Where an answer goes.
type Where string

// Places for an answer. The zero value shows nothing.
const (
	Nowhere Where = ""
	Reply   Where = "reply"   // a new message in the thread of the question or card
	Replace Where = "replace" // instead of the clicked card
	Private Where = "private" // only for the person who asked or clicked
	// Shown: the handler has already redrawn every copy of the card. The card
	// is for platforms that answer a click in the response body.
	Shown Where = "shown"
)

// Answer is what the handler wants shown.
type Answer struct {
	Card  cards.Card
	Where Where
	// Track, when set, is the approval this card is a copy of: after posting,
	// the runner tells the handler where it lives (Handler.Posted).
	Track string
}

// Handler is the bot's brain. It never returns an error: a fault becomes a
// card, except for ErrRetry-worthy faults of our own store, which it reports so
// that the delivery stays in the inbox.
type Handler interface {
	// HandleMessage answers a message. It may run again with the same Message
	// after a crash and must then come to the same single effect.
	HandleMessage(ctx context.Context, m Message) (Answer, error)
	// HandleClick answers a click or form submit, with the same promise.
	HandleClick(ctx context.Context, c Click) (Answer, error)
	// HandleForm returns the dialog for a click whose action opens one. Called
	// before the delivery is acknowledged, within two seconds, no side effects.
	// A nil form means no: show the answer to the person instead.
	HandleForm(ctx context.Context, c Click) (*cards.Form, Answer)
	// Posted records where a copy of an approval card lives.
	Posted(ctx context.Context, approval string, ref Ref) error
}

// ErrGone is what Adapter.Update and Post report (wrapped) when the message or
// conversation is gone for good, or the bot may not post there: trying again is
// useless. Every other error may be tried again.
var ErrGone = errors.New("message or conversation gone")

// ErrNotSent marks an error of Adapter.Post after which certainly nothing was
// posted. Without it a post may have gone through.
var ErrNotSent = errors.New("not sent")

// ErrCannotTell is what Adapter.Find reports (wrapped) when the platform gives
// no way to know whether a post went through.
var ErrCannotTell = errors.New("the platform does not tell")

// Destination is where to post. With an empty Conversation the card goes to a
// direct conversation with User.
type Destination struct {
	Workspace    Workspace
	Conversation string
	Thread       string
	User         string
	Reply        string // opaque reply address, when the platform gave one
}

// Adapter is one chat platform as the runner sees it. Implementations are safe
// for concurrent use.
type Adapter interface {
	Platform() Platform
	// Verify fills in what the platform vouches for: user.Trust and
	// conversation.Sharing (and the display name). It may call the platform;
	// results are cached for a minute at most. On any error both stay zero.
	Verify(ctx context.Context, w Workspace, u User, c Conversation) (User, Conversation, error)
	// Place is Verify for a conversation alone: its kind and sharing. It may be
	// cached for a minute. On any error the sharing stays unknown.
	Place(ctx context.Context, w Workspace, conversation string) (Conversation, error)
	// Post sends a new card. key identifies the post: adapters put it where
	// Find can see it again.
	Post(ctx context.Context, key string, to Destination, card cards.Card) (Ref, error)
	// Find looks for a post with this key that was sent but never recorded.
	// ErrCannotTell when the platform has no way to say.
	Find(ctx context.Context, key string, to Destination) (ref Ref, ok bool, err error)
	// Update replaces a posted card.
	Update(ctx context.Context, ref Ref, card cards.Card) error
	// Whisper shows a card to one person only.
	Whisper(ctx context.Context, to Destination, card cards.Card) error
	// Home publishes the person's home page, where the platform has one.
	Home(ctx context.Context, w Workspace, user string, card cards.Card) error
}
