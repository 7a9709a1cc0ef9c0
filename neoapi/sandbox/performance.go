package sandbox

import (
	"slices"
	"strings"
	"time"
)

// chatSum is the use of chat by one agent, user or time bucket.
type chatSum struct {
	sessions, turns int
	credits         float64
	agents          map[int]bool
	first           time.Time
}

// chatUse sums the turns of a window by a key. A turn costs two credits when a
// tool was used, else nothing.
func chatUse(c *call, key func(*ChatSession, *ChatMessage) string) (map[string]*chatSum, error) {
	since, until, err := c.span("from", "to")
	if err != nil {
		return nil, err
	}
	audience := map[string]string{"msp": "MSP", "end-user": "END_USER"}[c.query.Get("audience")]
	sums := map[string]*chatSum{}
	for s := range c.state.Sessions.All() {
		a := c.state.Agents.Get(itoa(s.AgentID))
		if a == nil || a.Audience != audience {
			continue
		}
		counted := map[string]bool{}
		for m := range s.messages.All() {
			if m.Role != "user" || m.CreatedAt.Before(since) || !m.CreatedAt.Before(until) {
				continue
			}
			k := key(s, m)
			t := sums[k]
			if t == nil {
				t = &chatSum{agents: map[int]bool{}, first: m.CreatedAt}
				sums[k] = t
			}
			if !counted[k] {
				counted[k] = true
				t.sessions++
			}
			t.turns++
			t.agents[s.AgentID] = true
			if _, tool := c.state.chatAnswer(m.Text); tool != "" {
				t.credits += 2
			}
		}
	}
	return sums, nil
}

func chatTotals(c *call) (reply, error) {
	sums, err := chatUse(c, func(*ChatSession, *ChatMessage) string { return "all" })
	if err != nil {
		return reply{}, err
	}
	t := sums["all"]
	if t == nil {
		t = &chatSum{}
	}
	return reply{data: Object{"credits_consumed": t.credits, "total_turns": t.turns, "total_sessions": t.sessions, "active_agents": len(t.agents)}}, nil
}

func chatByAgent(c *call) (reply, error) {
	return chatRows(c, func(s *ChatSession, _ *ChatMessage) string { return itoa(s.AgentID) }, func(key string, row Object) {
		row["agent_id"], row["agent_name"] = c.state.Agents.Get(key).number(), c.state.Agents.Get(key).Name
	})
}

func chatByUser(c *call) (reply, error) {
	return chatRows(c, func(s *ChatSession, _ *ChatMessage) string { return s.UserName }, func(key string, row Object) {
		row["user_key"], row["display_name"], row["email"] = strings.ToLower(strings.ReplaceAll(key, " ", ".")), key, ""
		for _, p := range People {
			if p.Name == key {
				row["user_key"], row["email"] = p.ID, p.Email
			}
		}
	})
}

// chatOverTime buckets by day, week (Monday) or month of the tenant's zone.
func chatOverTime(c *call) (reply, error) {
	return chatRows(c, func(_ *ChatSession, m *ChatMessage) string {
		return bucket(m.CreatedAt.In(c.state.zone), c.query.Get("granularity")).Format(time.DateOnly)
	}, func(key string, row Object) { row["bucket_start"] = key })
}

func bucket(t time.Time, size string) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	switch size {
	case "week":
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case "month":
		return day.AddDate(0, 0, 1-day.Day())
	}
	return day
}

// chatRows renders sums as rows, sorted by key.
func chatRows(c *call, key func(*ChatSession, *ChatMessage) string, name func(string, Object)) (reply, error) {
	sums, err := chatUse(c, key)
	if err != nil {
		return reply{}, err
	}
	keys := make([]string, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	rows := []Object{}
	for _, k := range keys {
		row := Object{"credits_consumed": sums[k].credits, "total_sessions": sums[k].sessions, "total_turns": sums[k].turns}
		name(k, row)
		rows = append(rows, row)
	}
	return reply{data: rows}, nil
}
