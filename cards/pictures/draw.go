package pictures

import (
	"slices"
	"unicode/utf8"

	"github.com/go-analyze/charts"

	"neobot/cards"
)

func fontStyle() charts.FontStyle {
	return charts.FontStyle{FontSize: fontSize, Font: charts.GetFont(charts.FontFamilyNotoSans)}
}

// frame leaves room for the last label of the axis.
var frame = charts.NewBox(14, 16, 34, 12)

// valueAxis begins at nothing: bars that do not would mislead.
func valueAxis(c cards.Chart) charts.ValueAxisOption {
	return charts.ValueAxisOption{
		Min: charts.Ptr(0.0), LabelFontStyle: fontStyle(), ValueFormatter: amount(c),
		SplitLineShow: charts.Ptr(true), Title: axisTitle(c), TitleFontStyle: fontStyle(),
	}
}

func axisTitle(c cards.Chart) string {
	if c.Unit == "%" {
		return ""
	}
	return c.Unit
}

func bars(c cards.Chart) charts.BarChartOption {
	data := make([][]float64, len(c.Series))
	for i, s := range c.Series {
		data[i] = filled(s, len(c.Labels), 0)
	}
	opt := charts.NewBarChartOptionWithData(data)
	opt.Theme, opt.Padding, opt.Legend, opt.ValueFormatter = theme(c), frame, legend(c), amount(c)
	opt.Horizontal = c.Kind == cards.ChartRows
	opt.StackSeries = charts.Ptr(len(c.Series) > 1)
	opt.ValueAxis[0] = valueAxis(c)
	opt.CategoryAxis = charts.CategoryAxisOption{Labels: c.Labels, LabelFontStyle: fontStyle()}
	if !opt.Horizontal {
		opt.CategoryAxis.Labels, opt.CategoryAxis.LabelCount = spaced(c.Labels), len(c.Labels)
	}
	if opt.Horizontal {
		opt.CategoryAxis.Labels = upward(opt.CategoryAxis.Labels)
		for i := range data {
			opt.SeriesList[i].Values = upward(data[i])
		}
		opt.ValueAxis[0].SplitLineShow = charts.Ptr(false)
	}
	if len(c.Series) == 1 && (opt.Horizontal || len(c.Labels) <= axisPoints) { // the values stand at the bars
		opt.SeriesList[0].Label = charts.SeriesLabel{Show: charts.Ptr(true), ValueFormatter: amount(c), FontStyle: fontStyle()}
		opt.ValueAxis[0].Show = charts.Ptr(!opt.Horizontal)
	}
	return opt
}

// spaced leaves out labels until they stand beside each other without touching;
// the library would write the last one over its neighbour.
func spaced(labels []string) []string {
	longest := 0
	for _, l := range labels {
		longest = max(longest, utf8.RuneCountInString(l))
	}
	step := 1
	for len(labels)/step*(longest+2)*letter > width-2*letter*axisLetters && step < len(labels) {
		step++
	}
	out := make([]string, len(labels))
	for i := 0; i < len(labels); i += step {
		out[i] = labels[i]
	}
	return out
}

// upward is the list from its end: the library draws lying bars from below.
func upward[T any](list []T) []T {
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

func line(c cards.Chart) charts.LineChartOption {
	data := make([][]float64, len(c.Series))
	for i, s := range c.Series {
		data[i] = filled(s, len(c.Labels), charts.GetNullValue())
	}
	opt := charts.NewLineChartOptionWithData(data)
	opt.Theme, opt.Padding, opt.Legend, opt.ValueFormatter = theme(c), frame, legend(c), amount(c)
	opt.LineStrokeWidth, opt.Symbol.Shape = 4, charts.SymbolNone
	opt.YAxis[0] = valueAxis(c)
	opt.XAxis = charts.XAxisOption{Labels: spaced(c.Labels), LabelFontStyle: fontStyle(), BoundaryGap: charts.Ptr(true), LabelCount: len(c.Labels)}
	return opt
}
