package neoapi

import (
	"fmt"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// BodyField is one field of an operation's request body, as a form needs it.
type BodyField struct {
	Name        string
	Type        string // "string", "integer", "number", "boolean"; "json" for everything nested or open
	Required    bool
	Enum        []string
	Description string
}

// BodyFields are the fields of the request body, sorted by name; of several
// shapes the first. Empty when there is no body, or when its fields are not known.
func (o Operation) BodyFields() []BodyField {
	schema := o.Body
	if schema == nil {
		return nil
	}
	if len(schema.OneOf) > 0 {
		schema = schema.OneOf[0].Value
	}
	var out []BodyField
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		prop := schema.Properties[name].Value
		f := BodyField{Name: name, Type: fieldType(prop), Required: slices.Contains(schema.Required, name), Description: prop.Description}
		for _, v := range prop.Enum {
			f.Enum = append(f.Enum, fmt.Sprint(v))
		}
		out = append(out, f)
	}
	return out
}

func fieldType(s *openapi3.Schema) string {
	if s.Type == nil {
		for _, part := range s.AllOf { // a reference with a description of its own
			return fieldType(part.Value)
		}
		return "json"
	}
	for _, t := range []string{openapi3.TypeString, openapi3.TypeInteger, openapi3.TypeNumber, openapi3.TypeBoolean} {
		if s.Type.Includes(t) {
			return t
		}
	}
	return "json"
}
