package intents

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
)

// byButton marks an intent that comes from the store and not from a router.
const byButton = "button"

// args are an intent's arguments as said. Plans resolve them.
type args map[string]string

// run plans an intent and answers with its card. What the router could not
// make out, a missing argument and every error become a card here.
func (s *Service) run(ctx context.Context, a *ask, in Intent) (outcome, error) {
	if in.Name == "" {
		return s.notUnderstood(a), nil
	}
	e, ok := s.catalog[in.Name]
	if !ok || (e.internal && a.text != "") || a.lookOnly && !chainable(e.Spec) {
		return s.notUnderstood(a), nil
	}
	a.intent = a.taken(e, in)
	if out, missing := s.missing(a, e); missing {
		return out, nil
	}
	for _, op := range e.Ops {
		if err := a.neo.Allowed(op); err != nil {
			return s.explain(ctx, a, err), nil
		}
	}
	out, err := e.plan(ctx, s, a, a.intent.Args)
	if again, known, fault := s.askedBefore(ctx, a, e, out); known || fault != nil {
		return again, fault
	}
	switch {
	case err == nil && out.proposal != nil && a.lookOnly:
		return s.notUnderstood(a), nil
	case err == nil && out.proposal != nil:
		out, err = s.submit(ctx, a, *out.proposal)
	case err == nil:
		out.private = out.private || e.private
	}
	if err != nil {
		var choice *choiceError
		if errors.As(err, &choice) {
			return choice.out, nil
		}
		if errors.Is(err, errStore) {
			return outcome{}, err
		}
		return s.explain(ctx, a, err), nil
	}
	return out, nil
}

// taken is the intent with the arguments that may be said.
func (a *ask) taken(e entry, in Intent) Intent {
	out := Intent{Name: in.Name, Args: map[string]string{}}
	for k, v := range in.Args {
		if _, declared := e.Arg(k); !declared && a.routed.By != byButton && !a.remembered(in, k) {
			continue // only our own buttons and the thread's subject name ids and offsets
		}
		if v = strings.TrimSpace(v); v != "" {
			out.Args[k] = clip(v, 2000)
		}
	}
	return out
}

// askedBefore shows the request this very delivery has made already, when it
// is delivered again and finds nothing to change any more: otherwise the repeat
// would put "it is so already" over the request's card.
func (s *Service) askedBefore(ctx context.Context, a *ask, e entry, out outcome) (outcome, bool, error) {
	if out.proposal != nil || !e.Write && a.routed.By != byButton || a.delivery == "" {
		return outcome{}, false, nil
	}
	rec, err := s.Store.ByKey(ctx, string(a.workspace), a.delivery)
	if errors.Is(err, approvals.ErrNotFound) {
		return outcome{}, false, nil
	}
	if err != nil {
		return outcome{}, false, storeErr(err)
	}
	if rule, ok := s.ruleOf(rec); ok && rec.State == approvals.Pending {
		if err := s.notify(ctx, a, rec, rule); err != nil {
			return outcome{}, false, storeErr(err)
		}
	}
	return outcome{card: s.shownCard(ctx, rec, a.zone), track: string(rec.ID)}, true, nil
}

// remembered reports whether an agent's id is that of a turn of this thread, so
// that a follow-up means the same agent even where two have one name.
func (a *ask) remembered(in Intent, key string) bool {
	return key == "agent_id" && slices.ContainsFunc(a.history, func(t Turn) bool {
		return t.Intent.Args["agent_id"] == in.Args["agent_id"] && t.Intent.Args["agent"] == in.Args["agent"]
	})
}

// missing asks for the first required argument that was not said, with choices
// where there are some.
func (s *Service) missing(a *ask, e entry) (outcome, bool) {
	for _, arg := range e.Args {
		if !arg.Required || a.intent.Args[arg.Name] != "" {
			continue
		}
		card := cards.Card{
			Title: "One thing is missing", Status: cards.StatusQuestion,
			Summary: "Which " + arg.Name + "? " + upperFirst(arg.Help) + ".",
		}
		if arg.Kind == ArgAgent {
			return s.askAgent(a, card, arg.Name, a.names()), true
		}
		if len(e.Examples) > 0 {
			card.Body = []cards.Block{{Text: "For example: " + e.Examples[0]}}
		}
		return outcome{card: card}, true
	}
	return outcome{}, false
}

// notUnderstood is the honest answer to a question no intent fits.
func (s *Service) notUnderstood(a *ask) outcome {
	card := cards.Card{
		Title: "I did not get that", Status: cards.StatusQuestion,
		Summary: "I can look up Neo's agents, runs, requests and credits, and prepare changes for approval.",
	}
	if a.routed.Ask != "" {
		card.Title, card.Summary = "Not something I can do", a.routed.Ask
		if len(a.routed.Choices) > 0 {
			card.Title = "What do you mean?"
		}
	}
	choices := a.routed.Choices
	if len(choices) == 0 {
		choices = []Intent{{Name: intentHelp}}
	}
	for _, c := range choices[:min(len(choices), 5)] {
		e, ok := s.catalog[c.Name]
		if !ok || e.internal {
			continue
		}
		card.Buttons = append(card.Buttons, cards.Button{
			Label: choiceLabel(e, c), Action: cards.ActionContinue,
			ID: a.offer(continuation{Intent: c, Owner: a.who.Name, Replace: true}),
		})
	}
	return outcome{card: card, refusal: "not_understood"}
}

func choiceLabel(e entry, c Intent) string {
	agent := c.Args["agent"]
	if verb, ok := strings.CutSuffix(e.Name, "_agent"); ok && agent != "" {
		return upperFirst(verb) + " " + agent
	}
	return upperFirst(strings.ReplaceAll(e.Name, "_", " ")) + prefixed(" of ", agent)
}

// proceed runs what a button stands for, with the permissions of the person
// who pressed it.
func (s *Service) proceed(ctx context.Context, a *ask, c adapters.Click) (adapters.Answer, error) {
	next, err := s.continuation(ctx, a, c)
	if err != nil || next.Intent.Name == "" {
		return s.staleButton(ctx, a, c, err)
	}
	if next.Owner != "" && next.Owner != a.who.Name {
		return private(refusedCard("This question is "+next.Owner+"'s", "Ask your own and I will answer it for you.")),
			s.refused(ctx, a, "not_owner", c.Target)
	}
	answer, err := s.resume(ctx, a, next)
	if err == nil && answer.Where == adapters.Reply && next.Replace && c.Card.Message != "" && answer.Track == "" {
		answer.Where = adapters.Replace
	}
	return answer, err
}

// submitForm runs what a form stands for, its inputs added as arguments.
func (s *Service) submitForm(ctx context.Context, a *ask, c adapters.Click) (adapters.Answer, error) {
	next, err := s.continuation(ctx, a, c)
	if err != nil || !next.Form {
		return s.staleButton(ctx, a, c, err)
	}
	if next.Owner != "" && next.Owner != a.who.Name {
		return private(refusedCard("This form is "+next.Owner+"'s", "Ask your own and I will prepare it for you.")),
			s.refused(ctx, a, "not_owner", c.Target)
	}
	form := map[string]string{}
	for k, v := range next.Intent.Args {
		form[k] = v
	}
	for _, in := range s.formOf(a, next).Inputs {
		v := strings.TrimSpace(c.Inputs[in.Name])
		if v == "" && !in.Optional {
			return private(refusedCard("“"+in.Label+"” is empty", "Press the button again and fill it in; nothing was sent.")),
				s.refused(ctx, a, "form_incomplete", c.Target)
		}
		if in.Max > 0 && utf8.RuneCountInString(v) > in.Max {
			return private(refusedCard("“"+in.Label+"” is too long", "Press the button again and shorten it; nothing was sent.")),
				s.refused(ctx, a, "form_incomplete", c.Target)
		}
		form[in.Name] = v
	}
	next.Intent.Args = form
	return s.resume(ctx, a, next)
}

// resume answers a continuation as if it had been asked in its thread.
func (s *Service) resume(ctx context.Context, a *ask, next continuation) (adapters.Answer, error) {
	if a.thread == "" {
		a.thread = next.Thread
	}
	if a.conversation.ID == "" {
		a.conversation.ID = next.Conversation
	}
	var err error
	if a.history, err = s.Memory.Thread(ctx, a.workspace, a.memoryKey()); err != nil {
		return adapters.Answer{}, err
	}
	if next.Approval != "" {
		next.Intent.Args = merged(next.Intent.Args, "approval", next.Approval)
	}
	return s.answer(ctx, a, Routed{Intent: next.Intent, By: byButton})
}

// continuation loads the meaning of a clicked id, and checks that the card
// belongs to the conversation it was posted in.
func (s *Service) continuation(ctx context.Context, a *ask, c adapters.Click) (continuation, error) {
	next, err := s.Memory.load(ctx, a.workspace, c.Target)
	if errors.Is(err, errNoContinuation) {
		next, err = s.requestButton(ctx, a.workspace, c.Target)
	}
	if err != nil {
		return continuation{}, err
	}
	if c.Card.Conversation != "" && next.Conversation != "" && c.Card.Conversation != next.Conversation &&
		a.conversation.Kind != adapters.Direct {
		s.Logger.WarnContext(ctx, "button pressed in another conversation", "workspace", a.workspace, "target", c.Target)
		return continuation{}, errNoContinuation
	}
	return next, nil
}

// requestButton is what a button of a request's card means: on every platform
// the card is on, and as long as the request itself is kept.
func (s *Service) requestButton(ctx context.Context, w adapters.Workspace, id string) (continuation, error) {
	record, index, _ := cutLast(id, '_')
	n, err := strconv.Atoi(index)
	if all := nextButtons(approvals.ID(record)); err != nil || n < 0 || n >= len(all) {
		return continuation{}, errNoContinuation
	}
	rec, err := s.find(ctx, w, approvals.ID(record))
	if errors.Is(err, approvals.ErrNotFound) {
		return continuation{}, errNoContinuation
	}
	return nextButtons(rec.ID)[n], err
}

func (s *Service) staleButton(ctx context.Context, a *ask, c adapters.Click, err error) (adapters.Answer, error) {
	if err != nil && !errors.Is(err, errNoContinuation) {
		return adapters.Answer{}, err
	}
	return private(refusedCard("This button has expired", "Ask again and I will give you a fresh one. Nothing was done.")),
		s.refused(ctx, a, "stale_button", c.Target)
}

// HandleForm returns the dialog for a click, or says why there is none.
func (s *Service) HandleForm(ctx context.Context, c adapters.Click) (*cards.Form, adapters.Answer) {
	a, refusal := s.begin(ctx, source{
		workspace: c.Workspace, user: c.User, conversation: c.Conversation, thread: c.Card.Thread, delivery: c.ID, at: c.At,
	})
	if refusal != nil {
		return s.noForm(ctx, a, c, "unknown_person", *refusal)
	}
	if c.Action == cards.ActionReject {
		return s.rejectForm(ctx, a, c)
	}
	next, err := s.continuation(ctx, a, c)
	if err != nil || !next.Form {
		answer, err := s.staleButton(ctx, a, c, err)
		if err != nil {
			s.Logger.ErrorContext(ctx, "load form", "error", err)
			answer = private(refusedCard("I cannot reach my memory just now", "Try again in a minute. Nothing was done."))
		}
		return nil, answer
	}
	if next.Owner != "" && next.Owner != a.who.Name {
		return s.noForm(ctx, a, c, "not_owner", private(refusedCard("This form is "+next.Owner+"'s", "Ask your own and I will prepare it for you.")))
	}
	form := s.formOf(a, next)
	form.Action, form.ID = cards.ActionForm, c.Target
	return &form, adapters.Answer{}
}

// noForm says and records why there is no form. Nothing can be delivered again
// here, so the person is told even when the record cannot be kept.
func (s *Service) noForm(ctx context.Context, a *ask, c adapters.Click, why string, answer adapters.Answer) (*cards.Form, adapters.Answer) {
	if err := s.refused(ctx, a, why, c.Target); err != nil {
		s.Logger.ErrorContext(ctx, "audit refusal", "error", err)
	}
	return nil, answer
}
