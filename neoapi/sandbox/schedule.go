package sandbox

import "time"

// ScheduledWork is a run planned for later.
type ScheduledWork struct {
	ID                     int        `json:"id"`
	Status                 string     `json:"status"` // PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED
	WorkflowID             int        `json:"workflow_id"`
	WorkflowName           string     `json:"workflow_name"`
	TicketID               *string    `json:"ticket_id"`
	TicketNumber           *string    `json:"ticket_number"`
	AdditionalInstructions *string    `json:"additional_custom_instructions"`
	ClientID               string     `json:"client_id"`
	CreatedBy              string     `json:"created_by"`
	ScheduledFor           time.Time  `json:"scheduled_for"`
	ExecutedAt             *time.Time `json:"executed_at"`
	ExecutionMessage       *string    `json:"execution_message"`
	TemporalRunID          *string    `json:"execution_temporal_run_id"`
	CreatedAt              time.Time  `json:"created_at"`
	UpdatedAt              time.Time  `json:"updated_at"`

	executionID string
}

func scheduleOps() map[string]handler {
	return map[string]handler{"list_scheduled_work": listScheduled, "schedule_work": scheduleWork}
}

// listScheduled is the one list with page numbers.
func listScheduled(c *call) (reply, error) {
	all := every(c.state.Scheduled, func(w *ScheduledWork) bool {
		q := c.query.Get("q")
		return c.same("status", w.Status) && c.same("ticket_id", text(w.TicketID)) &&
			(q == "" || containsFold(text(w.TicketID), q) || containsFold(text(w.TicketNumber), q))
	})
	rows, _ := all.data.([]*ScheduledWork)
	size := c.integer("page_size")
	from := min((c.integer("page")-1)*size, len(rows))
	to := min(from+size, len(rows))
	return reply{data: rows[from:to], page: &pagination{HasMore: to < len(rows)}}, nil
}

// scheduleWork plans a run.
func scheduleWork(c *call) (reply, error) {
	w := &ScheduledWork{}
	if err := c.bind(w); err != nil {
		return reply{}, err
	}
	a := c.state.Agents.Get(itoa(w.WorkflowID))
	switch {
	case a == nil:
		return reply{}, notFound("Workflow")
	case a.AutonomyType == "CONVERSATIONAL":
		return reply{}, badParameter("workflow_id", "is a chat agent, which cannot be scheduled")
	case !w.ScheduledFor.After(c.now):
		return reply{}, unprocessable("scheduled_for", "must be in the future")
	}
	// What the caller must not set goes back to its start.
	*w = ScheduledWork{
		ID: c.state.number(), Status: "PENDING", WorkflowID: a.number(), WorkflowName: a.Name, TicketID: w.TicketID,
		AdditionalInstructions: w.AdditionalInstructions, ClientID: c.state.Tenant.ID, CreatedBy: c.caller.name,
		ScheduledFor: w.ScheduledFor.UTC(), CreatedAt: c.now, UpdatedAt: c.now,
	}
	if w.TicketID != nil {
		t := c.state.Tickets.Get(*w.TicketID)
		if t == nil {
			return reply{}, notFound("Ticket")
		}
		w.TicketNumber = &t.Number
	} else if a.TriggerType == "TRIGGERED" {
		return reply{}, unprocessable("ticket_id", "is required for a triggered agent")
	}
	c.state.Scheduled.Add(w)
	return reply{data: w}, nil
}

// settleScheduled starts work that is due and takes over how its run ended.
func (s *State) settleScheduled(now time.Time) {
	for w := range s.Scheduled.All() {
		switch {
		case w.Status == "PENDING" && !w.ScheduledFor.After(now):
			s.startScheduled(w, now)
		case w.Status == "PROCESSING" && w.executionID != "":
			w.follow(s.Executions.Get(w.executionID), now)
		}
	}
}

func (s *State) startScheduled(w *ScheduledWork, now time.Time) {
	a := s.Agents.Get(itoa(w.WorkflowID))
	w.UpdatedAt, w.ExecutedAt = now, &now
	if a == nil || a.State == "DISABLED" {
		w.Status, w.ExecutionMessage = "FAILED", ptr("The workflow is disabled or was deleted")
		return
	}
	e := s.start(a, s.Tickets.Get(text(w.TicketID)), now)
	e.AdditionalInstructions = w.AdditionalInstructions
	w.Status, w.executionID, w.TemporalRunID = "PROCESSING", e.ExecutionID, ptr(s.uuid())
}

func (w *ScheduledWork) follow(e *Execution, now time.Time) {
	if e == nil || !e.Done() {
		return
	}
	w.Status, w.UpdatedAt, w.ExecutionMessage = "COMPLETED", now, e.MessageForDashboard
	if e.Status == "failure" {
		w.Status, w.ExecutionMessage = "FAILED", e.Error
	}
}
