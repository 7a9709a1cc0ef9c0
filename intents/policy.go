package intents

import (
	"maps"
	"slices"
	"strings"
	"time"

	"neobot/adapters"
	"neobot/neoapi"
)

// PolicyFile is the YAML file of people, permissions, approvals and channels.
// cmd/bot decodes it (unknown keys are errors with line numbers); NewPolicy
// checks what it says.
type PolicyFile struct {
	// Workspaces that may talk to this bot: "slack:T0123ABCD",
	// "teams:<tenant id>", "console:local". All of them are one organisation.
	Workspaces []string `yaml:"workspaces"`
	// TestMode for the whole deployment: writes are planned and shown, never sent.
	TestMode bool `yaml:"test_mode"`
	// Admins are the people who may change this file: refusals name them.
	Admins []string `yaml:"admins"`
	// Permissions is the ceiling of the deployment: group (or "all") -> level
	// ("disabled", "read_only", "read_write").
	Permissions map[string]string   `yaml:"permissions"`
	Roles       map[string]RoleFile `yaml:"roles"`
	People      []PersonFile        `yaml:"people"`
	Channels    []ChannelFile       `yaml:"channels"`
	Approvals   ApprovalsFile       `yaml:"approvals"`
	Schedules   []ScheduleFile      `yaml:"schedules"`
}

// RoleFile is what a role may use.
type RoleFile struct {
	Permissions map[string]string `yaml:"permissions"`
}

// PersonFile is one human, on every platform he uses.
type PersonFile struct {
	Name      string   `yaml:"name"`
	Slack     SlackID  `yaml:"slack"`
	Teams     TeamsID  `yaml:"teams"`
	Console   string   `yaml:"console"`
	NeoUserID string   `yaml:"neo_user_id"`
	Roles     []string `yaml:"roles"`
	TestMode  bool     `yaml:"test_mode"`
}

// SlackID is a user in his own workspace.
type SlackID struct {
	Team string `yaml:"team"`
	ID   string `yaml:"id"`
}

// TeamsID is a user (Entra object id) in his own tenant.
type TeamsID struct {
	Tenant string `yaml:"tenant"`
	ID     string `yaml:"id"`
}

// ChannelFile limits what may be used in a conversation. Match is "direct"
// (one-to-one with the bot), "*" (every other conversation without an entry of
// its own) or "<workspace>/<conversation id>".
type ChannelFile struct {
	Match       string            `yaml:"match"`
	Permissions map[string]string `yaml:"permissions"`
	TestMode    bool              `yaml:"test_mode"`
}

// ApprovalsFile says who decides about writes. The first rule that matches counts.
type ApprovalsFile struct {
	Expires string     `yaml:"expires"` // default for rules, e.g. "8h"
	Rules   []RuleFile `yaml:"rules"`
}

// RuleFile matches writes by group, risk and operation id (empty matches all)
// and names who decides: person names or "role:<role>". An empty approver list
// means nobody, unless self_approval is on.
type RuleFile struct {
	Group        string   `yaml:"group"`
	Risk         string   `yaml:"risk"`
	Operation    string   `yaml:"operation"`
	Approvers    []string `yaml:"approvers"`
	Quorum       int      `yaml:"quorum"`
	SelfApproval bool     `yaml:"self_approval"`
	Expires      string   `yaml:"expires"`
	// Channel "<workspace>/<conversation id>" also gets the approval card.
	Channel string `yaml:"channel"`
}

// ScheduleFile posts the answer to a question at a time of day.
type ScheduleFile struct {
	Cron    string `yaml:"cron"` // five fields, tenant time zone
	Ask     string `yaml:"ask"`
	Channel string `yaml:"channel"` // "<workspace>/<conversation id>"
	As      string `yaml:"as"`      // person whose permissions are used
}

const (
	defaultExpiry = 8 * time.Hour
	maxExpiry     = 14 * 24 * time.Hour
)

// Person is one human known to the policy.
type Person struct {
	Name      string
	NeoUserID string
	Roles     []string
	TestMode  bool
	users     []userKey
}

type userKey struct {
	workspace adapters.Workspace
	id        string
}

// Users are the person's accounts, workspace and platform user id.
func (p *Person) Users() []struct {
	Workspace adapters.Workspace
	ID        string
} {
	out := make([]struct {
		Workspace adapters.Workspace
		ID        string
	}, len(p.users))
	for i, u := range p.users {
		out[i].Workspace, out[i].ID = u.workspace, u.id
	}
	return out
}

// Rule is who decides about one kind of write.
type Rule struct {
	Group        neoapi.Group
	Risk         neoapi.Risk
	Operation    string
	Approvers    []*Person // resolved, in the order of the file, without doubles
	Roles        []string  // the roles named, for the words on cards
	Quorum       int
	SelfApproval bool
	Expires      time.Duration
	Workspace    adapters.Workspace // where the card also goes; empty: nowhere else
	Channel      string
}

// Policy answers who somebody is, what he may use and who decides. It is
// immutable; a nil Policy knows nobody and allows nothing.
type Policy struct {
	testMode   bool
	admins     []string
	workspaces []adapters.Workspace
	groups     []neoapi.Group
	ceiling    neoapi.Scope
	roles      map[string]neoapi.Scope
	people     []*Person
	byUser     map[userKey]*Person
	byName     map[string]*Person
	byRoles    map[string]neoapi.Scope // of each person, all his roles together
	channels   map[string]channel
	rules      []Rule
	schedules  []ScheduleFile
}

type channel struct {
	scope    neoapi.Scope
	testMode bool
}

// NewPolicy checks a policy file against the catalog's groups and operations.
// All faults are reported together, as PolicyFaults, each naming the key and what to write instead.
func NewPolicy(f PolicyFile, catalog *neoapi.Catalog) (*Policy, error) {
	b := policyBuilder{file: f, catalog: catalog, Policy: &Policy{
		testMode: f.TestMode, admins: f.Admins,
		roles: map[string]neoapi.Scope{}, byUser: map[userKey]*Person{}, byName: map[string]*Person{}, byRoles: map[string]neoapi.Scope{},
		channels: map[string]channel{}, schedules: f.Schedules,
	}}
	for _, op := range catalog.Operations() {
		if !slices.Contains(b.groups, op.Group) {
			b.groups = append(b.groups, op.Group)
		}
	}
	slices.Sort(b.groups)
	b.readWorkspaces()
	b.ceiling = b.scope("permissions", f.Permissions)
	for _, name := range slices.Sorted(maps.Keys(f.Roles)) {
		b.roles[name] = b.scope("roles."+name+".permissions", f.Roles[name].Permissions)
	}
	b.readPeople()
	b.readAdmins()
	b.readChannels()
	b.readRules()
	b.readSchedules()
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	return b.Policy, nil
}

// Workspaces that may talk to the bot.
func (p *Policy) Workspaces() []adapters.Workspace {
	if p == nil {
		return nil
	}
	return slices.Clone(p.workspaces)
}

// Schedules of the file, already checked.
func (p *Policy) Schedules() []ScheduleFile {
	if p == nil {
		return nil
	}
	return slices.Clone(p.schedules)
}

// Groups of the catalog, sorted.
func (p *Policy) Groups() []neoapi.Group { return slices.Clone(p.groups) }

// Who is the person behind a platform user. Only a full member of the
// workspace's own organisation, named in the policy, is somebody.
func (p *Policy) Who(w adapters.Workspace, u adapters.User) (*Person, bool) {
	if p == nil || u.Trust != adapters.TrustMember || u.ID == "" {
		return nil, false
	}
	person, ok := p.byUser[userKey{w, u.ID}]
	return person, ok
}

// Person by the name in the policy.
func (p *Policy) Person(name string) (*Person, bool) {
	if p == nil {
		return nil, false
	}
	person, ok := p.byName[name]
	return person, ok
}

// Limits are the three ceilings behind an effective scope, kept apart so that a
// refusal can say which one was in the way.
type Limits struct {
	Deployment, Role, Channel neoapi.Scope
}

// Scope is what may be used: the lowest of the three.
func (l Limits) Scope() neoapi.Scope { return neoapi.Lowest(l.Deployment, l.Role, l.Channel) }

// Limits of a person in a conversation. Several roles add up.
func (p *Policy) Limits(who *Person, w adapters.Workspace, c adapters.Conversation) Limits {
	if p == nil || who == nil {
		return Limits{}
	}
	return Limits{Deployment: p.ceiling, Role: p.byRoles[who.Name], Channel: p.channel(w, c).scope}
}

// TestMode reports whether writes of this person in this conversation are only
// planned and shown.
func (p *Policy) TestMode(who *Person, w adapters.Workspace, c adapters.Conversation) bool {
	return p == nil || who == nil || p.testMode || who.TestMode || p.channel(w, c).testMode
}

// channel entry of a conversation; the zero entry allows nothing.
func (p *Policy) channel(w adapters.Workspace, c adapters.Conversation) channel {
	// A Teams channel thread is "<channel>;messageid=<root>": the rule is the channel's.
	id, _, _ := strings.Cut(c.ID, ";messageid=")
	if ch, ok := p.channels[string(w)+"/"+id]; ok {
		return ch
	}
	if c.Kind == adapters.Direct {
		return p.channels["direct"]
	}
	return p.channels["*"]
}

// Rule that decides about an operation. ok is false when no rule matches:
// then nobody can approve it.
func (p *Policy) Rule(op neoapi.Operation) (Rule, bool) {
	if p == nil {
		return Rule{}, false
	}
	for _, r := range p.rules {
		if (r.Group == "" || r.Group == op.Group) && (r.Risk == "" || r.Risk == op.Risk) &&
			(r.Operation == "" || r.Operation == op.ID) {
			return r, true
		}
	}
	return Rule{}, false
}

// MayDecide reports whether a person may decide under a rule about a request of requester.
func (r Rule) MayDecide(who *Person, requester string) bool {
	if who == nil {
		return false
	}
	if who.Name == requester {
		return r.SelfApproval
	}
	return slices.Contains(r.Approvers, who)
}

// Deciders are the people who can approve a request of requester.
func (r Rule) Deciders(requester string) []string {
	var names []string
	for _, p := range r.Approvers {
		if p.Name != requester {
			names = append(names, p.Name)
		}
	}
	if r.SelfApproval {
		names = append(names, requester)
	}
	return names
}

// ConsoleNames are the people of the terminal, sorted.
func (p *Policy) ConsoleNames() []string {
	if p == nil {
		return nil
	}
	var names []string
	for key := range p.byUser {
		if key.workspace.Platform() == adapters.Console && !slices.Contains(names, key.id) {
			names = append(names, key.id)
		}
	}
	slices.Sort(names)
	return names
}

// Admins are the names of those who can change permissions, for refusals.
func (p *Policy) Admins() []string {
	if p == nil {
		return nil
	}
	return slices.Clone(p.admins)
}

// entra is a person's Teams account: tenant and object id.
func (p *Person) entra() (tenant, id string, ok bool) {
	for _, u := range p.users {
		if u.workspace.Platform() == adapters.Teams {
			return u.workspace.ID(), u.id, true
		}
	}
	return "", "", false
}
