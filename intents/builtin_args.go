package intents

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// fillRead takes the arguments of a reading intent from the message.
func (r *reading) fillRead(s Spec) Intent {
	in := Intent{Name: s.Name, Args: map[string]string{}}
	for _, a := range s.Args {
		if v := r.argument(s, a); v != "" {
			in.Args[a.Name] = v
		}
	}
	r.carryOver(s, &in)
	return in
}

// argument of a kind, as said; "" when the message has none.
func (r *reading) argument(s Spec, a Arg) string {
	switch a.Kind {
	case ArgAgent:
		return r.subject("@agent")
	case ArgTicket:
		return r.subject("@ticket")
	case ArgRun:
		return r.subject("@run")
	case ArgWhen:
		if s.Name == "compare_agent" { // "today with a week ago"
			for _, it := range r.items {
				if it.concept == "@when" && it.value != "today" && it.from >= r.mainFrom() {
					return it.value
				}
			}
		}
		return r.mainValue("@when")
	case ArgMonth:
		for _, v := range r.values("@when") {
			if _, err := ParseMonth(v, r.q.Now, r.q.Now.Location()); err == nil {
				return v
			}
		}
	case ArgStatus:
		if v, ok := r.guessArg(s, a); ok {
			return v
		}
		return r.status(a.Enum)
	case ArgState:
		if v, ok := r.guessArg(s, a); ok {
			return v
		}
		return r.state(a)
	case ArgText:
		switch {
		case a.Name == "number":
			return r.watchSaid(s, a)
		case s.Name == "start_roi":
			return "" // writtenText reads them
		case slotArgs[a.Name]:
			return r.slotValue(s, a)
		case aboutWords[s.Name] != nil:
			return r.saidAbout(s.Name)
		}
		return r.about(s)
	case ArgRequest:
		return r.requestNumber()
	case ArgVersion:
		return versionNumbers(r.withoutNames())
	}
	return ""
}

func first(vs []string) string {
	if len(vs) == 0 {
		return ""
	}
	return vs[0]
}

// status of runs: concepts of the lexicon are named like the values.
func (r *reading) status(enum []string) string {
	if slices.Contains(enum, "failed") && r.hasMain("wrong") && !r.hasMain("completed") {
		return "failed"
	}
	for _, v := range enum {
		concept := v
		if v == "failed" {
			concept = "fail"
		}
		if r.hasMain(concept) {
			return v
		}
	}
	return ""
}

func (r *reading) state(a Arg) string {
	switch {
	case slices.Contains(a.Enum, "disabled") && r.hasMain("off"):
		return "disabled"
	case slices.Contains(a.Enum, "enabled") && r.hasMain("on"):
		return "enabled"
	case slices.Contains(a.Enum, "yes") && r.aboutMe():
		return "yes"
	}
	return ""
}

// aboutMe: "for me", "my", "must I", but not "show me".
func (r *reading) aboutMe() bool {
	for i, t := range r.toks {
		switch t.w {
		case "my", "mine", "i", "myself":
			if two := r.plain(i, min(i+2, len(r.toks))); two != "i want" && two != "i would" && two != "i wanna" && !strings.HasPrefix(two, "i see") && (t.w != "i" || r.word(i-1) != "can" && r.word(i-1) != "could" && r.word(i-1) != "may") {
				return true
			}
		case "me":
			if !toldMe[r.word(i-1)] {
				return true
			}
		}
	}
	return false
}

var toldMe = wordSet("show tell give get let list send find bring read shw gimme fetch hand pull")

// about is free text: for help what follows the word, else the message itself.
func (r *reading) about(s Spec) string {
	for _, it := range r.items {
		if s.Name == "help" && it.concept == "help" && r.word(it.from) == "help" {
			from := it.to
			for from < len(r.toks) && (noise[r.word(from)] || r.word(from) == "with" || r.word(from) == "on" || r.word(from) == "about" || r.word(from) == "me" || r.word(from) == "please") {
				from++
			}
			return strings.Trim(r.raw(from, len(r.toks)), "?!. ")
		}
	}
	if r.hasOne("ability") {
		return ""
	}
	return strings.TrimSpace(r.text)
}

var (
	saidVersions   = regexp.MustCompile(`(?i)\b(?:versions?|revisions?|rev|v)(?: numbers?)?\s*#?(\d{1,4})(?:\s*(?:,|-|to|and|with|vs\.?|versus|against|next to|from)\s*(?:(?:versions?|revisions?|rev)\s*|v)?#?(\d{1,4}))?\b`)
	besideVersions = regexp.MustCompile(`(?i)\bv(\d{1,4})\D{0,12}\bv(\d{1,4})\b`)
	twoVersions    = regexp.MustCompile(`^(?:.* )?(\d{1,3}) (?:and|with|vs|versus|against) (\d{1,3})$`)
)

// withoutNames is the message, numbers as digits, without names and numbers of
// other things: an agent may be called “Dispatch v2”.
func (r *reading) withoutNames() string {
	var out []string
	for _, it := range r.items {
		for i := it.from; i < it.to && !strings.HasPrefix(it.concept, "@"); i++ {
			w := r.toks[i].w
			if d := digitOf(w); d != "" && w != "oh" {
				w = d
			}
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// versionNumbers are the one or two after the word version: "2", "1 and 3".
func versionNumbers(text string) string {
	m := saidVersions.FindStringSubmatch(text)
	if both := besideVersions.FindStringSubmatch(text); both != nil {
		m = both
	}
	if m == nil {
		m = twoVersions.FindStringSubmatch(text)
	}
	switch {
	case m == nil:
		return ""
	case m[2] == "":
		return m[1]
	}
	return m[1] + " and " + m[2]
}

// ordinals are numbers of watches as people say them.
var ordinals = map[string]string{
	"first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6", "seventh": "7", "eighth": "8", "ninth": "9", "tenth": "10",
}

// watchWords are what people call a watch.
var watchWords = wordSet("watch alert digest alarm subscription notification reminder ping schedule report")

// watchSaid is the number of a watch, of this message or the last; without one the
// words as said, in which the plan looks for what kind of watch is meant.
func (r *reading) watchSaid(s Spec, a Arg) string {
	var digits, spoken, ordinal string
	for i, t := range r.toks {
		w, prev := strings.TrimPrefix(t.w, "#"), r.word(i-1)
		near := watchWords[prev] || isIDWord(prev)
		switch {
		case isNumber(w) && len(w) <= 3 && (digits == "" || near) && (near || r.inMain(i)):
			digits = w
		case near && digitOf(w) != "" && spoken == "":
			spoken = digitOf(w)
		case ordinals[w] != "" && ordinal == "" && (r.word(i+1) == "one" || watchWords[r.word(i+1)] || i == len(r.toks)-1 && prev == "the"):
			ordinal = ordinals[w]
		}
	}
	if n := cmp.Or(digits, spoken, ordinal); n != "" {
		return n
	}
	if v := r.carried()[a.Name]; v != "" && r.carry(s, a.Name) {
		return v
	}
	return strings.TrimSpace(r.text)
}

// requestNumber follows the word request: "request 912".
func (r *reading) requestNumber() string {
	for i, t := range r.toks {
		if n := strings.TrimPrefix(t.w, "#"); isNumber(n) && (r.word(i-1) == "request" || r.word(i-1) == "til" || isIDWord(r.word(i-1)) && r.word(i-2) == "request") {
			return n
		}
	}
	for _, c := range []string{"@request", "@ticket"} { // "what is 655 about"
		if vs := r.values(c); len(vs) == 1 && len(vs[0]) <= 4 {
			return vs[0]
		}
	}
	for _, t := range r.toks {
		if n := strings.TrimPrefix(t.w, "#"); isNumber(n) && len(n) <= 4 {
			return n
		}
	}
	return ""
}
