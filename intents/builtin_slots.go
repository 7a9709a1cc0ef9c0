package intents

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
)

var (
	ticketNumber = regexp.MustCompile(`^#?(\d{3,12})$`)
	autotaskNo   = regexp.MustCompile(`^#?t\d{8}\.\d{4}$`)
	runID        = regexp.MustCompile(`^#?(\d{1,18}|[0-9a-f]{8}-[0-9a-f-]{27}|(?:exec?|run)[_-][0-9a-z_-]*\d[0-9a-z_-]*)$`)
	runIDAlone   = regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f-]{27}|(?:exec?|run)[_-][0-9a-z_-]*\d[0-9a-z_-]*)$`)
)

// tickets finds numbers of tickets and of runs. A number after "run" is a run,
// any other of three digits and more is a ticket.
func (r *reading) tickets() []item {
	var out []item
	for i, t := range r.toks {
		prev, prev2 := r.word(i-1), r.word(i-2)
		switch {
		case runIDAlone.MatchString(t.w):
			out = append(out, item{concept: "@run", from: i, to: i + 1, value: r.raw(i, i+1)})
		case autotaskNo.MatchString(t.w):
			out = append(out, item{concept: "@ticket", from: i, to: i + 1, value: strings.TrimPrefix(r.raw(i, i+1), "#")})
		case !ticketNumber.MatchString(t.w) && (!isRunWord(prev) || !runID.MatchString(t.w)):
		case isRunWord(prev) || isIDWord(prev) && isRunWord(prev2):
			if prev != "run" || !r.unitAfter(i) {
				out = append(out, item{concept: "@run", from: i, to: i + 1, value: strings.TrimPrefix(r.raw(i, i+1), "#")})
			}
		case r.unitAfter(i) || months[prev] != 0 || prev == "request" || isIDWord(prev) && prev2 == "request":
		case len(strings.TrimPrefix(t.w, "#")) == 4 && !strings.HasPrefix(t.w, "#") && strings.HasPrefix(t.w, "20") && !isTicketWord(prev):
			// A year.
		default:
			out = append(out, item{concept: "@ticket", from: i, to: i + 1, value: ticketNumber.FindStringSubmatch(t.w)[1]})
		}
	}
	return out
}

func isRunWord(w string) bool    { return w == "run" || w == "execution" || w == "exec" || w == "job" }
func isIDWord(w string) bool     { return w == "id" || w == "number" || w == "no" || w == "nr" }
func isTicketWord(w string) bool { return w == "ticket" || w == "tkt" || w == "tickets" || isIDWord(w) }

// word of a token, "" outside the message.
func (r *reading) word(i int) string {
	if i < 0 || i >= len(r.toks) {
		return ""
	}
	return r.toks[i].w
}

func (r *reading) unitAfter(i int) bool { return unitOf(r.word(i+1)) != 0 }

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
		// A slip of a word with a meaning of its own ("agnet") names nobody.
		if sameWord(w, word) || !isCue(word) && !isCue(w) && !plainWords[w] && (len(w) >= 4 && isBeginning(w, word) || isTypo(w, word)) {
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

// agents finds names of agents: stretches of words that all occur in one known
// name, with at least one word that can only be a name. Without a known name,
// what stands in "the … agent" and the words nobody knows.
func (r *reading) agents(taken []bool) []item {
	var out []item
	for i := 0; i < len(r.toks); {
		if n := r.nameLen(i, taken); n > 0 {
			out = append(out, item{concept: "@agent", from: i, to: i + n, value: r.raw(i, i+n)})
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
	return slices.DeleteFunc(items, func(it item) bool {
		return it.to == it.from+1 && !r.wellSpelled(it) &&
			slices.ContainsFunc(r.names.near(r.toks[it.from].w), func(n int) bool { return sure[n] })
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
	})
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

// timeStarts are words a time can begin with. Names of months and weekdays that
// are also words need one of them before.
var timeStarts = wordSet(`today yesterday tonight overnight last past previous this since after from between on in during earlier these
monday tuesday wednesday thursday friday saturday sunday january february april june july august september october november december
oct nov dec jan feb aug sep sept apr jul jun a an one two three four five six seven couple few the day weekend so within current mon tue wed thu fri`)

// times finds stretches that are a time, the longest first. One that has not
// begun is "@future".
func (r *reading) times(taken []bool) []item {
	var out []item
	for i := 0; i < len(r.toks); i++ {
		w := r.toks[i].w
		if taken[i] || !timeStarts[w] && (w[0] < '0' || w[0] > '9') {
			continue
		}
		for j := min(len(r.toks), i+7); j > i; j-- {
			if slices.Contains(taken[i:j], true) || r.stopInside(i, j) || !r.timeLike(i, j) {
				continue
			}
			said := r.plain(i, j)
			if _, err := ParseWhen(said, r.q.Now, r.q.Now.Location()); err == nil {
				out = append(out, item{concept: "@when", from: i, to: j, value: said})
			} else if errors.Is(err, ErrFuture) {
				out = append(out, item{concept: "@future", from: i, to: j, value: said})
			} else {
				continue
			}
			i = j - 1
			break
		}
	}
	return out
}

// timeLike refuses stretches that only happen to be a time: "in may" is, "may" is not.
func (r *reading) timeLike(i, j int) bool {
	last := r.toks[j-1].w
	if r.toks[i].w == "on" && (last == "today" || last == "yesterday" || last == "tonight") { // "turn it on today"
		return false
	}
	if whenFiller[last] || last == "now" || r.toks[i].w == "the" && j-i == 1 {
		return false
	}
	if j-i == 1 {
		switch last {
		case "a", "an", "one", "two", "day", "mon", "wed", "sun", "sat", "mar", "may", "march":
			return false
		}
	}
	return true
}

func (r *reading) stopInside(i, j int) bool {
	return slices.ContainsFunc(r.toks[i:j-1], func(t token) bool { return t.stop != 0 && t.stop != ',' })
}

// plain is the corrected text of tokens.
func (r *reading) plain(from, to int) string {
	ws := make([]string, 0, to-from)
	for _, t := range r.toks[from:to] {
		ws = append(ws, t.w)
	}
	return strings.Join(ws, " ")
}

// phrases is the lexicon turned around: phrase -> concepts, and the longest phrase.
var phrases = sync.OnceValues(func() (map[string][]string, int) {
	out, longest := map[string][]string{}, 0
	for concept, list := range lexicon {
		if concept == "more" { // filler for follow-ups, not a meaning
			continue
		}
		for p := range strings.SplitSeq(list, "|") {
			out[p] = append(out[p], concept)
			slices.Sort(out[p])
			longest = max(longest, strings.Count(p, " ")+1)
		}
	}
	return out, longest
})

// concepts finds phrases of the lexicon, the longest first; words left over get
// an item without a concept. A phrase with two meanings gives two items.
func (r *reading) concepts(taken []bool) []item {
	table, longest := phrases()
	var out []item
	for i := 0; i < len(r.toks); i++ {
		if taken[i] {
			continue
		}
		found := false
		for j := min(len(r.toks), i+longest); j > i && !found; j-- {
			if slices.Contains(taken[i:j], true) || r.stopInside(i, j) {
				continue
			}
			cs := table[r.plain(i, j)]
			if found = len(cs) > 0; found {
				out = append(out, r.meanings(cs, i, j)...)
				i = j - 1
			}
		}
		if !found {
			out = append(out, item{from: i, to: i + 1})
		}
	}
	return out
}

// meanings of a phrase. "on" is a state only where nothing follows that it could
// be "on" of.
func (r *reading) meanings(concepts []string, from, to int) []item {
	var out []item
	for _, c := range concepts {
		if c == "on" && r.plain(from, to) == "on" && !r.ends(to) {
			c = ""
		}
		out = append(out, item{concept: c, from: from, to: to})
	}
	return out[:1]
}

// ends reports whether a clause ends before token i.
func (r *reading) ends(i int) bool {
	if i >= len(r.toks) || r.toks[i-1].stop != 0 {
		return true
	}
	switch r.toks[i].w {
	case "now", "right", "currently", "please", "again", "or", "and", "yet", "at", "thanks", "asap":
		return true
	}
	return false
}
