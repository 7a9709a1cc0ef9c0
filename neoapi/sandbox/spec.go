package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"neobot/neoapi"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// documentedLimit is the tenant's rate limit: requests per 60 seconds.
const documentedLimit = 1200

// document is the OpenAPI file, read once.
type document struct {
	spec *openapi3.T
	json json.RawMessage // as served
	ops  map[string]*operation
}

// operation is one operation of the document, ready to check requests.
type operation struct {
	id, method, path string
	open             bool // needs no credential
	write            bool
	success          int // documented success status
	invalid          int // status of a schema violation in the body
	params           []*openapi3.Parameter
	body             *openapi3.Schema
	bodyRequired     bool
	route            *routers.Route
}

// parsed holds documents by the SHA-256 of their text: reading one takes up to
// a third of a second, and a test process makes hundreds of sandboxes.
var parsed sync.Map

// parseDocument reads an OpenAPI file, YAML or JSON; an empty one is neoapi's
// own. A document is never changed after that, so it is shared.
func parseDocument(raw []byte) (*document, error) {
	if len(raw) == 0 {
		raw = neoapi.Document()
	}
	key := sha256.Sum256(raw)
	if d, ok := parsed.Load(key); ok {
		return d.(*document), nil
	}
	d, err := readDocument(raw)
	if err == nil {
		parsed.Store(key, d)
	}
	return d, err
}

func readDocument(raw []byte) (*document, error) {
	spec, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, fmt.Errorf("openapi file: %w", err)
	}
	served, err := spec.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("openapi file as JSON: %w", err)
	}
	d := &document{spec: spec, json: served, ops: map[string]*operation{}}
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			o := newOperation(method, path, op)
			o.route = &routers.Route{Spec: spec, Path: path, PathItem: item, Method: method, Operation: op}
			d.ops[o.id] = o
		}
	}
	return d, nil
}

func newOperation(method, path string, op *openapi3.Operation) *operation {
	o := &operation{
		id: op.OperationID, method: method, path: path,
		open:  op.Security != nil && len(*op.Security) == 0,
		write: op.Extensions["x-access"] != "read",
	}
	o.success, o.invalid = http.StatusOK, http.StatusUnprocessableEntity
	for _, status := range []int{http.StatusCreated, http.StatusAccepted} {
		if op.Responses.Value(strconv.Itoa(status)) != nil {
			o.success = status
		}
	}
	if declares(op, http.StatusBadRequest, "validation_error") {
		o.invalid = http.StatusBadRequest
	}
	for _, p := range op.Parameters {
		o.params = append(o.params, p.Value)
	}
	if op.RequestBody != nil {
		o.body = op.RequestBody.Value.Content.Get("application/json").Schema.Value
		o.bodyRequired = op.RequestBody.Value.Required
	}
	return o
}

// declares tells whether x-error-codes lists this status with this code.
func declares(op *openapi3.Operation, status int, code string) bool {
	list, _ := op.Extensions["x-error-codes"].([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		if m["code"] == code && fmt.Sprint(m["status"]) == strconv.Itoa(status) {
			return true
		}
	}
	return false
}

// check validates query parameters and body; it returns the parameters with
// their defaults filled in.
func (o *operation) check(query url.Values, body []byte) (url.Values, *apiError) {
	filled := url.Values{}
	var faults []fieldError
	for _, p := range o.params {
		if p.In != openapi3.ParameterInQuery {
			continue
		}
		text := query.Get(p.Name)
		if text == "" {
			if p.Required {
				faults = append(faults, fieldError{p.Name, "is required"})
			}
			if d := p.Schema.Value.Default; d != nil {
				text = fmt.Sprint(d)
			}
		} else if err := p.Schema.Value.VisitJSON(typed(p.Schema.Value, text)); err != nil {
			faults = append(faults, fieldError{p.Name, reason(err)})
		}
		filled.Set(p.Name, text)
	}
	if faults != nil {
		return nil, invalid(http.StatusBadRequest, faults...)
	}
	return filled, o.checkBody(body)
}

// typed reads a parameter the way its schema wants it, for the validator.
func typed(s *openapi3.Schema, text string) any {
	switch {
	case s.Type.Is("integer"):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return float64(n)
		}
	case s.Type.Is("boolean"):
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	}
	return text
}

func (o *operation) checkBody(body []byte) *apiError {
	if o.body == nil {
		return nil
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		if o.bodyRequired {
			return invalid(http.StatusBadRequest, fieldError{"body", "is required"})
		}
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return invalid(http.StatusBadRequest, fieldError{"body", "is not JSON"})
	}
	withKind(o, v)
	if err := o.body.VisitJSON(v, openapi3.MultiErrors(), openapi3.EnableFormatValidation()); err != nil {
		return invalid(o.invalid, fieldErrors(err)...)
	}
	return nil
}

// withKind fills in the documented default of the discriminator, which the
// validator insists on.
func withKind(o *operation, v any) {
	m, ok := v.(map[string]any)
	if !ok || o.body.Discriminator == nil {
		return
	}
	if _, ok := m[o.body.Discriminator.PropertyName]; !ok {
		m[o.body.Discriminator.PropertyName] = "CHAINED_ACTIONS"
	}
}

// fieldErrors flattens what the validator found.
func fieldErrors(err error) []fieldError {
	var many openapi3.MultiError
	if errors.As(err, &many) {
		var out []fieldError
		for _, e := range many {
			out = append(out, fieldErrors(e)...)
		}
		return out
	}
	var one *openapi3.SchemaError
	if errors.As(err, &one) {
		if inner := one.Unwrap(); inner != nil {
			var many openapi3.MultiError
			if errors.As(inner, &many) {
				return fieldErrors(inner)
			}
		}
		field := strings.Join(one.JSONPointer(), ".")
		if field == "" {
			field = "body"
		}
		return []fieldError{{field, one.Reason}}
	}
	return []fieldError{{"body", err.Error()}}
}

func reason(err error) string { return fieldErrors(err)[0].Message }
