package intents

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

// A day that never comes is a fault of the file, and nothing to search for ever.
func TestScheduleThatNeverComes(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{})
	never := ScheduleFile{Cron: "0 8 31 2 *", Ask: "digest", Channel: "slack:T1/C_OPS", As: "Riley"}
	check(t, b.s.fire(t.Context(), never)) // comes back
	f := testPolicy()
	f.Schedules = []ScheduleFile{never}
	if _, err := NewPolicy(f, b.s.Neo.Catalog()); err == nil || !strings.Contains(err.Error(), "schedules[0].cron") {
		t.Errorf("the fault is %v", err)
	}
}

// counting is a Router that counts the questions.
type counting struct {
	scripted
	n int
}

func (c *counting) Route(ctx context.Context, q Question) (Routed, error) {
	c.n++
	return c.scripted.Route(ctx, q)
}

// A schedule that may not be answered is refused once for each of its times,
// with a record, and does not ask the model every 20 seconds.
func TestScheduleIsRefusedOnce(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]ScheduleFile{
		"a write":          {Ask: "off", Channel: "slack:T1/C_OPS"},
		"for one person":   {Ask: "list", Channel: "slack:T1/C_OPS"},
		"in a form":        {Ask: "map", Channel: "slack:T1/C_OPS"},
		"a shared channel": {Ask: "agents", Channel: "slack:T1/C_SHARED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.Cron, f.As = "0 8 * * *", "Riley"
			router := &counting{scripted: scripted{
				"off": {Name: intentDisable, Args: args{"agent": "merge duplicates"}}, "list": {Name: intentWatches},
				"map": {Name: "call_operation", Args: args{"operation": "auto_map_technicians"}}, "agents": {Name: "list_agents"},
			}}
			b := newBench(t, router, func(p *PolicyFile) { p.Schedules = []ScheduleFile{f} })
			check(t, b.s.fireSchedules(t.Context()))
			for _, after := range []time.Duration{24 * time.Hour, 20 * time.Second, 20 * time.Second} {
				b.clock.Add(after)
				_ = b.s.fireSchedules(t.Context()) // says why, for the log
			}
			if router.n > 1 {
				t.Errorf("asked %d times", router.n)
			}
			for _, c := range b.screen.all("") { // at most the refusal itself
				if c.Status != cards.StatusRefused {
					t.Errorf("posted %+v", c)
				}
			}
			if open, err := b.s.Store.Recent(t.Context(), string(home), 10); err != nil || len(open) != 0 {
				t.Errorf("requests %+v, %v", open, err)
			}
			if !slices.ContainsFunc(b.audited(), func(l string) bool { return strings.HasPrefix(l, "refusal") }) {
				t.Errorf("no record of it: %q", b.audited())
			}
		})
	}
}

// A watch that is no policy file's is held to the same: call_operation reaches
// writes, so it is no question for set times.
func TestScheduledOperationProposesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, scripted{
		"sched":                    {Name: intentSchedule, Args: args{"times": "send me map technicians every day at 9"}},
		"map technicians":          {Name: "call_operation", Args: args{"operation": "auto_map_technicians"}},
		"send me map technicians ": {Name: "call_operation", Args: args{"operation": "auto_map_technicians"}},
	})
	b.direct("riley", "sched")
	b.polls(24 * time.Hour)
	if open, err := b.s.Store.Recent(t.Context(), string(home), 10); err != nil || len(open) != 0 {
		t.Errorf("requests %+v, %v", open, err)
	}
	b.wantWrites(0)
}

// sharedLater is a screen on which #ops is shared with another organisation by now.
type sharedLater struct{ *screen }

func (s sharedLater) Place(ctx context.Context, w adapters.Workspace, id string) (adapters.Conversation, error) {
	c, err := s.screen.Place(ctx, w, id)
	if id == channelOps.ID {
		c.Sharing = adapters.SharingExternal
	}
	return c, err
}

// The outcome is not told in a channel that others have joined since.
func TestOutcomeIsNotToldToOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.s.Poster = sharedLater{b.screen}
	b.clock.Add(time.Hour)
	before := len(b.screen.cards)
	answer, err := b.s.HandleClick(t.Context(), adapters.Click{
		Workspace: home, User: member("sam"), Conversation: adapters.Conversation{ID: "DU_SAM", Kind: adapters.Direct, Sharing: adapters.SharingInternal},
		ID: "x1", Action: cards.ActionApprove, Target: asked.Track,
	})
	check(t, err)
	b.wantCard(answer, adapters.Shown, cards.StatusDone, "Approved by Sam")
	if n := len(b.screen.cards) - before; n != 0 {
		t.Errorf("%d cards more", n)
	}
}

// The buttons of a final card work on every copy of it, as long as the request
// itself is known: decided on the third day, on the other platform.
func TestUndoFromAnotherCopy(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable, func(f *PolicyFile) { f.Approvals.Expires = "240h" })
	asked := b.says("riley", "off")
	b.clock.Add(72 * time.Hour)
	b.redis.FastForward(72 * time.Hour)
	done := b.clicks("sam", asked, "Approve")
	b.wantCard(done, adapters.Shown, cards.StatusDone, "Approved by Sam")
	press := button(t, done.Card, "Undo")
	b.wantCard(b.press("sam", press, nil), adapters.Reply, cards.StatusPending, "Undo: ")
	answer, err := b.s.HandleClick(t.Context(), adapters.Click{
		Workspace: "teams:tenant-1", User: adapters.User{ID: "aad-sam", Home: "tenant-1", Trust: adapters.TrustMember},
		Conversation: adapters.Conversation{ID: "a:1", Kind: adapters.Direct, Sharing: adapters.SharingInternal}, ID: "x1", Action: press.Action, Target: press.ID,
	})
	check(t, err)
	b.wantCard(answer, adapters.Reply, cards.StatusPending, "Undo: ")
	b.wantWrites(1)
}

// Made-up places in a request's buttons mean nothing.
func TestForgedRequestButtons(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	for _, id := range []string{asked.Track + "_3", asked.Track + "_-1", asked.Track + "_x", asked.Track + "_", "AAAAAAAAAAAAAAAAAAAAAA_0", "}{_0", "_0"} {
		b.wantCard(b.press("sam", cards.Button{Action: cards.ActionContinue, ID: id}, nil), adapters.Private, cards.StatusRefused, "expired")
	}
	b.wantWrites(0)
}

// What a form has confirmed and still needs a second person reaches that person.
func TestConfirmedAndSecondPerson(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable, func(f *PolicyFile) {
		f.Approvals.Rules[0] = RuleFile{Operation: "escalate_to_neo_team", Approvers: []string{"Sam"}, SelfApproval: true, Quorum: 2}
	})
	asked := b.says("riley", "bug")
	sent := b.press("riley", button(t, asked.Card, "Review and send"), map[string]string{"summary": "Dispatch ignores shifts", "details": "It did again."})
	b.wantCard(sent, adapters.Reply, cards.StatusPending, "Approved by Riley")
	b.wantWrites(0)
	b.wantPosted("DU_SAM", "Escalate to the Neo team", 1)
	b.wantCard(b.clicks("sam", sent, "Approve"), adapters.Shown, cards.StatusDone, "Riley and Sam")
	b.wantWrites(1)
}

// Every no has a record, also where it is said in place of a form.
func TestEveryRefusalIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	b.says("riley", "failed")
	escalate := b.says("riley", "bug")
	review := button(t, escalate.Card, "Review and send")
	request := b.says("riley", "off")
	reject := button(t, request.Card, "Reject")
	refusals := func() (n int) {
		for _, l := range b.audited() {
			if strings.HasPrefix(l, string(approvals.KindRefusal)) {
				n++
			}
		}
		return n
	}
	form := func(who string, press cards.Button) func() {
		return func() {
			b.n++
			c := adapters.Click{
				Workspace: home, User: member(who), Conversation: channelOps, ID: "f" + itoa(b.n), Card: b.copyOf(press.ID),
				Action: press.Action, Target: press.ID,
			}
			if f, answer := b.s.HandleForm(t.Context(), c); f != nil || answer.Card.Status != cards.StatusRefused {
				t.Errorf("form %+v, answer %+v", f, answer)
			}
		}
	}
	steps := []struct {
		name string
		do   func()
	}{
		{"another's form", form("sam", review)},
		{"an old form", form("riley", cards.Button{Action: cards.ActionForm, ID: "AAAAAAAAAAAAAAAAAAAAAA_0"})},
		{"no approver's rejection", form("vic", reject)},
		{"an old button", func() {
			b.press("riley", cards.Button{Action: cards.ActionContinue, ID: "AAAAAAAAAAAAAAAAAAAAAA_0"}, nil)
		}},
		{"an old form sent", func() {
			b.press("riley", cards.Button{Action: cards.ActionForm, ID: "AAAAAAAAAAAAAAAAAAAAAA_0"}, map[string]string{})
		}},
		{"an empty form sent", func() { b.press("riley", review, map[string]string{"summary": "x"}) }},
		{"a rejection without reason", func() { b.press("sam", reject, map[string]string{"reason": " "}) }},
		{"an unknown action", func() { b.press("sam", cards.Button{Action: "explode", ID: reject.ID}, nil) }},
		{"a rejection too late", func() {
			b.clicks("sam", request, "Approve")
			form("dana", reject)()
		}},
	}
	for _, s := range steps {
		before := refusals()
		s.do()
		if got := refusals() - before; got != 1 {
			t.Errorf("%s: %d records", s.name, got)
		}
	}
}

// A technician request that is not what was seen any more, or whose Neo
// approvers no longer include the person, is not decided.
func TestTechnicianRequestChangedSince(t *testing.T) {
	t.Parallel()
	change := map[string]func(r *sandbox.TilRequest){
		"another wish":   func(r *sandbox.TilRequest) { r.RequestedFor = sandbox.Object{"summary": "Delete the mailbox"} },
		"other approver": func(r *sandbox.TilRequest) { r.Approvers = r.Approvers[1:] },
		"decided": func(r *sandbox.TilRequest) {
			r.Status, r.DecidedBy = "REJECTED", sandbox.Object{"id": "9", "name": "Marcus Bell"}
		},
	}
	for name, f := range change {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, scripted{"show": {Name: "show_request", Args: args{"request": "912"}}}, func(p *PolicyFile) {
				p.People[0].NeoUserID = "8f0b6c1e-2d34-4a57-9b1c-5e7a90c4d101"
			})
			asked := b.clicks("riley", b.says("riley", "show"), "Approve")
			b.wantCard(asked, adapters.Reply, cards.StatusPending, "Approve technician request 912")
			b.neo.Mutate(func(s *sandbox.State) { f(s.TilRequests.Get("912")) })
			b.wantCard(b.clicks("sam", asked, "Approve"), adapters.Shown, cards.StatusFailed, "")
			b.wantWrites(0)
		})
	}
}

// The process dies after the card was posted and before the delivery was
// acknowledged; the request is approved meanwhile. The delivery comes again and
// shows the request, not an error over its card.
func TestRedeliveryAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, disable)
	asked := b.says("riley", "off")
	b.clicks("sam", asked, "Approve")
	again, err := b.s.HandleMessage(t.Context(), adapters.Message{
		Workspace: home, User: member("riley"), Conversation: channelOps, Thread: "t1", ID: "m1", Text: "off", At: b.clock.Now(),
	})
	check(t, err)
	if again.Track != asked.Track {
		t.Errorf("the repeat shows %+v", again.Card)
	}
	b.wantWrites(1)
}
