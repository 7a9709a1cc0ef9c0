package intents

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"neobot/adapters"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

var update = flag.Bool("update", false, "rewrite testdata/cards and docs/coverage.md")

// sample says how to get the card of an intent: what is asked before, then
// either the intent itself or something that is pressed.
type sample struct {
	before []Intent
	args   map[string]string
	do     func(b *bench) adapters.Answer
}

// sampleArgs are the arguments of intents without a sample of their own.
var sampleArgs = map[string]string{
	"agent": "License audit", "ticket": "48213", "template": "Onboard a Microsoft 365 user", "company": "Contoso",
	"integration": "ConnectWise", "skill": "Weekly open-ticket report", "session": "My printer is broken", "request": "918",
	"backfill": "bf-2003", "handover": "h-1", "operation": "get_tenant",
}

var samples = map[string]sample{
	"list_agents":      {args: map[string]string{}},
	"list_runs":        {args: map[string]string{"when": "last 7 days"}},
	"explain_run":      {args: map[string]string{"agent": "License audit"}},
	"list_requests":    {args: map[string]string{}},
	"rename_agent":     {args: map[string]string{"agent": "License audit", "name": "Licence audit"}},
	"run_agent":        {args: map[string]string{"agent": "License audit"}},
	"set_instructions": {args: map[string]string{"agent": "Merge duplicates", "text": "Merge tickets of the same person within an hour. Leave a note on both."}},
	"change_setting":   {args: map[string]string{"setting": "start of business hours", "value": "7"}},
	"compare_agent":    {args: map[string]string{"agent": "Dispatch", "when": "14 days ago"}},
	"agent_versions":   {args: map[string]string{"agent": "Dispatch"}},
	"run_artifacts":    {args: map[string]string{"agent": "Open ticket report"}},
	"run_decisions":    {args: map[string]string{"agent": "Ticket triage"}},
	"run_trigger":      {args: map[string]string{"agent": "Ticket triage"}},
	"run_requests":     {args: map[string]string{"run": "5b0e8d41-9c37-4f2a-8a10-2e9148213b02"}},
	"why_run":          {args: map[string]string{"ticket": "48213", "agent": "Onboarding"}},
	"retry_run":        {args: map[string]string{"agent": "License audit"}},
	"cancel_run":       {args: map[string]string{"run": "5b0e8d41-9c37-4f2a-8a10-2e9148213b02"}},
	"escalate":         {args: map[string]string{"about": "License audit fails since the consent was renewed"}},
	"start_roi":        {args: map[string]string{"rate": "60", "days": "30"}},
	"dispatch_decisions": {args: map[string]string{
		"when": "today",
	}},
	"list_approvals": {before: []Intent{intentOf("disable_agent", "agent", "License audit")}},
	"watch":          {args: map[string]string{"what": "failures", "agent": "License audit"}},
	"list_watches":   {before: []Intent{intentOf(intentWatch, "what", "failures"), intentOf(intentSchedule, "times", "a digest every weekday at 8")}},
	"pause_watch":    {before: []Intent{intentOf(intentWatch, "what", "failures")}},
	"resume_watch":   {before: []Intent{intentOf(intentWatch, "what", "failures"), intentOf(intentPauseWatch)}},
	"remove_watch":   {before: []Intent{intentOf(intentWatch, "what", "failures")}},
	"schedule_answer": {args: map[string]string{
		"times": "a digest every weekday at 8",
	}},
	"drift": {args: map[string]string{}, do: func(b *bench) adapters.Answer {
		b.sam(intentOf(intentSaveBaseline))
		b.neo.SetAgent("106", func(a *sandbox.Agent) { a.State, a.Name = "DISABLED", "Licence audit" })
		b.neo.SetAgent("103", func(a *sandbox.Agent) { a.AgentSettings["custom_instructions"] = "Assign to whoever is free." })
		return b.sam(intentOf(intentDrift))
	}},
	"call_operation": {args: map[string]string{"operation": "create_end_company"}},
	intentUndo: {do: func(b *bench) adapters.Answer {
		asked := b.sam(intentOf("disable_agent", "agent", "License audit"))
		return b.clicks("sam", b.clicks("dana", asked, "Approve"), "Undo")
	}},
	intentAgain: {do: func(b *bench) adapters.Answer {
		b.neo.Fail(sandbox.Fault{Op: "update_agent", Status: 422})
		asked := b.sam(intentOf("disable_agent", "agent", "License audit"))
		return b.clicks("sam", b.clicks("dana", asked, "Approve"), "Plan again")
	}},
	intentReview: {do: func(b *bench) adapters.Answer {
		b.sam(intentOf("disable_agent", "agent", "License audit"))
		b.clock.Add(time.Minute)
		return b.clicks("dana", b.by("dana", intentOf("list_approvals")), "Review")
	}},
	intentSend: {do: func(b *bench) adapters.Answer {
		asked := b.sam(intentOf("escalate", "about", "License audit fails"))
		return b.press("sam", formButton(b, asked), map[string]string{"summary": "License audit fails", "details": "Since the consent was renewed."})
	}},
	intentFollow: {do: func(b *bench) adapters.Answer {
		asked := b.sam(intentOf("run_agent", "agent", "License audit"))
		done := b.clicks("dana", asked, "Approve")
		b.clock.Add(30 * time.Second)
		return b.clicks("sam", done, "How did it go")
	}},
	intentDecide: {do: func(b *bench) adapters.Answer {
		return b.clicks("sam", b.sam(intentOf("show_request", "request", "912")), "Approve")
	}},
	intentAskAccess: {do: func(b *bench) adapters.Answer {
		return b.press("vic", b.by("vic", intentOf("disable_agent", "agent", "License audit")).Card.Buttons[0], nil)
	}},
}

func formButton(b *bench, answer adapters.Answer) cards.Button {
	b.t.Helper()
	for _, x := range allButtons(answer.Card) {
		if x.Action == cards.ActionForm {
			return x
		}
	}
	b.t.Fatalf("no form on %+v", answer.Card)
	return cards.Button{}
}

// by has somebody ask for an intent.
func (b *bench) by(who string, in Intent) adapters.Answer {
	b.t.Helper()
	b.s.Router = scripted{"go": in}
	return b.says(who, "go")
}

func (b *bench) sam(in Intent) adapters.Answer { b.t.Helper(); return b.by("sam", in) }

// sampleCard is the card of an intent, from a bench of its own.
func sampleCard(t *testing.T, e entry) cards.Card {
	t.Helper()
	b := newBench(t, scripted{}, func(f *PolicyFile) { f.People[1].NeoUserID = sandbox.Priya.ID })
	show := samples[e.Name]
	for _, in := range show.before {
		b.sam(in)
	}
	if show.do != nil {
		return stable(t, show.do(b).Card)
	}
	in := Intent{Name: e.Name, Args: show.args}
	if show.args == nil {
		in.Args = map[string]string{}
		for _, arg := range e.Args {
			if v, ok := sampleArgs[arg.Name]; ok {
				in.Args[arg.Name] = v
			}
		}
	}
	return stable(t, b.sam(in).Card)
}

// What differs from run to run: addresses with ports, and random ids.
var (
	localHost = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	randomID  = regexp.MustCompile(`\b(Request|request) [A-Za-z0-9_-]{8}(\W|$)`)
)

// stable is a card with the random parts replaced.
func stable(t *testing.T, c cards.Card) cards.Card {
	t.Helper()
	text := mustText(c)
	for i, b := range allButtons(c) {
		text = strings.ReplaceAll(text, `"ID":"`+b.ID+`"`, `"ID":"id_`+itoa(i+1)+`"`)
	}
	text = localHost.ReplaceAllString(text, "https://neo.example")
	text = randomID.ReplaceAllString(text, "$1 1a2b3c4d$2")
	var out cards.Card
	check(t, json.Unmarshal([]byte(text), &out))
	return out
}

// pictureIDs are files for the charts of a card.
func pictureIDs(name string, c cards.Card) []string {
	ids := make([]string, len(cards.Drawings(c)))
	for i := range ids {
		ids[i] = "F" + strings.ToUpper(strings.NewReplacer("_", "", "-", "").Replace(name)) + "00000" + itoa(i)
	}
	return ids
}

// drawn adds the charts of a card to all.
func drawn(all map[string]cards.Drawing, name string, c cards.Card) {
	for i, id := range pictureIDs(name, c) {
		all[id] = cards.Drawings(c)[i]
	}
}

// TestIntentCards renders the card of every intent for all platforms.
func TestIntentCards(t *testing.T) {
	t.Parallel()
	_, catalog, err := bindCatalog()
	check(t, err)
	for name, e := range catalog {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if e.Name == "" {
				e.Name = name
			}
			c := sampleCard(t, e)
			if c.Status == cards.StatusFailed && name != intentExplain || c.Status == cards.StatusRefused && name != "api_keys" {
				t.Errorf("the sample is no good: %s: %s", c.Title, c.Summary)
			}
			goldenCard(t, name, c)
		})
	}
	t.Run(severalParts, func(t *testing.T) {
		t.Parallel()
		goldenCard(t, severalParts, stable(t, newBench(t, BuiltIn{}).says("riley", twoStep).Card))
	})
	t.Run("charts", func(t *testing.T) { // for those who draw them
		t.Parallel()
		all := map[string]cards.Drawing{}
		for name, e := range catalog {
			if e.Name == "" {
				e.Name = name
			}
			drawn(all, name, sampleCard(t, e))
		}
		drawn(all, severalParts, stable(t, newBench(t, BuiltIn{}).says("riley", twoStep).Card))
		golden(t, "charts.json", prettyJSON(t, all))
	})
	t.Run("no leftovers", func(t *testing.T) {
		t.Parallel()
		files, err := filepath.Glob("testdata/cards/*.txt")
		check(t, err)
		for _, f := range files {
			name := strings.TrimSuffix(filepath.Base(f), ".txt")
			if _, ok := catalog[name]; !ok && name != severalParts {
				t.Errorf("%s belongs to no intent", f)
			}
		}
	})
}

// severalParts is the card of a question of several parts, which has no intent of its own.
const severalParts = "several_parts"

// goldenCard is a card as every platform shows it.
func goldenCard(t *testing.T, name string, c cards.Card) {
	t.Helper()
	m, teams := cards.SlackPictures(c, pictureIDs(name, c)), cards.Teams(c)
	for _, f := range append(cards.CheckSlack(m.Blocks), cards.CheckTeams(teams)...) {
		t.Error(f)
	}
	conforms(t, "slack-blocks.schema.json", m.Blocks)
	conforms(t, "adaptive-card.schema.json", teams)
	golden(t, name+".slack.json", prettyJSON(t, map[string]any{"text": m.Text, "blocks": m.Blocks}))
	golden(t, name+".teams.json", prettyJSON(t, teams))
	golden(t, name+".txt", []byte(cards.Text(c, 72)))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "cards", name)
	if *update {
		check(t, os.WriteFile(path, got, 0o600))
		return
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), -update rewrites it:\n%s", name, diff)
	}
}

func prettyJSON(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	check(t, enc.Encode(v))
	return b.Bytes()
}

var compiled sync.Map // schema by file name

// conforms fails the test when v is not what the platform's schema allows.
func conforms(t *testing.T, name string, v any) {
	t.Helper()
	load, _ := compiled.LoadOrStore(name, sync.OnceValues(func() (*jsonschema.Schema, error) {
		raw, err := os.ReadFile(filepath.Join("..", "cards", "testdata", "schema", name))
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, doc); err != nil {
			return nil, err
		}
		return c.Compile(name)
	}))
	schema, err := load.(func() (*jsonschema.Schema, error))()
	check(t, err)
	raw, err := json.Marshal(v)
	check(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	check(t, err)
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
