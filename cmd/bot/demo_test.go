package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"neobot/cards"
	"neobot/neoapi/sandbox"
)

// testApp is an app with these variables and this input, and its output.
func testApp(in string, vars ...string) (*app, *lockedBuffer, *lockedBuffer) {
	out, faults := &lockedBuffer{}, &lockedBuffer{}
	return &app{in: strings.NewReader(in), out: out, err: faults, environ: environ(vars...), now: time.Now}, out, faults
}

// startDemo runs the demo's bot without its page.
func startDemo(t *testing.T) *demoBot {
	t.Helper()
	a, _, _ := testApp("")
	d, err := a.newDemo(t.Context(), Config{}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- d.core.run(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil }, d.core.service.Run)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("demo ended with %v", err)
		}
		d.close()
	})
	return d
}

// browser is a client of the page that has entered it.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
	page *page
}

func openPage(t *testing.T, d *demoBot) *browser {
	t.Helper()
	b := &browser{t: t}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.page.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	var err error
	b.page, err = newPage(pageConfig{
		Console: d.console, Neo: d.neo, Addr: srv.Listener.Addr().String(), Token: "t0ken", People: demoPeople, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.base, b.http = srv.URL, srv.Client()
	return b
}

func (b *browser) request(method, path, body string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: b.page.cookie, Value: "t0ken"})
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (b *browser) do(r *http.Request) (int, string) {
	b.t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (b *browser) post(path string, a act) (int, string) {
	b.t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(b.request(http.MethodPost, path, string(body)))
}

// until reads one person's event stream until an entry fits.
func (b *browser) until(as string, fits func(wireEntry) bool) wireEntry {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	resp, err := b.http.Do(b.request(http.MethodGet, "/api/events?as="+as, "").WithContext(ctx))
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	event, seen := "", []string{}
	for in.Scan() {
		if name, ok := strings.CutPrefix(in.Text(), "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(in.Text(), "data: ")
		if !ok || event != "entries" {
			continue
		}
		var batch []wireEntry
		if err := json.Unmarshal([]byte(data), &batch); err != nil {
			b.t.Fatal(err)
		}
		for _, e := range batch {
			if fits(e) {
				return e
			}
			if e.Card != nil {
				seen = append(seen, fmt.Sprintf("%s %q", e.Card.Status, e.Card.Title))
			}
		}
	}
	b.t.Fatalf("no such entry came: %v; there were %s", in.Err(), strings.Join(seen, ", "))
	return wireEntry{}
}

func status(s cards.Status, title string) func(wireEntry) bool {
	return func(e wireEntry) bool {
		return e.Card != nil && e.Card.Status == s && strings.Contains(e.Card.Title, title)
	}
}

func buttonOf(t *testing.T, e wireEntry, label string) cards.Button {
	t.Helper()
	for _, b := range cards.Buttons(*e.Card) {
		if strings.HasPrefix(b.Label, label) {
			return b
		}
	}
	t.Fatalf("no button %q on %+v", label, e.Card)
	return cards.Button{}
}

// TestDemoTour is the 60-second tour of the README, over HTTP as the page does it.
func TestDemoTour(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	b := openPage(t, d)
	say := func(as, text string) {
		t.Helper()
		if code, body := b.post("/api/say", act{As: as, Conversation: demoChannel, Text: text}); code != http.StatusOK {
			t.Fatalf("say: %d %s", code, body)
		}
	}
	say("riley", "what failed today?")
	b.until("riley", status("", "Failed runs"))

	say("riley", "disable License audit")
	e := b.until("riley", status(cards.StatusPending, "License audit"))
	eventually(t, "the card noted as a copy", func() (bool, any) { // quicker than any hand
		open, err := d.core.store.Pending(t.Context(), string(demoWorkspace), 10)
		return err == nil && len(open) == 1 && len(open[0].Copies) == 1, err
	})
	approve := act{As: "riley", Entry: e.ID, Action: cards.ActionApprove, Target: buttonOf(t, e, "Approve").ID}
	b.post("/api/press", approve)
	told := b.until("riley", status(cards.StatusRefused, "cannot decide"))
	if !told.Private {
		t.Error("the refusal is not private")
	}
	if writes := d.neo.Writes(); len(writes) != 0 {
		t.Fatalf("written before the approval: %+v", writes)
	}
	approve.As = "sam"
	b.post("/api/press", approve)
	b.until("sam", status(cards.StatusDone, "License audit"))
	d.neo.Mutate(func(s *sandbox.State) {
		if a := s.Agents.Get("106"); a.State != "DISABLED" {
			t.Errorf("agent is %s", a.State)
		}
	})

	say("riley", "escalate: Dispatch assigns people who are away")
	e = b.until("riley", status(cards.StatusQuestion, "Escalate"))
	_, body := b.post("/api/press", act{As: "riley", Entry: e.ID, Action: cards.ActionForm, Target: buttonOf(t, e, "Review").ID})
	var answer struct{ Form *cards.Form }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Form == nil {
		t.Fatalf("no form: %s", body)
	}
	inputs := map[string]string{}
	for _, in := range answer.Form.Inputs {
		inputs[in.Name] = in.Value
	}
	b.post("/api/press", act{As: "riley", Entry: e.ID, Action: answer.Form.Action, Target: answer.Form.ID, Inputs: inputs})
	b.until("riley", status(cards.StatusDone, "Neo"))
	if v := b.page.neoView(); len(v.Tickets) != 1 || len(v.Writes) != 2 {
		t.Errorf("beside the chat: %+v", v)
	}
}

// Somebody from another company is refused, and the home page comes.
func TestDemoStrangerAndHome(t *testing.T) {
	t.Parallel()
	b := openPage(t, startDemo(t))
	b.post("/api/say", act{As: "mallory", Conversation: demoChannel, Text: "disable Dispatch"})
	if e := b.until("mallory", status(cards.StatusRefused, "")); !e.Private {
		t.Errorf("%+v", e)
	}
	b.post("/api/home", act{As: "sam"})
	b.until("sam", func(e wireEntry) bool { return e.Home && strings.Contains(e.Card.Title, "Sam") })
}

// TestPageKeepsOthersOut tries what another web site, or another program
// without the token, could send.
func TestPageKeepsOthersOut(t *testing.T) {
	t.Parallel()
	b := openPage(t, startDemo(t))
	body := `{"as":"sam","conversation":"ops","text":"disable Dispatch"}`
	for name, tc := range map[string]struct {
		method, path string
		change       func(r *http.Request)
		want         int
	}{
		"as the page does":      {"POST", "/api/say", func(*http.Request) {}, 200},
		"browser says so":       {"POST", "/api/say", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin"); r.Header.Set("Origin", b.base) }, 200},
		"another site":          {"POST", "/api/say", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"another port":          {"POST", "/api/say", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"another origin":        {"POST", "/api/say", func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403},
		"origin null":           {"POST", "/api/say", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"a plain form":          {"POST", "/api/say", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 403},
		"rebound name":          {"POST", "/api/say", func(r *http.Request) { r.Host = "evil.example:80" }, 421},
		"rebound name, reading": {"GET", "/api/about", func(r *http.Request) { r.Host = "evil.example:80" }, 421},
		"no token":              {"POST", "/api/say", func(r *http.Request) { r.Header.Del("Cookie") }, 401},
		"no token, reading":     {"GET", "/api/events?as=sam", func(r *http.Request) { r.Header.Del("Cookie") }, 401},
		"wrong token":           {"GET", "/api/about", func(r *http.Request) { r.Header.Set("Cookie", b.page.cookie+"=t0ke") }, 401},
		"page without token":    {"GET", "/", func(r *http.Request) { r.Header.Del("Cookie") }, 401},
		"wrong token in link":   {"GET", "/?token=x", func(r *http.Request) { r.Header.Del("Cookie") }, 401},
		"as nobody":             {"GET", "/api/events?as=root", func(*http.Request) {}, 400},
		"file outside":          {"GET", "/../demo.go", func(*http.Request) {}, 404},
		"get with an effect":    {"GET", "/api/say", func(*http.Request) {}, 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := ""
			if tc.method == http.MethodPost {
				content = body
			}
			r := b.request(tc.method, tc.path, content)
			tc.change(r)
			if code, text := b.do(r); code != tc.want {
				t.Errorf("%d %s, want %d", code, text, tc.want)
			}
		})
	}
}

func TestPageMalformed(t *testing.T) {
	t.Parallel()
	b := openPage(t, startDemo(t))
	for name, body := range map[string]string{
		"not JSON":      `{`,
		"unknown key":   `{"as":"sam","admin":true}`,
		"nobody":        `{"as":"root","conversation":"ops","text":"hi"}`,
		"empty message": `{"as":"sam","conversation":"ops","text":" "}`,
		"not his room":  `{"as":"sam","conversation":"direct-riley","text":"hi"}`,
		"too large":     `{"as":"sam","conversation":"ops","text":"` + strings.Repeat("x", pageBody) + `"}`,
	} {
		if code, text := b.do(b.request(http.MethodPost, "/api/say", body)); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
	for name, a := range map[string]act{
		"no such entry":  {As: "sam", Entry: "x", Action: cards.ActionApprove, Target: "r1"},
		"unknown action": {As: "sam", Entry: "x", Action: "exec", Target: "r1"},
	} {
		if code, text := b.post("/api/press", a); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
}

// The link carries the token once; after that it is in a cookie that other
// sites cannot send.
func TestPageEnter(t *testing.T) {
	t.Parallel()
	b := openPage(t, startDemo(t))
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	u, err := url.Parse(b.page.URL())
	if err != nil {
		t.Fatal(err)
	}
	r := b.request(http.MethodGet, "/?"+u.RawQuery, "")
	r.Header.Del("Cookie")
	resp, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || len(resp.Cookies()) != 1 {
		t.Fatalf("%d, %v", resp.StatusCode, resp.Header)
	}
	if c := resp.Cookies()[0]; c.SameSite != http.SameSiteStrictMode || !c.HttpOnly || c.Value != "t0ken" {
		t.Errorf("cookie %+v", c)
	}
	csp := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy %q lacks %q", csp, want)
		}
	}
	if code, body := b.do(b.request(http.MethodGet, "/", "")); code != http.StatusOK || !strings.Contains(body, "app.js") {
		t.Errorf("%d %.100s", code, body)
	}
}

// The page shows what people, Neo and models wrote as text nodes only.
func TestPageHasNoMarkupSinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"web/app.js", "web/card.js", "web/chart.js", "web/index.html"} {
		src, err := webFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		src = bytes.ReplaceAll(src, []byte("http://www.w3.org/2000/svg"), nil) // the name of SVG, not an address
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "createContextualFragment", "srcdoc", "javascript:", "setHTMLUnsafe", "http://", "https://"} {
			if strings.Contains(string(src), sink) {
				t.Errorf("%s uses %s", name, sink)
			}
		}
	}
}

func TestListenLoopback(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.com:80", "nonsense"} {
		if l, err := listenLoopback(t.Context(), addr); err == nil {
			_ = l.Close()
			t.Errorf("listens on %s", addr)
		}
	}
	l, err := listenLoopback(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if _, err := listenLoopback(t.Context(), l.Addr().String()); err == nil {
		t.Error("took an address twice")
	}
}

// TestDemoCommand runs the command itself, with a person at the terminal.
func TestDemoCommand(t *testing.T) {
	t.Parallel()
	a, out, faults := testApp("which agents are off?\n/quit\n")
	a.terminal = true
	if code := a.run(t.Context(), []string{"demo", "--listen", "127.0.0.1:0"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, faults)
	}
	for _, want := range []string{"Open this page", "?token=", "You are riley now."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

// TestReplTour types the tour into the terminal.
func TestReplTour(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	keys, input := io.Pipe()
	a, out, _ := testApp("")
	a.in = keys
	r := &repl{console: d.console, app: a, as: "riley", conversation: demoChannel, people: demoPeople}
	done := make(chan error, 1)
	go func() { done <- r.run(t.Context()) }()
	type_ := func(line, want string) {
		t.Helper()
		before := len(out.String())
		if _, err := io.WriteString(input, line+"\n"); err != nil {
			t.Fatal(err)
		}
		eventually(t, want, func() (bool, any) {
			text := out.String()[before:]
			return strings.Contains(text, want), text
		})
	}
	type_("/help", "press button [3]")
	type_("/as nobody", "/as one of riley, sam, mallory")
	type_("9", "there is no such button")
	type_("disable License audit", "[1] Approve")
	type_("1", "You cannot decide this")
	type_("/as sam", "[2] Reject") // what waits is shown again
	type_("2", "Reason: ")
	type_("/cancel", "Cancelled")
	type_("2", "Reason: ")
	type_("not this week", "Reject? [y/N]")
	type_("y", "not this week")
	type_("/home", "Hello Sam")
	if writes := d.neo.Writes(); len(writes) != 0 {
		t.Errorf("written: %+v", writes)
	}
	if _, err := io.WriteString(input, "/quit\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Lines piped in are answered one by one, and all of them: none is lost at the
// end of the input, and a number presses a button of the answer before it.
func TestReplPiped(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	a, out, _ := testApp("")
	a.in = strings.NewReader("what failed today?\ndisable License audit\n1\nwhich agents are off?\n")
	r := &repl{console: d.console, app: a, as: "riley", conversation: demoChannel, people: demoPeople, idle: d.core.inbox.Idle}
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, from := out.String(), 0
	for _, want := range []string{"Failed runs, today", "[1] Approve", "You cannot decide this", "1 agent off"} {
		i := strings.Index(text[from:], want)
		if i < 0 {
			t.Fatalf("no %q after the others:\n%s", want, text)
		}
		from += i
	}
}

func TestPressed(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][3]int{
		"3": {0, 3, 1}, "2.3": {2, 3, 1}, "0": {}, "-1": {}, "1.0": {}, "48213": {}, "99": {0, 99, 1},
		"3 days": {}, "2.x": {}, "": {}, "1.2.3": {}, "123456789": {},
	} {
		card, button, ok := pressed(line)
		if ok != (want[2] == 1) || ok && (card != want[0] || button != want[1]) {
			t.Errorf("pressed(%q) = %d, %d, %v", line, card, button, ok)
		}
	}
}
