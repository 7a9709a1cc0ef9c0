package sandbox

import (
	"fmt"
	"strconv"
	"time"
	_ "time/tzdata" // the tenant's zone must load in an image without zone files
)

// Person is one of the MSP's people.
type Person struct {
	ID    string // Entra object id, as in approvers[].user_id
	Name  string
	Email string
}

// The people of the seed. Dana is the dashboard admin; all are technicians.
var (
	Priya  = Person{"8f0b6c1e-2d34-4a57-9b1c-5e7a90c4d101", "Priya Raman", "priya.raman@northwind.example"}
	Marcus = Person{"3c9d27aa-61f8-4e0b-8a44-b1c2e6f7d202", "Marcus Bell", "marcus.bell@northwind.example"}
	Dana   = Person{"d41a5b90-7c2e-4f13-a6d8-90e1f2a3d303", "Dana Whitfield", "dana.whitfield@northwind.example"}
	Tomas  = Person{"52e7f8c4-0b9a-4d6c-b3e1-7f8091a2d404", "Tomás Oliveira", "tomas.oliveira@northwind.example"}
	People = []Person{Priya, Marcus, Dana, Tomas}
)

func personByEmail(email string) *Person {
	for i := range People {
		if People[i].Email == email {
			return &People[i]
		}
	}
	return nil
}

// Agent ids of the seed.
const (
	triageID = 101 + iota
	nightID
	dispatchID
	onboardingID
	offboardingID
	auditID
	mergeID
	engineerID
	reportID
	chaserID
	phoneID
	supportID
	customerID
	summaryID
)

// zoneName is the tenant's time zone.
const zoneName = "America/New_York"

// clock gives the times of the seed, relative to now in the tenant's zone.
type clock struct {
	now      time.Time // UTC, whole milliseconds
	midnight time.Time // of today
}

// today is a moment between midnight and now: 0 is midnight, 1 is now. So
// "today" has runs at any hour.
func (k clock) today(part float64) time.Time {
	return k.midnight.Add(time.Duration(part * float64(k.now.Sub(k.midnight)))).UTC().Truncate(time.Second)
}

// at is a local time some days ago.
func (k clock) at(daysAgo, hour, minute int) time.Time {
	m := k.midnight
	return time.Date(m.Year(), m.Month(), m.Day()-daysAgo, hour, minute, 0, 0, m.Location()).UTC()
}

// ago is a moment before now.
func (k clock) ago(d time.Duration) time.Time { return k.now.Add(-d).Truncate(time.Second) }

// seed makes the data of the invented MSP.
func seed(cfg Config) (*State, error) {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	s := emptyState()
	s.zone, s.random, s.serial = zone, uint64(cfg.Seed)*0x9e3779b97f4a7c15+1, 5000 //nolint:gosec // any bits will do as a seed
	now := cfg.Now().UTC().Truncate(time.Millisecond)
	local := now.In(zone)
	k := clock{now, time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)}
	s.keys.Add(&apiKey{ID: "key_1", Name: "neobot", CreatedAt: k.at(60, 9, 0), secret: cfg.Key})
	s.seedTenant(k)
	s.seedCompanies()
	s.seedAgents(k)
	s.seedTickets()
	s.seedRuns(k)
	s.seedTil(k)
	s.seedWork(k)
	s.seedChat(k)
	s.seedBusiness(k)
	return s, nil
}

func emptyState() *State {
	return &State{
		Agents: newCollection(false, func(a *Agent) string { return a.ID }), Shared: map[string]string{}, Outcomes: map[string]Outcome{}, files: map[string]*file{},
		Templates: newCollection(false, func(t *Template) string { return itoa(t.ID) }), keys: newCollection(false, func(k *apiKey) string { return k.ID }),
		Executions:  newCollection(true, func(e *Execution) string { return e.ExecutionID }),
		Callbacks:   newCollection(true, func(c *Callback) string { return c.CallbackID }),
		TilRequests: newCollection(true, func(t *TilRequest) string { return itoa(t.ID) }),
		RmmScripts:  newCollection(true, func(r *RmmScript) string { return r.ID }), Dispatches: newCollection(true, func(d *Dispatch) string { return d.ID }),
		Scheduled: newCollection(true, func(w *ScheduledWork) string { return itoa(w.ID) }), Backfills: newCollection(true, func(b *Backfill) string { return b.ID }),
		Skills: newCollection(false, func(k *Skill) string { return k.ID }), Intents: newCollection(false, func(i *Intent) string { return i.ID }),
		Sessions: newCollection(true, func(c *ChatSession) string { return c.ID }), Channels: newCollection(false, func(c *Channel) string { return c.ID }),
		Companies:    newCollection(false, func(e *EndCompany) string { return e.PsaCompanyID }),
		Integrations: newCollection(false, func(i *Integration) string { return i.Name }),
		Technicians:  newCollection(false, func(t *Technician) string { return t.ID }),
		Calls:        newCollection(true, func(p *PhoneCall) string { return p.ID }), Numbers: newCollection(false, func(p *PhoneNumber) string { return p.ID }),
		Inbox: newCollection(true, func(m *InboxMessage) string { return m.DeduplicationID }), Handovers: newCollection(false, func(h *Handover) string { return h.ID }),
		Escalations: newCollection(true, func(e *Escalation) string { return e.TicketID }), Analyses: newCollection(true, func(a *Analysis) string { return itoa(a.ID) }),
		Months: newCollection(false, func(m *Month) string { return m.Key }), Tickets: newCollection(false, func(t *Ticket) string { return t.ID }),
	}
}

func (s *State) seedTenant(k clock) {
	s.Tenant = Tenant{ID: "northwind", Name: "Northwind MSP", Region: "us", Plan: "growth", Psa: "connectwise", CreatedAt: k.at(420, 10, 0)}
	s.Settings = Settings{
		HumanFriendlyClientName: ptr("Northwind MSP"), Timezone: ptr(zoneName), StartBusinessHours: ptr(8), EndBusinessHours: ptr(18),
		SleepBeforeProcessing: ptr(20), ReferralCode: ptr("NORTH-7731"),
	}
}

func (s *State) seedCompanies() {
	for i, c := range []struct {
		id, name, m365 string
		app, delegated bool
	}{
		{"19297", "Contoso", "0a6d1e52-3b1f-4c55-9f0e-1d2c3b4a5001", true, true},
		{"19301", "Fabrikam", "0a6d1e52-3b1f-4c55-9f0e-1d2c3b4a5002", true, false},
		{"19342", "Adventure Works", "0a6d1e52-3b1f-4c55-9f0e-1d2c3b4a5003", true, true},
		{"19388", "Tailspin Toys", "0a6d1e52-3b1f-4c55-9f0e-1d2c3b4a5004", false, false},
		{"19402", "Wingtip Group", "0a6d1e52-3b1f-4c55-9f0e-1d2c3b4a5005", true, true},
		{"19417", "Litware", "", false, false},
	} {
		e := &EndCompany{
			PsaCompanyID: c.id, PsaCompanyName: c.name, ApplicationAccess: c.app, DelegatedAccess: c.delegated,
			MarketplaceIDs: []Object{}, OpenTicketsLastCount: 4 + 3*i,
		}
		if c.m365 != "" {
			e.TenantID = ptr(c.m365)
		}
		if c.name == "Contoso" {
			e.CustomInstructions = ptr("VIP: the finance team. Never reset MFA without a call back to the number on file.")
			e.MarketplaceIDs = []Object{{"company_id": "pax8-4411"}}
		}
		s.Companies.Add(e)
	}
}

// Ticket is a PSA ticket. The public API has no tickets; runs refer to them.
type Ticket struct {
	ID, Number         string
	Title              string
	Board, Type        string
	Priority           string
	CompanyID, Company string
	Contact            string
}

// ticketID is the PSA's id of a ticket number: another number, on purpose.
func ticketID(number int) string { return itoa(number + 1000000) }

var endUsers = []string{"Jordan Smyth", "Amelia Chen", "Rafael Costa", "Hannah Vogel", "Samir Haddad", "Olga Petrova"}

var ticketKinds = []struct{ title, board, kind, priority string }{
	{"Cannot print to 2nd floor printer", "Service Desk", "Hardware", "Priority 3 - Normal"},
	{"Laptop very slow after update", "Service Desk", "Workstation", "Priority 3 - Normal"},
	{"New user: starts Monday", "Service Desk", "New user", "Priority 3 - Normal"},
	{"Leaver: please disable account", "Service Desk", "Offboarding", "Priority 2 - High"},
	{"VPN drops every hour", "Service Desk", "Network", "Priority 2 - High"},
	{"Outlook keeps asking for password", "Service Desk", "Email", "Priority 3 - Normal"},
	{"Need access to Finance share", "Service Desk", "User change", "Priority 3 - Normal"},
	{"Backup job failed on SRV-02", "Alerts", "Backup", "Priority 2 - High"},
	{"Disk almost full: SRV-FILE01", "Alerts", "Workstation", "Priority 3 - Normal"},
	{"Phishing mail reported", "Security", "Security", "Priority 1 - Critical"},
	{"مرحبا \u202egnp.exe attachment will not open", "Service Desk", "Email", "Priority 3 - Normal"},
	{"Quote for 5 monitors", "Sales", "Quote", "Priority 4 - Low"},
}

// seedTickets makes tickets 48001 to 48230 and the one of the story, 48213.
func (s *State) seedTickets() {
	var companies []*EndCompany
	for c := range s.Companies.All() {
		companies = append(companies, c)
	}
	for number := 48001; number <= 48230; number++ {
		kind, company, who := ticketKinds[s.intn(len(ticketKinds))], companies[s.intn(len(companies))], endUsers[s.intn(len(endUsers))]
		t := &Ticket{
			ID: ticketID(number), Number: itoa(number), Title: kind.title, Board: kind.board, Type: kind.kind, Priority: kind.priority,
			CompanyID: company.PsaCompanyID, Company: company.PsaCompanyName, Contact: who,
		}
		if number == storyTicket {
			t.Title, t.Board, t.Type, t.Priority = "Mailbox change for Jordan Smyth, leaves Friday", "Service Desk", "Offboarding", "Priority 2 - High"
			t.CompanyID, t.Company, t.Contact = "19297", "Contoso", "Amelia Chen"
		}
		s.Tickets.Add(t)
	}
}

// storyTicket is the ticket that much of the seed is about.
const storyTicket = 48213

func (s *State) title(entityID string) string {
	if t := s.Tickets.Get(entityID); t != nil {
		return t.Title
	}
	return ""
}

func (s *State) company(entityID string) string {
	if t := s.Tickets.Get(entityID); t != nil {
		return t.Company
	}
	return ""
}

// ticketsOf is some tickets of a company, as links.
func (s *State) ticketsOf(company string, most int) []Object {
	out := []Object{}
	for t := range s.Tickets.All() {
		if t.CompanyID == company && len(out) < most {
			out = append(out, Object{"ticket_id": t.ID, "url": "https://psa.example/tickets/" + t.ID})
		}
	}
	return out
}

// number of a ticket as integer.
func (t *Ticket) number() int {
	n, err := strconv.Atoi(t.Number)
	if err != nil {
		return 0
	}
	return n
}
