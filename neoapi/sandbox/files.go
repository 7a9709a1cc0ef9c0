package sandbox

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// fileLife is how long a file link works.
const fileLife = 5 * time.Minute

// maxFile bounds an uploaded attachment.
const maxFile = 5 << 20

// file is content behind a short-lived link, to read or to fill.
type file struct {
	body    []byte
	mime    string
	upload  bool
	expires time.Time
}

// link makes a short-lived link to content.
func (c *call) link(body []byte, mime string) (url string, expires time.Time) {
	for token, f := range c.state.files {
		if !f.expires.After(c.now) {
			delete(c.state.files, token)
		}
	}
	f := &file{body: body, mime: mime, upload: body == nil, expires: c.now.Add(fileLife)}
	token := strings.ReplaceAll(c.state.uuid(), "-", "")
	c.state.files[token] = f
	base := c.n.cfg.PublicURL
	if base == "" {
		base = "http://" + c.r.Host
	}
	return strings.TrimRight(base, "/") + "/_files/" + token + "?sig=" + token[:8], f.expires
}

// find checks a link. Like a blob store it answers 403 to a bad signature and
// an old link alike.
func (n *Neo) find(r *http.Request, upload bool) *file {
	token := r.PathValue("token")
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.state.files[token]
	if f == nil || f.upload != upload || r.URL.Query().Get("sig") != token[:8] || !f.expires.After(n.cfg.Now()) {
		return nil
	}
	return f
}

func (n *Neo) serveFile(w http.ResponseWriter, r *http.Request) {
	f := n.find(r, false)
	if f == nil {
		http.Error(w, "link expired", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", f.mime)
	w.Header().Set("Content-Disposition", "attachment")
	if _, err := w.Write(f.body); err != nil {
		n.cfg.Logger.DebugContext(r.Context(), "client gone", "error", err)
	}
}

// storeFile takes an attachment as a blob store does.
func (n *Neo) storeFile(w http.ResponseWriter, r *http.Request) {
	f := n.find(r, true)
	if f == nil {
		http.Error(w, "link expired", http.StatusForbidden)
		return
	}
	if r.Header.Get("x-ms-blob-type") != "BlockBlob" || r.Header.Get("x-ms-blob-content-type") != f.mime {
		http.Error(w, "x-ms-blob-type must be BlockBlob and x-ms-blob-content-type the agreed type", http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFile))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	n.mu.Lock()
	f.body = body
	n.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}
