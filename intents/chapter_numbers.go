package intents

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

// numbersChapter is reliability, chat use, money, ROI and the phone agent.
func numbersChapter() []entry {
	return []entry{
		{Spec: Spec{
			Name: "reliability", Summary: "Show how reliable each agent was: runs, failures, slowest runs.", Args: []Arg{aWhen}, Ops: []string{"list_workflow_performance"},
			Examples: []string{"how reliable were the agents last week?", "reliability", "failure rate last week", "which agent fails most"},
		}, plan: planReliability},
		{Spec: Spec{
			Name: "agent_timing", Summary: "Show where the time of runs goes, per agent, over the last day.", Ops: []string{"get_workflow_performance"},
			Examples: []string{"which agents are slow today?", "timing per agent"},
		}, plan: planTiming},
		{Spec: Spec{
			Name: "pipeline", Summary: "Show Neo's event pipeline: how many events, how long they wait.", Ops: []string{"get_callback_funnel"},
			Examples: []string{"is Neo slow today?", "where is the delay?", "pipeline"},
		}, plan: planPipeline},
		{Spec: Spec{
			Name: "chat_usage", Summary: "Show how much Neo's chat is used, in total and over time.", Args: []Arg{aWhen},
			Ops: []string{"get_chat_performance", "list_chat_performance_over_time"}, Examples: []string{"how much is Neo chat used?", "chat usage last month"},
		}, plan: planChatUsage},
		{Spec: Spec{
			Name: "chat_users", Summary: "Show who uses Neo's chat most.", Args: []Arg{aWhen}, Ops: []string{"list_chat_performance_by_user"},
			Examples: []string{"who uses Neo chat most?", "chat users"},
		}, plan: chatTable("list_chat_performance_by_user", "Who uses Neo's chat", "Person")},
		{Spec: Spec{
			Name: "chat_agents", Summary: "Show which chat agents are used most.", Args: []Arg{aWhen}, Ops: []string{"list_chat_performance_by_agent"},
			Examples: []string{"which chat agents are used most?", "chat use by agent"},
		}, plan: chatTable("list_chat_performance_by_agent", "Chat agents in use", "Agent")},
		{Spec: Spec{
			Name: "teams_users", Summary: "Show how many end users used the white-label Teams bot and what it costs.", Args: []Arg{aMonth}, Ops: []string{"get_end_user_teams_usage"},
			Examples: []string{"how many end users used our Teams bot and what will it cost?", "MAU", "teams bot charge <month>"},
		}, plan: planTeamsUsers},
		{Spec: Spec{
			Name: "teams_users_detail", Summary: "Show the Teams bot's users per client company, and the months before.", Args: []Arg{aMonth}, Ops: []string{"get_end_user_teams_detail"},
			Examples: []string{"teams bot users per company", "MAU by company"},
		}, plan: planTeamsDetail},
		{Spec: Spec{
			Name: "roi", Summary: "Show the newest return-on-investment analysis.", Ops: []string{"get_insights_result"},
			Examples: []string{"what is our ROI from Neo?", "how many hours did Neo save", "insights"},
		}, plan: planROI},
		{Spec: Spec{
			Name: "start_roi", Summary: "Start a new return-on-investment analysis (needs approval).", Write: true,
			Args: []Arg{{Name: "rate", Kind: ArgText, Help: "cost of an hour, a number"}, {Name: "days", Kind: ArgText, Help: "how many days back, a number"}}, Ops: []string{"start_insights_analysis"},
			Examples: []string{"recalculate the ROI at 60 an hour over 30 days", "start an ROI analysis"},
		}, plan: planStartROI},
		{Spec: Spec{
			Name: "phone_numbers", Summary: "List the numbers the Phone Agent answers.", Ops: []string{"list_phone_numbers"},
			Examples: []string{"which numbers does the phone agent answer?", "phone numbers"},
		}, plan: phoneNumberList.plan},
		{Spec: Spec{
			Name: "phone_calls", Summary: "List the Phone Agent's calls, or only the missed ones.",
			Args: []Arg{aWhen, {Name: "calls", Kind: ArgStatus, Help: "only these calls", Enum: []string{"missed", "completed"}}}, Ops: []string{"list_phone_calls"},
			Examples: []string{"any missed calls today?", "phone calls yesterday", "call history"},
		}, plan: phoneCallList.plan},
	}
}

// window is a from/to range for the performance calls; last 7 days by default.
func (a *ask) window(in args) (neoapi.Args, string, error) {
	span := Span{From: a.now.Add(-runWindow), To: a.now}
	words := "last 7 days"
	if in["when"] != "" {
		var err error
		if span, words, err = a.span(in["when"], true); err != nil {
			return neoapi.Args{}, "", err
		}
	}
	q := map[string][]string{"from": {span.From.Format(time.DateOnly)}, "to": {span.To.Format(time.DateOnly)}}
	return neoapi.Args{Query: q}, words, nil
}

func planReliability(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	query, words, err := a.window(in)
	if err != nil {
		return outcome{}, err
	}
	all, _, err := a.objects(ctx, "list_workflow_performance", query, 200)
	if err != nil {
		return outcome{}, err
	}
	var rows []object
	for _, o := range all {
		if nested := o.list("rows"); len(nested) > 0 {
			rows = append(rows, nested...)
		} else if o.text("agent_name") != "" {
			rows = append(rows, o)
		}
	}
	out := outcome{card: performanceCard("Reliability, "+words, rows)}
	for _, o := range rows {
		out.found = append(out.found, map[string]string{
			"agent": o.text("agent_name"), "agent_id": o.text("agent_id"), "runs": o.text("executions"),
			"failed": o.text("failures"), "failure_rate": fmt.Sprintf("%.0f %%", 100*rate(o)),
		})
	}
	by := failuresOf
	if aboutRate.MatchString(a.text) {
		by = rate
	}
	if i := leader(rows, by); i >= 0 {
		out.about = out.found[i]
	}
	return out, nil
}

// aboutRate is a question for the share of failures and not for their number.
var aboutRate = regexp.MustCompile(`(?i)\b(rates?|ratio|percent\w*|shares?|(un|least |most )?reliab\w+|worst)\b|%`)

func failuresOf(o object) float64 { return o.number("failures") }

// leader is the index of the one row with the highest value, -1 when two share it.
func leader[T any](rows []T, value func(row T) float64) int {
	top, highest, tied := -1, 0.0, false
	for i, row := range rows {
		switch v := value(row); {
		case v > highest:
			top, highest, tied = i, v, false
		case v == highest:
			tied = true
		}
	}
	if tied {
		return -1
	}
	return top
}

func performanceCard(title string, rows []object) cards.Card {
	slices.SortStableFunc(rows, func(x, y object) int { return int(1000 * (rate(y) - rate(x))) })
	runs, failures := 0.0, 0.0
	table := &cards.Table{Columns: []string{"Agent", "Runs", "Failed", "Rate", "Slow (p95)"}}
	for _, o := range rows {
		runs, failures = runs+o.number("executions"), failures+o.number("failures")
		if len(table.Rows) < 15 {
			table.Rows = append(table.Rows, []string{
				o.text("agent_name"), o.text("executions"), o.text("failures"),
				fmt.Sprintf("%.0f %%", 100*rate(o)), seconds(o.number("p95_total_duration_seconds")),
			})
		}
	}
	card := cards.Card{Title: title, Summary: "Nothing ran."}
	if runs > 0 {
		card.Summary = fmt.Sprintf("%s runs, %s failed (%.1f %%).", thousands(runs), thousands(failures), 100*failures/runs)
		if rate(rows[0]) > 0 {
			card.Summary += " Worst: " + rows[0].text("agent_name") + "."
		}
		if i := leader(rows, failuresOf); i > 0 {
			card.Summary += " Most failures: " + rows[i].text("agent_name") + " (" + rows[i].text("failures") + ")."
		}
		card.Body = append(reliabilityChart(rows), cards.Block{Table: table})
	}
	return card
}

func rate(o object) float64 {
	if n := o.number("executions"); n > 0 {
		return o.number("failures") / n
	}
	return 0
}

func planTiming(ctx context.Context, _ *Service, a *ask, _ args) (outcome, error) {
	o, err := a.object(ctx, "get_workflow_performance", neoapi.Args{})
	if err != nil {
		return outcome{}, err
	}
	rows := o.list("rows")
	slices.SortStableFunc(rows, func(x, y object) int {
		return int(y.number("p95_total_duration_seconds") - x.number("p95_total_duration_seconds"))
	})
	table := &cards.Table{Columns: []string{"Agent", "Total", "Work", "Waiting", "PSA calls"}}
	for _, r := range rows[:min(len(rows), 15)] {
		table.Rows = append(table.Rows, []string{
			r.text("agent_name"), seconds(r.number("p95_total_duration_seconds")), seconds(r.number("p95_actual_work_seconds")),
			seconds(r.number("p95_overhead_seconds")), r.text("psa_calls"),
		})
	}
	card := cards.Card{Title: "Where the time goes, last 24 hours", Summary: "95 % of the runs were faster than this."}
	if len(table.Rows) == 0 {
		card.Summary = "Nothing ran."
		return outcome{card: card}, nil
	}
	card.Body = []cards.Block{{Table: table}}
	out := outcome{card: card}
	for _, r := range rows {
		out.found = append(out.found, map[string]string{"agent": r.text("agent_name"), "agent_id": r.text("agent_id"), "seconds": r.text("p95_total_duration_seconds")})
	}
	if i := leader(rows, func(o object) float64 { return o.number("p95_total_duration_seconds") }); i >= 0 {
		out.about = out.found[i]
	}
	return out, nil
}

func planPipeline(ctx context.Context, _ *Service, a *ask, _ args) (outcome, error) {
	o, err := a.object(ctx, "get_callback_funnel", neoapi.Args{})
	if err != nil {
		return outcome{}, err
	}
	delete(o, "window")
	card := cards.Card{Title: "Event pipeline, last 24 hours"}
	if got := o.text("received"); got != "" {
		card.Summary = got + " events received" + prefixed(", ", labeledAfter(o.text("runs_started"), "runs started")) + prefixed(", ", labeledAfter(o.text("errors"), "errors")) + "."
	}
	if card.Body = funnelChart(o); card.Body != nil {
		for _, step := range funnel {
			delete(o, step.field)
		}
	}
	a.present(&card, mustJSON(o))
	return outcome{card: card}, nil
}

func planChatUsage(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	query, words, err := a.window(in)
	if err != nil {
		return outcome{}, err
	}
	total, err := a.neo.Read(ctx, "get_chat_performance", query)
	if err != nil {
		return outcome{}, err
	}
	buckets, _, err := a.objects(ctx, "list_chat_performance_over_time", query, 60)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Neo chat, " + words}
	a.present(&card, total.Data)
	label := func(o object) string { return dateLabel(o.text("bucket_start")) }
	chart := seriesChart("Questions over time", "", buckets, label, "total_turns")
	card.Body = append(card.Body, chart...)
	if table := anyTable(buckets, "bucket_start"); table != nil && (chart == nil || len(buckets) <= pageRows) {
		card.Body = append(card.Body, cards.Block{Heading: "Over time", Table: table})
	}
	return outcome{card: card}, nil
}

// anyTable shows objects with the same simple fields as a table, lead first.
func anyTable(rows []object, lead string) *cards.Table {
	if len(rows) == 0 {
		return nil
	}
	names := []string{lead}
	for _, name := range slices.Sorted(maps.Keys(rows[0])) {
		if name != lead && rows[0].text(name) != "" && len(names) < 5 {
			names = append(names, name)
		}
	}
	t := &cards.Table{}
	for _, name := range names {
		t.Columns = append(t.Columns, fieldLabel(name))
	}
	for _, r := range rows[:min(len(rows), 20)] {
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = r.text(name)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func chatTable(op, title, who string) planFunc {
	return func(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
		query, words, err := a.window(in)
		if err != nil {
			return outcome{}, err
		}
		rows, _, err := a.objects(ctx, op, query, 100)
		if err != nil {
			return outcome{}, err
		}
		slices.SortStableFunc(rows, func(x, y object) int { return int(y.number("total_turns") - x.number("total_turns")) })
		card := cards.Card{Title: title + ", " + words, Summary: "Nobody used it."}
		table := &cards.Table{Columns: []string{who, "Turns", "Sessions", "Credits"}}
		for _, r := range rows[:min(len(rows), 15)] {
			table.Rows = append(table.Rows, []string{r.text("display_name", "agent_name", "email"), r.text("total_turns"), r.text("total_sessions"), r.text("credits_consumed")})
		}
		if len(rows) > 0 {
			card.Summary = table.Rows[0][0] + " most, with " + labeledAfter(orNone(table.Rows[0][1], "?"), "turns.")
			card.Body = []cards.Block{{Table: table}}
		}
		return outcome{card: card}, nil
	}
}

func planTeamsUsers(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	month, err := ParseMonth(in["month"], a.now, a.zone)
	if err != nil {
		return outcome{}, no("I do not understand the month", "Say this month, last month, october or 2026-10.")
	}
	o, err := a.object(ctx, "get_end_user_teams_usage", neoapi.Args{Query: map[string][]string{"month": {month}}})
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Teams bot for end users, " + month}
	charge := strings.TrimSpace(fmt.Sprintf("%.2f %s", o.number("charge"), o.text("currency")))
	card.Summary = o.text("active_users") + " active users; the charge is " + charge + "."
	if month == a.now.Format("2006-01") {
		card.Summary = o.text("active_users") + " active users so far; the charge is projected at " + charge + "."
	}
	card.Fields = fields("Active users", o.text("active_users"), "Charge", charge, "Trial until", o.text("trial_end_date"))
	card.Footer = []string{"Active means at least 2 messages in the month"}
	a.next(&card, "Per company", Intent{Name: "teams_users_detail", Args: args{"month": month}})
	return outcome{card: card}, nil
}

func planTeamsDetail(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	month, err := ParseMonth(in["month"], a.now, a.zone)
	if err != nil {
		return outcome{}, no("I do not understand the month", "Say this month, last month, october or 2026-10.")
	}
	o, err := a.object(ctx, "get_end_user_teams_detail", neoapi.Args{Query: map[string][]string{"month": {month}}})
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Teams bot users, " + month}
	table := &cards.Table{Columns: []string{"Company", "Users", "Tickets"}}
	total := 0.0
	for _, c := range o.list("per_company") {
		total += c.number("active_users")
		if len(table.Rows) < 20 {
			table.Rows = append(table.Rows, []string{c.text("company_name", "end_company_id"), c.text("active_users"), c.text("tickets_raised")})
		}
	}
	card.Summary = thousands(total) + " active users at " + plural(len(o.list("per_company")), "client") + "."
	if len(table.Rows) > 0 {
		card.Body = append(card.Body, cards.Block{Table: table})
	}
	months := func(o object) string { return dateLabel(o.text("month")) }
	card.Body = append(seriesChart("Active users by month", "users", o.list("monthly_active_users"), months, "active_users"), card.Body...)
	return outcome{card: card}, nil
}

func planROI(ctx context.Context, _ *Service, a *ask, _ args) (outcome, error) {
	o, err := a.object(ctx, "get_insights_result", neoapi.Args{})
	if err != nil {
		return outcome{}, err
	}
	result := o.sub("result")
	card := cards.Card{Title: "Return on investment", Summary: result.text("headline", "summary")}
	card.Fields = fields("Period", labeledAfter(o.text("period_days"), "days"), "An hour costs", o.text("hourly_rate"), "Finished", a.when(o.at("completed_at")))
	if money := result.number("money_saved"); money > 0 {
		card.Fields = append(card.Fields, cards.Field{Name: "Money saved", Value: result.text("currency_symbol") + thousands(money)})
		delete(result, "money_saved")
		delete(result, "currency_symbol")
	}
	delete(result, "headline")
	a.present(&card, mustJSON(result))
	card.Footer = []string{"As Neo's analysis " + o.text("analysis_id") + " says"}
	return outcome{card: card}, nil
}

func planStartROI(_ context.Context, _ *Service, _ *ask, in args) (outcome, error) {
	body := map[string]any{}
	for arg, field := range map[string]string{"rate": "hourly_rate", "days": "period_days"} {
		if in[arg] == "" {
			continue
		}
		n := atoi(in[arg])
		if n <= 0 || n > 10000 {
			return outcome{}, no("That is no number", "“%s” should be a whole number above 0.", clip(in[arg], 20))
		}
		body[field] = n
	}
	return outcome{proposal: &proposal{
		title: "Start an ROI analysis", target: "Neo Insights", change: neoapi.Change{Op: "start_insights_analysis", Body: mustJSON(body)},
		fields: fields("An hour costs", orNone(in["rate"], "as last time"), "Days back", orNone(in["days"], "as last time")),
	}}, nil
}

var phoneNumberList = listing{
	op: "list_phone_numbers", title: "Phone Agent numbers", noun: "number",
	row: func(_ *ask, o object) cards.Item {
		item := cards.Item{Title: parts(o.text("phone_number", "number", "id"), o.text("label", "name")), Status: cards.StatusOn}
		if o.text("enabled") == "false" {
			item.Status = cards.StatusOff
		}
		item.Detail = oneLine(o.sub("agent_settings").text("greeting"), 140)
		return item
	},
	note: "Numbers are set up in Neo's dashboard.",
}

var phoneCallList = listing{
	op: "list_phone_calls", title: "Phone calls", noun: "call",
	chart: callsPerDay,
	keep: func(a *ask, in args, o object) bool {
		return inSpan(a, in, o.at("started_at", "created_at")) && (in["calls"] == "" || strings.EqualFold(o.text("status"), in["calls"]))
	},
	row: func(a *ask, o object) cards.Item {
		item := cards.Item{Title: parts(orNone(o.text("caller_name", "from_number"), "Unknown caller"), o.text("company_name")), Status: cards.StatusDone}
		if strings.EqualFold(o.text("status"), "missed") {
			item.Status = cards.StatusFailed
		}
		item.Detail = parts(a.when(o.at("started_at", "created_at")), strings.ToLower(o.text("status")), labeled("ticket", o.text("ticket_number")), oneLine(o.text("summary"), 120))
		return item
	},
}
