package intents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"neobot/adapters"
)

const (
	valueTTL    = 60 * 24 * time.Hour  // of an agent's remembered configuration, refreshed daily
	baselineTTL = 400 * 24 * time.Hour // a baseline that nobody renews is of no use any more
	progressTTL = 7 * 24 * time.Hour   // of the last state shown on a final card
)

// errTooMany watches of one person.
var errTooMany = errors.New("too many watches")

// addWatchScript numbers and keeps a watch, once per delivery.
// KEYS: watches, numbers, the person's numbers, the delivery. ARGV: limit, ttl in s, watch.
var addWatchScript = redis.NewScript(`
local have = redis.call('GET', KEYS[4])
if have then return tonumber(have) end
if redis.call('SCARD', KEYS[3]) >= tonumber(ARGV[1]) then return 0 end
local id = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], id, ARGV[3])
redis.call('SADD', KEYS[3], id)
redis.call('SET', KEYS[4], id, 'EX', ARGV[2])
return id`)

// setFieldScript writes a field of a hash only while a watch is there, so that
// neither a late pause nor a late poll brings a removed one back.
// KEYS: watches, hash to write. ARGV: number, value.
var setFieldScript = redis.NewScript(`
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1`)

// leaseScript takes or renews a lease. ARGV: owner, ms.
var leaseScript = redis.NewScript(`
local have = redis.call('GET', KEYS[1])
if have and have ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// dueScript hands out what is due and moves it on, so that of several replicas
// one gets it. ARGV: now in ms, until in ms, at most.
var dueScript = redis.NewScript(`
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], 'XX', ARGV[2], id) end
return ids`)

func (m *Memory) key(w adapters.Workspace, rest string) string {
	return m.prefix + ":{" + string(w) + "}:" + rest
}

// addWatch keeps a watch and returns it with its number. errTooMany at the limit.
func (m *Memory) addWatch(ctx context.Context, w watch, limit int) (watch, error) {
	keys := []string{
		m.key(w.Workspace, "watch"), m.key(w.Workspace, "watch:n"),
		m.key(w.Workspace, "watch:of:"+w.Person), m.key(w.Workspace, "watch:by:"+w.Key),
	}
	id, err := addWatchScript.Run(ctx, m.rdb, keys, limit, int(continuationTTL.Seconds()), []byte(mustJSON(w))).Int()
	if err != nil {
		return w, fmt.Errorf("add watch: %w", err)
	}
	if id == 0 {
		return w, errTooMany
	}
	w.ID = id
	return w, nil
}

// watches of a workspace by number. One that cannot be read is left out.
func (m *Memory) watches(ctx context.Context, ws adapters.Workspace) ([]watch, error) {
	all, err := m.rdb.HGetAll(ctx, m.key(ws, "watch")).Result()
	if err != nil {
		return nil, fmt.Errorf("read watches: %w", err)
	}
	var out []watch
	for id, text := range all {
		var w watch
		if json.Unmarshal([]byte(text), &w) != nil || w.Workspace != ws {
			continue
		}
		if w.ID, err = strconv.Atoi(id); err == nil {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b watch) int { return a.ID - b.ID })
	return out, nil
}

func (m *Memory) setWatch(ctx context.Context, w watch) error {
	keys := []string{m.key(w.Workspace, "watch"), m.key(w.Workspace, "watch")}
	if err := setFieldScript.Run(ctx, m.rdb, keys, w.ID, []byte(mustJSON(w))).Err(); err != nil {
		return fmt.Errorf("change watch: %w", err)
	}
	return nil
}

func (m *Memory) removeWatch(ctx context.Context, w watch) error {
	id := itoa(w.ID)
	_, err := m.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, m.key(w.Workspace, "watch"), id)
		p.HDel(ctx, m.key(w.Workspace, "watch:state"), id)
		p.SRem(ctx, m.key(w.Workspace, "watch:of:"+w.Person), id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove watch: %w", err)
	}
	return nil
}

// watchState is how far a watch has looked; zero for a new one.
func (m *Memory) watchState(ctx context.Context, w watch) (watchState, error) {
	var st watchState
	text, err := m.rdb.HGet(ctx, m.key(w.Workspace, "watch:state"), itoa(w.ID)).Bytes()
	if errors.Is(err, redis.Nil) {
		return st, nil
	}
	if err != nil {
		return st, fmt.Errorf("read watch: %w", err)
	}
	_ = json.Unmarshal(text, &st) // an unreadable state starts afresh, from now
	return st, nil
}

func (m *Memory) setWatchState(ctx context.Context, w watch, st watchState) error {
	keys := []string{m.key(w.Workspace, "watch"), m.key(w.Workspace, "watch:state")}
	if err := setFieldScript.Run(ctx, m.rdb, keys, w.ID, []byte(mustJSON(st))).Err(); err != nil {
		return fmt.Errorf("note watch: %w", err)
	}
	return nil
}

// lease is true when owner may do the named work until ttl is over.
func (m *Memory) lease(ctx context.Context, name, owner string, ttl time.Duration) (bool, error) {
	n, err := leaseScript.Run(ctx, m.rdb, []string{m.prefix + ":lease:" + name}, owner, ttl.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("lease %s: %w", name, err)
	}
	return n == 1, nil
}

// loadJSON reads a key into v and reports whether it was there.
func (m *Memory) loadJSON(ctx context.Context, key string, v any) (bool, error) {
	text, err := m.rdb.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	return json.Unmarshal(text, v) == nil, nil
}

func (m *Memory) storeJSON(ctx context.Context, key string, v any, ttl time.Duration) error {
	if err := m.rdb.Set(ctx, key, []byte(mustJSON(v)), ttl).Err(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// pace of polling, one for all replicas.
func (m *Memory) pace(ctx context.Context) (p pollPace, err error) {
	_, err = m.loadJSON(ctx, m.prefix+":watch:pace", &p)
	return p, err
}

func (m *Memory) setPace(ctx context.Context, p pollPace) error {
	return m.storeJSON(ctx, m.prefix+":watch:pace", p, 24*time.Hour)
}

// baseline of a workspace; false when none was saved.
func (m *Memory) baseline(ctx context.Context, w adapters.Workspace) (b baseline, ok bool, err error) {
	ok, err = m.loadJSON(ctx, m.key(w, "baseline"), &b)
	return b, ok, err
}

func (m *Memory) setBaseline(ctx context.Context, w adapters.Workspace, b baseline) error {
	return m.storeJSON(ctx, m.key(w, "baseline"), b, baselineTTL)
}

// keepValues remembers configurations by their digest.
func (m *Memory) keepValues(ctx context.Context, w adapters.Workspace, values map[string]json.RawMessage) error {
	_, err := m.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for digest, raw := range values {
			p.Set(ctx, m.key(w, "value:"+digest), []byte(raw), valueTTL)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep values: %w", err)
	}
	return nil
}

// value by digest; nil when it is not kept any more.
func (m *Memory) value(ctx context.Context, w adapters.Workspace, digest string) (json.RawMessage, error) {
	raw, err := m.rdb.Get(ctx, m.key(w, "value:"+digest)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read value: %w", err)
	}
	return raw, nil
}

// startProgress begins to follow what an approval has set off, once.
func (m *Memory) startProgress(ctx context.Context, w adapters.Workspace, id string, p progress, due time.Time) error {
	_, err := m.rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.SetNX(ctx, m.key(w, "progress:"+id), []byte(mustJSON(p)), progressTTL)
		pipe.ZAddNX(ctx, m.key(w, "progress"), redis.Z{Score: float64(due.UnixMilli()), Member: id})
		return nil
	})
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	return nil
}

// dueProgress hands out what is to be looked at; nobody else gets it before until.
func (m *Memory) dueProgress(ctx context.Context, w adapters.Workspace, now, until time.Time, n int) ([]string, error) {
	ids, err := dueScript.Run(ctx, m.rdb, []string{m.key(w, "progress")}, now.UnixMilli(), until.UnixMilli(), n).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("due progress: %w", err)
	}
	return ids, nil
}

func (m *Memory) progress(ctx context.Context, w adapters.Workspace, id string) (p progress, ok bool, err error) {
	ok, err = m.loadJSON(ctx, m.key(w, "progress:"+id), &p)
	return p, ok, err
}

func (m *Memory) setProgress(ctx context.Context, w adapters.Workspace, id string, p progress) error {
	return m.storeJSON(ctx, m.key(w, "progress:"+id), p, progressTTL)
}

// nextProgress says when to look again; the zero time is never.
func (m *Memory) nextProgress(ctx context.Context, w adapters.Workspace, id string, at time.Time) error {
	var err error
	if key := m.key(w, "progress"); at.IsZero() {
		err = m.rdb.ZRem(ctx, key, id).Err()
	} else {
		err = m.rdb.ZAddXX(ctx, key, redis.Z{Score: float64(at.UnixMilli()), Member: id}).Err()
	}
	if err != nil {
		return fmt.Errorf("next progress: %w", err)
	}
	return nil
}
