package intents

import (
	"slices"
	"strings"
)

// knownNames are the agents' names: those given and those talked about.
func knownNames(q Question) []string {
	names := slices.Clone(q.Agents)
	for _, t := range q.History {
		if n := t.Intent.Args["agent"]; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// nameIndex knows which names a word occurs in.
type nameIndex struct {
	names  [][]string
	byWord map[string][]int
}

func indexNames(names []string) nameIndex {
	x := nameIndex{byWord: map[string][]int{}}
	for i, n := range names {
		ws := words(n)
		x.names = append(x.names, ws)
		for _, w := range ws {
			if !slices.Contains(x.byWord[w], i) {
				x.byWord[w] = append(x.byWord[w], i)
			}
		}
	}
	return x
}

// has reports whether w is, or nearly is, a word of a name and no word of its own.
func (x nameIndex) has(w string) bool {
	if len(x.byWord[w]) > 0 {
		return true
	}
	return !isCue(w) && len(x.near(w)) > 0
}

// near are the names with a word that w is, is a plural of, begins or misspells.
func (x nameIndex) near(w string) []int {
	if hit := x.byWord[w]; len(hit) > 0 {
		return hit
	}
	var out []int
	for word, names := range x.byWord {
		if w != word && strings.HasPrefix(w, strings.TrimSuffix(word, "e")) && (strings.HasSuffix(w, "ed") || strings.HasSuffix(w, "ing")) {
			continue // what an agent does, not its name: "was it dispatched?"
		}
		// A slip of a word with a meaning of its own ("agnet") names nobody.
		if sameWord(w, word) || !isCue(word) && !isCue(w) && !plainWords[w] && (len(w) >= 4 && isBeginning(w, word) || !isWord(w) && isTypo(w, word)) {
			for _, n := range names {
				if !slices.Contains(out, n) {
					out = append(out, n)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// isCue reports whether a word means something to the router by itself, so that
// alone it names no agent.
func isCue(w string) bool {
	first := vocabulary()[w[0]]
	_, found := slices.BinarySearch(first, w)
	return found || noise[w] || plainWords[w]
}

// slip is the word of a name that w misspells, also one with a meaning of its
// own: "emial triage". "" when there is none or more than one.
func (x nameIndex) slip(w string) string {
	found := ""
	for word := range x.byWord {
		if isTypo(w, word) && slips([]rune(w), []rune(word)) == 1 {
			if found != "" {
				return ""
			}
			found = word
		}
	}
	return found
}

// agents finds names of agents: stretches of words that all occur in one known
// name, with at least one word that can only be a name. Without a known name,
// what stands in "the … agent" and the words nobody knows.
func (r *reading) agents(taken []bool) []item {
	var out []item
	for i := 0; i < len(r.toks); {
		if n := r.nameLen(i, taken); n > 0 {
			out = append(out, item{concept: "@agent", from: i, to: i + n, value: r.nameSaid(i, i+n)})
			i += n
			continue
		}
		i++
	}
	if len(out) == 0 {
		out = r.unknownAgent(taken)
	}
	return r.surest(out)
}

// nameSaid is a name as it was said, or in the words it stands for where nobody
// would know it: "merge dupes".
func (r *reading) nameSaid(from, to int) string {
	said := withoutGenitive(r.raw(from, to))
	if m := Resolve(said, knownNames(r.q)); len(m.Candidates) == 0 {
		if m = Resolve(r.plain(from, to), knownNames(r.q)); len(m.Candidates) > 0 {
			return r.plain(from, to)
		}
	}
	return said
}

// withoutGenitive is "Dispatch" of "Dispatch's".
func withoutGenitive(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(s, "'s"), "’s")
}

// surest drops a name with slips where the message also has the same name
// written right: "nothing is dispatched, why did dispatch fail" names one agent.
func (r *reading) surest(items []item) []item {
	sure := map[int]bool{}
	for _, it := range items {
		if r.wellSpelled(it) {
			for _, n := range r.names.near(r.toks[it.from].w) {
				sure[n] = true
			}
		}
	}
	items = r.withoutWords(items)
	return slices.DeleteFunc(items, func(it item) bool {
		return it.to == it.from+1 && !r.wellSpelled(it) &&
			slices.ContainsFunc(r.names.near(r.toks[it.from].w), func(n int) bool { return sure[n] })
	})
}

// withoutWords drops single everyday words that are part of an agent's name where
// another agent is named by more: "the service review … User Offboarding". What
// "and" or a comma joins stays: it may be one more.
func (r *reading) withoutWords(items []item) []item {
	longer := slices.ContainsFunc(items, func(it item) bool { return it.to-it.from > 1 })
	return slices.DeleteFunc(items, func(it item) bool {
		w := r.word(it.from)
		joined := func(i int) bool { return joining[r.word(i)] && r.word(i) != "the" }
		return longer && it.to-it.from == 1 && (isWord(w) || plainWords[w]) && r.text[r.toks[it.from].start] >= 'a' && !isAgentWord(r.word(it.to)) &&
			!joined(it.from-1) && !joined(it.to) && r.toks[it.from].stop == 0 && (it.from == 0 || r.toks[it.from-1].stop == 0)
	})
}

func (r *reading) wellSpelled(it item) bool {
	return !slices.ContainsFunc(r.toks[it.from:it.to], func(t token) bool { return len(r.names.byWord[t.w]) == 0 })
}

// nameLen is how many tokens from i name an agent.
func (r *reading) nameLen(i int, taken []bool) int {
	var common []int
	best := 0
	for j := i; j < len(r.toks) && !taken[j]; j++ {
		hits := r.names.near(r.toks[j].w)
		if j > i {
			hits = slices.DeleteFunc(slices.Clone(hits), func(n int) bool { return !slices.Contains(common, n) })
		}
		if len(hits) == 0 {
			break
		}
		common = hits
		if r.distinct(i, j+1, common) {
			best = j + 1 - i
		}
		if r.toks[j].stop != 0 {
			break
		}
	}
	return best
}

// distinct reports whether tokens can be taken for a name: one of them is no
// cue, or together they are a whole name of two words and more.
func (r *reading) distinct(from, to int, names []int) bool {
	said := make([]string, 0, to-from)
	for _, t := range r.toks[from:to] {
		if !isCue(t.w) {
			return true
		}
		said = append(said, t.w)
	}
	whole := strings.Join(said, "")
	return slices.ContainsFunc(names, func(n int) bool {
		name := r.names.names[n]
		return strings.Join(name, "") == whole && (len(name) > 1 || r.agentAround(from, to))
	}) || len(names) == 1 && (to-from > 1 || isAgentWord(r.word(to))) // "the password reset thing", "the merge bot"
}

// agentAround reports whether the word agent stands next to the tokens.
func (r *reading) agentAround(from, to int) bool {
	return isAgentWord(r.word(from-1)) || isAgentWord(r.word(to))
}

func isAgentWord(w string) bool {
	return w == "agent" || w == "workflow" || w == "bot" || w == "automation"
}

// unknownAgent takes "the <words> agent", or, when no names are known, the
// first stretch of words that mean nothing to the router.
func (r *reading) unknownAgent(taken []bool) []item {
	for i := range r.toks {
		from := i
		for from > 0 && i-from < 5 && !isCue(r.toks[from-1].w) && !taken[from-1] && r.toks[from-1].stop == 0 {
			from--
		}
		if from < i && isAgentWord(r.toks[i].w) {
			return []item{{concept: "@agent", from: from, to: i, value: r.raw(from, i)}}
		}
	}
	if len(r.q.Agents) > 0 {
		return nil
	}
	for i := 0; i < len(r.toks); i++ {
		j := i
		for j < len(r.toks) && !isCue(r.toks[j].w) && !taken[j] && len(r.toks[j].w) > 1 && !strings.HasPrefix(r.toks[j].w, "/") {
			if j++; r.toks[j-1].stop != 0 {
				break
			}
		}
		if j > i {
			return []item{{concept: "@agent", from: i, to: j, value: r.raw(i, j)}}
		}
	}
	return nil
}
