package approvals

import (
	"fmt"
	"sync/atomic"
)

// Grant is the permission for exactly one write. It is made by Store.Redeem and
// Store.Retake only, for one digest, and can be spent once. The zero Grant
// cannot be spent. Copies of a Grant share one ticket, so a copy is no second use.
type Grant struct{ ticket *ticket }

type ticket struct {
	request  ID
	digest   string
	attempt  int
	testMode bool
	spent    atomic.Bool
}

// Spend uses the grant up for the change with this digest. ErrSpent when it is
// zero or was used before, ErrDigest (without using it up) for another change.
func (g Grant) Spend(digest string) error {
	if g.ticket == nil {
		return fmt.Errorf("zero grant: %w", ErrSpent)
	}
	if digest == "" || digest != g.ticket.digest {
		return fmt.Errorf("grant of request %s: %w", g.ticket.request, ErrDigest)
	}
	if g.ticket.spent.Swap(true) {
		return fmt.Errorf("grant of request %s: %w", g.ticket.request, ErrSpent)
	}
	return nil
}

// TestMode reports whether the write must be planned and shown but not sent.
// The zero grant says true: on doubt nothing is sent.
func (g Grant) TestMode() bool { return g.ticket == nil || g.ticket.testMode }
