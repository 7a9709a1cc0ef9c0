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

var (
	watchNoun  = regexp.MustCompile(`^(?:the |my |our |this |that |a |every )*(?:daily |weekly |morning |weekday |scheduled |status )*(?:watch|watches|watching|subscriptions?|digests?|alerts?|notifications?)\b`)
	watchWish  = regexp.MustCompile(`^(?:watch|watch out|monitor|keep an eye on|(?:alert|notify|warn|ping|tell|message) (?:me|us)|let (?:me|us) know|subscribe (?:me )?to)\b`)
	toldFacts  = regexp.MustCompile(`^(?:tell|let|message|ping) (?:me|us)(?: know)? (?:when|if|whenever|about|as soon as|once|of)\b`)
	pastFacts  = regexp.MustCompile(`\b(last|ran|was|were|did|had|happened|today|yesterday|since|ago|this (?:week|month|morning))\b`)
	listWatch  = regexp.MustCompile(`^(?:(?:show|list|give me|see|what are|which are)\s+)?(?:me\s+)?(?:all\s+)?(?:of\s+)?(?:my|our|the)?\s*(?:watches|subscriptions|scheduled answers|alerts)(?: do i have)?$|^what (?:do|are) you watch(?:ing)?\b|^what am i watching\b|^which watches\b`)
	sendWish   = regexp.MustCompile(`^(?:send|post|give|show|mail|deliver|schedule|subscribe)\b`)
	digestOnly = regexp.MustCompile(`^(?:(?:show|give|send|post|get)\s+(?:me|us)?\s*)?(?:a |the |my |our |today is )*(?:daily |morning |status |quick |weekly )*(?:digest|status report|briefing)(?: please| now| of today| for today| here)*$`)
	baseWish   = regexp.MustCompile(`^(?:save|set|take|store|keep|make|create|record|update|renew|remember)\b.*\bbaseline\b`)
	driftSaid  = regexp.MustCompile(`\bdrift(?:ed|s|ing)?\b|\b(?:chang\w+|differ\w*|different|compare\w*)\b.*\bbaseline\b|\bbaseline\b.*\b(?:chang\w+|differ\w*|compare\w*)\b`)
	pauseVerb  = regexp.MustCompile(`^(?:pause|mute|suspend|hold|snooze)\s+`)
	resumeVerb = regexp.MustCompile(`^(?:resume|unpause|unmute|continue|restart|reactivate)\s+`)
	removeVerb = regexp.MustCompile(`^(?:remove|delete|stop|cancel|end|drop|unsubscribe(?: me)?(?: from)?|turn off|kill)\s+`)
)

// subscription recognizes what is said to the bot about watches, digests and
// the baseline. It comes before the grammar of orders, whose verbs ("pause",
// "stop", "tell") would take these sentences for orders about agents.
func (r *reading) subscription() (Intent, bool) {
	if len(r.toks) == 0 || r.cut || r.isHostile() {
		return Intent{}, false
	}
	i := r.opening()
	if i >= len(r.toks) || r.toks[i].quoted {
		return Intent{}, false
	}
	text := r.plain(i, len(r.toks))
	in := r.subscriptionIntent(text)
	if in.Name == "" || !r.offers(in.Name) {
		return Intent{}, false
	}
	if spec, _ := SpecByName(r.q.Specs, in.Name); in.Args == nil {
		in = r.fillRead(spec)
	}
	return in, true
}

// wishesSchedule reports that something is to be sent at times. Whoever wants it
// sent, but at a time that makes no sense, is told so later.
func (r *reading) wishesSchedule(text, whole string) bool {
	send, digest := sendWish.MatchString(text), digestSaid.MatchString(text) && !r.isQuestion()
	if !send && !digest {
		return false
	}
	_, timed, err := parseSchedule(whole)
	return send && (timed || err != nil) || digest && timed
}

func (r *reading) subscriptionIntent(text string) Intent {
	whole := strings.TrimSpace(r.text)
	for name, verb := range map[string]*regexp.Regexp{intentPauseWatch: pauseVerb, intentResumeWatch: resumeVerb, intentRemoveWatch: removeVerb} {
		if rest, ok := cutPrefix(text, verb); ok && watchNoun.MatchString(rest) && !r.has("@agent run|runs") {
			return Intent{Name: name, Args: args{"number": whole}}
		}
	}
	switch {
	case listWatch.MatchString(text):
		return Intent{Name: intentWatches, Args: args{}}
	case digestOnly.MatchString(text):
		return Intent{Name: intentDigest, Args: args{}}
	case r.wishesSchedule(text, whole):
		return Intent{Name: intentSchedule, Args: args{"times": whole}}
	case baseWish.MatchString(text) && !r.isQuestion():
		return Intent{Name: intentSaveBaseline, Args: args{}}
	case driftSaid.MatchString(text) && !watchWish.MatchString(text):
		return Intent{Name: intentDrift}
	case watchWish.MatchString(text) && r.wishesWatch(text):
		in := Intent{Name: intentWatch, Args: args{"what": whole}}
		if agents := r.values("@agent"); len(agents) == 1 {
			in.Args["agent"] = agents[0]
		}
		return in
	}
	return Intent{}
}

// wishesWatch tells "tell me when dispatch fails" from "tell me when dispatch
// last failed": the second looks back.
func (r *reading) wishesWatch(text string) bool {
	if kindSaid(text) == "" {
		return strings.HasPrefix(text, "watch") && len(r.toks)-r.opening() == 1
	}
	if pastFacts.MatchString(text) {
		return false
	}
	switch strings.Fields(text)[0] {
	case "tell", "let", "message", "ping":
		return toldFacts.MatchString(text) && !strings.Contains(text, " about ") || strings.Contains(text, " when ") || strings.Contains(text, " if ")
	}
	return true
}

func cutPrefix(text string, prefix *regexp.Regexp) (string, bool) {
	loc := prefix.FindStringIndex(text)
	if loc == nil {
		return text, false
	}
	return text[loc[1]:], true
}

var sendFront = regexp.MustCompile(`(?i)^(?:(?:please|could you|can you|would you|kindly)\s+)*(?:(?:send|post|give|show|mail|deliver|schedule|subscribe)\s+)?(?:(?:me|us|to|here|in here|in this channel)\s+)*`)

// questionLeft is the question in "send me <question> every day at 8".
func questionLeft(rest string) string {
	q := strings.TrimSpace(sendFront.ReplaceAllString(strings.Join(strings.Fields(rest), " "), ""))
	q = strings.TrimRight(q, " .,!;")
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(q, " please"), " here"))
}
