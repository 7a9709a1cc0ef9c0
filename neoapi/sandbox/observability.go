package sandbox

import (
	"cmp"
	"slices"
	"time"
)

// funnelMax is the longest window of the callback funnel.
const funnelMax = 7 * 24 * time.Hour

func observabilityOps() map[string]handler {
	return map[string]handler{"get_workflow_performance": workflowPerformance, "get_callback_funnel": callbackFunnel}
}

func performanceOps() map[string]handler {
	return map[string]handler{
		"list_workflow_performance": listPerformance, "get_chat_performance": chatTotals, "list_chat_performance_by_agent": chatByAgent,
		"list_chat_performance_by_user": chatByUser, "list_chat_performance_over_time": chatOverTime,
	}
}

// observed is the window of an observability call: 24 hours by default.
func (c *call) observed(longest time.Duration) (since, until time.Time, err error) {
	since, until, err = c.span("since", "until")
	if err != nil {
		return since, until, err
	}
	if since.IsZero() {
		since = until.Add(-24 * time.Hour)
	}
	if longest > 0 && until.Sub(since) > longest {
		return since, until, badParameter("since", "is more than 7 days before until")
	}
	return since, until, nil
}

func workflowPerformance(c *call) (reply, error) {
	since, until, err := c.observed(0)
	if err != nil {
		return reply{}, err
	}
	rows := c.state.runStats(since, until, func(e *Execution) bool { return c.agent(e.AgentID) })
	return reply{data: Object{"rows": rows, "window": Object{"since": since, "until": until, "timezone": c.state.zone.String()}}}, nil
}

// listPerformance has one row per agent, each wrapped like the observability
// answer, as the page shows it.
func listPerformance(c *call) (reply, error) {
	since, until, err := c.span("from", "to")
	if err != nil {
		return reply{}, err
	}
	kind := c.query.Get("autonomy_type")
	rows := c.state.runStats(since, until, func(e *Execution) bool {
		a := c.state.Agents.Get(itoa(e.AgentID))
		return kind == "" || a != nil && a.AutonomyType == kind
	})
	window := Object{"since": since, "until": until, "timezone": c.state.zone.String()}
	return reply{data: []Object{{"rows": rows, "window": window}}}, nil
}

// runStats sums the runs of a window per agent, busiest first.
func (s *State) runStats(since, until time.Time, keep func(*Execution) bool) []Object {
	type sum struct {
		name            string
		runs, fails     int
		work, over, all []float64
	}
	sums := map[int]*sum{}
	for e := range s.Executions.All() {
		if e.CreatedAt.Before(since) || !e.CreatedAt.Before(until) || !keep(e) {
			continue
		}
		t := sums[e.AgentID]
		if t == nil {
			t = &sum{name: e.AgentName}
			sums[e.AgentID] = t
		}
		t.runs++
		if e.Status == "failure" {
			t.fails++
		}
		t.work, t.over, t.all = append(t.work, e.SecondsSpent*0.8), append(t.over, e.SecondsSpent*0.2), append(t.all, e.SecondsSpent)
	}
	rows := []Object{}
	for id, t := range sums {
		for _, l := range [][]float64{t.work, t.over, t.all} {
			slices.Sort(l)
		}
		rows = append(rows, Object{
			"agent_id": id, "agent_name": t.name, "executions": t.runs, "failures": t.fails, "psa_calls": 3 * t.runs,
			"p95_actual_work_seconds": p95(t.work), "p95_overhead_seconds": p95(t.over), "p95_total_duration_seconds": p95(t.all),
			"llm_calls_by_purpose": []Object{{"purpose": "plan", "model": "fast", "count": 2 * t.runs, "p95_duration_seconds": p95(t.work) / 4}},
		})
	}
	slices.SortFunc(rows, func(a, b Object) int {
		return cmp.Or(cmp.Compare(b["executions"].(int), a["executions"].(int)), cmp.Compare(a["agent_id"].(int), b["agent_id"].(int)))
	})
	return rows
}

// callbackFunnel counts events on their way to runs. It never shows provider cost.
func callbackFunnel(c *call) (reply, error) {
	since, until, err := c.observed(funnelMax)
	if err != nil {
		return reply{}, err
	}
	received, started, failed, slow := 0, 0, 0, []float64{}
	for cb := range c.state.Callbacks.All() {
		if cb.CreatedInPsaAt.Before(since) || !cb.CreatedInPsaAt.Before(until) {
			continue
		}
		received++
		started += len(cb.StartedIDs)
		if cb.ErrorMessage != nil {
			failed++
		}
		slow = append(slow, cb.FinishedProcessingAt.Sub(cb.CreatedInPsaAt).Seconds())
	}
	slices.Sort(slow)
	return reply{data: Object{
		"window": Object{"since": since, "until": until, "timezone": c.state.zone.String()}, "received": received, "capped": 0,
		"processed": received - failed, "errors": failed, "runs_started": started, "psa_calls": 3 * started, "p95_processing_seconds": p95(slow),
		"match_ratio": ratio(float64(started), float64(received)),
	}}, nil
}
