package intents

import (
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

func TestDigest(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.run("r1", "Dispatch", "failure")
	b.says("sam", "off")
	digest := b.says("riley", "digest")
	for _, part := range []string{"boom r1", "Technician requests", "Credits", "Approvals"} {
		b.wantCard(digest, adapters.Reply, cards.StatusNone, part)
	}
	b.fixture.Roles["viewer"] = RoleFile{Permissions: map[string]string{"billing": "read_only"}}
	b.setPolicy(b.fixture)
	part := b.says("vic", "digest")
	b.wantCard(part, adapters.Reply, cards.StatusNone, "Not shown, for want of permission")
	if strings.Contains(cards.Text(part.Card, 4000), "boom") {
		t.Error("runs shown without permission")
	}
	b.neo.Fail(sandbox.Fault{Op: "list_til_requests", Status: 500, Times: 10})
	b.wantCard(b.says("riley", "digest"), adapters.Reply, cards.StatusNone, "boom r1")
}

func TestScheduledDigest(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.wantCard(b.says("riley", "daily"), adapters.Reply, cards.StatusDone, "every weekday at 08:00")
	b.wantCard(b.says("riley", "list"), adapters.Private, cards.StatusNone, "every weekday at 08:00")
	b.polls(time.Hour)
	b.wantPosted("C_OPS", "Scheduled for", 0)
	zone := b.s.timezone(t.Context())
	at := func(d int) { // 08:00:30 on that November day
		b.clock.Add(time.Date(2026, 11, d, 8, 0, 30, 0, zone).Sub(b.clock.Now()))
		b.polls(0)
		b.polls(20 * time.Second)
	}
	at(25)
	b.wantPosted("C_OPS", "Scheduled for Wed 25 Nov 08:00", 1)
	at(30) // down on Thursday and Friday
	b.wantPosted("C_OPS", "Scheduled for", 2)
	b.wantPosted("C_OPS", "Scheduled for Mon 30 Nov 08:00", 1)
	b.wantCard(b.says("riley", "pause"), adapters.Private, cards.StatusDone, "is paused")
	b.clock.Add(48 * time.Hour)
	b.polls(0)
	b.wantPosted("C_OPS", "Scheduled for", 2)
}

func TestScheduledQuestion(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.wantCard(b.says("riley", "evil"), adapters.Reply, cards.StatusRefused, "only look things up")
	b.wantCard(b.says("riley", "sched"), adapters.Reply, cards.StatusDone, "every day at 09:00")
	b.polls(24 * time.Hour)
	b.wantPosted("C_OPS", "Scheduled for", 1)
	b.wantWrites(0)
}

func TestDigestAndDriftInSchedules(t *testing.T) {
	t.Parallel()
	b := newBench(t, BuiltIn{}, func(f *PolicyFile) {
		f.Schedules = []ScheduleFile{
			{Cron: "0 8 * * *", Ask: "digest", Channel: "slack:T1/C_OPS", As: "Riley"},
			{Cron: "0 8 * * *", Ask: "what has drifted since the baseline?", Channel: "slack:T1/C_OPS", As: "Riley"},
			{Cron: "0 8 * * *", Ask: "watch failures", Channel: "slack:T1/C_OPS", As: "Riley"},
		}
	})
	check(t, b.s.fireSchedules(t.Context()))
	b.clock.Add(24 * time.Hour)
	check(t, b.s.fireSchedules(t.Context()))
	b.wantPosted("C_OPS", "Digest, last 24 hours", 1)
	b.wantPosted("C_OPS", "There is no baseline yet", 1)
	all, err := b.s.Memory.watches(t.Context(), home)
	check(t, err)
	if len(all) != 0 {
		t.Errorf("a schedule made a watch: %+v", all)
	}
}

func TestScheduleStopsWithThePermission(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.says("riley", "sched")
	f := testPolicy()
	f.Roles["tech"] = RoleFile{Permissions: map[string]string{"billing": "read_only"}}
	b.setPolicy(f)
	for range 3 {
		b.polls(24 * time.Hour)
	}
	b.wantPosted("C_OPS", "Scheduled for", 0)
	b.wantPosted("DU_RILEY", "has stopped", 1)
	b.setPolicy(PolicyFile{Workspaces: f.Workspaces}) // nobody is anybody any more
	b.polls(24 * time.Hour)
	b.wantPosted("DU_RILEY", "has stopped", 1)
}
