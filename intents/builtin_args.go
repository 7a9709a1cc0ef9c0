package intents

import (
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
	r.fromHistory(s, &in)
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
		return r.status(a.Enum)
	case ArgState:
		return r.state(a)
	case ArgText:
		v, ok := r.cutText(s.Name, a.Name)
		switch {
		case ok && v == "" && s.Name == "list_templates":
			return r.beforeNoun("templates")
		case ok:
			return v
		}
		return r.about(s)
	case ArgRequest:
		return r.requestNumber()
	case ArgVersion:
		text := r.text // without names: an agent may be called “Dispatch v2”
		for _, name := range r.values("@agent") {
			text = strings.ReplaceAll(text, name, " ")
		}
		return versionNumbers(text)
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

var saidVersions = regexp.MustCompile(`(?i)\b(?:versions?|v)\s*#?(\d{1,4})(?:\s*(?:,|-|to|and|with|vs\.?|against)\s*(?:versions?\s*|v)?#?(\d{1,4}))?\b`)

// versionNumbers are the one or two after the word version: "2", "1 and 3".
func versionNumbers(text string) string {
	m := saidVersions.FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case m[2] == "":
		return m[1]
	}
	return m[1] + " and " + m[2]
}

// requestNumber follows the word request: "request 912".
func (r *reading) requestNumber() string {
	for i, t := range r.toks {
		if n := strings.TrimPrefix(t.w, "#"); isNumber(n) && (r.word(i-1) == "request" || r.word(i-1) == "til" || isIDWord(r.word(i-1)) && r.word(i-2) == "request") {
			return n
		}
	}
	return ""
}
