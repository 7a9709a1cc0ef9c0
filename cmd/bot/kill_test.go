package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"neobot/adapters/slack/slackfake"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// These tests kill the running program with kill -9 at exact points of a flow
// and show that after a restart every question is answered exactly once and
// every change is written exactly once. Redis is a real redis-server; Slack and
// Neo are servers that outlive the bot.

const (
	killChannel = "C0OPS"
	killTeam    = "slack:T0HOME"
	killKey     = "neo_sk_kill_test"
	// killLease is how soon another process takes over what a dead one held.
	killLease = "3s"
)

const killPolicy = `
workspaces: ["slack:T0HOME"]
admins: [Sam]
permissions: {all: read_write, api_keys: disabled}
roles:
  technician: {permissions: {all: read_write}}
people:
  - {name: Riley, slack: {team: T0HOME, id: U0RILEY}, roles: [technician]}
  - {name: Sam, slack: {team: T0HOME, id: U0SAM}, roles: [technician]}
channels:
  - {match: "*", permissions: {all: read_write}}
  - {match: direct, permissions: {all: read_write}}
approvals:
  rules:
    - {approvers: [Sam], channel: "slack:T0HOME/C0OPS"}
`

// outside is everything around the bot: it survives every kill.
type outside struct {
	t      *testing.T
	bin    string
	slack  *slackfake.Server
	neo    *sandbox.Neo
	neoURL string
	redis  *redisServer
	model  *httpGate // nil: the bot has none
	policy string
	posts  int // of the bot, expected
	writes int // to Neo, expected
}

func newOutside(t *testing.T, bin string) *outside {
	t.Helper()
	w := &outside{t: t, bin: bin, redis: startRedis(t), slack: slackfake.New(slackfake.Config{})}
	t.Cleanup(w.slack.Close)
	w.slack.AddUser(slackfake.User{ID: "U0RILEY", Name: "Riley"})
	w.slack.AddUser(slackfake.User{ID: "U0SAM", Name: "Sam"})
	w.slack.AddChannel(slackfake.Channel{ID: killChannel, Members: []string{"U0RILEY", "U0SAM"}})
	var err error
	w.neo, err = sandbox.New(sandbox.Config{Now: time.Now, Key: killKey, Seed: 1, Document: neoapi.Document(), Validate: true, RateLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.neo)
	t.Cleanup(server.Close)
	w.neoURL = server.URL
	w.policy = filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(w.policy, []byte(killPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// victim is a bot behind gates of its own, so that it can be killed at a point.
type victim struct {
	*process
	slack, neo *httpGate
	redis      *redisGate
}

func (w *outside) start() *victim {
	w.t.Helper()
	return w.startAt(freeAddr(w.t))
}

// again starts a bot in the place of a killed one: it goes on at once with what
// the queue holds for it. A bot elsewhere has to wait for the lease.
func (w *outside) again(dead *victim) *victim {
	w.t.Helper()
	return w.startAt(strings.TrimPrefix(dead.url, "http://"))
}

func (w *outside) startAt(addr string) *victim {
	w.t.Helper()
	v := &victim{
		slack: newHTTPGate(w.t, strings.TrimSuffix(w.slack.APIURL(), "/api/")),
		neo:   newHTTPGate(w.t, w.neoURL), redis: newRedisGate(w.t, w.redis.addr),
	}
	v.process = startProcess(w.t, w.bin, addr, w.env(v))
	return v
}

func (w *outside) env(v *victim) []string {
	c := w.slack.Config()
	env := []string{
		"REDIS_URL=" + v.redis.url(), "NEOBOT_CONFIG=" + w.policy, "NEOBOT_LEASE=" + killLease,
		"NEO_BASE_URL=" + v.neo.server.URL, "NEO_API_KEY=" + killKey,
		"SLACK_API_URL=" + v.slack.server.URL + "/api/", "SLACK_BOT_TOKEN=" + c.Token, "SLACK_SIGNING_SECRET=" + c.Secret, "SLACK_APP_ID=" + c.App,
	}
	if w.model != nil {
		env = append(env, "OPENAI_BASE_URL="+w.model.server.URL+"/v1", "OPENAI_MODEL=test")
	}
	return env
}

// deliver sends requests as Slack does: again, until they are acknowledged.
func (w *outside) deliver(url string, requests ...slackfake.Request) {
	w.t.Helper()
	for _, q := range requests {
		eventually(w.t, "acknowledged", func() (bool, any) {
			status, _, err := w.slack.Send(w.t.Context(), url, q)
			return status == http.StatusOK, fmt.Sprint(status, err)
		})
	}
}

// says has Riley write to the bot; the message arrives twice, as Slack has it.
func (w *outside) says(url, text string) (thread string) {
	w.t.Helper()
	thread, requests := w.slack.Mention("U0RILEY", killChannel, "", text)
	w.deliver(url, requests...)
	return thread
}

// asks is a question that needs a read of its own from Neo: no two are the same.
func (w *outside) asks(url string) (thread string) {
	w.t.Helper()
	w.posts++
	return w.says(url, fmt.Sprintf("what did neo do on ticket %d?", 70_000+w.posts))
}

// requested has Riley ask for a change and waits for the card.
func (w *outside) requested(url, text string) (thread string) {
	w.t.Helper()
	thread = w.says(url, text)
	w.posts++
	w.waitCard(thread, "asks for this", "[Approve]")
	w.settled()
	return thread
}

// approves has Sam press Approve on the card in a thread.
func (w *outside) approves(url, thread string) {
	w.t.Helper()
	w.deliver(url, w.press(thread, "Approve"))
}

func (w *outside) press(thread, label string) slackfake.Request {
	w.t.Helper()
	posts := w.thread(thread)
	if len(posts) != 1 {
		w.t.Fatalf("%d posts in the thread, want the one card", len(posts))
	}
	q, err := w.slack.Press("U0SAM", killChannel, posts[0].TS, label)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// thread lists the bot's posts in a thread.
func (w *outside) thread(ts string) []slackfake.Message {
	return slices.DeleteFunc(w.slack.Posts(killChannel), func(m slackfake.Message) bool { return m.Thread != ts })
}

// waitCard waits until the one post of a thread shows all the texts.
func (w *outside) waitCard(thread string, texts ...string) {
	w.t.Helper()
	eventually(w.t, "card showing "+strings.Join(texts, ", "), func() (bool, any) {
		posts := w.thread(thread)
		if len(posts) != 1 {
			return false, fmt.Sprintf("%d posts", len(posts))
		}
		shown := slackfake.Text(posts[0].Blocks)
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				return false, shown
			}
		}
		return true, nil
	})
}

// settled waits until nothing is left to do: no delivery is in the inbox, no
// request is being executed and no card is out of date.
func (w *outside) settled() {
	w.t.Helper()
	key := func(s string) string { return "neobot:{" + killTeam + "}:" + s }
	eventually(w.t, "nothing left to do", func() (bool, any) {
		ctx := w.t.Context()
		queued, err1 := w.redis.rdb.XLen(ctx, key("inbox")).Result()
		undrawn, err2 := w.redis.rdb.ZCard(ctx, key("undrawn")).Result()
		waiting, err3 := w.redis.rdb.ZCard(ctx, key("pending")).Result()
		due, err4 := w.redis.rdb.ZCard(ctx, key("due")).Result()
		idle := err1 == nil && err2 == nil && err3 == nil && err4 == nil && queued == 0 && undrawn == 0 && due == waiting
		return idle, fmt.Sprintf("queued %d, undrawn %d, executing %d, errors %v %v %v %v", queued, undrawn, due-waiting, err1, err2, err3, err4)
	})
}

// check asserts that the world is as expected, and that nothing more will come.
func (w *outside) check() {
	w.t.Helper()
	w.settled()
	if posts := w.slack.Posts(""); len(posts) != w.posts {
		w.t.Errorf("%d posts, want %d: %v", len(posts), w.posts, posts)
	}
	var applied []string
	for _, r := range w.neo.Writes() {
		if r.Applied {
			applied = append(applied, r.Method+" "+r.Path)
		}
	}
	if len(applied) != w.writes {
		w.t.Errorf("written to Neo %d times, want %d: %v", len(applied), w.writes, applied)
	}
	for _, p := range append(w.slack.Problems(), w.neo.Violations()...) {
		w.t.Error(p)
	}
}

// audit verifies the chain with the program itself and returns how many records
// of each kind it holds.
func (w *outside) audit() map[string]int {
	w.t.Helper()
	w.bot("audit", "verify", "--workspace", killTeam)
	kinds := map[string]int{}
	for line := range strings.Lines(w.bot("audit", "export", "--workspace", killTeam)) {
		var r struct{ Kind string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatalf("audit export: %v: %s", err, line)
		}
		kinds[r.Kind]++
	}
	return kinds
}

// bot runs a command of the program to its end.
func (w *outside) bot(args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.bin, args...)
	cmd.Env = []string{"REDIS_URL=redis://" + w.redis.addr + "/0", "NEOBOT_CONFIG=" + w.policy}
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("bot %s: %v: %s%s", strings.Join(args, " "), err, out, faults.String())
	}
	return string(out)
}

// point is where a bot is killed.
type point struct {
	name string
	arm  func(v *victim) *hold
}

// reached waits for a gate.
func (w *outside) reached(h *hold, what string) {
	w.t.Helper()
	select {
	case <-h.reached:
	case <-time.After(patience):
		w.t.Fatalf("the bot never came to the point %q", what)
	}
}

func slackHold(after bool, parts ...string) func(*victim) *hold {
	return func(v *victim) *hold { return v.slack.arm(after, parts...) }
}

func neoHold(after bool, parts ...string) func(*victim) *hold {
	return func(v *victim) *hold { return v.neo.arm(after, parts...) }
}

func redisHold(after bool, parts ...string) func(*victim) *hold {
	return func(v *victim) *hold { return v.redis.arm(after, parts...) }
}

func TestKill(t *testing.T) {
	bin := buildBot(t)
	t.Run("between click and write", func(t *testing.T) { t.Parallel(); testKillDecision(t, bin) })
	t.Run("between write and card", func(t *testing.T) { t.Parallel(); testKillWrite(t, bin) })
	t.Run("while a question is answered", func(t *testing.T) { t.Parallel(); testKillAsk(t, bin) })
	t.Run("between the parts of a question", func(t *testing.T) { t.Parallel(); testKillParts(t, bin) })
	t.Run("while a change is requested", func(t *testing.T) { t.Parallel(); testKillRequest(t, bin) })
	t.Run("with another replica", func(t *testing.T) { t.Parallel(); testKillReplica(t, bin) })
	t.Run("redis-server", func(t *testing.T) { t.Parallel(); testKillRedis(t, bin) })
}

// testKillAsk kills between the acknowledgement and the answer, and while the
// answer is posted. Each bot is the restart of the one before.
func testKillAsk(t *testing.T, bin string) {
	w := newOutside(t, bin)
	v := w.start()
	for _, p := range []point{
		{"acknowledged, Neo not asked", neoHold(false, "GET /public-api/executions")},
		{"Neo has answered", neoHold(true, "GET /public-api/executions")},
		{"answer not posted", slackHold(false, "/api/chat.postMessage")},
		{"answer posted, Slack's reply not read", slackHold(true, "/api/chat.postMessage")},
		{"answer posted, its place not noted", redisHold(false, `"message"`, "out:")},
		{"answer noted, delivery not done", redisHold(false, "inbox:dead")},
	} {
		h := p.arm(v)
		thread := w.asks(v.url)
		w.reached(h, p.name)
		v.kill()
		v = w.again(v)
		w.waitCard(thread, "Nothing ran")
		t.Log(p.name)
		w.check()
	}
	kinds := w.audit()
	if kinds["question"] != w.posts {
		t.Errorf("audit has %v, want %d questions", kinds, w.posts)
	}
}

// testKillRequest kills while an approval card is made and posted.
func testKillRequest(t *testing.T, bin string) {
	w := newOutside(t, bin)
	v := w.start()
	asked := 0
	for _, p := range []point{
		{"request not saved", neoHold(true, "GET /public-api/agents/")},
		{"card not posted", slackHold(false, "/api/chat.postMessage")},
		{"card posted, Slack's reply not read", slackHold(true, "/api/chat.postMessage")},
		{"copy of the card not noted", redisHold(false, "undrawn", `"message"`)},
	} {
		h := p.arm(v)
		state := []string{"disable", "enable"}[asked%2]
		thread := w.says(v.url, state+" Merge duplicates")
		w.posts++
		asked++
		w.reached(h, p.name)
		v.kill()
		v = w.again(v)
		w.waitCard(thread, "asks for this", "[Approve]")
		w.settled()
		w.approves(v.url, thread)
		w.writes++
		w.waitCard(thread, "Approved by Sam", "Neo now shows the change")
		t.Log(p.name)
		w.check()
	}
	kinds := w.audit()
	for _, kind := range []string{"question", "plan", "decision", "write", "result"} {
		if kinds[kind] != asked {
			t.Errorf("audit has %d records %q, want %d: %v", kinds[kind], kind, asked, kinds)
		}
	}
}

// testKillDecision kills between the click and the write.
func testKillDecision(t *testing.T, bin string) {
	w := newOutside(t, bin)
	const shows = "Neo now shows the change"
	w.killWhileWriting([]writePoint{
		{"click not saved", redisHold(false, `"action":"approve"`), shows},
		{"click saved, not acknowledged", redisHold(true, `"action":"approve"`), shows},
		{"decision saved", redisHold(true, `"choice":"approve"`), shows},
		{"approved, target not read", neoHold(false, "GET /public-api/agents/"), shows},
		{"write not sent", neoHold(false, "PUT /public-api/agents/"), shows},
	})
}

// testKillWrite kills between the write and the last redrawn card.
func testKillWrite(t *testing.T, bin string) {
	w := newOutside(t, bin)
	const shows, found = "Neo now shows the change", "answer was lost, but the change is there"
	v := w.killWhileWriting([]writePoint{
		{"written, reply not read", neoHold(true, "PUT /public-api/agents/"), found},
		{"outcome not saved", redisHold(false, "undrawn", `"code":"applied"`), found},
		{"outcome saved, not audited", redisHold(false, `"kind":"result"`), shows},
		{"card not redrawn", slackHold(false, "/api/chat.update", "Neo+now+shows"), shows},
		{"card redrawn, Slack's reply not read", slackHold(true, "/api/chat.update", "Neo+now+shows"), shows},
	})
	// Nobody can tell whether a run was started: it is not sent twice.
	thread := w.requested(v.url, "run Weekly open-ticket report now")
	h := v.neo.arm(true, "POST /public-api/agents/")
	w.approves(v.url, thread)
	w.reached(h, "run started, reply not read")
	v.kill()
	w.again(v)
	w.writes++
	w.waitCard(thread, "Approved by Sam", "Look in Neo before asking again")
	w.check()
}

// writePoint is where a bot is killed after the click, and what the card shows
// in the end.
type writePoint struct {
	name  string
	arm   func(v *victim) *hold
	shows string
}

// killWhileWriting has a change requested and approved for each point, kills
// there, and returns the last bot.
func (w *outside) killWhileWriting(points []writePoint) *victim {
	w.t.Helper()
	v := w.start()
	for i, p := range points {
		thread := w.requested(v.url, []string{"disable", "enable"}[i%2]+" Merge duplicates")
		h := p.arm(v)
		click := w.press(thread, "Approve")
		go func() { _, _, _ = w.slack.Send(context.WithoutCancel(w.t.Context()), v.url, click) }() // may die unanswered
		w.reached(h, p.name)
		v.kill()
		v = w.again(v)
		w.deliver(v.url, click) // as Slack does when it got no answer; a repeat otherwise
		w.writes++
		w.waitCard(thread, "Approved by Sam", p.shows)
		w.t.Log(p.name)
		w.check()
	}
	kinds := w.audit()
	for _, kind := range []string{"question", "plan", "decision", "result"} {
		if kinds[kind] != len(points) {
			w.t.Errorf("audit has %d records %q, want %d: %v", kinds[kind], kind, len(points), kinds)
		}
	}
	return v
}

// testKillReplica kills one of two bots that share the work; the other one, which
// was there all the time, finishes what it had begun.
// killHolder kills the bot that came to its gate and opens the other's gate.
// The survivor and a new bot are returned.
// testKillRedis takes Redis away: nothing is acknowledged meanwhile, and what
// was acknowledged before is done when it is back.
