package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// DecideArgs is one person's decision and the rule it falls under, read from
// the policy at the moment of the click and not when the card was made.
type DecideArgs struct {
	// Decision needs Person, Choice and Delivery; At is set by the store.
	Decision Decision
	// Quorum is how many different people must approve. At least 1.
	Quorum int
	// AllowSelf lets the requester approve. He never rejects: he withdraws.
	AllowSelf bool
}

// Decide records a decision: one rejection makes the request Rejected, Quorum
// approvals by different people make it Approved, fewer leave it Pending. That
// the person may decide at all is for the caller to have established.
//
// The same click delivered again (same person, choice and Delivery) returns the
// record as it now is, without error, so that a worker can carry on where a
// crashed one stopped. Otherwise, with the record: ErrExpired when the time has
// run out (at ExpiresAt exactly it has), which this call then also records;
// ErrDecided in any other state; ErrSelf; ErrRepeated for a second click of a
// person while the quorum is open. ErrInvalid and ErrNotFound come without one.
func (s *Store) Decide(ctx context.Context, ws string, id ID, a DecideArgs) (Request, error) {
	d := a.Decision
	if err := checkDecision(&a); err != nil {
		return Request{}, fmt.Errorf("decide %s: %w", id.short(), err)
	}
	d.At = s.c.Now().UTC()
	body, err := json.Marshal(d)
	if err != nil {
		return Request{}, fmt.Errorf("decide %s: %w", id.short(), err)
	}
	r, err := s.run(ctx, decideScript, ws, id,
		d.Person, string(d.Choice), a.Quorum, flag(a.AllowSelf), d.Delivery, body)
	return r, wrap("decide", id, err)
}

func checkDecision(a *DecideArgs) error {
	if a.Quorum < 1 {
		return fmt.Errorf("quorum %d: %w", a.Quorum, ErrInvalid)
	}
	if c := a.Decision.Choice; c != Approve && c != Reject {
		return fmt.Errorf("choice %.40q: %w", string(c), ErrInvalid)
	}
	if err := checkText("person", a.Decision.Person); err != nil {
		return err
	}
	return checkText("delivery", a.Decision.Delivery)
}

// Withdraw takes a pending request back. Only its requester can (ErrForeign);
// doing it twice is no error. ErrExpired and ErrDecided as for Decide.
func (s *Store) Withdraw(ctx context.Context, ws string, id ID, person string) (Request, error) {
	if err := checkText("person", person); err != nil {
		return Request{}, fmt.Errorf("withdraw %s: %w", id.short(), err)
	}
	r, err := s.run(ctx, withdrawScript, ws, id, person)
	return r, wrap("withdraw", id, err)
}

// ExpireIfDue makes the request Expired if its time has passed: while Pending
// at ExpiresAt, while Approved when it is also Grace since the approval. It
// returns the record either way; look at its State.
func (s *Store) ExpireIfDue(ctx context.Context, ws string, id ID) (Request, error) {
	r, err := s.run(ctx, expireScript, ws, id)
	return r, wrap("expire", id, err)
}

func wrap(verb string, id ID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", verb, id.short(), err)
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
