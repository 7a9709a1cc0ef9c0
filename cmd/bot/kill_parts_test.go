package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// partsModel picks the read that comes next by what it has been told already, so
// that it answers a repeated question as it did the first time.
func partsModel(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	ticket := `{"ticket":"` + ticketAsked.FindString(string(body)) + `"}`
	picks, args := []string{"list_runs", "why_run", "answered"}, []string{ticket, ticket, `{}`}
	n := min(strings.Count(string(body), `"tool_call_id"`), len(picks)-1)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"usage": map[string]any{"total_tokens": 10},
		"choices": []any{map[string]any{"index": 0, "finish_reason": "tool_calls", "message": map[string]any{
			"role": "assistant", "tool_calls": []any{map[string]any{
				"id": "c", "type": "function", "function": map[string]any{"name": picks[n], "arguments": args[n]},
			}},
		}}},
	})
}

var ticketAsked = regexp.MustCompile(`\b7\d{4}\b`)

// testKillParts kills between the reads of a question of several parts: after the
// restart it is answered once, with all parts, and each read is recorded once.
func testKillParts(t *testing.T, bin string) {
	w := newOutside(t, bin)
	server := httptest.NewServer(http.HandlerFunc(partsModel))
	t.Cleanup(server.Close)
	w.model = newHTTPGate(t, server.URL)
	model := func(after bool, parts ...string) func(*victim) *hold {
		return func(*victim) *hold { return w.model.arm(after, append(parts, "/v1/chat/completions")...) }
	}
	v := w.start()
	for _, p := range []point{
		{"first part read, the model not asked for the next", model(false, "read_1")},
		{"the model has picked the next part", model(true, "read_1")},
		{"first part recorded, second not read", neoHold(false, "GET /public-api/callbacks")},
		{"second part read", neoHold(true, "GET /public-api/callbacks")},
		{"all parts read, the last not recorded", model(true, "read_2")},
		{"all parts recorded, answer not posted", slackHold(false, "/api/chat.postMessage")},
	} {
		h := p.arm(v)
		w.posts++
		thread := w.says(v.url, fmt.Sprintf("what did neo do on ticket %d and why did dispatch not pick it up?", 70_000+w.posts))
		w.reached(h, p.name)
		v.kill()
		v = w.again(v)
		w.waitCard(thread, "1. Runs on ticket 7", "2. Events of ticket 7")
		t.Log(p.name)
		w.check()
	}
	if kinds := w.audit(); kinds["question"] != 2*w.posts || kinds["refusal"] != 0 {
		t.Errorf("audit has %v, want %d reads", kinds, 2*w.posts)
	}
}
