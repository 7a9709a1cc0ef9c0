package teamsfake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]any{"error": map[string]any{"code": code, "message": code}})
}

func base(conversation string) string {
	id, _, _ := strings.Cut(conversation, ";messageid=")
	return id
}

// conversation of a request, if the bot is in it. The caller holds mu.
func (s *Server) conversation(w http.ResponseWriter, r *http.Request) (*Conversation, bool) {
	id := r.PathValue("conv")
	c, ok := s.conversations[base(id)]
	if !ok {
		for _, other := range s.conversations { // a team stands for its channels
			if other.TeamID == id {
				return other, true
			}
		}
		refuse(w, http.StatusNotFound, "ConversationNotFound")
		return nil, false
	}
	if c.Without {
		refuse(w, http.StatusForbidden, "BotNotInConversationRoster")
		return nil, false
	}
	return c, true
}

// read decodes an activity the bot sends, and complains about what is not one.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (map[string]any, bool) {
	body, err := io.ReadAll(r.Body)
	var act map[string]any
	if err != nil || json.Unmarshal(body, &act) != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		s.t.Errorf("teamsfake: not an activity: %.200s", body)
		refuse(w, http.StatusBadRequest, "BadSyntax")
		return nil, false
	}
	if len(body) > 28<<10 {
		refuse(w, http.StatusRequestEntityTooLarge, "MessageSizeTooBig")
		return nil, false
	}
	if strings.Contains(string(body), "0001-01-01") {
		s.t.Errorf("teamsfake: activity with a zero time: %.300s", body)
	}
	for _, k := range []string{"suggestedActions", "semanticAction", "relatesTo"} {
		if _, ok := act[k]; ok {
			s.t.Errorf("teamsfake: activity with an empty %s: %.300s", k, body)
		}
	}
	if from, _ := act["from"].(map[string]any); from["id"] != s.BotID() {
		s.t.Errorf("teamsfake: activity from %v, want %s", act["from"], s.BotID())
	}
	entities, _ := act["entities"].([]any)
	roots := 0
	for _, e := range entities {
		if m, _ := e.(map[string]any); m["type"] == "https://schema.org/Message" {
			roots++
		}
	}
	if roots > 1 {
		refuse(w, http.StatusBadRequest, "BadArgument")
		return nil, false
	}
	return act, true
}

func cardOf(act map[string]any) map[string]any {
	list, _ := act["attachments"].([]any)
	for _, a := range list {
		m, _ := a.(map[string]any)
		if m["contentType"] == "application/vnd.microsoft.card.adaptive" {
			c, _ := m["content"].(map[string]any)
			return c
		}
	}
	return nil
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	act, ok := s.read(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conversation(w, r); !ok {
		return
	}
	s.next++
	m := &Message{ID: fmt.Sprint(1700000000000 + s.next), Conversation: r.PathValue("conv"), Activity: act, Card: cardOf(act)}
	m.Type, _ = act["type"].(string)
	m.Text, _ = act["text"].(string)
	s.messages = append(s.messages, m)
	s.touch()
	if s.lose {
		s.lose = false
		panic(http.ErrAbortHandler) // cuts the connection
	}
	answer(w, http.StatusCreated, map[string]any{"id": m.ID})
}

func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	act, ok := s.read(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conversation(w, r); !ok {
		return
	}
	for _, m := range s.messages {
		if m.ID == r.PathValue("id") && base(m.Conversation) == base(r.PathValue("conv")) {
			m.Activity, m.Card = act, cardOf(act)
			m.Text, _ = act["text"].(string)
			m.Edits++
			for k := range s.views { // everybody sees the new one
				if strings.HasSuffix(k, " "+m.ID) {
					delete(s.views, k)
				}
			}
			s.touch()
			answer(w, http.StatusOK, map[string]any{"id": m.ID})
			return
		}
	}
	refuse(w, http.StatusNotFound, "ActivityNotFoundInConversation")
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	s.Delete(r.PathValue("id"))
	w.WriteHeader(http.StatusOK)
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Bot      struct{ ID string }
		Members  []struct{ ID string }
		TenantID string
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || len(req.Members) != 1 || req.Bot.ID != s.BotID() {
		s.t.Errorf("teamsfake: bad conversation request: %v %+v", err, req)
		refuse(w, http.StatusBadRequest, "BadSyntax")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.find(req.Members[0].ID)
	if !ok || who.Tenant != s.Tenant || !strings.EqualFold(req.TenantID, s.Tenant) {
		refuse(w, http.StatusForbidden, "BotNotInstalledForUser")
		return
	}
	id := "a:" + who.MRI
	for _, c := range s.conversations {
		if c.Type == "personal" && slices.Contains(c.Members, who.MRI) {
			id = c.ID
		}
	}
	if _, ok := s.conversations[id]; !ok {
		s.conversations[id] = &Conversation{ID: id, Type: "personal", Members: []string{who.MRI}}
	}
	answer(w, http.StatusCreated, map[string]any{"id": id})
}

// find a person by either id. The caller holds mu.
func (s *Server) find(id string) (Person, bool) {
	if p, ok := s.people[id]; ok {
		return p, true
	}
	for _, p := range s.people {
		if p.AAD != "" && strings.EqualFold(p.AAD, id) {
			return p, true
		}
	}
	return Person{}, false
}

func (s *Server) memberOf(p Person) map[string]any {
	m := map[string]any{"id": p.MRI, "name": p.Name, "tenantId": p.Tenant, "userRole": p.Role, "userPrincipalName": p.Name + "@example.com"}
	if p.AAD != "" {
		m["aadObjectId"], m["objectId"] = p.AAD, p.AAD
	}
	return m
}

func (s *Server) member(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.withRoster(w, r)
	if !ok {
		return
	}
	who, ok := s.find(r.PathValue("id"))
	if !ok || !slices.Contains(c.Members, who.MRI) {
		refuse(w, http.StatusNotFound, "MemberNotFoundInConversation")
		return
	}
	answer(w, http.StatusOK, s.memberOf(who))
}

func (s *Server) members(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.withRoster(w, r)
	if !ok {
		return
	}
	const page = 2 // small, so that paging is used
	from, err := strconv.Atoi(r.URL.Query().Get("continuationToken"))
	if err != nil {
		from = 0
	}
	out := map[string]any{}
	var list []any
	for _, mri := range c.Members[from:min(from+page, len(c.Members))] {
		list = append(list, s.memberOf(s.people[mri]))
	}
	out["members"] = list
	if from+page < len(c.Members) {
		out["continuationToken"] = strconv.Itoa(from + page)
	}
	answer(w, http.StatusOK, out)
}

// withRoster is conversation for requests of the roster. The caller holds mu.
func (s *Server) withRoster(w http.ResponseWriter, r *http.Request) (*Conversation, bool) {
	c, ok := s.conversation(w, r)
	if ok && c.NoRoster && c.ID == base(r.PathValue("conv")) {
		refuse(w, http.StatusNotFound, "ConversationNotFound")
		return nil, false
	}
	return c, ok
}

func (s *Server) channels(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []any{}
	for _, c := range s.conversations {
		if c.TeamID != "" && c.TeamID == r.PathValue("team") {
			ch := map[string]any{"id": c.ID, "name": c.ID}
			if c.ChannelType != "" {
				ch["type"] = c.ChannelType
			}
			list = append(list, ch)
		}
	}
	if len(list) == 0 {
		refuse(w, http.StatusNotFound, "TeamNotFound")
		return
	}
	answer(w, http.StatusOK, map[string]any{"conversations": list})
}
