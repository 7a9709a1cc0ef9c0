package intents

import (
	"context"
	"time"
)

// ArgKind is the type of an intent's argument. The router returns what the
// person said; resolving and checking it is the plan's work.
type ArgKind string

// Kinds of arguments.
const (
	ArgText    ArgKind = "text"    // free text
	ArgAgent   ArgKind = "agent"   // an agent's name, resolved fuzzily against Neo
	ArgTicket  ArgKind = "ticket"  // digits, with or without '#'
	ArgRun     ArgKind = "run"     // an execution id, or empty: the one talked about
	ArgStatus  ArgKind = "status"  // one of Enum
	ArgState   ArgKind = "state"   // one of Enum
	ArgWhen    ArgKind = "when"    // "today", "yesterday", "last 24 hours", "since monday", "2026-11-20"
	ArgMonth   ArgKind = "month"   // "this month", "last month", "2026-10"
	ArgRequest ArgKind = "request" // a technician request's number
	ArgVersion ArgKind = "version" // one or two numbers of an agent's versions: "2", "1 and 3"
)

// Arg is one argument of an intent.
type Arg struct {
	Name     string
	Kind     ArgKind
	Help     string   // for people and the model
	Required bool     // asked for with a card when missing
	Enum     []string // allowed values, for status and state
}

// Spec is the declaration of an intent: what routers and help need to know.
type Spec struct {
	Name     string   // snake_case, the model's tool name
	Summary  string   // a sentence for people and the model
	Args     []Arg    // typed arguments
	Examples []string // how people say it; the first is shown in help. "<agent>" etc. stand for arguments
	Write    bool     // leads to a change (and so to an approval)
	Ops      []string // Neo operations it uses; the person needs them all
}

// Intent is what a router picked: a name from the catalog and arguments as said.
type Intent struct {
	Name string            `json:"name"`
	Args map[string]string `json:"args,omitempty"`
}

// Turn is one earlier exchange of the thread.
type Turn struct {
	Text   string    `json:"text"`   // what the person said
	Intent Intent    `json:"intent"` // as resolved: agent has its full name, run its id
	At     time.Time `json:"at"`
	Answer string    `json:"answer,omitempty"` // title and summary of the card, for people; not for the model
}

// Question is what a router gets.
type Question struct {
	Text    string
	History []Turn    // oldest first, at most a handful
	Now     time.Time // in the tenant's time zone
	Specs   []Spec    // the catalog
	Agents  []string  // names of agents when known, for fuzzy matching; may be empty
	Done    []Part    // for Chainer.Next: the parts answered so far, in order
}

// Part is a part of a question that is answered, as far as a router may know.
type Part struct {
	Intent Intent // as resolved
	// Rows are what it found: names, numbers and states, never free text.
	Rows []map[string]string
	More int // rows left out
	// About is the one thing "it" means from here on; empty when several could be meant.
	About map[string]string
}

// Routed is a router's pick. Exactly one of Intent.Name and Ask is set; both
// empty means the question is not understood or out of scope.
type Routed struct {
	Intent Intent
	// Ask is a question back, chosen from a closed set by code; never model prose.
	Ask string
	// Choices are likely intents when the question was ambiguous.
	Choices []Intent
	// By says who picked: "built-in" or "model".
	By string
	// Note is for the card's footer ("model unavailable, answered without it").
	Note string
	// Tokens the model used, 0 for the built-in router.
	Tokens int
	// More says that the message asks for further reads after this one, which the
	// service then asks Chainer.Next for.
	More bool
	// Over is Next's answer when nothing of the message is left. With neither an
	// intent nor Ask nor Over the rest is not understood.
	Over bool
}

// Router picks an intent for a question. An error means it could not try (the
// model is down); not understanding is not an error.
type Router interface {
	Route(ctx context.Context, q Question) (Routed, error)
}

// Chainer is a router that can go on with a message of several parts. It picks
// reads only; whatever else it returns is not run.
type Chainer interface {
	// Next picks the read after those in q.Done. An error means it could not try.
	Next(ctx context.Context, q Question) (Routed, error)
}
