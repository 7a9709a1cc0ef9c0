package intents

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"neobot/cards"
)

const (
	maxDrifted  = 8  // agents shown with their fields
	maxHistoric = 40 // agents whose state at a date is read
)

// baseline is the configuration that the drift check compares with.
type baseline struct {
	At    time.Time                  `json:"at"`
	By    string                     `json:"by"`
	Items map[string]json.RawMessage `json:"items"` // agent id, or settingsKey -> configuration
}

// configurationNow is every agent and the settings, as far as the person may
// read them.
func (s *Service) configurationNow(ctx context.Context, a *ask) (map[string]json.RawMessage, error) {
	r := &watchReads{s: s}
	out, err := r.configuration(ctx, a, watch{})
	if err == nil && r.settings != nil {
		err = r.settings.err
	}
	return out, err
}

// planSaveBaseline keeps the configuration in every workspace of the
// organisation, so that it is the same one from every platform.
func planSaveBaseline(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	items, err := s.configurationNow(ctx, a)
	if err != nil {
		return outcome{}, err
	}
	old, had, err := s.Memory.baseline(ctx, a.workspace)
	if err != nil {
		return outcome{}, storeErr(err)
	}
	if asksOnly(a.text) {
		card := cards.Card{Title: "Save a baseline?", Status: cards.StatusQuestion, Summary: "It would keep the agents and settings as they are now, for the drift check. Nothing is saved yet."}
		card.Buttons = []cards.Button{{Label: "Save it", Action: cards.ActionContinue, ID: a.offer(continuation{Intent: Intent{Name: intentSaveBaseline}, Owner: a.who.Name, Replace: true})}}
		return outcome{card: card, refusal: "ambiguous"}, nil
	}
	b := baseline{At: s.Now(), By: a.who.Name, Items: items}
	for _, w := range a.policy.Workspaces() {
		if err := s.Memory.setBaseline(ctx, w, b); err != nil {
			return outcome{}, storeErr(err)
		}
	}
	agents := len(items)
	if items[settingsKey] != nil {
		agents--
	}
	card := cards.Card{
		Title: "Baseline saved", Status: cards.StatusDone,
		Summary: plural(agents, "agent") + " and the settings, as they are now. “drift” shows what has changed since.",
	}
	if had {
		card.Footer = []string{"It replaces the one of " + old.By + ", " + stamp(old.At, a.now)}
	}
	a.next(&card, "Drift", Intent{Name: intentDrift})
	return outcome{card: card}, nil
}

// planDrift compares with the baseline, or with how things were at a date.
func planDrift(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	only := ""
	if in["agent"] != "" {
		agent, err := s.agent(ctx, a, in["agent"])
		if err != nil {
			return outcome{}, err
		}
		only = string(agent.ID)
	}
	if in["when"] != "" {
		return s.driftSince(ctx, a, in["when"], only)
	}
	b, ok, err := s.Memory.baseline(ctx, a.workspace)
	if err != nil {
		return outcome{}, storeErr(err)
	}
	if !ok {
		card := cards.Card{
			Title: "There is no baseline yet", Status: cards.StatusQuestion,
			Summary: "Save one, and I can say what has changed since. Or ask “drift since monday”.",
		}
		a.next(&card, "Save a baseline now", Intent{Name: intentSaveBaseline})
		return outcome{card: card}, nil
	}
	now, err := s.configurationNow(ctx, a)
	if err != nil {
		return outcome{}, err
	}
	if a.neo.Allowed("get_settings") != nil {
		delete(b.Items, settingsKey) // not for this person
	}
	found := compare(b.Items, now, only)
	card := driftCard("Drift since the baseline", found)
	card.Footer = append(card.Footer, "Baseline of "+b.By+", "+stamp(b.At, a.now))
	return outcome{card: card}, nil
}

// compare lists what differs, by agent's name, the settings first.
func compare(was, is map[string]json.RawMessage, only string) []difference {
	ids := map[string]bool{}
	for id := range was {
		ids[id] = true
	}
	for id := range is {
		ids[id] = true
	}
	var out []difference
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		b, x := was[id], is[id]
		if only != "" && id != only || sameJSON(b, x) {
			continue
		}
		out = append(out, difference{ID: id, Before: b, After: x, Added: b == nil, Removed: x == nil})
	}
	return out
}

func driftCard(title string, found []difference) cards.Card {
	card := cards.Card{Title: title, Status: cards.StatusDone, Summary: "Nothing has changed."}
	if len(found) == 0 {
		return card
	}
	card.Status = cards.StatusNone
	added, removed := 0, 0
	for i, d := range found {
		e := d.event()
		if d.Added {
			added++
		}
		if d.Removed {
			removed++
		}
		if i >= maxDrifted {
			continue
		}
		item := cards.Item{Title: oneLine(e.Title, 140), Status: e.Status, Detail: clip(e.Detail, 240)}
		if len(e.Changes) > 0 {
			item.Detail = ""
		}
		for n, c := range e.Changes {
			if n == 6 {
				item.Detail += " · and " + itoa(len(e.Changes)-n) + " more fields"
				break
			}
			item.Detail += prefixed(" · ", c.Field+": "+short(c.Before)+" → "+short(c.After))
		}
		item.Detail = strings.TrimPrefix(item.Detail, " · ")
		if len(card.Body) == 0 {
			card.Body = []cards.Block{{}}
		}
		card.Body[0].Items = append(card.Body[0].Items, item)
	}
	card.Summary = itoa(len(found)-added-removed) + " changed, " + itoa(added) + " new, " + itoa(removed) + " gone."
	if len(found) > maxDrifted {
		card.Footer = append(card.Footer, "and "+itoa(len(found)-maxDrifted)+" more")
	}
	if len(found) == 1 && !found[0].Added && !found[0].Removed {
		e := found[0].event()
		card.Title, card.Changes, card.Body = title+": "+oneLine(found[0].name(), 100), e.Changes, nil
	}
	return card
}

func short(v string) string { return "“" + clip(oneLine(orNone(v, "(not set)"), 200), 70) + "”" }

// driftSince reads how the agents that have changed since a date were then.
// Neo keeps no history of settings, and none of agents that are gone.
func (s *Service) driftSince(ctx context.Context, a *ask, when, only string) (outcome, error) {
	span, words, err := a.span(when, false)
	if err != nil {
		return outcome{}, err
	}
	if err := a.neo.Allowed("get_agent_version_at"); err != nil {
		return outcome{}, err
	}
	agents, _, err := a.neo.Fresh().ListAgents(ctx, "", 0)
	if err != nil {
		return outcome{}, err
	}
	was, is, unknown, read := map[string]json.RawMessage{}, map[string]json.RawMessage{}, 0, 0
	for _, agent := range agents {
		if agent.UpdatedAt.Before(span.From) && !agent.UpdatedAt.IsZero() || only != "" && string(agent.ID) != only {
			continue
		}
		id := string(agent.ID)
		is[id] = steady(agent.Raw)
		if agent.CreatedAt.After(span.From) {
			continue // new
		}
		if read++; read > maxHistoric {
			unknown++
			delete(is, id)
			continue
		}
		then, err := a.neo.GetAgentAt(ctx, id, span.From.UTC().Format(time.RFC3339))
		if err != nil {
			if !explained(err) { // our own fault, or a permission
				return outcome{}, err
			}
			unknown++
			delete(is, id)
			continue
		}
		was[id] = steady(then.Raw)
	}
	card := driftCard("Drift "+words, compare(was, is, only))
	if unknown > 0 {
		card.Footer = append(card.Footer, plural(unknown, "agent")+" could not be compared: Neo does not show the state of then")
	}
	card.Footer = append(card.Footer, "Neo keeps no history of settings and of agents that are gone; a baseline does")
	return outcome{card: card}, nil
}
