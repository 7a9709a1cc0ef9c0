package cards

import (
	"encoding/json"
	"strings"

	"github.com/slack-go/slack"
)

const (
	// slackPrefix begins every action id of ours.
	slackPrefix = "neobot:"
	// SlackFormCallback is the callback_id of every modal made by SlackForm.
	SlackFormCallback = "neobot:form"
)

// formMeta is the private_metadata of a modal. It is visible to the client, so
// it holds ids only.
type formMeta struct {
	Action Action `json:"action"`
	ID     string `json:"id"`
}

// ParseSlackAction reads the action id and value of a clicked button. ok is
// false for anything Slack would not have rendered.
func ParseSlackAction(actionID, value string) (a Action, id string, ok bool) {
	rest, found := strings.CutPrefix(actionID, slackPrefix)
	name, n, found2 := strings.Cut(rest, ":")
	a = Action(name)
	if !found || !found2 || !isIndex(n) || !a.Valid() || !ValidID(value) {
		return "", "", false
	}
	return a, value, true
}

// isIndex reports whether s is a decimal number from 0 to 999 without leading zeros.
func isIndex(s string) bool {
	if s == "" || len(s) > 3 || len(s) > 1 && s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// SlackForm renders f as a modal for views.open. The block id and action id of
// an input are its name. Inputs whose name is not ValidInputName are left out.
func SlackForm(f Form) slack.ModalViewRequest {
	inputs := newPage[slack.Block](slackMaxPayload, slackMaxViewBlocks, jsonUnits)
	seen := map[string]bool{}
	for _, in := range f.Inputs {
		if b := slackInput(in); b != nil && !seen[in.Name] && inputs.slots > 1 {
			seen[in.Name] = true
			inputs.add(b)
		}
	}
	p := &slackPage{page: newPage[slack.Block](max(inputs.room, 3000)-noteReserve, inputs.slots-1, jsonUnits)}
	for _, b := range f.Intro {
		slackBody(p, withoutButtons(b))
	}
	view := slack.ModalViewRequest{
		Type:       slack.VTModal,
		Title:      plainText(orWord(brief(oneLine(f.Title), slackMaxViewTitle), "neobot")),
		Close:      plainText("Cancel"),
		Submit:     plainText(orWord(brief(oneLine(f.Submit), slackMaxViewTitle), "Send")),
		Blocks:     slack.Blocks{BlockSet: finish(p.page, inputs.items, contextBlock)},
		CallbackID: SlackFormCallback,
	}
	if meta, err := json.Marshal(formMeta{f.Action, f.ID}); err == nil && f.Action.Valid() && ValidID(f.ID) {
		view.PrivateMetadata = string(meta)
	}
	return view
}

// ParseSlackForm reads the private metadata of a submitted modal.
func ParseSlackForm(metadata string) (a Action, id string, ok bool) {
	var m formMeta
	if len(metadata) > 400 || json.Unmarshal([]byte(metadata), &m) != nil || !m.Action.OpensForm() || !ValidID(m.ID) {
		return "", "", false
	}
	return m.Action, m.ID, true
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

// withoutButtons is b for a place where nothing can be clicked.
func withoutButtons(b Block) Block {
	items := make([]Item, len(b.Items))
	for i, it := range b.Items {
		it.Button = nil
		items[i] = it
	}
	b.Items = items
	return b
}

// slackInput renders one input, nil when it cannot be rendered.
func slackInput(in Input) slack.Block {
	if !ValidInputName(in.Name) {
		return nil
	}
	var el slack.BlockElement
	switch in.Kind {
	case InputSelect:
		el = slackSelect(in)
	case InputText, InputMultiline:
		el = slackTextInput(in)
	}
	if el == nil {
		return nil
	}
	var hint *slack.TextBlockObject
	if h := oneLine(in.Hint); h != "" {
		hint = plainText(cut(h, slackMaxLabel))
	}
	label := plainText(orWord(brief(oneLine(in.Label), 150), in.Name))
	return slack.NewInputBlock(in.Name, label, hint, el).WithOptional(in.Optional)
}

// slackTextInput keeps the pre-filled value within the limit of the input:
// Slack refuses the whole view otherwise.
func slackTextInput(in Input) slack.BlockElement {
	limit := slackMaxInput
	if in.Max > 0 && in.Max < limit {
		limit = in.Max
	}
	el := slack.NewPlainTextInputBlockElement(nil, in.Name)
	el.Multiline = in.Kind == InputMultiline
	el.MaxLength = limit
	el.InitialValue = headUnits(inputValue(in), limit)
	return el
}

// inputValue is the pre-filled value. It will be sent back as it is, so hidden
// characters are removed and not written out.
func inputValue(in Input) string {
	s := clean(in.Value)
	if in.Kind != InputMultiline {
		s = strings.Join(strings.Fields(s), " ")
	}
	return s
}

// slackSelect is nil without a usable option.
func slackSelect(in Input) slack.BlockElement {
	var opts []*slack.OptionBlockObject
	var initial *slack.OptionBlockObject
	for _, o := range usableOptions(in.Options) {
		opt := slack.NewOptionBlockObject(o.Value, plainText(o.Label), nil)
		opts = append(opts, opt)
		if o.Value == in.Value && initial == nil {
			initial = opt
		}
	}
	if len(opts) == 0 {
		return nil
	}
	el := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, in.Name, opts...)
	el.InitialOption = initial
	return el
}

// usableOptions drops options a platform would refuse: no value, a repeated
// one, or one too long to come back whole; at most 100 remain.
func usableOptions(in []Option) []Option {
	seen := map[string]bool{}
	var out []Option
	for _, o := range in {
		if o.Value == "" || seen[o.Value] || units(o.Value) > slackMaxOptValue || sanitize(o.Value, true) != o.Value || len(out) == slackMaxOptions {
			continue
		}
		seen[o.Value] = true
		label := orWord(oneLine(o.Label), o.Value)
		out = append(out, Option{Label: brief(label, slackMaxOption), Value: o.Value})
	}
	return out
}
