package sandbox

import (
	"fmt"
	"strconv"
	"time"
)

// Object is JSON whose shape the documentation leaves open.
type Object = map[string]any

// State is everything the sandbox knows. Change it in Neo.Mutate only.
type State struct {
	Agents       *Collection[Agent]
	Templates    *Collection[Template]
	Shared       map[string]string // share token -> agent id
	Executions   *Collection[Execution]
	Callbacks    *Collection[Callback]
	TilRequests  *Collection[TilRequest]
	RmmScripts   *Collection[RmmScript]
	Dispatches   *Collection[Dispatch]
	Scheduled    *Collection[ScheduledWork]
	Backfills    *Collection[Backfill]
	Settings     Settings
	Tenant       Tenant
	Skills       *Collection[Skill]
	Intents      *Collection[Intent]
	Sessions     *Collection[ChatSession]
	Channels     *Collection[Channel]
	Companies    *Collection[EndCompany]
	Integrations *Collection[Integration]
	Technicians  *Collection[Technician]
	Calls        *Collection[PhoneCall]
	Numbers      *Collection[PhoneNumber]
	Inbox        *Collection[InboxMessage]
	Handovers    *Collection[Handover]
	Escalations  *Collection[Escalation]
	Analyses     *Collection[Analysis]
	Months       *Collection[Month] // billing before the seeded executions
	Tickets      *Collection[Ticket]
	// Outcomes says how the next runs of an agent end, by agent id; without an
	// entry they succeed.
	Outcomes map[string]Outcome

	active []*Execution // unfinished runs
	keys   *Collection[apiKey]
	files  map[string]*file
	zone   *time.Location // of Settings.Timezone
	random uint64
	serial int
}

// Outcome is the end of a run.
type Outcome struct{ Status, Error, Message string }

// next is a splitmix64 step: small, seedable, and not for secrets.
func (s *State) next() uint64 {
	s.random += 0x9e3779b97f4a7c15
	z := s.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// intn is a number in [0,n).
func (s *State) intn(n int) int { return int(s.next()>>33) % n }

// uuid is a version-4 id.
func (s *State) uuid() string {
	a, b := s.next(), s.next()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// number is a fresh numeric id, larger than all seeded ones.
func (s *State) number() int {
	s.serial++
	return s.serial
}

func (s *State) numeral() string { return strconv.Itoa(s.number()) }

// settle lets time do its work: runs go on, due scheduled work starts,
// backfills progress, analyses finish.
func (s *State) settle(now time.Time) {
	s.settleExecutions(now)
	s.settleScheduled(now)
	s.settleBackfills(now)
}
