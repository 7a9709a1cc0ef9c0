package cards

import (
	"encoding/json"
	"strings"
)

// Views says that a card differs from person to person. The card itself is for
// everybody and has all buttons; a platform that can ask again for one person
// shows him his own. Only the buttons differ: what somebody may not press is
// refused when he presses it, whatever he was shown.
type Views struct {
	ID string // what the card shows: an approval id
	// For are the accounts worth a view of their own, "<workspace>/<user id>",
	// those with something to press first.
	For []string
}

// teamsMaxViewers is how many people one card can differ for:
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/user-specific-views
const teamsMaxViewers = 60

// teamsView is the verb of a refresh. It is not an Action: a refresh decides nothing.
const teamsView = "view"

// Refresh makes the clients of some people ask for the card as they see it:
// https://adaptivecards.io/explorer/Refresh.html
type Refresh struct {
	Action  action   `json:"action"`
	UserIDs []string `json:"userIds"`
}

// TeamsViews is Teams for a card with Views. viewers are the connector's ids of
// the people; those beyond the limit see the card as it is. Without viewers
// there is no refresh: an empty list means something else to Teams.
func TeamsViews(c Card, viewers []string) AdaptiveCard {
	if c.Views == nil || !ValidID(c.Views.ID) || len(viewers) == 0 {
		return teams(c, nil)
	}
	return teams(c, &Refresh{
		Action: action{
			Type: "Action.Execute", Title: "Refresh", Verb: teamsView,
			Data: map[string]any{"action": teamsView, "id": c.Views.ID},
		},
		UserIDs: viewers[:min(len(viewers), teamsMaxViewers)],
	})
}

// ParseTeamsView reads what a client sends to see a card again. refresh is
// false when a button was pressed; id is set for both, because a client that
// drew a card by itself (trigger "automatic") has pressed nothing, whatever the
// verb says.
func ParseTeamsView(verb string, data json.RawMessage) (id string, refresh bool) {
	var fields struct {
		Action json.RawMessage `json:"action"`
		ID     string          `json:"id"`
	}
	if len(data) > 64<<10 || json.Unmarshal(data, &fields) != nil || !ValidID(fields.ID) {
		return "", verb == teamsView
	}
	return fields.ID, verb == teamsView || strings.TrimSpace(string(fields.Action)) == `"`+teamsView+`"`
}
