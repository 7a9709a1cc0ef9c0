package intents

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// verbs are the commands known, and those of writing intents without an entry in
// commands: the words of their examples up to the first argument ("retry run
// <run>": "retry run", and "retry" when no command begins with it).
func (r *reading) verbs() *verbIndex {
	if have := lastVerbs.Load(); have != nil && slices.EqualFunc(have.specs, r.q.Specs, sameDeclaration) {
		return have.verbs
	}
	out := indexVerbs(learnVerbs(r.q.Specs))
	lastVerbs.Store(&learnedVerbs{slices.Clone(r.q.Specs), out})
	return out
}

// lastVerbs are those of the catalog last asked for: there is one in a process.
var lastVerbs atomic.Pointer[learnedVerbs]

type learnedVerbs struct {
	specs []Spec
	verbs *verbIndex
}

// sameDeclaration reports whether two specs give the same verbs.
func sameDeclaration(a, b Spec) bool {
	return a.Name == b.Name && a.Write == b.Write && slices.Equal(a.Examples, b.Examples)
}

// verbIndex finds verbs by their first word.
type verbIndex struct {
	verbs  []commandVerb
	byStem map[string][]verbWords
}

// verbWords are the words of one of a command's verbs.
type verbWords struct {
	command int
	words   []string
}

func indexVerbs(verbs []commandVerb) *verbIndex {
	x := &verbIndex{verbs: verbs, byStem: map[string][]verbWords{}}
	for i, c := range verbs {
		for v := range strings.SplitSeq(c.verbs, "|") {
			ws := strings.Fields(v)
			x.byStem[ws[0]] = append(x.byStem[ws[0]], verbWords{i, ws})
		}
	}
	return x
}

func learnVerbs(specs []Spec) []commandVerb {
	out := slices.Concat(moreCommands, commands) // the first of two that fit as well wins
	for _, s := range specs {
		if !s.Write || knownCommand(s.Name) || slices.ContainsFunc(moreCommands, func(c commandVerb) bool { return c.intent == s.Name }) {
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

// fillOrdered takes the arguments of a chapter's write from its clause. Two of a
// kind are one too many.
func (r *reading) fillOrdered(s Spec, o order) (Intent, string) {
	if agents := r.agentsIn(o.verb[1], o.clause[1], o); len(agents) > 1 {
		return Intent{Name: s.Name}, askOne
	}
	r.asked = o.clause
	in, ask := r.fillWrite(s)
	if ask == "" && in.Args["run"] != "" && r.joined("@ticket") {
		ask = askOne // "retry run 91233 and 91234"
	}
	return in, ask
}

// joined reports an item of a concept right after "and", "or" or a comma.
func (r *reading) joined(concept string) bool {
	return slices.ContainsFunc(r.items, func(it item) bool {
		w := r.word(it.from - 1)
		return it.concept == concept && it.from > 0 && (w == "and" || w == "or" || r.toks[it.from-1].stop == ',')
	})
}

// mostLike is the likeness of a message that is an example.
const mostLike = 12

// likeness of the message to a spec's examples, for reading intents nothing was
// learned about yet: 0 to mostLike, by the share of words (or their concepts) in common.
func (r *reading) likeness(s Spec) int {
	best := 0
	mine := map[string]bool{}
	for _, it := range r.items {
		mine[it.key(r)] = true
	}
	for _, e := range s.Examples {
		both, all := 0, len(mine)
		for _, k := range r.exampleKeys(e) {
			if mine[k] {
				both++
			} else {
				all++
			}
		}
		if all > 0 {
			best = max(best, mostLike*both/all)
		}
	}
	return best
}

// exampleCache holds the keys of every example of the catalog: reading one costs
// as much as reading a message, and there are hundreds.
var exampleCache sync.Map // example -> []string

// exampleKeys are the keys of an example's items. They do not depend on the time:
// the placeholders of times are always in the past.
func (r *reading) exampleKeys(example string) []string {
	if have, ok := exampleCache.Load(example); ok {
		keys, _ := have.([]string)
		return keys
	}
	x := read(Question{Text: placeholders.Replace(example), Now: r.q.Now, Agents: []string{"zzagent"}})
	keys := make([]string, len(x.items))
	for i, it := range x.items {
		keys[i] = it.key(x)
	}
	exampleCache.Store(example, keys)
	return keys
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
