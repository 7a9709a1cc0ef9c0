package sandbox

import "time"

// PhoneNumber is a number that the Phone Agent answers.
type PhoneNumber struct {
	ID            string `json:"id"`
	Number        string `json:"phone_number"`
	Label         string `json:"label"`
	Enabled       bool   `json:"enabled"`
	AgentID       int    `json:"agent_id"`
	PsaSettings   Object `json:"psa_settings"`
	AgentSettings Object `json:"agent_settings"`
}

// PhoneCall is one answered or missed call.
type PhoneCall struct {
	ID           string    `json:"id"`
	NumberID     string    `json:"phone_number_id"`
	From         string    `json:"from_number"`
	CallerName   *string   `json:"caller_name"`
	CompanyName  *string   `json:"company_name"`
	Status       string    `json:"status"` // completed, missed, transferred
	Seconds      int       `json:"duration_seconds"`
	Summary      *string   `json:"summary"`
	TicketNumber *string   `json:"ticket_number"`
	StartedAt    time.Time `json:"started_at"`
	CreatedAt    time.Time `json:"created_at"`
}

// InboxMessage is a notice to the tenant, folded by repeat.
type InboxMessage struct {
	Message         string     `json:"message"`
	Read            bool       `json:"read"`
	Occurrences     int        `json:"number_of_occurrences"`
	DeduplicationID string     `json:"deduplication_message_id"`
	WorkflowIDs     []int      `json:"affected_workflow_ids"`
	EntityNumbers   []string   `json:"affected_entity_numbers"`
	ClientID        string     `json:"client_id"`
	LastEmailSentAt *time.Time `json:"last_email_sent_at"`
	CreatedAt       time.Time  `json:"created_at"`
	UpdatedAt       time.Time  `json:"updated_at"`
}

func phoneOps() map[string]handler {
	return map[string]handler{
		"list_phone_numbers":  func(c *call) (reply, error) { return every(c.state.Numbers, nil), nil },
		"list_phone_calls":    func(c *call) (reply, error) { return list(c, c.state.Calls, nil) },
		"list_inbox_messages": func(c *call) (reply, error) { return every(c.state.Inbox, nil), nil },
	}
}
