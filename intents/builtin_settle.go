package intents

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// How sure a guess must be. Found on questions of writers whose others were not
// learned from.
const (
	sureWrite   = 0.5  // to propose a change no grammar recognised
	sureOther   = 0.85 // to go against the grammar
	sureAnother = 0.5  // to take an order the grammar refused for another one
	leastLikely = 0.08 // to be looked at at all
	leastSure   = 0.2  // to be answered; below it the likeliest readings are offered
	sureNot     = 0.6  // to ask back what the grammar takes for an order
	mostLost    = 0.5  // share of what the catalog lacks, to go by its declarations alone
)

// settle decides a message that has no order in the router's grammar.
func (r *reading) settle() Routed {
	gs := r.guesses()
	if r.lost > mostLost && !isNew(gs[0].name) {
		ask, _ := r.notOffered()
		return ask
	}
	for _, g := range gs {
		if g.p < leastLikely {
			break
		}
		if out, ok := r.follow(g); ok {
			return out
		}
	}
	if ask, ok := r.notOffered(); ok {
		return ask
	}
	return Routed{}
}

// isNew reports an intent that is newer than what was learned from.
func isNew(name string) bool {
	return !learnedIntents()[name]
}

var learnedIntents = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, name := range learned().by[guessIntent].classes {
		out[name] = true
	}
	return out
})

// weigh what the grammar made of an order against the guess. Its refusals stand,
// except against a plain question.
func (r *reading) weigh(o order, said Routed) Routed {
	top := r.guesses()[0]
	spec, isIntent := SpecByName(r.q.Specs, top.name)
	reads := isIntent && !spec.Write && spec.Name != "call_operation" && (top.p >= sureOther || aboutWatches[spec.Name] && top.p >= sureAnother)
	switch {
	case said.Ask == askRules || said.Ask == "" && isNew(o.intent):
		return said
	case said.Ask == askAnAgent && top.p >= sureAnother && isIntent && top.name != o.intent,
		said.Ask != "" && isIntent && spec.Write && top.p >= sureAnother && top.name != o.intent, said.Ask != "" && reads:
		if out, ok := r.follow(top); ok {
			return out
		}
	case said.Ask == "" && top.name == classAsk && top.p >= sureNot:
		return Routed{Ask: askMeant, Choices: r.meant(o)}
	case said.Ask == "" && (reads || isIntent && spec.Write && top.p >= sureAnother && top.name != said.Intent.Name && !opposite(top.name, said.Intent.Name)):
		if out, ok := r.follow(top); ok {
			return out
		}
	}
	if said.Ask == "" {
		said.Intent = r.complete(said.Intent)
	}
	return said
}

// opposite reports two intents of which the verb says which, whatever else is said.
func opposite(a, b string) bool {
	return knownCommand(a) && knownCommand(b) && a != "escalate" && b != "escalate"
}

// complete replaces the values the grammar cut out with those the classifier
// finds, and adds what was said outside of the order: "X can go live, enable it".
func (r *reading) complete(in Intent) Intent {
	spec, _ := SpecByName(r.q.Specs, in.Name)
	r.askedIn(in.Name)
	more, ask := r.fillWrite(spec)
	for _, a := range spec.Args {
		v := more.Args[a.Name]
		if (slotArgs[a.Name] || a.Name == "text") && v != "" || in.Args[a.Name] == "" && v != "" && ask == "" {
			in.Args[a.Name] = v
			if id := more.Args["agent_id"]; a.Kind == ArgAgent && id != "" {
				in.Args["agent_id"] = id
			}
		}
	}
	return in
}

// follow makes a guess an answer; not when the message lacks what it would be about.
func (r *reading) follow(g guess) (Routed, bool) {
	switch g.name {
	case "":
		return Routed{}, true
	case classAsk:
		if likely := r.likelyReads(); g.p < sureAnother && len(likely) > 0 {
			return Routed{Ask: askUnclear, Choices: likely}, true
		}
		return r.askBack(), true
	}
	spec, _ := SpecByName(r.q.Specs, g.name)
	r.askedIn(g.name)
	if !spec.Write {
		if r.addsOrder() {
			return Routed{Ask: askReadOnly}, true
		}
		if g.p < leastSure {
			if likely := r.likelyReads(); len(likely) > 0 {
				return Routed{Ask: askUnclear, Choices: likely}, true
			}
		}
		in := r.fillRead(spec)
		if g.name == "show_request" && r.clauseBegins("approve|reject|deny|decline") {
			return Routed{Ask: askDecide, Choices: []Intent{in}}, true
		}
		return Routed{Intent: in}, r.grounded(in)
	}
	o := r.wholeOrder(spec)
	if why := r.noOrder(o); why != "" {
		return Routed{Ask: why, Choices: r.choices(spec)}, true
	}
	in, ask := r.fillWrite(spec)
	switch {
	case ask != "":
		return Routed{Ask: ask}, true
	case r.lacksSubject(spec, in):
		return Routed{}, false
	case g.p < sureWrite:
		return Routed{Ask: askMeant, Choices: r.choices(spec)}, true
	}
	return Routed{Intent: in}, true
}

// addsOrder reports an order behind a question: "which agents are off and turn
// Dispatch off".
func (r *reading) addsOrder() bool {
	for i := 1; i < len(r.toks)-1; i++ {
		if w := r.word(i); w != "and" && w != "then" || r.toks[i+1].quoted || r.inside(i, "@agent") {
			continue
		}
		if o, ok := r.orderAt(i+1, [2]int{i + 1, len(r.toks)}); ok && o.intent != "escalate" && (r.inside(o.verb[1], "@agent") || pronouns[r.word(o.verb[1])]) {
			return true
		}
	}
	return false
}

// aboutWatches are intents whose verbs are also those of orders about agents.
var aboutWatches = wordSet("watch list_watches pause_watch resume_watch remove_watch digest schedule_answer save_baseline")

// withQuotes are writes with a value that is best told in quotation marks.
var withQuotes = wordSet("set_instructions rename_agent start_template change_setting")

// noOrder says why a sentence without an order of the grammar is none at all.
func (r *reading) noOrder(o order) string {
	if why := r.refusal(o); why != "" {
		return why
	}
	i := o.clause[0]
	for i < o.clause[1] && openerWords[r.word(i)] {
		i++
	}
	told := o
	told.verb[0] = o.clause[1]
	if i >= o.clause[1] || r.toks[i].quoted || !withQuotes[o.intent] && r.reported(told) {
		return askMeant
	}
	said := false // anything but names and numbers
	for j := o.clause[0]; j < o.clause[1]; j++ {
		w := r.word(j)
		if r.toks[j].quoted && !withQuotes[o.intent] && !r.inside(j, "@agent") {
			return askMeant
		}
		if w == "whether" || w == "wonder" || w == "wondering" && !o.polite {
			return askMeant
		}
		said = said || !noise[w] && w != "on" && !openerWords[w] && !r.inside(j, "@agent|@ticket|@run|@request|@when")
	}
	switch text := r.plain(o.clause[0], o.clause[1]); {
	case onlySaid.MatchString(text):
		return askMeant
	case !withQuotes[o.intent] && saidLater.MatchString(text), o.intent == "change_setting" && settingLater.MatchString(text):
		return askTimed
	}
	if !said || r.deniedBefore(o) || r.asksAt(i) && !o.polite {
		return askMeant
	}
	return ""
}

// What makes a sentence that only a guess takes for an order none: it tells what
// is, was, or somebody thinks or wants, or says when.
var (
	onlySaid = regexp.MustCompile(`\b(keep|keeps|stay|stays|stayed|remain|remains|leave|left|avoid|against|hold off|hands off|nobody|by no means|no (point|reason|need|way)|out of|perhaps|maybe|possibly|hypothetically|imagine|wish|` +
		`tempted|feel like|think about|thinking|discuss|consider|planning|plan to|going to|gave|told|asked|took|taken|moved|apparently|rumou?r|hear|heard|recommends?|suggests?|advises?|fw|fwd|quote|spare|already|` +
		`meant|(mail|email|message|note) from|went off|it failed|says|another (look|read)|slower|by hand|by itself|dnt|is (back )?(on|off|up)|was (on|off)|not to be|can not|depending|provided|as soon as|in case|on condition|show me how|how to|right$|then$|hmm)\b`)
	saidLater = regexp.MustCompile(`\b(soon|later|overnight|tonight|tomorrow|in the (morning|evening|afternoon)|at night|for the night|over (the weekend|christmas|lunch)|during|for lunch|in a (bit|while|minute|sec)|in (five|ten|an hour|\d+)|` +
		`(on|by|from|until|next|this) (monday|tuesday|wednesday|thursday|friday|saturday|sunday|the \d)|(mon|tues|wednes|thurs|fri|satur|sun)days?|at (five|six|seven|eight|nine|ten|noon|midnight|\d|end)|\d ?[ap]m|end of day|between|from (five|six|seven|\d)|one day|some day|signal|following)\b`)
	settingLater = regexp.MustCompile(`\b((from|in|as of|starting|on) (january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mondays|fridays|weekends))\b`)
)

// asksAt reports a question by its first word. "Have Dispatch look at it" is none.
func (r *reading) asksAt(i int) bool {
	w, next := r.word(i), r.word(i+1)
	if w == "have" {
		return next == "you" || next == "we" || next == "i" || next == "they" || next == "there" || next == "any"
	}
	return questionStarts[w] && !r.idle(i)
}

// deniedBefore reports a "not" in the part of the sentence that names what the
// order is about, before it: "do not let Dispatch run".
func (r *reading) deniedBefore(o order) bool {
	at := -1
	for i := o.clause[0]; i < o.clause[1] && at < 0; i++ {
		if r.inside(i, "@agent|@run|@ticket") || things[r.word(i)] {
			at = i
		}
	}
	for i := at - 1; i >= o.clause[0] && r.toks[i].stop == 0; i-- {
		if w := r.word(i); w == "not" || w == "never" {
			return true
		}
	}
	return at < 0 && r.negated(o)
}

// things are what orders can be about besides what has a name or number.
var things = wordSet("backfill run template chat handover zone timezone hours roi analysis instructions it that this")

// lacksSubject: "wake it up" after something else than an agent is not about one.
func (r *reading) lacksSubject(s Spec, in Intent) bool {
	a, ok := s.Arg("agent")
	return ok && a.Required && in.Args["agent"] == "" && len(r.q.History) > 0
}

// askBack is the question back of a message that must not be answered.
func (r *reading) askBack() Routed {
	if ask, ok := r.notOffered(); ok && ask.Ask != "" {
		return ask
	}
	return r.aboutOrder()
}

// maxLikely is how many readings are offered of a message nobody is sure about.
const maxLikely = 2

// likelyReads are the likeliest questions of a message that has no order in it.
func (r *reading) likelyReads() []Intent {
	var out []Intent
	if r.mentionsOrder() || r.isHostile() {
		return nil
	}
	for _, g := range r.guesses() {
		spec, ok := SpecByName(r.q.Specs, g.name)
		if g.p < leastLikely || len(out) == maxLikely {
			break
		}
		if !ok || spec.Write || spec.Name == "call_operation" {
			continue
		}
		if in := r.fillRead(spec); r.grounded(in) {
			out = append(out, in)
		}
	}
	return out
}

// choices are what an unclear order can mean.
func (r *reading) choices(s Spec) []Intent {
	if r.isHostile() {
		return nil
	}
	return lookOrDo(r.fillWrite(s))
}

// wholeOrder is the sentence that asks, as an order without a verb of the grammar.
func (r *reading) wholeOrder(s Spec) order {
	from, to := r.mainFrom(), r.reasonFrom(r.mainFrom(), r.mainTo())
	return order{commandVerb: commandVerb{intent: s.Name}, clause: [2]int{from, to}, verb: [2]int{from, from}, particle: -1, polite: r.asksPolitely(from, to)}
}

// reasonFrom is where, behind what the order is about, a reason begins that is no
// part of it: "cancel 9f3c21, she starts in an hour".
func (r *reading) reasonFrom(from, to int) int {
	named := false
	for i := from; i < to-1; i++ {
		named = named || r.inside(i, "@agent|@run|@ticket") || things[r.word(i)]
		next := r.word(i + 1)
		if named && (r.toks[i].stop == ',' && reasonStarts[next] || reasonWords[next] || next == "so" && reasonStarts[r.word(i+2)]) {
			return i + 1
		}
	}
	return to
}

var (
	reasonStarts = wordSet("i we he she they it the this that there nobody somebody everybody everyone our my her his their its no customer")
	reasonWords  = wordSet("because since")
)

// asksPolitely reports words that make a question mark polite: "could you …?".
func (r *reading) asksPolitely(from, to int) bool {
	for i := from; i < to; i++ {
		if n := r.openerLen(i); n > 0 && r.politeOpener(i, n) {
			return true
		}
	}
	return false
}

// fillWrite takes the arguments of a write from the sentence that asks, and what
// it lacks from the rest of the message and from the last turn.
func (r *reading) fillWrite(s Spec) (Intent, string) {
	in := Intent{Name: s.Name, Args: map[string]string{}}
	for _, a := range s.Args {
		concept := map[ArgKind]string{ArgAgent: "@agent", ArgTicket: "@ticket", ArgRun: "@run"}[a.Kind]
		switch {
		case concept != "":
			said := r.onlyOnce(concept)
			if in.Args["run"] != "" && (len(said) == 0 || !r.saidInMain(concept)) {
				continue // the run says it all
			}
			if s.Name == "rename_agent" {
				said = slices.DeleteFunc(said, func(v string) bool { return r.onlyInside(v, r.argument(s, s.Args[1])) })
			}
			if len(said) > 1 {
				return in, askOne
			}
			if len(said) == 1 {
				in.Args[a.Name] = said[0]
			}
		case a.Name == "about":
			in.Args[a.Name] = r.raw(0, len(r.toks)) // all that was said
		default:
			if v := r.argument(s, a); v != "" {
				in.Args[a.Name] = v
			}
		}
	}
	r.writtenText(&in)
	r.carryOver(s, &in)
	maps.DeleteFunc(in.Args, func(_, v string) bool { return v == "" })
	return in, ""
}

func (r *reading) saidInMain(concept string) bool {
	return slices.ContainsFunc(r.items, func(it item) bool { return it.concept == concept && r.inMain(it.from) })
}

// onlyInside reports a value that was said only as part of another.
func (r *reading) onlyInside(v, all string) bool {
	return v != "" && all != v && strings.Contains(all, v) && strings.Count(r.text, v) == strings.Count(all, v)
}

// onlyOnce are the different values of a concept in the sentence that asks, else
// in the message.
func (r *reading) onlyOnce(concept string) []string {
	var out []string
	inMain := r.saidInMain(concept)
	for _, it := range r.items {
		same := func(v string) bool { return r.sameThing(concept, v, it.value) }
		if it.concept == concept && (r.inMain(it.from) || !inMain) && !slices.ContainsFunc(out, same) {
			out = append(out, it.value)
		}
	}
	return out
}

// sameThing reports whether two values are one: an agent by two of its names.
func (r *reading) sameThing(concept, a, b string) bool {
	if concept != "@agent" {
		return a == b
	}
	x, y := Resolve(a, knownNames(r.q)), Resolve(b, knownNames(r.q))
	return fold(a) == fold(b) || len(x.Candidates) == 1 && slices.Equal(x.Candidates, y.Candidates)
}

// pointers are words for what was talked about.
var pointers = wordSet("it its that this there them those these same also too well")

// carryOver takes from the last turn what still holds.
func (r *reading) carryOver(s Spec, in *Intent) {
	have := r.carried()
	if s.Name == "escalate" && in.Args["run"] == "" && have["run"] != "" {
		in.Args["run"] = have["run"]
	}
	if len(r.values("@agent"))+len(r.values("@ticket"))+len(r.values("@run")) > 0 {
		delete(have, "run") // another subject
		if s.Name != intentRun && !slices.ContainsFunc(r.toks, func(t token) bool { return pointers[t.w] }) {
			delete(have, "ticket")
		}
	}
	for _, a := range s.Args {
		if in.Args[a.Name] == "" && have[a.Name] != "" && !guessedArgs[a.Name] && r.carry(s, a.Name) {
			in.Args[a.Name] = have[a.Name]
			if id := r.q.History[len(r.q.History)-1].Intent.Args["agent_id"]; a.Kind == ArgAgent && id != "" {
				in.Args["agent_id"] = id
			}
		}
	}
}

// askedIn finds the sentence an intent is asked in, when the message has several:
// the one that by itself makes it likeliest.
func (r *reading) askedIn(intent string) {
	r.asked = [2]int{} // of another guess
	parts := r.sentences()
	if from := r.mainFrom(); len(parts) == 1 && from > 0 { // "bin the backfill, was a daft idea"
		parts = [][2]int{{0, from}, {from, len(r.toks)}}
	}
	if len(parts) < 2 {
		return
	}
	c, best := learned().by[guessIntent], 0.0
	class := slices.Index(c.classes, intent)
	for _, p := range parts {
		if class < 0 || p[1]-p[0] < 2 {
			continue
		}
		if likely := c.probabilities(r.part(p).features())[class]; likely > best {
			best, r.asked = likely, p
		}
	}
}

// stopAt is the punctuation after a token.
func (r *reading) stopAt(i int) string {
	if s := r.toks[i].stop; s != 0 {
		return string(s)
	}
	return ""
}

// sentences of the message, as tokens.
func (r *reading) sentences() [][2]int {
	var out [][2]int
	from := 0
	for i, t := range r.toks {
		if t.stop != 0 && t.stop != ',' && t.stop != ':' || i == len(r.toks)-1 {
			out, from = append(out, [2]int{from, i + 1}), i+1
		}
	}
	return out
}

// mainTo is the token after the sentence that asks.
func (r *reading) mainTo() int {
	if r.asked[1] > 0 {
		return r.asked[1]
	}
	return len(r.toks)
}

// inMain reports whether a token is in the sentence that asks.
func (r *reading) inMain(i int) bool { return i >= r.mainFrom() && i < r.mainTo() }
