package slack

import (
	"strings"
	"unicode/utf8"
)

// maxText bounds what one message may bring in. Slack's own limit is 40,000
// characters; a question is shorter.
const maxText = 12_000

// plain turns Slack's message text into what the person typed: the bot's
// mention is removed, other references become words, entities are decoded.
// https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
func plain(text, bot string) string {
	var b strings.Builder
	if rest := strings.TrimSpace(text); bot != "" && strings.HasPrefix(rest, "<@"+bot) {
		if _, after, ok := strings.Cut(rest, ">"); ok {
			text = strings.TrimLeft(after, ":, ") // "@neobot: agents"
		}
	}
	for text != "" {
		before, rest, found := strings.Cut(text, "<")
		b.WriteString(before)
		if !found {
			break
		}
		ref, after, closed := strings.Cut(rest, ">")
		if !closed {
			b.WriteString("<" + rest)
			break
		}
		b.WriteString(word(ref, bot))
		text = after
	}
	out := strings.TrimSpace(unescape(b.String()))
	if len(out) > maxText {
		out = out[:maxText]
		for !utf8.ValidString(out) {
			out = out[:len(out)-1]
		}
	}
	return strings.ToValidUTF8(out, "�")
}

// word is a <reference> as a person would write it.
func word(ref, bot string) string {
	target, label, labelled := strings.Cut(ref, "|")
	switch {
	case strings.HasPrefix(target, "@"):
		if bot != "" && target[1:] == bot {
			return ""
		}
		return "@" + named(target[1:], label)
	case strings.HasPrefix(target, "#"):
		return "#" + named(target[1:], label)
	case strings.HasPrefix(target, "!"):
		return "@" + named(target[1:], strings.TrimPrefix(label, "@"))
	case !labelled || label == target || strings.HasSuffix(target, "://"+label) || strings.HasPrefix(target, "mailto:"):
		return named(target, label)
	}
	return label + " (" + target + ")"
}

func named(id, label string) string {
	if label != "" {
		return label
	}
	return id
}

// unescape decodes the three entities Slack encodes, and no others: a person
// who types "&copy;" means that.
func unescape(s string) string { return entities.Replace(s) }

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// mentions reports whether text mentions the bot.
func mentions(text, bot string) bool {
	return bot != "" && (strings.Contains(text, "<@"+bot+">") || strings.Contains(text, "<@"+bot+"|"))
}

// toOther reports whether a message in a thread begins by addressing somebody.
// The bot is asked about mentions of itself before.
func toOther(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "<@") || strings.HasPrefix(text, "<!")
}
