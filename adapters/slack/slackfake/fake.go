package slackfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config describes the workspace. Zero fields get defaults.
type Config struct {
	Team       string   // default "T0HOME"
	Enterprise string   // default none
	App        string   // default "A0NEO"
	Token      string   // default "xoxb-fake"
	Secret     string   // signing secret, default "fake-signing-secret"
	BotUser    string   // default "U0BOT"
	BotID      string   // default "B0BOT"
	Scopes     []string // granted; nil grants everything
	Now        func() time.Time
	// SkipSchema leaves out the check of every message against Slack's block
	// types, for benchmarks.
	SkipSchema bool
}

// User is an account. Team is its home; the zero flags make a full member.
type User struct {
	ID, Name, Team, Enterprise  string
	Deleted, Bot, Stranger      bool
	Restricted, UltraRestricted bool
}

// Channel is a conversation: "channel", "group" (private), "mpim" or "im".
type Channel struct {
	ID, Kind                 string
	Members                  []string // without the bot
	NoBot                    bool     // the bot is not in it
	ExtShared, PendingShared bool
	Archived                 bool
}

// Message is a message as it is now, with what it was before.
type Message struct {
	Channel, TS, Thread, User, BotID, Text string
	Blocks                                 json.RawMessage
	Metadata                               json.RawMessage
	Edits                                  int
	Before                                 []string // texts of earlier versions
}

// Ephemeral is a message one person saw.
type Ephemeral struct {
	Channel, User, Thread, Text string
	Blocks                      json.RawMessage
	Via                         string // "chat.postEphemeral" or "response_url"
}

// View is an opened modal or a published home tab.
type View struct {
	ID, User, Type string
	JSON           json.RawMessage
}

// Call is one Web API call.
type Call struct {
	Method string
	Args   map[string]string
}

// Server is the fake. All methods are safe for concurrent use.
type Server struct {
	cfg  Config
	http *httptest.Server

	mu        sync.Mutex
	users     map[string]*User
	channels  map[string]*Channel
	messages  []*Message
	ephemeral []Ephemeral
	views     map[string]*View
	opened    []string // view ids, in order
	homes     map[string]View
	triggers  map[string]issued
	responses map[string]*response
	faults    map[string][]*Fault
	files     []*File
	uploads   string // where upload addresses lead, default here
	calls     []Call
	problems  []string
	seq       int
	changed   chan struct{}
}

type issued struct {
	user string
	at   time.Time
	used bool
}

type response struct {
	channel, user string
	at            time.Time
	uses          int
}

// New starts the server on loopback; Close ends it.
func New(cfg Config) *Server {
	def := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	def(&cfg.Team, "T0HOME")
	def(&cfg.App, "A0NEO")
	def(&cfg.Token, "xoxb-fake")
	def(&cfg.Secret, "fake-signing-secret")
	def(&cfg.BotUser, "U0BOT")
	def(&cfg.BotID, "B0BOT")
	if cfg.Now == nil {
		cfg.Now = time.Now //nolint:forbidigo // a server for tests keeps the time of day
	}
	s := &Server{
		cfg: cfg, users: map[string]*User{}, channels: map[string]*Channel{},
		views: map[string]*View{}, homes: map[string]View{}, triggers: map[string]issued{},
		responses: map[string]*response{}, faults: map[string][]*Fault{}, changed: make(chan struct{}),
	}
	s.users[cfg.BotUser] = &User{ID: cfg.BotUser, Name: "neobot", Team: cfg.Team, Bot: true}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Close ends the server.
func (s *Server) Close() { s.http.Close() }

// APIURL is the base for slack.OptionAPIURL.
func (s *Server) APIURL() string { return s.http.URL + "/api/" }

// ResponseHost is what the adapter must allow as a host of response URLs.
func (s *Server) ResponseHost() string { return s.http.URL }

// Config is the workspace with its defaults filled in.
func (s *Server) Config() Config { return s.cfg }

// AddUser adds or replaces an account. An empty Team is the home workspace.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.Team == "" {
		u.Team = s.cfg.Team
		u.Enterprise = s.cfg.Enterprise
	}
	s.users[u.ID] = &u
}

// AddChannel adds or replaces a conversation.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Kind == "" {
		c.Kind = "channel"
	}
	s.channels[c.ID] = &c
}

// Messages of a channel, oldest first; all channels when it is empty.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.messages {
		if channel == "" || m.Channel == channel {
			out = append(out, *m)
		}
	}
	return out
}

// Posts are the messages of the bot.
func (s *Server) Posts(channel string) []Message {
	return slices.DeleteFunc(s.Messages(channel), func(m Message) bool { return m.User != s.cfg.BotUser })
}

// Ephemerals are the private messages shown so far; to everybody when user is empty.
func (s *Server) Ephemerals(user string) []Ephemeral {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Ephemeral
	for _, e := range s.ephemeral {
		if user == "" || e.User == user {
			out = append(out, e)
		}
	}
	return out
}

// Modals are the opened modals, oldest first.
func (s *Server) Modals() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]View, 0, len(s.opened))
	for _, id := range s.opened {
		out = append(out, *s.views[id])
	}
	return out
}

// Home is the published home tab of a person.
func (s *Server) Home(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.homes[user]
	return v, ok
}

// Calls so far, of one method or all.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// Problems are the calls that Slack would not have taken or that a bot must not make.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Changed is closed at the next change of anything shown to people. Get it
// before looking, then wait: no change is missed.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// touch wakes those who wait for a change. The caller holds mu.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// nextTS makes a message id. The caller holds mu.
func (s *Server) nextTS() string {
	s.seq++
	return fmt.Sprintf("%d.%06d", s.cfg.Now().Unix(), s.seq)
}

func (s *Server) find(channel, ts string) *Message {
	for _, m := range s.messages {
		if m.Channel == channel && m.TS == ts {
			return m
		}
	}
	return nil
}

func (s *Server) granted(scope string) bool {
	return s.cfg.Scopes == nil || slices.ContainsFunc(strings.Split(scope, "|"), func(one string) bool { return slices.Contains(s.cfg.Scopes, one) })
}
