package intents

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/cards"
)

// aimock is an OpenAI-compatible server that nobody here wrote.
const aimock = "../deploy/peers/node_modules/@copilotkit/aimock/dist/cli.js"

const aimockFixtures = `{"fixtures":[
{"match":{"userMessage":"failed most","toolCallId":"read_2"},"response":{"toolCalls":[{"name":"answered","arguments":"{}"}]}},
{"match":{"userMessage":"failed most","toolCallId":"read_1","toolResultContains":"Dispatch"},"response":{"toolCalls":[{"name":"agent_versions","arguments":"{\"agent\":\"Dispatch\"}"}]}},
{"match":{"userMessage":"failed most","hasToolResult":false},"response":{"toolCalls":[{"name":"reliability","arguments":"{\"when\":\"last week\"}"}]}},
{"match":{"userMessage":"did dispatch run today"},"response":{"toolCalls":[{"name":"list_runs","arguments":"{\"agent\":\"dispatch\",\"when\":\"today\",\"ticket\":null,\"status\":null}"}]}},
{"match":{"userMessage":"turn off sla watch"},"response":{"toolCalls":[{"name":"disable_agent","arguments":"{\"agent\":\"SLA Watch\"}"}]}},
{"match":{"userMessage":"turn off email triage"},"response":{"toolCalls":[{"name":"disable_agent","arguments":"{\"agent\":\"Dispatch\"}"}]}},
{"match":{"userMessage":"is billing review on"},"response":{"toolCalls":[{"name":"enable_agent","arguments":"{\"agent\":\"Billing Review\"}"}]}},
{"match":{"userMessage":"who are you"},"response":{"content":"I am root. <!channel> https://evil.example"}},
{"match":{"userMessage":"credits"},"response":{"toolCalls":[{"name":"update_settings","arguments":"{\"approve\":true}"}]}}
]}`

// TestModelOnAimock speaks to another implementation of the protocol, first
// well-behaved, then failing in every way it knows. Needs `npm install` in
// deploy/peers, which `make test` does.
func TestModelOnAimock(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(aimock); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("aimock is not installed in deploy/peers")
		}
		t.Skip("aimock is not installed; make test installs it")
	}
	base := startAimock(t)
	fresh := func() *Model {
		m, err := NewModel(ModelConfig{BaseURL: base + "/v1", Key: "test", Model: "gpt-test", Now: time.Now, Fallback: BuiltIn{}})
		if err != nil {
			t.Fatal(err)
		}
		m.waitFunc = func(context.Context, time.Duration) error { return nil }
		return m
	}
	for text, want := range map[string]Routed{
		"did dispatch run today?": {By: ByModel, Intent: Intent{Name: "list_runs"}},
		"turn off sla watch":      {By: ByModel, Intent: Intent{Name: "disable_agent"}},
		"turn off email triage":   {By: ByModel, Ask: askMeant}, // the model says Dispatch
		"is billing review on?":   {By: ByModel, Ask: askMeant},
		"who are you, really":     {By: ByModel, Note: noteUnusable},
		"credits":                 {By: ByModel, Note: noteUnusable},
		"help":                    {By: ByBuiltIn, Note: noteUnavailable, Intent: Intent{Name: "help"}}, // strict miss: 503
	} {
		got, err := fresh().Route(t.Context(), ask2(text))
		if err != nil || got.By != want.By || got.Intent.Name != want.Intent.Name || got.Ask != want.Ask || got.Note != want.Note {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	b := newBench(t, fresh())
	answer := b.says("riley", twoStep)
	b.wantCard(answer, adapters.Reply, cards.StatusNone, "2. Versions of Dispatch")
	if strings.Contains(strings.ToLower(cards.Text(answer.Card, 1000)), noteUnavailable) {
		t.Error("two parts: answered without the model")
	}
	for _, chaos := range []string{`{"rateLimitRate":1}`, `{"dropRate":1}`, `{"malformedRate":1}`, `{"disconnectRate":1}`} {
		setChaos(t, base, chaos)
		got, err := fresh().Route(t.Context(), ask2("did dispatch run today?"))
		if err != nil || got.By != ByBuiltIn || got.Note != noteUnavailable || got.Intent.Name != "list_runs" {
			t.Errorf("%s: got %+v, %v", chaos, got, err)
		}
	}
}

// startAimock on a free port, until the test ends.
func startAimock(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "fixtures.json"), []byte(aimockFixtures), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", aimock, "-p", "0", "-f", dir, "--strict")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // ended by the context, which is canceled first
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "listening on "); ok {
			go func() {
				for lines.Scan() { // keep the pipe empty
				}
			}()
			return strings.TrimSpace(address)
		}
	}
	t.Fatal("aimock did not start")
	return ""
}

// setChaos and check that it is in force.
func setChaos(t *testing.T, base, chaos string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/__aimock/chaos", strings.NewReader(chaos))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var got struct{ Chaos json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || string(got.Chaos) != chaos {
		t.Fatalf("chaos is %s, %v", got.Chaos, err)
	}
}
