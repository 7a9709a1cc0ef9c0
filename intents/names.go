package intents

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const maxSuggestions = 5

// Match is how a name somebody said fits known names, as indexes into them.
// Exact >= 0 means that very name. Otherwise Candidates are all names it can
// stand for: one acts (a write still shows the full name), several ask. With no
// candidate, Suggestions are the nearest names, nearest first, at most five.
type Match struct {
	Exact       int
	Candidates  []int
	Suggestions []int
}

// Resolve fits a name as said against names. Case, spaces, accents and
// punctuation do not count, and words such as "the" and "agent" are ignored
// where they make no difference. The rules, strictest first: the same name;
// all said words are in the name; all are beginnings of its words; the whole
// name with a typing error; typing errors of its words. The first rule with a hit decides, and it never
// picks between two names: "triage" with two triage agents is two candidates,
// also when two agents have the same name. The result depends on nothing but
// the arguments.
func Resolve(query string, names []string) Match {
	m := Match{Exact: -1}
	q := words(query)
	if len(q) == 0 {
		return m
	}
	folded := make([][]string, len(names))
	for i, n := range names {
		folded[i] = words(n)
	}
	bare := withoutNoise(q)
	rules := []func(name []string) bool{
		func(n []string) bool { return strings.Join(n, "") == strings.Join(q, "") },
		func(n []string) bool { return strings.Join(withoutNoise(n), "") == strings.Join(bare, "") },
		func(n []string) bool { return everyWord(bare, n, sameWord) },
		func(n []string) bool { return everyWord(bare, n, isBeginning) },
		func(n []string) bool { return isTypo(strings.Join(bare, ""), strings.Join(withoutNoise(n), "")) },
		func(n []string) bool { return everyWord(bare, n, isTypo) },
	}
	for level, rule := range rules {
		for i, n := range folded {
			if len(n) > 0 && rule(n) {
				m.Candidates = append(m.Candidates, i)
			}
		}
		if len(m.Candidates) == 1 && level < 2 {
			m.Exact = m.Candidates[0]
		}
		if len(m.Candidates) > 0 {
			return m
		}
	}
	m.Suggestions = nearest(bare, folded)
	return m
}

// nearest names: those sharing a word (or a near miss of one), and those whose
// letters differ by less than half.
func nearest(q []string, names [][]string) []int {
	type hit struct{ i, shared, distance int }
	var hits []hit
	joined := strings.Join(q, "")
	for i, n := range names {
		shared := 0
		for _, w := range q {
			if len([]rune(w)) >= 3 && slices.ContainsFunc(n, func(x string) bool { return sameWord(w, x) || isBeginning(w, x) || isTypo(w, x) }) {
				shared++
			}
		}
		target := strings.Join(withoutNoise(n), "")
		d := levenshtein.ComputeDistance(joined, target)
		if shared > 0 || 2*d < max(len([]rune(joined)), len([]rune(target))) {
			hits = append(hits, hit{i, shared, d})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.shared, a.shared), cmp.Compare(a.distance, b.distance), cmp.Compare(a.i, b.i))
	})
	var out []int
	for _, h := range hits[:min(len(hits), maxSuggestions)] {
		out = append(out, h.i)
	}
	return out
}

// noise are words people put around an agent's name.
var noise = map[string]bool{
	"the": true, "a": true, "an": true, "my": true, "our": true, "agent": true, "agents": true, "workflow": true,
	"workflows": true, "bot": true, "automation": true, "neo": true, "called": true, "named": true, "for": true, "of": true, "and": true,
}

// withoutNoise drops noise words, unless nothing else is left.
func withoutNoise(ws []string) []string {
	out := slices.DeleteFunc(slices.Clone(ws), func(w string) bool { return noise[w] })
	if len(out) == 0 {
		return ws
	}
	return out
}

// everyWord reports whether every word said fits a different word of the name.
func everyWord(said, name []string, fits func(said, name string) bool) bool {
	used := make([]bool, len(name))
	for _, w := range said {
		found := false
		for i, n := range name {
			if !used[i] && fits(w, n) {
				used[i], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return len(said) > 0
}

// sameWord ignores a plural s.
func sameWord(a, b string) bool {
	return a == b || (len(a) > 3 && a == b+"s") || (len(b) > 3 && b == a+"s")
}

func isBeginning(said, name string) bool {
	return len([]rune(said)) >= 3 && strings.HasPrefix(name, said)
}

// isTypo allows one slip in words of 4 or 5 letters, two in longer ones; two
// letters swapped are one slip. Shorter words and numbers must be right: "L1"
// is not "L2".
func isTypo(said, name string) bool {
	a, b := []rune(said), []rune(name)
	short := min(len(a), len(b))
	if short < 4 || strings.ContainsFunc(said+name, unicode.IsDigit) {
		return false
	}
	allowed := 1
	if short >= 6 {
		allowed = 2
	}
	return slips(a, b) <= allowed
}

// slips is the Levenshtein distance, with one swap of neighbors counted once.
func slips(a, b []rune) int {
	d := levenshtein.ComputeDistance(string(a), string(b))
	if d != 2 || len(a) != len(b) {
		return d
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			if a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:]) {
				return 1
			}
			return d
		}
	}
	return d
}

// words are the letters and digits of s, folded (case, accents, width) and
// split at everything else.
func words(s string) []string {
	return strings.FieldsFunc(fold(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// fold makes letters comparable: compatibility forms decomposed, marks and
// invisible characters dropped, case folded. A Caser keeps state, so each call
// makes its own.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s) // the same, without the tables
	}
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Mn, unicode.Cf) {
			return -1
		}
		return r
	}, norm.NFKD.String(s))
	return cases.Fold().String(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
