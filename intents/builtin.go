package intents

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// ByBuiltIn and ByModel are the values of Routed.By.
const (
	ByBuiltIn = "built-in"
	ByModel   = "model"
)

// BuiltIn is the router without a model. The same question always gets the same
// answer. Orders are recognised by grammar (builtin_command.go) and stopped by
// the guard (builtin_guard.go); everything else is guessed by
// classifiers learned from labelled questions (builtin_guess.go), or, for intents
// newer than those, by likeness to their examples. It knows English only.
type BuiltIn struct{}

var _ Router = BuiltIn{}

// Route picks an intent. It never fails.
func (BuiltIn) Route(_ context.Context, q Question) (Routed, error) {
	out := route(q)
	if _, picks := partsOf(q); len(picks) > 1 {
		out = Routed{Intent: picks[0], More: true}
	}
	out.By = ByBuiltIn
	return out, nil
}

func route(q Question) Routed {
	r := read(q)
	if in, ok := r.whole(); ok {
		return Routed{Intent: in}
	}
	if len(r.toks) == 0 {
		return Routed{}
	}
	if in, ok := r.operationSaid(); ok {
		return Routed{Intent: in}
	}
	if orders := r.orders(); len(orders) > 0 {
		return r.weigh(orders[0], r.obey(orders))
	}
	if r.isHostile() {
		return Routed{Ask: askRules}
	}
	if in, ok := r.followUp(); ok {
		return Routed{Intent: in}
	}
	return r.settle()
}

// whole is a message with one meaning as it stands, or after its openers.
func (r *reading) whole() (Intent, bool) {
	if len(r.toks) == 0 && strings.TrimSpace(r.text) != "?" {
		return Intent{}, false
	}
	in, ok := exact[r.plain(0, len(r.toks))]
	if from := r.opening(); !ok && from < len(r.toks) {
		to := len(r.toks)
		for to > from+1 && trailers[r.word(to-1)] {
			to--
		}
		in, ok = exact[r.plain(from, to)]
	}
	return Intent{Name: in.Name, Args: maps.Clone(in.Args)}, ok && r.offers(in.Name)
}

// offers reports whether the catalog has an intent.
func (r *reading) offers(name string) bool {
	_, ok := SpecByName(r.q.Specs, name)
	return ok
}

// obey turns orders into one write, or says why not.
func (r *reading) obey(orders []order) Routed {
	o := orders[0]
	for _, x := range orders {
		if why := r.refusal(x); why != "" {
			out := Routed{Ask: why}
			if why == askMeant {
				out.Choices = r.meant(x)
			}
			return out
		}
		if x.intent != o.intent || len(orders) > 1 && r.object(x) != r.object(o) || r.chained(x) {
			return Routed{Ask: askOne}
		}
		if r.foreign(x) {
			return Routed{Ask: askMeant, Choices: r.meant(x)}
		}
	}
	in, ask := r.fill(o)
	switch {
	case ask != "":
		return Routed{Ask: ask}
	case r.vague(o, in):
		return Routed{Ask: askMeant}
	case o.alias == "enable_agent" && in.Args["ticket"] != "": // only a run has a ticket
	case o.alias != "" && in.Args["agent"] != "" && r.offers(o.alias) && (o.alias != "cancel_run" || !r.saysAgent(o)):
		agent := map[string]string{"agent": in.Args["agent"]}
		question := map[string]string{"enable_agent": askStart, "cancel_run": askStop}[o.alias]
		return Routed{Ask: question, Choices: []Intent{in, {Name: o.alias, Args: agent}}}
	}
	return Routed{Intent: in}
}

// saysAgent: "stop the SLA Watch agent" is about the agent and not about a run.
func (r *reading) saysAgent(o order) bool {
	for i := o.verb[1]; i < o.clause[1]; i++ {
		if isAgentWord(r.word(i)) {
			return true
		}
	}
	return false
}

// manyThings are verbs for agents as for runs, watches and backfills.
var manyThings = wordSet("stop halt kill pause resume start restart")

// vague: one of them alone says nothing about what is meant, and "the one on
// ticket 48213" is a run, whatever the verb says.
func (r *reading) vague(o order, in Intent) bool {
	if !knownCommand(o.intent) || in.Args["agent"] != "" {
		return false
	}
	said, _, _ := r.leftover(o)
	return said == "" && manyThings[r.word(o.verb[0])] || oneOnTicket.MatchString(r.plain(o.verb[1], o.clause[1]))
}

var oneOnTicket = regexp.MustCompile(`\bone (on|for|of|from) `)

// meant is what an unclear order can mean.
func (r *reading) meant(o order) []Intent { return lookOrDo(r.fill(o)) }

// lookOrDo offers to look at the agent of an order, or really to do it.
func lookOrDo(in Intent, ask string) []Intent {
	if ask != "" || in.Args["agent"] == "" {
		return nil
	}
	return []Intent{{Name: "show_agent", Args: map[string]string{"agent": in.Args["agent"]}}, in}
}

// notOffered knows what people ask for and the catalog does not have.
func (r *reading) notOffered() (Routed, bool) {
	likeliest := r.guesses()[0]
	if isNew(likeliest.name) {
		return Routed{}, false // an intent newer than these refusals
	}
	said := r.said
	if r.asked[0] > 0 {
		said = r.aboutMain()
	}
	for i, c := range refusals {
		if c.unless != "" && r.offers(c.unless) || c.concepts != "" && !said.fit(refusalTerms()[i]) {
			continue
		}
		if c.verbs != "" && !r.clauseBegins(c.verbs) {
			continue
		}
		if c.concepts == "other" && r.offers(likeliest.name) && likeliest.p >= 0.5 {
			continue
		}
		out := Routed{Ask: c.ask}
		if c.ask == askDecide {
			out.Choices = []Intent{{Name: "list_approvals"}, {Name: "list_requests", Args: map[string]string{"mine": "yes"}}}
		}
		return out, true
	}
	return Routed{}, false
}

// clauseBegins reports whether a clause begins, after openers, with one of the verbs.
func (r *reading) clauseBegins(verbs string) bool {
	split, ok := splitVerbs.Load(verbs)
	if !ok {
		var list [][]string
		for v := range strings.SplitSeq(verbs, "|") {
			list = append(list, strings.Fields(v))
		}
		split, _ = splitVerbs.LoadOrStore(verbs, list)
	}
	list, _ := split.([][]string)
	for _, c := range r.clauses() {
		i := c[0]
		for i < c[1] && r.openerLen(i) > 0 {
			i += r.openerLen(i)
		}
		if slices.ContainsFunc(list, func(v []string) bool { return r.areWords(i, v) }) {
			return true
		}
	}
	return false
}

// splitVerbs holds lists of verbs taken apart; they are few and constant.
var splitVerbs sync.Map // "a|b c" -> [][]string

// aboutOrder answers a question or remark about changing an agent: never the
// change, but the agent and the change to press.
func (r *reading) aboutOrder() Routed {
	out := Routed{Ask: askMeant}
	if agents := r.values("@agent"); len(agents) == 1 {
		agent := map[string]string{"agent": agents[0]}
		out.Choices = append(out.Choices, Intent{Name: "show_agent", Args: agent})
		if !r.isHostile() && !slices.ContainsFunc(r.toks, func(t token) bool { return negations[t.w] || t.quoted }) {
			for _, c := range commands {
				if c.alias == "" && c.intent != "escalate" && c.intent != "rename_agent" && r.verbAnywhere(c.verbs) && r.offers(c.intent) {
					out.Choices = append(out.Choices, Intent{Name: c.intent, Args: maps.Clone(agent)})
					break
				}
			}
		}
	}
	return out
}

func (r *reading) verbAnywhere(verbs string) bool {
	for i := range r.toks {
		for v := range strings.SplitSeq(verbs, "|") {
			if _, _, n := r.verbAt(i, [2]int{i, len(r.toks)}, strings.Fields(v)); n > 0 {
				return true
			}
		}
	}
	return false
}

// subjectOnly reports that the message is little more than an agent's name.
func (r *reading) subjectOnly() bool {
	agents := 0
	for _, it := range r.items {
		switch {
		case it.concept == "@agent":
			agents++
		case it.concept == "agent" || noise[r.word(it.from)] || r.word(it.from) == "please":
		default:
			return false
		}
	}
	return agents == 1
}
