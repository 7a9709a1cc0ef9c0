package approvals

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Report is what a verification found. It is intact if BadSeq is 0.
type Report struct {
	Workspace string
	Records   int64 // good ones, before the first bad
	First     int64 // sequence number of the first record; above 1 in a partial export
	Last      int64 // of the last good one
	// Head is the hash of the last good record. Keep it somewhere else: it is
	// what proves later that the trail was not rewritten or cut as a whole.
	Head     string
	From, To time.Time // of the first and last good record
	BadSeq   int64     // where it goes wrong first
	Reason   string
}

// Verify checks an export. An altered, inserted, missing, repeated or reordered
// record, or a file that was cut, gives ErrTampered and a report that names the
// first bad sequence number.
//
// Whoever can rewrite the whole file can also compute new hashes. Against that
// stands noted, a Report.Head the operator has kept from an earlier check: a
// record with that hash must be there. Empty: not asked for.
func Verify(r io.Reader, noted string) (Report, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), 2*maxRecord)
	w := walk{noted: noted}
	var end *trailer
	for in.Scan() {
		if end != nil {
			w.bad("something follows the closing line")
		} else if end = parseTrailer(in.Bytes()); end == nil {
			w.line(in.Bytes())
		}
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		w.bad("line is longer than any record")
	} else if err != nil {
		return w.Report, fmt.Errorf("verify: %w", err)
	}
	w.end(end)
	return w.result()
}

// VerifyStream checks the trail of a workspace where it lies, against its
// stored head too. noted is as for Verify.
func (a *Audit) VerifyStream(ctx context.Context, ws, noted string) (Report, error) {
	h, length, last, err := a.readHead(ctx, ws)
	if err != nil {
		return Report{Workspace: ws}, fmt.Errorf("verify: %w", err)
	}
	w := walk{noted: noted, first: 1, Report: Report{Workspace: ws}}
	err = a.scan(ctx, ws, 0, h.seq, func(id string, line []byte) error {
		if w.line(line); w.Reason == "" && id != streamID(w.Last) {
			w.BadSeq, w.Reason = w.Last, "record is stored under id "+id
		}
		return nil
	})
	if err != nil {
		return w.Report, fmt.Errorf("verify: %w", err)
	}
	w.end(&trailer{Workspace: ws, First: 1, Seq: h.seq, Hash: h.hash})
	if h.seq > 0 && last != streamID(h.seq) || length != h.seq {
		w.bad(fmt.Sprintf("stream has %d records up to %s, its head says %d", length, last, h.seq))
	}
	return w.result()
}

func parseTrailer(line []byte) *trailer {
	if !bytes.HasPrefix(line, []byte(`{"end":true,`)) {
		return nil
	}
	var t trailer
	if json.Unmarshal(line, &t) != nil || t.Workspace == "" || t.First < 1 || t.Seq < t.First-1 {
		return nil
	}
	return &t
}

// walk goes along a chain. After the first fault it only looks whether a
// record that is missing turns up later.
type walk struct {
	Report
	first int64 // the sequence number to begin with; 0 is any
	noted string
	seen  bool // the noted hash
}

func (w *walk) next() int64 {
	if w.First == 0 {
		return max(w.first, 1)
	}
	return w.Last + 1
}

func (w *walk) bad(reason string) {
	if w.Reason == "" {
		w.BadSeq, w.Reason = w.next(), reason
	}
}

// chainLink is what the walk reads of a record.
type chainLink struct {
	Seq       int64     `json:"seq"`
	Prev      string    `json:"prev"`
	Workspace string    `json:"workspace"`
	At        time.Time `json:"at"`
}

func (w *walk) line(line []byte) {
	l, hash, ok := readLink(line)
	switch {
	case w.Reason == reasonMissing && ok && l.Seq == w.BadSeq:
		w.Reason = "record is out of order"
	case w.Reason != "":
	case !ok:
		w.bad("record was altered")
	case w.First == 0:
		w.begin(&l, hash)
	case l.Seq > w.Last+1:
		w.bad(reasonMissing)
	case l.Seq < w.Last+1:
		w.bad(fmt.Sprintf("record %d comes again", l.Seq))
	case l.Prev != w.Head:
		w.bad("record does not follow the one before")
	case l.Workspace != w.Workspace:
		w.bad("record of another workspace")
	default:
		w.good(&l, hash)
	}
}

const reasonMissing = "record is missing"

// begin takes the first record: of a partial export any, which end checks.
func (w *walk) begin(l *chainLink, hash string) {
	switch {
	case l.Seq < 1 || (l.Seq == 1) != (l.Prev == genesis):
		w.bad("record cannot be the first")
	case w.Workspace != "" && w.Workspace != l.Workspace:
		w.bad("record of another workspace")
	case w.first != 0 && l.Seq != w.first:
		w.bad(reasonMissing)
	default:
		w.Workspace, w.First, w.From = l.Workspace, l.Seq, l.At
		w.seen = w.noted != "" && w.noted == l.Prev
		w.good(l, hash)
	}
}

func (w *walk) good(l *chainLink, hash string) {
	w.Records++
	w.Last, w.Head, w.To = l.Seq, hash, l.At
	w.seen = w.seen || w.noted == hash
}

// end compares with what a complete trail has to hold.
func (w *walk) end(t *trailer) {
	switch {
	case t == nil:
		w.bad("closing line is missing")
		return
	case w.First == 0 && w.Reason == "": // no records at all
		if t.Seq >= t.First {
			w.BadSeq, w.Reason = t.First, reasonMissing
		}
	case w.First != 0 && w.First != t.First:
		w.BadSeq, w.Reason = t.First, reasonMissing // comes before any other fault
	case w.Workspace != t.Workspace:
		w.bad("closing line of another workspace")
	case w.Last != t.Seq || w.Head != t.Hash:
		w.bad("records at the end are missing")
	}
	if w.Workspace == "" {
		w.Workspace = t.Workspace
	}
	if w.noted != "" && w.noted != genesis && !w.seen {
		w.bad("the noted hash is not in the trail")
	}
}

func (w *walk) result() (Report, error) {
	if w.Reason != "" {
		return w.Report, fmt.Errorf("verify: record %d: %s: %w", w.BadSeq, w.Reason, ErrTampered)
	}
	return w.Report, nil
}

// readLink checks a line against its own hash.
func readLink(line []byte) (l chainLink, hash string, ok bool) {
	const tail = len(hashMember) + hashLen + len(`"}`)
	cut := len(line) - tail
	if cut < 1 || string(line[cut:cut+len(hashMember)]) != hashMember || string(line[len(line)-2:]) != `"}` {
		return l, "", false
	}
	hash = string(line[cut+len(hashMember) : len(line)-2])
	sum := sha256.Sum256(append(append(make([]byte, 0, cut+1), line[:cut]...), '}'))
	if hash != hex.EncodeToString(sum[:]) {
		return l, "", false
	}
	return l, hash, json.Unmarshal(line, &l) == nil
}
