package cards

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func weekChart(kind ChartKind) Chart {
	return Chart{
		Kind: kind, Unit: "runs", Labels: []string{"Mon 16", "Tue 17", "Wed 18"},
		Series: []Series{{"succeeded", StatusDone, []float64{40, 20, 0}}, {"failed", StatusFailed, []float64{10, 0, 0.1}}},
	}
}

func one(values ...float64) Chart {
	c := Chart{Kind: ChartRows}
	for i, v := range values {
		c.Labels = append(c.Labels, string(rune('a'+i)))
		_ = v
	}
	c.Series = []Series{{Values: values}}
	return c
}

// TestChartText reads the equivalent of a chart in text: lengths tell the values,
// what is not nothing is seen, and the words hold every number.
func TestChartText(t *testing.T) {
	t.Parallel()
	week, ok := weekChart(ChartBars).Drawable()
	if !ok {
		t.Fatal("cannot be drawn")
	}
	want := strings.Join([]string{
		"█ succeeded  ▒ failed  in runs",
		"Mon 16  █████████████████▒▒▒▒  40 + 10",
		"Tue 17  ████████                20 + 0",
		"Wed 18  ▒                      0 + 0.1",
	}, "\n")
	if diff := cmp.Diff(want, week.text(phoneColumns)); diff != "" {
		t.Error(diff)
	}
	words := "Runs per day. Bar chart in runs: Mon 16 40 succeeded, 10 failed; Tue 17 20 succeeded, 0 failed; Wed 18 0 succeeded, 0.1 failed."
	if got := week.Words("Runs per day"); got != words {
		t.Errorf("words %q", got)
	}
	line, _ := weekChart(ChartLine).Drawable()
	if got := line.text(phoneColumns); got != "in runs\n█▅▁  succeeded\nMon 16 to Wed 18: lowest 0, highest\n40, last 0\n▃▁▁  failed\nMon 16 to Wed 18: lowest 0, highest\n10, last 0.1" {
		t.Errorf("line %q", got)
	}
	percent := one(12.5, 100)
	percent.Unit = "%"
	if got := percent.Words(""); got != "Bar chart: a 12.5 %; b 100 %." {
		t.Errorf("words %q", got)
	}
}

// TestChartDrawable lists what cannot be drawn, and what is left out.
func TestChartDrawable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Chart{
		"empty": {}, "no series": {Labels: []string{"a"}}, "no values": {Labels: []string{"a"}, Series: []Series{{}}},
		"no labels": {Series: []Series{{Values: []float64{1}}}}, "not a number": one(1, math.NaN()), "infinite": one(math.Inf(1)),
		"negative": one(1, -1), "huge": one(1e16),
	} {
		if _, ok := c.Drawable(); ok {
			t.Errorf("%s can be drawn", name)
		}
		if got := c.shownText(phoneColumns); got != "A chart that cannot be drawn." {
			t.Errorf("%s: %q", name, got)
		}
	}
	long := one(make([]float64, 40)...)
	long.Series = append(long.Series, long.Series[0], long.Series[0], long.Series[0])
	long.Labels[1] = long.Labels[0]
	d, ok := long.Drawable()
	if !ok || len(d.Labels) != 31 || len(d.Series) != 3 || d.Labels[1] != "a (2)" || d.Series[1].Name != "value (2)" || long.left() != 10 {
		t.Errorf("drawn %v %+v, %d left", ok, d, long.left())
	}
	if long.Labels[1] != "a" || long.Series[1].Name != "" {
		t.Error("the chart itself was changed")
	}
	note := string(pretty(t, Slack(Card{Body: []Block{{Chart: &long}}}).Blocks))
	if !strings.Contains(note, "Not shown here: 10 points") {
		t.Errorf("not said: %s", note)
	}
}

// TestTeamsCharts compares the elements with the shapes Microsoft documents:
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/charts-in-adaptive-cards
func TestTeamsCharts(t *testing.T) {
	t.Parallel()
	single := Chart{Unit: "users", Labels: []string{"Contoso", "Fabrikam"}, Series: []Series{{Values: []float64{50, 25}}}}
	rows := single
	rows.Kind = ChartRows
	tests := []struct {
		chart Chart
		want  string
	}{
		{single, `{"type":"Chart.VerticalBar","title":"T","spacing":"Small","yAxisTitle":"users","showBarValues":true,"color":"categoricalBlue","data":[{"x":"Contoso","y":50},{"x":"Fabrikam","y":25}]}`},
		{rows, `{"type":"Chart.HorizontalBar","title":"T","spacing":"Small","xAxisTitle":"users","color":"categoricalBlue","data":[{"x":"Contoso","y":50},{"x":"Fabrikam","y":25}]}`},
		{weekChart(ChartBars), `{"type":"Chart.VerticalBar.Grouped","title":"T","spacing":"Small","yAxisTitle":"runs","stacked":true,"data":[
			{"legend":"succeeded","color":"good","values":[{"x":"Mon 16","y":40},{"x":"Tue 17","y":20},{"x":"Wed 18","y":0}]},
			{"legend":"failed","color":"attention","values":[{"x":"Mon 16","y":10},{"x":"Tue 17","y":0},{"x":"Wed 18","y":0.1}]}]}`},
		{weekChart(ChartRows), `{"type":"Chart.HorizontalBar.Stacked","title":"T","spacing":"Small","xAxisTitle":"runs","data":[
			{"title":"Mon 16","data":[{"legend":"succeeded","color":"good","value":40},{"legend":"failed","color":"attention","value":10}]},
			{"title":"Tue 17","data":[{"legend":"succeeded","color":"good","value":20},{"legend":"failed","color":"attention","value":0}]},
			{"title":"Wed 18","data":[{"legend":"succeeded","color":"good","value":0},{"legend":"failed","color":"attention","value":0.1}]}]}`},
		{weekChart(ChartLine), `{"type":"Chart.Line","title":"T","spacing":"Small","yAxisTitle":"runs","data":[
			{"legend":"succeeded","color":"good","values":[{"x":"Mon 16","y":40},{"x":"Tue 17","y":20},{"x":"Wed 18","y":0}]},
			{"legend":"failed","color":"attention","values":[{"x":"Mon 16","y":10},{"x":"Tue 17","y":0},{"x":"Wed 18","y":0.1}]}]}`},
	}
	for _, tt := range tests {
		card := Teams(Card{Body: []Block{{Heading: "T", Chart: &tt.chart}}})
		raw, err := json.Marshal(card.Body[1])
		if err != nil {
			t.Fatal(err)
		}
		var got, want object
		if json.Unmarshal(raw, &got) != nil || json.Unmarshal([]byte(tt.want), &want) != nil {
			t.Fatal("not JSON")
		}
		d, _ := tt.chart.Drawable()
		if text, err := json.Marshal(got["fallback"]); err != nil || !strings.Contains(string(text), d.Labels[0]) || obj(got["fallback"])["type"] != "Container" {
			t.Errorf("fallback %s", text)
		}
		delete(got, "fallback")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestCheckersSeeCharts makes sure that the checkers can say no.
func TestCheckersSeeCharts(t *testing.T) {
	t.Parallel()
	chart := weekChart(ChartBars)
	card := Card{Body: []Block{{Heading: "T", Chart: &chart}}}
	teams := Teams(card)
	el, ok := teams.Body[1].(chartElement)
	if !ok {
		t.Fatalf("no chart: %T", teams.Body[1])
	}
	for name, spoil := range map[string]func(*chartElement){
		"no fallback": func(e *chartElement) { e.Fallback = container{} }, "no title": func(e *chartElement) { e.Title = "" },
		"no data": func(e *chartElement) { e.Data = []any{} }, "too much": func(e *chartElement) { e.Data = make([]any, 32) },
	} {
		bad := el
		spoil(&bad)
		if CheckTeams(newAdaptiveCard([]any{bad})) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	good := SlackPictures(card, []string{"F0123456789"}).Blocks
	if len(good) != 2 || CheckSlack(good) != nil {
		t.Fatalf("%v: %s", CheckSlack(good), pretty(t, good))
	}
	for _, bad := range []string{"", "F123", "f0123456789", "F0123456789 ", "https://evil.example/x.png", "F012345678\u202e"} {
		if got := string(pretty(t, SlackPictures(card, []string{bad}).Blocks)); strings.Contains(got, "slack_file") || !strings.Contains(got, "Mon 16") {
			t.Errorf("%q: %s", bad, got)
		}
	}
}

// TestChartsKeepLimits puts charts into cards that have no room for them.
func TestChartsKeepLimits(t *testing.T) {
	t.Parallel()
	var card Card
	for range 60 {
		chart := one(make([]float64, 31)...)
		chart.Kind = ChartLine
		card.Body = append(card.Body, Block{Heading: strings.Repeat("T", 140), Chart: &chart})
	}
	files := make([]string, 60)
	for i := range files {
		files[i] = "F0123456789"
	}
	for _, f := range append(CheckSlack(SlackPictures(card, files).Blocks), CheckTeams(Teams(card))...) {
		t.Error(f)
	}
	if !strings.Contains(string(pretty(t, Teams(card))), "Not shown here:") {
		t.Error("not said that charts are missing")
	}
}
