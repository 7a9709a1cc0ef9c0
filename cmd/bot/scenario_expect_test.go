package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"neobot/adapters/slack/slackfake"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// expectations are the lines that look, in the order in which they are tried.
func expectations() []step {
	at := func(p string, run func(w *world, m []string)) step {
		return step{regexp.MustCompile(`^expect ` + p + `$`), run}
	}
	return []step{
		at(`no card(.*)`, func(w *world, m []string) { w.expectNoCard(texts(m[1])) }),
		at(`card ?(\w+)?((?: "[^"]*")*)`, (*world).expectCard),
		at(`(\d+) cards?`, (*world).expectCount),
		at(`(\d+) pictures? at Slack, shown (\d+) times?`, (*world).expectPictures),
		at(`button "?([^"]+?)"?`, func(w *world, m []string) { w.expectButton(m[1], true) }),
		at(`no button "?([^"]+?)"?`, func(w *world, m []string) { w.expectButton(m[1], false) }),
		at(`private to (\w+)((?: "[^"]*")+)`, (*world).expectPrivate),
		at(`nothing private`, (*world).expectNothingPrivate),
		at(`dialog for (\w+)((?: "[^"]*")*)`, (*world).expectDialog),
		at(`home of (\w+)((?: "[^"]*")*)`, (*world).expectHome),
		at(`neo (\w+) (\S+)(?: (.+))?`, (*world).expectWrite),
		at(`no writes`, func(w *world, _ []string) { w.expectNoWrites() }),
		at(`agent (\d+) (\w+|"[^"]+")`, (*world).expectAgent),
		at(`ticket((?: "[^"]*")+)`, (*world).expectTicket),
		at(`http (\d+)`, (*world).expectHTTP),
		at(`audit (\w+) ?(.*)`, (*world).expectAudit),
	}
}

// statusWords are how a card's status is written for people.
var statusWords = map[string]string{
	"pending": "Waiting for a decision", "working": "In progress", "done": "Done", "failed": "Failed", "rejected": "Rejected",
	"expired": "Closed without a decision", "unknown": "Outcome unknown", "refused": "Not done", "question": "Question",
	"on": "On", "off": "Off",
}

// snapshot is what there was to see before the last step.
type snapshot struct {
	edits      map[string]string // channel/ts -> what it showed
	buttons    map[string][]seenButton
	ephemerals int
	modals     int
}

type seenButton struct{ label, id, value string }

// mark remembers what is there now, so that expectations see what a step changes.
func (w *world) mark() {
	was := w.before
	w.toldBefore = was.ephemerals
	w.before = snapshot{edits: map[string]string{}, buttons: was.buttons, ephemerals: len(w.slack.Ephemerals("")), modals: len(w.slack.Modals())}
	if w.before.buttons == nil {
		w.before.buttons = map[string][]seenButton{}
	}
	for _, m := range w.slack.Posts("") {
		key := m.Channel + "/" + m.TS
		w.before.edits[key] = string(m.Blocks)
		w.before.buttons[key] = append(w.before.buttons[key], buttonsIn(m.Blocks)...)
	}
	w.sent = slices.Clip(w.sent)
	w.card = nil
}

// buttonsIn finds the buttons of a message, wherever they are nested.
func buttonsIn(blocks json.RawMessage) []seenButton {
	var found []seenButton
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if v["type"] == "button" {
				text, _ := v["text"].(map[string]any)
				found = append(found, seenButton{fmt.Sprint(text["text"]), fmt.Sprint(v["action_id"]), fmt.Sprint(v["value"])})
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	var doc any
	if json.Unmarshal(blocks, &doc) == nil {
		walk(doc)
	}
	return found
}

// changed are the messages that the last step posted or edited, newest last.
func (w *world) changed() (all []slackfake.Message, posted int) {
	for _, m := range w.slack.Posts("") {
		was, known := w.before.edits[m.Channel+"/"+m.TS]
		if !known {
			posted++
		}
		if !known || was != string(m.Blocks) {
			all = append(all, m)
		}
	}
	return all, posted
}

// expectPictures counts the files that are uploaded whole, and the messages that
// show them.
func (w *world) expectPictures(m []string) {
	w.t.Helper()
	files, shown := 0, 0
	for _, f := range w.slack.Files() {
		if f.Complete {
			files, shown = files+1, shown+f.Shown
		}
	}
	if files != w.number(m[1]) || shown != w.number(m[2]) {
		w.errorf("%d pictures, shown %d times", files, shown)
	}
}

var quoted = regexp.MustCompile(`"([^"]*)"`)

func texts(s string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

// lacks returns the first of wants that text does not have. Line breaks of the
// layout do not count.
func lacks(text string, wants []string) (string, bool) {
	text = strings.Join(strings.Fields(text), " ")
	for _, want := range wants {
		if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
			return want, true
		}
	}
	return "", false
}

func (w *world) expectCard(m []string) {
	w.t.Helper()
	wants := texts(m[2])
	if m[1] != "" {
		words, ok := statusWords[m[1]]
		if !ok {
			w.fatalf("no such status %q", m[1])
		}
		wants = append([]string{words}, wants...)
	}
	all, _ := w.changed()
	var seen strings.Builder
	for _, msg := range slices.Backward(all) {
		text := slackfake.Text(msg.Blocks)
		missing, lacking := lacks(text, wants)
		if !lacking {
			w.card = &msg
			return
		}
		fmt.Fprintf(&seen, "\n--- in %s, without %q:\n%s", msg.Channel, missing, text)
	}
	w.fatalf("no such card; the step posted or edited %d:%s%s", len(all), seen.String(), w.privately())
}

// privately says what was whispered, for messages of failed expectations.
func (w *world) privately() string {
	var b strings.Builder
	for _, e := range w.slack.Ephemerals("")[w.before.ephemerals:] {
		fmt.Fprintf(&b, "\n--- private to %s:\n%s", e.User, slackfake.Text(e.Blocks))
	}
	return b.String()
}

func (w *world) expectNoCard(wants []string) {
	w.t.Helper()
	all, _ := w.changed()
	for _, msg := range all {
		if _, lacking := lacks(slackfake.Text(msg.Blocks), wants); !lacking {
			w.errorf("there is one:\n%s", slackfake.Text(msg.Blocks))
		}
	}
}

func (w *world) expectCount(m []string) {
	w.t.Helper()
	if _, posted := w.changed(); posted != w.number(m[1]) {
		w.errorf("%d were posted", posted)
	}
}

func (w *world) expectButton(label string, want bool) {
	w.t.Helper()
	if w.card == nil {
		w.fatalf("expect a card first")
	}
	if has := slackfake.Buttons(w.card.Blocks); slices.Contains(has, label) != want {
		w.errorf("the card has the buttons %q", has)
	}
}

func (w *world) expectPrivate(m []string) {
	w.t.Helper()
	user, wants := w.person(m[1]), texts(m[2])
	for _, e := range w.slack.Ephemerals("")[w.before.ephemerals:] {
		if _, lacking := lacks(slackfake.Text(e.Blocks), wants); e.User == user && !lacking {
			return
		}
	}
	all, _ := w.changed()
	for _, msg := range all { // told directly, where a whisper is not possible
		if _, lacking := lacks(slackfake.Text(msg.Blocks), wants); msg.Channel == w.slack.Direct(user) && !lacking {
			return
		}
	}
	w.errorf("not told; private messages:%s", w.privately())
}

func (w *world) expectNothingPrivate([]string) {
	w.t.Helper()
	if told := w.privately(); told != "" {
		w.errorf("somebody was told:%s", told)
	}
}

func (w *world) expectDialog(m []string) {
	w.t.Helper()
	user := w.person(m[1])
	for _, v := range w.slack.Modals()[w.before.modals:] {
		if missing, lacking := lacks(slackfake.Text(v.JSON), texts(m[2])); v.User == user && lacking {
			w.fatalf("the dialog lacks %q:\n%s", missing, slackfake.Text(v.JSON))
		} else if v.User == user {
			return
		}
	}
	w.errorf("no dialog was opened%s", w.privately())
}

func (w *world) expectHome(m []string) {
	w.t.Helper()
	v, ok := w.slack.Home(w.person(m[1]))
	if !ok {
		w.fatalf("no home page was published")
	}
	if missing, lacking := lacks(slackfake.Text(v.JSON), texts(m[2])); lacking {
		w.errorf("home lacks %q:\n%s", missing, slackfake.Text(v.JSON))
	}
}

// expectWrite compares the next write in order.
func (w *world) expectWrite(m []string) {
	w.t.Helper()
	writes := w.neo.Writes()
	if len(writes) <= w.expected {
		w.fatalf("Neo received no further write")
	}
	got := writes[w.expected]
	w.expected++
	call := got.Method + " " + strings.TrimPrefix(got.Path, neoapi.PathPrefix)
	fits := sameBody(string(got.Body), m[3])
	if part, ok := strings.CutPrefix(m[3], "with "); ok {
		fits = hasFields(string(got.Body), part)
	}
	if call != m[1]+" "+m[2] || !fits {
		w.errorf("Neo received %s %s", call, got.Body)
	}
}

// hasFields reports whether a body has at least these fields, with these values.
func hasFields(got, want string) bool {
	var g, w map[string]json.RawMessage
	if json.Unmarshal([]byte(got), &g) != nil || json.Unmarshal([]byte(want), &w) != nil {
		return false
	}
	for name, value := range w {
		if !sameBody(string(g[name]), string(value)) {
			return false
		}
	}
	return true
}

func sameBody(got, want string) bool {
	norm := func(s string) string {
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return s
		}
		b, _ := json.Marshal(v)
		return string(b)
	}
	return norm(got) == norm(want)
}

func (w *world) expectNoWrites() {
	w.t.Helper()
	for _, got := range w.neo.Writes()[w.expected:] {
		w.errorf("Neo received a write that was not expected: %s %s %s", got.Method, got.Path, got.Body)
	}
}

func (w *world) expectAgent(m []string) {
	w.t.Helper()
	w.neo.Mutate(func(s *sandbox.State) {
		want := strings.Trim(m[2], `"`)
		if a := s.Agents.Get(m[1]); a == nil || (a.State != want && a.Name != want) {
			w.errorf("agent is %+v", a)
		}
	})
}

func (w *world) expectTicket(m []string) {
	w.t.Helper()
	var seen []string
	w.neo.Mutate(func(s *sandbox.State) {
		for e := range s.Escalations.All() {
			seen = append(seen, e.Summary+"\n"+e.Details)
		}
	})
	if !slices.ContainsFunc(seen, func(text string) bool { _, lacking := lacks(text, texts(m[1])); return !lacking }) {
		w.errorf("tickets: %q", seen)
	}
}

func (w *world) expectHTTP(m []string) {
	w.t.Helper()
	if len(w.statuses) == 0 || w.statuses[len(w.statuses)-1] != w.number(m[1]) {
		w.errorf("answered with %v", w.statuses)
	}
	w.statuses = nil
}

// expectAudit looks for a record of the kind that has every word.
func (w *world) expectAudit(m []string) {
	w.t.Helper()
	records, err := w.bot.core.audit.Last(w.t.Context(), string(scenarioWorkspace), 500)
	w.must(err)
	var seen []string
	for _, r := range records {
		b, err := json.Marshal(r)
		w.must(err)
		words := strings.Fields(m[2])
		if string(r.Kind) == m[1] && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(string(b), word) }) {
			return
		}
		seen = append(seen, string(b))
	}
	w.errorf("no such record among:\n%s", strings.Join(seen, "\n"))
}
