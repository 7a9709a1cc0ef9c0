package sandbox

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// recordCap and bodyCap bound the memory of the request log: older entries are
// dropped, long bodies cut.
const (
	recordCap = 4096
	bodyCap   = 64 << 10
)

// Recorded is one request as it arrived, refused ones included.
type Recorded struct {
	Op     string          `json:"op"` // operation id, empty for an unknown path
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Query  url.Values      `json:"query,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"` // as text in a JSON string when it is long or no JSON
	At     time.Time       `json:"at"`
	Status int             `json:"status"` // status answered, 0 when the reply was dropped
	Write  bool            `json:"write"`
	// Applied says that the handler ran without refusing; with a fault after
	// applying, Status says otherwise.
	Applied bool `json:"applied"`
}

// Requests lists what arrived, oldest first, at most the newest 4,096.
func (n *Neo) Requests() []Recorded {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]Recorded, 0, len(n.records))
	for _, r := range n.records {
		out = append(out, *r)
	}
	return out
}

// Writes lists the requests to operations that change something.
func (n *Neo) Writes() []Recorded {
	return slices.DeleteFunc(n.Requests(), func(r Recorded) bool { return !r.Write })
}

// record logs a request; the caller fills in how it went. Needs the lock.
func (n *Neo) record(r *Recorded) {
	if len(n.records) >= recordCap {
		n.records = append(n.records[:0], n.records[recordCap/2:]...)
	}
	n.records = append(n.records, r)
}

// asJSON keeps a body readable in the log whatever it is.
func asJSON(body []byte) json.RawMessage {
	if len(body) == 0 {
		return nil
	}
	if len(body) <= bodyCap && json.Valid(body) {
		return body
	}
	quoted, err := json.Marshal(string(body[:min(len(body), bodyCap)]))
	if err != nil {
		return nil
	}
	return quoted
}
