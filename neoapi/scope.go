package neoapi

import "fmt"

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

// levelNames are the spellings of configuration files, cards and logs.
var levelNames = map[Level]string{Disabled: "disabled", ReadOnly: "read_only", ReadWrite: "read_write"}

// String is the spelling that ParseLevel reads.
func (l Level) String() string {
	if s, ok := levelNames[l]; ok {
		return s
	}
	return fmt.Sprintf("level(%d)", int8(l))
}

// ParseLevel reads "disabled", "read_only" or "read_write", nothing else. On
// error the level is Disabled.
func ParseLevel(text string) (Level, error) {
	for l, s := range levelNames {
		if s == text {
			return l, nil
		}
	}
	return Disabled, fmt.Errorf("level %q is not disabled, read_only or read_write", text)
}

// MarshalText writes the spelling of String.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what ParseLevel reads.
func (l *Level) UnmarshalText(b []byte) (err error) {
	*l, err = ParseLevel(string(b))
	return err
}

// Need is the level that an access asks for. ok is false for an access that is
// neither read nor write: no level is enough for it.
func (a Access) Need() (need Level, ok bool) {
	switch a {
	case Read:
		return ReadOnly, true
	case Write:
		return ReadWrite, true
	}
	return ReadWrite, false
}

// Scope is a level per group. A missing group, and a nil Scope, are Disabled.
type Scope map[Group]Level

// Level of a group.
func (s Scope) Level(g Group) Level { return s[g] }

// Check is nil when the scope covers the operation, else a *ScopeError.
func (s Scope) Check(op Operation) error {
	need, ok := op.Access.Need()
	if have := s.Level(op.Group); !ok || op.Group == "" || have < need {
		return &ScopeError{Op: op.ID, Group: op.Group, Need: need, Have: have}
	}
	return nil
}

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
