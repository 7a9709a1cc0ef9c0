package cards

import (
	"encoding/json"
	"strings"
)

// teamsInputPrefix stands before the names of inputs: Teams merges them with
// the data of the action, and no input may overwrite that.
const teamsInputPrefix = "in."

// teamsMaxInput is the longest input a form takes; the dialog answer shares the
// size limit of messages.
const teamsMaxInput = 4000

// TeamsDialog is the value of a "continue" answer to task/fetch:
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/invoking-task-modules
type TeamsDialog struct {
	Title  string         `json:"title"`
	Height string         `json:"height"`
	Width  string         `json:"width"`
	Card   map[string]any `json:"card"`
}

// TeamsForm renders f as a dialog. The submit comes back as task/submit; read
// its data with ParseTeamsAction. Inputs whose name is not ValidInputName are
// left out; required ones are checked by the client only.
func TeamsForm(f Form) TeamsDialog {
	card := newAdaptiveCard(nil)
	card.MSTeams = nil
	if f.Action.Valid() && ValidID(f.ID) {
		card.Actions = []any{action{
			Type: "Action.Submit", Title: noMacro(orWord(brief(oneLine(f.Submit), 75), "Send")), Style: "positive",
			Data: map[string]any{"action": string(f.Action), "id": f.ID},
		}}
	}
	inputs := newPage[any](teamsMaxCard-jsonBytes(card), teamsMaxElements, jsonBytes)
	seen := map[string]bool{}
	for _, in := range f.Inputs {
		el := teamsInput(in)
		if el == nil || seen[in.Name] {
			continue
		}
		seen[in.Name] = true
		if !inputs.try(el) {
			break
		}
		if h := oneLine(in.Hint); h != "" {
			inputs.try(smallPrint(cut(h, 300)))
		}
	}
	p := newPage[any](max(inputs.room-noteReserve, 0), inputs.slots-1, jsonBytes)
	for _, b := range f.Intro {
		teamsBody(&p, withoutButtons(b))
	}
	card.Body = finish(p, inputs.items, smallPrint)
	title := noMacro(orWord(brief(oneLine(f.Title), 60), "neobot"))
	return TeamsDialog{Title: title, Height: "medium", Width: "medium", Card: card.Attachment()}
}

// teamsInput renders one input, nil when it cannot be rendered.
func teamsInput(in Input) any {
	if !ValidInputName(in.Name) {
		return nil
	}
	id, label := teamsInputPrefix+in.Name, noMacro(orWord(brief(oneLine(in.Label), 150), in.Name))
	missing := ""
	if !in.Optional {
		missing = "Please fill this in"
	}
	switch in.Kind {
	case InputText, InputMultiline:
		limit := teamsMaxInput
		if in.Max > 0 && in.Max < limit {
			limit = in.Max
		}
		return textInput{
			Type: "Input.Text", ID: id, Label: label, Value: headUnits(inputValue(in), limit),
			IsMultiline: in.Kind == InputMultiline, IsRequired: !in.Optional, ErrorMessage: missing, MaxLength: limit,
		}
	case InputSelect:
		set := choiceSet{Type: "Input.ChoiceSet", ID: id, Label: label, Style: "compact", IsRequired: !in.Optional, ErrorMessage: missing}
		for _, o := range usableOptions(in.Options) {
			if strings.Contains(o.Value, ",") { // separates values in the answer
				continue
			}
			set.Choices = append(set.Choices, choice{Title: noMacro(o.Label), Value: o.Value})
			if o.Value == in.Value {
				set.Value = o.Value
			}
		}
		if len(set.Choices) == 0 {
			return nil
		}
		return set
	}
	return nil
}

// ParseTeamsAction reads a click: the verb of an Action.Execute, or "" for an
// Action.Submit or a dialog, and its data. inputs is nil unless the data holds
// inputs of a form. ok is false for anything Teams would not have rendered.
func ParseTeamsAction(verb string, data json.RawMessage) (a Action, id string, inputs map[string]string, ok bool) {
	var fields map[string]json.RawMessage
	if len(data) > 64<<10 || json.Unmarshal(data, &fields) != nil {
		return "", "", nil, false
	}
	var name string
	if json.Unmarshal(fields["action"], &name) != nil || json.Unmarshal(fields["id"], &id) != nil {
		return "", "", nil, false
	}
	a = Action(name)
	if !a.Valid() || !ValidID(id) || verb != "" && verb != name {
		return "", "", nil, false
	}
	for key, raw := range fields {
		input, found := strings.CutPrefix(key, teamsInputPrefix)
		if !found {
			continue // keys Teams adds
		}
		var value string
		if !ValidInputName(input) || json.Unmarshal(raw, &value) != nil || raw[0] != '"' {
			return "", "", nil, false
		}
		if inputs == nil {
			inputs = map[string]string{}
		}
		inputs[input] = value
	}
	return a, id, inputs, true
}
