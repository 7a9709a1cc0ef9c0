package neoapi

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// StringID is an id that Neo writes as a string in some places and as a number
// in others. It is kept as text; null and anything else read as empty.
type StringID string

// UnmarshalJSON never fails, so that one odd id does not cost a whole list.
func (id *StringID) UnmarshalJSON(b []byte) error {
	*id = ""
	var text string
	var num json.Number
	switch {
	case json.Unmarshal(b, &text) == nil && b[0] == '"':
		*id = StringID(text)
	case json.Unmarshal(b, &num) == nil:
		*id = StringID(num)
	}
	return nil
}

// Time is a time that Neo writes in RFC 3339 or without a zone, which is taken
// as UTC. What cannot be read is the zero time.
type Time struct{ time.Time }

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly}

// UnmarshalJSON never fails, like StringID's.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	text := strings.Trim(string(b), `"`)
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			t.Time = at
			return nil
		}
	}
	return nil
}

// lenient decodes JSON and leaves a field of an unexpected type empty: the API
// is additive, and its pages do not show every type. Only text that is not JSON
// is an error.
func lenient(b []byte, into any) error {
	err := json.Unmarshal(b, into)
	var odd *json.UnmarshalTypeError
	if errors.As(err, &odd) && odd.Field != "" {
		return nil
	}
	return err
}
