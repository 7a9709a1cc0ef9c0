package slackfake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// File is an uploaded file. It can be shown once it is Complete; private to the
// bot means that no channel was named.
type File struct {
	ID, Name, AltText string
	Bytes             []byte
	Complete          bool
	Shown             int // messages that were taken with it
	length            int
	secret            string // of its upload address
}

// maxAltText is of getUploadURLExternal and of the image block.
const maxAltText = 2000

var fileID = regexp.MustCompile(`^F[A-Z0-9]{8,}$`)

// Files are the files uploaded or announced so far, oldest first.
func (s *Server) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]File, 0, len(s.files))
	for _, f := range s.files {
		out = append(out, *f)
	}
	return out
}

// RemoveFile is an admin, or the workspace's retention, deleting a file.
func (s *Server) RemoveFile(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.files {
		if f.ID == id {
			s.files = append(s.files[:i], s.files[i+1:]...)
			return
		}
	}
}

// MoveUploads makes the addresses for uploads begin with base instead of our own.
func (s *Server) MoveUploads(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads = base
}

func (s *Server) file(id string) *File {
	for _, f := range s.files {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// filesGetUploadURL as in https://docs.slack.dev/reference/methods/files.getUploadURLExternal
func (s *Server) filesGetUploadURL(v url.Values) (map[string]any, refusal) {
	length, err := strconv.Atoi(v.Get("length"))
	switch {
	case v.Get("filename") == "" || len(v.Get("alt_txt")) > 4*maxAltText:
		return nil, "invalid_arguments"
	case err != nil || length < 1:
		return nil, "file_size_exceeded"
	}
	s.seq++
	f := &File{ID: fmt.Sprintf("F%010d", s.seq), Name: v.Get("filename"), AltText: v.Get("alt_txt"), length: length, secret: fmt.Sprintf("u%d", s.seq)}
	s.files = append(s.files, f)
	base := s.uploads
	if base == "" {
		base = s.http.URL + "/upload/"
	}
	return map[string]any{"upload_url": base + f.secret, "file_id": f.ID}, ""
}

// takeFile is the upload address. It knows its file, and wants no token.
func (s *Server) takeFile(w http.ResponseWriter, r *http.Request, secret string) {
	s.record("upload", url.Values{"file": {secret}})
	fault := s.fault("upload")
	if fault.before(w, r) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the client left
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "" || strings.Contains(string(body), s.cfg.Token) {
		s.problem("the token was sent with a file")
	}
	for _, f := range s.files {
		switch {
		case f.secret != secret:
		case len(body) != f.length:
			s.problem("file of %d bytes, announced were %d", len(body), f.length)
			http.Error(w, "length", http.StatusBadRequest)
			return
		default:
			f.Bytes = body
			_, _ = fmt.Fprintf(w, "OK - %d", len(body)) // a client that left
			return
		}
	}
	http.Error(w, "unknown upload", http.StatusNotFound)
}

// filesCompleteUpload as in https://docs.slack.dev/reference/methods/files.completeUploadExternal
func (s *Server) filesCompleteUpload(v url.Values) (map[string]any, refusal) {
	var all []struct{ ID, Title string }
	if json.Unmarshal([]byte(v.Get("files")), &all) != nil || len(all) == 0 {
		return nil, "invalid_arguments"
	}
	if v.Get("channel_id") != "" || v.Get("channels") != "" {
		s.problem("a file is shared by its upload: it would be a message of its own")
	}
	done := []map[string]any{}
	for _, one := range all {
		f := s.file(one.ID)
		if f == nil || f.Bytes == nil || f.Complete {
			return nil, "file_not_found"
		}
		f.Complete = true
		done = append(done, map[string]any{"id": f.ID, "title": one.Title})
	}
	return map[string]any{"files": done}, ""
}

// checkPictures refuses blocks with a file that cannot be shown (yet): unknown,
// not complete, no picture, or of a fault queued for "slack_file".
func (s *Server) checkPictures(blocks string) refusal {
	var all []struct {
		Type string
		File struct{ ID string } `json:"slack_file"`
	}
	if json.Unmarshal([]byte(blocks), &all) != nil {
		return ""
	}
	var shown []*File
	for i, b := range all {
		if b.Type != "image" {
			continue
		}
		f := s.file(b.File.ID)
		if !fileID.MatchString(b.File.ID) || f == nil || !f.Complete || http.DetectContentType(f.Bytes) != "image/png" {
			return refusal(fmt.Sprintf("invalid_blocks: [ERROR] invalid slack file [json-pointer:/blocks/%d/slack_file]", i))
		}
		shown = append(shown, f)
	}
	if len(shown) > 0 && s.nextFault("slack_file") != nil {
		return "invalid_blocks: [ERROR] invalid slack file [json-pointer:/blocks/0/slack_file]"
	}
	for _, f := range shown {
		f.Shown++
	}
	return ""
}
