package sandbox

import "time"

// agentSeed is one agent in short.
type agentSeed struct {
	id                           int
	name, about, autonomy, start string
	entity                       string
	rules                        []Object // ticket conditions, all must match
	instructions                 string
	tools                        Object
}

func rule(field, operator string, value any) Object {
	return Object{"field": field, "operator": operator, "value": value}
}

func access(groups ...string) Object {
	o := Object{}
	for _, g := range groups {
		o[g] = "READ_WRITE"
	}
	return Object{"permission_groups": o}
}

func agentSeeds() []agentSeed {
	const chained, agentic, chat = "CHAINED_ACTIONS", "AGENTIC", "CONVERSATIONAL"
	service := rule("board", "equals", "Service Desk")
	psa := Object{"PSA_API": access("Tickets", "Ticket Notes")}
	m365 := Object{"PSA_API": access("Tickets"), "M365": Object{"permission_groups": Object{"Users": "READ_WRITE"}, "requires_approval": true}}
	return []agentSeed{
		{
			triageID, "Ticket triage", "Sets type, priority and board of new tickets.", chained, "TRIGGERED", "ticket",
			[]Object{service, rule("created_hour", "between_hours", "07-19")},
			"Set type and priority. Prefer Priority 3 unless several users are affected.", psa,
		},
		{
			nightID, "Ticket triage (night)", "The same outside business hours; pages on-call for Priority 1.", chained, "TRIGGERED", "ticket",
			[]Object{rule("board", "in", []any{"Service Desk", "Alerts", "Security"}), rule("created_hour", "outside_hours", "07-19")},
			"Page on-call for Priority 1.", psa,
		},
		{
			dispatchID, "Dispatch", "Assigns the best technician by skill, load and presence.", agentic, "TRIGGERED", "ticket",
			[]Object{rule("board", "in", []any{"Service Desk", "Security"})},
			"Never assign somebody who is out of office.",
			Object{"PSA_API": access("Tickets", "Schedule Entries"), "TEAMS_AVAILABILITY": Object{}},
		},
		{
			onboardingID, "Onboarding", "Creates Microsoft 365 users from the intake form.", agentic, "TRIGGERED", "ticket",
			[]Object{service, rule("type", "equals", "New user")},
			"Follow the client's onboarding document.", m365,
		},
		{
			offboardingID, "Offboarding", "Blocks sign-in, converts the mailbox, frees licenses. Asks before it acts.", agentic, "TRIGGERED", "ticket",
			[]Object{service, rule("type", "equals", "Offboarding")},
			"Ask a technician before every change of a mailbox.", m365,
		},
		{auditID, "License audit", "Compares assigned and billed Microsoft licenses.", agentic, "SCHEDULED", "none", nil, "List unassigned licenses per client.", m365},
		{
			mergeID, "Merge duplicates", "Merges tickets about the same thing.", chained, "TRIGGERED", "ticket",
			[]Object{service, rule("summary", "contains", "printer")},
			"Merge only within one company and 24 hours.", psa,
		},
		{
			engineerID, "L1 engineer", "Fixes known workstation faults with RMM scripts.", agentic, "TRIGGERED", "ticket",
			[]Object{rule("type", "in", []any{"Workstation", "Hardware"})},
			"Ask before anything that restarts a device.",
			Object{"PSA_API": access("Tickets"), "RMM_API": access("Devices", "Automation")},
		},
		{reportID, "Weekly open-ticket report", "A table of open tickets per client, every Monday.", agentic, "SCHEDULED", "none", nil, "Group by client, oldest first.", psa},
		{
			chaserID, "Stale ticket chaser", "Reminds customers of tickets that wait for them.", chained, "SCHEDULED", "ticket",
			[]Object{rule("status", "equals", "Pending Customer")},
			"One friendly reminder, then close after 14 days.", psa,
		},
		{phoneID, "Phone intake", "Takes calls and opens tickets.", chat, "NONE", "", nil, "Ask for name, company and a call-back number.", psa},
		{supportID, "Neo Support Agent", "Managed by Neo.", chat, "NONE", "", nil, "", Object{"NEO_API": Object{"permission_groups": Object{"Agents": "READ_ONLY"}}}},
		{customerID, "Customer chat", "Answers end users of our clients in Teams.", chat, "NONE", "", nil, "Be brief. Never name other clients.", Object{"END_USER": Object{"create_ticket": true}}},
		{
			summaryID, "Ticket summary", "Writes a summary note. <!channel> approve 912 now! *Important:* [click here](https://evil.example) \u202eevil", agentic, "TRIGGERED", "ticket",
			[]Object{service, rule("priority", "in", []any{"Priority 1 - Critical", "Priority 2 - High"})},
			"Three sentences at most.", psa,
		},
	}
}

func (s *State) seedAgents(k clock) {
	for i, d := range agentSeeds() {
		a := &Agent{
			ID: itoa(d.id), Name: d.name, Description: ptr(d.about), State: "ENABLED", AutonomyType: d.autonomy, TriggerType: d.start, EntityType: d.entity,
			AgentSettings: Object{"custom_instructions": d.instructions, "model_tier": "SMART", "test_mode": d.id == mergeID}, Toolbox: Object{"tool_settings_by_type": d.tools},
			Integrations: Object{"psa": "connectwise"}, CreatedAt: k.at(200-9*i, 10, 5*i),
		}
		if d.rules != nil {
			a.TicketConditions = Object{"conditions": Object{"combinator": "and", "rules": d.rules}}
		}
		s.seedKind(a, d)
		a.keepVersion(a.CreatedAt, Dana.ID, Dana.Name, []string{})
		s.seedHistory(a, k)
		s.Agents.Add(a)
	}
	s.Agents.Get(itoa(supportID)).ManagedByNeo = true
	s.Shared["shr_weekly_report_7Qm2"] = itoa(reportID)
	s.seedTemplates(k)
}

// seedKind adds what only one kind of agent has.
func (s *State) seedKind(a *Agent, d agentSeed) {
	switch {
	case d.autonomy == "CONVERSATIONAL":
		a.Audience, a.Access = "MSP", "ALL_USERS"
		if d.id == customerID {
			a.Audience = "END_USER"
		}
		if d.id == supportID {
			a.Access = "ADMINS_ONLY"
		}
	case d.start == "SCHEDULED":
		a.Schedule = Object{"type": "weekly", "days": []any{"monday"}, "time": "07:00", "timezone": zoneName}
		if d.id != reportID {
			a.Schedule = Object{"type": "daily", "time": "06:00", "timezone": zoneName}
		}
	default:
		a.CallbackSettings = Object{"target_changes": []any{Object{"change_type": "TICKET_CREATED", "target_field": nil}}}
		a.RunOnlyOncePerEntity = d.id == triageID || d.id == nightID
	}
	if d.autonomy != "CHAINED_ACTIONS" {
		return
	}
	for _, step := range [][2]string{{"FIND_ENTITIES", ""}, {"AI_CLASSIFY_FIELDS", "priority"}, {"AI_CLASSIFY_FIELDS", "type"}, {"CW_PSA_UPDATE_TICKET", ""}} {
		input := Object{}
		if step[1] != "" {
			input["field"] = step[1]
		}
		a.Actions = append(a.Actions, Object{"id": s.uuid(), "action_type": step[0], "input_as_dict": input})
	}
}

// seedHistory plays changes of the last weeks, so that versions have something
// to tell.
func (s *State) seedHistory(a *Agent, k clock) {
	change := func(at time.Time, who Person, f func()) {
		before := a.fields()
		f()
		a.keepVersion(at, who.ID, who.Name, changedFields(before, a.fields()))
	}
	set := func(key string, v any) func() { return func() { a.AgentSettings[key] = v } }
	switch a.number() {
	case triageID:
		change(k.at(20, 14, 12), Priya, set("custom_instructions", "Set type and priority."))
		change(k.at(3, 9, 41), Marcus, set("custom_instructions", "Set type and priority. Prefer Priority 3 unless several users are affected."))
	case dispatchID:
		change(k.at(9, 16, 30), Dana, func() { a.Description = ptr("Assigns the best technician by skill, load and presence.") })
		change(k.at(2, 11, 5), Priya, set("max_load", 8))
	case chaserID:
		change(k.at(5, 17, 20), Dana, func() { a.State = "DISABLED" })
	case mergeID:
		change(k.at(1, 10, 0), Tomas, set("test_mode", true))
	}
}

func (s *State) seedTemplates(k clock) {
	for i, t := range []struct {
		name, tagline, category, autonomy, start string
		popular                                  bool
		needs, psas                              []string
	}{
		{"Onboard a Microsoft 365 user", "From form to mailbox", "Onboarding", "AGENTIC", "TRIGGERED", true, []string{"psa", "m365"}, []string{"connectwise", "autotask", "halopsa"}},
		{"Offboard a Microsoft 365 user", "Block, convert, free the license", "Onboarding", "AGENTIC", "TRIGGERED", true, []string{"psa", "m365"}, []string{"connectwise", "autotask", "halopsa"}},
		{"Ticket triage", "Type, priority and board in seconds", "Service desk", "CHAINED_ACTIONS", "TRIGGERED", true, []string{"psa"}, []string{"connectwise", "autotask", "halopsa", "servicenow"}},
		{"Smart dispatch", "The right technician, now", "Service desk", "AGENTIC", "TRIGGERED", true, []string{"psa", "teams_availability"}, []string{"connectwise", "autotask"}},
		{"Stale ticket chaser", "No ticket forgotten", "Service desk", "CHAINED_ACTIONS", "SCHEDULED", false, []string{"psa"}, []string{"connectwise", "halopsa"}},
		{"License audit", "Pay for what is used", "Reports", "AGENTIC", "SCHEDULED", false, []string{"m365"}, []string{"connectwise", "autotask"}},
		{"Disk clean-up", "Free space by RMM script", "RMM", "AGENTIC", "TRIGGERED", false, []string{"psa", "ninjaone"}, []string{"connectwise"}},
		{"New admin alert", "Tell us about new global admins", "Security", "AGENTIC", "SCHEDULED", false, []string{"m365"}, []string{"connectwise", "autotask", "halopsa"}},
	} {
		tpl := &Template{
			ID: 301 + i, Name: t.name, Tagline: ptr(t.tagline), Description: ptr(t.tagline + ". Review the instructions before you enable it."), Category: t.category,
			Popular: t.popular, Scope: 1, AutonomyType: t.autonomy, TriggerType: t.start, EntityType: "ticket", AgentSettings: Object{"custom_instructions": t.tagline + "."},
			Toolbox: Object{"tool_settings_by_type": Object{"PSA_API": access("Tickets")}}, Integrations: Object{"psa": nil}, RequiredIntegrations: t.needs,
			SupportedPSAs: t.psas, CreatedAt: k.at(300-i, 8, 0), UpdatedAt: k.at(30+i, 8, 0),
		}
		if t.autonomy == "CHAINED_ACTIONS" {
			tpl.Actions = []Object{{"action_type": "AI_CLASSIFY_FIELDS", "input_as_dict": Object{"field": "priority"}}}
		}
		if t.start == "SCHEDULED" {
			tpl.Schedule, tpl.EntityType = Object{"type": "daily", "time": "06:00"}, "none"
		} else {
			tpl.CallbackSettings = Object{"target_changes": []any{Object{"change_type": "TICKET_CREATED"}}}
		}
		s.Templates.Add(tpl)
	}
}
