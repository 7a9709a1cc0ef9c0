package cards

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, running, exact string
	}{
		{"plain", "a b\nc", "a b\nc", "a b\nc"},
		{"quotes and dashes", "“a” – b…", "“a” – b…", "“a” – b…"},
		{"control", "a\x00b\x1b[0m\x7f", "a␀b␛[0m␡", "a␀b␛[0m␡"},
		{"line breaks", "a\r\nb\rc\u2028d\u0085e", "a\nb\nc\nd\ne", "a\nb\nc\nd\ne"},
		{"tab", "a\tb", "a\tb", "a⇥b"},
		{"override", "a\u202Eb", "a⟨U+202E⟩b", "a⟨U+202E⟩b"},
		{"isolate", "a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩", "a⟨U+2066⟩b⟨U+2069⟩"},
		{"many hidden", "a\u200b\u200b\u200bb", "ab", "a⟨U+200B ×3⟩b"},
		{"no-break space", "a\u00a0b", "a\u00a0b", "a⟨U+00A0⟩b"},
		{"blank braille", "a\u2800b", "ab", "a⟨U+2800⟩b"},
		{"tag characters", "a\U000E0041\U000E0042b", "ab", "a⟨U+E0041⟩⟨U+E0042⟩b"},
		{"family emoji", "👨‍👩‍👧", "👨‍👩‍👧", "👨‍👩‍👧"},
		{"flag and heart", "🏳️‍🌈 ❤️ 1️⃣", "🏳️‍🌈 ❤️ 1️⃣", "🏳️‍🌈 ❤️ 1️⃣"},
		{"joiner in persian", "می\u200cخواهم", "می\u200cخواهم", "می⟨U+200C⟩خواهم"},
		{"joiner between latin", "a\u200d b", "a b", "a⟨U+200D⟩ b"},
		{"accents", "e\u0301", "e\u0301", "e\u0301"},
		{"too many marks", "e" + strings.Repeat("\u0301", 9), "e" + strings.Repeat("\u0301", 5) + "⟨4 more marks⟩", "e" + strings.Repeat("\u0301", 5) + "⟨4 more marks⟩"},
		{"mark without letter", "\u0301a", "◌\u0301a", "◌\u0301a"},
		{"invalid utf-8", "a\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"blanks at the ends", " a\n", " a\n", "␣a⏎"},
		{"blanks only", "   ", "   ", "␣␣␣"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := clean(tt.in); got != tt.running {
				t.Errorf("clean: %q, want %q", got, tt.running)
			}
			if got := visible(tt.in); got != tt.exact {
				t.Errorf("visible: %q, want %q", got, tt.exact)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  a  ": "a", "a\n\nb": "a ⏎ b", "a\tb": "a⇥b", "\u202Ea": "⟨U+202E⟩a",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"short", "abc", "abc"},
		{"exact", strings.Repeat("a", 60), strings.Repeat("a", 60)},
		{"long", strings.Repeat("a", 1061), strings.Repeat("a", 24) + "… (cut, 1,037 more characters)"},
		{"never inside an emoji", strings.Repeat("👨‍👩‍👧‍👦", 20), "👨‍👩‍👧‍👦👨‍👩‍👧‍👦… (cut, 126 more characters)"},
		{"never before a mark", strings.Repeat("a", 23) + "e\u0301" + strings.Repeat("b", 60), strings.Repeat("a", 23) + "… (cut, 62 more characters)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := cut(tt.in, 60)
			if got != tt.want || units(got) > 60 {
				t.Errorf("cut: %q (%d units), want %q", got, units(got), tt.want)
			}
		})
	}
}

func TestFirstBytes(t *testing.T) {
	t.Parallel()
	head, rest := firstBytes("aéb", 2)
	if head != "a" || rest != 2 {
		t.Errorf("%q, %d", head, rest)
	}
	if !utf8.ValidString(head) {
		t.Error("split a character")
	}
}

func TestMrkdwnKeeps(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"Ticket Triage": true, "agt_01J9_x": true, "09:44:07": true, "a: b": true, "AT&T <b>": true,
		"*bold*": false, "_it_": false, "~no~": false, "`c`": false, "> quote": false, "a\n>b": false, ":rocket:": false, "_": false,
	} {
		if got := mrkdwnKeeps(s); got != want {
			t.Errorf("mrkdwnKeeps(%q) = %v", s, got)
		}
	}
}

func TestMdKeeps(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"✅ Agent “Ticket Triage” (2)": true, "Why? 10 % - done": true,
		"[a](https://x)": false, "a*b": false, "a_b": false, "# h": false, "- x": false, "1. x": false, "x&amp;": false,
		"https://x": false, "www.x.com": false, "<at>x</at>": false, "{{DATE(1)}}": false, "a@b": false,
	} {
		if got := mdKeeps(s); got != want {
			t.Errorf("mdKeeps(%q) = %v", s, got)
		}
	}
}
