package slackfake

import (
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"
)

// speakable finds a conversation the bot may post in.
func (s *Server) speakable(id string) (*Channel, refusal) {
	c, no := s.room(id, "")
	switch {
	case no != "":
		if u := s.users[id]; u != nil {
			s.problem("post to a user id %s: open the conversation first", id)
		}
		return nil, no
	case c.NoBot:
		return nil, "not_in_channel"
	case c.Archived:
		return nil, "is_archived"
	}
	return c, ""
}

func (s *Server) chatPostMessage(v url.Values) (map[string]any, refusal) {
	c, no := s.speakable(v.Get("channel"))
	if no != "" {
		return nil, no
	}
	if no := s.checkMessage("chat.postMessage", v, true); no != "" {
		return nil, no
	}
	thread := v.Get("thread_ts")
	if thread != "" && s.find(c.ID, thread) == nil {
		return nil, "thread_not_found"
	}
	m := &Message{
		Channel: c.ID, TS: s.nextTS(), Thread: thread, User: s.cfg.BotUser, BotID: s.cfg.BotID,
		Text: v.Get("text"), Blocks: raw(v.Get("blocks")), Metadata: raw(v.Get("metadata")),
	}
	s.messages = append(s.messages, m)
	s.touch()
	return map[string]any{"channel": c.ID, "ts": m.TS, "message": m.wire(true)}, ""
}

func (s *Server) chatUpdate(v url.Values) (map[string]any, refusal) {
	c, no := s.speakable(v.Get("channel"))
	if no != "" {
		return nil, no
	}
	m := s.find(c.ID, v.Get("ts"))
	switch {
	case m == nil:
		return nil, "message_not_found"
	case m.User != s.cfg.BotUser:
		s.problem("chat.update of somebody else's message")
		return nil, "cant_update_message"
	}
	if no := s.checkMessage("chat.update", v, false); no != "" {
		return nil, no
	}
	m.Before = append(m.Before, m.Text)
	m.Text, m.Edits = v.Get("text"), m.Edits+1
	m.Blocks = raw(v.Get("blocks")) // blocks not passed again are dropped
	if meta := raw(v.Get("metadata")); meta != nil {
		m.Metadata = meta
	}
	s.touch()
	return map[string]any{"channel": c.ID, "ts": m.TS, "text": m.Text}, ""
}

func (s *Server) chatPostEphemeral(v url.Values) (map[string]any, refusal) {
	c, no := s.speakable(v.Get("channel"))
	if no != "" {
		return nil, no
	}
	if !c.has(v.Get("user")) {
		return nil, "user_not_in_channel"
	}
	if no := s.checkMessage("chat.postEphemeral", v, false); no != "" {
		return nil, no
	}
	s.ephemeral = append(s.ephemeral, Ephemeral{
		Channel: c.ID, User: v.Get("user"), Thread: v.Get("thread_ts"), Text: v.Get("text"), Blocks: raw(v.Get("blocks")), Via: "chat.postEphemeral",
	})
	s.touch()
	return map[string]any{"message_ts": s.nextTS()}, ""
}

func (c *Channel) has(user string) bool {
	for _, m := range c.Members {
		if m == user {
			return true
		}
	}
	return false
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// maxBlocksJSON is where Slack was seen to answer msg_blocks_too_long.
// https://github.com/slackapi/bolt-js/issues/2509
const maxBlocksJSON = 13_200

// checkMessage refuses what Slack refuses and notes what a careful bot does not do.
func (s *Server) checkMessage(method string, v url.Values, unfurl bool) refusal {
	text, blocks := v.Get("text"), v.Get("blocks")
	if text == "" && (blocks == "" || blocks == "[]") {
		return "no_text"
	}
	if text == "" {
		s.problem("%s: blocks without the text that notifications need", method)
	}
	if utf8.RuneCountInString(text) > 40_000 {
		return "msg_too_long"
	}
	if utf8.RuneCountInString(blocks) > maxBlocksJSON {
		return "msg_blocks_too_long"
	}
	if unfurl && (v.Get("unfurl_links") != "false" || v.Get("unfurl_media") != "false") {
		s.problem("%s: unfurling is on", method)
	}
	if v.Get("link_names") != "" || v.Get("parse") != "" || v.Get("mrkdwn") != "" {
		s.problem("%s: link_names or parse is set", method)
	}
	s.checkMarkup(method, text)
	if blocks == "" || blocks == "[]" {
		return ""
	}
	if faults := s.checkBlocks([]byte(blocks)); len(faults) > 0 {
		s.problem("%s: %s: %.400s", method, strings.Join(faults, "; "), blocks)
		return "invalid_blocks"
	}
	return s.checkPictures(blocks)
}

// checkMarkup finds mentions and links in top-level text, where nothing of ours
// ever writes one.
func (s *Server) checkMarkup(method, text string) {
	for _, bad := range []string{"<!", "<@", "<#", "<http", "<mailto"} {
		if strings.Contains(text, bad) {
			s.problem("%s: live markup %q in %.200q", method, bad, text)
		}
	}
}
