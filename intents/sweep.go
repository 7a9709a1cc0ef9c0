package intents

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
)

const (
	sweepEvery   = 2 * time.Second // or a tenth of the lease, whichever is shorter
	sweepBatch   = 50
	redrawGiveUp = 24 * time.Hour // a card that cannot be edited for a day stays as it is
	tellAfter    = time.Minute    // decided later than this, the requester gets a line in the thread
)

// Run keeps requests moving until ctx ends: it expires what nobody decided,
// continues what a dead process was executing, redraws cards that do not show
// the last state, follows what approved requests have started, and posts what
// schedules and watches have to tell. Any number of replicas may run it; every step is one
// atomic change in the store.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.watchDrift(ctx) })
	wg.Go(func() { s.runSchedules(ctx) })
	wg.Go(func() { s.runWatches(ctx) })
	tick := time.NewTicker(min(sweepEvery, s.Store.Lease()/10))
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "sweep", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep does one round over all workspaces. It goes on after a fault and
// returns all of them.
func (s *Service) Sweep(ctx context.Context) error {
	var faults []error
	for _, w := range s.Policy().Workspaces() {
		faults = append(faults, s.sweepDue(ctx, string(w)), s.sweepCards(ctx, string(w)), s.sweepProgress(ctx, string(w)))
	}
	return errors.Join(faults...)
}

func (s *Service) sweepDue(ctx context.Context, w string) error {
	recs, err := s.Store.Due(ctx, w, sweepBatch)
	faults := []error{err}
	for _, rec := range recs {
		faults = append(faults, s.continueRequest(ctx, rec))
	}
	return errors.Join(faults...)
}

func (s *Service) continueRequest(ctx context.Context, rec approvals.Request) error {
	switch rec.State {
	case approvals.Pending:
		return s.expire(ctx, rec)
	case approvals.Approved:
		_, err := s.execute(ctx, rec)
		return err
	case approvals.Executing:
		_, err := s.takeOver(ctx, rec)
		return err
	case approvals.Rejected, approvals.Expired, approvals.Withdrawn, approvals.Done, approvals.Failed, approvals.Unknown:
	}
	return nil
}

func (s *Service) expire(ctx context.Context, rec approvals.Request) error {
	rec, err := s.Store.ExpireIfDue(ctx, rec.Workspace, rec.ID)
	if err != nil || rec.State != approvals.Expired {
		return err
	}
	return s.ended(ctx, rec)
}

// ended tells the audit trail and the people how a request came to its end.
// Redrawing is last, because it notes that nothing is left to do: killed before
// that, the sweep finds the request undrawn and does all of this again, and
// nothing of it twice.
func (s *Service) ended(ctx context.Context, rec approvals.Request) error {
	if err := s.auditEnd(ctx, rec); err != nil {
		return err
	}
	s.tell(ctx, rec)
	if err := s.follow(ctx, rec); err != nil {
		return err
	}
	s.redraw(ctx, rec)
	return nil
}

// auditEnd writes the record of an end that no click wrote: rejected and
// withdrawn requests have theirs from the click, which is delivered again when
// it was cut off.
func (s *Service) auditEnd(ctx context.Context, rec approvals.Request) error {
	r := approvals.Record{
		Workspace: rec.Workspace, At: s.Now(), Person: rec.Requester, Approval: rec.ID, Digest: rec.Digest, Outcome: string(rec.State),
	}
	switch rec.State {
	case approvals.Expired:
		r.Kind, r.Key = approvals.KindDecision, "expired:"+string(rec.ID)
	case approvals.Done, approvals.Failed, approvals.Unknown:
		var res result
		_ = json.Unmarshal(rec.Result, &res) // written by finish; an unreadable one shows as empty
		r.Kind, r.Key, r.RequestID = approvals.KindResult, "result:"+string(rec.ID), res.RequestID
		r.Detail = map[string]any{"code": res.Code, "status": res.Status, "summary": hideCredentials(res.Summary)}
	case approvals.Pending, approvals.Approved, approvals.Executing, approvals.Rejected, approvals.Withdrawn:
		return nil
	}
	return s.Audit.Append(ctx, r)
}

func (s *Service) sweepCards(ctx context.Context, w string) error {
	recs, err := s.Store.Undrawn(ctx, w, sweepBatch)
	faults := []error{err}
	for _, rec := range recs {
		if rec.State.Final() && s.Now().Sub(rec.EndedAt) > redrawGiveUp {
			faults = append(faults, s.auditEnd(ctx, rec), unlessMoved(s.Store.Drawn(ctx, rec)))
			continue
		}
		faults = append(faults, s.ended(ctx, rec))
	}
	return errors.Join(faults...)
}

// unlessMoved drops the one error that only means: look again in the next round.
func unlessMoved(err error) error {
	if errors.Is(err, approvals.ErrMoved) {
		return nil
	}
	return err
}

// tell puts one line into the thread where the request was made, when the end
// came late: an edited card alone notifies nobody.
func (s *Service) tell(ctx context.Context, rec approvals.Request) {
	if rec.EndedAt.Sub(rec.CreatedAt) < tellAfter || rec.State == approvals.Withdrawn {
		return
	}
	v, o, _, err := parse(rec)
	if err != nil || o.Conversation.ID == "" {
		return
	}
	if o.Conversation.Kind != adapters.Direct {
		place, err := s.Poster.Place(ctx, adapters.Workspace(rec.Workspace), o.Conversation.ID)
		if err != nil || place.Sharing != adapters.SharingInternal {
			return // others may read there by now: the edited card has to do
		}
	}
	now := s.Now().In(s.timezone(ctx))
	card := cards.Card{Title: v.Title, Status: stateStatus[rec.State], TestMode: rec.TestMode, Summary: outcomeLine(rec, now)}
	to := adapters.Destination{Workspace: adapters.Workspace(rec.Workspace), Conversation: o.Conversation.ID, Thread: o.Thread}
	if _, err := s.Poster.Post(ctx, "told:"+string(rec.ID), to, card); err != nil {
		s.Logger.WarnContext(ctx, "tell requester", "error", err, "approval_id", rec.ID)
	}
}

// watchDrift compares our operations with the served OpenAPI file at start and
// daily. What Neo does not offer is refused with an honest sentence from then on.
func (s *Service) watchDrift(ctx context.Context) {
	for {
		drift, err := s.Neo.Drift(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			s.Logger.WarnContext(ctx, "neo's openapi file is unreachable, carrying on with the embedded one", "error", err)
		case err == nil && !drift.Empty():
			s.Logger.WarnContext(ctx, "neo's api differs from the embedded file", "missing", len(drift.Missing), "new", len(drift.New), "changed", len(drift.Changed))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(24 * time.Hour):
		}
	}
}
