package intents

import (
	"cmp"
	_ "embed"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// What the built-in router does not know by grammar it guesses: a linear
// classifier over the words, pairs of words, pieces of words and concepts of a
// message, learned from labelled questions (testdata/router) by
// `make learn`. A guess is only ever a proposal, like a model's pick: a write
// still has to pass the guard and to name what it is about.

//go:embed guess.model
var guessModel string

// guessWords are the words people write, out of the same questions, one a line in
// order: nothing is taken for a misspelt one of them.
//
//go:embed guess.words
var guessWords string

var learnedWords = sync.OnceValue(func() map[string]bool { return wordSet(guessWords) })

func isWord(w string) bool { return learnedWords()[w] }

// guess is a class with its probability: an intent, classAsk, or "" for a
// message that is not for this bot.
type guess struct {
	name string
	p    float64
}

// classAsk is the class of messages that must be asked back.
const classAsk = "ask"

// feature is something about a message: a hash of what it is, and how much of it
// there is. All of a message's together have the length featureNorm.
type feature struct {
	hash  uint32
	value float64
}

const (
	featureNorm  = 4.0
	pieceValue   = 0.4
	longestPiece = 4
	fewWords     = 4
)

// featureSet collects features; one that is added twice counts once.
type featureSet struct{ all []feature }

func (s *featureSet) add(kind, text string, value float64) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(kind))
	_, _ = h.Write([]byte(text))
	s.all = append(s.all, feature{h.Sum32(), value})
}

// features of the message, in order of their hashes.
func (r *reading) features() []feature {
	set := r.messageFeatures()
	return set.scaled()
}

func (r *reading) messageFeatures() *featureSet {
	set := &featureSet{all: make([]feature, 0, 20*len(r.toks)+20)}
	set.add("bias", "", 1)
	words := r.featureWords()
	for i, w := range words {
		set.add("u:", w, 1)
		set.add("b:", prior(words, i)+"_"+w, 1)
		addPieces(set, w)
	}
	if n := len(words); n > 0 {
		set.add("b:", words[n-1]+"_$", 1)
	}
	for _, it := range r.items {
		if it.concept != "" {
			set.add("k:", it.concept, 1)
		}
	}
	for _, c := range r.text {
		if unicode.Is(unicode.So, c) {
			set.add("e:", string(c), 1)
		}
	}
	if slices.ContainsFunc(r.toks, func(t token) bool { return t.stop == '?' }) {
		set.add("?", "", 1)
	}
	if n := len(r.q.History); n > 0 {
		last := r.q.History[n-1].Intent.Name
		set.add("h", "", 1)
		set.add("p:", last, 1)
		if len(words) <= fewWords {
			set.add("p4:", last, 1)
		}
	}
	return set
}

// scaled are the features with the length featureNorm.
func (s *featureSet) scaled() []feature {
	sum := 0.0
	slices.SortFunc(s.all, func(a, b feature) int { return cmp.Compare(a.hash, b.hash) })
	out := slices.CompactFunc(s.all, func(a, b feature) bool { return a.hash == b.hash })
	for _, f := range out {
		sum += f.value * f.value
	}
	for i := range out {
		out[i].value *= featureNorm / math.Sqrt(sum)
	}
	return out
}

func prior(words []string, i int) string {
	if i == 0 {
		return "^"
	}
	return words[i-1]
}

// addPieces adds the pieces of three and four letters of a longer word.
func addPieces(s *featureSet, w string) {
	if len(w) < longestPiece || strings.ContainsAny(w[:1], "@\"") {
		return
	}
	w = "<" + w + ">"
	for n := longestPiece - 1; n <= longestPiece; n++ {
		for i := 0; i+n <= len(w); i++ {
			s.add("c:", w[i:i+n], pieceValue)
		}
	}
}

// featureWords are the message's words; names, numbers and times stand as what
// they are, and somebody else's words are marked.
func (r *reading) featureWords() []string {
	out := make([]string, 0, len(r.toks))
	for _, it := range r.items {
		if strings.HasPrefix(it.concept, "@") { // a name in quotation marks is only careful
			out = append(out, it.concept)
			continue
		}
		for i := it.from; i < it.to; i++ {
			out = append(out, marked(r.toks[i].w, r.toks[i].quoted))
		}
	}
	return out
}

func marked(w string, quoted bool) string {
	if quoted {
		return `"` + w
	}
	return w
}

// classifier is one of guess.model's as it is stored: little-endian, features in
// order of their hashes, each with its weights per class, as pairs of bytes.
type classifier struct {
	classes []string
	scale   float64 // of a weight
	hashes  string  // 4 bytes each
	ends    string  // of each feature's pairs, 4 bytes each
	pairs   string  // class, weight as int8
}

// The classifiers of guess.model. An argument that has one is named like it.
const (
	guessIntent = "intent"
	guessSlot   = "slot"  // per word: outside, first or later word of a name
	guessCarry  = "carry" // per argument of the last turn: whether it still holds
)

const modelMagic = "neobot guess 1"

// guessers are guess.model taken apart.
type guessers struct {
	sets string // fingerprint of the labelled questions they were learned from
	by   map[string]classifier
}

// learned are the classifiers of this build.
var learned = sync.OnceValue(func() guessers {
	g, ok := parseGuessers(guessModel)
	if !ok {
		panic("intents: guess.model is not readable: run make learn")
	}
	return g
})

// parseGuessers reads the magic, the fingerprint, and classifiers until the end:
// each a line "name size class class …", with "-" for the empty class and "+" for a
// space, and so many bytes.
func parseGuessers(s string) (guessers, bool) {
	magic, s, _ := strings.Cut(s, "\n")
	sets, s, ok := strings.Cut(s, "\n")
	g := guessers{sets: sets, by: map[string]classifier{}}
	if magic != modelMagic || !ok {
		return g, false
	}
	for s != "" {
		line, rest, _ := strings.Cut(s, "\n")
		head := strings.Fields(line)
		if len(head) < 3 {
			return g, false
		}
		size, err := strconv.Atoi(head[1])
		if err != nil || size < 0 || size > len(rest) {
			return g, false
		}
		c, ok := parseClassifier(head[2:], rest[:size])
		if !ok {
			return g, false
		}
		g.by[head[0]] = c
		s = rest[size:]
	}
	return g, true
}

// parseClassifier points at the parts of a stored classifier.
func parseClassifier(classes []string, body string) (classifier, bool) {
	c := classifier{classes: slices.Clone(classes)}
	for i, name := range c.classes {
		c.classes[i] = strings.TrimPrefix(strings.ReplaceAll(name, "+", " "), "-")
	}
	if len(body) < 12 {
		return c, false
	}
	c.scale = math.Float64frombits(binary.LittleEndian.Uint64([]byte(body[:8])))
	n := int(at32(body[8:], 0))
	body = body[12:]
	if len(body) < 8*n {
		return c, false
	}
	c.hashes, c.ends, c.pairs = body[:4*n], body[4*n:8*n], body[8*n:]
	return c, n == 0 || 2*int(at32(c.ends, n-1)) == len(c.pairs)
}

// at32 is the i-th number of a packed list.
func at32(s string, i int) uint32 {
	return uint32(s[4*i]) | uint32(s[4*i+1])<<8 | uint32(s[4*i+2])<<16 | uint32(s[4*i+3])<<24
}

// find is the index of a feature, -1 for one never seen.
func (c classifier) find(hash uint32) int {
	lo, hi := 0, len(c.hashes)/4
	for lo < hi {
		if mid := (lo + hi) / 2; at32(c.hashes, mid) < hash {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(c.hashes)/4 && at32(c.hashes, lo) == hash {
		return lo
	}
	return -1
}

// probabilities of the classes.
func (c classifier) probabilities(fs []feature) []float64 {
	sum := make([]float64, len(c.classes))
	for _, f := range fs {
		i := c.find(f.hash)
		if i < 0 {
			continue
		}
		from := 0
		if i > 0 {
			from = int(at32(c.ends, i-1))
		}
		for k := from; k < int(at32(c.ends, i)); k++ {
			sum[c.pairs[2*k]] += f.value * c.scale * float64(int8(c.pairs[2*k+1])) //nolint:gosec // stored as int8
		}
	}
	return softmax(sum)
}

func softmax(xs []float64) []float64 {
	top, sum := slices.Max(xs), 0.0
	for i, x := range xs {
		xs[i] = math.Exp(x - top)
		sum += xs[i]
	}
	for i := range xs {
		xs[i] /= sum
	}
	return xs
}

// best class of some features, and its probability.
func (c classifier) best(fs []feature) (string, float64) {
	ps := c.probabilities(fs)
	top := 0
	for i, p := range ps {
		if p > ps[top] {
			top = i
		}
	}
	return c.classes[top], ps[top]
}

// storyNothing is how little it means that one sentence of a story alone is
// nothing for this bot.
const storyNothing = 0.3

// mixed are the probabilities of the whole message, and as much of its sentences
// one by one when it has several: a story hides the question in it.
func (r *reading) mixed(c classifier) []float64 {
	out := c.probabilities(r.features())
	var parts [][2]int
	for _, p := range r.sentences() {
		if p[1]-p[0] > 2 {
			parts = append(parts, p)
		}
	}
	if len(parts) < 2 {
		return out
	}
	for _, p := range parts {
		for i, likely := range c.probabilities(r.part(p).features()) {
			if c.classes[i] == "" {
				likely *= storyNothing
			}
			out[i] += likely / float64(len(parts))
		}
	}
	sum := 0.0
	for _, p := range out {
		sum += p
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// part is a sentence of the message as a message.
func (r *reading) part(p [2]int) *reading {
	q := r.q
	q.Text = r.raw(p[0], p[1]) + r.stopAt(p[1]-1)
	return read(q)
}

// leastLike is how much of a message and an example must be in common for an
// intent that nothing was learned about.
const leastLike = 0.4

// guesses are the classes the catalog has, likeliest first, and the intents newer
// than the classifier. There is always one: "" for none.
func (r *reading) guesses() []guess {
	if r.guessed == nil {
		r.lost = 0
		c := learned().by[guessIntent]
		for i, p := range r.mixed(c) {
			if name := c.classes[i]; name == "" || name == classAsk || r.offers(name) {
				r.guessed = append(r.guessed, guess{name, p})
			} else {
				r.lost += p
			}
		}
		for _, s := range r.q.Specs {
			if s.Write || !isNew(s.Name) {
				continue
			}
			if like := float64(r.likeness(s)) / mostLike; like >= leastLike {
				r.guessed = append(r.guessed, guess{s.Name, like})
			}
		}
		slices.SortStableFunc(r.guessed, func(a, b guess) int { return cmp.Compare(b.p, a.p) })
	}
	return r.guessed
}
