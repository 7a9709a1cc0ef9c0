package intents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"neobot/adapters"
	"neobot/cards"
)

const (
	watchTick   = 20 * time.Second
	watchLease  = 2 * time.Minute
	shortestGap = time.Minute
	longestGap  = 10 * time.Minute
	scarceGap   = 5 * time.Minute // at least this while Neo's rate limit runs low
)

// pollPace is when the next look is due, kept in Redis for all replicas.
type pollPace struct {
	Next  time.Time     `json:"next"`
	Every time.Duration `json:"every"`
}

// runWatches polls for subscriptions until ctx ends. Of several replicas the
// one with the lease does; when it dies another goes on where it was.
func (s *Service) runWatches(ctx context.Context) {
	tick := time.NewTicker(watchTick)
	defer tick.Stop()
	for {
		if err := s.pollWatches(ctx, s.replica); err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "watches", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Poll is one round of what the service tells without being asked: scheduled
// answers and subscriptions, as far as they are due.
func (s *Service) Poll(ctx context.Context) error {
	return errors.Join(s.fireSchedules(ctx), s.pollWatches(ctx, s.replica))
}

// pollWatches fires scheduled subscriptions, and looks for events when that is due.
func (s *Service) pollWatches(ctx context.Context, owner string) error {
	ctx, cancel := context.WithTimeout(ctx, watchLease-30*time.Second)
	defer cancel()
	mine, err := s.Memory.lease(ctx, "watch", owner, watchLease)
	if err != nil || !mine {
		return err
	}
	var events, scheduled []watch
	for _, ws := range s.Policy().Workspaces() {
		all, err := s.Memory.watches(ctx, ws)
		if err != nil {
			return err
		}
		for _, w := range all {
			if w.Kind == watchSchedule {
				scheduled = append(scheduled, w)
			} else {
				events = append(events, w)
			}
		}
	}
	var faults []error
	for _, w := range scheduled {
		faults = append(faults, s.fireWatch(ctx, w))
	}
	return errors.Join(append(faults, s.look(ctx, events))...)
}

// look polls Neo once for all watches, if it is time.
func (s *Service) look(ctx context.Context, all []watch) error {
	if len(all) == 0 {
		return nil
	}
	pace, err := s.Memory.pace(ctx)
	if err != nil || s.Now().Before(pace.Next) {
		return err
	}
	reads := &watchReads{s: s}
	hit, faults := false, []error(nil)
	if s.rateLeft() >= 0.1 { // else the people of this tenant need what is left
		hit, faults = s.lookAll(ctx, reads, all)
	}
	return errors.Join(append(faults, s.Memory.setPace(ctx, s.nextPace(pace, hit)))...)
}

func (s *Service) lookAll(ctx context.Context, reads *watchReads, all []watch) (hit bool, faults []error) {
	states := make([]watchState, len(all))
	for i, w := range all {
		st, err := s.Memory.watchState(ctx, w)
		if err != nil {
			return false, []error{err}
		}
		if st.At.Before(w.Since) && w.active() { // new, or resumed: start from there
			st = watchState{Seen: w.Since, Posts: slices.DeleteFunc(st.Posts, func(p watchPost) bool { return p.Notice == "" })}
		}
		states[i] = st
		if w.active() {
			reads.need(w, st)
		}
	}
	for i, w := range all {
		news, err := s.lookOne(ctx, reads, w, states[i])
		hit = hit || news
		if err != nil {
			faults = append(faults, err)
		}
	}
	return hit, faults
}

// rateLeft is the share of Neo's rate limit that was left when it last said so.
func (s *Service) rateLeft() float64 {
	left, limit, ok := s.Neo.Remaining()
	if !ok || limit <= 0 {
		return 1
	}
	return float64(left) / float64(limit)
}

// nextPace: a minute after something happened, backing off while nothing does,
// slower while the rate limit that people share runs low.
func (s *Service) nextPace(p pollPace, hit bool) pollPace {
	p.Every = min(max(p.Every*2, shortestGap), longestGap)
	if hit {
		p.Every = shortestGap
	}
	gap := p.Every
	if s.rateLeft() < 0.25 {
		gap = max(gap, scarceGap)
	}
	p.Next = s.Now().Add(gap)
	return p
}

// lookOne looks for one watch and posts what there is. It reports whether there
// was something new.
func (s *Service) lookOne(ctx context.Context, reads *watchReads, w watch, st watchState) (bool, error) {
	if !w.active() {
		return false, s.deliver(ctx, w, st) // a notice that could not be posted yet
	}
	a, why, err := s.standIn(ctx, w)
	switch {
	case err != nil:
		return false, err
	case why != "":
		return true, s.stopWatch(ctx, w, st, why)
	}
	now := s.Now()
	st, events, more, err := reads.events(ctx, a, w, st)
	if err != nil {
		return false, err
	}
	if len(events) > 0 {
		away := !st.At.IsZero() && now.Sub(st.At) > awayAfter
		st.Posts = enqueue(st.Posts, watchPost{Key: w.postKey(st.At, events), Away: away, More: more, Events: events})
	}
	st.At = now
	// Saved first: from here on these events are posted under this key, or not at all.
	if err := s.Memory.setWatchState(ctx, w, st); err != nil {
		return false, err
	}
	return len(events) > 0, s.deliver(ctx, w, st)
}

// postKey is the same for everybody who found these events in the same state,
// also for a replica that lost the lease in the middle of its look.
func (w watch) postKey(last time.Time, events []watchEvent) string {
	return fmt.Sprintf("watch:%s:%d:%s", w.Workspace, w.ID, digestOf(mustJSON([]any{w.Since.UnixMilli(), last.UnixMilli(), events})))
}

// enqueue adds a card; past the limit its events join the last one.
func enqueue(posts []watchPost, p watchPost) []watchPost {
	if n := len(posts); n >= maxPosts && posts[n-1].Notice == "" {
		last := &posts[n-1]
		last.Away, last.More = true, last.More || p.More
		if last.Events = append(last.Events, p.Events...); len(last.Events) > 200 {
			last.Events, last.More = last.Events[len(last.Events)-200:], true
		}
		return posts
	}
	return append(posts, p)
}

// stopWatch ends a watch and says so once. What it had found but not yet posted
// is dropped: the person may not see it any more.
func (s *Service) stopWatch(ctx context.Context, w watch, st watchState, why string) error {
	st.Posts = []watchPost{{Key: fmt.Sprintf("watch-stopped:%s:%d:%d", w.Workspace, w.ID, w.Since.UnixMilli()), Notice: why}}
	if err := s.Memory.setWatchState(ctx, w, st); err != nil {
		return err
	}
	w.Stopped = why
	if err := s.Memory.setWatch(ctx, w); err != nil {
		return err
	}
	return s.deliver(ctx, w, st)
}

// deliver posts what is waiting, oldest first, and notes each once it is out.
func (s *Service) deliver(ctx context.Context, w watch, st watchState) error {
	for len(st.Posts) > 0 {
		p := st.Posts[0]
		err := s.postWatch(ctx, w, p)
		switch {
		case err == nil, p.Notice != "" && errors.Is(err, adapters.ErrGone):
		case errors.Is(err, adapters.ErrGone):
			return s.stopWatch(ctx, w, st, "I cannot post in that conversation any more.")
		default:
			return err // next time, under the same key
		}
		st.Posts = st.Posts[1:]
		if err := s.Memory.setWatchState(ctx, w, st); err != nil {
			return err
		}
	}
	return nil
}

// postWatch renders and posts one card. Place and permission are asked again
// just before, since a card can have waited for hours.
func (s *Service) postWatch(ctx context.Context, w watch, p watchPost) error {
	to := adapters.Destination{Workspace: w.Workspace, Conversation: w.Conversation, User: w.User}
	if p.Notice != "" {
		return s.postNotice(ctx, w, p)
	}
	a, why, err := s.standIn(ctx, w)
	if err != nil {
		return err
	}
	if why != "" {
		return errors.Join(adapters.ErrGone, no("Watch stopped", "%s", why))
	}
	a.delivery = p.Key
	a.thread = p.Key
	card := a.watchCard(w, p)
	if err := s.Memory.Save(ctx, w.Workspace, "", nil, a.record, a.offered); err != nil {
		return err
	}
	_, err = s.Poster.Post(ctx, p.Key, to, card)
	return err
}

// postNotice tells the person, and nobody else, that a watch has stopped.
func (s *Service) postNotice(ctx context.Context, w watch, p watchPost) error {
	to := adapters.Destination{Workspace: w.Workspace, User: w.User}
	if w.Direct {
		to.Conversation = w.Conversation
	}
	_, err := s.Poster.Post(ctx, p.Key, to, cards.Card{
		Title: "Watch " + itoa(w.ID) + " has stopped", Status: cards.StatusExpired,
		Summary: p.Notice + " It was about " + w.words() + ".",
		Footer:  []string{"When that is settled say “resume watch " + itoa(w.ID) + "”, or “remove watch " + itoa(w.ID) + "”."},
	})
	return err
}

// watchCard shows one event in full, several as a list.
func (a *ask) watchCard(w watch, p watchPost) cards.Card {
	card := cards.Card{Title: plural(len(p.Events), watchNouns[w.Kind])}
	if p.Away {
		card.Title += " while I was away"
	}
	button := func(e watchEvent) *cards.Button {
		if e.Next.Name == "" {
			return nil
		}
		return &cards.Button{Label: e.Label, Action: cards.ActionContinue, ID: a.offer(continuation{Intent: e.Next})}
	}
	if len(p.Events) == 1 && !p.Away {
		e := p.Events[0]
		card.Title, card.Status, card.Summary, card.Changes = clip(oneLine(e.Title, 300), 140), e.Status, e.Detail, e.Changes
		if b := button(e); b != nil {
			card.Buttons = append(card.Buttons, *b)
		}
	} else {
		var items []cards.Item
		for _, e := range p.Events[:min(len(p.Events), maxShown)] {
			item := cards.Item{Title: oneLine(e.Title, 140), Detail: clip(e.Detail, 300), Status: e.Status, Button: button(e)}
			if item.Status != "" {
				card.Status = item.Status
			}
			for _, c := range e.Changes[:min(len(e.Changes), 5)] {
				item.Detail += " · " + c.Field + ": " + clip(oneLine(orNone(c.Before, "(not set)"), 80), 60) + " → " + clip(oneLine(orNone(c.After, "(not set)"), 80), 60)
			}
			items = append(items, item)
		}
		card.Body = []cards.Block{{Items: items}}
		if n := len(p.Events) - len(items); n > 0 {
			card.Footer = append(card.Footer, "and "+itoa(n)+" more")
		}
	}
	if p.More {
		card.Footer = append(card.Footer, "There was more than I could look at; ask for the list")
	}
	card.Footer = append(card.Footer, "Watch "+itoa(w.ID)+" of "+w.Person+": "+w.words())
	card.Buttons = append(card.Buttons, a.watchButton("Pause", intentPauseWatch, w), a.watchButton("Remove", intentRemoveWatch, w))
	return card
}

var watchNouns = map[watchKind]string{
	watchFailures: "failure", watchRequests: "new request", watchCredits: "warning", watchChanges: "change", watchSchedule: "answer",
}

func (a *ask) watchButton(label, intent string, w watch) cards.Button {
	return cards.Button{Label: label, Action: cards.ActionContinue, ID: a.offer(continuation{
		Intent: Intent{Name: intent, Args: args{"number": itoa(w.ID)}}, Owner: w.Person,
	})}
}
