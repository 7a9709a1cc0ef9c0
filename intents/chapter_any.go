package intents

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"neobot/cards"
	"neobot/neoapi"
)

// anyChapter reaches the operations that have no intent of their own.
func anyChapter() []entry {
	return []entry{{
		Spec: Spec{
			Name: "call_operation", Summary: "Use any other operation of Neo's API: it is found by words, asks for what it needs with a form, and a write needs approval.",
			Args:     []Arg{{Name: "operation", Kind: ArgText, Help: "what to do, in words, or the operation's name from the catalog", Required: true}},
			Examples: []string{"api <operation>", "call <operation>", "operation <operation>"},
		},
		plan: planOperation,
	}}
}

// closedGroups are not reached from chat at all.
var closedGroups = []neoapi.Group{"api_keys"}

// closedOps need a caller the bot is not, answer with a stream, or are reached
// by their own intent only.
var closedOps = map[string]string{
	"tail_chat_events":         "It is an event stream; read the session's messages instead.",
	"resolve_install_branding": "It is for Neo's own platform account.",
	"get_openapi_document":     "It is the API's description; `bot check` compares it.",
	// These have a card of their own that checks more than a form can: Neo's list
	// of approvers, what leaves the company, and who takes over.
	"decide_til_request":      "Ask for the request (“show request 912”) and press its buttons.",
	"escalate_to_neo_team":    "Say “escalate”: it shows first what would be sent.",
	"accept_handover_request": "Say “take over the customer chat” with its number.",
}

// NotByForm says why call_operation refuses an operation; empty when it does not.
func NotByForm(op neoapi.Operation) string {
	if slices.Contains(closedGroups, op.Group) {
		return "Keys are not managed from chat."
	}
	return closedOps[op.ID]
}

// planOperation finds the operation, then asks for its arguments or runs it.
func planOperation(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	op, err := s.findOperation(a, in["operation"])
	if err != nil {
		return outcome{}, err
	}
	if slices.Contains(closedGroups, op.Group) {
		return planKeys(ctx, s, a, in)
	}
	if why, closed := closedOps[op.ID]; closed {
		return outcome{}, no("Not from chat", "%s", why)
	}
	if err := a.neo.Allowed(op.ID); err != nil {
		return outcome{}, err
	}
	a.intent.Args = merged(in, "operation", op.ID)
	if in["filled"] == "" && len(operationInputs(op)) > 0 {
		return a.operationForm(op), nil
	}
	call, err := operationArgs(op, in)
	if err != nil {
		return outcome{}, err
	}
	if op.Access == neoapi.Write {
		return s.operationChange(ctx, a, op, call)
	}
	resp, err := a.neo.Read(ctx, op.ID, call)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: op.Summary}
	a.present(&card, resp.Data)
	if resp.Cursor != "" {
		card.Footer = append(card.Footer, "Only the first page is shown.")
	}
	return outcome{card: card, private: true}, nil
}

// findOperation matches words against ids and summaries.
func (s *Service) findOperation(a *ask, said string) (neoapi.Operation, error) {
	if op, ok := s.operation(strings.TrimSpace(said)); ok {
		return op, nil
	}
	all := s.Neo.Catalog().Operations()
	names := make([]string, len(all))
	for i, op := range all {
		names[i] = op.Summary + " " + strings.ReplaceAll(op.ID, "_", " ")
	}
	m := Resolve(said, names)
	picks := m.Candidates
	if len(picks) == 1 {
		return all[picks[0]], nil
	}
	card := cards.Card{Title: "Which operation?", Status: cards.StatusQuestion, Summary: "“" + clip(said, 60) + "” fits several."}
	if len(picks) == 0 {
		picks = m.Suggestions
		card.Summary = "Nothing in Neo's API is called “" + clip(said, 60) + "”."
	}
	for _, i := range picks[:min(len(picks), maxChoices)] {
		card.Buttons = append(card.Buttons, cards.Button{Label: clip(all[i].Summary, 75), Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: "call_operation", Args: args{"operation": all[i].ID}}, Owner: a.who.Name, Replace: true,
		})})
	}
	return neoapi.Operation{}, &choiceError{outcome{card: card, refusal: "ambiguous"}}
}

// operationForm offers a button that opens a form made from the schema.
func (a *ask) operationForm(op neoapi.Operation) outcome {
	card := cards.Card{Title: op.Summary, Status: cards.StatusQuestion, Summary: "Fill in what it needs; the optional fields can stay empty."}
	if op.Access == neoapi.Write {
		card.Footer = append(card.Footer, "It changes something, so it will need approval.")
	}
	if op.Evidence != "page" {
		card.Footer = append(card.Footer, "Neo does not document this operation; its shape is inferred.")
	}
	for _, in := range operationInputs(op) {
		need := "optional"
		if !in.Optional {
			need = "needed"
		}
		card.Fields = append(card.Fields, cards.Field{Name: in.Label, Value: parts(need, in.Hint)})
	}
	card.Buttons = []cards.Button{{Label: "Fill in…", Action: cards.ActionForm, Style: cards.StylePrimary, ID: a.offer(continuation{
		Intent: Intent{Name: "call_operation", Args: args{"operation": op.ID, "filled": "yes"}}, Owner: a.who.Name, Form: true,
	})}}
	return outcome{card: card}
}

// maxInputs keeps the form within a phone screen and Slack's limits.
const maxInputs = 12

// operationInputs are the form's fields: path, query, then the body's own
// fields, the required ones first. Nested values are written as JSON.
func operationInputs(op neoapi.Operation) []cards.Input {
	var required, optional []cards.Input
	add := func(in cards.Input) {
		if in.Optional {
			optional = append(optional, in)
		} else {
			required = append(required, in)
		}
	}
	for _, p := range op.Params {
		if p.In == "header" || p.Name == "cursor" || p.Name == "page_size" || p.Name == "page" {
			continue
		}
		in := cards.Input{Name: "p_" + p.Name, Label: fieldLabel(p.Name), Hint: clip(p.Description, 140), Kind: cards.InputText, Optional: !p.Required, Max: 300}
		choices(&in, p.Enum)
		add(in)
	}
	for _, f := range bodyFields(op) {
		add(f)
	}
	all := append(required, optional...)
	return all[:min(len(all), max(maxInputs, len(required)))]
}

func choices(in *cards.Input, values []string) {
	if len(values) == 0 || len(values) > 90 {
		return
	}
	in.Kind = cards.InputSelect
	for _, v := range values {
		in.Options = append(in.Options, cards.Option{Label: v, Value: v})
	}
}

func bodyFields(op neoapi.Operation) []cards.Input {
	if op.Body == nil {
		return nil
	}
	known := op.BodyFields()
	if len(known) == 0 {
		return []cards.Input{{Name: "json", Label: "Body (JSON)", Hint: "the fields to send, as JSON", Kind: cards.InputMultiline, Optional: !op.BodyRequired, Max: 3000}}
	}
	out := make([]cards.Input, len(known))
	for i, f := range known {
		out[i] = cards.Input{Name: "b_" + f.Name, Label: fieldLabel(f.Name), Hint: clip(f.Description, 140), Kind: cards.InputText, Optional: !f.Required, Max: 3000}
		if f.Type == "json" {
			out[i].Kind, out[i].Hint = cards.InputMultiline, clip(parts("as JSON", f.Description), 140)
		}
		choices(&out[i], f.Enum)
	}
	return out
}

// operationArgs turns the filled form into a call. Values are typed as the
// schema says; a value that does not fit is said in words.
func operationArgs(op neoapi.Operation, in args) (neoapi.Args, error) {
	call := neoapi.Args{Path: map[string]string{}, Query: map[string][]string{}}
	for _, p := range op.Params {
		v := in["p_"+p.Name]
		switch {
		case v == "":
		case p.In == "path":
			call.Path[p.Name] = v
		case p.In == "query":
			call.Query[p.Name] = []string{v}
		}
	}
	body, err := operationBody(op, in)
	if err != nil {
		return call, err
	}
	call.Body = body
	return call, nil
}

func operationBody(op neoapi.Operation, in args) (json.RawMessage, error) {
	if op.Body == nil {
		return nil, nil
	}
	body := object{}
	if text := in["json"]; text != "" {
		if json.Unmarshal([]byte(text), &body) != nil {
			return nil, no("That is no JSON object", "Write it like {\"name\": \"value\"}. Nothing was sent.")
		}
	}
	for _, f := range op.BodyFields() {
		v := in["b_"+f.Name]
		if v == "" {
			continue
		}
		raw, problem := typed(f.Type, v)
		if problem != "" {
			return nil, no("“"+fieldLabel(f.Name)+"” does not fit", "%s Nothing was sent.", problem)
		}
		body[f.Name] = raw
	}
	if len(body) == 0 && !op.BodyRequired {
		return nil, nil
	}
	return mustJSON(body), nil
}

// typed writes a value as its field wants it, or says what is wrong with it.
func typed(kind, v string) (raw json.RawMessage, problem string) {
	switch kind {
	case "string":
		return mustJSON(v), ""
	case "integer":
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return mustJSON(n), ""
		}
		return nil, "It should be a whole number."
	case "number":
		if n, err := strconv.ParseFloat(v, 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			return mustJSON(n), ""
		}
		return nil, "It should be a number."
	case "boolean":
		switch strings.ToLower(v) {
		case "true", "yes", "on":
			return json.RawMessage("true"), ""
		case "false", "no", "off":
			return json.RawMessage("false"), ""
		}
		return nil, "It should be yes or no."
	}
	if json.Valid([]byte(v)) {
		return json.RawMessage(v), ""
	}
	return nil, "It should be JSON."
}

// operationChange plans a write. Where the target can be read, its fields as
// they are become the before snapshot, so that the card shows the difference.
func (s *Service) operationChange(ctx context.Context, a *ask, op neoapi.Operation, call neoapi.Args) (outcome, error) {
	change := neoapi.Change{Op: op.ID, Path: call.Path, Body: call.Body}
	for name, values := range call.Query {
		if change.Query == nil {
			change.Query = map[string]string{}
		}
		change.Query[name] = values[0]
	}
	p := proposal{title: op.Summary, target: operationTarget(op, call)}
	if _, readable := readBack[op.ID]; readable && len(call.Body) > 0 && op.ID != "decide_til_request" {
		now, err := s.target(ctx, job{change: change, session: a.neo})
		if err != nil {
			return outcome{}, err
		}
		if change.Before, err = subset(now, call.Body); err != nil {
			return outcome{}, err
		}
		p.changes = diff(change.Before, change.Body)
	}
	if op.Risk == neoapi.Destructive {
		p.warning = "This cannot be taken back."
	}
	p.change = change
	return outcome{proposal: &p}, nil
}

func operationTarget(op neoapi.Operation, call neoapi.Args) string {
	var ids []string
	for _, name := range slices.Sorted(maps.Keys(call.Path)) {
		ids = append(ids, strings.ReplaceAll(name, "_", " ")+" "+call.Path[name])
	}
	return orNone(strings.Join(ids, ", "), groupWords(op.Group))
}
