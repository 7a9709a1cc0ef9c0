package neoapi

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed openapi.yaml
var document []byte

//go:embed operations.tsv
var reviewed string

// PathPrefix is where every path of Neo's public API starts.
const PathPrefix = "/public-api"

// Paging styles of a list.
const (
	ByCursor = "cursor" // page_size and an opaque cursor
	ByPage   = "page"   // page_size and a page number that starts at 1
)

// Document is a copy of the embedded OpenAPI 3.1 file, in YAML.
func Document() []byte { return slices.Clone(document) }

// Param is one parameter of an operation.
type Param struct {
	Name        string
	In          string // "path", "query" or "header"
	Required    bool
	Type        string // "string", "integer", "boolean", ...; empty when the file does not say
	Enum        []string
	Description string
}

// Operation is one call that Neo offers, from the OpenAPI file and the reviewed
// table operations.tsv.
type Operation struct {
	ID, Method, Path     string // Path with {name} parts, starting with PathPrefix
	Tag                  string
	Summary, Description string

	Group  Group
	Access Access
	Risk   Risk   // empty for reads
	Note   string // of the reviewed table: why this risk

	// How sure we are that Neo offers it like this. Evidence is "page" or
	// "inferred"; Confidence ("high", "medium", "low") comes with "inferred".
	Evidence, Confidence string
	Requires             string // a condition on the caller that a tenant key may not meet

	Params       []Param
	BodyRequired bool
	Body         *openapi3.Schema // nil: takes no body
	Paged        string           // ByCursor, ByPage or empty
	Stream       bool             // answers with an event stream, which Session.Read does not take
	Retry        string           // what the file says about repeating the call, for people
	RetrySafe    bool             // a repeat has no second effect; true for reads
}

// Param by name and place.
func (o Operation) Param(name, in string) (Param, bool) {
	for _, p := range o.Params {
		if p.Name == name && p.In == in {
			return p, true
		}
	}
	return Param{}, false
}

// Catalog is every operation of one OpenAPI file. It is immutable and safe for
// concurrent use.
type Catalog struct {
	byID   map[string]Operation
	sorted []Operation
	groups []Group
}

// Embedded is the catalog of the embedded file. It is parsed once per process.
func Embedded() (*Catalog, error) { return embedded() }

var embedded = sync.OnceValues(func() (*Catalog, error) { return parseCatalog(document, reviewed) })

// Operation by its id. ok is false for an id that the file does not have.
func (c *Catalog) Operation(id string) (op Operation, ok bool) {
	op, ok = c.byID[id]
	return op, ok
}

// Operations is all of them, sorted by group, then path, then method.
func (c *Catalog) Operations() []Operation { return slices.Clone(c.sorted) }

// Groups is every permission group, sorted.
func (c *Catalog) Groups() []Group { return slices.Clone(c.groups) }

// parseCatalog joins an OpenAPI file with the reviewed table. An operation
// without a row, a row without an operation and any disagreement is an error,
// so a new operation cannot be reached before somebody decided about it.
func parseCatalog(spec []byte, table string) (*Catalog, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, fmt.Errorf("openapi file: %w", err)
	}
	rows, err := parseTable(table)
	if err != nil {
		return nil, err
	}
	c := &Catalog{byID: map[string]Operation{}}
	var faults []error
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			op, err := newOperation(method, path, item, o)
			if err == nil {
				err = op.review(rows)
			}
			if _, dup := c.byID[op.ID]; dup {
				err = fmt.Errorf("operation id %q is there twice", op.ID)
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("%s %s: %w", method, path, err))
				continue
			}
			delete(rows, op.ID)
			c.byID[op.ID] = op
			c.sorted = append(c.sorted, op)
		}
	}
	for id := range rows {
		faults = append(faults, fmt.Errorf("operations.tsv: no operation %q in the openapi file", id))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	c.sort()
	return c, nil
}

func (c *Catalog) sort() {
	slices.SortFunc(c.sorted, func(a, b Operation) int {
		return strings.Compare(string(a.Group)+" "+a.Path+" "+a.Method, string(b.Group)+" "+b.Path+" "+b.Method)
	})
	for _, op := range c.sorted {
		if !slices.Contains(c.groups, op.Group) {
			c.groups = append(c.groups, op.Group)
		}
	}
}
