package slack

import (
	"net/http"
	"net/url"
	"testing"
	"unicode/utf8"

	"neobot/adapters"
	"neobot/cards"
)

// accepted checks what may leave the adapter whatever came in: an answer that
// does not make Slack send the bytes again, and only deliveries that are ours.
func (d *desk) accepted(t *testing.T, code int) {
	t.Helper()
	if code >= 500 {
		t.Errorf("status %d", code)
	}
	for _, m := range d.messages {
		if m.Workspace != "slack:T0HOME" || m.ID == "" || m.User.ID == "" || m.User.Trust != adapters.TrustUnknown || m.Conversation.Sharing == adapters.SharingInternal {
			t.Errorf("accepted %+v", m)
		}
		if !utf8.ValidString(m.Text) || len(m.Text) > maxText {
			t.Errorf("text of %d bytes", len(m.Text))
		}
	}
	for _, c := range d.clicks {
		if c.Workspace != "slack:T0HOME" || c.ID == "" || c.User.ID == "" || c.User.Trust != adapters.TrustUnknown || !c.Action.Valid() || !cards.ValidID(c.Target) {
			t.Errorf("accepted %+v", c)
		}
		if c.Action.OpensForm() && c.Inputs == nil {
			t.Errorf("form button in the inbox: %+v", c)
		}
	}
}

func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		`{"type":"url_verification","challenge":"x"}`, `{"type":"app_rate_limited"}`, `{`, `null`, `[]`, `""`,
		envelopeOf(`{"type":"app_mention","user":"U1","text":"<@UBOT> hi &lt;","ts":"1.1","channel":"C1"}`, nil),
		envelopeOf(`{"type":"message","channel_type":"im","user":"U1","text":"<https://a|b> <!here> <","ts":"1.1","channel":"D1"}`, nil),
		envelopeOf(`{"type":"message","user":"U1","text":"hi","ts":"1.1","thread_ts":"1.0","channel":"C1"}`, nil),
		envelopeOf(`{"type":"app_home_opened","user":"U1","tab":"home"}`, nil),
		envelopeOf(`{"type":"assistant_thread_started","assistant_thread":{"user_id":"U1","channel_id":"D1","thread_ts":"1.1"}}`, nil),
		envelopeOf(`{"type":"tokens_revoked","tokens":{"bot":["U"]}}`, nil),
		envelopeOf(`{"type":"app_mention","user":{},"text":[],"ts":1.1}`, nil),
		envelopeOf(`null`, map[string]any{"authorizations": []any{nil, map[string]any{"is_enterprise_install": true}}}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := newDesk(t)
		d.threads["C1/1.0"] = true
		w := d.event(body)
		d.accepted(t, w.Code)
	})
}

func FuzzInteractions(f *testing.F) {
	const head = `"api_app_id":"A0NEO","team":{"id":"T0HOME"},"user":{"id":"U1","team_id":"T0HOME"}`
	for _, seed := range []string{
		`{`, `null`, `{"type":"view_closed",` + head + `}`, `{"type":"block_suggestion",` + head + `}`, `{"type":"shortcut",` + head + `}`,
		`{"type":"block_actions",` + head + `,"container":{"channel_id":"C1","message_ts":"1.1"},"actions":[{"type":"button","action_id":"neobot:approve:0","value":"r1","action_ts":"1.2"}]}`,
		`{"type":"block_actions",` + head + `,"actions":[{"type":"button","action_id":"neobot:withdraw:1","value":"<x>"}]}`,
		`{"type":"block_actions",` + head + `,"actions":[]}`, `{"type":"block_actions","team":null,"actions":null,` + head + `}`,
		`{"type":"view_submission",` + head + `,"view":{"id":"V1","callback_id":"neobot:form","private_metadata":"{\"action\":\"reject\",\"id\":\"r1\",\"c\":\"C1\"}","blocks":[{"type":"input","block_id":"reason","element":{"type":"plain_text_input","action_id":"reason","max_length":3}}],"state":{"values":{"reason":{"reason":{"value":"no"}}}}}}`,
		`{"type":"view_submission",` + head + `,"view":{"id":"V1","callback_id":"neobot:form","private_metadata":"{\"action\":\"form\",\"id\":\"r1\"}","blocks":[{"type":"input","block_id":"s","element":{"type":"static_select","action_id":"s","options":[{"value":"a"}]}}],"state":{"values":{"s":{"s":{"selected_option":{"value":"b"}}}}}}}`,
		`{"type":"view_submission",` + head + `,"view":null}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		d := newDesk(t)
		d.a.cfg.Handler = refuser{}
		w := d.signed("/slack/interactions", "application/x-www-form-urlencoded", url.Values{"payload": {payload}}.Encode())
		d.accepted(t, w.Code)
		raw := d.signed("/slack/interactions", "application/x-www-form-urlencoded", payload)
		d.accepted(t, raw.Code)
		cmd := d.signed("/slack/commands", "application/x-www-form-urlencoded", payload)
		if cmd.Code != http.StatusOK {
			t.Errorf("command: status %d", cmd.Code)
		}
		d.a.Wait()
	})
}

// refuser opens no form.
type refuser struct{ adapters.Handler }

func (refuser) HandleForm(ctx, adapters.Click) (*cards.Form, adapters.Answer) {
	return nil, adapters.Answer{Card: cards.Card{Summary: "no"}}
}
