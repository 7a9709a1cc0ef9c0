package sandbox

import (
	"cmp"
	"slices"
	"time"
)

// Month is the use of a month before the seeded runs.
type Month struct {
	Key         string          // YYYY-MM
	CreditsUsed float64         // of the whole month, or of its unseeded part
	ByAgent     map[int]float64 // same, per agent
	Tickets     map[int]int     // unique tickets per agent
	ActiveUsers int             // of the white-label bot
}

// What the tenant has bought, and what an active user of the white-label bot
// costs: marginal tiers with a monthly floor. Neo publishes the floor of 100
// USD and that the tiers are marginal; the prices are invented.
const (
	creditsLimit = 10000.0
	reserve      = 1500.0
	floorUSD     = 100.0
)

var tiers = []struct {
	upTo  int // 0: the rest
	price float64
}{{50, 3}, {200, 2.5}, {0, 2}}

func billingOps() map[string]handler {
	return map[string]handler{
		"get_credit_usage": creditUsage, "get_credit_usage_by_agent": usageByAgent,
		"get_end_user_teams_usage": teamsUsage, "get_end_user_teams_detail": teamsDetail,
	}
}

// month is the month asked for, as start, and whether it is the running one.
// Months are those of the tenant's zone.
func (c *call) month() (start time.Time, current bool, err error) {
	local := c.now.In(c.state.zone)
	start = time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, c.state.zone)
	text := c.query.Get("month")
	if text == "" {
		return start, true, nil
	}
	asked, err := time.ParseInLocation("2006-01", text, c.state.zone)
	if err != nil {
		return start, false, badParameter("month", "is not a month")
	}
	if asked.After(start) {
		return start, false, badParameter("month", "is in the future")
	}
	return asked, asked.Equal(start), nil
}

// credits sums a month per agent: runs in the data by tool tier, and the part
// before them.
func (s *State) credits(start time.Time) (total float64, byAgent map[int]float64, tickets map[int]map[string]bool) {
	byAgent, tickets = map[int]float64{}, map[int]map[string]bool{}
	if m := s.Months.Get(start.Format("2006-01")); m != nil {
		total = m.CreditsUsed
		for id, n := range m.ByAgent {
			byAgent[id] += n
		}
	}
	end := start.AddDate(0, 1, 0)
	for e := range s.Executions.All() {
		if e.CreatedAt.Before(start) {
			break
		}
		if !e.CreatedAt.Before(end) || e.Status == "skipped" || e.Status == "queued" {
			continue
		}
		cost := runCost(e.AgentID)
		total += cost
		byAgent[e.AgentID] += cost
		if e.EntityID != "" {
			if tickets[e.AgentID] == nil {
				tickets[e.AgentID] = map[string]bool{}
			}
			tickets[e.AgentID][e.EntityID] = true
		}
	}
	return total, byAgent, tickets
}

// runCost is the highest tier of the agent's tools: basic 1, standard 2,
// advanced 3.
func runCost(agent int) float64 {
	switch agent {
	case triageID, nightID, mergeID, chaserID:
		return 1
	case dispatchID, summaryID:
		return 2
	}
	return 3
}

func creditUsage(c *call) (reply, error) {
	start, current, err := c.month()
	if err != nil {
		return reply{}, err
	}
	used, _, _ := c.state.credits(start)
	out := Object{
		"month": start.Format("2006-01"), "credits_used": used, "forecasted_credits": used,
		"credits_limit": nil, "credits_remaining": nil, "reserve_balance": nil,
	}
	if current {
		out["forecasted_credits"] = forecast(used, start, c.now)
		out["credits_limit"], out["credits_remaining"], out["reserve_balance"] = creditsLimit, max(creditsLimit-used, 0), reserve
	}
	return reply{data: out}, nil
}

// forecast carries the pace of the month so far to its end.
func forecast(used float64, start, now time.Time) float64 {
	whole := start.AddDate(0, 1, 0).Sub(start)
	return round2(used * float64(whole) / float64(max(now.Sub(start), time.Hour)))
}

func usageByAgent(c *call) (reply, error) {
	start, _, err := c.month()
	if err != nil {
		return reply{}, err
	}
	_, byAgent, tickets := c.state.credits(start)
	past := c.state.Months.Get(start.Format("2006-01"))
	rows := []Object{}
	for id, credits := range byAgent {
		name, unique := "deleted agent", len(tickets[id])
		if a := c.state.Agents.Get(itoa(id)); a != nil {
			name = a.Name
		}
		if past != nil {
			unique += past.Tickets[id]
		}
		rows = append(rows, Object{"agent_id": id, "agent_name": name, "credits_consumed": credits, "unique_tickets": unique})
	}
	slices.SortFunc(rows, func(a, b Object) int {
		return cmp.Or(cmp.Compare(b["credits_consumed"].(float64), a["credits_consumed"].(float64)), cmp.Compare(a["agent_id"].(int), b["agent_id"].(int)))
	})
	return reply{data: Object{"month": start.Format("2006-01"), "agents": rows}}, nil
}

// activeUsers of the white-label bot in a month: people with two messages or more.
func (s *State) activeUsers(start time.Time) int {
	if m := s.Months.Get(start.Format("2006-01")); m != nil {
		return m.ActiveUsers
	}
	return 0
}

// charge is the bill for that many active users.
func charge(users int) float64 {
	sum, from := 0.0, 0
	for _, t := range tiers {
		n := users - from
		if t.upTo > 0 {
			n = min(n, t.upTo-from)
		}
		if n <= 0 {
			break
		}
		sum += float64(n) * t.price
		from = t.upTo
	}
	return max(sum, floorUSD)
}

func teamsUsage(c *call) (reply, error) {
	start, current, err := c.month()
	if err != nil {
		return reply{}, err
	}
	users := c.state.activeUsers(start)
	return reply{data: Object{
		"month": start.Format("2006-01"), "active_users": users, "charge": charge(users), "currency": "USD",
		"is_projection": current, "trial_end_date": nil,
	}}, nil
}

// teamsDetail spreads the month's active users over the client companies.
func teamsDetail(c *call) (reply, error) {
	start, _, err := c.month()
	if err != nil {
		return reply{}, err
	}
	trend := []Object{}
	for back := c.integer("months") - 1; back >= 0; back-- {
		m := start.AddDate(0, -back, 0)
		trend = append(trend, Object{"month": m.Format("2006-01"), "active_users": c.state.activeUsers(m)})
	}
	left, companies, users, raised := c.state.activeUsers(start), []Object{}, []Object{}, 0
	for company := range c.state.Companies.All() {
		n := (left + 1) / 2
		if len(companies) == c.state.Companies.Len()-1 {
			n = left
		}
		left -= n
		tickets := c.state.ticketsOf(company.PsaCompanyID, 2)
		raised += len(tickets)
		companies = append(companies, Object{
			"end_company_id": company.PsaCompanyID, "company_name": company.PsaCompanyName, "active_users": n,
			"tickets_raised": len(tickets), "tickets": tickets,
		})
		for i := range min(n, 2) {
			name := endUsers[(i+len(users))%len(endUsers)]
			users = append(users, Object{
				"end_company_id": company.PsaCompanyID, "company_name": company.PsaCompanyName, "end_user": name,
				"end_user_email": mail(name, company.PsaCompanyName), "turns": 2 + 3*i, "tickets_raised": i, "tickets": tickets[:min(i, len(tickets))],
			})
		}
	}
	return reply{data: Object{
		"month": start.Format("2006-01"), "tickets_raised": raised, "monthly_active_users": trend,
		"per_company": companies, "per_user": users,
	}}, nil
}
