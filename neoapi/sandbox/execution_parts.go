package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// Step is one step of a run. Steps are made from the run when they are asked
// for: some hundred runs would be a lot of text to keep.
type Step struct {
	StepID       string    `json:"step_id"`
	Type         string    `json:"type"`
	ToolTypeName *string   `json:"tool_type_name"`
	ToolCallID   *string   `json:"tool_call_id"`
	Message      *string   `json:"message"`
	IsError      bool      `json:"is_error"`
	Data         any       `json:"data,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
}

func listSteps(c *call, e *Execution) (reply, error) {
	out := []Step{}
	for _, s := range c.state.steps(e) {
		tool := text(s.ToolTypeName)
		if !c.among("type", s.Type) || !c.same("step_id", s.StepID) {
			continue
		}
		if want := c.query.Get("tool_type_name"); want != "" && !strings.EqualFold(want, tool) {
			continue
		}
		if c.query.Get("include_data") == "false" {
			s.Data = nil
		}
		out = append(out, s)
	}
	return reply{data: out}, nil
}

// steps tells a run as thought, tool call, tool result and final message.
func (s *State) steps(e *Execution) []Step {
	if e.Status == "queued" {
		return nil
	}
	b := stepper{e: e}
	b.add("THOUGHT", "", "Looking at what is asked for and which tools apply.", false, nil)
	if e.EntityNumber != "" {
		b.tool("CW_PSA_REQUEST", "Read ticket "+e.EntityNumber, Object{"method": "GET", "path": "/service/tickets/" + e.EntityID},
			Object{"status": 200, "summary": s.title(e.EntityID)}, false)
	}
	for _, t := range toolsOf(e.AgentID) {
		failed := e.Status == "failure" && t == lastTool(e.AgentID)
		result := Object{"status": 200, "ok": true}
		message := "Called " + t
		if failed {
			result, message = Object{"status": 409, "error": text(e.Error)}, text(e.Error)
		}
		b.tool(t, message, Object{"entity_id": e.EntityID, "company": s.company(e.EntityID)}, result, failed)
	}
	if e.Done() && e.Status != "cancelled" {
		b.add("FINAL_MESSAGE", "", or(text(e.MessageForDashboard), text(e.Error)), e.Status == "failure", nil)
	}
	return b.out
}

// stepper numbers and times the steps of one run.
type stepper struct {
	e   *Execution
	out []Step
}

func (b *stepper) add(kind, tool, message string, failed bool, data any) {
	s := Step{
		StepID: fmt.Sprintf("%s-%02d", b.e.ExecutionID[:8], len(b.out)+1), Type: kind, Message: &message, IsError: failed, Data: data,
		CreatedAt: b.e.CreatedAt.Add(time.Duration(len(b.out)) * 1300 * time.Millisecond),
	}
	if tool != "" {
		s.ToolTypeName, s.ToolCallID = &tool, ptr(fmt.Sprintf("call_%s_%d", b.e.ExecutionID[:8], len(b.out)/2))
	}
	b.out = append(b.out, s)
}

func (b *stepper) tool(name, message string, input, output Object, failed bool) {
	b.add("TOOL_CALL", name, "Calling "+name, false, Object{"input": input})
	b.add("TOOL_RESULT", name, message, failed, Object{"output": output})
	// Both belong to one call.
	b.out[len(b.out)-1].ToolCallID = b.out[len(b.out)-2].ToolCallID
}

// toolsOf is what an agent of the seed uses after reading the ticket.
func toolsOf(agent int) []string {
	switch agent {
	case triageID, nightID:
		return []string{"AI_CLASSIFY_FIELDS", "CW_PSA_UPDATE_TICKET"}
	case dispatchID:
		return []string{"TEAMS_AVAILABILITY", "AI_SELECT_TECHNICIAN", "CW_PSA_ASSIGN_RESOURCE"}
	case onboardingID, offboardingID:
		return []string{"M365_GRAPH_REQUEST", "REQUEST_TECHNICIAN_APPROVAL", "M365_UPDATE_USER"}
	case engineerID:
		return []string{"NINJA_RMM_DEVICE_LOOKUP", "NINJA_RMM_RUN_SCRIPT"}
	case reportID, auditID:
		return []string{"CW_PSA_REQUEST", "SANDBOX_PYTHON"}
	}
	return []string{"CW_PSA_REQUEST"}
}

func lastTool(agent int) string {
	t := toolsOf(agent)
	return t[len(t)-1]
}

// fieldAudit gives the AI's choice per PSA field: full rows for pipelines, a
// stub for free-running agents.
func fieldAudit(c *call, e *Execution) (reply, error) {
	a := c.state.Agents.Get(itoa(e.AgentID))
	if a == nil || e.EntityID == "" || !e.Done() {
		return reply{data: []Object{}}, nil
	}
	base := Object{"agent_id": e.AgentID, "agent_name": e.AgentName, "entity_id": e.EntityID, "created_at": e.UpdatedAt}
	if a.AutonomyType != "CHAINED_ACTIONS" {
		base["ai_justification"] = "Field updates of agentic runs are in the steps."
		return reply{data: []Object{base}}, nil
	}
	title := c.state.title(e.EntityID)
	rows := []Object{
		auditRow(base, "priority", "Priority 3 - Normal", "Priority 2 - High", "2", "Several people cannot work; the client's contract has a 4 h target.", title),
		auditRow(base, "type", "", "Service Request", "14", "The sender asks for a change, nothing is broken.", title),
	}
	return reply{data: rows}, nil
}

func auditRow(base Object, field, current, predicted, id, why, title string) Object {
	row := Object{
		"custom_field_name": field, "is_custom_field": false, "current_value": current, "predicted_value": predicted,
		"predicted_value_id": id, "ai_justification": why, "should_update_field": current != predicted, "gpt_response": `{"choice":"` + id + `"}`,
		"options_to_choose_from": []Object{
			{"id": "1", "name": "Priority 1 - Critical", "description": "Everything is down"},
			{"id": id, "name": predicted, "description": ""},
		},
		"system_prompt": "You set PSA fields of MSP tickets. Pick one option.", "user_prompt": "Ticket: " + title,
	}
	for k, v := range base {
		row[k] = v
	}
	return row
}

// Artifacts: a report agent leaves a note and a file, dispatch a note.
func (s *State) artifacts(e *Execution) []Object {
	if e.Status != "success" {
		return nil
	}
	note := Object{
		"id": "note-" + e.ExecutionID[:8], "kind": "markdown", "name": "Summary.md", "content_type": "text/markdown", "created_at": e.UpdatedAt,
		"content": "# " + e.AgentName + "\n\n" + text(e.MessageForDashboard) + "\n",
	}
	switch e.AgentID {
	case reportID, auditID:
		note["content"] = reportText
		return []Object{note, {
			"id": "file-" + e.ExecutionID[:8], "kind": "file", "name": "report.csv", "content_type": "text/csv",
			"size_bytes": len(reportFile), "created_at": e.UpdatedAt,
		}}
	case dispatchID:
		return []Object{note}
	}
	return nil
}

// listArtifacts is an index: contents and links come one by one.
func listArtifacts(c *call, e *Execution) (reply, error) {
	out := []Object{}
	for _, a := range c.state.artifacts(e) {
		delete(a, "content")
		out = append(out, a)
	}
	return reply{data: out}, nil
}

// getArtifact gives the text of a note, or a link to a file that works for
// five minutes.
func getArtifact(c *call, e *Execution) (reply, error) {
	for _, a := range c.state.artifacts(e) {
		if a["id"] != c.path("artifact_id") {
			continue
		}
		if a["kind"] == "file" {
			a["url"], a["expires_at"] = c.link([]byte(reportFile), "text/csv")
		}
		return reply{data: a}, nil
	}
	return reply{}, notFound("Artifact")
}

const reportText = `# Open tickets

| Company | Open | Older than 7 days |
|---|---|---|
| Contoso | 14 | 3 |
| Fabrikam | 9 | **5** |
| Adventure Works | 4 | 0 |

Oldest: #47001 "Printer offline", waiting for the customer since two weeks.
[Open the board](https://psa.example/boards/1)
`

const reportFile = "company,open,older_than_7_days\nContoso,14,3\nFabrikam,9,5\nAdventure Works,4,0\n"
