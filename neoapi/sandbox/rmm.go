package sandbox

import "time"

// RmmScript is one script that Neo ran on a device through the RMM.
type RmmScript struct {
	ID           string     `json:"id"`
	ExecutionID  string     `json:"execution_id"`
	AgentID      int        `json:"agent_id"`
	AgentName    string     `json:"agent_name"`
	Rmm          string     `json:"rmm"`
	ScriptID     string     `json:"script_id"`
	ScriptName   string     `json:"script_name"`
	DeviceID     string     `json:"device_id"`
	DeviceName   string     `json:"device_name"`
	CompanyID    string     `json:"psa_company_id"`
	CompanyName  string     `json:"company_name"`
	TicketNumber string     `json:"ticket_number"`
	Status       string     `json:"status"`
	ExitCode     *int       `json:"exit_code"`
	Output       *string    `json:"output"`
	ApprovedBy   *string    `json:"approved_by"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at"`
	CreatedAt    time.Time  `json:"created_at"`
}

// Dispatch is one choice of a technician.
type Dispatch struct {
	ID           string    `json:"id"`
	ExecutionID  string    `json:"execution_id"`
	AgentID      int       `json:"agent_id"`
	AgentName    string    `json:"agent_name"`
	TicketID     string    `json:"ticket_id"`
	TicketNumber string    `json:"ticket_number"`
	Chosen       Object    `json:"chosen_technician"` // id, name; empty when nobody fits
	Candidates   []Object  `json:"candidates"`        // id, name, score, availability, reason
	Justify      string    `json:"ai_justification"`
	Applied      bool      `json:"applied"`
	CreatedAt    time.Time `json:"created_at"`
}

func rmmOps() map[string]handler {
	return map[string]handler{
		"list_rmm_script_executions": func(c *call) (reply, error) { return list(c, c.state.RmmScripts, nil) },
		"list_dispatch_decisions":    func(c *call) (reply, error) { return list(c, c.state.Dispatches, nil) },
	}
}
