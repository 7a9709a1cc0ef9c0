package intents

import (
	"strconv"
	"strings"
)

// digitOf is the digit a word stands for in a number that is dictated, "" for none.
func digitOf(w string) string {
	if w == "zero" || w == "oh" {
		return "0"
	}
	if n, ok := smallNumbers[w]; ok && n < 10 && w != "a" && w != "an" && w != "couple" && w != "few" {
		return strconv.Itoa(n)
	}
	return ""
}

// leastSpelled is how many digits and letters in a row are a number somebody dictated.
const leastSpelled = 3

// joinSpelled makes one token of a number that was dictated digit by digit:
// "ticket seven zero three three four", "run nine f three c two one".
func joinSpelled(toks []token) []token {
	out := make([]token, 0, len(toks))
	for i := 0; i < len(toks); {
		n, spelled := spelledAt(toks[i:])
		if n == 0 {
			out = append(out, toks[i])
			i++
			continue
		}
		last := toks[i+n-1]
		out = append(out, token{w: spelled, start: toks[i].start, end: last.end, stop: last.stop, quoted: toks[i].quoted})
		i += n
	}
	return out
}

// spelledAt is the number dictated at the beginning of some tokens: how many of
// them, and what they spell; 0 for none.
func spelledAt(toks []token) (int, string) {
	var b strings.Builder
	n, digits := 0, 0
	for ; n < len(toks); n++ {
		w := toks[n].w
		switch d := digitOf(w); {
		case d != "" && (w != "oh" || n > 0):
			b.WriteString(d)
			digits++
		case len(w) == 1 && (w[0] >= 'a' && w[0] <= 'f' || w[0] >= '0' && w[0] <= '9'):
			b.WriteString(w)
			if w[0] <= '9' {
				digits++
			}
		default:
			return spelledOut(n, digits, b.String())
		}
		if toks[n].stop != 0 {
			n++
			break
		}
	}
	return spelledOut(n, digits, b.String())
}

// spelledOut is a dictated number, when there is enough of it to be one.
func spelledOut(n, digits int, spelled string) (int, string) {
	if n < leastSpelled || digits < 2 {
		return 0, ""
	}
	return n, spelled
}

// ums are what people say while they think, and dictation writes down.
var ums = wordSet("uh um uhm uhh umm erm hmm")

var repeatable = wordSet("that had very")

// withoutUms drops them; the end of a sentence stays with the word before.
func withoutUms(toks []token) []token {
	out := toks[:0]
	for i, t := range toks {
		if i > 0 && t.w == toks[i-1].w && len(t.w) > 2 && t.start > toks[i-1].start && !repeatable[t.w] && digitOf(t.w) == "" {
			continue // "turn turn Dispatch back on"
		}
		if t.w == "like" && i > 0 && (toks[i-1].w == "since" || toks[i-1].w == "from") {
			continue // "since like Monday"
		}
		if !ums[t.w] {
			out = append(out, t)
		} else if n := len(out); n > 0 && t.stop != 0 && out[n-1].stop == 0 {
			out[n-1].stop = t.stop
		}
	}
	return out
}

// idlePhrases hold words of times and conditions and are neither: they do not
// put an order off.
var idlePhrases = func() map[string][][]string {
	out := map[string][][]string{}
	for p := range strings.SplitSeq("until further notice|til further notice|till further notice|for the moment|for the time being|for now|for me|for us|for a bit|for a while|when you get a chance|"+
		"when you get a minute|when you get a moment|when you get a sec|when you get a second|when you have a moment|when you have a minute|when you have a sec|when you can|"+
		"if it is no bother|if it is no trouble|if it is not too much trouble|if it is not too much bother|if it is not too much to ask|if that is ok|if that is okay|"+
		"if you would be so kind|if you would not mind|if you do not mind|if you can|if you could|if possible|once more|once again|one more time|"+
		"before it|before they|before he|before she|before anything|before anyone|before anybody|before somebody|before someone|before i|before we|before any", "|") {
		ws := strings.Fields(p)
		out[ws[0]] = append(out[ws[0]], ws)
	}
	return out
}()

// idle reports whether token i begins or is in such a phrase.
func (r *reading) idle(i int) bool {
	for from := max(0, i-6); from <= i; from++ {
		for _, ws := range idlePhrases[r.word(from)] {
			if from+len(ws) > i && r.areWords(from, ws) {
				return true
			}
		}
	}
	return false
}
