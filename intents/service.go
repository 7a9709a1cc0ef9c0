package intents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

// Poster shows cards outside the answer to the delivery at hand: copies of an
// approval for its approvers, and every later state of them.
type Poster interface {
	// Post sends a card once per key, whatever crashes in between, and returns
	// where it lives.
	Post(ctx context.Context, key string, to adapters.Destination, card cards.Card) (adapters.Ref, error)
	// Place asks the platform what a conversation is and who can see it. On an
	// error its Sharing is unknown, which counts as shared.
	Place(ctx context.Context, w adapters.Workspace, conversation string) (adapters.Conversation, error)
	// Update replaces a posted card.
	Update(ctx context.Context, ref adapters.Ref, card cards.Card) error
}

// Config of a Service. Every field is needed except Logger and Summarizer.
type Config struct {
	Policy func() *Policy // asked anew every time, so that a reload counts at once
	Neo    *neoapi.Client
	Store  *approvals.Store
	Audit  *approvals.Audit
	Memory *Memory
	Router Router
	Poster Poster
	// Summarizer puts a run into words; nil: cards have none.
	Summarizer Summarizer
	Logger     *slog.Logger
	Now        func() time.Time
}

// Service answers messages and clicks. It is safe for concurrent use, and any
// number of replicas may share one Redis.
type Service struct {
	Config
	catalog map[string]entry
	specs   []Spec
	zone    zoneCache
	drawing drawLocks
	replica string // names this process where one of several has to do the work
	// partsTime bounds the further parts of a question; tests replace it.
	partsTime time.Duration
}

var _ adapters.Handler = (*Service)(nil)

// New checks the configuration and returns a Service that is ready.
func New(c Config) (*Service, error) {
	for name, missing := range map[string]bool{
		"Policy": c.Policy == nil, "Neo": c.Neo == nil, "Store": c.Store == nil, "Audit": c.Audit == nil,
		"Memory": c.Memory == nil, "Router": c.Router == nil, "Poster": c.Poster == nil, "Now": c.Now == nil,
	} {
		if missing {
			return nil, fmt.Errorf("intents: %s is missing", name)
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Poster = safePoster{c.Poster}
	s := &Service{Config: c, replica: newID(), partsTime: partsTime}
	var err error
	s.specs, s.catalog, err = bindCatalog()
	return s, err
}

// HandleMessage answers a message: who asks, what is meant, what would be done,
// whether it is allowed; then the answer, or the card that asks for approval.
// Its effects are keyed by the message id, so it may run twice.
func (s *Service) HandleMessage(ctx context.Context, m adapters.Message) (answer adapters.Answer, err error) {
	defer func() { answer.Card = safeCard(answer.Card) }() // whatever way it took
	a, refusal := s.begin(ctx, source{
		workspace: m.Workspace, user: m.User, conversation: m.Conversation, thread: m.Thread,
		delivery: m.ID, at: m.At, command: m.Command, text: m.Text,
	})
	if refusal != nil {
		return *refusal, s.refused(ctx, a, "unknown_person", "")
	}
	if m.Home {
		return s.home(ctx, a)
	}
	if a.history, err = s.Memory.Thread(ctx, m.Workspace, a.memoryKey()); err != nil {
		return adapters.Answer{}, err
	}
	routed := s.route(ctx, a, m.Text)
	return s.answer(ctx, a, routed)
}

// HandleClick acts on a button or a submitted form. The click is an id and a
// choice; what it means is loaded from the store under that id.
func (s *Service) HandleClick(ctx context.Context, c adapters.Click) (answer adapters.Answer, err error) {
	defer func() { answer.Card = safeCard(answer.Card) }() // whatever way it took
	a, refusal := s.begin(ctx, source{
		workspace: c.Workspace, user: c.User, conversation: c.Conversation, thread: c.Card.Thread,
		delivery: c.ID, at: c.At, text: "",
	})
	if refusal != nil {
		return *refusal, s.refused(ctx, a, "unknown_person", c.Target)
	}
	switch c.Action {
	case cards.ActionApprove, cards.ActionReject, cards.ActionWithdraw:
		return s.decide(ctx, a, c)
	case cards.ActionContinue:
		return s.proceed(ctx, a, c)
	case cards.ActionForm:
		return s.submitForm(ctx, a, c)
	}
	return private(refusedCard("This button is not known", "It may be from an older version. Ask again to get a fresh card.")),
		s.refused(ctx, a, "unknown_action", c.Target)
}

// Posted records where a copy of an approval card lives, and brings the copy up
// to date if the request has moved on while it was being posted.
func (s *Service) Posted(ctx context.Context, approval string, ref adapters.Ref) error {
	rec, err := s.find(ctx, ref.Workspace, approvals.ID(approval))
	if err != nil {
		return err
	}
	return s.track(ctx, rec, ref)
}

// source is where a delivery came from, the same for messages and clicks.
type source struct {
	workspace    adapters.Workspace
	user         adapters.User
	conversation adapters.Conversation
	thread       string
	delivery     string
	at           time.Time
	command      bool
	text         string
}

// ask is one delivery being answered: who, where, with which permissions.
type ask struct {
	source
	policy  *Policy
	who     *Person
	limits  Limits
	test    bool
	neo     *neoapi.Session
	zone    *time.Location
	now     time.Time // in zone
	history []Turn
	routed  Routed
	// question as the router got it. lookOnly is set once it is answered in parts:
	// then nothing but reads runs, whatever was picked.
	question Question
	lookOnly bool
	intent   Intent // as resolved so far; remembered as the thread's subject
	offered  []continuation
	known    []neoapi.Agent // agents read for this question
	among    []string       // of which an agent is to be picked; nil: all
	record   string         // id of the continuation record the offered buttons belong to
	// unattended: nobody asked just now, it is a schedule's or watch's time.
	unattended bool
}

// begin finds out who is asking and what he may use here. A nil answer means go on.
func (s *Service) begin(ctx context.Context, src source) (*ask, *adapters.Answer) {
	policy := s.Policy()
	a := &ask{source: src, policy: policy, record: newID()}
	who, ok := policy.Who(src.workspace, src.user)
	if !ok {
		answer := private(strangerCard(policy, src.user))
		return a, &answer
	}
	a.who = who
	a.limits = policy.Limits(who, src.workspace, src.conversation)
	a.test = policy.TestMode(who, src.workspace, src.conversation)
	a.neo = s.Neo.Session(a.limits.Scope())
	a.zone = s.timezone(ctx)
	a.now = s.Now().In(a.zone)
	return a, nil
}

// answer runs an intent and remembers it as the thread's latest turn.
func (s *Service) answer(ctx context.Context, a *ask, routed Routed) (adapters.Answer, error) {
	a.routed, a.lookOnly = routed, routed.More
	out, err := s.run(ctx, a, routed.Intent)
	if err == nil && routed.More {
		out, err = s.parts(ctx, a, out)
	}
	if err != nil {
		return adapters.Answer{}, err
	}
	out.card.Footer = append(out.card.Footer, a.footer()...)
	out.card.Rated = out.track == "" && (routed.By == ByModel || out.card.AIGenerated)
	if err := s.save(ctx, a, out); err != nil {
		return adapters.Answer{}, err
	}
	if !routed.More { // parts are recorded one by one
		if err := s.recordPart(ctx, a, answered{a.intent, a.routed, out}, 1); err != nil {
			return adapters.Answer{}, err
		}
	}
	return adapters.Answer{Card: out.card, Where: a.where(out), Track: out.track}, nil
}

// where an answer goes. An approval card must stay editable, so it is always a
// message of its own (submit refuses shared channels); in a direct message
// there is nobody to hide anything from.
func (a *ask) where(out outcome) adapters.Where {
	switch {
	case out.track != "":
		return adapters.Reply
	case a.command, !a.shareable():
		return adapters.Private
	case out.private && a.conversation.Kind != adapters.Direct:
		return adapters.Private
	}
	return adapters.Reply
}

// save keeps what the card's buttons mean, and the turn.
func (s *Service) save(ctx context.Context, a *ask, out outcome) error {
	var turn *Turn
	if a.intent.Name != "" && a.intent.Name != intentReset {
		turn = &Turn{
			Text: clip(a.text, 300), Intent: a.intent, At: a.now,
			Answer: clip(out.card.Title+". "+out.card.Summary, 300),
		}
	}
	return s.Memory.Save(ctx, a.workspace, a.memoryKey(), turn, a.record, a.offered)
}

// refused audits a refusal that happened before there was anything to plan.
func (s *Service) refused(ctx context.Context, a *ask, why, target string) error {
	return s.audit(ctx, a, approvals.Record{
		Kind: approvals.KindRefusal, Key: "refusal:" + a.delivery, Outcome: why, Approval: approvals.ID(clip(target, 64)),
		Detail: map[string]any{"trust": string(a.user.Trust)},
	})
}

func (s *Service) audit(ctx context.Context, a *ask, r approvals.Record) error {
	r.Workspace, r.At = string(a.workspace), s.Now()
	r.User, r.Home, r.Delivery = a.user.ID, a.user.Home, a.delivery
	r.Platform = string(a.workspace.Platform())
	if a.who != nil {
		r.Person = a.who.Name
	}
	r.Detail = safeDetail(r.Detail)
	if err := s.Audit.Append(ctx, r); err != nil {
		return storeErr(fmt.Errorf("audit %s: %w", r.Kind, err))
	}
	return nil
}

// memoryKey is the thread whose turns belong together: a whole direct
// conversation, a thread elsewhere, one person's commands in a channel.
func (a *ask) memoryKey() string {
	switch {
	case a.command:
		return a.conversation.ID + "/command/" + a.user.ID
	case a.conversation.Kind == adapters.Direct:
		return a.conversation.ID
	default:
		return a.conversation.ID + "/" + a.thread
	}
}

// shareable reports whether everyone in the conversation belongs to the organisation.
func (a *ask) shareable() bool {
	return a.conversation.Kind == adapters.Direct || a.conversation.Sharing == adapters.SharingInternal
}

// route asks the router, with the agents' names when the person may read them.
func (s *Service) route(ctx context.Context, a *ask, text string) Routed {
	a.question = Question{Text: text, History: a.history, Now: a.now, Specs: s.specs, Agents: s.agentNames(ctx, a)}
	routed, err := s.Router.Route(ctx, a.question)
	if err != nil {
		s.Logger.ErrorContext(ctx, "route", "error", err, "workspace", a.workspace)
		return Routed{Note: "the question could not be worked out just now"}
	}
	return routed
}

// find loads a request from the workspace of the click or, for a copy of the
// card on the organisation's other platform, from there.
func (s *Service) find(ctx context.Context, w adapters.Workspace, id approvals.ID) (approvals.Request, error) {
	rec, err := s.Store.Get(ctx, string(w), id)
	if !errors.Is(err, approvals.ErrNotFound) {
		return rec, err
	}
	for _, other := range s.Policy().Workspaces() {
		if other == w {
			continue
		}
		if rec, err := s.Store.Get(ctx, string(other), id); !errors.Is(err, approvals.ErrNotFound) {
			return rec, err
		}
	}
	return approvals.Request{}, err
}

// operation of the catalog.
func (s *Service) operation(id string) (neoapi.Operation, bool) { return s.Neo.Catalog().Operation(id) }

func private(c cards.Card) adapters.Answer { return adapters.Answer{Card: c, Where: adapters.Private} }
