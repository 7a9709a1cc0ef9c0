package cards

import (
	"encoding/json"
	"strings"

	"github.com/slack-go/slack"
)

// SlackMessage is a card for chat.postMessage and chat.update. Text is the
// notification and fallback, already escaped: send it with
// slack.MsgOptionText(m.Text, false), without link_names and with unfurling off.
type SlackMessage struct {
	Blocks []slack.Block
	Text   string
}

// Slack renders c for a message: at most 50 blocks and 12,000 characters of
// JSON. What does not fit is left out from the end of the body and counted in
// words. Text of the card stands only in rich_text and plain_text, which have
// no markup, or in mrkdwn when it holds nothing that mrkdwn would change.
func Slack(c Card) SlackMessage {
	return SlackMessage{Blocks: slackBlocks(c, slackMaxBlocks, true), Text: slackFallback(c)}
}

// SlackNoTable is Slack without the table block, which some places (response
// URLs, older workspaces) answer with invalid_blocks; tables become text.
func SlackNoTable(c Card) SlackMessage {
	return SlackMessage{Blocks: slackBlocks(c, slackMaxBlocks, false), Text: slackFallback(c)}
}

// SlackHome renders c for views.publish.
func SlackHome(c Card) slack.HomeTabViewRequest {
	return slack.HomeTabViewRequest{
		Type:   slack.VTHomeTab,
		Blocks: slack.Blocks{BlockSet: slackBlocks(c, slackMaxViewBlocks, false)},
	}
}

// slackBlocks lays out the card. Top and end are made first, because they hold
// what must never be missing; facts, changes and body share what is left.
func slackBlocks(c Card, maxBlocks int, table bool) []slack.Block {
	p := &slackPage{room: slackMaxPayload - 2, slots: maxBlocks, table: table}
	p.add(slackTop(c)...)
	end := slackPage{room: p.room, slots: p.slots}
	end.add(slackEnd(c, &end)...)
	p.room, p.slots, p.buttons = end.room-noteReserve, end.slots-1, end.buttons
	slackFields(p, c.Fields)
	slackChanges(p, c.Changes)
	for _, b := range c.Body {
		slackBody(p, b)
	}
	if note := p.missing.String(); note != "" {
		p.blocks = append(p.blocks, contextBlock("✂️ Not shown here: "+note+"."))
	}
	p.blocks = append(p.blocks, end.blocks...)
	if len(p.blocks) == 0 {
		p.blocks = append(p.blocks, contextBlock("(empty)"))
	}
	return p.blocks
}

// noteReserve is room kept for the line that says what was left out.
const noteReserve = 300

// slackPage collects blocks within a budget.
type slackPage struct {
	blocks  []slack.Block
	room    int // characters of JSON left
	slots   int // blocks left
	buttons int // buttons so far, for the action ids
	table   bool
	missing tally
}

// add appends blocks without asking whether they fit.
func (p *slackPage) add(bs ...slack.Block) {
	for _, b := range bs {
		p.room -= jsonUnits(b) + 1
		p.slots--
		p.blocks = append(p.blocks, b)
	}
}

// try appends b when it fits.
func (p *slackPage) try(b slack.Block) bool {
	size := jsonUnits(b) + 1
	if size > p.room || p.slots < 1 {
		return false
	}
	p.room -= size
	p.slots--
	p.blocks = append(p.blocks, b)
	return true
}

// jsonUnits is the length of v as it goes over the wire.
func jsonUnits(v any) int {
	b, err := json.Marshal(v)
	if err != nil { // none of our types can fail
		return slackMaxPayload
	}
	return units(string(b))
}

// tally counts what was left out, by noun, in order of appearance.
type tally struct {
	nouns  []string
	counts map[string]int
}

func (t *tally) miss(n int, noun string) {
	if n <= 0 {
		return
	}
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	if t.counts[noun] == 0 {
		t.nouns = append(t.nouns, noun)
	}
	t.counts[noun] += n
}

// String is "3 changed fields, 12 rows", empty when nothing is missing.
func (t *tally) String() string {
	parts := make([]string, 0, len(t.nouns))
	for _, noun := range t.nouns {
		parts = append(parts, plural(t.counts[noun], noun))
	}
	return strings.Join(parts, ", ")
}

// slackTop is title, status, test mode and summary.
func slackTop(c Card) []slack.Block {
	var out []slack.Block
	if t := titled(c); t != "" {
		out = append(out, slack.NewHeaderBlock(plainText(brief(t, slackMaxHeader))))
	}
	if w := lookOf(c.Status).words; w != "" {
		out = append(out, contextBlock(w))
	}
	if c.TestMode {
		out = append(out, slack.NewSectionBlock(markdown(testModeIcon+" *"+testModeTitle+":* "+testModeText), nil, nil))
	}
	if s := strings.TrimSpace(clean(c.Summary)); s != "" {
		out = append(out, richBlock(section(run(cut(s, 1500)))))
	}
	return out
}

// slackEnd is links, buttons and small print.
func slackEnd(c Card, p *slackPage) []slack.Block {
	var out []slack.Block
	if links := slackLinks(c.Links); links != nil {
		out = append(out, links)
	}
	buttons, left := splitButtons(c.Buttons, slackMaxActions)
	if len(buttons) > 0 {
		els := make([]slack.BlockElement, 0, len(buttons))
		for _, b := range buttons {
			els = append(els, slackButton(b, p.buttons))
			p.buttons++
		}
		out = append(out, slack.NewActionBlock("", els...))
	}
	if f := footerLine(c, left); f != "" {
		out = append(out, contextBlock(f))
	}
	return out
}

// footerLine joins the small print: " · " between the parts.
func footerLine(c Card, buttonsLeft int) string {
	var parts []string
	if buttonsLeft > 0 {
		parts = append(parts, plural(buttonsLeft, "button")+" could not be shown")
	}
	if c.AIGenerated {
		parts = append(parts, aiLabel)
	}
	for i, f := range c.Footer {
		if i == 10 {
			break
		}
		if f = oneLine(f); f != "" {
			parts = append(parts, cut(f, 200))
		}
	}
	return strings.Join(parts, " · ")
}

// slackLinks is one line per link, "label (host)"; at most ten.
func slackLinks(links []Link) slack.Block {
	var els []slack.RichTextSectionElement
	for i, l := range links {
		if i == 10 {
			break
		}
		if len(els) > 0 {
			els = append(els, run("\n"))
		}
		target, host, ok := safeLink(l)
		if !ok {
			els = append(els, run(cut(linkText(l), 300)))
			continue
		}
		label := brief(oneLine(l.Label), 100)
		if label == "" || strings.Contains(label, "://") {
			els = append(els, slack.NewRichTextSectionLinkElement(target, target, nil))
			continue
		}
		els = append(els, slack.NewRichTextSectionLinkElement(target, label, nil), run(" ("+host+")"))
	}
	if len(els) == 0 {
		return nil
	}
	return richBlock(slack.NewRichTextSection(els...))
}

// slackFallback is what notifications and screen readers get: test mode,
// status, title and summary, escaped for Slack's markup.
func slackFallback(c Card) string {
	var parts []string
	if c.TestMode {
		parts = append(parts, "["+testModeTitle+"]")
	}
	if w := lookOf(c.Status).words; w != "" {
		parts = append(parts, w+":")
	}
	if t := oneLine(c.Title); t != "" {
		parts = append(parts, brief(t, 200))
	}
	if s := oneLine(clean(c.Summary)); s != "" {
		parts = append(parts, "– "+brief(s, 500))
	}
	if len(parts) == 0 {
		return "neobot"
	}
	return escape(strings.Join(parts, " "))
}

// escape makes &, < and > literal, as
// https://docs.slack.dev/messaging/formatting-message-text asks. With them no
// mention, link or command can be written.
func escape(s string) string { return escaper.Replace(s) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
