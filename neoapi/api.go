package neoapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Access is what an operation does, by effect and not by HTTP method.
type Access string

// Access values. The zero value is neither and is refused.
const (
	Read  Access = "read"
	Write Access = "write"
)

// Risk sorts writes for the approval rules.
type Risk string

// Risks.
const (
	Routine       Risk = "routine"       // reversible or everyday: run now, decide a request
	Configuration Risk = "configuration" // changes how Neo works
	Destructive   Risk = "destructive"   // cannot be taken back: delete, revoke
)

// Args are the arguments of one call. Path values are escaped by the client.
type Args struct {
	Path  map[string]string
	Query url.Values
	Body  json.RawMessage
}

// Response is a successful answer of Neo.
type Response struct {
	Status    int
	Data      json.RawMessage // the envelope's data, or the whole body where there is no envelope
	RequestID string
	Cursor    string // next_cursor, empty on the last page
	More      *bool  // has_more, nil when Neo did not say
	Warnings  []string

	parsed *parsed // of an answer that is shared: what others have decoded of it
}

// Change is one planned write, complete: what it says is what is sent.
type Change struct {
	Op    string            `json:"op"` // operation id
	Path  map[string]string `json:"path,omitempty"`
	Query map[string]string `json:"query,omitempty"`
	Body  json.RawMessage   `json:"body,omitempty"`
	// Before is the target as it was when the change was planned (only the
	// fields the change is about), or null for operations without a target state.
	Before json.RawMessage `json:"before,omitempty"`
}

// Digest is the SHA-256, in hex, over operation, target, body and before
// snapshot. encoding/json sorts map keys, and RawMessages are compacted, so
// equal changes have equal digests.
func (c Change) Digest() string {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // unmarshalable RawMessage: no digest, so no grant can fit
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Outcome says whether a failed write can have taken effect.
type Outcome string

// Outcomes of a failed call.
const (
	NotApplied Outcome = "not_applied" // refused by Neo (4xx) or never sent
	Maybe      Outcome = "maybe"       // 5xx, lost reply: read the target back
)

// Error is every failure of a call to Neo.
type Error struct {
	Op         string
	Status     int    // HTTP status, 0 when there was no answer
	Code       string // Neo's machine code, lower case
	Message    string // Neo's words: data, not for the model
	Details    json.RawMessage
	RequestID  string
	RetryAfter time.Duration // 429 and 503
	Outcome    Outcome
	Err        error // cause when there was no answer
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("neo %s: no answer: %v", e.Op, e.Err)
	}
	text := fmt.Sprintf("neo %s: status %d code %s request %s", e.Op, e.Status, e.Code, e.RequestID)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ScopeError is a call refused before anything was sent.
type ScopeError struct {
	Op    string
	Group Group
	Need  Level
	Have  Level
}

func (e *ScopeError) Error() string {
	return fmt.Sprintf("neo %s: group %s needs %s, has %s", e.Op, e.Group, e.Need, e.Have)
}

// Errors to test with errors.Is.
var (
	ErrUnavailable = errors.New("operation not offered by this Neo") // missing in the served OpenAPI file
	ErrNotRead     = errors.New("operation is not a read")           // Read was called for a write
	ErrNotWrite    = errors.New("operation is not a write")          // Apply was called for a read
	ErrUnknown     = errors.New("no such operation")
	ErrArgs        = errors.New("arguments do not fit the operation")
	ErrTestMode    = errors.New("test mode: not sent")
	ErrBudget      = errors.New("request budget used up")
)
