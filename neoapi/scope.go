package neoapi

// Group is a permission group: one tag of the API as a slug ("agents",
// "til_requests", "phone_agent").
type Group string

// Level is how much of a group somebody may use. The zero value is nothing.
type Level int8

// Levels, in rising order.
const (
	Disabled Level = iota
	ReadOnly
	ReadWrite
)

// Scope is a level per group. A missing group, and a nil Scope, are Disabled.
type Scope map[Group]Level

// Level of a group.
func (s Scope) Level(g Group) Level { return s[g] }

// Lowest is the scope in which every group has the lowest of its levels in
// scopes. With no scopes it is empty: nothing is allowed.
func Lowest(scopes ...Scope) Scope {
	out := Scope{}
	if len(scopes) == 0 {
		return out
	}
	for g, l := range scopes[0] {
		for _, s := range scopes[1:] {
			l = min(l, s[g])
		}
		if l > Disabled {
			out[g] = l
		}
	}
	return out
}
