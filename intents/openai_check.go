package intents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// call is a tool call as a model made it.
type call struct {
	name      string
	arguments string
}

// errReply is a model's reply that cannot be used. The text names what was
// wrong with it without repeating it, and goes back to the model once.
var errReply = errors.New("unusable reply")

// checkCall turns a tool call into a routing, or says what is wrong with it. The
// catalog is the only authority: unknown tools, unknown or mistyped arguments,
// values outside an enumeration, numbers and names nobody said are all refused.
func checkCall(q Question, c call) (Routed, error) {
	args, err := stringArgs(c.arguments)
	if err != nil {
		return Routed{}, err
	}
	switch c.name {
	case toolClarify:
		return reasoned(clarifyReasons, args)
	case toolOutOfScope:
		return reasoned(scopeReasons, args)
	}
	spec, ok := SpecByName(q.Specs, c.name)
	if !ok {
		return Routed{}, fmt.Errorf("%w: there is no tool of that name", errReply)
	}
	in := Intent{Name: spec.Name, Args: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		v := args[name]
		arg, ok := spec.Arg(name)
		if !ok {
			return Routed{}, fmt.Errorf("%w: %s has no argument of one of the names given", errReply, spec.Name)
		}
		if v, err = checkArg(q, spec, arg, v); err != nil {
			return Routed{}, err
		}
		if v != "" {
			in.Args[name] = v
		}
	}
	keepID(q, &in)
	return guarded(q, spec, in), nil
}

// guarded lets a write through only as a proposal nobody could have meant as
// something else; the approval comes after.
func guarded(q Question, spec Spec, in Intent) Routed {
	if !spec.Write {
		if words, kept := keptWords[spec.Name]; kept && !saysAny(q.Text, words) {
			return Routed{Ask: askMeant, Choices: []Intent{in}}
		}
		return Routed{Intent: in}
	}
	why := writeRefused(q)
	if why == "" {
		if agent := in.Args["agent"]; agent == "" || named(q, agent) {
			return Routed{Intent: in}
		}
		why = askMeant
	}
	out := Routed{Ask: why}
	if why == askMeant && in.Args["agent"] != "" {
		out.Choices = []Intent{{Name: "show_agent", Args: map[string]string{"agent": in.Args["agent"]}}}
	}
	return out
}

// keptWords are the intents that change what the bot itself keeps, without an
// approval, and the words of which one must have been said: a model may not set
// up a watch or replace the baseline for somebody who asked something else. In
// other words, or another language, it takes one more press.
var keptWords = map[string][]string{
	intentWatch:        {"watch", "tell", "warn", "notify", "alert", "ping", "inform", "let", "monitor", "subscribe"},
	intentPauseWatch:   {"pause", "mute", "hold"},
	intentResumeWatch:  {"resume", "unmute", "continue", "restart"},
	intentRemoveWatch:  {"remove", "stop", "delete", "cancel", "unsubscribe"},
	intentSchedule:     {"digest", "send", "post", "every", "schedule", "daily", "weekly"},
	intentSaveBaseline: {"baseline"},
	intentReset:        {"reset", "new", "start", "forget", "clear"},
}

// saysAny reports whether one of the words, or a slip of it, was said.
func saysAny(text string, wanted []string) bool {
	return slices.ContainsFunc(words(visible(text)), func(t string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return sameWord(t, w) || isTypo(t, w) })
	})
}

// stringArgs decodes arguments: one object of strings and nulls, nothing after it.
func stringArgs(text string) (map[string]string, error) {
	if strings.TrimSpace(text) == "" {
		return map[string]string{}, nil
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	var raw map[string]*string
	if err := dec.Decode(&raw); err != nil || dec.More() {
		return nil, fmt.Errorf("%w: arguments must be one JSON object of strings or nulls", errReply)
	}
	out := map[string]string{}
	for k, v := range raw {
		if v != nil {
			out[k] = strings.TrimSpace(*v)
		} else {
			out[k] = ""
		}
	}
	return out, nil
}

// reasoned is a way out with a known reason.
func reasoned(reasons []reason, args map[string]string) (Routed, error) {
	i := slices.IndexFunc(reasons, func(r reason) bool { return r.code == args["reason"] })
	if i < 0 || len(args) != 1 {
		return Routed{}, fmt.Errorf("%w: the only argument is reason, one of the listed codes", errReply)
	}
	out := Routed{Ask: reasons[i].ask, More: reasons[i].code == reasonParts}
	if out.Ask == askDecide {
		out.Choices = []Intent{{Name: "list_approvals"}, {Name: "list_requests", Args: map[string]string{"mine": "yes"}}}
	}
	return out, nil
}

var (
	ticketShape = regexp.MustCompile(`^#?(\d{1,12}|[Tt]\d{8}\.\d{4})$`)
	runShape    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// checkArg checks a value by its kind and returns it in plain form. Free text
// must be the person's own: what a model worded itself is dropped, or refused
// where the argument is needed.
func checkArg(q Question, spec Spec, a Arg, v string) (string, error) {
	bad := func(what string) error { return fmt.Errorf("%w: %s.%s %s", errReply, spec.Name, a.Name, what) }
	switch {
	case v == "":
		return "", nil
	case utf8.RuneCountInString(v) > argLimit(a) || visible(v) != v:
		return "", bad("is too long or has characters that cannot be seen")
	case len(a.Enum) > 0 && !slices.Contains(a.Enum, v):
		return "", bad("is none of the listed values")
	}
	var err error
	switch a.Kind {
	case ArgAgent:
		if !occurs(q, v) && !knownAgent(q, v) {
			err = bad("is no agent's name and was not said")
		}
	case ArgTicket, ArgRequest:
		if v = strings.TrimPrefix(v, "#"); !ticketShape.MatchString(v) || !occurs(q, v) && !foundBefore(q, a.Name, v) {
			err = bad("must be a number that was said")
		}
	case ArgRun:
		if !runShape.MatchString(v) || !occurs(q, v) && !foundBefore(q, a.Name, v) {
			err = bad("must be an id that was said, or null")
		}
	case ArgVersion:
		for _, n := range wholeNumber.FindAllString(v, -1) {
			if !occurs(q, n) {
				err = bad("must be numbers that were said")
			}
		}
	case ArgWhen:
		if _, e := ParseWhen(v, q.Now, q.Now.Location()); e != nil {
			err = bad("is no past time such as today, last 24 hours, since monday, 2026-11-20")
		}
	case ArgMonth:
		if _, e := ParseMonth(v, q.Now, q.Now.Location()); e != nil {
			err = bad("is no month such as last month, october, 2026-10")
		}
	case ArgText:
		if !occurs(q, v) {
			if v = ""; a.Required {
				err = bad("must be copied from the message")
			}
		}
	case ArgStatus, ArgState:
	}
	return v, err
}

// argLimit is the longest value of an argument, in characters.
func argLimit(a Arg) int {
	if a.Kind == ArgText && !a.Required {
		return maxTextArg
	}
	return maxShortArg
}

// occurs reports whether the words of v were said, in this order and together,
// in the message or in what was talked about before.
func occurs(q Question, v string) bool {
	want := " " + strings.Join(words(v), " ") + " "
	if strings.TrimSpace(want) == "" {
		return false
	}
	texts := []string{q.Text}
	for _, t := range q.History {
		texts = append(texts, t.Text)
		for _, arg := range t.Intent.Args {
			texts = append(texts, arg)
		}
	}
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(" "+strings.Join(words(s), " ")+" ", want) })
}

// foundBefore reports whether a part of the same question found v as the value of
// that name: the only values that need not have been said. Agents need none, they
// are looked for in Neo's list.
func foundBefore(q Question, name, v string) bool {
	return slices.ContainsFunc(q.Done, func(p Part) bool {
		return p.About[name] == v || slices.ContainsFunc(p.Rows, func(row map[string]string) bool { return row[name] == v })
	})
}

// knownAgent reports whether v is, or can stand for, a name of an agent.
func knownAgent(q Question, v string) bool {
	m := Resolve(v, q.Agents)
	return m.Exact >= 0 || len(m.Candidates) > 0
}

// named reports whether the agent of a write is one the person spoke of: a word
// of the name (or a slip of it) is in the message, or the message points at the
// agent talked about last. A model that turns "disable triage" into another
// agent's name does not get past this.
func named(q Question, agent string) bool {
	if n := len(q.History); n > 0 && sameName(q.History[n-1].Intent.Args["agent"], agent) {
		return true
	}
	text := words(visible(q.Text))
	name := withoutNoise(words(agent))
	hits := 0
	for _, w := range name {
		if slices.ContainsFunc(text, func(t string) bool { return sameWord(t, w) || isTypo(t, w) || len(t) >= 4 && isBeginning(t, w) }) {
			hits++
		}
	}
	joined := strings.Join(name, "")
	return hits > 0 || strings.Contains(strings.Join(text, ""), joined)
}

func sameName(a, b string) bool {
	return a != "" && strings.Join(words(a), "") == strings.Join(words(b), "")
}

// keepID carries the id of the agent talked about, so that "turn it off" means
// that one also when two agents have the same name.
func keepID(q Question, in *Intent) {
	n := len(q.History)
	if n == 0 || in.Args["agent"] == "" || occursIn(q.Text, in.Args["agent"]) {
		return
	}
	last := q.History[n-1].Intent.Args
	if id := last["agent_id"]; id != "" && sameName(last["agent"], in.Args["agent"]) {
		in.Args["agent_id"] = id
	}
}

func occursIn(text, v string) bool { return occurs(Question{Text: text}, v) }
