package cards

import (
	"strconv"
	"strings"
)

// Bounds of the text renderer. A terminal has no limit; these keep a hostile
// card from filling the screen buffer.
const (
	textMaxBlock = 20000
	textMaxRows  = 200
	textMinWidth = 30
)

// Text renders c for a terminal width characters wide (at least 30): plain
// text without escape sequences, ending in a line break. Buttons are numbered
// from 1 in the order of Buttons.
func Text(c Card, width int) string {
	t := &textPage{width: max(width, textMinWidth)}
	t.top(c)
	t.fields(c.Fields)
	t.changes(c.Changes)
	for _, b := range c.Body {
		t.block(b)
	}
	if len(c.Links) > 0 {
		t.gap()
	}
	for _, l := range c.Links {
		t.link(l)
	}
	t.gap()
	t.buttonRow(c.Buttons)
	if f := footerLine(c, 0, true); f != "" {
		t.gap()
		t.wrap(f, "  ")
	}
	return strings.TrimRight(t.b.String(), "\n") + "\n"
}

// Buttons lists the buttons of c in the order in which Text numbers them: those
// of items first, then those of the card; unusable ones are left out.
func Buttons(c Card) []Button {
	var out []Button
	for _, b := range c.Body {
		for i, it := range b.Items {
			if i < textMaxRows && b.Table == nil && b.Chart == nil && it.Button != nil && it.Button.usable() {
				out = append(out, *it.Button)
			}
		}
	}
	for _, b := range c.Buttons {
		if b.usable() {
			out = append(out, b)
		}
	}
	return out
}

type textPage struct {
	b       strings.Builder
	width   int
	buttons int
}

func (t *textPage) line(s string) { t.b.WriteString(strings.TrimRight(s, " ") + "\n") }

// gap writes one empty line, never two.
func (t *textPage) gap() {
	if s := t.b.String(); s != "" && !strings.HasSuffix(s, "\n\n") {
		t.b.WriteByte('\n')
	}
}

func (t *textPage) button(b Button) string {
	t.buttons++
	return "[" + strconv.Itoa(t.buttons) + "] " + brief(oneLine(b.Label), 75)
}

// buttonRow writes the card's buttons, as many to a line as fit.
func (t *textPage) buttonRow(bs []Button) {
	row := ""
	for _, b := range bs {
		if !b.usable() {
			continue
		}
		label := t.button(b)
		if row != "" && columns(row)+3+columns(label) > t.width {
			t.line(row)
			row = ""
		}
		if row != "" {
			row += "   "
		}
		row += label
	}
	if row != "" {
		t.line(row)
	}
}

func (t *textPage) top(c Card) {
	if title := titled(c); title != "" {
		t.wrap(brief(title, 300), "")
	}
	if w := lookOf(c.Status).words; w != "" {
		t.line(w)
	}
	if c.TestMode {
		t.line(testModeIcon + " TEST MODE: " + testModeText)
	}
	if s := shortSummary(c, 3000); s != "" {
		t.gap()
		t.wrap(s, "")
	}
}

// fields is "name  value", names aligned.
func (t *textPage) fields(fields []Field) {
	if len(fields) == 0 {
		return
	}
	t.gap()
	w := 0
	for _, f := range fields {
		w = max(w, columns(brief(oneLine(f.Name), 24)))
	}
	for _, f := range fields {
		name := brief(oneLine(f.Name), 24)
		value := orWord(cut(oneLine(f.Value), 2000), "–")
		t.hang("  "+name+strings.Repeat(" ", w-columns(name)+2), value)
	}
}

func (t *textPage) changes(changes []Change) {
	if len(changes) == 0 {
		return
	}
	t.gap()
	t.line(changesHeading)
	read, more := readChanges(changes)
	for _, s := range read {
		s = s.cut(2000)
		if s.Inline {
			t.hang("  "+s.Field+": ", s.Before+" "+arrow+" "+s.After)
			continue
		}
		t.wrap(strings.TrimSuffix(s.Field+": "+s.Note, " "), "  ")
		for _, p := range s.Places {
			removed, added := p.labels()
			if removed != "" {
				t.line("    " + removed)
				t.wrap(p.Removed, "      | ")
			}
			if added != "" {
				t.line("    " + added)
				t.wrap(p.Added, "      | ")
			}
		}
	}
	if more > 0 {
		t.line("  … " + plural(more, "more changed field"))
	}
}

func (t *textPage) block(b Block) {
	t.gap()
	if h := oneLine(b.Heading); h != "" {
		t.wrap(brief(h, 300), "")
	}
	switch {
	case b.Chart != nil:
		t.chart(*b.Chart)
	case b.Table != nil:
		t.table(*b.Table)
	case len(b.Items) > 0:
		t.items(b.Items)
	case b.Code != "":
		head, rest := firstBytes(b.Code, textMaxBlock)
		for l := range strings.SplitSeq(cutWith(exact(head), textMaxBlock, rest), "\n") {
			t.line("    " + l)
		}
	case b.Text != "":
		head, rest := firstBytes(b.Text, textMaxBlock)
		t.wrap(cutWith(paragraph(head), textMaxBlock, rest), "")
	}
}

func (t *textPage) items(items []Item) {
	for i, it := range items {
		if i == textMaxRows {
			t.line("  … " + plural(len(items)-i, "more row"))
			return
		}
		head := wrapLines("• "+brief(itemTitle(it), 200), t.width-2)
		if it.Button != nil && it.Button.usable() {
			b, last := t.button(*it.Button), head[len(head)-1]
			if columns(last)+2+columns(b) <= t.width-2 {
				head[len(head)-1] = last + "  " + b
			} else {
				head = append(head, "  "+b)
			}
		}
		for _, l := range head {
			t.line("  " + l)
		}
		if d := oneLine(it.Detail); d != "" {
			t.wrap(cut(d, 1000), "    ")
		}
	}
}

func (t *textPage) table(tb Table) {
	rows := tableRows(tb, slackMaxTableCols)
	if len(rows) == 0 {
		return
	}
	shown := rows[:min(len(rows), textMaxRows+1)]
	for l := range strings.SplitSeq(gridText(shown, t.width-2), "\n") {
		t.line("  " + l)
	}
	if n := len(rows) - len(shown); n > 0 {
		t.line("  … " + plural(n, "more row"))
	}
}

// chart is bars of text.
func (t *textPage) chart(c Chart) {
	d, ok := c.Drawable()
	if !ok {
		t.wrap(c.Words(""), "  ")
		return
	}
	for l := range strings.SplitSeq(d.text(t.width-2), "\n") {
		t.line("  " + l)
	}
	if n := c.left(); n > 0 {
		t.line("  … " + plural(n, "more point"))
	}
}

func (t *textPage) link(l Link) {
	if target, _, ok := safeLink(l); ok {
		label := brief(oneLine(l.Label), 100)
		if label != "" {
			label += ": "
		}
		t.line(label + target)
		return
	}
	t.wrap(cut(linkText(l), 300), "")
}

// hang writes label and value, further lines of the value below its first.
func (t *textPage) hang(label, value string) {
	indent := strings.Repeat(" ", columns(label))
	for i, l := range wrapLines(value, max(t.width-columns(label), 20)) {
		if i == 0 {
			t.line(label + l)
			continue
		}
		t.line(indent + l)
	}
}

// wrap writes s broken at blanks to the width of the page.
func (t *textPage) wrap(s, indent string) {
	if s == "" {
		return
	}
	for _, l := range wrapLines(s, max(t.width-len(indent), 20)) {
		t.line(indent + l)
	}
}

// wrapLines breaks s at blanks into lines of at most width columns; a longer
// word keeps a line of its own.
func wrapLines(s string, width int) []string {
	var out []string
	for para := range strings.SplitSeq(s, "\n") {
		if columns(para) <= width {
			out = append(out, para)
			continue
		}
		line, used := "", 0
		for word := range strings.FieldsSeq(para) {
			w := columns(word)
			if line != "" && used+1+w > width {
				out = append(out, line)
				line, used = "", 0
			}
			if line != "" {
				line, used = line+" ", used+1
			}
			line, used = line+word, used+w
		}
		out = append(out, line)
	}
	return out
}
