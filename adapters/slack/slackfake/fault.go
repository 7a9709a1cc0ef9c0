package slackfake

import (
	"net/http"
	"strconv"
	"time"
)

// Fault makes the next calls of a method go wrong.
type Fault struct {
	Times int // how many calls, 0 means one
	// Exactly one of these:
	Status     int           // HTTP status, nothing applied
	RetryAfter int           // 429 with this many seconds, nothing applied
	Error      string        // {"ok":false,"error":…}, nothing applied
	Hang       time.Duration // wait (or until the client leaves), then answer as usual
	Drop       bool          // apply, then cut the connection without an answer
}

// Fail queues a fault for a Web API method, for "response_url", for "upload" (of a
// file), or for "slack_file": messages with a picture are refused as Slack does
// until it has looked through the file.
func (s *Server) Fail(method string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(f.Times, 1)
	s.faults[method] = append(s.faults[method], &f)
}

func (s *Server) fault(method string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextFault(method)
}

// nextFault is fault for a caller that holds mu.
func (s *Server) nextFault(method string) *Fault {
	q := s.faults[method]
	if len(q) == 0 {
		return nil
	}
	f := q[0]
	if f.Times--; f.Times == 0 {
		s.faults[method] = q[1:]
	}
	c := *f
	return &c
}

// before plays a fault that comes before the call is applied; done means the
// answer is written.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) (done bool) {
	switch {
	case f == nil:
	case f.RetryAfter > 0:
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	case f.Status > 0:
		w.WriteHeader(f.Status)
		return true
	case f.Error != "":
		write(w, map[string]any{"ok": false, "error": f.Error})
		return true
	case f.Hang > 0:
		t := time.NewTimer(f.Hang)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	}
	return false
}

// drop cuts the connection: the client cannot know what happened.
func drop() { panic(http.ErrAbortHandler) }
