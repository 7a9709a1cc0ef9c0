package intents

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// guessedArgs are the arguments with few values, each with a classifier of its
// own: people say "what blew up?" for failed runs in more ways than a list holds.
var guessedArgs = wordSet("status state calls mine setting")

// slotArgs are names and values that stand in the message as they are.
var slotArgs = wordSet("name template company integration skill session backfill handover value")

// argFeatures are those of the message, with what the argument was in the last
// turn and, where arguments of two intents have one name, of which it is.
func (r *reading) argFeatures(s Spec, a Arg) []feature {
	set := r.messageFeatures()
	set.add("i:", s.Name, 1)
	if n := len(r.q.History); n > 0 {
		last := r.q.History[n-1].Intent
		set.add("was:", last.Args[a.Name], 1)
		if last.Name == s.Name {
			set.add("again:", last.Args[a.Name], 1)
		}
	}
	return set.scaled()
}

// guessArg is the likeliest value of an argument with few values.
func (r *reading) guessArg(s Spec, a Arg) (string, bool) {
	c, ok := learned().by[a.Name]
	if !ok || !guessedArgs[a.Name] {
		return "", false
	}
	v, _ := c.best(r.argFeatures(s, a))
	return v, v == "" || slices.Contains(a.Enum, v)
}

// Tags of words by guessSlot.
const (
	tagOutside = "outside"
	tagFirst   = "first"
	tagLater   = "later"
)

// slotFeatures are what tells whether token i belongs to an argument's value:
// it, its neighbours, how it is written, and the tag of the word before.
func (r *reading) slotFeatures(s Spec, a Arg, i int, before string) []feature {
	set := &featureSet{}
	both := func(kind, text string) {
		set.add(kind, text, 1)
		set.add(a.Name+kind, text, 1)
	}
	for d := -2; d <= 2; d++ {
		both(string(rune('c'+d))+":", r.slotWord(i+d))
	}
	both("lr:", r.slotWord(i-1)+"_"+r.slotWord(i+1))
	both("l2:", r.slotWord(i-2)+"_"+r.slotWord(i-1))
	both("r2:", r.slotWord(i+1)+"_"+r.slotWord(i+2))
	both("t:", before)
	both("tl:", before+"_"+r.slotWord(i-1))
	both("tw:", before+"_"+r.slotWord(i))
	both("s:", r.shape(i-1)+r.shape(i)+r.shape(i+1))
	both("ts:", before+r.shape(i))
	set.add("i:"+s.Name, before, 1)
	return set.scaled()
}

// slotWord is token i as a feature: names and numbers as what they are.
func (r *reading) slotWord(i int) string {
	if i < 0 {
		return "^"
	}
	if i >= len(r.toks) {
		return "$"
	}
	for _, it := range r.items {
		if i >= it.from && i < it.to && strings.HasPrefix(it.concept, "@") {
			return it.concept
		}
	}
	if w := r.toks[i].w; !strings.ContainsFunc(w, unicode.IsDigit) {
		return w
	}
	return "0"
}

// shape of token i: how it is written, and what stands behind it.
func (r *reading) shape(i int) string {
	if i < 0 || i >= len(r.toks) {
		return "."
	}
	t := r.toks[i]
	s, out := r.text[t.start:t.end], "w"
	switch {
	case strings.ContainsFunc(s, unicode.IsDigit):
		out = "0"
	case len(s) > 1 && s == strings.ToUpper(s):
		out = "A"
	case strings.IndexFunc(s, unicode.IsUpper) == 0:
		out = "C"
	}
	if t.quoted {
		out += "q"
	}
	if t.stop != 0 {
		out += string(t.stop)
	}
	return out
}

// slotValue is the stretch of the message that is the argument's value, ""
// when none is likely.
func (r *reading) slotValue(s Spec, a Arg) string {
	c, ok := learned().by[guessSlot]
	if !ok || !slotArgs[a.Name] {
		return ""
	}
	bestFrom, bestTo, bestP := 0, 0, 0.0
	from, sum, tag := -1, 0.0, tagOutside
	closeAt := func(to int) {
		if from >= 0 && sum > bestP {
			bestFrom, bestTo, bestP = from, to, sum
		}
		from = -1
	}
	for i := range r.toks {
		next, p := c.best(r.slotFeatures(s, a, i, tag))
		switch {
		case next == tagFirst || next == tagLater && from < 0:
			closeAt(i)
			from, sum, next = i, p, tagFirst
		case next == tagOutside:
			closeAt(i)
		}
		tag = next
	}
	closeAt(len(r.toks))
	if bestP == 0 && a.Required {
		bestFrom, bestTo = r.likelySlot(c, s, a)
	}
	if bestTo == 0 {
		return ""
	}
	v := r.raw(bestFrom, bestTo)
	if i := strings.Index(strings.ReplaceAll(v, "’", "'"), "'s "); i > 0 && a.Name == "company" {
		v = v[:i] // "Fjord Shipping's Microsoft 365"
	}
	if i := strings.IndexAny(v, `"“”„«»`); i > 0 {
		v = v[:i]
	}
	return withoutGenitive(strings.Trim(v, `"'“”„«»‘’,`+"` "))
}

// leastSlot is how likely the first word of a value that must be there has to be.
const leastSlot = 0.1

// likelySlot is the likeliest stretch of a value that must be there, though no
// word is more likely in it than not.
func (r *reading) likelySlot(c classifier, s Spec, a Arg) (from, to int) {
	firstTag, later := slices.Index(c.classes, tagFirst), slices.Index(c.classes, tagLater)
	top := leastSlot
	for i := range r.toks {
		if p := c.probabilities(r.slotFeatures(s, a, i, tagOutside))[firstTag]; p > top {
			from, to, top = i, i+1, p
		}
	}
	for tag := tagFirst; to > 0 && to < len(r.toks) && r.toks[to-1].stop == 0; to++ {
		if c.probabilities(r.slotFeatures(s, a, to, tag))[later] < 0.4 {
			break
		}
		tag = tagLater
	}
	return from, to
}

// Classes of guessCarry.
const (
	carryYes = "yes"
	carryNo  = "no"
)

// carried are the arguments of the last turn that can still hold.
func (r *reading) carried() map[string]string {
	out := map[string]string{}
	if n := len(r.q.History); n > 0 {
		maps.Copy(out, r.q.History[n-1].Intent.Args)
		delete(out, "agent_id")
	}
	return out
}

// carryFeatures are what tells whether an argument of the last turn still holds:
// the words, whether it is the same question again, and what else was said.
func (r *reading) carryFeatures(s Spec, name string) []feature {
	set := &featureSet{}
	both := func(kind, text string) {
		set.add(kind, text, 1)
		set.add(name+kind, text, 1)
	}
	last := r.q.History[len(r.q.History)-1].Intent
	both("bias", "")
	both("i:", s.Name)
	both("pi:", last.Name+"_"+s.Name)
	if last.Name == s.Name {
		both("same", "")
	}
	said := map[string]bool{}
	for _, it := range r.items {
		if strings.HasPrefix(it.concept, "@") {
			said[it.concept] = true
		}
	}
	has := strings.Join(slices.Sorted(maps.Keys(said)), "")
	both("has:", has)
	words := r.featureWords()
	both("n:", string(rune('0'+min(len(words), 12)/2)))
	for i, w := range words {
		both("w:", w)
		both("b:", prior(words, i)+"_"+w)
	}
	for other := range r.carried() {
		both("with:", other)
	}
	return set.scaled()
}

// carry reports whether an argument of the last turn still holds.
func (r *reading) carry(s Spec, name string) bool {
	c, ok := learned().by[guessCarry]
	if !ok {
		return false
	}
	v, _ := c.best(r.carryFeatures(s, name))
	return v == carryYes
}
