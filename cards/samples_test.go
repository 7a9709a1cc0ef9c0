package cards

import (
	"fmt"
	"strings"
)

// Samples of every kind of card the bot shows. The names are the names of the
// golden files and of the pictures in docs/cards.

const sampleID = "Zk3vQ0pXJr9sT2mLw8YbCg"

func approvalButtons() []Button {
	return []Button{
		{Label: "Approve", Action: ActionApprove, ID: sampleID, Style: StylePrimary},
		{Label: "Reject…", Action: ActionReject, ID: sampleID, Style: StyleDanger},
		{Label: "Withdraw", Action: ActionWithdraw, ID: sampleID},
	}
}

const instructionsBefore = `You are the triage agent of Northwind MSP.

Read every new ticket, set board, type and priority, and answer the requester once.
Treat anything from a VIP contact as priority 2 or higher.
Never close a ticket. Never promise a time.
When the ticket mentions ransomware, page the on-call engineer at once and stop.
Write in the language of the requester, in at most five sentences, without headings.`

func pendingCard() Card {
	return Card{
		Title:   "Update agent “Ticket Triage”",
		Status:  StatusPending,
		Summary: "Dana Whitfield asks to change 4 settings of this agent. Nothing has been sent to Neo yet.",
		Fields: []Field{
			{"Asked by", "Dana Whitfield"},
			{"Asked in", "#service-desk"},
			{"Agent", "Ticket Triage"},
			{"Agent id", "agt_01J9ZC4T7Q"},
			{"Approvers", "1 of: Priya Nair, Tom Becker"},
			{"Expires", "today 17:42 (in 8 hours)"},
		},
		Changes: []Change{
			{"Enabled", "true", "false"},
			{"Model", "neo-standard", "neo-large"},
			{"Note to technicians", "", "Paused for the migration weekend"},
			{"Instructions", instructionsBefore, strings.Replace(instructionsBefore, "page the on-call engineer at once and stop", "add a private note and continue", 1)},
		},
		Buttons: approvalButtons(),
		Footer:  []string{"Request Zk3vQ0pXJr9s", "PUT /public-api/agents/agt_01J9ZC4T7Q", "2026-11-24 09:42"},
	}
}

func agentItem(name, detail string, st Status, label, id string) Item {
	return Item{Title: name, Detail: detail, Status: st, Button: &Button{Label: label, Action: ActionContinue, ID: id}}
}

func samples() map[string]Card {
	testMode := pendingCard()
	testMode.TestMode = true
	testMode.Summary = "Dana Whitfield asks to change 2 settings of this agent."
	testMode.Changes = testMode.Changes[:2]
	testMode.Body = []Block{{
		Heading: "The call that would be made",
		Code:    "PUT /public-api/agents/agt_01J9ZC4T7Q\n{\n  \"enabled\": false,\n  \"model\": \"neo-large\"\n}",
	}}
	return map[string]Card{
		"pending":   pendingCard(),
		"test-mode": testMode,
		"done": {
			Title: "Agent “Ticket Triage” is now disabled", Status: StatusDone,
			Summary: "Neo confirms the change: the agent was read back after the write.",
			Fields: []Field{
				{"Asked by", "Dana Whitfield"},
				{"Approved by", "Priya Nair, 09:44"},
				{"Agent", "Ticket Triage"},
				{"Agent id", "agt_01J9ZC4T7Q"},
			},
			Changes: []Change{{"Enabled", "true", "false"}},
			Buttons: []Button{{Label: "Undo…", Action: ActionContinue, ID: "undo-Zk3vQ0pXJr9s"}},
			Footer:  []string{"Request Zk3vQ0pXJr9s", "2026-11-24 09:44"},
		},
		"failed": {
			Title: "Agent “Ticket Triage” was not changed", Status: StatusFailed,
			Summary: "Neo refused the change: the model “neo-large” is not part of your plan. Choose another model or ask your Neo account manager.",
			Fields:  []Field{{"Approved by", "Priya Nair, 09:44"}, {"Neo says", "422 MODEL_NOT_AVAILABLE"}},
			Changes: []Change{{"Model", "neo-standard", "neo-large"}},
			Buttons: []Button{{Label: "Escalate to Neo…", Action: ActionForm, ID: "esc-Zk3vQ0pXJr9s"}},
			Footer:  []string{"Request Zk3vQ0pXJr9s", "Neo request req_8f2c11d0"},
		},
		"unknown": {
			Title: "Nobody can tell whether “Nightly Patch Run” started", Status: StatusUnknown,
			Summary: "The call was sent, but Neo's answer was lost, and starting an agent is never sent twice. Look at its executions before you ask again.",
			Fields:  []Field{{"Agent", "Nightly Patch Run"}, {"Sent", "09:44:07"}},
			Links:   []Link{{"Executions of this agent", "https://app.neoagent.io/agents/agt_01J9ZD/executions"}},
			Buttons: []Button{{Label: "Show its executions", Action: ActionContinue, ID: "runs-agt_01J9ZD"}},
			Footer:  []string{"Request 9sT2mLw8YbCg"},
		},
		"rejected": {
			Title: "Update agent “Ticket Triage”", Status: StatusRejected,
			Summary: "Priya Nair said no: “Not before the migration weekend. Ask again on Monday.”",
			Fields:  []Field{{"Asked by", "Dana Whitfield"}, {"Rejected by", "Priya Nair, 09:51"}},
			Changes: []Change{{"Enabled", "true", "false"}},
			Footer:  []string{"Request Zk3vQ0pXJr9s", "Nothing was sent to Neo"},
		},
		"agents": {
			Title: "12 agents, 9 enabled", Summary: "Sorted by name.",
			Body: []Block{{Items: []Item{
				agentItem("Dispatch Assistant", "enabled · last run 09:31, done · 41 runs today", StatusDone, "Inspect", "c1"),
				agentItem("New User Onboarding", "enabled · last run 08:02, failed · 3 runs today", StatusFailed, "Inspect", "c2"),
				agentItem("Nightly Patch Run", "disabled by Tom Becker on 21 Nov", StatusExpired, "Inspect", "c3"),
				agentItem("Ticket Triage", "enabled · running now · 118 runs today", StatusWorking, "Inspect", "c4"),
			}}},
			Buttons: []Button{{Label: "Show 8 more", Action: ActionContinue, ID: "more1"}},
			Footer:  []string{"Read from Neo at 09:42"},
		},
		"execution": {
			Title: "Why “New User Onboarding” failed at 08:02", Status: StatusFailed, AIGenerated: true,
			Summary: "Step 3 of 5 failed because the license pool for Microsoft 365 Business Premium is empty. Steps 1 and 2 are done and need no repeat.",
			Fields:  []Field{{"Ticket", "#48213 New starter: J. Alvarez"}, {"Took", "41 s"}, {"Company", "Fabrikam Dental"}, {"Execution", "exe_01JA7M0T2X"}},
			Body: []Block{
				{Heading: "Steps", Items: []Item{
					{Title: "Read the ticket", Detail: "2 s", Status: StatusDone},
					{Title: "Create the account", Detail: "11 s · j.alvarez@fabrikam.example", Status: StatusDone},
					{Title: "Assign the license", Detail: "28 s · no license available", Status: StatusFailed},
					{Title: "Add to groups", Detail: "not started", Status: StatusNone},
				}},
				{Heading: "Error of step 3", Code: "POST /users/j.alvarez/assignLicense\n400 Request_BadRequest\nSubscription SPB has 0 available licenses."},
			},
			Links: []Link{{"Open in Neo", "https://app.neoagent.io/executions/exe_01JA7M0T2X"}},
			Buttons: []Button{
				{Label: "Retry…", Action: ActionContinue, ID: "retry1", Style: StylePrimary},
				{Label: "Escalate to Neo…", Action: ActionForm, ID: "esc1"},
			},
			Footer: []string{"Read from Neo at 09:42"},
		},
		"table": {
			Title: "Credits in November", Summary: "61,240 of 100,000 credits used.",
			Body: []Block{{Table: &Table{
				Columns: []string{"Agent", "Runs", "Credits", "Share"},
				Rows: [][]string{
					{"Ticket Triage", "2,481", "31,020", "51 %"},
					{"Dispatch Assistant", "1,106", "18,455", "30 %"},
					{"New User Onboarding", "74", "9,310", "15 %"},
					{"Nightly Patch Run", "21", "2,455", "4 %"},
				},
			}}},
			Footer: []string{"Usage from 1 to 24 Nov, time zone America/Chicago"},
		},
		"choices": {
			Title: "Which “Triage” do you mean?", Status: StatusQuestion,
			Summary: "Three agents match. Nothing has been changed.",
			Body: []Block{{Items: []Item{
				agentItem("Ticket Triage", "enabled · agt_01J9ZC4T7Q", StatusNone, "This one", "p1"),
				agentItem("Ticket Triage", "disabled · agt_01J8AA90RS", StatusNone, "This one", "p2"),
				agentItem("Phone Triage", "enabled · agt_01J7KQ2M3N", StatusNone, "This one", "p3"),
			}}},
			Footer: []string{"Answered by the built-in router"},
		},
		"refusal": {
			Title: "You may not change agents here", Status: StatusRefused,
			Summary: "Changing an agent needs Read / Write on Agents. You have Read Only in this channel. Tom Becker or Priya Nair can grant it.",
			Fields:  []Field{{"Permission group", "Agents"}, {"You have", "Read Only"}, {"Needed", "Read / Write"}, {"Limited by", "channel #service-desk"}},
			Buttons: []Button{{Label: "What may I do?", Action: ActionContinue, ID: "perm1"}},
		},
		"help": {
			Title: "What you can ask", Summary: "Ask in plain words. Anything that changes Neo waits for an approval.",
			Body: []Block{
				{Heading: "Agents", Items: []Item{
					{Title: "list agents", Detail: "all agents with their last run"},
					{Title: "disable Ticket Triage", Detail: "asks for approval first"},
				}},
				{Heading: "Executions", Items: []Item{
					{Title: "what failed today?", Detail: "by agent, ticket, status or time"},
					{Title: "why did the onboarding of 8:02 fail?", Detail: "steps and the error in words"},
				}},
				{Heading: "Help from people", Text: "“escalate” sends a ticket to the Neo team. You see every word before it leaves."},
			},
			Buttons: []Button{{Label: "What may I do?", Action: ActionContinue, ID: "perm1"}, {Label: "Pending approvals", Action: ActionContinue, ID: "pend1"}},
		},
		"chart":   chartCard(),
		"home":    homeCard(),
		"hostile": hostileCard(),
		"long":    longCard(),
	}
}

// hostileCard holds what somebody could write into a name, a ticket or an agent
// to fool the approver.
func hostileCard() Card {
	return Card{
		Title:   "Update agent <!channel> *Ticket* \u202Eegairt\u202C",
		Status:  StatusPending,
		Summary: "Asked by @here <https://evil.example|Priya Nair> [approved](https://evil.example) :white_check_mark:",
		Fields: []Field{
			{"Agent", "Ticket Triage\nApproved by: Priya Nair"}, {"Agent id", "agt_01\u200BJ9"}, {"Note", "{{DATE(2026-11-24T09:42:00Z,SHORT)}} <at>Priya</at>"},
		},
		Changes: []Change{
			{"Enabled", "true → true", "false "},
			{"Board", "Service\u00a0Desk", "Service Desk"},
			{"Name", "טריאז׳", "מיון"},
			{"Instructions", strings.Repeat("Be polite to everybody. ", 60) + "Ask before you delete.", strings.Repeat("Be polite to everybody. ", 60) + "Never ask before you delete."},
		},
		Links:   []Link{{"Open in Neo", "https://app.neoagent.io/agents"}, {"Click", "javascript:alert(1)"}},
		Buttons: approvalButtons(),
	}
}

// longCard does not fit into any message.
func longCard() Card {
	c := Card{Title: "Failed runs of the last 30 days", Summary: "640 runs failed.", Buttons: []Button{{Label: "Show more", Action: ActionContinue, ID: "more2"}}, Footer: []string{"Read from Neo at 09:42"}}
	t := &Table{Columns: []string{"When", "Agent", "Ticket", "Error"}}
	for i := range 640 {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("Nov %d", 1+i%30), "New User Onboarding", fmt.Sprintf("#%d", 48000+i), "No license available for Microsoft 365 Business Premium"})
	}
	c.Body = []Block{{Table: t}}
	return c
}

// chartCard has a chart of every kind, two of them with names that try to be more.
func chartCard() Card {
	days := []string{"Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22", "Mon 23", "Tue 24"}
	month := make([]string, 30)
	var use, pace []float64
	for i := range month {
		month[i] = fmt.Sprintf("%d Nov", i+1)
		pace = append(pace, float64(i+1)*2.4)
		if i < 24 {
			use = append(use, float64((i*i*7)%61)+2)
		}
	}
	return Card{
		Title: "This week in numbers", Summary: "190 runs, 11 failed. Tuesday was the worst day.",
		Body: []Block{
			{Heading: "Runs per day", Chart: &Chart{
				Kind: ChartBars, Unit: "runs", Labels: days,
				Series: []Series{{"succeeded", StatusDone, []float64{31, 28, 30, 9, 7, 41, 33}}, {"failed", StatusFailed, []float64{1, 0, 2, 0, 1, 2, 5}}},
			}},
			{Heading: "Credits", Chart: &Chart{
				Kind: ChartRows, Unit: "credits", Labels: []string{"Used so far", "At this pace", "Limit"}, Series: []Series{{"", StatusNone, []float64{7345.5, 9180, 10000}}},
			}},
			{Heading: "Questions per day", Chart: &Chart{
				Kind: ChartLine, Labels: month, Series: []Series{{"questions", StatusNone, use}, {"plan", StatusExpired, pace}},
			}},
			{Heading: "Failures <!channel>", Chart: &Chart{
				Kind: ChartRows, Unit: "%", Labels: []string{"<https://evil.example|Triage>", "*Triage* :tada:", "*Triage* :tada:", "{{DATE(2026-11-24T09:42:00Z)}}", "Tri\u202Eega"},
				Series: []Series{{"", StatusFailed, []float64{25, 18.2, 8, 2, 0}}},
			}},
		},
		Footer: []string{"Read from Neo at 09:42"},
	}
}

func homeCard() Card {
	return Card{
		Title: "neobot", Summary: "Ask me in a direct message or mention me in a channel.",
		Body: []Block{
			{Heading: "Waiting for you (2)", Items: []Item{
				agentItem("Update agent “Ticket Triage”", "Dana Whitfield · expires 17:42", StatusPending, "Open", "h1"),
				agentItem("Run RMM script “Clear spooler” on 3 devices", "Neo, for ticket #48219 · expires 12:00", StatusPending, "Open", "h2"),
			}},
			{Heading: "What you may do", Table: &Table{
				Columns: []string{"Group", "Level"},
				Rows:    [][]string{{"Agents", "Read / Write"}, {"Executions", "Read Only"}, {"Billing", "Disabled"}},
			}},
			{Heading: "Last runs", Items: []Item{
				{Title: "Ticket Triage", Detail: "09:41 · ticket #48221", Status: StatusDone},
				{Title: "New User Onboarding", Detail: "08:02 · ticket #48213", Status: StatusFailed},
			}},
		},
		Buttons: []Button{{Label: "List agents", Action: ActionContinue, ID: "a1"}, {Label: "What failed today?", Action: ActionContinue, ID: "a2"}},
		Footer:  []string{"Updated 09:42"},
	}
}

// forms are the dialogs.
func forms() map[string]Form {
	return map[string]Form{
		"form-reject": {
			Title: "Reject the change", Submit: "Reject", Action: ActionReject, ID: sampleID,
			Intro:  []Block{{Text: "Update agent “Ticket Triage”, asked by Dana Whitfield. The reason is shown on the card."}},
			Inputs: []Input{{Name: "reason", Label: "Reason", Kind: InputMultiline, Hint: "Seen by everybody in the channel", Max: 500}},
		},
		"form-escalate": {
			Title: "Escalate to Neo", Submit: "Send to Neo", Action: ActionForm, ID: "esc-Zk3vQ0pXJr9s",
			Intro: []Block{
				{Text: "This leaves your company and goes to the Neo team, exactly as it stands below."},
				{Heading: "Attached", Items: []Item{{Title: "Execution exe_01JA7M0T2X", Detail: "id and error only"}, {Title: "Neo request req_8f2c11d0"}}},
			},
			Inputs: []Input{
				{Name: "summary", Label: "Summary", Kind: InputText, Value: "Onboarding fails: no license available", Max: 120},
				{Name: "details", Label: "Details", Kind: InputMultiline, Value: "Since 08:02 every run of New User Onboarding stops at step 3.\nWe have 4 free licenses in the portal.", Max: 3000},
				{Name: "severity", Label: "How bad is it?", Kind: InputSelect, Value: "normal", Options: []Option{
					{"Question", "low"}, {"Something does not work", "normal"}, {"We cannot work", "high"},
				}},
				{Name: "cc", Label: "Copy to", Kind: InputText, Optional: true, Hint: "An e-mail address of your company"},
			},
		},
	}
}
