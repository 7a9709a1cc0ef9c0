package intents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

// errStore marks faults of our own Redis: no card can be honest about them, so
// the delivery stays in the inbox and is answered when Redis is back.
var errStore = errors.New("store unavailable")

func storeErr(err error) error { return fmt.Errorf("%w: %w", errStore, err) }

// proposal is a change a person asked for, before it is a request.
type proposal struct {
	title   string // "Disable agent “Merge duplicates”"
	target  string // name and id, for people
	change  neoapi.Change
	fields  []cards.Field  // facts that help to judge it
	changes []cards.Change // before -> after; empty for actions such as run now
	warning string         // what the approver must know
	// confirmed: the requester has seen exactly this in a form and pressed its
	// button; where the rule lets him decide for himself that is the decision.
	confirmed bool
}

// view is what cards need to know about a request; it is stored with it.
type view struct {
	Title     string         `json:"title"`
	Target    string         `json:"target"`
	Call      string         `json:"call"` // "PUT /public-api/agents/104"
	Body      string         `json:"body,omitempty"`
	Fields    []cards.Field  `json:"fields,omitempty"`
	Changes   []cards.Change `json:"changes,omitempty"`
	Warning   string         `json:"warning,omitempty"`
	Approvers []string       `json:"approvers"`
	Intent    Intent         `json:"intent"` // to plan it again
	Risk      neoapi.Risk    `json:"risk"`
	UndoOf    string         `json:"undo_of,omitempty"`
}

// origin is where a request was made: its conversation's permissions apply
// when it is executed, and its outcome is told there.
type origin struct {
	Conversation adapters.Conversation `json:"conversation"`
	Thread       string                `json:"thread,omitempty"`
	User         adapters.User         `json:"user"`
}

// submit turns a proposal into a request that waits for a decision. The record
// is saved before any card is shown.
func (s *Service) submit(ctx context.Context, a *ask, p proposal) (outcome, error) {
	op, ok := s.operation(p.change.Op)
	if !ok {
		return outcome{}, fmt.Errorf("operation %s: %w", p.change.Op, neoapi.ErrUnavailable)
	}
	if a.unattended {
		return outcome{}, no("Not at a set time", "“%s” would change something; at set times I only look things up.", op.Summary)
	}
	if err := a.neo.Allowed(op.ID); err != nil {
		return outcome{}, err
	}
	if !a.shareable() {
		return outcome{refusal: "shared_channel", private: true, card: refusedCard("Not in this channel",
			"People from another organisation can read here, so I do not post approvals. Ask me in a direct message.")}, nil
	}
	rule, ok := a.policy.Rule(op)
	if !ok || len(rule.Deciders(a.who.Name)) == 0 {
		return outcome{refusal: "no_approver", card: refusedCard("Nobody may approve this",
			"The approval rules name nobody"+beside(a.who.Name, rule)+" for “"+op.Summary+"”. "+askAdmin(a.policy))}, nil
	}
	req, err := s.request(a, p, op, rule)
	if err != nil {
		return outcome{}, err
	}
	rec, _, err := s.Store.Submit(ctx, req)
	if err == nil {
		err = s.Memory.Save(ctx, a.workspace, "", nil, string(rec.ID), nextButtons(rec.ID))
	}
	if err != nil {
		return outcome{}, storeErr(err)
	}
	err = s.audit(ctx, a, approvals.Record{
		Kind: approvals.KindPlan, Key: "plan:" + string(rec.ID), Approval: rec.ID, Op: op.ID, Digest: rec.Digest,
		Detail: map[string]any{"title": p.title, "change": p.change, "test_mode": rec.TestMode},
	})
	if err != nil {
		return outcome{}, storeErr(err)
	}
	if p.confirmed && rule.SelfApproval {
		return s.confirm(ctx, a, rec, rule)
	}
	if err := s.notify(ctx, a, rec, rule); err != nil {
		return outcome{}, storeErr(err)
	}
	return outcome{card: s.shownCard(ctx, rec, a.zone), track: string(rec.ID)}, nil
}

func (s *Service) request(a *ask, p proposal, op neoapi.Operation, rule Rule) (approvals.Request, error) {
	method, address, err := a.neo.HTTP(p.change)
	if err != nil {
		return approvals.Request{}, err
	}
	v := view{
		Title: p.title, Target: p.target, Call: method + " " + address, Body: string(p.change.Body),
		Fields: p.fields, Changes: p.changes, Warning: p.warning, Risk: op.Risk,
		Approvers: rule.Deciders(a.who.Name), Intent: a.intent, UndoOf: a.intent.Args["approval"],
	}
	now := s.Now()
	return approvals.Request{
		Workspace: string(a.workspace), Key: a.delivery, Requester: a.who.Name,
		Change: mustJSON(p.change), Digest: p.change.Digest(), View: mustJSON(v),
		Origin:   mustJSON(origin{Conversation: a.conversation, Thread: a.thread, User: a.user}),
		TestMode: a.test, SelfApproval: rule.SelfApproval, Quorum: rule.Quorum,
		CreatedAt: now, ExpiresAt: now.Add(rule.Expires),
	}, nil
}

// mustJSON marshals our own plain structs, which cannot fail.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("intents: marshal " + fmt.Sprintf("%T", v) + ": " + err.Error())
	}
	return b
}

// confirm records the requester's own decision, made in a form that showed
// exactly this change, and executes it.
func (s *Service) confirm(ctx context.Context, a *ask, rec approvals.Request, rule Rule) (outcome, error) {
	if rec.State == approvals.Pending {
		var err error
		rec, err = s.record(ctx, a, rec, approvals.Decision{
			Person: a.who.Name, Choice: approvals.Approve, Reason: "confirmed in the form", At: s.Now(),
			Workspace: string(a.workspace), User: a.user.ID, Home: a.user.Home, Delivery: a.delivery,
		}, rule)
		if err != nil && !errors.Is(err, approvals.ErrDecided) {
			return outcome{}, storeErr(err)
		}
	}
	rec, err := s.execute(ctx, rec)
	if err == nil && rec.State == approvals.Pending { // others have to decide too
		err = s.notify(ctx, a, rec, rule)
	}
	if err != nil {
		return outcome{}, storeErr(err)
	}
	return outcome{card: s.shownCard(ctx, rec, a.zone), track: string(rec.ID)}, nil
}

// maxPings bounds how many approvers get a card of their own.
const maxPings = 5

// notify brings the card to those who can decide: the rule's channel, or else a
// direct message to each of them on the platform they share with the requester
// (or the one they have).
func (s *Service) notify(ctx context.Context, a *ask, rec approvals.Request, rule Rule) error {
	if rule.Channel != "" {
		if rule.Workspace == a.workspace && rule.Channel == a.conversation.ID {
			return nil // the answer itself goes there
		}
		if place, err := s.Poster.Place(ctx, rule.Workspace, rule.Channel); err == nil && place.Sharing == adapters.SharingInternal {
			return s.copyTo(ctx, a, rec, "channel", adapters.Destination{Workspace: rule.Workspace, Conversation: rule.Channel})
		}
		// Another organisation may read there, or nobody can tell: approvers are asked one by one.
		s.Logger.WarnContext(ctx, "approval channel is shared or cannot be checked", "channel", rule.Channel)
	}
	pinged := 0
	for _, p := range rule.Approvers {
		if p.Name == rec.Requester || pinged == maxPings {
			continue
		}
		if to, ok := p.reach(a.workspace); ok {
			pinged++
			if err := s.copyTo(ctx, a, rec, p.Name, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyTo posts one more copy of an approval card. A platform that refuses the
// post is logged: the copy in the requester's thread is still there.
func (s *Service) copyTo(ctx context.Context, a *ask, rec approvals.Request, label string, to adapters.Destination) error {
	ref, err := s.Poster.Post(ctx, "approval:"+string(rec.ID)+":"+label, to, s.shownCard(ctx, rec, a.zone))
	if err != nil {
		s.Logger.WarnContext(ctx, "post approval copy", "error", err, "approval_id", rec.ID, "to", label)
		return nil
	}
	return s.track(ctx, rec, ref)
}

// reach is a person's account for direct messages, the given workspace first.
func (p *Person) reach(first adapters.Workspace) (adapters.Destination, bool) {
	best := userKey{}
	for _, u := range p.users {
		if u.workspace == first {
			best = u
			break
		}
		if best.id == "" {
			best = u
		}
	}
	return adapters.Destination{Workspace: best.workspace, User: best.id}, best.id != ""
}

// track remembers a copy of the card. If the request moved on meanwhile the
// copy is redrawn.
func (s *Service) track(ctx context.Context, rec approvals.Request, ref adapters.Ref) error {
	updated, err := s.Store.AddCopy(ctx, rec.Workspace, rec.ID, string(mustJSON(ref)))
	if err != nil {
		return storeErr(err)
	}
	if updated.Version != rec.Version {
		s.redraw(ctx, updated)
	}
	return nil
}

func beside(requester string, rule Rule) string {
	for _, p := range rule.Approvers {
		if p.Name == requester {
			return " besides you"
		}
	}
	return ""
}

func askAdmin(p *Policy) string {
	if names := p.Admins(); len(names) > 0 {
		return upperFirst(list(names, "or")) + " can change that in neobot's policy file."
	}
	return "Whoever runs neobot can change that in its policy file."
}

func refusedCard(title, why string) cards.Card {
	return cards.Card{Title: title, Status: cards.StatusRefused, Summary: why}
}

// parse reads back what a record stores for us.
func parse(rec approvals.Request) (v view, o origin, c neoapi.Change, err error) {
	return records.parse(rec)
}

func parseAnew(rec approvals.Request) (v view, o origin, c neoapi.Change, err error) {
	err = errors.Join(json.Unmarshal(rec.View, &v), json.Unmarshal(rec.Origin, &o), json.Unmarshal(rec.Change, &c))
	if err == nil && c.Digest() != rec.Digest {
		err = approvals.ErrDigest
	}
	return v, o, c, err
}

// sameTarget reports whether now holds every value of before. Both are JSON
// objects; before holds only the fields the change is about.
func sameTarget(before, now json.RawMessage) (bool, string) {
	var b, n map[string]json.RawMessage
	if json.Unmarshal(before, &b) != nil || json.Unmarshal(now, &n) != nil {
		return false, "target"
	}
	for field, was := range b {
		if !sameJSON(was, n[field]) {
			return false, field
		}
	}
	return true, ""
}

// sameJSON compares two JSON values; a missing value equals null.
func sameJSON(a, b json.RawMessage) bool {
	norm := func(r json.RawMessage) string {
		if len(r) == 0 {
			return "null"
		}
		var v any
		d := json.NewDecoder(strings.NewReader(string(r)))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return string(r)
		}
		out, err := json.Marshal(v)
		if err != nil {
			return string(r)
		}
		return string(out)
	}
	return norm(a) == norm(b)
}
