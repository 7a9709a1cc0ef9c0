package sandbox

import (
	"slices"
	"time"
)

// enabledMax is how many enabled intents may apply to one agent.
const enabledMax = 15

// Intent is a curated request type with its intake questions.
type Intent struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Description   string    `json:"description"`
	AskFor        string    `json:"ask_for"`
	Enabled       bool      `json:"enabled"`
	AgentIDs      []int     `json:"agent_ids"`
	EndCompanyIDs []string  `json:"end_company_ids"`
	Surfaces      []string  `json:"surfaces"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

func intentOps() map[string]handler {
	return map[string]handler{
		"list_intents": func(c *call) (reply, error) { return list(c, c.state.Intents, nil) },
		"get_intent": func(c *call) (reply, error) {
			i, err := lookup(c, c.state.Intents, "intent_id", "Intent")
			return reply{data: i}, err
		},
		"create_intent": createIntent, "replace_intent": replaceIntent,
		"delete_intent": func(c *call) (reply, error) {
			if !c.state.Intents.Remove(c.path("intent_id")) {
				return reply{}, notFound("Intent")
			}
			return reply{data: Object{"id": c.path("intent_id"), "deleted": true}}, nil
		},
	}
}

// readIntent decodes and checks a body; id is empty for a new intent.
func readIntent(c *call, id string) (*Intent, error) {
	i := &Intent{Enabled: true, AgentIDs: []int{}, EndCompanyIDs: []string{}, Surfaces: []string{}}
	if err := c.bind(i); err != nil {
		return nil, err
	}
	if i.Name == "" {
		return nil, unprocessable("name", "must not be empty")
	}
	if len(i.Surfaces) == 0 {
		return nil, unprocessable("surfaces", "needs at least one")
	}
	for _, agent := range i.AgentIDs {
		if c.state.Agents.Get(itoa(agent)) == nil {
			return nil, unprocessable("agent_ids", "has an unknown agent: "+itoa(agent))
		}
	}
	if i.Enabled && c.state.crowded(i, id) {
		return nil, unprocessable("enabled", "an agent may have 15 enabled intents at most")
	}
	return i, nil
}

// crowded tells whether some agent would have too many enabled intents. No
// agent ids means every agent.
func (s *State) crowded(in *Intent, without string) bool {
	for a := range s.Agents.All() {
		if !appliesTo(in, a) {
			continue
		}
		count := 1
		for other := range s.Intents.All() {
			if other.ID != without && other.Enabled && appliesTo(other, a) {
				count++
			}
		}
		if count > enabledMax {
			return true
		}
	}
	return false
}

func appliesTo(i *Intent, a *Agent) bool {
	return len(i.AgentIDs) == 0 || slices.Contains(i.AgentIDs, a.number())
}

func createIntent(c *call) (reply, error) {
	i, err := readIntent(c, "")
	if err != nil {
		return reply{}, err
	}
	i.ID, i.CreatedAt, i.UpdatedAt = "intent_"+c.state.numeral(), c.now, c.now
	c.state.Intents.Add(i)
	return reply{data: i}, nil
}

// replaceIntent sets every editable field; what is not sent goes to its default.
func replaceIntent(c *call) (reply, error) {
	old, err := lookup(c, c.state.Intents, "intent_id", "Intent")
	if err != nil {
		return reply{}, err
	}
	i, err := readIntent(c, old.ID)
	if err != nil {
		return reply{}, err
	}
	i.ID, i.CreatedAt, i.UpdatedAt = old.ID, old.CreatedAt, c.now
	*old = *i
	return reply{data: old}, nil
}
