package intents

import "strings"

// likeness of the message to a spec's examples, for intents that have no cues
// yet: 0 to 12, by the share of words (or their concepts) they have in common.
func (r *reading) likeness(s Spec) int {
	best := 0
	mine := map[string]bool{}
	for _, it := range r.items {
		mine[it.key(r)] = true
	}
	for _, e := range s.Examples {
		x := read(Question{Text: placeholders.Replace(e), Now: r.q.Now, Agents: []string{"zzagent"}})
		both, all := 0, len(mine)
		for _, it := range x.items {
			if k := it.key(x); mine[k] {
				both++
			} else {
				all++
			}
		}
		if all > 0 {
			best = max(best, 12*both/all)
		}
	}
	return best
}

// placeholders make an example readable like a message.
var placeholders = strings.NewReplacer("<agent>", "zzagent", "<ticket>", "48213", "<run>", "91233", "<when>", "yesterday", "<month>", "last month", "<name>", "zzname")

// key of an item: its concept, else its word.
func (it item) key(r *reading) string {
	if it.concept != "" {
		return it.concept
	}
	return r.word(it.from)
}
