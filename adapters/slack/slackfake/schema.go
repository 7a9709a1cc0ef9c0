package slackfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/slack-go/slack"

	"neobot/cards"
)

var (
	blocksSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return load("slack-blocks.schema.json") })
	viewSchema   = sync.OnceValues(func() (*jsonschema.Schema, error) { return load("slack-view.schema.json") })
)

// load compiles a schema made from Slack's published types; they are kept with
// the renderer.
func load(name string) (*jsonschema.Schema, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return nil, errors.New("source file unknown")
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "..", "cards", "testdata", "schema", name))
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

func validate(schema func() (*jsonschema.Schema, error), text []byte) []string {
	sch, err := schema()
	if err != nil {
		return []string{"schema: " + err.Error()}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []string{"not JSON: " + err.Error()}
	}
	if err := sch.Validate(doc); err != nil {
		return []string{fmt.Sprintf("%.300s", err.Error())}
	}
	return nil
}

// checkBlocks is Slack's block types plus its limits.
func (s *Server) checkBlocks(text []byte) []string {
	if s.cfg.SkipSchema {
		return nil
	}
	faults := validate(blocksSchema, text)
	var blocks slack.Blocks
	if err := json.Unmarshal(text, &blocks); err != nil {
		return append(faults, err.Error())
	}
	return append(faults, cards.CheckSlack(blocks.BlockSet)...)
}

func (s *Server) checkView(text []byte) []string {
	if s.cfg.SkipSchema {
		return nil
	}
	faults := validate(viewSchema, text)
	var v slack.ModalViewRequest
	if err := json.Unmarshal(text, &v); err != nil {
		return append(faults, err.Error())
	}
	if v.Type == slack.VTModal {
		return append(faults, cards.CheckSlackModal(v)...)
	}
	return append(faults, cards.CheckSlackView(v.Blocks.BlockSet)...)
}
