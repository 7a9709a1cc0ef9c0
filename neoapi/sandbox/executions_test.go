package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	executions = "/public-api/executions"
	failedRun  = executions + "/7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01"
	waitingRun = executions + "/5b0e8d41-9c37-4f2a-8a10-2e9148213b02"
)

func TestExecutionFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tt := range map[string]struct {
		query string
		fits  func(row any) bool
	}{
		"agent":             {"agent_id=103", func(r any) bool { return field(r, "agent_id") == 103.0 }},
		"number":            {"entity_number=48213", func(r any) bool { return field(r, "entity_number") == "48213" }},
		"entity":            {"entity_id=1048213", func(r any) bool { return field(r, "entity_id") == "1048213" }},
		"status, any case":  {"status=FAILURE", func(r any) bool { return field(r, "status") == "failure" && field(r, "error") != nil }},
		"statuses together": {"status=running,queued", func(r any) bool { s := field(r, "status"); return s == "running" || s == "queued" }},
	} {
		t.Run(name, func(t *testing.T) {
			rows := f.ok(http.MethodGet, executions+"?page_size=200&"+tt.query, "").rows()
			if len(rows) == 0 {
				t.Fatal("no rows")
			}
			for _, r := range rows {
				if !tt.fits(r) {
					t.Errorf("%v", r)
				}
			}
		})
	}
}

func TestExecutionPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	seen, last, pages, next := map[any]bool{}, "9", 0, ""
	for {
		g := f.ok(http.MethodGet, executions+"?page_size=100&cursor="+url.QueryEscape(next), "")
		for _, r := range g.rows() {
			id, at := field(r, "execution_id"), field(r, "created_at").(string)
			if seen[id] || at > last {
				t.Fatalf("run %v of %s: seen %v, after %s", id, at, seen[id], last)
			}
			seen[id], last = true, at
		}
		pages++
		if pages == 1 { // what comes in between does not shift the next page
			f.ok(http.MethodPost, agents+"/106/run-now", "")
		}
		if !g.Meta.Pagination.HasMore {
			break
		}
		next = *g.Meta.Pagination.NextCursor
	}
	if len(seen) < 250 || pages < 3 {
		t.Errorf("%d runs on %d pages", len(seen), pages)
	}
}

func TestExecutionParts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all := f.ok(http.MethodGet, failedRun+"/steps", "").rows()
	final := all[len(all)-1]
	if field(final, "type") != "FINAL_MESSAGE" || field(final, "is_error") != true || field(all[1], "data") == nil {
		t.Errorf("steps %v", all)
	}
	light := f.ok(http.MethodGet, failedRun+"/steps?include_data=false&type=TOOL_CALL,TOOL_RESULT&tool_type_name=cw_psa_request", "").rows()
	if len(light) != 2 || field(light[0], "data") != nil || field(light[0], "tool_call_id") != field(light[1], "tool_call_id") {
		t.Errorf("light %v", light)
	}
	one := f.ok(http.MethodGet, failedRun+"/steps?step_id="+field(all[2], "step_id").(string), "").rows()
	if len(one) != 1 {
		t.Errorf("one %v", one)
	}
	triage := f.fill("/executions/{triage}")
	audit := f.ok(http.MethodGet, "/public-api"+triage+"/field-update-audit", "")
	if audit.at(0, "custom_field_name") != "priority" || audit.at(0, "options_to_choose_from", 0, "id") == nil {
		t.Errorf("audit %s", audit.raw)
	}
	stub := f.ok(http.MethodGet, failedRun+"/field-update-audit", "")
	if len(stub.rows()) != 1 || stub.at(0, "predicted_value") != nil {
		t.Errorf("agentic audit %s", stub.raw)
	}
	if g := f.ok(http.MethodGet, waitingRun+"/til-requests", ""); g.at(0, "id") != 912.0 {
		t.Errorf("til %s", g.raw)
	}
	audited := f.ok(http.MethodGet, executions+"?agent_id=106", "").at(0, "execution_id").(string)
	f.refused(404, "NOT_FOUND", http.MethodGet, executions+"/"+audited+"/callback", "")
}

func TestArtifacts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path := "/public-api" + f.fill("/executions/{report}/artifacts")
	list := f.ok(http.MethodGet, path, "")
	if len(list.rows()) != 2 || list.at(0, "content") != nil {
		t.Fatalf("list %s", list.raw)
	}
	note := f.ok(http.MethodGet, path+"/"+list.at(0, "id").(string), "")
	if !strings.HasPrefix(note.at("content").(string), "# Open tickets") {
		t.Errorf("note %s", note.raw)
	}
	file := f.ok(http.MethodGet, path+"/"+list.at(1, "id").(string), "")
	link := strings.TrimPrefix(file.at("url").(string), f.srv.URL)
	f.token = "" // the link is the credential
	if g := f.ok(http.MethodGet, link, ""); !strings.HasPrefix(string(g.raw), "company,open") {
		t.Errorf("file %s", g.raw)
	}
	if g := f.do(http.MethodGet, strings.Split(link, "?")[0], ""); g.status != http.StatusForbidden {
		t.Errorf("without signature: %d", g.status)
	}
	f.clock.Add(6 * time.Minute)
	if g := f.do(http.MethodGet, link, ""); g.status != http.StatusForbidden {
		t.Errorf("old link: %d", g.status)
	}
	f.token = key
	f.refused(404, "NOT_FOUND", http.MethodGet, path+"/nope", "")
}

func TestRetryAndCancel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	again := f.ok(http.MethodPost, failedRun+"/retry", "")
	id := executions + "/" + again.at("execution_id").(string)
	if g := f.ok(http.MethodGet, id, ""); g.at("status") != "queued" || g.at("entity_number") != "48213" {
		t.Errorf("retry %s", g.raw)
	}
	f.refused(409, "execution_not_retryable", http.MethodPost, id+"/retry", "")
	f.ok(http.MethodPost, id+"/cancel", "")
	f.clock.Add(time.Minute)
	if g := f.ok(http.MethodGet, id, ""); g.at("status") != "cancelled" {
		t.Errorf("cancelled run went on: %s", g.raw)
	}
	f.refused(409, "execution_already_finished", http.MethodPost, id+"/cancel", "")
	f.refused(404, "NOT_FOUND", http.MethodPost, executions+"/nope/cancel", "")
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const callbacks = "/public-api/callbacks"
	week := start.Add(-7 * 24 * time.Hour).Format(time.RFC3339)
	f.refused(400, "validation_error", http.MethodGet, callbacks, "")
	f.refused(400, "validation_error", http.MethodGet, callbacks+"?entity_id=1048213", "")
	f.refused(400, "validation_error", http.MethodGet, callbacks+"?since="+start.Add(-8*24*time.Hour).Format(time.RFC3339), "")
	f.refused(400, "validation_error", http.MethodGet, callbacks+"?since=last-week", "")
	if n := len(f.ok(http.MethodGet, callbacks+"?since="+week, "").rows()); n != 20 {
		t.Errorf("default page has %d", n)
	}
	f.ok(http.MethodGet, callbacks+"?entity_type=TICKET&entity_id=1048213", "")
	g := f.ok(http.MethodGet, callbacks+"?entity_number=48213&change_type=TICKET_CREATED&agent_id=104", "")
	if len(g.rows()) != 1 {
		t.Fatalf("%s", g.raw)
	}
	fit := map[any]any{}
	for _, m := range g.at(0, "workflow_matches").([]any) {
		fit[field(m, "workflow_name")] = m
	}
	onboarding := fit["Onboarding"]
	if field(onboarding, "matched") != false || field(onboarding, "match_details", "field_comparisons", 1, "is_match") != false ||
		field(onboarding, "match_details", "field_comparisons", 1, "field_value") != "Offboarding" {
		t.Errorf("onboarding %v", onboarding)
	}
	if field(fit["Offboarding"], "matched") != true || field(fit["Dispatch"], "matched") != true {
		t.Errorf("matches %v", fit)
	}
}
