package teamsfake

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Issuer of the tokens the fake signs deliveries with.
const Issuer = "https://api.botframework.com"

// Person is somebody with an account, or without one (empty AAD).
type Person struct {
	MRI    string // "29:…", the id this bot sees
	AAD    string // Entra object id
	Name   string
	Tenant string // home tenant; default the server's
	Role   string // user, guest, anonymous; default user
}

// Conversation is a chat or channel.
type Conversation struct {
	ID          string
	Type        string // personal, groupChat, channel
	TeamID      string
	ChannelType string   // standard, private, shared; the team's list of channels tells it
	Telling     bool     // activities tell the channel's type too; most real ones do not
	NoRoster    bool     // only the team has a roster
	Members     []string // MRIs
	Without     bool     // the bot is not in it
}

// Message is a posted activity as everybody sees it now.
type Message struct {
	ID           string
	Conversation string // with ";messageid="
	Type         string // message, typing
	Text         string
	Card         map[string]any // nil: none
	Activity     map[string]any
	Edits        int
}

// Config of a Server.
type Config struct {
	AppID  string
	Secret string
	Tenant string
	Now    func() time.Time
}

// Server is the fake. It is safe for concurrent use.
type Server struct {
	Config
	*httptest.Server
	t testing.TB

	// Bot takes deliveries: the bot's HTTP handler. Set before the first one.
	Bot http.Handler
	// Fault, when set, may answer a connector request instead of the fake:
	// return true when it did.
	Fault func(w http.ResponseWriter, r *http.Request) bool

	mu            sync.Mutex
	key           *rsa.PrivateKey
	people        map[string]Person
	conversations map[string]*Conversation
	messages      []*Message
	lose          bool
	views         map[string]map[string]any // MRI + message id -> card only he sees
	tokens        map[string]bool
	calls         []string
	next          int
	changed       chan struct{}
}

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// New starts a server; it ends with the test.
func New(t testing.TB, cfg Config) *Server {
	t.Helper()
	s := &Server{
		Config: cfg, t: t, key: signingKey(), people: map[string]Person{}, conversations: map[string]*Conversation{},
		views: map[string]map[string]any{}, tokens: map[string]bool{}, changed: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /openid", s.openID)
	mux.HandleFunc("GET /keys", s.jwks)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /connector/v3/conversations", s.guard(s.create))
	mux.HandleFunc("POST /connector/v3/conversations/{conv}/activities", s.guard(s.post))
	mux.HandleFunc("POST /connector/v3/conversations/{conv}/activities/{id}", s.guard(s.post))
	mux.HandleFunc("PUT /connector/v3/conversations/{conv}/activities/{id}", s.guard(s.put))
	mux.HandleFunc("DELETE /connector/v3/conversations/{conv}/activities/{id}", s.guard(s.delete))
	mux.HandleFunc("GET /connector/v3/conversations/{conv}/members/{id}", s.guard(s.member))
	mux.HandleFunc("GET /connector/v3/conversations/{conv}/pagedmembers", s.guard(s.members))
	mux.HandleFunc("GET /connector/v3/teams/{team}/conversations", s.guard(s.channels))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("teamsfake: unexpected request %s %s", r.Method, r.URL)
		http.Error(w, "not here", http.StatusNotFound)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// MetadataURL is for the bot's configuration.
func (s *Server) MetadataURL() string { return s.URL + "/openid" }

// TokenURL is for the bot's own token.
func (s *Server) TokenURL() string { return s.URL + "/token" }

// ServiceURL is in every delivery.
func (s *Server) ServiceURL() string { return s.URL + "/connector/" }

// BotID is how conversations call the bot.
func (s *Server) BotID() string { return "28:" + s.AppID }

// AddPerson makes somebody known.
func (s *Server) AddPerson(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Tenant == "" {
		p.Tenant = s.Tenant
	}
	if p.Role == "" {
		p.Role = "user"
	}
	s.people[p.MRI] = p
}

// AddConversation makes a chat or channel.
func (s *Server) AddConversation(c Conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conversations[c.ID] = &c
}

// RemoveBot takes the bot out of a conversation.
func (s *Server) RemoveBot(conversation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conversations[conversation].Without = true
}

// LoseReply makes the next post go through while the bot learns nothing of it.
func (s *Server) LoseReply() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = true
}

// Delete removes a message.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = slices.DeleteFunc(s.messages, func(m *Message) bool { return m.ID == id })
}

// DropTokens makes every token handed out so far invalid.
func (s *Server) DropTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Calls are the connector requests so far, as "POST conversations/…".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Messages of a conversation (all threads of it), oldest first.
func (s *Server) Messages(conversation string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.messages {
		if base(m.Conversation) == conversation && m.Type == "message" {
			out = append(out, *m)
		}
	}
	return out
}

// Await waits until ok is true for the messages of a conversation.
func (s *Server) Await(conversation string, ok func([]Message) bool) []Message {
	s.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if m := s.Messages(conversation); ok(m) {
			return m
		}
		select {
		case <-changed:
		case <-deadline:
			s.t.Fatalf("teamsfake: nothing more happened in %s: %d messages", conversation, len(s.Messages(conversation)))
		}
	}
}

// touch wakes everybody who waits. The caller holds mu.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) openID(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": Issuer, "jwks_uri": s.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	b64 := base64.RawURLEncoding.EncodeToString
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "kid": "fake", "endorsements": []string{"msteams", "webchat"},
		"n": b64(s.key.N.Bytes()), "e": b64(big.NewInt(int64(s.key.E)).Bytes()),
	}}})
}

// Sign makes a token for a delivery.
func (s *Server) Sign(claims map[string]any) string {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(claims))
	t.Header["kid"] = "fake"
	out, err := t.SignedString(s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_id") != s.AppID ||
		r.FormValue("client_secret") != s.Secret || r.FormValue("scope") != "https://api.botframework.com/.default" {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	token := "bot-token-" + strconv.Itoa(s.next)
	s.tokens[token] = true
	answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3600, "access_token": token})
}

// guard checks what the connector checks of every request.
func (s *Server) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		s.calls = append(s.calls, r.Method+" "+strings.TrimPrefix(r.URL.EscapedPath(), "/connector/v3/"))
		known, fault := s.tokens[token], s.Fault
		s.touch()
		s.mu.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		if !known {
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		next(w, r)
	}
}
