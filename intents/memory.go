package intents

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"neobot/adapters"
)

const (
	memoryTurns     = 6              // turns of a thread that are kept
	memoryTTL       = 12 * time.Hour // after the last turn
	continuationTTL = 48 * time.Hour // how long buttons other than approvals work
	maxOffered      = 64             // buttons of one card
)

// Memory keeps, per workspace, the last turns of a thread and what the buttons
// on answers mean. Both are conveniences: losing them costs a repeated
// question, never a wrong action.
type Memory struct {
	rdb    redis.UniversalClient
	prefix string
	now    func() time.Time
}

// NewMemory keeps its keys under prefix, all of one workspace in one slot.
func NewMemory(rdb redis.UniversalClient, prefix string, now func() time.Time) *Memory {
	return &Memory{rdb: rdb, prefix: prefix, now: now}
}

// continuation is what a button means: a next intent, or a form to open.
type continuation struct {
	Intent Intent `json:"intent"`
	// Owner is the only person who may press it; empty for anybody. Everybody
	// presses with his own permissions.
	Owner string `json:"owner,omitempty"`
	// Form is set when the button opens a form: its submit runs the intent
	// with the inputs as further arguments.
	Form bool `json:"form,omitempty"`
	// Replace the clicked card with the answer (choices, show more).
	Replace bool `json:"replace,omitempty"`
	// Approval the intent is about (undo, plan again, review).
	Approval string `json:"approval,omitempty"`
	// Thread the card was posted in.
	Thread       string `json:"thread,omitempty"`
	Conversation string `json:"conversation,omitempty"`
}

var errNoContinuation = errors.New("button no longer known")

// newID returns 128 random bits, URL-safe.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// offer adds a continuation to the card being made and returns its button id.
func (a *ask) offer(c continuation) string {
	c.Thread, c.Conversation = a.thread, a.conversation.ID
	a.offered = append(a.offered, c)
	return a.record + "_" + strconv.Itoa(len(a.offered)-1)
}

// Thread returns the turns of a thread, oldest first.
func (m *Memory) Thread(ctx context.Context, w adapters.Workspace, thread string) ([]Turn, error) {
	raw, err := m.rdb.LRange(ctx, m.threadKey(w, thread), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read thread memory: %w", err)
	}
	turns := make([]Turn, 0, len(raw))
	for _, text := range raw {
		var t Turn
		if json.Unmarshal([]byte(text), &t) == nil {
			turns = append(turns, t)
		}
	}
	return turns, nil
}

// Save adds a turn (when not nil) and a card's continuations, in one round trip.
func (m *Memory) Save(ctx context.Context, w adapters.Workspace, thread string, turn *Turn, record string, offered []continuation) error {
	if turn == nil && len(offered) == 0 {
		return nil
	}
	_, err := m.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		if turn != nil {
			text, err := json.Marshal(turn)
			if err != nil {
				return err
			}
			key := m.threadKey(w, thread)
			p.RPush(ctx, key, text)
			p.LTrim(ctx, key, -memoryTurns, -1)
			p.PExpire(ctx, key, memoryTTL)
		}
		if len(offered) > 0 {
			text, err := json.Marshal(offered[:min(len(offered), maxOffered)])
			if err != nil {
				return err
			}
			p.Set(ctx, m.recordKey(w, record), text, continuationTTL)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save thread memory: %w", err)
	}
	return nil
}

// Forget drops a thread's turns.
func (m *Memory) Forget(ctx context.Context, w adapters.Workspace, thread string) error {
	if err := m.rdb.Del(ctx, m.threadKey(w, thread)).Err(); err != nil {
		return fmt.Errorf("forget thread: %w", err)
	}
	return nil
}

// load finds what a button means. errNoContinuation when it is too old or made up.
func (m *Memory) load(ctx context.Context, w adapters.Workspace, id string) (continuation, error) {
	record, index, ok := cutLast(id, '_')
	n, convErr := strconv.Atoi(index)
	if !ok || convErr != nil || n < 0 {
		return continuation{}, errNoContinuation
	}
	text, err := m.rdb.Get(ctx, m.recordKey(w, record)).Bytes()
	if errors.Is(err, redis.Nil) {
		return continuation{}, errNoContinuation
	}
	if err != nil {
		return continuation{}, fmt.Errorf("load button: %w", err)
	}
	var all []continuation
	if err := json.Unmarshal(text, &all); err != nil || n >= len(all) {
		return continuation{}, errNoContinuation
	}
	return all[n], nil
}

func (m *Memory) threadKey(w adapters.Workspace, thread string) string {
	return m.prefix + ":{" + string(w) + "}:thread:" + thread
}

func (m *Memory) recordKey(w adapters.Workspace, record string) string {
	return m.prefix + ":{" + string(w) + "}:offer:" + record
}

// cutLast splits at the last sep.
func cutLast(s string, sep byte) (before, after string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// lastFired is when a schedule was last posted; a new one counts from now.
func (m *Memory) lastFired(ctx context.Context, w adapters.Workspace, f ScheduleFile, now time.Time) (time.Time, error) {
	key := m.prefix + ":{" + string(w) + "}:schedule:" + fired(f)
	if err := m.rdb.SetNX(ctx, key, now.Unix(), 0).Err(); err != nil {
		return time.Time{}, fmt.Errorf("last time: %w", err)
	}
	at, err := m.rdb.Get(ctx, key).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return time.Time{}, fmt.Errorf("last time: %w", err)
	}
	return time.Unix(at, 0), nil
}

func (m *Memory) setFired(ctx context.Context, w adapters.Workspace, f ScheduleFile, at time.Time) error {
	key := m.prefix + ":{" + string(w) + "}:schedule:" + fired(f)
	if err := m.rdb.Set(ctx, key, at.Unix(), 0).Err(); err != nil {
		return fmt.Errorf("note time: %w", err)
	}
	return nil
}
