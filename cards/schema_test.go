package cards

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The schemas are made from the published types of Slack and Teams by
// "npm run schemas" in deploy/peers. They know every block and element, but no
// length and no count: those are CheckSlack and CheckTeams.
var (
	slackBlocksSchema = schema("slack-blocks.schema.json")
	slackViewSchema   = schema("slack-view.schema.json")
	adaptiveSchema    = schema("adaptive-card.schema.json")
)

func schema(name string) func() *jsonschema.Schema {
	return sync.OnceValue(func() *jsonschema.Schema {
		raw, err := os.ReadFile(filepath.Join("testdata", "schema", name))
		if err != nil {
			panic(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			panic(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, doc); err != nil {
			panic(err)
		}
		return c.MustCompile(name)
	})
}

// conforms fails the test when v, as it goes over the wire, is not valid.
func conforms(t *testing.T, s *jsonschema.Schema, v any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("invalid: %v\n%.300s", err, raw)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	for name, c := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conforms(t, slackBlocksSchema(), Slack(c).Blocks)
			conforms(t, slackBlocksSchema(), SlackPictures(c, sampleFiles(name, c)).Blocks)
			conforms(t, slackBlocksSchema(), SlackNoTable(c).Blocks)
			conforms(t, slackViewSchema(), SlackHome(c))
			conforms(t, adaptiveSchema(), Teams(c))
		})
	}
	for name, f := range forms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conforms(t, slackViewSchema(), SlackForm(f))
			conforms(t, adaptiveSchema(), TeamsForm(f).Card["content"])
		})
	}
}

// TestSchemasCatch makes sure that the schemas can say no.
func TestSchemasCatch(t *testing.T) {
	t.Parallel()
	slackWire, err := json.Marshal(Slack(pendingCard()).Blocks)
	if err != nil {
		t.Fatal(err)
	}
	teamsWire, err := json.Marshal(Teams(pendingCard()))
	if err != nil {
		t.Fatal(err)
	}
	chart, err := json.Marshal(Teams(chartCard()))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		schema   *jsonschema.Schema
		wire     []byte
		old, new string
	}{
		{"slack unknown block", slackBlocksSchema(), slackWire, `"type":"header"`, `"type":"heading"`},
		{"slack unknown property", slackBlocksSchema(), slackWire, `"verbatim":true`, `"verbose":true`},
		{"slack header in mrkdwn", slackBlocksSchema(), slackWire, `"type":"plain_text"`, `"type":"mrkdwn"`},
		{"teams unknown element", adaptiveSchema(), teamsWire, `"type":"RichTextBlock"`, `"type":"RicherTextBlock"`},
		{"teams unknown action", adaptiveSchema(), teamsWire, `"type":"Action.Execute"`, `"type":"Action.Exec"`},
		{"teams unknown chart", adaptiveSchema(), chart, `"type":"Chart.Line"`, `"type":"Chart.Lines"`},
		{"teams chart of text", adaptiveSchema(), chart, `"y":25`, `"y":"25"`},
		{"teams bad enum", adaptiveSchema(), teamsWire, `"style":"heading"`, `"style":"headline"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(tt.wire), tt.old) {
				t.Fatalf("sample has no %s", tt.old)
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.ReplaceAll(string(tt.wire), tt.old, tt.new)))
			if err != nil {
				t.Fatal(err)
			}
			if tt.schema.Validate(doc) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}
