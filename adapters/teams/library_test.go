package teams

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/infracloudio/msbotbuilder-go/schema"

	"neobot/adapters/teams/teamsfake"
)

func conversationWithout(id string, members ...string) teamsfake.Conversation {
	return teamsfake.Conversation{ID: id, Type: "groupChat", Members: members}
}

// TestLibraryThroughOurParts: whatever way the library's adapter is used, the
// token is verified by us and requests are made by us.
func TestLibraryThroughOurParts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lib := r.library(t.Context())
	act := r.fake.With(alice, group, map[string]any{"type": "message", "text": "hi"})
	body, err := json.Marshal(act)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := map[string]any{"iss": testIssuer, "aud": testApp, "serviceurl": act["serviceUrl"], "exp": now.Add(time.Hour).Unix()}
	parse := func(auth string) (schema.Activity, error) {
		req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		return lib.ParseRequest(t.Context(), req)
	}
	parsed, err := parse("Bearer " + r.fake.Sign(good))
	if err != nil || parsed.Text != "hi" {
		t.Fatal(parsed, err)
	}
	// The library's own validator lets the first through without an app id, and
	// has no idea of the last three.
	for _, auth := range []string{
		"hello", "Bearer " + goodToken(now), "Bearer " + mint(goodHeader(), good, noSignature),
		"Bearer " + r.fake.Sign(change(map[string]any{}, change(map[string]any{"iss": testIssuer, "aud": testApp, "exp": now.Add(time.Hour).Unix()}, nil))),
	} {
		if _, err := parse(auth); err == nil {
			t.Errorf("%.40q: accepted", auth)
		}
	}
	out := schema.Activity{
		Type: schema.Message, ID: "a/../b", ServiceURL: r.fake.ServiceURL(), Text: "x",
		Conversation: schema.ConversationAccount{ID: "c/../../d"}, From: schema.ChannelAccount{ID: r.fake.BotID()},
	}
	_ = lib.UpdateActivity(t.Context(), out) // 404, but the address is ours
	calls := r.fake.Calls()
	if got := calls[len(calls)-1]; got != "PUT conversations/c%2F..%2F..%2Fd/activities/a%2F..%2Fb" {
		t.Errorf("library's edit went to %s", got)
	}
	out.ServiceURL = "https://evil.example/"
	if err := lib.UpdateActivity(t.Context(), out); err == nil || !strings.Contains(err.Error(), ErrService.Error()) {
		t.Errorf("library's edit to a foreign host: %v", err)
	}
	if err := lib.DeleteActivity(t.Context(), "1", schema.ConversationReference{ServiceURL: r.fake.ServiceURL()}); err == nil {
		t.Error("delete without a conversation")
	}
}
