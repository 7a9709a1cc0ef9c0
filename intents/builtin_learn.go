package intents

import "strings"

// verbs are the commands known, and those of writing intents without an entry in
// commands: the words of their examples up to the first argument ("retry run
// <run>": "retry run", and "retry" when no command begins with it).
func (r *reading) verbs() []commandVerb {
	out := commands
	for _, s := range r.q.Specs {
		if !s.Write || knownCommand(s.Name) {
			continue
		}
		var verbs []string
		for _, e := range s.Examples {
			lead, _, _ := strings.Cut(e, "<")
			if lead = strings.TrimSpace(strings.ToLower(lead)); lead == "" {
				continue
			}
			verbs = append(verbs, lead)
			if first, _, more := strings.Cut(lead, " "); more && !beginsCommand(first) {
				verbs = append(verbs, first)
			}
		}
		if len(verbs) > 0 {
			out = append(out[:len(out):len(out)], commandVerb{intent: s.Name, verbs: strings.Join(verbs, "|")})
		}
	}
	return out
}

func knownCommand(intent string) bool {
	for _, c := range commands {
		if c.intent == intent {
			return true
		}
	}
	return false
}

func beginsCommand(word string) bool {
	for _, c := range commands {
		for v := range strings.SplitSeq(c.verbs, "|") {
			if first, _, _ := strings.Cut(v, " "); first == word {
				return true
			}
		}
	}
	return false
}

// fillLearned takes the arguments of a write by their kinds. Two of a kind are
// one too many; free text is left to the card that asks for it.
func (r *reading) fillLearned(s Spec, o order) (Intent, string) {
	in := Intent{Name: s.Name, Args: map[string]string{}}
	concepts := map[ArgKind]string{ArgTicket: "@ticket", ArgRun: "@run"}
	for _, a := range s.Args {
		switch a.Kind {
		case ArgText:
			continue
		case ArgAgent:
			switch agents := r.agentsIn(o.verb[1], o.clause[1], o); {
			case len(agents) > 1:
				return in, askOne
			case len(agents) == 1:
				in.Args[a.Name] = agents[0]
			}
			continue
		case ArgTicket, ArgRun:
			if len(r.values(concepts[a.Kind])) > 1 {
				return in, askOne
			}
		default:
		}
		if v := r.argument(s, a); v != "" {
			in.Args[a.Name] = v
		}
	}
	r.fromHistory(s, &in)
	return in, ""
}

// likeness of the message to a spec's examples, for reading intents that have no
// cues yet: 0 to 12, by the share of words (or their concepts) in common.
func (r *reading) likeness(s Spec) int {
	best := 0
	mine := map[string]bool{}
	for _, it := range r.items {
		mine[it.key(r)] = true
	}
	for _, e := range s.Examples {
		x := read(Question{Text: placeholders.Replace(e), Now: r.q.Now, Agents: []string{"zzagent"}})
		both, all := 0, len(mine)
		for _, it := range x.items {
			if k := it.key(x); mine[k] {
				both++
			} else {
				all++
			}
		}
		if all > 0 {
			best = max(best, 12*both/all)
		}
	}
	return best
}

// placeholders make an example readable like a message.
var placeholders = strings.NewReplacer("<agent>", "zzagent", "<ticket>", "48213", "<run>", "91233", "<when>", "yesterday", "<month>", "last month", "<name>", "zzname")

// key of an item: its concept, else its word.
func (it item) key(r *reading) string {
	if it.concept != "" {
		return it.concept
	}
	return r.word(it.from)
}
