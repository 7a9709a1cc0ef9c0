package cards

// Charts of Teams, in the shapes of
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/charts-in-adaptive-cards
// They are no part of Adaptive Card 1.5: a host that does not know one shows its
// fallback, the chart as text.

type chartElement struct {
	Type          string    `json:"type"`
	Title         string    `json:"title"` // for screen readers; the heading stands above
	Spacing       string    `json:"spacing,omitempty"`
	YAxisTitle    string    `json:"yAxisTitle,omitempty"`
	XAxisTitle    string    `json:"xAxisTitle,omitempty"`
	Stacked       bool      `json:"stacked,omitempty"`
	ShowBarValues bool      `json:"showBarValues,omitempty"`
	Color         string    `json:"color,omitempty"`
	Data          []any     `json:"data"`
	Fallback      container `json:"fallback"`
}

type chartPoint struct {
	X string  `json:"x"`
	Y float64 `json:"y"`
}

// chartSeries is a line, or the bars of one colour.
type chartSeries struct {
	Legend string       `json:"legend"`
	Color  string       `json:"color"`
	Values []chartPoint `json:"values"`
}

// chartStack is one lying bar of several parts.
type chartStack struct {
	Title string      `json:"title"`
	Data  []chartPart `json:"data"`
}

type chartPart struct {
	Legend string  `json:"legend"`
	Color  string  `json:"color"`
	Value  float64 `json:"value"`
}

// teamsChart adds a native chart, or only its text where that is all that fits.
func teamsChart(p *page[any], b Block) {
	p.missing.miss(b.Chart.left(), "point")
	text := codeBox(noMacro(b.Chart.shownText(phoneColumns)))
	text.Spacing = "Small"
	if d, ok := b.Chart.Drawable(); ok && p.try(nativeChart(d, b.Heading, text)) {
		return
	}
	if !p.try(text) {
		p.missing.miss(1, "chart")
	}
}

func nativeChart(c Chart, heading string, text container) any {
	el := chartElement{Title: noMacro(orWord(brief(oneLine(heading), 150), "Chart")), Spacing: "Small", Fallback: text}
	for i, l := range c.Labels {
		c.Labels[i] = noMacro(l)
	}
	for i, s := range c.Series {
		c.Series[i].Name = noMacro(s.Name)
	}
	unit := noMacro(c.Unit)
	switch {
	case c.Kind == ChartLine:
		el.Type, el.YAxisTitle, el.Data = "Chart.Line", unit, seriesData(c)
	case c.Kind == ChartRows && len(c.Series) > 1:
		el.Type, el.XAxisTitle, el.Data = "Chart.HorizontalBar.Stacked", unit, stackData(c)
	case c.Kind == ChartRows:
		el.Type, el.XAxisTitle, el.Color, el.Data = "Chart.HorizontalBar", unit, chartColor(c.Series[0].Status, 0), pointData(c)
	case len(c.Series) > 1:
		el.Type, el.YAxisTitle, el.Stacked, el.Data = "Chart.VerticalBar.Grouped", unit, true, seriesData(c)
	default:
		el.Type, el.YAxisTitle, el.Color, el.Data = "Chart.VerticalBar", unit, chartColor(c.Series[0].Status, 0), pointData(c)
		el.ShowBarValues = len(c.Labels) <= chartMaxRows
	}
	return el
}

func points(c Chart, s Series) []chartPoint {
	out := make([]chartPoint, len(s.Values))
	for i, v := range s.Values {
		out[i] = chartPoint{c.Labels[i], v}
	}
	return out
}

func pointData(c Chart) []any {
	out := make([]any, 0, len(c.Labels))
	for _, p := range points(c, c.Series[0]) {
		out = append(out, p)
	}
	return out
}

func seriesData(c Chart) []any {
	out := make([]any, 0, len(c.Series))
	for i, s := range c.Series {
		out = append(out, chartSeries{s.Name, chartColor(s.Status, i), points(c, s)})
	}
	return out
}

func stackData(c Chart) []any {
	out := make([]any, 0, len(c.Labels))
	for i, l := range c.Labels {
		stack := chartStack{Title: l, Data: []chartPart{}}
		for j, s := range c.Series {
			if i < len(s.Values) {
				stack.Data = append(stack.Data, chartPart{s.Name, chartColor(s.Status, j), s.Values[i]})
			}
		}
		out = append(out, stack)
	}
	return out
}

// chartColor is a name of Teams' palette, which follows the reader's theme.
func chartColor(s Status, i int) string {
	switch s {
	case StatusDone:
		return "good"
	case StatusFailed, StatusRejected, StatusRefused:
		return "attention"
	case StatusPending, StatusUnknown:
		return "warning"
	case StatusExpired:
		return "neutral"
	case StatusNone, StatusWorking, StatusQuestion, StatusOn, StatusOff:
	}
	return [chartMaxSeries]string{"categoricalBlue", "categoricalMarigold", "categoricalTeal"}[i]
}
