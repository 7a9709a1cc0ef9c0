package cards

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestRoughBound builds thousands of small cards, of the size where measuring
// is skipped, and compares the estimate with the truth.
func TestRoughBound(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "B ", "  ", "\n", "<", "&", "\"", "\\", "é", "日", "👍🏽", "\u202e", "\u0301", "\x00", "_", "*", "[", "{{DATE(", "word ", "word "}
	text := func(most int) string {
		var b strings.Builder
		for range rnd.IntN(most) {
			b.WriteString(alphabet[rnd.IntN(len(alphabet))])
		}
		return b.String()
	}
	button := func() *Button {
		return &Button{Label: "x" + text(30), Action: ActionContinue, ID: strings.Repeat("i", 1+rnd.IntN(40)), Style: StylePrimary}
	}
	skipped := 0
	for range 600 {
		c := Card{Title: text(30), Summary: text(80), Status: StatusPending, TestMode: true, AIGenerated: true}
		for range rnd.IntN(4) {
			c.Fields = append(c.Fields, Field{text(10), text(60)})
			c.Changes = append(c.Changes, Change{text(10), text(60), text(60)})
			c.Footer = append(c.Footer, text(20))
			c.Buttons = append(c.Buttons, *button())
			c.Links = append(c.Links, Link{text(10), "https://neo.example/" + strings.Repeat("p(", rnd.IntN(20))})
			b := Block{Heading: text(10), Text: text(60)}
			switch rnd.IntN(5) {
			case 0:
				b.Items = []Item{{Title: text(20), Detail: text(40), Button: button(), Status: StatusDone}, {Title: text(20)}}
			case 1:
				b.Code = text(100)
			case 2:
				b.Table = &Table{Columns: []string{text(8), text(8)}, Rows: [][]string{{text(9)}, {text(9), text(9)}}}
			case 3:
				b.Chart = &Chart{
					Kind: []ChartKind{ChartBars, ChartRows, ChartLine}[rnd.IntN(3)], Unit: text(9), Labels: []string{text(20), text(20), text(20)},
					Series: []Series{{Name: text(20), Values: []float64{1, 2, 1234567.8}}, {Name: text(20), Values: []float64{7, 0.3}}},
				}
			}
			c.Body = append(c.Body, b)
		}
		boundHolds(t, slackCosts, c, jsonUnits(Slack(c).Blocks))
		boundHolds(t, slackCosts, c, jsonUnits(SlackPictures(c, pictureIDs(c)).Blocks))
		boundHolds(t, slackCosts, c, jsonUnits(SlackNoTable(c).Blocks))
		boundHolds(t, teamsCosts, c, jsonBytes(Teams(c)))
		if slackCosts.atMost(c, slackMaxPayload) <= slackMaxPayload {
			skipped++
		}
	}
	if skipped < 100 {
		t.Errorf("only %d cards of a size where measuring is skipped", skipped)
	}
}
