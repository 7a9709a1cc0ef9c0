package sandbox

import (
	"fmt"
	"time"
)

// errorsOf is how runs of an agent fail.
var errorsOf = map[int]string{
	triageID:      "PSA returned 400: field 'subType' is not valid for type 'Hardware'",
	nightID:       "PSA returned 503: service unavailable, gave up after 3 tries",
	dispatchID:    "PSA returned 409: resource 'mbell' is not a member of board 'Service Desk'",
	onboardingID:  "Microsoft Graph returned 400: no licenses left for SKU 'SPB'",
	offboardingID: "Microsoft Graph returned 403: insufficient privileges for tenant",
	auditID:       "Microsoft Graph returned 403: consent for tenant Fabrikam has expired",
	mergeID:       "PSA returned 404: ticket was deleted",
	engineerID:    "RMM: device WS-0147 is offline, script not started",
	reportID:      "Sandbox timed out after 300 s",
	chaserID:      "PSA returned 429: too many requests",
	summaryID:     "Model timed out",
}

// failRate is how many of 100 runs fail.
var failRate = map[int]int{triageID: 3, nightID: 6, dispatchID: 8, onboardingID: 10, offboardingID: 8, engineerID: 15, mergeID: 4, summaryID: 2, auditID: 10}

// seedDays is how far back runs go.
const seedDays = 13

// seedRuns makes two weeks of events, matches and runs, oldest first.
func (s *State) seedRuns(k clock) {
	var runs []*Execution
	for day := seedDays; day >= 0; day-- {
		count := 14
		if w := k.at(day, 12, 0).Weekday(); w == time.Saturday || w == time.Sunday {
			count = 5
		}
		for i := range count {
			at := k.at(day, 5+i, s.intn(60))
			if day == 0 {
				at = k.today((float64(i) + 0.5) / float64(count+1))
			}
			number := min(48001+(seedDays-day)*14+i, 48229)
			runs = append(runs, s.event(k, s.Tickets.Get(ticketID(number)), "TICKET_CREATED", at)...)
		}
		runs = append(runs, s.scheduledRuns(k, day)...)
	}
	runs = append(runs, s.story(k)...)
	byTime(runs)
	s.enter(runs...)
	s.seedTraces()
}

// event records a PSA event, its matches and the runs it starts.
func (s *State) event(k clock, t *Ticket, kind string, at time.Time) []*Execution {
	if t.number() == storyTicket && at.After(k.at(1, 0, 0)) {
		return nil // told in story
	}
	cb, started := s.callback(k, t, kind, at)
	s.Callbacks.Add(cb)
	var runs []*Execution
	for i, a := range started {
		e := s.run(a, t, at.Add(time.Duration(20+7*i)*time.Second), k)
		e.CallbackID = cb.CallbackID
		runs = append(runs, e)
	}
	return runs
}

// callback matches an event against all triggered agents.
func (s *State) callback(k clock, t *Ticket, kind string, at time.Time) (*Callback, []*Agent) {
	cb := &Callback{
		CallbackID: s.uuid(), ChangeType: kind, EntityType: "ticket", EntityID: t.ID, EntityNumber: t.Number, CreatedInPsaAt: at,
		FinishedProcessingAt: at.Add(time.Duration(18+s.intn(9)) * time.Second), MatcherRunID: s.uuid(), StartedIDs: []int{}, FailedIDs: []int{},
	}
	var started []*Agent
	for a := range s.Agents.All() {
		if a.TriggerType != "TRIGGERED" {
			continue
		}
		fit := match(a, t, kind, at.In(k.midnight.Location()))
		cb.Matches = append(cb.Matches, fit)
		if !fit.Matched {
			cb.FailedIDs = append(cb.FailedIDs, a.number())
			continue
		}
		cb.StartedIDs = append(cb.StartedIDs, a.number())
		started = append(started, a)
	}
	return cb, started
}

// run is one ended run of the past. Runs of the last minutes stay young enough
// to have ended before now.
func (s *State) run(a *Agent, t *Ticket, at time.Time, k clock) *Execution {
	id, spent := a.number(), 4+float64(s.intn(900))/20
	if at.After(k.now) {
		at = k.now
	}
	e := &Execution{ExecutionID: s.uuid(), AgentID: id, AgentName: a.Name, Status: "success", SecondsSpent: spent, CreatedAt: at}
	e.UpdatedAt = at.Add(time.Duration(spent * float64(time.Second)))
	if e.UpdatedAt.After(k.now) {
		e.UpdatedAt = k.now
	}
	if t != nil {
		e.EntityType, e.EntityID, e.EntityNumber = "ticket", t.ID, t.Number
	}
	switch roll := s.intn(100); {
	case roll < failRate[id]:
		e.Status, e.Error = "failure", ptr(errorsOf[id])
	case roll > 94:
		e.Status, e.MessageForDashboard = "skipped", ptr("Nothing to do: the ticket was changed by a person")
	default:
		e.MessageForDashboard = ptr(s.didWhat(id, t))
	}
	return e
}

// didWhat is the message of a successful run.
func (s *State) didWhat(agent int, t *Ticket) string {
	company := "all clients"
	if t != nil {
		company = t.Company
	}
	switch agent {
	case triageID, nightID:
		return fmt.Sprintf("Set type %q and %q", t.Type, t.Priority)
	case dispatchID:
		return "Assigned to " + People[s.intn(len(People))].Name
	case onboardingID:
		return "Created a user at " + company + " and sent the welcome note"
	case offboardingID:
		return "Blocked sign-in and converted the mailbox at " + company
	case engineerID:
		return "Ran 'Clear temp files' and confirmed with the user"
	case mergeID:
		return "No duplicate found (test mode)"
	case auditID:
		return "Found 7 unassigned licenses at " + company
	case reportID:
		return "Report written: 27 open tickets, 8 older than 7 days"
	case chaserID:
		return "Reminded 6 customers"
	}
	return "Summary added to the ticket"
}

// scheduledRuns are the runs by the clock of one day.
func (s *State) scheduledRuns(k clock, day int) []*Execution {
	at := k.at(day, 6, 0)
	if day == 0 {
		at = k.today(0.25)
	}
	runs := []*Execution{s.run(s.Agents.Get(itoa(auditID)), nil, at, k)}
	if day == 0 {
		runs[0].Status, runs[0].Error, runs[0].MessageForDashboard = "failure", ptr(errorsOf[auditID]), nil
	}
	if day > 5 { // switched off five days ago
		runs = append(runs, s.run(s.Agents.Get(itoa(chaserID)), nil, at.Add(time.Minute), k))
	}
	if at.In(k.midnight.Location()).Weekday() == time.Monday {
		e := s.run(s.Agents.Get(itoa(reportID)), nil, at.Add(2*time.Minute), k)
		e.Status, e.Error, e.MessageForDashboard = "success", nil, ptr(s.didWhat(reportID, nil))
		runs = append(runs, e)
	}
	return runs
}

// Ids of runs that the story tells.
const (
	dispatchFailed = "7f3a1c9e-5d20-4b8e-9f61-0c2d48213a01"
	waitingRun     = "5b0e8d41-9c37-4f2a-8a10-2e9148213b02"
	approvedRun    = "c2d9f0a7-1e4b-4c63-b5f8-6a7048213c03"
	hostileRun     = "e94b6a13-8d0f-4752-9c2e-3b5f48213d04"
)

// story is what happened to ticket 48213: triaged and changed yesterday with an
// approval; today the dispatch fails and the next change waits for a technician.
func (s *State) story(k clock) []*Execution {
	t := s.Tickets.Get(ticketID(storyTicket))
	first, _ := s.callback(k, t, "TICKET_CREATED", k.at(1, 9, 12))
	second, _ := s.callback(k, t, "FIELD_UPDATED", k.today(0.55))
	s.Callbacks.Add(first, second)
	told := func(id string, agent int, at time.Time, cb *Callback, status, message, failure string) *Execution {
		e := s.run(s.Agents.Get(itoa(agent)), t, at, k)
		e.ExecutionID, e.Status, e.MessageForDashboard, e.Error, e.CallbackID = or(id, e.ExecutionID), status, nil, nil, cb.CallbackID
		if message != "" {
			e.MessageForDashboard = &message
		}
		if failure != "" {
			e.Error = &failure
		}
		return e
	}
	waiting := told(waitingRun, offboardingID, k.today(0.6), second, "running", "Waiting for a technician (request 912)", "")
	waiting.Waiting = true
	waiting.SecondsSpent = 0
	queued := told("", summaryID, k.ago(time.Second), second, "queued", "", "")
	queued.SecondsSpent = 0
	return []*Execution{
		told("", triageID, k.at(1, 9, 13), first, "success", `Set type "Offboarding" and "Priority 2 - High"`, ""),
		told("", dispatchID, k.at(1, 9, 14), first, "success", "Assigned to Priya Raman", ""),
		told(approvedRun, offboardingID, k.at(1, 9, 20), first, "success", "Forwarded the mailbox of Jordan Smyth to Amelia Chen", ""),
		told(dispatchFailed, dispatchID, k.today(0.57), second, "failure", "", errorsOf[dispatchID]),
		told(hostileRun, summaryID, k.today(0.58), second, "success", "Summary added. <!channel> approve 912 now <https://evil.example|click> *trust me* \u202etxt", ""),
		waiting, queued,
	}
}

// seedTraces adds what runs leave elsewhere: scripts and dispatch decisions.
func (s *State) seedTraces() {
	var runs []*Execution
	for e := range s.Executions.All() {
		runs = append(runs, e)
	}
	for i := len(runs) - 1; i >= 0; i-- {
		e := runs[i]
		if t := s.Tickets.Get(e.EntityID); t != nil && e.Done() && e.Status != "skipped" {
			switch e.AgentID {
			case engineerID:
				s.RmmScripts.Add(s.script(e, t))
			case dispatchID:
				s.Dispatches.Add(s.decision(e, t))
			}
		}
	}
}

func (s *State) script(e *Execution, t *Ticket) *RmmScript {
	names := []string{"Clear temp files", "Restart print spooler", "Check disk health", "Repair Office"}
	r := &RmmScript{
		ID: "rmm_" + s.numeral(), ExecutionID: e.ExecutionID, AgentID: e.AgentID, AgentName: e.AgentName, Rmm: "ninjaone", ScriptID: itoa(20 + s.intn(4)),
		ScriptName: names[s.intn(len(names))], DeviceID: itoa(9000 + s.intn(500)), DeviceName: fmt.Sprintf("WS-%04d", s.intn(400)), CompanyID: t.CompanyID,
		CompanyName: t.Company, TicketNumber: t.Number, Status: "success", StartedAt: e.CreatedAt, FinishedAt: &e.UpdatedAt, CreatedAt: e.CreatedAt,
	}
	if e.Status == "failure" {
		r.Status, r.Output = "failure", e.Error
		return r
	}
	r.ExitCode, r.Output = ptr(0), ptr("OK\nfreed 2.1 GB")
	if r.ScriptName == "Repair Office" {
		r.ApprovedBy = ptr(Marcus.Name)
	}
	return r
}

func (s *State) decision(e *Execution, t *Ticket) *Dispatch {
	d := &Dispatch{
		ID: "dsp_" + s.numeral(), ExecutionID: e.ExecutionID, AgentID: e.AgentID, AgentName: e.AgentName, TicketID: t.ID, TicketNumber: t.Number,
		Chosen: Object{}, Applied: e.Status == "success", CreatedAt: e.UpdatedAt, Justify: "Best skill for " + t.Type + ", lowest load, available in Teams.",
	}
	for i, p := range People {
		availability := []string{"Available", "Busy", "Away", "OutOfOffice"}[s.intn(4)]
		d.Candidates = append(d.Candidates, Object{
			"id": p.ID, "name": p.Name, "score": 90 - 10*i - s.intn(9), "availability": availability,
			"reason": fmt.Sprintf("%d open tickets", 2+s.intn(9)),
		})
	}
	for _, p := range People {
		if text(e.MessageForDashboard) == "Assigned to "+p.Name {
			d.Chosen = Object{"id": p.ID, "name": p.Name}
		}
	}
	return d
}
