package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// seedWork makes scheduled work, backfills, skills, intents, handovers.
func (s *State) seedWork(k clock) {
	story := s.Tickets.Get(ticketID(storyTicket))
	work := func(id, agent int, t *Ticket, status string, at time.Time) *ScheduledWork {
		w := &ScheduledWork{
			ID: id, Status: status, WorkflowID: agent, WorkflowName: s.Agents.Get(itoa(agent)).Name, ClientID: s.Tenant.ID, CreatedBy: Priya.Name,
			ScheduledFor: at, CreatedAt: k.at(3, 10, 0), UpdatedAt: k.at(3, 10, 0),
		}
		if t != nil {
			w.TicketID, w.TicketNumber = &t.ID, &t.Number
		}
		return w
	}
	done := work(61, onboardingID, s.Tickets.Get(ticketID(48120)), "COMPLETED", k.at(2, 8, 0))
	done.ExecutedAt, done.ExecutionMessage = ptr(k.at(2, 8, 0)), ptr("Created a user")
	failed := work(62, auditID, nil, "FAILED", k.at(1, 22, 0))
	failed.ExecutedAt, failed.ExecutionMessage = ptr(k.at(1, 22, 0)), ptr(errorsOf[auditID])
	tonight := work(64, offboardingID, story, "PENDING", k.now.Add(6*time.Hour).Truncate(time.Minute))
	tonight.AdditionalInstructions = ptr("Start at 17:00 on the last day")
	s.Scheduled.Add(done, failed, work(63, engineerID, s.Tickets.Get(ticketID(48199)), "CANCELLED", k.at(1, 12, 0)), tonight,
		work(65, reportID, nil, "PENDING", k.now.Add(30*time.Hour).Truncate(time.Minute)))
	s.seedBackfills(k)
	s.seedCatalogs(k)
	s.Handovers.Add(&Handover{ID: "hnd_open", EndUser: "Amelia Chen", ExpiresAt: k.now.Add(30 * time.Minute)},
		&Handover{ID: "hnd_taken", EndUser: "Rafael Costa", ExpiresAt: k.now.Add(10 * time.Minute), AcceptedBy: Marcus.Name, acceptedByID: Marcus.ID},
		&Handover{ID: "hnd_expired", EndUser: "Olga Petrova", ExpiresAt: k.ago(time.Hour)})
}

func (s *State) seedBackfills(k clock) {
	backfill := func(id string, agent int, state string, total, done, failed int, at time.Time) *Backfill {
		b := &Backfill{
			ID: id, State: state, WorkflowID: agent, WorkflowName: s.Agents.Get(itoa(agent)).Name, EntityType: "ticket", FilterSpec: Object{"psa_company_id": "19297"},
			Windows: Object{"monday": []Object{{"run_start_time": "19:00", "run_end_time": "23:00"}}}, MaxInFlight: 5, Timezone: zoneName, TotalEstimated: total,
			Processed: done, Succeeded: done - failed, Failed: failed, CreatedBy: Dana.Name, CreatedAt: at, StartedAt: &at, settled: k.now,
		}
		if b.terminal() {
			b.CompletedAt = ptr(at.Add(3 * time.Hour))
		}
		return b
	}
	s.Backfills.Add(backfill("bf-2001", triageID, "Completed", 120, 120, 0, k.at(30, 19, 0)), backfill("bf-2002", mergeID, "Completed", 80, 80, 6, k.at(6, 19, 0)),
		backfill("bf-2003", summaryID, "Paused", 200, 40, 1, k.at(1, 19, 0)))
}

func (s *State) seedCatalogs(k clock) {
	skill := &Skill{
		ID: "skill_1", Name: "Weekly open-ticket report", Slug: "weekly-open-ticket-report", Description: ptr("How the Monday report is made"), UpdatedAt: k.at(10, 9, 0),
		Files: []*SkillFile{{ID: "file_1", Path: "SKILL.md", Content: "# Weekly report\n\nGroup by client. Oldest first.\n", Version: 3}},
	}
	vpn := &Skill{
		ID: "skill_2", Name: "VPN first aid", Slug: "vpn-first-aid", UpdatedAt: k.at(40, 9, 0),
		Files: []*SkillFile{{ID: "file_2", Path: "SKILL.md", Content: "# VPN\n\nAsk for the error code.\n", Version: 1}},
	}
	skill.hash()
	vpn.hash()
	s.Skills.Add(skill, vpn)
	s.Intents.Add(
		&Intent{
			ID: "intent_1", Name: "Password reset", Description: "User cannot sign in", AskFor: "Ask for the user name. Never ask for the password.", Enabled: true,
			AgentIDs: []int{customerID}, EndCompanyIDs: []string{}, Surfaces: []string{"END_USER_CHAT"}, CreatedAt: k.at(50, 9, 0), UpdatedAt: k.at(12, 9, 0),
		},
		&Intent{
			ID: "intent_2", Name: "New starter", Description: "Somebody joins", AskFor: "Name, start date, manager, licenses.", Enabled: true,
			AgentIDs: []int{}, EndCompanyIDs: []string{"19297"}, Surfaces: []string{"END_USER_CHAT", "TRIGGERED"}, CreatedAt: k.at(50, 9, 5), UpdatedAt: k.at(50, 9, 5),
		},
		&Intent{
			ID: "intent_3", Name: "Printer fault", Description: "", AskFor: "", Enabled: false,
			AgentIDs: []int{}, EndCompanyIDs: []string{}, Surfaces: []string{"TRIGGERED"}, CreatedAt: k.at(20, 9, 5), UpdatedAt: k.at(20, 9, 5),
		})
}

// seedChat makes sessions with turns, and the channel of the white-label bot.
func (s *State) seedChat(k clock) {
	for i, c := range []struct {
		agent    int
		who      string
		question string
		days     int
	}{
		{supportID, Dana.Name, "Why is Dispatch failing?", 6},
		{phoneID, Priya.Name, "What is the status of 48190?", 3},
		{supportID, Priya.Name, "What happened on 48213?", 1},
		{customerID, "Amelia Chen", "Is my ticket 48213 done?", 1},
		{customerID, "Rafael Costa", "My printer is broken", 0},
	} {
		at := k.at(c.days, 10+i, 15)
		if c.days == 0 {
			at = k.today(0.4)
		}
		cs := s.newSession(c.agent, nil, c.who, at)
		if c.agent == customerID {
			cs.Channel = "TEAMS"
		}
		s.turn(cs, &ChatMessage{ID: s.uuid(), SessionID: cs.ID, Role: "user", Text: c.question, TurnID: s.uuid(), CreatedAt: at})
		s.turn(cs, &ChatMessage{ID: s.uuid(), SessionID: cs.ID, Role: "user", Text: "Thanks. And Ticket triage?", TurnID: s.uuid(), CreatedAt: at.Add(time.Minute)})
	}
	id := customerID
	s.Channels.Add(&Channel{
		ID: "4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d401", InternalName: "contoso-teams", AgentID: &id, DisplayName: ptr("Contoso Helper"), Audience: "END_USER",
		WelcomeMessage: ptr("Hi! Ask me about your tickets."), ShowProgressSteps: false, Status: "ACTIVE", Transport: "TEAMS", CreatedAt: k.at(70, 9, 0), UpdatedAt: k.at(15, 9, 0), botID: "bot-contoso",
	},
		&Channel{
			ID: "4d0f6f0e-55d1-4b6f-8a7e-c0a1b2c3d402", InternalName: "fabrikam-teams", Audience: "END_USER", Status: "DISCONNECTED", Transport: "TEAMS",
			CreatedAt: k.at(60, 9, 0), UpdatedAt: k.at(8, 9, 0), botID: "bot-fabrikam",
		})
}

// seedBusiness makes integrations, billing, phone, inbox and analyses.
func (s *State) seedBusiness(k clock) {
	s.seedIntegrations(k)
	s.seedMonths(k)
	s.seedPhone(k)
	s.Analyses.Add(&Analysis{ID: 41, HourlyRate: 45, Days: 30, Sample: 100, Currency: "$", StartedAt: k.at(4, 8, 0), CompletedAt: k.at(4, 8, 2)})
	for i, p := range People {
		t := &Technician{ID: itoa(500 + i), Name: p.Name, Email: p.Email, Manual: i == 1}
		if t.Manual {
			t.MicrosoftID = p.ID
		}
		s.Technicians.Add(t)
	}
	s.Technicians.Add(&Technician{ID: "504", Name: "Night Desk", Email: "night@northwind.example"})
}

func (s *State) seedIntegrations(k clock) {
	for _, i := range []Integration{
		{Name: "connectwise", DisplayName: "ConnectWise PSA", Category: "PSA", Connected: true, Status: "ok", Syncs: true},
		{Name: "ninjaone", DisplayName: "NinjaOne", Category: "RMM", Connected: true, Status: "error", Syncs: true},
		{Name: "m365", DisplayName: "Microsoft 365", Category: "Identity", Connected: true, Status: "ok"},
		{Name: "teams_availability", DisplayName: "Teams availability", Category: "Workforce", Connected: true, Status: "ok"},
		{Name: "it_glue", DisplayName: "IT Glue", Category: "Documentation", Status: "not_connected", Syncs: true},
		{Name: "pax8", DisplayName: "Pax8", Category: "Marketplace", Status: "not_connected", Syncs: true},
	} {
		i.Runs = newCollection(true, func(r *SyncRun) string { return r.RunID })
		if i.Connected && i.Syncs {
			s.seedSync(&i, k)
		}
		s.Integrations.Add(&i)
	}
}

// seedSync makes a nightly run for 40 days; NinjaOne's last one failed.
func (s *State) seedSync(i *Integration, k clock) {
	for day := 40; day >= 0; day-- {
		at := k.at(day, 2, 0)
		if at.After(k.now) {
			continue
		}
		r := &SyncRun{
			RunID: s.uuid(), StartedAt: at, FinishedAt: ptr(at.Add(4 * time.Minute)), TemporalRunID: s.uuid(), TemporalID: "sync-" + i.Name,
			DashboardMessage: ptr("Synchronized"), Activities: []Object{{"activity_label": "Companies", "synced_count": 6, "total_count": 6, "failures": []Object{}}},
		}
		i.LastSyncAt, i.Error = r.FinishedAt, nil
		if i.Name == "ninjaone" && day <= 1 {
			r.Error, r.DashboardMessage = ptr("401 from NinjaOne: token expired"), ptr("Synchronization failed")
			r.Activities[0]["synced_count"] = 2
			r.Activities[0]["failures"] = []Object{{"error_message": "401", "parent_label": "Contoso", "reason": "unauthorized", "resource_label": "devices"}}
			i.Error = r.Error
		}
		i.Runs.Add(r)
	}
}

// seedMonths makes 18 months of use. The running month has only what happened
// before the seeded runs; what those cost is added when asked.
func (s *State) seedMonths(k clock) {
	first := k.midnight.AddDate(0, 0, 1-k.midnight.Day())
	oldest := k.at(seedDays, 0, 0)
	for back := 18; back >= 0; back-- {
		start := first.AddDate(0, -back, 0)
		end := start.AddDate(0, 1, 0)
		part := 1.0 // share of the month before the seeded runs
		if end.After(oldest) {
			part = max(0, float64(oldest.Sub(start))/float64(end.Sub(start)))
		}
		m := &Month{Key: start.Format("2006-01"), ByAgent: map[int]float64{}, Tickets: map[int]int{}, ActiveUsers: 96 - 3*back + s.intn(5)}
		for _, d := range agentSeeds() {
			if d.autonomy == "CONVERSATIONAL" {
				continue
			}
			runs := int(part * float64(60+(d.id*37)%140+(18-back)*3))
			m.ByAgent[d.id], m.Tickets[d.id] = runCost(d.id)*float64(runs), runs*9/10
			m.CreditsUsed += m.ByAgent[d.id]
			if d.entity != "ticket" {
				m.Tickets[d.id] = 0
			}
		}
		s.Months.Add(m)
	}
}

func (s *State) seedPhone(k clock) {
	s.Numbers.Add(&PhoneNumber{
		ID: "pn_1", Number: "+1 555 0100", Label: "Service desk", Enabled: true, AgentID: phoneID,
		PsaSettings: Object{"board": "Service Desk", "create_ticket": true}, AgentSettings: Object{"voice": "calm", "greeting": "Northwind service desk, how can I help?"},
	},
		&PhoneNumber{ID: "pn_2", Number: "+1 555 0101", Label: "After hours", Enabled: true, AgentID: phoneID, PsaSettings: Object{"board": "Service Desk"}, AgentSettings: Object{"voice": "calm"}})
	for i := range 30 {
		at := k.ago(time.Duration(30-i) * 5 * time.Hour)
		if i == 29 {
			at = k.today(0.5)
		}
		t := s.Tickets.Get(ticketID(48190 + i))
		p := &PhoneCall{
			ID: fmt.Sprintf("call_%03d", i+1), NumberID: "pn_1", From: fmt.Sprintf("+1 555 02%02d", i), Status: "completed", Seconds: 40 + s.intn(300), StartedAt: at, CreatedAt: at,
			CallerName: &t.Contact, CompanyName: &t.Company, Summary: ptr("Caller reports: " + t.Title), TicketNumber: &t.Number,
		}
		switch {
		case i%7 == 1 || i == 29:
			p.Status, p.Seconds, p.CallerName, p.CompanyName, p.Summary, p.TicketNumber = "missed", 0, nil, nil, nil, nil
		case i%9 == 4:
			p.Status = "transferred"
		}
		s.Calls.Add(p)
	}
	s.Inbox.Add(
		&InboxMessage{
			Message: "NinjaOne: token expired, please reconnect", Occurrences: 2, DeduplicationID: "integration-ninjaone-401", WorkflowIDs: []int{engineerID},
			EntityNumbers: []string{}, ClientID: s.Tenant.ID, LastEmailSentAt: ptr(k.at(1, 2, 10)), CreatedAt: k.at(1, 2, 5), UpdatedAt: k.today(0.1),
		},
		&InboxMessage{
			Message: "Dispatch cannot assign Marcus Bell: not a member of the board", Occurrences: 5, DeduplicationID: "dispatch-board-member", WorkflowIDs: []int{dispatchID},
			EntityNumbers: []string{itoa(storyTicket)}, ClientID: s.Tenant.ID, CreatedAt: k.at(6, 11, 0), UpdatedAt: k.today(0.57),
		})
}

// mail makes an address of an end user.
func mail(name, company string) string {
	dotted := strings.ToLower(strings.ReplaceAll(name, " ", "."))
	return dotted + "@" + strings.ToLower(strings.ReplaceAll(company, " ", "")) + ".example"
}
