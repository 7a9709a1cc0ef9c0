package intents

import (
	"encoding/json"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

// servedWith is the OpenAPI file of Neo with something changed.
func servedWith(t *testing.T, change func(paths map[string]any)) json.RawMessage {
	t.Helper()
	var doc map[string]any
	check(t, yaml.Unmarshal(neoapi.Document(), &doc))
	change(doc["paths"].(map[string]any))
	return mustJSON(doc)
}

// Neo's API changes under the bot: a field is added, an operation is removed, a
// path is renamed. It is reported, what is gone is said in a sentence by the
// intents that need it and by no other, and it comes back without a restart.
func TestAPIChangeIsSurvived(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{})
	b.neo.ServeDocument(servedWith(t, func(paths map[string]any) {
		agent := paths["/public-api/agents/{agent_id}"].(map[string]any)
		put := agent["put"].(map[string]any)
		put["parameters"] = append(anyList(put["parameters"]), map[string]any{
			"name": "dry_run", "in": "query", "schema": map[string]any{"type": "boolean"},
		})
		delete(paths, "/public-api/billing/usage")
		paths["/public-api/agent-templates"] = paths["/public-api/templates"]
		delete(paths, "/public-api/templates")
	}))
	drift, err := b.s.Neo.Drift(t.Context())
	check(t, err)
	if !slices.Contains(drift.Missing, "get_credit_usage") || !slices.Contains(drift.Missing, "list_templates") {
		t.Errorf("missing: %v", drift.Missing)
	}
	if !slices.Contains(drift.New, "GET /public-api/agent-templates") {
		t.Errorf("new: %v", drift.New)
	}
	if !slices.ContainsFunc(drift.Changed, func(d neoapi.OperationDrift) bool { return d.Op == "update_agent" }) {
		t.Errorf("changed: %+v", drift.Changed)
	}
	for _, in := range []Intent{intentOf("credit_usage"), intentOf("list_templates"), intentOf("start_template", "template", "License audit"), intentOf("call_operation", "operation", "get_credit_usage")} {
		got := b.by("riley", in)
		if got.Card.Status != cards.StatusFailed || got.Card.Summary != "This Neo does not offer that operation (any more)." {
			t.Errorf("%s: %s %s: %s", in.Name, got.Card.Status, got.Card.Title, got.Card.Summary)
		}
	}
	// The digest goes on with what there is; the other intents do not notice.
	b.wantCard(b.by("riley", intentOf(intentDigest)), adapters.Reply, cards.StatusNone, "Technician requests")
	for _, in := range []Intent{intentOf("list_agents"), intentOf("list_runs"), intentOf("settings"), intentOf("teams_users")} {
		b.wantCard(b.by("riley", in), adapters.Reply, cards.StatusNone, "")
	}
	asked := b.by("riley", intentOf("disable_agent", "agent", "License audit"))
	b.clicks("sam", asked, "Approve")
	if state := b.record(asked).State; state != approvals.Done {
		t.Errorf("a write that is still there: %s", state)
	}
	b.wantWrites(1)

	b.neo.ServeDocument(servedWith(t, func(map[string]any) {}))
	drift, err = b.s.Neo.Drift(t.Context())
	check(t, err)
	if !drift.Empty() {
		t.Errorf("still %+v", drift)
	}
	b.wantCard(b.by("riley", intentOf("credit_usage")), adapters.Reply, cards.StatusNone, "credits used")
}

func anyList(v any) []any { l, _ := v.([]any); return l }

// What is approved while its operation disappears is not sent, and says so.
func TestOperationGoneBeforeApproval(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{})
	asked := b.by("riley", intentOf("disable_agent", "agent", "License audit"))
	b.neo.ServeDocument(servedWith(t, func(paths map[string]any) {
		delete(paths["/public-api/agents/{agent_id}"].(map[string]any), "put")
	}))
	_, err := b.s.Neo.Drift(t.Context())
	check(t, err)
	b.clicks("sam", asked, "Approve")
	if state := b.record(asked).State; state != approvals.Failed {
		t.Errorf("state %s", state)
	}
	b.wantWrites(0)
}
