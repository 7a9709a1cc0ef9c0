package teams

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/adapters/teams/teamsfake"
)

// TestAskInAllScopes: the answer goes where the question was.
func TestAskInAllScopes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, tc := range []struct {
		conversation string
		want         adapters.Conversation
		thread       string
	}{
		{personal, adapters.Conversation{ID: personal, Kind: adapters.Direct, Sharing: adapters.SharingInternal}, ""},
		{group, adapters.Conversation{ID: group, Kind: adapters.Group, Sharing: adapters.SharingInternal}, ""},
		{channel + threadMark + "1699", adapters.Conversation{ID: channel, Kind: adapters.Channel, Sharing: adapters.SharingInternal}, "1699"},
	} {
		r.fake.Say(alice, tc.conversation, "which agents failed?")
		m := r.nth(base(tc.conversation), 1)
		if m.Conversation != tc.conversation {
			t.Errorf("answered in %s, want %s", m.Conversation, tc.conversation)
		}
		if got := cardText(m.Card); !strings.Contains(got, "which agents failed?") {
			t.Errorf("%s: answer %q", tc.conversation, got)
		}
		heard := r.brain.heard()
		got := heard[len(heard)-1]
		if got.Text != "which agents failed?" || got.Thread != tc.thread {
			t.Errorf("%s: heard %q in thread %q", tc.conversation, got.Text, got.Thread)
		}
		if diff := cmp.Diff(tc.want, got.Conversation); diff != "" {
			t.Errorf("conversation (-want +got):\n%s", diff)
		}
		want := adapters.User{ID: aliceID, Home: tenant, Name: "Alice", Trust: adapters.TrustMember}
		if diff := cmp.Diff(want, got.User); diff != "" {
			t.Errorf("user (-want +got):\n%s", diff)
		}
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	mention := func(id, name, text string) entity {
		return entity{Type: "mention", Text: text, Mentioned: account{ID: id, Name: name}}
	}
	us := mention("28:bot", "Neo", "<at>Neo</at>")
	for _, tc := range []struct {
		text     string
		entities []entity
		want     string
	}{
		{"<at>Neo</at> hello\n", []entity{us}, "hello"},
		{"hello <at>Neo</at>", []entity{us}, "hello"},
		{"<at>Neo</at> <at>Neo</at>", []entity{us, us}, ""},
		{"<at>Neo</at>&nbsp;a &lt;b&gt; &amp; c", []entity{us}, "a <b> & c"},
		{"<at>Renamed</at> hi", []entity{mention("28:bot", "Old", "<at>Renamed</at>")}, "hi"},
		{"<at>Neo</at> ask <at>Bob</at> and <at>Bob</at>", []entity{us, mention("29:bob", "Bob", "<at>Bob</at>")}, "ask @Bob and @Bob"},
		{"<at>Neo</at> is a person called like us", []entity{mention("29:neo", "Neo", "<at>Neo</at>")}, "@Neo is a person called like us"},
		{"<at>Neo</at> without an entity", nil, "<at>Neo</at> without an entity"},
		{"no id", []entity{mention("", "x", "no id")}, "@x"},
		{"   ", nil, ""},
	} {
		d := &delivery{activity: &activity{Text: tc.text, Entities: tc.entities, Recipient: account{ID: "28:bot"}}}
		if got := d.plainText(); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.text, got, tc.want)
		}
	}
	long := &delivery{activity: &activity{Text: strings.Repeat("ä", maxText+10)}}
	if n := len([]rune(long.plainText())); n != maxText {
		t.Errorf("long message has %d characters, want %d", n, maxText)
	}
}

// TestRedelivery: Teams delivers again; the bot answers once.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	act := r.fake.With(alice, personal, map[string]any{"type": "message", "text": "once"})
	for range 3 {
		if got := r.fake.Deliver(act); got.Status != http.StatusOK {
			t.Fatalf("status %d", got.Status)
		}
	}
	r.fake.Say(alice, personal, "twice")
	r.nth(personal, 2)
	if n := len(r.brain.heard()); n != 2 {
		t.Errorf("%d messages handled, want 2", n)
	}
	// The same id in another conversation is another message.
	act["conversation"] = map[string]any{"id": group, "conversationType": "groupChat", "tenantId": tenant}
	r.fake.Deliver(act)
	r.nth(group, 1)
}

// TestRefusedDeliveries: nothing of these reaches the inbox.
func TestRefusedDeliveries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := "ffffffff-0000-0000-0000-000000000002"
	conv := func(id, tenantID string) map[string]any {
		return map[string]any{"id": id, "conversationType": "personal", "tenantId": tenantID}
	}
	data := func(id string) map[string]any { return map[string]any{"tenant": map[string]any{"id": id}} }
	for name, tc := range map[string]struct {
		change map[string]any
		reason string
		status int
	}{
		"foreign conversation tenant": {map[string]any{"conversation": conv(personal, other)}, "tenant", 200},
		"foreign channel tenant":      {map[string]any{"channelData": data(other)}, "tenant", 200},
		"both foreign":                {map[string]any{"conversation": conv(personal, other), "channelData": data(other)}, "tenant", 200},
		"no conversation tenant":      {map[string]any{"conversation": conv(personal, "")}, "tenant", 200},
		"no channel tenant":           {map[string]any{"channelData": map[string]any{}}, "tenant", 200},
		"channel data is text":        {map[string]any{"channelData": "x"}, "tenant", 200},
		"no conversation":             {map[string]any{"conversation": conv("", tenant)}, "malformed", 200},
		"no sender":                   {map[string]any{"from": map[string]any{}}, "malformed", 200},
		"another channel":             {map[string]any{"channelId": "webchat"}, "channel", 401},
		"evil service URL":            {map[string]any{"serviceUrl": "https://evil.example/"}, "service_url", 401},
		"service URL of file":         {map[string]any{"serviceUrl": "file:///etc/passwd"}, "service_url", 401},
	} {
		before := len(r.refusals())
		got := r.fake.Deliver(r.fake.With(alice, personal, map[string]any{"type": "message", "text": "hi"}))
		_ = got
		act := r.fake.With(alice, personal, map[string]any{"type": "message", "text": "evil"})
		for k, v := range tc.change {
			act[k] = v
		}
		if got := r.fake.Deliver(act); got.Status != tc.status {
			t.Errorf("%s: status %d, want %d", name, got.Status, tc.status)
		}
		if why := strings.TrimSpace(r.refusals()[before:]); why != tc.reason {
			t.Errorf("%s: reason %q, want %q", name, why, tc.reason)
		}
	}
	r.fake.Say(alice, personal, "last")
	r.fake.Await(personal, func(m []teamsfake.Message) bool {
		return len(m) > 0 && strings.Contains(cardText(m[len(m)-1].Card), "last")
	})
	for _, m := range r.brain.heard() {
		if m.Text == "evil" {
			t.Error("a refused delivery was handled")
		}
	}
}

// TestUnauthorized: one answer for every reason, and nothing in it.
func TestUnauthorized(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	now := time.Now()
	act := r.fake.With(alice, personal, map[string]any{"type": "message", "text": "hi"})
	good := map[string]any{"iss": testIssuer, "aud": testApp, "serviceurl": act["serviceUrl"], "exp": now.Add(time.Hour).Unix()}
	body, err := json.Marshal(act)
	if err != nil {
		t.Fatal(err)
	}
	for _, auth := range []string{
		"", "hello", "Bearer x", "Bearer " + goodToken(now),
		"Bearer " + r.fake.Sign(change(map[string]any{"iss": testIssuer, "aud": "other"}, good)) + "x",
		"Bearer " + mint(goodHeader(), good, hs256(nil)),
	} {
		req := httptest.NewRequest(http.MethodPost, "/api/messages", bytes.NewReader(body))
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		rec := httptest.NewRecorder()
		r.fake.Bot.ServeHTTP(rec, req)
		if rec.Code != http.StatusUnauthorized || rec.Body.String() != unauthorized {
			t.Errorf("%.30q: %d %s", auth, rec.Code, rec.Body)
		}
	}
	// Two headers are one too many.
	req := httptest.NewRequest(http.MethodPost, "/api/messages", bytes.NewReader(body))
	req.Header.Add("Authorization", "Bearer "+r.fake.Sign(good))
	req.Header.Add("Authorization", "Bearer "+r.fake.Sign(good))
	rec := httptest.NewRecorder()
	r.fake.Bot.ServeHTTP(rec, req)
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("two headers: %d", rec.Code)
	}
	if n := len(r.brain.heard()); n != 0 {
		t.Errorf("%d messages handled", n)
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	act := r.fake.With(alice, personal, map[string]any{"type": "message", "text": strings.Repeat("x", maxBody)})
	if got := r.fake.Deliver(act); got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("huge body: %d", got.Status)
	}
	token := "Bearer " + r.fake.Sign(map[string]any{
		"iss": testIssuer, "aud": testApp, "serviceurl": r.fake.ServiceURL(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	for _, body := range []string{"", "x", "[]", "null", `"text"`, "{", strings.Repeat("[", 100000)} {
		req := httptest.NewRequest(http.MethodPost, "/api/messages", strings.NewReader(body))
		req.Header.Set("Authorization", token)
		rec := httptest.NewRecorder()
		r.fake.Bot.ServeHTTP(rec, req)
		if rec.Code != http.StatusBadRequest && rec.Code != http.StatusUnauthorized {
			t.Errorf("%.20q: %d", body, rec.Code)
		}
	}
	rec := httptest.NewRecorder()
	r.fake.Bot.ServeHTTP(rec, httptest.NewRequest(http.MethodHead, "/api/messages", nil))
	if rec.Code != http.StatusOK {
		t.Errorf("HEAD: %d", rec.Code)
	}
}

// TestRedisDown: nothing is acknowledged that is not kept.
func TestRedisDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Say(alice, personal, "hi")
	r.nth(personal, 1)
	r.redis.SetError("LOADING gone")
	for name, act := range map[string]map[string]any{
		"message":                 r.fake.With(alice, personal, map[string]any{"type": "message", "text": "hello"}),
		"first of a conversation": r.fake.With(bob, group, map[string]any{"type": "message", "text": "hello"}),
		"click": r.fake.With(alice, personal, map[string]any{"type": "invoke", "name": "adaptiveCard/action", "value": map[string]any{
			"action": map[string]any{"verb": "approve", "data": map[string]any{"action": "approve", "id": "r1"}},
		}}),
	} {
		if got := r.fake.Deliver(act); got.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, want 503", name, got.Status)
		}
	}
	r.redis.SetError("")
	r.fake.Say(alice, group, "back")
	r.fake.Await(group, func(m []teamsfake.Message) bool {
		return len(m) == 1 && strings.Contains(cardText(m[0].Card), "back")
	})
}

// TestQuietTypes are accepted and have no effect.
func TestQuietTypes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, kind := range []string{"messageReaction", "typing", "event", "messageUpdate", "messageDelete", "endOfConversation", "brandNew", ""} {
		if got := r.fake.Deliver(r.fake.With(alice, group, map[string]any{"type": kind, "text": "hi"})); got.Status != http.StatusOK {
			t.Errorf("%q: %d", kind, got.Status)
		}
	}
	for _, name := range []string{"composeExtension/query", "signin/verifyState", "config/fetch", ""} {
		if got := r.fake.Deliver(r.fake.With(alice, group, map[string]any{"type": "invoke", "name": name})); got.Status != http.StatusNotImplemented {
			t.Errorf("invoke %q: %d, want 501", name, got.Status)
		}
	}
	// Bots, ourselves included, are not talked to.
	for _, from := range []map[string]any{{"id": r.fake.BotID()}, {"id": "29:x", "role": "bot"}} {
		r.fake.Deliver(r.fake.With(alice, group, map[string]any{"type": "message", "text": "loop", "from": from}))
	}
	r.fake.Say(alice, group, "end")
	r.nth(group, 1)
	if n := len(r.brain.heard()); n != 1 {
		t.Errorf("%d messages handled, want 1", n)
	}
}

// TestInstallation: the home page once for a person, a sentence once for a
// group chat, silence in channels and when people join.
func TestInstallation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bot := []any{map[string]any{"id": r.fake.BotID()}}
	for range 2 {
		r.fake.Deliver(r.fake.With(alice, personal, map[string]any{"type": "installationUpdate", "action": "add"}))
		r.fake.Deliver(r.fake.With(alice, group, map[string]any{"type": "conversationUpdate", "membersAdded": bot}))
		r.fake.Deliver(r.fake.With(alice, channel, map[string]any{"type": "conversationUpdate", "membersAdded": bot}))
		r.fake.Deliver(r.fake.With(alice, group, map[string]any{"type": "conversationUpdate", "membersAdded": []any{map[string]any{"id": bob}}}))
	}
	r.nth(personal, 1)
	if m := r.nth(group, 1); !strings.Contains(m.Text, "help") || m.Activity["textFormat"] != "plain" {
		t.Errorf("welcome: %+v", m.Activity)
	}
	r.Wait()
	if heard := r.brain.heard(); len(heard) != 1 || !heard[0].Home {
		t.Errorf("heard %+v, want one request for the home page", heard)
	}
	for conv, want := range map[string]int{personal: 1, group: 1, channel: 0} {
		if n := len(r.fake.Messages(conv)); n != want {
			t.Errorf("%s: %d messages, want %d", conv, n, want)
		}
	}
	// Removed: the reference goes.
	r.fake.Deliver(r.fake.With(alice, group, map[string]any{"type": "installationUpdate", "action": "remove"}))
	if _, err := r.cfg.Refs.Conversation(t.Context(), home, group); err == nil {
		t.Error("reference of a conversation the bot was removed from is kept")
	}
}

// TestTyping: shown where Teams shows it and while there is no answer, through
// the library's turn.
func TestTyping(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	posts := func(conv string) int {
		n := 0
		for _, c := range r.fake.Calls() {
			if c == "POST conversations/"+conv+"/activities" {
				n++
			}
		}
		return n
	}
	r.brain.onMessage = func(m adapters.Message) adapters.Answer {
		if m.Conversation.Kind != adapters.Channel { // the answer waits for the sign of work
			r.fake.Await(m.Conversation.ID, func([]teamsfake.Message) bool { return posts(m.Conversation.ID) == 1 })
		}
		return adapters.Answer{Card: hello, Where: adapters.Reply}
	}
	for conv, want := range map[string]int{personal: 2, group: 2, channel + threadMark + "1": 1} {
		r.fake.Say(alice, conv, "hi")
		r.nth(base(conv), 1)
		r.Wait()
		if n := posts(strings.Replace(conv, ";", "%3B", 1)); n != want {
			t.Errorf("%s: %d posts, want %d", conv, n, want)
		}
	}
}

// TestNoTypingAfterTheAnswer: the sign is for people who wait.
func TestNoTypingAfterTheAnswer(t *testing.T) {
	t.Parallel()
	answered := make(chan struct{})
	r := newRig(t, func(c *Config) {
		c.Sleep = func(ctx context.Context, d time.Duration) error {
			if d == typingAfter {
				<-answered
			}
			return ctx.Err()
		}
	})
	r.fake.Say(alice, personal, "hi")
	r.nth(personal, 1)
	// The card is up; its post returns before the next one in line does.
	if _, err := r.Post(t.Context(), "", to(personal, "", ""), hello); err != nil {
		t.Fatal(err)
	}
	close(answered)
	r.Wait()
	if n := strings.Count(strings.Join(r.fake.Calls(), "\n"), "/activities"); n != 2 {
		t.Errorf("%d activities sent, want the two cards", n)
	}
}
