package cards

import (
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"
)

// CheckSlack reports every limit of Slack that a message with these blocks
// would break: counts, lengths, unique ids, total size. It knows nothing of
// how the blocks were made. An empty result means Slack would take them.
func CheckSlack(blocks []slack.Block) []string {
	c := newCheck(blocks, slackMaxBlocks)
	if n := c.counts["table"]; n > slackMaxTables {
		c.fault("message: %d tables, at most %d", n, slackMaxTables)
	}
	if n := jsonUnits(blocks); n > slackMaxPayload {
		c.fault("message: %d characters of JSON, budget %d", n, slackMaxPayload)
	}
	return c.faults
}

// CheckSlackView is CheckSlack for the blocks of a modal or home tab.
func CheckSlackView(blocks []slack.Block) []string {
	c := newCheck(blocks, slackMaxViewBlocks)
	if c.counts["table"] > 0 {
		c.fault("view: tables are for messages only")
	}
	return c.faults
}

// CheckSlackModal adds the limits of the view itself.
func CheckSlackModal(v slack.ModalViewRequest) []string {
	c := &slackCheck{faults: CheckSlackView(v.Blocks.BlockSet)}
	for name, t := range map[string]*slack.TextBlockObject{"title": v.Title, "submit": v.Submit, "close": v.Close} {
		if t == nil || t.Text == "" || units(t.Text) > slackMaxViewTitle {
			c.fault("view: %s must have 1 to %d characters", name, slackMaxViewTitle)
		}
	}
	c.length("view", "private_metadata", v.PrivateMetadata, 0, slackMaxMetadata)
	c.length("view", "callback_id", v.CallbackID, 0, slackMaxCallback)
	return c.faults
}

type slackCheck struct {
	faults []string
	counts map[string]int  // blocks by type
	ids    map[string]bool // action and block ids seen
}

// object is a decoded JSON object; the checker works on what is sent.
type object = map[string]any

func newCheck(blocks []slack.Block, limit int) *slackCheck {
	c := &slackCheck{counts: map[string]int{}, ids: map[string]bool{}}
	if len(blocks) < 1 || len(blocks) > limit {
		c.fault("%d blocks, must be 1 to %d", len(blocks), limit)
	}
	raw, err := json.Marshal(blocks)
	var list []object
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		c.fault("not JSON: %v", err)
		return c
	}
	for i, b := range list {
		c.block(fmt.Sprintf("block %d (%v)", i, b["type"]), b)
	}
	return c
}

func (c *slackCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func (c *slackCheck) length(where, what, s string, low, high int) {
	if n := units(s); n < low || n > high {
		c.fault("%s: %s has %d characters, must be %d to %d", where, what, n, low, high)
	}
}

func (c *slackCheck) count(where, what string, n, low, high int) {
	if n < low || n > high {
		c.fault("%s: %d %s, must be %d to %d", where, n, what, low, high)
	}
}

func (c *slackCheck) id(where, what, id string, limit int) {
	c.length(where, what, id, 0, limit)
	if id != "" && c.ids[what+id] {
		c.fault("%s: %s %q is there twice", where, what, id)
	}
	c.ids[what+id] = true
}

func (c *slackCheck) block(where string, b object) {
	kind := str(b["type"])
	c.counts[kind]++
	c.id(where, "block_id", str(b["block_id"]), slackMaxBlockID)
	els := list(b["elements"])
	switch kind {
	case "header":
		c.text(where, obj(b["text"]), slackMaxHeader)
	case "section":
		c.section(where, b)
	case "context":
		c.count(where, "elements", len(els), 1, slackMaxContext)
		for _, e := range els {
			c.text(where, obj(e), slackMaxText)
		}
	case "actions":
		c.count(where, "elements", len(els), 1, slackMaxActions)
		for _, e := range els {
			c.element(where, obj(e))
		}
	case "input":
		c.text(where, obj(b["label"]), slackMaxLabel)
		if h := obj(b["hint"]); h != nil {
			c.text(where, h, slackMaxLabel)
		}
		c.element(where, obj(b["element"]))
	case "rich_text":
		c.count(where, "elements", len(els), 1, 1000)
		c.rich(where, els)
	case "table":
		c.table(where, b)
	case "image":
		c.image(where, b)
	case "divider":
	default:
		c.fault("%s: not a block this project sends", where)
	}
}

// image checks that a picture is a file of Slack's and has a text: an address
// would let whoever serves it see who reads the card.
func (c *slackCheck) image(where string, b object) {
	file := obj(b["slack_file"])
	if !slackFileID.MatchString(str(file["id"])) || len(file) != 1 || b["image_url"] != nil {
		c.fault("%s: not a file of Slack's: %v", where, b)
	}
	c.length(where, "alt_text", str(b["alt_text"]), 1, slackMaxAltText)
	if t := obj(b["title"]); t != nil {
		c.text(where, t, slackMaxAltText)
	}
}

func (c *slackCheck) section(where string, b object) {
	text, fields := obj(b["text"]), list(b["fields"])
	if text == nil && len(fields) == 0 {
		c.fault("%s: neither text nor fields", where)
	}
	if text != nil {
		c.text(where, text, slackMaxText)
	}
	c.count(where, "fields", len(fields), 0, slackMaxFields)
	for _, f := range fields {
		c.text(where, obj(f), slackMaxFieldText)
	}
	if a := obj(b["accessory"]); a != nil {
		c.element(where, a)
	}
}

func (c *slackCheck) text(where string, t object, limit int) {
	if k := str(t["type"]); k != "plain_text" && k != "mrkdwn" {
		c.fault("%s: text object of type %q", where, k)
	}
	c.length(where, "text", str(t["text"]), 1, limit)
}

func (c *slackCheck) element(where string, e object) {
	kind := str(e["type"])
	c.id(where, "action_id", str(e["action_id"]), slackMaxActionID)
	switch kind {
	case "button":
		c.text(where, obj(e["text"]), slackMaxButtonText)
		c.length(where, "value", str(e["value"]), 0, slackMaxValue)
		c.length(where, "url", str(e["url"]), 0, slackMaxURL)
	case "static_select":
		opts := list(e["options"])
		c.count(where, "options", len(opts), 1, slackMaxOptions)
		for _, o := range opts {
			c.text(where, obj(obj(o)["text"]), slackMaxOption)
			c.length(where, "option value", str(obj(o)["value"]), 1, slackMaxOptValue)
		}
	case "plain_text_input":
		limit, _ := e["max_length"].(float64)
		c.count(where, "max_length", int(limit), 0, slackMaxInput)
		if limit == 0 {
			limit = slackMaxInput
		}
		c.length(where, "initial_value", str(e["initial_value"]), 0, int(limit))
	default:
		c.fault("%s: element %q is not one this project sends", where, kind)
	}
}

// rich checks that every text of a rich_text block has 1 to 3,000 characters.
func (c *slackCheck) rich(where string, els []any) {
	for _, e := range els {
		o := obj(e)
		switch str(o["type"]) {
		case "text":
			c.length(where, "text", str(o["text"]), 1, slackMaxText)
		case "link":
			c.length(where, "url", str(o["url"]), 1, slackMaxURL)
		default:
			inner := list(o["elements"])
			c.count(where, "elements of "+str(o["type"]), len(inner), 1, 1000)
			c.rich(where, inner)
		}
	}
}

func (c *slackCheck) table(where string, b object) {
	rows := list(b["rows"])
	c.count(where, "rows", len(rows), 1, slackMaxTableRows)
	for _, r := range rows {
		cells := list(r)
		c.count(where, "cells", len(cells), 1, slackMaxTableCols)
		for _, cell := range cells {
			if o := obj(cell); str(o["type"]) == "raw_text" {
				c.length(where, "cell", str(o["text"]), 1, slackMaxText)
			} else {
				c.rich(where, list(o["elements"]))
			}
		}
	}
}

func str(v any) string { s, _ := v.(string); return s }
func obj(v any) object { o, _ := v.(object); return o }
func list(v any) []any { l, _ := v.([]any); return l }
