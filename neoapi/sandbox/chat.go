package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ChatSession is one person's talk with one chat agent.
type ChatSession struct {
	ID                string     `json:"id"`
	AgentID           int        `json:"agent_id"`
	Title             *string    `json:"title"`
	Channel           string     `json:"channel"`
	ClientID          string     `json:"client_id"`
	UserName          string     `json:"user_name"`
	ArchivedAt        *time.Time `json:"archived_at"`
	CreatedAt         time.Time  `json:"created_at"`
	UpdatedAt         time.Time  `json:"updated_at"`
	ShowProgressSteps bool       `json:"show_agent_progress_steps"`

	messages *Collection[ChatMessage]
	events   []chatEvent
}

// ChatMessage is one message of a session.
type ChatMessage struct {
	ID          string    `json:"id"`
	SessionID   string    `json:"session_id"`
	Role        string    `json:"role"` // user, assistant
	Text        string    `json:"text"`
	TurnID      string    `json:"chat_turn_id"`
	Attachments []Object  `json:"attachments"`
	CreatedAt   time.Time `json:"created_at"`

	clientID string
}

func chatOps() map[string]handler {
	return map[string]handler{
		"list_chat_sessions": func(c *call) (reply, error) { return list(c, c.state.Sessions, nil) }, "create_chat_session": createSession,
		"get_chat_session": withSession(func(_ *call, s *ChatSession) (reply, error) { return reply{data: s}, nil }),
		"list_chat_messages": withSession(func(c *call, s *ChatSession) (reply, error) {
			return list(c, s.messages, nil)
		}),
		"post_chat_message": withSession(postMessage), "tail_chat_events": withSession(tailEvents),
		"create_chat_attachment_upload_url": withSession(uploadURL),
	}
}

func withSession(h func(*call, *ChatSession) (reply, error)) handler {
	return func(c *call) (reply, error) {
		s, err := lookup(c, c.state.Sessions, "session_id", "Chat session")
		if err != nil {
			return reply{}, err
		}
		return h(c, s)
	}
}

// newSession is an empty session.
func (s *State) newSession(agent int, title *string, who string, now time.Time) *ChatSession {
	cs := &ChatSession{
		ID: s.uuid(), AgentID: agent, Title: title, Channel: "API", ClientID: s.Tenant.ID, UserName: who, CreatedAt: now, UpdatedAt: now,
		ShowProgressSteps: true, messages: newCollection(false, func(m *ChatMessage) string { return m.ID }),
	}
	s.Sessions.Add(cs)
	return cs
}

func createSession(c *call) (reply, error) {
	var in struct {
		AgentID         *int    `json:"agent_id"`
		ManagedAgentKey *string `json:"managed_agent_key"`
		Title           *string `json:"title"`
		ClientID        *string `json:"client_id"`
		BotID           *string `json:"bot_id"`
		InboundTenantID *string `json:"inbound_tenant_id"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	if err := c.onlyPlatform(in.ClientID); err != nil {
		return reply{}, err
	}
	if (in.AgentID == nil) == (text(in.ManagedAgentKey) == "") {
		return reply{}, unprocessable("agent_id", "or managed_agent_key is required, exactly one of the two")
	}
	id := supportID
	if in.AgentID != nil {
		id = *in.AgentID
	} else if *in.ManagedAgentKey != "NEO_SUPPORT" {
		return reply{}, notFound("Managed agent")
	}
	a := c.state.Agents.Get(itoa(id))
	if a == nil {
		return reply{}, notFound("Agent")
	}
	if a.AutonomyType != "CONVERSATIONAL" {
		return reply{}, badParameter("agent_id", "is not a chat agent")
	}
	if a.Audience == "END_USER" && !c.state.mapped(text(in.InboundTenantID)) {
		return reply{}, conflict("end_company_not_mapped", "Your organisation is not set up for this assistant yet. Please ask your IT provider.")
	}
	return reply{data: c.state.newSession(id, in.Title, c.caller.name, c.now)}, nil
}

// mapped tells whether a Microsoft 365 tenant belongs to a client company.
func (s *State) mapped(m365 string) bool {
	for company := range s.Companies.All() {
		if m365 != "" && text(company.TenantID) == m365 {
			return true
		}
	}
	return false
}

// postMessage stores the message and plays the agent's turn into the event
// stream. A repeated client_message_id starts nothing. See
// https://docs.neoagent.io/api-reference/chat/append-a-user-message-+-enqueue-a-chat-turn.
func postMessage(c *call, s *ChatSession) (reply, error) {
	var in struct {
		Message         string
		Attachments     []Object
		ClientMessageID *string `json:"client_message_id"`
		ModelTier       string  `json:"model_tier"`
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	if strings.TrimSpace(in.Message) == "" && len(in.Attachments) == 0 {
		return reply{}, unprocessable("message", "must not be empty without an attachment")
	}
	key := text(in.ClientMessageID)
	for m := range s.messages.All() {
		if key != "" && m.clientID == key {
			return reply{}, &apiError{
				status: http.StatusConflict, code: "duplicate_client_message_id", message: "This message was already sent",
				details: map[string]any{"user_message_id": m.ID, "chat_turn_id": m.TurnID},
			}
		}
	}
	m := &ChatMessage{
		ID: c.state.uuid(), SessionID: s.ID, Role: "user", Text: in.Message, TurnID: c.state.uuid(), CreatedAt: c.now,
		Attachments: in.Attachments, clientID: key,
	}
	since := s.lastEvent()
	c.state.turn(s, m)
	c.n.wake()
	return reply{data: Object{"chat_turn_id": m.TurnID, "user_message_id": m.ID, "since_cursor": since, "show_agent_progress_steps": s.ShowProgressSteps}}, nil
}

// turn adds the user's message, the events of the answer and the answer.
func (s *State) turn(cs *ChatSession, m *ChatMessage) {
	cs.messages.Add(m)
	answer, tool := s.chatAnswer(m.Text)
	id := s.uuid()
	cs.emit(Object{"type": "start", "messageId": id})
	if tool != "" {
		cs.emit(Object{"type": "tool-input-available", "toolCallId": "call_" + id[:8], "toolName": tool, "input": Object{"query": m.Text}})
		cs.emit(Object{"type": "tool-output-available", "toolCallId": "call_" + id[:8], "output": Object{"ok": true}})
	}
	cs.emit(Object{"type": "text-start", "id": id})
	for _, part := range parts(answer) {
		cs.emit(Object{"type": "text-delta", "id": id, "delta": part})
	}
	cs.emit(Object{"type": "text-end", "id": id})
	cs.emit(Object{"type": "finish"})
	cs.messages.Add(&ChatMessage{ID: id, SessionID: cs.ID, Role: "assistant", Text: answer, TurnID: m.TurnID, CreatedAt: m.CreatedAt.Add(time.Second)})
	cs.UpdatedAt = m.CreatedAt
	if cs.Title == nil {
		cs.Title = ptr(cut(m.Text, 60))
	}
}

// chatAnswer says what the data says about a ticket or an agent.
func (s *State) chatAnswer(question string) (answer, tool string) {
	for t := range s.Tickets.All() {
		if strings.Contains(question, t.Number) {
			for e := range s.Executions.All() {
				if e.EntityID == t.ID {
					return fmt.Sprintf("Ticket %s (%s, %s): last run was %s, status %s. %s", t.Number, t.Title, t.Company, e.AgentName, e.Status,
						or(text(e.MessageForDashboard), text(e.Error))), "PSA_API"
				}
			}
			return fmt.Sprintf("Ticket %s is %q of %s. Neo has not worked on it.", t.Number, t.Title, t.Company), "PSA_API"
		}
	}
	for a := range s.Agents.All() {
		if containsFold(question, a.Name) {
			return fmt.Sprintf("%s is %s. %s", a.Name, strings.ToLower(a.State), text(a.Description)), "NEO_API"
		}
	}
	return "I can look up tickets by number and agents by name. Which one do you mean?", ""
}

// parts cuts an answer into stream pieces of about four words.
func parts(s string) []string {
	var out []string
	words := strings.SplitAfter(s, " ")
	for chunk := range slices.Chunk(words, 4) {
		out = append(out, strings.Join(chunk, ""))
	}
	return out
}

// cut keeps the first n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// uploadTypes are the content types that an attachment may have.
var uploadTypes = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/csv", "application/msword",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

func uploadURL(c *call, s *ChatSession) (reply, error) {
	var in struct {
		ContentType string `json:"content_type"`
		Filename    *string
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	if !slices.Contains(uploadTypes, in.ContentType) {
		return reply{}, unprocessable("content_type", "is not accepted")
	}
	url, _ := c.link(nil, in.ContentType)
	return reply{data: Object{"upload_url": url, "blob_path": "chat/" + s.ID + "/" + c.state.uuid(), "mime": in.ContentType, "max_image_bytes": maxFile}}, nil
}
