package approvals

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/redis/go-redis/v9"
)

const maxList = 500 // records one listing reads at most

// AddCopy notes where a card of this request was posted; the same reference
// counts once. A new copy is only known to show version 1 or later, so if the
// record has moved on it becomes undrawn.
func (s *Store) AddCopy(ctx context.Context, ws string, id ID, ref string) (Request, error) {
	if ref == "" || len(ref) > 4*maxText {
		return Request{}, wrap("add copy", id, fmt.Errorf("reference %.80q: %w", ref, ErrInvalid))
	}
	r, err := s.run(ctx, copyScript, ws, id, ref)
	return r, wrap("add copy", id, err)
}

// Drawn notes that all of r.Copies show r.Version. It is without effect when
// another copy has been posted since r was read, and when a later version was
// drawn already. ErrMoved means that some card still shows something older than
// the record: Get it and draw again.
func (s *Store) Drawn(ctx context.Context, r Request) error {
	return wrap("drawn", r.ID, s.note(ctx, drawnScript, r.Workspace, r.ID, r.Version, len(r.Copies)))
}

// Undrawn returns requests whose present version some copy is not known to
// show, or that have no copy, although it is at least one Lease old: the
// process that changed them died before it redrew the cards. Each is handed to
// one caller per Lease. Redraw and call Drawn, also when a copy cannot be
// redrawn any more.
func (s *Store) Undrawn(ctx context.Context, ws string, limit int) ([]Request, error) {
	now := s.c.Now()
	return s.claim(ctx, ws, "undrawn", limit, now.Add(-s.c.Lease).UnixMilli(), now.UnixMilli())
}

// Due returns requests that wait for us: Pending past ExpiresAt (ExpireIfDue),
// Approved for a Lease but not begun (Redeem), Executing with a lease that ran
// out (Retake). Each is handed to one caller per Lease.
func (s *Store) Due(ctx context.Context, ws string, limit int) ([]Request, error) {
	now := s.c.Now()
	return s.claim(ctx, ws, "due", limit, now.UnixMilli(), now.Add(s.c.Lease).UnixMilli())
}

func (s *Store) claim(ctx context.Context, ws, index string, limit int, upTo, again int64) ([]Request, error) {
	if err := checkWorkspace(ws); err != nil || limit <= 0 {
		return nil, err
	}
	key := s.key(ws, index)
	ids, err := claimScript.Run(ctx, s.c.Redis, []string{key}, upTo, min(limit, maxList), again).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	return s.load(ctx, ws, key, ids)
}

// Pending returns the requests that still can be decided, newest first.
func (s *Store) Pending(ctx context.Context, ws string, limit int) ([]Request, error) {
	list, err := s.newest(ctx, ws, "pending", limit)
	now := s.c.Now()
	open := list[:0]
	for _, r := range list {
		if r.State == Pending && now.Before(r.ExpiresAt) {
			open = append(open, r)
		}
	}
	return open, err
}

// Recent returns the latest requests in any state, newest first, as far back as
// Config.Keep.
func (s *Store) Recent(ctx context.Context, ws string, limit int) ([]Request, error) {
	return s.newest(ctx, ws, "recent", limit)
}

func (s *Store) newest(ctx context.Context, ws, index string, limit int) ([]Request, error) {
	if err := checkWorkspace(ws); err != nil || limit <= 0 {
		return nil, err
	}
	key := s.key(ws, index)
	ids, err := s.c.Redis.ZRevRangeByScore(ctx, key, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(math.MaxInt64, 10), Count: int64(min(limit, maxList)),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	return s.load(ctx, ws, key, ids)
}

// load reads records in one round trip. Ids whose record is gone leave the
// index they came from. A damaged record does not hide the others: they are
// returned together with the error.
func (s *Store) load(ctx context.Context, ws, index string, ids []string) ([]Request, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := s.c.Redis.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HGetAll(ctx, s.keys(ws, ID(id))[0])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	var gone []any
	var damaged error
	out := make([]Request, 0, len(ids))
	for i, cmd := range cmds {
		if len(cmd.Val()) == 0 {
			gone = append(gone, ids[i])
			continue
		}
		r, err := parse(cmd.Val())
		if err != nil {
			damaged = errors.Join(damaged, err)
			continue
		}
		out = append(out, r)
	}
	if len(gone) > 0 {
		if err := s.c.Redis.ZRem(ctx, index, gone...).Err(); err != nil {
			return out, fmt.Errorf("load: %w", err)
		}
	}
	return out, damaged
}
