package sandbox

import (
	"math"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// or is the first non-empty text.
func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func joined(list []string) string { return strings.Join(list, ", ") }

// round2 keeps two decimals.
func round2(f float64) float64 { return math.Round(f*100) / 100 }

// ratio is a/b with two decimals, 0 for b = 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return round2(a / b)
}

// p95 is the 95th percentile of a sorted list, 0 for an empty one.
func p95(sorted []float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return round2(sorted[(len(sorted)*95+99)/100-1])
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}
