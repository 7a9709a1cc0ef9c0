package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"neobot/neoapi/sandbox"
)

// BenchmarkTeams is BenchmarkBot in Teams: the running program with
// authentication on, a real redis-server, the Neo sandbox and a cheap connector.
// A flow is a question in a group chat up to its card, or a click on Approve up to
// the card everybody sees.
func BenchmarkTeams(b *testing.B) {
	r := newTeamsBench(b)
	r.switchOn(benchAgents...)
	r.drive(b, 300, r.askGroup)
	r.drive(b, 40, r.approveGroup)
	b.Run("ask/group", func(b *testing.B) { r.flows(b, r.askGroup) })
	b.Run("ask-and-approve", func(b *testing.B) { r.flows(b, r.approveGroup) })
}

const benchTenant = "00000000-0000-0000-0000-0000000000be"

const benchTeamsPolicy = `
workspaces: ["teams:` + benchTenant + `"]
permissions: {all: read_write, api_keys: disabled}
roles:
  technician: {permissions: {all: read_write}}
people:
  - {name: Riley, teams: {tenant: ` + benchTenant + `, id: riley}, roles: [technician]}
  - {name: Sam, teams: {tenant: ` + benchTenant + `, id: sam}, roles: [technician]}
channels:
  - {match: "*", permissions: {all: read_write}}
approvals:
  rules:
    - {approvers: [Sam]}
`

// teamsBench borrows the measuring of benchRig.
type teamsBench struct {
	*benchRig
	teams *benchTeams
	token string // of the deliveries; one for all, as the connector does it for an hour
}

// benchTeams is a connector and token service that does as little as it can.
type benchTeams struct {
	*benchSlack // counts, and tells who waits for a card in a conversation
	server      *httptest.Server
	key         *rsa.PrivateKey
}

func newTeamsBench(b *testing.B) *teamsBench {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	t := &benchTeams{benchSlack: &benchSlack{waits: map[string]*benchWait{}}, key: key}
	t.server = httptest.NewServer(t)
	b.Cleanup(t.server.Close)
	r := &teamsBench{benchRig: &benchRig{slack: t.benchSlack}, teams: t}
	r.start(b, -1, benchTeamsPolicy, []string{
		"NEO_REQUESTS_PER_MINUTE=1000000",
		"TEAMS_APP_ID=" + pgApp, "TEAMS_APP_PASSWORD=hush", "TEAMS_TENANT_ID=" + benchTenant, "TEAMS_POSTS_PER_SECOND=1000000",
		"TEAMS_OPENID_URL=" + t.server.URL + "/openid", "TEAMS_TOKEN_URL=" + t.server.URL + "/token",
	})
	r.token = t.sign(b)
	return r
}

func (t *benchTeams) sign(b *testing.B) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": "https://api.botframework.com", "aud": pgApp, "serviceurl": t.server.URL + "/", "exp": time.Now().Add(time.Hour).Unix(),
	})
	token.Header["kid"] = "k"
	s, err := token.SignedString(t.key)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (t *benchTeams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	b64 := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(r.URL.Path, "/") // "", v3, conversations, id, …
	switch {
	case r.URL.Path == "/openid":
		_, _ = fmt.Fprintf(w, `{"issuer":"https://api.botframework.com","jwks_uri":"%s/keys","id_token_signing_alg_values_supported":["RS256"]}`, t.server.URL)
	case r.URL.Path == "/keys":
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k","n":"%s","e":"%s"}]}`, b64(t.key.N.Bytes()), b64(big.NewInt(int64(t.key.E)).Bytes()))
	case r.URL.Path == "/token":
		_, _ = io.WriteString(w, `{"access_token":"t","expires_in":3600}`)
	case strings.Contains(r.URL.Path, "/members/"):
		t.calls.Add(1)
		id := strings.TrimPrefix(parts[len(parts)-1], "29:")
		_, _ = fmt.Fprintf(w, `{"id":"29:%s","aadObjectId":"%s","name":"%s","tenantId":"%s","userRole":"user"}`, id, id, id, benchTenant)
	case strings.HasSuffix(r.URL.Path, "/pagedmembers"):
		t.calls.Add(1)
		_, _ = fmt.Fprintf(w, `{"members":[{"id":"29:riley","tenantId":"%s","userRole":"user"}]}`, benchTenant)
	case len(parts) < 5: // a chat with one person
		t.calls.Add(1)
		_, _ = io.WriteString(w, `{"id":"a:sam"}`)
	default:
		t.calls.Add(1)
		id := parts[len(parts)-1]
		if r.Method == http.MethodPost {
			id = t.ts()
		}
		_, _ = fmt.Fprintf(w, `{"id":"%s"}`, id)
		t.show(parts[3], benchPost{id, string(body)})
	}
}

// deliver hands the bot an activity of somebody in a group chat.
func (r *teamsBench) deliver(user, conversation string, more map[string]any) ([]byte, error) {
	act := map[string]any{
		"channelId": "msteams", "serviceUrl": r.teams.server.URL + "/", "id": "f:" + r.teams.ts(),
		"from": map[string]any{"id": "29:" + user, "aadObjectId": user}, "recipient": map[string]any{"id": "28:" + pgApp},
		"conversation": map[string]any{"id": conversation, "conversationType": "groupChat", "tenantId": benchTenant},
		"channelData":  map[string]any{"tenant": map[string]any{"id": benchTenant}},
	}
	for k, v := range more {
		act[k] = v
	}
	body, err := json.Marshal(act)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, r.bot.url+"/api/messages", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, out)
	}
	return out, err
}

func (r *teamsBench) ask(tb testing.TB, conversation, text, want string) (benchPost, error) {
	card := r.teams.expect(conversation, want)
	if _, err := r.deliver("riley", conversation, map[string]any{"type": "message", "text": text}); err != nil {
		return benchPost{}, err
	}
	return r.await(tb, card, text)
}

// await waits for a card.
func (r *teamsBench) await(tb testing.TB, c <-chan benchPost, what string) (benchPost, error) {
	select {
	case p := <-c:
		return p, nil
	case <-time.After(patience):
		return benchPost{}, fmt.Errorf("%s: no card within %v", what, patience)
	case <-tb.Context().Done():
		return benchPost{}, tb.Context().Err()
	}
}

// switchOn makes agents disableable again, behind the bot's back.
func (r *teamsBench) switchOn(names ...string) {
	r.neo.Mutate(func(s *sandbox.State) {
		for a := range s.Agents.All() {
			if slices.Contains(names, a.Name) {
				a.State = "ENABLED"
			}
		}
	})
}

// askGroup is a question in a group chat: one delivery, one card.
func (r *teamsBench) askGroup(tb testing.TB, _ int, conversation string) error {
	_, err := r.ask(tb, "19:"+conversation+"@thread.v2", "which agents are on?", "agents on")
	return err
}

// approveGroup is a change asked for, approved by somebody else, and shown.
func (r *teamsBench) approveGroup(tb testing.TB, driver int, conversation string) error {
	conversation = "19:" + conversation + "@thread.v2"
	card, err := r.ask(tb, conversation, "disable "+benchAgents[driver], "Withdraw")
	if err != nil {
		return err
	}
	var sent struct {
		Attachments []struct{ Content map[string]any }
	}
	if err := json.Unmarshal([]byte(card.blocks), &sent); err != nil || len(sent.Attachments) != 1 {
		return fmt.Errorf("no card in %.200s: %w", card.blocks, err)
	}
	action := findAction(sent.Attachments[0].Content, "Approve")
	done := r.teams.expect(conversation, "Neo now shows the change")
	_, err = r.deliver("sam", conversation, map[string]any{
		"type": "invoke", "name": "adaptiveCard/action", "replyToId": card.ts,
		"value": map[string]any{"action": map[string]any{"type": "Action.Execute", "verb": action["verb"], "data": action["data"]}},
	})
	if err != nil {
		return err
	}
	if _, err := r.await(tb, done, "click"); err != nil {
		return err
	}
	r.switchOn(benchAgents[driver])
	return nil
}

// flows measures b.N flows.
func (r *teamsBench) flows(b *testing.B, f flow) {
	m := r.meter(b)
	m.platform = "teams/flow"
	r.drive(b, b.N, f)
	m.report(b.N)
}
