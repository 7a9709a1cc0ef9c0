package neoapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Drift is how the OpenAPI file that Neo serves differs from the embedded one.
type Drift struct {
	At      time.Time
	Version string           // info.version of the served file
	Missing []string         // ids of our operations that are not served: they answer ErrUnavailable
	New     []string         // "GET /public-api/..." served but unknown to us: they cannot be called
	Changed []OperationDrift // served with other parameters or another body
}

// OperationDrift says in words what is different about one operation.
type OperationDrift struct {
	Op   string
	What []string
}

// Empty reports whether the files agree.
func (d Drift) Empty() bool { return len(d.Missing)+len(d.New)+len(d.Changed) == 0 }

// ErrNotSpec means that what was served is not the file of this API.
var ErrNotSpec = errors.New("not an OpenAPI file of this API")

// Drift reads the file that this Neo serves, compares it with the embedded one
// and from then on answers ErrUnavailable for operations that are missing there.
// Run it at start and daily. On any error what was known before stays in force.
// It is the bot's own call and needs no scope.
func (c *Client) Drift(ctx context.Context) (Drift, error) {
	op, err := c.operation("get_openapi_document")
	if err != nil {
		return Drift{}, err
	}
	r, err := c.build(op, Args{})
	if err != nil {
		return Drift{}, err
	}
	r.raw = true
	resp, err := c.read(ctx, r)
	if err != nil {
		return Drift{}, err
	}
	live, err := parseServed(resp.Data)
	if err != nil {
		return Drift{}, fmt.Errorf("neo %s: %w", op.ID, err)
	}
	d, err := c.catalog.compare(live)
	if err != nil {
		return Drift{}, fmt.Errorf("neo %s: %w", op.ID, err)
	}
	d.At = c.now()
	missing := map[string]bool{}
	for _, id := range d.Missing {
		missing[id] = true
	}
	c.missing.Store(&missing)
	return d, nil
}

// served is the part of an OpenAPI file that is compared. It is read by hand,
// so that a file in a dialect that a strict parser refuses still tells what is offered.
type served struct {
	OpenAPI    string                `json:"openapi" yaml:"openapi"`
	Info       servedInfo            `json:"info" yaml:"info"`
	Paths      map[string]servedPath `json:"paths" yaml:"paths"`
	Components servedComponents      `json:"components" yaml:"components"`
}

type servedInfo struct {
	Version string `json:"version" yaml:"version"`
}

type servedComponents struct {
	Parameters    map[string]servedParam `json:"parameters" yaml:"parameters"`
	RequestBodies map[string]servedBody  `json:"requestBodies" yaml:"requestBodies"`
}

type servedPath struct {
	Parameters []servedParam    `json:"parameters" yaml:"parameters"`
	Get        *servedOperation `json:"get" yaml:"get"`
	Put        *servedOperation `json:"put" yaml:"put"`
	Post       *servedOperation `json:"post" yaml:"post"`
	Patch      *servedOperation `json:"patch" yaml:"patch"`
	Delete     *servedOperation `json:"delete" yaml:"delete"`
}

type servedOperation struct {
	Parameters []servedParam `json:"parameters" yaml:"parameters"`
	Body       *servedBody   `json:"requestBody" yaml:"requestBody"`
}

type servedParam struct {
	Ref      string `json:"$ref" yaml:"$ref"`
	Name     string `json:"name" yaml:"name"`
	In       string `json:"in" yaml:"in"`
	Required bool   `json:"required" yaml:"required"`
}

type servedBody struct {
	Ref      string `json:"$ref" yaml:"$ref"`
	Required bool   `json:"required" yaml:"required"`
}

// parseServed takes JSON, with or without Neo's envelope, or YAML.
func parseServed(b []byte) (served, error) {
	var s served
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		var in Response
		in.Data = b
		_ = in.unwrap(b) // what is not JSON fails on the next line
		err = json.Unmarshal(in.Data, &s)
	} else {
		err = yaml.Unmarshal(b, &s)
	}
	if err != nil {
		return served{}, fmt.Errorf("%w: %w", ErrNotSpec, err)
	}
	if !strings.HasPrefix(s.OpenAPI, "3.") || len(s.Paths) == 0 {
		return served{}, ErrNotSpec
	}
	return s, nil
}

// route is method and path as both files can be compared by: without the prefix,
// which may be in the server address, and without names of path parameters.
func route(method, path string) string {
	path = strings.TrimSuffix(strings.TrimPrefix(path, PathPrefix), "/")
	return method + " " + pathParam.ReplaceAllString(path, "{}")
}

var pathParam = regexp.MustCompile(`\{[^}]*\}`)

type servedRoute struct {
	shown string          // for people
	query map[string]bool // name to required
	body  *servedBody
}

func (s served) routes() map[string]servedRoute {
	out := map[string]servedRoute{}
	for path, item := range s.Paths {
		for method, o := range map[string]*servedOperation{
			"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete,
		} {
			if o == nil {
				continue
			}
			r := servedRoute{shown: method + " " + path, query: map[string]bool{}, body: s.body(o.Body)}
			for _, p := range slices.Concat(item.Parameters, o.Parameters) {
				if p = s.param(p); p.In == "query" {
					r.query[p.Name] = p.Required
				}
			}
			out[route(method, path)] = r
		}
	}
	return out
}

// param follows one reference, as far as files in practice go.
func (s served) param(p servedParam) servedParam {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
		return s.Components.Parameters[name]
	}
	return p
}

func (s served) body(b *servedBody) *servedBody {
	if b == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(b.Ref, "#/components/requestBodies/"); ok {
		found := s.Components.RequestBodies[name]
		return &found
	}
	return b
}

// compare refuses a file in which none of our operations is found: that is
// another API or a login page, and no reason to switch everything off.
func (c *Catalog) compare(s served) (Drift, error) {
	d := Drift{Version: s.Info.Version}
	live := s.routes()
	matched := 0
	for _, op := range c.sorted {
		r, ok := live[route(op.Method, op.Path)]
		delete(live, route(op.Method, op.Path))
		switch {
		case ok:
			matched++
			if what := op.differs(r); len(what) > 0 {
				d.Changed = append(d.Changed, OperationDrift{Op: op.ID, What: what})
			}
		case op.Group != metaGroup: // many servers leave their own file and health out of it
			d.Missing = append(d.Missing, op.ID)
		}
	}
	if matched == 0 {
		return Drift{}, ErrNotSpec
	}
	for _, r := range live {
		d.New = append(d.New, r.shown)
	}
	slices.Sort(d.Missing)
	slices.Sort(d.New)
	return d, nil
}

const metaGroup Group = "meta"

func (o Operation) differs(r servedRoute) (what []string) {
	for _, p := range o.Params {
		if p.In != "query" {
			continue
		}
		required, ok := r.query[p.Name]
		switch {
		case !ok:
			what = append(what, "parameter "+p.Name+" is gone")
		case required && !p.Required:
			what = append(what, "parameter "+p.Name+" is required now")
		case !required && p.Required:
			what = append(what, "parameter "+p.Name+" is optional now")
		}
	}
	for name, required := range r.query {
		if _, ok := o.Param(name, "query"); !ok {
			what = append(what, "parameter "+name+" is new"+map[bool]string{true: " and required"}[required])
		}
	}
	switch {
	case r.body == nil && o.Body != nil:
		what = append(what, "takes no body any more")
	case r.body != nil && r.body.Required && !o.BodyRequired:
		what = append(what, "body is required now")
	case r.body != nil && o.Body == nil:
		what = append(what, "takes a body now")
	case r.body != nil && !r.body.Required && o.BodyRequired:
		what = append(what, "body is optional now")
	}
	slices.Sort(what)
	return what
}
