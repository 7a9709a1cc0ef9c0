package intents

import (
	"regexp"
	"slices"
	"strings"
)

// aboutWords stand before what a list is limited to, by intent: "templates for
// onboarding". All other free text is the whole message.
var aboutWords = map[string]map[string]bool{
	"list_templates": wordSet("for about around regarding with concerning"),
	"companies":      wordSet("about like"),
}

// Words that introduce what stands after a noun, and words that end it.
var (
	introWords = wordSet("called named of for about the a an from with is to that session conversation")
	endWords   = wordSet("need needs require requires please now thanks today again look looks want wants contain contains do does work works say says sync synced called named connected granted set in on at over should can could do does is are i library sessions chats go went going and come came run ran finish end ended been being fail failed failing fails working ok okay")
	leadWords  = wordSet("so then rotate hit with regarding show me us the a an our what which does do is are was were has have had did how start agent from use create make new open read see view give get list tell display pull up please could can would you kindly hi hey i want to see who when whether integrations need needs needed by should we let wanna look at describe explain about pause resume cancel stop with set browse find fetch bring there any some all these those would like love d needs in more tell know around whats let lets go went")
)

// saidAbout is what a list is to be limited to, "" for all of it.
func (r *reading) saidAbout(intent string) string {
	for _, it := range quotedParts(r.text) {
		if s := strings.Trim(r.text[it[0]:it[1]], "\"'“”„«»‘’` "); s != "" && !strings.HasPrefix(r.text[it[0]:], ">") {
			return s
		}
	}
	for i := r.mainFrom(); i < len(r.toks); i++ {
		if aboutWords[intent][r.word(i)] && !r.inside(i, "@when|@agent") {
			if v := withoutGenitive(r.valueFrom(i + 1)); v != "" {
				return v
			}
			break
		}
	}
	if intent == "list_templates" {
		return r.beforeNoun("templates")
	}
	return ""
}

// valueFrom is the text from token i to the end of its clause, without the
// words that lead in and out.
func (r *reading) valueFrom(i int) string {
	for i < len(r.toks) && introWords[r.word(i)] && r.toks[i].stop == 0 {
		i++
	}
	end := i
	for end < len(r.toks) && !r.inside(end, "@when|@future") && !endWords[r.word(end)] {
		if end++; r.toks[end-1].stop != 0 {
			break
		}
	}
	for end > i && (trailers[r.word(end-1)] || openerWords[r.word(end-1)]) {
		end--
	}
	return r.raw(i, end)
}

// beforeNoun are the words right before a noun that say which: "onboarding
// templates", not "all templates".
func (r *reading) beforeNoun(noun string) string {
	for i := 1; i < len(r.toks); i++ {
		if r.word(i) != noun {
			continue
		}
		from := i
		for from > 0 && i-from < 3 && r.toks[from-1].stop == 0 && (r.inside(from-1, "@agent") || !isCue(r.word(from-1))) && !leadWords[r.word(from-1)] {
			from--
		}
		return r.raw(from, i)
	}
	return ""
}

var (
	settingTo    = regexp.MustCompile(`(?is)^.*?\b(?:to|:|as|at)\s+(.+)$`)
	settingEnd   = regexp.MustCompile(`\s([A-Z][A-Za-z]+/[A-Za-z_/]+|UTC|GMT|\d{1,2}(?::\d{2})?(?:\s?[ap]m)?)$`) // "set timezone Europe/Rome"
	plainRate    = regexp.MustCompile(`(?i)(?:@|\b(?:at|rate(?: of)?|cost(?: of)?|with|use|using|call it|be|is|to|against|assuming))\s+(?:[$€£]\s?|eur |usd |gbp )?(\d{1,5}(?:[.,]\d{1,2})?)\b(?:[^\d]|$)`)
	hourlyRate   = regexp.MustCompile(`(?i)\b(\d{1,5}(?:[.,]\d{1,2})?)\s*(?:\$|€|£|eur|usd|gbp|dollars?|euros?|quid|bucks|pounds?|rupees?)?\s*(?:an|per|/|a)\s*(?:hour|hr|h)\b`)
	daysBack     = regexp.MustCompile(`(?i)\b(\d{1,4})\s*days?\b`)
	operationID  = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)
	operationArg = regexp.MustCompile(`(?i)^\s*(?:please\s+)?(?:api|operation|call (?:the )?operation|use (?:the )?operation|run (?:the )?operation|call)\s+(\S.*?)\s*$`)
)

// writtenText fills the free-text arguments of writes that need more than a cut.
func (r *reading) writtenText(in *Intent) {
	text := strings.TrimRight(strings.TrimSpace(r.text), " .!")
	set := func(name string, m []string) {
		if m != nil {
			in.Args[name] = strings.Trim(strings.TrimSpace(m[1]), `"'“”`)
		}
	}
	switch in.Name {
	case "set_instructions":
		if v := instructionText(r.text); v != "" {
			in.Args["text"] = v
		}
	case "change_setting":
		switch {
		case in.Args["setting"] != "":
		case strings.Contains(r.plain(0, len(r.toks)), "zone"):
			in.Args["setting"] = "timezone"
		case slices.ContainsFunc(r.toks, func(t token) bool { return t.w == "start" || t.w == "begin" || t.w == "beginning" || t.w == "opening" }):
			in.Args["setting"] = "start of business hours"
		case slices.ContainsFunc(r.toks, func(t token) bool { return t.w == "end" || t.w == "close" || t.w == "closing" }):
			in.Args["setting"] = "end of business hours"
		}
		text = strings.TrimSuffix(strings.TrimSuffix(text, " please"), " now")
		if in.Args["value"] == "" {
			set("value", settingTo.FindStringSubmatch(text))
		}
		if in.Args["value"] == "" {
			set("value", settingEnd.FindStringSubmatch(text))
		}
	case "start_roi":
		set("rate", hourlyRate.FindStringSubmatch(text))
		if in.Args["rate"] == "" {
			set("rate", plainRate.FindStringSubmatch(text))
		}
		set("days", daysBack.FindStringSubmatch(text))
	}
}

// How new instructions are introduced: behind the word, directly in quotation
// marks or after "to", "with", a colon and the like; without the word, after a colon.
var (
	instructQuote = regexp.MustCompile(`(?is)\b(?:instructions?|prompt)\s+(["“„«].+)$`)
	instructTo    = regexp.MustCompile(`(?is)\b(?:instruct\w*|prompt|brief|rulebook|script|orders)\b.*?(?:\bto\b|\bwith\b|\bso that\b|\bbecomes?\b|\breads?\b|\bis\b|=|:)\s*(.+)$`)
	instructColon = regexp.MustCompile(`(?is)\b(?:reads?|says?|goes|this|like|now|below|following|instead|is|be)\b[^:.]{0,20}:\s*(.+)$`)
)

// afterQuote is how many words may follow a quotation that is all of the new
// instructions: "… please", "… thank you so much".
const afterQuote = 4

// instructionText is what new instructions a message gives: all that follows what
// introduces them, or what stands in the quotation marks they begin with.
func instructionText(text string) string {
	text = strings.TrimSpace(text)
	for _, form := range []*regexp.Regexp{instructQuote, instructTo, instructColon} {
		m := form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		v := strings.TrimSpace(strings.TrimLeft(m[1], ": "))
		if p := quotedParts(v); len(p) > 0 && p[0][0] <= len("“") && len(words(v[min(p[0][1]+len("”"), len(v)):])) <= afterQuote {
			v = v[p[0][0]:p[0][1]]
		}
		return strings.Trim(v, "\"“”„«»")
	}
	return ""
}

// operationSaid recognizes a request for any operation of the API.
func (r *reading) operationSaid() (Intent, bool) {
	m := operationArg.FindStringSubmatch(r.text)
	if m != nil && r.word(0) == "call" && !strings.Contains(r.text, "operation") && !operationID.MatchString(m[1]) {
		return Intent{}, false // "call Neo support"
	}
	if m == nil || !r.offers("call_operation") || r.isHostile() || r.hasOne("keys|apikey") {
		return Intent{}, false
	}
	return Intent{Name: "call_operation", Args: args{"operation": strings.TrimRight(m[1], "?!.")}}, true
}
