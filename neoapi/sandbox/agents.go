package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Agent is one agent (a workflow in the dashboard).
type Agent struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"`
	Description  *string `json:"description"`
	State        string  `json:"state"`
	AutonomyType string  `json:"autonomy_type"`
	EntityType   string  `json:"entity_type,omitempty"`
	TriggerType  string  `json:"trigger_type"`
	Audience     string  `json:"audience,omitempty"`
	Access       string  `json:"access,omitempty"`
	ManagedByNeo bool    `json:"managed_by_neo"`

	Actions              []Object `json:"actions,omitempty"`
	AgentSettings        Object   `json:"agent_settings"`
	Toolbox              Object   `json:"toolbox"`
	Integrations         Object   `json:"integrations"`
	TicketConditions     Object   `json:"ticket_conditions,omitempty"`
	TimeEntryConditions  Object   `json:"time_entry_conditions,omitempty"`
	CallbackSettings     Object   `json:"callback_settings,omitempty"`
	Schedule             Object   `json:"schedule,omitempty"`
	RunOnlyOncePerEntity bool     `json:"run_only_once_per_entity"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by"`

	versions []AgentVersion
}

// AgentVersion is one entry of an agent's history.
type AgentVersion struct {
	Version       int             `json:"version"`
	CreatedAt     time.Time       `json:"created_at"`
	ChangedBy     Object          `json:"changed_by"` // id, name
	ChangedFields []string        `json:"changed_fields"`
	Summary       string          `json:"summary"`
	Agent         json.RawMessage `json:"agent"` // as it was from then on
}

func (a *Agent) number() int {
	n, err := strconv.Atoi(a.ID)
	if err != nil {
		return 0
	}
	return n
}

// Agent is a copy of an agent, nil when there is none.
func (n *Neo) Agent(id string) *Agent {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.state.Agents.Get(id)
	if a == nil {
		return nil
	}
	copied, err := clone(a)
	if err != nil {
		return nil // Mutate put something into the agent that is not JSON
	}
	return copied
}

// SetAgent changes an agent as a colleague at the dashboard would: it gets a
// new updated_at and a version. An unknown id does nothing.
func (n *Neo) SetAgent(id string, change func(*Agent)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.state.Agents.Get(id)
	if a == nil {
		return
	}
	before := a.fields()
	change(a)
	a.keepVersion(n.cfg.Now().UTC(), Dana.ID, Dana.Name, changedFields(before, a.fields()))
}

// fields is the agent as a JSON object.
func (a *Agent) fields() map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	if raw, err := json.Marshal(a); err != nil || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

func changedFields(before, after map[string]json.RawMessage) []string {
	var out []string
	for k, v := range after {
		if string(before[k]) != string(v) {
			out = append(out, k)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// keepVersion stamps the agent and adds to its history.
func (a *Agent) keepVersion(at time.Time, id, name string, changed []string) {
	a.UpdatedAt, a.UpdatedBy = at, name
	raw, err := json.Marshal(a)
	if err != nil {
		return // only maps that came from JSON: cannot happen
	}
	summary := "Created"
	if len(a.versions) > 0 {
		summary = "Changed " + joined(changed)
	}
	a.versions = append(a.versions, AgentVersion{
		Version: len(a.versions) + 1, CreatedAt: at,
		ChangedBy: Object{"id": id, "name": name}, ChangedFields: changed, Summary: summary, Agent: raw,
	})
}

func agentOps() map[string]handler {
	return map[string]handler{
		"list_agents": listAgents, "create_agent": createAgent, "get_agent": withAgent(func(_ *call, a *Agent) (reply, error) { return reply{data: a}, nil }),
		"update_agent": withAgent(updateAgent), "delete_agent": withAgent(deleteAgent), "run_agent_now": withAgent(runAgent),
		"list_agent_versions": withAgent(listVersions), "get_agent_version_at": withAgent(versionAt), "get_agent_stats": withAgent(agentStats),
	}
}

func withAgent(h func(*call, *Agent) (reply, error)) handler {
	return func(c *call) (reply, error) {
		a, err := lookup(c, c.state.Agents, "agent_id", "Agent")
		if err != nil {
			return reply{}, err
		}
		return h(c, a)
	}
}

func listAgents(c *call) (reply, error) {
	return list(c, c.state.Agents, func(a *Agent) bool { return c.among("state", a.State) })
}

func createAgent(c *call) (reply, error) {
	a := &Agent{AutonomyType: "CHAINED_ACTIONS", State: "ENABLED", AgentSettings: Object{}, Toolbox: Object{}, Integrations: Object{}}
	if err := c.bind(a); err != nil {
		return reply{}, err
	}
	if err := checkNewAgent(a); err != nil {
		return reply{}, err
	}
	if a.AutonomyType == "CONVERSATIONAL" {
		a.TriggerType = "NONE"
		a.Audience, a.Access = or(a.Audience, "MSP"), or(a.Access, "ALL_USERS")
	} else {
		a.EntityType = or(a.EntityType, "none")
	}
	if a.AutonomyType == "CHAINED_ACTIONS" {
		a.Actions = append([]Object{{"action_type": "FIND_ENTITIES", "input_as_dict": Object{}}}, a.Actions...)
	}
	for _, action := range a.Actions {
		action["id"] = c.state.uuid()
	}
	a.ID, a.ManagedByNeo, a.CreatedAt = c.state.numeral(), false, c.now
	a.keepVersion(c.now, c.caller.id, c.caller.name, []string{})
	c.state.Agents.Add(a)
	return reply{data: a}, nil
}

func checkNewAgent(a *Agent) error {
	if a.Name == "" {
		return badParameter("name", "must not be empty")
	}
	for _, action := range a.Actions {
		if action["action_type"] == "FIND_ENTITIES" {
			return badParameter("actions", "FIND_ENTITIES is added by the server")
		}
	}
	if a.AutonomyType != "CONVERSATIONAL" && a.TriggerType == "NONE" {
		return badParameter("trigger_type", "NONE is for CONVERSATIONAL agents")
	}
	if a.AutonomyType != "CHAINED_ACTIONS" && len(a.Actions) > 0 {
		return badParameter("actions", "are for CHAINED_ACTIONS agents only")
	}
	if hasSecret(a.Toolbox) {
		return badParameter("toolbox", "external API credentials are set in the dashboard")
	}
	return nil
}

// hasSecret finds credentials of the external API tool anywhere in v.
func hasSecret(v any) bool {
	switch t := v.(type) {
	case map[string]any:
		for k, inner := range t {
			if k == "api_key" || k == "credentials" || hasSecret(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(t, hasSecret)
	}
	return false
}

func deleteAgent(c *call, a *Agent) (reply, error) {
	if a.ManagedByNeo {
		return reply{}, managedByNeo()
	}
	c.state.Agents.Remove(a.ID)
	return reply{data: Object{"id": a.ID, "deleted": true}}, nil
}

func managedByNeo() error {
	return refuse(http.StatusForbidden, "agent_managed_by_neo", "This agent is managed by Neo and cannot be changed")
}

func listVersions(_ *call, a *Agent) (reply, error) {
	out := slices.Clone(a.versions)
	slices.Reverse(out)
	return reply{data: out}, nil
}

func versionAt(c *call, a *Agent) (reply, error) {
	at, err := c.instant("timestamp")
	if err != nil {
		return reply{}, err
	}
	for _, v := range slices.Backward(a.versions) {
		if !v.CreatedAt.After(at) {
			return reply{data: v.Agent}, nil
		}
	}
	return reply{}, notFound("Version")
}

// agentStats counts the last 30 days.
func agentStats(c *call, a *Agent) (reply, error) {
	counts, seconds, last := map[string]int{}, 0.0, any(nil)
	for e := range c.state.Executions.All() {
		if e.AgentID != a.number() || e.CreatedAt.Before(c.now.AddDate(0, 0, -30)) {
			continue
		}
		if last == nil {
			last = e.CreatedAt
		}
		counts[e.Status]++
		seconds += e.SecondsSpent
	}
	total := 0
	for n := range maps.Values(counts) {
		total += n
	}
	return reply{data: Object{
		"agent_id": a.number(), "window_days": 30, "total_executions": total, "by_status": counts,
		"average_seconds": ratio(seconds, float64(total)), "last_execution_at": last,
	}}, nil
}
