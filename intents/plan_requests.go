package intents

import (
	"context"
	"strings"

	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

func planListRequests(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	filter := neoapi.TilFilter{Text: strings.TrimPrefix(in["ticket"], "#"), Limit: 200}
	title := "Technician requests"
	if in["agent"] != "" {
		agent, err := s.agent(ctx, a, in["agent"])
		if err != nil {
			return outcome{}, err
		}
		filter.AgentID, title = string(agent.ID), "Technician requests of "+agent.Name
	}
	if in["mine"] != "" {
		if a.who.NeoUserID == "" {
			return outcome{}, no("I do not know you in Neo", "Your Neo user id is not in the policy file, so I cannot tell which requests are yours. %s", askAdmin(a.policy))
		}
		filter.Approver, title = a.who.NeoUserID, "Technician requests for you"
	}
	all, more, err := a.neo.ListTilRequests(ctx, filter)
	if err != nil {
		return outcome{}, err
	}
	var items []cards.Item
	var shown []neoapi.TilRequest
	var found []map[string]string
	decided := 0
	for _, r := range all {
		if !isOpen(r) {
			decided++
			if filter.Text == "" { // of one ticket the decided ones matter too
				continue
			}
		}
		items, shown = append(items, requestItem(a, r)), append(shown, r)
		found = append(found, map[string]string{"request": string(r.ID), "agent": r.AgentName, "ticket": string(r.TicketNumber)})
	}
	card := cards.Card{Title: title, Summary: plural(len(all)-decided, "request") + " waiting in Neo."}
	if filter.Text != "" {
		card.Title += " on ticket " + filter.Text
		card.Summary = upperFirst(card.Summary[:len(card.Summary)-1]) + ", " + itoa(decided) + " decided."
	}
	a.page(&card, items, func(i int) *cards.Button {
		return &cards.Button{Label: "Open", Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: "show_request", Args: args{"request": string(shown[i].ID)}},
		})}
	})
	if more {
		card.Footer = append(card.Footer, "Only the newest 200 were looked at.")
	}
	if len(all) > decided {
		card.Footer = append(card.Footer, "Open one to decide it. Only the people named can.")
	}
	return outcome{card: card, found: found}, nil
}

func requestItem(a *ask, r neoapi.TilRequest) cards.Item {
	item := cards.Item{Title: "#" + string(r.ID) + " · " + orNone(r.AgentName, "an agent"), Status: cards.StatusPending}
	if r.TicketNumber != "" {
		item.Title += " · ticket " + string(r.TicketNumber)
	}
	parts := []string{"asked " + a.clock(r.CreatedAt.Time)}
	if what := requestText(r); what != "" {
		parts = append(parts, clip(what, 160))
	}
	if isOpen(r) {
		var names []string
		for _, p := range r.Approvers {
			names = append(names, p.Name)
		}
		if len(names) > 0 {
			parts = append(parts, "for "+list(names, "or"))
		}
	} else {
		item.Status = cards.StatusDone
		if strings.Contains(strings.ToLower(r.Status), "reject") {
			item.Status = cards.StatusRejected
		}
		parts = append(parts, orNone(strings.ToLower(r.Status), "decided")+" by "+orNone(r.DecidedBy.Name, "somebody")+" "+a.clock(r.UpdatedAt.Time))
	}
	item.Detail = strings.Join(parts, " · ")
	return item
}

func planCreditUsage(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	month, err := ParseMonth(in["month"], a.now, a.zone)
	if err != nil {
		return outcome{}, no("I do not understand the month", "Say this month, last month, october or 2026-10.")
	}
	use, err := a.neo.GetCreditUsage(ctx, month)
	if err != nil {
		return outcome{}, err
	}
	byAgent, err := a.neo.GetCreditUsageByAgent(ctx, month)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Credits, " + month, Summary: creditSummary(use)}
	add := func(name string, v *float64) {
		if v != nil {
			card.Fields = append(card.Fields, cards.Field{Name: name, Value: thousands(*v)})
		}
	}
	add("Used", &use.CreditsUsed)
	add("Limit", use.CreditsLimit)
	add("Left", use.CreditsRemaining)
	add("Forecast", &use.Forecast)
	add("Reserve", use.ReserveBalance)
	card.Body = creditChart(use)
	table := &cards.Table{Columns: []string{"Agent", "Credits", "Tickets"}}
	for _, row := range byAgent.Agents[:min(len(byAgent.Agents), pageRows)] {
		table.Rows = append(table.Rows, []string{row.Name, thousands(row.Credits), itoa(row.UniqueTickets)})
	}
	if len(table.Rows) > 0 {
		card.Body = append(card.Body, cards.Block{Heading: "Agents that use most", Table: table})
	}
	return creditRows(outcome{card: card}, byAgent.Agents), nil
}

func creditRows(out outcome, agents []neoapi.AgentCredits) outcome {
	for _, x := range agents {
		out.found = append(out.found, map[string]string{"agent": x.Name, "agent_id": string(x.ID), "credits": thousands(x.Credits)})
	}
	if i := leader(agents, func(x neoapi.AgentCredits) float64 { return x.Credits }); i >= 0 {
		out.about = out.found[i]
	}
	return out
}

// creditSummary answers the question behind the question: will it be enough?
func creditSummary(use neoapi.CreditUsage) string {
	line := thousands(use.CreditsUsed) + " credits used"
	if use.CreditsLimit == nil {
		return line + ". Neo keeps no limit for past months."
	}
	line += " of " + thousands(*use.CreditsLimit) + "."
	if use.Forecast <= 0 || *use.CreditsLimit <= 0 {
		return line
	}
	if over := use.Forecast - *use.CreditsLimit; over > 0 {
		return line + " At this pace the month ends at " + thousands(use.Forecast) + ": " + thousands(over) + " over the limit."
	}
	return line + " At this pace the month ends at " + thousands(use.Forecast) + ", within the limit."
}

// thousands groups digits: 12,345. Fractions are rounded.
func thousands(v float64) string {
	digits := itoa(int(v + 0.5))
	if v < 0 {
		return "-" + thousands(-v)
	}
	var out []byte
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out = append(out, ',')
		}
		out = append(out, digits[i])
	}
	return string(out)
}

func planListApprovals(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	pending, err := s.pending(ctx, a)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Pending approvals", Summary: "Nothing waits for a decision."}
	if len(pending) > 0 {
		mine := 0
		for _, p := range pending {
			if p.mine {
				mine++
			}
		}
		card.Summary = plural(len(pending), "change") + " waiting, " + itoa(mine) + " for you."
	}
	items := make([]cards.Item, len(pending))
	for i, p := range pending {
		items[i] = p.item(a)
	}
	a.page(&card, items, func(i int) *cards.Button { return a.reviewButton(pending[i].rec) })
	return outcome{card: card}, nil
}

// waiting is a pending request as one person sees it.
type waiting struct {
	rec  approvals.Request
	view view
	mine bool // this person can decide it
}

func (w waiting) item(a *ask) cards.Item {
	detail := "asked by " + w.rec.Requester + " " + a.clock(w.rec.CreatedAt) + " · expires " + a.clock(w.rec.ExpiresAt)
	if !w.mine {
		detail += " · for " + list(w.view.Approvers, "or")
	}
	return cards.Item{Title: w.view.Title, Detail: detail, Status: cards.StatusPending}
}

func (a *ask) reviewButton(rec approvals.Request) *cards.Button {
	return &cards.Button{Label: "Review", Action: cards.ActionContinue, ID: a.offer(continuation{
		Intent: Intent{Name: intentReview}, Approval: string(rec.ID),
	})}
}

// pending lists the requests of the organisation that wait and concern this
// person: those he can decide, and his own.
func (s *Service) pending(ctx context.Context, a *ask) ([]waiting, error) {
	var out []waiting
	for _, w := range a.policy.Workspaces() {
		recs, err := s.Store.Pending(ctx, string(w), 100)
		if err != nil {
			return nil, storeErr(err)
		}
		for _, rec := range recs {
			v, _, change, err := parse(rec)
			if err != nil || !rec.ExpiresAt.After(s.Now()) {
				continue
			}
			op, _ := s.operation(change.Op)
			rule, ok := a.policy.Rule(op)
			mine := ok && rule.MayDecide(a.who, rec.Requester)
			if mine || rec.Requester == a.who.Name {
				out = append(out, waiting{rec: rec, view: v, mine: mine})
			}
		}
	}
	return out, nil
}

// planReview shows one more copy of an approval card, where the person is.
func planReview(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	rec, err := s.ownRecord(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	if !a.shareable() {
		return outcome{}, no("Not in this channel", "People from another organisation can read here. Ask me in a direct message.")
	}
	return outcome{card: s.shownCard(ctx, rec, a.zone), track: string(rec.ID)}, nil
}

// isOpen reports whether a technician request still waits. Neo does not
// document the status values: one that nobody decided, and that does not say it
// is over, is open.
func isOpen(r neoapi.TilRequest) bool {
	switch strings.ToLower(r.Status) {
	case "approved", "rejected", "denied", "declined", "expired", "cancelled", "canceled", "completed", "resolved":
		return false
	}
	return r.DecidedBy.ID == "" && r.DecidedBy.Name == ""
}

// requestText is what the request wants, in its own words where it has any.
// The inner shape of requested_for is not documented.
func requestText(r neoapi.TilRequest) string {
	for _, field := range []string{"summary", "title", "description", "action", "text", "request", "name"} {
		if text := textField(r.RequestedFor, field); text != "" {
			return text
		}
	}
	return strings.Join(strings.Fields(r.Comment), " ")
}
