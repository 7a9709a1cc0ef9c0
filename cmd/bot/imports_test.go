package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// importRule says what one folder may import. Own are packages of this module;
// third are modules of others, for every file or for the files that match only.
// Why is printed with each violation.
type importRule struct {
	own   []string
	third map[string][]string // module -> patterns of files that may import it; nil: every file
	why   string
}

// anywhere may be imported by every package: the Go project's own extensions
// and libraries without a say in the design.
var anywhere = []string{"golang.org/x/"}

// importRules is the table of who may import whom. A new package needs a row
// here first. The test files of a package may also import what testsMay says.
var importRules = map[string]importRule{
	"cards": {
		third: map[string][]string{"github.com/slack-go/slack": nil},
		why:   "cards are data for the eye: they know no store, no Neo and no transport (slack-go only for its block types)",
	},
	"cards/pictures": {
		own:   []string{"cards"},
		third: map[string][]string{"github.com/go-analyze/charts": nil},
		why:   "whoever draws sees a chart and nothing else; the library that draws is nowhere else",
	},
	"approvals": {
		third: map[string][]string{"github.com/redis/go-redis": nil},
		why:   "approvals know nothing of Neo, chat or policy, so that nothing there can bend a decision",
	},
	"neoapi": {
		own: []string{"approvals"},
		third: map[string][]string{
			"github.com/getkin/kin-openapi":  nil,
			"go.yaml.in/yaml":                nil,
			"github.com/redis/go-redis":      {"budget.go"},
			"github.com/go-redis/redis_rate": {"budget.go"},
			"github.com/cenkalti/backoff":    nil,
			"go.opentelemetry.io/otel":       nil,
		},
		why: "the client knows approvals only for the Grant, and Redis only for the shared rate budget",
	},
	"neoapi/sandbox": {
		own: []string{"neoapi"},
		third: map[string][]string{
			"github.com/getkin/kin-openapi": nil,
			"go.yaml.in/yaml":               nil,
		},
		why: "the sandbox is a server like Neo: it sees HTTP requests and the OpenAPI file, never the bot",
	},
	"adapters": {
		own: []string{"cards"},
		third: map[string][]string{
			"github.com/redis/go-redis": {"inbox*.go", "outbox*.go", "wait.go"},
			"go.opentelemetry.io/otel":  nil,
		},
		why: "adapters carry messages and cards; only the durable inbox and outbox talk to Redis",
	},
	"adapters/slack": {
		own: []string{"adapters", "cards", "cards/pictures"},
		third: map[string][]string{
			"github.com/slack-go/slack":    nil,
			"github.com/gin-gonic/gin":     nil,
			"github.com/gorilla/websocket": nil,
		},
		why: "no Slack type leaves this package, and it decides nothing",
	},
	"adapters/slack/slackfake": {
		own: []string{"adapters", "cards"},
		third: map[string][]string{
			"github.com/slack-go/slack": nil, "github.com/gorilla/websocket": nil, "github.com/santhosh-tekuri/jsonschema": nil,
		},
		why: "the fake is a server like Slack: it must not share our code with what it tests",
	},
	"adapters/teams": {
		own: []string{"adapters", "cards"},
		third: map[string][]string{
			"github.com/infracloudio/msbotbuilder-go": nil,
			"github.com/gin-gonic/gin":                nil,
			"github.com/golang-jwt/jwt":               nil,
			"github.com/MicahParks/keyfunc":           nil,
			"github.com/MicahParks/jwkset":            nil,
			"github.com/redis/go-redis":               {"references.go"},
			"github.com/cenkalti/backoff":             nil,
		},
		why: "no Bot Framework type leaves this package, and it decides nothing",
	},
	"adapters/teams/teamsfake": {
		own: []string{"adapters", "cards"},
		third: map[string][]string{
			"github.com/golang-jwt/jwt": nil, "github.com/MicahParks/jwkset": nil,
			"github.com/santhosh-tekuri/jsonschema": nil,
		},
		why: "the fake is a server like the Bot Connector: it must not share code with what it tests",
	},
	"adapters/console": {
		own: []string{"adapters", "cards"},
		why: "the console is an adapter like the others, without a platform's library",
	},
	"adapters/adaptertest": {
		own:   []string{"adapters", "cards"},
		third: map[string][]string{"github.com/google/go-cmp": nil},
		why:   "one suite for every adapter knows none of them",
	},
	"intents": {
		own: []string{"adapters", "neoapi", "approvals", "cards"},
		third: map[string][]string{
			"github.com/sashabaranov/go-openai": {"openai.go"},
			"github.com/redis/go-redis":         {"memory.go", "subscriptions.go"}, // subscriptions: numbered, leased and due items need scripts
			"github.com/sony/gobreaker":         {"openai.go"},
			"github.com/cenkalti/backoff":       {"openai.go"},
			"github.com/agnivade/levenshtein":   nil,
			"github.com/robfig/cron":            nil,
			"go.opentelemetry.io/otel":          nil,
		},
		why: "the flow sees neutral messages, cards, approvals and the Neo client; one file talks to the model, one to Redis",
	},
	"cmd/bot": {
		own: []string{
			"adapters", "adapters/slack", "adapters/teams", "adapters/console",
			"neoapi", "neoapi/sandbox", "approvals", "cards", "intents",
		},
		third: map[string][]string{
			"github.com/spf13/cobra":              nil,
			"github.com/gin-gonic/gin":            nil,
			"github.com/redis/go-redis":           nil,
			"github.com/alicebob/miniredis":       {"store.go"},
			"github.com/mattn/go-isatty":          {"main.go"},
			"github.com/knadh/koanf":              {"config.go"},
			"go.yaml.in/yaml":                     {"policy_file.go"},
			"github.com/agnivade/levenshtein":     {"policy_file.go"},
			"github.com/prometheus/client_golang": nil,
			"go.opentelemetry.io/otel":            nil,
		},
		why: "the only package that wires others together; each library in the one file that needs it",
	},
}

// testsMay lists what test files may import on top of the rule of their folder.
var testsMay = importRule{
	own: []string{
		"adapters/adaptertest", "adapters/slack/slackfake", "adapters/teams/teamsfake", "neoapi/sandbox",
	},
	third: map[string][]string{
		"github.com/google/go-cmp":              nil,
		"github.com/alicebob/miniredis":         nil,
		"github.com/redis/go-redis":             nil,
		"github.com/santhosh-tekuri/jsonschema": nil,
		"github.com/gin-gonic/gin":              nil,
		"github.com/gorilla/websocket":          nil,
		"github.com/golang-jwt/jwt":             nil,
		"github.com/slack-go/slack":             nil,
		"go.yaml.in/yaml":                       nil,
		"go.opentelemetry.io/otel":              nil,
	},
}

const modulePath = "neobot"

// sandboxUsers (patterns) are the only non-test files of cmd/bot that may import the
// sandbox: a bot that serves people must never be able to answer from it.
var sandboxUsers = []string{"cmd/bot/demo.go", "cmd/bot/demo_*.go", "cmd/bot/sandbox.go"}

func TestImports(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "node_modules" || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		seen[path.Dir(rel)] = true
		for _, fault := range importFaults(t, rel, name) {
			t.Error(fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !seen["cmd/bot"] || !seen["cards"] || !seen["intents"] {
		t.Fatalf("looked in the wrong place: saw only %v", seen)
	}
}

// importFaults parses one file and returns a sentence per forbidden import.
func importFaults(t *testing.T, rel, name string) []string {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), rel, src, parser.ImportsOnly)
	if err != nil {
		return []string{err.Error()}
	}
	var imports []string
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, p)
	}
	return checkImports(rel, imports)
}

// checkImports is the rule itself, apart from the reading of files.
func checkImports(rel string, imports []string) []string {
	dir, base := path.Dir(rel), path.Base(rel)
	rule, ok := importRules[dir]
	if !ok {
		return []string{rel + ": folder " + dir + " has no row in importRules; a new package needs one, with its reason"}
	}
	isTest := strings.HasSuffix(base, "_test.go")
	var faults []string
	for _, p := range imports {
		switch {
		case allowed(rule, dir, base, p):
		case isTest && (allowed(testsMay, dir, base, p) || allowedThird(rule, "", p)):
		default:
			faults = append(faults, rel+" imports "+p+": "+rule.why)
			continue
		}
		if p == modulePath+"/neoapi/sandbox" && dir == "cmd/bot" && !isTest && !matches(sandboxUsers, rel) {
			faults = append(faults, rel+" imports "+p+": only demo and sandbox may, a serving bot must never answer from it")
		}
	}
	return faults
}

func allowed(r importRule, dir, base, p string) bool {
	if own, ok := strings.CutPrefix(p, modulePath+"/"); ok {
		for _, o := range r.own {
			if own == o {
				return true
			}
		}
		return own == dir // the external test package of a folder
	}
	if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
		return true // standard library
	}
	for _, prefix := range anywhere {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return allowedThird(r, base, p)
}

// allowedThird reports whether a module of others may be imported by the file;
// an empty base asks whether any file of the folder may.
func allowedThird(r importRule, base, p string) bool {
	for module, files := range r.third {
		if p != module && !strings.HasPrefix(p, module+"/") {
			continue
		}
		if files == nil || base == "" {
			return true
		}
		if matches(files, base) {
			return true
		}
	}
	return false
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}

// TestImportRules makes sure that the rule can fail.
func TestImportRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, imports string
		want          int
	}{
		"standard library":        {"cards/x.go", "net/http", 0},
		"own package":             {"cards/x.go", "neobot/adapters", 1},
		"allowed own":             {"neoapi/x.go", "neobot/approvals", 0},
		"neo from approvals":      {"approvals/x.go", "neobot/neoapi", 1},
		"redis in the one file":   {"neoapi/budget.go", "github.com/redis/go-redis/v9", 0},
		"redis in another":        {"neoapi/client.go", "github.com/redis/go-redis/v9", 1},
		"redis in a test":         {"neoapi/client_test.go", "github.com/redis/go-redis/v9", 0},
		"prefix is not a module":  {"cards/x.go", "github.com/slack-go/slackother", 1},
		"model in another file":   {"intents/service.go", "github.com/sashabaranov/go-openai", 1},
		"sandbox in serve":        {"cmd/bot/serve.go", "neobot/neoapi/sandbox", 1},
		"sandbox in demo":         {"cmd/bot/demo.go", "neobot/neoapi/sandbox", 0},
		"suite outside a test":    {"cmd/bot/serve.go", "neobot/adapters/adaptertest", 1},
		"suite in a test":         {"adapters/console/x_test.go", "neobot/adapters/adaptertest", 0},
		"adapter from an adapter": {"adapters/slack/x.go", "neobot/adapters/teams", 1},
		"unknown folder":          {"util/x.go", "fmt", 1},
		"unknown module":          {"intents/x.go", "example.com/any", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := checkImports(tc.file, []string{tc.imports}); len(got) != tc.want {
				t.Errorf("faults %v, want %d", got, tc.want)
			}
		})
	}
}
