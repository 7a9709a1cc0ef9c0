package intents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"neobot/cards"
	"neobot/neoapi"
)

const (
	pageRows  = 8   // rows of a list before "Show more"
	shownRuns = 3   // on an agent's card
	maxRename = 200 // characters of an agent's name

	rowsFooter = "Rows " // which page of a list is shown
)

func planListAgents(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	all, err := a.agents(ctx)
	if err != nil {
		return outcome{}, err
	}
	want := strings.ToUpper(in["state"])
	var shown []neoapi.Agent
	off := 0
	for _, agent := range all {
		if isOff(agent) {
			off++
		}
		if want == "" || (want == "DISABLED") == isOff(agent) {
			shown = append(shown, agent)
		}
	}
	card := cards.Card{Title: plural(len(all), "agent"), Summary: itoa(len(all)-off) + " on, " + itoa(off) + " off."}
	if want != "" {
		card.Title = plural(len(shown), "agent") + " " + onOff(want)
	}
	if len(shown) == 0 {
		card.Summary = "No agent is " + onOff(want) + "."
	}
	items := make([]cards.Item, len(shown))
	for i, agent := range shown {
		items[i] = cards.Item{Title: agent.Name, Detail: kindWords(agent) + " · " + onOff(agent.State), Status: stateIcon(agent)}
	}
	a.page(&card, items, func(i int) *cards.Button {
		return &cards.Button{Label: "Show", Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: intentShowAgent, Args: args{"agent": shown[i].Name, "agent_id": string(shown[i].ID)}},
		})}
	})
	return outcome{card: card, found: agentsFound(shown)}, nil
}

func agentsFound(agents []neoapi.Agent) []map[string]string {
	out := make([]map[string]string, len(agents))
	for i, agent := range agents {
		out[i] = map[string]string{"agent": agent.Name, "agent_id": string(agent.ID), "state": onOff(agent.State)}
	}
	return out
}

// page puts one page of rows on a card and a button for the rest. The offset
// is an argument of the stored next intent, never of the button.
func (a *ask) page(card *cards.Card, items []cards.Item, button func(i int) *cards.Button) {
	if len(items) == 0 {
		return
	}
	from := min(atoi(a.intent.Args["offset"]), len(items))
	to := min(from+pageRows, len(items))
	rows := items[from:to]
	if button != nil {
		for i := range rows {
			rows[i].Button = button(from + i)
		}
	}
	card.Body = append(card.Body, cards.Block{Items: rows})
	if from > 0 || to < len(items) {
		card.Footer = append(card.Footer, rowsFooter+itoa(from+1)+" to "+itoa(to)+" of "+itoa(len(items)))
	}
	more := func(label string, offset int) {
		next := Intent{Name: a.intent.Name, Args: merged(a.intent.Args, "offset", itoa(offset))}
		card.Buttons = append(card.Buttons, cards.Button{
			Label: label, Action: cards.ActionContinue, ID: a.offer(continuation{Intent: next, Replace: true}),
		})
	}
	if from > 0 {
		more("Back", max(from-pageRows, 0))
	}
	if to < len(items) {
		more("Show "+itoa(min(pageRows, len(items)-to))+" more", to)
	}
}

func planShowAgent(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	agent, err := s.agent(ctx, a, in["agent"])
	if err != nil {
		return outcome{}, err
	}
	if agent, err = a.neo.GetAgent(ctx, string(agent.ID)); err != nil {
		return outcome{}, err
	}
	card := cards.Card{
		Title: agent.Name, Status: stateIcon(agent),
		Summary: "It is " + onOff(agent.State) + ". " + upperFirst(kindWords(agent)) + ".",
		Fields: fields(
			"Works on", strings.TrimSuffix(strings.ReplaceAll(agent.EntityType, "_", " "), "none"),
			"Last changed", a.clock(agent.UpdatedAt.Time), "Changed by", textField(agent.Raw, "updated_by"), "Agent number", string(agent.ID),
		),
	}
	a.lastRuns(ctx, &card, string(agent.ID))
	if text := textField(agent.Raw, "description"); text != "" {
		card.Body = append(card.Body, cards.Block{Heading: "Description", Text: clip(text, 600)})
	}
	if text := textField(agent.Settings, "custom_instructions"); text != "" {
		card.Body = append(card.Body, cards.Block{Heading: "Instructions", Text: clip(text, 800)})
	}
	who := args{"agent": agent.Name, "agent_id": string(agent.ID)}
	a.next(&card, "Runs", Intent{Name: intentListRuns, Args: who})
	if isOff(agent) {
		a.next(&card, "Turn on…", Intent{Name: intentEnable, Args: who})
	} else {
		a.next(&card, "Turn off…", Intent{Name: intentDisable, Args: who})
	}
	return outcome{card: card, found: agentsFound([]neoapi.Agent{agent})}, nil
}

// lastRuns puts how an agent did lately on its card. The card is good without:
// somebody who may not see runs, or a Neo that does not answer, costs a line.
func (a *ask) lastRuns(ctx context.Context, card *cards.Card, agent string) {
	runs, more, err := a.neo.ListExecutions(ctx, neoapi.ExecutionFilter{AgentID: agent, Since: a.now.Add(-runWindow), Limit: maxRuns})
	var scope *neoapi.ScopeError
	switch {
	case errors.As(err, &scope):
		return // asking for the runs says what is missing
	case err != nil:
		card.Footer = append(card.Footer, "Its runs could not be read just now.")
		return
	}
	ended := map[string]int{}
	for _, run := range runs {
		ended[runStatus(run.Status)]++
	}
	within := "last 7 days"
	if more {
		within = "newest " + itoa(len(runs))
	}
	rate := ""
	if good, bad := ended["completed"], ended["failed"]; good+bad > 0 {
		rate = fmt.Sprintf("%d of %d (%.0f %%)", good, good+bad, 100*float64(good)/float64(good+bad))
	}
	card.Fields = append(fields("Runs, "+within, itoa(len(runs)), "Successful", rate), card.Fields...)
	if len(runs) == 0 {
		return
	}
	items := make([]cards.Item, min(len(runs), shownRuns))
	for i := range items {
		items[i] = runItem(a, runs[i])
		items[i].Title = orNone(prefixed("Ticket ", string(runs[i].EntityNumber)), "Run")
	}
	card.Body = append(card.Body, cards.Block{Heading: "Last runs", Items: items})
}

// next adds a button that asks a next question, in a new message.
func (a *ask) next(card *cards.Card, label string, in Intent) {
	card.Buttons = append(card.Buttons, cards.Button{
		Label: label, Action: cards.ActionContinue, ID: a.offer(continuation{Intent: in}),
	})
}

// planSwitch plans turning an agent on or off.
func planSwitch(state string) planFunc {
	return func(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
		agent, err := s.writable(ctx, a, in["agent"])
		if err != nil {
			return outcome{}, err
		}
		if strings.EqualFold(agent.State, state) {
			return outcome{card: cards.Card{
				Title: agent.Name + " is already " + onOff(state), Status: cards.StatusDone,
				Summary: "Nothing to do: Neo shows it as " + onOff(agent.State) + ".",
			}}, nil
		}
		verb := "Enable"
		if state == "DISABLED" {
			verb = "Disable"
		}
		p, err := updateAgent(verb+" “"+agent.Name+"”", agent, map[string]any{"state": state})
		if state == "DISABLED" {
			p.warning = "While it is off it will not start on any event or schedule."
		}
		return outcome{proposal: &p}, err
	}
}

func planRename(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	agent, err := s.writable(ctx, a, in["agent"])
	if err != nil {
		return outcome{}, err
	}
	name := strings.Join(strings.Fields(in["name"]), " ")
	if name == "" || utf8.RuneCountInString(name) > maxRename {
		return outcome{}, no("That name does not work", "A name has 1 to %d characters.", maxRename)
	}
	if name == agent.Name {
		return outcome{}, no("It already has that name", "Nothing to do.")
	}
	p, err := updateAgent("Rename “"+agent.Name+"” to “"+name+"”", agent, map[string]any{"name": name})
	for _, other := range a.names() {
		if strings.EqualFold(other, name) {
			p.warning = "Another agent already has this name."
		}
	}
	return outcome{proposal: &p}, err
}

// writable resolves an agent and reads it anew: the before snapshot of a change
// must be what Neo says now, not what a list said a moment ago.
func (s *Service) writable(ctx context.Context, a *ask, said string) (neoapi.Agent, error) {
	agent, err := s.agent(ctx, a, said)
	if err != nil {
		return neoapi.Agent{}, err
	}
	return a.neo.Fresh().GetAgent(ctx, string(agent.ID))
}

// updateAgent is the change that sets some fields of an agent. The before
// snapshot holds exactly those fields.
func updateAgent(title string, agent neoapi.Agent, set map[string]any) (proposal, error) {
	var now map[string]json.RawMessage
	if err := json.Unmarshal(agent.Raw, &now); err != nil {
		return proposal{}, err
	}
	before := map[string]json.RawMessage{}
	for field := range set {
		before[field] = now[field]
		if len(now[field]) == 0 {
			before[field] = json.RawMessage("null")
		}
	}
	change := neoapi.Change{
		Op: "update_agent", Path: map[string]string{"agent_id": string(agent.ID)}, Body: mustJSON(set), Before: mustJSON(before),
	}
	return proposal{title: title, target: agentTarget(agent), change: change, changes: diff(change.Before, change.Body)}, nil
}

func agentTarget(agent neoapi.Agent) string { return agent.Name + " (agent " + string(agent.ID) + ")" }

func planRunNow(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	agent, err := s.writable(ctx, a, in["agent"])
	if err != nil {
		return outcome{}, err
	}
	change := neoapi.Change{Op: "run_agent_now", Path: map[string]string{"agent_id": string(agent.ID)}}
	p := proposal{
		title: "Run “" + agent.Name + "” now", target: agentTarget(agent),
		warning: "A run can write to tickets. It starts once; it is never sent a second time.",
	}
	switch agent.TriggerType {
	case "NONE":
		return outcome{}, no("Chat agents cannot be run", "%s answers when somebody writes to it.", agent.Name)
	case "TRIGGERED":
		ticket := strings.TrimPrefix(in["ticket"], "#")
		if ticket == "" {
			return outcome{}, no("On which ticket?", "%s works on a %s. Say, for example: run %s on ticket 48213.",
				agent.Name, strings.ReplaceAll(orNone(agent.EntityType, "ticket"), "_", " "), agent.Name)
		}
		id, err := s.entity(ctx, a, ticket)
		if err != nil {
			return outcome{}, err
		}
		change.Body = mustJSON(map[string]string{"target_entity_id": id})
		p.title += " on ticket " + ticket
		p.fields = append(p.fields, cards.Field{Name: "Ticket", Value: ticket + " (PSA id " + id + ")"})
	default:
		change.Body = json.RawMessage("{}")
	}
	if isOff(agent) {
		p.fields = append(p.fields, cards.Field{Name: "State", Value: "off: it runs only because of this request"})
	}
	p.change = change
	return outcome{proposal: &p}, nil
}

// entity finds the PSA id behind a ticket number: run-now wants the id, people
// know the number. Neo has no look-up for it, so it comes from what Neo has
// seen of the ticket: an earlier run or an event.
func (s *Service) entity(ctx context.Context, a *ask, ticket string) (string, error) {
	runs, _, err := a.neo.ListExecutions(ctx, neoapi.ExecutionFilter{EntityNumber: ticket, Limit: 1})
	if err != nil {
		return "", err
	}
	if len(runs) > 0 && runs[0].EntityID != "" {
		return string(runs[0].EntityID), nil
	}
	return "", no("Neo has not seen ticket "+ticket+" yet",
		"To run an agent on a ticket Neo needs the ticket's PSA id, which I only know from earlier runs. Start it from the dashboard this time.")
}

func planFollow(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	rec, err := s.ownRecord(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	var r result
	if err := json.Unmarshal(rec.Result, &r); err != nil || r.Run == "" {
		return outcome{}, no("There is no run to follow", "Neo gave no run id for this request.")
	}
	a.intent = Intent{Name: intentExplain, Args: args{"run": r.Run}}
	return planExplainRun(ctx, s, a, a.intent.Args)
}

func isOff(agent neoapi.Agent) bool { return strings.EqualFold(agent.State, "DISABLED") }

func onOff(state string) string {
	switch strings.ToUpper(state) {
	case "ENABLED":
		return "on"
	case "DISABLED":
		return "off"
	case "":
		return "in an unknown state"
	}
	return strings.ToLower(state)
}

func stateIcon(agent neoapi.Agent) cards.Status {
	if isOff(agent) {
		return cards.StatusOff
	}
	return cards.StatusOn
}

var (
	autonomyWords = map[string]string{"CHAINED_ACTIONS": "workflow", "AGENTIC": "agent", "CONVERSATIONAL": "chat agent"}
	triggerWords  = map[string]string{"SCHEDULED": "runs on a schedule", "TRIGGERED": "starts on events", "NONE": "answers in chat"}
)

func kindWords(agent neoapi.Agent) string {
	return orNone(autonomyWords[agent.AutonomyType], "agent") + ", " + orNone(triggerWords[agent.TriggerType], "start unknown")
}

func orNone(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// textField is a string field of a JSON object, empty when there is none.
func textField(object json.RawMessage, field string) string {
	var fields map[string]json.RawMessage
	var text string
	if json.Unmarshal(object, &fields) != nil || json.Unmarshal(fields[field], &text) != nil {
		return ""
	}
	return text
}
