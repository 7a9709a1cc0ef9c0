package intents

import (
	"regexp"
	"strconv"
	"time"
)

var weekdays = map[string]time.Weekday{
	"monday": time.Monday, "mon": time.Monday, "mondays": time.Monday,
	"tuesday": time.Tuesday, "tue": time.Tuesday, "tues": time.Tuesday,
	"wednesday": time.Wednesday, "wed": time.Wednesday, "weds": time.Wednesday,
	"thursday": time.Thursday, "thu": time.Thursday, "thur": time.Thursday, "thurs": time.Thursday,
	"friday": time.Friday, "fri": time.Friday,
	"saturday": time.Saturday, "sat": time.Saturday,
	"sunday": time.Sunday, "sun": time.Sunday,
}

var months = map[string]time.Month{
	"january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5,
	"june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sep": 9, "sept": 9,
	"october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12,
}

var smallNumbers = map[string]int{
	"a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "few": 3, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
	"eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fourteen": 14, "twenty": 20, "thirty": 30,
}

func numberOf(w string) (int, bool) {
	if n, ok := smallNumbers[w]; ok {
		return n, true
	}
	n, err := strconv.Atoi(w)
	return n, err == nil
}

// unitOf is m, h, d, w or M (month); 0 for no unit.
func unitOf(w string) byte {
	switch w {
	case "m", "min", "mins", "minute", "minutes":
		return 'm'
	case "h", "hr", "hrs", "hour", "hours":
		return 'h'
	case "d", "day", "days":
		return 'd'
	case "w", "wk", "wks", "week", "weeks":
		return 'w'
	case "month", "months":
		return 'M'
	}
	return 0
}

var (
	isoDay    = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(t.*)?$`)
	shortDay  = regexp.MustCompile(`^(\d{1,2})([./-])(\d{1,2})(?:[./-](\d{4}))?$`)
	isoMonth  = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})$`)
	monthYear = regexp.MustCompile(`^(\d{1,2})[-/.](\d{4})$`)
)

// date is "2026-11-20", "20.11.2026", "11/20/2026", "20 nov", "nov 20 2025".
// 03/04/2026 could be two dates and is refused. Without a year it is the latest
// such date that has begun.
func (p whenParser) date(w []string) (int, time.Month, int, bool) {
	y, m, d := 0, 0, 0
	switch len(w) {
	case 1:
		if g := isoDay.FindStringSubmatch(w[0]); g != nil {
			y, m, d = atoi(g[1]), atoi(g[2]), atoi(g[3])
		} else if g := shortDay.FindStringSubmatch(w[0]); g != nil {
			d, m, y = atoi(g[1]), atoi(g[3]), atoi(g[4])
			if g[2] != "." && m > 12 {
				d, m = m, d
			} else if g[2] != "." && d <= 12 && d != m {
				return 0, 0, 0, false
			}
		}
	case 2, 3:
		name, day := w[0], w[1]
		if isNumber(name) {
			name, day = day, name
		}
		if !isNumber(day) {
			return 0, 0, 0, false
		}
		m, d = int(months[name]), atoi(day)
		if len(w) == 3 {
			if len(w[2]) != 4 || !isNumber(w[2]) {
				return 0, 0, 0, false
			}
			y = atoi(w[2])
		}
	}
	return p.checkDate(y, time.Month(m), d)
}

func (p whenParser) checkDate(y int, m time.Month, d int) (int, time.Month, int, bool) {
	guessed := y == 0
	if guessed {
		y = p.now.Year()
	}
	t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	if y < 2000 || m < 1 || m > 12 || t.Month() != m || t.Day() != d {
		return 0, 0, 0, false
	}
	if guessed && p.day(y, m, d).After(p.now) {
		y--
	}
	return y, m, d, true
}

// month is "this month", "last month", "october", "oct 2025", "2026-10", "10/2026".
func (p whenParser) month(w []string) (Span, bool) {
	y, m, _ := p.now.Date()
	if len(w) == 2 && w[1] == "month" {
		switch w[0] {
		case "this", "current":
		case "last", "previous", "past", "prior":
			m--
		case "next":
			m++
		default:
			return Span{}, false
		}
		return Span{p.day(y, m, 1), p.day(y, m+1, 1)}, true
	}
	switch {
	case len(w) == 1 && isoMonth.MatchString(w[0]):
		g := isoMonth.FindStringSubmatch(w[0])
		y, m = atoi(g[1]), time.Month(atoi(g[2]))
	case len(w) == 1 && monthYear.MatchString(w[0]):
		g := monthYear.FindStringSubmatch(w[0])
		y, m = atoi(g[2]), time.Month(atoi(g[1]))
	case len(w) == 2 && len(w[1]) == 4 && isNumber(w[1]):
		y, m = atoi(w[1]), months[w[0]]
	case len(w) == 1 || len(w) == 2 && (w[0] == "last" || w[0] == "this"):
		name := months[w[len(w)-1]]
		if name > m || name == m && w[0] == "last" {
			y--
		}
		m = name
	default:
		return Span{}, false
	}
	if m < 1 || m > 12 || y < 2000 {
		return Span{}, false
	}
	return Span{p.day(y, m, 1), p.day(y, m+1, 1)}, true
}

// atoi of digits a pattern already checked; empty is 0.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
