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
	watchNoun = regexp.MustCompile(`^(?:the |my |our |this |that |a |every )*(?:daily |weekly |morning |weekday |scheduled |status )*(?:watch|watches|watching|subscriptions?|digests?|alerts?|notifications?)\b`)
	watchWish = regexp.MustCompile(`^(?:watch|watch out|monitor|keep an eye on|(?:alert|notify|warn|ping|tell|message|inform|update|dm|text|nudge|remind|shout at|poke) (?:me|us)|give (?:me|us) a (?:shout|heads up|ping)|flag|let (?:me|us) know|subscribe (?:me )?to)\b`)
	toldFacts = regexp.MustCompile(`^(?:tell|let|message|ping|inform|update|remind|text) (?:me|us)(?: know)? (?:when|if|whenever|about|as soon as|once|of)\b`)
	pastFacts = regexp.MustCompile(`\b(last|ran|was|were|did|had|happened|today|yesterday|since|ago|this (?:week|month|morning))\b`)
	listWatch = regexp.MustCompile(`^(?:(?:show|list|give me|see|what are|which are)\s+)?(?:me\s+)?(?:all\s+)?(?:of\s+)?(?:my|our|the)?\s*(?:watches|subscriptions|scheduled answers|alerts)(?: do i have)?$|^(?:what|which \w+) (?:(?:do|are) )?you (?:currently )?watch(?:ing)?\b|^what am i watching\b|^which watches\b|^(?:what|which) (?:alerts|watches|subscriptions|notifications|digests|scheduled answers)\b.*\b(?:i|we|me|my|us|set up|active|there)\b|^(?:am i|are we) (?:watching|subscribed)\b|^what (?:have|did|am|do) i (?:subscribed?|set up|signed up|sign up|registered)(?: to| for)?\b|^what (?:do|are) i (?:get|have) (?:alerts|notified|notifications|watches)|^(?:list|show|give)(?: me| us)? (?:everything|all|what|whatever) (?:that )?you (?:are )?(?:currently )?watch(?:ing)?\b`)
	sendWish  = regexp.MustCompile(`^(?:send|post|give|show|mail|deliver|schedule|subscribe)\b`)
	// What may stand before it: a question ("should you …", answered with an
	// offer), or the time ("every monday at 9 …").
	askedWhether = regexp.MustCompile(`^(?:should|shall|can|could|would|will|may|might|do|does|is it possible (?:for you )?to|would it be possible (?:for you )?to|would it make sense to)\s+(?:(?:you|we|i|neo|it|the bot)\s+)?(?:(?:be able to|have to|not|also|always|please)\s+)*`)
	scheduleLead = regexp.MustCompile(`^(?:every|each|daily|weekdays|on weekdays|mondays|at|on)\b.*?\b(?:please |to )?(?:(?:send|post|give|show|mail|deliver)\b)`)
	watchSwitch  = regexp.MustCompile(`^(?:turn|switch) (.+?) (off|back on|on)(?: again| please| now)*$`)
	recurring    = regexp.MustCompile(`\b(?:every|each|daily|weekly|week ?days?|mornings?|(?:mon|tues|wednes|thurs|fri|satur|sun)days|at \d|\d (?:am|pm))\b|\* \*|@ ?\d|\d\s?[ap]m\b|\d:\d\d`)
	plainDigest  = regexp.MustCompile(`^(?:(?:i would like|i want|i need|we need|get|show|give|may i have|can i have|can i get|could i have|could i get|bring|run|make|do)\s+(?:me |us )?)?(?:(?:a|the|my|our|today is|this morning is|current|latest|new|short|status|morning|daily|evening|full|of|todays)\s+)*(?:digest|briefing)(?: .{0,30})?$|^what (?:is|does) (?:in )?(?:the |my |our |today is |today )+(?:morning |daily )?(?:digest|briefing)(?: say)?$`)
	digestOnly   = regexp.MustCompile(`^(?:(?:show|give|send|post|get)\s+(?:me|us)?\s*)?(?:a |the |my |our |today is )*(?:daily |morning |status |quick |weekly )*(?:digest|status report|briefing)(?: please| now| of today| for today| here)*$`)
	baseWish     = regexp.MustCompile(`^(?:save|set|take|store|keep|make|create|record|update|renew|remember)\b.*\bbaseline\b`)
	driftSaid    = regexp.MustCompile(`\bdrift(?:ed|s|ing)?\b|\b(?:chang\w+|differ\w*|different|compare\w*)\b.*\bbaseline\b|\bbaseline\b.*\b(?:chang\w+|differ\w*|compare\w*)\b`)
	pauseVerb    = regexp.MustCompile(`^(?:pause|mute|suspend|hold|snooze|silence|freeze|put)\s+`)
	resumeVerb   = regexp.MustCompile(`^(?:resume|unpause|unmute|continue|restart|reactivate|reenable|turn (?:back )?on|unsnooze|unfreeze|switch (?:back )?on)\s+`)
	removeVerb   = regexp.MustCompile(`^(?:remove|delete|stop|cancel|end|drop|unsubscribe(?: me)?(?: from)?|turn off|switch off|kill|get rid of|quit|discard|disable|clear|i do not want|no more)\s+`)
)

// subscription recognizes what is said to the bot about watches, digests and
// the baseline. It comes before the grammar of orders, whose verbs ("pause",
// "stop", "tell") would take these sentences for orders about agents.
func (r *reading) subscription() (Intent, bool) {
	if len(r.toks) == 0 || r.cut || r.isHostile() || r.offTopic() {
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
	wish := cutPrefixes(text, askedWhether, scheduleLead)
	send, digest := sendWish.MatchString(wish), digestSaid.MatchString(wish) && (!r.isQuestion() || wish != text)
	if !send && !digest {
		return false
	}
	_, timed, err := parseSchedule(whole)
	timed = timed && (digest || recurring.MatchString(fold(whole)))
	return send && (timed || err != nil && wish == text) || digest && timed
}

func (r *reading) subscriptionIntent(text string) Intent {
	whole := strings.TrimSpace(r.text)
	for name, verb := range map[string]*regexp.Regexp{intentPauseWatch: pauseVerb, intentResumeWatch: resumeVerb, intentRemoveWatch: removeVerb} {
		if rest, ok := cutPrefix(text, verb); ok && watchNoun.MatchString(rest) && !r.has("@agent run|runs") {
			return Intent{Name: name, Args: args{"number": whole}}
		}
	}
	if m := watchSwitch.FindStringSubmatch(text); m != nil && watchNoun.MatchString(m[1]) {
		return Intent{Name: map[string]string{"off": intentRemoveWatch, "on": intentResumeWatch, "back on": intentResumeWatch}[m[2]], Args: args{"number": whole}}
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
	case plainDigest.MatchString(text):
		return Intent{Name: intentDigest, Args: args{}}
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
	case "tell", "let", "message", "ping", "inform", "update", "remind", "text":
		return toldFacts.MatchString(text) && !strings.Contains(text, " about ") || strings.Contains(text, " when ") || strings.Contains(text, " if ")
	}
	return true
}

// cutPrefixes drops a question's beginning, and a time in front of the verb.
func cutPrefixes(text string, whether, lead *regexp.Regexp) string {
	text, _ = cutPrefix(text, whether)
	if loc := lead.FindStringIndex(text); loc != nil {
		at := strings.LastIndex(text[:loc[1]], " ")
		return text[at+1:]
	}
	return text
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
