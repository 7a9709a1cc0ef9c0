package intents

import (
	"context"
	"strings"

	"neobot/adapters"
	"neobot/cards"
	"neobot/neoapi"
)

func planHelp(_ context.Context, s *Service, a *ask, _ args) (outcome, error) {
	card := cards.Card{
		Title:   "What you can ask",
		Summary: "Ask in plain words, or like this. Looking things up needs no approval; every change gets a card that somebody entitled approves.",
	}
	var look, change []cards.Item
	for _, spec := range s.specs {
		if len(spec.Examples) == 0 || !a.may(spec) {
			continue
		}
		item := cards.Item{Title: plainExample(spec.Examples[0]), Detail: spec.Summary}
		if spec.Write {
			change = append(change, item)
		} else {
			look = append(look, item)
		}
	}
	card.Body = append(card.Body, cards.Block{Heading: "Look up", Items: look})
	if len(change) > 0 {
		card.Body = append(card.Body, cards.Block{Heading: "Change (with approval)", Items: change})
	}
	if a.test {
		card.Footer = append(card.Footer, "Test mode: changes are planned and shown, never sent.")
	}
	a.next(&card, "What may I do?", Intent{Name: "my_permissions"})
	return outcome{card: card}, nil
}

// plainExample fills the placeholders of an example for people.
func plainExample(s string) string {
	return strings.NewReplacer("<agent>", "Ticket triage", "<ticket>", "48213", "<when>", "today",
		"<month>", "last month", "<name>", "Triage EU", "<run>", "of ticket 48213",
		"<template>", "License audit", "<company>", "Contoso", "<integration>", "ConnectWise", "<skill>", "VPN first aid",
		"<session>", "my printer", "<request>", "912", "<handover>", "h-1", "<text>", "…", "<operation>", "callback funnel", "<value>", "Europe/Berlin").Replace(s)
}

// may reports whether the person may use every operation of an intent here.
func (a *ask) may(spec Spec) bool {
	for _, op := range spec.Ops {
		if a.neo.Allowed(op) != nil {
			return false
		}
	}
	return true
}

func planPermissions(_ context.Context, s *Service, a *ask, in args) (outcome, error) {
	if out, ok := s.whyNot(a, in["why"]); ok && in["why"] != "" {
		return out, nil
	}
	scope := a.limits.Scope()
	byLevel := map[neoapi.Level][]string{}
	for _, g := range a.policy.Groups() {
		byLevel[scope.Level(g)] = append(byLevel[scope.Level(g)], groupWords(g))
	}
	card := cards.Card{
		Title:   "What you may do here",
		Summary: "You are " + a.who.Name + orNone(prefixed(", ", list(a.who.Roles, "and")), ", without a role") + ".",
	}
	for _, l := range []neoapi.Level{neoapi.ReadWrite, neoapi.ReadOnly, neoapi.Disabled} {
		if names := byLevel[l]; len(names) > 0 {
			card.Body = append(card.Body, cards.Block{Heading: levelWords(l), Text: strings.Join(names, ", ")})
		}
	}
	if lines := a.approvers(s); len(lines) > 0 {
		card.Body = append(card.Body, cards.Block{Heading: "Who approves your changes", Items: lines})
	}
	card.Footer = append(card.Footer, "The level is the lowest of installation, role and conversation. "+askAdmin(a.policy))
	return outcome{card: card}, nil
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// approvers says, for each change this person may ask for, who decides.
func (a *ask) approvers(s *Service) []cards.Item {
	var deciders []string
	changes := map[string][]string{}
	seen := map[string]bool{}
	for _, spec := range s.specs {
		if !spec.Write || !a.may(spec) {
			continue
		}
		op, ok := s.operation(spec.Ops[0])
		if !ok || op.Access != neoapi.Write || seen[op.ID] {
			continue
		}
		seen[op.ID] = true
		who := "nobody"
		if rule, ok := a.policy.Rule(op); ok {
			who = orNone(list(rule.Deciders(a.who.Name), "or"), "nobody")
		}
		if changes[who] == nil {
			deciders = append(deciders, who)
		}
		changes[who] = append(changes[who], op.Summary)
	}
	items := make([]cards.Item, len(deciders))
	for i, who := range deciders {
		items[i] = cards.Item{Title: upperFirst(who), Detail: strings.Join(changes[who], " · ")}
	}
	return items
}

func planReset(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	if err := s.Memory.Forget(ctx, a.workspace, a.memoryKey()); err != nil {
		return outcome{}, storeErr(err)
	}
	return outcome{card: cards.Card{
		Title: "Fresh start", Status: cards.StatusDone,
		Summary: "I have forgotten this conversation. Open approvals stay as they are.",
	}}, nil
}

// strangerCard is for everybody the policy does not name.
func strangerCard(p *Policy, u adapters.User) cards.Card {
	why := "You are not in this bot's list of people. " + askAdmin(p)
	switch u.Trust {
	case adapters.TrustOutsider:
		why = "You belong to another organisation, and only people of this one can use the bot."
	case adapters.TrustGuest:
		why = "You are a guest here, and only full members can use the bot."
	case adapters.TrustBot, adapters.TrustDeactivated:
		why = "Only active people can use the bot."
	case adapters.TrustUnknown:
		why = "I could not check who you are just now, so I did nothing. Try again in a minute."
	case adapters.TrustMember:
	}
	return refusedCard("I cannot help you here", why)
}

// footer is the small print of an answer: how it was understood.
func (a *ask) footer() []string {
	var out []string
	if a.routed.Note != "" {
		out = append(out, upperFirst(a.routed.Note))
	}
	if a.test {
		out = append(out, "Test mode: nothing is sent to Neo")
	}
	return out
}

// home is the person's page: what waits for him, what ran, what he may do.
func (s *Service) home(ctx context.Context, a *ask) (adapters.Answer, error) {
	a.conversation.Kind = adapters.Direct // his own page: the rules of a direct message
	a.limits = a.policy.Limits(a.who, a.workspace, a.conversation)
	a.neo = s.Neo.Session(a.limits.Scope())
	pending, err := s.pending(ctx, a)
	if err != nil {
		return adapters.Answer{}, err
	}
	card := cards.Card{Title: "Hello " + a.who.Name, Summary: plural(len(pending), "change") + " waiting for a decision."}
	var items []cards.Item
	for _, p := range pending[:min(len(pending), pageRows)] {
		item := p.item(a)
		item.Button = a.reviewButton(p.rec)
		items = append(items, item)
	}
	if len(items) > 0 {
		card.Body = append(card.Body, cards.Block{Heading: "Pending approvals", Items: items})
	}
	card.Body = append(card.Body, s.homeRuns(ctx, a)...)
	if out, err := planPermissions(ctx, s, a, nil); err == nil {
		card.Body = append(card.Body, cards.Block{Heading: "Your permissions", Text: out.card.Summary})
		card.Body = append(card.Body, out.card.Body...)
	}
	card.Footer = []string{"As of " + stamp(a.now, a.now)}
	err = s.Memory.Save(ctx, a.workspace, "", nil, a.record, a.offered)
	return adapters.Answer{Card: card, Where: adapters.Reply}, err
}

func (s *Service) homeRuns(ctx context.Context, a *ask) []cards.Block {
	if a.neo.Allowed("list_executions") != nil {
		return nil
	}
	runs, _, err := a.neo.ListExecutions(ctx, neoapi.ExecutionFilter{Limit: 5})
	if err != nil {
		return []cards.Block{{Heading: "Last runs", Text: s.words(err)}}
	}
	items := make([]cards.Item, len(runs))
	for i, run := range runs {
		items[i] = runItem(a, run)
	}
	if len(items) == 0 {
		return nil
	}
	return []cards.Block{{Heading: "Last runs", Items: items}}
}
