package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxSkew is how far a request's time may be from ours, either way. Slack asks
// for the past only; a date in the future would let a request be replayed for longer.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
const maxSkew = 5 * time.Minute

// Reasons why a signature is refused. They are for the log; the caller gets 401.
var (
	errNoSignature  = errors.New("signature or timestamp missing")
	errBadSignature = errors.New("signature does not fit")
	errStale        = errors.New("timestamp too old or too new")
)

// verify checks Slack's signature over the raw body, with any of the secrets.
// A request remains valid for maxSkew: de-duplication is the inbox's business.
func verify(secrets [][]byte, h http.Header, body []byte, now time.Time) error {
	stamp, sig := h.Get("X-Slack-Request-Timestamp"), h.Get("X-Slack-Signature")
	if stamp == "" || sig == "" {
		return errNoSignature
	}
	sec, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errNoSignature
	}
	if d := now.Sub(time.Unix(sec, 0)); d > maxSkew || d < -maxSkew {
		return errStale
	}
	digest, ok := strings.CutPrefix(sig, "v0=")
	got, err := hex.DecodeString(digest)
	if !ok || err != nil || len(got) != sha256.Size {
		return errBadSignature
	}
	for _, s := range secrets {
		m := hmac.New(sha256.New, s)
		m.Write([]byte("v0:" + stamp + ":"))
		m.Write(body)
		if hmac.Equal(m.Sum(nil), got) {
			return nil
		}
	}
	return errBadSignature
}
