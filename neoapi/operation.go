package neoapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// row is one line of operations.tsv.
type row struct {
	group  Group
	access Access
	risk   Risk
	note   string
}

// parseTable reads operations.tsv: five tab separated columns, # for comments.
func parseTable(text string) (map[string]row, error) {
	rows := map[string]row{}
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		col := strings.Split(line, "\t")
		if len(col) != 5 {
			return nil, fmt.Errorf("operations.tsv line %d: %d columns, want 5", i+1, len(col))
		}
		if _, dup := rows[col[0]]; dup {
			return nil, fmt.Errorf("operations.tsv line %d: %s is there twice", i+1, col[0])
		}
		r := row{group: Group(col[1]), access: Access(col[2]), risk: Risk(col[3]), note: col[4]}
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("operations.tsv line %d: %w", i+1, err)
		}
		if r.access == Read {
			r.risk = ""
		}
		rows[col[0]] = r
	}
	return rows, nil
}

func (r row) check() error {
	switch r.risk {
	case Routine, Configuration, Destructive:
		if r.access == Write {
			return nil
		}
	case "-":
		if r.access == Read {
			return nil
		}
	}
	return fmt.Errorf("access %q with risk %q", r.access, r.risk)
}

// review takes group and risk from the table and checks the rest of the row
// against the file.
func (o *Operation) review(rows map[string]row) error {
	r, ok := rows[o.ID]
	switch {
	case !ok:
		return fmt.Errorf("operations.tsv has no row for %q", o.ID)
	case r.group != slug(o.Tag):
		return fmt.Errorf("group %q in operations.tsv, but the tag is %q", r.group, o.Tag)
	case r.access != o.Access:
		return fmt.Errorf("access %q in operations.tsv, but x-access is %q", r.access, o.Access)
	case r.access == Read && o.Method != "GET" && r.note == "":
		return errors.New("a read that is not a GET needs a note in operations.tsv")
	}
	o.Group, o.Risk, o.Note = r.group, r.risk, r.note
	return nil
}

// slug of a tag: letters and digits in lower case, one _ for all between them.
func slug(tag string) Group {
	parts := strings.FieldsFunc(strings.ToLower(tag), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return Group(strings.Join(parts, "_"))
}

// newOperation reads one operation of the file.
func newOperation(method, path string, item *openapi3.PathItem, o *openapi3.Operation) (Operation, error) {
	op := Operation{
		ID: o.OperationID, Method: method, Path: path, Summary: o.Summary, Description: o.Description,
		Access:   Access(extension(o, "x-access")),
		Evidence: extension(o, "x-evidence"), Confidence: extension(o, "x-confidence"),
		Requires: extension(o, "x-requires"), Retry: extension(o, "x-retry"),
	}
	if op.ID == "" || len(o.Tags) != 1 || !strings.HasPrefix(path, PathPrefix+"/") {
		return op, errors.New("needs an operationId, exactly one tag and a path under " + PathPrefix)
	}
	op.Tag = o.Tags[0]
	op.RetrySafe = op.Access == Read || strings.HasPrefix(op.Retry, "safe") || strings.HasPrefix(op.Retry, "idempotent")
	for _, ref := range append(append(openapi3.Parameters{}, item.Parameters...), o.Parameters...) {
		op.Params = append(op.Params, newParam(ref.Value))
	}
	if o.RequestBody != nil {
		op.BodyRequired = o.RequestBody.Value.Required
		if media := o.RequestBody.Value.Content.Get("application/json"); media != nil && media.Schema != nil {
			op.Body = media.Schema.Value
		}
	}
	op.Paged, op.Stream = paging(op), streams(o)
	return op, nil
}

func newParam(p *openapi3.Parameter) Param {
	out := Param{Name: p.Name, In: p.In, Required: p.Required, Description: p.Description}
	if p.Schema == nil || p.Schema.Value == nil {
		return out
	}
	for _, t := range p.Schema.Value.Type.Slice() {
		if t != openapi3.TypeNull {
			out.Type = t
			break
		}
	}
	for _, v := range p.Schema.Value.Enum {
		out.Enum = append(out.Enum, fmt.Sprint(v))
	}
	return out
}

func paging(op Operation) string {
	if _, ok := op.Param("cursor", "query"); ok {
		return ByCursor
	}
	if _, ok := op.Param("page", "query"); ok {
		return ByPage
	}
	return ""
}

func streams(o *openapi3.Operation) bool {
	for _, r := range o.Responses.Map() {
		if r.Value != nil && r.Value.Content["text/event-stream"] != nil {
			return true
		}
	}
	return false
}

// extension is a string extension of an operation, empty when it is not there.
func extension(o *openapi3.Operation, name string) string {
	s, _ := o.Extensions[name].(string)
	return s
}
