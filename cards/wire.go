package cards

import (
	"net/url"
	"strings"
)

// maxIDLen bounds the opaque ids of buttons and forms.
const maxIDLen = 128

// ValidID reports whether id has the shape of an opaque id: 1 to 128 of
// A-Z a-z 0-9 _ -. Buttons with another id are not rendered, clicks with
// another id are dropped.
func ValidID(id string) bool {
	if id == "" || len(id) > maxIDLen {
		return false
	}
	for i := range len(id) {
		if c := id[i]; !isAlnum(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// usable reports whether a click on b would be accepted again.
func (b Button) usable() bool { return b.Action.Valid() && ValidID(b.ID) && oneLine(b.Label) != "" }

// ValidInputName reports whether a form input may be called name: 1 to 64 of
// a-z A-Z 0-9 _ - and not a key of the action itself, which its value would
// overwrite on Teams.
func ValidInputName(name string) bool {
	return ValidID(name) && len(name) <= 64 && name != "action" && name != "id"
}

// safeLink returns the URL and its host when l may become a live link: https,
// a plain ASCII host, no user name, no blanks.
func safeLink(l Link) (target, host string, ok bool) {
	if len(l.URL) > 2000 || strings.ContainsAny(l.URL, " \t\r\n<>|\"\\`{}") || !isPlainASCII(l.URL) {
		return "", "", false
	}
	u, err := url.Parse(l.URL)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || !plainHost(u.Host) {
		return "", "", false
	}
	return l.URL, u.Host, true
}

// plainHost reports whether h is letters, digits, dots and hyphens with perhaps
// a port: nothing that a platform's markup could read as more than text.
func plainHost(h string) bool {
	for i := range len(h) {
		if c := h[i]; !isAlnum(c) && c != '.' && c != '-' && c != ':' {
			return false
		}
	}
	return h != ""
}

// linkText is how an unusable link is shown: words only.
func linkText(l Link) string {
	label, target := oneLine(l.Label), oneLine(l.URL)
	if label == "" || label == target {
		return target
	}
	return label + ": " + target
}

// splitButtons parts the usable buttons, at most limit, from the number left out.
func splitButtons(bs []Button, limit int) (ok []Button, left int) {
	for _, b := range bs {
		if !b.usable() || len(ok) == limit {
			left++
			continue
		}
		ok = append(ok, b)
	}
	return ok, left
}
