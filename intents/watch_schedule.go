package intents

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"neobot/adapters"
)

// shortestSchedule between two posts of a scheduled subscription.
const shortestSchedule = 15 * time.Minute

// fireWatch posts what a scheduled subscription has due. Like the schedules of
// the policy file: of several missed times only the latest, once.
func (s *Service) fireWatch(ctx context.Context, w watch) error {
	st, err := s.Memory.watchState(ctx, w)
	if err != nil {
		return err
	}
	if !w.active() {
		return s.deliver(ctx, w, st)
	}
	plan, err := cron.ParseStandard(w.Cron)
	if err != nil {
		return fmt.Errorf("watch %d: %w", w.ID, err)
	}
	now := s.Now().In(s.timezone(ctx))
	last := st.Fired
	if last.Before(w.Since) {
		last = w.Since
	}
	due, ok := latestDue(plan, last.In(now.Location()), now)
	if !ok {
		return nil
	}
	a, why, err := s.standIn(ctx, w)
	switch {
	case err != nil:
		return err
	case why != "":
		return s.stopWatch(ctx, w, st, why)
	}
	if err := s.postAnswer(ctx, a, w, due); err != nil {
		return err
	}
	st.Fired = due
	return s.Memory.setWatchState(ctx, w, st)
}

// latestDue is the last time after last that has come; false when none has.
func latestDue(plan cron.Schedule, last, now time.Time) (time.Time, bool) {
	due := plan.Next(last)
	if due.IsZero() || due.After(now) {
		return time.Time{}, false
	}
	for next := plan.Next(due); !next.IsZero() && !next.After(now); next = plan.Next(due) {
		due = next
	}
	return due, true
}

func (s *Service) postAnswer(ctx context.Context, a *ask, w watch, due time.Time) error {
	if spec, ok := SpecByName(s.specs, w.Intent.Name); !ok || spec.Write {
		return no("Not a question", "%q is nothing that only looks something up", w.Intent.Name)
	}
	a.delivery = "watch:" + itoa(w.ID) + ":" + due.UTC().Format(time.RFC3339)
	a.thread = a.delivery // its buttons and turns belong to this post
	answer, err := s.answer(ctx, a, Routed{Intent: w.Intent, By: byButton})
	if err != nil {
		return err
	}
	if answer.Where == adapters.Private && !w.Direct {
		return s.Memory.setWatch(ctx, stopped(w, "Its answer is for one person only; ask for it in a direct message."))
	}
	answer.Card.Footer = append(answer.Card.Footer, "Scheduled for "+stamp(due, a.now)+", watch "+itoa(w.ID)+" of "+w.Person)
	answer.Card.Buttons = append(answer.Card.Buttons, a.watchButton("Pause", intentPauseWatch, w), a.watchButton("Remove", intentRemoveWatch, w))
	if err := s.Memory.Save(ctx, w.Workspace, "", nil, a.record, a.offered); err != nil {
		return err
	}
	to := adapters.Destination{Workspace: w.Workspace, Conversation: w.Conversation, User: w.User}
	_, err = s.Poster.Post(ctx, "watch:"+string(w.Workspace)+":"+a.delivery, to, answer.Card)
	return err
}

func stopped(w watch, why string) watch {
	w.Stopped = why
	return w
}

// schedule is when something is posted again and again.
type schedule struct {
	cron  string
	words string
	rest  string // of the message, without the time
}

var (
	cronField = `(?:\*|\d{1,2}|(?i:sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))(?:[-/,](?:\*|\w{1,3}))*`
	fiveField = regexp.MustCompile(`(?:^|[\s"'` + "`" + `])(` + cronField + `(?:\s+` + cronField + `){4})(?:$|[\s"'` + "`" + `.])`)
	dayName   = `(?:mon|tues|wednes|thurs|fri|satur|sun)days?`
	dayWords  = regexp.MustCompile(`(?i)\b(?:(?:every|each|on)\s+)?(daily|week(?:\s|-)?days?|work(?:ing)?\s?days?|days?|morning|` + dayName + `(?:(?:\s*,\s*|\s+and\s+|\s*,\s*and\s+)` + dayName + `)*)\b`)
	atWords   = regexp.MustCompile(`(?i)\b(?:at|@)\s*(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|o'?clock)?\b|\bat\s+(noon|midnight)\b|\b(\d{1,2}):(\d{2})\s*(am|pm)?\b|\b(\d{1,2})\s*(am|pm)\b`)
	anyDay    = regexp.MustCompile(`(?i)` + dayName)
)

// parseSchedule reads five cron fields, or days in words with a time of day:
// "every weekday at 8", "mondays and thursdays at 17:30", "daily at noon". The
// time is 8:00 when none is said. ok is false when there is no day at all.
func parseSchedule(text string) (schedule, bool, error) {
	if m := fiveField.FindStringSubmatchIndex(text); m != nil {
		s := schedule{cron: strings.Join(strings.Fields(text[m[2]:m[3]]), " "), rest: text[:m[2]] + text[m[3]:]}
		s.words = "at cron “" + s.cron + "”"
		return s, true, s.check()
	}
	d := dayWords.FindStringSubmatchIndex(text)
	if d == nil {
		return schedule{}, false, nil
	}
	field, words := dayField(strings.ToLower(text[d[2]:d[3]]))
	rest := text[:d[0]] + " " + text[d[1]:]
	hour, minute, err := 8, 0, error(nil)
	if t := atWords.FindStringSubmatchIndex(rest); t != nil {
		if hour, minute, err = clockOf(atWords.FindStringSubmatch(rest)); err != nil {
			return schedule{}, true, err
		}
		rest = rest[:t[0]] + " " + rest[t[1]:]
	}
	s := schedule{
		cron:  fmt.Sprintf("%d %d * * %s", minute, hour, field),
		words: fmt.Sprintf("%s at %02d:%02d", words, hour, minute), rest: rest,
	}
	return s, true, s.check()
}

// dayField is the cron field and the words of days.
func dayField(said string) (field, words string) {
	switch {
	case strings.HasPrefix(said, "week") || strings.HasPrefix(said, "work"):
		return "1-5", "every weekday"
	case said == "daily" || said == "morning" || strings.HasPrefix(said, "day"):
		return "*", "every day"
	}
	var numbers, names []string
	for _, name := range anyDay.FindAllString(said, -1) {
		name = strings.TrimSuffix(name, "s")
		day := weekdays[name]
		if n := itoa(int(day)); !slices.Contains(numbers, n) {
			numbers, names = append(numbers, n), append(names, day.String())
		}
	}
	return strings.Join(numbers, ","), "every " + list(names, "and")
}

func clockOf(m []string) (hour, minute int, err error) {
	switch m[4] {
	case "noon", "Noon":
		return 12, 0, nil
	case "midnight", "Midnight":
		return 0, 0, nil
	}
	hour, minute = atoi(m[1]+m[5]+m[8]), atoi(m[2]+m[6])
	half := strings.ToLower(m[3] + m[7] + m[9])
	if half == "am" || half == "pm" {
		if hour < 1 || hour > 12 {
			return 0, 0, no("I do not understand the time", "“%s” is no time of day.", strings.TrimSpace(m[0]))
		}
		if hour %= 12; half == "pm" {
			hour += 12
		}
	}
	if hour > 23 || minute > 59 {
		return 0, 0, no("I do not understand the time", "“%s” is no time of day. Write it as 8, 8:30 or 17:30.", strings.TrimSpace(m[0]))
	}
	return hour, minute, nil
}

// check refuses what cron does not know, never comes, or comes too often.
func (s schedule) check() error {
	plan, err := cron.ParseStandard(s.cron)
	if err != nil {
		return no("I do not understand the schedule", "“%s” is no schedule. Say “every weekday at 8”, or five cron fields such as 0 8 * * 1-5.", clip(s.cron, 40))
	}
	at := plan.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for range 100 {
		next := plan.Next(at)
		if at.IsZero() || next.IsZero() {
			return no("That never comes", "“%s” names no day of the calendar.", clip(s.cron, 40))
		}
		if next.Sub(at) < shortestSchedule {
			return no("That is too often", "I post a scheduled answer at most every 15 minutes. For single events say “watch failures”.")
		}
		at = next
	}
	return nil
}
