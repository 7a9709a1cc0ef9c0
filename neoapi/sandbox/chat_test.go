package sandbox_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"
)

const sessions = "/public-api/chat/sessions"

// tail reads a stream to its end: event ids and the joined text.
func (f *fixture) tail(path, lastID string) (ids []string, answer string) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.srv.URL+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.token)
	if lastID != "" {
		req.Header.Set("Last-Event-Id", lastID)
	}
	res, err := f.srv.Client().Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			ids = append(ids, id)
		}
		if _, rest, ok := strings.Cut(lines.Text(), `"delta":"`); ok {
			answer += strings.SplitN(rest, `"`, 2)[0]
		}
	}
	return ids, answer
}

func TestChatTurn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.ok(http.MethodPost, sessions, `{"managed_agent_key":"NEO_SUPPORT","title":null}`).at("id").(string)
	messages, events := sessions+"/"+id+"/messages", sessions+"/"+id+"/events"
	first := f.do(http.MethodPost, messages, `{"message":"Status of 48213?","client_message_id":"c1","model_tier":"SMART"}`)
	if first.status != http.StatusAccepted {
		t.Fatalf("status %d", first.status)
	}
	ids, answer := f.tail(events+"?since="+first.at("since_cursor").(string), "")
	if len(ids) < 5 || !strings.Contains(answer, "Ticket 48213") {
		t.Errorf("events %v, answer %q", ids, answer)
	}
	again := f.refused(409, "duplicate_client_message_id", http.MethodPost, messages, `{"message":"Status of 48213?","client_message_id":"c1"}`)
	if again.Error.Details["user_message_id"] != first.at("user_message_id") {
		t.Errorf("%s", again.raw)
	}
	second := f.ok(http.MethodPost, messages, `{"message":"And Dispatch?","client_message_id":"c2"}`)
	next, answer := f.tail(events+"?since="+second.at("since_cursor").(string), "")
	if next[0] == ids[0] || !strings.Contains(answer, "Dispatch is enabled") {
		t.Errorf("second turn %v %q", next, answer)
	}
	rest, _ := f.tail(events, next[2]) // a reconnect
	if len(rest) != len(next)-3 {
		t.Errorf("after %s: %v", next[2], rest)
	}
	if n := len(f.ok(http.MethodGet, messages, "").rows()); n != 4 {
		t.Errorf("%d messages", n)
	}
}

// A stream that waits gets the turn that comes later.
func TestChatStreamWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.ok(http.MethodPost, sessions, `{"agent_id":112}`).at("id").(string)
	answers := make(chan string)
	go func() {
		_, answer := f.tail(sessions+"/"+id+"/events?since=evt-0", "")
		answers <- answer
	}()
	f.ok(http.MethodPost, sessions+"/"+id+"/messages", `{"message":"What does License audit do?"}`)
	select {
	case answer := <-answers:
		if !strings.Contains(answer, "License audit is enabled") {
			t.Errorf("answer %q", answer)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no answer on the open stream")
	}
}

func TestChatRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refused(422, "validation_error", http.MethodPost, sessions, `{}`)
	f.refused(422, "validation_error", http.MethodPost, sessions, `{"agent_id":112,"managed_agent_key":"NEO_SUPPORT"}`)
	f.refused(400, "validation_error", http.MethodPost, sessions, `{"agent_id":101}`)
	f.refused(404, "NOT_FOUND", http.MethodPost, sessions, `{"agent_id":999}`)
	f.refused(404, "NOT_FOUND", http.MethodPost, sessions, `{"managed_agent_key":"OTHER"}`)
	f.refused(409, "end_company_not_mapped", http.MethodPost, sessions, `{"agent_id":113}`)
	id := f.ok(http.MethodPost, sessions, `{"agent_id":112}`).at("id").(string)
	f.refused(422, "validation_error", http.MethodPost, sessions+"/"+id+"/messages", `{"message":"  "}`)
	f.refused(400, "validation_error", http.MethodGet, sessions+"/"+id+"/events?since=evt-99", "")
	f.refused(404, "NOT_FOUND", http.MethodGet, sessions+"/nope/messages", "")
	f.token = platformKey
	f.ok(http.MethodPost, sessions, `{"agent_id":113,"client_id":"northwind","inbound_tenant_id":"0a6d1e52-3b1f-4c55-9f0e-1d2c3b4a5001"}`)
}

func TestChatUpload(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.ok(http.MethodPost, sessions, `{"agent_id":112}`).at("id").(string)
	path := sessions + "/" + id + "/attachments/upload-url"
	f.refused(422, "validation_error", http.MethodPost, path, `{"content_type":"application/x-msdownload"}`)
	g := f.ok(http.MethodPost, path, `{"content_type":"image/png","filename":"a.png"}`)
	put := func(kind string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, g.at("upload_url").(string), strings.NewReader("png"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-ms-blob-type", kind)
		req.Header.Set("x-ms-blob-content-type", "image/png")
		res, err := f.srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if s := put("PageBlob"); s != http.StatusBadRequest {
		t.Errorf("wrong header: %d", s)
	}
	if s := put("BlockBlob"); s != http.StatusCreated {
		t.Errorf("upload: %d", s)
	}
	f.ok(http.MethodPost, sessions+"/"+id+"/messages", `{"message":"","attachments":[{"blob_path":"`+g.at("blob_path").(string)+`","mime":"image/png"}]}`)
	f.clock.Add(6 * time.Minute)
	if s := put("BlockBlob"); s != http.StatusForbidden {
		t.Errorf("old link: %d", s)
	}
}
