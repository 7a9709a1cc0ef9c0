package sandbox

import "time"

// Handover is an end user's wish to talk to a technician.
type Handover struct {
	ID           string
	EndUser      string
	ExpiresAt    time.Time
	AcceptedBy   string // name
	acceptedByID string
}

// Escalation is a ticket with the Neo team.
type Escalation struct {
	TicketID, TicketURL string
	Summary, Details    string
	ExecutionID         string
	ChatSessionID       string
	RequesterUserID     string
	At                  time.Time
}

func handoverOps() map[string]handler {
	return map[string]handler{"accept_handover_request": acceptHandover}
}

func escalationOps() map[string]handler {
	return map[string]handler{"escalate_to_neo_team": escalate}
}

// acceptHandover answers 200 whatever happens; status tells the outcome. See
// https://docs.neoagent.io/api-reference/handover/accept-a-neo-pulse-handover-request.
func acceptHandover(c *call) (reply, error) {
	var in struct {
		ID       string  `json:"technician_aad_id"`
		Name     string  `json:"technician_name"`
		ClientID *string `json:"client_id"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	if err := c.onlyPlatform(in.ClientID); err != nil {
		return reply{}, err
	}
	h := c.state.Handovers.Get(c.path("request_id"))
	if h == nil {
		return reply{data: outcome("not_found", nil, "There is no such request")}, nil
	}
	if h.AcceptedBy == "" && !h.ExpiresAt.After(c.now) {
		return reply{data: outcome("expired", nil, "The request has expired")}, nil
	}
	if h.AcceptedBy == "" || h.acceptedByID == in.ID {
		h.AcceptedBy, h.acceptedByID = in.Name, in.ID
		return reply{data: outcome("accepted", &h.AcceptedBy, "A group chat with "+h.EndUser+" is open")}, nil
	}
	return reply{data: outcome("already_taken", &h.AcceptedBy, "Already taken by "+h.AcceptedBy)}, nil
}

func outcome(status string, by *string, message string) Object {
	return Object{"status": status, "accepted_by": by, "message": message}
}

// escalate opens a ticket. References have to exist.
func escalate(c *call) (reply, error) {
	var in struct {
		Summary, Details string
		ExecutionID      *string `json:"execution_id"`
		ChatSessionID    *string `json:"chat_session_id"`
		RequesterUserID  *string `json:"requester_user_id"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	if in.ExecutionID != nil && c.state.Executions.Get(*in.ExecutionID) == nil {
		return reply{}, notFound("Execution")
	}
	if in.ChatSessionID != nil && c.state.Sessions.Get(*in.ChatSessionID) == nil {
		return reply{}, notFound("Chat session")
	}
	id := "1928441" + c.state.numeral()
	e := &Escalation{
		TicketID: id, TicketURL: "https://app.hubspot.com/help-desk/tickets/" + id, Summary: in.Summary, Details: in.Details,
		ExecutionID: text(in.ExecutionID), ChatSessionID: text(in.ChatSessionID), RequesterUserID: text(in.RequesterUserID), At: c.now,
	}
	c.state.Escalations.Add(e)
	return reply{data: Object{"ticket_id": e.TicketID, "ticket_url": e.TicketURL}}, nil
}
