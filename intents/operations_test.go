package intents

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// filled are the form inputs of operations that only call_operation reaches.
// {session} and {callback} stand for ids that the seed makes.
var filled = map[string]map[string]string{
	"delete_agent":                      {"p_agent_id": "110"},
	"create_backfill":                   {"b_target_workflow_id": "101", "b_entity_type": "ticket", "b_filter_spec": "{}"},
	"verify_backfill":                   {"b_entity_type": "ticket", "b_filter_spec": `{"psa_company_id":"19297"}`},
	"get_backfill":                      {"p_backfill_id": "bf-2003"},
	"get_callback":                      {"p_callback_id": "{callback}"},
	"create_channel":                    {"json": `{"audience":"END_USER","internal_name":"litware"}`},
	"get_channel":                       {"p_channel_id": "4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d401"},
	"update_channel":                    {"p_channel_id": "4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d401", "b_description": "For Contoso's people"},
	"delete_channel":                    {"p_channel_id": "4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d402"},
	"create_chat_session":               {"b_managed_agent_key": "NEO_SUPPORT"},
	"create_chat_attachment_upload_url": {"p_session_id": "{session}", "b_content_type": "image/png"},
	"post_chat_message":                 {"p_session_id": "{session}", "b_message": "Status of 48213?", "b_client_message_id": "m1"},
	"create_end_company":                {"b_psa_company_id": "20001", "b_psa_company_name": "Proseware"},
	"delete_end_company":                {"p_psa_company_id": "19417"},
	"update_end_company":                {"p_psa_company_id": "19297", "json": `{"custom_instructions":"Be kind"}`},
	"create_intent":                     {"b_name": "New laptop", "b_surfaces": `["TRIGGERED"]`},
	"delete_intent":                     {"p_intent_id": "intent_3"},
	"get_intent":                        {"p_intent_id": "intent_1"},
	"replace_intent":                    {"p_intent_id": "intent_1", "b_name": "Password reset", "b_surfaces": `["TRIGGERED"]`},
	"schedule_work":                     {"b_workflow_id": "106", "b_scheduled_for": "2026-11-25T09:00:00Z"},
	"get_schema_catalog":                {"p_schema_name": "actions"},
	"get_shared_agent":                  {"p_share_token": "shr_weekly_report_7Qm2"},
	"create_skill":                      {"b_name": "S", "b_slug": "s", "b_files": `[{"path":"SKILL.md","content":"x"}]`},
	"edit_skill_files":                  {"p_skill_id": "skill_1", "b_edits": `[{"file_id":"file_1","old_string":"Oldest","new_string":"Newest"}]`},
	"get_til_request":                   {"p_request_id": "912"},
}

// formOnly are the operations that no intent declares, with their inputs.
func formOnly(t *testing.T) []neoapi.Operation {
	t.Helper()
	catalog, err := neoapi.Embedded()
	check(t, err)
	specs, _, err := bindCatalog()
	check(t, err)
	used := map[string]bool{}
	for _, s := range specs {
		for _, op := range s.Ops {
			used[op] = true
		}
	}
	var out []neoapi.Operation
	for _, op := range catalog.Operations() {
		if !used[op.ID] {
			out = append(out, op)
		}
	}
	return out
}

// Every operation without an intent of its own works through the form: a read
// is answered, to the asker only; a write waits, and when a lead has approved
// it exactly that call reaches Neo. What is closed says why.
func TestEveryOperationByForm(t *testing.T) {
	t.Parallel()
	for _, op := range formOnly(t) {
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, scripted{}, func(f *PolicyFile) {
				f.Approvals.Rules = []RuleFile{{Approvers: []string{"role:lead"}}}
			})
			asked := b.by("riley", intentOf("call_operation", "operation", op.ID))
			_, closed := closedOps[op.ID]
			if closed || op.Group == "api_keys" {
				b.wantCard(asked, adapters.Reply, cards.StatusRefused, "")
				if asked.Card.Summary == "" || len(asked.Card.Buttons) > 0 {
					t.Errorf("a refusal says why and offers nothing: %+v", asked.Card)
				}
				b.wantWrites(0)
				return
			}
			inputs := b.fillIn(filled[op.ID])
			answer := asked
			if len(operationInputs(op)) > 0 {
				b.wantCard(asked, adapters.Reply, cards.StatusQuestion, "Fill in")
				answer = b.press("riley", formButton(b, asked), inputs)
			}
			if op.Access == neoapi.Read {
				b.wantCard(answer, adapters.Private, cards.StatusNone, op.Summary)
				b.wantWrites(0)
				return
			}
			b.approveOne(op, answer, inputs)
		})
	}
}

// approveOne checks that a write waits, and that what is approved is what is sent.
func (b *bench) approveOne(op neoapi.Operation, answer adapters.Answer, inputs map[string]string) {
	b.t.Helper()
	b.wantCard(answer, adapters.Reply, cards.StatusPending, op.Summary)
	b.wantWrites(0)
	own := b.press("riley", button(b.t, answer.Card, "Approve"), nil)
	b.wantCard(own, adapters.Private, cards.StatusRefused, "")
	b.wantWrites(0)
	b.clicks("sam", answer, "Approve")
	if state := b.record(answer).State; state != approvals.Done {
		b.t.Fatalf("state %s: %s", state, mustText(b.record(answer).Result))
	}
	b.wantWrites(1)
	sent := b.writes()[0]
	path := op.Path
	for name, v := range inputs {
		if id, ok := strings.CutPrefix(name, "p_"); ok {
			path = strings.ReplaceAll(path, "{"+id+"}", url.PathEscape(v))
		}
	}
	if sent.Op != op.ID || sent.Method != op.Method || sent.Path != path || !sent.Applied {
		b.t.Errorf("Neo got %+v, want %s %s", sent, op.Method, path)
	}
	var body, want map[string]any
	_ = json.Unmarshal(sent.Body, &body) // no body stays nil
	call, err := operationArgs(op, inputs)
	check(b.t, err)
	_ = json.Unmarshal(call.Body, &want)
	if diff := cmp.Diff(want, body); diff != "" {
		b.t.Errorf("body: %s", diff)
	}
}

// fillIn puts ids of the seed in.
func (b *bench) fillIn(in map[string]string) map[string]string {
	out := map[string]string{}
	b.neo.Mutate(func(s *sandbox.State) {
		ids := []string{"{session}", "", "{callback}", ""}
		for x := range s.Sessions.All() {
			ids[1] = x.ID
			break
		}
		for x := range s.Callbacks.All() {
			ids[3] = x.CallbackID
			break
		}
		for k, v := range in {
			out[k] = strings.NewReplacer(ids...).Replace(v)
		}
	})
	return out
}

// A form with a value that does not fit is refused in words, before anything is planned.
func TestFormRefusesBadValues(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{})
	for op, inputs := range map[string]map[string]string{
		"create_backfill":    {"b_target_workflow_id": "the first one"},
		"create_channel":     {"json": "audience=END_USER"},
		"create_intent":      {"b_name": "x", "b_surfaces": "TRIGGERED, CHAT"},
		"create_end_company": {"b_psa_company_id": "1"},
	} {
		asked := b.by("riley", intentOf("call_operation", "operation", op))
		answer := b.press("riley", formButton(b, asked), inputs)
		if answer.Card.Status != cards.StatusRefused && answer.Card.Status != cards.StatusFailed || answer.Track != "" {
			t.Errorf("%s: %s %s", op, answer.Card.Status, answer.Card.Title)
		}
	}
	b.wantWrites(0)
}
