package cards

import (
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
func Slack(c Card) SlackMessage { return SlackPictures(c, nil) }

// SlackPictures is Slack with charts as pictures: files[i] is Slack's id of the
// picture of the i-th of Drawings(c). A chart without one is shown as text.
func SlackPictures(c Card, files []string) SlackMessage {
	return SlackMessage{Blocks: slackBlocks(c, slackMaxBlocks, true, files), Text: escape(Summary(c))}
}

// SlackNoTable is Slack without the table block, which some places (response
// URLs, older workspaces) answer with invalid_blocks; tables become text.
func SlackNoTable(c Card) SlackMessage {
	return SlackMessage{Blocks: slackBlocks(c, slackMaxBlocks, false, nil), Text: escape(Summary(c))}
}

// SlackHome renders c for views.publish.
func SlackHome(c Card) slack.HomeTabViewRequest {
	return slack.HomeTabViewRequest{
		Type:   slack.VTHomeTab,
		Blocks: slack.Blocks{BlockSet: slackBlocks(c, slackMaxViewBlocks, false, nil)},
	}
}

// slackPage collects blocks; table says whether a table block may still come,
// files are the pictures of the charts still to come.
type slackPage struct {
	page[slack.Block]
	table bool
	files []string
}

// slackBlocks lays out the card. Top and end are made first, because they hold
// what must never be missing; facts, changes and body share what is left.
func slackBlocks(c Card, maxBlocks int, table bool, files []string) []slack.Block {
	size := jsonUnits
	if slackCosts.atMost(c, slackMaxPayload) <= slackMaxPayload {
		size = free
	}
	p := &slackPage{newPage[slack.Block](slackMaxPayload-2, maxBlocks, size), table, files}
	p.add(slackTop(c, size)...)
	end := newPage[slack.Block](p.room, p.slots, size)
	end.add(slackEnd(c, &end)...)
	p.room, p.slots, p.buttons, p.missing = end.room-noteReserve, end.slots-1, end.buttons, end.missing
	slackFields(p, c.Fields)
	slackChanges(p, c.Changes)
	for _, b := range c.Body {
		slackBody(p, b)
	}
	return finish(p.page, end.items, contextBlock)
}

// slackTop is title, status, test mode and summary.
func slackTop(c Card, size func(any) int) []slack.Block {
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
	if c.Summary != "" {
		out = append(out, shrink(size, slackShareSummary, summaryLimits, func(limit int) slack.Block {
			return richBlock(section(run(shortSummary(c, limit))))
		}))
	}
	return out
}

// slackEnd is links, buttons and small print. It counts the buttons in p.
func slackEnd(c Card, p *page[slack.Block]) []slack.Block {
	var out []slack.Block
	links := c.Links[:min(len(c.Links), 10)]
	n := fitCount(p.size, slackShareLinks, len(links), func(n int) slack.Block { return slackLinks(links[:n]) })
	p.missing.miss(len(c.Links)-n, "link")
	if n > 0 {
		out = append(out, slackLinks(links[:n]))
	}
	buttons, left := splitButtons(c.Buttons, slackMaxActions)
	n = fitCount(p.size, slackShareButtons, len(buttons), func(n int) slack.Block { return slackButtons(buttons[:n], p.size) })
	if n > 0 {
		p.buttons = n
		out = append(out, slackButtons(buttons[:n], p.size))
	}
	footer := footerLine(c, left+len(buttons)-n, true)
	if footer != "" {
		out = append(out, shrink(p.size, slackShareFooter, footerLimits, func(limit int) slack.Block {
			return contextBlock(cut(footer, limit))
		}))
	}
	return out
}

// slackButtons is one row of buttons, labels shortened if they must be.
func slackButtons(buttons []Button, size func(any) int) slack.Block {
	return shrink(size, slackShareButtons, labelLimits, func(limit int) slack.Block {
		els := make([]slack.BlockElement, 0, len(buttons))
		for i, b := range buttons {
			b.Label = brief(oneLine(b.Label), limit)
			els = append(els, slackButton(b, i))
		}
		return slack.NewActionBlock("", els...)
	})
}

// slackLinks is one line per link, "label (host)".
func slackLinks(links []Link) slack.Block {
	var els []slack.RichTextSectionElement
	for _, l := range links {
		if len(els) > 0 {
			els = append(els, run("\n"))
		}
		target, host, ok := safeLink(l)
		label := brief(oneLine(l.Label), 100)
		switch {
		case !ok:
			els = append(els, run(cut(linkText(l), 300)))
		case label == "" || strings.Contains(label, "://"): // a label must not pose as another address
			els = append(els, slack.NewRichTextSectionLinkElement(target, target, nil))
		default:
			els = append(els, slack.NewRichTextSectionLinkElement(target, label, nil), run(" ("+host+")"))
		}
	}
	return richBlock(slack.NewRichTextSection(els...))
}

// escape makes &, < and > literal, as
// https://docs.slack.dev/messaging/formatting-message-text asks. With them no
// mention, link or command can be written.
func escape(s string) string { return escaper.Replace(s) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
