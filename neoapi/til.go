package neoapi

import (
	"context"
	"encoding/json"
	"time"
)

// TilRequest is an approval that Neo itself asks a technician for. Status
// values are not documented: an open string.
type TilRequest struct {
	ID           StringID        `json:"id"`
	AgentID      StringID        `json:"agent_id"`
	AgentName    string          `json:"agent_name"`
	Status       string          `json:"status"`
	Approvers    []TilApprover   `json:"approvers"`
	RequestedFor json.RawMessage `json:"requested_for"` // what is to be approved; inner shape unknown
	Comment      string          `json:"comment"`
	DecidedBy    TilDecider      `json:"decided_by"`
	SessionID    StringID        `json:"session_id"`
	TicketID     StringID        `json:"ticket_id"`
	TicketNumber StringID        `json:"ticket_number"`
	CreatedAt    Time            `json:"created_at"`
	UpdatedAt    Time            `json:"updated_at"`
}

// TilApprover may decide a TilRequest.
type TilApprover struct {
	ID   StringID `json:"user_id"`
	Name string   `json:"user_name"`
}

// TilDecider decided it; empty while it is open.
type TilDecider struct {
	ID   StringID `json:"id"`
	Name string   `json:"name"`
}

// TilFilter narrows ListTilRequests. Empty fields do not.
type TilFilter struct {
	Status, AgentID, Approver, Text string
	After, Before                   time.Time // of creation
	Limit                           int       // 0: all
}

// ListTilRequests that fit a filter.
func (s *Session) ListTilRequests(ctx context.Context, f TilFilter) (requests []TilRequest, more bool, err error) {
	a := query("status", f.Status, "agent_id", f.AgentID, "approver", f.Approver, "q", f.Text,
		"created_after", stamp(f.After), "created_before", stamp(f.Before))
	return list[TilRequest](ctx, s, "list_til_requests", a, f.Limit)
}

// GetTilRequest by id. The operation is inferred with low confidence: a Neo
// without it answers 404, and the list is the other way.
func (s *Session) GetTilRequest(ctx context.Context, id string) (TilRequest, error) {
	return get[TilRequest](ctx, s, "get_til_request", Args{Path: map[string]string{"request_id": id}})
}

// stamp is a time as a query value; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
