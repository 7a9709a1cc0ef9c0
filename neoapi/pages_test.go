package neoapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// numbered serves a list of n numbered items in pages, by cursor or by number.
func numbered(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		size, _ := strconv.Atoi(q.Get("page_size"))
		from, _ := strconv.Atoi(q.Get("cursor"))
		if p, err := strconv.Atoi(q.Get("page")); err == nil {
			from = (p - 1) * size
		}
		items := []int{}
		for i := from; i < min(n, from+size); i++ {
			items = append(items, i)
		}
		next := ""
		if from+size < n {
			next = strconv.Itoa(from + size)
		}
		if r.URL.Path == "/public-api/scheduled-work" {
			data(w, items)
			return
		}
		page(w, items, next)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		op    string
		total int
		limit int
		want  int
		more  bool
		sent  int
	}{
		"none":                  {"list_agents", 0, 0, 0, false, 1},
		"one page":              {"list_agents", 7, 0, 7, false, 1},
		"exactly one page":      {"list_agents", 200, 0, 200, false, 1},
		"to the end":            {"list_agents", 450, 0, 450, false, 3},
		"limit on a page":       {"list_agents", 450, 400, 400, true, 2},
		"limit within a page":   {"list_agents", 450, 10, 10, true, 1},
		"limit is all there is": {"list_agents", 200, 200, 200, false, 1},
		"endless":               {"list_agents", 1_000_000, 0, 10_000, true, 50},
		"by number":             {"list_scheduled_work", 450, 0, 450, false, 3},
		"by number, full":       {"list_scheduled_work", 400, 0, 400, false, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neo := newFakeNeo(t, numbered(tt.total))
			items, more, err := newTestClient(t, neo.URL).Session(everything(t)).Pages(t.Context(), tt.op, Args{}, tt.limit)
			if err != nil || len(items) != tt.want || more != tt.more || len(neo.requests()) != tt.sent {
				t.Fatalf("%d items, more %v, %d requests, %v", len(items), more, len(neo.requests()), err)
			}
			for i, b := range items {
				if string(b) != strconv.Itoa(i) {
					t.Fatalf("item %d is %s", i, b)
				}
			}
		})
	}
}

func TestPagesKeepFiltersAndStopOnLoops(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { page(w, []int{1}, "same") })
	a := query("state", "ENABLED")
	items, more, err := newTestClient(t, neo.URL).Session(everything(t)).Pages(t.Context(), "list_agents", a, 0)
	if err != nil || !more || len(items) != 2 {
		t.Errorf("%v %v %v", items, more, err)
	}
	want := []string{
		"GET /public-api/agents?page_size=200&state=ENABLED",
		"GET /public-api/agents?cursor=same&page_size=200&state=ENABLED",
	}
	if diff := cmp.Diff(want, neo.requests()); diff != "" {
		t.Error(diff)
	}
	if len(a.Query) != 1 {
		t.Errorf("the caller's query was changed: %v", a.Query)
	}
}

func TestPagesOfNoList(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { data(w, map[string]int{"a": 1}) })
	_, _, err := newTestClient(t, neo.URL).Session(everything(t)).Pages(t.Context(), "list_agents", Args{}, 0)
	if e, ok := err.(*Error); !ok || e.Code != CodeNotList { //nolint:errorlint // the type itself is promised
		t.Errorf("got %v", err)
	}
}

// run of a day in a list: number and hour.
type run struct {
	id   int
	hour int
}

func executionPages(perPage int, runs ...run) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		items, next := []map[string]any{}, ""
		for i := from; i < min(len(runs), from+perPage); i++ {
			item := map[string]any{"execution_id": fmt.Sprint(runs[i].id), "agent_id": 7}
			if runs[i].hour >= 0 {
				item["created_at"] = fmt.Sprintf("2026-11-24T%02d:00:00Z", runs[i].hour)
			}
			items = append(items, item)
		}
		if from+perPage < len(runs) {
			next = strconv.Itoa(from + perPage)
		}
		page(w, items, next)
	}
}

func TestListExecutionsByTime(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 11, 24, hour, 0, 0, 0, time.UTC) }
	sorted := []run{{9, 20}, {8, 18}, {7, 16}, {6, 14}, {5, 12}, {4, 10}, {3, 8}, {2, 6}}
	mixed := []run{{9, 2}, {8, 18}, {7, 1}, {6, 14}, {5, 20}, {4, 15}}
	tests := map[string]struct {
		runs []run
		f    ExecutionFilter
		want []string
		more bool
		sent int
	}{
		"all":                 {sorted, ExecutionFilter{}, []string{"9", "8", "7", "6", "5", "4", "3", "2"}, false, 4},
		"since stops early":   {sorted, ExecutionFilter{Since: at(16)}, []string{"9", "8", "7"}, false, 2},
		"until":               {sorted, ExecutionFilter{Until: at(8)}, []string{"2"}, false, 4},
		"between, half open":  {sorted, ExecutionFilter{Since: at(12), Until: at(16)}, []string{"6", "5"}, false, 3},
		"limit":               {sorted, ExecutionFilter{Limit: 3}, []string{"9", "8", "7"}, true, 2},
		"limit is the answer": {sorted, ExecutionFilter{Since: at(16), Limit: 3}, []string{"9", "8", "7"}, false, 2},
		"not in order":        {mixed, ExecutionFilter{Since: at(14)}, []string{"8", "6", "5", "4"}, false, 3},
		"no time":             {[]run{{2, 20}, {1, -1}}, ExecutionFilter{Since: at(1)}, []string{"2"}, true, 1},
		"no time, no matter":  {[]run{{2, 20}, {1, -1}}, ExecutionFilter{}, []string{"2", "1"}, false, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neo := newFakeNeo(t, executionPages(2, tt.runs...))
			runs, more, err := newTestClient(t, neo.URL).Session(everything(t)).ListExecutions(t.Context(), tt.f)
			var got []string
			for _, r := range runs {
				got = append(got, string(r.ID))
			}
			if err != nil || more != tt.more || len(neo.requests()) != tt.sent {
				t.Errorf("more %v, %d requests, %v", more, len(neo.requests()), err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStringID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]StringID{
		`"a-1"`: "a-1", `42`: "42", `90071992547409931234`: "90071992547409931234", `null`: "", `{"a":1}`: "",
		`[1]`: "", `true`: "", `""`: "", `"42"`: "42",
	} {
		got := StringID("before")
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s: %q %v", in, got, err)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 24, 7, 8, 9, 500_000_000, time.UTC)
	for _, in := range []string{`"2026-11-24T07:08:09.5Z"`, `"2026-11-24T08:08:09.5+01:00"`, `"2026-11-24T07:08:09.500000"`, `"2026-11-24 07:08:09.5"`} {
		var got Time
		if err := json.Unmarshal([]byte(in), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for _, in := range []string{`"yesterday"`, `null`, `17`, `{}`, `""`} {
		got := Time{want}
		if err := json.Unmarshal([]byte(in), &got); err != nil || !got.IsZero() {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
}

func TestChapters(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/public-api/agents": `[{"id":42,"name":"Triage","state":"ENABLED","autonomy_type":"AGENTIC","new_field":{"a":[1]},
			"agent_settings":{"x":1}},{"id":"b","name":null,"state":7,"created_at":"odd"},"no object"]`,
		"/public-api/agents/42/versions":     `[{"version":3,"created_at":"2026-11-24T07:00:00Z","by":"ann"}]`,
		"/public-api/agents/42/version-at":   `{"id":"42","name":"Old"}`,
		"/public-api/executions/e1":          `{"execution_id":"e1","agent_id":42,"status":"NEW_STATUS","error":null,"seconds_spent":1.5}`,
		"/public-api/executions/e1/steps":    `[{"step_id":1,"type":"TOOL_CALL","is_error":true,"tool_call_id":null}]`,
		"/public-api/til-requests":           `[{"id":5,"agent_id":"42","approvers":[{"user_id":9,"user_name":"Bo"}],"requested_for":{"x":1},"decided_by":null}]`,
		"/public-api/til-requests/5":         `{"id":"5","decided_by":{"id":1,"name":"Bo"}}`,
		"/public-api/tenant":                 `{"id":"t1","name":"Contoso MSP","region":"eu"}`,
		"/public-api/settings":               `{"timezone":"Europe/Vienna","start_business_hours":8,"end_business_hours":null}`,
		"/public-api/billing/usage":          `{"month":"2026-11","credits_used":12.5,"credits_limit":null,"credits_remaining":87.5}`,
		"/public-api/billing/usage-by-agent": `{"month":"2026-11","agents":[{"agent_id":42,"agent_name":"Triage","credits_consumed":3,"unique_tickets":2}]}`,
	}
	neo := newFakeNeo(t, func(w http.ResponseWriter, r *http.Request) { data(w, json.RawMessage(answers[r.URL.Path])) })
	s := newTestClient(t, neo.URL).Session(everything(t))
	ctx := t.Context()

	agents, _, err := s.ListAgents(ctx, "", 0)
	if err != nil || len(agents) != 3 {
		t.Fatalf("%v %v", agents, err)
	}
	if a := agents[0]; a.ID != "42" || !a.Enabled() || string(a.Settings) != `{"x":1}` || !json.Valid(a.Raw) || len(a.Raw) < 100 {
		t.Errorf("agent %+v", a)
	}
	if a := agents[1]; a.ID != "b" || a.Enabled() || !a.CreatedAt.IsZero() {
		t.Errorf("odd agent %+v", a)
	}
	v, _, err := s.ListAgentVersions(ctx, "42")
	check(t, err, len(v) == 1 && v[0].Version == "3" && len(v[0].Raw) > 10, v)
	old, err := s.GetAgentAt(ctx, "42", "2026-11-01T00:00:00Z")
	check(t, err, old.Name == "Old", old)
	e, err := s.GetExecution(ctx, "e1")
	check(t, err, e.AgentID == "42" && e.Status == "NEW_STATUS" && e.Error == "" && e.SecondsSpent == 1.5, e)
	steps, _, err := s.ListExecutionSteps(ctx, "e1", false)
	check(t, err, len(steps) == 1 && steps[0].ID == "1" && steps[0].IsError, steps)
	tils, _, err := s.ListTilRequests(ctx, TilFilter{Status: "PENDING", After: time.Unix(0, 0), Limit: 5})
	check(t, err, len(tils) == 1 && tils[0].ID == "5" && tils[0].Approvers[0].ID == "9" && tils[0].DecidedBy.Name == "", tils)
	til, err := s.GetTilRequest(ctx, "5")
	check(t, err, til.DecidedBy.Name == "Bo" && til.DecidedBy.ID == "1", til)
	tenant, err := s.GetTenant(ctx)
	check(t, err, tenant.Name == "Contoso MSP" && len(tenant.Raw) > 30, tenant)
	set, err := s.GetSettings(ctx)
	check(t, err, *set.BusinessStart == 8 && set.BusinessEnd == nil, set)
	loc, err := set.Location()
	check(t, err, loc.String() == "Europe/Vienna", loc)
	use, err := s.GetCreditUsage(ctx, "2026-11")
	check(t, err, use.CreditsUsed == 12.5 && use.CreditsLimit == nil && *use.CreditsRemaining == 87.5, use)
	by, err := s.GetCreditUsageByAgent(ctx, "")
	check(t, err, len(by.Agents) == 1 && by.Agents[0].ID == "42" && by.Agents[0].Credits == 3, by)

	want := "GET /public-api/til-requests?created_after=1970-01-01T00%3A00%3A00Z&page_size=200&status=PENDING"
	if got := neo.requests(); !slices.Contains(got, want) {
		t.Errorf("requests %v", got)
	}
}

func check(t *testing.T, err error, ok bool, got any) {
	t.Helper()
	if err != nil || !ok {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLocationNotSet(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd"} {
		loc, err := Settings{Timezone: zone}.Location()
		if err == nil || loc != time.UTC {
			t.Errorf("%q: %v %v", zone, loc, err)
		}
	}
}

// A list within the life of the cache is sent for once and decoded once, and
// what one caller does to his slice is not seen by the next.
func TestListIsDecodedOnce(t *testing.T) {
	t.Parallel()
	neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"id":1,"name":"one"},{"id":2,"name":"two"}],"meta":{}}`)
	})
	c := newTestClient(t, neo.URL, func(cfg *Config) { cfg.Cache = time.Minute })
	session := c.Session(everything(t))
	for range 3 {
		agents, _, err := session.ListAgents(t.Context(), "", 0)
		if err != nil || len(agents) != 2 || agents[0].Name != "one" {
			t.Fatalf("%v, %v", agents, err)
		}
		agents[0].Name = "changed"
	}
	if n := len(neo.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	op, _ := session.Catalog().Operation("list_agents")
	resp, err := session.Read(t.Context(), op.ID, Args{Query: url.Values{"page_size": {"200"}}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := resp.items(op)
	first, second := decodePage[Agent](resp.parsed, page), decodePage[Agent](resp.parsed, page)
	if err != nil || len(resp.parsed.pages) != 1 || &first[0] != &second[0] {
		t.Errorf("decoded again: %v, %v", resp.parsed, err)
	}
}
