package approvals

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Grant is the permission for exactly one write. It is made by Store.Redeem
// (the first attempt) and Store.Again (a further one) only, for one digest, can
// be spent once and lapses with the lease it was made under. The zero Grant
// cannot be spent. Copies of a Grant share one ticket, so a copy is no second use.
type Grant struct{ ticket *ticket }

type ticket struct {
	request  ID
	lease    string
	digest   string
	attempt  int
	testMode bool
	now      func() time.Time
	until    atomic.Int64 // end of the lease, Unix milliseconds
	spent    atomic.Bool
}

// newGrant is called with a record that a script has just put, or found, in
// Executing under the caller's own lease token.
func newGrant(r *Request, now func() time.Time, until time.Time) Grant {
	t := &ticket{request: r.ID, lease: r.Lease, digest: r.Digest, attempt: r.Attempts, testMode: r.TestMode, now: now}
	t.until.Store(until.UnixMilli())
	return Grant{t}
}

// Spend uses the grant up for the change with this digest. ErrSpent when it is
// zero or was used before, ErrDigest (without using it up) for another change,
// ErrLapsed when the lease has ended: by then another worker may have taken the
// request over, and a late write would be a second one.
func (g Grant) Spend(digest string) error {
	if g.ticket == nil {
		return fmt.Errorf("zero grant: %w", ErrSpent)
	}
	if digest == "" || digest != g.ticket.digest {
		return fmt.Errorf("grant of request %s: %w", g.ticket.request, ErrDigest)
	}
	if g.ticket.now().UnixMilli() >= g.ticket.until.Load() {
		return fmt.Errorf("grant of request %s: %w", g.ticket.request, ErrLapsed)
	}
	if g.ticket.spent.Swap(true) {
		return fmt.Errorf("grant of request %s: %w", g.ticket.request, ErrSpent)
	}
	return nil
}

// TestMode reports whether the write must be planned and shown but not sent.
// The zero grant says true: on doubt nothing is sent.
func (g Grant) TestMode() bool { return g.ticket == nil || g.ticket.testMode }

// Attempt is the number of this grant among those of its request, from 1; 0 for
// the zero grant.
func (g Grant) Attempt() int {
	if g.ticket == nil {
		return 0
	}
	return g.ticket.attempt
}

// extend moves the end of the grant if it was made under this lease, which Redis
// has just confirmed. A grant of an earlier lease stays lapsed.
func (g Grant) extend(lease string, until time.Time) {
	if g.ticket != nil && lease != "" && g.ticket.lease == lease {
		g.ticket.until.Store(until.UnixMilli())
	}
}
