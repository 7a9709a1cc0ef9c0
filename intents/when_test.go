package intents

import (
	"errors"
	"testing"
	"time"
)

const minuteLayout = "2006-01-02 15:04"

func TestParseWhen(t *testing.T) {
	t.Parallel()
	ny := mustZone("America/New_York")
	now := time.Date(2026, 11, 24, 9, 30, 0, 0, ny) // a Tuesday
	tests := []struct{ text, from, to string }{
		{"today", "2026-11-24 00:00", "2026-11-25 00:00"},
		{"Today?", "2026-11-24 00:00", "2026-11-25 00:00"},
		{"so far today", "2026-11-24 00:00", "2026-11-25 00:00"},
		{"yesterday", "2026-11-23 00:00", "2026-11-24 00:00"},
		{"the day before yesterday", "2026-11-22 00:00", "2026-11-23 00:00"},
		{"last night", "2026-11-23 18:00", "2026-11-24 06:00"},
		{"this morning", "2026-11-24 00:00", "2026-11-24 12:00"},
		{"yesterday afternoon", "2026-11-23 12:00", "2026-11-23 18:00"},
		{"monday night", "2026-11-23 18:00", "2026-11-24 06:00"},
		{"this week", "2026-11-23 00:00", "2026-11-30 00:00"},
		{"last week", "2026-11-16 00:00", "2026-11-23 00:00"},
		{"the weekend", "2026-11-21 00:00", "2026-11-23 00:00"},
		{"this month", "2026-11-01 00:00", "2026-12-01 00:00"},
		{"last month", "2026-10-01 00:00", "2026-11-01 00:00"},
		{"this year", "2026-01-01 00:00", "2027-01-01 00:00"},
		{"last year", "2025-01-01 00:00", "2026-01-01 00:00"},
		{"last 24 hours", "2026-11-23 09:30", "2026-11-24 09:30"},
		{"24h", "2026-11-23 09:30", "2026-11-24 09:30"},
		{"in the past 7 days", "2026-11-17 09:30", "2026-11-24 09:30"},
		{"last two weeks", "2026-11-10 09:30", "2026-11-24 09:30"},
		{"last hour", "2026-11-24 08:30", "2026-11-24 09:30"},
		{"the last few days", "2026-11-21 09:30", "2026-11-24 09:30"},
		{"last couple of hours", "2026-11-24 07:30", "2026-11-24 09:30"},
		{"90 min", "2026-11-24 08:00", "2026-11-24 09:30"},
		{"an hour ago", "2026-11-24 08:30", "2026-11-24 09:30"},
		{"3 days ago", "2026-11-21 00:00", "2026-11-22 00:00"},
		{"since monday", "2026-11-23 00:00", "2026-11-24 09:30"},
		{"since yesterday", "2026-11-23 00:00", "2026-11-24 09:30"},
		{"since 2026-11-20", "2026-11-20 00:00", "2026-11-24 09:30"},
		{"since 2 hours ago", "2026-11-24 07:30", "2026-11-24 09:30"},
		{"after friday", "2026-11-21 00:00", "2026-11-24 09:30"},
		{"on friday", "2026-11-20 00:00", "2026-11-21 00:00"},
		{"tuesday", "2026-11-24 00:00", "2026-11-25 00:00"},
		{"last tuesday", "2026-11-17 00:00", "2026-11-18 00:00"},
		{"wed", "2026-11-18 00:00", "2026-11-19 00:00"},
		{"2026-11-20", "2026-11-20 00:00", "2026-11-21 00:00"},
		{"20.11.2026", "2026-11-20 00:00", "2026-11-21 00:00"},
		{"11/20/2026", "2026-11-20 00:00", "2026-11-21 00:00"},
		{"20/11", "2026-11-20 00:00", "2026-11-21 00:00"},
		{"nov 20th", "2026-11-20 00:00", "2026-11-21 00:00"},
		{"the 3rd of december", "2025-12-03 00:00", "2025-12-04 00:00"},
		{"december 3, 2024", "2024-12-03 00:00", "2024-12-04 00:00"},
		{"29 feb 2024", "2024-02-29 00:00", "2024-03-01 00:00"},
		{"in october", "2026-10-01 00:00", "2026-11-01 00:00"},
		{"december", "2025-12-01 00:00", "2026-01-01 00:00"},
		{"oct 2024", "2024-10-01 00:00", "2024-11-01 00:00"},
		{"from 2026-11-01 to 2026-11-05", "2026-11-01 00:00", "2026-11-06 00:00"},
		{"2026-11-01..2026-11-05", "2026-11-01 00:00", "2026-11-06 00:00"},
		{"between monday and today", "2026-11-23 00:00", "2026-11-25 00:00"},
		{"from friday to monday", "2026-11-20 00:00", "2026-11-24 00:00"},
		{"from last week", "2026-11-16 00:00", "2026-11-23 00:00"},
		{"from monday onwards", "2026-11-23 00:00", "2026-11-24 09:30"},
		{"from wednesday until now", "2026-11-18 00:00", "2026-11-24 09:30"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseWhen(tt.text, now.UTC(), ny) // the zone counts, not now's
			if err != nil || got.From.Format(minuteLayout) != tt.from || got.To.Format(minuteLayout) != tt.to {
				t.Errorf("got %s to %s, %v; want %s to %s", got.From.Format(minuteLayout), got.To.Format(minuteLayout), err, tt.from, tt.to)
			}
		})
	}
}

func TestParseWhenRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"": ErrWhen, "soon": ErrWhen, "03/04/2026": ErrWhen, "2026-02-30": ErrWhen, "31 april": ErrWhen, "0 days": ErrWhen,
		"last 99999999999 days": ErrWhen, "monday tuesday": ErrWhen, "1999-01-01": ErrWhen, "-3 days": ErrWhen,
		"from 2026-11-05 to 2026-11-01": ErrWhen, "a": ErrWhen, "the": ErrWhen, "today; drop table": ErrWhen,
		"tonight": ErrFuture, "2026-11-25": ErrFuture, "since 2027-01-01": ErrWhen, "next month": ErrFuture,
	} {
		if got, err := ParseWhen(text, routerNow, routerNow.Location()); !errors.Is(err, want) {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
}

// TestParseWhenClockChange: days are 23 or 25 hours where clocks change, and
// begin at their first instant where midnight does not exist or comes twice.
func TestParseWhenClockChange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		zone, now, text string
		from            string // RFC 3339
		hours           float64
	}{
		{"America/New_York", "2026-11-01T12:00:00-05:00", "today", "2026-11-01T00:00:00-04:00", 25},
		{"America/New_York", "2026-03-08T12:00:00-04:00", "today", "2026-03-08T00:00:00-05:00", 23},
		{"America/New_York", "2026-03-09T12:00:00-04:00", "yesterday", "2026-03-08T00:00:00-05:00", 23},
		{"America/New_York", "2026-11-03T12:00:00-05:00", "last week", "2026-10-26T00:00:00-04:00", 169},
		{"Europe/Berlin", "2026-03-29T12:00:00+02:00", "last night", "2026-03-28T18:00:00+01:00", 11},
		{"Europe/Berlin", "2026-10-25T12:00:00+01:00", "last 24 hours", "2026-10-24T13:00:00+02:00", 24},
		{"America/Santiago", "2026-09-06T12:00:00-03:00", "today", "2026-09-06T01:00:00-03:00", 23}, // no midnight
		{"Africa/Cairo", "2026-04-24T12:00:00+03:00", "today", "2026-04-24T01:00:00+03:00", 23},     // no midnight
		{"America/Havana", "2026-11-01T12:00:00-05:00", "today", "2026-11-01T00:00:00-04:00", 25},   // midnight twice
		{"Asia/Kathmandu", "2026-11-24T12:00:00+05:45", "today", "2026-11-24T00:00:00+05:45", 24},
	}
	for _, tt := range tests {
		t.Run(tt.zone+" "+tt.text, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseWhen(tt.text, now, mustZone(tt.zone))
			if err != nil || got.From.Format(time.RFC3339) != tt.from || got.To.Sub(got.From).Hours() != tt.hours {
				t.Errorf("got %v, %v h, %v; want %s, %v h", got.From, got.To.Sub(got.From).Hours(), err, tt.from, tt.hours)
			}
		})
	}
}

// TestDaysTile: whatever the zone, days follow each other without gap or overlap.
func TestDaysTile(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"America/New_York", "Europe/Berlin", "America/Santiago", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"} {
		loc := mustZone(zone)
		p := whenParser{loc: loc}
		for d := range 366 {
			day, next := p.days(2026, 1, 1+d, 1), p.day(2026, 1, 2+d)
			if !day.To.Equal(next) || !day.From.Before(day.To) {
				t.Fatalf("%s: day %d is %v to %v, next begins %v", zone, d, day.From, day.To, next)
			}
			if before := day.From.Add(-time.Nanosecond); sameDate(before, day.From) {
				t.Fatalf("%s: %v is not the first instant of its day", zone, day.From)
			}
		}
	}
}

func TestParseMonth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "2026-11", "this month": "2026-11", "last month": "2026-10", "the previous month": "2026-10", "october": "2026-10", "in Oct.": "2026-10",
		"november": "2026-11", "december": "2025-12", "last november": "2025-11", "oct 2024": "2024-10", "2026-10": "2026-10", "10/2026": "2026-10", "may": "2026-05",
	} {
		if got, err := ParseMonth(text, routerNow, routerNow.Location()); got != want || err != nil {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]error{"next month": ErrFuture, "2026-12": ErrFuture, "2026-13": ErrWhen, "yesterday": ErrWhen, "foo": ErrWhen} {
		if got, err := ParseMonth(text, routerNow, routerNow.Location()); !errors.Is(err, want) {
			t.Errorf("%q: got %q, %v; want %v", text, got, err, want)
		}
	}
	// The month is the tenant's, not UTC's.
	at := time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)
	if got, err := ParseMonth("this month", at, mustZone("America/New_York")); got != "2026-11" || err != nil {
		t.Errorf("at %v: got %q, %v", at, got, err)
	}
}

// FuzzParseWhen: no panic, and a span that makes sense or an error.
func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{"last 7 days", "since monday", "from 1.1. to 2.2.2026", "24h", "2026-11-20", "last", "to", "between and", "th", "ago", "1st"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseWhen(s, routerNow, routerNow.Location())
		if err == nil && (!got.From.Before(got.To) || got.From.After(routerNow)) {
			t.Errorf("%q: %v", s, got)
		}
		_, _ = ParseMonth(s, routerNow, routerNow.Location())
	})
}
