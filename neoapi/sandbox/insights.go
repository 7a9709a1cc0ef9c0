package sandbox

import "time"

// analysisTakes is how long an analysis runs by the clock; three reads of the
// result end it as well.
const (
	analysisTakes = 20 * time.Second
	analysisReads = 3
)

// Analysis is one ROI analysis.
type Analysis struct {
	ID                     int
	HourlyRate             float64
	Days, Sample           int
	Currency               string
	StartedAt, CompletedAt time.Time // CompletedAt is zero while it runs
	reads                  int
}

func insightsOps() map[string]handler {
	return map[string]handler{"start_insights_analysis": startAnalysis, "get_insights_result": insightsResult}
}

func startAnalysis(c *call) (reply, error) {
	in := struct {
		HourlyRate *float64 `json:"hourly_rate"`
		PeriodDays *int     `json:"period_days"`
		SampleSize *int     `json:"sample_size"`
		Currency   *string  `json:"currency_symbol"`
	}{}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	a := &Analysis{ID: c.state.number(), HourlyRate: 45, Days: 30, Sample: 100, Currency: or(text(in.Currency), "$"), StartedAt: c.now}
	if in.HourlyRate != nil {
		a.HourlyRate = *in.HourlyRate
	}
	if in.PeriodDays != nil {
		a.Days = *in.PeriodDays
	}
	if in.SampleSize != nil {
		a.Sample = *in.SampleSize
	}
	switch {
	case a.HourlyRate <= 0 || a.HourlyRate > 1000:
		return reply{}, unprocessable("hourly_rate", "must be above 0 and at most 1000")
	case a.Days < 1 || a.Days > 365:
		return reply{}, unprocessable("period_days", "must be from 1 to 365")
	case a.Sample < 1 || a.Sample > 1000:
		return reply{}, unprocessable("sample_size", "must be from 1 to 1000")
	}
	c.state.Analyses.Add(a)
	return reply{data: Object{"analysis_id": a.ID, "status": "running"}}, nil
}

// insightsResult is the newest finished analysis.
func insightsResult(c *call) (reply, error) {
	for a := range c.state.Analyses.All() {
		if a.CompletedAt.IsZero() {
			if a.reads++; a.reads < analysisReads && c.now.Sub(a.StartedAt) < analysisTakes {
				continue
			}
			a.CompletedAt = c.now
		}
		return reply{data: a.result(c.state)}, nil
	}
	return reply{}, notFound("Finished analysis")
}

// result counts ten minutes saved per successful run.
func (a *Analysis) result(s *State) Object {
	runs := 0
	for e := range s.Executions.All() {
		if e.CreatedAt.Before(a.CompletedAt.AddDate(0, 0, -a.Days)) {
			break
		}
		if e.Status == "success" {
			runs++
		}
	}
	hours := round2(float64(runs) / 6)
	return Object{
		"analysis_id": a.ID, "completed_at": a.CompletedAt, "hourly_rate": a.HourlyRate, "period_days": a.Days,
		"result": Object{
			"runs_counted": runs, "sample_size": min(a.Sample, runs), "hours_saved": hours, "currency_symbol": a.Currency,
			"money_saved": round2(hours * a.HourlyRate), "headline": "Neo saved about " + itoa(int(hours)) + " hours",
		},
	}
}
