package neoapi

import (
	"context"
	"encoding/json"
	"time"
)

// Execution is one run of an agent. Status values are not documented: an open string.
type Execution struct {
	ID           StringID `json:"execution_id"`
	AgentID      StringID `json:"agent_id"`
	AgentName    string   `json:"agent_name"`
	Status       string   `json:"status"`
	EntityID     StringID `json:"entity_id"`
	EntityNumber StringID `json:"entity_number"` // the ticket number that people use
	Error        string   `json:"error"`
	Message      string   `json:"message_for_dashboard"`
	Instructions string   `json:"additional_custom_instructions"`
	SecondsSpent float64  `json:"seconds_spent"`
	CreatedAt    Time     `json:"created_at"`
	UpdatedAt    Time     `json:"updated_at"`
}

// ExecutionStep is one step of a run, e.g. of type TOOL_CALL, TOOL_RESULT,
// THOUGHT or FINAL_MESSAGE.
type ExecutionStep struct {
	ID         StringID        `json:"step_id"`
	Type       string          `json:"type"`
	Tool       string          `json:"tool_type_name"`
	ToolCallID StringID        `json:"tool_call_id"`
	Message    string          `json:"message"`
	IsError    bool            `json:"is_error"`
	Data       json.RawMessage `json:"data"` // input or output; only when asked for
	CreatedAt  Time            `json:"created_at"`
}

// ExecutionFilter narrows ListExecutions. Empty fields do not. Since and Until
// are a half-open interval on created_at, which Neo cannot filter by.
type ExecutionFilter struct {
	AgentID, EntityID, EntityNumber, Status string
	Since, Until                            time.Time
	Limit                                   int // 0: all
}

// ListExecutions that fit a filter, in Neo's order. Reading stops early once
// Neo's pages, newest first, have gone past Since. That order is not promised:
// while it does not hold, reading goes on. more says that others may be missing,
// also when a run's time could not be read.
func (s *Session) ListExecutions(ctx context.Context, f ExecutionFilter) (runs []Execution, more bool, err error) {
	args := query("agent_id", f.AgentID, "entity_id", f.EntityID, "entity_number", f.EntityNumber, "status", f.Status)
	cut := timeCut{since: f.Since, until: f.Until, newestFirst: true}
	more, err = s.each(ctx, "list_executions", args, func(resp Response, page []json.RawMessage) bool {
		for _, run := range decodePage[Execution](resp.parsed, page) {
			if cut.keep(run.CreatedAt.Time) {
				runs = append(runs, run)
			}
		}
		return !cut.past() && (f.Limit <= 0 || len(runs) <= f.Limit)
	})
	if err != nil {
		return nil, false, err
	}
	more = more && !cut.past() || cut.unknown
	if f.Limit > 0 && len(runs) > f.Limit {
		runs, more = runs[:f.Limit], true
	}
	return runs, more, nil
}

// timeCut keeps the times of an interval and notices when a list that is
// ordered newest first has left it.
type timeCut struct {
	since, until time.Time
	newestFirst  bool
	last         time.Time
	unknown      bool // a time could not be read, so could not be placed
}

func (c *timeCut) keep(at time.Time) bool {
	if at.IsZero() {
		c.unknown = c.unknown || !c.since.IsZero() || !c.until.IsZero()
		return c.since.IsZero() && c.until.IsZero()
	}
	if !c.last.IsZero() && at.After(c.last) {
		c.newestFirst = false
	}
	c.last = at
	return !at.Before(c.since) && (c.until.IsZero() || at.Before(c.until))
}

// past is true when nothing that is still to come can be in the interval.
func (c *timeCut) past() bool {
	return c.newestFirst && !c.last.IsZero() && c.last.Before(c.since)
}

// GetExecution by id.
func (s *Session) GetExecution(ctx context.Context, id string) (Execution, error) {
	return get[Execution](ctx, s, "get_execution", Args{Path: map[string]string{"execution_id": id}})
}

// ListExecutionSteps of one run. Inputs and outputs come with data only; they
// can be large and hold customer text.
func (s *Session) ListExecutionSteps(ctx context.Context, id string, data bool) (steps []ExecutionStep, more bool, err error) {
	a := query("include_data", map[bool]string{true: "true", false: "false"}[data])
	a.Path = map[string]string{"execution_id": id}
	return list[ExecutionStep](ctx, s, "list_execution_steps", a, 0)
}
