package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// match checks an event against an agent's ticket conditions, as Neo's matcher
// explains it: one comparison per rule.
func match(a *Agent, t *Ticket, event string, at time.Time) AgentFit {
	fit := AgentFit{WorkflowID: a.number(), WorkflowName: a.Name, Matched: true, MatchReason: "All conditions match"}
	rules := a.rules()
	comparisons := make([]Comparison, 0, len(rules))
	for _, r := range rules {
		field, operator := fmt.Sprint(r["field"]), fmt.Sprint(r["operator"])
		value := t.field(field, at)
		ok := compare(operator, value, r["value"])
		comparisons = append(comparisons, Comparison{field, operator, r["value"], value, ok})
		if !ok && fit.Matched {
			fit.Matched, fit.MatchReason = false, fmt.Sprintf("Condition not met: %s is %q, rule wants %s %v", field, value, operator, r["value"])
		}
	}
	if a.State == "DISABLED" {
		fit.Matched, fit.MatchReason = false, "Workflow is disabled"
	}
	fit.MatchDetails = FitDetails{event, comparisons}
	return fit
}

// rules are the agent's ticket conditions.
func (a *Agent) rules() []Object {
	conditions, _ := a.TicketConditions["conditions"].(Object)
	switch rules := conditions["rules"].(type) {
	case []Object:
		return rules
	case []any: // as they come from JSON
		var out []Object
		for _, r := range rules {
			if o, ok := r.(Object); ok {
				out = append(out, o)
			}
		}
		return out
	}
	return nil
}

func (t *Ticket) field(name string, at time.Time) string {
	switch name {
	case "board":
		return t.Board
	case "type":
		return t.Type
	case "priority":
		return t.Priority
	case "summary":
		return t.Title
	case "company":
		return t.Company
	case "created_hour":
		return fmt.Sprintf("%02d", at.Hour())
	}
	return ""
}

func compare(operator, value string, want any) bool {
	text := fmt.Sprint(want)
	switch operator {
	case "equals":
		return value == text
	case "contains":
		return containsFold(value, text)
	case "in":
		list, _ := want.([]any)
		return slices.Contains(list, any(value))
	case "between_hours", "outside_hours":
		from, to, _ := strings.Cut(text, "-")
		return (value >= from && value < to) == (operator == "between_hours")
	}
	return false
}
