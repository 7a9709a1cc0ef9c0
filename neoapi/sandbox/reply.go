package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// reply is what a handler answers. Status 0 is the documented success status.
type reply struct {
	data     any
	page     *pagination
	warnings []string
	raw      bool // no envelope
	stream   func(http.ResponseWriter, *http.Request)
}

type pagination struct {
	HasMore    bool    `json:"has_more"`
	NextCursor *string `json:"next_cursor"`
}

type meta struct {
	RequestID  string             `json:"request_id"`
	Timings    map[string]float64 `json:"timings_ms,omitempty"`
	Pagination *pagination        `json:"pagination,omitempty"`
	Warnings   []string           `json:"warnings,omitempty"`
	// Region is in no documentation: clients have to ignore what they do not know.
	Region string `json:"served_by_region,omitempty"`
}

// apiError is a refusal with its status and machine code.
type apiError struct {
	status     int
	code       string
	message    string
	details    map[string]any
	retryAfter time.Duration
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.message) }

func refuse(status int, code, message string) *apiError {
	return &apiError{status: status, code: code, message: message}
}

func notFound(what string) *apiError {
	return refuse(http.StatusNotFound, "NOT_FOUND", what+" not found")
}

func conflict(code, message string) *apiError {
	return refuse(http.StatusConflict, code, message)
}

// fault in one parameter or body field.
type fieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// invalid is a validation error about one or more fields.
func invalid(status int, faults ...fieldError) *apiError {
	message := "Validation failed"
	if len(faults) == 1 {
		message = faults[0].Field + " " + faults[0].Message
	}
	return &apiError{status: status, code: "validation_error", message: message, details: map[string]any{"errors": faults}}
}

func badParameter(name, message string) *apiError {
	return invalid(http.StatusBadRequest, fieldError{name, message})
}

func unprocessable(field, message string) *apiError {
	return invalid(http.StatusUnprocessableEntity, fieldError{field, message})
}

// encode renders a reply or an error. It runs under the lock, because replies
// point into the state.
func encode(r reply, failure *apiError, m meta) ([]byte, error) {
	var v any
	switch {
	case failure != nil:
		v = map[string]any{"error": errorBody(failure), "meta": meta{RequestID: m.RequestID}}
	case r.raw:
		v = r.data
	default:
		v = struct {
			Data any  `json:"data"`
			Meta meta `json:"meta"`
		}{r.data, m}
	}
	if b, ok := v.(json.RawMessage); ok {
		return b, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as sent: clients must cope with raw "<!channel>"
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func errorBody(e *apiError) map[string]any {
	body := map[string]any{"code": e.code, "message": e.message}
	if e.details != nil {
		body["details"] = e.details
	}
	return body
}
