package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"
	"golang.org/x/tools/txtar"

	"neobot/adapters"
	"neobot/adapters/slack"
	"neobot/adapters/slack/slackfake"
	"neobot/intents"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// Scenarios are stories in testdata/*.txtar, each run through the whole bot in
// process: signed HTTP from a fake Slack to the real handlers, the durable
// inbox on an embedded Redis, the service, and a Neo sandbox that checks all
// traffic against the OpenAPI file. The file's name is the test's name; what
// stands above the first "-- file --" is the script, one step a line.
//
// Steps (scenario_steps_test.go) act:
//
//	riley in #ops: disable triage        mention in a channel (#ops #random #shared)
//	riley directly: agents               in the direct conversation
//	riley replies: and yesterday?        in the thread of his last message, without a mention
//	riley in #ops: /neo help             slash command
//	riley opens home
//	sam clicks Approve [N times at once] newest message with that button
//	sam and kim click Approve 50 times at once
//	sam clicks Approve on an old card    the button as it was, even if it is gone now
//	mallory forges approve "id"          a click with a made-up id
//	sam fills reason="not now"           submits the dialog he has open
//	clock +9h                            and everything that waits for time
//	slack redelivers                     the last deliveries once more
//	slack fails chat.update 500 [N times]   or upload (of a file), or slack_file (a picture in a message)
//	neo fails update_agent 500 [after applying] [N times]
//	neo drops the reply of update_agent
//	neo sets agent 106 state=DISABLED    behind the bot's back
//	redis down / redis up
//	restart                              the bot ends and starts again on the same Redis
//	policy replaces "old" with "new"
//	model says tool_name {"arg":"value"} the next answer of the model; the model is on in
//	model says "text"                    scenarios that use these steps
//	model is down
//
// Expectations (scenario_expect_test.go) look at what the last step changed:
//
//	expect card [pending|done|…] "text" …   a message posted or edited, with all these texts
//	expect no card ["text"]
//	expect N cards                       posted, not counting edits
//	expect N pictures at Slack, shown M times
//	expect button "Approve" / expect no button "Approve"   on the card expected last
//	expect private to riley "text" / expect nothing private
//	expect dialog for sam "text"
//	expect home of sam "text"
//	expect neo PUT /agents/106 {"state":"DISABLED"}   the next write Neo received
//	expect neo POST /escalate-to-neo-team with {"summary":"x"}   that and other fields
//	expect no writes                     none but those expected so far
//	expect agent 106 DISABLED
//	expect ticket "text"                 with the Neo team
//	expect http 503                      to the last delivery; 200 unless said
//	expect audit decision approve Sam    a record of that kind with these words
//
// Every scenario ends with: no write that was not expected, nothing that Slack
// would complain about, no request or response outside the OpenAPI file, and an
// audit chain that verifies.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	seen := &coverage{}
	t.Cleanup(func() { // when all stories have ended
		if seen.count() == len(files) {
			seen.document(t)
		}
	})
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, archive)
			for i, line := range strings.Split(string(archive.Comment), "\n") {
				line = strings.TrimSpace(line)
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				w.at = fmt.Sprintf("%s:%d: %s", file, i+1, line)
				w.step(line)
			}
			w.at = file + ": at the end"
			w.finish()
			seen.add(w, strings.TrimSuffix(filepath.Base(file), ".txtar"), string(archive.Comment))
		})
	}
}

// step is one kind of line.
type step struct {
	pattern *regexp.Regexp
	run     func(w *world, m []string)
}

func (w *world) step(line string) {
	w.t.Helper()
	expectation := strings.HasPrefix(line, "expect ")
	if !expectation {
		w.checkStatuses() // of the step before, if nobody asked for them
	}
	for _, s := range append(steps(), expectations()...) {
		if m := s.pattern.FindStringSubmatch(line); m != nil {
			if !expectation {
				w.mark()
			}
			s.run(w, m)
			return
		}
	}
	w.fatalf("no such step; scenario_test.go lists them")
}

// The people of the fake workspace, by the name used in scripts. Who of them is
// in the policy, and as what, testdata/policy.yaml says.
var slackPeople = map[string]slackfake.User{
	"riley": {ID: "U0RILEY", Name: "Riley"},
	"sam":   {ID: "U0SAM", Name: "Sam"},
	"kim":   {ID: "U0KIM", Name: "Kim"},
	"lee":   {ID: "U0LEE", Name: "Lee"},
	"nora":  {ID: "U0NORA", Name: "Nora"},
	"gus":   {ID: "U0GUS", Name: "Gus", Restricted: true},
	"olga":  {ID: "U9OLGA", Name: "Olga", Team: "T9OTHER", Stranger: true},
}

var slackRooms = map[string]slackfake.Channel{
	"ops":    {ID: "C0OPS", Kind: "channel"},
	"random": {ID: "C0RANDOM", Kind: "channel"},
	"shared": {ID: "C0SHARED", Kind: "channel", ExtShared: true},
}

const scenarioWorkspace = adapters.Workspace("slack:T0HOME")

// world is everything around the bot in one scenario.
type world struct {
	t      *testing.T
	at     string // the line being run
	clock  *fakeClock
	slack  *slackfake.Server
	neo    *sandbox.Neo
	neoURL string
	key    string
	redis  *miniredis.Miniredis
	model  *fakeModel // nil: the built-in router answers
	policy atomic.Pointer[intents.Policy]
	source string // of the policy
	bot    *running

	sent     []slackfake.Request // of the last step
	statuses []int
	threads  map[string][2]string // person -> channel and thread of his last message
	before   snapshot
	expected int // writes that were expected so far
	card     *slackfake.Message
	// toldBefore is how many private messages there were before the step before.
	toldBefore int
}

// running is a bot between two restarts.
type running struct {
	core *core
	web  *httptest.Server
	work *workload
	wait func() // for notes beside requests
	stop func()
}

func newWorld(t *testing.T, files *txtar.Archive) *world {
	t.Helper()
	w := &world{t: t, clock: newFakeClock(), redis: miniredis.RunT(t), key: "neo_sk_test_scenario", threads: map[string][2]string{}}
	policy, err := os.ReadFile("testdata/policy.yaml")
	w.must(err)
	w.source = string(policy)
	for _, f := range files.Files {
		if f.Name != "policy.yaml" {
			t.Fatalf("file %q: only policy.yaml means something", f.Name)
		}
		w.source = string(f.Data)
	}
	w.setPolicy(w.source)
	w.neo, err = sandbox.New(sandbox.Config{Now: w.clock.Now, Key: w.key, Seed: demoSeed, Document: neoapi.Document(), Validate: true})
	w.must(err)
	neo := httptest.NewServer(w.neo)
	t.Cleanup(neo.Close)
	w.neoURL = neo.URL
	w.slack = newSlack(t, w.clock)
	if regexp.MustCompile(`(?m)^\s*model `).Match(files.Comment) {
		w.model = newFakeModel(t)
	}
	w.start()
	t.Cleanup(func() { w.bot.stop() })
	w.mark()
	return w
}

func newSlack(t *testing.T, clock *fakeClock) *slackfake.Server {
	t.Helper()
	s := slackfake.New(slackfake.Config{Now: clock.Now, Scopes: slack.Scopes()})
	t.Cleanup(s.Close)
	var own, all []string
	for _, u := range slackPeople {
		s.AddUser(u)
		all = append(all, u.ID)
		if u.Team == "" {
			own = append(own, u.ID)
		}
	}
	for _, c := range slackRooms {
		c.Members = own
		if c.ExtShared {
			c.Members = all
		}
		s.AddChannel(c)
	}
	return s
}

func (w *world) setPolicy(src string) {
	w.t.Helper()
	p, err := parsePolicy([]byte(src))
	w.must(err)
	w.source = src
	w.policy.Store(p)
}

// start runs a bot on the world's Redis, wired as `bot serve` wires it.
func (w *world) start() {
	w.t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: w.redis.Addr(), MaxRetries: -1})
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	b := &running{work: newWorkload()}
	cfg := w.slack.Config()
	var adapter *slack.Adapter
	var err error
	b.core, err = newCore(coreConfig{
		Redis: rdb, Queue: rdb, Workspaces: []adapters.Workspace{scenarioWorkspace}, Policy: w.policy.Load, Consumer: "scenario", Block: 20 * time.Millisecond,
		Neo:    neoapi.Config{BaseURL: w.neoURL, Key: w.key, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
		Router: w.router(log), Logger: log, Metrics: b.work, Now: w.clock.Now,
		Connect: func(p ports) (_ []adapters.Adapter, err error) {
			adapter, err = slack.New(slack.Config{
				Installs: []slack.Install{{Team: cfg.Team, Token: cfg.Token}}, AppID: cfg.App, SigningSecrets: []string{cfg.Secret},
				APIURL: w.slack.APIURL(), ResponseHosts: []string{w.slack.ResponseHost()}, PostsPerSecond: -1,
				Inbox: p.Inbox, Threads: p.Outbox, Pictures: p.Outbox, Handler: p.Handler, Logger: log, Now: w.clock.Now,
			})
			return []adapters.Adapter{adapter}, err
		},
	})
	w.must(err)
	b.wait = adapter.Wait
	b.web = httptest.NewServer(newEngine(engineConfig{
		Logger: log, Metrics: newMetrics(), Ready: b.core.ready, Mount: func(r gin.IRouter) { adapter.Routes(r) },
	}))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	// The sweep is not left to its ticker: steps that let time pass call it, so
	// that a story has the same order every time.
	idle := func(ctx context.Context) error { <-ctx.Done(); return nil }
	wg.Go(func() {
		if err := b.core.run(ctx, idle, idle); err != nil {
			w.t.Errorf("bot ended with %v", err)
		}
	})
	b.stop = sync.OnceFunc(func() {
		b.web.Close()
		cancel()
		wg.Wait()
		b.wait()
		_ = rdb.Close()
	})
	w.bot = b
}

func (w *world) router(log *slog.Logger) intents.Router {
	if w.model == nil {
		return intents.BuiltIn{}
	}
	r, err := intents.NewModel(intents.ModelConfig{
		BaseURL: w.model.url, Key: "sk-test", Model: "test", Logger: log, Now: w.clock.Now, Fallback: intents.BuiltIn{},
	})
	w.must(err)
	return r
}

// deliver sends what Slack sends and waits until the bot has worked it off.
func (w *world) deliver(requests ...slackfake.Request) {
	w.t.Helper()
	for _, q := range requests {
		w.sent = append(w.sent, q)
		w.statuses = append(w.statuses, w.send(q))
	}
	w.settle()
}

func (w *world) send(q slackfake.Request) int {
	status, _, err := w.slack.Send(w.t.Context(), w.bot.web.URL, q)
	w.must(err)
	return status
}

// settle waits until everything taken in is worked off.
func (w *world) settle() {
	w.t.Helper()
	if !w.bot.work.idle(w.t.Context(), 15*time.Second) {
		w.fatalf("deliveries are still being worked on after 15 s: %s", w.bot.work)
	}
	w.bot.wait()
}

func (w *world) checkStatuses() {
	w.t.Helper()
	for _, s := range w.statuses {
		if s != http.StatusOK {
			w.errorf("the last step's delivery was answered with %d; say so with: expect http %d", s, s)
		}
	}
	w.statuses = nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.fatalf("%v", err)
	}
}

func (w *world) errorf(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("%s\n\t%s", w.at, fmt.Sprintf(format, args...))
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\n\t%s", w.at, fmt.Sprintf(format, args...))
}

// finish checks what every story must hold to.
func (w *world) finish() {
	w.t.Helper()
	w.checkStatuses()
	w.expectNoWrites()
	for _, p := range w.slack.Problems() {
		w.errorf("Slack would complain: %s", p)
	}
	for _, v := range w.neo.Violations() {
		w.errorf("outside the OpenAPI file: %s", v)
	}
	if report, err := w.bot.core.audit.VerifyStream(w.t.Context(), string(scenarioWorkspace), ""); err != nil {
		w.errorf("audit: %v, %+v", err, report)
	}
}
