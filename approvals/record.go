package approvals

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A record is one Redis hash. Scalars are fields of their own; the caller's
// JSON (change, view, origin, result) and the decisions are opaque strings that
// no script decodes, so numbers, nulls and empty arrays survive byte for byte.
//
//	id workspace key requester digest test self quorum created expires   fixed
//	change view origin                                                  fixed, raw JSON
//	state version attempts approved started ended result drawn            kept by the scripts
//	lease lease_until mint                                               who executes, until when, last grant
//	decisions copies                                                     counters
//	d:<person> = "<n> <Decision as JSON>"   v:<person> = delivery id     one per person
//	c:<reference> = <n>                                                  posted copies
//
// Times are Unix milliseconds.

const (
	decisionPrefix = "d:"
	copyPrefix     = "c:"
)

// encode gives the fixed fields as HSET arguments.
func encode(r *Request) []any {
	return []any{
		"id", string(r.ID), "workspace", r.Workspace, "key", r.Key, "requester", r.Requester,
		"digest", r.Digest, "test", flag(r.TestMode), "self", flag(r.SelfApproval),
		"quorum", r.Quorum, "created", r.CreatedAt.UnixMilli(), "expires", r.ExpiresAt.UnixMilli(),
		"change", []byte(r.Change), "view", []byte(r.View), "origin", []byte(r.Origin),
	}
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// fieldMap turns the flat list of HGETALL in a script's answer into a map.
func fieldMap(fields []any) map[string]string {
	m := make(map[string]string, len(fields)/2)
	for i := 0; i+1 < len(fields); i += 2 {
		k, _ := fields[i].(string)
		v, _ := fields[i+1].(string)
		m[k] = v
	}
	return m
}

// parse reads a record. A damaged one is an error, never half a request.
func parse(m map[string]string) (Request, error) {
	p := parser{m: m}
	r := Request{
		ID: ID(m["id"]), Workspace: m["workspace"], Key: m["key"], Requester: m["requester"],
		Digest: m["digest"], TestMode: m["test"] != "0", SelfApproval: m["self"] == "1",
		Change: raw(m["change"]), View: raw(m["view"]), Origin: raw(m["origin"]), Result: raw(m["result"]),
		State: State(m["state"]), Quorum: int(p.number("quorum")), Version: int(p.number("version")),
		Attempts: int(p.number("attempts")), Drawn: int(p.number("drawn")),
		CreatedAt: p.time("created"), ExpiresAt: p.time("expires"),
		StartedAt: p.time("started"), EndedAt: p.time("ended"),
	}
	p.lists(&r)
	if p.err == nil && (!r.ID.valid() || r.Workspace == "" || r.State == "" || r.Digest == "") {
		p.err = errors.New("incomplete")
	}
	if p.err != nil {
		return Request{}, fmt.Errorf("record %s: %w", r.ID.short(), p.err)
	}
	return r, nil
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

type parser struct {
	m   map[string]string
	err error
}

func (p *parser) number(field string) int64 {
	s := p.m[field]
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("field %s: %w", field, err)
	}
	return n
}

func (p *parser) time(field string) time.Time {
	ms := p.number(field)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

type numbered[T any] struct {
	n int64
	v T
}

// lists collects decisions and copies in the order they were made.
func (p *parser) lists(r *Request) {
	var decisions []numbered[Decision]
	var copies []numbered[string]
	for k, v := range p.m {
		switch {
		case strings.HasPrefix(k, decisionPrefix):
			decisions = append(decisions, p.decision(k, v))
		case strings.HasPrefix(k, copyPrefix):
			copies = append(copies, numbered[string]{p.number(k), strings.TrimPrefix(k, copyPrefix)})
		}
	}
	r.Decisions, r.Copies = inOrder(decisions), inOrder(copies)
}

func (p *parser) decision(field, v string) (d numbered[Decision]) {
	n, body, _ := strings.Cut(v, " ")
	var err error
	if d.n, err = strconv.ParseInt(n, 10, 64); err == nil {
		err = json.Unmarshal([]byte(body), &d.v)
	}
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("field %.80q: %w", field, err)
	}
	return d
}

func inOrder[T any](in []numbered[T]) []T {
	if len(in) == 0 {
		return nil
	}
	slices.SortFunc(in, func(a, b numbered[T]) int { return int(a.n - b.n) })
	out := make([]T, len(in))
	for i := range in {
		out[i] = in[i].v
	}
	return out
}
