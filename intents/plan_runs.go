package intents

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

const (
	maxRuns   = 1000               // of one question; Neo has no date filter, so we page and cut
	runWindow = 7 * 24 * time.Hour // without a time in the question
	maxSteps  = 30
)

func planListRuns(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	filter := neoapi.ExecutionFilter{EntityNumber: strings.TrimPrefix(in["ticket"], "#"), Limit: maxRuns}
	title := "Runs"
	if in["agent"] != "" {
		agent, err := s.agent(ctx, a, in["agent"])
		if err != nil {
			return outcome{}, err
		}
		filter.AgentID, title = string(agent.ID), "Runs of "+agent.Name
	}
	span, words, err := a.span(in["when"], filter.EntityNumber == "")
	if err != nil {
		return outcome{}, err
	}
	filter.Since, filter.Until = span.From, span.To
	all, more, err := a.neo.ListExecutions(ctx, filter)
	if err != nil {
		return outcome{}, err
	}
	if filter.EntityNumber != "" {
		title += " on ticket " + filter.EntityNumber
	}
	if words != "" {
		title += ", " + words
	}
	card, shown := runsCard(a, title, all, in["status"])
	if !more && filter.EntityNumber == "" && a.firstPage() {
		card.Body = append(a.runsPerDay(span, all), card.Body...)
	}
	if more {
		card.Footer = append(card.Footer, "Only the newest "+itoa(maxRuns)+" runs were looked at.")
	}
	return outcome{card: card, found: runsFound(a, shown)}, nil
}

func runsFound(a *ask, runs []neoapi.Execution) []map[string]string {
	out := make([]map[string]string, len(runs))
	for i, run := range runs {
		out[i] = map[string]string{
			"run": string(run.ID), "agent": run.AgentName, "agent_id": string(run.AgentID), "ticket": string(run.EntityNumber),
			"status": runStatus(run.Status), "at": run.CreatedAt.In(a.zone).Format("2006-01-02 15:04"),
		}
	}
	return out
}

// span turns the time said into a range, and into words for the title.
func (a *ask) span(said string, bounded bool) (Span, string, error) {
	if said == "" {
		if !bounded {
			return Span{}, "", nil
		}
		return Span{From: a.now.Add(-runWindow), To: a.now.Add(time.Minute)}, "last 7 days", nil
	}
	span, err := ParseWhen(said, a.now, a.zone)
	if err != nil {
		return Span{}, "", no("I do not understand the time", "“%s” is no time I know that has begun. Say today, yesterday, last 24 hours, since monday or a date such as 2026-11-20.", clip(said, 40))
	}
	return span, strings.ToLower(said), nil
}

// runsCard counts all runs and lists those with the status asked for.
func runsCard(a *ask, title string, all []neoapi.Execution, status string) (cards.Card, []neoapi.Execution) {
	card := cards.Card{Title: title}
	counts := map[string]int{}
	var shown []neoapi.Execution
	for _, run := range all {
		word := runStatus(run.Status)
		counts[word]++
		if status == "" || word == status {
			shown = append(shown, run)
		}
	}
	var parts []string
	for _, word := range []string{"completed", "failed", "skipped", "running", "queued", "waiting", "cancelled"} {
		if counts[word] > 0 {
			parts = append(parts, itoa(counts[word])+" "+word)
		}
	}
	card.Summary = "Nothing ran."
	if len(all) > 0 {
		card.Summary = plural(len(all), "run") + ": " + strings.Join(parts, ", ") + "."
	}
	if status != "" {
		card.Title = upperFirst(status) + " " + strings.ToLower(title[:1]) + title[1:]
		if len(shown) == 0 {
			card.Summary = "None " + status + ". " + card.Summary
		}
	}
	items := make([]cards.Item, len(shown))
	for i, run := range shown {
		items[i] = runItem(a, run)
	}
	a.page(&card, items, func(i int) *cards.Button {
		label := "Steps"
		if runStatus(shown[i].Status) == "failed" {
			label = "Why?"
		}
		return &cards.Button{Label: label, Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: intentExplain, Args: args{"run": string(shown[i].ID)}},
		})}
	})
	return card, shown
}

func runItem(a *ask, run neoapi.Execution) cards.Item {
	title := orNone(run.AgentName, "Agent "+string(run.AgentID))
	if run.EntityNumber != "" {
		title += " · ticket " + string(run.EntityNumber)
	}
	detail := a.clock(run.CreatedAt.Time) + " · " + runStatus(run.Status)
	if run.SecondsSpent > 0 {
		detail += " · " + seconds(run.SecondsSpent)
	}
	if text := orNone(run.Error, run.Message); text != "" {
		detail += " · " + clip(strings.Join(strings.Fields(text), " "), 140)
	}
	return cards.Item{Title: title, Detail: detail, Status: runIcon(run.Status)}
}

// runStatus maps Neo's status, whose values are not documented, onto our words.
// An unknown value is shown as it is.
func runStatus(status string) string {
	switch s := strings.ToLower(status); s {
	case "success", "succeeded", "completed", "complete", "done", "finished":
		return "completed"
	case "failure", "failed", "error", "errored":
		return "failed"
	case "running", "in_progress", "processing", "started":
		return "running"
	case "queued", "pending", "scheduled":
		return "queued"
	case "waiting", "waiting_for_approval", "paused":
		return "waiting"
	case "cancelled", "canceled":
		return "cancelled"
	case "":
		return "unknown"
	default:
		return s
	}
}

func runIcon(status string) cards.Status {
	switch runStatus(status) {
	case "completed":
		return cards.StatusDone
	case "failed":
		return cards.StatusFailed
	case "running", "queued", "waiting":
		return cards.StatusWorking
	}
	return cards.StatusNone // cancelled, skipped, or a word we do not know
}

func planExplainRun(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	run, err := s.runMeant(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	a.intent.Args = args{"run": string(run.ID), "agent": run.AgentName}
	steps, _, err := a.neo.ListExecutionSteps(ctx, string(run.ID), false)
	if err != nil {
		return outcome{}, err
	}
	item := runItem(a, run)
	card := cards.Card{Title: item.Title, Status: item.Status, Summary: runSummary(a, run), Fields: []cards.Field{
		{Name: "Started", Value: a.clock(run.CreatedAt.Time)},
		{Name: "Took", Value: seconds(run.SecondsSpent)},
	}}
	if run.EntityNumber != "" {
		card.Fields = append(card.Fields, cards.Field{Name: "Ticket", Value: string(run.EntityNumber)})
	}
	if run.Error != "" {
		card.Body = append(card.Body, cards.Block{Heading: "Error", Code: clip(run.Error, 900)})
	}
	card.Body = append(card.Body, stepBlocks(a, steps)...)
	s.inWords(ctx, &card, runData(run, steps))
	card.Footer = append(card.Footer, "Run "+string(run.ID))
	if run.EntityNumber != "" && a.neo.Allowed("get_execution_callback") == nil { // an event of the ticket started it
		a.next(&card, "Why it ran", Intent{Name: "run_trigger", Args: args{"run": string(run.ID)}})
	}
	a.next(&card, "Other runs of it", Intent{Name: intentListRuns, Args: args{"agent": run.AgentName, "agent_id": string(run.AgentID)}})
	if runStatus(run.Status) == "failed" {
		if a.neo.Allowed("retry_execution") == nil {
			a.next(&card, "Retry…", Intent{Name: "retry_run", Args: args{"run": string(run.ID)}})
		}
		a.next(&card, "Escalate…", Intent{Name: intentEscalate, Args: args{"run": string(run.ID)}})
	}
	return outcome{card: card, found: runsFound(a, []neoapi.Execution{run})}, nil
}

// runMeant finds the run: by id, or the newest of an agent or ticket, failed
// ones first.
func (s *Service) runMeant(ctx context.Context, a *ask, in args) (neoapi.Execution, error) {
	if in["run"] != "" {
		return a.neo.GetExecution(ctx, in["run"])
	}
	filter := neoapi.ExecutionFilter{EntityNumber: strings.TrimPrefix(in["ticket"], "#"), Since: a.now.Add(-runWindow), Limit: 200}
	if in["agent"] != "" {
		agent, err := s.agent(ctx, a, in["agent"])
		if err != nil {
			return neoapi.Execution{}, err
		}
		filter.AgentID = string(agent.ID)
	}
	all, _, err := a.neo.ListExecutions(ctx, filter)
	if err != nil {
		return neoapi.Execution{}, err
	}
	for _, run := range all {
		if runStatus(run.Status) == "failed" {
			return run, nil
		}
	}
	if len(all) > 0 && filter.AgentID+filter.EntityNumber != "" {
		return all[0], nil
	}
	if filter.EntityNumber != "" && filter.AgentID == "" { // "retry 91233": the number of a run looks the same
		run, err := a.neo.GetExecution(ctx, filter.EntityNumber)
		if neo, ok := errors.AsType[*neoapi.Error](err); !ok || neo.Status != http.StatusNotFound {
			return run, err
		}
	}
	return neoapi.Execution{}, no("There is no such run", "Nothing like it ran in the last 7 days. Try “runs” for a list.")
}

func runSummary(a *ask, run neoapi.Execution) string {
	switch runStatus(run.Status) {
	case "failed":
		return "It failed. " + orNone(run.Message, "Neo gives no message; see the error and the last step.")
	case "running", "queued", "waiting":
		return "It is " + runStatus(run.Status) + " since " + a.clock(run.CreatedAt.Time) + ". Ask again to see how it goes on."
	}
	return upperFirst(runStatus(run.Status)) + ". " + orNone(run.Message, "Neo gives no message.")
}

// stepBlocks is the timeline. Step data is left out: it can hold prompts and
// customer data that do not belong into a channel.
func stepBlocks(a *ask, steps []neoapi.ExecutionStep) []cards.Block {
	if len(steps) == 0 {
		return nil
	}
	items := make([]cards.Item, 0, min(len(steps), maxSteps))
	skipped := max(len(steps)-maxSteps, 0)
	for _, step := range steps[skipped:] {
		item := cards.Item{Title: stepWords(step), Detail: step.CreatedAt.In(a.zone).Format("15:04:05")}
		if step.Message != "" {
			item.Detail += " · " + clip(strings.Join(strings.Fields(step.Message), " "), 160)
		}
		if step.IsError {
			item.Status = cards.StatusFailed
		}
		items = append(items, item)
	}
	block := cards.Block{Heading: "Steps", Items: items}
	if skipped > 0 {
		block.Heading = "Steps (the last " + itoa(maxSteps) + " of " + itoa(len(steps)) + ")"
	}
	return []cards.Block{block}
}

func stepWords(step neoapi.ExecutionStep) string {
	tool := strings.ToLower(strings.ReplaceAll(step.Tool, "_", " "))
	switch step.Type {
	case "TOOL_CALL":
		return "Used " + orNone(tool, "a tool")
	case "TOOL_RESULT":
		return "Result of " + orNone(tool, "a tool")
	case "THOUGHT":
		return "Thought"
	case "FINAL_MESSAGE":
		return "Final message"
	}
	return upperFirst(strings.ToLower(strings.ReplaceAll(orNone(step.Type, "step"), "_", " ")))
}

// startedSince is a hint after a run-now without answer: did a run begin since?
func (s *Service) startedSince(ctx context.Context, j job) string {
	if j.change.Op != "run_agent_now" {
		return ""
	}
	runs, _, err := j.session.ListExecutions(ctx, neoapi.ExecutionFilter{
		AgentID: j.change.Path["agent_id"], Since: j.rec.StartedAt.Add(-5 * time.Second), Limit: 5,
	})
	switch {
	case err != nil:
		return ""
	case len(runs) == 0:
		return "No run of it has begun since."
	}
	return "A run of it began " + stamp(runs[len(runs)-1].CreatedAt.Time, s.Now().In(s.timezone(ctx))) + "; it may be this one."
}
