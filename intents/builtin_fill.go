package intents

import (
	"slices"
	"strings"
)

// trailers end an order's object.
var trailers = wordSet("please now thanks asap immediately because since as so which that again today too also okay ok for but right away straight directly cause with until while")

// object is the order's object as plain words, to compare two orders.
func (r *reading) object(o order) string { return r.plain(o.verb[1], o.clause[1]) }

// fill makes the write an order asks for. The second result is a question back.
func (r *reading) fill(o order) (Intent, string) {
	in := Intent{Name: o.intent, Args: map[string]string{}}
	if spec, ok := SpecByName(r.q.Specs, o.intent); ok && !knownCommand(o.intent) {
		return r.fillOrdered(spec, o)
	}
	switch o.intent {
	case "escalate":
		r.fillEscalate(&in, o)
		return in, ""
	case "rename_agent":
		return r.fillRename(o)
	case "run_agent":
		if t := r.values("@ticket"); len(t) > 1 {
			return in, askOne
		} else if len(t) == 1 {
			in.Args["ticket"] = t[0]
		}
	}
	agents := r.agentsIn(o.verb[1], o.clause[1], o)
	switch {
	case len(agents) > 1:
		return in, askOne
	case len(agents) == 1:
		in.Args["agent"] = agents[0]
	default:
		if ask := r.unnamed(&in, o); ask != "" {
			return in, ask
		}
	}
	if o.intent == "run_agent" && in.Args["ticket"] == "" && in.Args["agent"] != "" {
		r.again(&in)
	}
	return in, ""
}

// agentsIn are the agents named in an order, and in the clauses after it that
// are nothing but more names.
func (r *reading) agentsIn(from, to int, o order) []string {
	var out []string
	for _, it := range r.items {
		if it.concept == "@agent" && it.from >= from && (it.to <= to || r.justNames(to, it.to)) {
			if !slices.Contains(out, it.value) {
				out = append(out, it.value)
			}
		}
	}
	// "disable dispatch because triage is broken": the reason's agents do not count.
	if len(out) > 1 {
		for _, it := range r.items {
			if w := r.word(it.from); it.from > o.verb[1] && (w == "because" || w == "since" || w == "as" || w == "so") && it.from < to {
				return r.agentsIn(from, it.from, o)
			}
		}
	}
	return out
}

// justNames reports whether tokens from..to are names and "and" only.
func (r *reading) justNames(from, to int) bool {
	for i := from; i < to; i++ {
		if !r.inside(i, "@agent") && !noise[r.word(i)] && r.word(i) != "also" && r.word(i) != "plus" && (r.word(i) != "then" || !r.inside(i+1, "@agent")) {
			return false
		}
	}
	return true
}

// unnamed finds the agent of an order that names none the router knows: the one
// talked about for "it", the words as said otherwise. An order without any
// object leaves the agent out, and the plan asks.
func (r *reading) unnamed(in *Intent, o order) string {
	said, from, to := r.leftover(o)
	if said == "" && !r.hasOne("again") {
		return "" // "stop" alone is not about the agent talked about
	}
	if said == "" || pronouns[said] {
		if subject := r.lastAgent(); subject != nil {
			for _, k := range []string{"agent", "agent_id"} {
				if v := subject[k]; v != "" {
					in.Args[k] = v
				}
			}
		}
		return ""
	}
	name := r.raw(from, to)
	if len(r.q.Agents) > 0 {
		m := Resolve(name, r.q.Agents)
		if m.Exact < 0 && len(m.Candidates) == 0 && len(m.Suggestions) == 0 {
			return askAnAgent
		}
	}
	in.Args["agent"] = name
	return ""
}

var pronouns = map[string]bool{
	"that thing": true, "this thing": true, "the thing": true, "thing": true, "it": true, "that": true, "this": true, "that one": true, "this one": true, "one": true, "agent": true, "the agent": true, "that agent": true,
	"this agent": true, "it back": true, "back": true, "him": true, "her": true, "workflow": true, "bot": true, "that workflow": true, "this workflow": true,
}

// leftover is an order's object without filler, as plain words and as tokens.
func (r *reading) leftover(o order) (string, int, int) {
	from, to := o.verb[1], o.clause[1]
	if o.particle >= 0 {
		to = o.particle
	}
	for from < to && (noise[r.word(from)] && !isAgentWord(r.word(from)) || r.word(from) == "please" || r.word(from) == "back") {
		from++
	}
	end := from
	for end < to && !trailers[r.word(end)] && !r.inside(end, "@ticket|@when|@future") || end == from && end < to && pronouns[r.word(end)] {
		end++
	}
	for end > from && (r.word(end-1) == "on" || r.word(end-1) == "ticket" || r.word(end-1) == "for" || r.word(end-1) == "against" || r.word(end-1) == "back") {
		end--
	}
	return r.plain(from, end), from, end
}

// lastAgent is the latest agent talked about, nil when there is none. Only the
// last turn counts: what "it" meant before is a guess.
func (r *reading) lastAgent() map[string]string {
	if n := len(r.q.History); n > 0 && r.q.History[n-1].Intent.Args["agent"] != "" {
		return r.q.History[n-1].Intent.Args
	}
	return nil
}

// again keeps the ticket of the run talked about: "run it again".
func (r *reading) again(in *Intent) {
	if n := len(r.q.History); n > 0 && r.hasOne("again") {
		last := r.q.History[n-1].Intent
		if last.Args["ticket"] != "" && (last.Args["agent"] == in.Args["agent"]) {
			in.Args["ticket"] = last.Args["ticket"]
		}
	}
}

// fillRename reads "rename <agent> to <name>".
func (r *reading) fillRename(o order) (Intent, string) {
	in := Intent{Name: o.intent, Args: map[string]string{}}
	to := -1
	for i := o.verb[1]; i < len(r.toks); i++ {
		if w := r.word(i); (w == "to" || w == "as" || w == "into") && !r.toks[i].quoted {
			to = i
			break
		}
	}
	end := len(r.toks)
	if to >= 0 {
		for _, c := range r.clauses() { // the name ends with its sentence
			if to >= c[0] && to < c[1] {
				end = c[1]
			}
		}
		for end > to+1 && (r.word(end-1) == "please" || r.word(end-1) == "thanks" || r.word(end-1) == "now") && !r.toks[end-1].quoted {
			end--
		}
		if name := strings.Trim(r.raw(to+1, end), `"'“”„«»`+"`"); name != "" {
			in.Args["name"] = name
		}
		o.clause[1] = to
	}
	if agents := r.agentsIn(o.verb[1], o.clause[1], o); len(agents) == 1 {
		in.Args["agent"] = agents[0]
		return in, ""
	} else if len(agents) > 1 {
		return in, askOne
	}
	return in, r.unnamed(&in, o)
}

// fillEscalate takes what the problem is: the rest of the message, and the run
// talked about.
func (r *reading) fillEscalate(in *Intent, o order) {
	if ids := r.values("@run"); len(ids) == 1 {
		in.Args["run"] = ids[0]
	} else if n := len(r.q.History); n > 0 && r.q.History[n-1].Intent.Args["run"] != "" {
		in.Args["run"] = r.q.History[n-1].Intent.Args["run"]
	}
	for i := o.verb[1]; i < o.clause[1]-1; i++ {
		if w := r.word(i); w == "about" || w == "that" || w == "because" {
			in.Args["about"] = r.raw(i+1, len(r.toks))
			return
		}
	}
	before, after := r.raw(0, o.clause[0]), r.raw(o.clause[1], len(r.toks))
	inner := strings.Join(slices.DeleteFunc(strings.Fields(r.plain(o.verb[1], o.clause[1])), func(w string) bool {
		return noise[w] || pronouns[w] || escalateFiller[w]
	}), " ")
	about := strings.TrimSpace(strings.Trim(strings.TrimSpace(before+"\n"+after), ",;:.-—"))
	if inner != "" && !r.insideOnly(o) {
		about = strings.TrimSpace(r.raw(o.clause[0], len(r.toks)))
		if before != "" {
			about = strings.TrimSpace(r.raw(0, len(r.toks)))
		}
	}
	if about != "" && !isFiller(about) {
		in.Args["about"] = about
	}
}

var escalateFiller = wordSet("to neo team support ticket case request with open please thanks now asap issue problem about us immediately people so incident human person somebody someone bot a an can i")

// insideOnly reports whether the order names nothing but a run or ticket.
func (r *reading) insideOnly(o order) bool {
	for _, it := range r.items {
		if it.from >= o.verb[1] && it.to <= o.clause[1] && it.concept != "@run" && it.concept != "run" {
			w := r.word(it.from)
			if !noise[w] && !pronouns[w] && !escalateFiller[w] {
				return false
			}
		}
	}
	return true
}

// isFiller reports text that says nothing about a problem: greetings, thanks.
func isFiller(s string) bool {
	return !slices.ContainsFunc(words(s), func(w string) bool {
		return !openerWords[w] && !trailers[w] && !noise[w] && w != "you" && w != "can" && w != "could"
	})
}
