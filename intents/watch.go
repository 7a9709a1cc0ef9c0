package intents

import (
	"context"
	"errors"
	"strings"
	"time"

	"neobot/adapters"
	"neobot/cards"
)

// watchKind is what a watch looks for.
type watchKind string

const (
	watchFailures watchKind = "failures" // a run failed
	watchRequests watchKind = "requests" // Neo asks a technician
	watchCredits  watchKind = "credits"  // the month will end, or is, over the limit
	watchChanges  watchKind = "changes"  // somebody changed an agent or the settings
	watchSchedule watchKind = "schedule" // no event: a question answered at set times
)

// watchOps is the operation behind each kind of event.
var watchOps = map[watchKind]string{
	watchFailures: "list_executions", watchRequests: "list_til_requests", watchCredits: "get_credit_usage", watchChanges: "list_agents",
}

const (
	maxWatches = 20               // of one person in one workspace
	awayAfter  = 15 * time.Minute // longer than this between two looks, and the card says so
	maxPosts   = 20               // undelivered cards of one watch; more are joined with the last
	maxShown   = 10               // events listed on a card
)

// watch is one subscription. It belongs to a person, whose permissions of the
// moment count at every look, and posts into the conversation it was made in.
type watch struct {
	ID           int                `json:"-"` // its number, kept as the field's name
	Key          string             `json:"key"`
	Kind         watchKind          `json:"kind"`
	Person       string             `json:"person"`
	User         string             `json:"user"`
	Workspace    adapters.Workspace `json:"workspace"`
	Conversation string             `json:"conversation"`
	Direct       bool               `json:"direct,omitempty"`
	Agent        string             `json:"agent,omitempty"`
	AgentID      string             `json:"agent_id,omitempty"`
	Mine         bool               `json:"mine,omitempty"`
	Cron         string             `json:"cron,omitempty"`
	Times        string             `json:"times,omitempty"` // the cron in words
	Ask          string             `json:"ask,omitempty"`
	Intent       Intent             `json:"intent,omitzero"`
	Since        time.Time          `json:"since"` // made or resumed: nothing older is reported
	Paused       bool               `json:"paused,omitempty"`
	Stopped      string             `json:"stopped,omitempty"` // why the bot has stopped it
}

// words say what a watch does, after "I tell you about".
func (w watch) words() string {
	of := " of every agent"
	if w.Agent != "" {
		of = " of " + w.Agent
	}
	switch w.Kind {
	case watchFailures:
		return "failures" + of
	case watchRequests:
		if w.Mine {
			return "new technician requests for you"
		}
		return "new technician requests" + strings.TrimSuffix(of, " of every agent")
	case watchCredits:
		return "credits that will run over the limit"
	case watchChanges:
		if w.Agent == "" {
			return "changes of agents and settings"
		}
		return "changes" + of
	case watchSchedule:
		return "“" + clip(w.Ask, 80) + "” " + w.Times
	}
	return "something this version does not know"
}

func (w watch) active() bool { return !w.Paused && w.Stopped == "" }

// watchState is how far a watch has looked and what it has yet to post. It is
// saved before anything is posted: killed in between, the same cards go out
// under the same keys, and nothing is looked at twice.
type watchState struct {
	At     time.Time            `json:"at,omitzero"`      // last look
	Seen   time.Time            `json:"seen,omitzero"`    // newest item looked at
	Recent map[string]time.Time `json:"recent,omitempty"` // looked at, near Seen: lists may show items late
	Open   map[string]time.Time `json:"open,omitempty"`   // runs that had not ended
	Told   map[string]bool      `json:"told,omitempty"`   // credits: months warned about
	Agents map[string]string    `json:"agents,omitempty"` // changes: id -> digest
	Kept   time.Time            `json:"kept,omitzero"`    // changes: values refreshed
	Fired  time.Time            `json:"fired,omitzero"`   // schedule: the last time posted
	Posts  []watchPost          `json:"posts,omitempty"`
}

// watchPost is one card to post, as data: it is rendered when it is posted.
type watchPost struct {
	Key    string       `json:"key"`
	Away   bool         `json:"away,omitempty"`
	Notice string       `json:"notice,omitempty"` // the watch has stopped, and why
	More   bool         `json:"more,omitempty"`   // not everything could be looked at
	Events []watchEvent `json:"events,omitempty"`
}

// watchEvent is one thing to tell.
type watchEvent struct {
	Title   string         `json:"title"`
	Detail  string         `json:"detail,omitempty"`
	Status  cards.Status   `json:"status,omitempty"`
	Changes []cards.Change `json:"changes,omitempty"`
	Label   string         `json:"label,omitempty"` // of its button
	Next    Intent         `json:"next,omitzero"`
}

// errPlace means that a conversation cannot be checked just now.
var errPlace = errors.New("conversation cannot be checked")

// standIn is the ask of a watch or schedule: a person's question without the
// person there. why is set when it may not be answered at all any more.
func (s *Service) standIn(ctx context.Context, w watch) (a *ask, why string, err error) {
	policy := s.Policy()
	// The account must still be the person's: people leave, accounts are reassigned.
	who, ok := policy.Who(w.Workspace, adapters.User{ID: w.User, Trust: adapters.TrustMember})
	if !ok || who.Name != w.Person {
		return nil, w.Person + " is not in the list of people with this account any more.", nil
	}
	place, err := s.Poster.Place(ctx, w.Workspace, w.Conversation)
	if err != nil || place.Sharing == adapters.SharingUnknown && !w.Direct {
		if errors.Is(err, adapters.ErrGone) {
			return nil, "I cannot post in that conversation any more.", nil
		}
		return nil, "", errors.Join(errPlace, err)
	}
	if place.Sharing == adapters.SharingExternal || w.Direct != (place.Kind == adapters.Direct) {
		return nil, "People from another organisation can read in that conversation now.", nil
	}
	zone := s.timezone(ctx)
	a = &ask{
		source: source{workspace: w.Workspace, conversation: place, text: w.Ask, user: adapters.User{ID: w.User}},
		policy: policy, record: newID(), who: who, unattended: true, zone: zone, now: s.Now().In(zone),
	}
	a.at = a.now
	a.limits = policy.Limits(who, w.Workspace, place)
	a.neo = s.Neo.Session(a.limits.Scope())
	if w.Mine && who.NeoUserID == "" {
		return nil, "Your Neo user id is not in the policy file any more.", nil
	}
	for _, op := range s.opsOf(w) {
		if err := a.neo.Allowed(op); err != nil {
			return nil, who.Name + " may not look that up here any more. " + a.scopeSentence(err), nil
		}
	}
	return a, "", nil
}

// opsOf are the operations whose permission a watch needs at every look.
func (s *Service) opsOf(w watch) []string {
	if w.Kind == watchSchedule {
		return s.catalog[w.Intent.Name].Ops
	}
	return []string{watchOps[w.Kind]}
}
