package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"neobot/neoapi"

	"github.com/getkin/kin-openapi/openapi3"
)

// example is one good call of an operation.
type example struct {
	path  string // with everything filled in; empty: the document's path
	body  string
	token string
}

// examples has what a call needs beyond the path of the document.
var examples = map[string]example{
	"create_agent":            {body: `{"autonomy_type":"AGENTIC","name":"New one","trigger_type":"TRIGGERED","entity_type":"ticket"}`},
	"get_agent":               {path: "/agents/101"},
	"update_agent":            {path: "/agents/101", body: `{"name":"Triage"}`},
	"delete_agent":            {path: "/agents/110"},
	"run_agent_now":           {path: "/agents/103/run-now", body: `{"target_entity_id":"1048213"}`},
	"get_agent_stats":         {path: "/agents/101/stats"},
	"get_template":            {path: "/templates/301"},
	"get_shared_agent":        {path: "/shared-agents/shr_weekly_report_7Qm2"},
	"get_execution":           {path: "/executions/7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01"},
	"retry_execution":         {path: "/executions/7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01/retry"},
	"cancel_execution":        {path: "/executions/5b0e8d41-9c37-4f2a-8a10-2e9148213b02/cancel"},
	"list_callbacks":          {path: "/callbacks?entity_number=48213"},
	"get_til_request":         {path: "/til-requests/912"},
	"schedule_work":           {body: `{"workflow_id":106,"scheduled_for":"2026-11-25T09:00:00Z"}`},
	"create_backfill":         {body: `{"target_workflow_id":101,"entity_type":"ticket","filter_spec":{}}`},
	"verify_backfill":         {body: `{"entity_type":"ticket","filter_spec":{"psa_company_id":"19297"}}`},
	"get_backfill":            {path: "/backfills/bf-2003"},
	"pause_backfill":          {path: "/backfills/bf-2003/pause"},
	"resume_backfill":         {path: "/backfills/bf-2003/resume"},
	"cancel_backfill":         {path: "/backfills/bf-2003/cancel"},
	"update_settings":         {body: `{"timezone":"Europe/London"}`},
	"create_skill":            {body: `{"name":"S","slug":"s","files":[{"path":"SKILL.md","content":"x"}]}`},
	"get_skill":               {path: "/skills/skill_1"},
	"edit_skill_files":        {path: "/skills/skill_1", body: `{"edits":[{"file_id":"file_1","old_string":"Oldest","new_string":"Newest"}]}`},
	"create_intent":           {body: `{"name":"I","surfaces":["TRIGGERED"]}`},
	"get_intent":              {path: "/intents/intent_1"},
	"replace_intent":          {path: "/intents/intent_1", body: `{"name":"I","surfaces":["TRIGGERED"]}`},
	"delete_intent":           {path: "/intents/intent_3"},
	"create_channel":          {body: `{"audience":"END_USER","internal_name":"litware"}`},
	"get_channel":             {path: "/channels/4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d401"},
	"update_channel":          {path: "/channels/4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d401", body: `{"welcome_message":null}`},
	"delete_channel":          {path: "/channels/4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d402"},
	"get_end_company":         {path: "/end-companies/19297"},
	"create_api_key":          {body: `{"name":"ci"}`, token: adminToken},
	"list_api_keys":           {token: adminToken},
	"rotate_api_key":          {path: "/api-keys/key_1/rotate", token: adminToken},
	"revoke_api_key":          {path: "/api-keys/key_1", token: adminToken},
	"start_insights_analysis": {body: `{"hourly_rate":60,"period_days":30,"sample_size":null,"currency_symbol":"£"}`},
	"escalate_to_neo_team":    {body: `{"summary":"Dispatch ignores shifts","details":"See run","execution_id":"7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01"}`},
	"create_end_company":      {body: `{"psa_company_id":"20001","psa_company_name":"Proseware"}`},
	"update_end_company":      {path: "/end-companies/19297", body: `{"custom_instructions":"Be kind"}`},
	"delete_end_company":      {path: "/end-companies/19417"},
	"get_schema_catalog":      {path: "/schemas/actions"},
	"rerun_failed_backfill":   {path: "/backfills/bf-2002/rerun-failed"},
	"decide_til_request":      {path: "/til-requests/912/decision", body: `{"action":"approve","note":"ok"}`},
	"list_agent_versions":     {path: "/agents/101/versions"},
	"get_agent_version_at":    {path: "/agents/101/version-at?timestamp=2026-11-20T00:00:00Z"},
	"get_callback":            {path: "/callbacks/{callback}"},
	"create_chat_session":     {body: `{"managed_agent_key":"NEO_SUPPORT"}`},
	"get_chat_session":        {path: "/chat/sessions/{session}"},
	"list_chat_messages":      {path: "/chat/sessions/{session}/messages"},
	"post_chat_message":       {path: "/chat/sessions/{session}/messages", body: `{"message":"Status of 48213?","client_message_id":"m1"}`},
	"tail_chat_events":        {path: "/chat/sessions/{session}/events"},
	"accept_handover_request": {
		path: "/handover-requests/hnd_open/accept",
		body: `{"technician_aad_id":"8f0b6c1e","technician_name":"Priya Raman","technician_tenant_id":"t"}`,
	},
	"resolve_install_branding":          {body: `{"bot_id":"bot-contoso","end_client_tenant_id":"0a6d1e52-3b1f-4c55-9f0e-1d2c3b4a5001"}`, token: platformKey},
	"list_execution_steps":              {path: "/executions/7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01/steps?include_data=false"},
	"get_execution_callback":            {path: "/executions/7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01/callback"},
	"list_execution_til_requests":       {path: "/executions/5b0e8d41-9c37-4f2a-8a10-2e9148213b02/til-requests"},
	"list_execution_artifacts":          {path: "/executions/{report}/artifacts"},
	"get_execution_artifact":            {path: "/executions/{report}/artifacts/{artifact}"},
	"get_execution_field_update_audit":  {path: "/executions/{triage}/field-update-audit"},
	"create_chat_attachment_upload_url": {path: "/chat/sessions/{session}/attachments/upload-url", body: `{"content_type":"image/png"}`},
	"list_integration_sync_runs":        {path: "/integrations/connectwise/sync-runs"},
	"list_workflow_performance":         {path: "/performance/workflows?from=2026-11-17T00:00:00Z&to=2026-11-24T00:00:00Z"},
	"get_chat_performance":              {path: "/performance/chat?from=2026-11-01T00:00:00Z&to=2026-11-25T00:00:00Z&audience=end-user"},
	"list_chat_performance_by_agent":    {path: "/performance/chat/by-agent?from=2026-11-01T00:00:00Z&to=2026-11-25T00:00:00Z"},
	"list_chat_performance_by_user":     {path: "/performance/chat/by-user?from=2026-11-01T00:00:00Z&to=2026-11-25T00:00:00Z"},
	"list_chat_performance_over_time":   {path: "/performance/chat/over-time?from=2026-11-01T00:00:00Z&to=2026-11-25T00:00:00Z&granularity=day"},
}

// Every operation of the document answers a good call with its documented
// status, and what it answers fits the document (the fixture checks that).
// Writes get a sandbox of their own.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	spec, err := openapi3.NewLoader().LoadFromData(neoapi.Document())
	if err != nil {
		t.Fatal(err)
	}
	count, shared := 0, newFixture(t)
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			count++
			t.Run(op.OperationID, func(t *testing.T) {
				f := shared
				if op.Extensions["x-access"] != "read" {
					t.Parallel()
					f = newFixture(t)
				}
				callOnce(t, f, method, path, op.OperationID)
			})
		}
	}
	if count != 97 {
		t.Errorf("document has %d operations, want 97", count)
	}
}

func callOnce(t *testing.T, f *fixture, method, path, id string) {
	f.token = key
	e := examples[id]
	if e.path != "" {
		path = "/public-api" + f.fill(e.path)
	}
	if strings.Contains(path, "{") {
		t.Fatalf("no example for %s %s", method, path)
	}
	if e.token != "" {
		f.token = e.token
	}
	g := f.ok(method, path, e.body)
	recorded := f.neo.Requests()
	last := recorded[len(recorded)-1]
	if last.Op != id || last.Status != g.status || !last.Applied && g.header.Get("Content-Type") == "application/json" {
		t.Errorf("recorded %+v for %s", last, id)
	}
	for _, h := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if g.header.Get(h) == "" {
			t.Errorf("no header %s", h)
		}
	}
	if g.Meta.RequestID == "" && id != "get_openapi_document" && id != "get_schema_catalog" && id != "tail_chat_events" {
		t.Error("no request id")
	}
}

// fill puts ids that differ per seed into an example's path.
func (f *fixture) fill(path string) string {
	for placeholder, from := range map[string]string{
		"{session}": "/public-api/chat/sessions", "{callback}": "/public-api/callbacks?entity_number=48213",
		"{report}": "/public-api/executions?agent_id=109", "{triage}": "/public-api/executions?agent_id=101&status=success",
	} {
		if strings.Contains(path, placeholder) {
			row := f.ok(http.MethodGet, from, "").at(0)
			for _, k := range []string{"id", "callback_id", "execution_id"} {
				if id, ok := field(row, k).(string); ok {
					path = strings.ReplaceAll(path, placeholder, id)
				}
			}
		}
	}
	if strings.Contains(path, "{artifact}") {
		list := f.ok(http.MethodGet, "/public-api"+strings.TrimSuffix(path, "/{artifact}"), "")
		id, _ := list.at(1, "id").(string)
		path = strings.ReplaceAll(path, "{artifact}", id)
	}
	return path
}
