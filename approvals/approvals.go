package approvals

import (
	"encoding/json"
	"errors"
	"time"
)

// ID is an opaque random request id (128 bits, URL-safe).
type ID string

// State of a request. The zero value is no state and allows nothing.
type State string

// States. Pending is decided by people; Approved waits for its execution;
// Executing has a grant out under a lease; the rest are final.
const (
	Pending   State = "pending"
	Approved  State = "approved"
	Executing State = "executing"
	Rejected  State = "rejected"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
	Done      State = "done"
	Failed    State = "failed"
	Unknown   State = "unknown" // sent, outcome not established: a person decides
)

// Final reports whether nothing can follow s.
func (s State) Final() bool {
	switch s {
	case Rejected, Expired, Withdrawn, Done, Failed, Unknown:
		return true
	case Pending, Approved, Executing:
	}
	return false
}

// Choice is a decision of one person.
type Choice string

// Choices.
const (
	Approve Choice = "approve"
	Reject  Choice = "reject"
)

// Decision is one person's choice on a request.
type Decision struct {
	Person string    `json:"person"` // policy name: one human, whichever platform
	Choice Choice    `json:"choice"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// For the audit: where the click came from.
	Workspace string `json:"workspace"`
	User      string `json:"user"`
	Home      string `json:"home"`
	Delivery  string `json:"delivery"`
}

// Request is one change that waits for, or went through, people's decisions.
// Change, View, Origin and Result belong to the caller and are never looked into.
type Request struct {
	ID        ID     `json:"id"`
	Workspace string `json:"workspace"`
	// Key makes Submit repeatable: the same key in the same workspace returns
	// the request that is already there.
	Key string `json:"key"`
	// Requester is the person (policy name) who asked.
	Requester string          `json:"requester"`
	Change    json.RawMessage `json:"change"` // what will run, exactly
	Digest    string          `json:"digest"` // of Change; a grant is for this digest only
	View      json.RawMessage `json:"view"`   // what the card shows
	Origin    json.RawMessage `json:"origin"` // where it was asked
	TestMode  bool            `json:"test_mode"`
	// SelfApproval and Quorum are the rule as planned, for the card. The rule
	// that counts is the one passed to Decide at click time.
	SelfApproval bool      `json:"self_approval"`
	Quorum       int       `json:"quorum"`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at"`

	// Kept by the store.
	State     State           `json:"state"`
	Version   int             `json:"version"` // +1 on every change of the record that a card shows
	Decisions []Decision      `json:"decisions,omitempty"`
	Attempts  int             `json:"attempts,omitempty"` // grants minted so far
	StartedAt time.Time       `json:"started_at,omitzero"`
	EndedAt   time.Time       `json:"ended_at,omitzero"`
	Result    json.RawMessage `json:"result,omitempty"`
	Copies    []string        `json:"copies,omitempty"` // opaque references of posted cards
	Drawn     int             `json:"drawn,omitempty"`  // highest version every copy is known to show

	// Lease proves that the caller executes this request. Redeem and Retake set
	// it; Again, Extend and Finish want it. It never leaves the process.
	Lease string `json:"-"`
}

// Errors a caller can tell apart with errors.Is. Each comes together with the
// current record where there is one, so that the person can be shown it.
var (
	ErrNotFound = errors.New("no such request")
	ErrDecided  = errors.New("already decided")                // final, or past deciding
	ErrExpired  = errors.New("expired")                        // nobody decided, or nobody executed, in time
	ErrRepeated = errors.New("already decided by this person") // same person, quorum still open
	ErrSelf     = errors.New("requester cannot approve")       // four-eyes
	ErrForeign  = errors.New("only the requester can withdraw")
	ErrDigest   = errors.New("change differs from what was approved")
	ErrNotReady = errors.New("not approved")       // Redeem on a request that is not approved
	ErrBusy     = errors.New("being executed")     // somebody else holds, or held, the lease
	ErrSpent    = errors.New("grant already used") // or zero
	ErrAttempts = errors.New("no attempts left")
	ErrLapsed   = errors.New("grant lapsed")   // its lease ended before it was used
	ErrInvalid  = errors.New("not acceptable") // an argument that no request can have
	ErrMoved    = errors.New("moved on")       // Drawn: the record is newer than the cards
)
