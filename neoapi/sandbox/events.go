package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A stream with nothing new gets a comment after pingAfter and ends after
// streamLife, as a proxy would end it; clients come back with Last-Event-Id.
const (
	pingAfter  = 15 * time.Second
	streamLife = 5 * time.Minute
)

// chatEvent is one server-sent event: a Vercel AI SDK v6 part as JSON.
type chatEvent struct {
	id   int
	data []byte
}

// emit appends an event. Ids count from 1 within a session.
func (s *ChatSession) emit(part Object) {
	data, err := json.Marshal(part)
	if err != nil {
		return // parts are made of texts only
	}
	s.events = append(s.events, chatEvent{len(s.events) + 1, data})
}

// lastEvent is the cursor of the newest event.
func (s *ChatSession) lastEvent() string { return "evt-" + strconv.Itoa(len(s.events)) }

// wake lets the open streams look again. Needs the lock.
func (n *Neo) wake() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// tailEvents streams the events after since (or Last-Event-Id). Each finished
// turn is closed by [DONE] and ends the stream. Without a cursor it starts with
// the last turn. See https://docs.neoagent.io/api-reference/chat/tail-chat-session-events-sse.
func tailEvents(c *call, s *ChatSession) (reply, error) {
	since := or(c.query.Get("since"), c.r.Header.Get("Last-Event-Id"))
	from := s.lastTurn()
	if since != "" {
		num, ok := strings.CutPrefix(since, "evt-")
		n, err := strconv.Atoi(num)
		if !ok || err != nil || n < 0 || n > len(s.events) {
			return reply{}, badParameter("since", "is not a cursor of this session")
		}
		from = n
	}
	return reply{stream: func(w http.ResponseWriter, r *http.Request) { c.n.stream(w, r, s, from) }}, nil
}

// lastTurn is the cursor before the newest turn.
func (s *ChatSession) lastTurn() int {
	for i := len(s.events) - 1; i >= 0; i-- {
		if strings.Contains(string(s.events[i].data), `"type":"start"`) {
			return i
		}
	}
	return 0
}

// stream writes events until a turn ends or the client goes.
func (n *Neo) stream(w http.ResponseWriter, r *http.Request, s *ChatSession, from int) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	ping, end := time.NewTicker(pingAfter), time.NewTimer(streamLife)
	defer ping.Stop()
	defer end.Stop()
	for {
		n.mu.Lock()
		events, changed := s.events[from:len(s.events):len(s.events)], n.changed
		n.mu.Unlock()
		from += len(events)
		done, err := writeEvents(w, events)
		if err == nil {
			err = out.Flush()
		}
		if err != nil || done {
			return
		}
		select {
		case <-changed:
		case <-ping.C:
			_, err = fmt.Fprint(w, ": ping\n\n")
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// writeEvents tells whether a turn finished.
func writeEvents(w http.ResponseWriter, events []chatEvent) (done bool, err error) {
	for _, e := range events {
		if _, err := fmt.Fprintf(w, "id: evt-%d\ndata: %s\n\n", e.id, e.data); err != nil {
			return false, err
		}
		if strings.Contains(string(e.data), `"type":"finish"`) {
			_, err := fmt.Fprint(w, "data: [DONE]\n\n")
			return true, err
		}
	}
	return false, nil
}
