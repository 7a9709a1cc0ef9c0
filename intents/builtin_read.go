package intents

import (
	"slices"
	"strings"
	"sync"
	"unicode"
)

// What is looked at of a message. A longer one is never an order: its end, which
// nobody reads, could take back its beginning.
const (
	maxTokens = 160
	maxBytes  = 8 << 10
)

// token is a word of the message.
type token struct {
	w      string // plain form, spelling corrected
	start  int    // bytes of the message it came from
	end    int
	stop   rune // punctuation after it: one of . ? ! , ; : newline, or 0
	quoted bool // somebody else's words, never an instruction
}

// item is a stretch of tokens with a meaning: a concept of the lexicon, "@agent",
// "@ticket", "@run", "@when", or "" for a word without one.
type item struct {
	concept  string
	from, to int // tokens
	value    string
}

// reading is a message taken apart.
type reading struct {
	q     Question
	text  string
	toks  []token
	items []item
	names nameIndex
	cut   bool // longer than what is looked at

	said   concepts // of the whole message
	attack *bool    // isHostile, once asked

	guessed []guess // guesses, once asked
	lost    float64 // share of what the catalog does not offer
	asked   [2]int  // the sentence that asks, once looked for
}

// concepts is a set of them.
type concepts map[string]bool

// read takes a message apart: words, spelling, names, numbers, times, concepts.
func read(q Question) *reading {
	r := &reading{q: q, cut: len(q.Text) > maxBytes}
	r.text = visible(q.Text[:min(len(q.Text), maxBytes)])
	r.toks = joinSpelled(withoutUms(tokens(r.text)))
	r.cut = r.cut || len(r.toks) >= maxTokens
	r.names = indexNames(knownNames(q))
	r.correct()
	taken := make([]bool, len(r.toks))
	r.take(taken, r.tickets())
	r.take(taken, r.agents(taken))
	r.take(taken, r.times(taken))
	r.take(taken, r.concepts(taken))
	slices.SortFunc(r.items, func(a, b item) int { return a.from - b.from })
	r.said = r.conceptsFrom(0)
	return r
}

// conceptsFrom are those of the items from a token on. "It" is the agent of the
// last turn.
func (r *reading) conceptsFrom(token int) concepts {
	out := concepts{}
	for _, it := range r.items {
		if it.from >= token {
			out[it.concept] = true
		}
	}
	delete(out, "")
	if r.meansLast() {
		out["@agent"] = true
	}
	return out
}

// term is a part of a refusal's concepts: one of some, or none of them.
type term struct {
	not bool
	any []string
}

func terms(when string) []term {
	var out []term
	for t := range strings.FieldsSeq(when) {
		bare := strings.TrimPrefix(t, "!")
		out = append(out, term{bare != t, strings.Split(bare, "|")})
	}
	return out
}

func (c concepts) fit(ts []term) bool {
	for _, t := range ts {
		if slices.ContainsFunc(t.any, func(name string) bool { return c[name] }) == t.not {
			return false
		}
	}
	return true
}

// visible drops characters nobody sees (format, bidi and control characters).
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return c
		case unicode.IsSpace(c):
			return ' '
		case unicode.In(c, unicode.Cf, unicode.Cc, unicode.Co, unicode.Cs) || c == unicode.ReplacementChar:
			return -1
		}
		return c
	}, s)
}

// tokens splits a message into words. "don't" is two words with one place.
func tokens(text string) []token {
	var out []token
	quotes := quotedParts(text)
	for i := 0; i < len(text) && len(out) < maxTokens; {
		n := wordLen(text[i:])
		if n == 0 {
			if sign, w := signAt(text[i:]); w != "" {
				out = append(out, token{w: w, start: i, end: i + len(sign), quoted: inParts(quotes, i)})
				i += len(sign)
				continue
			}
			c, size := decode(text[i:])
			if k := len(out) - 1; k >= 0 && strings.ContainsRune(".?!,;:\n", c) && (out[k].stop == 0 || c == '?') {
				out[k].stop = c
			}
			i += size
			continue
		}
		plain := strings.Trim(strings.ReplaceAll(fold(text[i:i+n]), "’", "'"), "'-")
		for _, w := range strings.Fields(apart(plain)) {
			out = append(out, token{w: w, start: i, end: i + n, quoted: inParts(quotes, i)})
		}
		i += n
	}
	return out
}

// signs stand for a word: "rename Dispatch -> Night Dispatch".
var signs = map[string]string{"-> ": "to", "→ ": "to", "=> ": "to", "@ ": "at"}

// signAt is the sign a text begins with, and its word.
func signAt(text string) (sign, word string) {
	for sign, word := range signs {
		if strings.HasPrefix(text, sign) {
			return strings.TrimSpace(sign), word
		}
	}
	return "", ""
}

// wordLen is the length of the word s begins with: letters and digits, with
// signs inside ("2026-11-20", "don't", "update_agent"), a leading '/' or '#'.
func wordLen(s string) int {
	n := 0
	for i, c := range s {
		inner := strings.ContainsRune("'’-_./:", c) && i > 0 && followedByWord(s[i:]) && (c == '\'' || c == '’' || c == '_' || c == '-' || digitBefore(s[:i]))
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.Is(unicode.Mn, c) && !inner && (i != 0 || !strings.ContainsRune("/#", c)) {
			return n
		}
		if n = i + len(string(c)); i == 0 && strings.ContainsRune("/#", c) && !followedByWord(s) {
			return 0
		}
	}
	return n
}

func digitBefore(s string) bool { return s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' }

// followedByWord reports whether a letter or digit comes after the first character.
func followedByWord(s string) bool {
	_, size := decode(s)
	c, _ := decode(s[size:])
	return unicode.IsLetter(c) || unicode.IsDigit(c)
}

func decode(s string) (rune, int) {
	for i, c := range s {
		_ = i
		return c, len(string(c))
	}
	return 0, 0
}

// apart takes contractions and hyphens apart: "what's" is "what is".
func apart(w string) string {
	if to, ok := respelled[strings.ReplaceAll(w, "'", "")]; ok && w != "we'll" {
		return to
	}
	for _, e := range contractions {
		if rest, ok := strings.CutSuffix(w, e.end); ok && rest != "" {
			return rest + e.to
		}
	}
	if strings.HasPrefix(w, "re-") {
		w = "re" + w[3:]
	}
	if strings.ContainsFunc(w, unicode.IsDigit) {
		return w
	}
	return unhyphen.Replace(w)
}

var (
	unhyphen     = strings.NewReplacer("-", " ", "'", "")
	contractions = []struct{ end, to string }{
		{"n't", " not"}, {"'s", " is"}, {"'re", " are"}, {"'m", " am"}, {"'ve", " have"}, {"'ll", " will"}, {"'d", " would"},
	}
)

// quotedParts are the byte ranges of the message that are somebody else's
// words: between quotation marks, in a code span, in a quoted line.
func quotedParts(text string) [][2]int {
	var out [][2]int
	at := 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		if t := strings.TrimSpace(line); strings.HasPrefix(t, ">") || strings.HasPrefix(t, "&gt;") {
			out = append(out, [2]int{at, at + len(line)})
		}
		at += len(line)
	}
	marks := map[rune]rune{'"': '"', '“': '”', '„': '“', '«': '»', '`': '`', '\'': '\'', '‘': '’'}
	for i := 0; i < len(text); {
		c, size := decode(text[i:])
		end, ok := marks[c]
		before, _ := lastRune(text[:i])
		if !ok || unicode.IsLetter(before) || unicode.IsDigit(before) {
			i += size
			continue
		}
		n := strings.IndexRune(text[i+size:], end)
		if n <= 0 {
			i += size
			continue
		}
		out = append(out, [2]int{i, i + size + n})
		i += size + n + len(string(end))
	}
	return out
}

func lastRune(s string) (rune, bool) {
	var last rune
	for _, c := range s[max(0, len(s)-4):] {
		last = c
	}
	return last, s != ""
}

func inParts(parts [][2]int, at int) bool {
	return slices.ContainsFunc(parts, func(p [2]int) bool { return at >= p[0] && at < p[1] })
}

// vocabulary is every word of the lexicon, of commands and of times, by first letter.
var vocabulary = sync.OnceValue(func() map[byte][]string {
	set := map[string]bool{}
	add := func(phrases string) {
		for _, w := range strings.FieldsFunc(phrases, func(c rune) bool { return c == ' ' || c == '|' }) {
			set[w] = true
		}
	}
	for _, phrases := range lexicon {
		add(phrases)
	}
	for _, c := range slices.Concat(commands, moreCommands) {
		add(strings.ReplaceAll(c.verbs, "_", ""))
	}
	add("since last week weeks month months night nights last hours minutes compare between version versions customer company companies template integration today yesterday tonight overnight monday tuesday wednesday thursday friday saturday sunday hours days weeks months " +
		"january february march april june july august september october november december could would please everything everyone")
	out := map[byte][]string{}
	for w := range set {
		out[w[0]] = append(out[w[0]], w)
	}
	for _, ws := range out {
		slices.Sort(ws)
	}
	return out
})

// correct respells words that are no words, unless they are (or nearly are) a
// word of an agent's name, which is what was more likely meant.
func (r *reading) correct() {
	for i := range r.toks {
		w := r.toks[i].w
		if w == "of" && i > 0 && (r.toks[i].stop != 0 || i == len(r.toks)-1) {
			r.toks[i].w = "off" // "which agents are of?"
		}
		if len(w) < 4 || plainWords[w] || isWord(w) || strings.ContainsFunc(w, func(c rune) bool { return c < 'a' || c > 'z' }) || r.names.has(w) {
			continue
		}
		if best := nearestWord(w); best != "" {
			r.toks[i].w = best
		} else if name := r.names.slip(w); name != "" {
			r.toks[i].w = name
		}
	}
}

// nearestWord of the vocabulary, w itself when it is one, "" when none is near.
func nearestWord(w string) string {
	if _, known := slices.BinarySearch(vocabulary()[w[0]], w); known {
		return w
	}
	best, bestSlips := "", 3
	letters := []byte{w[0]}
	if w[1] != w[0] {
		letters = append(letters, w[1])
	}
	for _, first := range letters {
		for _, v := range vocabulary()[first] {
			allowed := 1
			if min(len(w), len(v)) >= 8 {
				allowed = 2
			}
			if len(v) < 4 || len(v)-len(w) > allowed || len(w)-len(v) > allowed {
				continue
			}
			n := slips([]rune(w), []rune(v))
			if len(w) == 4 && n == 1 && len(v) == 4 && !swapped(w, v) {
				continue
			}
			if n <= allowed && n < bestSlips {
				best, bestSlips = v, n
			}
		}
	}
	return best
}

// swapped reports whether two words of one length have the same letters.
func swapped(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// take keeps the items whose tokens are still free.
func (r *reading) take(taken []bool, items []item) {
	for _, it := range items {
		if slices.Contains(taken[it.from:it.to], true) {
			continue
		}
		for i := it.from; i < it.to; i++ {
			taken[i] = true
		}
		r.items = append(r.items, it)
	}
}

// raw is the message's own text for tokens.
func (r *reading) raw(from, to int) string {
	if from >= to {
		return ""
	}
	end := r.toks[to-1].end
	s := r.text[r.toks[from].start:end]
	if strings.Count(s, "(") > strings.Count(s, ")") && strings.HasPrefix(r.text[end:], ")") {
		s += ")" // "Triage (night)"
	}
	return strings.TrimSpace(s)
}

func (r *reading) hasOne(concepts string) bool {
	for c := range strings.SplitSeq(concepts, "|") {
		if r.said[c] {
			return true
		}
	}
	return false
}

// values of a concept's items, in order.
func (r *reading) values(concept string) []string {
	var out []string
	for _, it := range r.items {
		if it.concept == concept {
			out = append(out, it.value)
		}
	}
	return out
}
