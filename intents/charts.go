package intents

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

// Charts stand where people look rather than read: what happened over days, and
// shares of a whole. They show the numbers the card has anyway.

const (
	maxPoints = 31 // of a chart
	maxBars   = 14 // upright bars; more points are a line
	maxAgents = 8  // lying bars of one chart
)

// firstPage reports whether the list is shown from its beginning.
func (a *ask) firstPage() bool { return atoi(a.intent.Args["offset"]) == 0 }

// chartBlock is nil when there is nothing to compare.
func chartBlock(heading string, c cards.Chart) []cards.Block {
	if len(c.Labels) < 2 {
		return nil
	}
	if _, ok := c.Drawable(); !ok {
		return nil
	}
	return []cards.Block{{Heading: heading, Chart: &c}}
}

// counted is something at a time, and the series it counts for.
type counted struct {
	at     time.Time
	series int
}

// perDay counts events by day of the tenant's zone, by week when there are more
// days than a chart takes. Days without any count 0: a gap would look like a
// short week. Without a span it goes from the first event to the last.
func (a *ask) perDay(what string, span Span, series []cards.Series, all []counted) []cards.Block {
	span = bounds(span, a.now, all)
	if span.From.IsZero() || !span.From.Before(span.To) {
		return nil
	}
	from := midnight(span.From.In(a.zone))
	n := daysBetween(from, midnight(span.To.Add(-time.Nanosecond).In(a.zone))) + 1
	heading, layout, step := what+" per day", "Mon 2", 1
	if n > maxBars {
		layout = "2 Jan"
	}
	if n > maxPoints {
		heading, step, n = what+" per week", 7, (n+6)/7
	}
	if n > maxPoints { // half a year and beyond
		return nil
	}
	chart := cards.Chart{Kind: cards.ChartBars}
	for i := range n {
		chart.Labels = append(chart.Labels, from.AddDate(0, 0, i*step).Format(layout))
	}
	for _, s := range series {
		s.Values = make([]float64, n)
		chart.Series = append(chart.Series, s)
	}
	for _, e := range all {
		day := daysBetween(from, midnight(e.at.In(a.zone)))
		if i := day / step; day >= 0 && i < n {
			chart.Series[e.series].Values[i]++
		}
	}
	return chartBlock(heading, chart)
}

// daysBetween two midnights; a day may have 23 or 25 hours.
func daysBetween(from, to time.Time) int { return int(math.Round(to.Sub(from).Hours() / 24)) }

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// bounds closes a span that is open on a side, and ends it with now.
func bounds(span Span, now time.Time, all []counted) Span {
	if span.From.IsZero() {
		for _, e := range all {
			if span.From.IsZero() || e.at.Before(span.From) {
				span.From = e.at
			}
		}
	}
	if span.To.IsZero() || span.To.After(now) {
		span.To = now
	}
	return span
}

// runsPerDay tells the days of a question apart by how runs ended.
func (a *ask) runsPerDay(span Span, all []neoapi.Execution) []cards.Block {
	series := []cards.Series{{Name: "completed", Status: cards.StatusDone}, {Name: "failed", Status: cards.StatusFailed}, {Name: "other", Status: cards.StatusExpired}}
	events, other := make([]counted, len(all)), 0
	for i, run := range all {
		events[i] = counted{run.CreatedAt.Time, 2}
		switch runStatus(run.Status) {
		case "completed":
			events[i].series = 0
		case "failed":
			events[i].series = 1
		default:
			other++
		}
	}
	if other == 0 {
		series = series[:2]
	}
	return a.perDay("Runs", span, series, events)
}

// reliabilityChart is runs and failures of the agents that ran most.
func reliabilityChart(rows []object) []cards.Block {
	chart := cards.Chart{Kind: cards.ChartRows, Unit: "runs", Series: []cards.Series{{Name: "succeeded", Status: cards.StatusDone}, {Name: "failed", Status: cards.StatusFailed}}}
	rows = slices.SortedStableFunc(slices.Values(rows), func(x, y object) int { return cmp.Compare(y.number("executions"), x.number("executions")) })
	for _, o := range rows[:min(len(rows), maxAgents)] {
		runs, failed := o.number("executions"), o.number("failures")
		chart.Labels = append(chart.Labels, o.text("agent_name"))
		chart.Series[0].Values = append(chart.Series[0].Values, max(runs-failed, 0))
		chart.Series[1].Values = append(chart.Series[1].Values, failed)
	}
	return chartBlock("Runs of the busiest agents", chart)
}

// creditChart sets what is used and where it leads beside the limit.
func creditChart(use neoapi.CreditUsage) []cards.Block {
	if use.CreditsLimit == nil || *use.CreditsLimit <= 0 || use.Forecast <= 0 {
		return nil // a month that is over, or nothing to compare with
	}
	status := cards.StatusDone
	if use.Forecast > *use.CreditsLimit {
		status = cards.StatusFailed
	}
	return chartBlock("Will they last?", cards.Chart{
		Kind: cards.ChartRows, Unit: "credits", Labels: []string{"Used", "At this pace", "Limit"},
		Series: []cards.Series{{Status: status, Values: []float64{use.CreditsUsed, use.Forecast, *use.CreditsLimit}}},
	})
}

// seriesChart is one number of rows that stand for points in time.
func seriesChart(heading, unit string, rows []object, label func(object) string, field string) []cards.Block {
	chart := cards.Chart{Kind: cards.ChartBars, Unit: unit, Series: []cards.Series{{}}}
	if len(rows) > maxBars {
		chart.Kind = cards.ChartLine
	}
	for _, o := range rows[max(len(rows)-maxPoints, 0):] {
		chart.Labels = append(chart.Labels, label(o))
		chart.Series[0].Values = append(chart.Series[0].Values, o.number(field))
	}
	return chartBlock(heading, chart)
}

// dateLabel is "2 Jan" for a date, "Jan 2006" for a month, else the text itself.
func dateLabel(text string) string {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.Format("2 Jan")
	}
	if t, err := time.Parse("2006-01", text); err == nil {
		return t.Format("Jan 2006")
	}
	return text
}

// funnel is the steps of Neo's pipeline, in their order.
var funnel = []struct{ field, label string }{
	{"received", "Events received"}, {"processed", "Processed"}, {"capped", "Held back"}, {"errors", "Errors"}, {"runs_started", "Runs started"},
}

// funnelChart is how many events are left at each step of Neo's pipeline.
func funnelChart(o object) []cards.Block {
	chart := cards.Chart{Kind: cards.ChartRows, Series: []cards.Series{{}}}
	for _, step := range funnel {
		if o.text(step.field) != "" {
			chart.Labels = append(chart.Labels, step.label)
			chart.Series[0].Values = append(chart.Series[0].Values, o.number(step.field))
		}
	}
	return chartBlock("From event to run", chart)
}

// callsPerDay tells answered calls from missed ones.
func callsPerDay(a *ask, in args, all []object) []cards.Block {
	var span Span
	if in["when"] != "" {
		var err error
		if span, err = ParseWhen(in["when"], a.now, a.zone); err != nil {
			return nil
		}
	}
	events := make([]counted, 0, len(all))
	for _, o := range all {
		e := counted{at: o.at("started_at", "created_at")}
		if e.at.IsZero() {
			continue
		}
		if strings.EqualFold(o.text("status"), "missed") {
			e.series = 1
		}
		events = append(events, e)
	}
	return a.perDay("Calls", span, []cards.Series{{Name: "answered", Status: cards.StatusDone}, {Name: "missed", Status: cards.StatusFailed}}, events)
}
