package intents

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"neobot/adapters"
	"neobot/approvals"
)

// drawAfter is how long a write may take before the cards say that Neo is being
// told. Most are faster, and every edit counts against the platform's limits
// (chat.update: 50 a minute, https://docs.slack.dev/apis/web-api/rate-limits).
const drawAfter = 700 * time.Millisecond

// redraw brings every copy to the state of the record. If the record moved on
// while drawing, it draws again, so that the last edit shows the last state. In
// one process edits of one request never overlap: a platform that gets two at
// once may show the older one in the end. Who waited for another looks whether
// there is anything left to draw: fifty late clicks are one edit, and edits count
// against the platform's limits.
func (s *Service) redraw(ctx context.Context, rec approvals.Request) {
	unlock, waited := s.drawing.lock(rec.ID)
	defer unlock()
	ctx = context.WithoutCancel(ctx)
	if waited {
		if now, err := s.Store.Get(ctx, rec.Workspace, rec.ID); err == nil {
			rec = now
		}
	}
	if rec.Drawn >= rec.Version && len(rec.Copies) > 0 {
		return
	}
	for range 3 {
		if !s.draw(ctx, rec) {
			return // the sweep tries again
		}
		err := s.Store.Drawn(ctx, rec)
		if err == nil {
			return
		}
		if errors.Is(err, approvals.ErrMoved) {
			rec, err = s.Store.Get(ctx, rec.Workspace, rec.ID)
		}
		if err != nil {
			s.Logger.WarnContext(ctx, "note redrawn card", "error", err, "approval_id", rec.ID)
			return
		}
	}
}

// draw edits every copy once; false when one that is still there was not edited.
func (s *Service) draw(ctx context.Context, rec approvals.Request) (complete bool) {
	card := s.shownCard(ctx, rec, s.timezone(ctx))
	complete = true
	for _, text := range rec.Copies {
		var ref adapters.Ref
		if json.Unmarshal([]byte(text), &ref) != nil {
			continue
		}
		err := s.Poster.Update(ctx, ref, card)
		if err != nil && !errors.Is(err, adapters.ErrGone) {
			err = s.Poster.Update(ctx, ref, card) // at once: until it is edited, people see buttons that do nothing
		}
		if err != nil && !errors.Is(err, adapters.ErrGone) {
			complete = false
			s.Logger.WarnContext(ctx, "redraw card", "error", err, "approval_id", rec.ID, "state", rec.State)
		}
	}
	return complete
}

// redrawSoon redraws when stop is not called in time. After stop nothing of it
// is under way.
func (s *Service) redrawSoon(ctx context.Context, rec approvals.Request) (stop func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(drawAfter, func() {
		defer close(done)
		now, err := s.Store.Get(ctx, rec.Workspace, rec.ID)
		if err == nil && !now.State.Final() { // whoever ended it draws that
			s.redraw(ctx, now)
		}
	})
	return func() {
		if !timer.Stop() {
			<-done
		}
	}
}

// drawLocks are held while the cards of a request are edited.
type drawLocks struct {
	mu   sync.Mutex
	held map[approvals.ID]*drawLock
}

type drawLock struct {
	sync.Mutex
	users int
}

// lock waits for the request's turn and returns what ends it, and whether there
// was somebody to wait for.
func (d *drawLocks) lock(id approvals.ID) (unlock func(), waited bool) {
	d.mu.Lock()
	if d.held == nil {
		d.held = map[approvals.ID]*drawLock{}
	}
	l := d.held[id]
	if l == nil {
		l = &drawLock{}
		d.held[id] = l
	}
	l.users++
	waited = l.users > 1
	d.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		d.mu.Lock()
		defer d.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(d.held, id)
		}
	}, waited
}
