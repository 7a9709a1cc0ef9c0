package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
)

type ctx = context.Context

// envelopeOf wraps an inner event; change may alter the outer layer.
func envelopeOf(inner string, change map[string]any) string {
	env := map[string]any{
		"type": "event_callback", "team_id": deskTeam, "api_app_id": deskApp, "event_id": "Ev1", "event_time": 1_800_000_000,
		"authorizations": []any{map[string]any{"team_id": deskTeam, "user_id": "UBOT", "is_bot": true}},
		"event":          json.RawMessage(inner),
	}
	for k, v := range change {
		if v == nil {
			delete(env, k)
			continue
		}
		env[k] = v
	}
	b, err := json.Marshal(env)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestEventsThatAreMessages(t *testing.T) {
	t.Parallel()
	const at = "1800000000.000100"
	base := func(change func(*adapters.Message)) *adapters.Message {
		m := &adapters.Message{
			Workspace: "slack:T0HOME", ID: "C1:" + at, Thread: at, Text: "hi", At: deskNow.UTC(),
			User:         adapters.User{ID: "U1"},
			Conversation: adapters.Conversation{ID: "C1", Kind: adapters.Channel},
		}
		change(m)
		return m
	}
	same := func(*adapters.Message) {}
	for name, c := range map[string]struct {
		inner  string
		outer  map[string]any
		thread string // known thread
		want   *adapters.Message
	}{
		"mention":            {`{"type":"app_mention","user":"U1","text":"<@UBOT> hi","ts":"1800000000.000100","channel":"C1"}`, nil, "", base(same)},
		"mention as message": {`{"type":"message","channel_type":"channel","user":"U1","text":"<@UBOT|neobot>  hi ","ts":"1800000000.000100","channel":"C1"}`, nil, "", base(same)},
		"mention in a thread": {
			`{"type":"app_mention","user":"U1","text":"hi","ts":"1800000000.000100","thread_ts":"17.1","channel":"C1"}`, nil, "",
			base(func(m *adapters.Message) { m.Thread = "17.1" }),
		},
		"home team of a guest": {
			`{"type":"app_mention","user":"U1","team":"T0HOME","user_team":"T9","text":"hi","ts":"1800000000.000100","channel":"C1"}`,
			map[string]any{"is_ext_shared_channel": true},
			"",
			base(func(m *adapters.Message) { m.User.Home = "T9"; m.Conversation.Sharing = adapters.SharingExternal }),
		},
		"direct": {
			`{"type":"message","channel_type":"im","user":"U1","text":"hi","ts":"1800000000.000100","channel":"D1"}`, nil, "",
			base(func(m *adapters.Message) {
				m.ID, m.Thread, m.Conversation = "D1:"+at, "", adapters.Conversation{ID: "D1", Kind: adapters.Direct}
			}),
		},
		"direct in a thread": {
			`{"type":"message","channel_type":"im","user":"U1","text":"hi","ts":"1800000000.000100","thread_ts":"17.1","channel":"D1"}`, nil, "",
			base(func(m *adapters.Message) {
				m.ID, m.Thread, m.Conversation = "D1:"+at, "17.1", adapters.Conversation{ID: "D1", Kind: adapters.Direct}
			}),
		},
		"group message mention": {
			`{"type":"message","channel_type":"mpim","user":"U1","text":"<@UBOT> hi","ts":"1800000000.000100","channel":"G1"}`, nil, "",
			base(func(m *adapters.Message) {
				m.ID, m.Conversation = "G1:"+at, adapters.Conversation{ID: "G1", Kind: adapters.Group}
			}),
		},
		"follow-up": {
			`{"type":"message","channel_type":"channel","user":"U1","text":"hi","ts":"1800000000.000100","thread_ts":"17.1","channel":"C1"}`, nil, "C1/17.1",
			base(func(m *adapters.Message) { m.Thread = "17.1" }),
		},
		"files only": {
			`{"type":"message","subtype":"file_share","channel_type":"im","user":"U1","ts":"1800000000.000100","channel":"D1","files":[{}]}`, nil, "",
			base(func(m *adapters.Message) {
				m.ID, m.Thread, m.Text, m.Conversation = "D1:"+at, "", "", adapters.Conversation{ID: "D1", Kind: adapters.Direct}
			}),
		},
		"home tab": {
			`{"type":"app_home_opened","user":"U1","tab":"home","channel":"D1"}`, nil, "",
			&adapters.Message{
				Workspace: "slack:T0HOME", ID: "home:Ev1", Home: true, At: deskNow.UTC(), User: adapters.User{ID: "U1"},
				Conversation: adapters.Conversation{ID: "home:U1", Kind: adapters.Direct},
			},
		},
		"assistant thread": {
			`{"type":"assistant_thread_started","assistant_thread":{"user_id":"U1","channel_id":"D1","thread_ts":"17.1"}}`, nil, "",
			&adapters.Message{
				Workspace: "slack:T0HOME", ID: "assistant:D1:17.1", Text: "help", Thread: "17.1", At: deskNow.UTC(), User: adapters.User{ID: "U1"},
				Conversation: adapters.Conversation{ID: "D1", Kind: adapters.Direct},
			},
		},

		"talk in a channel":              {`{"type":"message","channel_type":"channel","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, nil, "", nil},
		"talk in another thread":         {`{"type":"message","channel_type":"channel","user":"U1","text":"hi","ts":"1.1","thread_ts":"17.2","channel":"C1"}`, nil, "C1/17.1", nil},
		"to a person in a thread":        {`{"type":"message","channel_type":"channel","user":"U1","text":"<@U2> hi","ts":"1.1","thread_ts":"17.1","channel":"C1"}`, nil, "C1/17.1", nil},
		"mention in direct":              {`{"type":"app_mention","user":"U1","text":"<@UBOT> hi","ts":"1.1","channel":"D1"}`, nil, "", nil},
		"our own post":                   {`{"type":"message","channel_type":"im","user":"UBOT","bot_id":"B1","text":"hi","ts":"1.1","channel":"D1"}`, nil, "", nil},
		"our own post, no bot id":        {`{"type":"message","channel_type":"im","user":"UBOT","text":"hi","ts":"1.1","channel":"D1"}`, nil, "", nil},
		"another bot":                    {`{"type":"app_mention","bot_id":"B2","user":"U3","text":"<@UBOT> hi","ts":"1.1","channel":"C1"}`, nil, "", nil},
		"bot_message":                    {`{"type":"message","subtype":"bot_message","channel_type":"im","text":"hi","ts":"1.1","channel":"D1"}`, nil, "", nil},
		"our own update":                 {`{"type":"message","subtype":"message_changed","hidden":true,"channel_type":"im","channel":"D1","ts":"1.1","message":{"user":"UBOT","text":"x"}}`, nil, "", nil},
		"deleted":                        {`{"type":"message","subtype":"message_deleted","channel_type":"im","channel":"D1","ts":"1.1"}`, nil, "", nil},
		"joined":                         {`{"type":"message","subtype":"channel_join","user":"U1","channel_type":"channel","channel":"C1","ts":"1.1","text":"<@UBOT> joined"}`, nil, "", nil},
		"edited into a mention":          {`{"type":"app_mention","user":"U1","text":"<@UBOT> hi","edited":{"user":"U1","ts":"2.1"},"ts":"1.1","channel":"C1"}`, nil, "", nil},
		"slackbot":                       {`{"type":"message","channel_type":"im","user":"USLACKBOT","text":"hi","ts":"1.1","channel":"D1"}`, nil, "", nil},
		"messages tab":                   {`{"type":"app_home_opened","user":"U1","tab":"messages","channel":"D1"}`, nil, "", nil},
		"unknown inner type":             {`{"type":"pin_added","user":"U1"}`, nil, "", nil},
		"inner of a strange shape":       {`{"type":"app_mention","user":{"id":"U1"},"text":"hi","ts":"1.1","channel":"C1"}`, nil, "", nil},
		"inner not an object":            {`"x"`, nil, "", nil},
		"another app":                    {`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, map[string]any{"api_app_id": "A9"}, "", nil},
		"no app":                         {`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, map[string]any{"api_app_id": nil}, "", nil},
		"another workspace":              {`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, map[string]any{"team_id": "T9"}, "", nil},
		"no workspace":                   {`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, map[string]any{"team_id": nil}, "", nil},
		"organisation is not an install": {`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, map[string]any{"team_id": "T9", "enterprise_id": deskTeam}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.threads[c.thread] = true
			if w := d.event(envelopeOf(c.inner, c.outer)); w.Code != http.StatusOK || w.Body.Len() > 0 {
				t.Errorf("status %d, body %q", w.Code, w.Body)
			}
			var want []adapters.Message
			if c.want != nil {
				want = []adapters.Message{*c.want}
			}
			if diff := cmp.Diff(want, d.messages); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInboxDownIs503(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fail = errors.New("redis down")
	for name, body := range map[string]string{
		"message":   envelopeOf(`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, nil),
		"follow-up": envelopeOf(`{"type":"message","user":"U1","text":"hi","ts":"1.1","thread_ts":"1.0","channel":"C1"}`, nil),
	} {
		if w := d.event(body); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
}

func TestUninstalled(t *testing.T) {
	t.Parallel()
	for _, inner := range []string{`{"type":"app_uninstalled"}`, `{"type":"tokens_revoked","tokens":{"oauth":[],"bot":["UBOT"]}}`} {
		d := newDesk(t)
		d.event(envelopeOf(inner, nil))
		if _, err := d.a.of("slack:T0HOME"); !errors.Is(err, adapters.ErrGone) {
			t.Errorf("%s: %v", inner, err)
		}
	}
	d := newDesk(t)
	d.event(envelopeOf(`{"type":"tokens_revoked","tokens":{"oauth":["U1"],"bot":[]}}`, nil))
	if _, err := d.a.of("slack:T0HOME"); err != nil {
		t.Errorf("a person's revoked token stopped the bot: %v", err)
	}
}

// An org-wide install: team is null or another workspace of the organisation.
func TestGridInstall(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.a.installs["E1"] = d.a.newInstall(Install{Team: "E1", Enterprise: "E1", Token: "x"})
	body := envelopeOf(`{"type":"app_mention","user":"U1","text":"hi","ts":"1.1","channel":"C1"}`, map[string]any{
		"team_id": "T7", "enterprise_id": "E1",
		"authorizations": []any{map[string]any{"enterprise_id": "E1", "is_enterprise_install": true, "is_bot": true, "user_id": "UBOT"}},
	})
	d.event(body)
	payload := `{"type":"block_actions","api_app_id":"A0NEO","team":null,"enterprise":{"id":"E1"},"is_enterprise_install":true,"user":{"id":"U1","team_id":"T7"},
		"container":{"channel_id":"C1","message_ts":"1.1"},"actions":[{"type":"button","action_id":"neobot:approve:0","value":"r1","action_ts":"1.2"}]}`
	d.signed("/slack/interactions", "application/x-www-form-urlencoded", url.Values{"payload": {payload}}.Encode())
	if len(d.messages) != 1 || len(d.clicks) != 1 || d.messages[0].Workspace != "slack:E1" || d.clicks[0].Workspace != "slack:E1" {
		t.Errorf("%+v %+v", d.messages, d.clicks)
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<@UBOT> hi":                            "hi",
		"<@UBOT|neobot>: hi":                    "hi",
		"ask <@U2> and <@U3|carol>":             "ask @U2 and @carol",
		"in <#C1|ops> or <#C2>":                 "in #ops or #C2",
		"<!here> <!subteam^S1|@ops> <!channel>": "@here @ops @channel",
		"see <https://x.example/a|label>":       "see label (https://x.example/a)",
		"see <https://x.example>":               "see https://x.example",
		"see <http://x.example|x.example>":      "see x.example",
		"<mailto:a@b.example|a@b.example>":      "a@b.example",
		"a &lt;b&gt; &amp;amp; c &copy;":        "a <b> &amp; c &copy;",
		"open < bracket":                        "open < bracket",
		"":                                      "",
		"<":                                     "<",
		"<>":                                    "",
	} {
		if got := plain(in, "UBOT"); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	long := plain(strings.Repeat("é", maxText), "")
	if len(long) > maxText || long[len(long)-2:] != "é" {
		t.Errorf("%d bytes", len(long))
	}
}
