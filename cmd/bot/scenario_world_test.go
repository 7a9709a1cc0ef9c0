package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"neobot/adapters"
)

// fakeClock stands still until a step moves it.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

// newFakeClock starts on a Tuesday at 10:00 in the sandbox tenant's time zone.
func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// workload counts deliveries in and out, so that a test can wait for the end of
// the work instead of sleeping.
type workload struct {
	mu       sync.Mutex
	in, out  int
	outcomes map[string]int
	changed  chan struct{}
}

var _ adapters.Metrics = (*workload)(nil)

func newWorkload() *workload {
	return &workload{outcomes: map[string]int{}, changed: make(chan struct{})}
}

func (l *workload) Put(_ adapters.Workspace, _ adapters.DeliveryKind, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fresh {
		l.in++
	}
}

func (l *workload) Handled(_ adapters.Workspace, _ adapters.DeliveryKind, _, _ time.Duration, outcome string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes[outcome]++
	if outcome == "ok" || outcome == "dead" {
		l.out++
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *workload) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d in, %d done, %v", l.in, l.out, l.outcomes)
}

func (l *workload) idle(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		l.mu.Lock()
		done, changed := l.out >= l.in, l.changed
		l.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// fakeModel is an OpenAI-compatible server that answers with what a script says.
type fakeModel struct {
	url string

	mu      sync.Mutex
	replies []map[string]any // message objects, oldest first
	down    bool
	asked   int
}

func newFakeModel(t *testing.T) *fakeModel {
	t.Helper()
	m := &fakeModel{}
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	m.url = s.URL + "/v1"
	return m
}

func (m *fakeModel) say(message map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	message["role"] = "assistant"
	m.replies = append(m.replies, message)
}

func (m *fakeModel) break_() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = true
}

// ServeHTTP answers a chat completion. A question that no reply was left for is
// a server fault: the bot must not ask more often than the story says.
func (m *fakeModel) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	if m.down || len(m.replies) == 0 {
		http.Error(w, `{"error":{"message":"overloaded"}}`, http.StatusServiceUnavailable)
		return
	}
	reply := m.replies[0]
	m.replies = m.replies[1:]
	finish := "stop"
	if reply["tool_calls"] != nil {
		finish = "tool_calls"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id": "c1", "object": "chat.completion", "created": 1, "model": "test",
		"choices": []any{map[string]any{"index": 0, "message": reply, "finish_reason": finish}},
		"usage":   map[string]any{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
	})
}
