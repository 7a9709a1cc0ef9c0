package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// TilRequest is an approval asked of a technician.
type TilRequest struct {
	ID           int       `json:"id"`
	AgentID      int       `json:"agent_id"`
	AgentName    string    `json:"agent_name"`
	Status       string    `json:"status"`    // PENDING, APPROVED, REJECTED
	Approvers    []Object  `json:"approvers"` // user_id, user_name
	RequestedFor Object    `json:"requested_for"`
	Comment      *string   `json:"comment"`
	DecidedBy    Object    `json:"decided_by,omitempty"` // id, name
	SessionID    *string   `json:"session_id"`
	TicketID     *string   `json:"ticket_id"`
	TicketNumber *string   `json:"ticket_number"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`

	ExecutionID string `json:"-"`
	// NotForKeys: an API key may not decide it, only the people named.
	NotForKeys bool `json:"-"`
}

func tilOps() map[string]handler {
	return map[string]handler{
		"list_til_requests": listTil,
		"get_til_request":   withTil(func(_ *call, t *TilRequest) (reply, error) { return reply{data: t}, nil }), "decide_til_request": withTil(decideTil),
	}
}

func withTil(h func(*call, *TilRequest) (reply, error)) handler {
	return func(c *call) (reply, error) {
		t, err := lookup(c, c.state.TilRequests, "request_id", "Request")
		if err != nil {
			return reply{}, err
		}
		return h(c, t)
	}
}

func listTil(c *call) (reply, error) {
	after, err := c.instant("created_after")
	if err != nil {
		return reply{}, err
	}
	before, err := c.instant("created_before")
	if err != nil {
		return reply{}, err
	}
	return list(c, c.state.TilRequests, func(t *TilRequest) bool {
		return c.among("status", t.Status) && c.agent(t.AgentID) && t.asks(c.query.Get("approver")) && t.mentions(c.query.Get("q")) &&
			!t.CreatedAt.Before(after) && (before.IsZero() || !t.CreatedAt.After(before))
	})
}

func (t *TilRequest) asks(user string) bool {
	return user == "" || slices.ContainsFunc(t.Approvers, func(a Object) bool { return a["user_id"] == user })
}

// mentions searches ticket id, ticket number and what is asked.
func (t *TilRequest) mentions(q string) bool {
	if q == "" || containsFold(text(t.TicketID), q) || containsFold(text(t.TicketNumber), q) {
		return true
	}
	for _, v := range t.RequestedFor {
		if s, ok := v.(string); ok && containsFold(s, q) {
			return true
		}
	}
	return false
}

// decideTil records the first decision; the run that waits goes on. With a
// plain key the decider on record is the key's service account: only Neo's own
// relay may name a person. See
// https://docs.neoagent.io/api-reference/til-requests/approve-or-reject-a-til-request.
func decideTil(c *call, t *TilRequest) (reply, error) {
	var in struct {
		Action            string
		Note              *string
		ActingEndUser     *string `json:"acting_end_user"`
		ActingEndUserName *string `json:"acting_end_user_name"`
		ClientID          *string `json:"client_id"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	if err := c.onlyPlatform(in.ClientID); err != nil {
		return reply{}, err
	}
	who := c.caller
	if c.caller.kind == platform && text(in.ActingEndUser) != "" {
		if !t.asks(*in.ActingEndUser) {
			return reply{}, refuse(http.StatusForbidden, "FORBIDDEN", "acting_end_user is not an approver of this request")
		}
		who.id, who.name = *in.ActingEndUser, or(text(in.ActingEndUserName), *in.ActingEndUser)
	}
	if t.NotForKeys && c.caller.kind == tenant {
		return reply{}, refuse(http.StatusForbidden, "FORBIDDEN", "This request can be decided by its approvers only")
	}
	if t.Status != "PENDING" {
		return reply{}, &apiError{
			status: http.StatusConflict, code: "til_request_already_resolved", message: "The request is already resolved",
			details: map[string]any{"status": t.Status, "decided_by": t.DecidedBy},
		}
	}
	t.Status = map[string]string{"approve": "APPROVED", "reject": "REJECTED"}[in.Action]
	t.Comment, t.DecidedBy, t.UpdatedAt = in.Note, Object{"id": who.id, "name": who.name}, c.now
	c.state.release(t, c.now)
	return reply{data: t}, nil
}

// release lets the run of a decided request go on, or ends it.
func (s *State) release(t *TilRequest, now time.Time) {
	e := s.Executions.Get(t.ExecutionID)
	if e == nil || !e.Waiting {
		return
	}
	if t.Status == "REJECTED" {
		e.Outcome = Outcome{Status: "skipped", Message: "Rejected by technician: " + or(text(t.Comment), "no reason given")}
	}
	e.finish(now)
}
