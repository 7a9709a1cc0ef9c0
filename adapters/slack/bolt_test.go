package slack

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// startBolt runs deploy/peers/bolt.js, Slack's own receiver. Without the npm
// package the test is skipped; make test installs it, and with CI set it must be there.
func startBolt(t *testing.T, secret string) (base string) {
	t.Helper()
	dir := filepath.Join("..", "..", "deploy", "peers")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@slack", "bolt")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("@slack/bolt is not installed in deploy/peers")
		}
		t.Skip("@slack/bolt is not installed in deploy/peers: make test installs it")
	}
	cmd := exec.CommandContext(t.Context(), "node", "bolt.js")
	cmd.Dir, cmd.Stderr = dir, t.Output()
	cmd.Env = append(os.Environ(), "SECRET="+secret)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			go func() { // keep the pipe empty
				for lines.Scan() {
				}
			}()
			return at
		}
	}
	t.Fatal("bolt.js ended before it listened")
	return ""
}

// verdict is what a receiver answers: the status, and the body where it counts.
type verdict struct {
	Status int
	Body   string
}

// answer sends the bytes to a receiver. JSON bodies are compared as values.
func answer(t *testing.T, base, path, contentType, body string, h http.Header) verdict {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h.Clone()
	r.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if json.Unmarshal(b, &v) == nil {
		b, _ = json.Marshal(v)
	}
	return verdict{res.StatusCode, string(b)}
}

// TestBoltDifferential sends the same signed bytes to Bolt and to the adapter.
// Where the answers differ, the table says how and why; every other difference fails.
func TestBoltDifferential(t *testing.T) {
	t.Parallel()
	const secret = "bolt-and-neobot-secret"
	const js, form = "application/json", "application/x-www-form-urlencoded"
	bolt := startBolt(t, secret)
	now := time.Now()
	mention := envelopeOf(`{"type":"app_mention","user":"U1","text":"<@UBOT> hi","ts":"1.1","channel":"C1"}`, nil)
	challenge := `{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`
	interaction := func(payload string) string { return url.Values{"payload": {payload}}.Encode() }
	head := `"api_app_id":"A0NEO","team":{"id":"T0HOME"},"user":{"id":"U1","team_id":"T0HOME"},"trigger_id":"1.2","response_url":"https://hooks.slack.com/x"`
	click := func(action string) string {
		return interaction(`{"type":"block_actions",` + head + `,"channel":{"id":"C1"},"container":{"type":"message","channel_id":"C1","message_ts":"1.1"},
			"actions":[{"type":"button","block_id":"b","action_id":"` + action + `","value":"r1","action_ts":"1.3"}]}`)
	}
	submit := func(callback, value string) string {
		return interaction(`{"type":"view_submission",` + head + `,"view":{"id":"V1","type":"modal","callback_id":"` + callback + `","private_metadata":"{\"action\":\"reject\",\"id\":\"r1\"}",
			"blocks":[{"type":"input","block_id":"reason","element":{"type":"plain_text_input","action_id":"reason"}}],
			"state":{"values":{"reason":{"reason":{"type":"plain_text_input","value":` + value + `}}}}}}`)
	}
	slash := url.Values{"command": {"/neo"}, "text": {"agents"}, "api_app_id": {"A0NEO"}, "team_id": {"T0HOME"}, "user_id": {"U1"}, "channel_id": {"C1"}, "trigger_id": {"1.4"}, "response_url": {"https://hooks.slack.com/x"}}.Encode()
	signed := func(b string) http.Header { return sign(secret, now, b) }
	at := func(d time.Duration) func(string) http.Header {
		return func(b string) http.Header { return sign(secret, now.Add(d), b) }
	}
	const none = ""
	for _, c := range []struct {
		name, path, contentType, body string
		headers                       func(body string) http.Header
		ours                          *verdict // nil: the same as Bolt's
		why                           string
	}{
		{"good event", "/slack/events", js, mention, signed, nil, none},
		{"the same event again", "/slack/events", js, mention, signed, nil, none},
		{"a retry", "/slack/events", js, mention, func(b string) http.Header { return with(signed(b), "X-Slack-Retry-Num", "1") }, nil, none},
		{"295 s old", "/slack/events", js, mention, at(-295 * time.Second), nil, none},
		{"301 s old", "/slack/events", js, mention, at(-310 * time.Second), nil, none},
		{
			"310 s in the future", "/slack/events", js, mention, at(310 * time.Second), &verdict{401, ""},
			"Bolt looks at the past only; a request dated ahead could be replayed for ten minutes",
		},
		{"bad signature", "/slack/events", js, mention, func(b string) http.Header { return sign("another secret", now, b) }, nil, none},
		{"signature of another body", "/slack/events", js, mention, func(string) http.Header { return signed("{}") }, nil, none},
		{"missing signature", "/slack/events", js, mention, func(b string) http.Header { return without(signed(b), "X-Slack-Signature") }, nil, none},
		{"missing timestamp", "/slack/events", js, mention, func(b string) http.Header { return without(signed(b), "X-Slack-Request-Timestamp") }, nil, none},
		{"timestamp not a number", "/slack/events", js, mention, func(b string) http.Header { return with(signed(b), "X-Slack-Request-Timestamp", "soon") }, nil, none},
		{"other signature version", "/slack/events", js, mention, func(b string) http.Header {
			return with(signed(b), "X-Slack-Signature", "v1="+signed(b).Get("X-Slack-Signature")[3:])
		}, nil, none},
		{"url_verification", "/slack/events", js, challenge, signed, nil, none},
		{"url_verification, bad signature", "/slack/events", js, challenge, func(b string) http.Header { return sign("another secret", now, b) }, nil, none},
		{"url_verification, unsigned", "/slack/events", js, challenge, func(string) http.Header { return http.Header{} }, nil, none},
		{"ssl_check, unsigned", "/slack/commands", form, "token=x&ssl_check=1", func(string) http.Header { return http.Header{} }, nil, none},
		{"ssl_check, signed", "/slack/commands", form, "token=x&ssl_check=1", signed, nil, none},
		{
			"ssl_check with a click inside", "/slack/interactions", form, "ssl_check=1&" + click("neobot:approve:0"), func(string) http.Header { return http.Header{} }, &verdict{401, ""},
			"Bolt answers 200 to anything with ssl_check; ours has no effect either, but says no to a body that wants more",
		},
		{"unknown event type", "/slack/events", js, envelopeOf(`{"type":"brand_new_event"}`, nil), signed, nil, none},
		{"good click", "/slack/interactions", form, click("neobot:approve:0"), signed, nil, none},
		{
			"unknown button", "/slack/interactions", form, click("old:button"), signed, &verdict{200, ""},
			"Bolt answers 404, which Slack shows as a warning triangle; ours acknowledges and tells the person",
		},
		{"slash command", "/slack/commands", form, slash, signed, nil, none},
		{"form without the reason", "/slack/interactions", form, submit("neobot:form", "null"), signed, nil, none},
		{"form with the reason", "/slack/interactions", form, submit("neobot:form", `"no"`), signed, nil, none},
		{
			"broken JSON", "/slack/events", js, "{", signed, &verdict{200, ""},
			"Bolt answers 400, and Slack would send the same bytes three more times; ours logs and counts it",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newBoltDesk(t, secret)
			h := c.headers(c.body)
			theirs := answer(t, bolt, c.path, c.contentType, c.body, h)
			ours := answer(t, d, c.path, c.contentType, c.body, h)
			want := theirs
			if want.Status != http.StatusOK {
				want.Body = "" // we refuse without words
			}
			if c.ours != nil {
				if want == *c.ours {
					t.Errorf("listed as different, but Bolt answers the same: %+v", theirs)
				}
				want = *c.ours
			}
			if diff := cmp.Diff(want, ours); diff != "" {
				t.Errorf("Bolt %+v, ours %+v\n%s", theirs, ours, diff)
			}
		})
	}
}

// newBoltDesk serves an adapter whose inbox only remembers.
func newBoltDesk(t *testing.T, secret string) string {
	t.Helper()
	d := &desk{refused: map[string]int{}, threads: map[string]bool{}}
	a, err := New(Config{
		Installs: []Install{{Team: deskTeam, Token: "xoxb-1"}}, AppID: deskApp, SigningSecrets: []string{secret},
		APIURL: "http://127.0.0.1:1/", Inbox: d, Threads: d, Handler: &brain{t: t}, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Wait)
	return serve(t, a)
}
