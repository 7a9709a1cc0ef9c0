package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Kind says what an audit record is about.
type Kind string

// Kinds of audit records.
const (
	KindQuestion Kind = "question" // somebody asked something
	KindPlan     Kind = "plan"     // a change was planned and put up for approval
	KindRefusal  Kind = "refusal"  // somebody was told no
	KindDecision Kind = "decision" // approve, reject, withdraw, expiry
	KindWrite    Kind = "write"    // a write is about to be sent
	KindResult   Kind = "result"   // what became of it
	KindFeedback Kind = "feedback" // somebody liked or disliked a model's answer
)

// Record is one line of the audit trail. Workspace and Kind are required, the
// rest is what there is to say.
type Record struct {
	Workspace string    `json:"workspace"`
	Kind      Kind      `json:"kind"`
	At        time.Time `json:"at"` // default: now; kept to the millisecond
	// Person is the policy name; Platform, User and Home are the account he used.
	Person    string         `json:"person,omitempty"`
	Platform  string         `json:"platform,omitempty"`
	User      string         `json:"user,omitempty"`
	Home      string         `json:"home,omitempty"`
	Approval  ID             `json:"approval,omitempty"`
	Op        string         `json:"op,omitempty"`
	Digest    string         `json:"digest,omitempty"`
	Outcome   string         `json:"outcome,omitempty"`
	RequestID string         `json:"request_id,omitempty"` // Neo's
	Delivery  string         `json:"delivery,omitempty"`   // the platform's
	Detail    map[string]any `json:"detail,omitempty"`

	// Key makes Append repeatable: within AuditConfig.Remember the same key in
	// the same workspace is one record. Empty: every Append is a record.
	Key string `json:"key,omitempty"`
}

// Entry is a stored record with its place in the chain: Hash is the SHA-256 of
// the record as stored, which contains Prev, the hash of the one before.
type Entry struct {
	Seq  int64  `json:"seq"` // from 1, without gaps
	Prev string `json:"prev"`
	Record
	Hash string `json:"hash"`
}

// AuditConfig of an Audit. Redis and Now are required, the rest has defaults.
type AuditConfig struct {
	Redis  redis.UniversalClient
	Prefix string // default "neobot"
	Now    func() time.Time
	// Remember is how long a Record.Key is known. Default 7 days.
	Remember time.Duration
	// Timeout bounds one write of a batch. Default 10 s.
	Timeout time.Duration
	// StoredFunc is told of every record once it is stored, for metrics; a
	// repeated Key is told again. It must be quick. Optional.
	StoredFunc func(r Record)
}

const (
	defaultRemember = 7 * 24 * time.Hour
	defaultTimeout  = 10 * time.Second
	maxRecord       = 256 << 10 // bytes of one record
	maxBatch        = 256       // records appended by one script
	maxBatchBytes   = 1 << 20
)

// Errors of the audit trail.
var (
	ErrClosed   = errors.New("audit is closed")
	ErrTampered = errors.New("audit trail is not intact")
)

// Audit appends records to one hash chain per workspace, a Redis stream.
//
// Nothing is ever trimmed: the chain is only worth something whole. A record
// takes about 700 bytes of Redis memory; export and start a new prefix when
// that is too much.
//
// It is safe for concurrent use, also by several processes. Records that are
// appended at the same time share one round trip: while one batch is on its way
// the next one gathers.
type Audit struct {
	c AuditConfig

	mu     sync.Mutex
	closed bool
	chains map[string]*chain
	wg     sync.WaitGroup
}

// NewAudit checks the configuration. It does not connect.
func NewAudit(c AuditConfig) (*Audit, error) {
	if c.Redis == nil || c.Now == nil {
		return nil, fmt.Errorf("audit: Redis and Now are required: %w", ErrInvalid)
	}
	setDefault(&c.Prefix, defaultPrefix)
	setDefault(&c.Remember, defaultRemember)
	setDefault(&c.Timeout, defaultTimeout)
	if c.StoredFunc == nil {
		c.StoredFunc = func(Record) {}
	}
	if strings.ContainsAny(c.Prefix, "{}") || c.Remember < time.Millisecond || c.Timeout <= 0 {
		return nil, fmt.Errorf("audit: prefix without braces and positive times: %w", ErrInvalid)
	}
	return &Audit{c: c, chains: map[string]*chain{}}, nil
}

// Append returns nil once the record is stored. After an error it may or may
// not be: append it again with the same Key. When ctx ends first the record is
// still on its way.
func (a *Audit) Append(ctx context.Context, r Record) error {
	e, err := a.encode(&r)
	if err != nil {
		return fmt.Errorf("audit %.40q: %w", string(r.Kind), err)
	}
	if err := a.enqueue(ctx, r.Workspace, e); err != nil {
		return fmt.Errorf("audit %.40q: %w", string(r.Kind), err)
	}
	select {
	case err := <-e.done:
		if err != nil {
			return fmt.Errorf("audit %.40q: %w", string(r.Kind), err)
		}
		a.c.StoredFunc(r)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("audit %.40q: %w", string(r.Kind), ctx.Err())
	}
}

func (a *Audit) encode(r *Record) (*entry, error) {
	if err := checkWorkspace(r.Workspace); err != nil {
		return nil, err
	}
	if r.Kind == "" || len(r.Key) > maxText {
		return nil, fmt.Errorf("kind is required, key has %d bytes: %w", len(r.Key), ErrInvalid)
	}
	if r.At.IsZero() {
		r.At = a.c.Now()
	}
	r.At = r.At.UTC().Truncate(time.Millisecond)
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if len(b) > maxRecord {
		return nil, fmt.Errorf("record of %d bytes: %w", len(b), ErrInvalid)
	}
	return &entry{body: b, key: r.Key, done: make(chan error, 1)}, nil
}

// Close waits until everything appended so far is stored or has failed. Append
// fails afterwards.
func (a *Audit) Close() error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.wg.Wait()
	return nil
}

func (a *Audit) key(ws, rest string) string { return a.c.Prefix + ":{" + ws + "}:audit" + rest }
