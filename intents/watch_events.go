package intents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

const (
	overlap      = 2 * time.Minute // Neo's lists may show an item this late
	openWindow   = 2 * time.Hour   // unfinished runs this young are found in the list
	openGiveUp   = 24 * time.Hour  // unfinished runs older than this are not followed
	maxSingle    = 10              // older unfinished runs read one by one per look
	creditsEvery = time.Hour
	keepEvery    = 24 * time.Hour
)

// watchReads are the reads of one round of polling: each is made once, with the
// session of the first watch that needs it, whose permission was just checked,
// and serves every other watch whose own permission was checked as well.
type watchReads struct {
	s         *Service
	runsSince time.Time
	tilSince  time.Time
	runs      *fetched[neoapi.Execution]
	requests  *fetched[neoapi.TilRequest]
	agents    *fetched[neoapi.Agent]
	credits   *fetched[neoapi.CreditUsage]
	settings  *fetched[neoapi.Settings]
	single    map[string]*fetched[neoapi.Execution]
}

// fetched is the one answer to a read.
type fetched[T any] struct {
	items []T
	more  bool
	err   error
}

// need widens the common reads so that they cover one more watch.
func (r *watchReads) need(w watch, st watchState) {
	earliest := func(t *time.Time, x time.Time) {
		if t.IsZero() || x.Before(*t) {
			*t = x
		}
	}
	switch w.Kind {
	case watchFailures:
		from := st.Seen.Add(-overlap)
		if st.At.IsZero() {
			from = st.Seen.Add(-openWindow) // what is running when the watch is made can still fail
		}
		for _, at := range st.Open {
			if r.s.Now().Sub(at) < openWindow && at.Before(from) {
				from = at
			}
		}
		earliest(&r.runsSince, from)
	case watchRequests:
		earliest(&r.tilSince, st.Seen.Add(-overlap))
	case watchCredits, watchChanges, watchSchedule:
	}
}

// events are what is new for a watch. The state that comes back is saved before
// anything is posted.
func (r *watchReads) events(ctx context.Context, a *ask, w watch, st watchState) (watchState, []watchEvent, bool, error) {
	switch w.Kind {
	case watchFailures:
		return r.failures(ctx, a, w, st)
	case watchRequests:
		return r.newRequests(ctx, a, w, st)
	case watchCredits:
		return r.overLimit(ctx, a, st)
	case watchChanges:
		return r.changes(ctx, a, w, st)
	case watchSchedule:
	}
	return st, nil, false, no("Unknown watch", "kind %q", string(w.Kind))
}

func (r *watchReads) failures(ctx context.Context, a *ask, w watch, st watchState) (watchState, []watchEvent, bool, error) {
	if r.runs == nil {
		items, more, err := a.neo.Fresh().ListExecutions(ctx, neoapi.ExecutionFilter{Since: r.runsSince, Limit: maxRuns})
		slices.SortStableFunc(items, func(x, y neoapi.Execution) int { return x.CreatedAt.Compare(y.CreatedAt.Time) })
		r.runs = &fetched[neoapi.Execution]{items, more, err}
	}
	if r.runs.err != nil {
		return st, nil, false, r.runs.err
	}
	first := st.At.IsZero()
	seen, recent, open := st.Seen, map[string]time.Time{}, map[string]time.Time{}
	var events []watchEvent
	look := func(run neoapi.Execution) {
		id, at := string(run.ID), run.CreatedAt.Time
		_, wasOpen := st.Open[id]
		_, looked := st.Recent[id]
		old := at.Before(st.Seen.Add(-overlap)) || at.Before(w.Since)
		if w.AgentID != "" && string(run.AgentID) != w.AgentID || !wasOpen && (looked || old && !first) {
			if looked {
				recent[id] = at
			}
			return
		}
		switch runStatus(run.Status) {
		case "running", "queued", "waiting":
			if r.s.Now().Sub(at) < openGiveUp {
				open[id] = at
			}
			return
		case "failed":
			if !at.Before(w.Since) || wasOpen || !run.UpdatedAt.Before(w.Since) {
				events = append(events, failureEvent(a, run))
			}
		}
		recent[id] = at
	}
	listed := map[string]bool{}
	for _, run := range r.runs.items {
		listed[string(run.ID)] = true
		look(run)
		if run.CreatedAt.After(seen) {
			seen = run.CreatedAt.Time
		}
	}
	r.older(ctx, a, st.Open, listed, look, open)
	maps.DeleteFunc(recent, func(_ string, at time.Time) bool { return at.Before(seen.Add(-overlap)) })
	st.Seen, st.Recent, st.Open = r.past(seen), recent, open
	return st, events, r.runs.more, nil
}

// past is t, or now: a time ahead of our clock must not hide what comes next.
func (r *watchReads) past(t time.Time) time.Time {
	if now := r.s.Now(); t.After(now) {
		return now
	}
	return t
}

// older reads unfinished runs that the list no longer reaches one by one. One
// that cannot be read now stays open.
func (r *watchReads) older(ctx context.Context, a *ask, was map[string]time.Time, listed map[string]bool, look func(neoapi.Execution), open map[string]time.Time) {
	if r.single == nil {
		r.single = map[string]*fetched[neoapi.Execution]{}
	}
	for _, id := range slices.Sorted(maps.Keys(was)) {
		if listed[id] || r.s.Now().Sub(was[id]) > openGiveUp {
			continue
		}
		f := r.single[id]
		if f == nil && len(r.single) < maxSingle && a.neo.Allowed("get_execution") == nil {
			run, err := a.neo.Fresh().GetExecution(ctx, id)
			f = &fetched[neoapi.Execution]{[]neoapi.Execution{run}, false, err}
			r.single[id] = f
		}
		if f == nil || f.err != nil {
			open[id] = was[id]
			continue
		}
		look(f.items[0])
	}
}

func failureEvent(a *ask, run neoapi.Execution) watchEvent {
	item := runItem(a, run)
	return watchEvent{
		Title: item.Title + " failed", Detail: item.Detail, Status: cards.StatusFailed,
		Label: "Why?", Next: Intent{Name: intentExplain, Args: args{"run": string(run.ID)}},
	}
}

func (r *watchReads) newRequests(ctx context.Context, a *ask, w watch, st watchState) (watchState, []watchEvent, bool, error) {
	if r.requests == nil {
		items, more, err := a.neo.Fresh().ListTilRequests(ctx, neoapi.TilFilter{After: r.tilSince, Limit: 200})
		slices.SortStableFunc(items, func(x, y neoapi.TilRequest) int { return x.CreatedAt.Compare(y.CreatedAt.Time) })
		r.requests = &fetched[neoapi.TilRequest]{items, more, err}
	}
	if r.requests.err != nil {
		return st, nil, false, r.requests.err
	}
	seen, recent := st.Seen, map[string]time.Time{}
	var events []watchEvent
	for _, q := range r.requests.items {
		id, at := string(q.ID), q.CreatedAt.Time
		_, looked := st.Recent[id]
		if at.Before(st.Seen.Add(-overlap)) || at.Before(w.Since) {
			continue
		}
		recent[id] = at
		if at.After(seen) {
			seen = at
		}
		if !looked && isOpen(q) && asksFor(w, a.who, q) {
			item := requestItem(a, q)
			events = append(events, watchEvent{
				Title: "New request " + item.Title, Detail: item.Detail, Status: item.Status,
				Label: "Show", Next: Intent{Name: "show_request", Args: args{"request": id}},
			})
		}
	}
	maps.DeleteFunc(recent, func(_ string, at time.Time) bool { return at.Before(seen.Add(-overlap)) })
	st.Seen, st.Recent = r.past(seen), recent
	return st, events, r.requests.more, nil
}

func asksFor(w watch, who *Person, q neoapi.TilRequest) bool {
	if w.AgentID != "" && string(q.AgentID) != w.AgentID {
		return false
	}
	return !w.Mine || who.NeoUserID != "" && slices.ContainsFunc(q.Approvers, func(p neoapi.TilApprover) bool { return string(p.ID) == who.NeoUserID })
}

func (r *watchReads) overLimit(ctx context.Context, a *ask, st watchState) (watchState, []watchEvent, bool, error) {
	if !st.At.IsZero() && r.s.Now().Sub(st.Kept) < creditsEvery {
		return st, nil, false, nil
	}
	if r.credits == nil {
		use, err := a.neo.Fresh().GetCreditUsage(ctx, a.now.Format("2006-01"))
		r.credits = &fetched[neoapi.CreditUsage]{[]neoapi.CreditUsage{use}, false, err}
	}
	if r.credits.err != nil {
		return st, nil, false, r.credits.err
	}
	st.Kept = r.s.Now()
	use, month := r.credits.items[0], a.now.Format("2006-01")
	if use.CreditsLimit == nil || *use.CreditsLimit <= 0 {
		return st, nil, false, nil
	}
	what, title := "", ""
	switch {
	case use.CreditsUsed > *use.CreditsLimit:
		what, title = "over "+month, "Credits are over the limit"
	case use.Forecast > *use.CreditsLimit:
		what, title = "forecast "+month, "Credits will run over the limit"
	}
	if what == "" || st.Told[what] {
		return st, nil, false, nil
	}
	st.Told = map[string]bool{what: true, "forecast " + month: true} // last month's notes are of no use
	return st, []watchEvent{{
		Title: title, Detail: creditSummary(use), Status: cards.StatusFailed, Label: "By agent", Next: Intent{Name: "credit_usage"},
	}}, false, nil
}

// settingsKey stands for the tenant's settings among the agents.
const settingsKey = "settings"

// changes compares agents and settings with the last look.
func (r *watchReads) changes(ctx context.Context, a *ask, w watch, st watchState) (watchState, []watchEvent, bool, error) {
	now, err := r.configuration(ctx, a, w)
	if err != nil {
		return st, nil, false, err
	}
	digests, values := map[string]string{}, map[string]json.RawMessage{}
	for id, raw := range now {
		digests[id] = digestOf(raw)
		if st.Agents[id] != digests[id] || r.s.Now().Sub(st.Kept) > keepEvery {
			values[digests[id]] = raw
		}
	}
	if st.Agents[settingsKey] != "" && digests[settingsKey] == "" {
		digests[settingsKey] = st.Agents[settingsKey] // not readable now: no change
	}
	var events []watchEvent
	if st.Agents != nil {
		if events, err = r.differences(ctx, w, st.Agents, digests, now); err != nil {
			return st, nil, false, err
		}
	}
	if len(values) > 0 {
		if err := r.s.Memory.keepValues(ctx, w.Workspace, values); err != nil {
			return st, nil, false, err
		}
	}
	if r.s.Now().Sub(st.Kept) > keepEvery {
		st.Kept = r.s.Now()
	}
	st.Agents = digests
	return st, events, false, nil
}

// configuration reads what a watch of changes compares, without what changes on
// every save.
func (r *watchReads) configuration(ctx context.Context, a *ask, w watch) (map[string]json.RawMessage, error) {
	if r.agents == nil {
		items, more, err := a.neo.Fresh().ListAgents(ctx, "", 0)
		r.agents = &fetched[neoapi.Agent]{items, more, err}
	}
	if r.agents.err != nil {
		return nil, r.agents.err
	}
	out := map[string]json.RawMessage{}
	for _, agent := range r.agents.items {
		if w.AgentID == "" || string(agent.ID) == w.AgentID {
			out[string(agent.ID)] = steady(agent.Raw)
		}
	}
	if w.AgentID != "" || a.neo.Allowed("get_settings") != nil {
		return out, nil
	}
	if r.settings == nil {
		settings, err := a.neo.Fresh().GetSettings(ctx)
		r.settings = &fetched[neoapi.Settings]{[]neoapi.Settings{settings}, false, err}
	}
	if r.settings.err == nil {
		out[settingsKey] = steady(r.settings.items[0].Raw)
	}
	return out, nil
}

func (r *watchReads) differences(ctx context.Context, w watch, was, is map[string]string, now map[string]json.RawMessage) ([]watchEvent, error) {
	ids := slices.Collect(maps.Keys(is))
	for id := range was {
		if is[id] == "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var events []watchEvent
	for _, id := range ids {
		if was[id] == is[id] {
			continue
		}
		before, err := r.s.Memory.value(ctx, w.Workspace, was[id])
		if err != nil {
			return nil, err
		}
		d := difference{ID: id, Before: before, After: now[id], Added: was[id] == "", Removed: is[id] == ""}
		events = append(events, d.event())
	}
	return events, nil
}

// steady is an object without the fields that change on every save, in a form
// that is equal for equal contents.
func steady(raw json.RawMessage) json.RawMessage {
	o := newObject(raw)
	for _, f := range unshown {
		delete(o, f)
	}
	var v any
	if json.Unmarshal(mustJSON(o), &v) != nil {
		return mustJSON(o)
	}
	return mustJSON(v)
}

func digestOf(raw json.RawMessage) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// difference is one agent, or the settings, then and now.
type difference struct {
	ID             string
	Before, After  json.RawMessage
	Added, Removed bool
}

func (d difference) name() string {
	if d.ID == settingsKey {
		return "The settings"
	}
	return orNone(newObject(d.After).text("name"), orNone(newObject(d.Before).text("name"), "Agent "+d.ID))
}

func (d difference) event() watchEvent {
	e := watchEvent{Title: d.name() + " changed", Status: cards.StatusNone}
	if d.ID != settingsKey && !d.Removed {
		e.Label, e.Next = "Show", Intent{Name: intentShowAgent, Args: args{"agent": d.name(), "agent_id": d.ID}}
	}
	switch {
	case d.Added:
		e.Title = d.name() + " is new"
		e.Detail = labeled("It is", onOff(newObject(d.After).text("state")))
	case d.Removed:
		e.Title, e.Status = d.name()+" is gone", cards.StatusExpired
	case d.Before == nil:
		e.Detail = "What it was before is not kept any more."
	default:
		e.Changes = diffAll(d.Before, d.After)
		for i := range e.Changes {
			e.Changes[i].Before, e.Changes[i].After = redact(clip(e.Changes[i].Before, 400)), redact(clip(e.Changes[i].After, 400))
		}
		names := make([]string, 0, len(e.Changes))
		for _, c := range e.Changes {
			names = append(names, c.Field)
		}
		e.Detail = "Changed: " + clip(strings.Join(names, ", "), 200) + "."
	}
	return e
}
