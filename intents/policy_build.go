package intents

import (
	"fmt"
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
	faults  []string
}

func (b *policyBuilder) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

func (b *policyBuilder) readWorkspaces() {
	for _, w := range b.file.Workspaces {
		ws := adapters.Workspace(w)
		switch ws.Platform() {
		case adapters.Slack, adapters.Teams, adapters.Console:
		default:
			b.fault("workspaces: %q must start with slack:, teams: or console:", w)
			continue
		}
		if ws.ID() == "" || strings.ContainsAny(w, "{}/ ") {
			b.fault("workspaces: %q needs a team or tenant id after the colon, without spaces, braces or slashes", w)
			continue
		}
		if !slices.Contains(b.workspaces, ws) {
			b.workspaces = append(b.workspaces, ws)
		}
	}
	if len(b.file.Workspaces) == 0 {
		b.fault("workspaces: list at least one, e.g. slack:T0123ABCD")
	}
}

// scope reads group -> level; "all" sets every group, named groups override it.
func (b *policyBuilder) scope(key string, in map[string]string) neoapi.Scope {
	out := neoapi.Scope{}
	set := func(g neoapi.Group, text string) {
		level, err := neoapi.ParseLevel(text)
		if err != nil {
			b.fault("%s.%s: %q is not a level; write disabled, read_only or read_write", key, g, text)
			return
		}
		out[g] = level
	}
	if text, ok := in["all"]; ok {
		for _, g := range b.groups {
			set(g, text)
		}
	}
	for name, text := range in {
		switch {
		case name == "all":
		case slices.Contains(b.groups, neoapi.Group(name)):
			set(neoapi.Group(name), text)
		default:
			b.fault("%s: unknown group %q; `bot catalog` lists them", key, name)
		}
	}
	return out
}

func (b *policyBuilder) readPeople() {
	for i, f := range b.file.People {
		if strings.TrimSpace(f.Name) == "" {
			b.fault("people[%d]: name is missing", i)
			continue
		}
		if _, dup := b.byName[f.Name]; dup {
			b.fault("people: %q is listed twice", f.Name)
			continue
		}
		p := &Person{Name: f.Name, NeoUserID: f.NeoUserID, Roles: f.Roles, TestMode: f.TestMode}
		for _, r := range f.Roles {
			if _, ok := b.file.Roles[r]; !ok {
				b.fault("people.%s: role %q is not defined under roles", f.Name, r)
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
	for _, name := range b.file.Admins {
		if _, ok := b.byName[name]; !ok {
			b.fault("admins: %q is not listed under people", name)
		}
	}
}

func (b *policyBuilder) account(p *Person, platform adapters.Platform, team, id string) {
	if team == "" && id == "" {
		return
	}
	if team == "" || id == "" {
		b.fault("people.%s.%s: needs both the team or tenant and the id", p.Name, platform)
		return
	}
	w := adapters.NewWorkspace(platform, team)
	if !slices.Contains(b.workspaces, w) {
		b.fault("people.%s.%s: %s is not listed under workspaces", p.Name, platform, w)
		return
	}
	key := userKey{w, id}
	if other, dup := b.byUser[key]; dup {
		b.fault("people: %s and %s have the same %s account %s", other.Name, p.Name, platform, id)
		return
	}
	b.byUser[key] = p
	p.users = append(p.users, key)
}

func (b *policyBuilder) readChannels() {
	for _, f := range b.file.Channels {
		if f.Match != "direct" && f.Match != "*" {
			b.place("channels", f.Match)
		}
		if _, dup := b.channels[f.Match]; dup {
			b.fault("channels: %q is listed twice", f.Match)
			continue
		}
		b.channels[f.Match] = channel{scope: b.scope("channels."+f.Match, f.Permissions), testMode: f.TestMode}
	}
}

// place splits "<workspace>/<conversation>".
func (b *policyBuilder) place(key, text string) (adapters.Workspace, string) {
	ws, conversation, ok := strings.Cut(text, "/")
	if !ok || conversation == "" || !slices.Contains(b.workspaces, adapters.Workspace(ws)) {
		b.fault("%s: %q must be a listed workspace, a slash and a conversation id, e.g. slack:T0123ABCD/C0456", key, text)
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
			b.fault("%s.quorum: must be 1 or more", key)
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
			b.fault("%s.quorum: %d approvals are asked for, but only %d people can give one", key, r.Quorum, n)
		}
		b.rules = append(b.rules, r)
	}
}

func (b *policyBuilder) checkMatch(key string, r Rule) {
	if r.Group != "" && !slices.Contains(b.groups, r.Group) {
		b.fault("%s.group: unknown group %q; `bot catalog` lists them", key, r.Group)
	}
	switch r.Risk {
	case "", neoapi.Routine, neoapi.Configuration, neoapi.Destructive:
	default:
		b.fault("%s.risk: %q is not a risk; write routine, configuration or destructive", key, r.Risk)
	}
	if r.Operation != "" {
		if op, ok := b.catalog.Operation(r.Operation); !ok || op.Access != neoapi.Write {
			b.fault("%s.operation: %q is not a write operation; `bot catalog` lists them", key, r.Operation)
		}
	}
}

func (b *policyBuilder) addApprover(key string, r *Rule, name string) {
	role, isRole := strings.CutPrefix(name, "role:")
	if !isRole {
		p, ok := b.byName[name]
		if !ok {
			b.fault("%s.approvers: %q is not listed under people", key, name)
		} else if !slices.Contains(r.Approvers, p) {
			r.Approvers = append(r.Approvers, p)
		}
		return
	}
	if _, ok := b.file.Roles[role]; !ok {
		b.fault("%s.approvers: role %q is not defined under roles", key, role)
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
		b.fault("%s: %q must be a duration between 1m and %s, e.g. 8h", key, text, maxExpiry)
		return def
	}
	return d
}

func (b *policyBuilder) readSchedules() {
	for i, s := range b.file.Schedules {
		key := fmt.Sprintf("schedules[%d]", i)
		if _, err := cron.ParseStandard(s.Cron); err != nil {
			b.fault("%s.cron: %q is not a schedule; write five fields, e.g. \"0 8 * * 1-5\"", key, s.Cron)
		}
		if strings.TrimSpace(s.Ask) == "" {
			b.fault("%s.ask: write the question to post the answer to", key)
		}
		if _, ok := b.byName[s.As]; !ok {
			b.fault("%s.as: %q is not listed under people", key, s.As)
		}
		b.place(key+".channel", s.Channel)
	}
}
