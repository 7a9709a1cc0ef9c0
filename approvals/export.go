package approvals

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const page = 500 // stream entries read at once

// trailer is the last line of an export: what a complete file holds. It gives
// away a file that was cut short.
type trailer struct {
	End       bool   `json:"end"` // always true
	Workspace string `json:"workspace"`
	First     int64  `json:"first"`
	Seq       int64  `json:"seq"`
	Hash      string `json:"hash"`
}

// Export writes the records since a moment (zero: all) as JSON lines, oldest
// first, exactly as they are stored, and a closing line. Records appended
// meanwhile are left out. Check the file with Verify.
func (a *Audit) Export(ctx context.Context, ws string, w io.Writer, since time.Time) error {
	h, _, _, err := a.readHead(ctx, ws)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	first, err := a.firstSince(ctx, ws, h.seq, since)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	err = a.scan(ctx, ws, first, h.seq, func(_ string, line []byte) error {
		_, err := w.Write(append(line, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	end, err := json.Marshal(trailer{true, ws, first, h.seq, h.hash})
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err := w.Write(append(end, '\n')); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// Last returns the latest records, newest first, unverified.
func (a *Audit) Last(ctx context.Context, ws string, limit int) ([]Entry, error) {
	if err := checkWorkspace(ws); err != nil || limit <= 0 {
		return nil, err
	}
	list, err := a.c.Redis.XRevRangeN(ctx, a.key(ws, ""), "+", "-", int64(min(limit, maxList))).Result()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	out := make([]Entry, len(list))
	for i := range list {
		if err := json.Unmarshal(lineOf(&list[i]), &out[i]); err != nil {
			return nil, fmt.Errorf("audit: entry %s: %w", list[i].ID, err)
		}
	}
	return out, nil
}

// scan calls f with id and line of every stream entry from one sequence number
// to another, both included.
func (a *Audit) scan(ctx context.Context, ws string, from, to int64, f func(id string, line []byte) error) error {
	start, end := streamID(from), streamID(to)
	for to > 0 {
		list, err := a.c.Redis.XRangeN(ctx, a.key(ws, ""), start, end, page).Result()
		if err != nil {
			return err
		}
		for i := range list {
			if err := f(list[i].ID, lineOf(&list[i])); err != nil {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
		start = "(" + list[len(list)-1].ID
	}
	return nil
}

func streamID(seq int64) string { return strconv.FormatInt(seq, 10) + "-0" }

// lineOf is the stored line; an entry that somebody wrote otherwise gives one
// that cannot be a record.
func lineOf(m *redis.XMessage) []byte {
	s, _ := m.Values[streamField].(string)
	if len(m.Values) != 1 || bytes.ContainsAny([]byte(s), "\r\n") {
		return []byte("not a record")
	}
	return []byte(s)
}

// firstSince finds the first record of a moment by halving: times rise with the
// sequence, give or take the milliseconds two replicas disagree by.
func (a *Audit) firstSince(ctx context.Context, ws string, last int64, since time.Time) (int64, error) {
	low, high := int64(1), last+1
	for !since.IsZero() && low < high {
		mid := low + (high-low)/2
		list, err := a.c.Redis.XRangeN(ctx, a.key(ws, ""), streamID(mid), streamID(last), 1).Result()
		if err != nil {
			return 0, err
		}
		var e Entry
		if len(list) == 1 && json.Unmarshal(lineOf(&list[0]), &e) == nil && e.At.Before(since) {
			low = mid + 1
		} else { // later, or unreadable: better too much than too little
			high = mid
		}
	}
	return low, nil
}
