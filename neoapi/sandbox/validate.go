package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// violationCap bounds the list of violations.
const violationCap = 200

// Violations lists what left the OpenAPI document, with Config.Validate: bad
// or undeclared parameters, bodies that do not fit, unknown paths, answers of
// undeclared status or shape. One line each, at most 200.
func (n *Neo) Violations() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.violations)
}

// watcher copies an answer while it is written, to check it at the end.
type watcher struct {
	http.ResponseWriter
	n      *Neo
	r      *http.Request
	op     *operation
	input  *openapi3filter.RequestValidationInput
	status int
	body   bytes.Buffer
}

// watch checks the request now and the answer in finish.
func (n *Neo) watch(w http.ResponseWriter, r *http.Request, op *operation, body []byte) *watcher {
	v := &watcher{ResponseWriter: w, n: n, r: r, op: op}
	if op.route == nil {
		v.report("request", fmt.Errorf("path is not in the document"))
		return v
	}
	for name := range r.URL.Query() {
		if !slices.ContainsFunc(op.params, func(p *openapi3.Parameter) bool { return p.In == "query" && p.Name == name }) {
			v.report("request", fmt.Errorf("undeclared query parameter %q", name))
		}
	}
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	v.input = &openapi3filter.RequestValidationInput{
		Request: copied, Route: op.route, PathParams: pathParams(op, r),
		QueryParams: url.Values(r.URL.Query()), Options: &openapi3filter.Options{
			MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), v.input); err != nil {
		v.report("request", err)
	}
	return v
}

func pathParams(op *operation, r *http.Request) map[string]string {
	out := map[string]string{}
	for _, p := range op.params {
		if p.In == "path" {
			out[p.Name] = r.PathValue(p.Name)
		}
	}
	return out
}

// WriteHeader remembers the status.
func (v *watcher) WriteHeader(status int) {
	v.status = status
	v.ResponseWriter.WriteHeader(status)
}

func (v *watcher) Write(b []byte) (int, error) {
	if v.body.Len() < maxBody {
		v.body.Write(b)
	}
	return v.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (v *watcher) Unwrap() http.ResponseWriter { return v.ResponseWriter }

// finish checks the answer. A dropped reply has none.
func (v *watcher) finish() {
	if v.input == nil || v.status == 0 {
		return
	}
	if v.Header().Get("Content-Type") == "text/event-stream" {
		v.input.Options.ExcludeResponseBody = true // a stream has no schema
	}
	in := &openapi3filter.ResponseValidationInput{RequestValidationInput: v.input, Status: v.status, Header: v.Header(), Options: v.input.Options}
	in.SetBodyBytes(v.body.Bytes())
	if err := openapi3filter.ValidateResponse(v.r.Context(), in); err != nil {
		v.report(fmt.Sprintf("response %d", v.status), err)
	}
}

// report adds a line, cut to one and to a readable length.
func (v *watcher) report(what string, err error) {
	line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s: %s: %v", v.op.id, v.r.Method, v.r.URL.Path, what, err)), " ")
	v.n.mu.Lock()
	defer v.n.mu.Unlock()
	if len(v.n.violations) < violationCap {
		v.n.violations = append(v.n.violations, cut(line, 600))
	}
}
