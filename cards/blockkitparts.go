package cards

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// bold, italic and code are the text styles in use. They are shared and never
// written to.
var (
	bold   = &slack.RichTextSectionTextStyle{Bold: true}
	italic = &slack.RichTextSectionTextStyle{Italic: true}
	code   = &slack.RichTextSectionTextStyle{Code: true}
)

func run(s string) slack.RichTextSectionElement { return styled(s, nil) }

// styled is a piece of literal text. Slack wants at least one character.
func styled(s string, st *slack.RichTextSectionTextStyle) slack.RichTextSectionElement {
	if s == "" {
		s = " "
	}
	return slack.NewRichTextSectionTextElement(s, st)
}

func section(els ...slack.RichTextSectionElement) slack.RichTextElement {
	return slack.NewRichTextSection(els...)
}

func preformatted(s string) slack.RichTextElement {
	return &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{run(s)}}
}

func richBlock(els ...slack.RichTextElement) slack.Block { return slack.NewRichTextBlock("", els...) }

// plainText has emoji off: ":white_check_mark:" in a name must stay a name.
func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

// markdown is for text of which every character is known to be harmless.
// Verbatim stops Slack from making links out of bare addresses.
func markdown(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, true)
}

func contextBlock(s string) slack.Block {
	return slack.NewContextBlock("", plainText(cut(s, slackMaxText)))
}

// slackButton is the n-th button of a message.
func slackButton(b Button, n int) *slack.ButtonBlockElement {
	el := slack.NewButtonBlockElement(slackActionID(b.Action, n), b.ID, plainText(brief(oneLine(b.Label), slackMaxButtonText)))
	switch b.Style {
	case StylePrimary:
		el.Style = slack.StylePrimary
	case StyleDanger:
		el.Style = slack.StyleDanger
	case StyleDefault:
	}
	return el
}

// twoLines is a heading with something under it, bold where the text allows.
func twoLines(head, rest string, limit int) *slack.TextBlockObject {
	head = brief(head, 150)
	rest = cut(rest, limit-5*units(head)-10)
	if mrkdwnKeeps(head) && mrkdwnKeeps(rest) && !strings.Contains(head, "\n") {
		if t := joinLines("*"+escape(head)+"*", escape(rest)); units(t) <= limit {
			return markdown(t)
		}
	}
	return plainText(joinLines(head, rest))
}

func joinLines(a, b string) string {
	if b == "" {
		return a
	}
	return a + "\n" + b
}

// colonName is what Slack may draw as an emoji; times like 09:44:07 are not.
var colonName = regexp.MustCompile(`:[^\s:]*[^\s:0-9][^\s:]*:`)

// mrkdwnKeeps reports whether escaped mrkdwn shows every character of s as it
// is: no formatting sign, no emoji name, no quote at the start of a line.
func mrkdwnKeeps(s string) bool {
	if strings.ContainsAny(s, "*~`") || strings.HasPrefix(s, ">") || strings.Contains(s, "\n>") {
		return false
	}
	for i, r := range s {
		if r != '_' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+1:])
		if !isWord(before) || !isWord(after) {
			return false
		}
	}
	return !strings.Contains(s, ":") || !colonName.MatchString(s)
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// shortFact is the longest value that stands in the two-column layout.
const shortFact = 60

// slackFields shows short facts two to a row and long ones on their own lines.
func slackFields(p *slackPage, fields []Field) {
	var short []*slack.TextBlockObject
	shown := 0
	flush := func() bool {
		n := len(short)
		if n == 0 {
			return true
		}
		ok := p.try(slack.NewSectionBlock(nil, short, nil))
		short = nil
		if ok {
			shown += n
		}
		return ok
	}
	for _, f := range fields {
		name, value := brief(oneLine(f.Name), 60), oneLine(f.Value)
		if value == "" {
			value = "–"
		}
		if units(value) <= shortFact {
			short = append(short, twoLines(name, value, slackMaxFieldText))
			if len(short) == slackMaxFields && !flush() {
				break
			}
			continue
		}
		if !flush() || !p.try(richBlock(section(styled(name, bold), run("\n"+cut(value, 600))))) {
			break
		}
		shown++
	}
	flush()
	p.missing.miss(len(fields)-shown, "fact")
}

// slackChanges shows before and after of every field. All values are shortened
// alike until everything fits; fields that still do not are counted.
func slackChanges(p *slackPage, changes []Change) {
	if len(changes) == 0 {
		return
	}
	read, more := readChanges(changes)
	p.missing.miss(more, changedField)
	changes = changes[:len(read)]
	var blocks []slack.Block
	for _, limit := range changeLimits {
		blocks = changeBlocks(read, limit)
		size := 0
		for _, b := range blocks {
			size += p.size(b) + 1
		}
		if size <= p.room && len(blocks) <= p.slots {
			break
		}
	}
	for i, b := range blocks {
		if !p.try(b) {
			p.missing.miss(len(changes)-max(i-1, 0)*changesPerBlock, changedField)
			return
		}
	}
}

// changesPerBlock keeps a card with many changes within the number of blocks.
const changesPerBlock = 4

func changeBlocks(changes []shownChange, limit int) []slack.Block {
	out := []slack.Block{richBlock(section(styled(changesHeading, bold)))}
	for len(changes) > 0 {
		n := min(changesPerBlock, len(changes))
		var els []slack.RichTextElement
		for _, c := range changes[:n] {
			els = append(els, changeElements(c.cut(limit))...)
		}
		out = append(out, richBlock(els...))
		changes = changes[n:]
	}
	return out
}

// changeElements is "Field: before → after" on one line, or the values under
// each other in boxes.
func changeElements(s shownChange) []slack.RichTextElement {
	if s.Inline {
		return []slack.RichTextElement{section(
			styled(s.Field, bold), run(": "), valueRun(s.Before, s.NoBefore),
			run(" "+arrow+" "), valueRun(s.After, s.NoAfter),
		)}
	}
	head := []slack.RichTextSectionElement{styled(s.Field, bold)}
	if s.Note != "" {
		head = append(head, run(": "+s.Note))
	}
	out := []slack.RichTextElement{section(head...)}
	for _, p := range s.Places {
		removed, added := p.labels()
		if removed != "" {
			out = append(out, section(styled(removed, italic)), preformatted(p.Removed))
		}
		if added != "" {
			out = append(out, section(styled(added, italic)), preformatted(p.Added))
		}
	}
	return out
}

func valueRun(s string, absent bool) slack.RichTextSectionElement {
	if absent {
		return styled(s, italic)
	}
	return styled(s, code)
}

// slackBody adds one block of the body.
func slackBody(p *slackPage, b Block) {
	file := p.file(b)
	if p.full() {
		p.missing.miss(1, "section")
		return
	}
	if h := oneLine(b.Heading); h != "" {
		if !p.try(richBlock(section(styled(brief(h, 150), bold)))) {
			p.missing.miss(1, "section")
			return
		}
	}
	switch {
	case b.Chart != nil:
		slackChart(p, b, file)
	case b.Table != nil:
		slackTable(p, *b.Table)
	case len(b.Items) > 0:
		slackItems(p, b.Items)
	case b.Code != "":
		p.fitText(b.Code, slackMaxText, exact, func(s string) slack.Block { return richBlock(preformatted(s)) })
	case b.Text != "":
		p.fitText(b.Text, slackMaxText, paragraph, func(s string) slack.Block { return richBlock(section(run(s))) })
	}
}

// file is the picture of b, if it is a chart that has one.
func (p *slackPage) file(b Block) string {
	if b.Chart == nil || len(p.files) == 0 {
		return ""
	}
	file := p.files[0]
	p.files = p.files[1:]
	return file
}

// slackChart is the picture, with the equivalent in text for screen readers, or
// else bars of text.
func slackChart(p *slackPage, b Block, file string) {
	p.missing.miss(b.Chart.left(), "point")
	if slackFileID.MatchString(file) {
		alt := cut(b.Chart.Words(b.Heading), slackAltText)
		if p.try(slack.NewImageBlockSlackFile(&slack.SlackFileObject{ID: file}, alt, "", nil)) {
			return
		}
	}
	if !p.try(richBlock(preformatted(b.Chart.shownText(phoneColumns)))) {
		p.missing.miss(1, "chart")
	}
}

// slackItems gives an item with a button a block of its own and puts runs of
// others together.
func slackItems(p *slackPage, items []Item) {
	for i := 0; i < len(items); {
		var b slack.Block
		n := 1
		if btn := items[i].Button; btn != nil && btn.usable() {
			b = itemWithButton(items[i], p.buttons)
			p.buttons++
		} else {
			for i+n < len(items) && n < 10 && items[i+n].Button == nil {
				n++
			}
			b = itemLines(items[i : i+n])
		}
		if !p.try(b) {
			p.missing.miss(len(items)-i, "row")
			return
		}
		i += n
	}
}

func itemWithButton(it Item, n int) slack.Block {
	text := twoLines(itemTitle(it), oneLine(it.Detail), 600)
	return slack.NewSectionBlock(text, nil, slack.NewAccessory(slackButton(*it.Button, n)))
}

func itemTitle(it Item) string {
	title := oneLine(it.Title)
	if title == "" {
		title = "(no name)"
	}
	if icon := lookOf(it.Status).icon; icon != "" {
		return icon + " " + title
	}
	return title
}

func itemLines(items []Item) slack.Block {
	var els []slack.RichTextSectionElement
	for i, it := range items {
		if i > 0 {
			els = append(els, run("\n"))
		}
		els = append(els, styled(brief(itemTitle(it), 150), bold))
		if d := oneLine(it.Detail); d != "" {
			els = append(els, run("\n"+cut(d, 400)))
		}
	}
	return richBlock(slack.NewRichTextSection(els...))
}

// slackTable adds a table block, once per message, or the same as text; a wide
// table becomes a list.
func slackTable(p *slackPage, t Table) {
	rows := tableRows(t, slackMaxTableCols)
	if len(rows) == 0 {
		return
	}
	if tooWide(rows) {
		slackItems(p, rowItems(rows))
		return
	}
	if p.table {
		p.table = false
		for n := min(len(rows), slackMaxTableRows); n > 1; n = n * 3 / 4 {
			if p.try(tableBlock(rows[:n])) {
				p.missing.miss(len(rows)-n, "row")
				return
			}
		}
	}
	for n := min(len(rows), 200); n > 1; n = n * 3 / 4 {
		text := gridText(rows[:n], phoneColumns)
		if units(text) <= slackMaxText && p.try(richBlock(preformatted(text))) {
			p.missing.miss(len(rows)-n, "row")
			return
		}
	}
	p.missing.miss(len(rows)-1, "row")
}

// tableBlock shows rows, the first of which is the header. Empty cells are
// invalid on Slack and never occur: see tableRows.
func tableBlock(rows [][]string) slack.Block {
	b := slack.NewTableBlock("")
	for _, right := range numericColumns(rows) {
		set := slack.ColumnSetting{Align: slack.ColumnAlignmentLeft, IsWrapped: true}
		if right {
			set = slack.ColumnSetting{Align: slack.ColumnAlignmentRight}
		}
		b.ColumnSettings = append(b.ColumnSettings, set)
	}
	for i, row := range rows {
		cells := make([]slack.TableCell, 0, len(row))
		for _, c := range row {
			if i == 0 {
				cells = append(cells, slack.NewTableRichTextCell(slack.NewRichTextSection(styled(c, bold))))
				continue
			}
			cells = append(cells, slack.NewTableRawTextCell(c))
		}
		b.AddRow(cells...)
	}
	return b
}

// slackActionID is the action id of the n-th button: "neobot:approve:0".
func slackActionID(a Action, n int) string { return slackPrefix + string(a) + ":" + strconv.Itoa(n) }
