package intents

import (
	"context"
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

//go:embed openai_next.md
var nextPrompt string

const (
	maxResultChars = 2000 // of one result, as a model gets it
	maxResultValue = 80
)

var _ Chainer = (*Model)(nil)

// pickFirst asks for the first read of a message of several parts.
func (m *Model) pickFirst(ctx context.Context, q Question, end time.Time) (Routed, error) {
	out, err := m.pickPart(ctx, q, end)
	out.More = out.Intent.Name != ""
	return out, err
}

// Next asks the model for the next read. It is given the reads so far as its own
// calls, with what they found as their results, and the tools that only read; a
// call of any other is asked back and never run. An error only comes when the
// Fallback cannot go on either.
func (m *Model) Next(ctx context.Context, q Question) (Routed, error) {
	var fallback routeFunc
	if chainer, ok := m.Fallback.(Chainer); ok {
		fallback = chainer.Next
	}
	return m.orFallback(ctx, q, m.pickPart, fallback)
}

// pickPart asks for one read of a message of several parts, with the likely tools
// and then, like pick, with the next likely ones.
func (m *Model) pickPart(ctx context.Context, q Question, end time.Time) (Routed, error) {
	reads := q
	reads.Specs = slices.DeleteFunc(slices.Clone(q.Specs), func(s Spec) bool { return !chainable(s) })
	first, second := rankTools(reads, maxTools-3)
	out, err := m.pickPartFrom(ctx, q, first, end)
	if err != nil || out.Ask != askNotHere || len(second) == 0 {
		return out, err
	}
	more, err := m.pickPartFrom(ctx, q, second, end)
	more.Tokens += out.Tokens
	return more, err
}

func (m *Model) pickPartFrom(ctx context.Context, q Question, offered []Spec, end time.Time) (Routed, error) {
	data, err := modelData(q)
	if err != nil {
		return Routed{By: ByModel}, err
	}
	tools := toolSpecs(offered)
	if len(q.Done) > 0 {
		tools = append(tools, toolSpec{toolAnswered, "Everything the message asks for has been looked up.", objectSchema(map[string]any{}, []string{})})
	}
	var done []exchange
	for _, p := range q.Done {
		done = append(done, exchangeOf(q, p))
	}
	req := m.request(tools, data, done...)
	req.Messages[0].Content += nextPrompt
	return m.askFor(ctx, req, end, func(c call) (Routed, error) { return checkPart(q, offered, c) })
}

// checkPart checks a call that may only be a read.
func checkPart(q Question, offered []Spec, c call) (Routed, error) {
	if c.name == toolAnswered && len(q.Done) > 0 {
		return Routed{Over: true}, nil
	}
	if spec, ok := SpecByName(q.Specs, c.name); ok && !chainable(spec) {
		return Routed{Ask: askReadOnly}, nil
	}
	out, err := checkOffered(q, offered, c)
	out.More = false
	return out, err
}

// exchangeOf is an answered part as the model's call and its result.
func exchangeOf(q Question, p Part) exchange {
	said := map[string]string{}
	if spec, ok := SpecByName(q.Specs, p.Intent.Name); ok {
		for _, a := range spec.Args {
			if v := p.Intent.Args[a.Name]; v != "" {
				said[a.Name] = safeText(v, maxEarlierChars)
			}
		}
	}
	return exchange{call{p.Intent.Name, string(mustJSON(said))}, resultData(p)}
}

// resultData is what a model gets to see of a result: rows of names, numbers and
// states, cut and without what looks like a credential. Ids of agents stay here.
func resultData(p Part) string {
	d := struct {
		Shown string              `json:"shown"`
		Rows  []map[string]string `json:"rows"`
		More  int                 `json:"more_rows,omitempty"`
	}{"The person sees the full result. Only its names and numbers are given here.", []map[string]string{}, p.More}
	for _, row := range p.Rows {
		safe := map[string]string{}
		for _, k := range slices.Sorted(maps.Keys(row)) {
			if v := row[k]; v != "" && k != "agent_id" {
				safe[k] = safeText(v, maxResultValue)
			}
		}
		d.Rows = append(d.Rows, safe)
	}
	raw, err := json.Marshal(d)
	for err == nil && len(raw) > maxResultChars && len(d.Rows) > 0 {
		d.Rows, d.More = d.Rows[:len(d.Rows)-1], d.More+1
		raw, err = json.Marshal(d)
	}
	if err != nil {
		return `{"rows":[]}` // never: strings and numbers only
	}
	return string(raw)
}
