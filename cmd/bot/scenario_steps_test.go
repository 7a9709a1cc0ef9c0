package main

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"neobot/adapters/slack/slackfake"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

// steps are the lines that act, in the order in which they are tried.
func steps() []step {
	at := func(p string, run func(w *world, m []string)) step {
		return step{regexp.MustCompile(`^` + p + `$`), run}
	}
	const who = `(\w+)`
	const label = `"?([^"]+?)"?`
	return []step{
		at(who+` in #(\w+): /neo ?(.*)`, func(w *world, m []string) { w.deliver(w.slack.Slash(w.person(m[1]), w.room(m[2]), m[3])) }),
		at(who+` in #(\w+): (.+)`, func(w *world, m []string) { w.say(m[1], w.room(m[2]), m[3], true) }),
		at(who+` directly: (.+)`, func(w *world, m []string) { w.say(m[1], w.slack.Direct(w.person(m[1])), m[2], false) }),
		at(who+` replies: (.+)`, (*world).reply),
		at(who+` opens home`, func(w *world, m []string) { w.deliver(w.slack.OpenHome(w.person(m[1]))) }),
		at(who+` clicks `+label+` on an old card`, func(w *world, m []string) { w.clickOld(m[1], m[2]) }),
		at(`([\w, ]+?) clicks? `+label+` (\d+) times at once`, (*world).clickMany),
		at(who+` clicks `+label, func(w *world, m []string) { w.deliver(w.press(m[1], m[2])) }),
		at(who+` forges (\w+) "([^"]*)"`, (*world).forge),
		at(who+` fills (.+)`, (*world).fill),
		at(`clock \+(\S+)`, (*world).wait),
		at(`slack redelivers`, func(w *world, _ []string) { w.deliver(slices.Clone(w.sent)...) }),
		at(`slack fails (\S+) (\d+)(?: (\d+) times)?`, func(w *world, m []string) {
			times := 1
			if m[3] != "" {
				times = w.number(m[3])
			}
			w.slack.Fail(m[1], slackfake.Fault{Status: w.number(m[2]), Times: times})
		}),
		at(`slack drops the reply of (\S+)`, func(w *world, m []string) { w.slack.Fail(m[1], slackfake.Fault{Drop: true}) }),
		at(`neo fails (\w+) (\d+)( after applying)?(?: (\d+) times)?`, (*world).neoFails),
		at(`neo drops the reply of (\w+)`, func(w *world, m []string) {
			w.neo.Fail(sandbox.Fault{Op: m[1], AfterApply: true, DropReply: true})
		}),
		at(`neo sets agent (\d+) (\w+)="?([^"]+)"?`, (*world).neoSets),
		at(`redis down`, func(w *world, _ []string) { w.redis.SetError("LOADING down for the test") }),
		at(`redis up`, func(w *world, _ []string) { w.redis.SetError(""); w.settle() }),
		at(`restart`, func(w *world, _ []string) { w.bot.stop(); w.start(); w.sweep() }),
		at(`policy replaces "([^"]+)" with "([^"]*)"`, (*world).changePolicy),
		at(`model says (\w+) (\{.*\})`, func(w *world, m []string) { w.modelCalls(m[1], m[2]) }),
		at(`model says "(.*)"`, func(w *world, m []string) { w.model.say(map[string]any{"content": m[1]}) }),
		at(`model is down`, func(w *world, _ []string) { w.model.break_() }),
	}
}

func (w *world) person(name string) string {
	w.t.Helper()
	u, ok := slackPeople[name]
	if !ok {
		w.fatalf("there is no %q in this workspace", name)
	}
	return u.ID
}

func (w *world) room(name string) string {
	w.t.Helper()
	c, ok := slackRooms[name]
	if !ok {
		w.fatalf("there is no #%s in this workspace", name)
	}
	return c.ID
}

func (w *world) number(s string) int {
	w.t.Helper()
	n, err := strconv.Atoi(s)
	w.must(err)
	return n
}

// say writes a message. Threads are remembered for replies.
func (w *world) say(name, channel, text string, mention bool) {
	w.t.Helper()
	say := w.slack.Say
	if mention {
		say = w.slack.Mention
	}
	ts, out := say(w.person(name), channel, "", text)
	thread := ts
	if !mention {
		thread = "" // direct conversations go on without a thread
	}
	w.threads[name] = [2]string{channel, thread}
	w.deliver(out...)
}

func (w *world) reply(m []string) {
	w.t.Helper()
	at, ok := w.threads[m[1]]
	if !ok {
		w.fatalf("%s has said nothing to reply to", m[1])
	}
	_, out := w.slack.Say(w.person(m[1]), at[0], at[1], m[2])
	w.deliver(out...)
}

// press is a click on the newest message with that button which the person can
// see, or on his home page. What the button was is kept for later.
func (w *world) press(name, label string) slackfake.Request {
	w.t.Helper()
	user := w.person(name)
	told := w.slack.Ephemerals("")
	if q, ok := w.pressPrivate(user, label, told[w.toldBefore:]); ok { // what the step before whispered
		return q
	}
	for _, msg := range slices.Backward(w.slack.Posts("")) {
		if !w.sees(user, msg.Channel) || !slices.Contains(slackfake.Buttons(msg.Blocks), label) {
			continue
		}
		q, err := w.slack.Press(user, msg.Channel, msg.TS, label)
		w.must(err)
		return q
	}
	if q, ok := w.pressPrivate(user, label, told[:w.toldBefore]); ok {
		return q
	}
	q, err := w.slack.Press(user, "", "", label)
	if err != nil {
		w.fatalf("%s sees no button %q", name, label)
	}
	return q
}

// pressPrivate is a click on a message that only this person sees.
func (w *world) pressPrivate(user, label string, told []slackfake.Ephemeral) (slackfake.Request, bool) {
	for _, e := range slices.Backward(told) {
		if e.User != user {
			continue
		}
		for _, b := range buttonsIn(e.Blocks) {
			if b.label == label {
				return w.slack.PressRaw(user, e.Channel, "", b.id, b.value), true
			}
		}
	}
	return slackfake.Request{}, false
}

func (w *world) sees(user, channel string) bool {
	for _, c := range slackRooms {
		if c.ID == channel {
			return true
		}
	}
	return channel == w.slack.Direct(user)
}

// clickOld presses a button that is gone from the card by now, as a client that
// has not redrawn it would.
func (w *world) clickOld(name, label string) {
	w.t.Helper()
	for _, msg := range slices.Backward(w.slack.Posts("")) {
		if id, value, ok := w.buttonBefore(msg, label); ok {
			w.deliver(w.slack.PressRaw(w.person(name), msg.Channel, msg.TS, id, value))
			return
		}
	}
	w.fatalf("no card ever had a button %q", label)
}

func (w *world) buttonBefore(msg slackfake.Message, label string) (id, value string, ok bool) {
	for _, seen := range w.before.buttons[msg.Channel+"/"+msg.TS] {
		if seen.label == label {
			return seen.id, seen.value, true
		}
	}
	return "", "", false
}

func (w *world) clickMany(m []string) {
	w.t.Helper()
	people := strings.FieldsFunc(strings.ReplaceAll(m[1], " and ", " "), func(r rune) bool { return r == ' ' || r == ',' })
	requests := make([]slackfake.Request, w.number(m[3]))
	for i := range requests {
		requests[i] = w.press(people[i%len(people)], m[2])
	}
	statuses := make([]int, len(requests))
	var wg sync.WaitGroup
	for i, q := range requests {
		wg.Go(func() {
			status, _, err := w.slack.Send(w.t.Context(), w.bot.web.URL, q)
			if err != nil {
				w.t.Error(err)
			}
			statuses[i] = status
		})
	}
	wg.Wait()
	w.sent, w.statuses = requests, statuses
	w.settle()
}

// forge is a click on the newest card with an id that was never handed out.
func (w *world) forge(m []string) {
	w.t.Helper()
	posts := w.slack.Posts("")
	if len(posts) == 0 {
		w.fatalf("there is no card to forge a click on")
	}
	last := posts[len(posts)-1]
	like := cards.Slack(cards.Card{Buttons: []cards.Button{{Label: "x", Action: cards.Action(m[2]), ID: "x"}}})
	blocks, err := json.Marshal(like.Blocks)
	w.must(err)
	id := m[2] // an action that does not exist
	for _, b := range buttonsIn(blocks) {
		id = b.id
	}
	w.deliver(w.slack.PressRaw(w.person(m[1]), last.Channel, last.TS, id, m[3]))
}

var filled = regexp.MustCompile(`(\w+)="([^"]*)"`)

// fill submits the newest dialog the person has open.
func (w *world) fill(m []string) {
	w.t.Helper()
	inputs := map[string]string{}
	for _, pair := range filled.FindAllStringSubmatch(m[2], -1) {
		inputs[pair[1]] = pair[2]
	}
	user := w.person(m[1])
	for _, v := range slices.Backward(w.slack.Modals()) {
		if v.User == user {
			w.deliver(w.slack.Submit(user, v, inputs))
			return
		}
	}
	w.fatalf("%s has no dialog open", m[1])
}

// wait lets time pass for everybody, then for what waits for it.
func (w *world) wait(m []string) {
	w.t.Helper()
	d, err := time.ParseDuration(m[1])
	w.must(err)
	w.clock.Add(d)
	w.redis.FastForward(d)
	w.sweep()
}

// sweep is one round of what the service does by itself.
func (w *world) sweep() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 15*time.Second)
	defer cancel()
	w.must(w.bot.core.service.Sweep(ctx))
	w.must(w.bot.core.service.Poll(ctx))
	w.settle()
}

func (w *world) neoFails(m []string) {
	w.t.Helper()
	f := sandbox.Fault{Op: m[1], Status: w.number(m[2]), AfterApply: m[3] != "", Times: 1}
	if m[4] != "" {
		f.Times = w.number(m[4])
	}
	if f.Status == http.StatusTooManyRequests {
		f.RetryAfter = time.Second
	}
	w.neo.Fail(f)
}

func (w *world) neoSets(m []string) {
	w.t.Helper()
	w.neo.Mutate(func(s *sandbox.State) {
		a := s.Agents.Get(m[1])
		if a == nil {
			w.fatalf("no agent %s", m[1])
		}
		switch m[2] {
		case "state":
			a.State = m[3]
		case "name":
			a.Name = m[3]
		default:
			w.fatalf("agents have no %q that a story can set", m[2])
		}
		a.UpdatedAt = w.clock.Now()
	})
}

func (w *world) changePolicy(m []string) {
	w.t.Helper()
	if !strings.Contains(w.source, m[1]) {
		w.fatalf("the policy does not say %q", m[1])
	}
	w.setPolicy(strings.ReplaceAll(w.source, m[1], m[2]))
}

func (w *world) modelCalls(name, args string) {
	w.t.Helper()
	if !json.Valid([]byte(args)) {
		w.fatalf("arguments are not JSON")
	}
	w.model.say(map[string]any{"content": nil, "tool_calls": []any{map[string]any{
		"id": "call_1", "type": "function", "function": map[string]any{"name": name, "arguments": args},
	}}})
}
