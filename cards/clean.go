package cards

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may sit on one letter. Real scripts
// stay below; more of them paint over the lines beside.
const maxMarks = 5

// clean makes text from people, Neo or a model safe to show as running text:
// valid UTF-8, "\n" as the only line break, control characters as pictures,
// bidirectional overrides as ⟨U+202E⟩, other invisible characters removed.
func clean(s string) string { return sanitize(s, false) }

// visible is clean for values a decision rests on: nothing is removed, every
// character that cannot be seen is written out as ⟨U+200B⟩, and blanks and line
// breaks at the ends, which would make two values look alike, as ␣ and ⏎.
func visible(s string) string {
	s = sanitize(s, true)
	body := strings.Trim(s, " \n")
	if len(body) == len(s) {
		return s
	}
	lead := strings.Index(s, body)
	return edge(s[:lead]) + body + edge(s[lead+len(body):])
}

// edge writes out the blanks and line breaks of s, at most 20 of them.
func edge(s string) string {
	if s == "" {
		return ""
	}
	out := edgeSigns.Replace(s[:min(len(s), 20)])
	if len(s) > 20 {
		out += "⟨" + thousands(len(s)-20) + " more⟩"
	}
	return out
}

var edgeSigns = strings.NewReplacer(" ", "␣", "\n", "⏎")

// maxLine is the most bytes of a one-line text that are looked at. Every place
// for one shows far less; it keeps a hostile card from costing time.
const maxLine = 8 << 10

// oneLine is text on one line, hidden characters shown, for titles, labels and
// short facts.
func oneLine(s string) string {
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + " …"
	}
	s = sanitize(strings.TrimSpace(s), true)
	if !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\t' }), " ⏎ ")
}

// sanitize does the work of clean (strict false) and visible (strict true).
func sanitize(s string, strict bool) string {
	if isPlainASCII(s) || isPlain(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	rs := []rune(s)
	for i := 0; i < len(rs); i++ {
		r := rs[i]
		switch {
		case r == '\n' || r == '\t' && !strict:
			b.WriteRune(r)
		case r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			b.WriteByte('\n')
		case r == '\t':
			b.WriteRune('⇥')
		case r < 0x20:
			b.WriteRune(0x2400 + r) // control pictures, U+2400
		case r == 0x7f:
			b.WriteRune('␡')
		case unicode.Is(unicode.M, r) && !isVariation(r):
			i += writeMarks(&b, rs, i)
		case isHidden(rs, i, strict):
			i += writeHidden(&b, rs, i, strict)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isPlainASCII reports whether s needs no cleaning at all: the common case.
func isPlainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < 0x20 && c != '\n' {
			return false
		}
	}
	return true
}

// isPlain reports the same for text with letters, dashes and quotes of the
// usual scripts, without looking closer at anything rarer.
func isPlain(s string) bool {
	for _, r := range s {
		switch {
		case r >= 0x20 && r < 0x7f, r == '\n', r > 0xa0 && r < 0x300 && r != 0xad, r >= 0x370 && r < 0x483, r >= 0x48a && r < 0x590,
			r >= 0x2010 && r <= 0x2027, r >= 0x2030 && r <= 0x205e, r >= 0x2190 && r < 0x2800, r >= 0x3041 && r <= 0x3096, r >= 0x30a0 && r <= 0x30ff, r >= 0x4e00 && r <= 0x9fff:
		default:
			return false
		}
	}
	return true
}

// writeMarks copies a run of combining marks starting at i, at most maxMarks of
// them, and returns how many characters beyond the first it consumed. A mark
// with nothing to sit on gets a dotted circle.
func writeMarks(b *strings.Builder, rs []rune, i int) int {
	n := 0
	for i+n < len(rs) && unicode.Is(unicode.M, rs[i+n]) && !isVariation(rs[i+n]) {
		n++
	}
	if i == 0 || unicode.IsSpace(rs[i-1]) {
		b.WriteRune('◌')
	}
	for _, r := range rs[i : i+min(n, maxMarks)] {
		b.WriteRune(r)
	}
	if n > maxMarks {
		fmt.Fprintf(b, "⟨%d more marks⟩", n-maxMarks)
	}
	return n - 1
}

// writeHidden writes a run of one hidden character, or nothing when it may be
// removed, and returns how many characters beyond the first it consumed.
func writeHidden(b *strings.Builder, rs []rune, i int, strict bool) int {
	n := 1
	for i+n < len(rs) && rs[i+n] == rs[i] {
		n++
	}
	if !strict && !isOverride(rs[i]) {
		return n - 1
	}
	if n == 1 {
		fmt.Fprintf(b, "⟨U+%04X⟩", rs[i])
	} else {
		fmt.Fprintf(b, "⟨U+%04X ×%d⟩", rs[i], n)
	}
	return n - 1
}

// isOverride reports the characters that reorder the text around them, the
// means of the "Trojan Source" attack (CVE-2021-42574).
func isOverride(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// isHidden reports whether the character at i shows nothing. Joiners inside an
// emoji and its variation selector are part of a visible sign; between letters
// a joiner belongs to the spelling of several languages, so only strict text
// shows it.
func isHidden(rs []rune, i int, strict bool) bool {
	r := rs[i]
	switch {
	case r < 0x80:
		return false
	case r == 0x200d && i > 0 && i+1 < len(rs) && isPictograph(rs[i-1]) && isPictograph(rs[i+1]):
		return false
	case (r == 0x200c || r == 0x200d) && !strict && i > 0 && i+1 < len(rs):
		return !unicode.In(rs[i-1], unicode.L, unicode.M) || !unicode.IsLetter(rs[i+1])
	case (r == 0xfe0f || r == 0xfe0e) && i > 0:
		return !isPictograph(rs[i-1]) && !strings.ContainsRune("0123456789#*©®", rs[i-1])
	case isVariation(r):
		return true
	case unicode.Is(unicode.Cf, r):
		return true
	case unicode.Is(unicode.Zs, r):
		return strict
	}
	switch r {
	case 0x115f, 0x1160, 0x3164, 0xffa0, 0x2800, 0x17b4, 0x17b5:
		return true // fillers and blanks that count as letters or symbols
	}
	return r >= 0x80 && r < 0xa0 || r >= 0xe0000 && r <= 0xe0fff
}

func isVariation(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180f || r == 0x034f
}

// isPictograph is roughly the Extended_Pictographic property, plus skin tones
// and the emoji variation selector, which may stand before a joiner.
func isPictograph(r rune) bool {
	return r >= 0x1f000 && r <= 0x1faff || unicode.Is(unicode.So, r) || r >= 0x2190 && r <= 0x2bff || r == 0xfe0f
}

// hasRTL reports whether s holds letters written from right to left. Such a
// value beside an arrow could be read in the wrong direction.
func hasRTL(s string) bool {
	for _, r := range s {
		if r >= 0x590 && r <= 0x8ff || r >= 0xfb1d && r <= 0xfefc || r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff {
			return true
		}
	}
	return false
}

// units is the length in UTF-16 code units. Platforms count either those or
// code points, and those are never fewer.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x10000 {
			n++
		}
	}
	return n
}

// cut shortens s to at most limit units (at least 60), saying how much is
// missing. It never splits a letter from its marks or an emoji in two.
func cut(s string, limit int) string { return cutWith(s, limit, 0) }

// cutWith is cut of a text of which extra characters are already missing.
func cutWith(s string, limit, extra int) string {
	if extra == 0 && (len(s) <= limit || units(s) <= limit) {
		return s
	}
	head := headUnits(s, limit-len("… (cut, 1,234,567 more characters)"))
	rest := utf8.RuneCountInString(s[len(head):]) + extra
	return head + "… (cut, " + thousands(rest) + " more characters)"
}

// firstBytes is the beginning of s, at most n bytes and whole characters, and
// the number of characters after it.
func firstBytes(s string, n int) (head string, rest int) {
	if len(s) <= n {
		return s, 0
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], utf8.RuneCountInString(s[n:])
}

// brief shortens labels where a sentence about it would not fit: "Long la…".
func brief(s string, limit int) string {
	if len(s) <= limit || units(s) <= limit {
		return s
	}
	return headUnits(s, limit-1) + "…"
}

// headUnits is the longest prefix of at most limit units that ends where a
// reader sees an end.
func headUnits(s string, limit int) string {
	n, end := 0, 0
	for i, r := range s {
		w := 1
		if r >= 0x10000 {
			w = 2
		}
		if n+w > limit {
			break
		}
		n += w
		end = i + utf8.RuneLen(r)
	}
	for end > 0 && end < len(s) && joinsPrevious(s[:end], s[end:]) {
		_, size := utf8.DecodeLastRuneInString(s[:end])
		end -= size
	}
	return s[:end]
}

// joinsPrevious reports whether the first character of b belongs to the last of a.
func joinsPrevious(a, b string) bool {
	next, _ := utf8.DecodeRuneInString(b)
	last, _ := utf8.DecodeLastRuneInString(a)
	return unicode.Is(unicode.M, next) || isVariation(next) || next == 0x200d || last == 0x200d || next >= 0x1f3fb && next <= 0x1f3ff
}

// thousands writes 12345 as "12,345".
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is "1 row", "2 rows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}
