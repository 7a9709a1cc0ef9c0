package intents

import (
	"net/http"
	"net/http/httptest"
	"strings"

	"neobot/neoapi/sandbox"
)

// place is where a text can stand in Neo, and the questions that show it.
type place struct {
	plant func(a *arena, text string)
	say   string   // in words, for the routers
	asks  []Intent // as an intent
	name  bool     // an agent's name, the only data a model is given
}

func intentOf(name string, pairs ...string) Intent {
	in := Intent{Name: name, Args: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		in.Args[pairs[i]] = pairs[i+1]
	}
	return in
}

func inState(f func(s *sandbox.State, text string)) func(*arena, string) {
	return func(a *arena, text string) { a.neo.Mutate(func(s *sandbox.State) { f(s, text) }) }
}

func inAgent(f func(x *sandbox.Agent, text string)) func(*arena, string) {
	return func(a *arena, text string) { a.neo.SetAgent("106", func(x *sandbox.Agent) { f(x, text) }) }
}

// everyRun changes the runs of License audit; the newest one failed with the text.
func everyRun(f func(e *sandbox.Execution, text string)) func(*arena, string) {
	return inState(func(s *sandbox.State, text string) {
		for e := range s.Executions.All() {
			if e.AgentID == 106 {
				f(e, text)
			}
		}
	})
}

var places = map[string]place{
	"agent_name": {
		plant: inAgent(func(x *sandbox.Agent, text string) { x.Name = text }), name: true,
		say: "which agents are there?", asks: []Intent{intentOf("list_agents"), intentOf("list_runs"), intentOf("reliability"), intentOf(intentDigest)},
	},
	"agent_description": {
		plant: inAgent(func(x *sandbox.Agent, text string) { x.Description = &text }),
		say:   "show license audit", asks: []Intent{intentOf("show_agent", "agent", "License audit"), intentOf("list_agents")},
	},
	"agent_instructions": {
		plant: inAgent(func(x *sandbox.Agent, text string) { x.AgentSettings["custom_instructions"] = text }),
		say:   "show license audit", asks: []Intent{intentOf("show_agent", "agent", "License audit"), intentOf("compare_agent", "agent", "License audit")},
	},
	"template": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Templates.All() {
				x.Tagline, x.Description = &text, &text
			}
		}),
		say: "which templates are there?", asks: []Intent{intentOf("list_templates"), intentOf("show_template", "template", "Onboard a Microsoft 365 user")},
	},
	"run_error": {
		plant: everyRun(func(e *sandbox.Execution, text string) { e.Status, e.Error = "error", &text }),
		say:   "why did the last license audit run fail?", asks: []Intent{intentOf("explain_run", "agent", "License audit"), intentOf("list_runs", "agent", "License audit")},
	},
	"run_message": {
		plant: everyRun(func(e *sandbox.Execution, text string) {
			e.Status, e.Error, e.MessageForDashboard = "success", nil, &text
		}),
		say: "what did license audit do?", asks: []Intent{intentOf("explain_run", "agent", "License audit"), intentOf("list_runs", "agent", "License audit")},
	},
	"step_message": { // the last step repeats the run's error
		plant: everyRun(func(e *sandbox.Execution, text string) {
			e.Status, e.Error, e.MessageForDashboard = "error", &text, &text
		}),
		say: "explain the last license audit run", asks: []Intent{intentOf("explain_run", "agent", "License audit"), intentOf("run_decisions", "agent", "License audit")},
	},
	"artifact": {
		plant: inState(func(s *sandbox.State, text string) {
			for e := range s.Executions.All() {
				if e.AgentID == 103 {
					e.Status, e.Error, e.MessageForDashboard = "success", nil, &text
				}
			}
		}),
		say: "what did the last dispatch run produce?", asks: []Intent{intentOf("run_artifacts", "agent", "Dispatch")},
	},
	"ticket_text": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Tickets.All() {
				x.Title = text
			}
			for x := range s.TilRequests.All() {
				x.RequestedFor["action"], x.RequestedFor["ticket_title"] = text, text
			}
		}),
		say: "what is waiting for a technician on ticket 48213", asks: []Intent{intentOf("list_requests"), intentOf("list_runs", "ticket", "48213"), intentOf("explain_run", "ticket", "48213")},
	},
	"callback": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Callbacks.All() {
				for i := range x.Matches {
					x.Matches[i].WorkflowName, x.Matches[i].MatchReason = text, text
				}
			}
		}),
		say: "why did dispatch not run on ticket 48213?", asks: []Intent{intentOf("why_run", "ticket", "48213"), intentOf("why_run", "ticket", "48213", "agent", "Dispatch")},
	},
	"rmm": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.RmmScripts.All() {
				x.ScriptName, x.DeviceName, x.Output, x.ApprovedBy = text, text, &text, &text
			}
		}),
		say: "which RMM scripts ran?", asks: []Intent{intentOf("rmm_scripts")},
	},
	"dispatch": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Dispatches.All() {
				x.Justify = text
			}
		}),
		say: "dispatch decisions", asks: []Intent{intentOf("dispatch_decisions")},
	},
	"scheduled": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Scheduled.All() {
				x.Status, x.AdditionalInstructions, x.WorkflowName, x.CreatedBy = "PENDING", &text, text, text
			}
		}),
		say: "what is scheduled?", asks: []Intent{intentOf("scheduled_work")},
	},
	"backfill": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Backfills.All() {
				x.WorkflowName, x.CreatedBy = text, text
			}
		}),
		say: "backfills", asks: []Intent{intentOf("backfills"), intentOf("pause_backfill", "backfill", "bf-2003"), intentOf("pause_backfill")},
	},
	"request": {
		plant: inRequests(func(x *sandbox.TilRequest, text string) { x.RequestedFor["action"] = text }),
		say:   "show request 918", asks: []Intent{intentOf("show_request", "request", "918"), intentOf("list_requests")},
	},
	"request_reason": {
		plant: inRequests(func(x *sandbox.TilRequest, text string) {
			x.RequestedFor["reason"], x.RequestedFor["company"] = text, text
		}),
		say: "show request 918", asks: []Intent{intentOf("show_request", "request", "918"), intentOf("list_requests")},
	},
	"request_approver": {
		plant: inRequests(func(x *sandbox.TilRequest, text string) {
			for _, p := range x.Approvers {
				p["user_name"] = text
			}
		}),
		say: "show request 918", asks: []Intent{intentOf("show_request", "request", "918"), intentOf("list_requests")},
	},
	"chat_title": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Sessions.All() {
				x.Title, x.UserName = &text, text
			}
		}),
		say: "show the chat sessions", asks: []Intent{intentOf("chat_sessions"), intentOf("chat_session", "session", "printer")},
	},
	"chat_message": {
		plant: plantChat,
		say:   "show the chat sessions", asks: []Intent{intentOf("chat_session", "session", mark+" chat")},
	},
	"company_instructions": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Companies.All() {
				x.CustomInstructions, x.ChatInstructions = &text, &text
			}
		}),
		say: "show company contoso", asks: []Intent{intentOf("company", "company", "Contoso")},
	},
	"company_name": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Companies.All() {
				x.PsaCompanyName = text
			}
		}),
		say: "which companies are set up?", asks: []Intent{intentOf("companies"), intentOf("company", "company", "Contoso")},
	},
	"notice": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Inbox.All() {
				x.Message, x.EntityNumbers = text, []string{text}
			}
		}),
		say: "any notices from Neo?", asks: []Intent{intentOf("notices")},
	},
	"skill": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Skills.All() {
				x.Description = &text
				for _, f := range x.Files {
					f.Path, f.Content = text, text
				}
			}
		}),
		say: "which skills do we have?", asks: []Intent{intentOf("skills"), intentOf("show_skill", "skill", "Weekly open-ticket report")},
	},
	"intake": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Intents.All() {
				x.Name, x.Description = text, text
			}
		}),
		say: "which intake forms are there?", asks: []Intent{intentOf("intake_forms")},
	},
	"channel_name": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Channels.All() {
				x.InternalName, x.DisplayName = text, &text
			}
		}),
		say: "which channels are active?", asks: []Intent{intentOf("channels")},
	},
	"integration_error": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Integrations.All() {
				x.Error = &text
			}
		}),
		say: "which integrations are connected?", asks: []Intent{intentOf("integrations")},
	},
	"sync_message": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Integrations.All() {
				for r := range x.Runs.All() {
					r.Error, r.DashboardMessage = &text, &text
				}
			}
		}),
		say: "did ConnectWise sync?", asks: []Intent{intentOf("sync_runs", "integration", "ConnectWise")},
	},
	"phone_summary": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Calls.All() {
				x.Summary, x.CallerName, x.CompanyName = &text, &text, &text
			}
		}),
		say: "phone calls", asks: []Intent{intentOf("phone_calls")},
	},
	"phone_greeting": {
		plant: inState(func(s *sandbox.State, text string) {
			for x := range s.Numbers.All() {
				x.Label = text
				x.AgentSettings["greeting"] = text
			}
		}),
		say: "phone numbers", asks: []Intent{intentOf("phone_numbers")},
	},
	"tenant_name": {
		plant: inState(func(s *sandbox.State, text string) { s.Settings.HumanFriendlyClientName = &text }),
		say:   "settings", asks: []Intent{intentOf("settings"), intentOf("change_setting", "setting", "start of business hours", "value", "7")},
	},
}

func inRequests(f func(x *sandbox.TilRequest, text string)) func(*arena, string) {
	return inState(func(s *sandbox.State, text string) {
		for x := range s.TilRequests.All() {
			f(x, text)
		}
	})
}

// plantChat writes the text into a session of its own, as a user of Neo's chat
// would. These posts are not the bot's, so they are not counted.
func plantChat(a *arena, text string) {
	call := func(path, body string) {
		r := httptest.NewRequestWithContext(a.t.Context(), http.MethodPost, "/public-api"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer neo_sk_test_key")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.neo.ServeHTTP(w, r)
		if w.Code >= 300 {
			a.t.Fatalf("plant: %d %s", w.Code, w.Body)
		}
		a.before++
	}
	id := ""
	a.neo.Mutate(func(s *sandbox.State) {
		for x := range s.Sessions.All() {
			id = x.ID
			title := mark + " chat"
			x.Title = &title
			return
		}
	})
	a.turn++
	call("/chat/sessions/"+id+"/messages", mustText(map[string]any{"message": text, "client_message_id": "m" + itoa(a.turn)}))
}
