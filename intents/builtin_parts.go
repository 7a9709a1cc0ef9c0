package intents

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

var _ Chainer = BuiltIn{}

// partStarts begin a question of its own after "and": "and who changed it?",
// "and show its runs". "runs of Dispatch and Triage" has none.
var partStarts = wordSet("who whom whose what which when where why how is are was were did does do has have show list give compare explain its")

// askingWords begin one after a mere comma too.
var askingWords = wordSet("who what which when where why how")

// partsOf takes a message apart into the reads it asks for. It does so only where
// the first part is a clear read by itself, and each further one is either a clear
// read too, or nothing at all, so that taking the message as a whole would leave
// it out in silence; such a part has an empty intent.
func partsOf(q Question) (said []string, picks []Intent) {
	said = segments(q)
	if len(said) < 2 {
		return nil, nil
	}
	in, ok := lookUp(q, said[0])
	if !ok {
		return nil, nil
	}
	picks = []Intent{in}
	for i, text := range said[1:] {
		in, ok = lookUp(after(q, said[i], standIn(q, picks[i])), text)
		switch {
		case !ok && in.Name != "":
			return nil, nil // a read, but not of what "it" would be
		case !ok && (i > 0 || likeliest(q, said[0]) < likeliest(q, q.Text)):
			return nil, nil // those words belong to the whole
		case sameRead(in, picks[i]):
			return nil, nil
		}
		picks = append(picks, in)
	}
	return said, picks
}

// severalLike is what every message of several parts has somewhere.
var severalLike = regexp.MustCompile(`(?i)\b(and|then|also)\b|[?,]\s*\w`)

// segments cuts a message where a question of its own begins. One more than are
// answered is cut off, so that it can be said. What speaks of a change, quotes
// somebody or is hostile stays whole.
func segments(q Question) []string {
	if !severalLike.MatchString(q.Text[:min(len(q.Text), maxBytes)]) {
		return nil // nearly everything
	}
	r := read(q)
	if story := slices.IndexFunc(r.toks, func(t token) bool { return t.stop == '.' || t.stop == '\n' }); story >= 0 && story < len(r.toks)-1 {
		return nil // a story and what is asked about it
	}
	if r.cut || len(r.toks) < 4 || r.isHostile() || len(r.orders()) > 0 || r.mentionsOrder() ||
		slices.ContainsFunc(r.toks, func(t token) bool { return t.quoted }) {
		return nil
	}
	var out []string
	from := 0
	for i := 1; i < len(r.toks) && len(out) < maxParts; i++ {
		if begins := r.partBegins(i); begins > 0 && i > from {
			out, from = append(out, r.raw(from, i)), begins
		}
	}
	return append(out, r.raw(from, len(r.toks)))
}

// partBegins is where the question that begins at token i has its first word,
// after "and"; 0 when none begins here.
func (r *reading) partBegins(i int) int {
	if r.inside(i, "@agent|@when") {
		return 0
	}
	at := i
	for at < len(r.toks)-1 && (r.word(at) == "and" || r.word(at) == "then" || r.word(at) == "also") {
		at++
	}
	before := r.toks[i-1].stop
	if !partStarts[r.word(at)] || at == i && before != '?' && (before != ',' || !askingWords[r.word(at)]) {
		return 0
	}
	return at
}

// likeliest is how likely the best reading of a text is.
func likeliest(q Question, text string) float64 {
	q.Text = text
	r := read(q)
	if top := r.guesses()[0]; r.offers(top.name) {
		return top.p
	}
	return 0
}

var itWords = wordSet("it its that this one")

// lookUp routes one part by itself and reports whether it is a clear read. One
// that says "it" must have found out what that is; where it did not, it is read
// once more with the thing's name in that place. An intent that is not clear is of
// something else.
func lookUp(q Question, text string) (Intent, bool) {
	in, ok := clearRead(q, text)
	n := len(q.History)
	if n == 0 || !slices.ContainsFunc(words(text), func(w string) bool { return itWords[w] }) {
		return in, ok
	}
	last := q.History[n-1].Intent.Args
	about := func(in Intent) bool {
		return slices.ContainsFunc(subjectArgs, func(k string) bool { return last[k] != "" && in.Args[k] == last[k] })
	}
	if ok && about(in) {
		return in, true
	}
	name := last["agent"]
	if last["ticket"] != "" {
		name = "ticket " + last["ticket"]
	}
	all := strings.Fields(text)
	i := slices.IndexFunc(all, func(w string) bool { return itWords[fold(strings.Trim(w, ".,!?"))] })
	if name == "" || i < 0 {
		return in, false
	}
	all[i] = name
	if named, ok := clearRead(q, strings.Join(all, " ")); ok && about(named) {
		return named, true
	}
	return in, false
}

// clearPart is how sure the guess of a part must be.
const clearPart = 0.5

func clearRead(q Question, text string) (Intent, bool) {
	q.Text = text
	if gs := read(q).guesses(); len(gs) > 0 && gs[0].p < clearPart {
		return Intent{}, false
	}
	out := route(q)
	spec, ok := SpecByName(q.Specs, out.Intent.Name)
	if !ok || out.Ask != "" || !chainable(spec) {
		return Intent{}, false
	}
	return out.Intent, true
}

// subjectArgs are the arguments an "it" can stand for.
var subjectArgs = []string{"agent", "agent_id", "run", "ticket", "request"}

// after is the question once a part is answered: what that was about is what "it"
// means in the next one.
func after(q Question, text string, done Intent) Question {
	q.History = append(slices.Clone(q.History), Turn{Text: text, Intent: done, At: q.Now})
	return q
}

// standIn gives a read without an agent of its own one, to see whether the next
// part would be clear if the result named one.
func standIn(q Question, in Intent) Intent {
	if in.Args["agent"] == "" && len(q.Agents) > 0 {
		in.Args = merged(in.Args, "agent", q.Agents[0])
	}
	return in
}

// sameRead reports whether two intents ask Neo for the same.
func sameRead(a, b Intent) bool {
	if a.Name != b.Name {
		return false
	}
	same := func(k string) bool { return strings.EqualFold(a.Args[k], b.Args[k]) }
	for k := range a.Args {
		if k != "agent_id" && !same(k) {
			return false
		}
	}
	for k := range b.Args {
		if k != "agent_id" && !same(k) {
			return false
		}
	}
	return a.Args["agent_id"] == "" || b.Args["agent_id"] == "" || same("agent_id")
}

// Next answers the next part of a message that partsOf takes apart. It is sure of
// its place only when the parts before were answered as it would have.
func (BuiltIn) Next(_ context.Context, q Question) (Routed, error) {
	out := Routed{By: ByBuiltIn}
	said, picks := partsOf(q)
	n := len(q.Done)
	if n == 0 {
		return out, nil // Route begins
	}
	for i, d := range q.Done {
		if i >= len(picks) || d.Intent.Name != picks[i].Name {
			return out, nil
		}
	}
	if n >= len(picks) {
		out.Over = true
		return out, nil
	}
	done := q.Done[n-1]
	about := done.Intent
	for k, v := range done.About {
		about.Args = merged(about.Args, k, v) // a copy
	}
	if in, ok := lookUp(after(q, said[n-1], about), said[n]); ok {
		out.Intent = in
		return out, nil
	}
	// What "it" means is not known: the read asks which agent, as it always does.
	if out.Intent = picks[n]; out.Intent.Name != "" {
		out.Intent.Args = without(without(out.Intent.Args, "agent"), "agent_id")
	}
	return out, nil
}
