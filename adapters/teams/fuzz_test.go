package teams

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"neobot/adapters"
	"neobot/cards"
)

// sink takes everything and checks that it is whole.
type sink struct{ t testing.TB }

func (s sink) PutMessage(_ context.Context, m adapters.Message) (bool, error) {
	if m.Workspace != home || m.ID == "" || m.User.ID == "" || m.Conversation.ID == "" || m.User.Trust != "" || m.Conversation.Sharing != "" {
		s.t.Errorf("message %+v", m)
	}
	if len([]rune(m.Text)) > maxText {
		s.t.Errorf("text of %d characters", len([]rune(m.Text)))
	}
	_, err := adapters.MessageDelivery(m)
	return true, err
}

func (s sink) PutClick(_ context.Context, c adapters.Click) (bool, error) {
	if c.Workspace != home || c.ID == "" || c.User.ID == "" || !c.Action.Valid() || !cards.ValidID(c.Target) || c.User.Trust != "" {
		s.t.Errorf("click %+v", c)
	}
	return true, nil
}

func (s sink) PutAndWait(_ context.Context, d adapters.Delivery, _ time.Duration) (adapters.Answer, bool, error) {
	var c adapters.Click
	if err := json.Unmarshal(d.Payload, &c); err != nil {
		s.t.Error(err)
	}
	_, err := s.PutClick(context.Background(), c)
	return adapters.Answer{Card: cards.Card{Title: "ok"}, Where: adapters.Replace}, true, err
}

func (s sink) HandleForm(_ context.Context, c adapters.Click) (*cards.Form, adapters.Answer) {
	if !c.Action.OpensForm() {
		s.t.Errorf("form for %+v", c)
	}
	return nil, adapters.Answer{Card: cards.Card{Title: "no"}}
}

func (s sink) HandleView(_ context.Context, c adapters.Click) adapters.Answer {
	if c.Workspace != home || c.User.ID == "" || !cards.ValidID(c.Target) || c.User.Trust != "" || c.Action != "" || c.Inputs != nil {
		s.t.Errorf("view %+v", c)
	}
	return adapters.Answer{Card: cards.Card{Title: "ok", Views: &cards.Views{ID: c.Target, For: []string{string(home) + "/" + aliceID}}}, Where: adapters.Replace}
}

// noRefs is Refs that remember nothing.
type noRefs struct{}

func (noRefs) Save(context.Context, adapters.Workspace, Reference, Person) error { return nil }
func (noRefs) Conversation(context.Context, adapters.Workspace, string) (Reference, error) {
	return Reference{}, ErrNoReference
}

func (noRefs) Person(context.Context, adapters.Workspace, string) (Person, error) {
	return Person{}, ErrNoReference
}

func (noRefs) People(context.Context, adapters.Workspace, []string) ([]Person, error) {
	return nil, nil
}

func (noRefs) Service(context.Context, adapters.Workspace) (string, error) { return "", ErrNoReference }
func (noRefs) Forget(context.Context, adapters.Workspace, string) error    { return nil }
func (noRefs) Once(context.Context, adapters.Workspace, string, time.Duration) (bool, error) {
	return true, nil
}

// FuzzActivities: whatever a verified delivery holds, there is no panic and no
// 5xx, and what reaches the inbox is whole. The token is good; the body is not.
func FuzzActivities(f *testing.F) {
	fake := newFake(f, time.Now)
	cloud, err := CloudNamed(Public)
	if err != nil {
		f.Fatal(err)
	}
	s := sink{f}
	a, err := New(Config{
		AppID: testApp, AppPassword: "hush", AppTenant: tenant, Cloud: cloud.At(fake.MetadataURL(), fake.TokenURL()),
		Workspaces: []adapters.Workspace{home}, Inbox: s, Forms: s, Views: s, Refs: noRefs{}, Now: time.Now,
		Transport: onlyKeys{http.DefaultTransport}, Sleep: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New() // no recovery: a panic is a find
	a.Routes(engine)
	for _, act := range seeds(fake.Activity(alice, group)) {
		b, err := json.Marshal(act)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"channelId":"msteams","channelId":["x"]}`))
	f.Add([]byte(`[1e999]`))
	token := "Bearer " + fake.Sign(map[string]any{
		"iss": testIssuer, "aud": testApp, "serviceurl": testService, "exp": time.Now().Add(24 * time.Hour).Unix(),
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		// The token is bound to one service URL; with another the body would not be looked at.
		var m map[string]json.RawMessage
		if json.Unmarshal(body, &m) == nil && m != nil {
			m["serviceUrl"], m["channelId"] = json.RawMessage(`"`+testService+`"`), json.RawMessage(`"msteams"`)
			if b, err := json.Marshal(m); err == nil {
				body = b
			}
		}
		req := httptest.NewRequest(http.MethodPost, "/api/messages", strings.NewReader(string(body)))
		req.Header.Set("Authorization", token)
		rec := httptest.NewRecorder()
		engine.ServeHTTP(rec, req)
		if rec.Code >= 500 && rec.Code != http.StatusNotImplemented {
			t.Errorf("status %d for %s", rec.Code, body)
		}
	})
}

// onlyKeys lets the key documents through and nothing else: the fuzzer must not
// talk to connectors.
type onlyKeys struct{ http.RoundTripper }

func (o onlyKeys) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/openid" || r.URL.Path == "/keys" {
		return o.RoundTripper.RoundTrip(r)
	}
	return nil, http.ErrServerClosed
}

// seeds are one activity of every kind.
func seeds(base map[string]any) []map[string]any {
	good := map[string]any{"action": "approve", "id": "r1"}
	with := func(c map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range base {
			out[k] = v
		}
		for k, v := range c {
			out[k] = v
		}
		return out
	}
	return []map[string]any{
		with(map[string]any{"type": "message", "text": "<at>neobot</at> hi", "entities": []any{
			map[string]any{"type": "mention", "text": "<at>neobot</at>", "mentioned": map[string]any{"id": "28:" + testApp}},
			map[string]any{"type": "clientInfo", "locale": "en-US"},
		}}),
		with(map[string]any{"type": "message", "value": good, "replyToId": "1"}),
		with(map[string]any{"type": "message", "value": 9007199254740993}),
		with(map[string]any{"type": "invoke", "name": "adaptiveCard/action", "value": map[string]any{
			"action": map[string]any{"verb": "approve", "data": good}, "trigger": "manual",
		}}),
		with(map[string]any{"type": "invoke", "name": "adaptiveCard/action", "value": map[string]any{"trigger": "automatic"}}),
		with(map[string]any{"type": "invoke", "name": "adaptiveCard/action", "replyToId": "1", "value": map[string]any{
			"action": map[string]any{"verb": "view", "data": map[string]any{"action": "view", "id": "r1"}}, "trigger": "automatic",
		}}),
		with(map[string]any{"type": "invoke", "name": "adaptiveCard/action", "value": map[string]any{
			"action": map[string]any{"verb": "approve", "data": good}, "trigger": "automatic",
		}}),
		with(map[string]any{"type": "invoke", "name": "task/fetch", "value": map[string]any{"data": map[string]any{"action": "reject", "id": "r1"}}}),
		with(map[string]any{"type": "invoke", "name": "task/submit", "value": map[string]any{"data": map[string]any{"action": "reject", "id": "r1", "in.reason": "x"}}}),
		with(map[string]any{"type": "invoke", "name": "message/submitAction", "value": map[string]any{
			"actionName": "feedback", "actionValue": map[string]any{"reaction": "like", "feedback": "{}"},
		}}),
		with(map[string]any{"type": "invoke", "name": "composeExtension/query"}),
		with(map[string]any{"type": "installationUpdate", "action": "add"}),
		with(map[string]any{"type": "installationUpdate", "action": "remove-upgrade"}),
		with(map[string]any{"type": "conversationUpdate", "membersAdded": []any{map[string]any{"id": "28:" + testApp}}}),
		with(map[string]any{"type": "conversationUpdate", "membersRemoved": []any{map[string]any{"id": "28:" + testApp}}}),
		with(map[string]any{"type": "messageReaction", "reactionsAdded": []any{map[string]any{"type": "like"}}}),
		with(map[string]any{"type": "messageUpdate", "text": "edited"}),
	}
}
