package intents

import (
	"context"
	"encoding/json"
	"strings"

	"neobot/cards"
	"neobot/neoapi"
)

// runsChapter is what can be asked about runs and events besides the basics.
func runsChapter() []entry {
	runArgs := []Arg{aRun, anAgent, aTicket}
	runReads := []string{"list_executions", "get_execution", "list_agents"}
	return []entry{
		{Spec: Spec{
			Name: "why_run", Summary: "Explain why an agent did or did not start on a ticket's event.",
			Args: []Arg{{Name: "ticket", Kind: ArgTicket, Help: "ticket number", Required: true}, anAgent}, Ops: []string{"list_callbacks", "list_agents"},
			Examples: []string{"why didn't <agent> pick up <ticket>?", "why did <agent> run on <ticket>", "events of ticket <ticket>"},
		}, plan: planWhy},
		{Spec: Spec{
			Name: "run_trigger", Summary: "Show the event that started a run.", Args: runArgs, Ops: append([]string{"get_execution_callback"}, runReads...),
			Examples: []string{"what triggered the last <agent> run?", "what started that run"},
		}, plan: planTrigger},
		{Spec: Spec{
			Name: "run_decisions", Summary: "Show which field values the AI chose in a run, and why.", Args: runArgs,
			Ops:      append([]string{"get_execution_field_update_audit"}, runReads...),
			Examples: []string{"why did Neo set the priority on <ticket>?", "field decisions of that run"},
		}, plan: planDecisions},
		{Spec: Spec{
			Name: "run_artifacts", Summary: "Show what a run produced: notes inline, files by a short-lived link (privately).", Args: runArgs,
			Ops:      append([]string{"list_execution_artifacts", "get_execution_artifact"}, runReads...),
			Examples: []string{"show the report of the last <agent> run", "artifacts of that run", "what did <agent> produce"},
		}, plan: planArtifacts, private: true},
		{Spec: Spec{
			Name: "run_requests", Summary: "Show the technician requests a run has made.", Args: runArgs, Ops: append([]string{"list_execution_til_requests"}, runReads...),
			Examples: []string{"which approvals did that run ask for?"},
		}, plan: planRunRequests},
		{Spec: Spec{
			Name: "retry_run", Summary: "Run a failed run again (needs approval; its actions may be repeated).", Write: true, Args: runArgs,
			Ops: append([]string{"retry_execution"}, runReads...), Examples: []string{"retry that run", "retry the last <agent> run"},
		}, plan: planRetry},
		{Spec: Spec{
			Name: "cancel_run", Summary: "Cancel a run that is queued or under way (needs approval).", Write: true, Args: runArgs,
			Ops: append([]string{"cancel_execution"}, runReads...), Examples: []string{"cancel that run", "stop the <agent> run"},
		}, plan: planCancel},
		{Spec: Spec{
			Name: "rmm_scripts", Summary: "List the RMM scripts Neo has run, on which devices and how they ended.",
			Args: []Arg{{Name: "company", Kind: ArgText, Help: "client company"}, aWhen}, Ops: []string{"list_rmm_script_executions"},
			Examples: []string{"which RMM scripts ran today?", "rmm scripts at <company> yesterday"},
		}, plan: rmmList.plan},
		{Spec: Spec{
			Name: "dispatch_decisions", Summary: "List whom Neo's dispatch chose for tickets, and why.", Args: []Arg{aTicket, aWhen}, Ops: []string{"list_dispatch_decisions"},
			Examples: []string{"who got ticket <ticket>?", "dispatch decisions today", "why was <ticket> assigned"},
		}, plan: dispatchList.plan},
		{Spec: Spec{
			Name: "scheduled_work", Summary: "List runs that are planned for later.",
			Args: []Arg{aTicket}, Ops: []string{"list_scheduled_work"},
			Examples: []string{"what is scheduled?", "scheduled runs", "what runs tonight"},
		}, plan: scheduledList.plan},
		{Spec: Spec{
			Name: "backfills", Summary: "List backfills: an agent applied to older tickets.", Ops: []string{"list_backfills"},
			Examples: []string{"how are the backfills doing?", "backfills"},
		}, plan: planBackfills},
		backfillSignal("pause_backfill", "pause", "Pause a backfill (needs approval)."),
		backfillSignal("resume_backfill", "resume", "Resume a paused backfill (needs approval)."),
		backfillSignal("cancel_backfill", "cancel", "Cancel a backfill for good (needs approval)."),
		backfillSignal("rerun_failed_backfill", "rerun", "Run the failed tickets of a backfill again (needs approval)."),
	}
}

var rmmList = listing{
	op: "list_rmm_script_executions", title: "RMM scripts", noun: "script run",
	keep: func(a *ask, in args, o object) bool {
		return inSpan(a, in, o.at("started_at", "created_at")) && likes(in["company"], o.text("company_name", "company"))
	},
	row: func(a *ask, o object) cards.Item {
		return cards.Item{
			Title:  parts(orNone(o.text("script_name", "name"), "Script"), o.text("device_name", "device"), o.text("company_name", "company")),
			Detail: parts(a.when(o.at("started_at", "created_at")), runStatus(o.text("status")), labeled("ticket", o.text("ticket_number")), labeled("approved by", o.text("approved_by"))),
			Status: runIcon(o.text("status")),
		}
	},
}

var dispatchList = listing{
	op: "list_dispatch_decisions", title: "Dispatch decisions", noun: "decision",
	keep: func(a *ask, in args, o object) bool {
		ticket := strings.TrimPrefix(in["ticket"], "#")
		return inSpan(a, in, o.at("created_at")) && (ticket == "" || o.text("ticket_number") == ticket)
	},
	row: func(a *ask, o object) cards.Item {
		return cards.Item{
			Title:  parts(labeled("Ticket", o.text("ticket_number", "ticket_id")), labeled("to", o.sub("chosen_technician").text("name"))),
			Detail: parts(a.when(o.at("created_at")), oneLine(o.text("ai_justification", "justification"), 140)),
		}
	},
}

var scheduledList = listing{
	op: "list_scheduled_work", title: "Planned runs", noun: "planned run",
	keep: func(_ *ask, in args, o object) bool {
		ticket := strings.TrimPrefix(in["ticket"], "#")
		return (o.text("status") == "PENDING" || o.text("status") == "PROCESSING") && (ticket == "" || o.text("ticket_number") == ticket)
	},
	row: func(a *ask, o object) cards.Item {
		return cards.Item{
			Title:  parts(orNone(o.text("workflow_name"), "Agent "+o.text("workflow_id")), labeled("ticket", o.text("ticket_number"))),
			Detail: parts(a.when(o.at("scheduled_for")), strings.ToLower(o.text("status")), labeled("by", o.text("created_by")), oneLine(o.text("additional_custom_instructions"), 100)),
			Status: cards.StatusPending,
		}
	},
}

// planWhy shows, from the events of a ticket, what each agent's conditions said.
func planWhy(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	ticket := strings.TrimPrefix(in["ticket"], "#")
	query := neoapi.Args{Query: map[string][]string{"entity_number": {ticket}}}
	title := "Events of ticket " + ticket
	var agent neoapi.Agent
	if in["agent"] != "" {
		var err error
		if agent, err = s.agent(ctx, a, in["agent"]); err != nil {
			return outcome{}, err
		}
		title = agent.Name + " and ticket " + ticket
	}
	events, _, err := a.objects(ctx, "list_callbacks", query, 40)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: title, Summary: "Neo has seen no event of this ticket in the time it keeps them."}
	if len(events) > 0 {
		card.Summary = plural(len(events), "event") + " seen, newest first."
	}
	var items []cards.Item
	for _, event := range events {
		for _, m := range event.list("workflow_matches") {
			if agent.ID == "" || m.text("workflow_id") == string(agent.ID) {
				items = append(items, matchItem(a, event, m))
			}
		}
	}
	if agent.ID != "" && len(events) > 0 {
		card.Summary = whySummary(agent.Name, items)
	}
	a.page(&card, items, nil)
	return outcome{card: card}, nil
}

func whySummary(name string, items []cards.Item) string {
	started := 0
	for _, item := range items {
		if item.Status == cards.StatusDone {
			started++
		}
	}
	switch {
	case len(items) == 0:
		return name + " was not even considered: none of the ticket's events is one it listens to."
	case started == 0:
		return name + " did not start: its conditions did not match. The failing comparison is below."
	}
	return name + " started " + plural(started, "time") + " on this ticket's events."
}

// matchItem shows one agent's verdict on one event with the comparison that failed.
func matchItem(a *ask, event, m object) cards.Item {
	item := cards.Item{
		Title:  orNone(m.text("workflow_name"), "Agent "+m.text("workflow_id")),
		Detail: parts(a.when(event.at("created_in_psa_at")), strings.ToLower(strings.ReplaceAll(event.text("change_type"), "_", " ")), "matched"),
		Status: cards.StatusDone,
	}
	if m.is("matched") {
		return item
	}
	item.Status = cards.StatusOff
	item.Detail = parts(a.when(event.at("created_in_psa_at")), strings.ToLower(strings.ReplaceAll(event.text("change_type"), "_", " ")), "no match")
	failed := 0
	for _, c := range m.sub("match_details").list("field_comparisons") {
		if !c.is("is_match") && failed < 3 {
			failed++
			item.Detail += " · ✗ " + strings.ReplaceAll(c.text("field_name"), "_", " ") + " is " + quoted(c, "field_value") +
				", the rule wants " + strings.ReplaceAll(c.text("operator"), "_", " ") + " " + quoted(c, "rule_value")
		}
	}
	if failed == 0 {
		item.Detail += prefixed(" · ", oneLine(m.text("match_reason"), 200))
	}
	return item
}

func quoted(o object, field string) string { return "“" + oneLine(valueWords(o[field]), 80) + "”" }

func planTrigger(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	run, err := s.runMeant(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	event, err := a.object(ctx, "get_execution_callback", path("execution_id", string(run.ID)))
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "What started " + run.AgentName, Summary: upperFirst(strings.ToLower(strings.ReplaceAll(orNone(event.text("change_type"), "an event"), "_", " "))) +
		prefixed(" on ticket ", event.text("entity_number")) + "."}
	card.Fields = fields("In the PSA", a.when(event.at("created_in_psa_at")), "Handled", a.when(event.at("finished_processing_at")), "Run", a.clock(run.CreatedAt.Time))
	var items []cards.Item
	for _, m := range event.list("workflow_matches") {
		items = append(items, matchItem(a, event, m))
	}
	a.page(&card, items, nil)
	return outcome{card: card}, nil
}

func planDecisions(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	run, err := s.runMeant(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	all, _, err := a.objects(ctx, "get_execution_field_update_audit", path("execution_id", string(run.ID)), 50)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Decisions of " + run.AgentName, Summary: plural(len(all), "field") + " looked at" + prefixed(" on ticket ", string(run.EntityNumber)) + "."}
	items := make([]cards.Item, len(all))
	for i, d := range all {
		verdict := "left as it was"
		if d.is("should_update_field") {
			verdict = "set to “" + d.text("predicted_value") + "”"
		}
		items[i] = cards.Item{
			Title:  fieldLabel(orNone(d.text("custom_field_name", "field_name"), "field")) + ": " + verdict,
			Detail: parts(labeled("was", d.text("current_value")), oneLine(d.text("ai_justification"), 300)),
		}
	}
	a.page(&card, items, nil)
	card.Footer = append(card.Footer, "Neo's own reasons, as recorded by the run. Raw prompts stay in the dashboard.")
	return outcome{card: card}, nil
}

// planArtifacts answers privately: links are short-lived keys to a file.
func planArtifacts(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	run, err := s.runMeant(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	all, _, err := a.objects(ctx, "list_execution_artifacts", path("execution_id", string(run.ID)), 20)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Produced by " + run.AgentName, Summary: plural(len(all), "artifact") + " of the run of " + a.clock(run.CreatedAt.Time) + "."}
	for _, item := range all[:min(len(all), 5)] {
		o, err := a.object(ctx, "get_execution_artifact", neoapi.Args{Path: map[string]string{
			"execution_id": string(run.ID), "artifact_id": item.text("artifact_id", "id"),
		}})
		if err != nil {
			return outcome{}, err
		}
		a.artifact(&card, o)
	}
	return outcome{card: card, private: true}, nil
}

// artifact shows a note as text and a file as what it is; the link is shown as
// text and never followed or reposted.
func (a *ask) artifact(card *cards.Card, o object) {
	name := orNone(o.text("name", "title", "filename", "file_name"), "Artifact")
	if text := o.text("content", "markdown", "text", "body"); text != "" {
		card.Body = append(card.Body, cards.Block{Heading: name, Text: clip(text, 2500)})
		return
	}
	link := o.text("url", "download_url", "signed_url")
	detail := parts(o.text("mime_type", "content_type"), labeled("until", a.when(o.at("expires_at", "url_expires_at"))))
	card.Body = append(card.Body, cards.Block{Heading: name, Items: []cards.Item{{Title: orNone(link, "no link"), Detail: detail}}})
	card.Footer = []string{"File links work for a short time and only you see them. Do not post them in a channel."}
}

func planRunRequests(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	run, err := s.runMeant(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	raw, _, err := a.neo.Pages(ctx, "list_execution_til_requests", path("execution_id", string(run.ID)), 50)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Requests of " + run.AgentName, Summary: plural(len(raw), "request") + "."}
	items := make([]cards.Item, 0, len(raw))
	for _, r := range raw {
		var req neoapi.TilRequest
		_ = json.Unmarshal(r, &req) // a field of an odd type stays empty
		items = append(items, requestItem(a, req))
	}
	a.page(&card, items, nil)
	return outcome{card: card}, nil
}

func planRetry(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	run, err := s.runMeant(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	if word := runStatus(run.Status); word == "running" || word == "queued" {
		return outcome{}, no("It is still "+word, "Wait for it to end, or cancel it first.")
	}
	return runProposal(a, run, "retry_execution", "Retry the run of “"+run.AgentName+"”", "Everything the run does can happen a second time, for example notes to a customer."), nil
}

func planCancel(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	run, err := s.runMeant(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	switch word := runStatus(run.Status); word {
	case "completed", "failed", "cancelled", "skipped":
		return outcome{}, no("It has ended already", "The run %s; there is nothing to cancel.", word)
	}
	return runProposal(a, run, "cancel_execution", "Cancel the run of “"+run.AgentName+"”", "What the run has done already stays done."), nil
}

func runProposal(a *ask, run neoapi.Execution, op, title, warning string) outcome {
	return outcome{proposal: &proposal{
		title: title, target: run.AgentName + ", its run of " + a.clock(run.CreatedAt.Time), warning: warning,
		change: neoapi.Change{Op: op, Path: map[string]string{"execution_id": string(run.ID)}},
		fields: fields("Started", a.clock(run.CreatedAt.Time), "Status", runStatus(run.Status), "Ticket", string(run.EntityNumber), "Error", oneLine(run.Error, 200)),
	}}
}

var backfillNames = nameList{op: "list_backfills", noun: "backfill", name: []string{"target_workflow_name", "id"}, id: "id"}

func planBackfills(ctx context.Context, _ *Service, a *ask, _ args) (outcome, error) {
	all, _, err := a.objects(ctx, "list_backfills", neoapi.Args{}, 100)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Backfills", Summary: plural(len(all), "backfill") + "."}
	items := make([]cards.Item, len(all))
	for i, b := range all {
		items[i] = cards.Item{
			Title: parts(b.text("target_workflow_name"), strings.ToLower(b.text("state"))),
			Detail: parts(b.text("processed_count")+" of "+orNone(b.text("total_estimated"), "?")+" done",
				labeledAfter(b.text("failed_count"), "failed"), labeled("by", b.text("created_by")), a.when(b.at("created_at"))),
		}
	}
	a.page(&card, items, nil)
	return outcome{card: card}, nil
}

// backfillSignal declares one of the four signals a backfill takes.
func backfillSignal(op, verb, summary string) entry {
	return entry{
		Spec: Spec{
			Name: op, Summary: summary, Write: true, Args: []Arg{{Name: "backfill", Kind: ArgText, Help: "agent of the backfill, or its id"}},
			Ops: []string{op, "list_backfills"}, Examples: []string{verb + " the backfill of <agent>", verb + " backfill"},
		},
		plan: func(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
			b, err := s.named(ctx, a, backfillNames, "backfill")
			if err != nil {
				return outcome{}, err
			}
			return outcome{proposal: &proposal{
				title:  upperFirst(verb) + " the backfill of “" + b.text("target_workflow_name") + "”",
				target: b.text("target_workflow_name") + " (backfill " + b.text("id") + ")", change: neoapi.Change{Op: op, Path: map[string]string{"backfill_id": b.text("id")}},
				fields:  fields("State", strings.ToLower(b.text("state")), "Done", b.text("processed_count")+" of "+orNone(b.text("total_estimated"), "?"), "Failed", b.text("failed_count")),
				warning: "Neo shows the effect within about 30 s.",
			}}, nil
		},
	}
}
