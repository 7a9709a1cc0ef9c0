package intents

import (
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/neoapi"
)

func buildPolicy(t *testing.T, change func(*PolicyFile)) (*Policy, error) {
	t.Helper()
	f := testPolicy()
	if change != nil {
		change(&f)
	}
	catalog, err := neoapi.Embedded()
	check(t, err)
	return NewPolicy(f, catalog)
}

// Every fault names the key and says what to write instead.
func TestPolicyFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*PolicyFile)
		want   string
	}{
		"no workspace":       {func(f *PolicyFile) { f.Workspaces, f.People = nil, nil; f.Admins, f.Approvals.Rules = nil, nil }, "list at least one"},
		"strange workspace":  {func(f *PolicyFile) { f.Workspaces[0] = "irc:x" }, `"irc:x" must start with`},
		"brace":              {func(f *PolicyFile) { f.Workspaces[0] = "slack:T{1}" }, "without spaces, braces"},
		"unknown group":      {func(f *PolicyFile) { f.Permissions = map[string]string{"agent": "read_only"} }, "permissions.agent: there is no such group"},
		"unknown level":      {func(f *PolicyFile) { f.Permissions = map[string]string{"all": "write"} }, "read_only or read_write"},
		"level for all":      {func(f *PolicyFile) { f.Permissions = map[string]string{"all": "write"} }, "permissions.all: \"write\" is not a level"},
		"role not defined":   {func(f *PolicyFile) { f.People[0].Roles = []string{"king"} }, `role "king" is not defined`},
		"twice":              {func(f *PolicyFile) { f.People[1].Name = "Riley" }, "listed twice"},
		"one account, two":   {func(f *PolicyFile) { f.People[1].Slack = f.People[0].Slack }, "people.Sam.slack: Riley has the same slack account"},
		"half an account":    {func(f *PolicyFile) { f.People[0].Slack.ID = "" }, "needs both"},
		"foreign account":    {func(f *PolicyFile) { f.People[0].Slack.Team = "T9" }, "not listed under workspaces"},
		"unknown approver":   {func(f *PolicyFile) { f.Approvals.Rules[2].Approvers = []string{"Nobody"} }, `"Nobody" is not listed`},
		"impossible quorum":  {func(f *PolicyFile) { f.Approvals.Rules[2].Quorum = 9 }, "9 approvals are asked for, but only 2"},
		"read in a rule":     {func(f *PolicyFile) { f.Approvals.Rules[0].Operation = "list_agents" }, "not a write operation"},
		"unknown risk":       {func(f *PolicyFile) { f.Approvals.Rules[1].Risk = "high" }, "routine, configuration or destructive"},
		"expiry":             {func(f *PolicyFile) { f.Approvals.Expires = "8 hours" }, "e.g. 8h"},
		"channel of nowhere": {func(f *PolicyFile) { f.Approvals.Rules[2].Channel = "C_OPS" }, "a slash and a conversation id"},
		"admin unknown":      {func(f *PolicyFile) { f.Admins = []string{"Boss"} }, `admins[0]: "Boss"`},
		"bad cron": {func(f *PolicyFile) {
			f.Schedules = []ScheduleFile{{Cron: "daily", Ask: "x", As: "Sam", Channel: "slack:T1/C1"}}
		}, "five fields"},
		"schedule of nobody": {func(f *PolicyFile) {
			f.Schedules = []ScheduleFile{{Cron: "0 8 * * *", Ask: "x", As: "Me", Channel: "slack:T1/C1"}}
		}, `"Me" is not listed`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := buildPolicy(t, tc.change)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error is %v, want it to say %q", err, tc.want)
			}
		})
	}
}

func TestPolicyFaultsTogether(t *testing.T) {
	t.Parallel()
	_, err := buildPolicy(t, func(f *PolicyFile) { f.Approvals.Expires, f.Admins = "soon", []string{"Boss"} })
	if err == nil || !strings.Contains(err.Error(), "expires") || !strings.Contains(err.Error(), "Boss") {
		t.Fatalf("error is %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	p, err := buildPolicy(t, func(f *PolicyFile) {
		f.Permissions = map[string]string{"all": "read_write", "billing": "read_only", "phone_agent": "disabled"}
		f.Roles["tech"] = RoleFile{Permissions: map[string]string{"agents": "read_write", "billing": "read_write", "phone_agent": "read_write"}}
		f.Channels = append(f.Channels, ChannelFile{Match: "slack:T1/C_READ", Permissions: map[string]string{"all": "read_only"}})
	})
	check(t, err)
	riley, _ := p.Person("Riley")
	for name, tc := range map[string]struct {
		conversation adapters.Conversation
		group        neoapi.Group
		want         neoapi.Level
	}{
		"role gives":                {channelOps, "agents", neoapi.ReadWrite},
		"role does not":             {channelOps, "executions", neoapi.Disabled},
		"installation limits":       {channelOps, "billing", neoapi.ReadOnly},
		"installation forbids":      {channelOps, "phone_agent", neoapi.Disabled},
		"channel limits":            {adapters.Conversation{ID: "C_READ", Kind: adapters.Channel}, "agents", neoapi.ReadOnly},
		"thread of a teams channel": {adapters.Conversation{ID: "C_READ;messageid=1", Kind: adapters.Channel}, "agents", neoapi.ReadOnly},
		"unknown group":             {channelOps, "nonsense", neoapi.Disabled},
	} {
		if got := p.Limits(riley, home, tc.conversation).Scope().Level(tc.group); got != tc.want {
			t.Errorf("%s: level %v, want %v", name, got, tc.want)
		}
	}
}

func TestNoChannelEntryAllowsNothing(t *testing.T) {
	t.Parallel()
	p, err := buildPolicy(t, func(f *PolicyFile) { f.Channels = nil })
	check(t, err)
	riley, _ := p.Person("Riley")
	for _, kind := range []adapters.Kind{adapters.Direct, adapters.Group, adapters.Channel, ""} {
		if got := p.Limits(riley, home, adapters.Conversation{ID: "X", Kind: kind}).Scope(); len(got) != 0 {
			t.Errorf("%s allows %v", kind, got)
		}
	}
}

func TestFirstRuleCounts(t *testing.T) {
	t.Parallel()
	p, err := buildPolicy(t, func(f *PolicyFile) { f.Approvals.Rules[2].Expires = "2h" })
	check(t, err)
	r, ok := p.Rule(neoapi.Operation{ID: "delete_agent", Group: "agents", Risk: neoapi.Destructive})
	if !ok || len(r.Deciders("Riley")) != 0 {
		t.Errorf("deleting can be approved by %v", r.Deciders("Riley"))
	}
	r, ok = p.Rule(neoapi.Operation{ID: "update_agent", Group: "agents", Risk: neoapi.Configuration})
	if !ok || r.Expires != 2*time.Hour || strings.Join(r.Deciders("Sam"), " ") != "Dana" {
		t.Errorf("rule is %+v", r)
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable, func(f *PolicyFile) {
		f.Schedules = []ScheduleFile{
			{Cron: "0 8 * * 1-5", Ask: "failed", Channel: "slack:T1/C_OPS", As: "Sam"},
			{Cron: "0 8 * * 1-5", Ask: "agents", Channel: "slack:T1/C_SHARED", As: "Sam"},
			{Cron: "0 8 * * 1-5", Ask: "off", Channel: "slack:T1/C_OPS", As: "Sam"},
		}
	})
	_ = b.s.fireSchedules(t.Context())
	if n := len(b.screen.all("")); n != 0 {
		t.Fatalf("%d posts before the time", n)
	}
	b.clock.Add(3 * 24 * time.Hour) // downtime: three mornings missed
	err := b.s.fireSchedules(t.Context())
	if err == nil || !strings.Contains(err.Error(), "another organisation") || !strings.Contains(err.Error(), "only look things up") {
		t.Fatalf("faults are %v", err)
	}
	check(t, b.s.fireSchedules(t.Context())) // another replica: all is said
	if got := b.screen.all(""); len(got) != 1 || !strings.Contains(got[0].Title, "Failed") {
		t.Fatalf("posted %d cards: %+v", len(got), got)
	}
	b.wantWrites(0)
}
