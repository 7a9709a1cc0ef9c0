package intents

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"neobot/adapters"
	"neobot/cards"
)

// Names of intents of this chapter that code refers to.
const (
	intentWatch        = "watch"
	intentWatches      = "list_watches"
	intentPauseWatch   = "pause_watch"
	intentResumeWatch  = "resume_watch"
	intentRemoveWatch  = "remove_watch"
	intentDigest       = "digest"
	intentSchedule     = "schedule_answer"
	intentSaveBaseline = "save_baseline"
	intentDrift        = "drift"
)

// watchChapter is what the bot does on its own: subscriptions, the digest and
// the comparison with a baseline. None of it changes anything in Neo, so none
// of it needs an approval.
func watchChapter() []entry {
	number := Arg{Name: "number", Kind: ArgText, Help: "number of the watch, as listed"}
	return []entry{
		{Spec: Spec{
			Name: intentWatch, Summary: "Watch for failures, new technician requests, credits over the limit or changes of agents, and tell here.",
			Args: []Arg{{Name: "what", Kind: ArgText, Help: "what to tell about, in the person's words: failures, requests (for me), credits or changes", Required: true}, anAgent},
			Examples: []string{
				"watch failures of <agent>", "tell me when there is a new technician request for me", "warn me when credits will run over",
				"tell me when an agent changes", "notify me when <agent> fails", "alert me about failures",
			},
		}, plan: planWatch},
		{Spec: Spec{
			Name: intentWatches, Summary: "List your watches and scheduled answers.",
			Examples: []string{"my watches", "watches", "what do you watch for me?", "my subscriptions", "list my watches"},
		}, plan: planWatches},
		{Spec: Spec{
			Name: intentPauseWatch, Summary: "Pause a watch or scheduled answer.", Args: []Arg{number},
			Examples: []string{"pause watch 2", "pause my digest", "mute watch 3"},
		}, plan: planPauseWatch},
		{Spec: Spec{
			Name: intentResumeWatch, Summary: "Resume a paused or stopped watch or scheduled answer.", Args: []Arg{number},
			Examples: []string{"resume watch 2", "resume my digest", "unmute watch 3"},
		}, plan: planResumeWatch},
		{Spec: Spec{
			Name: intentRemoveWatch, Summary: "Remove a watch or scheduled answer.", Args: []Arg{number},
			Examples: []string{"remove watch 2", "stop the digest", "delete my watch 3", "stop watching"},
		}, plan: planRemoveWatch},
		{Spec: Spec{
			Name: intentDigest, Summary: "Show a digest: runs, failures, what waits for a decision, credits.",
			Examples: []string{"digest", "status digest", "morning digest", "give me a digest"},
		}, plan: planDigest},
		{Spec: Spec{
			Name: intentSchedule, Summary: "Post a digest, or the answer to another question, at set times here.",
			Args:     []Arg{{Name: "times", Kind: ArgText, Help: "when and what, in the person's words: “a digest every weekday at 8”", Required: true}},
			Examples: []string{"send me a digest every weekday at 8", "post a digest here every monday at 9:30", "send me failed runs today every day at 17:00"},
		}, plan: planSchedule},
		{Spec: Spec{
			Name: intentSaveBaseline, Summary: "Save agents and settings as they are now as the baseline for the drift check.", Ops: []string{"list_agents", "get_settings"},
			Examples: []string{"save a baseline", "save this as the baseline", "set a new baseline"},
		}, plan: planSaveBaseline},
		{Spec: Spec{
			Name: intentDrift, Summary: "Show what has changed in agents and settings since the baseline, or since a date.", Args: []Arg{anAgent, aWhen}, Ops: []string{"list_agents"},
			Examples: []string{"what has drifted since the baseline?", "drift", "drift since monday", "what has drifted since <when>", "has anything drifted"},
		}, plan: planDrift},
	}
}

// planWatch makes a watch. A question about watching makes none: it offers one.
func planWatch(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	w := watch{
		Key: a.delivery, Person: a.who.Name, User: a.user.ID, Workspace: a.workspace, Conversation: a.conversation.ID,
		Direct: a.conversation.Kind == adapters.Direct, Since: s.Now(),
	}
	w.Kind = kindSaid(in["what"])
	if w.Kind == "" {
		return a.askKind(), nil
	}
	if err := a.neo.Allowed(watchOps[w.Kind]); err != nil {
		return outcome{}, err
	}
	if w.Kind != watchCredits {
		if said := agentSaid(in); said != "" {
			agent, err := s.agent(ctx, a, said)
			if err != nil {
				return outcome{}, err
			}
			w.Agent, w.AgentID = agent.Name, string(agent.ID)
		}
	}
	if w.Mine = w.Kind == watchRequests && forMe.MatchString(fold(in["what"])); w.Mine && a.who.NeoUserID == "" {
		return outcome{}, no("I do not know you in Neo", "Your Neo user id is not in the policy file, so I cannot tell which requests are yours. %s", askAdmin(a.policy))
	}
	if asksOnly(a.text) {
		return a.offerWatch(w), nil
	}
	return s.addWatch(ctx, a, w)
}

// addWatch keeps a watch where it may post, and confirms it.
func (s *Service) addWatch(ctx context.Context, a *ask, w watch) (outcome, error) {
	if w.User == "" {
		return outcome{}, no("Not from here", "A watch belongs to a person; ask for it yourself.")
	}
	if !w.Direct && !a.shareable() {
		return outcome{}, no("Not in this channel", "People from another organisation can read here. Ask me in a direct message and I will tell you there.")
	}
	w, err := s.Memory.addWatch(ctx, w, maxWatches)
	if errors.Is(err, errTooMany) {
		return outcome{}, no("You have "+itoa(maxWatches)+" watches", "That is the most one person can have. Remove one first: “my watches” lists them.")
	}
	if err != nil {
		return outcome{}, storeErr(err)
	}
	if err := s.Memory.setPace(ctx, pollPace{}); err != nil { // look soon
		return outcome{}, storeErr(err)
	}
	where := "here in this channel"
	if w.Direct {
		where = "here"
	}
	card := cards.Card{Title: "Watch " + itoa(w.ID) + " is set", Status: cards.StatusDone, Summary: "I will tell you about " + w.words() + ", " + where + "."}
	if w.Kind == watchSchedule {
		card.Summary = "I will post " + w.words() + " (" + a.zone.String() + "), " + where + "."
	} else {
		card.Footer = []string{"I look every 1 to 10 minutes, with your permissions"}
	}
	card.Buttons = []cards.Button{a.watchButton("Pause", intentPauseWatch, w), a.watchButton("Remove", intentRemoveWatch, w)}
	return outcome{card: card}, nil
}

// askKind asks what to watch.
func (a *ask) askKind() outcome {
	card := cards.Card{Title: "What shall I watch?", Status: cards.StatusQuestion, Summary: "I can tell you about one of these as it happens."}
	for _, c := range [][2]string{{"Failures", "failures"}, {"Requests for me", "new requests for me"}, {"Credits over the limit", "credits"}, {"Changes of agents", "changes"}} {
		card.Buttons = append(card.Buttons, cards.Button{Label: c[0], Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: intentWatch, Args: merged(a.intent.Args, "what", c[1])}, Owner: a.who.Name, Replace: true,
		})})
	}
	return outcome{card: card, refusal: "ambiguous"}
}

// offerWatch answers a question about watching with a button.
func (a *ask) offerWatch(w watch) outcome {
	card := cards.Card{Title: "Shall I?", Status: cards.StatusQuestion, Summary: "I can tell you about " + w.words() + ", here. Nothing is set yet."}
	card.Buttons = []cards.Button{{Label: "Yes, watch it", Action: cards.ActionContinue, ID: a.offer(continuation{
		Intent: Intent{Name: intentWatch, Args: a.intent.Args}, Owner: a.who.Name, Replace: true,
	})}}
	return outcome{card: card, refusal: "ambiguous"}
}

func planWatches(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	mine, err := s.myWatches(ctx, a)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Your watches", Summary: "You have none. Say for example “watch failures” or “send me a digest every weekday at 8”."}
	if len(mine) > 0 {
		card.Summary = plural(len(mine), "watch") + "."
		if len(mine) > 1 {
			card.Summary = itoa(len(mine)) + " watches."
		}
		card.Footer = []string{"“pause watch 2”, “resume watch 2” and “remove watch 2” work too"}
	}
	items := make([]cards.Item, len(mine))
	for i, w := range mine {
		items[i] = watchItem(w)
	}
	a.page(&card, items, func(i int) *cards.Button {
		b := a.watchButton("Remove", intentRemoveWatch, mine[i])
		if mine[i].active() {
			b = a.watchButton("Pause", intentPauseWatch, mine[i])
		} else if mine[i].Paused || mine[i].Stopped != "" {
			b = a.watchButton("Resume", intentResumeWatch, mine[i])
		}
		return &b
	})
	return outcome{card: card, private: true}, nil
}

func watchItem(w watch) cards.Item {
	item := cards.Item{Title: "Watch " + itoa(w.ID) + ": " + oneLine(w.words(), 120), Status: cards.StatusWorking, Detail: "in a channel"}
	if w.Direct {
		item.Detail = "in a direct message"
	}
	switch {
	case w.Stopped != "":
		item.Status, item.Detail = cards.StatusOff, item.Detail+", stopped: "+clip(w.Stopped, 160)
	case w.Paused:
		item.Status, item.Detail = cards.StatusOff, item.Detail+", paused"
	}
	return item
}

// myWatches of the person in this workspace, where their numbers are unique.
func (s *Service) myWatches(ctx context.Context, a *ask) ([]watch, error) {
	all, err := s.Memory.watches(ctx, a.workspace)
	if err != nil {
		return nil, storeErr(err)
	}
	return slices.DeleteFunc(all, func(w watch) bool { return w.Person != a.who.Name }), nil
}

var watchNumber = regexp.MustCompile(`\d{1,9}`)

// watchMeant finds the person's watch: by number, else the only one that fits.
func (s *Service) watchMeant(ctx context.Context, a *ask, in args, fits func(watch) bool) (watch, error) {
	mine, err := s.myWatches(ctx, a)
	if err != nil {
		return watch{}, err
	}
	if n := watchNumber.FindString(in["number"]); n != "" {
		for _, w := range mine {
			if itoa(w.ID) == n {
				return w, nil
			}
		}
		return watch{}, no("There is no watch "+n+" of yours", "“my watches” lists the ones you have here.")
	}
	digest := strings.Contains(fold(in["number"]), "digest")
	mine = slices.DeleteFunc(mine, func(w watch) bool { return !fits(w) || digest && w.Kind != watchSchedule })
	switch len(mine) {
	case 0:
		return watch{}, no("You have no such watch", "“my watches” lists the ones you have here.")
	case 1:
		return mine[0], nil
	}
	card := cards.Card{Title: "Which watch?", Status: cards.StatusQuestion, Summary: "You have several."}
	for _, w := range mine[:min(len(mine), maxChoices)] {
		card.Buttons = append(card.Buttons, cards.Button{
			Label: clip(itoa(w.ID)+": "+oneLine(w.words(), 70), 75), Action: cards.ActionContinue, ID: a.offer(continuation{
				Intent: Intent{Name: a.intent.Name, Args: args{"number": itoa(w.ID)}}, Owner: a.who.Name, Replace: true,
			}),
		})
	}
	return watch{}, &choiceError{outcome{card: card, refusal: "ambiguous", private: true}}
}

func planPauseWatch(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	w, err := s.watchMeant(ctx, a, in, watch.active)
	if err != nil {
		return outcome{}, err
	}
	w.Paused = true
	if err := s.Memory.setWatch(ctx, w); err != nil {
		return outcome{}, storeErr(err)
	}
	card := cards.Card{Title: "Watch " + itoa(w.ID) + " is paused", Status: cards.StatusDone, Summary: "It is about " + w.words() + ". What happens meanwhile is not told later."}
	card.Buttons = []cards.Button{a.watchButton("Resume", intentResumeWatch, w), a.watchButton("Remove", intentRemoveWatch, w)}
	return outcome{card: card, private: true}, nil
}

func planResumeWatch(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	w, err := s.watchMeant(ctx, a, in, func(w watch) bool { return !w.active() })
	if err != nil {
		return outcome{}, err
	}
	if w.active() {
		return outcome{card: cards.Card{Title: "Watch " + itoa(w.ID) + " is running", Status: cards.StatusDone, Summary: "It is about " + w.words() + "."}, private: true}, nil
	}
	for _, op := range s.opsOf(w) {
		if err := a.neo.Allowed(op); err != nil {
			return outcome{}, err
		}
	}
	w.Paused, w.Stopped, w.Since = false, "", s.Now()
	if err := errors.Join(s.Memory.setWatch(ctx, w), s.Memory.setPace(ctx, pollPace{})); err != nil {
		return outcome{}, storeErr(err)
	}
	card := cards.Card{Title: "Watch " + itoa(w.ID) + " goes on", Status: cards.StatusDone, Summary: "I will tell you about " + w.words() + " from now on."}
	card.Buttons = []cards.Button{a.watchButton("Pause", intentPauseWatch, w)}
	return outcome{card: card, private: true}, nil
}

func planRemoveWatch(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	w, err := s.watchMeant(ctx, a, in, func(watch) bool { return true })
	if err != nil {
		return outcome{}, err
	}
	if err := s.Memory.removeWatch(ctx, w); err != nil {
		return outcome{}, storeErr(err)
	}
	return outcome{card: cards.Card{
		Title: "Watch " + itoa(w.ID) + " is removed", Status: cards.StatusDone, Summary: "It was about " + w.words() + ".",
	}, private: true}, nil
}

// planSchedule makes a scheduled answer: what is left of the sentence without
// the time is the question, routed now and checked to be one.
func planSchedule(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	when, ok, err := parseSchedule(in["times"])
	if err != nil {
		return outcome{}, err
	}
	if !ok {
		return outcome{}, no("When?", "Say the days and the time, for example “send me a digest every weekday at 8”. Five cron fields work too.")
	}
	w := watch{
		Key: a.delivery, Kind: watchSchedule, Person: a.who.Name, User: a.user.ID, Workspace: a.workspace, Conversation: a.conversation.ID,
		Direct: a.conversation.Kind == adapters.Direct, Since: s.Now(), Cron: when.cron, Times: when.words, Ask: "Digest", Intent: Intent{Name: intentDigest},
	}
	if q := questionLeft(when.rest); q != "" && !digestSaid.MatchString(fold(q)) {
		if w.Ask, w.Intent, err = s.scheduledQuestion(ctx, a, q); err != nil {
			return outcome{}, err
		}
	}
	if asksOnly(a.text) {
		card := cards.Card{Title: "Shall I?", Status: cards.StatusQuestion, Summary: "I can post " + w.words() + ", here. Nothing is set yet."}
		card.Buttons = []cards.Button{{Label: "Yes, post it", Action: cards.ActionContinue, ID: a.offer(continuation{
			Intent: Intent{Name: intentSchedule, Args: a.intent.Args}, Owner: a.who.Name, Replace: true,
		})}}
		return outcome{card: card, refusal: "ambiguous"}, nil
	}
	return s.addWatch(ctx, a, w)
}

// scheduledQuestion routes the question of a scheduled answer. It must be one
// that only looks things up, is understood, and may be answered here.
func (s *Service) scheduledQuestion(ctx context.Context, a *ask, q string) (string, Intent, error) {
	routed := s.route(ctx, a, q)
	e, ok := s.catalog[routed.Intent.Name]
	switch {
	case !ok || e.internal || routed.Intent.Name == intentSchedule || routed.Intent.Name == intentWatch:
		return "", Intent{}, no("I do not understand the question", "“%s” is no question I can answer at set times. Try it on its own first, then say it with the time.", clip(q, 80))
	case e.Write || e.Name == intentReset || e.Name == intentSaveBaseline || strings.HasSuffix(e.Name, "_watch"):
		return "", Intent{}, no("Not a question", "“%s” would change something; at set times I only look things up.", clip(q, 80))
	case e.private && a.conversation.Kind != adapters.Direct:
		return "", Intent{}, no("Not in a channel", "That answer is for one person only. Ask me in a direct message.")
	case utf8.RuneCountInString(q) > 300:
		return "", Intent{}, no("That is too long", "Say the question in a sentence.")
	}
	for _, op := range e.Ops {
		if err := a.neo.Allowed(op); err != nil {
			return "", Intent{}, err
		}
	}
	return q, routed.Intent, nil
}
