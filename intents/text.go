package intents

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// clip cuts s to n characters and says so with an ellipsis.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:n-1]) + "…"
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// clock is how times appear on cards: in the tenant's zone, with the day when it is not today.
func (a *ask) clock(t time.Time) string { return clockAt(t, a.now) }

func clockAt(t, now time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	t = t.In(now.Location())
	if y, m, d := now.Date(); t.Year() == y && t.Month() == m && t.Day() == d {
		return "today " + t.Format("15:04")
	}
	if t.Year() == now.Year() {
		return t.Format("Mon 2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}

// seconds in words: "12 s", "3 min 20 s".
func seconds(n float64) string {
	d := time.Duration(n * float64(time.Second)).Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// plural is "1 run", "3 runs".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// list joins names: "Ann", "Ann or Bo", "Ann, Bo or Cy".
func list(names []string, last string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}

// merged is m with one more entry; m itself is not changed.
func merged(m map[string]string, key, value string) map[string]string {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]string{}
	}
	out[key] = value
	return out
}

// secrets are shapes of credentials that must not leave in an escalation or
// stay in the audit trail.
var secrets = regexp.MustCompile(strings.Join([]string{
	`neo_sk_[A-Za-z0-9_]+`,
	`xox[abeoprs]-[A-Za-z0-9-]+`, `xapp-[A-Za-z0-9-]+`,
	`\bsk-[A-Za-z0-9_-]{16,}`,
	`(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{8,}`,
	`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`,
	`\bAKIA[0-9A-Z]{16}\b`,
	`(?i)\b(password|passwort|passwd|pwd|secret|token|api[_-]?key)\b\s*(is|[:=])\s*\S+`,
	`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)`,
}, "|"))

// redact replaces what looks like a credential.
func redact(s string) string { return secrets.ReplaceAllString(s, "[redacted]") }

func itoa(n int) string { return strconv.Itoa(n) }

func count(all []string, s string) int {
	n := 0
	for _, x := range all {
		if x == s {
			n++
		}
	}
	return n
}

// without is m without one key; m itself is not changed.
func without(m map[string]string, key string) map[string]string {
	out := maps.Clone(m)
	delete(out, key)
	return out
}
