package intents

import (
	"context"
	"slices"
	"sync"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

const (
	maxChoices = 5
	zoneTTL    = 10 * time.Minute
)

// choiceError asks a person to pick: it is an error to the plan, which stops,
// and a card to everybody else.
type choiceError struct{ out outcome }

func (*choiceError) Error() string { return "a choice is needed" }

// agents lists the agents once per question.
func (a *ask) agents(ctx context.Context) ([]neoapi.Agent, error) {
	if a.known == nil {
		all, _, err := a.neo.ListAgents(ctx, "", 0)
		if err != nil {
			return nil, err
		}
		a.known = all
	}
	return a.known, nil
}

// names of the agents read so far.
func (a *ask) names() []string {
	names := make([]string, len(a.known))
	for i, agent := range a.known {
		names[i] = agent.Name
	}
	return names
}

// agentNames for the router; empty when this person may not read agents or Neo
// does not answer, which the plan will say better.
func (s *Service) agentNames(ctx context.Context, a *ask) []string {
	if a.neo.Allowed("list_agents") != nil {
		return nil
	}
	if _, err := a.agents(ctx); err != nil {
		s.Logger.WarnContext(ctx, "agent names for the router", "error", err)
		return nil
	}
	return a.names()
}

// agent finds the agent a person means. One hit acts; several, or none, end the
// plan with a card that asks. What was found is remembered as the subject.
func (s *Service) agent(ctx context.Context, a *ask, said string) (neoapi.Agent, error) {
	all, err := a.agents(ctx)
	if err != nil {
		return neoapi.Agent{}, err
	}
	if id, ok := a.intent.Args["agent_id"]; ok { // picked with a button
		for _, agent := range all {
			if string(agent.ID) == id {
				a.intent.Args["agent"] = agent.Name
				return agent, nil
			}
		}
		return neoapi.Agent{}, no("That agent is gone", "Neo does not list it any more.")
	}
	m := Resolve(said, a.names())
	if m.Exact < 0 && len(m.Candidates) == 1 {
		m.Exact = m.Candidates[0]
	}
	if m.Exact >= 0 {
		a.intent.Args["agent"] = all[m.Exact].Name
		a.intent.Args["agent_id"] = string(all[m.Exact].ID)
		return all[m.Exact], nil
	}
	card := cards.Card{Status: cards.StatusQuestion, Title: "Which agent?"}
	picks := m.Candidates
	if len(picks) > 0 {
		card.Summary = "“" + clip(said, 60) + "” can be any of these."
	} else {
		card.Summary = "There is no agent called “" + clip(said, 60) + "”."
		if picks = m.Suggestions; len(picks) > 0 {
			card.Summary += " Do you mean one of these?"
		}
	}
	return neoapi.Agent{}, &choiceError{s.pickAgent(a, card, all, picks)}
}

// pickAgent adds a button per agent. The buttons carry the id, so that two
// agents of one name stay apart.
func (s *Service) pickAgent(a *ask, card cards.Card, all []neoapi.Agent, picks []int) outcome {
	intent := a.intent
	for _, i := range picks[:min(len(picks), maxChoices)] {
		agent := all[i]
		next := Intent{Name: intent.Name, Args: merged(merged(intent.Args, "agent", agent.Name), "agent_id", string(agent.ID))}
		label := agent.Name
		if count(a.names(), agent.Name) > 1 {
			label += " (" + string(agent.ID) + ")"
		}
		card.Buttons = append(card.Buttons, cards.Button{
			Label: clip(label, 75), Action: cards.ActionContinue,
			ID: a.offer(continuation{Intent: next, Owner: a.who.Name, Replace: true}),
		})
	}
	if len(picks) > maxChoices {
		card.Summary += " The first " + itoa(maxChoices) + " are shown; say more of the name for the others."
	}
	a.intent.Args = without(intent.Args, "agent") // an unresolved name is no subject for follow-ups
	return outcome{card: card, refusal: "ambiguous"}
}

// askAgent asks for an agent that was not named at all.
func (s *Service) askAgent(a *ask, card cards.Card, _ string, names []string) outcome {
	picks := make([]int, 0, maxChoices)
	for i, name := range names {
		if a.among == nil || slices.Contains(a.among, name) {
			picks = append(picks, i)
		}
	}
	card.Title, card.Summary = "Which agent?", "Say its name, or press one."
	return s.pickAgent(a, card, a.known, picks)
}

// zoneCache holds the tenant's time zone.
type zoneCache struct {
	mu   sync.Mutex
	zone *time.Location
	at   time.Time
}

// timezone of the tenant, from Neo's settings. It is read with a scope of its
// own, since every card needs it whoever asks; UTC until Neo has answered once.
func (s *Service) timezone(ctx context.Context) *time.Location {
	s.zone.mu.Lock()
	defer s.zone.mu.Unlock()
	now := s.Now()
	if s.zone.zone != nil && now.Sub(s.zone.at) < zoneTTL {
		return s.zone.zone
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	settings, err := s.Neo.Session(neoapi.Scope{"settings": neoapi.ReadOnly}).GetSettings(ctx)
	if s.zone.at = now; s.zone.zone == nil {
		s.zone.zone = time.UTC
	}
	if err != nil {
		s.Logger.WarnContext(ctx, "tenant time zone", "error", err)
		s.zone.at = now.Add(-zoneTTL + 30*time.Second) // soon again
		return s.zone.zone
	}
	if zone, err := settings.Location(); err == nil {
		s.zone.zone = zone
	}
	return s.zone.zone
}
