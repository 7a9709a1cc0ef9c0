package sandbox

import (
	"net/http"
	"time"
)

// Template is a curated starting point of an agent.
type Template struct {
	ID                   int       `json:"id"`
	Name                 string    `json:"name"`
	Tagline              *string   `json:"tagline"`
	Description          *string   `json:"description"`
	Category             string    `json:"category"`
	Popular              bool      `json:"popular"`
	Scope                int       `json:"scope"`
	AutonomyType         string    `json:"autonomy_type"`
	TriggerType          string    `json:"trigger_type"`
	EntityType           string    `json:"entity_type"`
	Actions              []Object  `json:"actions,omitempty"`
	AgentSettings        Object    `json:"agent_settings"`
	CallbackSettings     Object    `json:"callback_settings,omitempty"`
	Integrations         Object    `json:"integrations"`
	Schedule             Object    `json:"schedule,omitempty"`
	Toolbox              Object    `json:"toolbox"`
	Sequential           bool      `json:"process_entities_sequentially"`
	RequiredIntegrations []string  `json:"required_integrations"`
	SupportedPSAs        []string  `json:"supported_psas"`
	CreatedAt            time.Time `json:"created_at"`
	UpdatedAt            time.Time `json:"updated_at"`
}

func templateOps() map[string]handler {
	return map[string]handler{
		"list_templates": func(c *call) (reply, error) { return list(c, c.state.Templates, nil) },
		"get_template": func(c *call) (reply, error) {
			t, err := lookup(c, c.state.Templates, "template_id", "Template")
			return reply{data: t}, err
		},
		"get_shared_agent":   sharedAgent,
		"get_schema_catalog": schemaCatalog,
	}
}

// sharedAgent is the public view behind a share link: prompt and tools, filter
// values masked.
func sharedAgent(c *call) (reply, error) {
	a := c.state.Agents.Get(c.state.Shared[c.path("share_token")])
	if a == nil {
		return reply{}, notFound("Shared agent")
	}
	prompt, _ := a.AgentSettings["custom_instructions"].(string)
	pipeline := []Object{}
	for _, action := range a.Actions {
		pipeline = append(pipeline, Object{"action_type": action["action_type"], "label": action["action_type"], "settings": Object{}})
	}
	return reply{data: Object{
		"agent": Object{"name": a.Name, "autonomy_type": a.AutonomyType, "trigger_type": a.TriggerType},
		"view": Object{
			"name": a.Name, "prompt": prompt, "created_at": a.CreatedAt, "filter_values_masked": true,
			"filters": orEmpty(a.TicketConditions), "triggers": orEmpty(a.CallbackSettings), "schedule": orEmpty(a.Schedule), "pipeline": pipeline,
			"attribution":  Object{"label": "Shared by Northwind MSP", "logo_url": "https://northwind.example/logo.png"},
			"capabilities": Object{"sandbox_enabled": false, "subagents_enabled": false},
			"integrations": []Object{{"key": "connectwise", "name": "ConnectWise", "groups": []Object{{"name": "Tickets", "access": "READ_WRITE", "requires_approval": false}}}},
			"tools":        []Object{},
		},
		"callback_change_options": []string{"TICKET_CREATED", "FIELD_UPDATED"},
	}}, nil
}

func orEmpty(o Object) Object {
	if o == nil {
		return Object{}
	}
	return o
}

// catalogs are the builder catalogs by name: raw JSON, no envelope. The real
// names are not documented.
func catalogs() map[string]Object {
	return map[string]Object{
		"actions": {"actions": []Object{
			{"type": "AI_CLASSIFY_FIELDS", "title": "Set ticket fields"},
			{"type": "CW_PSA_UPDATE_TICKET", "title": "Update the ticket"},
			{"type": "REQUEST_TECHNICIAN_APPROVAL", "title": "Ask a technician"},
			{"type": "MERGE_TICKETS", "title": "Merge tickets"},
		}},
		"tools": {"tools": []Object{
			{"type": "PSA_API", "groups": []string{"Tickets", "Ticket Notes", "Time Entries", "Companies"}},
			{"type": "RMM_API", "groups": []string{"Devices", "Alerts", "Automation"}},
			{"type": "NEO_API", "groups": []string{"Agents", "Executions"}},
		}},
		"ticket-conditions": {"fields": []Object{
			{"name": "board", "operators": []string{"equals", "not_equals", "in"}},
			{"name": "type", "operators": []string{"equals", "in"}},
			{"name": "priority", "operators": []string{"equals", "in"}},
			{"name": "summary", "operators": []string{"contains"}},
		}},
	}
}

func schemaCatalog(c *call) (reply, error) {
	catalog, ok := catalogs()[c.path("schema_name")]
	if !ok {
		return reply{}, refuse(http.StatusNotFound, "NOT_FOUND", "Unknown schema")
	}
	return reply{data: catalog, raw: true}, nil
}
