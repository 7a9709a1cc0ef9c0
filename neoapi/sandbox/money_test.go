package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"neobot/neoapi/sandbox"
)

func TestCredits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	now := f.ok(http.MethodGet, "/public-api/billing/usage", "")
	used, forecast := now.at("credits_used").(float64), now.at("forecasted_credits").(float64)
	if now.at("month") != "2026-11" || used < 500 || forecast <= used || now.at("credits_limit") != 10000.0 || now.at("credits_remaining") != 10000-used {
		t.Errorf("%s", now.raw)
	}
	for _, month := range []string{"2026-10", "2026-11"} {
		total, sum := f.ok(http.MethodGet, "/public-api/billing/usage?month="+month, "").at("credits_used").(float64), 0.0
		rows := f.ok(http.MethodGet, "/public-api/billing/usage-by-agent?month="+month, "").at("agents").([]any)
		last := 1e9
		for _, r := range rows {
			c := field(r, "credits_consumed").(float64)
			if c > last || field(r, "agent_name") == "" {
				t.Errorf("row %v", r)
			}
			last = c
			sum += c
		}
		if sum != total || len(rows) < 8 {
			t.Errorf("%s: %d agents sum to %v, total %v", month, len(rows), sum, total)
		}
	}
	past := f.ok(http.MethodGet, "/public-api/billing/usage?month=2026-10", "")
	for _, k := range []string{"credits_limit", "credits_remaining", "reserve_balance"} {
		if past.at(k) != nil {
			t.Errorf("past month has %s: %s", k, past.raw)
		}
	}
	f.ok(http.MethodPost, agents+"/106/run-now", "")
	f.clock.Add(time.Minute)
	if after := f.ok(http.MethodGet, "/public-api/billing/usage", "").at("credits_used"); after != used+4 && after != used+5 {
		t.Errorf("a run of 3 credits (and the seeded queued one of 2) brought %v to %v", used, after)
	}
}

// The price is marginal with a floor of 100 USD.
func TestActiveUserCharge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for users, want := range map[int]float64{0: 100, 10: 100, 34: 102, 50: 150, 51: 152.5, 200: 525, 201: 527} {
		f.neo.Mutate(func(s *sandbox.State) { s.Months.Get("2026-11").ActiveUsers = users })
		g := f.ok(http.MethodGet, "/public-api/billing/end-user-teams-usage", "")
		if g.at("charge") != want || g.at("active_users") != float64(users) || g.at("currency") != "USD" {
			t.Errorf("%d users: %s", users, g.raw)
		}
	}
	detail := f.ok(http.MethodGet, "/public-api/billing/end-user-teams/detail?months=3&month=2026-10", "")
	sum := 0.0
	for _, c := range detail.at("per_company").([]any) {
		sum += field(c, "active_users").(float64)
	}
	trend := detail.at("monthly_active_users").([]any)
	if len(trend) != 3 || field(trend[2], "month") != "2026-10" || field(trend[2], "active_users") != sum {
		t.Errorf("companies sum to %v, trend %v", sum, trend)
	}
}

func TestPerformance(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	day := f.ok(http.MethodGet, "/public-api/observability/workflow-performance", "")
	runs, fails := 0.0, 0.0
	for _, r := range day.at("rows").([]any) {
		runs, fails = runs+field(r, "executions").(float64), fails+field(r, "failures").(float64)
	}
	if runs < 20 || fails < 2 || day.at("window", "since") != "2026-11-23T20:30:00Z" || day.at("window", "timezone") != "America/New_York" {
		t.Errorf("%v runs, %v failures, %v", runs, fails, day.at("window"))
	}
	one := f.ok(http.MethodGet, "/public-api/observability/workflow-performance?agent_id=103", "").at("rows").([]any)
	if len(one) != 1 || field(one[0], "agent_name") != "Dispatch" {
		t.Errorf("%v", one)
	}
	week := f.ok(http.MethodGet, "/public-api/performance/workflows?from=2026-11-17T00:00:00Z&to=2026-11-24T00:00:00Z&autonomy_type=AGENTIC", "")
	for _, r := range week.at(0, "rows").([]any) {
		if field(r, "agent_name") == "Ticket triage" {
			t.Errorf("a pipeline among the agentic: %v", r)
		}
	}
	funnel := f.ok(http.MethodGet, "/public-api/observability/callback-funnel", "")
	if funnel.at("received").(float64) < 10 || funnel.at("runs_started").(float64) < 10 {
		t.Errorf("%s", funnel.raw)
	}
	const window = "?from=2026-11-10T00:00:00Z&to=2026-11-25T00:00:00Z"
	msp, users := f.ok(http.MethodGet, "/public-api/performance/chat"+window, ""), f.ok(http.MethodGet, "/public-api/performance/chat/by-user"+window, "").rows()
	turns := 0.0
	for _, u := range users {
		turns += field(u, "total_turns").(float64)
	}
	if msp.at("total_turns") != turns || turns == 0 || field(users[0], "email") != "dana.whitfield@northwind.example" {
		t.Errorf("total %s, users %v", msp.raw, users)
	}
	end := f.ok(http.MethodGet, "/public-api/performance/chat/by-agent"+window+"&audience=end-user", "")
	if len(end.rows()) != 1 || end.at(0, "agent_name") != "Customer chat" {
		t.Errorf("%s", end.raw)
	}
	if weeks := f.ok(http.MethodGet, "/public-api/performance/chat/over-time"+window, "").rows(); len(weeks) != 2 || field(weeks[0], "bucket_start") != "2026-11-16" {
		t.Errorf("%v", weeks)
	}
}

func TestInsights(t *testing.T) {
	t.Parallel()
	const start, result = "/public-api/insights/analyze", "/public-api/insights/result"
	f := newFixture(t)
	if id := f.ok(http.MethodGet, result, "").at("analysis_id"); id != 41.0 {
		t.Errorf("first result is of %v", id)
	}
	id := f.ok(http.MethodPost, start, `{"hourly_rate":60,"period_days":7}`).at("analysis_id")
	if got := f.ok(http.MethodGet, result, "").at("analysis_id"); got != 41.0 {
		t.Errorf("running analysis answered: %v", got)
	}
	f.clock.Add(time.Minute)
	g := f.ok(http.MethodGet, result, "")
	if g.at("analysis_id") != id || g.at("hourly_rate") != 60.0 || g.at("result", "money_saved").(float64) <= 0 {
		t.Errorf("%s", g.raw)
	}
	for _, bad := range []string{`{"hourly_rate":0}`, `{"period_days":400}`, `{"sample_size":0}`} {
		f.refused(422, "validation_error", http.MethodPost, start, bad)
	}
}
