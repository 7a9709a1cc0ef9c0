package intents

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"neobot/cards"
)

// diff lists the fields of after with their value before, for the card: what
// is shown is what runs. Nested objects are compared field by field, so that a
// long setting shows as the part that changes. Both are JSON objects.
func diff(before, after json.RawMessage) []cards.Change {
	var b, x map[string]json.RawMessage
	if json.Unmarshal(before, &b) != nil || json.Unmarshal(after, &x) != nil {
		return nil
	}
	var out []cards.Change
	for _, field := range slices.Sorted(maps.Keys(x)) {
		out = append(out, diffField(field, b[field], x[field])...)
	}
	return out
}

func diffField(name string, before, after json.RawMessage) []cards.Change {
	if sameJSON(before, after) {
		return nil
	}
	var b, x map[string]json.RawMessage
	if json.Unmarshal(before, &b) == nil && json.Unmarshal(after, &x) == nil && b != nil && x != nil {
		fields := map[string]bool{}
		for k := range b {
			fields[k] = true
		}
		for k := range x {
			fields[k] = true
		}
		var out []cards.Change
		for _, k := range slices.Sorted(maps.Keys(fields)) {
			out = append(out, diffField(name+"."+k, b[k], x[k])...)
		}
		return out
	}
	return []cards.Change{{Field: strings.ReplaceAll(name, "_", " "), Before: valueWords(before), After: valueWords(after)}}
}

// valueWords shows a JSON value as text: strings without quotes, null as
// nothing, objects as indented JSON.
func valueWords(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	if pretty, err := json.MarshalIndent(v, "", "  "); err == nil {
		return string(pretty)
	}
	return string(raw)
}
