package intents

import (
	"slices"
	"strings"
	"sync"
)

// commandVerb is how people order a write: verbs at the beginning of a clause.
type commandVerb struct {
	intent string
	// verbs separated by "|"; "turn _ off" has the object in the gap or after it.
	verbs string
	// alias is a second reading; then the router asks which is meant.
	alias string
	// needs lists concepts of which the message has one, or else points back at a run.
	needs string
}

// commands are the orders the built-in router knows. A write is only ever
// picked through one of them: no score makes a sentence an order.
var commands = []commandVerb{
	{intent: "disable_agent", verbs: "freeze|set _ to disabled|set _ to off|set _ to inactive|make _ inactive|take _ down|disable|deactivate|pause|suspend|turn _ off|switch _ off|shut _ off|shut _ down|flip _ off|toggle _ off|take _ offline|put _ on hold"},
	{intent: "disable_agent", verbs: "stop|halt|kill", alias: "cancel_run"},
	{intent: "enable_agent", verbs: "enable|activate|reactivate|reenable|unpause|resume|turn _ on|switch _ on|turn _ back on|switch _ back on|flip _ on|toggle _ on|bring _ back|bring _ back online|" +
		"get _ back online|get _ running again|get _ going again|get _ up and running|bring _ online|put _ back on|put _ back online|set _ to enabled|set _ to on|set _ to active|make _ active|switch _ back online|reinstate|unfreeze|unsuspend"},
	{intent: "rename_agent", verbs: "rename|change the name of|change name of|give _ the name"},
	{intent: "run_agent", verbs: "run|rerun|execute|trigger|launch|invoke|kick off|fire off|set off|start a run of|do a run of|let _ run|have _ run|make _ run|" +
		"start a new run of|do another run of|run _ once|let _ process|let _ handle|have _ process|have _ handle|have _ work on|let _ work on"},
	{intent: "run_agent", verbs: "start|restart|start up|fire up|boot", alias: "enable_agent"},
	{intent: "escalate", verbs: "escalate|escalating|contact|message|tell|ask|inform|notify|ping|report|report to|raise|open|create|file|log|submit|send|call|get|talk to|speak to|speak with"},
}

type opener struct {
	phrase string
	asks   bool
}

// openers are what may stand before an order. asks marks those that make a
// question mark polite ("could you disable it?").
var openers = []opener{
	{"would you be so kind as to", true},
	{"would you be so kind and", true},
	{"please be so kind and", true},
	{"please be so kind as to", true},
	{"be so kind and", true},
	{"be so kind as to", true},
	{"be so good as to", true},
	{"would you be able to", true},
	{"would you be able", true},
	{"any chance you can", true},
	{"any chance you could", true},
	{"i was hoping you could", true},
	{"i was wondering if you could", true},
	{"i wonder if you could", true},
	{"can i get you to", true},
	{"may i ask you to", true},
	{"might i ask you to", true},
	{"could i ask you to", true},
	{"can i ask you to", true},
	{"could i trouble you to", true},
	{"can i trouble you to", true},
	{"would it be possible to", true},
	{"would it be possible for you to", true},
	{"is there any chance you could", true},
	{"do the needful and", false},
	{"may i ask", false},
	{"can i ask", false},
	{"could i ask", false},
	{"might i ask", false},
	{"may i know", false},
	{"can i know", false},
	{"we would like to know", false},
	{"do you know", false},
	{"any idea", false},
	{"would you know", false},
	{"do me a favour and", false},
	{"do me a favor and", false},
	{"when you get a chance", false},
	{"when you get a minute", false},
	{"when you have time", false},
	{"when you have a minute", false},
	{"if you do not mind", false},
	{"if possible", false},
	{"no rush but", false},
	{"quick one", false},
	{"quick question", false},
	{"one more thing", false},
	{"one thing", false},
	{"i have to", false},
	{"we have to", false},
	{"feel free to", false},
	{"time to", false},
	{"would you be so kind to", true},
	{"i would like you to", true},
	{"i would love you to", true},
	{"would you mind", true},
	{"do you mind", true},
	{"can you", true},
	{"could you", true},
	{"would you", true},
	{"will you", true},
	{"i would like to", false},
	{"i want you to", false},
	{"i need you to", false},
	{"we need you to", false},
	{"we want you to", false},
	{"i want to", false},
	{"i need to", false},
	{"we need to", false},
	{"we want to", false},
	{"you can", false},
	{"you should", false},
	{"you need to", false},
	{"go ahead and", false},
	{"when you have a moment", false},
	{"if you can", false},
	{"let us", false},
	{"good morning", false},
	{"good afternoon", false},
	{"good evening", false},
	{"right now", false},
	{"for me", false},
	{"try to", false},
	{"we would like to", false},
	{"we would like you to", false},
	{"i would love to", false},
}

// openersBy are the openers' words by their first.
var openersBy = sync.OnceValue(func() map[string][][]string {
	out := map[string][][]string{}
	for _, o := range openers {
		ws := strings.Fields(o.phrase)
		out[ws[0]] = append(out[ws[0]], ws)
	}
	return out
})

// openerWords are single words that may stand before an order.
var openerWords = wordSet("please kindly hi hello hey neo neobot bot yo ok okay right so then now also just and there thanks everybody team well alright sure yes great immediately quickly quick fine good oh ah dear um uh er hmm well erm like basically btw also actually mate folks guys finally howdy greetings cheers sorry excuse bro dude buddy")

// order is a clause that tells the bot to change something.
type order struct {
	commandVerb
	clause   [2]int // tokens
	verb     [2]int // tokens of the verb, from its first word
	particle int    // token of a separated particle ("turn it off"), -1 for none
	polite   bool   // a question mark is only politeness
}

// clauses splits the message at punctuation, and before "and please", "so can you".
func (r *reading) clauses() [][2]int {
	var out [][2]int
	from := 0
	for i := range r.toks {
		joint := i > from && (r.word(i) == "so" || r.word(i) == "and" || r.word(i) == "then") &&
			(r.openerLen(i+1) > 0 && r.word(i+1) != "and" && r.word(i+1) != "so" && r.word(i+1) != "now")
		if joint {
			out, from = append(out, [2]int{from, i}), i
		}
		if r.toks[i].stop != 0 || i == len(r.toks)-1 {
			out, from = append(out, [2]int{from, i + 1}), i+1
		}
	}
	return out
}

// openerLen is the length of an opener at token i, 0 for none.
func (r *reading) openerLen(i int) int {
	for _, phrase := range openersBy()[r.word(i)] {
		if r.areWords(i+1, phrase[1:]) {
			return len(phrase)
		}
	}
	if openerWords[r.word(i)] {
		return 1
	}
	return 0
}

// orders are the clauses that begin, after openers, with a command verb. Quoted
// words are never an order.
func (r *reading) orders() []order {
	var out []order
	polite := false
	for _, c := range r.clauses() {
		i := c[0]
		for i < c[1] && !r.toks[i].quoted {
			n := r.openerLen(i)
			if n == 0 || i+n > c[1] {
				break
			}
			polite = polite || r.politeOpener(i, n)
			i += n
		}
		if i >= c[1] {
			continue // only an opener: it belongs to the next clause
		}
		if !r.toks[i].quoted {
			if o, ok := r.orderAt(i, c); ok {
				o.polite = polite
				out = append(out, o)
			}
		}
		polite = false
	}
	return out
}

func (r *reading) politeOpener(i, n int) bool {
	p := r.plain(i, i+n)
	return p == "please" || slices.ContainsFunc(openers, func(o opener) bool { return o.asks && o.phrase == p })
}

// orderAt reads a command verb at token i, the longest that fits.
func (r *reading) orderAt(i int, clause [2]int) (order, bool) {
	best, size := order{}, 0
	rank := 0
	known := r.verbs()
	for k, stem := range stems(r.word(i)) {
		if k > 0 && r.word(i-1) != "mind" {
			break // "running now" is no order
		}
		for _, v := range known.byStem[stem] {
			c := known.verbs[v.command]
			if c.needs != "" && !r.hasOne(c.needs) && !r.meansRun() {
				continue
			}
			from, particle, n := r.verbAt(i, clause, v.words)
			if n < size || n == 0 || n == size && v.command >= rank || c.intent == "escalate" && !r.toSupport(i, clause) || !r.offers(c.intent) {
				continue
			}
			best, size, rank = order{commandVerb: c, clause: clause, verb: [2]int{i, from}, particle: particle}, n, v.command
		}
	}
	if size == 0 || best.intent == "run_agent" && r.runNoun(best) {
		return order{}, false
	}
	return best, true
}

// verbAt matches verb words at token i. It returns where the object can begin,
// where a separated particle stands (-1: none), and how many words matched.
func (r *reading) verbAt(i int, clause [2]int, verb []string) (object, particle, n int) {
	if !slices.Contains(stems(r.word(i)), verb[0]) {
		return 0, -1, 0
	}
	gap := slices.Index(verb, "_")
	if gap < 0 {
		if i+len(verb) <= clause[1] && r.areWords(i+1, verb[1:]) {
			return i + len(verb), -1, len(verb)
		}
		return 0, -1, 0
	}
	tail := verb[gap+1:]
	if gap > 1 && !r.areWords(i+1, verb[1:gap]) {
		return 0, -1, 0
	}
	for j := i + gap; j+len(tail) <= clause[1]; j++ {
		if !r.areWords(j, tail) {
			continue
		}
		if j > i+gap && slices.ContainsFunc(r.toks[i+gap:j], func(t token) bool { return negations[t.w] }) {
			return 0, -1, 0 // "do not …"
		}
		if j == i+gap {
			return j + len(tail), -1, gap + len(tail) // "turn off X"
		}
		if !r.inside(j, "@when|@future|@agent") && !isTicketWord(r.word(j+len(tail))) && !r.inside(j+len(tail), "@ticket") {
			return i + gap, j, gap + len(tail) // "turn X off"
		}
	}
	return 0, -1, 0
}

// areWords reports whether the tokens from i on are some words.
func (r *reading) areWords(i int, words []string) bool {
	for k, w := range words {
		if r.word(i+k) != w {
			return false
		}
	}
	return true
}

// stems of a word: itself, and what an -ing form is of ("would you mind turning
// it off").
func stems(w string) []string {
	stem, ok := strings.CutSuffix(w, "ing")
	if !ok || len(stem) < 2 {
		return []string{w}
	}
	out := []string{w, stem, stem + "e"}
	if n := len(stem); n > 2 && stem[n-1] == stem[n-2] {
		out = append(out, stem[:n-1])
	}
	return out
}

// toSupport reports whether the clause speaks to the Neo team: "tell neo
// support", "open a ticket with neo", "escalate this". Other verbs than
// escalate need to name it.
func (r *reading) toSupport(i int, clause [2]int) bool {
	if strings.HasPrefix(r.word(i), "escalat") {
		return true
	}
	for j := i + 1; j < clause[1]; j++ {
		w, prev := r.word(j), r.word(j-1)
		if w == "bug" || w == "bugs" || w == "defect" || w == "support" || w == "human" || w == "neoagent" || w == "team" && prev == "neo" {
			return true
		}
		if w == "neo" && (prev == "with" || prev == "to" || prev == "contact" || prev == "tell" || prev == "ask" || prev == "at" || prev == "inform") {
			return true
		}
	}
	return false
}

// runNoun reports that "run" is a noun: "run 91233", "run history", "run failed".
func (r *reading) runNoun(o order) bool {
	next := r.word(o.verb[1])
	if r.word(o.verb[0]) == "trigger" && r.inside(o.verb[1], "@ticket") && !r.hasOne("@agent") {
		return true // "trigger 48213": what triggered it
	}
	if r.word(o.verb[0]) != "run" {
		return r.word(o.verb[0]) == "rerun" && r.hasOne("@run")
	}
	for _, it := range r.items {
		if it.from == o.verb[1] && (it.concept == "@run" || it.concept == "fail" || it.concept == "completed") {
			return true
		}
	}
	return next == "history" || next == "log" || next == "logs" || next == "status" || next == "id" || next == "number" || next == "summary" && !r.hasOne("@agent")
}
