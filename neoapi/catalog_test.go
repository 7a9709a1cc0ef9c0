package neoapi

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

func mustCatalog(t testing.TB) *Catalog {
	t.Helper()
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEmbeddedMatchesItsFile(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(Document())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := mustCatalog(t)
	n := 0
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			n++
			op, ok := c.Operation(o.OperationID)
			if !ok || op.Method != method || op.Path != path {
				t.Errorf("%s %s: catalog has %s %s, %v", method, path, op.Method, op.Path, ok)
			}
		}
	}
	if n == 0 || n != len(c.Operations()) {
		t.Errorf("file has %d operations, catalog %d", n, len(c.Operations()))
	}
	if !slices.IsSorted(c.Groups()) || len(c.Groups()) != 29 {
		t.Errorf("groups: %d %v", len(c.Groups()), c.Groups())
	}
}

func TestEveryOperationIsClassified(t *testing.T) {
	t.Parallel()
	for _, op := range mustCatalog(t).Operations() {
		if op.Group == "" || op.Evidence == "" {
			t.Errorf("%s: group %q evidence %q", op.ID, op.Group, op.Evidence)
		}
		if (op.Access == Write) == (op.Risk == "") {
			t.Errorf("%s: access %q with risk %q", op.ID, op.Access, op.Risk)
		}
		if op.Method == "DELETE" && op.Risk != Destructive {
			t.Errorf("%s: a DELETE with risk %q", op.ID, op.Risk)
		}
		if op.Method != "GET" && op.Access == Read && !slices.Contains([]string{"verify_backfill", "resolve_install_branding"}, op.ID) {
			t.Errorf("%s: %s taken as a read", op.ID, op.Method)
		}
		for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(op.Path, -1) {
			if p, ok := op.Param(name[1], "path"); !ok || !p.Required {
				t.Errorf("%s: path part %s is no required parameter", op.ID, name[1])
			}
		}
	}
}

func TestOperationFields(t *testing.T) {
	t.Parallel()
	c := mustCatalog(t)
	op := func(id string) Operation {
		o, ok := c.Operation(id)
		if !ok {
			t.Fatalf("no %s", id)
		}
		return o
	}
	if o := op("update_agent"); o.Body == nil || !o.BodyRequired || o.Risk != Configuration || o.Method != "PUT" {
		t.Errorf("update_agent: %+v", o)
	}
	if o := op("run_agent_now"); o.RetrySafe || o.Risk != Routine || o.BodyRequired || o.Body == nil {
		t.Errorf("run_agent_now: %+v", o)
	}
	if o := op("decide_til_request"); !o.RetrySafe {
		t.Errorf("decide_til_request: retry %q", o.Retry)
	}
	if a, b := op("list_agents").Paged, op("list_scheduled_work").Paged; a != ByCursor || b != ByPage {
		t.Errorf("paging: %q %q", a, b)
	}
	if !op("tail_chat_events").Stream || op("get_agent").Stream {
		t.Error("stream flag")
	}
	if op("create_api_key").Requires == "" {
		t.Error("create_api_key: no requirement")
	}
	got, _ := op("get_agent_version_at").Param("timestamp", "query")
	if diff := cmp.Diff(Param{Name: "timestamp", In: "query", Required: true, Type: "string"}, got,
		cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Description" }, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
	if _, ok := c.Operation("drop_everything"); ok {
		t.Error("unknown operation found")
	}
}

// A file or a table that do not fit each other must not become a catalog.
func TestCatalogRefuses(t *testing.T) {
	t.Parallel()
	spec := string(Document())
	tests := map[string]struct{ spec, table, want string }{
		"no row":          {spec, strings.Replace(reviewed, "list_agents\tagents\tread\t-\t\n", "", 1), `no row for "list_agents"`},
		"no operation":    {spec, reviewed + "\nfly\tagents\tread\t-\t\n", `no operation "fly"`},
		"row twice":       {spec, reviewed + "\nget_agent\tagents\tread\t-\t\n", "twice"},
		"wrong group":     {spec, strings.Replace(reviewed, "list_agents\tagents", "list_agents\tbilling", 1), `group "billing"`},
		"wrong access":    {spec, strings.Replace(reviewed, "delete_agent\tagents\twrite\tdestructive", "delete_agent\tagents\tread\t-", 1), `access "read"`},
		"write no risk":   {spec, strings.Replace(reviewed, "write\tdestructive", "write\t-", 1), `risk "-"`},
		"unknown risk":    {spec, strings.Replace(reviewed, "write\tdestructive", "write\tfine", 1), `risk "fine"`},
		"missing column":  {spec, reviewed + "\nfly\tagents\tread\n", "3 columns"},
		"access not told": {strings.Replace(spec, "x-access: write", "x-access: maybe", 1), reviewed, `x-access is "maybe"`},
		"not openapi":     {"{", reviewed, "openapi file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseCatalog([]byte(tt.spec), tt.table)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Level{"disabled": Disabled, "read_only": ReadOnly, "read_write": ReadWrite} {
		got, err := ParseLevel(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "admin", "Read_Only", "READ_WRITE", "2"} {
		if got, err := ParseLevel(text); err == nil || got != Disabled {
			t.Errorf("%q: %v, no error", text, got)
		}
	}
}

func TestScopeCheck(t *testing.T) {
	t.Parallel()
	c := mustCatalog(t)
	tests := map[string]struct {
		scope Scope
		op    string
		ok    bool
	}{
		"nil scope":         {nil, "list_agents", false},
		"other group":       {Scope{"billing": ReadWrite}, "list_agents", false},
		"read with read":    {Scope{"agents": ReadOnly}, "list_agents", true},
		"write with read":   {Scope{"agents": ReadOnly}, "update_agent", false},
		"write with write":  {Scope{"agents": ReadWrite}, "update_agent", true},
		"POST that reads":   {Scope{"backfills": ReadOnly}, "verify_backfill", true},
		"unknown operation": {Scope{"agents": ReadWrite, "": ReadWrite}, "nothing", false},
	}
	for name, tt := range tests {
		op, _ := c.Operation(tt.op)
		if err := tt.scope.Check(op); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	low := Lowest(Scope{"agents": ReadWrite, "billing": ReadOnly, "chat": ReadWrite}, Scope{"agents": ReadOnly, "chat": ReadWrite})
	if diff := cmp.Diff(Scope{"agents": ReadOnly, "chat": ReadWrite}, low); diff != "" {
		t.Error(diff)
	}
	if len(Lowest()) != 0 {
		t.Error("no scopes allow something")
	}
}
