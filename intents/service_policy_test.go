package intents

import (
	"testing"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

func TestPolicyOfTheMoment(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*PolicyFile){
		"requester lost the permission": func(f *PolicyFile) { f.Roles["tech"] = RoleFile{Permissions: map[string]string{"all": "read_only"}} },
		"test mode was switched on":     func(f *PolicyFile) { f.TestMode = true },
		"requester is gone":             func(f *PolicyFile) { f.People = f.People[1:] },
		"two approvals needed now":      func(f *PolicyFile) { f.Approvals.Rules[2].Quorum = 2 },
		"approver is none any more":     func(f *PolicyFile) { f.Approvals.Rules[2].Approvers = []string{"Dana"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, disable)
			asked := b.says("riley", "off")
			b.decided(asked)
			f := testPolicy()
			change(&f)
			b.setPolicy(f)
			b.clock.Add(2 * time.Minute)
			check(t, b.s.Sweep(t.Context()))
			b.wantWrites(0)
			if got := b.record(asked).State; got != approvals.Failed {
				t.Errorf("state %s", got)
			}
		})
	}
}

func TestQuorumCountsPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable, func(f *PolicyFile) { f.Approvals.Rules[2].Quorum = 2 })
	asked := b.says("riley", "off")
	b.wantCard(b.clicks("sam", asked, "Approve"), adapters.Shown, cards.StatusPending, "Approved by Sam")
	// The same human from his Teams account.
	answer, err := b.s.HandleClick(t.Context(), adapters.Click{
		Workspace: "teams:tenant-1", User: adapters.User{ID: "aad-sam", Home: "tenant-1", Trust: adapters.TrustMember},
		Conversation: adapters.Conversation{ID: "a:1", Kind: adapters.Direct}, ID: "x1", Action: cards.ActionApprove, Target: asked.Track,
	})
	check(t, err)
	b.wantCard(answer, adapters.Private, cards.StatusRefused, "already approved")
	b.wantWrites(0)
	b.wantCard(b.clicks("dana", asked, "Approve"), adapters.Shown, cards.StatusDone, "Sam and Dana")
	b.wantWrites(1)
}

func TestScopeRefusalSaysWhoToAsk(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	b.wantCard(b.says("vic", "off"), adapters.Reply, cards.StatusRefused, "Dana can change that")
	b.wantCard(b.says("vic", "agents"), adapters.Reply, cards.StatusNone, merge)
	b.wantWrites(0)
}

func TestChannelLimitsScope(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable, func(f *PolicyFile) { f.Channels[1].Permissions = map[string]string{"all": "read_only"} })
	b.wantCard(b.says("riley", "off"), adapters.Reply, cards.StatusRefused, "In this conversation you have Read Only")
}

func TestSharedChannel(t *testing.T) {
	t.Parallel()
	for _, sharing := range []adapters.Sharing{adapters.SharingUnknown, adapters.SharingExternal} {
		b := newBench(t, disable)
		shared := adapters.Conversation{ID: "C_SHARED", Kind: adapters.Channel, Sharing: sharing}
		m := adapters.Message{Workspace: home, User: member("riley"), Conversation: shared, Thread: "t", Text: "off"}
		b.wantCard(b.message(m), adapters.Private, cards.StatusRefused, "direct message")
		m.Text = "agents"
		b.wantCard(b.message(m), adapters.Private, cards.StatusNone, merge)
		b.wantWrites(0)
	}
}

func TestNobodyMayApprove(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable, func(f *PolicyFile) { f.Approvals.Rules = f.Approvals.Rules[:2] })
	b.wantCard(b.says("riley", "off"), adapters.Reply, cards.StatusRefused, "name nobody")
	b.wantWrites(0)
}

func TestZeroPolicyAllowsNothing(t *testing.T) {
	t.Parallel()
	var p *Policy
	if _, ok := p.Who(home, member("sam")); ok {
		t.Error("a nil policy knows somebody")
	}
	if !p.TestMode(nil, home, channelOps) {
		t.Error("a nil policy would send")
	}
	if _, ok := p.Rule(neoapi.Operation{ID: "update_agent"}); ok {
		t.Error("a nil policy has a rule")
	}
	if got := p.Limits(nil, home, channelOps).Scope(); len(got) != 0 {
		t.Errorf("a nil policy allows %v", got)
	}
	if (Rule{}).MayDecide(nil, "") {
		t.Error("a zero rule lets nobody decide")
	}
}
