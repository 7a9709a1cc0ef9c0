package intents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"neobot/approvals"
	"neobot/cards"
)

// Bounds of a question of several parts.
const (
	maxParts    = 3                // reads of one question
	partsTime   = 20 * time.Second // for those after the first
	maxPartRows = 10               // rows of a result a router is told of
)

// Why a chain ended, for the audit trail. The person reads endNotes.
const (
	endAnswered    = ""
	endCap         = "cap"
	endTime        = "time"
	endSame        = "same_read"
	endUnclear     = "not_understood"
	endUnusable    = "unusable_reply"
	endUnavailable = "router_unavailable"
	endNotARead    = "not_a_read"
)

var endNotes = map[string]string{
	endCap:         "Stopped after " + itoa(maxParts) + " look-ups, as many as one question gets; ask for the rest by itself",
	endTime:        "That took too long: the rest of the question is not answered",
	endSame:        "The same look-up was picked again, so I stopped: the rest of the question may not be answered",
	endUnusable:    "The model's answer could not be used: the rest of the question is not answered",
	endUnavailable: "The model does not answer: the rest of the question is not answered",
}

// notChained are reads that answer no part of a question: they change what the
// bot keeps (keptWords), or lead anywhere.
var notChained = []string{intentHelp, "call_operation", "api_keys"}

// chainable reports whether an intent may be run without its having been asked
// for in so many words, out of what an earlier read found: reads, nothing else.
func chainable(s Spec) bool {
	_, kept := keptWords[s.Name]
	return s.Name != "" && !s.Write && !kept && !slices.Contains(notChained, s.Name)
}

// answered is a part of a question with its answer.
type answered struct {
	intent Intent
	routed Routed
	out    outcome
}

// parts answers the rest of a message of several parts: the router is shown, in
// names and numbers, what the last read found, and picks the next. Every pick is
// run like a question of its own, with the person's permissions, and only if it is
// a read; the answer is one card. When the rest cannot be answered the card says
// so. All of it belongs to one delivery, so a crash repeats it as a whole.
func (s *Service) parts(ctx context.Context, a *ask, first outcome) (outcome, error) {
	all := []answered{{a.intent, a.routed, first}}
	if e := s.catalog[a.intent.Name]; !chainable(e.Spec) || first.refusal != "" {
		first.card.Footer = append(first.card.Footer, "Only the first part of the question was looked at")
		return first, s.recordPart(ctx, a, all[0], 1)
	}
	limited, cancel := context.WithTimeout(ctx, s.partsTime)
	defer cancel()
	why := ""
	for end := false; !end; {
		next, err := s.next(limited, a, all)
		if why = s.endOf(limited, next, err, all); why != "" || next.Over {
			all[len(all)-1].routed.Tokens += next.Tokens // asking for nothing more costs too
			break
		}
		if err := s.recordPart(ctx, a, all[len(all)-1], len(all)); err != nil {
			return outcome{}, err
		}
		part, err := s.part(limited, a, next, all)
		if err != nil {
			return outcome{}, err
		}
		if why = repeats(part, all); why != "" {
			all[len(all)-1].routed.Tokens += next.Tokens
			break
		}
		all = append(all, part)
		end = part.out.refusal != "" || part.intent.Name == ""
	}
	return s.together(ctx, a, all, why)
}

// next asks the router for the next read.
func (s *Service) next(ctx context.Context, a *ask, all []answered) (Routed, error) {
	router, ok := s.Router.(Chainer)
	if !ok {
		return Routed{}, errors.New("the router answers no second part")
	}
	q := a.question
	for _, p := range all {
		q.Done = append(q.Done, partOf(p))
	}
	next, err := router.Next(ctx, q)
	if err != nil {
		s.Logger.WarnContext(ctx, "next part", "error", logged(err), "workspace", a.workspace)
	}
	return next, err
}

// endOf says why there is no further read, "" when there is one or nothing is left.
func (s *Service) endOf(ctx context.Context, next Routed, err error, all []answered) string {
	switch {
	case next.Over:
		return endAnswered
	case ctx.Err() != nil:
		return endTime
	case err != nil:
		return endUnavailable
	case next.Note == noteUnusable:
		return endUnusable
	case next.Note == noteUnavailable && next.Intent.Name == "":
		return endUnavailable
	case len(all) >= maxParts:
		return endCap
	case slices.ContainsFunc(all, func(p answered) bool { return next.Intent.Name != "" && sameRead(p.intent, next.Intent) }):
		return endSame
	}
	return endAnswered
}

// repeats catches a pick that only turned out to be the same once its names were
// resolved.
func repeats(part answered, all []answered) string {
	if part.out.refusal == "" && slices.ContainsFunc(all, func(p answered) bool { return sameRead(p.intent, part.intent) }) {
		return endSame
	}
	return ""
}

// part runs one further read, or makes the card that asks back.
func (s *Service) part(ctx context.Context, a *ask, next Routed, all []answered) (answered, error) {
	a.routed, a.intent, a.among = next, Intent{}, agentsIn(all[len(all)-1].out.found)
	spec, ok := SpecByName(s.specs, next.Intent.Name)
	switch {
	case next.Ask == askReadOnly, next.Intent.Name != "" && (!ok || !chainable(spec)):
		a.routed.Ask = askReadOnly
		return answered{Intent{}, next, s.restCard(a, endNotARead)}, nil
	case next.Intent.Name == "":
		return answered{Intent{}, next, s.restCard(a, endUnclear)}, nil
	}
	out, err := s.run(ctx, a, next.Intent)
	return answered{a.intent, next, out}, err
}

// agentsIn are the agents a result names, in its order.
func agentsIn(rows []map[string]string) []string {
	var out []string
	for _, r := range rows {
		if name := r["agent"]; name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// restCard says that the rest of a question is not answered, and what to do.
func (s *Service) restCard(a *ask, why string) outcome {
	card := cards.Card{
		Title: "The rest of the question", Status: cards.StatusQuestion,
		Summary: "I did not get the rest, so it is not answered. Ask it by itself.",
	}
	if a.routed.Ask != "" {
		card.Summary = a.routed.Ask
	}
	return outcome{card: card, refusal: why}
}

// partOf is what a router gets to know of an answered part.
func partOf(p answered) Part {
	part := Part{Intent: p.intent, Rows: p.out.found, About: map[string]string{}}
	if n := len(part.Rows) - maxPartRows; n > 0 {
		part.Rows, part.More = part.Rows[:maxPartRows], n
	}
	for _, k := range subjectArgs {
		if v := cmp.Or(p.intent.Args[k], p.out.about[k], common(p.out.found, k)); v != "" {
			part.About[k] = v
		}
	}
	return part
}

// common is the value all rows have for a key, "" when they differ.
func common(rows []map[string]string, key string) string {
	if len(rows) == 0 || slices.ContainsFunc(rows, func(r map[string]string) bool { return r[key] != rows[0][key] }) {
		return ""
	}
	return rows[0][key]
}

// recordPart audits one part. The key makes a repeated delivery record it once.
func (s *Service) recordPart(ctx context.Context, a *ask, p answered, n int) error {
	kind := approvals.KindQuestion
	if p.out.refusal != "" {
		kind = approvals.KindRefusal
	}
	key := string(kind) + ":" + a.delivery
	if n > 1 {
		key += fmt.Sprintf("/%d", n)
	}
	return s.audit(ctx, a, approvals.Record{
		Kind: kind, Key: key, Approval: approvals.ID(p.out.track), Outcome: p.out.refusal,
		Detail: map[string]any{
			"text": redact(clip(a.text, 500)), "intent": p.intent.Name, "args": p.intent.Args,
			"by": p.routed.By, "card": p.out.card.Title, "tokens": p.routed.Tokens,
		},
	})
}

// together makes one answer of all parts, and records the last one and why there
// is no further.
func (s *Service) together(ctx context.Context, a *ask, all []answered, why string) (outcome, error) {
	last := all[len(all)-1]
	if err := s.recordPart(ctx, a, last, len(all)); err != nil {
		return outcome{}, err
	}
	if why != "" {
		if err := s.audit(ctx, a, approvals.Record{
			Kind: approvals.KindRefusal, Key: "refusal:" + a.delivery + "/rest", Outcome: why,
			Detail: map[string]any{"after": len(all), "by": last.routed.By},
		}); err != nil {
			return outcome{}, err
		}
	}
	a.intent = all[0].intent
	for _, p := range all { // what a follow-up means is the last thing that was shown
		if p.out.refusal == "" && p.intent.Name != "" {
			a.intent = p.intent
		}
	}
	out := all[0].out
	if len(all) > 1 {
		out = s.joined(a, all)
	}
	if note := endNotes[why]; note != "" {
		out.card.Footer = append(out.card.Footer, note)
	}
	a.routed = all[0].routed
	for _, p := range all {
		a.routed.Note = orNone(a.routed.Note, p.routed.Note)
	}
	return out, nil
}
