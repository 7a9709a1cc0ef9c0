package intents

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"neobot/cards"
	"neobot/neoapi"
)

// agentsChapter is what can be asked about agents and templates besides the basics.
func agentsChapter() []entry {
	return []entry{
		{Spec: Spec{
			Name: "agent_versions", Summary: "Show who changed an agent, when and what.",
			Args: []Arg{theAgent}, Ops: []string{"list_agents", "list_agent_versions"},
			Examples: []string{"who changed <agent>?", "version history of <agent>", "changes to <agent>"},
		}, plan: planVersions},
		{Spec: Spec{
			Name: "compare_agent", Summary: "Compare an agent's settings: now and at a time, at two times, or two versions.",
			Args:     []Arg{theAgent, aWhen, {Name: "version", Kind: ArgVersion, Help: `numbers of versions: "2" (and the one before it) or "1 and 3"`}},
			Ops:      []string{"list_agents", "get_agent", "list_agent_versions", "get_agent_version_at"},
			Examples: []string{"what changed in <agent> since monday?", "compare <agent> with yesterday", "diff <agent>", "compare <agent> version 2 and 3"},
		}, plan: planCompare},
		{Spec: Spec{
			Name: "agent_stats", Summary: "Show how often an agent ran, how it ended and how long it took.",
			Args: []Arg{theAgent}, Ops: []string{"list_agents", "get_agent_stats"},
			Examples: []string{"stats for <agent>", "how often does <agent> run?", "success rate of <agent>"},
		}, plan: planStats},
		{Spec: Spec{
			Name: "set_instructions", Summary: "Replace an agent's instructions (needs approval; shows the difference first).", Write: true,
			Args: []Arg{theAgent, {Name: "text", Kind: ArgText, Help: "the new instructions, complete", Required: true}},
			Ops:  []string{"update_agent", "list_agents", "get_agent"}, Examples: []string{"change the instructions of <agent> to <text>"},
		}, plan: planInstructions},
		{Spec: Spec{
			Name: "list_templates", Summary: "Browse the library of agent templates.",
			Args: []Arg{anAboutTopic}, Ops: []string{"list_templates"},
			Examples: []string{"which templates are there?", "templates for onboarding", "template library"},
		}, plan: planTemplates},
		{Spec: Spec{
			Name: "show_template", Summary: "Show a template: what it does and which integrations it needs.",
			Args: []Arg{theTemplate}, Ops: []string{"list_templates", "get_template"},
			Examples: []string{"show template <template>", "what does the <template> template need?"},
		}, plan: planTemplate},
		{Spec: Spec{
			Name: "start_template", Summary: "Start an agent from a template (needs approval).", Write: true,
			Args:     []Arg{theTemplate, {Name: "name", Kind: ArgText, Help: "name of the new agent"}},
			Ops:      []string{"create_agent", "list_templates", "get_template"},
			Examples: []string{"start an agent from template <template>", "use the <template> template"},
		}, plan: planStartTemplate},
	}
}

var (
	theTemplate  = Arg{Name: "template", Kind: ArgText, Help: "name of the template", Required: true}
	anAboutTopic = Arg{Name: "about", Kind: ArgText, Help: "only those about this"}
	templates    = nameList{op: "list_templates", noun: "template", name: []string{"name"}, id: "id"}
)

func planStats(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	agent, err := s.agent(ctx, a, in["agent"])
	if err != nil {
		return outcome{}, err
	}
	o, err := a.object(ctx, "get_agent_stats", path("agent_id", string(agent.ID)))
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: agent.Name + " in numbers", Summary: labeled("Over the last", labeledAfter(o.text("window_days"), "days."))}
	if by := o.sub("by_status"); len(by) > 0 {
		table := &cards.Table{Columns: []string{"Outcome", "Runs"}}
		for _, status := range slices.Sorted(maps.Keys(by)) {
			table.Rows = append(table.Rows, []string{runStatus(status), by.text(status)})
		}
		card.Body = append(card.Body, cards.Block{Table: table})
		delete(o, "by_status")
	}
	runs := o.text("total_executions")
	took := ""
	if n := o.number("average_seconds"); n > 0 {
		took = seconds(n)
	}
	card.Fields = fields("Runs", runs, "Average time", took, "Last run", a.when(o.at("last_execution_at")))
	for _, shown := range []string{"agent_id", "window_days", "total_executions", "average_seconds", "last_execution_at"} {
		delete(o, shown)
	}
	a.present(&card, mustJSON(o))
	return outcome{card: card}, nil
}

func labeledAfter(value, label string) string {
	if value == "" {
		return ""
	}
	return value + " " + label
}

func planInstructions(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	agent, err := s.writable(ctx, a, in["agent"])
	if err != nil {
		return outcome{}, err
	}
	text := strings.TrimSpace(in["text"])
	if utf8.RuneCountInString(text) < 10 {
		return outcome{}, no("That is too short", "Write the complete new instructions; they replace the old ones.")
	}
	settings := newObject(agent.Settings)
	settings["custom_instructions"] = mustJSON(text)
	p, err := updateAgent("Change the instructions of “"+agent.Name+"”", agent, map[string]any{"agent_settings": settings})
	p.warning = "The new text replaces the whole instructions."
	return outcome{proposal: &p}, err
}

func planTemplates(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	all, _, err := a.objects(ctx, "list_templates", neoapi.Args{}, 200)
	if err != nil {
		return outcome{}, err
	}
	var shown []object
	var items []cards.Item
	for _, t := range all {
		if !likes(in["about"], t.text("name")+" "+t.text("category")+" "+t.text("tagline")) {
			continue
		}
		shown = append(shown, t)
		popular := ""
		if t.is("popular") {
			popular = "popular"
		}
		items = append(items, cards.Item{Title: t.text("name"), Detail: parts(t.text("category"), popular, oneLine(t.text("tagline", "description"), 100))})
	}
	card := cards.Card{Title: "Templates" + prefixed(" about ", in["about"]), Summary: plural(len(items), "template") + "."}
	a.page(&card, items, func(i int) *cards.Button {
		return &cards.Button{Label: "Show", Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: "show_template", Args: args{"template": shown[i].text("name"), "template_id": shown[i].text("id")}},
		})}
	})
	return outcome{card: card}, nil
}

func planTemplate(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	found, err := s.named(ctx, a, templates, "template")
	if err != nil {
		return outcome{}, err
	}
	t, err := a.object(ctx, "get_template", path("template_id", found.text("id")))
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: t.text("name"), Summary: t.text("description", "tagline"), Fields: fields(
		"Category", t.text("category"), "Needs", strings.Join(t.texts("required_integrations"), ", "),
		"Works with", strings.Join(t.texts("supported_psas"), ", "), "Starts", strings.ToLower(t.text("trigger_type")),
	)}
	if text := t.sub("agent_settings").text("custom_instructions"); text != "" {
		card.Body = append(card.Body, cards.Block{Heading: "Instructions", Text: clip(text, 800)})
	}
	a.next(&card, "Start an agent from it…", Intent{Name: "start_template", Args: args{"template": t.text("name"), "template_id": t.text("id")}})
	return outcome{card: card}, nil
}

// templateFields are taken over into a new agent as they are: Neo accepts a
// template's configuration verbatim.
var templateFields = []string{
	"autonomy_type", "trigger_type", "entity_type", "description", "actions", "agent_settings", "callback_settings", "toolbox", "integrations",
	"schedule",
}

func planStartTemplate(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	found, err := s.named(ctx, a, templates, "template")
	if err != nil {
		return outcome{}, err
	}
	t, err := a.object(ctx, "get_template", path("template_id", found.text("id")))
	if err != nil {
		return outcome{}, err
	}
	name := orNone(in["name"], t.text("name"))
	body := object{"name": mustJSON(name)}
	for _, f := range templateFields {
		if raw := t[f]; len(raw) > 0 && string(raw) != "null" {
			body[f] = raw
		}
	}
	if body.text("autonomy_type") == "" {
		body["autonomy_type"] = mustJSON("AGENTIC")
		if len(body["actions"]) > 2 {
			body["autonomy_type"] = mustJSON("CHAINED_ACTIONS")
		}
	}
	return outcome{proposal: &proposal{
		title: "Create agent “" + name + "” from a template", target: "new agent, template " + t.text("name") + " (" + t.text("id") + ")",
		change:  neoapi.Change{Op: "create_agent", Body: mustJSON(body)},
		fields:  fields("Needs", strings.Join(t.texts("required_integrations"), ", ")),
		warning: "The new agent may start on its own once Neo has it. Look at its settings in Neo.",
	}}, nil
}
