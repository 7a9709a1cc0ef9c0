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

// fitText adds text, cut to limit units or to the room that is left.
func (p *page[T]) fitText(s string, limit int, build func(string) T) {
	if s == "" {
		return
	}
	for limit > 100 {
		if p.try(build(cut(s, limit))) {
			return
		}
		limit = min(limit*2/3, units(s)-1)
	}
	p.missing.miss(1, "text")
}

// finish joins the page, the line about what is missing, and the end.
func finish[T any](p page[T], end []T, small func(string) T) []T {
	if note := p.missing.String(); note != "" {
		p.items = append(p.items, small("✂️ Not shown here: "+note+"."))
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
	if s := oneLine(clean(c.Summary)); s != "" {
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
