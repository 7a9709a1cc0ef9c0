package neoapi

import (
	"encoding/json"
	"reflect"
	"sync"
)

// parsed keeps what was decoded of one shared answer, so that a list read by
// many people within the life of the cache is decoded once. nil keeps nothing.
// What it hands out is shared: callers copy before they write.
type parsed struct {
	mu    sync.Mutex
	items []json.RawMessage
	pages map[reflect.Type]any // T -> []T, of the items
}

// list is data as a list of undecoded items.
func (p *parsed) list(data json.RawMessage) (out []json.RawMessage, err error) {
	if p == nil {
		return out, json.Unmarshal(data, &out)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.items == nil {
		err = json.Unmarshal(data, &p.items)
	}
	return p.items, err
}

// decodePage decodes the items of one answer.
func decodePage[T any](p *parsed, page []json.RawMessage) []T {
	if p == nil {
		return decodeAll[T](page)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := reflect.TypeFor[T]()
	if have, ok := p.pages[key].([]T); ok {
		return have
	}
	out := decodeAll[T](page)
	if p.pages == nil {
		p.pages = map[reflect.Type]any{}
	}
	p.pages[key] = out
	return out
}
