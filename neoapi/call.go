package neoapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// request is one checked call, ready to be sent as often as its kind allows.
type request struct {
	op   Operation
	url  string
	body []byte
	raw  bool // the answer is taken as it is, JSON or not
}

// build checks arguments against the operation. An unknown argument is refused:
// Neo would ignore it and answer more than was asked for.
func (c *Client) build(op Operation, a Args) (request, error) {
	path, err := fillPath(op, a.Path)
	if err != nil {
		return request{}, err
	}
	if err := checkQuery(op, a.Query); err != nil {
		return request{}, err
	}
	switch {
	case len(a.Body) == 0 && op.BodyRequired:
		return request{}, badArgs(op, "body", "missing")
	case len(a.Body) > 0 && op.Body == nil:
		return request{}, badArgs(op, "body", "not taken")
	case len(a.Body) > 0 && !json.Valid(a.Body):
		return request{}, badArgs(op, "body", "not JSON")
	}
	full := c.base + path
	if len(a.Query) > 0 {
		full += "?" + a.Query.Encode()
	}
	return request{op: op, url: full, body: a.Body}, nil
}

// fillPath puts every value into its place of the path, escaped.
func fillPath(op Operation, values map[string]string) (string, error) {
	path := op.Path
	for _, p := range op.Params {
		if p.In != "path" {
			continue
		}
		v := values[p.Name]
		if why := badPart(v); why != "" {
			return "", badArgs(op, p.Name, why)
		}
		path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(v))
	}
	for name := range values {
		if _, ok := op.Param(name, "path"); !ok {
			return "", badArgs(op, name, "not a path parameter")
		}
	}
	return path, nil
}

// badPart says why a value cannot be one path part. Escaping keeps a slash from
// being a separator here, but a proxy on the way may unescape before it
// resolves dots, so dot segments are refused wherever they stand.
func badPart(v string) string {
	if v == "" {
		return "missing"
	}
	if len(v) > 512 || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
		return "too long or not text"
	}
	for _, seg := range strings.FieldsFunc("/"+v, func(r rune) bool { return r == '/' || r == '\\' }) {
		if seg == "." || seg == ".." {
			return "a dot segment"
		}
	}
	return ""
}

func checkQuery(op Operation, q url.Values) error {
	for name := range q {
		if _, ok := op.Param(name, "query"); !ok {
			return badArgs(op, name, "not a query parameter")
		}
	}
	for _, p := range op.Params {
		if p.In == "query" && p.Required && q.Get(p.Name) == "" {
			return badArgs(op, p.Name, "missing")
		}
	}
	return nil
}

// badArgs never repeats the value: it may be anything a person or a model wrote.
func badArgs(op Operation, name, why string) error {
	return fmt.Errorf("neo %s: %s: %s: %w", op.ID, name, why, ErrArgs)
}

// args of a change as they are sent.
func (c Change) args() Args {
	a := Args{Path: c.Path, Body: c.Body}
	if len(c.Query) > 0 {
		a.Query = url.Values{}
		for k, v := range c.Query {
			a.Query.Set(k, v)
		}
	}
	return a
}
