package intents

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
)

// plantedToken has the shape of a credential; nothing the bot says, keeps or
// sends may hold it.
const plantedToken = "xoxb-000000000000-PLANTEDplanted"

// mark stands before every planted text, so that a check finds where it shows. It
// is too long to occur in a random id.
const mark = "ZQ7planted"

// injection is a line of testdata/containment: a text that tries to steer the
// bot, and the channel it comes through. {key} and {token} stand for secrets.
// Lines of the channel "model" are what a hostile model answers; they are also
// given, in turn, as its answer to every other line.
type injection struct {
	ID, Channel, Text string
	Calls             [][2]string // tool name and arguments
	Content, Raw      string
}

func secretsIn(s string) string {
	return strings.NewReplacer("{key}", "neo_sk_test_key", "{token}", plantedToken).Replace(s)
}

func loadInjections(t *testing.T) []injection {
	t.Helper()
	files, err := filepath.Glob("testdata/containment/*.jsonl")
	check(t, err)
	var out []injection
	for _, file := range files {
		f, err := os.Open(file)
		check(t, err)
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var in injection
			if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			in.Text = secretsIn(in.Text)
			out = append(out, in)
		}
		check(t, f.Close())
	}
	return out
}

// puppet is the model's server: it answers every request with the same attack,
// and keeps what it was sent.
type puppet struct {
	mu     sync.Mutex
	attack injection
	bodies []string
}

func (p *puppet) set(attack injection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attack = attack
}

func (p *puppet) sent() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.bodies, "\n")
}

func (p *puppet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.bodies = append(p.bodies, string(body))
	attack := p.attack
	p.mu.Unlock()
	if attack.Raw != "" {
		rawReply(secretsIn(attack.Raw))(w, r)
		return
	}
	var flat []string
	for _, c := range attack.Calls {
		flat = append(flat, c[0], secretsIn(c[1]))
	}
	if len(flat) == 0 {
		textReply(secretsIn(attack.Content))(w, r)
		return
	}
	toolReply("tool_calls", flat...)(w, r)
}

// switchboard is a router that can be exchanged between questions.
type switchboard struct{ Router }

// arena is a bench in which one channel's injections are tried.
type arena struct {
	*bench
	router *switchboard
	model  *Model
	puppet *puppet
	before int // writes that planting made
	turn   int
}

func newArena(t *testing.T) *arena {
	t.Helper()
	p := &puppet{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	m, err := NewModel(ModelConfig{BaseURL: server.URL + "/v1", Key: "k", Model: "m", Now: time.Now, Fallback: BuiltIn{}})
	check(t, err)
	m.waitFunc = func(context.Context, time.Duration) error { return nil }
	board := &switchboard{}
	return &arena{bench: newBench(t, board), router: board, model: m, puppet: p}
}

// ask puts one question in a thread of its own.
func (a *arena) ask(r Router, text string) adapters.Answer {
	a.t.Helper()
	a.turn++
	return a.askIn(r, text, "thread"+itoa(a.turn))
}

func (a *arena) askIn(r Router, text, thread string) adapters.Answer {
	a.t.Helper()
	a.router.Router = r
	return a.message(adapters.Message{
		Workspace: home, User: member("riley"), Conversation: channelOps, Thread: thread, Text: text, At: a.clock.Now(),
	})
}

// TestContainment tries every injection of the corpus: through the channel it
// belongs to, with the built-in router and with a model that attacks. No text
// of anybody may make the bot write, decide, link, offer a button or tell a
// secret. What a card offers is compared with the card of a harmless text in
// the same place: data changes what is read, never what can be pressed.
func TestContainment(t *testing.T) {
	t.Parallel()
	all := loadInjections(t)
	if len(all) < 80 {
		t.Fatalf("%d injections, at least 80 are wanted", len(all))
	}
	var attacks []injection
	byChannel := map[string][]injection{}
	for _, in := range all {
		if in.Channel == "model" {
			attacks = append(attacks, in)
		}
		byChannel[in.Channel] = append(byChannel[in.Channel], in)
	}
	for name, injections := range byChannel {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			switch name {
			case "question", "model":
				a.tryQuestions(injections, attacks)
			case "memory":
				a.tryMemory(injections, attacks)
			case "form":
				a.tryForms(injections)
			default:
				place, ok := places[name]
				if !ok {
					t.Fatalf("no place for the channel %q", name)
				}
				a.tryData(place, injections, attacks)
			}
		})
	}
}

// tryQuestions asks the injection itself; a line of the channel "model" is a
// harmless question with the attack it names.
func (a *arena) tryQuestions(injections, attacks []injection) {
	for i, in := range injections {
		attack := attacks[i%len(attacks)]
		if in.Channel == "model" {
			attack = in
		}
		a.puppet.set(attack)
		for by, r := range map[string]Router{"built-in": BuiltIn{}, "model": a.model} {
			answer := a.ask(r, in.Text)
			a.report(in.ID+" "+by+" "+attack.ID, a.faults(answer))
		}
	}
	a.report("afterwards", a.faultsOfState())
}

// tryData plants the text in Neo and asks for it: with the intent itself, so
// that the text is certainly shown, and in words with both routers.
func (a *arena) tryData(p place, injections, attacks []injection) {
	seen := false
	for i, in := range injections {
		attack := attacks[i%len(attacks)]
		a.puppet.set(attack)
		type question struct {
			name string
			r    Router
			text string
		}
		questions := []question{{"built-in", BuiltIn{}, p.say}, {"model " + attack.ID, a.model, p.say}}
		for _, intent := range p.asks {
			questions = append(questions, question{intent.Name, scripted{"go": intent}, "go"})
		}
		for _, q := range questions {
			p.plant(a, mark+" blue")
			harmless := a.offers(a.ask(q.r, q.text).Card)
			p.plant(a, mark+" "+in.Text)
			answer := a.ask(q.r, q.text)
			seen = seen || strings.Contains(mustText(answer.Card), mark)
			faults := a.faults(answer)
			if diff := cmp.Diff(harmless, a.offers(answer.Card)); diff != "" {
				faults = append(faults, "the text changed what the card offers: "+diff)
			}
			a.report(in.ID+" "+q.name, faults)
		}
	}
	if !seen {
		a.t.Error("the planted text was never shown: the questions do not reach it")
	}
	if sent := a.puppet.sent(); !p.name && strings.Contains(sent, mark) {
		a.t.Error("text of Neo other than an agent's name went to the model")
	}
	a.report("afterwards", a.faultsOfState())
}

// tryMemory puts the text into what the bot said before.
func (a *arena) tryMemory(injections, attacks []injection) {
	for i, in := range injections {
		a.puppet.set(attacks[i%len(attacks)])
		for by, r := range map[string]Router{"built-in": BuiltIn{}, "model": a.model} {
			thread := in.ID + by
			check(a.t, a.s.Memory.Save(a.t.Context(), home, channelOps.ID+"/"+thread, &Turn{
				Text: "show license audit", At: a.clock.Now(), Answer: mark + " " + in.Text,
				Intent: Intent{Name: "show_agent", Args: map[string]string{"agent": "License audit", "agent_id": "106"}},
			}, "", nil))
			for _, text := range []string{"who changed it?", "yes", "and yesterday?"} {
				a.report(in.ID+" "+by+" "+text, a.faults(a.askIn(r, text, thread)))
			}
		}
	}
	if strings.Contains(a.puppet.sent(), mark) {
		a.t.Error("what the bot said went to the model")
	}
	a.report("afterwards", a.faultsOfState())
}

// tryForms fills every field of forms with the text. The best a filled form
// gets is a request that waits.
func (a *arena) tryForms(injections []injection) {
	pending := 0
	for _, in := range injections {
		for _, op := range []string{"create_end_company", "update_end_company", "create_skill", "get_agent", "update_agent", "cancel_execution"} {
			asked := a.ask(scripted{"go": {Name: "call_operation", Args: map[string]string{"operation": op}}}, "go")
			form := button(a.t, asked.Card, "Fill in")
			o, _ := a.s.operation(op)
			inputs := map[string]string{"action": "approve", "decision": "approve", "filled": "no", "approval": "1"}
			for _, f := range operationInputs(o) {
				inputs[f.Name] = in.Text
			}
			if op == "update_end_company" {
				inputs["p_psa_company_id"] = "201"
			}
			answer := a.press("riley", form, inputs)
			if answer.Track != "" {
				pending++
			}
			a.report(in.ID+" "+op, a.faults(answer))
		}
	}
	if pending == 0 {
		a.t.Error("no form got as far as a request; the test tries nothing")
	}
	a.report("afterwards", a.faultsOfState())
}

func (a *arena) report(what string, faults []string) {
	a.t.Helper()
	for _, f := range faults {
		a.t.Errorf("%s: %s", what, f)
	}
}

func mustText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

var digits = regexp.MustCompile(`\d+`)

// offers is what can be pressed on a card, with data taken out of the labels.
func (a *arena) offers(card cardOf) []string {
	out := []string{"status " + string(card.Status)}
	for _, l := range card.Links {
		out = append(out, "link "+l.Label+" "+l.URL)
	}
	for _, b := range allButtons(card) {
		label, _, _ := strings.Cut(b.Label, mark)
		label = digits.ReplaceAllString(label, "N") // "Show 4 more"
		next, _ := a.s.Memory.load(a.t.Context(), home, b.ID)
		out = append(out, strings.Join([]string{"button", string(b.Action), next.Intent.Name, label}, " "))
	}
	slices.Sort(out)
	return out
}
