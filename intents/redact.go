package intents

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"neobot/adapters"
	"neobot/cards"
)

// credentials are shapes that are nothing but credentials. Unlike secrets they
// are taken out of everything that is shown or kept, so words that only sound
// like one ("the password is reset") must not match.
var credentials = regexp.MustCompile(strings.Join([]string{
	`neo_sk_[A-Za-z0-9_]+`,
	`xox[abeoprs]-[A-Za-z0-9-]{8,}`, `xapp-[A-Za-z0-9-]{8,}`,
	`\bsk-[A-Za-z0-9_-]{24,}`,
	`(?:[?&][\w.-]+=)?\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`,
	`\bAKIA[0-9A-Z]{16}\b`,
	`\bgh[pousr]_[A-Za-z0-9]{30,}`,
	`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`,
}, "|"))

// credentialMarks are the fixed letters of credentials: without one of them
// nothing can match.
var credentialMarks = []string{
	"neo_sk_", "xox", "xapp-", "sk-", "eyJ", "AKIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "PRIVATE KEY",
}

func mayHoldCredential(s string) bool {
	return slices.ContainsFunc(credentialMarks, func(mark string) bool { return strings.Contains(s, mark) })
}

// hideCredentials replaces credentials. A signed parameter of an address stays:
// without it the short-lived link of an artifact, which only the asker sees,
// would be dead.
func hideCredentials(s string) string {
	if !mayHoldCredential(s) {
		return s // nearly everything, at a hundredth of the cost
	}
	return credentials.ReplaceAllStringFunc(s, func(found string) string {
		if found[0] == '?' || found[0] == '&' {
			return found
		}
		return "[redacted]"
	})
}

// safeCard is a card without credentials, wherever the text came from. Only the
// changes of a card that asks for a decision are left as they are: what is
// approved must be seen whole.
func safeCard(c cards.Card) cards.Card {
	c.Title, c.Summary = hideCredentials(c.Title), hideCredentials(c.Summary)
	c.Fields, c.Footer = slices.Clone(c.Fields), slices.Clone(c.Footer)
	for i, f := range c.Fields {
		c.Fields[i].Value = hideCredentials(f.Value)
	}
	for i, f := range c.Footer {
		c.Footer[i] = hideCredentials(f)
	}
	if !asksDecision(c) {
		c.Changes = slices.Clone(c.Changes)
		for i, x := range c.Changes {
			c.Changes[i].Before, c.Changes[i].After = hideCredentials(x.Before), hideCredentials(x.After)
		}
	}
	c.Buttons = slices.Clone(c.Buttons)
	for i, b := range c.Buttons {
		c.Buttons[i].Label = hideCredentials(b.Label)
	}
	c.Body = slices.Clone(c.Body)
	for i, b := range c.Body {
		c.Body[i] = safeBlock(b)
	}
	return c
}

func asksDecision(c cards.Card) bool {
	return slices.ContainsFunc(c.Buttons, func(b cards.Button) bool { return b.Action == cards.ActionApprove })
}

func safeBlock(b cards.Block) cards.Block {
	b.Heading, b.Text, b.Code = hideCredentials(b.Heading), hideCredentials(b.Text), hideCredentials(b.Code)
	b.Items = slices.Clone(b.Items)
	for i, item := range b.Items {
		b.Items[i].Title, b.Items[i].Detail = hideCredentials(item.Title), hideCredentials(item.Detail)
		if item.Button != nil {
			button := *item.Button
			button.Label = hideCredentials(button.Label)
			b.Items[i].Button = &button
		}
	}
	if b.Chart != nil {
		chart := *b.Chart
		chart.Labels, chart.Series = slices.Clone(chart.Labels), slices.Clone(chart.Series)
		for i, l := range chart.Labels {
			chart.Labels[i] = hideCredentials(l)
		}
		for i, s := range chart.Series {
			chart.Series[i].Name = hideCredentials(s.Name)
		}
		b.Chart = &chart
	}
	if b.Table != nil {
		table := cards.Table{Columns: b.Table.Columns, Rows: make([][]string, len(b.Table.Rows))}
		for i, row := range b.Table.Rows {
			for _, cell := range row {
				table.Rows[i] = append(table.Rows[i], hideCredentials(cell))
			}
		}
		b.Table = &table
	}
	return b
}

// safeDetail is the detail of an audit record without credentials. The digest
// beside it still tells which change was meant.
func safeDetail(detail map[string]any) map[string]any {
	if detail == nil {
		return nil
	}
	raw, err := json.Marshal(detail)
	if err != nil || !mayHoldCredential(string(raw)) || !credentials.Match(raw) {
		return detail // Append reports what cannot be written
	}
	var out map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&out) != nil {
		return map[string]any{"detail": "left out: it held a credential"}
	}
	return safeValue(out).(map[string]any)
}

func safeValue(v any) any {
	switch v := v.(type) {
	case string:
		return hideCredentials(v)
	case []any:
		for i := range v {
			v[i] = safeValue(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = safeValue(v[k])
		}
	}
	return v
}

// safePoster takes credentials out of what is posted besides answers.
type safePoster struct{ Poster }

func (p safePoster) Post(ctx context.Context, key string, to adapters.Destination, card cards.Card) (adapters.Ref, error) {
	return p.Poster.Post(ctx, key, to, safeCard(card))
}

func (p safePoster) Update(ctx context.Context, ref adapters.Ref, card cards.Card) error {
	return p.Poster.Update(ctx, ref, safeCard(card))
}
