package intents

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
	"neobot/neoapi"
)

// maxAttempts of an idempotent write that provably was not applied.
const maxAttempts = 2

// bounded gives one execution three quarters of its lease: it ends before
// anybody else may take the request over. A shutdown must not cut a write in
// half, so the cancellation of ctx does not count.
func (s *Service) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.Store.Lease()/4*3)
}

// readBack names, for writes with a target that can be read, the read of it.
var readBack = map[string]string{
	"update_agent":       "get_agent",
	"update_settings":    "get_settings",
	"update_channel":     "get_channel",
	"update_end_company": "get_end_company",
	"replace_intent":     "get_intent",
	"decide_til_request": "get_til_request",
}

// idempotent writes may be sent a second time once a read has shown that the
// first had no effect. run_agent_now and everything that creates is not here.
var idempotent = map[string]bool{
	"update_agent": true, "update_settings": true, "update_channel": true, "update_end_company": true, "replace_intent": true,
}

// result is what came of an execution; it is stored with the request.
type result struct {
	Code      string         `json:"code"` // applied, test, stale, denied, expired, refused, unknown
	Summary   string         `json:"summary"`
	Now       []cards.Change `json:"now,omitempty"` // field: before -> what Neo says after the write
	Links     []cards.Link   `json:"links,omitempty"`
	Run       string         `json:"run,omitempty"` // execution that was started
	Analysis  string         `json:"analysis,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
	Status    int            `json:"status,omitempty"`
}

// job is a request being executed.
type job struct {
	rec     approvals.Request
	view    view
	origin  origin
	change  neoapi.Change
	session *neoapi.Session
}

// execute carries out an approved request. A request in any other state is
// returned as it is: somebody else is at it, or it is final. The error is a
// fault of our own store; the caller's delivery is then tried again.
func (s *Service) execute(ctx context.Context, rec approvals.Request) (approvals.Request, error) {
	if rec.State != approvals.Approved {
		return rec, nil
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	j, problem := s.prepare(rec)
	if problem == nil {
		problem = s.changedSince(ctx, j)
	}
	if problem != nil {
		return s.finish(ctx, rec, approvals.Failed, *problem)
	}
	rec, grant, err := s.Store.Redeem(ctx, rec.Workspace, rec.ID, rec.Digest)
	if errors.Is(err, approvals.ErrExpired) {
		return rec, s.ended(ctx, rec) // the process was away too long after the approval
	}
	if errors.Is(err, approvals.ErrBusy) || errors.Is(err, approvals.ErrDecided) || errors.Is(err, approvals.ErrNotReady) {
		return rec, nil // another worker was first
	}
	if err != nil {
		return rec, err
	}
	j.rec = rec
	return s.apply(ctx, j, grant)
}

// prepare checks again what was checked when planning: the record is intact,
// the time has not run out, the requester may still do this here, and those
// who approved may still approve.
func (s *Service) prepare(rec approvals.Request) (job, *result) {
	v, o, change, err := parse(rec)
	op, known := s.operation(change.Op)
	if err != nil || !known {
		return job{}, &result{Code: "denied", Summary: "The stored request does not fit its digest any more. Nothing was sent."}
	}
	policy := s.Policy()
	scope, ok := s.scopeAtExecution(policy, rec, o)
	session := s.Neo.Session(scope)
	if !ok || session.Allowed(op.ID) != nil {
		return job{}, &result{Code: "denied", Summary: rec.Requester + " may not do this any more. Nothing was sent."}
	}
	if rule, ok := policy.Rule(op); !ok || !stillApproved(policy, rule, rec) {
		return job{}, &result{Code: "denied", Summary: "The approval rules have changed and the approvals given no longer suffice. Nothing was sent."}
	}
	who, _ := policy.Person(rec.Requester)
	if !rec.TestMode && policy.TestMode(who, adapters.Workspace(rec.Workspace), o.Conversation) {
		return job{}, &result{Code: "denied", Summary: "Test mode was switched on meanwhile. Nothing was sent."}
	}
	return job{rec: rec, view: v, origin: o, change: change, session: session}, nil
}

// stillApproved counts the approvals of people who may approve by today's rule.
func stillApproved(policy *Policy, rule Rule, rec approvals.Request) bool {
	n := 0
	for _, d := range rec.Decisions {
		if who, ok := policy.Person(d.Person); ok && d.Choice == approvals.Approve && rule.MayDecide(who, rec.Requester) {
			n++
		}
	}
	return n >= rule.Quorum
}

// changedSince compares the target with what the card showed. A target that
// cannot be read counts as changed: nothing is sent on a guess.
func (s *Service) changedSince(ctx context.Context, j job) *result {
	if j.change.Op == "decide_til_request" {
		return s.requestMoved(ctx, j)
	}
	if len(j.change.Before) == 0 {
		return nil
	}
	now, err := s.target(ctx, j)
	if err != nil {
		return &result{Code: "stale", Summary: "Neo could not show the current state, so nothing was sent. " + s.words(err)}
	}
	if same, field := sameTarget(j.change.Before, now); !same {
		return &result{Code: "stale", Summary: "It has changed since the card was shown (" + field + "), so nothing was sent. Plan it again to see the current state."}
	}
	return nil
}

// target reads the change's target. nil without error when it has none.
func (s *Service) target(ctx context.Context, j job) (json.RawMessage, error) {
	op, ok := readBack[j.change.Op]
	if !ok {
		return nil, nil
	}
	resp, err := j.session.Fresh().Read(ctx, op, neoapi.Args{Path: j.change.Path})
	return resp.Data, err
}

// apply sends the write and settles its outcome.
func (s *Service) apply(ctx context.Context, j job, grant approvals.Grant) (approvals.Request, error) {
	if err := s.auditWrite(ctx, j); err != nil {
		return j.rec, err // nothing was sent; the lease runs out and the sweep settles it
	}
	resp, err := j.session.Apply(ctx, j.change, grant)
	var neo *neoapi.Error
	switch {
	case err == nil:
		return s.finish(ctx, j.rec, approvals.Done, s.applied(ctx, j, resp))
	case errors.Is(err, neoapi.ErrTestMode):
		return s.finish(ctx, j.rec, approvals.Done, result{Code: "test", Summary: "Test mode: this call was not sent."})
	case errors.As(err, &neo) && neo.Outcome == neoapi.Maybe:
		return s.settle(ctx, j, neo)
	case errors.As(err, &neo):
		r := result{Code: "refused", Summary: "Nothing was changed. " + s.words(err), RequestID: neo.RequestID, Status: neo.Status}
		if neo.Status == 409 {
			r.Code = "stale"
			if who := s.decidedInNeo(ctx, j); who != "" {
				r.Summary = "Nothing was changed: " + who
			}
		}
		return s.finish(ctx, j.rec, approvals.Failed, r)
	default:
		return s.finish(ctx, j.rec, approvals.Failed, result{Code: "refused", Summary: "Nothing was sent. " + s.words(err)})
	}
}

// settle decides what a lost or failed answer means by reading the target
// back: applied is done; provably not applied gets one more try if repeating
// is harmless; anything else is for a person.
func (s *Service) settle(ctx context.Context, j job, cause *neoapi.Error) (approvals.Request, error) {
	unknown := result{
		Code:    "unknown",
		Summary: "Neo did not say whether it worked, and it cannot be read back. Look in Neo before asking again.",
	}
	if cause != nil {
		unknown.RequestID, unknown.Status = cause.RequestID, cause.Status
	}
	if j.change.Op == "decide_til_request" {
		return s.settleDecision(ctx, j, unknown)
	}
	if len(j.change.Before) == 0 {
		if link := s.startedSince(ctx, j); link != "" {
			unknown.Summary += " " + link
		}
		return s.finish(ctx, j.rec, approvals.Unknown, unknown)
	}
	now, err := s.target(ctx, j)
	if err != nil {
		return s.finish(ctx, j.rec, approvals.Unknown, unknown)
	}
	if wanted, _ := sameTarget(j.change.Body, now); wanted {
		r := result{Code: "applied", Summary: "Neo's answer was lost, but the change is there.", Now: nowShown(j, now)}
		return s.finish(ctx, j.rec, approvals.Done, r)
	}
	untouched, _ := sameTarget(j.change.Before, now)
	if !untouched || !idempotent[j.change.Op] {
		unknown.Now = nowShown(j, now)
		return s.finish(ctx, j.rec, approvals.Unknown, unknown)
	}
	rec, grant, err := s.Store.Again(ctx, j.rec, maxAttempts)
	if errors.Is(err, approvals.ErrAttempts) {
		unknown.Code, unknown.Summary = "refused", "Neo failed twice and nothing was changed. Try again later."
		return s.finish(ctx, j.rec, approvals.Failed, unknown)
	}
	if err != nil {
		return j.rec, err
	}
	j.rec = rec
	return s.apply(ctx, j, grant)
}

// settleDecision settles a decision on a technician request: it can be read
// back, and Neo takes only the first, so one more try is harmless.
func (s *Service) settleDecision(ctx context.Context, j job, unknown result) (approvals.Request, error) {
	if who := s.decidedInNeo(ctx, j); who != "" {
		return s.finish(ctx, j.rec, approvals.Done, result{Code: "applied", Summary: "Neo's answer was lost, but it is decided there: " + who})
	}
	if s.requestMoved(ctx, j) != nil {
		return s.finish(ctx, j.rec, approvals.Unknown, unknown)
	}
	rec, grant, err := s.Store.Again(ctx, j.rec, maxAttempts)
	if errors.Is(err, approvals.ErrAttempts) {
		return s.finish(ctx, j.rec, approvals.Unknown, unknown)
	}
	if err != nil {
		return j.rec, err
	}
	j.rec = rec
	return s.apply(ctx, j, grant)
}

// decidedInNeo says who decided a technician request; empty while it is open,
// unknown, or the change is about something else.
func (s *Service) decidedInNeo(ctx context.Context, j job) string {
	if j.change.Op != "decide_til_request" {
		return ""
	}
	zone := s.timezone(ctx)
	a := &ask{neo: j.session, zone: zone, now: s.Now().In(zone)}
	r, err := a.findRequest(ctx, j.change.Path["request_id"])
	if err != nil || isOpen(r) {
		return ""
	}
	return orNone(r.DecidedBy.Name, "somebody") + " " + orNone(strings.ToLower(r.Status), "decided") + " it " + stamp(r.UpdatedAt.Time, a.now) + "."
}

// takeOver continues a request whose worker died while executing. What that
// worker had sent is unknown, so the target is read back first.
func (s *Service) takeOver(ctx context.Context, rec approvals.Request) (approvals.Request, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	rec, err := s.Store.Retake(ctx, rec.Workspace, rec.ID)
	if errors.Is(err, approvals.ErrBusy) || errors.Is(err, approvals.ErrDecided) || errors.Is(err, approvals.ErrNotReady) {
		return rec, nil
	}
	if err != nil {
		return rec, err
	}
	if rec.TestMode {
		return s.finish(ctx, rec, approvals.Done, result{Code: "test", Summary: "Test mode: this call was not sent."})
	}
	j, problem := s.prepare(rec)
	if problem != nil {
		problem.Code = "unknown"
		problem.Summary = "The bot was restarted while this was running, and it may have taken effect. " + problem.Summary
		return s.finish(ctx, rec, approvals.Unknown, *problem)
	}
	return s.settle(ctx, j, nil)
}

// finish saves the outcome, then shows it.
func (s *Service) finish(ctx context.Context, rec approvals.Request, state approvals.State, r result) (approvals.Request, error) {
	done, err := s.Store.Finish(ctx, rec, state, mustJSON(r))
	if err != nil {
		return rec, err
	}
	return done, s.ended(ctx, done)
}

func (s *Service) auditWrite(ctx context.Context, j job) error {
	by := make([]string, 0, len(j.rec.Decisions))
	for _, d := range j.rec.Decisions {
		by = append(by, d.Person)
	}
	return s.Audit.Append(ctx, approvals.Record{
		Workspace: j.rec.Workspace, Kind: approvals.KindWrite, Key: "write:" + string(j.rec.ID) + ":" + itoa(j.rec.Attempts), At: s.Now(),
		Person: j.rec.Requester, Approval: j.rec.ID, Op: j.change.Op, Digest: j.rec.Digest,
		Detail: map[string]any{"call": j.view.Call, "approved_by": by, "attempt": j.rec.Attempts, "test_mode": j.rec.TestMode},
	})
}

// applied describes a successful write: what Neo now says, read back.
func (s *Service) applied(ctx context.Context, j job, resp neoapi.Response) result {
	r := result{Code: "applied", Summary: "Done.", RequestID: resp.RequestID}
	switch j.change.Op {
	case "run_agent_now", "retry_execution":
		var started struct {
			ID neoapi.StringID `json:"execution_id"`
		}
		if json.Unmarshal(resp.Data, &started) == nil && started.ID != "" {
			r.Run, r.Summary = string(started.ID), "Neo has queued the run."
		}
		return r
	case "start_insights_analysis":
		r.Analysis, r.Summary = newObject(resp.Data).text("analysis_id"), "Neo has started the analysis."
		return r
	case "escalate_to_neo_team":
		ticketResult(resp.Data, &r)
		return r
	}
	if len(j.change.Before) == 0 {
		return r
	}
	now, err := s.target(ctx, j)
	if err != nil {
		r.Summary = "Neo accepted it, but could not be read back to check. " + s.words(err)
		return r
	}
	r.Now, r.Summary = nowShown(j, now), "Neo now shows the change."
	if same, field := sameTarget(j.change.Body, now); !same {
		r.Summary = "Neo accepted it, but shows something else for " + field + ". Check it in Neo."
	}
	return r
}

// nowShown lists the change's fields as before and as Neo shows them now.
func nowShown(j job, now json.RawMessage) []cards.Change {
	current, err := subset(now, j.change.Before)
	if err != nil {
		return nil
	}
	return diff(j.change.Before, current)
}
