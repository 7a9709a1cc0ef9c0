package slack

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/adapters/slack/slackfake"
	"neobot/cards"
)

func chartCard(values ...float64) cards.Card {
	c := &cards.Chart{Unit: "runs", Series: []cards.Series{{Values: values}}}
	for i := range values {
		c.Labels = append(c.Labels, "day "+string(rune('a'+i)))
	}
	return cards.Card{Title: "Runs", Summary: "As every week.", Body: []cards.Block{{Heading: "Runs per day", Chart: c}}}
}

const (
	asPicture = "[picture: Runs per day. Bar chart in runs: day a 3; day b 7.]"
	asText    = "day a  "
)

var home = adapters.Destination{Workspace: adapters.NewWorkspace(adapters.Slack, "T0HOME"), Conversation: "C1"}

// onlyPost is the one message of the bot, as people read it.
func onlyPost(t *testing.T, fake *slackfake.Server) string {
	t.Helper()
	posts := fake.Posts("C1")
	if len(posts) != 1 {
		t.Fatalf("%d posts", len(posts))
	}
	return read(posts[0])
}

func (r *rig) post(key string, card cards.Card) {
	r.t.Helper()
	_, err := r.out.Post(r.t.Context(), r.a, key, home, card)
	r.must(err)
}

// TestPicture follows a chart: drawn, uploaded without a channel, shown once; and
// the same chart again, edited or posted anew, with the same file.
func TestPicture(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post("k1", chartCard(3, 7))
	has(t, onlyPost(t, r.fake), asPicture, "Runs per day")
	if strings.Contains(onlyPost(t, r.fake), asText) {
		t.Error("text beside the picture")
	}
	files := r.fake.Files()
	if len(files) != 1 || !files[0].Complete || files[0].Shown != 1 || files[0].Name != "chart.png" {
		t.Fatalf("files %+v", files)
	}
	img, err := png.DecodeConfig(bytes.NewReader(files[0].Bytes))
	if err != nil || img.Width < 700 || len(files[0].Bytes) > 100_000 {
		t.Errorf("picture %+v of %d bytes, %v", img, len(files[0].Bytes), err)
	}
	edited := chartCard(3, 7)
	edited.Summary = "As every week, one is missing."
	r.post("k1", edited)
	r.post("k2", chartCard(3, 7))
	if files = r.fake.Files(); len(files) != 1 || files[0].Shown != 3 {
		t.Errorf("the same chart, files %d, shown %d times", len(files), files[0].Shown)
	}
	r.post("k3", chartCard(3, 8))
	if n := len(r.fake.Files()); n != 2 {
		t.Errorf("another chart, %d files", n)
	}
}

// TestPictureFaults goes through what can fail on the way to a picture. In every
// case the answer is there once, whole, with the chart as text.
func TestPictureFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		method string
		fault  slackfake.Fault
	}{
		"no scope":            {"files.getUploadURLExternal", slackfake.Fault{Error: "missing_scope"}},
		"refused":             {"files.getUploadURLExternal", slackfake.Fault{Error: "storage_limit_reached"}},
		"limited":             {"files.getUploadURLExternal", slackfake.Fault{RetryAfter: 30}},
		"answer lost":         {"files.getUploadURLExternal", slackfake.Fault{Drop: true}},
		"upload refused":      {"upload", slackfake.Fault{Status: http.StatusInternalServerError}},
		"upload redirected":   {"upload", slackfake.Fault{Status: http.StatusFound}},
		"completion refused":  {"files.completeUploadExternal", slackfake.Fault{Status: http.StatusServiceUnavailable}},
		"completion lost":     {"files.completeUploadExternal", slackfake.Fault{Drop: true}},
		"never looked at":     {"slack_file", slackfake.Fault{Error: "x", Times: 99}},
		"any block too much":  {"chat.postMessage", slackfake.Fault{Error: "invalid_blocks"}},
		"the card is so long": {"chat.postMessage", slackfake.Fault{Error: "msg_blocks_too_long"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.fake.Fail(fault.method, fault.fault)
			r.post("k1", chartCard(3, 7))
			has(t, onlyPost(t, r.fake), "Runs per day", asText, "As every week.")
			if strings.Contains(onlyPost(t, r.fake), "[picture") {
				t.Error("a picture in spite of the fault")
			}
		})
	}
}

// TestPictureNotReady: Slack looks through a file for a moment; the message is
// tried again and then has its picture, once.
func TestPictureNotReady(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Fail("slack_file", slackfake.Fault{Error: "x", Times: 2})
	r.post("k1", chartCard(3, 7))
	has(t, onlyPost(t, r.fake), asPicture)
	if n := len(r.fake.Calls("chat.postMessage")); n != 3 {
		t.Errorf("%d tries", n)
	}
}

// TestPictureGone: a file deleted in Slack is replaced with the next card.
func TestPictureGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post("k1", chartCard(3, 7))
	r.fake.RemoveFile(r.fake.Files()[0].ID)
	edited := chartCard(3, 7)
	edited.Footer = []string{"now"}
	r.post("k1", edited)
	has(t, onlyPost(t, r.fake), asText)
	edited.Footer = []string{"later"}
	r.post("k1", edited)
	has(t, onlyPost(t, r.fake), asPicture, "later")
}

// TestPictureScope: without files:write nothing is even asked; a scope that turns
// out to be missing is not asked for again soon.
func TestPictureScope(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(r.a.Check(t.Context()))
	if !r.a.ShowsPictures() {
		t.Error("all scopes, and no pictures")
	}
	r.fake.Fail("files.getUploadURLExternal", slackfake.Fault{Error: "missing_scope"})
	for _, key := range []string{"k1", "k2", "k3"} {
		r.post(key, chartCard(3, 7))
	}
	if n := len(r.fake.Calls("files.getUploadURLExternal")); n != 1 || r.a.ShowsPictures() {
		t.Errorf("asked %d times", n)
	}

	var few []string
	for _, s := range Scopes() {
		if s != filesScope {
			few = append(few, s)
		}
	}
	fake := newFake(t, slackfake.Config{Scopes: few})
	cfg := fake.Config()
	a, err := New(Config{
		Installs: []Install{{Team: cfg.Team, Token: cfg.Token}}, AppID: cfg.App, SigningSecrets: []string{cfg.Secret}, APIURL: fake.APIURL(),
		Inbox: r.inbox, Threads: r.out, Pictures: r.out, Handler: r.brain, Now: time.Now,
	})
	r.must(err)
	r.must(a.Check(t.Context())) // the bot works without
	if a.ShowsPictures() {
		t.Error("pictures without the scope")
	}
	if _, err := a.Post(t.Context(), "k1", home, chartCard(3, 7)); err != nil {
		t.Error(err)
	}
	has(t, onlyPost(t, fake), asText)
	if len(fake.Calls("files.getUploadURLExternal")) > 0 || len(fake.Problems()) > 0 {
		t.Errorf("asked all the same: %v", fake.Problems())
	}
}

// TestPictureHost: a file goes to Slack's host only, whatever the answer says.
func TestPictureHost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var hits atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(other.Close)
	r.fake.MoveUploads(other.URL + "/")
	r.post("k1", chartCard(3, 7))
	has(t, onlyPost(t, r.fake), asText)
	if hits.Load() > 0 {
		t.Error("the file was sent")
	}
	slackHost := &Adapter{cfg: Config{APIURL: "https://slack.com/api/"}}
	for to, want := range map[string]bool{
		"https://files.slack.com/upload/v1/abc": true, "https://slack.com/x": true,
		"http://files.slack.com/x": false, "https://files.slack.com.evil.example/x": false, "https://files.slack.com:8443/x": false,
		"https://a@files.slack.com/x": false, "//files.slack.com/x": false, "": false, "https://evil.example/files.slack.com": false,
	} {
		if slackHost.uploadAllowed(to) != want {
			t.Errorf("%q allowed: %v", to, !want)
		}
	}
}

// TestPictureOnce: many cards with the same chart at the same time upload it once.
func TestPictureOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := make(chan struct{})
	slow := &slowPictures{Pictures: r.out, asked: make(chan struct{}, 20), release: release}
	r.a.cfg.Pictures = slow
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { r.post("k"+string(rune('1'+i)), chartCard(3, 7)) })
	}
	<-slow.asked // one of them has begun; the others wait for it or come later
	close(release)
	wg.Wait()
	if n := len(r.fake.Files()); n != 1 {
		t.Errorf("%d files", n)
	}
	for _, p := range r.fake.Posts("C1") {
		has(t, read(p), asPicture)
	}
}

type slowPictures struct {
	Pictures
	asked   chan struct{}
	release chan struct{}
}

func (s *slowPictures) Picture(ctx context.Context, w adapters.Workspace, digest string) (string, error) {
	s.asked <- struct{}{}
	<-s.release
	return s.Pictures.Picture(ctx, w, digest)
}

// brokenPictures is a store that is down.
type brokenPictures struct{}

func (brokenPictures) Picture(context.Context, adapters.Workspace, string) (string, error) {
	return "", errors.New("no redis")
}

func (brokenPictures) KeepPicture(context.Context, adapters.Workspace, string, string) error {
	return errors.New("no redis")
}

// TestPicturePlaces: where a picture cannot be shown, or nothing remembers it, the
// chart is text: private answers, the home tab, a store that is down, none at all.
func TestPicturePlaces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	to := home
	to.User = "U1"
	r.must(r.a.Whisper(t.Context(), to, chartCard(3, 7)))
	has(t, slackfake.Text(r.fake.Ephemerals("U1")[0].Blocks), asText)
	r.must(r.a.Home(t.Context(), home.Workspace, "U1", chartCard(3, 7)))
	view, _ := r.fake.Home("U1")
	has(t, slackfake.Text(view.JSON), asText)
	for key, store := range map[string]Pictures{"down": brokenPictures{}, "none": nil} {
		r.a.cfg.Pictures = store
		_, err := r.a.Post(t.Context(), key, home, chartCard(3, 7))
		r.must(err)
	}
	for _, p := range r.fake.Posts("C1") {
		has(t, read(p), asText)
	}
	r.a.cfg.Pictures = r.out
	letters := chartCard(3, 7)
	letters.Body[0].Chart.Labels[0] = "日本"
	r.post("letters", letters)
	if len(r.fake.Files()) > 0 {
		t.Errorf("files %+v", r.fake.Files())
	}
}

// TestPictureReplyLost: the message went out and its receipt did not come back;
// the next try finds it. One message, one file.
func TestPictureReplyLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Fail("chat.postMessage", slackfake.Fault{Drop: true})
	if _, err := r.out.Post(t.Context(), r.a, "k1", home, chartCard(3, 7)); err == nil {
		t.Fatal("a lost receipt is no error")
	}
	r.post("k1", chartCard(3, 7))
	has(t, onlyPost(t, r.fake), asPicture)
	if n := len(r.fake.Files()); n != 1 {
		t.Errorf("%d files", n)
	}
}
