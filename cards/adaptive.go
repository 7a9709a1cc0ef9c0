package cards

import (
	"strings"
)

const (
	// teamsMaxCard is our budget for the JSON of a card. Older paths refuse
	// more than about 28 KB, newer ones 100 KB of UTF-16:
	// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
	teamsMaxCard = 24000
	// teamsMaxActions is the number of actions every renderer shows in one
	// set: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/design-effective-cards
	teamsMaxActions  = 5
	teamsMaxButtons  = 20
	teamsMaxElements = 200
	teamsMaxText     = 4000
	teamsMaxColumns  = 5 // a table with more is shown as a list
	teamsMaxRows     = 60

	// Shares of the budget for the parts that are never left out.
	teamsShareSummary = 5000
	teamsShareLinks   = 4000
	teamsShareButtons = 8000
	teamsShareFooter  = 2000

	// AdaptiveCardType is the content type of an attachment holding a card.
	AdaptiveCardType = "application/vnd.microsoft.card.adaptive"
)

// AdaptiveCard is a card for Teams, version 1.5:
// https://adaptivecards.io/explorer/AdaptiveCard.html
type AdaptiveCard struct {
	Type         string         `json:"type"`
	Schema       string         `json:"$schema"`
	Version      string         `json:"version"`
	FallbackText string         `json:"fallbackText,omitempty"`
	MSTeams      map[string]any `json:"msteams,omitempty"`
	Refresh      *Refresh       `json:"refresh,omitempty"`
	Body         []any          `json:"body"`
	Actions      []any          `json:"actions,omitempty"`
}

// Attachment wraps c for the attachments of an activity.
func (c AdaptiveCard) Attachment() map[string]any {
	return map[string]any{"contentType": AdaptiveCardType, "content": c}
}

func newAdaptiveCard(body []any) AdaptiveCard {
	return AdaptiveCard{
		Type: "AdaptiveCard", Schema: "http://adaptivecards.io/schemas/adaptive-card.json",
		Version: "1.5", MSTeams: map[string]any{"width": "full"}, Body: body,
	}
}

// Teams renders c as an Adaptive Card of at most 25 KB. Text of the card stands
// in text runs, which have no Markdown; only sentences of ours, and headings
// Markdown would not change, are TextBlocks. The label for generated text is
// not part of the card: the activity carries it when c.AIGenerated is set.
func Teams(c Card) AdaptiveCard { return teams(c, nil) }

func teams(c Card, refresh *Refresh) AdaptiveCard {
	card := newAdaptiveCard(nil)
	card.FallbackText, card.Refresh = mdPlain(brief(Summary(c), 300)), refresh
	size, limit := jsonBytes, teamsMaxCard
	if refresh != nil {
		limit -= jsonBytes(refresh)
	}
	if teamsCosts.atMost(c, limit) <= limit {
		size = free
	}
	p := newPage[any](teamsMaxCard-size(card), teamsMaxElements, size)
	p.add(teamsTop(c, size)...)
	end := newPage[any](p.room, p.slots, size)
	end.add(teamsEnd(c, &end)...)
	p.room, p.slots, p.missing = end.room-noteReserve, end.slots-1, end.missing
	teamsFields(&p, c.Fields)
	teamsChanges(&p, c.Changes)
	for _, b := range c.Body {
		teamsBody(&p, b)
	}
	card.Body = finish(p, end.items, smallPrint)
	return card
}

// teamsTop is title, status, test mode and summary.
func teamsTop(c Card, size func(any) int) []any {
	var out []any
	if t := titled(c); t != "" {
		out = append(out, heading(brief(t, 200), "Large"))
	}
	if w := lookOf(c.Status).words; w != "" {
		out = append(out, textBlock{Type: "TextBlock", Text: w, Wrap: true, Color: statusColor(c.Status), Weight: "Bolder", Spacing: "None"})
	}
	if c.TestMode {
		out = append(out, container{Type: "Container", Style: "warning", Bleed: true, Items: []any{
			textBlock{Type: "TextBlock", Text: testModeIcon + " **" + testModeTitle + ":** " + testModeText, Wrap: true},
		}})
	}
	if c.Summary != "" {
		out = append(out, shrink(size, teamsShareSummary, summaryLimits, func(limit int) any {
			return richText("", words(shortSummary(c, limit)))
		}))
	}
	return out
}

// statusColor supports what icon and words already say.
func statusColor(s Status) string {
	switch s {
	case StatusDone, StatusOn:
		return "Good"
	case StatusFailed, StatusRejected, StatusRefused:
		return "Attention"
	case StatusPending, StatusUnknown:
		return "Warning"
	case StatusWorking, StatusQuestion:
		return "Accent"
	case StatusNone, StatusExpired, StatusOff:
	}
	return ""
}

// teamsEnd is links, buttons and small print. It counts in p what is left out.
func teamsEnd(c Card, p *page[any]) []any {
	links := c.Links[:min(len(c.Links), 10)]
	n := fitCount(p.size, teamsShareLinks, len(links), func(n int) []any { return teamsLinks(links[:n]) })
	p.missing.miss(len(c.Links)-n, "link")
	out := teamsLinks(links[:n])
	buttons, left := splitButtons(c.Buttons, teamsMaxButtons)
	n = fitCount(p.size, teamsShareButtons, len(buttons), func(n int) []any { return teamsButtons(buttons[:n], p.size) })
	out = append(out, teamsButtons(buttons[:n], p.size)...)
	if f := footerLine(c, left+len(buttons)-n, false); f != "" {
		out = append(out, shrink(p.size, teamsShareFooter, footerLimits, func(limit int) any { return smallPrint(cut(f, limit)) }))
	}
	return out
}

// teamsButtons is the buttons in sets of teamsMaxActions, labels shortened if
// they must be.
func teamsButtons(buttons []Button, size func(any) int) []any {
	return shrink(size, teamsShareButtons, labelLimits, func(limit int) []any {
		var out []any
		for rest := buttons; len(rest) > 0; {
			n := min(teamsMaxActions, len(rest))
			set := actionSet{Type: "ActionSet"}
			for _, b := range rest[:n] {
				b.Label = brief(oneLine(b.Label), limit)
				set.Actions = append(set.Actions, teamsAction(b))
			}
			out = append(out, set)
			rest = rest[n:]
		}
		return out
	})
}

func teamsLinks(links []Link) []any {
	var out []any
	for _, l := range links {
		out = append(out, teamsLink(l))
	}
	return out
}

// teamsLink is "label (host)". The address is ours and checked by safeLink;
// brackets, which would end the Markdown link, are written in hex.
func teamsLink(l Link) any {
	target, host, ok := safeLink(l)
	if !ok {
		return richText("Small", words(cut(linkText(l), 300)))
	}
	target = strings.NewReplacer("(", "%28", ")", "%29", "[", "%5B", "]", "%5D").Replace(target)
	label := brief(oneLine(l.Label), 100)
	if label == "" || !mdKeeps(label) {
		return textBlock{Type: "TextBlock", Text: "[" + host + "](" + target + ")", Wrap: true, Spacing: "Small"}
	}
	return textBlock{Type: "TextBlock", Text: "[" + label + "](" + target + ") (" + host + ")", Wrap: true, Spacing: "Small"}
}

// teamsAction is a button. Actions that open a dialog must be Action.Submit
// with task/fetch; the others are Action.Execute, which Teams answers in place,
// with Action.Submit for clients that do not know it:
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/overview
func teamsAction(b Button) any {
	data := map[string]any{"action": string(b.Action), "id": b.ID}
	submit := action{Type: "Action.Submit", Title: noMacro(brief(oneLine(b.Label), 75)), Data: data}
	switch b.Style {
	case StylePrimary:
		submit.Style = "positive"
	case StyleDanger:
		submit.Style = "destructive"
	case StyleDefault:
	}
	if b.Action.OpensForm() {
		data["msteams"] = map[string]any{"type": "task/fetch"}
		return submit
	}
	execute := submit
	execute.Type, execute.Verb, execute.Fallback = "Action.Execute", string(b.Action), &submit
	return execute
}

// teamsFields is one row per fact, name left of value.
func teamsFields(p *page[any], fields []Field) {
	for i, f := range fields {
		value := orWord(cut(oneLine(f.Value), 600), "–")
		row := columnSet{Type: "ColumnSet", Spacing: "Small", Columns: []column{
			{Type: "Column", Width: "92px", Items: []any{richText("", subtle(brief(oneLine(f.Name), 60)))}},
			{Type: "Column", Width: "stretch", Items: []any{richText("", words(value))}},
		}}
		if i == 0 {
			row.Spacing = "Medium"
		}
		if !p.try(row) {
			p.missing.miss(len(fields)-i, "fact")
			return
		}
	}
}

// teamsChanges shows before and after of every field; all values are shortened
// alike until everything fits.
func teamsChanges(p *page[any], changes []Change) {
	if len(changes) == 0 {
		return
	}
	read, more := readChanges(changes)
	p.missing.miss(more, changedField)
	var parts []any
	for _, limit := range changeLimits {
		parts = append(parts[:0], heading(changesHeading, "Medium"))
		size := 0
		for _, c := range read {
			el := changeElement(c.cut(limit))
			size += p.size(el) + 1
			parts = append(parts, el)
		}
		if size+200 <= p.room && len(parts) <= p.slots {
			break
		}
	}
	for i, el := range parts {
		if !p.try(el) {
			p.missing.miss(len(read)-max(i-1, 0), changedField)
			return
		}
	}
}

// changeElement is "Field: before → after", or the name of the field with the
// values under each other in boxes.
func changeElement(s shownChange) any {
	if s.Inline {
		return richText("Small", strong(s.Field), words(": "), valueWords(s.Before, s.NoBefore), words(" "+arrow+" "), valueWords(s.After, s.NoAfter))
	}
	head := richText("", strong(s.Field))
	if s.Note != "" {
		head.Inlines = append(head.Inlines, words(": "+s.Note))
	}
	box := container{Type: "Container", Spacing: "Small", Items: []any{head}}
	for _, p := range s.Places {
		removed, added := p.labels()
		if removed != "" {
			box.Items = append(box.Items, richText("Small", subtle(removed)), codeBox(p.Removed))
		}
		if added != "" {
			box.Items = append(box.Items, richText("Small", subtle(added)), codeBox(p.Added))
		}
	}
	return box
}

// codeBox is text of fixed width on grey, blanks kept.
func codeBox(s string) container {
	return container{Type: "Container", Style: "emphasis", Spacing: "None", Items: []any{richText("", valueWords(nbsp(s), false))}}
}

func valueWords(s string, absent bool) textRun {
	r := words(s)
	if absent {
		r.Italic = true
	} else {
		r.FontType = "Monospace"
	}
	return r
}

// teamsBody adds one block of the body.
func teamsBody(p *page[any], b Block) {
	if p.full() {
		p.missing.miss(1, "section")
		return
	}
	if h := oneLine(b.Heading); h != "" {
		if !p.try(heading(brief(h, 150), "Medium")) {
			p.missing.miss(1, "section")
			return
		}
	}
	switch {
	case b.Chart != nil:
		teamsChart(p, b)
	case b.Table != nil:
		teamsTable(p, *b.Table)
	case len(b.Items) > 0:
		teamsItems(p, b.Items)
	case b.Code != "":
		p.fitText(b.Code, teamsMaxText, exact, func(s string) any {
			box := codeBox(s)
			box.Spacing = "Small"
			return box
		})
	case b.Text != "":
		p.fitText(b.Text, teamsMaxText, paragraph, func(s string) any { return richText("Small", words(s)) })
	}
}

func teamsItems(p *page[any], items []Item) {
	for i, it := range items {
		if !p.try(teamsItem(it)) {
			p.missing.miss(len(items)-i, "row")
			return
		}
	}
}

// teamsItem is title and detail, with the button beside them.
func teamsItem(it Item) any {
	lines := []any{richText("", strong(brief(itemTitle(it), 150)))}
	if d := oneLine(it.Detail); d != "" {
		lines = append(lines, richText("None", subtle(cut(d, 400))))
	}
	if it.Button == nil || !it.Button.usable() {
		return container{Type: "Container", Spacing: "Small", Items: lines}
	}
	return columnSet{Type: "ColumnSet", Spacing: "Small", Columns: []column{
		{Type: "Column", Width: "stretch", Items: lines},
		{Type: "Column", Width: "auto", VerticalContentAlignment: "Center", Items: []any{actionSet{Type: "ActionSet", Actions: []any{teamsAction(*it.Button)}}}},
	}}
}

// teamsTable is a table, or a list when it is wide.
func teamsTable(p *page[any], t Table) {
	rows := tableRows(t, slackMaxTableCols)
	if len(rows) == 0 {
		return
	}
	if len(rows[0]) > teamsMaxColumns || tooWide(rows) {
		teamsItems(p, rowItems(rows))
		return
	}
	for n := min(len(rows), teamsMaxRows); n > 1; n = n * 3 / 4 {
		if p.try(adaptiveTable(rows[:n])) {
			p.missing.miss(len(rows)-n, "row")
			return
		}
	}
	p.missing.miss(len(rows)-1, "row")
}

// adaptiveTable gives every column the share of the width its text needs.
func adaptiveTable(rows [][]string) any {
	t := table{Type: "Table", FirstRowAsHeaders: true, ShowGridLines: false, Spacing: "Small"}
	numeric := numericColumns(rows)
	for j := range rows[0] {
		widest := 0
		for _, row := range rows {
			widest = max(widest, columns(row[j]))
		}
		col := columnDef{Width: min(max(widest, 6), 24)}
		if numeric[j] {
			col.HorizontalCellContentAlignment = "Right"
		}
		t.Columns = append(t.Columns, col)
	}
	for i, row := range rows {
		r := tableRow{Type: "TableRow"}
		for _, c := range row {
			w := words(c)
			if i == 0 {
				w = strong(c)
			}
			r.Cells = append(r.Cells, tableCell{Type: "TableCell", Items: []any{richText("", w)}})
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}
