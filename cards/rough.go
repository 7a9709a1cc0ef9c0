package cards

import "strings"

// Measuring every part by encoding it costs more than building the card. Nearly
// all cards are far below the limits, and for those a generous estimate is
// enough: when it fits, nothing is measured.

// costs are upper bounds, in characters of JSON without the text, for the parts
// of a card on one platform.
type costs struct {
	base   int // top, footer, notes
	field  int
	change int // name of the field, one line
	place  int // two boxes with their labels
	item   int
	button int
	block  int // heading and frame of a block of the body
	cell   int
	chart  int // frame
	row    int // one point as text
	point  int // one value
	link   int
	ids    int // how often id and label of a button are written
}

var (
	slackCosts = costs{base: 1100, field: 130, change: 520, place: 420, item: 260, button: 200, block: 260, cell: 170, chart: 500, row: 60, point: 60, link: 160, ids: 1}
	teamsCosts = costs{base: 1700, field: 330, change: 520, place: 640, item: 420, button: 420, block: 420, cell: 170, chart: 900, row: 200, point: 90, link: 200, ids: 3}
)

// atMost is an upper bound for the JSON of c. It stops early beyond limit.
func (k costs) atMost(c Card, limit int) int {
	n := k.base + 3*weight(c.Title) + 2*weight(c.Summary) // both again in the fallback text
	for _, f := range c.Footer {
		n += weight(f) + 10
	}
	for _, f := range c.Fields {
		n += k.field + weight(f.Name) + weight(f.Value)
	}
	for _, l := range c.Links {
		n += k.link + weight(l.Label) + 3*weight(l.URL)
	}
	for _, b := range c.Buttons {
		n += k.buttonAtMost(b)
	}
	for _, ch := range c.Changes {
		places := 1 + min(maxPlaces, max(strings.Count(ch.Before, "\n"), strings.Count(ch.After, "\n")))
		n += k.change + places*k.place + weight(ch.Field) + weight(ch.Before) + weight(ch.After)
		if len(ch.Before)+len(ch.After) < inlineUnits && places == 1 {
			n -= k.place
		}
	}
	for i := 0; i < len(c.Body) && n <= limit; i++ {
		n += k.blockAtMost(c.Body[i], limit)
	}
	return n
}

func (k costs) buttonAtMost(b Button) int { return k.button + k.ids*(weight(b.Label)+len(b.ID)) }

func (k costs) blockAtMost(b Block, limit int) int {
	n := k.block + weight(b.Heading) + 2*weight(b.Text) + 2*weight(b.Code)
	for i := 0; i < len(b.Items) && n <= limit; i++ {
		it := b.Items[i]
		n += k.item + weight(it.Title) + weight(it.Detail)
		if it.Button != nil {
			n += k.buttonAtMost(*it.Button)
		}
	}
	if b.Chart != nil {
		n += k.chartAtMost(*b.Chart)
	}
	if b.Table == nil {
		return n
	}
	for i := -1; i < len(b.Table.Rows) && n <= limit; i++ {
		row := b.Table.Columns
		if i >= 0 {
			row = b.Table.Rows[i]
		}
		n += 60 + len(b.Table.Columns)*k.cell
		for _, cell := range row {
			n += 2 * weight(cell)
		}
	}
	return n
}

// chartAtMost bounds picture and text on Slack, Teams' chart and its text.
func (k costs) chartAtMost(c Chart) int {
	n := k.chart + 3*weight(c.Unit)
	for _, s := range c.Series[:min(len(c.Series), chartMaxSeries)] {
		n += 400 + 3*weight(s.Name) + min(len(s.Values), chartMaxPoints)*(k.point+3*weight(s.Name))
	}
	for _, l := range c.Labels[:min(len(c.Labels), chartMaxPoints)] {
		n += k.row + (3+len(c.Series))*weight(l)
	}
	return n
}

// weight is an upper bound for the bytes of s in JSON after cleaning and
// escaping: "&" becomes "&amp;", whose first sign alone takes six; a hidden
// character of three bytes takes twelve; a blank may become a no-break space.
func weight(s string) int {
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			n += 2
		case c == '<', c == '>', c == '&', c < 0x20, c == '"', c == '\\':
			n += 12
		case c >= 0x7f:
			n += 6
		default:
			n++
		}
	}
	return n
}
