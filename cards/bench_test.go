package cards

import "testing"

// One approval card, the most common of the costly ones.

func BenchmarkSlack(b *testing.B) {
	c := pendingCard()
	b.ReportAllocs()
	for b.Loop() {
		Slack(c)
	}
}

func BenchmarkTeams(b *testing.B) {
	c := pendingCard()
	b.ReportAllocs()
	for b.Loop() {
		Teams(c)
	}
}

func BenchmarkText(b *testing.B) {
	c := pendingCard()
	b.ReportAllocs()
	for b.Loop() {
		Text(c, 80)
	}
}
