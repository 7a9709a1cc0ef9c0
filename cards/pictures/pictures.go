package pictures

import (
	"errors"
	"fmt"
	"sync"
	"unicode"

	"github.com/go-analyze/charts"

	"neobot/cards"
)

// ErrText means that a chart is better shown as text: it has letters the font
// has not, or nothing to draw.
var ErrText = errors.New("chart is for text only")

// Style changes with every change of how charts look: it is part of what a
// picture that was made before is found by.
const Style = "1"

// Twice as wide as a phone shows it, so that it is sharp there.
const (
	width       = 760
	tall        = 360 // of bars and lines
	rowHeight   = 44  // of each lying bar
	rowFrame    = 100
	fontSize    = 16.0
	axisPoints  = 8  // bars that have their value above them
	letter      = 10 // width of one, about
	axisLetters = 4  // beside the value axis
)

// drawing is one at a time: what is needed for it is given back before the next.
var drawing sync.Mutex

// PNG draws c.
func PNG(c cards.Chart) (png []byte, err error) {
	d, ok := c.Drawable()
	if !ok {
		return nil, ErrText
	}
	drawing.Lock()
	defer drawing.Unlock()
	defer func() { // a fault in the library costs the picture, not the answer
		if r := recover(); r != nil {
			png, err = nil, fmt.Errorf("draw chart: %v", r)
		}
	}()
	if !legible(d) {
		return nil, ErrText
	}
	p := charts.NewPainter(charts.PainterOptions{
		OutputFormat: charts.ChartOutputPNG, Width: width, Height: height(d), Font: charts.GetFont(charts.FontFamilyNotoSans), Theme: theme(d),
	})
	if d.Kind == cards.ChartLine {
		err = p.LineChart(line(d))
	} else {
		err = p.BarChart(bars(d))
	}
	if err != nil {
		return nil, fmt.Errorf("draw chart: %w", err)
	}
	if png, err = p.Bytes(); err != nil {
		return nil, fmt.Errorf("draw chart: %w", err)
	}
	return png, nil
}

func height(c cards.Chart) int {
	switch {
	case c.Kind != cards.ChartRows:
		return tall
	case len(c.Series) == 1:
		return rowFrame/2 + rowHeight*len(c.Labels)
	}
	return rowFrame + rowHeight*len(c.Labels)
}

// legible reports whether the font has every letter of c.
func legible(c cards.Chart) bool {
	texts := append([]string{c.Unit}, c.Labels...)
	for _, s := range c.Series {
		texts = append(texts, s.Name)
	}
	font := charts.GetFont(charts.FontFamilyNotoSans)
	for _, t := range texts {
		for _, r := range t {
			// Scripts written from right to left, and marks, need more than glyphs in a row.
			if r != ' ' && (font.Index(r) == 0 || unicode.In(r, unicode.M, unicode.Hebrew, unicode.Arabic)) {
				return false
			}
		}
	}
	return true
}

var (
	ink   = charts.Color{R: 0x1d, G: 0x1c, B: 0x1d, A: 0xff}
	quiet = charts.Color{R: 0x61, G: 0x60, B: 0x61, A: 0xff}
	grid  = charts.Color{R: 0xe4, G: 0xe4, B: 0xe8, A: 0xff}
	plain = []charts.Color{{R: 0x2f, G: 0x6f, B: 0xd0, A: 0xff}, {R: 0xe0, G: 0x9a, B: 0x1a, A: 0xff}, {R: 0x1f, G: 0x9a, B: 0x94, A: 0xff}}
)

// color is told apart by people who do not tell red from green: the red is much
// lighter than the green is.
func color(s cards.Status, i int) charts.Color {
	switch s {
	case cards.StatusDone:
		return charts.Color{R: 0x1e, G: 0x7a, B: 0x5a, A: 0xff}
	case cards.StatusFailed, cards.StatusRejected, cards.StatusRefused:
		return charts.Color{R: 0xf0, G: 0x5d, B: 0x5d, A: 0xff}
	case cards.StatusPending, cards.StatusUnknown:
		return plain[1]
	case cards.StatusExpired:
		return charts.Color{R: 0xa0, G: 0xa0, B: 0xa8, A: 0xff}
	case cards.StatusNone, cards.StatusWorking, cards.StatusQuestion, cards.StatusOn, cards.StatusOff:
	}
	return plain[i%len(plain)]
}

func theme(c cards.Chart) charts.ColorPalette {
	opt := charts.ThemeOption{
		BackgroundColor: charts.ColorWhite, AxisStrokeColor: grid, AxisSplitLineColor: grid,
		TextColor: ink, TextColorXAxis: quiet, TextColorYAxis: quiet, TextColorLegend: ink, TextColorLabel: ink,
	}
	for i, s := range c.Series {
		opt.SeriesColors = append(opt.SeriesColors, color(s.Status, i))
	}
	return charts.MakeTheme(opt)
}

// legend is nil for a single series: the heading above says what it is.
func legend(c cards.Chart) charts.LegendOption {
	opt := charts.LegendOption{Show: charts.Ptr(len(c.Series) > 1), FontStyle: fontStyle(), Symbol: charts.SymbolSquare}
	for _, s := range c.Series {
		opt.SeriesNames = append(opt.SeriesNames, " "+s.Name) // away from its sign
	}
	return opt
}

// filled are the values of s, those that are not there as the library wants them.
func filled(s cards.Series, n int, empty float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = empty
		if i < len(s.Values) {
			out[i] = s.Values[i]
		}
	}
	return out
}

func amount(c cards.Chart) charts.ValueFormatter {
	return func(v float64) string {
		if c.Unit == "%" {
			return cards.Amount(v) + " %"
		}
		return cards.Amount(v)
	}
}
