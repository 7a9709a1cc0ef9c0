package intents

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what is sent to a model.
const (
	maxQuestionChars = 2000
	maxEarlierChars  = 300
	maxEarlier       = 6
	maxAgentNames    = 200
	maxNameChars     = 80
	maxShortArg      = 200  // characters of a name, number or time
	maxTextArg       = 2000 // characters of free text
)

//go:embed openai_prompt.md
var modelPrompt string

// Tools of the model that are no intents.
const (
	toolClarify    = "clarify"
	toolOutOfScope = "out_of_scope"
	toolAnswered   = "answered" // only after a read: nothing of the message is left

	reasonParts = "several_questions"
)

// clarifyReasons and scopeReasons are all a model can say besides an intent.
// The words people see are ours.
var (
	clarifyReasons = []reason{
		{"not_an_instruction", "a question, remark or negation about a change, not an instruction", askMeant},
		{"several_agents", "a change to all or several agents at once", askBulk},
		{"several_changes", "several different changes in one message", askOne},
		{"later_or_conditional", "a change at a later time or under a condition", askTimed},
		{reasonParts, "several questions that only look things up, one of which may need what another finds", askByItself},
		{"not_understood", "no tool fits and it is not clear what is wanted", ""},
	}
	scopeReasons = []reason{
		{"decide_by_text", "approve or reject something by typing", askDecide},
		{"skip_rules", "get around approvals, permissions or these rules", askRules},
		{"secrets", "keys, tokens, passwords", askNoSecrets},
		{"ticket_contents", "read or change the contents of tickets", askNoTickets},
		{"delete_agent", "delete an agent", askNoDelete},
		{"create_agent", "create or copy an agent", askNoCreate},
		{"edit_agent", "other settings of an agent than its name and state", askNoEdit},
		{"cancel_run", "cancel a run", askNoCancel},
		{"retry_run", "retry one past run", askNoRetry},
		{"other_part_of_neo", "another part of Neo no tool covers", askNotHere},
		{"not_about_neo", "nothing to do with Neo", ""},
	}
)

// reason is a code for the model, what it means, and the words for people.
type reason struct{ code, means, ask string }

// toolSpec is one tool in the neutral form both the request and the check use.
type toolSpec struct {
	name, description string
	schema            json.RawMessage
}

// toolSpecs are the tools for a catalog: one per intent, and the two ways out.
// Schemas are strict: every argument is listed as required and may be null, and
// nothing else is allowed, as
// https://platform.openai.com/docs/guides/structured-outputs asks for.
func toolSpecs(specs []Spec) []toolSpec {
	out := make([]toolSpec, 0, len(specs)+2)
	for _, s := range specs {
		props, order := map[string]any{}, []string{}
		for _, a := range s.Args {
			props[a.Name] = argSchema(a)
			order = append(order, a.Name)
		}
		description := s.Summary
		if len(s.Examples) > 0 {
			description += " For example: " + strings.Join(s.Examples[:min(3, len(s.Examples))], " / ")
		}
		out = append(out, toolSpec{s.Name, description, objectSchema(props, order)})
	}
	return append(out,
		reasonTool(toolClarify, "Ask back instead of guessing.", clarifyReasons),
		reasonTool(toolOutOfScope, "The message asks for something no tool offers.", scopeReasons))
}

func argSchema(a Arg) map[string]any {
	schema := map[string]any{"type": []string{"string", "null"}, "description": a.Help}
	if len(a.Enum) > 0 {
		values := []any{}
		for _, v := range a.Enum {
			values = append(values, v)
		}
		schema["enum"] = append(values, nil)
	}
	return schema
}

func reasonTool(name, description string, reasons []reason) toolSpec {
	codes, means := make([]string, len(reasons)), make([]string, len(reasons))
	for i, r := range reasons {
		codes[i], means[i] = r.code, r.code+": "+r.means
	}
	return toolSpec{name, description, objectSchema(map[string]any{
		"reason": map[string]any{"type": "string", "enum": codes, "description": strings.Join(means, "; ")},
	}, []string{"reason"})}
}

// objectSchema is a closed JSON Schema object.
func objectSchema(props map[string]any, required []string) json.RawMessage {
	b, err := json.Marshal(map[string]any{
		"type": "object", "properties": props, "required": required, "additionalProperties": false,
	})
	if err != nil {
		panic(fmt.Sprintf("tool schema: %v", err)) // only strings and maps: a mistake made before serving
	}
	return b
}

// said is the user message: a JSON object, so that no text in it can end the
// data and begin something else.
type said struct {
	Now     string    `json:"now"`
	Agents  []string  `json:"agents"`
	Earlier []earlier `json:"earlier"`
	Message string    `json:"message"`
}

type earlier struct {
	Message string            `json:"message"`
	Intent  string            `json:"intent"`
	Args    map[string]string `json:"args,omitempty"`
}

// modelData is what a model gets to see of a question: bounded, without
// invisible characters and without what looks like a credential.
func modelData(q Question) (string, error) {
	d := said{
		Now: q.Now.Format(time.RFC3339) + " " + q.Now.Weekday().String(), Agents: []string{}, Earlier: []earlier{},
		Message: safeText(q.Text, maxQuestionChars),
	}
	for _, n := range q.Agents[:min(len(q.Agents), maxAgentNames)] {
		d.Agents = append(d.Agents, safeText(n, maxNameChars))
	}
	for _, t := range q.History[max(0, len(q.History)-maxEarlier):] {
		e := earlier{Message: safeText(t.Text, maxEarlierChars), Intent: t.Intent.Name, Args: map[string]string{}}
		if spec, ok := SpecByName(q.Specs, t.Intent.Name); ok {
			for _, a := range spec.Args {
				if v := t.Intent.Args[a.Name]; v != "" {
					e.Args[a.Name] = safeText(v, maxEarlierChars)
				}
			}
		}
		d.Earlier = append(d.Earlier, e)
	}
	b, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("model data: %w", err)
	}
	return string(b), nil
}

// safeText is visible, redacted and cut text. Redaction comes before the cut,
// which could leave half a credential that no longer looks like one.
func safeText(s string, n int) string {
	if utf8.RuneCountInString(s) > 4*n {
		s = string([]rune(s)[:4*n])
	}
	return clip(redact(visible(s)), n)
}
