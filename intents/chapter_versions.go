package intents

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

func planVersions(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	agent, err := s.agent(ctx, a, in["agent"])
	if err != nil {
		return outcome{}, err
	}
	all, err := a.versions(ctx, agent)
	if err != nil {
		return outcome{}, err
	}
	items := make([]cards.Item, len(all))
	for i, v := range all {
		what := strings.Join(v.texts("changed_fields"), ", ")
		items[i] = cards.Item{
			Title:  parts(labeled("Version", v.text("version", "id")), v.sub("changed_by").text("name"), v.text("changed_by", "updated_by")),
			Detail: parts(a.when(v.at("created_at", "updated_at")), strings.ReplaceAll(orNone(v.text("summary", "description"), what), "_", " ")),
		}
	}
	card := cards.Card{Title: "Versions of " + agent.Name, Summary: plural(len(items), "version") + ", newest first."}
	who := args{"agent": agent.Name, "agent_id": string(agent.ID)}
	a.page(&card, items, func(i int) *cards.Button {
		number := all[i].text("version")
		if number == "" || i == len(all)-1 {
			return nil // the first has nothing before it
		}
		next := Intent{Name: "compare_agent", Args: merged(who, "version", number)}
		return &cards.Button{Label: "Changes", Action: cards.ActionContinue, ID: a.offer(continuation{Intent: next})}
	})
	a.next(&card, "Compare with last week", Intent{Name: "compare_agent", Args: merged(who, "when", "7 days ago")})
	return outcome{card: card}, nil
}

// versions of an agent, newest first, as far as Neo keeps them.
func (a *ask) versions(ctx context.Context, agent neoapi.Agent) ([]object, error) {
	all, _, err := a.objects(ctx, "list_agent_versions", path("agent_id", string(agent.ID)), 50)
	slices.SortStableFunc(all, func(x, y object) int { return versionTime(y).Compare(versionTime(x)) })
	return all, err
}

func versionTime(v object) time.Time { return v.at("created_at", "updated_at") }

// unshown fields of an agent change on every save and say nothing.
var unshown = []string{"updated_at", "created_at", "updated_by", "id"}

// moment is an agent as it was. The zero time is now.
type moment struct {
	at    time.Time
	words string
}

func planCompare(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	agent, err := s.agent(ctx, a, in["agent"])
	if err != nil {
		return outcome{}, err
	}
	from, to, err := a.moments(ctx, agent, in)
	if err != nil {
		return outcome{}, err
	}
	was, err := a.agentAt(ctx, agent, from)
	if err != nil {
		return outcome{}, err
	}
	is, err := a.agentAt(ctx, agent, to)
	if err != nil {
		return outcome{}, err
	}
	span := "since " + from.words
	if !to.at.IsZero() {
		span = "between " + from.words + " and " + to.words
	}
	card := cards.Card{Title: agent.Name + ": then and now", Changes: diffAll(was.Raw, is.Raw)}
	if !to.at.IsZero() {
		card.Title = agent.Name + ": before and after"
	}
	card.Summary = plural(len(card.Changes), "setting") + " changed " + span + "."
	if len(card.Changes) == 0 {
		card.Summary = "Nothing has changed " + span + "."
	}
	if by := newObject(is.Raw).text("updated_by"); by != "" && len(card.Changes) > 0 {
		card.Fields = fields("Last changed by", by, "On", a.when(is.UpdatedAt.Time))
	}
	return outcome{card: card}, nil
}

// moments are the two to compare: two versions, the two ends of a span that was
// said with both of them, or a time and now. A week ago when nothing was said.
func (a *ask) moments(ctx context.Context, agent neoapi.Agent, in args) (from, to moment, err error) {
	if in["version"] != "" {
		return a.versionMoments(ctx, agent, in["version"])
	}
	from.at = a.now.Add(-7 * 24 * time.Hour)
	if in["when"] != "" {
		span, err := ParseWhen(in["when"], a.now, a.zone)
		if err != nil {
			return from, to, no("I do not understand the time", "Say since monday, yesterday, between monday and wednesday, or a date such as 2026-11-20.")
		}
		from.at = span.From
		if w := whenWords(in["when"]); (w[0] == "from" || w[0] == "between" || slices.Contains(w, "to")) && span.To.Before(a.now) {
			to = moment{span.To, a.clock(span.To)}
		}
	}
	from.words = a.clock(from.at)
	return from, to, nil
}

var wholeNumber = regexp.MustCompile(`\d+`)

// versionMoments finds the versions said by number. A single one is compared
// with the one before it.
func (a *ask) versionMoments(ctx context.Context, agent neoapi.Agent, said string) (from, to moment, err error) {
	all, err := a.versions(ctx, agent)
	if err != nil {
		return from, to, err
	}
	var found []int // places in all, newest first
	for _, number := range wholeNumber.FindAllString(said, 3) {
		i := slices.IndexFunc(all, func(v object) bool { return v.text("version") == number })
		if i < 0 {
			return from, to, no("There is no such version", "%s has no version %s. Ask for its versions to see them.", agent.Name, number)
		}
		found = append(found, i)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch {
	case len(found) == 1 && found[0]+1 < len(all):
		found = append(found, found[0]+1)
	case len(found) == 1:
		return from, to, no("Nothing came before", "That is the first version of %s that Neo keeps.", agent.Name)
	case len(found) != 2:
		return from, to, no("Which versions?", "Say one number, or two: version 2, or versions 1 and 3.")
	}
	at := func(i int) moment { return moment{versionTime(all[i]), "version " + all[i].text("version")} }
	return at(found[1]), at(found[0]), nil
}

// agentAt asks Neo for the agent at a moment. Neo takes whole seconds, and a
// version is there from its own second on: the next one is after it.
func (a *ask) agentAt(ctx context.Context, agent neoapi.Agent, m moment) (neoapi.Agent, error) {
	if m.at.IsZero() {
		return a.neo.GetAgent(ctx, string(agent.ID))
	}
	at := m.at.UTC().Truncate(time.Second)
	if at.Before(m.at) {
		at = at.Add(time.Second)
	}
	return a.neo.GetAgentAt(ctx, string(agent.ID), at.Format(time.RFC3339))
}

// diffAll compares two whole objects, fields of both.
func diffAll(before, after json.RawMessage) []cards.Change {
	b, x := newObject(before), newObject(after)
	names := map[string]bool{}
	for _, o := range []object{b, x} {
		for name := range o {
			names[name] = !slices.Contains(unshown, name)
		}
	}
	var out []cards.Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] {
			out = append(out, diffField(name, b[name], x[name])...)
		}
	}
	return out
}
