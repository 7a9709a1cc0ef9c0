package main

import (
	"context"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"neobot/adapters/console"
	"neobot/cards"
	"neobot/neoapi/sandbox"
)

//go:embed web
var webFiles embed.FS

const (
	pageBody    = 64 << 10               // of a request
	neoEvery    = 400 * time.Millisecond // how often the Neo panel looks for changes
	beatEvery   = 15 * time.Second       // a line on an idle stream, so that a dead one is noticed
	writeWithin = 10 * time.Second       // for one event
)

// pageConfig of the demo's web page. Everything but Model is needed.
type pageConfig struct {
	Console *console.Console
	Neo     *sandbox.Neo
	Addr    string // host:port it is served at
	Token   string // of this run; whoever has it may act as anybody
	People  []demoPerson
	Model   string // in use, for the header; empty: the built-in router
	Logger  *slog.Logger
}

// page serves the demo. A web site in the same browser must not be able to use
// it: the Host header must be ours (a name that points here is refused), the
// token of this run must have been shown once (kept in a SameSite cookie), and
// requests with an effect must come from the page itself.
type page struct {
	cfg    pageConfig
	hosts  []string
	cookie string
	mux    *http.ServeMux
}

func newPage(cfg pageConfig) (*page, error) {
	_, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil || cfg.Token == "" {
		return nil, errors.New("demo page: needs an address and a token")
	}
	static, err := fs.Sub(webFiles, "web")
	if err != nil {
		return nil, err
	}
	p := &page{
		cfg: cfg, hosts: []string{cfg.Addr, "localhost:" + port}, cookie: "neobot_demo_" + port, mux: http.NewServeMux(),
	}
	files := http.FileServerFS(static)
	p.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { p.enter(w, r, files) })
	for _, name := range []string{"app.js", "card.js", "chart.js", "style.css", "icon.svg"} {
		p.mux.Handle("GET /"+name, files)
	}
	p.mux.HandleFunc("GET /api/about", p.member(p.about))
	p.mux.HandleFunc("GET /api/events", p.member(p.events))
	p.mux.HandleFunc("POST /api/say", p.member(p.say))
	p.mux.HandleFunc("POST /api/press", p.member(p.press))
	p.mux.HandleFunc("POST /api/home", p.member(p.home))
	return p, nil
}

// URL is the address to open, with the token.
func (p *page) URL() string { return "http://" + p.cfg.Addr + "/?token=" + p.cfg.Token }

// ServeHTTP checks where the request was meant for and forbids the browser
// everything the page does not need.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !slices.Contains(p.hosts, r.Host) {
		http.Error(w, "not this host", http.StatusMisdirectedRequest)
		return
	}
	if r.Method != http.MethodGet && !p.sameOrigin(r) {
		http.Error(w, "only the demo page itself may do this", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, pageBody)
	p.mux.ServeHTTP(w, r)
}

// sameOrigin reports whether a request was made by this page: a JSON body
// cannot be sent across origins without being asked for, and browsers say where
// a request comes from.
func (p *page) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.Host != r.Host {
			return false
		}
	}
	return r.Header.Get("Content-Type") == "application/json"
}

// enter shows the page to who has the token, by link or by cookie.
func (p *page) enter(w http.ResponseWriter, r *http.Request, files http.Handler) {
	if given := r.URL.Query().Get("token"); given != "" && p.isToken(given) {
		http.SetCookie(w, &http.Cookie{Name: p.cookie, Value: p.cfg.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // G124: plain http on loopback, Secure would lose the cookie
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if !p.entered(r) {
		http.Error(w, "Open the address that `bot demo` printed in the terminal: it has a token of this run.", http.StatusUnauthorized)
		return
	}
	files.ServeHTTP(w, r)
}

func (p *page) isToken(s string) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(p.cfg.Token)) == 1
}

func (p *page) entered(r *http.Request) bool {
	c, err := r.Cookie(p.cookie)
	return err == nil && p.isToken(c.Value)
}

// member lets only requests through that have the token.
func (p *page) member(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.entered(r) {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func (p *page) about(w http.ResponseWriter, _ *http.Request) {
	p.reply(w, map[string]any{"people": p.cfg.People, "channel": demoChannel, "model": p.cfg.Model})
}

// act is the body of every request with an effect. As is who it is done as:
// the page lets one person play all of them.
type act struct {
	As           string            `json:"as"`
	Conversation string            `json:"conversation"`
	Text         string            `json:"text"`
	Entry        string            `json:"entry"`
	Action       cards.Action      `json:"action"`
	Target       string            `json:"target"`
	Inputs       map[string]string `json:"inputs"`
}

func (p *page) read(w http.ResponseWriter, r *http.Request) (act, bool) {
	var a act
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		http.Error(w, "malformed request", http.StatusBadRequest)
		return a, false
	}
	if !p.plays(a.As) {
		http.Error(w, "nobody of that name", http.StatusBadRequest)
		return a, false
	}
	return a, true
}

func (p *page) plays(id string) bool {
	return slices.ContainsFunc(p.cfg.People, func(d demoPerson) bool { return d.ID == id })
}

func (p *page) say(w http.ResponseWriter, r *http.Request) {
	if a, ok := p.read(w, r); ok {
		p.done(w, nil, p.cfg.Console.Say(r.Context(), a.As, a.Conversation, a.Text))
	}
}

func (p *page) home(w http.ResponseWriter, r *http.Request) {
	if a, ok := p.read(w, r); ok {
		p.done(w, nil, p.cfg.Console.AskHome(r.Context(), a.As))
	}
}

func (p *page) press(w http.ResponseWriter, r *http.Request) {
	a, ok := p.read(w, r)
	if !ok {
		return
	}
	form, err := p.cfg.Console.Press(r.Context(), a.As, console.Press{Entry: a.Entry, Action: a.Action, Target: a.Target, Inputs: a.Inputs})
	p.done(w, form, err)
}

// done answers a request: with the form to show, if there is one.
func (p *page) done(w http.ResponseWriter, form *cards.Form, err error) {
	switch {
	case err == nil:
		p.reply(w, map[string]any{"form": form})
	case errors.Is(err, console.ErrText), errors.Is(err, console.ErrPress), errors.Is(err, console.ErrUnknown):
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		p.cfg.Logger.Error("demo page", "error", err)
		http.Error(w, "not accepted, try again", http.StatusServiceUnavailable)
	}
}

func (p *page) reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.cfg.Logger.Debug("client gone", "error", err)
	}
}

// events is the stream of everything one person sees, and of Neo's state. It
// starts after the last event the browser has.
func (p *page) events(w http.ResponseWriter, r *http.Request) {
	as := r.URL.Query().Get("as")
	if !p.plays(as) {
		http.Error(w, "nobody of that name", http.StatusBadRequest)
		return
	}
	seq, _ := strconv.ParseUint(r.Header.Get("Last-Event-Id"), 10, 64) // 0: from the beginning
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{w: w, c: http.NewResponseController(w)}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	entries := p.follow(ctx, as, seq)
	look, beat := time.NewTicker(neoEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	for s.err == nil {
		s.changed("neo", p.neoView())
		select {
		case <-ctx.Done():
			return
		case batch := <-entries:
			s.entries(batch)
		case <-look.C:
		case <-beat.C:
			s.write(": still here\n\n")
		}
	}
}

// follow waits for entries in the background.
func (p *page) follow(ctx context.Context, as string, seq uint64) <-chan []console.Entry {
	out := make(chan []console.Entry)
	go func() {
		for {
			batch, err := p.cfg.Console.Wait(ctx, as, seq)
			if err != nil {
				return
			}
			seq = batch[len(batch)-1].Seq
			select {
			case out <- batch:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// stream writes server-sent events.
type stream struct {
	w    http.ResponseWriter
	c    *http.ResponseController
	last map[string]string // by event, to send only changes
	err  error
}

func (s *stream) write(text string) {
	if s.err == nil {
		s.err = s.c.SetWriteDeadline(time.Now().Add(writeWithin))
	}
	if s.err == nil {
		_, s.err = s.w.Write([]byte(text))
	}
	if s.err == nil {
		s.err = s.c.Flush()
	}
}

func (s *stream) event(name, id string, v any) {
	b, err := json.Marshal(v) // one line: JSON has no raw line breaks
	if err != nil {
		s.err = err
		return
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	s.write(fmt.Sprintf("event: %s\n%sdata: %s\n\n", name, id, b))
}

// changed sends v when it differs from what was sent before.
func (s *stream) changed(name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.err = err
		return
	}
	if s.last == nil {
		s.last = map[string]string{}
	}
	if s.last[name] != string(b) {
		s.last[name] = string(b)
		s.event(name, "", v)
	}
}

func (s *stream) entries(batch []console.Entry) {
	out := make([]wireEntry, len(batch))
	for i, e := range batch {
		out[i] = wireEntry{
			First: e.First, ID: e.ID, Conversation: e.Conversation, From: e.From, Private: e.To != "",
			Text: e.Text, Card: e.Card, At: e.At, Home: e.Home, Gone: e.Gone,
		}
	}
	s.event("entries", strconv.FormatUint(batch[len(batch)-1].Seq, 10), out)
}

// wireEntry is an entry as the browser gets it.
type wireEntry struct {
	First        uint64      `json:"first"`
	ID           string      `json:"id"`
	Conversation string      `json:"conversation"`
	From         string      `json:"from,omitempty"`
	Private      bool        `json:"private,omitempty"`
	Text         string      `json:"text,omitempty"`
	Card         *cards.Card `json:"card,omitempty"`
	At           time.Time   `json:"at"`
	Home         bool        `json:"home,omitempty"`
	Gone         bool        `json:"gone,omitempty"`
}
