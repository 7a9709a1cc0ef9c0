package intents

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

const maxReason = 300 // characters of a rejection's reason

// decide handles Approve, Reject and Withdraw. Every check is made against the
// policy of this moment; the state changes in one script, so the first click
// wins and every other gets the card as it then is.
func (s *Service) decide(ctx context.Context, a *ask, c adapters.Click) (adapters.Answer, error) {
	rec, refusal, err := s.clicked(ctx, a, c)
	if err != nil || refusal != nil {
		return deref(refusal), err
	}
	if c.Action == cards.ActionWithdraw {
		return s.withdraw(ctx, a, rec)
	}
	rule, refusal, err := s.mayDecide(ctx, a, rec)
	if err != nil || refusal != nil {
		return deref(refusal), err
	}
	d := approvals.Decision{
		Person: a.who.Name, Choice: approvals.Approve, At: s.Now(),
		Workspace: string(a.workspace), User: a.user.ID, Home: a.user.Home, Delivery: a.delivery,
	}
	if c.Action == cards.ActionReject {
		d.Choice, d.Reason = approvals.Reject, clip(strings.TrimSpace(c.Inputs["reason"]), maxReason)
		if d.Reason == "" {
			return private(refusedCard("A reason is needed", "Press Reject again and say why; "+rec.Requester+" will read it.")),
				s.refused(ctx, a, "no_reason", string(rec.ID))
		}
	}
	rec, err = s.record(ctx, a, rec, d, rule)
	if answer, handled := s.lateClick(a, rec, err); handled {
		return answer, s.late(ctx, a, rec, err)
	}
	if err != nil {
		return adapters.Answer{}, storeErr(err)
	}
	if rec, err = s.carryOut(ctx, rec); err != nil {
		return adapters.Answer{}, storeErr(err)
	}
	return adapters.Answer{Card: s.viewOf(ctx, rec, a.who, a.zone), Where: adapters.Shown}, nil
}

// carryOut does what a decision has made possible and brings the cards up to date.
func (s *Service) carryOut(ctx context.Context, rec approvals.Request) (approvals.Request, error) {
	if rec.State.Final() { // rejected, or the same click again after the end
		return rec, s.ended(ctx, rec)
	}
	if rec.State == approvals.Approved {
		stop := s.redrawSoon(ctx, rec)
		var err error
		rec, err = s.execute(ctx, rec)
		stop()
		if err != nil || rec.State.Final() {
			return rec, err
		}
	}
	s.redraw(ctx, rec) // more approvals are needed, or another worker is at it
	return rec, nil
}

// record saves a decision and its audit line. The audit follows the script: a
// crash between the two is repaired by the redelivered click.
func (s *Service) record(ctx context.Context, a *ask, rec approvals.Request, d approvals.Decision, rule Rule) (approvals.Request, error) {
	rec, err := s.Store.Decide(ctx, rec.Workspace, rec.ID, approvals.DecideArgs{
		Decision: d, Quorum: rule.Quorum, AllowSelf: rule.SelfApproval,
	})
	if err != nil {
		return rec, err
	}
	return rec, s.audit(ctx, a, approvals.Record{
		Kind: approvals.KindDecision, Key: "decision:" + string(rec.ID) + ":" + a.delivery, Approval: rec.ID,
		Digest: rec.Digest, Outcome: string(d.Choice), Detail: map[string]any{"reason": d.Reason, "state": string(rec.State)},
	})
}

// clicked loads the request a click is about and checks that the click came
// from a card of it (platform facts, not card data).
func (s *Service) clicked(ctx context.Context, a *ask, c adapters.Click) (approvals.Request, *adapters.Answer, error) {
	rec, err := s.find(ctx, a.workspace, approvals.ID(c.Target))
	if errors.Is(err, approvals.ErrNotFound) {
		answer := private(refusedCard("I do not know this request", "It may be very old. Ask again to make a new one. Nothing was done."))
		return rec, &answer, s.refused(ctx, a, "unknown_request", c.Target)
	}
	if err != nil {
		return rec, nil, storeErr(err)
	}
	if a.conversation.Kind != adapters.Direct && !a.shareable() {
		answer := private(refusedCard("Not in this channel",
			"This channel is now shared with another organisation, so decisions are not taken here. Nothing was decided."))
		return rec, &answer, s.refused(ctx, a, "shared_channel", c.Target)
	}
	rec, known, err := s.copyKnown(ctx, rec, c.Card)
	if err != nil {
		return rec, nil, storeErr(err)
	}
	if known {
		return rec, nil, nil
	}
	if answer, ok := doubled(rec, c.Card); ok {
		return rec, &answer, s.refused(ctx, a, "double_card", c.Target)
	}
	answer := private(refusedCard("This is not a card of that request", "Use the newest card in the thread. Nothing was decided."))
	return rec, &answer, s.refused(ctx, a, "foreign_card", c.Target)
}

// copyKnown is isCopy for a click that may be faster than our note of where the
// card was posted: a young request is looked at again a few times, for less than
// a second together.
func (s *Service) copyKnown(ctx context.Context, rec approvals.Request, clicked adapters.Ref) (approvals.Request, bool, error) {
	for wait := 25 * time.Millisecond; ; wait *= 2 {
		if isCopy(rec, clicked) {
			return rec, true, nil
		}
		if wait > 400*time.Millisecond || s.Now().Sub(rec.CreatedAt) > time.Minute {
			return rec, false, nil
		}
		select {
		case <-ctx.Done():
			return rec, false, ctx.Err()
		case <-time.After(wait):
		}
		now, err := s.Store.Get(ctx, rec.Workspace, rec.ID)
		if err != nil {
			return rec, false, err
		}
		rec = now
	}
}

// isCopy reports whether the clicked message is one of the request's cards.
// Forms have no message of their own, and some Teams payloads lack it: then
// what is there must fit.
func isCopy(rec approvals.Request, clicked adapters.Ref) bool {
	if clicked.Conversation == "" {
		return true
	}
	return slices.ContainsFunc(copiesOf(rec), func(ref adapters.Ref) bool {
		return ref.Workspace == clicked.Workspace && ref.Conversation == clicked.Conversation &&
			(clicked.Message == "" || ref.Message == clicked.Message)
	})
}

// copiesOf is where the cards of a request are.
func copiesOf(rec approvals.Request) []adapters.Ref {
	refs := make([]adapters.Ref, 0, len(rec.Copies))
	for _, text := range rec.Copies {
		var ref adapters.Ref
		if json.Unmarshal([]byte(text), &ref) == nil {
			refs = append(refs, ref)
		}
	}
	return refs
}

// mayDecide asks the policy of this moment whether this person decides.
func (s *Service) mayDecide(ctx context.Context, a *ask, rec approvals.Request) (Rule, *adapters.Answer, error) {
	_, _, change, err := parse(rec)
	op, known := s.operation(change.Op)
	if err != nil || !known {
		answer := private(refusedCard("This request cannot be read", "It was changed or comes from another version. Nothing was done; ask again."))
		return Rule{}, &answer, s.refused(ctx, a, "unreadable_request", string(rec.ID))
	}
	rule, ok := a.policy.Rule(op)
	if ok && rule.MayDecide(a.who, rec.Requester) {
		return rule, nil, nil
	}
	card := refusedCard("You cannot decide this", "")
	names := rule.Deciders(rec.Requester)
	switch {
	case !ok || len(names) == 0:
		card.Summary = "The approval rules name nobody for it now. " + askAdmin(a.policy)
	case a.who.Name == rec.Requester:
		card.Summary = "You asked for it, so somebody else has to decide: " + list(names, "or") + "."
	default:
		card.Summary = "These people can: " + list(names, "or") + "."
	}
	answer := private(card)
	why := "not_approver"
	if a.who.Name == rec.Requester {
		why = "requester"
	}
	return Rule{}, &answer, s.refused(ctx, a, why, string(rec.ID))
}

// lateClick answers a click that changed nothing: somebody was first, the time
// ran out, or the same person pressed twice.
func (s *Service) lateClick(a *ask, rec approvals.Request, err error) (adapters.Answer, bool) {
	var title, summary string
	switch {
	case err == nil:
		return adapters.Answer{}, false
	case errors.Is(err, approvals.ErrRepeated):
		title, summary = "You already approved this", "It still needs another approval."
	case errors.Is(err, approvals.ErrExpired):
		title, summary = "Too late", "This request expired "+a.clock(rec.ExpiresAt)+". Nothing was changed; ask again if it is still wanted."
	case errors.Is(err, approvals.ErrDecided):
		title, summary = "Already decided", s.whatHappened(rec, a)
	case errors.Is(err, approvals.ErrSelf):
		title, summary = "You cannot decide this", "You asked for it, so somebody else has to decide."
	default:
		return adapters.Answer{}, false
	}
	return private(refusedCard(title, summary)), true
}

// late audits a click that came too late and brings the cards up to date. It
// may have been the click that found the request expired.
func (s *Service) late(ctx context.Context, a *ask, rec approvals.Request, err error) error {
	if ended := s.ended(ctx, rec); ended != nil {
		return storeErr(ended)
	}
	return s.audit(ctx, a, approvals.Record{
		Kind: approvals.KindRefusal, Key: "refusal:" + a.delivery, Approval: rec.ID, Digest: rec.Digest, Outcome: err.Error(),
	})
}

func (s *Service) withdraw(ctx context.Context, a *ask, rec approvals.Request) (adapters.Answer, error) {
	rec, err := s.Store.Withdraw(ctx, rec.Workspace, rec.ID, a.who.Name)
	if errors.Is(err, approvals.ErrForeign) {
		return private(refusedCard("Only "+rec.Requester+" can withdraw this", "You can reject it if you are an approver.")),
			s.refused(ctx, a, "not_requester", string(rec.ID))
	}
	if answer, handled := s.lateClick(a, rec, err); handled {
		return answer, s.late(ctx, a, rec, err)
	}
	if err != nil {
		return adapters.Answer{}, storeErr(err)
	}
	err = s.audit(ctx, a, approvals.Record{
		Kind: approvals.KindDecision, Key: "withdraw:" + string(rec.ID), Approval: rec.ID, Digest: rec.Digest, Outcome: "withdraw",
	})
	if err != nil {
		return adapters.Answer{}, storeErr(err)
	}
	s.redraw(ctx, rec)
	return adapters.Answer{Card: s.shownCard(ctx, rec, a.zone), Where: adapters.Shown}, nil
}

// rejectForm asks for the reason, after the same checks as the decision itself.
func (s *Service) rejectForm(ctx context.Context, a *ask, c adapters.Click) (*cards.Form, adapters.Answer) {
	failed := private(refusedCard("I cannot reach my memory just now", "Try again in a minute. Nothing was decided."))
	rec, refusal, err := s.clicked(ctx, a, c)
	if err != nil || refusal != nil {
		return nil, orElse(refusal, failed)
	}
	if _, refusal, err = s.mayDecide(ctx, a, rec); err != nil || refusal != nil {
		return nil, orElse(refusal, failed)
	}
	if rec.State != approvals.Pending {
		return s.noForm(ctx, a, c, approvals.ErrDecided.Error(), private(refusedCard("Already decided", s.whatHappened(rec, a))))
	}
	v, _, _, _ := parse(rec) // mayDecide has read it already
	return &cards.Form{
		Title: "Reject request", Submit: "Reject", Action: cards.ActionReject, ID: string(rec.ID),
		Intro: []cards.Block{{Text: v.Title + ", asked by " + rec.Requester}},
		Inputs: []cards.Input{{
			Name: "reason", Label: "Reason", Hint: rec.Requester + " will read this", Kind: cards.InputMultiline, Max: maxReason,
		}},
	}, adapters.Answer{}
}

func deref(a *adapters.Answer) adapters.Answer { return orElse(a, adapters.Answer{}) }

func orElse(a *adapters.Answer, other adapters.Answer) adapters.Answer {
	if a == nil {
		return other
	}
	return *a
}

// whatHappened says who decided, what came of it and when.
func (s *Service) whatHappened(rec approvals.Request, a *ask) string { return outcomeLine(rec, a.now) }

// scopeAtExecution is the requester's scope as it is now, in the conversation
// the request was made in.
func (s *Service) scopeAtExecution(p *Policy, rec approvals.Request, o origin) (neoapi.Scope, bool) {
	who, ok := p.Person(rec.Requester)
	if !ok {
		return nil, false
	}
	return p.Limits(who, adapters.Workspace(rec.Workspace), o.Conversation).Scope(), true
}
