package intents

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
)

// maxTools a model gets with one question, the ways out included. More cost
// tokens and make models pick worse.
const maxTools = 20

// alwaysOffered are tools a model gets whatever the question: what is asked most,
// and what helps when nothing else fits.
var alwaysOffered = []string{"help", "escalate", "list_agents", "show_agent", "list_runs", "explain_run"}

// likelyTools splits the catalog into what the model is offered with a question
// and what it is offered when it says that none of that fits, both in the
// catalog's order. The picks come from the built-in router's own index: its
// answer and its scores, then likeness of words.
func likelyTools(q Question) (first, second []Spec) {
	return rankTools(q, maxTools-2) // clarify and out_of_scope
}

// rankTools are the room likeliest tools for a question, and as many after them.
func rankTools(q Question, room int) (first, second []Spec) {
	if len(q.Specs) <= room {
		return q.Specs, nil
	}
	score := toolScores(q)
	ranked := slices.Clone(q.Specs)
	slices.SortStableFunc(ranked, func(a, b Spec) int { return cmp.Compare(score[b.Name], score[a.Name]) })
	inOrder := func(some []Spec) []Spec {
		return slices.DeleteFunc(slices.Clone(q.Specs), func(s Spec) bool {
			return !slices.ContainsFunc(some, func(x Spec) bool { return x.Name == s.Name })
		})
	}
	return inOrder(ranked[:room]), inOrder(ranked[room:min(2*room, len(ranked))])
}

// toolScores is how likely each intent is meant: 1000 and more for those always
// offered, hundreds for the built-in router's own picks, then its guesses, orders
// and shared words.
func toolScores(q Question) map[string]float64 {
	score := map[string]float64{}
	add := func(name string, n float64) { score[name] += n }
	for _, name := range alwaysOffered {
		add(name, 1000)
	}
	picked := route(q)
	for _, in := range append(picked.Choices, picked.Intent) {
		add(in.Name, 500)
	}
	_, picks := partsOf(q)
	for _, in := range picks {
		add(in.Name, 400)
	}
	if n := len(q.History); n > 0 {
		add(q.History[n-1].Intent.Name, 300)
	}
	r := read(q)
	for _, o := range r.orders() {
		add(o.intent, 200)
	}
	for _, c := range r.verbs().verbs {
		if c.needs == "" && r.verbAnywhere(c.verbs) { // also what is only talked about
			add(c.intent, 60)
		}
	}
	for i, g := range r.guesses()[:min(len(r.guesses()), maxTools)] {
		add(g.name, 200*g.p+float64(100-5*i))
	}
	spoken := map[string]bool{}
	for _, it := range r.items {
		spoken[it.key(r)] = true
	}
	for _, s := range q.Specs {
		add(s.Name, wordsShared(spoken, s, q.Specs))
		if s.Write && slices.ContainsFunc(s.Args, func(a Arg) bool { return a.Kind == ArgAgent && a.Required }) && spoken["@agent"] {
			add(s.Name, 2)
		}
	}
	return score
}

// wordsShared sums, over the words a message and a declaration share, how rare
// each is in the catalog.
func wordsShared(spoken map[string]bool, s Spec, specs []Spec) float64 {
	sum := 0.0
	for w := range specWords(s) {
		if !spoken[w] {
			continue
		}
		n := 0
		for _, x := range specs {
			if specWords(x)[w] {
				n++
			}
		}
		sum += math.Log(float64(len(specs)+1) / float64(n))
	}
	return sum
}

// specWords are the words (or their concepts) of a declaration, read once.
func specWords(s Spec) map[string]bool {
	id := s.Name + "\n" + s.Summary + "\n" + strings.Join(s.Examples, "\n")
	if known, ok := specIndex.Load(id); ok {
		return known.(map[string]bool)
	}
	out := map[string]bool{}
	for _, text := range append(slices.Clone(s.Examples), s.Summary, strings.ReplaceAll(s.Name, "_", " ")) {
		r := read(Question{Text: placeholders.Replace(text), Agents: []string{"zzagent"}})
		for _, it := range r.items {
			if k := it.key(r); !noise[k] && k != "@ticket" && k != "@when" && k != "show" && k != "what" {
				out[k] = true
			}
		}
	}
	specIndex.Store(id, out)
	return out
}

var specIndex sync.Map // declaration -> its words; as many entries as there are intents
