package intents

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

// explain turns an error into a card: what is wrong and what to do. This and
// words are the only places where errors become sentences.
func (s *Service) explain(ctx context.Context, a *ask, err error) outcome {
	var scope *neoapi.ScopeError
	if errors.As(err, &scope) {
		return outcome{card: a.scopeCard(scope), refusal: "permission:" + string(scope.Group)}
	}
	var said *saidError
	if errors.As(err, &said) {
		return outcome{card: refusedCard(said.title, said.why), refusal: "invalid"}
	}
	card := cards.Card{Title: "Neo could not answer", Status: cards.StatusFailed, Summary: s.words(err)}
	var neo *neoapi.Error
	if errors.As(err, &neo) && neo.RequestID != "" {
		card.Footer = append(card.Footer, "Neo request "+neo.RequestID)
	}
	if !explained(err) {
		ref := newID()[:8]
		s.Logger.ErrorContext(ctx, "unexplained error", "error", err, "reference", ref, "intent", a.intent.Name)
		card.Summary = "Something went wrong on our side. Whoever runs neobot finds it in the log as " + ref + "."
	}
	return outcome{card: card, refusal: "error"}
}

// saidError is a plan's own no, in words for people.
type saidError struct{ title, why string }

func (e *saidError) Error() string { return e.title + ": " + e.why }

func no(title, format string, args ...any) error {
	return &saidError{title: title, why: fmt.Sprintf(format, args...)}
}

func explained(err error) bool {
	var neo *neoapi.Error
	return errors.As(err, &neo) || errors.Is(err, neoapi.ErrUnavailable) || errors.Is(err, neoapi.ErrBudget) ||
		errors.Is(err, context.DeadlineExceeded)
}

// words says what an error from Neo means for the person.
func (s *Service) words(err error) string {
	var neo *neoapi.Error
	switch {
	case errors.Is(err, neoapi.ErrUnavailable):
		return "This Neo does not offer that operation (any more)."
	case errors.Is(err, neoapi.ErrBudget):
		return "I am using my share of Neo's rate limit just now. Try again in a minute."
	case errors.As(err, &neo):
		return neoWords(neo)
	case errors.Is(err, context.DeadlineExceeded):
		return "Neo took too long. Try again in a minute."
	}
	return "Something unexpected happened; the log has the details."
}

func neoWords(e *neoapi.Error) string {
	switch {
	case e.Code == "agent_managed_by_neo":
		return "This agent is managed by Neo and can only be changed by the Neo team. You can escalate it to them."
	case e.Code == "agent_update_conflict":
		return "Somebody changed this agent at the same moment."
	case e.Code == "invalid_for_conversational":
		return "Chat agents cannot be run on demand; they answer when somebody writes to them."
	case e.Status == 0:
		return "Neo did not answer. Try again in a minute."
	case e.Status == 401:
		return "Neo does not accept the bot's key. Whoever runs neobot must check NEO_API_KEY."
	case e.Status == 403:
		return "Neo does not allow this with the bot's key."
	case e.Status == 404:
		return "Neo does not know it (any more)."
	case e.Status == 409:
		return "It clashes with the current state in Neo: " + neoSays(e)
	case e.Status == 429:
		return "Neo is at its rate limit. Try again " + in(e.RetryAfter) + "."
	case e.Status >= 500:
		return "Neo has a fault (status " + itoa(e.Status) + "). Try again in a minute."
	}
	return "Neo refused it: " + neoSays(e)
}

func neoSays(e *neoapi.Error) string {
	if msg := strings.TrimSpace(e.Message); msg != "" {
		return "“" + clip(msg, 200) + "”"
	}
	return "no reason given (status " + itoa(e.Status) + ")."
}

func in(d time.Duration) string {
	if d <= 0 {
		return "in a minute"
	}
	return "in " + seconds(d.Seconds())
}

// scopeCard says which group is in the way, at which level, where that is set
// and who can change it.
func (a *ask) scopeCard(e *neoapi.ScopeError) cards.Card {
	card := refusedCard("You may not do this here", a.scopeSentence(e))
	card.Fields = []cards.Field{
		{Name: "Permission", Value: groupWords(e.Group)},
		{Name: "You have", Value: levelWords(e.Have)},
		{Name: "Needed", Value: levelWords(e.Need)},
	}
	a.offerAccess(&card, e)
	return card
}

// scopeSentence is the card's text alone; empty for another error.
func (a *ask) scopeSentence(err error) string {
	var e *neoapi.ScopeError
	if !errors.As(err, &e) {
		return ""
	}
	where := "Your role gives"
	switch a.limitInWay(e.Group, e.Need) {
	case limitDeployment:
		where = "This installation gives everyone"
	case limitChannel:
		where = "In this conversation you have"
	}
	return fmt.Sprintf("%s %s on %s; this needs %s. %s",
		where, levelWords(e.Have), groupWords(e.Group), levelWords(e.Need), askAdmin(a.policy))
}

func levelWords(l neoapi.Level) string {
	switch l {
	case neoapi.ReadOnly:
		return "Read Only"
	case neoapi.ReadWrite:
		return "Read / Write"
	case neoapi.Disabled:
	}
	return "Disabled"
}

// groupNames are the groups whose slug is not what people call them.
var groupNames = map[neoapi.Group]string{
	"til_requests": "Technician requests", "api_keys": "API keys", "inbox_comms": "Notices", "rmm_scripts": "RMM scripts", "intents": "Intake forms",
	"end_companies": "Client companies", "callbacks": "Events", "meta": "Health and API description",
}

func groupWords(g neoapi.Group) string {
	if name, ok := groupNames[g]; ok {
		return name
	}
	return upperFirst(strings.ReplaceAll(string(g), "_", " "))
}
