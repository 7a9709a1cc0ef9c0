package intents

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"neobot/neoapi"
)

// TestSpecs checks what both routers, help and the permission check rely on.
func TestSpecs(t *testing.T) {
	t.Parallel()
	ops := map[string]neoapi.Access{}
	catalog, err := neoapi.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range catalog.Operations() {
		ops[op.ID] = op.Access
	}
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]bool{}
	for _, s := range Specs() {
		if seen[s.Name] || !snake.MatchString(s.Name) || s.Summary == "" || len(s.Examples) == 0 {
			t.Errorf("%s: twice, not snake_case, or without summary or examples", s.Name)
		}
		seen[s.Name] = true
		writes := false
		for _, op := range s.Ops {
			access, ok := ops[op]
			if !ok {
				t.Errorf("%s: no operation %s", s.Name, op)
			}
			writes = writes || access == neoapi.Write
		}
		if writes != s.Write {
			t.Errorf("%s: Write is %v, its operations say %v", s.Name, s.Write, writes)
		}
		for _, a := range s.Args {
			if !snake.MatchString(a.Name) || a.Help == "" || a.Kind == "" {
				t.Errorf("%s.%s: incomplete", s.Name, a.Name)
			}
			if (a.Kind == ArgStatus || a.Kind == ArgState) != (len(a.Enum) > 0) {
				t.Errorf("%s.%s: kind %s with values %v", s.Name, a.Name, a.Kind, a.Enum)
			}
		}
	}
}

// TestExamples: what help tells people to say works with the built-in router.
func TestExamples(t *testing.T) {
	t.Parallel()
	said := strings.NewReplacer("<agent>", "Dispatch", "<template>", "Backup Report", "<company>", "Contoso", "<integration>", "ConnectWise",
		"<skill>", "Weekly open-ticket report", "<session>", "my printer", "<request>", "912", "<text>", "assign by skill and never by load",
		"<value>", "8", "<handover>", "h-77", "<operation>", "list_skills")
	for _, s := range allSpecs() {
		for _, e := range s.Examples {
			text := placeholders.Replace(said.Replace(e))
			if got := route(labelled{Text: text}.question()); got.Intent.Name != s.Name {
				t.Errorf("%q: got %s (ask %q), want %s", text, got.Intent.Name, got.Ask, s.Name)
			}
		}
	}
}

// TestOneMoreIntent: a declaration alone makes the built-in router understand
// an intent, a reading one by likeness to its examples, and takes back the
// refusal that stood in its place.
func TestOneMoreIntent(t *testing.T) {
	t.Parallel()
	specs := append(Specs(), Spec{
		Name: "list_calls", Summary: "List phone calls.", Args: []Arg{aWhen},
		Examples: []string{"phone calls <when>", "show the phone calls", "which phone calls were there"},
	})
	for text, want := range map[string]string{
		"show me the phone calls yesterday": "list_calls", "phone calls last week": "list_calls", "agents": "list_agents", "runs failed today": "list_runs",
	} {
		q := labelled{Text: text}.question()
		q.Specs = Specs()
		if got := route(q); want == "list_calls" && got.Ask != askNotHere {
			t.Errorf("%q without the intent: %+v", text, got)
		}
		q.Specs = specs
		got := route(q)
		if got.Intent.Name != want {
			t.Errorf("%q: got %+v", text, got)
		}
		if want == "list_calls" && got.Intent.Args["when"] == "" {
			t.Errorf("%q: no time in %+v", text, got)
		}
	}
}

// TestOneMoreWrite: also a writing intent is understood from its declaration, as
// an order only.
func TestOneMoreWrite(t *testing.T) {
	t.Parallel()
	specs := append(Specs(),
		Spec{Name: "retry_run", Write: true, Args: []Arg{aRun}, Examples: []string{"retry run <run>"}},
		Spec{Name: "decide_request", Write: true, Args: []Arg{{Name: "request", Kind: ArgRequest, Required: true}}, Examples: []string{"approve request <request>"}})
	for text, want := range map[string]Intent{
		"please retry run 91233":    {Name: "retry_run", Args: map[string]string{"run": "91233"}},
		"retry run 91233 tomorrow":  {},
		"should I retry run 91233?": {},
		"retry runs 1234 and 91233": {},
		"retry all":                 {},
		"don't retry run 91233":     {},
		"approve request 912":       {Name: "decide_request", Args: map[string]string{"request": "912"}},
		"approve all requests":      {},
		"disable Dispatch":          {Name: "disable_agent", Args: map[string]string{"agent": "Dispatch"}},
	} {
		q := labelled{Text: text}.question()
		q.Specs = specs
		got := route(q)
		if spec, _ := SpecByName(specs, got.Intent.Name); want.Name == "" && spec.Write {
			t.Errorf("%q: got %+v", text, got)
		}
		if diff := cmp.Diff(want, got.Intent); want.Name != "" && diff != "" {
			t.Errorf("%q: %s (ask %q)", text, diff, got.Ask)
		}
	}
}

// TestOnlyTheCatalog: an intent that is not in the catalog is never picked.
func TestOnlyTheCatalog(t *testing.T) {
	t.Parallel()
	for _, file := range labelledSets() {
		for _, l := range labels(t, file) {
			q := l.question()
			q.Specs = slices.DeleteFunc(q.Specs, func(s Spec) bool { return s.Name == l.Want })
			got := route(q)
			if _, ok := SpecByName(q.Specs, got.Intent.Name); got.Intent.Name != "" && !ok {
				t.Errorf("%q: picked %s, which is not offered", l.Text, got.Intent.Name)
			}
			if got.Intent.Name != "" && got.Ask != "" {
				t.Errorf("%q: both %+v", l.Text, got)
			}
			if got.Ask != "" && !slices.Contains(Asks(), got.Ask) {
				t.Errorf("%q: words of its own: %q", l.Text, got.Ask)
			}
		}
	}
}
