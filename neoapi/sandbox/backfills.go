package sandbox

import (
	"net/http"
	"time"
)

// Backfill applies an agent to old tickets.
type Backfill struct {
	ID             string     `json:"id"`
	State          string     `json:"state"` // Running, Paused, Completed, Cancelled, Failed
	WorkflowID     int        `json:"target_workflow_id"`
	WorkflowName   string     `json:"target_workflow_name"`
	EntityType     string     `json:"entity_type"`
	FilterSpec     Object     `json:"filter_spec"`
	Windows        Object     `json:"daily_execution_windows"`
	MaxInFlight    int        `json:"max_in_flight"`
	Timezone       string     `json:"timezone"`
	TotalEstimated int        `json:"total_estimated"`
	Processed      int        `json:"processed_count"`
	Succeeded      int        `json:"succeeded_count"`
	Failed         int        `json:"failed_count"`
	Error          *string    `json:"error"`
	ParentID       *string    `json:"parent_backfill_run_id"`
	CreatedBy      string     `json:"created_by"`
	CreatedAt      time.Time  `json:"created_at"`
	StartedAt      *time.Time `json:"started_at"`
	CompletedAt    *time.Time `json:"completed_at"`

	settled time.Time
}

// terminal tells whether the backfill has ended.
func (b *Backfill) terminal() bool { return b.State != "Running" && b.State != "Paused" }

func backfillOps() map[string]handler {
	return map[string]handler{
		"list_backfills":  func(c *call) (reply, error) { return list(c, c.state.Backfills, nil) },
		"create_backfill": createBackfill, "verify_backfill": verifyBackfill,
		"get_backfill":   withBackfill(func(_ *call, b *Backfill) (reply, error) { return reply{data: b}, nil }),
		"pause_backfill": signal("pause", "Paused"), "resume_backfill": signal("resume", "Running"), "cancel_backfill": signal("cancel", "Cancelled"),
		"rerun_failed_backfill": withBackfill(rerunBackfill),
	}
}

func withBackfill(h func(*call, *Backfill) (reply, error)) handler {
	return func(c *call) (reply, error) {
		b, err := lookup(c, c.state.Backfills, "backfill_id", "Backfill")
		if err != nil {
			return reply{}, err
		}
		return h(c, b)
	}
}

func createBackfill(c *call) (reply, error) {
	b := &Backfill{}
	if err := c.bind(b); err != nil {
		return reply{}, err
	}
	a := c.state.Agents.Get(itoa(b.WorkflowID))
	if a == nil {
		return reply{}, notFound("Workflow")
	}
	if a.TriggerType != "TRIGGERED" {
		return reply{}, unprocessable("target_workflow_id", "must be a triggered agent")
	}
	if b.MaxInFlight == 0 {
		b.MaxInFlight = 5
	}
	if _, err := time.LoadLocation(b.Timezone); err != nil || b.MaxInFlight < 0 {
		return reply{}, unprocessable("timezone", "or max_in_flight is out of range")
	}
	return addBackfill(c, &Backfill{
		WorkflowID: b.WorkflowID, WorkflowName: a.Name, EntityType: or(b.EntityType, a.EntityType), FilterSpec: orEmpty(b.FilterSpec),
		Windows: orEmpty(b.Windows), MaxInFlight: b.MaxInFlight, Timezone: or(b.Timezone, "UTC"), TotalEstimated: matching(c.state, b.FilterSpec),
	})
}

// addBackfill starts one, unless the agent has one under way.
func addBackfill(c *call, b *Backfill) (reply, error) {
	for other := range c.state.Backfills.All() {
		if other.WorkflowID == b.WorkflowID && !other.terminal() {
			return reply{}, conflict("backfill_already_active", "A backfill of this workflow is under way: "+other.ID)
		}
	}
	b.ID, b.State, b.CreatedBy, b.CreatedAt = c.state.uuid(), "Running", c.caller.name, c.now
	b.StartedAt, b.settled = ptr(c.now), c.now
	c.state.Backfills.Add(b)
	return reply{data: Object{"backfill": b, "cost_estimate": Object{
		"credits_per_entity": 2, "total_entities": b.TotalEstimated,
		"total_credits_estimated": 2 * b.TotalEstimated,
	}}}, nil
}

// matching counts the tickets of the filter's company, or all.
func matching(s *State, filter Object) int {
	company, _ := filter["psa_company_id"].(string)
	n := 0
	for t := range s.Tickets.All() {
		if company == "" || t.CompanyID == company {
			n++
		}
	}
	return n
}

func verifyBackfill(c *call) (reply, error) {
	var in struct {
		EntityType string `json:"entity_type"`
		FilterSpec Object `json:"filter_spec"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	n, class := 0, "OK"
	if in.EntityType == "ticket" {
		n = matching(c.state, in.FilterSpec)
	}
	if n == 0 {
		class = "WARNING"
	}
	return reply{data: Object{"success": true, "matching_entities": n, "classification": class, "message": itoa(n) + " entities match"}}, nil
}

// signal is pause, resume and cancel. The real Neo takes up to 30 seconds;
// here the state follows at once. An ended backfill takes no signal.
func signal(name, state string) handler {
	return withBackfill(func(c *call, b *Backfill) (reply, error) {
		if b.terminal() {
			return reply{}, conflict("backfill_not_active", "The backfill has ended: "+b.State)
		}
		b.State, b.settled = state, c.now
		if state == "Cancelled" {
			b.CompletedAt = ptr(c.now)
		}
		return reply{data: Object{"backfill_id": b.ID, "signal": name, "message": "Signal sent; the state follows within about 30 seconds"}}, nil
	})
}

func rerunBackfill(c *call, b *Backfill) (reply, error) {
	if !b.terminal() || b.Failed == 0 {
		return reply{}, refuse(http.StatusConflict, "backfill_not_rerunnable", "Only an ended backfill with failed items can be rerun")
	}
	return addBackfill(c, &Backfill{
		WorkflowID: b.WorkflowID, WorkflowName: b.WorkflowName, EntityType: b.EntityType, FilterSpec: b.FilterSpec,
		Windows: b.Windows, MaxInFlight: b.MaxInFlight, Timezone: b.Timezone, TotalEstimated: b.Failed, ParentID: &b.ID,
	})
}

// settleBackfills lets running ones process an item every two seconds.
func (s *State) settleBackfills(now time.Time) {
	const pace = 2 * time.Second
	for b := range s.Backfills.All() {
		if b.State != "Running" {
			continue
		}
		steps := int(now.Sub(b.settled) / pace)
		b.settled = b.settled.Add(time.Duration(steps) * pace)
		b.Processed = min(b.Processed+steps, b.TotalEstimated)
		b.Succeeded = b.Processed - b.Failed
		if b.Processed == b.TotalEstimated {
			b.State, b.CompletedAt = "Completed", ptr(now)
		}
	}
}
