package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Submit stores a new pending request and returns it with its id; fresh is
// true. When the workspace already has a request with this Key, that one is
// returned as it is now, fresh is false and nothing is written, so a question
// that is delivered twice asks for approval once.
//
// The caller fills in Workspace, Key, Requester, Change, Digest, View, Origin,
// TestMode, SelfApproval, Quorum and ExpiresAt; CreatedAt defaults to now.
// Times are kept to the millisecond. ErrInvalid for an incomplete request, one
// that has expired already, or JSON that is none.
func (s *Store) Submit(ctx context.Context, r Request) (stored Request, fresh bool, err error) {
	now := s.c.Now()
	if r.CreatedAt.IsZero() {
		r.CreatedAt = now
	}
	if err := checkRequest(&r, now); err != nil {
		return Request{}, false, fmt.Errorf("submit %.80q: %w", r.Key, err)
	}
	r.ID = ID(newToken())
	stored, err = s.submit(ctx, &r, "")
	if err != nil {
		return Request{}, false, fmt.Errorf("submit %.80q: %w", r.Key, err)
	}
	return stored, stored.ID == r.ID, nil
}

// submit tries once, and once more in place of a key entry that has outlived
// its record.
func (s *Store) submit(ctx context.Context, r *Request, stale ID) (Request, error) {
	keys := append(s.keys(r.Workspace, r.ID), s.key(r.Workspace, "recent"), s.key(r.Workspace, "key:"+r.Key))
	// The entry lives at least as long as the record when that ends in time.
	ttl := r.ExpiresAt.Sub(s.c.Now()) + s.c.Keep
	args := append([]any{string(stale), ttl.Milliseconds()}, encode(r)...)
	code, fields, err := s.eval(ctx, submitScript, keys, r.ID, args)
	if err != nil {
		return Request{}, err
	}
	if code != "there" {
		return parse(fields)
	}
	there := ID(fields["id"])
	old, err := s.Get(ctx, r.Workspace, there)
	if isNotFound(err) && stale == "" {
		return s.submit(ctx, r, there)
	}
	return old, err
}

// ByKey returns the request that was submitted under a key. ErrNotFound when
// there is none (any more).
func (s *Store) ByKey(ctx context.Context, ws, key string) (Request, error) {
	if err := checkWorkspace(ws); err != nil {
		return Request{}, err
	}
	id, err := s.c.Redis.Get(ctx, s.key(ws, "key:"+key)).Result()
	if errors.Is(err, redis.Nil) {
		return Request{}, fmt.Errorf("request of key %.80q: %w", key, ErrNotFound)
	}
	if err != nil {
		return Request{}, fmt.Errorf("request of key %.80q: %w", key, err)
	}
	return s.Get(ctx, ws, ID(id))
}

func checkRequest(r *Request, now time.Time) error {
	if err := checkWorkspace(r.Workspace); err != nil {
		return err
	}
	for name, v := range map[string]string{"key": r.Key, "requester": r.Requester, "digest": r.Digest} {
		if err := checkText(name, v); err != nil {
			return err
		}
	}
	for name, v := range map[string]json.RawMessage{"change": r.Change, "view": r.View, "origin": r.Origin} {
		if len(v) > 0 && !json.Valid(v) {
			return fmt.Errorf("%s is not JSON: %w", name, ErrInvalid)
		}
	}
	if len(r.Change) == 0 {
		return fmt.Errorf("no change: %w", ErrInvalid)
	}
	if r.Quorum < 1 {
		return fmt.Errorf("quorum %d: %w", r.Quorum, ErrInvalid)
	}
	if r.ExpiresAt.UnixMilli() <= now.UnixMilli() {
		return fmt.Errorf("expires in the past: %w", ErrInvalid)
	}
	return nil
}

// checkText refuses an empty or oversized identifier.
func checkText(name, v string) error {
	if v == "" || len(v) > maxText {
		return fmt.Errorf("%s %.80q: %w", name, v, ErrInvalid)
	}
	return nil
}
