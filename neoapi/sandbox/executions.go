package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// Execution is one run of an agent.
type Execution struct {
	ExecutionID            string    `json:"execution_id"`
	AgentID                int       `json:"agent_id"`
	AgentName              string    `json:"agent_name"`
	Status                 string    `json:"status"` // queued, running, success, failure, skipped, cancelled
	EntityType             string    `json:"entity_type,omitempty"`
	EntityID               string    `json:"entity_id,omitempty"`
	EntityNumber           string    `json:"entity_number,omitempty"`
	Error                  *string   `json:"error"`
	MessageForDashboard    *string   `json:"message_for_dashboard"`
	AdditionalInstructions *string   `json:"additional_custom_instructions"`
	SecondsSpent           float64   `json:"seconds_spent"`
	RetryOf                *string   `json:"retry_of_execution_id"`
	CreatedAt              time.Time `json:"created_at"`
	UpdatedAt              time.Time `json:"updated_at"`

	CallbackID string  `json:"-"` // event that started it, empty for others
	Outcome    Outcome `json:"-"` // how an unfinished run will end
	Waiting    bool    `json:"-"` // for a technician: time does not move it
	reads      int     // polls of an unfinished run
}

// A run leaves the queue and ends after these times, or after that many polls
// of get_execution, so that both a running and a standing clock get on.
const (
	startAfter  = 2 * time.Second
	finishAfter = 8 * time.Second
	startReads  = 2
	finishReads = 3
)

// Done tells whether the run has ended.
func (e *Execution) Done() bool { return e.Status != "queued" && e.Status != "running" }

func executionOps() map[string]handler {
	return map[string]handler{
		"list_executions": listExecutions, "get_execution": withExecution(getExecution),
		"retry_execution": withExecution(retryExecution), "cancel_execution": withExecution(cancelExecution),
		"list_execution_steps": withExecution(listSteps), "get_execution_field_update_audit": withExecution(fieldAudit),
		"get_execution_callback": withExecution(executionCallback), "list_execution_til_requests": withExecution(executionTil),
		"list_execution_artifacts": withExecution(listArtifacts), "get_execution_artifact": withExecution(getArtifact),
	}
}

func withExecution(h func(*call, *Execution) (reply, error)) handler {
	return func(c *call) (reply, error) {
		e, err := lookup(c, c.state.Executions, "execution_id", "Execution")
		if err != nil {
			return reply{}, err
		}
		return h(c, e)
	}
}

func listExecutions(c *call) (reply, error) {
	return list(c, c.state.Executions, func(e *Execution) bool {
		return c.agent(e.AgentID) && c.same("entity_id", e.EntityID) && c.same("entity_number", e.EntityNumber) && c.among("status", e.Status)
	})
}

func getExecution(c *call, e *Execution) (reply, error) {
	if !e.Done() {
		e.reads++
		c.state.settleExecutions(c.now)
	}
	return reply{data: e}, nil
}

// runAgent starts a run. A triggered agent needs a target; its id is the PSA's
// id, not the ticket number.
func runAgent(c *call, a *Agent) (reply, error) {
	if a.AutonomyType == "CONVERSATIONAL" {
		return reply{}, refuse(http.StatusBadRequest, "invalid_for_conversational", "Chat agents cannot be run; open a chat session")
	}
	var in struct {
		TargetEntityID string `json:"target_entity_id"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	var ticket *Ticket
	if a.TriggerType == "TRIGGERED" {
		if in.TargetEntityID == "" {
			return reply{}, unprocessable("target_entity_id", "is required for a triggered agent")
		}
		if ticket = c.state.Tickets.Get(in.TargetEntityID); ticket == nil {
			return reply{}, notFound("Target entity")
		}
	}
	e := c.state.start(a, ticket, c.now)
	return reply{data: Object{"execution_id": e.ExecutionID, "status": e.Status}}, nil
}

// start queues a run.
func (s *State) start(a *Agent, t *Ticket, now time.Time) *Execution {
	e := &Execution{
		ExecutionID: s.uuid(), AgentID: a.number(), AgentName: a.Name, Status: "queued", CreatedAt: now, UpdatedAt: now,
		Outcome: s.Outcomes[a.ID],
	}
	if t != nil {
		e.EntityType, e.EntityID, e.EntityNumber = "ticket", t.ID, t.Number
	}
	s.enter(e)
	return e
}

// enter adds runs, in the order of their times.
func (s *State) enter(runs ...*Execution) {
	s.Executions.Add(runs...)
	for _, e := range runs {
		if !e.Done() {
			s.active = append(s.active, e)
		}
	}
}

// settleExecutions moves unfinished runs on. A run that Mutate sets back to
// running is not one of them: it hangs, as real ones do.
func (s *State) settleExecutions(now time.Time) {
	for _, e := range s.active {
		age := now.Sub(e.CreatedAt)
		switch {
		case e.Done() || e.Waiting:
		case age >= finishAfter || e.reads >= finishReads:
			e.finish(now)
		case e.Status == "queued" && (age >= startAfter || e.reads >= startReads):
			e.Status, e.UpdatedAt = "running", now
		}
	}
	s.active = slices.DeleteFunc(s.active, (*Execution).Done)
}

// finish ends a run the way its outcome says.
func (e *Execution) finish(now time.Time) {
	e.Status, e.UpdatedAt, e.Waiting = or(e.Outcome.Status, "success"), now, false
	e.SecondsSpent = round2(now.Sub(e.CreatedAt).Seconds())
	e.MessageForDashboard = ptr(or(e.Outcome.Message, doneMessage(e)))
	if e.Outcome.Error != "" {
		e.Error = ptr(e.Outcome.Error)
	}
}

func doneMessage(e *Execution) string {
	if e.EntityNumber == "" {
		return e.AgentName + " finished"
	}
	return e.AgentName + " finished on ticket " + e.EntityNumber
}

// retryExecution starts the same run again. Only an ended one can be retried.
func retryExecution(c *call, e *Execution) (reply, error) {
	if !e.Done() {
		return reply{}, conflict("execution_not_retryable", "The execution has not ended")
	}
	a := c.state.Agents.Get(itoa(e.AgentID))
	if a == nil {
		return reply{}, conflict("execution_not_retryable", "The agent no longer exists")
	}
	again := c.state.start(a, c.state.Tickets.Get(e.EntityID), c.now)
	again.RetryOf, again.CallbackID, again.AdditionalInstructions = &e.ExecutionID, e.CallbackID, e.AdditionalInstructions
	return reply{data: Object{"execution_id": again.ExecutionID, "status": again.Status, "retry_of_execution_id": e.ExecutionID}}, nil
}

func cancelExecution(c *call, e *Execution) (reply, error) {
	if e.Done() {
		return reply{}, conflict("execution_already_finished", "The execution has already ended")
	}
	e.Status, e.UpdatedAt, e.Waiting = "cancelled", c.now, false
	e.MessageForDashboard = ptr("Cancelled by " + c.caller.name)
	return reply{data: Object{"execution_id": e.ExecutionID, "status": e.Status}}, nil
}

func executionCallback(c *call, e *Execution) (reply, error) {
	cb := c.state.Callbacks.Get(e.CallbackID)
	if cb == nil {
		return reply{}, notFound("Callback")
	}
	return reply{data: cb.detail()}, nil
}

func executionTil(c *call, e *Execution) (reply, error) {
	return every(c.state.TilRequests, func(t *TilRequest) bool { return t.ExecutionID == e.ExecutionID }), nil
}

// byTime orders seeded runs.
func byTime(list []*Execution) {
	slices.SortStableFunc(list, func(a, b *Execution) int { return a.CreatedAt.Compare(b.CreatedAt) })
}
