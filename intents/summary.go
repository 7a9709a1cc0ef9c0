package intents

import (
	"context"
	_ "embed"
	"regexp"
	"strings"

	"neobot/cards"
	"neobot/neoapi"
)

// Summarizer puts a run into words. It gets data and returns text; it can call
// nothing, and what it says is shown as a model's words and never acted on.
type Summarizer interface {
	// Summarize returns a few sentences about the data, a JSON object.
	Summarize(ctx context.Context, data string) (string, error)
}

// Bounds of a summary.
const (
	maxSummaryData  = 8000 // characters of data sent
	maxSummaryText  = 700  // characters shown
	maxSummaryStep  = 200
	summaryReplyMax = 400 // tokens

	summaryHeading = "In short, by a model"
)

//go:embed summary_prompt.md
var summaryPrompt string

var _ Summarizer = (*Model)(nil)

// runData is what a model gets to see of a run: cut, without what looks like a
// credential, and without the data of steps, which the card leaves out too.
func runData(run neoapi.Execution, steps []neoapi.ExecutionStep) string {
	type step struct {
		What    string `json:"what"`
		Message string `json:"message,omitempty"`
		Error   bool   `json:"error,omitempty"`
	}
	d := struct {
		Agent   string `json:"agent"`
		Ticket  string `json:"ticket,omitempty"`
		Status  string `json:"status"`
		Message string `json:"message,omitempty"`
		Error   string `json:"error,omitempty"`
		Steps   []step `json:"steps"`
	}{
		safeText(run.AgentName, maxNameChars), safeText(string(run.EntityNumber), maxNameChars), runStatus(run.Status),
		safeText(run.Message, 600), safeText(run.Error, 1200),
		[]step{},
	}
	for _, s := range steps[max(0, len(steps)-maxSteps):] {
		d.Steps = append(d.Steps, step{stepWords(s), safeText(s.Message, maxSummaryStep), s.IsError})
	}
	for len(d.Steps) > 0 && len(mustJSON(d)) > maxSummaryData {
		d.Steps = d.Steps[1:]
	}
	return string(mustJSON(d))
}

// inWords adds a model's account of a run to its card, when a model is there
// and answers. The card is complete without it.
func (s *Service) inWords(ctx context.Context, card *cards.Card, data string) {
	if s.Summarizer == nil {
		return
	}
	said, err := s.Summarizer.Summarize(ctx, data)
	if err != nil {
		s.Logger.WarnContext(ctx, "no summary", "error", logged(err))
		return
	}
	if said = plainWordsOf(said); said == "" {
		return
	}
	card.Body = append([]cards.Block{{Heading: summaryHeading, Text: said}}, card.Body...)
	card.AIGenerated = true
}

// addresses people could be sent to: none in a model's text is ours.
var addresses = regexp.MustCompile(`(?i)\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:|tel:)\S+|\b[\w.-]+@[\w-]+(?:\.[\w-]+)+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|io|example|ru|cn|dev|app|co)\b\S*`)

// plainWordsOf is a model's text as it may be shown: no credentials, no
// addresses anybody could be sent to, no mentions, cut.
func plainWordsOf(said string) string {
	said = safeText(strings.TrimSpace(said), maxSummaryText)
	said = addresses.ReplaceAllString(said, "[link removed]")
	return strings.NewReplacer("<", "‹", ">", "›", "@", "＠").Replace(said)
}
