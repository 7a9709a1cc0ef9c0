package intents

import (
	"context"
	"slices"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
)

// maxViewers is how many people the card of a request is worth drawing for one
// by one; platforms have limits too.
const maxViewers = 60

// HandleView is a request's card as one person sees it: who may decide has
// Approve and Reject, the requester has Withdraw, everybody else neither. It
// reads, and nothing else: no decision, no audit record, no change of the
// request. The card in the conversation says the same to everybody there, so a
// view gives nothing away; buttons it leaves out or in do not decide what a
// click may do. That is why the person is taken as the platform's signed
// delivery names him, without the look-up a click gets: sixty clients drawing
// one card at once would use up the roster's rate limit.
//
// An empty Where means there is nothing to show: the client keeps what it has.
func (s *Service) HandleView(ctx context.Context, c adapters.Click) adapters.Answer {
	rec, err := s.find(ctx, c.Workspace, approvals.ID(c.Target))
	if err != nil {
		return adapters.Answer{}
	}
	rec, known, err := s.copyKnown(ctx, rec, c.Card)
	if err != nil {
		return adapters.Answer{}
	}
	if !known {
		answer, _ := doubled(rec, c.Card)
		return answer
	}
	who := s.Policy().account(c.Workspace, c.User.ID)
	return adapters.Answer{Card: s.viewOf(ctx, rec, who, s.timezone(ctx)), Where: adapters.Shown}
}

// doubled answers for a card that was posted, but never noted, because the
// process or the connection died in that moment and the platform cannot be
// asked. It can only be told by what is known: a copy in the same conversation is
// a second try. The note replaces the card for everybody; nothing else is done.
func doubled(rec approvals.Request, clicked adapters.Ref) (adapters.Answer, bool) {
	again := slices.ContainsFunc(copiesOf(rec), func(ref adapters.Ref) bool {
		return ref.Again && ref.Workspace == clicked.Workspace && ref.Conversation == clicked.Conversation
	})
	if !again || clicked.Message == "" {
		return adapters.Answer{}, false
	}
	card := cards.Card{
		Title: "Posted twice", Status: cards.StatusExpired,
		Summary: "I was interrupted while posting this card and posted it again. The other copy counts; on this one nothing was decided.",
		Footer:  []string{"Request " + string(rec.ID)[:min(8, len(rec.ID))]},
	}
	return adapters.Answer{Card: card, Where: adapters.Replace}, true
}

// viewOf is the card of a request for one person; nobody known sees it without
// the buttons of a decision.
func (s *Service) viewOf(ctx context.Context, rec approvals.Request, who *Person, zone *time.Location) cards.Card {
	card := safeCard(s.shownCard(ctx, rec, zone)) // before the buttons go: it looks at them
	decides := s.stillDecides(rec, who)
	requested := who != nil && who.Name == rec.Requester
	card.Buttons = slices.DeleteFunc(card.Buttons, func(b cards.Button) bool {
		switch b.Action {
		case cards.ActionApprove, cards.ActionReject:
			return !decides
		case cards.ActionWithdraw:
			return !requested
		case cards.ActionContinue, cards.ActionForm:
		}
		return false
	})
	return card
}

// stillDecides says whether a decision of this person would count now.
func (s *Service) stillDecides(rec approvals.Request, who *Person) bool {
	if who == nil || slices.ContainsFunc(rec.Decisions, func(d approvals.Decision) bool { return d.Person == who.Name }) {
		return false
	}
	rule, ok := s.ruleOf(rec)
	return ok && rule.MayDecide(who, rec.Requester)
}

// ruleOf is the rule for a request as the policy is now.
func (s *Service) ruleOf(rec approvals.Request) (Rule, bool) {
	_, _, change, err := parse(rec)
	if err != nil {
		return Rule{}, false
	}
	op, ok := s.operation(change.Op)
	if !ok {
		return Rule{}, false
	}
	return s.Policy().Rule(op)
}

// viewsOf says for whom the card of a request is worth drawing apart: while it
// can still change, for those who can do something about it first.
func (s *Service) viewsOf(rec approvals.Request) *cards.Views {
	if rec.State.Final() {
		return nil // it says the same to everybody, for good
	}
	p := s.Policy()
	var people []*Person
	if who, ok := p.Person(rec.Requester); ok {
		people = append(people, who)
	}
	if rule, ok := s.ruleOf(rec); ok {
		people = append(people, rule.Approvers...)
	}
	accounts := p.viewers(people)
	if len(accounts) == 0 {
		return nil
	}
	return &cards.Views{ID: string(rec.ID), For: accounts}
}

// account is the person an account belongs to in the policy, or nil. The
// platform has not been asked what the account is: for words only, never for a
// permission (Who).
func (p *Policy) account(w adapters.Workspace, id string) *Person {
	if p == nil || id == "" {
		return nil
	}
	return p.byUser[userKey{w, id}]
}

// viewers are the accounts of people on the platform that has views (Teams), the
// given people's first, without doubles.
func (p *Policy) viewers(first []*Person) []string {
	if p == nil {
		return nil
	}
	var out []string
	seen := map[*Person]bool{}
	for _, person := range slices.Concat(first, p.people) {
		if seen[person] {
			continue
		}
		seen[person] = true
		if tenant, id, ok := person.entra(); ok && len(out) < maxViewers {
			out = append(out, string(adapters.NewWorkspace(adapters.Teams, tenant))+"/"+id)
		}
	}
	return out
}
