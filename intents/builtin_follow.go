package intents

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// followUp answers fragments out of the last turn: "and yesterday?", "and
// dispatch?", "only the failed ones". They repeat the last question with
// another argument. A write is never repeated this way.
func (r *reading) followUp() (Intent, bool) {
	n := len(r.q.History)
	if n == 0 {
		return Intent{}, false
	}
	last := r.q.History[n-1].Intent
	spec, ok := SpecByName(r.q.Specs, last.Name)
	if !ok || !r.fragment() {
		return Intent{}, false
	}
	if spec.Write {
		if agents := r.values("@agent"); len(agents) == 1 && r.offers("show_agent") {
			return Intent{Name: "show_agent", Args: map[string]string{"agent": agents[0]}}, true
		}
		return Intent{}, false
	}
	in := Intent{Name: last.Name, Args: maps.Clone(last.Args)}
	if in.Args == nil {
		in.Args = map[string]string{}
	}
	changed := false
	for _, a := range spec.Args {
		v := r.argument(spec, a)
		if a.Kind == ArgText {
			v = ""
		}
		if v == "" {
			v = r.shifted(a, last.Args[a.Name])
		}
		if v != "" {
			in.Args[a.Name], changed = v, true
			if a.Kind == ArgAgent {
				delete(in.Args, "agent_id")
			}
		}
	}
	if slices.ContainsFunc(r.values("@ticket"), func(t string) bool { return t == in.Args["ticket"] }) {
		delete(in.Args, "run") // another ticket, another run
	}
	return in, changed
}

// fillers of a fragment, as single words.
var fragmentWords = func() map[string]bool {
	set := map[string]bool{}
	for p := range strings.SplitSeq(lexicon["more"], "|") {
		for w := range strings.FieldsSeq(p) {
			set[w] = true
		}
	}
	return set
}()

// fragment reports whether the message is nothing but arguments and filler.
func (r *reading) fragment() bool {
	arguments := 0
	for _, it := range r.items {
		switch it.concept {
		case "@agent", "@ticket", "@when", "@run", "fail", "completed", "running", "queued", "waiting", "cancelled", "skipped", "on", "off", "before":
			arguments++
		case "me":
			if w := r.word(it.from); w == "mine" || w == "my" || r.word(it.from-1) == "for" {
				arguments++
			}
		case "agents", "agent", "run", "runs", "ticket", "thing", "what":
			if it.concept == "what" && r.word(it.from) != "what" && r.word(it.from) != "which" {
				return false
			}
		default:
			for i := it.from; i < it.to; i++ {
				if !fragmentWords[r.word(i)] && unitOf(r.word(i)) == 0 && r.word(i) != "who" {
					return false
				}
			}
		}
	}
	return arguments > 0 && (r.leadIn() || !r.standsAlone())
}

// leadIn reports words that tie a message to the one before.
func (r *reading) leadIn() bool {
	w := r.word(0)
	if w == "and" || w == "only" || w == "just" || w == "same" || w == "but" || w == "or" || w == "now" || w == "then" || w == "also" || w == "the" || w == "those" {
		return true
	}
	two := r.plain(0, min(2, len(r.toks)))
	return two == "what about" || two == "how about" || two == "which of" || two == "any of" || two == "which are" || two == "which ones"
}

// standsAlone reports a message that is a question without the last one:
// "runs failed today", "ticket 48213", "dispatch".
func (r *reading) standsAlone() bool {
	q := r.q
	q.History = nil
	top := read(q).guesses()[0]
	return r.offers(top.name) && top.p >= sureAnother || r.subjectOnly()
}

// shifted is a time moved one step back: "and the day before?".
func (r *reading) shifted(a Arg, was string) string {
	if !r.hasOne("before") || was == "" && a.Kind != ArgMonth {
		return ""
	}
	loc := r.q.Now.Location()
	switch a.Kind {
	case ArgMonth:
		if month, err := ParseMonth(was, r.q.Now, loc); err == nil {
			if t, err := time.ParseInLocation("2006-01", month, loc); err == nil {
				return t.AddDate(0, -1, 0).Format("2006-01")
			}
		}
	case ArgWhen:
		span, err := ParseWhen(was, r.q.Now, loc)
		if err == nil && span.To.Sub(span.From) <= 25*time.Hour {
			return span.From.AddDate(0, 0, -1).Format(time.DateOnly)
		}
	default:
	}
	return ""
}

// meansLast reports an "it" that stands for the agent of the last turn.
func (r *reading) meansLast() bool {
	return r.lastAgent() != nil && slices.ContainsFunc(r.toks, func(t token) bool { return t.w == "it" || t.w == "its" })
}

// strangers counts words that mean nothing to the router.
func (r *reading) strangers() int {
	n := 0
	for _, it := range r.items {
		if w := r.word(it.from); it.concept == "" && !plainWords[w] && !noise[w] && !openerWords[w] {
			n++
		}
	}
	return n
}

// grounded reports whether an intent about one run or agent has anything to go by:
// an argument, or words about runs or agents. "Why is the sky blue?" and "When was
// the wheel invented?" have neither.
func (r *reading) grounded(in Intent) bool {
	spec, _ := SpecByName(r.q.Specs, in.Name)
	agent, _ := spec.Arg("agent")
	switch {
	case in.Name == "company" && in.Args["company"] == "", in.Name == intentShowAgent && in.Args["agent"] == "":
		return false
	case agent.Required && in.Args["agent"] == "":
		return r.hasOne("agent|agents|thing") || r.strangers() == 0
	}
	return in.Name != "explain_run" || len(in.Args) > 0 || r.hasOne("run|runs|fail|last") && r.strangers() == 0
}

// meansRun reports an "it" that can stand for the run of the last turn.
func (r *reading) meansRun() bool {
	n := len(r.q.History)
	return n > 0 && r.q.History[n-1].Intent.Args["run"] != "" &&
		slices.ContainsFunc(r.toks, func(t token) bool { return t.w == "it" || t.w == "that" || t.w == "this" })
}
