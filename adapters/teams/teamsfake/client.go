package teamsfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"
)

// Result is what a person's client gets back from the bot for an invoke.
type Result struct {
	Status int
	Body   map[string]any
	Text   string         // a sentence shown to this person only
	Card   map[string]any // a card in place of the clicked one, for this person
	Dialog map[string]any // an open dialog: title, card
}

// Activity is a delivery of this person in this conversation; change it as you like.
func (s *Server) Activity(user, conversation string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, c := s.people[user], s.conversations[base(conversation)]
	if c == nil {
		c = &Conversation{ID: conversation, Type: "groupChat"}
	}
	s.next++
	from := map[string]any{"id": user, "name": p.Name}
	if p.AAD != "" {
		from["aadObjectId"] = p.AAD
	}
	data := map[string]any{"tenant": map[string]any{"id": s.Tenant}}
	if c.TeamID != "" {
		data["team"] = map[string]any{"id": c.TeamID}
	}
	if c.TeamID != "" {
		ch := map[string]any{"id": c.ID}
		if c.Telling {
			ch["type"] = c.ChannelType
		}
		data["channel"] = ch
	}
	return map[string]any{
		"id": fmt.Sprintf("f:%d", s.next), "channelId": "msteams", "serviceUrl": s.URL + "/connector/",
		"timestamp": s.Now().UTC().Format(time.RFC3339Nano),
		"from":      from, "recipient": map[string]any{"id": s.BotID(), "name": "neobot"},
		"conversation": map[string]any{
			"id": conversation, "conversationType": c.Type, "tenantId": s.Tenant, "isGroup": c.Type != "personal",
		},
		"channelData": data,
	}
}

// With is Activity with changes.
func (s *Server) With(user, conversation string, changes map[string]any) map[string]any {
	act := s.Activity(user, conversation)
	maps.Copy(act, changes)
	return act
}

// Deliver signs an activity and gives it to the bot.
func (s *Server) Deliver(act map[string]any) Result {
	s.t.Helper()
	now := s.Now()
	token := s.Sign(map[string]any{
		"iss": Issuer, "aud": s.AppID, "serviceurl": act["serviceUrl"],
		"nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	return s.DeliverAs("Bearer "+token, act)
}

// DeliverAs gives an activity to the bot under any Authorization header.
func (s *Server) DeliverAs(authorization string, act map[string]any) Result {
	s.t.Helper()
	body, err := json.Marshal(act)
	if err != nil {
		s.t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/api/messages", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	s.Bot.ServeHTTP(rec, req)
	r := Result{Status: rec.Code}
	_ = json.Unmarshal(rec.Body.Bytes(), &r.Body)
	return r
}

// Say writes a message, with a mention of the bot outside personal chats. It
// returns the activity's id.
func (s *Server) Say(user, conversation, text string) string {
	s.t.Helper()
	act := s.Activity(user, conversation)
	act["type"], act["textFormat"], act["text"] = "message", "plain", text
	if conv, _ := act["conversation"].(map[string]any); conv["conversationType"] != "personal" {
		act["text"] = "<at>neobot</at> " + text
		act["entities"] = []any{map[string]any{
			"type": "mention", "text": "<at>neobot</at>", "mentioned": map[string]any{"id": s.BotID(), "name": "neobot"},
		}}
	}
	if r := s.Deliver(act); r.Status != http.StatusOK {
		s.t.Errorf("teamsfake: message answered with %d", r.Status)
	}
	id, _ := act["id"].(string)
	return id
}

// Press presses the button with this label on a message, as Teams does it:
// Action.Execute as adaptiveCard/action, task/fetch for a dialog.
func (s *Server) Press(user, message, label string) Result {
	s.t.Helper()
	m, ok := s.message(message)
	if !ok {
		s.t.Errorf("teamsfake: no message %s", message)
		return Result{}
	}
	return s.PressSeen(user, m, label)
}

// PressSeen presses a button of a message as it was when m was read: people
// look at old cards.
func (s *Server) PressSeen(user string, m Message, label string) Result {
	s.t.Helper()
	action := find(m.Card, label)
	if action == nil {
		s.t.Errorf("teamsfake: no button %q on message %s", label, m.ID)
		return Result{}
	}
	return s.Act(user, m, action)
}

// Act sends what an action of a card makes the client send.
func (s *Server) Act(user string, m Message, action map[string]any) Result {
	s.t.Helper()
	data, _ := action["data"].(map[string]any)
	act := s.With(user, m.Conversation, map[string]any{"type": "invoke", "replyToId": m.ID})
	if action["type"] == "Action.Execute" {
		act["name"] = "adaptiveCard/action"
		act["value"] = map[string]any{"action": map[string]any{
			"type": "Action.Execute", "id": "", "verb": action["verb"], "data": data,
		}, "trigger": "manual"}
		r := s.result(s.Deliver(act))
		if r.Card != nil {
			s.mu.Lock()
			s.views[user+" "+m.ID] = r.Card
			s.mu.Unlock()
		}
		return r
	}
	if ms, _ := data["msteams"].(map[string]any); ms["type"] == "task/fetch" {
		act["name"], act["value"] = "task/fetch", map[string]any{"data": data, "context": map[string]any{"theme": "default"}}
		return s.result(s.Deliver(act))
	}
	act["type"], act["value"] = "message", data
	return s.Deliver(act)
}

// Open draws a message in a person's client: when its card asks for it, the
// client fetches the card as this person sees it. ok is false when it does not.
func (s *Server) Open(user, message string) (r Result, ok bool) {
	s.t.Helper()
	m, _ := s.message(message)
	refresh, _ := m.Card["refresh"].(map[string]any)
	ids, _ := refresh["userIds"].([]any)
	if len(ids) > 60 || refresh != nil && len(ids) == 0 {
		s.t.Errorf("teamsfake: refresh for %d people", len(ids))
	}
	if !slices.Contains(ids, any(user)) {
		return Result{}, false
	}
	action, _ := refresh["action"].(map[string]any)
	return s.Redraw(user, m, action), true
}

// Redraw sends what a client sends by itself when it draws a card again.
func (s *Server) Redraw(user string, m Message, action map[string]any) Result {
	s.t.Helper()
	r := s.result(s.Deliver(s.With(user, m.Conversation, map[string]any{
		"type": "invoke", "name": "adaptiveCard/action", "replyToId": m.ID,
		"value": map[string]any{"action": map[string]any{
			"type": "Action.Execute", "id": "", "verb": action["verb"], "data": action["data"],
		}, "trigger": "automatic"},
	})))
	if r.Card != nil {
		s.mu.Lock()
		s.views[user+" "+m.ID] = r.Card
		s.mu.Unlock()
	}
	return r
}

// OldClient presses a button the way clients without Action.Execute do: the
// fallback Action.Submit, a message with a value.
func (s *Server) OldClient(user, message, label string) Result {
	s.t.Helper()
	m, _ := s.message(message)
	action := find(m.Card, label)
	if fallback, ok := action["fallback"].(map[string]any); ok {
		action = fallback
	}
	return s.Deliver(s.With(user, m.Conversation, map[string]any{"type": "message", "replyToId": m.ID, "value": action["data"]}))
}

// Submit sends a filled-in dialog. Inputs are merged into the action's data, as
// Teams does it.
func (s *Server) Submit(user, conversation string, dialog Result, inputs map[string]any) Result {
	s.t.Helper()
	attachment, _ := dialog.Dialog["card"].(map[string]any)
	card, _ := attachment["content"].(map[string]any)
	actions, _ := card["actions"].([]any)
	if len(actions) == 0 {
		s.t.Fatalf("teamsfake: dialog without a submit button: %v", dialog.Dialog)
	}
	first, _ := actions[0].(map[string]any)
	data := map[string]any{}
	if d, ok := first["data"].(map[string]any); ok {
		maps.Copy(data, d)
	}
	maps.Copy(data, inputs)
	return s.result(s.Deliver(s.With(user, conversation, map[string]any{
		"type": "invoke", "name": "task/submit", "value": map[string]any{"data": data},
	})))
}

// View is the card of a message as this person sees it.
func (s *Server) View(user, message string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.views[user+" "+message]; ok {
		return v
	}
	for _, m := range s.messages {
		if m.ID == message {
			return m.Card
		}
	}
	return nil
}

func (s *Server) message(id string) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.ID == id {
			return *m, true
		}
	}
	return Message{}, false
}

// result reads an invoke's answer.
func (s *Server) result(r Result) Result {
	s.t.Helper()
	if t, ok := r.Body["task"].(map[string]any); ok {
		if t["type"] == "continue" {
			r.Dialog, _ = t["value"].(map[string]any)
		} else {
			r.Text, _ = t["value"].(string)
		}
		return r
	}
	switch r.Body["type"] {
	case "application/vnd.microsoft.card.adaptive":
		r.Card, _ = r.Body["value"].(map[string]any)
	case "application/vnd.microsoft.activity.message":
		r.Text, _ = r.Body["value"].(string)
	case "application/vnd.microsoft.error":
		e, _ := r.Body["value"].(map[string]any)
		r.Text, _ = e["message"].(string)
	default:
		if r.Status == http.StatusOK && len(r.Body) > 0 {
			s.t.Errorf("teamsfake: Teams does not know this answer to an invoke: %v", r.Body)
		}
	}
	return r
}

// Buttons are the titles of a card's buttons, in order.
func Buttons(card map[string]any) []string {
	var out []string
	body, _ := card["body"].([]any)
	for _, el := range body {
		set, _ := el.(map[string]any)
		actions, _ := set["actions"].([]any)
		for _, a := range actions {
			if m, _ := a.(map[string]any); m["title"] != nil {
				out = append(out, fmt.Sprint(m["title"]))
			}
		}
	}
	return out
}

// find an action by its title, anywhere in a card.
func find(v any, title string) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		if kind, _ := v["type"].(string); v["title"] == title && (kind == "Action.Execute" || kind == "Action.Submit") {
			return v
		}
		for k, child := range v {
			if k == "fallback" {
				continue
			}
			if a := find(child, title); a != nil {
				return a
			}
		}
	case []any:
		for _, child := range v {
			if a := find(child, title); a != nil {
				return a
			}
		}
	}
	return nil
}
