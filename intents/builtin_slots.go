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
	runID        = regexp.MustCompile(`^#?(\d{1,18}|[0-9a-f]{6,16}|[0-9a-f]{8}-[0-9a-f-]{27}|(?:exec?|run)[_-][0-9a-z_-]*\d[0-9a-z_-]*)$`)
	runIDAlone   = regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f-]{27}|(?:exec?|run)[_-][0-9a-z_-]*\d[0-9a-z_-]*)$`)
)

// tickets finds numbers of tickets and of runs. A number after "run" is a run,
// any other of three digits and more is a ticket.
func (r *reading) tickets() []item {
	var out []item
	for i, t := range r.toks {
		prev, prev2 := r.word(i-1), r.word(i-2)
		switch {
		case runIDAlone.MatchString(t.w) || shortHex(t.w):
			out = append(out, item{concept: "@run", from: i, to: i + 1, value: r.spelled(i)})
		case autotaskNo.MatchString(t.w):
			out = append(out, item{concept: "@ticket", from: i, to: i + 1, value: strings.TrimPrefix(r.spelled(i), "#")})
		case !ticketNumber.MatchString(t.w) && (!isRunWord(prev) || !runID.MatchString(t.w)):
		case isRunWord(prev) || isIDWord(prev) && isRunWord(prev2):
			if prev != "run" || !r.unitAfter(i) {
				out = append(out, item{concept: "@run", from: i, to: i + 1, value: strings.TrimPrefix(r.spelled(i), "#")})
			}
		case r.unitAfter(i) || months[prev] != 0 || prev == "request" || prev == "til" || isIDWord(prev) && prev2 == "request":
			if !r.unitAfter(i) && months[prev] == 0 {
				out = append(out, item{concept: "@request", from: i, to: i + 1, value: strings.TrimPrefix(t.w, "#")})
			}
		case len(strings.TrimPrefix(t.w, "#")) == 4 && !strings.HasPrefix(t.w, "#") && strings.HasPrefix(t.w, "20") && !isTicketWord(prev):
			// A year.
		default:
			out = append(out, item{concept: "@ticket", from: i, to: i + 1, value: ticketNumber.FindStringSubmatch(t.w)[1]})
		}
	}
	return out
}

// shortHex: "9f3c21" is the beginning of a run's id, "203112" a ticket.
func shortHex(w string) bool {
	w = strings.TrimPrefix(w, "#")
	return len(w) >= 6 && len(w) <= 16 && strings.ContainsAny(w, "0123456789") && strings.ContainsAny(w, "abcdef") && strings.Trim(w, "0123456789abcdef") == ""
}

// spelled is a number as it was written, or what was dictated.
func (r *reading) spelled(i int) string {
	if s := r.raw(i, i+1); !strings.Contains(s, " ") {
		return s
	}
	return r.toks[i].w
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
			for _, p := range []string{"on ", "in ", "during ", "within ", "the "} {
				said = strings.TrimPrefix(said, p)
			}
			if !strings.Contains(said, " to ") && !strings.Contains(said, " onward") && !strings.Contains(said, " until ") {
				said = strings.TrimPrefix(said, "from ")
			}
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
	if r.bareDuration(i, j) {
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

// bareDuration: "a minute", "within five minutes" are no time to look at, "last
// five minutes" and "24 hours" are.
func (r *reading) bareDuration(i, j int) bool {
	if r.plain(i, j) == "these days" {
		return true
	}
	unit := unitOf(r.toks[j-1].w)
	if unit == 0 || r.toks[i].w[0] >= '0' && r.toks[i].w[0] <= '9' && !strings.HasPrefix(r.toks[j-1].w, "min") {
		return false
	}
	return !slices.ContainsFunc(r.toks[i:j], func(t token) bool { return backward[t.w] })
}

var backward = wordSet("last past previous this since current these after before between from ago day today yesterday")

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
