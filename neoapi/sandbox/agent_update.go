package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
)

// updateAgent is PUT /agents/{id}: a patch. Only sent fields change; actions
// and tool settings are merged, agent_settings and integrations replaced whole.
// See https://docs.neoagent.io/api-reference/agents/update-an-agent.
func updateAgent(c *call, a *Agent) (reply, error) {
	if a.ManagedByNeo {
		return reply{}, managedByNeo()
	}
	sent := c.sent()
	if err := checkPatch(a, sent); err != nil {
		return reply{}, err
	}
	before := a.fields()
	patched, err := clone(a)
	if err != nil {
		return reply{}, err
	}
	if err := patchPlain(patched, sent); err != nil {
		return reply{}, err
	}
	if err := patchActions(c, patched, sent["actions"]); err != nil {
		return reply{}, err
	}
	if err := patchToolbox(patched, sent["toolbox"]); err != nil {
		return reply{}, err
	}
	if patched.Name == "" {
		return reply{}, unprocessable("name", "must not be empty")
	}
	patched.versions = a.versions
	*a = *patched
	if changed := changedFields(before, a.fields()); len(changed) > 0 {
		a.keepVersion(c.now, c.caller.id, c.caller.name, changed)
	}
	return reply{data: a}, nil
}

// checkPatch refuses what this kind of agent cannot take.
func checkPatch(a *Agent, sent map[string]json.RawMessage) error {
	for _, fixed := range []string{"autonomy_type", "entity_type", "audience"} {
		if _, ok := sent[fixed]; ok {
			return badParameter(fixed, "is fixed at creation")
		}
	}
	_, actions := sent["actions"]
	if actions && a.AutonomyType != "CHAINED_ACTIONS" {
		return badParameter("actions", "are for CHAINED_ACTIONS agents only")
	}
	for _, f := range []string{"ticket_conditions", "time_entry_conditions", "callback_settings", "schedule"} {
		if _, ok := sent[f]; ok && a.AutonomyType == "CONVERSATIONAL" {
			return badParameter(f, "does not apply to CONVERSATIONAL agents")
		}
	}
	return nil
}

// patchPlain sets the fields that are replaced whole.
func patchPlain(a *Agent, sent map[string]json.RawMessage) error {
	targets := map[string]any{
		"name": &a.Name, "description": &a.Description, "state": &a.State,
		"agent_settings": &a.AgentSettings, "integrations": &a.Integrations, "ticket_conditions": &a.TicketConditions,
		"time_entry_conditions": &a.TimeEntryConditions, "callback_settings": &a.CallbackSettings, "schedule": &a.Schedule,
	}
	for name, raw := range sent {
		target := targets[name]
		if target == nil {
			continue // merged elsewhere, or not editable: the API ignores it
		}
		if o, ok := target.(*Object); ok {
			*o = nil // else Unmarshal would merge into the old map
		}
		if err := json.Unmarshal(raw, target); err != nil {
			return unprocessable(name, "has the wrong type")
		}
	}
	return nil
}

// patchActions merges actions by id, or by action_type when that is unique in
// the pipeline. An action that fits none is appended.
func patchActions(c *call, a *Agent, raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var actions []Object
	if err := json.Unmarshal(raw, &actions); err != nil {
		return unprocessable("actions", "must be a list of objects")
	}
	for _, in := range actions {
		old, err := findAction(a.Actions, in)
		if err != nil {
			return err
		}
		if old != nil {
			mergeInto(old, in)
			continue
		}
		if in["action_type"] == "FIND_ENTITIES" {
			return badParameter("actions", "FIND_ENTITIES is added by the server")
		}
		in["id"] = c.state.uuid()
		a.Actions = append(a.Actions, in)
	}
	return nil
}

func findAction(have []Object, in Object) (Object, error) {
	id, byID := in["id"]
	var found []Object
	for _, old := range have {
		if byID && old["id"] == id || !byID && old["action_type"] == in["action_type"] {
			found = append(found, old)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case byID:
		return nil, invalid(http.StatusUnprocessableEntity, fieldError{"actions", "no action has this id"})
	case len(found) > 1:
		return nil, invalid(http.StatusUnprocessableEntity, fieldError{"actions", "action_type is not unique: send the id"})
	}
	return nil, nil
}

// patchToolbox merges tool settings per tool type.
func patchToolbox(a *Agent, raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var in Object
	if err := json.Unmarshal(raw, &in); err != nil {
		return unprocessable("toolbox", "must be an object")
	}
	if hasSecret(in) {
		return badParameter("toolbox", "external API credentials are set in the dashboard")
	}
	if a.Toolbox == nil {
		a.Toolbox = Object{}
	}
	mergeInto(a.Toolbox, in)
	return nil
}

// mergeInto copies src over dst, object by object.
func mergeInto(dst, src Object) {
	for k, v := range src {
		inner, ok := v.(map[string]any)
		old, was := dst[k].(map[string]any)
		if ok && was {
			mergeInto(old, inner)
			continue
		}
		if ok {
			v = maps.Clone(inner)
		}
		dst[k] = v
	}
}
