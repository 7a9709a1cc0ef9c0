package slack

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// viewBlock is an input of the view Slack echoes with a submission.
type viewBlock struct {
	Type     string `json:"type"`
	BlockID  string `json:"block_id"`
	Optional bool   `json:"optional"`
	Element  struct {
		Type      string `json:"type"`
		ActionID  string `json:"action_id"`
		MaxLength int    `json:"max_length"`
		MinLength int    `json:"min_length"`
		Options   []struct {
			Value string `json:"value"`
		} `json:"options"`
	} `json:"element"`
}

// maxInput is Slack's own limit of a text input.
// https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
const maxInput = 3000

// read takes the inputs out of the submitted state and checks them against the
// view we made: Slack's client checks too, but a client can be changed. faults
// maps a block id to what is wrong with it.
func (v *view) read() (inputs map[string]string, faults map[string]string) {
	inputs, faults = map[string]string{}, map[string]string{}
	for _, b := range v.Blocks {
		if b.Type != "input" {
			continue
		}
		value := v.State.Values[b.BlockID][b.Element.ActionID].text()
		if fault := b.check(value); fault != "" {
			faults[b.BlockID] = fault
			continue
		}
		inputs[b.BlockID] = value
	}
	return inputs, faults
}

func (s stateValue) text() string {
	switch {
	case s.SelectedOption != nil:
		return s.SelectedOption.Value
	case s.Value != nil:
		return *s.Value
	}
	return ""
}

func (b viewBlock) check(value string) string {
	limit := b.Element.MaxLength
	if limit <= 0 || limit > maxInput {
		limit = maxInput
	}
	length := len(utf16.Encode([]rune(value)))
	switch {
	case strings.TrimSpace(value) == "":
		if b.Optional {
			return ""
		}
		return "Please fill this in."
	case !utf8.ValidString(value):
		return "This text cannot be read."
	case length > limit:
		return fmt.Sprintf("At most %d characters; this has %d.", limit, length)
	case length < b.Element.MinLength:
		return fmt.Sprintf("At least %d characters.", b.Element.MinLength)
	case strings.HasSuffix(b.Element.Type, "_select") && !b.offers(value):
		return "Please choose one of the options."
	}
	return ""
}

func (b viewBlock) offers(value string) bool {
	for _, o := range b.Element.Options {
		if o.Value == value {
			return true
		}
	}
	return false
}
