package intents

import (
	"context"
	"encoding/json"
	"errors"

	"neobot/approvals"
	"neobot/neoapi"
)

// ownRecord loads the request a button is about.
func (s *Service) ownRecord(ctx context.Context, a *ask, in args) (approvals.Request, error) {
	rec, err := s.find(ctx, a.workspace, approvals.ID(in["approval"]))
	if errors.Is(err, approvals.ErrNotFound) {
		return rec, no("I do not know that request any more", "It may be very old.")
	}
	if err != nil {
		return rec, storeErr(err)
	}
	return rec, nil
}

// planAgain plans the same question anew, for the person who pressed the
// button, against Neo as it is now.
func planAgain(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	rec, err := s.ownRecord(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	v, _, _, err := parse(rec)
	if err != nil {
		return outcome{}, no("That request cannot be read", "Ask for the change again in words.")
	}
	e, ok := s.catalog[v.Intent.Name]
	if !ok || e.internal {
		return outcome{}, no("That cannot be planned again from here", "Ask for the change again in words.")
	}
	a.intent = v.Intent
	for _, op := range e.Ops {
		if err := a.neo.Allowed(op); err != nil {
			return outcome{}, err
		}
	}
	return e.plan(ctx, s, a, a.intent.Args)
}

// planUndo plans the opposite of a finished change: the fields it set get the
// values they had before. It is a new request like any other.
func planUndo(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	rec, err := s.ownRecord(ctx, a, in)
	if err != nil {
		return outcome{}, err
	}
	v, _, change, err := parse(rec)
	if err != nil || rec.State != approvals.Done || rec.TestMode || len(change.Before) == 0 {
		return outcome{}, no("There is nothing to undo", "Only a finished change of settings can be undone.")
	}
	if err := a.neo.Allowed(change.Op); err != nil {
		return outcome{}, err
	}
	j := job{change: change, session: a.neo}
	now, err := s.target(ctx, j)
	if err != nil {
		return outcome{}, err
	}
	current, err := subset(now, change.Before)
	if err != nil {
		return outcome{}, err
	}
	if same, _ := sameTarget(change.Before, now); same {
		return outcome{}, no("It is already as it was before", "Nothing to undo: somebody has put it back.")
	}
	undo := neoapi.Change{Op: change.Op, Path: change.Path, Query: change.Query, Body: change.Before, Before: current}
	p := proposal{
		title: "Undo: " + v.Title, target: v.Target, change: undo, changes: diff(current, change.Before),
		warning: "This puts back what was there before " + rec.Requester + "'s change of " + stamp(rec.EndedAt, a.now) + ".",
	}
	if same, field := sameTarget(change.Body, now); !same {
		p.warning += " It was changed again since (" + field + "); that change is undone too."
	}
	return outcome{proposal: &p}, nil
}

// subset of an object: the fields that fields has, null where there is none.
func subset(object, fields json.RawMessage) (json.RawMessage, error) {
	var all, want map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(object, &all), json.Unmarshal(fields, &want)); err != nil {
		return nil, err
	}
	for k := range want {
		if want[k] = all[k]; len(want[k]) == 0 {
			want[k] = json.RawMessage("null")
		}
	}
	return mustJSON(want), nil
}
