package cards

import (
	"strings"
	"unicode"
)

// notSet stands for an absent value.
const notSet = "(not set)"

// shownChange is a Change made ready for the eye. Inline changes are short
// enough for "before -> after" on one line; the others are shown one above
// the other. NoBefore and NoAfter mark an absent value.
type shownChange struct {
	Field             string
	Before, After     string
	NoBefore, NoAfter bool
	Inline            bool
}

// inlineUnits is the longest "before -> after" that fits one or two lines of a
// phone, about 40 characters wide.
const inlineUnits = 56

// showChange cleans a change. Where two long values agree they are shortened,
// so that the part that differs is what the eye meets; then both are cut to
// limit units, at least 60.
func showChange(c Change, limit int) shownChange {
	before, after := visible(c.Before), visible(c.After)
	s := shownChange{
		Field:    brief(oneLine(c.Field), 120),
		NoBefore: c.Before == "", NoAfter: c.After == "",
	}
	if units(before)+units(after) > inlineUnits {
		before, after = focus(before, after)
	}
	s.Before, s.After = cut(before, limit), cut(after, limit)
	if s.NoBefore {
		s.Before = notSet
	}
	if s.NoAfter {
		s.After = notSet
	}
	joined := s.Before + s.After
	s.Inline = units(joined) <= inlineUnits && !hasRTL(joined) && !strings.Contains(joined, "\n")
	if s.Inline { // running text may be shown with blanks run together
		s.Before, s.After = doubled.Replace(s.Before), doubled.Replace(s.After)
	}
	return s
}

var doubled = strings.NewReplacer("  ", " ␣")

// focusContext is how many unchanged characters stay on each side of the part
// that differs, about two lines of a phone.
const focusContext = 80

// focus replaces the common beginning and end of two long values by a count.
func focus(before, after string) (string, string) {
	a, b := []rune(before), []rune(after)
	if len(a) == 0 || len(b) == 0 {
		return before, after
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return elide(a, head-focusContext, tail-focusContext), elide(b, head-focusContext, tail-focusContext)
}

// elide drops head characters at the beginning and tail at the end of rs, where
// that saves anything, to the next blank, and says so.
func elide(rs []rune, head, tail int) string {
	pre, post := "", ""
	for i := 0; i < 20 && head > focusContext/2 && !unicode.IsSpace(rs[head-1]); i++ {
		head--
	}
	for i := 0; i < 20 && tail > focusContext/2 && !unicode.IsSpace(rs[len(rs)-tail]); i++ {
		tail--
	}
	if head > focusContext/2 {
		pre = "(" + thousands(head) + " same characters) …"
	} else {
		head = 0
	}
	if tail > focusContext/2 {
		post = "… (" + thousands(tail) + " same characters)"
	} else {
		tail = 0
	}
	return pre + string(rs[head:len(rs)-tail]) + post
}
