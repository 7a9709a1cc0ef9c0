package intents

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

var watching = scripted{
	"fail":                     {Name: intentWatch, Args: map[string]string{"what": "watch failures"}},
	"dispatch":                 {Name: intentWatch, Args: map[string]string{"what": "watch failures of dispatch", "agent": "dispatch"}},
	"unknown":                  {Name: intentWatch, Args: map[string]string{"what": "watch failures of zanzibar"}},
	"mine":                     {Name: intentWatch, Args: map[string]string{"what": "tell me when there is a new technician request for me"}},
	"credits":                  {Name: intentWatch, Args: map[string]string{"what": "credits over the limit"}},
	"changes":                  {Name: intentWatch, Args: map[string]string{"what": "tell me when an agent changes"}},
	"what":                     {Name: intentWatch, Args: map[string]string{"what": "watch the sky"}},
	"should I watch failures?": {Name: intentWatch, Args: map[string]string{"what": "should I watch failures?"}},
	"list":                     {Name: intentWatches},
	"pause":                    {Name: intentPauseWatch, Args: map[string]string{"number": "pause watch 1"}},
	"resume":                   {Name: intentResumeWatch, Args: map[string]string{"number": "resume watch 1"}},
	"remove":                   {Name: intentRemoveWatch, Args: map[string]string{"number": "remove watch 1"}},
	"digest":                   {Name: intentDigest},
	"daily":                    {Name: intentSchedule, Args: map[string]string{"times": "send me a digest every weekday at 8"}},
	"sched":                    {Name: intentSchedule, Args: map[string]string{"times": "send me agents every day at 9"}},
	"evil":                     {Name: intentSchedule, Args: map[string]string{"times": "send me off every day at 9"}},
	"agents":                   {Name: "list_agents"},
	"off":                      {Name: intentDisable, Args: map[string]string{"agent": "merge duplicates"}},
	"save":                     {Name: intentSaveBaseline},
	"drift":                    {Name: intentDrift},
	"since":                    {Name: intentDrift, Args: map[string]string{"when": "since yesterday"}},
}

// polls lets time pass and polls as one replica would.
func (b *bench) polls(after time.Duration) {
	b.t.Helper()
	b.clock.Add(after)
	b.redis.FastForward(after)
	check(b.t, b.s.pollWatches(b.t.Context(), "replica-1"))
}

// run adds a run to Neo, as events do.
func (b *bench) run(id, agent, status string) {
	b.t.Helper()
	b.neo.Mutate(func(s *sandbox.State) {
		for a := range s.Agents.All() {
			if a.Name == agent {
				text := "boom " + id
				e := &sandbox.Execution{ExecutionID: id, AgentID: atoi(a.ID), AgentName: a.Name, Status: status, CreatedAt: b.clock.Now(), UpdatedAt: b.clock.Now(), Waiting: true}
				if status == "failure" {
					e.Error = &text
				}
				s.Executions.Add(e)
				return
			}
		}
		b.t.Errorf("no agent %q", agent)
	})
}

// ends changes a run's status.
func (b *bench) ends(id, status string) {
	b.neo.Mutate(func(s *sandbox.State) {
		e := s.Executions.Get(id)
		e.Status, e.UpdatedAt = status, b.clock.Now()
	})
}

// posted counts the cards in a conversation whose text holds part.
func (b *bench) posted(conversation, part string) int {
	b.screen.mu.Lock()
	defer b.screen.mu.Unlock()
	n := 0
	for ref, card := range b.screen.cards {
		if ref.Conversation == conversation && strings.Contains(cards.Text(card, 4000), part) {
			n++
		}
	}
	return n
}

func (b *bench) wantPosted(conversation, part string, n int) {
	b.t.Helper()
	if got := b.posted(conversation, part); got != n {
		b.t.Fatalf("%d cards with %q in %s, want %d", got, part, conversation, n)
	}
}

// direct has somebody write to the bot alone.
func (b *bench) direct(who, text string) adapters.Answer {
	b.t.Helper()
	return b.message(adapters.Message{
		Workspace: home, User: member(who), Conversation: adapters.Conversation{ID: "D" + who, Kind: adapters.Direct, Sharing: adapters.SharingInternal},
		Text: text, At: b.clock.Now(),
	})
}

// Each failure is told once, also one of a run that was under way before, and
// one whose run was listed late; other agents' are not.
func TestWatchFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.run("early", "Dispatch", "running")
	b.clock.Add(time.Minute)
	b.wantCard(b.says("riley", "dispatch"), adapters.Reply, cards.StatusDone, "failures of Dispatch")
	b.polls(time.Second)
	b.wantPosted("C_OPS", "boom", 0)
	b.run("r1", "Dispatch", "failure")
	b.run("r2", "Dispatch", "success")
	b.run("r3", "License audit", "failure")
	b.polls(time.Minute)
	b.wantPosted("C_OPS", "boom r1", 1)
	b.polls(time.Minute)
	b.ends("early", "failure")
	b.polls(5 * time.Minute)
	b.polls(10 * time.Minute)
	b.wantPosted("C_OPS", "Dispatch · failed", 0)
	b.wantPosted("C_OPS", "Dispatch failed", 2)
	b.wantPosted("C_OPS", "boom r3", 0)
	b.wantWrites(0)
}

// After downtime what was missed comes as one card, and only once.
func TestWatchCatchesUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.direct("riley", "fail")
	b.polls(time.Second)
	for i := range 7 {
		b.clock.Add(30 * time.Minute)
		b.run(fmt.Sprint("r", i), "Dispatch", "failure")
	}
	b.polls(time.Hour)
	b.wantPosted("Driley", "7 failures while I was away", 1)
	b.polls(10 * time.Minute)
	b.polls(10 * time.Minute)
	b.wantPosted("Driley", "boom", 1)
	b.wantPosted("C_OPS", "boom", 0)
}

// The platform is down while there is something to tell, and the process is
// another one when it is back: told once.
func TestWatchPostsOnceThroughFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.says("riley", "fail")
	b.polls(time.Second)
	b.run("r1", "Dispatch", "failure")
	b.screen.fail = errBroken
	b.clock.Add(time.Minute)
	if err := b.s.pollWatches(t.Context(), "replica-1"); err == nil {
		t.Error("a post that failed is no error")
	}
	b.screen.fail = nil
	b.clock.Add(10 * time.Minute)
	b.redis.FastForward(10 * time.Minute) // the lease of the dead one is over
	check(t, b.s.pollWatches(t.Context(), "replica-2"))
	b.clock.Add(10 * time.Minute)
	check(t, b.s.pollWatches(t.Context(), "replica-2"))
	b.wantPosted("C_OPS", "boom r1", 1)
}

// One replica polls; many watches cost one read; with nothing new it backs off.
func TestWatchPollsLittle(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	for _, who := range []string{"riley", "sam", "dana"} {
		b.says(who, "fail")
		b.says(who, "dispatch")
	}
	lists := func() int {
		n := 0
		for _, r := range b.neo.Requests() {
			if r.Op == "list_executions" {
				n++
			}
		}
		return n
	}
	before := lists()
	b.polls(time.Second)
	pages := lists() - before
	if pages == 0 || pages > 3 {
		t.Errorf("one look of six watches took %d reads", pages)
	}
	check(t, b.s.pollWatches(t.Context(), "replica-2"))
	if lists()-before != pages {
		t.Error("a second replica polled too")
	}
	before = lists()
	for range 180 { // an hour of ticks
		b.polls(20 * time.Second)
	}
	if looks := (lists() - before) / pages; looks < 5 || looks > 12 {
		t.Errorf("%d looks in an hour without news", looks)
	}
}

// A person whose permission is gone is told so once, and nothing else.
func TestWatchStopsWithThePermission(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.says("riley", "fail")
	b.polls(time.Second)
	b.run("r1", "Dispatch", "failure")
	f := testPolicy()
	f.Roles["tech"] = RoleFile{Permissions: map[string]string{"agents": "read_only"}}
	b.setPolicy(f)
	for range 3 {
		b.polls(10 * time.Minute)
	}
	b.wantPosted("DU_RILEY", "has stopped", 1)
	b.wantPosted("DU_RILEY", "boom", 0)
	b.wantPosted("C_OPS", "boom", 0)
	b.setPolicy(testPolicy())
	b.polls(10 * time.Minute)
	b.wantPosted("C_OPS", "boom", 0)
	b.wantCard(b.says("riley", "resume"), adapters.Private, cards.StatusDone, "goes on")
	b.run("r2", "Dispatch", "failure")
	b.polls(time.Minute)
	b.wantPosted("C_OPS", "boom r2", 1)
	b.wantPosted("C_OPS", "boom r1", 0)
}

// A channel that another organisation can read gets nothing, now or later.
func TestWatchInSharedChannel(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	shared := adapters.Conversation{ID: "C_SHARED1", Kind: adapters.Channel, Sharing: adapters.SharingExternal}
	answer := b.message(adapters.Message{Workspace: home, User: member("riley"), Conversation: shared, Thread: "t", Text: "fail", At: b.clock.Now()})
	b.wantCard(answer, adapters.Private, cards.StatusRefused, "direct message")
	b.says("riley", "fail")
	all, err := b.s.Memory.watches(t.Context(), home)
	check(t, err)
	if len(all) != 1 {
		t.Fatalf("%d watches", len(all))
	}
	all[0].Conversation = "C_SHARED_LATER" // as if #ops had been shared since
	check(t, b.s.Memory.setWatch(t.Context(), all[0]))
	b.run("r1", "Dispatch", "failure")
	b.polls(time.Minute)
	b.polls(10 * time.Minute)
	b.wantPosted("C_SHARED_LATER", "", 0)
	b.wantPosted("DU_RILEY", "has stopped", 1)
}

func TestWatchRequestsForMe(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.wantCard(b.says("riley", "mine"), adapters.Reply, cards.StatusRefused, "do not know you in Neo")
	b.wantCard(b.direct("sam", "mine"), adapters.Reply, cards.StatusDone, "requests for you")
	b.polls(time.Second)
	add := func(id int, user, status string) {
		b.neo.Mutate(func(s *sandbox.State) {
			s.TilRequests.Add(&sandbox.TilRequest{
				ID: id, AgentName: "<!channel> evil", Status: status, Approvers: []sandbox.Object{{"user_id": user, "user_name": "x"}},
				RequestedFor: sandbox.Object{"summary": "install"}, CreatedAt: b.clock.Now(), UpdatedAt: b.clock.Now(),
			})
		})
	}
	add(7001, "u-sam", "PENDING")
	add(7002, "u-other", "PENDING")
	add(7003, "u-sam", "APPROVED")
	b.polls(time.Minute)
	b.polls(time.Minute)
	b.wantPosted("Dsam", "7001", 1)
	b.wantPosted("Dsam", "7002", 0)
	b.wantPosted("Dsam", "7003", 0)
}

func TestWatchCreditsOnceAMonth(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.says("riley", "credits")
	b.polls(time.Second)
	was := b.posted("C_OPS", "over the limit")
	b.neo.Mutate(func(s *sandbox.State) {
		for i := range 4000 {
			s.Executions.Add(&sandbox.Execution{ExecutionID: fmt.Sprint("x", i), AgentID: 104, Status: "success", CreatedAt: b.clock.Now().Add(-time.Minute)})
		}
	})
	for range 10 {
		b.polls(2 * time.Hour)
	}
	if got := b.posted("C_OPS", "over the limit") - was; got < 1 || got > 2 {
		t.Errorf("warned %d times; the forecast and the overrun are one warning each", got)
	}
}

func TestWatchChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.says("riley", "changes")
	b.polls(time.Second)
	b.rename(merge, "Merge <!channel> *now*")
	berlin := "Europe/Berlin"
	b.neo.Mutate(func(s *sandbox.State) { s.Settings.Timezone = &berlin })
	b.polls(time.Minute)
	b.wantPosted("C_OPS", "Merge duplicates", 1)
	b.wantPosted("C_OPS", "Europe/Berlin", 1)
	b.polls(10 * time.Minute)
	b.wantPosted("C_OPS", "Europe/Berlin", 1)
	b.neo.Mutate(func(s *sandbox.State) { s.Agents.Remove("104") })
	b.polls(10 * time.Minute)
	b.wantPosted("C_OPS", "is gone", 1)
}

// Lists are one's own; words and buttons pause, resume and remove; nobody
// touches another's.
func TestWatchesAreManaged(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	set := b.says("riley", "fail")
	b.wantCard(b.says("riley", "list"), adapters.Private, cards.StatusNone, "Watch 1")
	b.wantCard(b.says("sam", "list"), adapters.Private, cards.StatusNone, "You have none")
	b.wantCard(b.says("sam", "remove"), adapters.Reply, cards.StatusRefused, "no watch 1 of yours")
	b.wantCard(b.clicks("sam", set, "Remove"), adapters.Private, cards.StatusRefused, "Riley")
	b.wantCard(b.clicks("riley", set, "Pause"), adapters.Private, cards.StatusDone, "is paused")
	b.run("r1", "Dispatch", "failure")
	b.polls(10 * time.Minute)
	b.wantPosted("C_OPS", "boom", 0)
	b.wantCard(b.says("riley", "resume"), adapters.Private, cards.StatusDone, "goes on")
	b.polls(time.Minute)
	b.wantPosted("C_OPS", "boom r1", 0)
	b.wantCard(b.says("riley", "remove"), adapters.Private, cards.StatusDone, "is removed")
	b.wantCard(b.says("riley", "list"), adapters.Private, cards.StatusNone, "You have none")
	b.run("r2", "Dispatch", "failure")
	b.polls(time.Minute)
	b.wantPosted("C_OPS", "boom r2", 0)
}

// A redelivered message makes no second watch; the twenty-first is refused; a
// question makes none; an unknown agent and an unknown subject are asked back.
func TestWatchIsMadeWithCare(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	m := adapters.Message{Workspace: home, User: member("riley"), Conversation: channelOps, Thread: "t1", Text: "fail", ID: "same", At: b.clock.Now()}
	for range 3 {
		_, err := b.s.HandleMessage(t.Context(), m)
		check(t, err)
	}
	count := func() int {
		all, err := b.s.Memory.watches(t.Context(), home)
		check(t, err)
		return len(all)
	}
	if count() != 1 {
		t.Fatalf("%d watches from one message", count())
	}
	ask := b.says("riley", "should I watch failures?")
	b.wantCard(ask, adapters.Reply, cards.StatusQuestion, "Nothing is set yet")
	b.wantCard(b.says("riley", "unknown"), adapters.Reply, cards.StatusQuestion, "zanzibar")
	b.wantCard(b.says("riley", "what"), adapters.Reply, cards.StatusQuestion, "What shall I watch?")
	if count() != 1 {
		t.Fatalf("%d watches after questions", count())
	}
	b.clicks("riley", ask, "Yes")
	for range maxWatches - 2 {
		b.says("riley", "fail")
	}
	b.wantCard(b.says("riley", "fail"), adapters.Reply, cards.StatusRefused, "Remove one first")
	b.wantCard(b.says("sam", "fail"), adapters.Reply, cards.StatusDone, "is set")
	if count() != maxWatches+1 {
		t.Errorf("%d watches", count())
	}
}

// The digest comes at its time in the tenant's zone, missed ones once.
// Other questions work at set times too, changes never.
func TestBaselineAndDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t, watching)
	b.wantCard(b.says("riley", "drift"), adapters.Reply, cards.StatusQuestion, "no baseline")
	b.wantCard(b.says("riley", "save"), adapters.Reply, cards.StatusDone, "Baseline saved")
	b.wantCard(b.says("sam", "drift"), adapters.Reply, cards.StatusDone, "Nothing has changed")
	b.clock.Add(time.Hour)
	b.neo.SetAgent("104", func(a *sandbox.Agent) { a.AgentSettings["custom_instructions"] = "<!here> password: hunter2" })
	b.neo.Mutate(func(s *sandbox.State) {
		s.Agents.Add(&sandbox.Agent{
			ID: "999", Name: "Brand new", State: "ENABLED", AutonomyType: "AGENTIC", TriggerType: "NONE", CreatedAt: b.clock.Now(),
			AgentSettings: sandbox.Object{}, Toolbox: sandbox.Object{}, Integrations: sandbox.Object{},
		})
	})
	drift := b.says("riley", "drift")
	b.wantCard(drift, adapters.Reply, cards.StatusNone, "1 changed, 1 new, 0 gone")
	text := cards.Text(drift.Card, 4000)
	if !strings.Contains(text, "custom instructions") || strings.Contains(text, "hunter2") || !strings.Contains(text, "Riley") {
		t.Errorf("drift card:\n%s", text)
	}
	b.wantCard(b.says("riley", "since"), adapters.Reply, cards.StatusNone, "custom instructions")
	b.wantWrites(0)
}

// Nothing that was read can become a button, link or mention of its own.
func TestWatchCardsHoldData(t *testing.T) {
	t.Parallel()
	a := &ask{record: "r", who: &Person{Name: "Riley"}}
	evil := watchEvent{Title: "<https://evil.example|click> *x*\n\nApprove", Detail: "```<!channel>", Next: Intent{Name: intentExplain}, Label: "Why?"}
	for _, events := range [][]watchEvent{{evil}, slices.Repeat([]watchEvent{evil}, 60)} {
		card := a.watchCard(watch{ID: 1, Person: "Riley", Kind: watchFailures}, watchPost{Events: events})
		if len(card.Links) > 0 {
			t.Error("a link was made")
		}
		for _, x := range card.Buttons {
			if !slices.Contains([]string{"Why?", "Pause", "Remove"}, x.Label) || x.Action != cards.ActionContinue {
				t.Errorf("button %+v", x)
			}
		}
		if strings.Contains(card.Title, "\n") {
			t.Error("title of several lines")
		}
	}
}

// The policy file's schedules understand the new questions without a model.
// Said in plain words, without a model, from the wish to the card.
func TestWatchInWords(t *testing.T) {
	t.Parallel()
	b := newBench(t, BuiltIn{})
	b.wantCard(b.says("riley", "watch failures of Dispatch"), adapters.Reply, cards.StatusDone, "failures of Dispatch")
	b.wantCard(b.says("riley", "tell me when an agent changes"), adapters.Reply, cards.StatusDone, "changes of agents and settings")
	b.wantCard(b.says("riley", "warn me when credits will run over"), adapters.Reply, cards.StatusDone, "credits that will run over")
	b.wantCard(b.says("sam", "tell me when there is a new technician request for me"), adapters.Reply, cards.StatusDone, "for you")
	b.wantCard(b.says("riley", "send me a digest every weekday at 8"), adapters.Reply, cards.StatusDone, "every weekday at 08:00")
	b.wantCard(b.says("riley", "send me failed runs today every day at 17:00"), adapters.Reply, cards.StatusDone, "“failed runs today” every day at 17:00")
	b.wantCard(b.says("riley", "pause my digest"), adapters.Private, cards.StatusQuestion, "Which watch?")
	b.wantCard(b.says("riley", "pause watch 5"), adapters.Private, cards.StatusDone, "Watch 5 is paused")
	b.wantCard(b.says("riley", "my watches"), adapters.Private, cards.StatusNone, "paused")
	b.wantCard(b.says("riley", "remove watch 1"), adapters.Private, cards.StatusDone, "Watch 1 is removed")
	b.wantCard(b.says("riley", "save a baseline"), adapters.Reply, cards.StatusDone, "Baseline saved")
	b.wantCard(b.says("riley", "what has drifted since the baseline?"), adapters.Reply, cards.StatusDone, "Nothing has changed")
	b.wantWrites(0)
}

// A scheduled answer ends with the permission it needs, and says so once.
