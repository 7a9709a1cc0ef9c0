package intents

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

const (
	progressGiveUp  = time.Hour        // longer than this nothing is followed
	progressLease   = 45 * time.Second // of one look
	progressSlowest = time.Minute
)

// progress is how far something goes on that an approved request has set off: a
// run, or an ROI analysis. It is a due item of the sweep, so it survives restarts.
type progress struct {
	Run      string    `json:"run,omitempty"`
	Analysis string    `json:"analysis,omitempty"`
	Started  time.Time `json:"started"`
	Looks    int       `json:"looks,omitempty"`
	Status   string    `json:"status,omitempty"` // our word: queued, running, waiting, completed, …
	Summary  string    `json:"summary,omitempty"`
	Took     float64   `json:"took,omitempty"` // seconds
	End      time.Time `json:"end,omitzero"`   // seen to have ended, or given up
	Drawn    bool      `json:"drawn,omitempty"`
}

// follow begins to follow what a finished request has set off, once.
func (s *Service) follow(ctx context.Context, rec approvals.Request) error {
	if rec.State != approvals.Done {
		return nil
	}
	var r result
	if json.Unmarshal(rec.Result, &r) != nil || r.Run == "" && r.Analysis == "" {
		return nil
	}
	p := progress{Run: r.Run, Analysis: r.Analysis, Started: rec.EndedAt, Status: "queued"}
	return s.Memory.startProgress(ctx, adapters.Workspace(rec.Workspace), string(rec.ID), p, s.Now().Add(lookAfter(0)))
}

// lookAfter backs off: 2, 4, 8 … seconds, up to a minute.
func lookAfter(looks int) time.Duration {
	return min(2*time.Second<<min(looks, 5), progressSlowest)
}

// sweepProgress looks at what is due in a workspace.
func (s *Service) sweepProgress(ctx context.Context, w string) error {
	ws, now := adapters.Workspace(w), s.Now()
	ids, err := s.Memory.dueProgress(ctx, ws, now, now.Add(progressLease), sweepBatch)
	faults := []error{err}
	for _, id := range ids {
		faults = append(faults, s.lookAt(ctx, ws, id))
	}
	return errors.Join(faults...)
}

// lookAt asks Neo how one thing goes, shows it on every copy of the card, and
// tells the requester at the end.
func (s *Service) lookAt(ctx context.Context, w adapters.Workspace, id string) error {
	p, ok, err := s.Memory.progress(ctx, w, id)
	if err != nil {
		return err
	}
	rec, recErr := s.Store.Get(ctx, string(w), approvals.ID(id))
	if !ok || errors.Is(recErr, approvals.ErrNotFound) {
		return s.Memory.nextProgress(ctx, w, id, time.Time{})
	}
	if recErr != nil {
		return recErr
	}
	before := p
	p.Looks++
	if p.End.IsZero() {
		s.observe(ctx, rec, &p)
	}
	if before.Status != p.Status || before.Summary != p.Summary || !p.End.Equal(before.End) {
		p.Drawn = false
	}
	// Saved first: the card is made from this.
	if err := s.Memory.setProgress(ctx, w, id, p); err != nil {
		return err
	}
	if !p.Drawn {
		p.Drawn = s.redrawCopies(ctx, rec)
		if err := s.Memory.setProgress(ctx, w, id, p); err != nil {
			return err
		}
	}
	if p.End.IsZero() {
		return s.Memory.nextProgress(ctx, w, id, s.Now().Add(lookAfter(p.Looks)))
	}
	told := s.tellEnd(ctx, rec, p)
	if p.Drawn && told || s.Now().Sub(p.End) > progressGiveUp {
		return s.Memory.nextProgress(ctx, w, id, time.Time{})
	}
	return s.Memory.nextProgress(ctx, w, id, s.Now().Add(progressSlowest))
}

// observe reads Neo with the requester's permissions of this moment. What
// cannot be read now is read later, until the hour is over.
func (s *Service) observe(ctx context.Context, rec approvals.Request, p *progress) {
	now := s.Now()
	if now.Sub(p.Started) > progressGiveUp {
		p.End, p.Status = now, "unfinished"
		p.Summary = "It has not ended within an hour; I do not follow it any longer."
		return
	}
	_, o, _, err := parse(rec)
	scope, ok := s.scopeAtExecution(s.Policy(), rec, o)
	if err != nil || !ok {
		scope = nil
	}
	session := s.Neo.Session(scope).Fresh()
	if p.Run != "" {
		err = observeRun(ctx, session, p, now)
	} else {
		err = observeAnalysis(ctx, session, p, now)
	}
	var scopeErr *neoapi.ScopeError
	if errors.As(err, &scopeErr) {
		p.End, p.Status, p.Summary = now, "unfollowed", rec.Requester+" may not look up how it goes on."
	} else if err != nil {
		s.Logger.WarnContext(ctx, "progress", "error", err, "approval_id", rec.ID)
	}
}

func observeRun(ctx context.Context, session *neoapi.Session, p *progress, now time.Time) error {
	run, err := session.GetExecution(ctx, p.Run)
	if err != nil {
		return err
	}
	p.Status = runStatus(run.Status)
	switch p.Status {
	case "queued", "running", "waiting", "unknown":
		p.Summary = ""
		return nil
	}
	p.End, p.Took = now, run.SecondsSpent
	p.Summary = oneLine(orNone(run.Message, run.Error), 300)
	return nil
}

// observeAnalysis waits until the newest finished analysis is ours, or newer.
func observeAnalysis(ctx context.Context, session *neoapi.Session, p *progress, now time.Time) error {
	resp, err := session.Read(ctx, "get_insights_result", neoapi.Args{})
	var neo *neoapi.Error
	if errors.As(err, &neo) && neo.Status == 404 {
		p.Status = "running" // none has ever finished
		return nil
	}
	if err != nil {
		return err
	}
	o := newObject(resp.Data)
	if o.text("analysis_id") != p.Analysis {
		p.Status = "running"
		return nil
	}
	result := o.sub("result")
	p.End, p.Status = now, "completed"
	p.Summary = oneLine(result.text("headline", "summary"), 300)
	if done := o.at("completed_at"); done.After(p.Started) {
		p.Took = done.Sub(p.Started).Seconds()
	}
	return nil
}

// progressStatus is how a progress looks on the card.
func progressStatus(p progress) cards.Status {
	switch p.Status {
	case "queued", "running", "waiting", "unknown":
		return cards.StatusWorking
	case "unfinished", "unfollowed":
		return cards.StatusUnknown
	}
	return runIcon(p.Status)
}

// progressLine says how it goes in a sentence.
func progressLine(p progress) string {
	what := "The run"
	if p.Analysis != "" {
		what = "The analysis"
	}
	switch p.Status {
	case "unfinished", "unfollowed":
		return p.Summary
	case "queued":
		return what + " is queued."
	case "running":
		return what + " is running…"
	case "waiting":
		return what + " waits for a technician."
	case "unknown", "":
		return what + " is under way."
	}
	line := what + " " + p.Status
	switch p.Status {
	case "cancelled", "skipped":
		line = what + " was " + p.Status
	}
	if p.Took > 0 {
		line += " after " + seconds(p.Took)
	}
	return line + "." + prefixed(" ", p.Summary)
}

// shownCard is the approval card with the progress of what it has set off. Every
// place that shows a card of a request uses it, so that all copies agree.
func (s *Service) shownCard(ctx context.Context, rec approvals.Request, zone *time.Location) cards.Card {
	card := s.approvalCard(rec, zone)
	card.Views = s.viewsOf(rec)
	var r result
	if rec.State != approvals.Done || json.Unmarshal(rec.Result, &r) != nil || r.Run == "" && r.Analysis == "" {
		return card // nothing was started
	}
	p, ok, err := s.Memory.progress(ctx, adapters.Workspace(rec.Workspace), string(rec.ID))
	if err != nil || !ok {
		return card // a convenience: the request itself is shown all the same
	}
	card.Status = progressStatus(p)
	card.Summary = decidedBy(rec, s.Now().In(zone)) + " " + progressLine(p)
	if p.End.IsZero() {
		card.Footer = append(card.Footer, "This card follows it")
	}
	return card
}

// redrawCopies shows the progress on every copy; false when some could not be edited.
func (s *Service) redrawCopies(ctx context.Context, rec approvals.Request) bool {
	card, complete := s.shownCard(ctx, rec, s.timezone(ctx)), true
	for _, text := range rec.Copies {
		var ref adapters.Ref
		if json.Unmarshal([]byte(text), &ref) != nil {
			continue
		}
		if err := s.Poster.Update(ctx, ref, card); err != nil && !errors.Is(err, adapters.ErrGone) {
			complete = false
			s.Logger.WarnContext(ctx, "draw progress", "error", err, "approval_id", rec.ID)
		}
	}
	return complete
}

// tellEnd puts the result into the thread of the request, once: an edited card
// notifies nobody. It reports whether that is settled.
func (s *Service) tellEnd(ctx context.Context, rec approvals.Request, p progress) bool {
	v, o, _, err := parse(rec)
	if err != nil || o.Conversation.ID == "" {
		return true
	}
	to := adapters.Destination{Workspace: adapters.Workspace(rec.Workspace), Conversation: o.Conversation.ID, Thread: o.Thread}
	card := cards.Card{
		Title: v.Title, Status: progressStatus(p), Summary: progressLine(p), Footer: []string{"Asked for by " + rec.Requester},
	}
	if o.Conversation.Kind != adapters.Direct {
		place, err := s.Poster.Place(ctx, to.Workspace, to.Conversation)
		if err != nil || place.Sharing == adapters.SharingUnknown {
			return errors.Is(err, adapters.ErrGone)
		}
		if place.Sharing != adapters.SharingInternal {
			return true // shared by now: the edited card has to do
		}
	}
	_, err = s.Poster.Post(ctx, "ended:"+string(rec.ID), to, card)
	if err != nil {
		s.Logger.WarnContext(ctx, "tell the end", "error", err, "approval_id", rec.ID)
	}
	return err == nil || errors.Is(err, adapters.ErrGone)
}
