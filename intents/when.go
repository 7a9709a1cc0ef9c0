package intents

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Span is the time [From, To).
type Span struct{ From, To time.Time }

// Errors of ParseWhen and ParseMonth.
var (
	ErrWhen   = errors.New("not a time I know")
	ErrFuture = errors.New("time is in the future")
)

// ParseWhen turns what somebody said about a past time into a span in loc.
//
// Known are: today, yesterday, tonight, last night, this morning; this and last
// week, month and year; "last 7 days", "past 24 hours", "24h"; a weekday (the
// latest one, today counts; "last friday" is before today); ISO and written
// dates, month names; any of these after "since" (up to now); "3 days ago";
// "from a to b", "between a and b", "a..b" (both included); a day with
// "morning", "afternoon", "evening" or "night". Weeks begin on Monday. Days run
// from their first to the next day's first instant, so a day of a clock change
// has 23 or 25 hours. Anything else is ErrWhen; what has not begun is ErrFuture.
func ParseWhen(text string, now time.Time, loc *time.Location) (Span, error) {
	p := whenParser{now: now.In(loc), loc: loc}
	s, ok := p.parse(whenWords(text))
	switch {
	case !ok || !s.From.Before(s.To):
		return Span{}, fmt.Errorf("%w: %q", ErrWhen, text)
	case s.From.After(now):
		return Span{}, fmt.Errorf("%w: %q", ErrFuture, text)
	}
	return s, nil
}

// ParseMonth turns what somebody said about a month ("this month", "last
// month", "october", "oct 2025", "2026-10", "10/2026"; empty is this month)
// into YYYY-MM, the form of Neo's billing calls. A bare name is the latest such
// month that has begun.
func ParseMonth(text string, now time.Time, loc *time.Location) (string, error) {
	p := whenParser{now: now.In(loc), loc: loc}
	w := whenWords(text)
	if len(w) == 0 {
		w = []string{"this", "month"}
	}
	s, ok := p.month(w)
	switch {
	case !ok:
		return "", fmt.Errorf("%w: %q", ErrWhen, text)
	case s.From.After(now):
		return "", fmt.Errorf("%w: %q", ErrFuture, text)
	}
	return s.From.Format("2006-01"), nil
}

// whenFiller are words that do not change a time.
var whenFiller = map[string]bool{
	"on": true, "in": true, "the": true, "of": true, "during": true, "for": true, "over": true, "within": true,
	"so": true, "far": true, "earlier": true, "at": true, "all": true, "just": true,
}

// whenWords are the words of a time, lower case, without filler and ordinals' endings.
func whenWords(text string) []string {
	text = strings.NewReplacer("..", " to ", "–", " to ", ",", " ", "?", " ", "!", " ", "'s", "").Replace(fold(text))
	var out []string
	for _, w := range strings.Fields(text) {
		w = strings.TrimSuffix(w, ".")
		if len(w) > 2 && w[0] >= '0' && w[0] <= '9' {
			for _, end := range []string{"st", "nd", "rd", "th"} {
				if bare, ok := strings.CutSuffix(w, end); ok && isNumber(bare) {
					w = bare
				}
			}
		}
		if !whenFiller[w] {
			out = append(out, w)
		}
	}
	return out
}

type whenParser struct {
	now time.Time
	loc *time.Location
}

func (p whenParser) parse(w []string) (Span, bool) {
	if len(w) == 0 || len(w) > 10 {
		return Span{}, false
	}
	switch w[0] {
	case "since", "after":
		s, ok := p.point(w[1:])
		if ok && w[0] == "after" {
			s.From = s.To
		}
		return Span{s.From, p.now}, ok
	case "from", "between":
		return p.between(w[1:])
	}
	if slices.Contains(w, "to") {
		return p.between(w)
	}
	return p.point(w)
}

// between "a to b" or "a and b", both included; "a to now" ends now, "from a" is
// a itself and "from a on" ends now.
func (p whenParser) between(w []string) (Span, bool) {
	i := slices.IndexFunc(w, func(x string) bool {
		return x == "to" || x == "and" || x == "until" || x == "till" || x == "through"
	})
	if i < 0 {
		if k := len(w) - 1; k > 0 && (w[k] == "onwards" || w[k] == "onward" || w[k] == "forward") {
			s, ok := p.point(w[:k])
			return Span{s.From, p.now}, ok
		}
		return p.point(w)
	}
	a, ok := p.point(w[:i])
	if rest := w[i+1:]; len(rest) == 1 && rest[0] == "now" {
		return Span{a.From, p.now}, ok
	}
	b, ok2 := p.point(w[i+1:])
	if ok && ok2 && b.To.Before(a.From) { // "from friday to monday": the friday before
		if _, isDay := weekdays[w[0]]; isDay && len(w[:i]) == 1 {
			y, m, d := a.From.Date()
			a.From = p.day(y, m, d-7)
		}
	}
	return Span{a.From, b.To}, ok && ok2
}

// point is one named stretch of time.
func (p whenParser) point(w []string) (Span, bool) {
	if len(w) == 0 {
		return Span{}, false
	}
	for _, try := range []func([]string) (Span, bool){p.relative, p.month, p.ago, p.last, p.named, p.partOfDay} {
		if s, ok := try(w); ok {
			return s, true
		}
	}
	return Span{}, false
}

// relative days and weeks by name.
func (p whenParser) relative(w []string) (Span, bool) {
	y, m, d := p.now.Date()
	switch strings.Join(w, " ") {
	case "today", "this day", "now", "current day":
		return p.days(y, m, d, 1), true
	case "yesterday":
		return p.days(y, m, d-1, 1), true
	case "day before yesterday":
		return p.days(y, m, d-2, 1), true
	case "last night", "overnight", "yesterday night":
		return Span{p.clock(y, m, d-1, 18), p.clock(y, m, d, 6)}, true
	case "tonight":
		return Span{p.clock(y, m, d, 18), p.clock(y, m, d+1, 6)}, true
	case "this week", "current week":
		return p.days(y, m, d-p.sinceMonday(), 7), true
	case "last week", "previous week", "past week":
		return p.days(y, m, d-p.sinceMonday()-7, 7), true
	case "last weekend", "weekend", "this weekend":
		// The latest one that has begun.
		return p.days(y, m, d-(p.sinceMonday()+2)%7, 2), true
	case "this year", "current year":
		return Span{p.day(y, 1, 1), p.day(y+1, 1, 1)}, true
	case "last year", "previous year":
		return Span{p.day(y-1, 1, 1), p.day(y, 1, 1)}, true
	}
	return Span{}, false
}

// last "last 7 days", "past 24 hours", "24h", "90 min", "last hour": up to now.
func (p whenParser) last(w []string) (Span, bool) {
	if len(w) > 0 && (w[0] == "last" || w[0] == "past" || w[0] == "previous" || w[0] == "these") {
		if w = w[1:]; len(w) == 1 && unitOf(w[0]) != 0 && !isNumber(w[0][:1]) {
			w = []string{"1", w[0]} // "last hour"
		}
	}
	from, ok := p.back(w)
	return Span{from, p.now}, ok
}

// ago "3 days ago" is that day; hours and minutes run from then to now.
func (p whenParser) ago(w []string) (Span, bool) {
	if len(w) < 2 || w[len(w)-1] != "ago" {
		return Span{}, false
	}
	w = w[:len(w)-1]
	from, ok := p.back(w)
	if !ok {
		return Span{}, false
	}
	if u := unitOf(w[len(w)-1]); u == 'h' || u == 'm' {
		return Span{from, p.now}, true
	}
	y, m, d := from.Date()
	return p.days(y, m, d, 1), true
}

// back is now minus a number of units: {"7", "days"} or {"24h"}.
func (p whenParser) back(w []string) (time.Time, bool) {
	if len(w) == 3 && (w[0] == "a" || w[0] == "couple" || w[1] == "couple") { // "a couple days", "a few hours"
		w = w[1:]
	}
	number, unit := "", ""
	switch len(w) {
	case 1:
		i := strings.IndexFunc(w[0], func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 {
			return time.Time{}, false
		}
		number, unit = w[0][:i], w[0][i:]
	case 2:
		number, unit = w[0], w[1]
	default:
		return time.Time{}, false
	}
	n, ok := numberOf(number)
	if !ok || n < 1 || n > 10000 {
		return time.Time{}, false
	}
	switch unitOf(unit) {
	case 'm':
		return p.now.Add(-time.Duration(n) * time.Minute), true
	case 'h':
		return p.now.Add(-time.Duration(n) * time.Hour), true
	case 'd':
		return p.now.AddDate(0, 0, -n), true
	case 'w':
		return p.now.AddDate(0, 0, -7*n), true
	case 'M':
		return p.now.AddDate(0, -n, 0), true
	}
	return time.Time{}, false
}

// named is a weekday or a date.
func (p whenParser) named(w []string) (Span, bool) {
	skipToday := false
	if len(w) == 2 && (w[0] == "last" || w[0] == "this" || w[0] == "past" || w[0] == "previous") {
		skipToday, w = w[0] != "this", w[1:]
	}
	if len(w) == 1 {
		if day, ok := weekdays[w[0]]; ok {
			back := (int(p.now.Weekday()) - int(day) + 7) % 7
			if back == 0 && skipToday {
				back = 7
			}
			y, m, d := p.now.Date()
			return p.days(y, m, d-back, 1), true
		}
	}
	if y, m, d, ok := p.date(w); ok {
		return p.days(y, m, d, 1), true
	}
	return Span{}, false
}

// partOfDay is "this morning", "yesterday evening", "monday night".
func (p whenParser) partOfDay(w []string) (Span, bool) {
	if len(w) < 2 {
		return Span{}, false
	}
	hours := map[string][2]int{"morning": {0, 12}, "afternoon": {12, 18}, "evening": {18, 24}, "night": {18, 30}}
	h, ok := hours[w[len(w)-1]]
	if !ok {
		return Span{}, false
	}
	day := w[:len(w)-1]
	if len(day) == 1 && day[0] == "this" {
		day = []string{"today"}
	}
	s, ok := p.relative(day)
	if !ok || s.To.Sub(s.From) > 26*time.Hour {
		if s, ok = p.named(day); !ok {
			return Span{}, false
		}
	}
	y, m, d := s.From.Date()
	return Span{p.clock(y, m, d, h[0]), p.clock(y, m, d, h[1])}, true
}

// days are n whole days from a date, which may be out of range (November 0).
func (p whenParser) days(y int, m time.Month, d, n int) Span {
	return Span{p.day(y, m, d), p.day(y, m, d+n)}
}

// day is the first instant of a date. Where clocks change at midnight,
// time.Date may answer an hour of the day before or the second of two
// midnights; the zone's bounds tell.
func (p whenParser) day(y int, m time.Month, d int) time.Time {
	noon := time.Date(y, m, d, 12, 0, 0, 0, p.loc)
	t := time.Date(y, m, d, 0, 0, 0, 0, p.loc)
	start, _ := noon.ZoneBounds()
	if start.IsZero() || !sameDate(start.In(p.loc), noon) {
		return t
	}
	before := start.Add(-time.Nanosecond).In(p.loc)
	if !sameDate(before, noon) {
		return start.In(p.loc) // midnight was skipped
	}
	_, offset := before.Zone()
	return time.Date(y, m, d, 0, 0, 0, 0, time.FixedZone("", offset)).In(p.loc)
}

// clock is an hour of a date; 24 and more reach into the next day.
func (p whenParser) clock(y int, m time.Month, d, hour int) time.Time {
	if hour%24 == 0 {
		return p.day(y, m, d+hour/24)
	}
	return time.Date(y, m, d, hour, 0, 0, 0, p.loc)
}

// sinceMonday counts the days since this week's Monday.
func (p whenParser) sinceMonday() int { return (int(p.now.Weekday()) + 6) % 7 }

func sameDate(a, b time.Time) bool {
	y, m, d := a.Date()
	y2, m2, d2 := b.Date()
	return y == y2 && m == m2 && d == d2
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil && s[0] != '-' && s[0] != '+'
}
