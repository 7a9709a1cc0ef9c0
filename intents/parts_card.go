package intents

import (
	"slices"
	"strconv"
	"strings"

	"neobot/cards"
)

// What one part shows on the card of a question of several parts.
const (
	partItems  = 3
	partRows   = 5
	partBlocks = 2
	partFacts  = 6
	partText   = 300
)

// joined is one card with every part, shortened. A part that was cut has a button
// that shows all of it; buttons that lead to changes stand only there.
func (s *Service) joined(a *ask, all []answered) outcome {
	for i := range a.offered {
		a.offered[i].Replace = false // a choice in one part must not replace the others
	}
	var out outcome
	var titles, steps []string
	for i, p := range all {
		title := p.out.card.Title
		titles = append(titles, clip(title, 80))
		if p.intent.Name != "" {
			steps = append(steps, strings.ReplaceAll(p.intent.Name, "_", " "))
		}
		body, cut := s.shortened(a, p.out.card)
		if body[0].Heading = itoa(i+1) + ". " + title; p.out.refusal != "" && p.intent.Name != "" {
			body[0].Heading += " (not answered)"
		}
		out.card.Body = append(out.card.Body, body...)
		for _, f := range p.out.card.Footer {
			if !strings.HasPrefix(f, rowsFooter) && !slices.Contains(out.card.Footer, f) {
				out.card.Footer = append(out.card.Footer, f)
			}
		}
		out.card.AIGenerated = out.card.AIGenerated || p.out.card.AIGenerated
		out.private = out.private || p.out.private
		switch {
		case p.out.refusal != "":
			out.card.Buttons = append(out.card.Buttons, s.looking(a, p.out.card.Buttons)...)
		case cut:
			a.next(&out.card, "All of "+clip(title, 60), p.intent)
		}
	}
	out.card.Title = strings.Join(titles, " · ")
	out.card.Footer = append(out.card.Footer, "Looked up one after the other: "+strings.Join(steps, ", "))
	return out
}

// shortened is a part's card as blocks, the first of which has text and no
// heading yet, and whether something is missing from it.
func (s *Service) shortened(a *ask, c cards.Card) (body []cards.Block, cut bool) {
	lines := []string{clip(c.Summary, partText)}
	for _, f := range c.Fields[:min(len(c.Fields), partFacts)] {
		lines = append(lines, f.Name+": "+oneLine(f.Value, 120))
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	body = []cards.Block{{Text: orNone(text, "–")}}
	cut = len(c.Fields) > partFacts || len(c.Body) > partBlocks || len(c.Links) > 0 || len(c.Buttons) > 0 || lines[0] != c.Summary
	if len(c.Changes) > 0 {
		t := &cards.Table{Columns: []string{"Setting", "Before", "After"}}
		for _, x := range c.Changes[:min(len(c.Changes), partRows)] {
			t.Rows = append(t.Rows, []string{x.Field, oneLine(x.Before, 80), oneLine(x.After, 80)})
		}
		body, cut = append(body, cards.Block{Table: t}), true
	}
	for _, b := range c.Body[:min(len(c.Body), partBlocks)] {
		short, less := s.shortBlock(a, b)
		body, cut = append(body, short), cut || less
	}
	return body, cut
}

func (s *Service) shortBlock(a *ask, b cards.Block) (cards.Block, bool) {
	cut := false
	if len(b.Items) > partItems {
		b.Items, cut = b.Items[:partItems], true
	}
	b.Items = slices.Clone(b.Items)
	for i, item := range b.Items {
		if item.Button != nil && len(s.looking(a, []cards.Button{*item.Button})) == 0 {
			b.Items[i].Button = nil
		}
	}
	if b.Table != nil && len(b.Table.Rows) > partRows {
		b.Table, cut = &cards.Table{Columns: b.Table.Columns, Rows: b.Table.Rows[:partRows]}, true
	}
	text, code := clip(b.Text, partText), clip(b.Code, partText)
	cut = cut || text != b.Text || code != b.Code
	b.Text, b.Code = text, code
	return b, cut
}

// looking are those of the buttons just offered that only look something up.
// Asking for a permission and choices of a read are among them.
func (s *Service) looking(a *ask, buttons []cards.Button) []cards.Button {
	var out []cards.Button
	for _, b := range buttons {
		_, n, _ := cutLast(b.ID, '_')
		i, err := strconv.Atoi(n)
		if err != nil || i < 0 || i >= len(a.offered) || b.ID != a.record+"_"+n || b.Action != cards.ActionContinue {
			continue
		}
		e := s.catalog[a.offered[i].Intent.Name]
		if chainable(e.Spec) && !e.internal || e.Name == intentAskAccess {
			out = append(out, b)
		}
	}
	return out
}
