package slack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"neobot/adapters"
	"neobot/cards"
	"neobot/cards/pictures"
)

// A chart is drawn as PNG, uploaded without a channel, which only we can see, and
// becomes visible with the message that shows it:
// https://docs.slack.dev/reference/block-kit/composition-objects/slack-file-object
// Every step may fail, and then the card goes out with the chart as text. A crash
// leaves at worst a file nobody sees; the message stays the outbox's.

// Pictures remembers which file shows which picture; *adapters.Outbox is one.
type Pictures interface {
	Picture(ctx context.Context, w adapters.Workspace, digest string) (file string, err error)
	KeepPicture(ctx context.Context, w adapters.Workspace, digest, file string) error
}

const (
	filesScope = "files:write"
	// uploadHost is the only host an upload may go to.
	// https://docs.slack.dev/messaging/working-with-files#upload
	uploadHost = "files.slack.com"
	// scopeAgain is how long a missing scope is believed: the app may be installed again.
	scopeAgain = 10 * time.Minute
)

// fileWaits are the pauses before a message with a picture that Slack has not
// looked through yet is tried again: it does so some time after the upload, and
// telling when would need another scope.
// https://github.com/slackapi/java-slack-sdk/issues/1349
var fileWaits = []time.Duration{300 * time.Millisecond, 600 * time.Millisecond, 1200 * time.Millisecond}

// picture is what is known of one chart of a card.
type picture struct {
	digest, file string // empty file: show it as text
	fresh        bool   // uploaded just now
}

// filesOf is the files of the charts in order, and whether there is any.
func filesOf(all []picture) (files []string, some bool) {
	for _, p := range all {
		files, some = append(files, p.file), some || p.file != ""
	}
	return files, some
}

// pictures uploads the charts of a card that are not known to Slack. It takes at
// most half the time of one call, so that the post stays within the outbox's.
func (a *Adapter) pictures(ctx context.Context, in *install, card cards.Card) []picture {
	drawings := cards.Drawings(card)
	if a.cfg.Pictures == nil || len(drawings) == 0 || !in.mayUpload(a.cfg.Now()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.CallTimeout/2)
	defer cancel()
	out := make([]picture, len(drawings))
	for i, d := range drawings {
		p, err := a.picture(ctx, in, d)
		if errors.Is(err, pictures.ErrText) {
			continue
		}
		if err != nil {
			a.cfg.Logger.WarnContext(ctx, "chart goes out as text", "workspace", in.workspace, "err", err)
			break // the others would fail alike, and take time
		}
		out[i] = p
	}
	return out
}

// picture finds or makes the file of one chart. The same chart asked for twice at
// once is uploaded once.
func (a *Adapter) picture(ctx context.Context, in *install, d cards.Drawing) (picture, error) {
	digest, err := pictureDigest(d)
	if err != nil {
		return picture{}, err
	}
	v, err, _ := a.uploads.Do(in.Team+"/"+digest, func() (any, error) {
		file, err := a.cfg.Pictures.Picture(ctx, in.workspace, digest)
		if err != nil || file != "" {
			return picture{digest: digest, file: file}, err
		}
		png, err := pictures.PNG(d.Chart)
		if err != nil {
			return picture{}, err
		}
		if file, err = a.upload(ctx, in, png, d); err != nil {
			return picture{}, err
		}
		return picture{digest, file, true}, a.cfg.Pictures.KeepPicture(ctx, in.workspace, digest, file)
	})
	p, _ := v.(picture)
	return p, err
}

// pictureDigest is of everything that can be seen, and of how it is drawn.
func pictureDigest(d cards.Drawing) (string, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return "", pictures.ErrText // not a number: there is nothing to draw
	}
	sum := sha256.Sum256(append(b, pictures.Style...))
	return hex.EncodeToString(sum[:]), nil
}

// upload is Slack's three steps.
// https://docs.slack.dev/reference/methods/files.getUploadURLExternal
func (a *Adapter) upload(ctx context.Context, in *install, png []byte, d cards.Drawing) (file string, err error) {
	var at *slack.GetUploadURLExternalResponse
	err = a.once(ctx, in, "files.getUploadURLExternal", func(ctx context.Context) (err error) {
		at, err = in.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{
			FileName: "chart.png", FileSize: len(png), AltTxt: cutRunes(d.Chart.Words(d.Title), 900),
		})
		return err
	})
	if err != nil {
		return "", err
	}
	if err := a.sendFile(ctx, at.UploadURL, png); err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	err = a.once(ctx, in, "files.completeUploadExternal", func(ctx context.Context) error {
		done, err := in.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{{ID: at.FileID, Title: "Chart"}},
		})
		if err == nil && (len(done.Files) != 1 || done.Files[0].ID != at.FileID) {
			return errors.New("the answer names another file")
		}
		return err
	})
	return at.FileID, err
}

// sendFile posts the bytes to an address Slack gave. It carries no token: the
// address is one.
func (a *Adapter) sendFile(ctx context.Context, to string, png []byte) error {
	if !a.uploadAllowed(to) {
		return errors.New("the address has a host that is not allowed")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(png))
	if err != nil {
		return errors.New("the address is not one")
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := a.cfg.HTTP.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}

// uploadAllowed reports whether a file may be sent to raw: Slack's own host, or
// where the Web API is (tests, a proxy).
func (a *Adapter) uploadAllowed(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return false
	}
	api, err := url.Parse(a.cfg.APIURL)
	return err == nil && (u.Scheme == "https" && u.Host == uploadHost || u.Host != "" && u.Scheme == api.Scheme && u.Host == api.Host)
}

// once runs a call that is worth no waiting: nothing is tried again, and while
// Slack asks to wait it is not made.
func (a *Adapter) once(ctx context.Context, in *install, method string, do func(context.Context) error) error {
	key := method + "/" + in.Team
	if wait := a.pace.closedFor(key); wait > 0 {
		return fmt.Errorf("%s: rate limited for another %v", method, wait)
	}
	err := do(ctx)
	var limited *slack.RateLimitedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limited):
		a.pace.close(key, max(limited.RetryAfter, time.Second))
	case slackCode(err) == "missing_scope":
		in.mu.Lock()
		in.noFiles = a.cfg.Now().Add(scopeAgain)
		in.mu.Unlock()
	}
	return fmt.Errorf("%s: %w", method, err)
}

// mayUpload reports whether Slack has not said that we may not.
func (in *install) mayUpload(now time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return now.After(in.noFiles) && (in.scopes == "" || strings.Contains(","+in.scopes+",", ","+filesScope+","))
}

// aboutFile reports whether Slack refused a message for its picture: the file is
// not looked through yet, or is gone. There is no code for it, only
// "invalid slack file [json-pointer:/blocks/0/slack_file]":
// https://github.com/slackapi/python-slack-sdk/issues/1658
func aboutFile(err error) bool {
	var r slack.SlackErrorResponse
	if !errors.As(err, &r) || r.Err != "invalid_blocks" {
		return false
	}
	for _, e := range r.Errors {
		if e.Message != nil && strings.Contains(*e.Message, "slack_file") {
			return true
		}
	}
	return strings.Contains(strings.Join(r.ResponseMetadata.Messages, "\n"), "slack_file")
}

// withPictures sends the card with its pictures, again after a pause while Slack
// looks through them. After a refusal the caller sends it without; a file from
// earlier that Slack does not take any more is forgotten.
func (a *Adapter) withPictures(ctx context.Context, in *install, card cards.Card, all []picture, send func([]slack.MsgOption) error) error {
	began := a.cfg.Now()
	files, _ := filesOf(all)
	opts := quiet(cards.SlackPictures(card, files))
	err := send(opts)
	for _, wait := range fileWaits {
		if !aboutFile(err) || a.cfg.Now().Sub(began)+wait > a.cfg.CallTimeout/2 {
			break
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
		}
		err = send(opts)
	}
	if aboutFile(err) {
		a.forget(ctx, in, all)
	}
	return err
}

func (a *Adapter) forget(ctx context.Context, in *install, all []picture) {
	for _, p := range all {
		if p.file == "" || p.fresh {
			continue
		}
		if err := a.cfg.Pictures.KeepPicture(ctx, in.workspace, p.digest, ""); err != nil {
			a.cfg.Logger.WarnContext(ctx, "picture that is gone was not forgotten", "workspace", in.workspace, "err", err)
		}
	}
}
