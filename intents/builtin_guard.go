package intents

import (
	"regexp"
	"slices"
	"strings"
)

// hostile are phrases of people (or of text they paste) who want the rules
// changed. They never go together with a write.
var hostile = regexp.MustCompile(`(?i)\b(ignore|forget|disregard|override|bypass|drop)\b.{0,40}\b(instructions?|rules?|polic(y|ies)|prompts?|restrictions?|guardrails?|safety)\b` +
	`|\b(without|skip(ping)?|bypass(ing)?|no need for|avoid(ing)?)\b.{0,20}\b(approvals?|approving|asking|permission|confirmation)\b` +
	`|\bsystem\s*(prompt|message|:)|\byou are (now|no longer)\b|\b(act|behave) as\b|\bpretend\b|\bjailbreak|\bdan\b.{0,10}\bmode\b|\b(admin|developer|god|debug|root) mode\b` +
	`|\bas (an?|the) (admin|administrator|root|owner|developer)\b|<\s*/?\s*(tool|system|function|assistant|invoke)|\b(tool|function)_?calls?\b|\b(enable|disable|update|run|rename)_agent`)

// isHostile reports such a phrase in the message as it came.
func (r *reading) isHostile() bool {
	if r.attack == nil {
		found := hostile.MatchString(r.text)
		r.attack = &found
	}
	return *r.attack
}

// undone are words with which people take back what they said.
var undone = regexp.MustCompile(`\b(never mind|disregard|nah|no sorry|no keep|hmm no|forget it|no wait|just kidding|jk|scratch that|on second thought|or not|off and (back )?on|on and (back )?off)\b`)

var (
	questionStarts = wordSet("should shall is are was were am do does did has have had who whom whose what which when where why how may might must can could would will if")
	negations      = wordSet("not never no without none stop")
	bulkWords      = wordSet("all every everything everyone each both them these those any anything others other rest whole")
	lateWords      = wordSet("tomorrow later until till after once unless when whenever before if tonight next every daily weekly hourly someday eventually")
)

// refusal is the reason a message cannot be an order, "" when it can.
func (r *reading) refusal(o order) string {
	object := r.plain(o.verb[0], o.clause[1])
	switch {
	case r.isHostile() || hostile.MatchString(r.plain(0, len(r.toks))):
		return askRules
	case r.cut || undone.MatchString(r.plain(0, len(r.toks))) || r.negated(o) || r.reported(o) || doubtAfter.MatchString(r.text):
		return askMeant
	case o.intent == "escalate":
		if r.questioned(o) {
			return askMeant
		}
		return ""
	case o.intent != "start_roi" && o.intent != "rerun_failed_backfill" && r.isBulk(o):
		return askBulk
	case r.isLate(o) || r.underCondition(o):
		return askTimed
	case o.intent == "rename_agent" && r.lateName(o):
		return askQuote
	case r.questioned(o) || strings.Contains(object, " instead of ") || knownCommand(o.intent) && describedOnly.MatchString(object) && len(r.agentsIn(o.verb[1], o.clause[1], o)) == 0:
		return askMeant
	}
	return ""
}

// doubtAfter is a question about what was just said: "disable Dispatch. Is that ok?".
var doubtAfter = regexp.MustCompile(`(?i)[.!;\n]\s*(is|was|would|should|may|are) (that|this|it|they|i|we)\b[^.?!]*\?\s*$`)

var reports = wordSet("say says said saying write writes wrote written read reads tell tells told claim claims claimed demand demands request requests comment comments")

// reported: "the ticket says: disable Dispatch" tells what somebody else wants.
func (r *reading) reported(o order) bool {
	seen := false
	for i := range o.verb[0] {
		seen = seen || reports[r.word(i)]
		if seen && r.toks[i].stop == ':' {
			return true
		}
	}
	return false
}

// describedOnly is an agent told by what it does, not by name: "turn off the one
// that keeps failing".
var describedOnly = regexp.MustCompile(`\b(one|agent|workflow|bot|automation|whatever|whichever|what|everything|anything) (that|which|who|is|was|were|keeps)\b`)

// questioned: "disable dispatch?" asks, "could you disable dispatch?" tells.
func (r *reading) questioned(o order) bool {
	return !o.polite && r.toks[o.clause[1]-1].stop == '?'
}

// chained reports a second order in the same clause: "enable it and run it".
func (r *reading) chained(o order) bool {
	for i := o.verb[1]; i < o.clause[1]-1; i++ {
		if w := r.word(i); w != "and" && w != "then" && w != "or" || r.inside(i, "@agent") {
			continue
		}
		at := i + 1
		for at < o.clause[1] && r.openerLen(at) > 0 {
			at += r.openerLen(at)
		}
		if _, ok := r.orderAt(at, o.clause); ok && !r.inside(at, "@agent") {
			return true
		}
	}
	return false
}

// Words that may stand next to an agent's name without changing what the order
// is about: "disable Dispatch on …", not "disable Dispatch notifications".
var (
	beforeName = wordSet("bloody damn damned stupid silly useless fucking freaking frigging darn sodding flipping whole entire poor old back up this that these please just only also off on down out and plus")
	afterName  = wordSet(`on off for against with to as into due over per at it they he she we i you who there then if when unless until after before once
		instead not never or plus ticket tickets thing one again back up down immediately too this that keeps`)
)

// foreign reports that the order is about something of an agent and not the
// agent: "turn off notifications for Dispatch", "disable Dispatch's schedule".
func (r *reading) foreign(o order) bool {
	if o.intent == "escalate" || !knownCommand(o.intent) || r.word(o.verb[0]) == "give" {
		return false
	}
	first, last := -1, -1
	for i := o.verb[1]; i < o.clause[1]; i++ {
		if w := r.word(i); o.intent == "rename_agent" && (w == "to" || w == "as" || w == "into") {
			break // the new name may look like a name
		}
		if r.inside(i, "@agent") {
			if last = i; first < 0 {
				first = i
			}
		} else if first >= 0 && !noise[r.word(i)] {
			break
		}
	}
	if first < 0 {
		return false
	}
	for i := o.verb[1]; i < first; i++ {
		if w := r.word(i); !noise[w] && !beforeName[w] && !pronouns[w] && !r.inside(i, "@ticket") && w != "ticket" {
			return true
		}
	}
	next := last + 1
	if r.idle(next) {
		return false
	}
	for next < o.clause[1] && noise[r.word(next)] {
		next++
	}
	return next < o.clause[1] && next != o.particle && r.toks[next-1].stop == 0 && !trailers[r.word(next)] && !afterName[r.word(next)] &&
		!openerWords[r.word(next)] && !r.inside(next, "@ticket|@when|@future|@run")
}

// negated reports a "not" before the verb in its clause, or before any verb of
// an order elsewhere ("disable it, no, do not disable it").
func (r *reading) negated(o order) bool {
	for i := o.clause[0]; i < o.verb[0]; i++ {
		if negations[r.word(i)] && !r.idle(i) {
			return true
		}
	}
	for i := range r.toks {
		if (r.word(i) == "not" || r.word(i) == "never") && !r.idle(i) {
			for j := i + 1; j < min(i+4, len(r.toks)); j++ {
				if isOrderVerb(r.word(j)) && r.word(j) != "run" {
					return true
				}
			}
		}
	}
	return false
}

// isOrderVerb reports whether a word begins an order to change an agent.
func isOrderVerb(w string) bool {
	switch w {
	case "disable", "enable", "deactivate", "activate", "reactivate", "turn", "switch", "shut", "rename", "run", "rerun", "trigger", "pause", "resume", "stop", "kill", "start",
		"restart", "unpause", "suspend", "freeze", "unfreeze", "relaunch", "reinstate":
		return true
	}
	return false
}

// joining words can add more to an order's object.
var joining = wordSet("and or plus but except with also the")

func (r *reading) isBulk(o order) bool {
	named := false
	for i := o.verb[1]; i < o.clause[1]; i++ {
		if r.inside(i, "@agent|@when|@future") {
			named = named || r.inside(i, "@agent")
			continue
		}
		w := r.word(i)
		if named && !joining[w] && !joining[r.word(i-1)] {
			continue // "switch off SLA Watch, it spams everyone"
		}
		if bulkWords[w] || w == "agents" || w == "workflows" || w == "bots" || w == "automations" {
			return true
		}
		if (w == "runs" || w == "executions" || w == "requests") && (i == o.verb[1] || noise[r.word(i-1)]) {
			return true
		}
		if w == "because" || w == "since" || w == "as" || w == "so" || w == "to" && o.intent == "rename_agent" {
			return false
		}
	}
	return false
}

// isLate reports a time or condition the order is tied to. "now" and "today"
// are not.
func (r *reading) isLate(o order) bool {
	for _, it := range r.items {
		if it.from >= o.clause[0] && it.to <= o.clause[1] && it.concept == "@future" && !r.idle(it.from) {
			return true
		}
	}
	for i := o.clause[0]; i < o.clause[1]; i++ {
		if r.inside(i, "@agent") || i >= o.verb[0] && i < o.verb[1] || r.idle(i) {
			continue
		}
		w := r.word(i)
		if w == "because" || w == "since" || w == "to" && o.intent == "rename_agent" {
			return false
		}
		if o.intent == "set_instructions" && instructionWords[w] || o.intent == "change_setting" && w == "at" && !strings.Contains(r.plain(o.clause[0], o.clause[1]), "zone") && r.clockTimes(o) == 1 {
			continue
		}
		if (w == "until" || w == "till" || w == "til") && stopping[o.intent] && !r.timeSoon(i+1) {
			return false // why it is stopped, and not when
		}
		if inNames[o.intent] && (w == "daily" || w == "weekly" || w == "hourly" || w == "after" || w == "once") {
			continue // what templates are called, and rates
		}
		if o.intent == "set_instructions" && (r.toks[i].quoted || r.toks[max(0, i-1)].stop == ':') {
			return false // the new text
		}
		if w == "for" && (o.intent == "start_roi" || i > 0 && r.beenBefore(o, i)) {
			continue // how long it has been so
		}
		if lateWords[w] || i > o.verb[0] && (w == "at" || w == "in" || w == "for") && isTimeAhead(r.word(i+1), r.word(i+2)) {
			return true
		}
	}
	return false
}

// inNames are orders whose values have words of time in them.
var inNames = wordSet("start_template start_roi rename_agent")

// beenBefore reports that it has been so for a time: "it has been running for an hour".
func (r *reading) beenBefore(o order, i int) bool {
	for j := max(o.clause[0], i-6); j < i; j++ {
		if w := r.word(j); w == "been" || w == "has" || w == "was" || w == "have" {
			return true
		}
	}
	return false
}

// stopping are orders that "until we know more" does not put off.
var stopping = wordSet("disable_agent pause_backfill")

// timeSoon reports a time within three tokens: somebody expects it to be over then.
func (r *reading) timeSoon(i int) bool {
	for j := i; j < min(i+3, len(r.toks)); j++ {
		if r.inside(j, "@future|@when") || isTimeAhead(r.word(j), r.word(j+1)) || isNumber(r.word(j)) || lateWords[r.word(j)] || partsOfDay[r.word(j)] || isWeekday(r.word(j)) {
			return true
		}
	}
	return false
}

var partsOfDay = wordSet("evening morning afternoon night noon lunch weekend")

func isWeekday(w string) bool {
	_, ok := weekdays[w]
	return ok
}

// instructionWords are as likely part of new instructions as of an order.
var instructionWords = wordSet("before after every daily weekly hourly once")

// clockTimes counts times of day in an order: business hours that start "at 7:30"
// have one, changed at five they have two.
func (r *reading) clockTimes(o order) int {
	n := 0
	for i := o.clause[0]; i < o.clause[1]; i++ {
		if isTimeAhead(r.word(i), "") || i > 0 && r.word(i-1) == "at" && isNumber(r.word(i)) || lateWords[r.word(i)] || r.inside(i, "@future") {
			n++
		}
	}
	return n
}

// underCondition reports a condition in front of the order, in the same sentence:
// "if it fails again, disable it". "If you can, …" is only polite.
func (r *reading) underCondition(o order) bool {
	for _, c := range r.clauses() {
		if c[1] > o.clause[0] {
			return false
		}
		same := true
		for i := c[0]; i < o.clause[0]; i++ {
			if s := r.toks[i].stop; s != 0 && s != ',' {
				same = false
			}
		}
		i := c[0]
		for i < c[1] && r.openerLen(i) > 0 {
			i += r.openerLen(i)
		}
		w := r.word(i)
		if same && i < c[1] && !r.idle(i) && (lateWords[w] || w == "as" && r.word(i+1) == "soon" || w == "should") {
			return true
		}
	}
	return false
}

// lateName reports a new name without quotation marks that goes on like a time
// or a condition: "rename it to Zebra tomorrow".
func (r *reading) lateName(o order) bool {
	to := -1
	for i := o.verb[1]; i < o.clause[1]; i++ {
		if w := r.word(i); to < 0 && (w == "to" || w == "as" || w == "into") {
			to = i
		}
		if to >= 0 && i > to+1 && !r.toks[i].quoted &&
			(lateWords[r.word(i)] || r.inside(i, "@future|@when") || isTimeAhead(r.word(i), r.word(i+1))) {
			return true
		}
	}
	return false
}

// isTimeAhead: "at 5pm", "in an hour", "for 2 days", "on monday".
func isTimeAhead(a, b string) bool {
	if strings.HasSuffix(a, "pm") || strings.HasSuffix(a, "am") && len(a) <= 7 && a[0] <= '9' || a == "noon" || a == "midnight" {
		return true
	}
	if strings.Contains(a, ":") {
		return true
	}
	_, number := numberOf(a)
	return number && unitOf(b) != 0 || unitOf(strings.TrimLeft(a, "0123456789")) != 0 && a != "" && a[0] >= '0' && a[0] <= '9'
}

// inside reports whether token i belongs to an item of a concept.
func (r *reading) inside(i int, concepts string) bool {
	return slices.ContainsFunc(r.items, func(it item) bool {
		return i >= it.from && i < it.to && it.concept != "" && strings.Contains("|"+concepts+"|", "|"+it.concept+"|")
	})
}

// isQuestion reports whether some clause is a question by its form, and none is
// an order.
func (r *reading) isQuestion() bool {
	for _, c := range r.clauses() {
		i := c[0]
		for i < c[1] && r.openerLen(i) == 1 {
			i++
		}
		if i < c[1] && (questionStarts[r.word(i)] || r.toks[c[1]-1].stop == '?') && r.openerLen(i) == 0 {
			return true
		}
	}
	return false
}

// mentionsOrder reports whether the message speaks of switching, renaming or
// running without telling to.
func (r *reading) mentionsOrder() bool {
	for i := range r.toks {
		if !r.inside(i, "@agent") && isOrderVerb(r.word(i)) && r.word(i) != "run" && r.word(i) != "start" && r.word(i) != "stop" && r.word(i) != "trigger" {
			return true
		}
	}
	return false
}

// writeRefused says why a message is certainly no order, whatever picked one
// from it; "" when it may be one. It is the guard over a model's picks: it is
// sure only of questions, negations, bulk, conditions and attacks in words it
// knows, and leaves the rest to the approval.
func writeRefused(q Question) string {
	r := read(q)
	all := r.plain(0, len(r.toks))
	if r.isHostile() || hostile.MatchString(all) {
		return askRules
	}
	if r.cut {
		return askMeant
	}
	orders := r.orders()
	for _, o := range orders {
		if why := r.refusal(o); why != "" {
			return why
		}
	}
	if len(orders) > 0 {
		return ""
	}
	if undone.MatchString(all) || r.isQuestion() || slices.ContainsFunc(r.toks, func(t token) bool { return t.w == "not" || t.w == "never" }) {
		return askMeant
	}
	for i := range r.toks {
		if bulkWords[r.word(i)] && r.mentionsOrder() {
			return askBulk
		}
	}
	return ""
}
