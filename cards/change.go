package cards

import (
	"strconv"
	"strings"
	"unicode"
)

const (
	// notSet stands for an absent value.
	notSet = "(not set)"
	// changesHeading says how to read what follows.
	changesHeading = "Changes (before " + arrow + " after)"
)

// shownChange is a Change made ready for the eye: either Inline, short enough
// for "before → after" in running text, or a few Places, each with its own
// boxes. Before and After of an inline change are never empty.
type shownChange struct {
	Field             string
	Inline            bool
	Before, After     string
	NoBefore, NoAfter bool
	Note              string // "2 places, the rest is unchanged"
	Places            []place
}

// place is one part of a long value that differs. Removed or Added is empty
// when nothing stood, or stands, there. Where is "line 6" or empty.
type place struct {
	Where          string
	Removed, Added string
}

// labels are the words over the two boxes of p.
func (p place) labels() (removed, added string) {
	switch {
	case p.Added == "":
		return joinWords(p.Where, "removed"), ""
	case p.Removed == "":
		return "", joinWords(p.Where, "added")
	}
	return joinWords(p.Where, "before"), joinWords(p.Where, "after")
}

func joinWords(a, b string) string { return strings.TrimSpace(a + " " + b) }

const (
	// inlineUnits is the longest "before → after" that fits two lines of a
	// phone, about 40 characters wide.
	inlineUnits = 56
	// maxPlaces is how many places of one value are shown.
	maxPlaces = 5
)

// maxChanges is how many changes are looked at. No card has room for more.
const maxChanges = 60

// changeLimits are the lengths, in units, that long values are cut to: the
// first with which all changes fit.
var changeLimits = []int{1000, 400, 150, 60}

// readChanges makes changes ready for the eye, and counts those beyond maxChanges.
func readChanges(changes []Change) (out []shownChange, more int) {
	if len(changes) > maxChanges {
		more = len(changes) - maxChanges
		changes = changes[:maxChanges]
	}
	for _, c := range changes {
		out = append(out, readChange(c))
	}
	return out, more
}

// readChange cleans a change and finds the places of long values that differ.
func readChange(c Change) shownChange {
	before, after := visible(c.Before), visible(c.After)
	s := shownChange{
		Field:    orWord(brief(oneLine(c.Field), 120), "(no name)"),
		NoBefore: c.Before == "", NoAfter: c.After == "",
	}
	joined := orWord(before, notSet) + orWord(after, notSet)
	switch {
	case len(joined) <= 4*inlineUnits && units(joined) <= inlineUnits && !hasRTL(joined) && !strings.Contains(joined, "\n"):
		s.Inline = true // running text may be shown with blanks run together
		s.Before, s.After = doubled.Replace(orWord(before, notSet)), doubled.Replace(orWord(after, notSet))
	case c.Before == c.After:
		s.Note = "unchanged"
	case before == after:
		s.Note = "no difference that can be shown"
	case s.NoBefore || s.NoAfter:
		s.Places = []place{{Removed: orWord(before, notSet), Added: orWord(after, notSet)}}
	default:
		s.Places = places(before, after)
		shown := min(len(s.Places), maxPlaces)
		s.Note = placesNote(shown, len(s.Places)-shown, strings.Contains(before, "\n") || strings.Contains(after, "\n"))
		s.Places = s.Places[:shown]
		for i, p := range s.Places {
			s.Places[i].Removed, s.Places[i].Added = focus(p.Removed, p.Added)
		}
	}
	return s
}

// cut shortens every place to limit units, at least 60.
func (s shownChange) cut(limit int) shownChange {
	ps := make([]place, len(s.Places))
	for i, p := range s.Places {
		ps[i] = place{Where: p.Where, Removed: cut(p.Removed, limit), Added: cut(p.Added, limit)}
	}
	s.Places = ps
	return s
}

var doubled = strings.NewReplacer("  ", " ␣")

func placesNote(shown, hidden int, lines bool) string {
	switch {
	case hidden > 0:
		return "the first " + strconv.Itoa(shown) + " of " + strconv.Itoa(shown+hidden) + " changed places"
	case lines:
		return plural(shown, "place") + ", the rest is unchanged"
	}
	return ""
}

// maxDiffCells bounds the table of the line comparison, in cells.
const maxDiffCells = 250_000

// places compares two values line by line and returns the runs of lines that
// differ, in order. Values too long for that are one place.
func places(before, after string) []place {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(a) == 1 && len(b) == 1 {
		return []place{{Removed: before, Added: after}}
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	midA, midB := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(midA)*len(midB) > maxDiffCells {
		return []place{newPlace(head, midA, midB)}
	}
	return lineDiff(head, midA, midB)
}

// lineDiff is the longest common subsequence of lines, turned into places.
// Unchanged single lines between two places are taken into them.
func lineDiff(first int, a, b []string) []place {
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []place
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		si, sj := i, j
		for i < len(a) || j < len(b) {
			if i < len(a) && j < len(b) && a[i] == b[j] && !lonely(a, b, i, j) {
				break
			}
			switch {
			case i < len(a) && j < len(b) && a[i] == b[j]:
				i, j = i+1, j+1
			case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
				i++
			default:
				j++
			}
		}
		if i > si || j > sj {
			out = append(out, newPlace(first+si, a[si:i], b[sj:j]))
		}
		for i < len(a) && j < len(b) && a[i] == b[j] {
			i, j = i+1, j+1
		}
	}
	return out
}

// lonely reports whether the equal lines at i and j stand between two
// differences with nothing equal after them.
func lonely(a, b []string, i, j int) bool {
	return i+1 < len(a) && j+1 < len(b) && a[i+1] != b[j+1]
}

// newPlace names the first line, counted from 1, and marks blanks at the ends
// of the lines, which nobody could see.
func newPlace(first int, removed, added []string) place {
	return place{Where: "line " + strconv.Itoa(first+1), Removed: markedLines(removed), Added: markedLines(added)}
}

func markedLines(lines []string) string {
	out := make([]string, len(lines))
	for i, l := range lines {
		body := strings.TrimRight(l, " ")
		out[i] = body + edge(l[len(body):])
		if out[i] == "" {
			out[i] = "⏎"
		}
	}
	return strings.Join(out, "\n")
}

// focusContext is how many unchanged characters stay on each side of the part
// that differs, about two lines of a phone.
const focusContext = 80

// focus replaces the common beginning and end of two long values by a count.
func focus(before, after string) (string, string) {
	a, b := []rune(before), []rune(after)
	if len(a) == 0 || len(b) == 0 || len(a) <= 2*focusContext && len(b) <= 2*focusContext {
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
