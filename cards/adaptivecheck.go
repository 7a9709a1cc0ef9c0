package cards

import (
	"encoding/json"
	"fmt"
	"strings"
)

// CheckTeams reports what Teams would refuse or drop in a card: size, version,
// number of actions in a set, actions and charts without fallback, repeated or reserved
// input ids, empty texts. An empty result means it is fine.
func CheckTeams(card AdaptiveCard) []string {
	c := &teamsCheck{ids: map[string]bool{}}
	raw, err := json.Marshal(card)
	var root object
	if err == nil {
		err = json.Unmarshal(raw, &root)
	}
	if err != nil {
		return []string{fmt.Sprintf("not JSON: %v", err)}
	}
	if len(raw) > 25000 {
		c.fault("card: %d bytes, at most 25000", len(raw))
	}
	if card.Type != "AdaptiveCard" || card.Version != "1.5" || len(card.Body) == 0 {
		c.fault("card: type %q, version %q, %d elements", card.Type, card.Version, len(card.Body))
	}
	if card.Refresh != nil && (len(card.Refresh.UserIDs) == 0 || len(card.Refresh.UserIDs) > teamsMaxViewers) {
		c.fault("card: refresh for %d people, 1 to %d", len(card.Refresh.UserIDs), teamsMaxViewers)
	}
	c.walk("card", root)
	return c.faults
}

type teamsCheck struct {
	faults []string
	ids    map[string]bool
}

func (c *teamsCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// walk checks o and everything in it.
func (c *teamsCheck) walk(where string, o object) {
	kind := str(o["type"])
	switch kind {
	case "TextBlock", "TextRun":
		if str(o["text"]) == "" {
			c.fault("%s: empty %s", where, kind)
		}
	case "Action.Execute":
		if strings.HasSuffix(where, ".refresh.action") {
			c.refresh(where, o)
			break
		}
		fallback := obj(o["fallback"])
		if str(o["verb"]) == "" || str(fallback["type"]) != "Action.Submit" {
			c.fault("%s: Action.Execute needs verb and a fallback Action.Submit", where)
		}
		c.action(where, o)
	case "Action.Submit":
		c.action(where, o)
	case "Chart.VerticalBar", "Chart.VerticalBar.Grouped", "Chart.HorizontalBar", "Chart.HorizontalBar.Stacked", "Chart.Line":
		if n := len(list(o["data"])); n < 1 || n > chartMaxPoints || str(o["title"]) == "" {
			c.fault("%s: %s with title %q and %d data", where, kind, str(o["title"]), n)
		}
		if str(obj(o["fallback"])["type"]) != "Container" {
			c.fault("%s: %s without the text for hosts that do not draw it", where, kind)
		}
	case "Input.Text", "Input.ChoiceSet":
		id := str(o["id"])
		if !strings.HasPrefix(id, teamsInputPrefix) || c.ids[id] {
			c.fault("%s: input id %q", where, id)
		}
		c.ids[id] = true
	}
	for key, v := range o {
		if key == "data" {
			continue
		}
		if inner := obj(v); inner != nil {
			c.walk(where+"."+key, inner)
		}
		items := list(v)
		if key == "actions" && len(items) > teamsMaxActions {
			c.fault("%s: %d actions in one set, at most %d", where, len(items), teamsMaxActions)
		}
		for i, item := range items {
			if inner := obj(item); inner != nil {
				c.walk(fmt.Sprintf("%s.%s[%d]", where, key, i), inner)
			}
		}
	}
}

// refresh checks that a client's asking again would be understood.
func (c *teamsCheck) refresh(where string, o object) {
	raw, err := json.Marshal(o["data"])
	if err != nil {
		c.fault("%s: %v", where, err)
		return
	}
	if id, refresh := ParseTeamsView(str(o["verb"]), raw); id == "" || !refresh || str(o["title"]) == "" {
		c.fault("%s: refresh with data %s would be dropped", where, raw)
	}
}

// action checks that a click would be understood when it comes back.
func (c *teamsCheck) action(where string, o object) {
	raw, err := json.Marshal(o["data"])
	if err != nil || str(o["title"]) == "" {
		c.fault("%s: action without title or data", where)
		return
	}
	if _, _, _, ok := ParseTeamsAction(str(o["verb"]), raw); !ok {
		c.fault("%s: action with data %s would be dropped", where, raw)
	}
}
