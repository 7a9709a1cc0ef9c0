package intents

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"neobot/adapters"
	"neobot/neoapi"
)

// policyBuilder turns a PolicyFile into a Policy and collects every fault.
type policyBuilder struct {
	*Policy
	file    PolicyFile
	catalog *neoapi.Catalog
	faults  PolicyFaults
}

// PolicyFault is one thing a policy file says that cannot be. Key is where:
// "roles.lead.agents", "approvals.rules[0].quorum"; an entry of people or
// channels goes by its name or match.
type PolicyFault struct{ Key, Text string }

// PolicyFaults are all faults of a file, a line each.
type PolicyFaults []PolicyFault

func (f PolicyFaults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Key + ": " + fault.Text
	}
	return strings.Join(lines, "\n")
}

func (b *policyBuilder) fault(key, format string, args ...any) {
	b.faults = append(b.faults, PolicyFault{key, fmt.Sprintf(format, args...)})
}

func (b *policyBuilder) readWorkspaces() {
	for i, w := range b.file.Workspaces {
		key := fmt.Sprintf("workspaces[%d]", i)
		ws := adapters.Workspace(w)
		switch ws.Platform() {
		case adapters.Slack, adapters.Teams, adapters.Console:
		default:
			b.fault(key, "%q must start with slack:, teams: or console:", w)
			continue
		}
		if ws.ID() == "" || strings.ContainsAny(w, "{}/ ") {
			b.fault(key, "%q needs a team or tenant id after the colon, without spaces, braces or slashes", w)
			continue
		}
		if !slices.Contains(b.workspaces, ws) {
			b.workspaces = append(b.workspaces, ws)
		}
	}
	if len(b.file.Workspaces) == 0 {
		b.fault("workspaces", "list at least one, e.g. slack:T0123ABCD")
	}
}

// scope reads group -> level; "all" sets every group, named groups override it.
func (b *policyBuilder) scope(key string, in map[string]string) neoapi.Scope {
	out := neoapi.Scope{}
	set := func(name string, groups ...neoapi.Group) {
		level, err := neoapi.ParseLevel(in[name])
		if err != nil {
			b.fault(key+"."+name, "%q is not a level; write disabled, read_only or read_write", in[name])
			return
		}
		for _, g := range groups {
			out[g] = level
		}
	}
	if _, ok := in["all"]; ok {
		set("all", b.groups...)
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		switch {
		case name == "all":
		case slices.Contains(b.groups, neoapi.Group(name)):
			set(name, neoapi.Group(name))
		default:
			b.fault(key+"."+name, "there is no such group; `bot catalog` lists them")
		}
	}
	return out
}

func (b *policyBuilder) readPeople() {
	for i, f := range b.file.People {
		if strings.TrimSpace(f.Name) == "" {
			b.fault(fmt.Sprintf("people[%d]", i), "name is missing")
			continue
		}
		if _, dup := b.byName[f.Name]; dup {
			b.fault(fmt.Sprintf("people[%d]", i), "%q is listed twice", f.Name)
			continue
		}
		p := &Person{Name: f.Name, NeoUserID: f.NeoUserID, Roles: f.Roles, TestMode: f.TestMode}
		for _, r := range f.Roles {
			if _, ok := b.file.Roles[r]; !ok {
				b.fault("people."+f.Name+".roles", "role %q is not defined under roles", r)
			}
		}
		role := neoapi.Scope{}
		for _, r := range f.Roles {
			for g, l := range b.roles[r] {
				role[g] = max(role[g], l)
			}
		}
		b.byRoles[f.Name] = role
		b.people = append(b.people, p)
		b.byName[p.Name] = p
		b.account(p, adapters.Slack, f.Slack.Team, f.Slack.ID)
		b.account(p, adapters.Teams, f.Teams.Tenant, f.Teams.ID)
		if f.Console != "" {
			for _, w := range b.workspaces {
				if w.Platform() == adapters.Console {
					b.account(p, adapters.Console, w.ID(), f.Console)
				}
			}
		}
	}
}

func (b *policyBuilder) readAdmins() {
	for i, name := range b.file.Admins {
		if _, ok := b.byName[name]; !ok {
			b.fault(fmt.Sprintf("admins[%d]", i), "%q is not listed under people", name)
		}
	}
}

func (b *policyBuilder) account(p *Person, platform adapters.Platform, team, id string) {
	if team == "" && id == "" {
		return
	}
	at := fmt.Sprintf("people.%s.%s", p.Name, platform)
	if team == "" || id == "" {
		b.fault(at, "needs both the team or tenant and the id")
		return
	}
	w := adapters.NewWorkspace(platform, team)
	if !slices.Contains(b.workspaces, w) {
		b.fault(at, "%s is not listed under workspaces", w)
		return
	}
	key := userKey{w, id}
	if other, dup := b.byUser[key]; dup {
		b.fault(at, "%s has the same %s account %s", other.Name, platform, id)
		return
	}
	b.byUser[key] = p
	p.users = append(p.users, key)
}

func (b *policyBuilder) readChannels() {
	for i, f := range b.file.Channels {
		key := fmt.Sprintf("channels[%d].match", i)
		if f.Match != "direct" && f.Match != "*" {
			b.place(key, f.Match)
		}
		if _, dup := b.channels[f.Match]; dup {
			b.fault(key, "%q is listed twice", f.Match)
			continue
		}
		b.channels[f.Match] = channel{scope: b.scope("channels."+f.Match+".permissions", f.Permissions), testMode: f.TestMode}
	}
}

// place splits "<workspace>/<conversation>".
func (b *policyBuilder) place(key, text string) (adapters.Workspace, string) {
	ws, conversation, ok := strings.Cut(text, "/")
	if !ok || conversation == "" || !slices.Contains(b.workspaces, adapters.Workspace(ws)) {
		b.fault(key, "%q must be a listed workspace, a slash and a conversation id, e.g. slack:T0123ABCD/C0456", text)
		return "", ""
	}
	return adapters.Workspace(ws), conversation
}

func (b *policyBuilder) readRules() {
	def := b.expiry("approvals.expires", b.file.Approvals.Expires, defaultExpiry)
	for i, f := range b.file.Approvals.Rules {
		key := fmt.Sprintf("approvals.rules[%d]", i)
		r := Rule{
			Group: neoapi.Group(f.Group), Risk: neoapi.Risk(f.Risk), Operation: f.Operation,
			Quorum: max(f.Quorum, 1), SelfApproval: f.SelfApproval, Expires: b.expiry(key+".expires", f.Expires, def),
		}
		if f.Quorum < 0 {
			b.fault(key+".quorum", "must be 1 or more")
		}
		b.checkMatch(key, r)
		for _, a := range f.Approvers {
			b.addApprover(key, &r, a)
		}
		if f.Channel != "" {
			r.Workspace, r.Channel = b.place(key+".channel", f.Channel)
		}
		n := len(r.Approvers)
		if r.SelfApproval {
			n++
		}
		if n > 0 && r.Quorum > n {
			b.fault(key+".quorum", "%d approvals are asked for, but only %d can be given: add approvers or lower it", r.Quorum, n)
		}
		b.rules = append(b.rules, r)
	}
}

func (b *policyBuilder) checkMatch(key string, r Rule) {
	if r.Group != "" && !slices.Contains(b.groups, r.Group) {
		b.fault(key+".group", "there is no group %q; `bot catalog` lists them", r.Group)
	}
	switch r.Risk {
	case "", neoapi.Routine, neoapi.Configuration, neoapi.Destructive:
	default:
		b.fault(key+".risk", "%q is not a risk; write routine, configuration or destructive", r.Risk)
	}
	if r.Operation != "" {
		if op, ok := b.catalog.Operation(r.Operation); !ok || op.Access != neoapi.Write {
			b.fault(key+".operation", "%q is not a write operation; `bot catalog` lists them", r.Operation)
		}
	}
}

func (b *policyBuilder) addApprover(key string, r *Rule, name string) {
	role, isRole := strings.CutPrefix(name, "role:")
	if !isRole {
		p, ok := b.byName[name]
		if !ok {
			b.fault(key+".approvers", "%q is not listed under people", name)
		} else if !slices.Contains(r.Approvers, p) {
			r.Approvers = append(r.Approvers, p)
		}
		return
	}
	if _, ok := b.file.Roles[role]; !ok {
		b.fault(key+".approvers", "role %q is not defined under roles", role)
	}
	r.Roles = append(r.Roles, role)
	for _, p := range b.people {
		if slices.Contains(p.Roles, role) && !slices.Contains(r.Approvers, p) {
			r.Approvers = append(r.Approvers, p)
		}
	}
}

func (b *policyBuilder) expiry(key, text string, def time.Duration) time.Duration {
	if text == "" {
		return def
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute || d > maxExpiry {
		b.fault(key, "%q must be a duration between 1m and %dh, e.g. 8h", text, int(maxExpiry.Hours()))
		return def
	}
	return d
}

func (b *policyBuilder) readSchedules() {
	for i, s := range b.file.Schedules {
		key := fmt.Sprintf("schedules[%d]", i)
		plan, err := cron.ParseStandard(s.Cron)
		if err != nil {
			b.fault(key+".cron", "%q is not a schedule; write five fields, e.g. \"0 8 * * 1-5\"", s.Cron)
		} else if plan.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
			b.fault(key+".cron", "%q names no day of the calendar, so it would never come", s.Cron)
		}
		if strings.TrimSpace(s.Ask) == "" {
			b.fault(key+".ask", "write the question to post the answer to")
		}
		if _, ok := b.byName[s.As]; !ok {
			b.fault(key+".as", "%q is not listed under people", s.As)
		}
		b.place(key+".channel", s.Channel)
	}
}
