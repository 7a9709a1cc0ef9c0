package approvals

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Redeem begins the execution of an Approved request: it becomes Executing
// under a lease of ours (Request.Lease) and the first grant is made, for this
// digest. It happens once: whoever comes second gets ErrBusy.
//
// With the record: ErrNotReady while Pending, ErrBusy while Executing (also
// when its lease has run out: see Retake), ErrDigest when the change is not the
// approved one, ErrExpired when the approval is too old to begin (see
// Config.Grace), ErrDecided in the other final states.
func (s *Store) Redeem(ctx context.Context, ws string, id ID, digest string) (Request, Grant, error) {
	if digest == "" {
		return Request{}, Grant{}, wrap("redeem", id, ErrDigest)
	}
	token, until := newToken(), s.leaseEnd()
	r, err := s.run(ctx, redeemScript, ws, id, digest, token)
	if err != nil {
		return r, Grant{}, wrap("redeem", id, err)
	}
	r.Lease = token
	return r, newGrant(&r, s.c.Now, until), nil
}

// leaseEnd is taken before Redis is asked, so that it is never later than what
// Redis keeps.
func (s *Store) leaseEnd() time.Time { return s.c.Now().Add(s.c.Lease) }

// Retake takes over an Executing request whose lease has run out, because the
// process that held it is gone. It makes no grant: whether the write was sent
// is not known. Read the target back, then Finish, or Again if it provably was
// not applied. ErrBusy while the lease is alive, ErrNotReady before Executing,
// ErrDecided or ErrExpired after.
func (s *Store) Retake(ctx context.Context, ws string, id ID) (Request, error) {
	token := newToken()
	r, err := s.run(ctx, retakeScript, ws, id, token)
	if err != nil {
		return r, wrap("retake", id, err)
	}
	r.Lease = token
	return r, nil
}

// Again makes a further grant for a request that is Executing under r.Lease,
// and renews the lease. Only for a write that a read-back has shown not to be
// applied and that may be sent twice. ErrAttempts when maxAttempts grants have
// been made, ErrBusy when the lease is not, or no longer, ours.
func (s *Store) Again(ctx context.Context, r Request, maxAttempts int) (Request, Grant, error) {
	until, lease := s.leaseEnd(), r.Lease
	got, err := s.run(ctx, againScript, r.Workspace, r.ID, r.Digest, lease, maxAttempts, newToken())
	if err != nil {
		return got, Grant{}, wrap("again", r.ID, err)
	}
	got.Lease = lease
	return got, newGrant(&got, s.c.Now, until), nil
}

// Extend is the sign of life of a long execution: the lease r.Lease, and g if it
// was made under it, hold for another Config.Lease from now. ErrBusy when somebody else has
// taken over: stop, and send nothing more.
func (s *Store) Extend(ctx context.Context, r Request, g Grant) error {
	until := s.leaseEnd()
	if err := s.note(ctx, extendScript, r.Workspace, r.ID, r.Lease); err != nil {
		return wrap("extend", r.ID, err)
	}
	g.extend(r.Lease, until)
	return nil
}

// Finish closes a request that is Executing under r.Lease as Done, Failed or
// Unknown with a result, JSON or nil. From Approved only Failed is possible and
// no lease is needed: the write was found undoable before it began.
//
// Finishing twice in the same state returns the record, with the first result.
// ErrDecided when it is closed otherwise, ErrBusy when somebody else executes.
func (s *Store) Finish(ctx context.Context, r Request, state State, result json.RawMessage) (Request, error) {
	if state != Done && state != Failed && state != Unknown {
		return Request{}, wrap("finish", r.ID, fmt.Errorf("state %.40q: %w", string(state), ErrInvalid))
	}
	if len(result) > 0 && !json.Valid(result) {
		return Request{}, wrap("finish", r.ID, fmt.Errorf("result is not JSON: %w", ErrInvalid))
	}
	got, err := s.run(ctx, finishScript, r.Workspace, r.ID, string(state), r.Lease, []byte(result))
	return got, wrap("finish", r.ID, err)
}
