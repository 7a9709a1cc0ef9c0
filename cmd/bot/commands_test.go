package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"

	"neobot/adapters/slack/slackfake"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

const terminalPolicy = `
workspaces: ["console:local", "slack:T0HOME"]
permissions: {all: read_write}
roles: {tech: {permissions: {all: read_write}}}
people:
  - {name: Riley, console: riley, roles: [tech]}
  - {name: Sam, console: sam, roles: [tech]}
channels: [{match: direct, permissions: {all: read_write}}]
approvals: {rules: [{approvers: [Sam]}]}
`

// terminalEnv is a Neo and a policy file for the commands of the terminal.
func terminalEnv(t *testing.T) (vars []string, neo *sandbox.Neo) {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(terminalPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	neo, err := sandbox.New(sandbox.Config{Now: time.Now, Key: "neo_sk_test_cli", Seed: demoSeed, Document: neoapi.Document(), Validate: true})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(neo)
	t.Cleanup(srv.Close)
	return []string{"NEO_API_KEY=neo_sk_test_cli", "NEO_BASE_URL=" + srv.URL, "NEOBOT_CONFIG=" + policy}, neo
}

// Every command explains itself, and a wrong line is one line on stderr.
func TestCommandsHelp(t *testing.T) {
	t.Parallel()
	var walk func(path []string, c *cobra.Command)
	walk = func(path []string, c *cobra.Command) {
		a, out, faults := testApp("")
		if code := a.run(t.Context(), append(path, "--help")); code != 0 || !strings.Contains(out.String(), "Usage:") || faults.String() != "" {
			t.Errorf("%v --help: exit code %d, %q", path, code, faults)
		}
		if c.Short == "" || c.HasSubCommands() == (c.Long != "") && len(path) == 1 && !c.HasSubCommands() {
			t.Errorf("%v has no description", path)
		}
		for _, sub := range c.Commands() {
			walk(append(append([]string{}, path...), sub.Name()), sub)
		}
	}
	a, _, _ := testApp("")
	for _, c := range a.commands() {
		walk([]string{c.Name()}, c)
	}
}

func TestCommandsRefuse(t *testing.T) {
	t.Parallel()
	vars, _ := terminalEnv(t)
	for name, tc := range map[string]struct {
		vars []string
		args []string
		want string
	}{
		"unknown command":           {nil, []string{"serv"}, `unknown command "serv"`},
		"unknown flag":              {nil, []string{"serve", "--port", "1"}, "unknown flag: --port"},
		"extra argument":            {nil, []string{"check", "all"}, `unknown command "all"`},
		"serve without anything":    {nil, []string{"serve"}, "REDIS_URL is not set"},
		"ask without a name":        {vars, []string{"ask", "agents"}, "say who you are with --as: riley, sam"},
		"ask as nobody":             {vars, []string{"ask", "--as", "kim", "agents"}, `nobody has the console name "kim"`},
		"ask without a question":    {vars, []string{"ask", "--as", "riley"}, "no question: bot ask"},
		"ask without a key":         {vars[1:], []string{"ask", "--as", "riley", "agents"}, "NEO_API_KEY is not set"},
		"export without workspace":  {nil, []string{"audit", "export"}, `required flag(s) "workspace"`},
		"export of no time":         {nil, []string{"audit", "export", "--workspace", "slack:T1", "--since", "monday"}, "--since"},
		"export of no workspace":    {nil, []string{"audit", "export", "--workspace", "T1"}, `"T1" is none; write it as in the policy file`},
		"verify no workspace":       {nil, []string{"audit", "verify", "--workspace", "irc:T1"}, `"irc:T1" is none`},
		"verify both":               {nil, []string{"audit", "verify", "--file", "x", "--redis"}, "--file stands alone"},
		"verify head of what":       {nil, []string{"audit", "verify", "--head", "ab"}, "--head needs --workspace"},
		"verify no file":            {nil, []string{"audit", "verify", "--file", "/nonexistent"}, "no such file"},
		"manifest without address":  {nil, []string{"manifest", "slack"}, "--url is missing"},
		"manifest with both":        {nil, []string{"manifest", "slack", "--socket", "--url", "https://a.example"}, "not both"},
		"manifest over plain http":  {nil, []string{"manifest", "slack", "--url", "http://a.example"}, "https"},
		"control for everybody":     {nil, []string{"sandbox", "--listen", "0.0.0.0:0", "--control"}, "loopback"},
		"sandbox nowhere":           {nil, []string{"sandbox", "--listen", "8475"}, "host:port"},
		"demo for everybody":        {nil, []string{"demo", "--listen", "0.0.0.0:0"}, "loopback"},
		"policy file is not there":  {[]string{"NEO_API_KEY=k", "NEOBOT_CONFIG=/nonexistent"}, []string{"chat", "--as", "riley"}, "no such file"},
		"password of a bad address": {[]string{"REDIS_URL=x://:hunter2@h"}, []string{"audit", "verify", "--workspace", "slack:T1"}, "REDIS_URL is not a Redis address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, out, faults := testApp("", tc.vars...)
			code := a.run(t.Context(), tc.args)
			text := faults.String()
			if code != 1 || !strings.Contains(text, tc.want) {
				t.Errorf("exit code %d, stderr %q, want %q", code, text, tc.want)
			}
			if strings.Count(text, "\n") != 1 || out.String() != "" || strings.Contains(text, "hunter2") {
				t.Errorf("not one clear line: stderr %q, stdout %q", text, out)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	vars, neo := terminalEnv(t)
	for name, tc := range map[string]struct {
		question string
		code     int
		want     string
	}{
		"answered":  {"what failed today?", 0, "Failed runs, today"},
		"requested": {"disable Dispatch", 0, "ENABLED → DISABLED"},
		"refused":   {"please write me a poem about the sea", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, out, faults := testApp("", vars...)
			if code := a.run(t.Context(), []string{"ask", "--as", "riley", tc.question}); code != tc.code || !strings.Contains(out.String(), tc.want) {
				t.Errorf("exit code %d\n%s%s", code, out, faults)
			}
		})
	}
	t.Cleanup(func() {
		if len(neo.Writes()) != 0 || len(neo.Violations()) != 0 {
			t.Errorf("writes %+v, violations %v", neo.Writes(), neo.Violations())
		}
	})
}

// The policy file of the command line goes before the one of the environment.
func TestConfigFlag(t *testing.T) {
	t.Parallel()
	vars, _ := terminalEnv(t)
	policy := strings.TrimPrefix(vars[2], "NEOBOT_CONFIG=")
	for name, vars := range map[string][]string{"alone": vars[:2], "before the environment": append(vars[:2:2], "NEOBOT_CONFIG=/nonexistent")} {
		a, out, faults := testApp("", vars...)
		if code := a.run(t.Context(), []string{"ask", "--config", policy, "--as", "riley", "what failed today?"}); code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, faults)
		}
	}
	a, _, faults := testApp("", vars...)
	if code := a.run(t.Context(), []string{"ask", "--config", "/nonexistent", "--as", "riley", "x"}); code != 1 || !strings.Contains(faults.String(), "no such file") {
		t.Errorf("wrong file: exit code %d, %s", code, faults)
	}
}

// TestAskThenApprove shares a Redis between two processes' worth of commands:
// what one person asks for in one is approved by another in the next, and the
// audit trail of both is one.
func TestAskThenApprove(t *testing.T) {
	t.Parallel()
	vars, neo := terminalEnv(t)
	vars = append(vars, "REDIS_URL=redis://"+miniredis.RunT(t).Addr()+"/0")
	run := func(in string, args ...string) string {
		t.Helper()
		a, out, faults := testApp(in, vars...)
		if code := a.run(t.Context(), args); code != 0 {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, out, faults)
		}
		return out.String()
	}
	run("", "ask", "--as", "riley", "disable Dispatch")
	if text := run("", "ask", "--as", "sam", "what is waiting for approval?"); !strings.Contains(text, "Dispatch") {
		t.Errorf("Sam does not see it:\n%s", text)
	}
	if len(neo.Writes()) != 0 {
		t.Fatalf("written without approval: %+v", neo.Writes())
	}
	export := run("", "audit", "export", "--workspace", "console:local", "--since", "1h")
	if !strings.Contains(export, `"kind":"plan"`) {
		t.Errorf("export:\n%s", export)
	}
	if text := run("", "audit", "verify", "--workspace", "console:local"); !strings.Contains(text, "intact") {
		t.Error(text)
	}
	if text := run("", "audit", "verify"); !strings.Contains(text, "slack:T0HOME: no records") {
		t.Errorf("every workspace of the policy: %s", text)
	}
	if text := run(export, "audit", "verify", "--file", "-"); !strings.Contains(text, "intact") {
		t.Error(text)
	}
	a, _, faults := testApp(strings.Replace(export, "Riley", "Kim", 1))
	if code := a.run(t.Context(), []string{"audit", "verify", "--file", "-"}); code != 1 || !strings.Contains(faults.String(), "NOT intact from record") {
		t.Errorf("altered export: exit code %d, %s", code, faults)
	}
}

// A misspelled workspace looks like one without records: that is said, beside
// the file that says it too.
func TestExportOfNothing(t *testing.T) {
	t.Parallel()
	a, out, faults := testApp("", "REDIS_URL=redis://"+miniredis.RunT(t).Addr())
	code := a.run(t.Context(), []string{"audit", "export", "--workspace", "slack:T0HOEM"})
	if code != 0 || strings.Count(out.String(), "\n") != 1 || !strings.Contains(faults.String(), "no records of slack:T0HOEM") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, faults)
	}
}

// A wrong line leaves the package of before as it was.
func TestTeamsPackageIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "neobot-teams.zip")
	write := func(website string) int {
		a, _, _ := testApp("")
		return a.run(t.Context(), []string{
			"manifest", "teams", "--out", path, "--website", website, "--app-id", "00000000-0000-0000-0000-000000000001",
		})
	}
	if code := write("https://msp.example.com"); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if code := write("msp.example.com"); code != 1 {
		t.Errorf("exit code %d", code)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the package has changed (%v)", err)
	}
}

// A run that was approved goes on for a while: a line says so under its card.
func TestChatSaysThatARunIsUnderWay(t *testing.T) {
	t.Parallel()
	vars, _ := terminalEnv(t)
	own := filepath.Join(t.TempDir(), "policy.yaml")
	src := strings.Replace(terminalPolicy, "approvers: [Sam]", "self_approval: true", 1)
	if err := os.WriteFile(own, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	vars = append(slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, "NEOBOT_CONFIG=") }), "NEOBOT_CONFIG="+own)
	a, out, faults := testApp("run License audit now\n1\n", vars...)
	if code := a.run(t.Context(), []string{"chat", "--as", "riley"}); code != 0 || !strings.Contains(out.String(), "── card 1: Approved by Riley") {
		t.Errorf("exit code %d\n%s%s", code, out, faults)
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	vars, _ := terminalEnv(t)
	a, out, faults := testApp("/as sam\n/home\n/quit\n", vars...)
	if code := a.run(t.Context(), []string{"chat", "--as", "riley"}); code != 0 || !strings.Contains(out.String(), "--as NAME for that") {
		t.Errorf("exit code %d\n%s%s", code, out, faults)
	}
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	catalog, err := neoapi.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	a, out, _ := testApp("")
	if code := a.run(t.Context(), []string{"catalog", "--json"}); code != 0 {
		t.Fatal(code)
	}
	var rows []catalogRow
	if err := json.Unmarshal([]byte(out.String()), &rows); err != nil || len(rows) != len(catalog.Operations()) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		if r.Group == "" || r.Access == "" || (r.Access == neoapi.Write) != (r.Risk != "") {
			t.Errorf("row %+v", r)
		}
	}
	a, out, _ = testApp("")
	if code := a.run(t.Context(), []string{"catalog"}); code != 0 || strings.Count(out.String(), "\n") != len(rows)+1 {
		t.Errorf("table:\n%s", out)
	}
}

func TestSandboxCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	a, out, faults := testApp("")
	done := make(chan int, 1)
	go func() {
		done <- a.run(ctx, []string{"sandbox", "--listen", "127.0.0.1:0", "--key", "neo_sk_test_x", "--control"})
	}()
	eventually(t, "address printed", func() (bool, any) { return strings.Contains(out.String(), "NEO_API_KEY="), faults.String() })
	base, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "NEO_BASE_URL="), "\n")
	for path, want := range map[string]int{"/public-api/health": http.StatusOK, "/public-api/agents": http.StatusUnauthorized, "/_sandbox/requests": http.StatusOK} {
		if status, body, err := get(ctx, base+path); err != nil || status != want {
			t.Errorf("%s: %d %s %v", path, status, body, err)
		}
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d: %s", code, faults)
	}
}

// TestCheck runs the doctor on a healthy bot, and on one where everything is wrong.
func TestCheck(t *testing.T) {
	t.Parallel()
	vars, neo := terminalEnv(t)
	s := slackfake.New(slackfake.Config{})
	t.Cleanup(s.Close)
	slackVars := []string{
		"SLACK_API_URL=" + s.APIURL(), "SLACK_BOT_TOKEN=" + s.Config().Token, "SLACK_SIGNING_SECRET=" + s.Config().Secret,
		"SLACK_APP_ID=" + s.Config().App, "REDIS_URL=redis://" + miniredis.RunT(t).Addr() + "/0",
	}
	healthy := append(append([]string{}, vars...), slackVars...)
	check := func(vars []string) (int, string) {
		t.Helper()
		a, out, faults := testApp("", vars...)
		code := a.run(t.Context(), []string{"check"})
		return code, out.String() + faults.String()
	}
	code, text := check(healthy)
	if code != 0 || strings.Contains(text, "fail ") {
		t.Errorf("healthy: exit code %d\n%s", code, text)
	}
	for _, want := range []string{"ok    environment", "ok    policy", "redis", "ok    neo", "ok    slack", "ok    model"} {
		if !strings.Contains(text, want) {
			t.Errorf("healthy lacks %q:\n%s", want, text)
		}
	}
	neo.ServeDocument(json.RawMessage(`{"openapi":"3.1.0","info":{"title":"x","version":"2"},"paths":{"/public-api/agents":{"get":{"operationId":"list_agents","responses":{"200":{"description":"ok"}}}}}}`))
	if code, text = check(healthy); code != 0 || !strings.Contains(text, "not offered") || !strings.Contains(text, "update_agent") {
		t.Errorf("drift: exit code %d\n%s", code, text)
	}
	sick := append(append([]string{}, healthy...), "NEO_API_KEY=neo_sk_test_wrong", "SLACK_BOT_TOKEN=xoxb-wrong",
		"REDIS_URL=redis://127.0.0.1:1/0", "OPENAI_BASE_URL=http://127.0.0.1:1/v1")
	code, text = check(sick)
	if code != 1 {
		t.Errorf("sick: exit code %d", code)
	}
	for _, want := range []string{"fail  redis", "NEO_API_KEY was refused", "fail  slack", "warn  model"} {
		if !strings.Contains(text, want) {
			t.Errorf("sick lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "neo_sk_test_wrong") || strings.Contains(text, "xoxb-wrong") {
		t.Errorf("a secret is shown:\n%s", text)
	}
}
