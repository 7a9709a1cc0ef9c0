package slackfake

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// refusal is an error of Slack: {"ok":false,"error":…}.
type refusal string

// method is one Web API method: its scopes ("a|b" means either, "" none) and work.
type method struct {
	scope string
	run   func(s *Server, v url.Values) (map[string]any, refusal)
}

var methods = map[string]method{
	"auth.test":                    {"", (*Server).authTest},
	"bots.info":                    {"users:read", (*Server).botsInfo},
	"users.info":                   {"users:read", (*Server).usersInfo},
	"conversations.info":           {"", (*Server).conversationsInfo},
	"conversations.open":           {"im:write", (*Server).conversationsOpen},
	"conversations.history":        {"", (*Server).conversationsHistory},
	"conversations.replies":        {"", (*Server).conversationsReplies},
	"chat.postMessage":             {"chat:write", (*Server).chatPostMessage},
	"chat.update":                  {"chat:write", (*Server).chatUpdate},
	"chat.postEphemeral":           {"chat:write", (*Server).chatPostEphemeral},
	"files.getUploadURLExternal":   {"files:write", (*Server).filesGetUploadURL},
	"files.completeUploadExternal": {"files:write", (*Server).filesCompleteUpload},
	"views.open":                   {"", (*Server).viewsOpen},
	"views.update":                 {"", (*Server).viewsUpdate},
	"views.publish":                {"", (*Server).viewsPublish},
	"reactions.add":                {"reactions:write", (*Server).accept},
	"reactions.remove":             {"reactions:write", (*Server).accept},
	"assistant.threads.setStatus":  {"chat:write|assistant:write", (*Server).accept},
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // a test client that left
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutPrefix(r.URL.Path, "/response/"); ok {
		s.respond(w, r, id)
		return
	}
	if secret, ok := strings.CutPrefix(r.URL.Path, "/upload/"); ok {
		s.takeFile(w, r, secret)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/api/")
	values, err := arguments(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.record(name, values)
	f := s.fault(name)
	if f.before(w, r) {
		return
	}
	out := s.run(name, values, token(r, values))
	if f != nil && f.Drop {
		drop()
	}
	if s.cfg.Scopes != nil {
		w.Header().Set("X-OAuth-Scopes", strings.Join(s.cfg.Scopes, ","))
	}
	write(w, out)
}

// arguments reads a form or a JSON body into one shape.
func arguments(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(r.Header.Get("Content-Type"), "json") {
		v, err := url.ParseQuery(string(body))
		if err == nil && r.URL.RawQuery != "" {
			for k, vs := range r.URL.Query() {
				v[k] = vs
			}
		}
		return v, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	v := url.Values{}
	for k, raw := range m {
		var str string
		if json.Unmarshal(raw, &str) == nil {
			v.Set(k, str)
		} else {
			v.Set(k, string(raw))
		}
	}
	return v, nil
}

func token(r *http.Request, v url.Values) string {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	return v.Get("token")
}

func (s *Server) record(name string, v url.Values) {
	args := map[string]string{}
	for k := range v {
		if k != "token" {
			args[k] = v.Get(k)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{name, args})
}

func (s *Server) run(name string, v url.Values, token string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := methods[name]
	if !ok {
		s.problem("unknown method %s", name)
		return map[string]any{"ok": false, "error": "unknown_method"}
	}
	if token != s.cfg.Token {
		return map[string]any{"ok": false, "error": "invalid_auth"}
	}
	if m.scope != "" && !s.granted(m.scope) {
		s.problem("%s without scope %s", name, m.scope)
		return map[string]any{"ok": false, "error": "missing_scope", "needed": m.scope, "provided": strings.Join(s.cfg.Scopes, ",")}
	}
	out, no := m.run(s, v)
	if code, message, ok := strings.Cut(string(no), ": "); ok { // as Slack writes what is wrong with blocks
		return map[string]any{"ok": false, "error": code, "errors": []string{message}, "response_metadata": map[string]any{"messages": []string{message}}}
	}
	if no != "" {
		return map[string]any{"ok": false, "error": string(no)}
	}
	if out == nil {
		out = map[string]any{}
	}
	out["ok"] = true
	return out
}

func (s *Server) accept(url.Values) (map[string]any, refusal) { return nil, "" }

// botsInfo as in https://docs.slack.dev/reference/methods/bots.info
func (s *Server) botsInfo(v url.Values) (map[string]any, refusal) {
	if v.Get("bot") != s.cfg.BotID {
		return nil, "bot_not_found"
	}
	return map[string]any{"bot": map[string]any{"id": s.cfg.BotID, "app_id": s.cfg.App, "user_id": s.cfg.BotUser, "name": "neobot", "deleted": false}}, ""
}

func (s *Server) authTest(url.Values) (map[string]any, refusal) {
	return map[string]any{"team_id": s.cfg.Team, "enterprise_id": s.cfg.Enterprise, "user_id": s.cfg.BotUser, "bot_id": s.cfg.BotID, "user": "neobot", "team": "Home"}, ""
}

func (s *Server) usersInfo(v url.Values) (map[string]any, refusal) {
	u := s.users[v.Get("user")]
	if u == nil {
		return nil, "user_not_found"
	}
	out := map[string]any{
		"id": u.ID, "team_id": u.Team, "name": strings.ToLower(u.Name), "real_name": u.Name, "deleted": u.Deleted,
		"is_bot": u.Bot, "is_stranger": u.Stranger, "is_restricted": u.Restricted || u.UltraRestricted, "is_ultra_restricted": u.UltraRestricted,
		"profile": map[string]any{"display_name": u.Name, "real_name": u.Name},
	}
	if u.Enterprise != "" {
		out["enterprise_user"] = map[string]any{"enterprise_id": u.Enterprise, "teams": []string{u.Team}}
	}
	return map[string]any{"user": out}, ""
}

// scopeOf is the scope prefix of a conversation's kind.
func (c *Channel) scopeOf(what string) string {
	switch c.Kind {
	case "group":
		return "groups:" + what
	case "mpim", "im":
		return c.Kind + ":" + what
	}
	return "channels:" + what
}

// room finds a conversation the bot can see, with the scope for what.
func (s *Server) room(id, what string) (*Channel, refusal) {
	c := s.channels[id]
	if c == nil || c.NoBot && c.Kind != "channel" {
		return nil, "channel_not_found"
	}
	if what != "" && !s.granted(c.scopeOf(what)) {
		s.problem("conversation %s without scope %s", id, c.scopeOf(what))
		return nil, "missing_scope"
	}
	return c, ""
}

func (s *Server) conversationsInfo(v url.Values) (map[string]any, refusal) {
	c, no := s.room(v.Get("channel"), "read")
	if no != "" {
		return nil, no
	}
	out := map[string]any{
		"id": c.ID, "is_channel": c.Kind == "channel", "is_group": c.Kind == "group", "is_im": c.Kind == "im", "is_mpim": c.Kind == "mpim",
		"is_private": c.Kind != "channel", "is_archived": c.Archived, "is_member": !c.NoBot,
		"is_ext_shared": c.ExtShared, "is_pending_ext_shared": c.PendingShared, "context_team_id": s.cfg.Team,
	}
	if c.Kind == "im" && len(c.Members) > 0 {
		out["user"] = c.Members[0]
	}
	return map[string]any{"channel": out}, ""
}

func (s *Server) conversationsOpen(v url.Values) (map[string]any, refusal) {
	u := s.users[v.Get("users")]
	switch {
	case u == nil:
		return nil, "user_not_found"
	case u.Bot:
		return nil, "cannot_dm_bot"
	case u.Deleted:
		return nil, "user_disabled"
	}
	return map[string]any{"channel": map[string]any{"id": s.direct(u.ID).ID}}, ""
}

// direct is the conversation of the bot with a person, made when needed.
func (s *Server) direct(user string) *Channel {
	for _, c := range s.channels {
		if c.Kind == "im" && !c.NoBot && len(c.Members) == 1 && c.Members[0] == user {
			return c
		}
	}
	c := &Channel{ID: "D" + strings.TrimPrefix(user, "U"), Kind: "im", Members: []string{user}}
	s.channels[c.ID] = c
	return c
}

func (s *Server) conversationsHistory(v url.Values) (map[string]any, refusal) {
	return s.page(v, func(m *Message) bool { return m.Thread == "" || m.Thread == m.TS }, true)
}

func (s *Server) conversationsReplies(v url.Values) (map[string]any, refusal) {
	ts := v.Get("ts")
	if s.find(v.Get("channel"), ts) == nil {
		return nil, "thread_not_found"
	}
	return s.page(v, func(m *Message) bool { return m.TS == ts || m.Thread == ts }, false)
}

func (s *Server) page(v url.Values, want func(*Message) bool, newestFirst bool) (map[string]any, refusal) {
	c, no := s.room(v.Get("channel"), "history")
	if no != "" {
		return nil, no
	}
	if c.NoBot {
		return nil, "not_in_channel"
	}
	var all []map[string]any
	for _, m := range s.messages {
		if m.Channel == c.ID && want(m) {
			all = append(all, m.wire(v.Get("include_all_metadata") == "1"))
		}
	}
	if newestFirst {
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
	}
	limit, _ := strconv.Atoi(v.Get("limit"))
	if limit <= 0 || limit > 999 {
		limit = 100
	}
	from, _ := strconv.Atoi(v.Get("cursor"))
	from = min(max(from, 0), len(all))
	end := min(from+limit, len(all))
	out := map[string]any{"messages": all[from:end], "has_more": end < len(all)}
	if end < len(all) {
		out["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(end)}
	}
	return out, ""
}

func (m *Message) wire(metadata bool) map[string]any {
	out := map[string]any{"type": "message", "ts": m.TS, "user": m.User, "text": m.Text}
	if m.BotID != "" {
		out["bot_id"] = m.BotID
	}
	if m.Thread != "" {
		out["thread_ts"] = m.Thread
	}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	if metadata && len(m.Metadata) > 0 {
		out["metadata"] = m.Metadata
	}
	return out
}

// respond is the response_url: five uses within thirty minutes.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, id string) {
	v, err := arguments(r)
	if err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.record("response_url", v)
	f := s.fault("response_url")
	if f.before(w, r) {
		return
	}
	s.mu.Lock()
	u := s.responses[id]
	switch {
	case u == nil, s.cfg.Now().Sub(u.at) > 30*time.Minute:
		s.mu.Unlock()
		http.Error(w, "expired_url", http.StatusNotFound)
		return
	case u.uses >= 5:
		s.problem("response_url used a sixth time")
		s.mu.Unlock()
		http.Error(w, "used_url", http.StatusNotFound)
		return
	}
	u.uses++
	s.checkMessage("response_url", v, false)
	if v.Get("response_type") != "ephemeral" {
		s.problem("response_url: %s answer", v.Get("response_type"))
	}
	s.ephemeral = append(s.ephemeral, Ephemeral{Channel: u.channel, User: u.user, Text: v.Get("text"), Blocks: json.RawMessage(v.Get("blocks")), Via: "response_url"})
	s.touch()
	s.mu.Unlock()
	if f != nil && f.Drop {
		drop()
	}
	_, _ = io.WriteString(w, "ok")
}
