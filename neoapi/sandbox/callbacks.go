package sandbox

import (
	"slices"
	"time"
)

// sinceMax is how far back the callbacks' since may reach.
const sinceMax = 7 * 24 * time.Hour

// Callback is a PSA event and how agents matched it.
type Callback struct {
	CallbackID           string     `json:"callback_id"`
	ChangeType           string     `json:"change_type"`
	EntityType           string     `json:"entity_type"`
	EntityID             string     `json:"entity_id"`
	EntityNumber         string     `json:"entity_number"`
	CreatedInPsaAt       time.Time  `json:"created_in_psa_at"`
	FinishedProcessingAt time.Time  `json:"finished_processing_at"`
	ErrorMessage         *string    `json:"error_message"`
	MatcherRunID         string     `json:"matcher_run_id"`
	StartedIDs           []int      `json:"started_workflow_ids"`
	FailedIDs            []int      `json:"failed_to_match_workflow_ids"`
	Matches              []AgentFit `json:"workflow_matches"`
}

// AgentFit is how one agent matched an event.
type AgentFit struct {
	WorkflowID   int        `json:"workflow_id"`
	WorkflowName string     `json:"workflow_name"`
	Matched      bool       `json:"matched"`
	MatchReason  string     `json:"match_reason"`
	MatchDetails FitDetails `json:"match_details"`
	Error        bool       `json:"error"`
}

// FitDetails is what was compared.
type FitDetails struct {
	EventType   string       `json:"event_type"`
	Comparisons []Comparison `json:"field_comparisons"`
}

// Comparison is one rule against the entity.
type Comparison struct {
	FieldName  string `json:"field_name"`
	Operator   string `json:"operator"`
	RuleValue  any    `json:"rule_value"`
	FieldValue string `json:"field_value"`
	IsMatch    bool   `json:"is_match"`
}

// callbackDetail is a callback with its audit trail.
type callbackDetail struct {
	*Callback
	Trail []Object `json:"processed_audit_trail"`
}

func (cb *Callback) detail() callbackDetail {
	return callbackDetail{cb, []Object{
		{"at": cb.CreatedInPsaAt, "event": "received"},
		{"at": cb.CreatedInPsaAt.Add(time.Second), "event": "matched", "workflows_checked": len(cb.Matches)},
		{"at": cb.FinishedProcessingAt, "event": "finished", "started": len(cb.StartedIDs)},
	}}
}

func callbackOps() map[string]handler {
	return map[string]handler{
		"list_callbacks": listCallbacks,
		"get_callback": func(c *call) (reply, error) {
			cb, err := lookup(c, c.state.Callbacks, "callback_id", "Callback")
			if err != nil {
				return reply{}, err
			}
			return reply{data: cb.detail()}, nil
		},
	}
}

// listCallbacks needs one indexed filter, and looks back 7 days at most. See
// https://docs.neoagent.io/api-reference/callbacks/list-callbacks.
func listCallbacks(c *call) (reply, error) {
	since, until, err := c.span("since", "until")
	if err != nil {
		return reply{}, err
	}
	if !since.IsZero() && since.Before(c.now.Add(-sinceMax)) {
		return reply{}, badParameter("since", "is more than 7 days back")
	}
	byEntity := c.query.Get("entity_type") != "" && c.query.Get("entity_id") != ""
	if !byEntity && c.query.Get("entity_number") == "" && since.IsZero() {
		return reply{}, badParameter("since", "or entity_number, or entity_type with entity_id, is required")
	}
	return list(c, c.state.Callbacks, func(cb *Callback) bool {
		return c.among("entity_type", cb.EntityType) && c.same("entity_id", cb.EntityID) && c.same("entity_number", cb.EntityNumber) &&
			c.among("change_type", cb.ChangeType) && !cb.CreatedInPsaAt.Before(since) && cb.CreatedInPsaAt.Before(until) && c.concerns(cb)
	})
}

// concerns is the filter agent_id: events that this agent was checked against.
func (c *call) concerns(cb *Callback) bool {
	return c.query.Get("agent_id") == "" || slices.ContainsFunc(cb.Matches, func(m AgentFit) bool { return c.agent(m.WorkflowID) })
}
