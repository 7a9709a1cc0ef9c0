package neoapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// StateEnabled and StateDisabled switch an agent with update_agent. The first
// is known from others' code, the second is our reading.
const (
	StateEnabled  = "ENABLED"
	StateDisabled = "DISABLED"
)

// Agent is what the dashboard calls a workflow. Enumerations are open strings.
type Agent struct {
	ID           StringID        `json:"id"`
	Name         string          `json:"name"`
	State        string          `json:"state"`
	AutonomyType string          `json:"autonomy_type"` // CHAINED_ACTIONS, AGENTIC, CONVERSATIONAL
	EntityType   string          `json:"entity_type"`
	TriggerType  string          `json:"trigger_type"` // SCHEDULED, TRIGGERED, NONE
	Settings     json.RawMessage `json:"agent_settings"`
	Toolbox      json.RawMessage `json:"toolbox"`
	CreatedAt    Time            `json:"created_at"`
	UpdatedAt    Time            `json:"updated_at"`
	Raw          json.RawMessage `json:"-"` // all of it, for a before and after
}

func (a *Agent) keep(raw json.RawMessage) { a.Raw = raw }

// Enabled reports whether the agent is switched on. An unknown state is not on.
func (a Agent) Enabled() bool { return strings.EqualFold(a.State, StateEnabled) }

// AgentVersion is an entry of an agent's history. No page shows its fields, so
// everything but Raw may be empty.
type AgentVersion struct {
	ID        StringID        `json:"id"`
	Version   StringID        `json:"version"`
	CreatedAt Time            `json:"created_at"`
	Raw       json.RawMessage `json:"-"`
}

func (v *AgentVersion) keep(raw json.RawMessage) { v.Raw = raw }

// ListAgents in a state (empty: all), up to limit (0: all). more says that there are others.
func (s *Session) ListAgents(ctx context.Context, state string, limit int) (agents []Agent, more bool, err error) {
	return list[Agent](ctx, s, "list_agents", query("state", state), limit)
}

// GetAgent by id.
func (s *Session) GetAgent(ctx context.Context, id string) (Agent, error) {
	return get[Agent](ctx, s, "get_agent", Args{Path: map[string]string{"agent_id": id}})
}

// ListAgentVersions of one agent.
func (s *Session) ListAgentVersions(ctx context.Context, id string) (versions []AgentVersion, more bool, err error) {
	return list[AgentVersion](ctx, s, "list_agent_versions", Args{Path: map[string]string{"agent_id": id}}, 0)
}

// GetAgentAt is the agent as it was at a time, in RFC 3339.
func (s *Session) GetAgentAt(ctx context.Context, id, at string) (Agent, error) {
	a := query("timestamp", at)
	a.Path = map[string]string{"agent_id": id}
	return get[Agent](ctx, s, "get_agent_version_at", a)
}

// query makes Args of name, value pairs and leaves empty values out.
func query(pairs ...string) Args {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return Args{Query: q}
}

// get reads one object.
func get[T any](ctx context.Context, s *Session, op string, a Args) (T, error) {
	var out T
	resp, err := s.Read(ctx, op, a)
	if err != nil {
		return out, err
	}
	err = decode(resp.Data, &out)
	if err == nil && string(resp.Data) == "null" {
		err = errors.New("null")
	}
	if err != nil {
		return out, &Error{Op: op, Status: resp.Status, Code: CodeShape, RequestID: resp.RequestID, Outcome: NotApplied, Err: err}
	}
	return out, nil
}

// list reads a list of objects.
func list[T any](ctx context.Context, s *Session, op string, a Args, limit int) (out []T, more bool, err error) {
	more, err = s.each(ctx, op, a, func(resp Response, page []json.RawMessage) bool {
		out = append(out, decodePage[T](resp.parsed, page)...)
		return limit <= 0 || len(out) < limit
	})
	if err != nil {
		return nil, false, err
	}
	if limit > 0 && len(out) > limit {
		out, more = out[:limit], true
	}
	return out, more, nil
}

// rawKeeper is a type with a Raw field.
type rawKeeper interface{ keep(raw json.RawMessage) }

func decode[T any](b json.RawMessage, into *T) error {
	if k, ok := any(into).(rawKeeper); ok {
		k.keep(b)
	}
	return lenient(b, into)
}

// decodeAll decodes the items of a list. An item that is no object at all comes
// out empty instead of costing the others.
func decodeAll[T any](items []json.RawMessage) []T {
	out := make([]T, len(items))
	for i, b := range items {
		_ = decode(b, &out[i]) // valid JSON already, as part of a decoded page
	}
	return out
}
