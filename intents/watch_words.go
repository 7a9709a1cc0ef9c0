package intents

import (
	"regexp"
	"slices"
	"strings"
)

var (
	saidRequests = regexp.MustCompile(`\b(requests?|til|technician)\b`)
	saidCredits  = regexp.MustCompile(`\b(credits?|budget|quota)\b|\bover the limit\b`)
	saidChanges  = regexp.MustCompile(`\b(chang(e|es|ed|ing)|edit(s|ed)?|modif\w*|drift\w*|reconfigur\w*|touche[sd])\b`)
	saidFailures = regexp.MustCompile(`\b(fail\w*|errors?|broke\w*|breaks?|crash\w*|goes? wrong|problems?)\b`)
	forMe        = regexp.MustCompile(`\bfor (me|us)\b|\bmy (technician |til )?requests?\b|\bmine\b|\bi (can|may|must|have to|should|need to) (decide|approve)\b`)
	digestSaid   = regexp.MustCompile(`\b(digest|summary|status report|overview|briefing)\b`)
	agentAfter   = regexp.MustCompile(`(?i)\b(?:failures?|errors?|problems?|changes?|requests?|runs?)\s+(?:of|by|in|from|with|on|to)\s+(.+)$`)
	anyAgent     = regexp.MustCompile(`^(?:(?:any|all|every|each|an|the|our|my|of)\s+)*(?:agents?|workflows?|bots?|automations?|settings?|config\w*|neo|technicians?|requests?|them|it)?(?:\s+(?:or|and)\s+(?:the\s+)?settings?)?$`)
	timeStart    = regexp.MustCompile(`^(today|yesterday|tomorrow|now|monday|this|next)\b`)
)

// kindSaid is what a wish to watch is about; empty when it names none, or two
// that cannot be told apart.
func kindSaid(said string) watchKind {
	text := fold(said)
	switch {
	case saidRequests.MatchString(text):
		return watchRequests
	case saidCredits.MatchString(text):
		return watchCredits
	case saidFailures.MatchString(text):
		return watchFailures
	case saidChanges.MatchString(text):
		return watchChanges
	}
	return ""
}

// agentSaid is the agent a watch is limited to, as said. A name that the router
// did not find still limits the watch: the plan then asks which one is meant.
func agentSaid(in args) string {
	text := in["what"]
	said := in["agent"]
	if in["agent_id"] != "" {
		return said
	}
	// The verb itself is no name, though an agent may be called "SLA Watch".
	if w := words(said); len(w) == 1 && (w[0] == "watch" || w[0] == "watches") && strings.Count(fold(text), w[0]) == 1 {
		said = ""
	}
	if said != "" {
		return said
	}
	m := agentAfter.FindStringSubmatch(strings.TrimRight(strings.TrimSpace(text), ".!?"))
	if m == nil || anyAgent.MatchString(fold(m[1])) || timeStart.MatchString(fold(m[1])) {
		return ""
	}
	return strings.TrimSpace(regexp.MustCompile(`(?i)^(the|our|any)\s+|\s+(agent|workflow|bot|please|here|for me)$`).ReplaceAllString(m[1], ""))
}

// asksOnly reports a text that talks about a subscription without telling the
// bot to make one: questions, negations, quotations.
func asksOnly(text string) bool {
	if text == "" {
		return false // a button
	}
	r := read(Question{Text: text})
	at := r.opening()
	return r.isQuestion() && !r.politeAsk() || r.isHostile() || at < len(r.toks) && r.toks[at].quoted ||
		slices.ContainsFunc(r.toks, func(t token) bool { return t.w == "not" || t.w == "never" })
}

// politeAsk is "could you watch …?": a question by form only.
func (r *reading) politeAsk() bool {
	return len(r.toks) > 0 && r.openerLen(0) > 1 && r.politeOpener(0, r.openerLen(0))
}

// opening is the first token after openers.
func (r *reading) opening() int {
	i := 0
	for i < len(r.toks) && r.openerLen(i) > 0 {
		i += r.openerLen(i)
	}
	return i
}

var sendFront = regexp.MustCompile(`(?i)^(?:(?:please|could you|can you|would you|kindly)\s+)*(?:(?:send|post|give|show|mail|deliver|schedule|subscribe)\s+)?(?:(?:me|us|to|here|in here|in this channel)\s+)*`)

// questionLeft is the question in "send me <question> every day at 8".
func questionLeft(rest string) string {
	q := strings.TrimSpace(sendFront.ReplaceAllString(strings.Join(strings.Fields(rest), " "), ""))
	q = strings.TrimRight(q, " .,!;")
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(q, " please"), " here"))
}
