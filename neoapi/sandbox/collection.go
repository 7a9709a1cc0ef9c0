package sandbox

import (
	"encoding/base64"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Collection is an ordered set of objects of one kind, by key. Items keep the
// order in which they were added; lists read it from the front or, with newest
// set, from the back. It is guarded by the lock of its Neo: use it in Mutate.
type Collection[T any] struct {
	key    func(*T) string
	newest bool
	next   int64
	rows   []row[T]
	byKey  map[string]*T
}

// row remembers when an item came, so that a cursor stays right while items
// are added and deleted around it.
type row[T any] struct {
	seq  int64
	item *T
}

func newCollection[T any](newest bool, key func(*T) string) *Collection[T] {
	return &Collection[T]{key: key, newest: newest, byKey: map[string]*T{}}
}

// Add appends items. An item with a known key takes the old one's place.
func (c *Collection[T]) Add(items ...*T) {
	for _, it := range items {
		k := c.key(it)
		if old, ok := c.byKey[k]; ok {
			*old = *it
			continue
		}
		c.byKey[k] = it
		c.next++
		c.rows = append(c.rows, row[T]{c.next, it})
	}
}

// Get finds an item; nil when there is none.
func (c *Collection[T]) Get(key string) *T { return c.byKey[key] }

// Remove deletes an item and says whether it was there.
func (c *Collection[T]) Remove(key string) bool {
	it, ok := c.byKey[key]
	if !ok {
		return false
	}
	delete(c.byKey, key)
	c.rows = slices.DeleteFunc(c.rows, func(r row[T]) bool { return r.item == it })
	return true
}

// Len is the number of items.
func (c *Collection[T]) Len() int { return len(c.rows) }

// All yields the items in list order.
func (c *Collection[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for r := range c.after(0) {
			if !yield(r.item) {
				return
			}
		}
	}
}

// after yields the rows that follow the one with this sequence number in list
// order; 0 is the beginning.
func (c *Collection[T]) after(seq int64) iter.Seq[row[T]] {
	return func(yield func(row[T]) bool) {
		if c.newest {
			end := len(c.rows)
			if seq > 0 {
				end = c.search(seq)
			}
			for i := end - 1; i >= 0; i-- {
				if !yield(c.rows[i]) {
					return
				}
			}
			return
		}
		for i := c.search(seq + 1); i < len(c.rows); i++ {
			if !yield(c.rows[i]) {
				return
			}
		}
	}
}

// search is the index of the first row numbered seq or later.
func (c *Collection[T]) search(seq int64) int {
	return sort.Search(len(c.rows), func(i int) bool { return c.rows[i].seq >= seq })
}

// list answers one cursor page of the items that keep (nil keeps all).
func list[T any](c *call, col *Collection[T], keep func(*T) bool) (reply, error) {
	size := c.integer("page_size")
	from, err := c.cursor()
	if err != nil {
		return reply{}, err
	}
	out := make([]*T, 0, min(size, 64))
	p := &pagination{}
	var last int64
	for r := range col.after(from) {
		if keep != nil && !keep(r.item) {
			continue
		}
		if len(out) == size {
			p.HasMore = true
			next := encodeCursor(c.op.id, last)
			p.NextCursor = &next
			break
		}
		out, last = append(out, r.item), r.seq
	}
	return reply{data: out, page: p}, nil
}

// every answers all items that keep, for the lists without pages.
func every[T any](col *Collection[T], keep func(*T) bool) reply {
	out := []*T{}
	for it := range col.All() {
		if keep == nil || keep(it) {
			out = append(out, it)
		}
	}
	return reply{data: out}
}

func encodeCursor(op string, seq int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(op + "|" + strconv.FormatInt(seq, 36)))
}

// cursor is the sequence number to go on from. A cursor belongs to the
// operation that gave it.
func (c *call) cursor() (int64, error) {
	text := c.query.Get("cursor")
	if text == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return 0, badParameter("cursor", "is not a cursor")
	}
	op, num, ok := strings.Cut(string(raw), "|")
	seq, err := strconv.ParseInt(num, 36, 64)
	if !ok || err != nil || op != c.op.id || seq < 1 {
		return 0, badParameter("cursor", "is not a cursor of this list")
	}
	return seq, nil
}
