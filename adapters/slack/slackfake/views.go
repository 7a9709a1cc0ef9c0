package slackfake

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// triggerLife is how long a trigger opens a view.
const triggerLife = 3 * time.Second

func (s *Server) viewsOpen(v url.Values) (map[string]any, refusal) {
	t, ok := s.triggers[v.Get("trigger_id")]
	switch {
	case !ok:
		return nil, "invalid_trigger_id"
	case t.used:
		return nil, "exchanged_trigger_id"
	case s.cfg.Now().Sub(t.at) > triggerLife:
		return nil, "expired_trigger_id"
	}
	if no := s.takeView("views.open", v.Get("view"), "modal"); no != "" {
		return nil, no
	}
	t.used = true
	s.triggers[v.Get("trigger_id")] = t
	s.seq++
	view := &View{ID: fmt.Sprintf("V%06d", s.seq), User: t.user, Type: "modal", JSON: json.RawMessage(v.Get("view"))}
	s.views[view.ID] = view
	s.opened = append(s.opened, view.ID)
	s.touch()
	return map[string]any{"view": map[string]any{"id": view.ID, "type": "modal"}}, ""
}

func (s *Server) viewsUpdate(v url.Values) (map[string]any, refusal) {
	view := s.views[v.Get("view_id")]
	if view == nil {
		return nil, "not_found"
	}
	if no := s.takeView("views.update", v.Get("view"), "modal"); no != "" {
		return nil, no
	}
	view.JSON = json.RawMessage(v.Get("view"))
	s.touch()
	return map[string]any{"view": map[string]any{"id": view.ID, "type": "modal"}}, ""
}

func (s *Server) viewsPublish(v url.Values) (map[string]any, refusal) {
	user := v.Get("user_id")
	if s.users[user] == nil {
		return nil, "user_not_found"
	}
	if no := s.takeView("views.publish", v.Get("view"), "home"); no != "" {
		return nil, no
	}
	s.homes[user] = View{ID: "H" + user, User: user, Type: "home", JSON: json.RawMessage(v.Get("view"))}
	s.touch()
	return map[string]any{"view": map[string]any{"id": "H" + user, "type": "home"}}, ""
}

func (s *Server) takeView(method, view, kind string) refusal {
	var head struct {
		Type string `json:"type"`
	}
	if json.Unmarshal([]byte(view), &head) != nil || head.Type != kind {
		s.problem("%s: not a %s: %.200s", method, kind, view)
		return "invalid_arguments"
	}
	if faults := s.checkView([]byte(view)); len(faults) > 0 {
		s.problem("%s: %s: %.400s", method, strings.Join(faults, "; "), view)
		return "invalid_arguments"
	}
	return ""
}
