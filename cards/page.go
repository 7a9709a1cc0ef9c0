package cards

import (
	"encoding/json"
	"strings"
)

// page collects the parts of one message within a budget.
type page[T any] struct {
	items   []T
	room    int           // of size, left
	slots   int           // parts left
	buttons int           // buttons so far
	size    func(any) int // of a part on the wire
	missing tally
}

// changedField is the noun for changes that are left out.
const changedField = "changed field"

// noteReserve is room kept for the line that says what was left out.
const noteReserve = 300

func newPage[T any](room, slots int, size func(any) int) page[T] {
	return page[T]{room: room, slots: slots, size: size}
}

// add appends parts without asking whether they fit.
func (p *page[T]) add(parts ...T) {
	for _, b := range parts {
		p.room -= p.size(b) + 1
		p.slots--
		p.items = append(p.items, b)
	}
}

// try appends b when it fits.
func (p *page[T]) try(b T) bool {
	size := p.size(b) + 1
	if size > p.room || p.slots < 1 {
		return false
	}
	p.room -= size
	p.slots--
	p.items = append(p.items, b)
	return true
}

// leastRoom is what any part needs; below it nothing is tried.
const leastRoom = 150

// full reports whether the page can take nothing more.
func (p *page[T]) full() bool { return p.room < leastRoom || p.slots < 1 }

// fitText adds text made safe by tidy, cut to limit units or to the room that
// is left. Only as much of s as could ever be shown is looked at.
func (p *page[T]) fitText(s string, limit int, tidy func(string) string, build func(string) T) {
	head, rest := firstBytes(s, 8*limit)
	text := tidy(head)
	if text == "" && rest == 0 {
		return
	}
	for limit > 100 && !p.full() {
		if p.try(build(orWord(cutWith(text, limit, rest), " "))) {
			return
		}
		limit = min(limit*2/3, units(text)-1)
	}
	p.missing.miss(1, "text")
}

// shrink returns the first of build(limits...) that is at most max on the wire,
// or else the last.
func shrink[T any](size func(any) int, most int, limits []int, build func(limit int) T) T {
	var out T
	for _, limit := range limits {
		out = build(limit)
		if size(out) <= most {
			break
		}
	}
	return out
}

// fitCount is the largest number of parts, at most n, with which build is at
// most max on the wire.
func fitCount[T any](size func(any) int, most, n int, build func(n int) T) int {
	for n > 0 && size(build(n)) > most {
		n = min(n-1, n*3/4)
	}
	return n
}

// paragraph is running text without blank lines around it.
func paragraph(s string) string { return strings.TrimSpace(clean(s)) }

// shortSummary is the summary, cut to limit units.
func shortSummary(c Card, limit int) string {
	head, rest := firstBytes(c.Summary, maxLine)
	return cutWith(paragraph(head), limit, rest)
}

// summaryLimits, footerLimits and labelLimits are tried in turn for the parts
// that must always fit.
var (
	summaryLimits = []int{1500, 700, 300, 120}
	footerLimits  = []int{1500, 600, 200}
	labelLimits   = []int{75, 30, 12}
)

// exact is text for fixed width, hidden characters shown.
func exact(s string) string { return strings.Trim(sanitize(s, true), "\n") }

// free is a size for pages known to have room for everything.
func free(any) int { return 0 }

// finish joins the page, the line about what is missing, and the end.
func finish[T any](p page[T], end []T, small func(string) T) []T {
	if note := p.missing.String(); note != "" {
		note = "✂️ Not shown here: " + note + "."
		if p.missing.counts[changedField] > 0 {
			note += " Do not decide before you have seen them in Neo."
		}
		p.items = append(p.items, small(note))
	}
	p.items = append(p.items, end...)
	if len(p.items) == 0 {
		p.items = append(p.items, small("(empty)"))
	}
	return p.items
}

// jsonBytes is the length of v as it goes over the wire, in bytes.
func jsonBytes(v any) int {
	b, err := json.Marshal(v)
	if err != nil { // none of our types can fail; too big to be added
		return 1 << 20
	}
	return len(b)
}

// jsonUnits is the same in characters.
func jsonUnits(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		return 1 << 20
	}
	return units(string(b))
}

// tally counts what was left out, by noun, in order of appearance.
type tally struct {
	nouns  []string
	counts map[string]int
}

func (t *tally) miss(n int, noun string) {
	if n <= 0 {
		return
	}
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	if t.counts[noun] == 0 {
		t.nouns = append(t.nouns, noun)
	}
	t.counts[noun] += n
}

// String is "3 changed fields, 12 rows", empty when nothing is missing.
func (t *tally) String() string {
	parts := make([]string, 0, len(t.nouns))
	for _, noun := range t.nouns {
		parts = append(parts, plural(t.counts[noun], noun))
	}
	return strings.Join(parts, ", ")
}

// Summary is the card in one plain line, for notifications and for clients that
// cannot draw it: test mode, status, title and summary, at most about 800
// characters, never empty.
func Summary(c Card) string {
	var parts []string
	if c.TestMode {
		parts = append(parts, testModeIcon+" "+testModeTitle+" –")
	}
	if w := lookOf(c.Status).words; w != "" {
		parts = append(parts, w+":")
	}
	if t := oneLine(c.Title); t != "" {
		parts = append(parts, brief(t, 200))
	}
	if s := oneLine(c.Summary); s != "" {
		parts = append(parts, "– "+brief(s, 500))
	}
	if len(parts) == 0 {
		return "neobot"
	}
	return strings.Join(parts, " ")
}

// footerLine joins the small print: " · " between the parts. label asks for the
// sentence about generated text, where the platform has no label of its own.
func footerLine(c Card, buttonsLeft int, label bool) string {
	var parts []string
	if buttonsLeft > 0 {
		parts = append(parts, plural(buttonsLeft, "button")+" could not be shown")
	}
	if c.AIGenerated && label {
		parts = append(parts, aiLabel)
	}
	for i, f := range c.Footer {
		if i == 10 {
			break
		}
		if f = oneLine(f); f != "" {
			parts = append(parts, cut(f, 200))
		}
	}
	return strings.Join(parts, " · ")
}
