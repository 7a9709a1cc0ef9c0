package approvals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// tampering edits the lines of an export (five records and the closing line).
var tampering = map[string]struct {
	edit   func(l []string) []string
	bad    int64
	reason string
}{
	"altered": {func(l []string) []string { l[2] = strings.Replace(l[2], "anna", "otto", 1); return l }, 3, "altered"},
	"altered, rehashed": {func(l []string) []string {
		body := strings.Replace(l[2], "anna", "otto", 1)
		_, rest, _ := strings.Cut(body[:len(body)-len(hashMember)-hashLen-2]+"}", `",`)
		line, _ := link(head{2, readPrev(l[2])}, []byte("{"+rest))
		l[2] = string(line)
		return l
	}, 4, "does not follow"},
	"missing":         {func(l []string) []string { return append(l[:2], l[3:]...) }, 3, reasonMissing},
	"missing first":   {func(l []string) []string { return l[1:] }, 1, reasonMissing},
	"repeated":        {func(l []string) []string { return append(l[:3], append([]string{l[2]}, l[3:]...)...) }, 4, "3 comes again"},
	"reordered":       {func(l []string) []string { l[1], l[2] = l[2], l[1]; return l }, 2, "out of order"},
	"cut":             {func(l []string) []string { return l[:3] }, 4, "closing line"},
	"cut in the line": {func(l []string) []string { l[4] = l[4][:20]; return l[:5] }, 5, "altered"},
	"tail removed":    {func(l []string) []string { return append(l[:3], l[5]) }, 4, "at the end"},
	"all removed":     {func(l []string) []string { return l[5:] }, 1, reasonMissing},
	"nothing left":    {func([]string) []string { return nil }, 1, "closing line"},
	"added":           {func(l []string) []string { return append(l, l[4]) }, 6, "follows the closing"},
	"huge line":       {func(l []string) []string { l[1] = strings.Repeat("x", 3*maxRecord); return l }, 2, "longer"},
	"other workspace": {func(l []string) []string {
		l[5] = strings.Replace(l[5], testWorkspace, "slack:T2", 1)
		return l
	}, 6, "workspace"},
}

func readPrev(line string) string {
	l, _, _ := readLink([]byte(line))
	return l.Prev
}

func TestVerifyFindsTampering(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		a := e.audit(t)
		appendN(t, a, 5)
		text := export(t, a, time.Time{})
		for name, c := range tampering {
			lines := c.edit(strings.Split(strings.TrimSpace(text), "\n"))
			rep, err := Verify(strings.NewReader(strings.Join(lines, "\n")), "")
			if !errors.Is(err, ErrTampered) || rep.BadSeq != c.bad || !strings.Contains(rep.Reason, c.reason) {
				t.Errorf("%s: bad %d %q, %v; want %d %q", name, rep.BadSeq, rep.Reason, err, c.bad, c.reason)
			}
		}
	})
}

// No single byte of an export can be changed unnoticed.
func TestVerifyEveryByte(t *testing.T) {
	t.Parallel()
	e := newMiniEnv(t)
	a := e.audit(t)
	appendN(t, a, 3)
	text := []byte(export(t, a, time.Time{}))
	for i := range text {
		text[i] ^= 1
		if _, err := Verify(bytes.NewReader(text), ""); !errors.Is(err, ErrTampered) {
			t.Errorf("byte %d (%q): %v", i, text[i]^1, err)
		}
		text[i] ^= 1
	}
}

// A trail that was rewritten as a whole is consistent in itself; only the hash
// the operator kept gives it away.
func TestVerifyNotedHash(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, e env) {
		a := e.audit(t)
		appendN(t, a, 4)
		rep, err := a.VerifyStream(t.Context(), testWorkspace, "")
		if err != nil {
			t.Fatal(err)
		}
		appendN(t, a, 2)
		if _, err := a.VerifyStream(t.Context(), testWorkspace, rep.Head); err != nil {
			t.Errorf("grown trail: %v", err)
		}
		e.rdb.Del(t.Context(), a.key(testWorkspace, ""), a.key(testWorkspace, ":head"))
		forged := e.audit(t)
		appendN(t, forged, 3)
		if _, err := forged.VerifyStream(t.Context(), testWorkspace, ""); err != nil {
			t.Errorf("forged trail: %v", err)
		}
		got, err := forged.VerifyStream(t.Context(), testWorkspace, rep.Head)
		if !errors.Is(err, ErrTampered) || got.BadSeq != 4 {
			t.Errorf("forged trail, noted hash: %+v, %v", got, err)
		}
	})
}

func TestVerifyStreamFindsTampering(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		tamper func(ctx context.Context, rdb redis.UniversalClient, stream string)
		bad    int64
	}{
		"missing":       {func(ctx context.Context, rdb redis.UniversalClient, s string) { rdb.XDel(ctx, s, "3-0") }, 3},
		"first missing": {func(ctx context.Context, rdb redis.UniversalClient, s string) { rdb.XDel(ctx, s, "1-0") }, 1},
		"tail missing":  {func(ctx context.Context, rdb redis.UniversalClient, s string) { rdb.XDel(ctx, s, "4-0", "5-0") }, 4},
		"trimmed":       {func(ctx context.Context, rdb redis.UniversalClient, s string) { rdb.XTrimMaxLen(ctx, s, 2) }, 1},
		"deleted":       {func(ctx context.Context, rdb redis.UniversalClient, s string) { rdb.Del(ctx, s) }, 1},
		"added": {func(ctx context.Context, rdb redis.UniversalClient, s string) {
			rdb.XAdd(ctx, &redis.XAddArgs{Stream: s, ID: "6-0", Values: []string{streamField, "{}"}})
		}, 6},
		"head set back": {func(ctx context.Context, rdb redis.UniversalClient, s string) {
			rdb.HSet(ctx, s+":head", "seq", "4")
		}, 5},
		"head gone": {func(ctx context.Context, rdb redis.UniversalClient, s string) { rdb.Del(ctx, s+":head") }, 1},
		"altered": {rewrite(func(m []redis.XMessage) {
			m[2].Values[streamField] = strings.Replace(m[2].Values[streamField].(string), "anna", "otto", 1)
		}), 3},
		"reordered":   {rewrite(func(m []redis.XMessage) { m[1].Values, m[2].Values = m[2].Values, m[1].Values }), 2},
		"repeated":    {rewrite(func(m []redis.XMessage) { m[3].Values = m[2].Values }), 4},
		"other id":    {rewrite(func(m []redis.XMessage) { m[1].ID = "2-7" }), 2},
		"other field": {rewrite(func(m []redis.XMessage) { m[1].Values["x"] = "y" }), 2},
	}
	eachRedis(t, func(t *testing.T, e env) {
		for name, c := range cases {
			e.c.Prefix = "test-" + newToken()
			e := env{&Store{e.c}, e.clock, e.rdb}
			t.Cleanup(func() { e.clean(t) })
			a := e.audit(t)
			appendN(t, a, 5)
			c.tamper(t.Context(), e.rdb, a.key(testWorkspace, ""))
			rep, err := a.VerifyStream(t.Context(), testWorkspace, "")
			if !errors.Is(err, ErrTampered) || rep.BadSeq != c.bad {
				t.Errorf("%s: %+v, %v; want bad %d", name, rep, err, c.bad)
			}
			if name == "reordered" && !strings.Contains(rep.Reason, "out of order") {
				t.Errorf("reordered: %q", rep.Reason)
			}
		}
	})
}

// rewrite edits a stream as an intruder with Redis access can.
func rewrite(edit func(m []redis.XMessage)) func(context.Context, redis.UniversalClient, string) {
	return func(ctx context.Context, rdb redis.UniversalClient, s string) {
		list := rdb.XRange(ctx, s, "-", "+").Val()
		edit(list)
		rdb.Del(ctx, s)
		for _, m := range list {
			rdb.XAdd(ctx, &redis.XAddArgs{Stream: s, ID: m.ID, Values: m.Values})
		}
	}
}

// Chains somebody computed himself, with good hashes throughout.
func TestVerifyForgedChains(t *testing.T) {
	t.Parallel()
	body := func(ws string) []byte { return []byte(`{"workspace":"` + ws + `","kind":"write"}`) }
	for name, c := range map[string]struct {
		start head
		of    []string
		bad   int64
	}{
		"good":                      {head{hash: genesis}, []string{"slack:T1", "slack:T1"}, 0},
		"partial":                   {head{4, strings.Repeat("a", hashLen)}, []string{"slack:T1"}, 0},
		"two workspaces":            {head{hash: genesis}, []string{"slack:T1", "slack:T2", "slack:T1"}, 2},
		"first follows something":   {head{hash: strings.Repeat("a", hashLen)}, []string{"slack:T1"}, 1},
		"later one follows nothing": {head{4, genesis}, []string{"slack:T1"}, 1},
		"negative":                  {head{-3, strings.Repeat("a", hashLen)}, []string{"slack:T1"}, 1},
	} {
		var text bytes.Buffer
		h := c.start
		for _, ws := range c.of {
			var line []byte
			line, h = link(h, body(ws))
			text.Write(append(line, '\n'))
		}
		end, err := json.Marshal(trailer{true, c.of[0], c.start.seq + 1, h.seq, h.hash})
		if err != nil {
			t.Fatal(err)
		}
		text.Write(end)
		rep, err := Verify(&text, "")
		if rep.BadSeq != c.bad || errors.Is(err, ErrTampered) != (c.bad != 0) {
			t.Errorf("%s: %+v, %v", name, rep, err)
		}
	}
}
