package intents

import (
	"context"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

// digestWindow is what a digest looks back on; on Mondays it reaches over the
// weekend.
const digestWindow = 24 * time.Hour

// planDigest shows runs, failures, what waits and the credits on one card. What
// the person may not see is left out, and said.
func planDigest(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	window, words := digestWindow, "last 24 hours"
	if a.now.Weekday() == time.Monday {
		window, words = 3*digestWindow, "since Friday"
	}
	card := cards.Card{Title: "Digest, " + words}
	var summary, hidden []string
	part := func(name, op string, f func() (string, error)) error {
		if op != "" {
			if err := a.neo.Allowed(op); err != nil {
				hidden = append(hidden, name)
				return nil
			}
		}
		line, err := f()
		if err != nil && !explained(err) {
			return err // our own store
		}
		if err != nil {
			card.Body = append(card.Body, cards.Block{Heading: upperFirst(name), Text: s.words(err)})
		}
		if line != "" {
			summary = append(summary, line)
		}
		return nil
	}
	steps := []struct {
		name, op string
		f        func() (string, error)
	}{
		{"runs", "list_executions", func() (string, error) { return a.digestRuns(ctx, &card, window) }},
		{"technician requests", "list_til_requests", func() (string, error) { return a.digestRequests(ctx, &card) }},
		{"approvals", "", func() (string, error) { return s.digestApprovals(ctx, a, &card) }},
		{"credits", "get_credit_usage", func() (string, error) { return a.digestCredits(ctx, &card) }},
	}
	for _, step := range steps {
		if err := part(step.name, step.op, step.f); err != nil {
			return outcome{}, err
		}
	}
	card.Summary = upperFirst(strings.Join(summary, ", ")) + "."
	if len(summary) == 0 {
		card.Summary = "Nothing to show."
	}
	if len(hidden) > 0 {
		card.Footer = append(card.Footer, "Not shown, for want of permission here: "+list(hidden, "and"))
	}
	return outcome{card: card}, nil
}

func (a *ask) digestRuns(ctx context.Context, card *cards.Card, window time.Duration) (string, error) {
	runs, more, err := a.neo.ListExecutions(ctx, neoapi.ExecutionFilter{Since: a.now.Add(-window), Limit: maxRuns})
	if err != nil {
		return "", err
	}
	var items []cards.Item
	failed := 0
	for _, run := range runs {
		if runStatus(run.Status) != "failed" {
			continue
		}
		if failed++; failed > 5 {
			continue
		}
		item := runItem(a, run)
		item.Button = &cards.Button{Label: "Why?", Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: intentExplain, Args: args{"run": string(run.ID)}},
		})}
		items = append(items, item)
	}
	if len(items) > 0 {
		heading := "Failures"
		if failed > len(items) {
			heading = "Failures, the newest " + itoa(len(items)) + " of " + itoa(failed)
		}
		card.Body = append(card.Body, cards.Block{Heading: heading, Items: items})
	}
	count := plural(len(runs), "run")
	if more {
		count = "more than " + count
	}
	card.Fields = append(card.Fields, cards.Field{Name: "Runs", Value: count}, cards.Field{Name: "Failed", Value: itoa(failed)})
	return count + ", " + itoa(failed) + " failed", nil
}

func (a *ask) digestRequests(ctx context.Context, card *cards.Card) (string, error) {
	all, _, err := a.neo.ListTilRequests(ctx, neoapi.TilFilter{Limit: 200})
	if err != nil {
		return "", err
	}
	var items []cards.Item
	open := 0
	for _, q := range all {
		if !isOpen(q) {
			continue
		}
		if open++; open <= 3 {
			items = append(items, requestItem(a, q))
		}
	}
	card.Fields = append(card.Fields, cards.Field{Name: "Technician requests", Value: itoa(open) + " waiting"})
	if len(items) > 0 {
		card.Body = append(card.Body, cards.Block{Heading: "Technician requests", Items: items})
		a.next(card, "All requests", Intent{Name: "list_requests"})
	}
	return plural(open, "technician request") + " waiting", nil
}

func (s *Service) digestApprovals(ctx context.Context, a *ask, card *cards.Card) (string, error) {
	pending, err := s.pending(ctx, a)
	if err != nil {
		return "", err
	}
	card.Fields = append(card.Fields, cards.Field{Name: "Approvals", Value: itoa(len(pending)) + " waiting"})
	var items []cards.Item
	for _, p := range pending[:min(len(pending), 3)] {
		item := p.item(a)
		item.Button = a.reviewButton(p.rec)
		items = append(items, item)
	}
	if len(items) > 0 {
		card.Body = append(card.Body, cards.Block{Heading: "Pending approvals", Items: items})
	}
	return plural(len(pending), "approval") + " waiting", nil
}

func (a *ask) digestCredits(ctx context.Context, card *cards.Card) (string, error) {
	use, err := a.neo.GetCreditUsage(ctx, a.now.Format("2006-01"))
	if err != nil {
		return "", err
	}
	card.Fields = append(card.Fields, cards.Field{Name: "Credits", Value: strings.TrimSuffix(creditSummary(use), ".")})
	if use.CreditsLimit != nil && use.Forecast > *use.CreditsLimit {
		return "credits will run over the limit", nil
	}
	return "", nil
}
