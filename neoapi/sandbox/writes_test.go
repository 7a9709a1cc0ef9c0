package sandbox_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"neobot/neoapi/sandbox"

	"github.com/google/go-cmp/cmp"
)

func TestScheduledWork(t *testing.T) {
	t.Parallel()
	const path = "/public-api/scheduled-work"
	f := newFixture(t)
	pages := f.ok(http.MethodGet, path+"?page=2&page_size=2", "")
	if len(pages.rows()) != 2 || !pages.Meta.Pagination.HasMore || pages.Meta.Pagination.NextCursor != nil {
		t.Errorf("page 2: %s", pages.raw)
	}
	if n := len(f.ok(http.MethodGet, path+"?page=9", "").rows()); n != 0 {
		t.Errorf("page 9 has %d", n)
	}
	if n := len(f.ok(http.MethodGet, path+"?status=PENDING&q=48213", "").rows()); n != 1 {
		t.Errorf("%d pending for the ticket", n)
	}
	f.refused(422, "validation_error", http.MethodPost, path, `{"workflow_id":106,"scheduled_for":"2026-11-24T20:00:00Z"}`)
	f.refused(422, "validation_error", http.MethodPost, path, `{"workflow_id":105,"scheduled_for":"2026-11-25T20:00:00Z"}`)
	f.refused(400, "validation_error", http.MethodPost, path, `{"workflow_id":113,"scheduled_for":"2026-11-25T20:00:00Z"}`)
	f.refused(404, "NOT_FOUND", http.MethodPost, path, `{"workflow_id":999,"scheduled_for":"2026-11-25T20:00:00Z"}`)
	f.refused(404, "NOT_FOUND", http.MethodPost, path, `{"workflow_id":105,"ticket_id":"48213","scheduled_for":"2026-11-25T20:00:00Z"}`)
	made := f.ok(http.MethodPost, path, `{"workflow_id":105,"ticket_id":"1048213","scheduled_for":"2026-11-24T21:00:00Z","additional_custom_instructions":"gently","status":"COMPLETED","id":1}`)
	if made.at("status") != "PENDING" || made.at("ticket_number") != "48213" || made.at("id") == 1.0 {
		t.Errorf("made %s", made.raw)
	}
	status := func() any { return f.ok(http.MethodGet, path+"?ticket_id=1048213&page_size=1", "").at(0, "status") }
	f.clock.Add(31 * time.Minute)
	if s := status(); s != "PROCESSING" {
		t.Errorf("due: %v", s)
	}
	f.clock.Add(time.Minute)
	if s := status(); s != "COMPLETED" {
		t.Errorf("later: %v", s)
	}
	if run := f.ok(http.MethodGet, executions+"?agent_id=105", "").at(0, "additional_custom_instructions"); run != "gently" {
		t.Errorf("run has %v", run)
	}
}

func TestBackfills(t *testing.T) {
	t.Parallel()
	const path = "/public-api/backfills"
	f := newFixture(t)
	state := func(id string) any { return f.ok(http.MethodGet, path+"/"+id, "").at("state") }
	f.refused(409, "backfill_not_rerunnable", http.MethodPost, path+"/bf-2001/rerun-failed", "") // nothing failed
	f.refused(409, "backfill_not_rerunnable", http.MethodPost, path+"/bf-2003/rerun-failed", "") // not ended
	f.refused(409, "backfill_not_active", http.MethodPost, path+"/bf-2001/pause", "")
	if g := f.do(http.MethodPost, path+"/bf-2003/resume", ""); g.status != http.StatusAccepted || state("bf-2003") != "Running" {
		t.Errorf("resume %d, %v", g.status, state("bf-2003"))
	}
	f.ok(http.MethodPost, path+"/bf-2003/pause", "")
	f.ok(http.MethodPost, path+"/bf-2003/pause", "") // idempotent
	again := f.do(http.MethodPost, path+"/bf-2002/rerun-failed", "")
	if again.status != http.StatusCreated || again.at("backfill", "parent_backfill_run_id") != "bf-2002" || again.at("cost_estimate", "total_entities") != 6.0 {
		t.Errorf("rerun %d %s", again.status, again.raw)
	}
	f.refused(409, "backfill_already_active", http.MethodPost, path+"/bf-2002/rerun-failed", "")
	f.refused(409, "backfill_already_active", http.MethodPost, path, `{"target_workflow_id":107}`)
	f.refused(422, "validation_error", http.MethodPost, path, `{"target_workflow_id":106}`)
	f.refused(404, "NOT_FOUND", http.MethodPost, path, `{"target_workflow_id":999}`)
	id := again.at("backfill", "id").(string)
	f.clock.Add(5 * time.Second)
	if g := f.ok(http.MethodGet, path+"/"+id, ""); g.at("processed_count") != 2.0 {
		t.Errorf("after 5 s %s", g.raw)
	}
	f.clock.Add(time.Minute)
	if state(id) != "Completed" || state("bf-2003") != "Paused" {
		t.Errorf("ended as %v, paused one is %v", state(id), state("bf-2003"))
	}
	f.ok(http.MethodPost, path+"/bf-2003/cancel", "")
	if state("bf-2003") != "Cancelled" {
		t.Error("not cancelled")
	}
	before := len(f.ok(http.MethodGet, path, "").rows())
	verify := f.ok(http.MethodPost, path+"/verify", `{"entity_type":"ticket","filter_spec":{"psa_company_id":"19297"}}`)
	if verify.at("matching_entities").(float64) < 10 || len(f.ok(http.MethodGet, path, "").rows()) != before {
		t.Errorf("verify %s", verify.raw)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const path = "/public-api/settings"
	f := newFixture(t)
	g := f.ok(http.MethodPut, path, `{"start_business_hours":7,"human_friendly_client_name":null,"no_such_setting":1}`)
	want := map[string]any{
		"start_business_hours": 7.0, "end_business_hours": 18.0, "human_friendly_client_name": nil, "referral_code": "NORTH-7731",
		"sleep_before_callback_processing_seconds": 20.0, "timezone": "America/New_York",
	}
	if diff := cmp.Diff(want, g.Data); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{`{"timezone":"Mars/Olympus"}`, `{"start_business_hours":25}`, `{"start_business_hours":19}`, `{"sleep_before_callback_processing_seconds":-1}`, `{"timezone":""}`} {
		f.refused(422, "validation_error", http.MethodPut, path, bad)
	}
	if diff := cmp.Diff(want, f.ok(http.MethodGet, path, "").Data); diff != "" {
		t.Error(diff)
	}
	f.ok(http.MethodPut, path, `{"timezone":"Europe/London"}`)
	if zone := f.ok(http.MethodGet, "/public-api/observability/callback-funnel", "").at("window", "timezone"); zone != "Europe/London" {
		t.Errorf("zone %v", zone)
	}
}

func TestSkills(t *testing.T) {
	t.Parallel()
	const path = "/public-api/skills"
	f := newFixture(t)
	hash := f.ok(http.MethodGet, path+"/skill_1", "").at("content_hash").(string)
	edit := func(body string) string { return strings.ReplaceAll(body, "HASH", hash) }
	f.refused(409, "skill_changed", http.MethodPatch, path+"/skill_1", `{"base_hash":"sha256:old","edits":[]}`)
	f.refused(422, "validation_error", http.MethodPatch, path+"/skill_1", `{"edits":[{"file_id":"file_1","old_string":"nowhere","new_string":""}]}`)
	f.refused(422, "validation_error", http.MethodPatch, path+"/skill_1", `{"edits":[{"file_id":"file_1","old_string":"e","new_string":"E"}]}`)
	f.refused(422, "validation_error", http.MethodPatch, path+"/skill_1", `{"edits":[{"file_id":"file_9","old_string":"e","new_string":"E"}]}`)
	g := f.ok(http.MethodPatch, path+"/skill_1", edit(`{"base_hash":"HASH","edits":[{"file_id":"file_1","old_string":"Oldest first","new_string":"Newest first"}]}`))
	if g.at("files", 0, "version") != 4.0 || !strings.Contains(g.at("files", 0, "content").(string), "Newest") || g.at("content_hash") == hash {
		t.Errorf("%s", g.raw)
	}
	f.refused(409, "skill_changed", http.MethodPatch, path+"/skill_1", edit(`{"base_hash":"HASH","edits":[]}`))
	f.refused(409, "skill_slug_taken", http.MethodPost, path, `{"name":"V","slug":"vpn-first-aid","files":[{"path":"SKILL.md","content":""}]}`)
	f.refused(422, "validation_error", http.MethodPost, path, `{"name":"V","slug":"v","files":[]}`)
}

func TestIntents(t *testing.T) {
	t.Parallel()
	const path = "/public-api/intents"
	f := newFixture(t)
	f.refused(422, "validation_error", http.MethodPost, path, `{"name":"x"}`) // no surface
	f.refused(422, "validation_error", http.MethodPost, path, `{"name":"x","surfaces":["TRIGGERED"],"agent_ids":[999]}`)
	replaced := f.ok(http.MethodPut, path+"/intent_1", `{"name":"Reset","surfaces":["TRIGGERED"]}`)
	if replaced.at("description") != "" || replaced.at("id") != "intent_1" || !cmp.Equal(replaced.at("agent_ids"), []any{}) {
		t.Errorf("replace keeps old fields: %s", replaced.raw)
	}
	for i := range 13 { // with intents 1 and 2, 15 are enabled for every agent
		f.ok(http.MethodPost, path, `{"name":"n`+strconv.Itoa(i)+`","surfaces":["TRIGGERED"]}`)
	}
	f.refused(422, "validation_error", http.MethodPost, path, `{"name":"one too many","surfaces":["TRIGGERED"]}`)
	f.ok(http.MethodPost, path, `{"name":"off","enabled":false,"surfaces":["TRIGGERED"]}`)
	f.ok(http.MethodPut, path+"/intent_1", `{"name":"Still fits","surfaces":["TRIGGERED"]}`)
	f.ok(http.MethodDelete, path+"/intent_1", "")
	f.refused(404, "NOT_FOUND", http.MethodDelete, path+"/intent_1", "")
}

func TestChannels(t *testing.T) {
	t.Parallel()
	const path, contoso = "/public-api/channels", "/public-api/channels/4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d401"
	f := newFixture(t)
	before := f.ok(http.MethodGet, contoso, "")
	for body, code := range map[string]int{`{"transport":"SLACK"}`: 422, `{"agent_id":101}`: 422, `{"agent_id":111}`: 422, `{"audience":"MSP"}`: 400, `{"internal_name":""}`: 422} {
		f.refused(code, "validation_error", http.MethodPatch, contoso, body)
	}
	if diff := cmp.Diff(before.Data, f.ok(http.MethodGet, contoso, "").Data); diff != "" {
		t.Error(diff)
	}
	g := f.ok(http.MethodPatch, contoso, `{"welcome_message":"Hello","agent_id":null,"status":"DISCONNECTED","id":"x"}`)
	if g.at("welcome_message") != "Hello" || g.at("agent_id") != nil || g.at("display_name") != "Contoso Helper" || g.at("id") == "x" {
		t.Errorf("%s", g.raw)
	}
	made := f.ok(http.MethodPost, path, `{"audience":"MSP","internal_name":"techs","agent_id":111}`)
	f.ok(http.MethodDelete, path+"/"+made.at("id").(string), "")
	f.refused(404, "NOT_FOUND", http.MethodGet, path+"/"+made.at("id").(string), "")
}

func TestCompanies(t *testing.T) {
	t.Parallel()
	const path = "/public-api/end-companies"
	f := newFixture(t)
	f.refused(409, "end_company_exists", http.MethodPost, path, `{"psa_company_id":"19297","psa_company_name":"Contoso"}`)
	f.refused(422, "validation_error", http.MethodPut, path+"/19297", `{"tenant_id":5}`)
	g := f.ok(http.MethodPut, path+"/19301", `{"custom_instructions":"x","azure_delegated_access_granted":true,"psa_company_id":"1"}`)
	if g.at("custom_instructions") != "x" || g.at("azure_delegated_access_granted") != false || g.at("psa_company_id") != "19301" || g.at("psa_company_name") != "Fabrikam" {
		t.Errorf("%s", g.raw)
	}
	made := f.ok(http.MethodPost, path, `{"psa_company_id":"1","psa_company_name":"P","azure_application_access_granted":true}`)
	if made.at("azure_application_access_granted") != false {
		t.Errorf("consent by call: %s", made.raw)
	}
}

func TestIntegrations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const path = "/public-api/integrations"
	for name, code := range map[string]string{"nothing": "unknown_integration", "pax8": "integration_not_connected", "m365": "integration_does_not_sync"} {
		f.refused(404, code, http.MethodGet, path+"/"+name+"/sync-runs", "")
	}
	runs := f.ok(http.MethodGet, path+"/ninjaone/sync-runs", "")
	if len(runs.rows()) != 30 || runs.at(0, "error") == nil || runs.at(5, "error") != nil {
		t.Errorf("%d runs, newest %v", len(runs.rows()), runs.at(0))
	}
	mapped := f.ok(http.MethodPost, "/public-api/teams-availability/auto-map", "")
	if len(mapped.at("matched").([]any)) != 3 || len(mapped.at("unmatched").([]any)) != 1 || mapped.at("manual_kept") != 1.0 {
		t.Errorf("%s", mapped.raw)
	}
}

func TestHandover(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	accept := func(id, who string) any {
		return f.ok(http.MethodPost, "/public-api/handover-requests/"+id+"/accept", `{"technician_aad_id":"`+who+`","technician_name":"`+who+`","technician_tenant_id":"t"}`).at("status")
	}
	got := []any{accept("hnd_open", "a"), accept("hnd_open", "b"), accept("hnd_open", "a"), accept("hnd_taken", "a"), accept("hnd_expired", "a"), accept("nope", "a")}
	if diff := cmp.Diff([]any{"accepted", "already_taken", "accepted", "already_taken", "expired", "not_found"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEscalation(t *testing.T) {
	t.Parallel()
	const path = "/public-api/escalate-to-neo-team"
	f := newFixture(t, unchecked)
	g := f.ok(http.MethodPost, path, `{"summary":"s","details":"d","execution_id":"7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01"}`)
	if id, _ := g.at("ticket_id").(string); id == "" || !strings.HasPrefix(g.at("ticket_url").(string), "https://") {
		t.Errorf("%s", g.raw)
	}
	f.refused(422, "validation_error", http.MethodPost, path, `{"summary":"","details":"d"}`)
	f.refused(422, "validation_error", http.MethodPost, path, `{"summary":"`+strings.Repeat("é", 301)+`","details":"d"}`)
	f.refused(422, "validation_error", http.MethodPost, path, `{"summary":"s","details":"`+strings.Repeat("x", 20001)+`"}`)
	f.refused(404, "NOT_FOUND", http.MethodPost, path, `{"summary":"s","details":"d","execution_id":"nope"}`)
	f.ok(http.MethodPost, path, `{"summary":"`+strings.Repeat("é", 300)+`","details":"d"}`)
	var made []string
	f.neo.Mutate(func(s *sandbox.State) {
		for e := range s.Escalations.All() {
			made = append(made, e.ExecutionID)
		}
	})
	if diff := cmp.Diff([]string{"", "7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01"}, made); diff != "" {
		t.Error(diff)
	}
}
