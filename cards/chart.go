package cards

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// ChartKind is how a chart is drawn.
type ChartKind string

// The kinds of charts. An unknown one is drawn as bars.
const (
	ChartBars ChartKind = "bars" // upright, for what happens over time
	ChartRows ChartKind = "rows" // lying, for names
	ChartLine ChartKind = "line" // for many points in time
)

// Chart is numbers for the eye: a picture in Slack, Teams' own chart, bars of
// text elsewhere. Its equivalent in text is made from the same numbers (Words,
// and bars of fixed width), so that no chart can be without one or say
// something else than it. Several series are stacked, or several lines.
type Chart struct {
	Kind   ChartKind
	Unit   string   // what is counted: "runs", "credits"; "%" stands behind each value
	Labels []string // of the points
	Series []Series // one to three
}

// Series is the values of a chart: one for each label, or fewer when it ends
// early. Status decides the colour only.
type Series struct {
	Name   string
	Status Status
	Values []float64
}

// Bounds of a chart; what is beyond them is left out and counted.
const (
	chartMaxPoints = 31 // a month of days
	chartMaxSeries = 3
	chartMaxLabel  = 24
	chartMaxValue  = 1e15
	chartMaxRows   = 14 // more points are shown as a line of small columns in text
)

// Drawable is c made ready to be drawn, and whether it can be: labels, names and
// unit clean, short and different from each other, at most 31 points and three
// series, values finite and not negative.
func (c Chart) Drawable() (Chart, bool) {
	out := Chart{Kind: c.Kind, Unit: brief(oneLine(c.Unit), chartMaxLabel)}
	if out.Kind != ChartRows && out.Kind != ChartLine {
		out.Kind = ChartBars
	}
	out.Labels = distinct(c.Labels[:min(len(c.Labels), chartMaxPoints)], "–")
	series := c.Series[:min(len(c.Series), chartMaxSeries)]
	names := make([]string, len(series))
	for i, s := range series {
		names[i] = s.Name
	}
	names, ok := distinct(names, "value"), false
	for i, s := range series {
		values := s.Values[:min(len(s.Values), len(out.Labels))]
		for _, v := range values {
			if math.IsNaN(v) || v < 0 || v > chartMaxValue {
				return out, false
			}
		}
		ok = ok || len(values) > 0
		out.Series = append(out.Series, Series{Name: names[i], Status: s.Status, Values: values})
	}
	return out, ok
}

// distinct cleans labels and numbers those that would be the same: a renderer
// adds up bars of one name.
func distinct(labels []string, empty string) []string {
	out, seen := make([]string, len(labels)), map[string]bool{}
	for i, l := range labels {
		l = orWord(brief(oneLine(l), chartMaxLabel), empty)
		name := l
		for n := 2; seen[name]; n++ {
			name = brief(l, chartMaxLabel-5) + " (" + strconv.Itoa(n) + ")"
		}
		seen[name] = true
		out[i] = name
	}
	return out
}

// left is how many points and series of c are not drawn.
func (c Chart) left() int {
	return max(len(c.Labels)-chartMaxPoints, 0) + max(len(c.Series)-chartMaxSeries, 0)
}

// Amount writes a value of a chart: "1,234", "12.5".
func Amount(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case math.Abs(v) >= 1e12:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	text := strconv.FormatFloat(math.Abs(v), 'f', 1, 64)
	whole, rest, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(whole)
	if err != nil { // cannot be: digits of a number below 1e12
		return text
	}
	out := thousands(n)
	if rest != "0" {
		out += "." + rest
	}
	if v < 0 && out != "0" {
		out = "-" + out
	}
	return out
}

// amount is Amount with the unit where that is a sign.
func (c Chart) amount(v float64) string {
	if c.Unit == "%" {
		return Amount(v) + " %"
	}
	return Amount(v)
}

// counted is "in runs", or nothing.
func (c Chart) counted() string {
	if c.Unit == "" || c.Unit == "%" {
		return ""
	}
	return "in " + c.Unit
}

// Words is the whole chart as one sentence, for screen readers and wherever
// there is no room for more. Title may be empty.
func (c Chart) Words(title string) string {
	c, ok := c.Drawable()
	title = brief(oneLine(title), 150)
	switch {
	case strings.HasSuffix(title, "?") || strings.HasSuffix(title, "."):
		title += " "
	case title != "":
		title += ". "
	}
	if !ok {
		return title + "A chart that cannot be drawn."
	}
	kind := map[ChartKind]string{ChartBars: "Bar chart", ChartRows: "Bar chart", ChartLine: "Line chart"}[c.Kind]
	if in := c.counted(); in != "" {
		kind += " " + in
	}
	points := make([]string, 0, len(c.Labels))
	for i, label := range c.Labels {
		var values []string
		for _, s := range c.Series {
			switch {
			case i >= len(s.Values):
			case len(c.Series) == 1:
				values = append(values, c.amount(s.Values[i]))
			default:
				values = append(values, c.amount(s.Values[i])+" "+s.Name)
			}
		}
		if len(values) > 0 {
			points = append(points, label+" "+strings.Join(values, ", "))
		}
	}
	return title + kind + ": " + strings.Join(points, "; ") + "."
}

// fills are what the bars of the series are made of in text.
var fills = [chartMaxSeries]string{"█", "▒", "░"}

// text is a drawable chart in lines of fixed width, about width wide.
func (c Chart) text(width int) string {
	var lines []string
	legend := make([]string, 0, len(c.Series))
	if len(c.Series) > 1 && !c.small() {
		for i, s := range c.Series {
			legend = append(legend, fills[i]+" "+s.Name)
		}
	}
	if in := c.counted(); in != "" {
		legend = append(legend, in)
	}
	if len(legend) > 0 {
		lines = append(lines, wrapLines(strings.Join(legend, "  "), width)...)
	}
	if c.small() {
		lines = append(lines, c.sparks(width)...)
	} else {
		lines = append(lines, c.rows(width)...)
	}
	return strings.Join(lines, "\n")
}

// small reports whether the text is a line of small columns, not a row a point.
func (c Chart) small() bool { return c.Kind == ChartLine || len(c.Labels) > chartMaxRows }

// rows is a bar a point: "Mon 16  ██████▒▒  38 + 3".
func (c Chart) rows(width int) []string {
	labels, numbers := make([]string, len(c.Labels)), make([]string, len(c.Labels))
	labelWidth, numberWidth, most := 0, 0, 0.0
	for i, l := range c.Labels {
		labels[i] = brief(l, max(2*width/5, 10))
		labelWidth = max(labelWidth, columns(labels[i]))
		var parts []string
		total := 0.0
		for _, s := range c.Series {
			if i < len(s.Values) {
				parts, total = append(parts, c.amount(s.Values[i])), total+s.Values[i]
			}
		}
		numbers[i] = strings.Join(parts, " + ")
		numberWidth, most = max(numberWidth, columns(numbers[i])), max(most, total)
	}
	room := max(min(width-labelWidth-numberWidth-4, 40), 4)
	out := make([]string, len(c.Labels))
	for i := range c.Labels {
		bar := c.bar(i, most, room)
		pad := strings.Repeat(" ", room-columns(bar)+2+numberWidth-columns(numbers[i]))
		out[i] = strings.TrimRight(labels[i]+strings.Repeat(" ", labelWidth-columns(labels[i])+2)+bar+pad+numbers[i], " ")
	}
	return out
}

// bar is the bar of the i-th point, at most room long. What is not nothing is seen.
func (c Chart) bar(i int, most float64, room int) string {
	var b strings.Builder
	used, sum := 0, 0.0
	for j, s := range c.Series {
		if i >= len(s.Values) || s.Values[i] <= 0 {
			continue
		}
		sum += s.Values[i]
		end := min(max(int(math.Round(sum/most*float64(room))), used+1), room)
		if end > used {
			b.WriteString(strings.Repeat(fills[j], end-used))
			used = end
		}
	}
	return b.String()
}

var steps = []rune("▁▂▃▄▅▆▇█")

// sparks is a line of small columns a series, with its bounds in words below.
func (c Chart) sparks(width int) []string {
	var out []string
	most := 0.0
	for _, s := range c.Series {
		most = max(most, slices.Max(append([]float64{0}, s.Values...)))
	}
	for _, s := range c.Series {
		if len(s.Values) == 0 {
			continue
		}
		low, high := slices.Min(s.Values), slices.Max(s.Values)
		var b strings.Builder
		for _, v := range s.Values {
			step := 0
			if most > 0 {
				step = int(math.Round(v / most * float64(len(steps)-1)))
			}
			b.WriteRune(steps[step])
		}
		line := b.String()
		if len(c.Series) > 1 {
			line += "  " + s.Name
		}
		last := len(s.Values) - 1
		words := c.Labels[0] + " to " + c.Labels[last] + ": lowest " + c.amount(low) + ", highest " + c.amount(high) + ", last " + c.amount(s.Values[last])
		out = append(append(out, line), wrapLines(words, width)...)
	}
	return out
}

// shownText is the equivalent of any chart in lines of text.
func (c Chart) shownText(width int) string {
	if d, ok := c.Drawable(); ok {
		return d.text(width)
	}
	return c.Words("")
}

// Drawing is a chart of a card with the title over it.
type Drawing struct {
	Title string
	Chart Chart
}

// Drawings are the charts of c, in the order in which SlackPictures takes their files.
func Drawings(c Card) []Drawing {
	var out []Drawing
	for _, b := range c.Body {
		if b.Chart != nil {
			out = append(out, Drawing{b.Heading, *b.Chart})
		}
	}
	return out
}
