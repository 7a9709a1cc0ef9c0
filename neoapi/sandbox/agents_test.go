package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"neobot/neoapi/sandbox"

	"github.com/google/go-cmp/cmp"
)

const agents = "/public-api/agents"

func TestAgentUpdate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		id, body string
		look     []any // path into the answer
		want     any
	}{
		"state":                           {"101", `{"state":"DISABLED"}`, []any{"state"}, "DISABLED"},
		"name only leaves the rest":       {"101", `{"name":"Triage"}`, []any{"agent_settings", "model_tier"}, "SMART"},
		"null description":                {"101", `{"description":null}`, []any{"description"}, nil},
		"agent_settings replaced whole":   {"101", `{"agent_settings":{"custom_instructions":"x"}}`, []any{"agent_settings"}, map[string]any{"custom_instructions": "x"}},
		"integrations replaced whole":     {"101", `{"integrations":{"rmm":"ninjaone"}}`, []any{"integrations"}, map[string]any{"rmm": "ninjaone"}},
		"toolbox merged, new tool":        {"101", `{"toolbox":{"tool_settings_by_type":{"X":{"a":1}}}}`, []any{"toolbox", "tool_settings_by_type", "PSA_API", "permission_groups", "Tickets"}, "READ_WRITE"},
		"toolbox merged, known tool":      {"101", `{"toolbox":{"tool_settings_by_type":{"PSA_API":{"permission_groups":{"Tickets":"READ_ONLY"}}}}}`, []any{"toolbox", "tool_settings_by_type", "PSA_API", "permission_groups"}, map[string]any{"Tickets": "READ_ONLY", "Ticket Notes": "READ_WRITE"}},
		"action by unique type":           {"101", `{"actions":[{"action_type":"CW_PSA_UPDATE_TICKET","input_as_dict":{"note":true}}]}`, []any{"actions", 3, "input_as_dict", "note"}, true},
		"action of a new type is added":   {"101", `{"actions":[{"action_type":"ADD_NOTE","input_as_dict":{}}]}`, []any{"actions", 4, "action_type"}, "ADD_NOTE"},
		"conditions of a triggered one":   {"103", `{"ticket_conditions":{"conditions":{"combinator":"or","rules":[]}}}`, []any{"ticket_conditions", "conditions", "combinator"}, "or"},
		"fields that are not editable":    {"101", `{"id":"999","created_at":"2020-01-01T00:00:00Z"}`, []any{"id"}, "101"},
		"updated_by is the key's account": {"101", `{"name":"Triage"}`, []any{"updated_by"}, "neobot (API key)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.ok(http.MethodPut, agents+"/"+tt.id, tt.body)
			got := f.ok(http.MethodGet, agents+"/"+tt.id, "")
			if diff := cmp.Diff(tt.want, got.at(tt.look...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAgentUpdateRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		id, body, code string
		status         int
	}{
		"managed by Neo":                 {"112", `{"name":"Mine"}`, "agent_managed_by_neo", 403},
		"actions to an agentic one":      {"103", `{"actions":[]}`, "validation_error", 400},
		"conditions to a chat agent":     {"113", `{"ticket_conditions":{}}`, "validation_error", 400},
		"autonomy_type is fixed":         {"101", `{"autonomy_type":"AGENTIC"}`, "validation_error", 400},
		"entity_type is fixed":           {"101", `{"entity_type":"task"}`, "validation_error", 400},
		"unknown state":                  {"101", `{"state":"PAUSED"}`, "validation_error", 422},
		"wrong type":                     {"101", `{"name":7}`, "validation_error", 422},
		"empty name":                     {"101", `{"name":""}`, "validation_error", 422},
		"not JSON":                       {"101", `{"name"`, "validation_error", 400},
		"no body":                        {"101", ``, "validation_error", 400},
		"ambiguous action type":          {"101", `{"actions":[{"action_type":"AI_CLASSIFY_FIELDS"}]}`, "validation_error", 422},
		"unknown action id":              {"101", `{"actions":[{"id":"nope","action_type":"AI_CLASSIFY_FIELDS"}]}`, "validation_error", 422},
		"credentials of an external API": {"101", `{"toolbox":{"tool_settings_by_type":{"EXTERNAL_API":{"api_key":"s"}}}}`, "validation_error", 400},
		"unknown agent":                  {"999", `{"name":"x"}`, "NOT_FOUND", 404},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, unchecked)
			before := f.do(http.MethodGet, agents+"/"+tt.id, "")
			f.refused(tt.status, tt.code, http.MethodPut, agents+"/"+tt.id, tt.body)
			if diff := cmp.Diff(before.Data, f.do(http.MethodGet, agents+"/"+tt.id, "").Data); diff != "" {
				t.Error("a refused change changed something:", diff)
			}
			if w := f.neo.Writes(); len(w) != 1 || w[0].Applied {
				t.Errorf("writes %+v", w)
			}
		})
	}
}

func TestAgentVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.ok(http.MethodGet, agents+"/101", "")
	f.clock.Add(time.Minute)
	f.ok(http.MethodPut, agents+"/101", `{"state":"DISABLED","name":"Triage"}`)
	f.clock.Add(time.Minute)
	f.neo.SetAgent("101", func(a *sandbox.Agent) { a.Name = "Renamed at the dashboard" })

	list := f.ok(http.MethodGet, agents+"/101/versions", "")
	if n := len(list.rows()); n != 5 { // created, two of the seed, two of now
		t.Fatalf("%d versions", n)
	}
	if diff := cmp.Diff([]any{"name", "state", "updated_at", "updated_by"}, append(list.at(1, "changed_fields").([]any), "updated_at", "updated_by")); diff != "" {
		t.Error(diff)
	}
	if who := list.at(0, "changed_by", "name"); who != "Dana Whitfield" {
		t.Errorf("changed by %v", who)
	}
	at := f.ok(http.MethodGet, agents+"/101/version-at?timestamp="+start.Format(time.RFC3339), "")
	if diff := cmp.Diff(before.Data, at.Data); diff != "" {
		t.Error("as of before the change:", diff)
	}
	f.refused(404, "NOT_FOUND", http.MethodGet, agents+"/101/version-at?timestamp=2001-01-01T00:00:00Z", "")
	f.refused(400, "validation_error", http.MethodGet, agents+"/101/version-at?timestamp=yesterday", "")
	if got := f.neo.Agent("101").UpdatedAt; !got.Equal(start.Add(2 * time.Minute)) {
		t.Errorf("updated_at %v", got)
	}
}

func TestAgentCreateFromTemplateAndDelete(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made := f.ok(http.MethodPost, agents, `{"autonomy_type":"CHAINED_ACTIONS","name":"From template","trigger_type":"TRIGGERED","entity_type":"ticket",
		"actions":[{"action_type":"AI_CLASSIFY_FIELDS","input_as_dict":{"field":"priority"}}]}`)
	id, _ := made.at("id").(string)
	if made.at("actions", 0, "action_type") != "FIND_ENTITIES" || made.at("state") != "ENABLED" {
		t.Errorf("created %s", made.raw)
	}
	f.ok(http.MethodGet, agents+"/"+id, "")
	f.ok(http.MethodDelete, agents+"/"+id, "")
	f.refused(404, "NOT_FOUND", http.MethodGet, agents+"/"+id, "")
	f.refused(403, "agent_managed_by_neo", http.MethodDelete, agents+"/112", "")
}

func TestAgentCreateRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"FIND_ENTITIES sent":    `{"name":"x","trigger_type":"TRIGGERED","actions":[{"action_type":"FIND_ENTITIES"}]}`,
		"no name":               `{"autonomy_type":"AGENTIC","trigger_type":"TRIGGERED"}`,
		"no actions":            `{"name":"x","trigger_type":"TRIGGERED"}`,
		"unknown kind":          `{"autonomy_type":"MAGIC","name":"x","trigger_type":"TRIGGERED"}`,
		"unknown trigger":       `{"autonomy_type":"AGENTIC","name":"x","trigger_type":"SOMETIMES"}`,
		"actions of an agentic": `{"autonomy_type":"AGENTIC","name":"x","trigger_type":"TRIGGERED","actions":[{"action_type":"A"}]}`,
		"NONE of an agentic":    `{"autonomy_type":"AGENTIC","name":"x","trigger_type":"NONE"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, unchecked)
			f.refused(400, "validation_error", http.MethodPost, agents, body)
		})
	}
}

const runDispatch = agents + "/103/run-now"

// run is the status of a run.
func (f *fixture) run(id any) any {
	f.t.Helper()
	return f.ok(http.MethodGet, executions+"/"+id.(string), "").at("status")
}

func TestRunNow(t *testing.T) {
	t.Parallel()
	t.Run("by the clock", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		g := f.ok(http.MethodPost, runDispatch, `{"target_entity_id":"1048213"}`)
		id := g.at("execution_id")
		if g.at("status") != "queued" || f.run(id) != "queued" {
			t.Errorf("not queued: %s", g.raw)
		}
		f.clock.Add(3 * time.Second)
		if s := f.run(id); s != "running" {
			t.Errorf("after 3 s: %v", s)
		}
		f.clock.Add(time.Hour * 3)
		if s := f.run(id); s != "success" {
			t.Errorf("after 3 h: %v", s)
		}
		if n := f.ok(http.MethodGet, executions+"?entity_number=48213&agent_id=103", "").at(0, "execution_id"); n != id {
			t.Errorf("newest run of the ticket is %v", n)
		}
	})
	t.Run("by reads while the clock stands", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		id := f.ok(http.MethodPost, agents+"/106/run-now", "").at("execution_id")
		if s := []any{f.run(id), f.run(id), f.run(id)}; !cmp.Equal(s, []any{"queued", "running", "success"}) {
			t.Error(s)
		}
	})
	t.Run("with an ordered outcome", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.neo.Mutate(func(s *sandbox.State) { s.Outcomes["106"] = sandbox.Outcome{Status: "failure", Error: "boom"} })
		id := f.ok(http.MethodPost, agents+"/106/run-now", "{}").at("execution_id").(string)
		f.clock.Add(time.Minute)
		g := f.ok(http.MethodGet, executions+"/"+id, "")
		if g.at("status") != "failure" || g.at("error") != "boom" {
			t.Errorf("%s", g.raw)
		}
	})
}

func TestRunNowRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refused(400, "invalid_for_conversational", http.MethodPost, agents+"/113/run-now", "")
	f.refused(422, "validation_error", http.MethodPost, runDispatch, "")
	f.refused(404, "NOT_FOUND", http.MethodPost, runDispatch, `{"target_entity_id":"48213"}`) // a number is not an id
	f.refused(404, "NOT_FOUND", http.MethodPost, agents+"/999/run-now", "")
}
