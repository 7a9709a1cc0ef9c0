package sandbox

import (
	"context"
	"net/http"
	"time"
)

// Fault makes matching requests go wrong. The zero Fault does nothing to one
// request; combine the fields.
type Fault struct {
	Op    string `json:"op"`    // operation id; empty matches every operation
	Times int    `json:"times"` // how many requests; 0 is one, below 0 is until Reset
	// Latency is added before anything happens.
	Latency time.Duration `json:"latency"` // nanoseconds in JSON
	// Status and Code are answered instead of the result. A Code alone has
	// status 500.
	Status int    `json:"status"`
	Code   string `json:"code"`
	// AfterApply lets the operation take effect first: the answer then lies.
	AfterApply bool `json:"after_apply"`
	// DropReply cuts the connection instead of answering.
	DropReply  bool          `json:"drop_reply"`
	RetryAfter time.Duration `json:"retry_after"` // Retry-After header, whole seconds
}

// Fail orders a fault. Of several that match, the oldest is used up first.
func (n *Neo) Fail(f Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	n.faults = append(n.faults, &f)
}

// fault takes the next fault for an operation, or nil. Needs the lock.
func (n *Neo) fault(op string) *Fault {
	for i, f := range n.faults {
		if f.Op != "" && f.Op != op {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			n.faults = append(n.faults[:i:i], n.faults[i+1:]...)
		}
		hit := *f
		return &hit
	}
	return nil
}

// answers says that the fault replaces the result.
func (f *Fault) answers() bool { return f != nil && (f.DropReply || f.Status != 0 || f.Code != "") }

// failure is the answer that the fault orders.
func (f *Fault) failure() *apiError {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	code := f.Code
	if code == "" {
		code = defaultCode(status)
	}
	return &apiError{status: status, code: code, message: http.StatusText(status) + " (ordered fault)", retryAfter: f.RetryAfter}
}

func defaultCode(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHORIZED"
	case http.StatusForbidden:
		return "FORBIDDEN"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "conflict"
	case http.StatusTooManyRequests:
		return "RATE_LIMITED"
	case http.StatusServiceUnavailable:
		return "service_unavailable"
	}
	return "internal_error"
}

// wait sleeps for d or until the caller is gone.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
