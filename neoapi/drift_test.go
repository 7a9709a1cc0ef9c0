package neoapi

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// servedFile is the embedded file, changed, as JSON.
func servedFile(t testing.TB, change func(paths map[string]any)) string {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal(Document(), &doc); err != nil {
		t.Fatal(err)
	}
	paths, _ := doc["paths"].(map[string]any)
	change(paths)
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func dig(t testing.TB, v any, keys ...string) map[string]any {
	t.Helper()
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is not there", keys)
	}
	return m
}

func TestDriftOfTheSameFile(t *testing.T) {
	t.Parallel()
	same := servedFile(t, func(map[string]any) {})
	prefixless := servedFile(t, func(p map[string]any) {
		for path, item := range maps.Clone(p) {
			delete(p, path)
			p[strings.ReplaceAll(strings.TrimPrefix(path, PathPrefix), "agent_id", "id")+"/"] = item
		}
	})
	for name, body := range map[string]string{
		"yaml": string(Document()), "json": same, "envelope": `{"data":` + same + `,"meta":{"request_id":"1"}}`,
		"paths without prefix": prefixless,
	} {
		neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		c := newTestClient(t, neo.URL)
		d, err := c.Drift(t.Context())
		if err != nil || !d.Empty() || d.Version != "1.0.0" || !d.At.Equal(c.clock.Now()) {
			t.Errorf("%s: %+v %v", name, d, err)
		}
	}
}

func TestDriftFindsDifferences(t *testing.T) {
	t.Parallel()
	body := servedFile(t, func(p map[string]any) {
		delete(p, "/public-api/rmm-scripts")
		delete(dig(t, p, "/public-api/agents/{agent_id}"), "delete")
		delete(p, "/public-api/health") // often left out of the file: no reason to switch it off
		p["/public-api/labels"] = map[string]any{"get": map[string]any{"responses": map[string]any{}}}
		agents := dig(t, p, "/public-api/agents", "get")
		agents["parameters"] = []any{
			map[string]any{"name": "state", "in": "query", "required": true},
			map[string]any{"name": "label", "in": "query"},
			map[string]any{"$ref": "#/components/parameters/PageSize"},
		}
		dig(t, p, "/public-api/agents/{agent_id}/run-now", "post", "requestBody")["required"] = true
	})
	up := true
	neo := newFakeNeo(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/public-api/openapi.json":
			page(w, []int{}, "")
		case up:
			_, _ = io.WriteString(w, body)
		default:
			refuse(w, 404, "not_found")
		}
	})
	c := newTestClient(t, neo.URL)
	s := c.Session(everything(t))
	if err := s.Allowed("delete_agent"); err != nil {
		t.Fatalf("before: %v", err)
	}
	d, err := c.Drift(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Drift{
		At: c.clock.Now(), Version: "1.0.0",
		Missing: []string{"delete_agent", "list_rmm_script_executions"},
		New:     []string{"GET /public-api/labels"},
		Changed: []OperationDrift{
			{Op: "list_agents", What: []string{"parameter cursor is gone", "parameter label is new", "parameter state is required now"}},
			{Op: "run_agent_now", What: []string{"body is required now"}},
		},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	up = false // unreachable later: what was found stays in force
	if _, err := c.Drift(t.Context()); err == nil {
		t.Error("a 404 is a file")
	}
	sent := len(neo.requests())
	remove := Change{Op: "delete_agent", Path: map[string]string{"agent_id": "1"}}
	if _, err := s.Apply(t.Context(), remove, mint(t, remove, false)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("write: %v", err)
	}
	if _, err := s.Read(t.Context(), "list_rmm_script_executions", Args{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	if n := len(neo.requests()); n != sent {
		t.Errorf("%d requests for operations that are not there", n-sent)
	}
	if _, err := s.Read(t.Context(), "list_templates", Args{}); err != nil {
		t.Errorf("others: %v", err)
	}
	// Who may not use it is told that, and not whether it is there.
	var scopeErr *ScopeError
	if err := c.Session(nil).Allowed("delete_agent"); !errors.As(err, &scopeErr) {
		t.Errorf("got %v", err)
	}
}

// Nothing that is not this API's file may switch operations off.
func TestDriftRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"login page": "<html><body>Sign in</body></html>",
		"empty":      "",
		"no paths":   `{"openapi":"3.1.0","paths":{}}`,
		"swagger 2":  `{"swagger":"2.0","paths":{"/public-api/agents":{"get":{}}}}`,
		"other API":  `{"openapi":"3.1.0","paths":{"/pets":{"get":{}}}}`,
		"cut":        servedFile(t, func(map[string]any) {})[:5000],
		"odd types":  `{"openapi":"3.1.0","paths":[1,2]}`,
	} {
		neo := newFakeNeo(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		c := newTestClient(t, neo.URL)
		if d, err := c.Drift(t.Context()); !errors.Is(err, ErrNotSpec) || !d.Empty() {
			t.Errorf("%s: %+v %v", name, d, err)
		}
		if err := c.Session(everything(t)).Allowed("list_agents"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDriftWhileReading(t *testing.T) {
	t.Parallel()
	body := servedFile(t, func(p map[string]any) { delete(p, "/public-api/rmm-scripts") })
	neo := newFakeNeo(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "openapi.json") {
			_, _ = io.WriteString(w, body)
			return
		}
		data(w, map[string]any{"id": "1"})
	})
	c := newTestClient(t, neo.URL)
	s := c.Session(everything(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := c.Drift(t.Context()); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := s.GetAgent(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
