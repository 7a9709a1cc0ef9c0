package intents

import (
	"bytes"
	"maps"
	"sync"

	"neobot/approvals"
	"neobot/neoapi"
)

// records remembers what the latest records say: from the click to the last
// card one is read half a dozen times. What is remembered counts only for the
// very same bytes, so a record that was tampered with is read, and refused, anew.
var records recordCache

// recordCacheSize is in records, of some kilobytes each.
const recordCacheSize = 256

type recordCache struct {
	mu   sync.Mutex
	held map[approvals.ID]readRecord
}

type readRecord struct {
	rec    approvals.Request // its fixed parts are what was read
	view   view
	origin origin
	change neoapi.Change
}

func (r readRecord) of(rec approvals.Request) bool {
	return r.rec.Digest == rec.Digest && bytes.Equal(r.rec.Change, rec.Change) &&
		bytes.Equal(r.rec.View, rec.View) && bytes.Equal(r.rec.Origin, rec.Origin)
}

// parse is parseAnew, remembered when there was no fault. What it returns is
// shared, except for the intent's arguments, which plans write to.
func (c *recordCache) parse(rec approvals.Request) (view, origin, neoapi.Change, error) {
	c.mu.Lock()
	have, ok := c.held[rec.ID]
	c.mu.Unlock()
	if !ok || !have.of(rec) {
		v, o, change, err := parseAnew(rec)
		if err != nil {
			return v, o, change, err
		}
		have = readRecord{rec: rec, view: v, origin: o, change: change}
		c.keep(have)
	}
	v := have.view
	v.Intent.Args = maps.Clone(v.Intent.Args)
	return v, have.origin, have.change, nil
}

func (c *recordCache) keep(r readRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil || len(c.held) >= recordCacheSize {
		c.held = map[approvals.ID]readRecord{}
	}
	c.held[r.rec.ID] = r
}
