package slackfake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Request is a delivery as Slack would send it to the bot.
type Request struct {
	Path        string // below the bot's base URL
	ContentType string
	Body        []byte
}

// Sign sets the signature headers for body, dated now.
func (s *Server) Sign(r *http.Request, body []byte) {
	stamp := strconv.FormatInt(s.cfg.Now().Unix(), 10)
	m := hmac.New(sha256.New, []byte(s.cfg.Secret))
	m.Write([]byte("v0:" + stamp + ":"))
	m.Write(body)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(m.Sum(nil)))
}

// Send delivers a signed request to the bot at base and returns its answer.
func (s *Server) Send(ctx context.Context, base string, q Request) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", q.ContentType)
	s.Sign(r, q.Body)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// Event wraps an inner event in the envelope of the Events API.
func (s *Server) Event(inner map[string]any) Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.event(inner)
}

func (s *Server) event(inner map[string]any) Request {
	s.seq++
	channel, _ := inner["channel"].(string)
	c := s.channels[channel]
	env := map[string]any{
		"type": "event_callback", "token": "deprecated", "team_id": s.cfg.Team, "api_app_id": s.cfg.App,
		"event_id": fmt.Sprintf("Ev%08d", s.seq), "event_time": s.cfg.Now().Unix(),
		"is_ext_shared_channel": c != nil && c.ExtShared,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": s.cfg.Team, "user_id": s.cfg.BotUser, "is_bot": true, "is_enterprise_install": false,
		}},
		"event": inner,
	}
	body, err := json.Marshal(env)
	if err != nil {
		panic(err) // a test passed something that is not JSON
	}
	return Request{"/slack/events", "application/json", body}
}

// Say lets a person write a message and returns its ts and the deliveries Slack
// makes for it: a mention in a channel arrives twice, as app_mention and as
// message. Use Mention to address the bot.
func (s *Server) Say(user, channel, thread, text string) (ts string, out []Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, u := s.channels[channel], s.users[user]
	if c == nil || u == nil {
		panic("slackfake: unknown channel or user")
	}
	m := &Message{Channel: channel, TS: s.nextTS(), Thread: thread, User: user, Text: text}
	s.messages = append(s.messages, m)
	inner := map[string]any{
		"type": "message", "channel": channel, "user": user, "text": text, "ts": m.TS, "event_ts": m.TS,
		"team": u.Team, "channel_type": c.Kind, "client_msg_id": "c-" + m.TS,
	}
	if u.Team != s.cfg.Team {
		inner["user_team"] = u.Team
	}
	if thread != "" {
		inner["thread_ts"] = thread
	}
	if c.Kind != "im" && strings.Contains(text, "<@"+s.cfg.BotUser+">") {
		mention := map[string]any{}
		for k, v := range inner {
			mention[k] = v
		}
		mention["type"] = "app_mention"
		delete(mention, "channel_type")
		out = append(out, s.event(mention))
	}
	return m.TS, append(out, s.event(inner))
}

// Mention is Say with the bot addressed.
func (s *Server) Mention(user, channel, thread, text string) (ts string, out []Request) {
	return s.Say(user, channel, thread, "<@"+s.cfg.BotUser+"> "+text)
}

// Direct is the id of a person's direct conversation with the bot.
func (s *Server) Direct(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.direct(user).ID
}

// OpenHome is the event of a person who opens the home tab.
func (s *Server) OpenHome(user string) Request {
	return s.Event(map[string]any{"type": "app_home_opened", "user": user, "tab": "home", "channel": s.Direct(user)})
}

// Slash is a /neo command.
func (s *Server) Slash(user, channel, text string) Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := url.Values{
		"command": {"/neo"}, "text": {text}, "api_app_id": {s.cfg.App}, "team_id": {s.cfg.Team}, "is_enterprise_install": {"false"},
		"channel_id": {channel}, "user_id": {user}, "response_url": {s.responseURL(channel, user)}, "trigger_id": {s.trigger(user)},
	}
	return Request{"/slack/commands", "application/x-www-form-urlencoded", []byte(f.Encode())}
}

// trigger makes a trigger id. The caller holds mu.
func (s *Server) trigger(user string) string {
	s.seq++
	id := fmt.Sprintf("%d.%s", s.seq, user)
	s.triggers[id] = issued{user: user, at: s.cfg.Now()}
	return id
}

func (s *Server) responseURL(channel, user string) string {
	s.seq++
	id := fmt.Sprintf("r%d", s.seq)
	s.responses[id] = &response{channel: channel, user: user, at: s.cfg.Now()}
	return s.http.URL + "/response/" + id
}

// Press is a click on the button with this label in a message of the bot (or in
// the home tab, with an empty channel). An error means there is no such button.
func (s *Server) Press(user, channel, ts, label string) (Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blocks := []byte(nil)
	m := s.find(channel, ts)
	if m != nil {
		blocks = m.Blocks
	} else if channel == "" {
		blocks = s.homes[user].JSON
	}
	b, ok := findButton(blocks, label)
	if !ok {
		return Request{}, fmt.Errorf("no button %q in %s", label, blocks)
	}
	return s.press(user, channel, m, b), nil
}

// PressRaw is a click with any action id and value, as an attacker or an old
// message would send it.
func (s *Server) PressRaw(user, channel, ts, actionID, value string) Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.press(user, channel, s.find(channel, ts), button{ActionID: actionID, Value: value})
}

func (s *Server) press(user, channel string, m *Message, b button) Request {
	s.seq++
	p := s.payload("block_actions", user)
	p["actions"] = []any{map[string]any{
		"type": "button", "action_id": b.ActionID, "block_id": "b1", "value": b.Value, "action_ts": s.nextTS(),
		"text": map[string]any{"type": "plain_text", "text": b.Text.Text},
	}}
	if channel == "" {
		p["container"] = map[string]any{"type": "view", "view_id": "H" + user}
		p["view"] = map[string]any{"id": "H" + user, "type": "home", "app_installed_team_id": s.cfg.Team}
		return interactionOf(p)
	}
	p["channel"] = map[string]any{"id": channel, "name": "x"}
	p["response_url"] = s.responseURL(channel, user)
	cont := map[string]any{"type": "message", "channel_id": channel, "is_ephemeral": false}
	if m != nil {
		cont["message_ts"] = m.TS
		message := m.wire(false)
		delete(message, "blocks")
		p["message"] = message
		if m.Thread != "" {
			cont["thread_ts"] = m.Thread
		}
	}
	p["container"] = cont
	return interactionOf(p)
}

func (s *Server) payload(kind, user string) map[string]any {
	u := s.users[user]
	if u == nil {
		u = &User{ID: user, Team: s.cfg.Team}
	}
	return map[string]any{
		"type": kind, "api_app_id": s.cfg.App, "token": "deprecated", "trigger_id": s.trigger(user),
		"team": map[string]any{"id": s.cfg.Team}, "enterprise": nil, "is_enterprise_install": false,
		"user": map[string]any{"id": user, "team_id": u.Team, "username": u.Name, "name": u.Name},
	}
}

func interactionOf(p map[string]any) Request {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return Request{"/slack/interactions", "application/x-www-form-urlencoded", []byte(url.Values{"payload": {string(b)}}.Encode())}
}

// Submit sends an opened modal with these values, by input name.
func (s *Server) Submit(user string, v View, inputs map[string]string) Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var view map[string]any
	if err := json.Unmarshal(v.JSON, &view); err != nil {
		panic(err)
	}
	view["id"], view["app_installed_team_id"], view["hash"] = v.ID, s.cfg.Team, "1.x"
	values := map[string]any{}
	blocks, _ := view["blocks"].([]any)
	for _, raw := range blocks {
		b, _ := raw.(map[string]any)
		if b["type"] != "input" {
			continue
		}
		id, _ := b["block_id"].(string)
		el, _ := b["element"].(map[string]any)
		action, _ := el["action_id"].(string)
		values[id] = map[string]any{action: inputState(el, inputs[id])}
	}
	view["state"] = map[string]any{"values": values}
	p := s.payload("view_submission", user)
	p["view"] = view
	p["response_urls"] = []any{}
	return interactionOf(p)
}

func inputState(el map[string]any, value string) map[string]any {
	out := map[string]any{"type": el["type"]}
	if el["type"] == "static_select" {
		out["selected_option"] = nil
		if value != "" {
			out["selected_option"] = map[string]any{"value": value, "text": map[string]any{"type": "plain_text", "text": value}}
		}
		return out
	}
	out["value"] = nil
	if value != "" {
		out["value"] = value
	}
	return out
}

type button struct {
	Type     string `json:"type"`
	ActionID string `json:"action_id"`
	Value    string `json:"value"`
	Text     struct {
		Text string `json:"text"`
	} `json:"text"`
}

// findButton looks through any JSON for a button with this label.
func findButton(doc []byte, label string) (button, bool) {
	var b button
	if json.Unmarshal(doc, &b) == nil && b.Type == "button" && b.Text.Text == label {
		return b, true
	}
	var list []json.RawMessage
	if json.Unmarshal(doc, &list) == nil {
		for _, e := range list {
			if b, ok := findButton(e, label); ok {
				return b, true
			}
		}
		return button{}, false
	}
	var obj map[string]json.RawMessage
	if json.Unmarshal(doc, &obj) == nil {
		for _, k := range []string{"blocks", "elements", "accessory"} {
			if b, ok := findButton(obj[k], label); ok {
				return b, true
			}
		}
	}
	return button{}, false
}

// Buttons are the labels of all buttons in a message's blocks or a view.
func Buttons(doc json.RawMessage) []string {
	var out []string
	var walk func(json.RawMessage)
	walk = func(doc json.RawMessage) {
		var b button
		if json.Unmarshal(doc, &b) == nil && b.Type == "button" {
			out = append(out, b.Text.Text)
			return
		}
		var list []json.RawMessage
		if json.Unmarshal(doc, &list) == nil {
			for _, e := range list {
				walk(e)
			}
			return
		}
		var obj map[string]json.RawMessage
		if json.Unmarshal(doc, &obj) == nil {
			for _, k := range []string{"blocks", "elements", "accessory"} {
				walk(obj[k])
			}
		}
	}
	walk(doc)
	return out
}
