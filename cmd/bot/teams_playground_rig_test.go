package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"neobot/adapters/slack/slackfake"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// Everything around the bot in the Teams test is Microsoft's or Stoplight's:
// the Agents Playground as client and connector, Prism with Microsoft's Swagger
// of the connector on the way out; only the token issuer on the way in is ours.
//
//	playground -> issuer (signs) -> bot (authentication on) -> Prism -> playground

const (
	pgTenant   = "00000000-0000-0000-0000-000000000001"
	pgApp      = "11111111-2222-3333-4444-555555555555"
	pgPersonal = "a:personal-1"
	pgGroup    = "19:group1@thread.v2"
	pgChannel  = "19:chan1@thread.tacv2"
	pgPeers    = "../../deploy/peers"
)

const pgConfig = `version: "0.1.1"
tenantId: ` + pgTenant + `
bot: {id: "28:` + pgApp + `", name: neobot}
currentUser: {id: "29:alice", name: Alice, userPrincipleName: alice@example.com, aadObjectId: 00000000-0000-0000-0000-0000000000a1, givenName: Alice, surname: A, email: alice@example.com}
users:
  - {id: "29:bob", name: Bob, userPrincipleName: bob@example.com, aadObjectId: 00000000-0000-0000-0000-0000000000b1, givenName: Bob, surname: B, email: bob@example.com}
  - {id: "29:carol", name: Carol, userPrincipleName: carol@example.com, aadObjectId: 00000000-0000-0000-0000-0000000000c1, givenName: Carol, surname: C, email: carol@example.com}
  - {id: "29:dave", name: Dave, userPrincipleName: dave@example.com, aadObjectId: 00000000-0000-0000-0000-0000000000d1, givenName: Dave, surname: D, email: dave@example.com}
  - {id: "29:erin", name: Erin, userPrincipleName: erin@example.com, aadObjectId: 00000000-0000-0000-0000-0000000000e1, givenName: Erin, surname: E, email: erin@example.com}
  - {id: "29:frank", name: Frank, userPrincipleName: frank@example.com, aadObjectId: 00000000-0000-0000-0000-0000000000f1, givenName: Frank, surname: F, email: frank@example.com}
personalChat: {id: "` + pgPersonal + `"}
groupChat: {id: "` + pgGroup + `", name: Group}
team: {id: "19:team1@thread.tacv2", name: Team, aadGroupId: 00000000-0000-0000-0000-000000000031, channels: [{id: "` + pgChannel + `", name: Ops}]}
`

// Carol and Dave are named as approvers too, so that only what Teams says of them
// (guest, another tenant) keeps them out. Bob has a Slack account.
const pgPolicy = `
workspaces: ["teams:` + pgTenant + `", "slack:T0HOME"]
admins: [Bob]
permissions: {all: read_write, api_keys: disabled}
roles:
  technician: {permissions: {all: read_write}}
people:
  - {name: Alice, teams: {tenant: ` + pgTenant + `, id: 00000000-0000-0000-0000-0000000000a1}, slack: {team: T0HOME, id: U0ALICE}, roles: [technician]}
  - {name: Bob, teams: {tenant: ` + pgTenant + `, id: 00000000-0000-0000-0000-0000000000b1}, slack: {team: T0HOME, id: U0BOB}, roles: [technician]}
  - {name: Carol, teams: {tenant: ` + pgTenant + `, id: 00000000-0000-0000-0000-0000000000c1}, roles: [technician]}
  - {name: Dave, teams: {tenant: ` + pgTenant + `, id: 00000000-0000-0000-0000-0000000000d1}, roles: [technician]}
channels:
  - {match: "*", permissions: {all: read_write}}
  - {match: direct, permissions: {all: read_write}}
approvals:
  rules:
    - {approvers: [Bob, Carol, Dave, Alice], channel: "slack:T0HOME/C0OPS"}
`

// pgWorld is the whole chain.
type pgWorld struct {
	t               *testing.T
	url             string // of the playground
	issuer, service string // where activities go to and come from
	bot             *process
	neo             *sandbox.Neo
	slack           *slackfake.Server
	prism           *lockedBuffer

	mu       sync.Mutex
	messages []*pgMessage
}

// pgMessage is a message as the playground's client shows it now.
type pgMessage struct {
	ID           string
	Conversation string
	Card         map[string]any
	Edits        int
}

func newPlayground(t *testing.T) *pgWorld {
	t.Helper()
	for _, m := range []string{"@microsoft/m365agentsplayground", "@stoplight/prism-cli", "jsonwebtoken"} {
		if _, err := os.Stat(filepath.Join(pgPeers, "node_modules", filepath.FromSlash(m))); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed in deploy/peers", m)
			}
			t.Skipf("%s is not installed: deploy/test/setup.sh installs it", m)
		}
	}
	w := &pgWorld{t: t, prism: &lockedBuffer{}}
	botAddr, issuerAddr, pgAddr, prismAddr := freeAddr(t), freeAddr(t), freeAddr(t), freeAddr(t)
	w.url = "http://" + pgAddr
	w.issuer = "http://" + issuerAddr
	w.startIssuer(issuerAddr, botAddr)
	w.startPrism(prismAddr)
	w.startBot(botAddr)
	w.service = w.startRoster("http://" + prismAddr)
	w.startClient(pgAddr)
	w.listen()
	return w
}

// node runs a script until the test ends.
func (w *pgWorld) node(out io.Writer, env []string, args ...string) {
	w.t.Helper()
	cmd := exec.Command("node", args...)
	cmd.Dir = w.t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func pgScript(t *testing.T, parts ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{pgPeers}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *pgWorld) startIssuer(addr, bot string) {
	w.t.Helper()
	_, port, _ := net.SplitHostPort(addr)
	log := &lockedBuffer{}
	w.node(log, []string{"APPID=" + pgApp, "BOT=http://" + bot + "/api/messages", "PORT=" + port}, pgScript(w.t, "teams", "issuer.mjs"))
	eventually(w.t, "issuer up", func() (bool, any) { return strings.Contains(log.String(), "listening"), log.String() })
}

func (w *pgWorld) startBot(addr string) {
	w.t.Helper()
	const key = "neo_sk_playground"
	var err error
	w.neo, err = sandbox.New(sandbox.Config{Now: time.Now, Key: key, Seed: 1, Document: neoapi.Document(), Validate: true, RateLimit: -1})
	if err != nil {
		w.t.Fatal(err)
	}
	neo := httptest.NewServer(w.neo)
	w.t.Cleanup(neo.Close)
	w.slack = slackfake.New(slackfake.Config{})
	w.t.Cleanup(w.slack.Close)
	w.slack.AddUser(slackfake.User{ID: "U0ALICE", Name: "Alice"})
	w.slack.AddUser(slackfake.User{ID: "U0BOB", Name: "Bob"})
	w.slack.AddChannel(slackfake.Channel{ID: "C0OPS", Members: []string{"U0ALICE", "U0BOB"}})
	policy := filepath.Join(w.t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(pgPolicy), 0o600); err != nil {
		w.t.Fatal(err)
	}
	c := w.slack.Config()
	w.bot = startProcess(w.t, buildBot(w.t), addr, []string{
		"REDIS_URL=redis://" + startRedis(w.t).addr + "/0", "NEOBOT_CONFIG=" + policy,
		"NEO_BASE_URL=" + neo.URL, "NEO_API_KEY=" + key,
		"TEAMS_APP_ID=" + pgApp, "TEAMS_APP_PASSWORD=hush", "TEAMS_TENANT_ID=" + pgTenant,
		"TEAMS_OPENID_URL=" + w.issuer + "/v1/.well-known/openidconfiguration", "TEAMS_TOKEN_URL=" + w.issuer + "/token",
		"SLACK_API_URL=" + w.slack.APIURL(), "SLACK_BOT_TOKEN=" + c.Token, "SLACK_SIGNING_SECRET=" + c.Secret, "SLACK_APP_ID=" + c.App,
	})
}

// startRoster stands between the bot and Prism. The playground knows only plain
// members, so Carol becomes a guest here and Dave a member of another tenant.
func (w *pgWorld) startRoster(prism string) string {
	w.t.Helper()
	target, err := url.Parse(prism)
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// Escaped ids stay escaped.
			r.Out.URL.Path, r.Out.URL.RawPath = r.In.URL.Path, r.In.URL.RawPath
		},
		ModifyResponse: func(r *http.Response) error {
			change := map[string]string{"/members/29:carol": `"userRole":"guest"`, "/members/29:dave": `"tenantId":"00000000-0000-0000-0000-00000000ffff"`}
			for suffix, with := range change {
				if strings.HasSuffix(r.Request.URL.Path, suffix) {
					return rewriteMember(r, with)
				}
			}
			return nil
		},
	}
	s := httptest.NewServer(proxy)
	w.t.Cleanup(s.Close)
	return s.URL
}

// rewriteMember puts one field into a member document.
func rewriteMember(r *http.Response, field string) error {
	var m map[string]any
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte("{"+field+"}"), &m); err != nil {
		return err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	r.Header.Set("Content-Length", fmt.Sprint(len(b)))
	return nil
}

func (w *pgWorld) startPrism(addr string) {
	w.t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/infracloudio/msbotbuilder-go").Output()
	if err != nil {
		w.t.Fatal(err)
	}
	swagger := filepath.Join(strings.TrimSpace(string(out)), "protocol", "botframework.json")
	_, port, _ := net.SplitHostPort(addr)
	w.node(w.prism, nil, pgScript(w.t, "node_modules", "@stoplight", "prism-cli", "dist", "index.js"),
		"proxy", "-h", "127.0.0.1", "-p", port, swagger, w.url+"/_connector")
	eventually(w.t, "Prism up", func() (bool, any) {
		return strings.Contains(w.prism.String(), "Prism is listening"), w.prism.String()
	})
}

func (w *pgWorld) startClient(addr string) {
	w.t.Helper()
	config := filepath.Join(w.t.TempDir(), "playground.yml")
	if err := os.WriteFile(config, []byte(pgConfig), 0o600); err != nil {
		w.t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	log := &lockedBuffer{}
	w.node(log, []string{"TEAMSAPPTESTER_BROWSER=none", "M365_AGENTS_PLAYGROUND_CONFIG_PATH=" + config},
		pgScript(w.t, "node_modules", "@microsoft", "m365agentsplayground", "cli.js"),
		"-e", w.issuer+"/api/messages", "-c", "msteams", "-p", port, "--dt", "--su", w.service)
	eventually(w.t, "playground up", func() (bool, any) {
		status, _, err := get(w.t.Context(), w.url+"/_debug/ping")
		return status == http.StatusOK, fmt.Sprint(status, err, log)
	})
}

// listen follows what the client shows.
func (w *pgWorld) listen() {
	w.t.Helper()
	conn, resp, err := websocket.DefaultDialer.DialContext(w.t.Context(), "ws"+strings.TrimPrefix(w.url, "http")+"/_ws_conversation/v1/conversations/stream", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	w.t.Cleanup(func() { _ = conn.Close() })
	go func() {
		for {
			_, data, err := conn.ReadMessage()
			if err != nil {
				return
			}
			w.event(data)
		}
	}()
}

func (w *pgWorld) event(data []byte) {
	var e struct {
		Action       string
		Conversation string `json:"actionConversationId"`
		Message      struct {
			ID          string `json:"messageId"`
			Attachments []struct{ Content map[string]any }
		}
	}
	if json.Unmarshal(data, &e) != nil || len(e.Message.Attachments) != 1 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		if m.ID == e.Message.ID {
			m.Card, m.Edits = e.Message.Attachments[0].Content, m.Edits+1
			return
		}
	}
	w.messages = append(w.messages, &pgMessage{ID: e.Message.ID, Conversation: e.Conversation, Card: e.Message.Attachments[0].Content})
}

// in are the cards of a conversation and its threads, as shown now.
func (w *pgWorld) in(conversation string) []pgMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []pgMessage
	for _, m := range w.messages {
		if strings.HasPrefix(m.Conversation, conversation) {
			out = append(out, *m)
		}
	}
	return out
}

// shows waits until the newest card of a conversation has all the texts.
func (w *pgWorld) shows(conversation string, texts ...string) pgMessage {
	w.t.Helper()
	var newest pgMessage
	eventually(w.t, conversation+" shows "+strings.Join(texts, ", "), func() (bool, any) {
		all := w.in(conversation)
		if len(all) == 0 {
			return false, "nothing"
		}
		newest = all[len(all)-1]
		text := cardWords(newest.Card)
		for _, want := range texts {
			if !strings.Contains(text, want) {
				return false, text
			}
		}
		return true, nil
	})
	return newest
}

// cardWords is all the text of a card, and [label] for every button.
func cardWords(v any) string {
	var b strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if s, ok := v["text"].(string); ok {
				b.WriteString(s + "\n")
			}
			if s, ok := v["title"].(string); ok {
				b.WriteString("[" + s + "]\n")
			}
			for _, k := range []string{"body", "items", "columns", "rows", "cells", "inlines", "actions"} {
				walk(v[k])
			}
		case []any:
			for _, c := range v {
				walk(c)
			}
		}
	}
	walk(v)
	return b.String()
}

// findAction is the action with this title, anywhere in a card.
func findAction(v any, title string) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		if kind, _ := v["type"].(string); strings.HasPrefix(kind, "Action.") && v["title"] == title {
			return v
		}
		for k, c := range v {
			if a := findAction(c, title); a != nil && k != "fallback" {
				return a
			}
		}
	case []any:
		for _, c := range v {
			if a := findAction(c, title); a != nil {
				return a
			}
		}
	}
	return nil
}

// post sends JSON to the playground.
func (w *pgWorld) post(path string, body any) (int, map[string]any) {
	w.t.Helper()
	return w.send(w.url+path, body)
}

// deliver gives the bot a signed activity that the playground's client cannot
// make: dialogs, foreign tenants.
func (w *pgWorld) deliver(user string, m pgMessage, more map[string]any) (int, map[string]any) {
	w.t.Helper()
	object := map[string]string{"29:alice": "a1", "29:bob": "b1", "29:carol": "99"}[user] // Carol is not in the policy as this
	act := map[string]any{
		"type": "invoke", "channelId": "msteams", "id": rand.Text(), "serviceUrl": w.service, "replyToId": m.ID,
		"from":         map[string]any{"id": user, "aadObjectId": "00000000-0000-0000-0000-0000000000" + object},
		"recipient":    map[string]any{"id": "28:" + pgApp},
		"conversation": map[string]any{"id": m.Conversation, "conversationType": "groupChat", "tenantId": pgTenant},
		"channelData":  map[string]any{"tenant": map[string]any{"id": pgTenant}},
	}
	maps.Copy(act, more)
	return w.send(w.issuer+"/api/messages", act)
}

func (w *pgWorld) send(to string, body any) (int, map[string]any) {
	w.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Error(err)
		return 0, nil
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, to, bytes.NewReader(b))
	if err != nil {
		w.t.Error(err)
		return 0, nil
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Error(err)
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var out map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&out) // some answers are empty
	return resp.StatusCode, out
}

// say writes as Alice, with a mention outside her own chat.
func (w *pgWorld) say(conversation, text string) {
	w.t.Helper()
	body := map[string]any{"type": "text", "textFormat": "plain", "text": text, "from": map[string]any{"id": "29:alice"}}
	if conversation != pgPersonal {
		body["text"] = "<at>neobot</at> " + text
		body["mentions"] = []any{map[string]any{
			"mentioned": map[string]any{"id": "28:" + pgApp, "name": "neobot"}, "text": "<at>neobot</at>",
		}}
	}
	if status, out := w.post("/_conversation/v1/conversations/"+conversation+"/messages", body); status != http.StatusOK {
		w.t.Fatalf("message: %d %v", status, out)
	}
}

// press makes somebody press a button of a card; the bot's answer comes back.
func (w *pgWorld) press(user string, m pgMessage, label string) (status int, text string, card map[string]any) {
	w.t.Helper()
	action := findAction(m.Card, label)
	if action == nil {
		w.t.Errorf("no button %q on\n%s", label, cardWords(m.Card))
		return 0, "", nil
	}
	status, out := w.post("/_conversation/v1/invoke", map[string]any{
		"conversation": map[string]any{"id": m.Conversation}, "from": map[string]any{"id": user}, "name": "adaptiveCard/action", "replyToId": m.ID,
		"value": map[string]any{"action": map[string]any{"type": "Action.Execute", "verb": action["verb"], "data": action["data"]}, "trigger": "manual"},
	})
	switch v := out["value"].(type) {
	case string:
		return status, v, nil
	case map[string]any:
		return status, "", v
	}
	return status, fmt.Sprint(out), nil
}

// writes are the changes that reached Neo.
func (w *pgWorld) writes() []string {
	var out []string
	for _, r := range w.neo.Writes() {
		if r.Applied {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}
