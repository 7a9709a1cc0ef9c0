package intents

import (
	"context"
	"errors"
	"strings"
	"testing"

	"neobot/adapters"
	"neobot/cards"
)

type summarizer struct {
	text string
	err  error
	data []string
}

func (s *summarizer) Summarize(_ context.Context, data string) (string, error) {
	s.data = append(s.data, data)
	return s.text, s.err
}

// failedRun asks for the newest failed run of the sandbox.
func failedRun(t *testing.T, with Summarizer) (*bench, adapters.Answer) {
	t.Helper()
	b := newBench(t, scripted{"why": {Name: intentExplain, Args: map[string]string{}}})
	b.s.Summarizer = with
	return b, b.says("riley", "why")
}

func TestSummary(t *testing.T) {
	t.Parallel()
	_, plain := failedRun(t, nil)
	s := &summarizer{text: "It failed because the PSA timed out. <!channel> see https://evil.example/x or evil.com/y, key neo_sk_live_abcdef12345"}
	b, got := failedRun(t, s)
	text := cards.Text(got.Card, 1000)
	if !got.Card.AIGenerated || !strings.Contains(text, "the PSA timed out") || plain.Card.AIGenerated {
		t.Errorf("not shown as a model's words:\n%s", text)
	}
	for _, bad := range []string{"evil", "<!channel>", "neo_sk_live"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s in\n%s", bad, text)
		}
	}
	if len(got.Card.Buttons) != len(plain.Card.Buttons) || len(got.Card.Links) != len(plain.Card.Links) || got.Card.Status != plain.Card.Status ||
		got.Card.Title != plain.Card.Title || got.Card.Summary != plain.Card.Summary {
		t.Errorf("the summary changed more than the body:\n%s", text)
	}
	if len(s.data) != 1 || len(s.data[0]) > maxSummaryData || !strings.Contains(s.data[0], `"status":"failed"`) {
		t.Errorf("data sent: %q", s.data)
	}
	b.wantWrites(0)
}

// Without an answer of the model the card is the plain one.
func TestSummaryFails(t *testing.T) {
	t.Parallel()
	_, plain := failedRun(t, nil)
	for _, with := range []*summarizer{{err: errors.New("down")}, {text: "  "}} {
		_, got := failedRun(t, with)
		if got.Card.AIGenerated || cards.Text(got.Card, 1000) != cards.Text(plain.Card, 1000) {
			t.Errorf("card differs:\n%s", cards.Text(got.Card, 1000))
		}
	}
}

// TestSummarizeByModel: one call without tools, and only text counts.
func TestSummarizeByModel(t *testing.T) {
	t.Parallel()
	s := newScripted(t, textReply("It ran."), toolReply("tool_calls", "disable_agent", `{"agent":"Dispatch"}`))
	got, err := s.Summarize(t.Context(), `{"agent":"Dispatch"}`)
	if err != nil || got != "It ran." {
		t.Errorf("got %q, %v", got, err)
	}
	if _, tools := s.script.requests[0]["tools"]; tools {
		t.Error("the model got tools")
	}
	if got, err := s.Summarize(t.Context(), `{}`); err == nil {
		t.Errorf("a tool call gave %q", got)
	}
}
