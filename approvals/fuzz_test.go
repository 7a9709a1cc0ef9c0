package approvals

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Whatever people, platforms and Neo put into names and texts comes back as it
// was, in one workspace, or is refused as ErrInvalid.
func FuzzHostileText(f *testing.F) {
	for _, s := range []string{
		"", "a", "{", "}", "{}", "slack:T1", "teams:{other}:req", "d:anna", "1 {}", "a\x00b", "a\r\nb", "é\u202e", "\xff\xfe",
		"*", "?", "[a-z]", "' or 1=1", "redis.call('FLUSHALL')", "%s%n", strings.Repeat("x", 513), "-inf", "0", "nil", "false",
	} {
		f.Add(s, "key", "rita", "anna", "{\"a\":[]}")
		f.Add("slack:T1", s, s+"r", s+"p", s)
		f.Add("slack:T1", "key", "rita", s, "[1.0,null,{}]")
	}
	e := newMiniEnv(f)
	f.Fuzz(func(t *testing.T, ws, key, requester, person, doc string) {
		e := env{e.Store, e.clock, e.rdb}
		in := sample(e.clock)
		in.Workspace, in.Key, in.Requester, in.Digest = ws, key+newToken(), requester, key+"d"
		in.Change, in.Quorum = json.RawMessage(doc), 2
		r, fresh, err := e.Submit(t.Context(), in)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if !fresh || strings.ContainsAny(ws, "{}") || r.Workspace != ws || r.Requester != requester || string(r.Change) != doc {
			t.Fatalf("stored %+v", r)
		}
		a := by(person, Approve)
		a.Quorum, a.Decision.Reason, a.Decision.User = 2, key, person
		decided, err := e.Decide(t.Context(), ws, r.ID, a)
		switch {
		case errors.Is(err, ErrInvalid):
			return
		case person == requester:
			if !errors.Is(err, ErrSelf) {
				t.Fatalf("self: %v", err)
			}
			return
		case err != nil || decided.State != Pending || len(decided.Decisions) != 1:
			t.Fatalf("%+v, %v", decided, err)
		}
		if utf8.ValidString(person) && decided.Decisions[0].Person != person {
			t.Errorf("person %q", decided.Decisions[0].Person)
		}
		if _, err := e.Decide(t.Context(), ws, r.ID, a); err != nil {
			t.Errorf("the same click: %v", err)
		}
		copied, err := e.AddCopy(t.Context(), ws, r.ID, "r"+doc)
		if err == nil && !slices.Equal(copied.Copies, []string{"r" + doc}) {
			t.Errorf("copies %q", copied.Copies)
		}
		copied.Copies, copied.Drawn = nil, 0
		if err == nil && !cmp.Equal(decided, copied) {
			t.Error(cmp.Diff(decided, copied))
		}
		if list, err := e.Pending(t.Context(), ws, 1000); err != nil || len(list) == 0 {
			t.Errorf("pending: %v", err)
		}
		e.rdb.FlushDB(t.Context())
	})
}

// An id from a button is an id of ours or nothing.
func FuzzHostileID(f *testing.F) {
	e := newMiniEnv(f)
	r := e.submit(f, nil)
	for _, s := range []string{"", "x", string(r.ID) + "\n", string(r.ID)[1:], "*", "../due", "due", strings.Repeat("A", 22), "{slack:T1}:req:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if id == string(r.ID) {
			return
		}
		before := dump(t, e)
		_, err := e.Decide(t.Context(), testWorkspace, ID(id), by("anna", Approve))
		_, g, rerr := e.Redeem(t.Context(), testWorkspace, ID(id), testDigest)
		_, gerr := e.Get(t.Context(), testWorkspace, ID(id))
		if !errors.Is(err, ErrNotFound) || !errors.Is(rerr, ErrNotFound) || !errors.Is(gerr, ErrNotFound) || g.Spend(testDigest) == nil {
			t.Errorf("%v, %v, %v", err, rerr, gerr)
		}
		if d := cmp.Diff(before, dump(t, e)); d != "" {
			t.Error(d)
		}
	})
}

// Verify survives any input, and accepts none but a chain.
func FuzzVerify(f *testing.F) {
	e := newMiniEnv(f)
	a := e.audit(f)
	appendN(f, a, 3)
	good := export(f, a, time.Time{})
	f.Add([]byte(good))
	f.Add([]byte(good[:len(good)/2]))
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"end":true,"workspace":"slack:T1","first":1,"seq":0,"hash":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, err := Verify(bytes.NewReader(b), "")
		if err != nil && (!errors.Is(err, ErrTampered) || rep.BadSeq < 1 || rep.Reason == "") {
			t.Errorf("%+v, %v", rep, err)
		}
		if err == nil && rep.Records > 0 && rep.Head != "" && bytes.Count(b, []byte(rep.Head)) < 2 {
			t.Errorf("accepted: %+v", rep)
		}
	})
}

// FuzzAuditRecord appends hostile records and reads them back.
func FuzzAuditRecord(f *testing.F) {
	e := newMiniEnv(f)
	a := e.audit(f)
	for _, s := range []string{"", "anna", "\",\"hash\":\"", "\n", "\x00", "\xff", "}\n{\"end\":true,"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, person, key, detail string) {
		err := a.Append(t.Context(), Record{
			Workspace: testWorkspace, Kind: KindQuestion, Person: person, Key: key, Detail: map[string]any{detail: detail},
		})
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		if _, err := Verify(strings.NewReader(export(t, a, time.Time{})), ""); err != nil {
			t.Fatal(err)
		}
	})
}
