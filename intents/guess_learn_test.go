package intents

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

var learnNow = flag.Bool("learn", false, "learn guess.model anew from the labelled questions")

// What is learned how long and how carefully. Found by learning from all but one
// writer's questions and asking those.
const (
	epochs      = 40
	firstStep   = 0.25 // of the first epoch
	decay       = 1e-5 // per example and epoch, of the weights
	seenOften   = 2    // a feature seen in fewer questions is left out
	leastWeight = 3    // of 127: smaller ones are left out
)

// learnedSets are what guess.model is learned from.
var learnedSets = []string{tuned, training}

const training = "training.jsonl"

// lesson is a labelled question, or a word or argument of one, as a classifier
// sees it.
type lesson struct {
	features []feature
	class    string
}

// linear is a classifier while it learns.
type linear struct {
	classes []string
	index   map[uint32]int
	weights []float32 // by feature, then class
}

// learn is logistic regression by gradient descent, always in the same order.
func learn(lessons []lesson) *linear {
	m := &linear{index: map[uint32]int{}}
	seen, classes := map[uint32]int{}, map[string]bool{}
	for _, s := range lessons {
		classes[s.class] = true
		for _, f := range s.features {
			seen[f.hash]++
		}
	}
	m.classes = slices.Sorted(maps.Keys(classes))
	for _, h := range slices.Sorted(maps.Keys(seen)) {
		if seen[h] >= seenOften {
			m.index[h] = len(m.index)
		}
	}
	m.weights = make([]float32, len(m.index)*len(m.classes))
	order := rand.New(rand.NewPCG(1, 2))
	for epoch := range epochs {
		step := firstStep / (1 + 0.3*float64(epoch))
		for _, i := range order.Perm(len(lessons)) {
			m.step(lessons[i], step)
		}
		keep := float32(math.Pow(1-decay*step, float64(len(lessons))))
		for i := range m.weights {
			m.weights[i] *= keep
		}
	}
	return m
}

// of is the stretch of weights of a feature, nil for one left out.
func (m *linear) of(hash uint32) []float32 {
	i, ok := m.index[hash]
	if !ok {
		return nil
	}
	n := len(m.classes)
	return m.weights[i*n : (i+1)*n]
}

func (m *linear) probabilities(fs []feature) []float64 {
	sum := make([]float64, len(m.classes))
	for _, f := range fs {
		for c, w := range m.of(f.hash) {
			sum[c] += f.value * float64(w)
		}
	}
	return softmax(sum)
}

func (m *linear) step(s lesson, rate float64) {
	ps := m.probabilities(s.features)
	class, _ := slices.BinarySearch(m.classes, s.class)
	ps[class]--
	for _, f := range s.features {
		ws := m.of(f.hash)
		for c := range ws {
			ws[c] -= float32(rate * ps[c] * f.value)
		}
	}
}

// stored is the classifier in the form of guess.model.
func (m *linear) stored(name string) []byte {
	top := float32(0)
	for _, w := range m.weights {
		top = max(top, w, -w)
	}
	scale := float64(top) / 127
	var hashes, ends, pairs bytes.Buffer
	n := 0
	for _, h := range slices.Sorted(maps.Keys(m.index)) {
		before := pairs.Len()
		for c, w := range m.of(h) {
			if q := int8(math.Round(float64(w) / scale)); q >= leastWeight || q <= -leastWeight {
				pairs.Write([]byte{byte(c), byte(q)})
			}
		}
		if pairs.Len() == before {
			continue
		}
		n++
		_ = binary.Write(&hashes, binary.LittleEndian, h)
		_ = binary.Write(&ends, binary.LittleEndian, uint32(pairs.Len()/2))
	}
	var body, out bytes.Buffer
	_ = binary.Write(&body, binary.LittleEndian, math.Float64bits(scale))
	_ = binary.Write(&body, binary.LittleEndian, uint32(n))
	for _, b := range []*bytes.Buffer{&hashes, &ends, &pairs} {
		body.Write(b.Bytes())
	}
	names := make([]string, len(m.classes))
	for i, c := range m.classes {
		names[i] = cmp.Or(strings.ReplaceAll(c, " ", "+"), "-")
	}
	fmt.Fprintf(&out, "%s %d %s\n", name, body.Len(), strings.Join(names, " "))
	out.Write(body.Bytes())
	return out.Bytes()
}

// learnAll learns every classifier from labelled questions.
func learnAll(ls []labelled, fingerprint string) []byte {
	lessons := map[string][]lesson{}
	for _, l := range ls {
		r := read(l.question())
		lessons[guessIntent] = append(lessons[guessIntent], lesson{r.features(), l.Want})
		if spec, ok := SpecByName(r.q.Specs, l.Want); ok {
			for name, more := range argumentLessons(r, spec, l.Args) {
				lessons[name] = append(lessons[name], more...)
			}
		}
	}
	for _, s := range allSpecs() {
		for _, e := range s.Examples {
			l := lesson{read(labelled{Text: inWords(e)}.question()).features(), s.Name}
			lessons[guessIntent] = append(lessons[guessIntent], l, l)
		}
	}
	lessons[guessIntent] = append(lessons[guessIntent], orderLessons()...)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\n%s\n", modelMagic, fingerprint)
	for _, name := range slices.Sorted(maps.Keys(lessons)) {
		out.Write(learn(lessons[name]).stored(name))
	}
	return out.Bytes()
}

// orderLessons are orders as people dress them, and talk about orders that is
// none: one verb for each dress in turn.
func orderLessons() []lesson {
	var out []lesson
	add := func(text, agent, class string) {
		out = append(out, lesson{read(labelled{Text: strings.Replace(text, "%s", agent, 1)}.question()).features(), class})
	}
	verbs, all := slices.Sorted(maps.Keys(switchVerbs)), allOrders()
	for i, d := range dresses {
		for k := range 6 {
			verb := verbs[(6*i+k)%len(verbs)]
			add(strings.Replace(d, "%s", verb, 1), "SLA Watch", switchVerbs[verb])
		}
	}
	for i, d := range talk {
		for k := range 6 {
			add(strings.Replace(d, "%s", all[(6*i+k)%len(all)], 1), "SLA Watch", classAsk)
		}
	}
	return out
}

// inWords is an example with something for each argument.
func inWords(example string) string {
	return strings.NewReplacer("<agent>", "Dispatch", "<ticket>", "48213", "<run>", "9f3c21", "<when>", "yesterday", "<month>", "last month", "<name>", "Night Shift",
		"<company>", "Contoso", "<integration>", "HaloPSA", "<template>", "Backup Report", "<skill>", "Ticket Etiquette", "<session>", "VPN trouble", "<request>", "912",
		"<handover>", "h-7", "<value>", "8", "<text>", "be brief", "<operation>", "list skills").Replace(example)
}

// argumentLessons are what a question teaches about its arguments.
func argumentLessons(r *reading, spec Spec, want map[string]string) map[string][]lesson {
	out := map[string][]lesson{}
	for _, a := range spec.Args {
		switch {
		case guessedArgs[a.Name]:
			out[a.Name] = append(out[a.Name], lesson{r.argFeatures(spec, a), want[a.Name]})
		case slotArgs[a.Name] && want[a.Name] != "*":
			from, to, ok := r.placeOf(want[a.Name])
			if !ok && want[a.Name] != "" {
				continue
			}
			tag := tagOutside
			for i := range r.toks {
				fs := r.slotFeatures(spec, a, i, tag)
				switch {
				case i == from:
					tag = tagFirst
				case i > from && i < to:
					tag = tagLater
				default:
					tag = tagOutside
				}
				out[guessSlot] = append(out[guessSlot], lesson{fs, tag})
			}
		}
	}
	carried := r.carried()
	for _, name := range slices.Sorted(maps.Keys(carried)) { // always in the same order
		value := carried[name]
		if a, ok := spec.Arg(name); ok && !guessedArgs[name] && !saidItself(r, spec, a, want[name]) {
			class := carryNo
			if want[name] == value {
				class = carryYes
			}
			out[guessCarry] = append(out[guessCarry], lesson{r.carryFeatures(spec, name), class})
		}
	}
	return out
}

// saidItself reports whether a message gives an argument itself, as far as that can
// be told without what was learned before.
func saidItself(r *reading, s Spec, a Arg, want string) bool {
	switch {
	case slotArgs[a.Name]:
		_, _, ok := r.placeOf(want)
		return ok
	case a.Name == "number":
		return firstNumber.MatchString(r.text)
	}
	return r.argument(s, a) != ""
}

// placeOf finds where in the message a value was said.
func (r *reading) placeOf(value string) (from, to int, ok bool) {
	want := words(value)
	if len(want) == 0 {
		return -1, -1, false
	}
	for i := range r.toks {
		for j := i + 1; j <= len(r.toks); j++ {
			if slices.Equal(words(r.raw(i, j)), want) {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// wordsOf are the words of two questions and more; those written in haste do not
// count.
func wordsOf(ls []labelled) []string {
	in := map[string]int{}
	for _, l := range ls {
		if l.Kind == "typo" {
			continue
		}
		said := words(l.Text)
		slices.Sort(said)
		for _, w := range slices.Compact(said) {
			if len(w) >= shortestWord && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == "" {
				in[w]++
			}
		}
	}
	slip := func(w string) bool {
		return in[w] < rareWord && slices.ContainsFunc(vocabulary()[w[0]], func(v string) bool { return in[v] > 30*in[w] && slips([]rune(w), []rune(v)) == 1 })
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(in)), func(w string) bool { return in[w] < seenOften || slip(w) })
}

// rareWord: a word in fewer questions, and a letter away from one in many, is a slip.
const rareWord = 6

const shortestWord = 4

// fingerprint of the labelled questions.
func fingerprint(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	for _, file := range learnedSets {
		raw, err := os.ReadFile("testdata/router/" + file)
		check(t, err)
		sum.Write(raw)
	}
	for _, s := range allSpecs() {
		_, _ = fmt.Fprintln(sum, s.Name, s.Examples)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TestLearned: guess.model is learned from the labelled questions as they are.
// With -learn it is learned anew.
func TestLearned(t *testing.T) {
	want := fingerprint(t)
	if *learnNow {
		var all []labelled
		for _, file := range learnedSets {
			all = append(all, labels(t, file)...)
		}
		known := strings.Join(wordsOf(all), "\n") + "\n"
		check(t, os.WriteFile("guess.words", []byte(known), 0o600))
		set := wordSet(known)
		learnedWords = func() map[string]bool { return set } // instead of those of the last time
		raw := learnAll(all, want)
		check(t, os.WriteFile("guess.model", raw, 0o600))
		t.Logf("guess.model: %d bytes from %d questions", len(raw), len(all))
		return
	}
	if learned().sets != want {
		t.Error("guess.model was learned from other questions: run make learn")
	}
}
