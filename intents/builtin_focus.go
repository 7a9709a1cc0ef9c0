package intents

import (
	"slices"
	"strings"
)

// mainFrom is the first token of the last sentence that says something: what
// stands before it is the story, not the question.
func (r *reading) mainFrom() int {
	if r.asked[1] > 0 {
		return r.asked[0]
	}
	from := 0
	for i := 0; i < len(r.toks)-1; i++ {
		if r.beginsMain(i) && !isFiller(r.raw(i+1, len(r.toks))) {
			from = i + 1
		}
	}
	return from
}

// beginsMain reports that a sentence ends with token i, or that the question of
// one begins after it: "…, so can you", "… but which".
func (r *reading) beginsMain(i int) bool {
	next, then := r.word(i+1), i+2
	asks := func(at int) bool { return r.openerLen(at) > 1 || questionStarts[r.word(at)] }
	switch r.toks[i].stop {
	case '.', '?', '!', '\n', ';':
		return true
	case ',', ':':
		return next == "so" || asks(i+1) || (next == "but" || next == "and") && asks(then)
	}
	return (next == "so" || next == "but") && r.openerLen(then) > 1
}

// aboutMain are the concepts of the main sentence, with the agent, ticket and
// run of the story when the sentence speaks of "it".
func (r *reading) aboutMain() concepts {
	out := r.conceptsFrom(r.asked[0])
	if r.pointsAt(r.asked[0]) {
		for _, c := range []string{"@agent", "@ticket", "@run"} {
			out[c] = out[c] || r.said[c]
		}
	}
	return out
}

// hasMain is hasOne of the sentence that asks.
func (r *reading) hasMain(concept string) bool {
	return slices.ContainsFunc(r.items, func(it item) bool { return it.concept == concept && it.from >= r.asked[0] && it.from < r.mainTo() })
}

// pointsAt reports words from a token on that stand for something said before.
func (r *reading) pointsAt(from int) bool {
	return slices.ContainsFunc(r.toks[from:], func(t token) bool { return backWords[t.w] })
}

var backWords = wordSet("it its that this they them their there he she him her one those these the")

// mainValue is the first value of a concept in the main sentence, else anywhere.
func (r *reading) mainValue(concept string) string {
	var said []string
	for _, it := range r.items {
		if it.concept == concept && r.inMain(it.from) && r.word(it.from-1) != "not" { // "not today, I meant Friday"
			said = append(said, it.value)
		}
	}
	if len(said) == 0 {
		said = r.values(concept)
	}
	for _, v := range said { // "over the weekend? I mean since saturday"
		if strings.HasPrefix(v, "since ") {
			return v
		}
	}
	return first(said)
}

// subject is the longest value of a concept in the sentence that asks; in the
// story before only when the sentence points back at it.
func (r *reading) subject(concept string) string {
	best, size := "", 0
	for _, it := range r.items {
		if it.concept == concept && it.from >= r.asked[0] && it.from < r.mainTo() && it.to-it.from > size {
			best, size = it.value, it.to-it.from // "the summary Ticket Summary wrote"
		}
	}
	if size > 0 {
		return best
	}
	if r.asked[0] > 0 && !r.pointsAt(r.asked[0]) && (concept != "@agent" || len(r.onlyOnce(concept)) != 1) {
		return ""
	}
	return first(r.values(concept))
}
