package intents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"neobot/adapters"
)

const scheduleEvery = 20 * time.Second

// runSchedules posts the answers to scheduled questions until ctx ends. The
// time of the last post is in Redis: after downtime what was missed is posted
// once, and of several replicas one posts, since the post has one key per time.
func (s *Service) runSchedules(ctx context.Context) {
	tick := time.NewTicker(scheduleEvery)
	defer tick.Stop()
	for {
		if err := s.fireSchedules(ctx); err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "schedules", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// fireSchedules posts what is due now.
func (s *Service) fireSchedules(ctx context.Context) error {
	var faults []error
	for _, f := range s.Policy().Schedules() {
		if err := s.fire(ctx, f); err != nil {
			faults = append(faults, fmt.Errorf("schedule %q: %w", f.Ask, err))
		}
	}
	return errors.Join(faults...)
}

func (s *Service) fire(ctx context.Context, f ScheduleFile) error {
	plan, err := cron.ParseStandard(f.Cron)
	if err != nil {
		return err // checked by NewPolicy
	}
	w, conversation, _ := strings.Cut(f.Channel, "/")
	now := s.Now().In(s.timezone(ctx))
	last, err := s.Memory.lastFired(ctx, adapters.Workspace(w), f, now)
	if err != nil {
		return err
	}
	due, ok := latestDue(plan, last.In(now.Location()), now)
	if !ok {
		return nil
	}
	err = s.postScheduled(ctx, f, adapters.Workspace(w), conversation, due)
	var said *saidError
	if errors.As(err, &said) { // it will not be another answer in 20 seconds: not before its next time
		if fault := s.scheduleRefused(ctx, f, due, said); fault != nil {
			return fault
		}
	} else if err != nil {
		return err
	}
	return errors.Join(err, s.Memory.setFired(ctx, adapters.Workspace(w), f, due))
}

func (s *Service) scheduleRefused(ctx context.Context, f ScheduleFile, due time.Time, why *saidError) error {
	w, _, _ := strings.Cut(f.Channel, "/")
	a := &ask{source: source{workspace: adapters.Workspace(w), delivery: scheduleDelivery(f, due)}}
	a.who, _ = s.Policy().Person(f.As)
	return s.refused(ctx, a, "schedule: "+why.title, "")
}

// scheduleDelivery is the id of one time of a schedule.
func scheduleDelivery(f ScheduleFile, due time.Time) string {
	return "schedule:" + fired(f) + ":" + due.UTC().Format(time.RFC3339)
}

// postScheduled asks the question with the permissions of the person named, and
// posts the answer. A schedule only looks things up: it never proposes a change.
func (s *Service) postScheduled(ctx context.Context, f ScheduleFile, w adapters.Workspace, conversation string, due time.Time) error {
	policy := s.Policy()
	who, ok := policy.Person(f.As)
	if !ok {
		return no("Unknown person", "%s is not in the policy", f.As)
	}
	place, err := s.Poster.Place(ctx, w, conversation)
	if err != nil || place.Sharing == adapters.SharingUnknown {
		return errors.Join(errPlace, err)
	}
	if place.Sharing != adapters.SharingInternal {
		return no("Shared channel", "%s may be read by another organisation", f.Channel)
	}
	a := &ask{source: source{
		workspace: w, conversation: place, delivery: scheduleDelivery(f, due), at: due, text: f.Ask,
	}, policy: policy, record: newID(), who: who, unattended: true, zone: due.Location(), now: s.Now().In(due.Location())}
	a.limits = policy.Limits(who, w, place)
	a.neo = s.Neo.Session(a.limits.Scope())
	routed := s.route(ctx, a, f.Ask)
	if spec, ok := SpecByName(s.specs, routed.Intent.Name); ok && spec.Write {
		return no("Not a question", "%q would change something; schedules only look things up", f.Ask)
	}
	a.thread = a.delivery // its buttons and turns belong to this post
	answer, err := s.answer(ctx, a, routed)
	if err != nil {
		return err
	}
	if answer.Where == adapters.Private {
		return no("Not for a channel", "the answer to %q is for one person only", f.Ask)
	}
	answer.Card.Footer = append(answer.Card.Footer, "Scheduled for "+stamp(due, a.now)+" as "+who.Name)
	_, err = s.Poster.Post(ctx, a.delivery, adapters.Destination{Workspace: w, Conversation: conversation}, answer.Card)
	return err
}

// fired names a schedule by what it does, so that reordering the file is harmless.
func fired(f ScheduleFile) string {
	sum := sha256.Sum256([]byte(f.Cron + "\x00" + f.Ask + "\x00" + f.Channel + "\x00" + f.As))
	return hex.EncodeToString(sum[:8])
}
