package intents

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

// object is a JSON object of Neo. The API is additive and partly undocumented,
// so what is shown is looked up field by field, and a missing or oddly typed
// field reads as empty.
type object map[string]json.RawMessage

func newObject(raw json.RawMessage) object {
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return object{}
	}
	return o
}

// text of the first of these fields that has some; numbers and booleans as
// they are written.
func (o object) text(fields ...string) string {
	for _, f := range fields {
		var s string
		raw := bytes.TrimSpace(o[f])
		switch {
		case len(raw) == 0 || string(raw) == "null" || raw[0] == '{' || raw[0] == '[':
			continue
		case json.Unmarshal(raw, &s) != nil:
			s = string(raw)
		}
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// number of a field, 0 when it has none.
func (o object) number(field string) float64 {
	var n float64
	_ = json.Unmarshal(o[field], &n)
	return n
}

func (o object) is(field string) bool { return o.text(field) == "true" }

// at is the time of the first of these fields that holds one.
func (o object) at(fields ...string) time.Time {
	for _, f := range fields {
		var t neoapi.Time
		if json.Unmarshal(o[f], &t) == nil && !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}

func (o object) sub(field string) object { return newObject(o[field]) }

func (o object) list(field string) []object {
	var raw []json.RawMessage
	_ = json.Unmarshal(o[field], &raw)
	out := make([]object, len(raw))
	for i, r := range raw {
		out[i] = newObject(r)
	}
	return out
}

func (o object) texts(field string) []string {
	var out []string
	var raw []json.RawMessage
	_ = json.Unmarshal(o[field], &raw)
	for _, r := range raw {
		out = append(out, object{"x": r}.text("x"))
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// objects reads a whole list of Neo, up to limit items.
func (a *ask) objects(ctx context.Context, op string, in neoapi.Args, limit int) ([]object, bool, error) {
	raw, more, err := a.neo.Pages(ctx, op, in, limit)
	if err != nil {
		return nil, false, err
	}
	out := make([]object, len(raw))
	for i, r := range raw {
		out[i] = newObject(r)
	}
	return out, more, nil
}

// object reads one object of Neo.
func (a *ask) object(ctx context.Context, op string, in neoapi.Args) (object, error) {
	resp, err := a.neo.Read(ctx, op, in)
	if err != nil {
		return nil, err
	}
	return newObject(resp.Data), nil
}

// path is the argument of an operation with one id in its path.
func path(name, value string) neoapi.Args { return neoapi.Args{Path: map[string]string{name: value}} }

// parts joins what is not empty.
func parts(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " · ")
}

// labeled is "label value", or nothing without a value.
func labeled(label, value string) string {
	if value == "" {
		return ""
	}
	return label + " " + value
}

// oneLine makes a text fit into a row.
func oneLine(s string, n int) string { return clip(strings.Join(strings.Fields(s), " "), n) }

// fields adds the facts that are there, in this order: label, value, label, value, and so on.
func fields(pairs ...string) []cards.Field {
	var out []cards.Field
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, cards.Field{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return out
}

// when is a time for a row, or nothing.
func (a *ask) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return a.clock(t)
}

// present shows any JSON of Neo as a readable card body: an object as facts, a
// list as rows, what is nested as indented text. It knows no field names, so it
// serves operations without a card of their own.
func (a *ask) present(card *cards.Card, raw json.RawMessage) {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) == nil {
		items := make([]cards.Item, len(all))
		for i, r := range all {
			items[i] = a.anyItem(r)
		}
		if card.Summary == "" {
			card.Summary = plural(len(items), "entry")
			if len(items) != 1 {
				card.Summary = itoa(len(items)) + " entries"
			}
			card.Summary += "."
		}
		a.page(card, items, nil)
		return
	}
	o := newObject(raw)
	if len(o) == 0 {
		if text := valueWords(raw); text != "" && text != "{}" {
			card.Body = append(card.Body, cards.Block{Code: clip(text, 3000)})
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		label := fieldLabel(name)
		switch text := o.text(name); {
		case text != "" && len(text) <= 120:
			card.Fields = append(card.Fields, cards.Field{Name: label, Value: a.shown(o, name)})
		case text != "":
			card.Body = append(card.Body, cards.Block{Heading: label, Text: clip(text, 1500)})
		case len(o[name]) > 2 && string(o[name]) != "null":
			card.Body = append(card.Body, cards.Block{Heading: label, Code: clip(valueWords(o[name]), 1200)})
		}
	}
}

// shown is a field's value for people: times in their zone, yes and no.
func (a *ask) shown(o object, field string) string {
	switch text := o.text(field); {
	case text == "true":
		return "yes"
	case text == "false":
		return "no"
	case strings.HasSuffix(field, "_at") || strings.HasSuffix(field, "_for") || strings.HasSuffix(field, "_date"):
		if t := o.at(field); !t.IsZero() {
			return a.clock(t)
		}
		return text
	default:
		return text
	}
}

// fieldLabels are names of fields that people would not say like that.
var fieldLabels = map[string]string{
	"bucket_start": "From", "p95_processing_seconds": "95 % handled within (s)", "psa_calls": "PSA calls", "match_ratio": "Agents started per event",
	"credits_consumed": "Credits", "total_sessions": "Sessions", "total_turns": "Questions", "psa": "PSA", "capped": "Held back",
	"currency_symbol": "Currency", "sample_size": "Runs looked at", "runs_counted": "Runs in all",
}

func fieldLabel(name string) string {
	if label, ok := fieldLabels[name]; ok {
		return label
	}
	label := strings.ReplaceAll(name, "_", " ")
	if rest, ok := strings.CutPrefix(label, "psa "); ok {
		return "PSA " + rest
	}
	return upperFirst(label)
}

var titleFields = []string{
	"name", "title", "display_name", "psa_company_name", "agent_name", "workflow_name", "internal_name", "label", "summary",
	"message", "script_name", "id",
}

// anyItem is a row of a list whose fields nobody has told us.
func (a *ask) anyItem(raw json.RawMessage) cards.Item {
	o := newObject(raw)
	if len(o) == 0 {
		return cards.Item{Title: oneLine(orNone(valueWords(raw), "(empty)"), 140)}
	}
	item := cards.Item{Title: oneLine(orNone(o.text(titleFields...), "Entry"), 140)}
	var rest []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		text := o.text(name)
		if text == "" || oneLine(text, 140) == item.Title || len(rest) == 5 || len(text) > 80 {
			continue
		}
		rest = append(rest, strings.ToLower(fieldLabel(name))+" "+a.shown(o, name))
	}
	item.Detail = strings.Join(rest, " · ")
	return item
}

// nameList is a list of Neo whose items people call by name.
type nameList struct {
	op     string
	noun   string
	name   []string // JSON fields that can hold the name
	id     string   // JSON field of the id
	values neoapi.Args
}

// named finds an item of a list by what a person called it in argument arg. No
// or several hits end the plan with a card that asks; an empty name offers the
// first items.
func (s *Service) named(ctx context.Context, a *ask, l nameList, arg string) (object, error) {
	all, _, err := a.objects(ctx, l.op, l.values, 400)
	if err != nil {
		return nil, err
	}
	if id := a.intent.Args[arg+"_id"]; id != "" {
		for _, o := range all {
			if o.text(l.id) == id {
				return o, nil
			}
		}
		return nil, no("That "+l.noun+" is gone", "Neo does not list it any more.")
	}
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.text(l.name...)
	}
	said := a.intent.Args[arg]
	for i, o := range all {
		if said != "" && o.text(l.id) == said {
			return all[i], nil
		}
	}
	m := Resolve(said, names)
	if m.Exact < 0 && len(m.Candidates) == 1 {
		m.Exact = m.Candidates[0]
	}
	if m.Exact >= 0 {
		a.intent.Args[arg] = names[m.Exact]
		return all[m.Exact], nil
	}
	return nil, &choiceError{a.pickNamed(l, arg, said, all, names, m)}
}

func (a *ask) pickNamed(l nameList, arg, said string, all []object, names []string, m Match) outcome {
	card := cards.Card{Status: cards.StatusQuestion, Title: "Which " + l.noun + "?"}
	picks := m.Candidates
	switch {
	case len(all) == 0:
		card.Status, card.Summary = cards.StatusRefused, "Neo lists no "+l.noun+" at all."
	case said == "":
		card.Summary = "Say its name, or press one."
		for i := range names {
			picks = append(picks, i)
		}
	case len(picks) > 0:
		card.Summary = fmt.Sprintf("“%s” can be any of these.", clip(said, 60))
	default:
		card.Summary = fmt.Sprintf("There is no %s called “%s”.", l.noun, clip(said, 60))
		picks = m.Suggestions
	}
	for _, i := range picks[:min(len(picks), maxChoices)] {
		next := Intent{Name: a.intent.Name, Args: merged(merged(a.intent.Args, arg, names[i]), arg+"_id", all[i].text(l.id))}
		card.Buttons = append(card.Buttons, cards.Button{
			Label: clip(orNone(names[i], all[i].text(l.id)), 75), Action: cards.ActionContinue,
			ID: a.offer(continuation{Intent: next, Owner: a.who.Name, Replace: true}),
		})
	}
	a.intent.Args = without(a.intent.Args, arg)
	return outcome{card: card, refusal: "ambiguous"}
}

// listing declares an intent that shows a list of Neo.
type listing struct {
	op    string
	title string
	noun  string // singular
	limit int    // items read, default 200
	args  func(ctx context.Context, s *Service, a *ask, in args) (neoapi.Args, error)
	keep  func(a *ask, in args, o object) bool
	row   func(a *ask, o object) cards.Item
	// chart, over the first page, of all items that are kept.
	chart func(a *ask, in args, kept []object) []cards.Block
	note  string
	// private lists go to the asker only.
	private bool
}

func (l listing) plan(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	var query neoapi.Args
	var err error
	if l.args != nil {
		if query, err = l.args(ctx, s, a, in); err != nil {
			return outcome{}, err
		}
	}
	limit := l.limit
	if limit == 0 {
		limit = 200
	}
	all, more, err := a.objects(ctx, l.op, query, limit)
	if err != nil {
		return outcome{}, err
	}
	var items []cards.Item
	var kept []object
	for _, o := range all {
		if l.keep == nil || l.keep(a, in, o) {
			items, kept = append(items, l.row(a, o)), append(kept, o)
		}
	}
	card := cards.Card{Title: l.title, Summary: plural(len(items), l.noun) + "."}
	if strings.HasSuffix(l.noun, "y") && len(items) != 1 {
		card.Summary = itoa(len(items)) + " " + strings.TrimSuffix(l.noun, "y") + "ies."
	}
	if l.chart != nil && !more && a.firstPage() { // cut off, the oldest days would look quiet
		card.Body = l.chart(a, in, kept)
	}
	a.page(&card, items, nil)
	if l.note != "" {
		card.Footer = append(card.Footer, l.note)
	}
	if more {
		card.Footer = append(card.Footer, "Only the first "+itoa(limit)+" were looked at.")
	}
	return outcome{card: card, private: l.private}, nil
}

// inSpan reports whether an item's time lies in the range said in in["when"];
// without one everything does. The error was reported when parsing.
func inSpan(a *ask, in args, t time.Time) bool {
	if in["when"] == "" {
		return true
	}
	span, err := ParseWhen(in["when"], a.now, a.zone)
	return err == nil && !t.Before(span.From) && t.Before(span.To)
}

// likes reports whether what was said is empty or fits one of the texts.
func likes(said string, texts ...string) bool {
	if said == "" {
		return true
	}
	m := Resolve(said, texts)
	return m.Exact >= 0 || len(m.Candidates) > 0
}
