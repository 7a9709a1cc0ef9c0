package neoapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"neobot/approvals"
)

// Bounds of listing and of repeating a refused write.
const (
	pageSize       = 200 // Neo's maximum: fewest requests
	maxPages       = 50
	writeRetryWait = 5 * time.Second // a longer Retry-After is handed to the caller
	writeSpan      = 8 * time.Second // after this long a write is not repeated: its grant's lease runs out
)

// Session is a client bound to one person's scope: the only way to call Neo.
// Answers may be shared between callers: do not write into Response.Data.
type Session struct {
	client *Client
	scope  Scope
	fresh  bool
}

// Fresh is the same session without cache and without joining reads under way:
// for before-snapshots that are checked again, and for reading back a write.
func (s *Session) Fresh() *Session {
	out := *s
	out.fresh = true
	return &out
}

// Catalog of operations.
func (s *Session) Catalog() *Catalog { return s.client.catalog }

// Allowed is nil when this session may call the operation, a *ScopeError when
// the scope is too small, ErrUnavailable when this Neo does not offer it and
// ErrUnknown for an id that does not exist.
func (s *Session) Allowed(op string) error {
	_, err := s.allowed(op)
	return err
}

func (s *Session) allowed(id string) (Operation, error) {
	op, err := s.client.operation(id)
	if err != nil {
		return Operation{}, err
	}
	if err := s.scope.Check(op); err != nil {
		return Operation{}, err
	}
	return op, s.client.offered(op)
}

// Read calls an operation that only reads. Failures of the exchange are *Error;
// anything else was refused before sending.
func (s *Session) Read(ctx context.Context, op string, args Args) (Response, error) {
	o, err := s.allowed(op)
	if err != nil {
		return Response{}, err
	}
	if o.Access != Read || o.Stream {
		return Response{}, fmt.Errorf("neo %s: %w", o.ID, ErrNotRead)
	}
	r, err := s.client.build(o, args)
	if err != nil {
		return Response{}, err
	}
	if s.fresh {
		return s.client.read(ctx, r)
	}
	return s.client.shared(ctx, r)
}

// Each reads a list page by page and hands every page to visit until visit says
// false, the list ends, or 50 pages were read. more is true when the list goes
// on, or may go on, after what visit saw.
func (s *Session) Each(ctx context.Context, op string, args Args, visit func(page []json.RawMessage) bool) (more bool, err error) {
	return s.each(ctx, op, args, func(_ Response, page []json.RawMessage) bool { return visit(page) })
}

func (s *Session) each(ctx context.Context, op string, args Args, visit func(resp Response, page []json.RawMessage) bool) (more bool, err error) {
	o, _ := s.client.catalog.Operation(op)
	query := url.Values{}
	maps.Copy(query, args.Query)
	if o.Paged != "" && !query.Has("page_size") {
		query.Set("page_size", strconv.Itoa(pageSize))
	}
	args.Query = query
	seen := map[string]bool{}
	for n := 1; n <= maxPages; n++ {
		resp, err := s.Read(ctx, op, args)
		if err != nil {
			return false, err
		}
		page, err := resp.items(o)
		if err != nil {
			return false, err
		}
		ends := !resp.goesOn(o, len(page), query.Get("page_size"))
		if !visit(resp, page) || ends {
			return !ends, nil
		}
		if o.Paged == ByPage {
			query.Set("page", strconv.Itoa(n+1))
			continue
		}
		if seen[resp.Cursor] {
			s.client.log.WarnContext(ctx, "neo repeats a cursor", "operation", op, "pages", n)
			return true, nil
		}
		seen[resp.Cursor] = true
		query.Set("cursor", resp.Cursor)
	}
	return true, nil
}

// Pages collects up to limit items of a list (0: as many as Each reads). more
// says that there are, or may be, others.
func (s *Session) Pages(ctx context.Context, op string, args Args, limit int) (items []json.RawMessage, more bool, err error) {
	more, err = s.Each(ctx, op, args, func(page []json.RawMessage) bool {
		items = append(items, page...)
		return limit <= 0 || len(items) < limit
	})
	if limit > 0 && len(items) > limit {
		items, more = items[:limit], true
	}
	return items, more, err
}

// items of a list answer.
func (r Response) items(op Operation) ([]json.RawMessage, error) {
	out, err := r.parsed.list(r.Data)
	if err != nil {
		return nil, &Error{Op: op.ID, Status: r.Status, Code: CodeNotList, RequestID: r.RequestID, Outcome: NotApplied, Err: err}
	}
	return out, nil
}

// goesOn reports whether another page follows this one of n items.
func (r Response) goesOn(op Operation, n int, size string) bool {
	switch op.Paged {
	case ByCursor:
		return r.Cursor != ""
	case ByPage:
		if r.More != nil {
			return *r.More
		}
		full, _ := strconv.Atoi(size)
		return n > 0 && n >= full
	}
	return false
}

// HTTP is the exact call that Apply would send, for cards in test mode. It
// sends nothing and needs no grant, but the scope and valid arguments.
func (s *Session) HTTP(change Change) (method, address string, err error) {
	r, err := s.write(change)
	return r.op.Method, r.url, err
}

// write checks a change as far as that is possible without sending it.
func (s *Session) write(change Change) (request, error) {
	op, err := s.allowed(change.Op)
	if err != nil {
		return request{}, err
	}
	if op.Access != Write {
		return request{}, fmt.Errorf("neo %s: %w", op.ID, ErrNotWrite)
	}
	return s.client.build(op, change.args())
}

// Apply sends one approved change, once. It is repeated only after a 429 with a
// short Retry-After, which says that Neo did not take it. In test mode the
// grant is used up, nothing is sent and the error is ErrTestMode.
//
// After an error the change can have taken effect only if the error is an
// *Error with Outcome Maybe: read the target back. A context that ends while the
// answer is awaited makes a Maybe. The call can take up to 45 s; whoever holds a
// lease on the request keeps it alive meanwhile.
func (s *Session) Apply(ctx context.Context, change Change, grant approvals.Grant) (Response, error) {
	r, err := s.write(change)
	if err != nil {
		return Response{}, err
	}
	if !grant.TestMode() {
		if err := s.client.take(ctx, r.op); err != nil {
			return Response{}, err // before Spend, so that the grant is not lost
		}
	}
	if err := grant.Spend(change.Digest()); err != nil {
		return Response{}, fmt.Errorf("neo %s: %w", r.op.ID, err)
	}
	if grant.TestMode() {
		return Response{}, fmt.Errorf("neo %s: %w", r.op.ID, ErrTestMode)
	}
	s.client.cache.clear()
	defer s.client.cache.clear()
	return s.client.send(ctx, r)
}

// send is the one place from which a write leaves.
func (c *Client) send(ctx context.Context, r request) (Response, error) {
	start := c.now()
	for {
		resp, err := c.do(ctx, r)
		wait, refused := repeatWrite(err)
		if !refused || c.now().Add(wait).Sub(start) > writeSpan || !inTime(ctx, wait) {
			return resp, err
		}
		c.log.WarnContext(ctx, "neo refused a write for its limit, it is sent again", "operation", r.op.ID, "wait", wait)
		if c.sleep(ctx, wait) != nil {
			return resp, err
		}
	}
}

// repeatWrite is true for a 429 only: Neo says that it did not take the call.
func repeatWrite(err error) (wait time.Duration, refused bool) {
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusTooManyRequests {
		return 0, false
	}
	wait = max(e.RetryAfter, time.Second)
	return wait, wait <= writeRetryWait
}
