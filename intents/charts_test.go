package intents

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/cards"
	"neobot/neoapi"
)

func chartAsk(t *testing.T, now string) *ask {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	check(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", now, zone)
	check(t, err)
	return &ask{zone: zone, now: at}
}

func (a *ask) events(t *testing.T, at ...string) []counted {
	t.Helper()
	out := make([]counted, len(at))
	for i, s := range at {
		when, err := time.ParseInLocation("2006-01-02 15:04", s, a.zone)
		check(t, err)
		out[i] = counted{at: when.UTC()}
	}
	return out
}

// TestPerDay counts by days of the tenant's zone, also over the change of the
// clocks, with the days on which nothing happened.
func TestPerDay(t *testing.T) {
	t.Parallel()
	a := chartAsk(t, "2026-11-03 10:00") // the clocks went back on 1 November
	span := Span{From: a.now.AddDate(0, 0, -4), To: a.now.Add(time.Minute)}
	blocks := a.perDay("Runs", span, []cards.Series{{Name: "x"}}, a.events(t,
		"2026-10-30 10:30", "2026-10-31 00:00", "2026-10-31 23:59", "2026-11-01 01:30", "2026-11-01 23:59", "2026-11-03 09:59", "2026-10-29 23:59", "2026-11-04 00:00"))
	if len(blocks) != 1 || blocks[0].Heading != "Runs per day" {
		t.Fatalf("%+v", blocks)
	}
	want := &cards.Chart{
		Kind: cards.ChartBars, Labels: []string{"Fri 30", "Sat 31", "Sun 1", "Mon 2", "Tue 3"},
		Series: []cards.Series{{Name: "x", Values: []float64{1, 2, 2, 0, 1}}},
	}
	if diff := cmp.Diff(want, blocks[0].Chart); diff != "" {
		t.Error(diff)
	}
}

func TestPerDayBounds(t *testing.T) {
	t.Parallel()
	a := chartAsk(t, "2026-11-24 10:00")
	one := []cards.Series{{}}
	for name, tt := range map[string]struct {
		span   Span
		events []string
		points int
		last   string
		head   string
	}{
		"one day":        {Span{a.now.Add(-time.Hour), a.now}, []string{"2026-11-24 09:30"}, 0, "", ""},
		"nothing at all": {Span{}, nil, 0, "", ""},
		"no span":        {Span{}, []string{"2026-11-20 09:30"}, 5, "Tue 24", "Runs per day"},
		"in the future":  {Span{}, []string{"2026-12-20 09:30"}, 0, "", ""},
		"to midnight":    {Span{midnight(a.now.AddDate(0, 0, -2)), midnight(a.now)}, nil, 2, "Mon 23", "Runs per day"},
		"a month":        {Span{midnight(a.now.AddDate(0, 0, -30)), a.now}, nil, 31, "24 Nov", "Runs per day"},
		"more":           {Span{midnight(a.now.AddDate(0, 0, -31)), a.now}, nil, 5, "21 Nov", "Runs per week"},
		"half a year":    {Span{midnight(a.now.AddDate(0, 0, -182)), a.now}, nil, 27, "24 Nov", "Runs per week"},
		"years":          {Span{midnight(a.now.AddDate(-3, 0, 0)), a.now}, nil, 0, "", ""},
	} {
		blocks := a.perDay("Runs", tt.span, one, a.events(t, tt.events...))
		if tt.points == 0 {
			if blocks != nil {
				t.Errorf("%s: %+v", name, blocks[0].Chart)
			}
			continue
		}
		if len(blocks) != 1 {
			t.Errorf("%s: no chart", name)
			continue
		}
		c := blocks[0].Chart
		if len(c.Labels) != tt.points || c.Labels[tt.points-1] != tt.last || blocks[0].Heading != tt.head {
			t.Errorf("%s: %s, %v", name, blocks[0].Heading, c.Labels)
		}
	}
}

func TestCreditChart(t *testing.T) {
	t.Parallel()
	limit := 100.0
	for name, tt := range map[string]struct {
		use    neoapi.CreditUsage
		status cards.Status
		drawn  bool
	}{
		"enough":   {neoapi.CreditUsage{CreditsUsed: 20, Forecast: 90, CreditsLimit: &limit}, cards.StatusDone, true},
		"too much": {neoapi.CreditUsage{CreditsUsed: 20, Forecast: 101, CreditsLimit: &limit}, cards.StatusFailed, true},
		"no limit": {neoapi.CreditUsage{CreditsUsed: 20, Forecast: 90}, "", false},
		"no pace":  {neoapi.CreditUsage{CreditsUsed: 20, CreditsLimit: &limit}, "", false},
		"nonsense": {neoapi.CreditUsage{CreditsUsed: -20, Forecast: 90, CreditsLimit: &limit}, "", false},
	} {
		blocks := creditChart(tt.use)
		if (blocks != nil) != tt.drawn || tt.drawn && blocks[0].Chart.Series[0].Status != tt.status {
			t.Errorf("%s: %+v", name, blocks)
		}
	}
}
