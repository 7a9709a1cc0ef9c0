package approvals

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The stored form of a record is one line of JSON:
//
//	{"seq":2,"prev":"<hash of record 1>","workspace":...,"hash":"<hash>"}
//
// hash is the SHA-256, in hex, of the bytes of the line without the hash member,
// that is up to and without `,"hash":"..."`, plus the closing brace. Nobody has
// to agree on a canonical JSON: the bytes that were stored are the ones hashed.
// It lies in the stream under the id "<seq>-0", field "r".

const (
	hashLen     = 2 * sha256.Size
	hashMember  = `,"hash":"`
	streamField = "r"
)

var genesis = strings.Repeat("0", hashLen) // prev of record 1

// head is the end of a chain.
type head struct {
	seq  int64
	hash string
}

// entry is a record on its way.
type entry struct {
	body []byte // the Record as JSON
	key  string
	done chan error // buffered, so that nobody waits for a caller who has left
}

// chain is one workspace's queue. head belongs to the goroutine in drain.
type chain struct {
	queue   []*entry
	running bool
	head    head
}

// link gives the stored line of the record after h, and the new head.
func link(h head, body []byte) ([]byte, head) {
	next := head{seq: h.seq + 1}
	line := make([]byte, 0, len(body)+3*hashLen)
	line = append(line, `{"seq":`...)
	line = strconv.AppendInt(line, next.seq, 10)
	line = append(line, `,"prev":"`...)
	line = append(line, h.hash...)
	line = append(line, `",`...)
	line = append(line, body[1:]...)
	sum := sha256.Sum256(line)
	next.hash = hex.EncodeToString(sum[:])
	line = append(line[:len(line)-1], hashMember...)
	line = append(line, next.hash...)
	return append(line, `"}`...), next
}

func (a *Audit) enqueue(ctx context.Context, ws string, e *entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	c := a.chains[ws]
	if c == nil {
		c = &chain{head: head{hash: genesis}}
		a.chains[ws] = c
	}
	c.queue = append(c.queue, e)
	if !c.running {
		c.running = true
		// Others' records travel in the same batch, so it must not end with this caller.
		ctx := context.WithoutCancel(ctx)
		a.wg.Go(func() { a.drain(ctx, ws, c) })
	}
	return nil
}

// drain writes batch after batch until the queue is empty.
func (a *Audit) drain(ctx context.Context, ws string, c *chain) {
	for {
		batch := a.take(c)
		if len(batch) == 0 {
			return
		}
		err := a.commit(ctx, ws, c, batch)
		for _, e := range batch {
			e.done <- err
		}
	}
}

func (a *Audit) take(c *chain) []*entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, size := 0, 0
	for n < len(c.queue) && n < maxBatch && (n == 0 || size+len(c.queue[n].body) <= maxBatchBytes) {
		size += len(c.queue[n].body)
		n++
	}
	batch := c.queue[:n:n]
	if c.queue = c.queue[n:]; n == 0 {
		c.queue, c.running = nil, false
	}
	return batch
}

var errContended = errors.New("too many writers on one audit chain")

const maxTries = 200

// commit appends a batch behind the present head, wherever other processes
// have moved it meanwhile.
func (a *Audit) commit(ctx context.Context, ws string, c *chain, batch []*entry) error {
	ctx, cancel := context.WithTimeout(ctx, a.c.Timeout)
	defer cancel()
	batch = withoutRepeats(batch)
	mark := newToken() // by which the script knows go-redis' own retry
	for try := range maxTries {
		if len(batch) == 0 {
			return nil
		}
		next, reply, err := a.tryAppend(ctx, ws, mark, c.head, batch)
		if err != nil {
			return err
		}
		switch reply[0] {
		case "ok":
			c.head = next
			return nil
		case "known":
			batch, err = without(batch, reply[1:])
		case "moved":
			if c.head, err = parseHead(reply[1:]); err == nil {
				err = pause(ctx, try)
			}
		default:
			err = errReply
		}
		if err != nil {
			return err
		}
	}
	return errContended
}

func (a *Audit) tryAppend(ctx context.Context, ws, mark string, h head, batch []*entry) (head, []string, error) {
	keys := []string{a.key(ws, ""), a.key(ws, ":head"), a.key(ws, ":batch:"+mark)}
	args := make([]any, 5, 5+len(batch))
	args[0], args[1], args[4] = h.seq, h.hash, a.c.Remember.Milliseconds()
	for _, e := range batch {
		var line []byte
		line, h = link(h, e.body)
		args = append(args, line)
		if e.key != "" {
			keys = append(keys, a.key(ws, ":key:"+e.key))
		}
	}
	args[2], args[3] = h.seq, h.hash
	reply, err := auditScript.Run(ctx, a.c.Redis, keys, args...).StringSlice()
	if err == nil && len(reply) == 0 {
		err = errReply
	}
	return h, reply, err
}

// withoutRepeats leaves out records whose key the batch has already: they are
// stored when the first of them is.
func withoutRepeats(batch []*entry) []*entry {
	seen := map[string]bool{}
	out := make([]*entry, 0, len(batch))
	for _, e := range batch {
		if e.key != "" && seen[e.key] {
			continue
		}
		seen[e.key] = true
		out = append(out, e)
	}
	return out
}

// without leaves out the keyed records with these numbers (from 1, counting
// keyed ones only): an earlier call has stored them.
func without(batch []*entry, known []string) ([]*entry, error) {
	drop := map[string]bool{}
	for _, n := range known {
		drop[n] = true
	}
	out := make([]*entry, 0, len(batch))
	n := 0
	for _, e := range batch {
		if e.key != "" {
			n++
			if drop[strconv.Itoa(n)] {
				continue
			}
		}
		out = append(out, e)
	}
	if len(out) == len(batch) {
		return nil, errReply
	}
	return out, nil
}

func parseHead(fields []string) (head, error) {
	if len(fields) != 2 || len(fields[1]) != hashLen {
		return head{}, fmt.Errorf("head of the chain: %w", errReply)
	}
	seq, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || seq < 0 {
		return head{}, fmt.Errorf("head of the chain: %w", errReply)
	}
	return head{seq, fields[1]}, nil
}

// pause lets a writer that keeps losing against other processes step back for
// up to a few milliseconds.
func pause(ctx context.Context, try int) error {
	if try < 2 {
		return nil
	}
	//nolint:gosec // spreads load, guards nothing
	d := time.Duration(rand.Int64N(int64(min(try, 10)) * int64(time.Millisecond)))
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readHead is the end of the chain as stored, with the length and the last
// entry of the stream at the same moment.
func (a *Audit) readHead(ctx context.Context, ws string) (h head, length int64, last string, err error) {
	if err := checkWorkspace(ws); err != nil {
		return head{}, 0, "", err
	}
	pipe := a.c.Redis.TxPipeline()
	fields := pipe.HMGet(ctx, a.key(ws, ":head"), "seq", "hash")
	count := pipe.XLen(ctx, a.key(ws, ""))
	final := pipe.XRevRangeN(ctx, a.key(ws, ""), "+", "-", 1)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return head{}, 0, "", err
	}
	h = head{hash: genesis}
	if v := fields.Val(); len(v) == 2 && (v[0] != nil || v[1] != nil) {
		seq, _ := v[0].(string)
		hash, _ := v[1].(string)
		if h, err = parseHead([]string{seq, hash}); err != nil {
			return head{}, 0, "", fmt.Errorf("%w: %w", ErrTampered, err)
		}
	}
	if m := final.Val(); len(m) == 1 {
		last = m[0].ID
	}
	return h, count.Val(), last, nil
}
