package intents

import (
	"strings"
	"testing"

	"neobot/cards"
)

func TestHideCredentials(t *testing.T) {
	t.Parallel()
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
	tests := map[string]string{
		"The password is reset, token: none":    "The password is reset, token: none",
		"key neo_sk_prod_abc!":                  "key [redacted]!",
		"a " + plantedToken + " b":              "a [redacted] b",
		"Authorization: " + jwt:                 "Authorization: [redacted]",
		"https://files.example/a?token=" + jwt:  "https://files.example/a?token=" + jwt,
		"AKIAABCDEFGHIJKLMNOP":                  "[redacted]",
		"-----BEGIN PRIVATE KEY-----\nabc\ndef": "[redacted]",
		"risk-free, desk-48213 and xox":         "risk-free, desk-48213 and xox",
	}
	for in, want := range tests {
		if got := hideCredentials(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Every text of a card is covered; only the changes an approver must see stay.
func TestSafeCard(t *testing.T) {
	t.Parallel()
	x := "use " + plantedToken
	card := cards.Card{
		Title: x, Summary: x, Fields: []cards.Field{{Name: "a", Value: x}}, Changes: []cards.Change{{Field: "f", Before: x, After: x}},
		Body: []cards.Block{
			{Heading: x, Text: x},
			{Code: x},
			{Items: []cards.Item{{Title: x, Detail: x, Button: &cards.Button{Label: x}}}},
			{Table: &cards.Table{Columns: []string{"c"}, Rows: [][]string{{x}}}},
		},
		Buttons: []cards.Button{{Label: x}}, Footer: []string{x},
	}
	before := mustText(card)
	if got := mustText(safeCard(card)); strings.Contains(got, plantedToken) {
		t.Errorf("left in: %s", got)
	}
	card.Buttons = append(card.Buttons, cards.Button{Label: "Approve", Action: cards.ActionApprove, ID: "1"})
	if got := safeCard(card); got.Changes[0].After != x {
		t.Error("an approver must see the whole change")
	}
	card.Buttons = card.Buttons[:1]
	if mustText(card) != before {
		t.Error("the card given was changed")
	}
}

// Every credential has one of the marks, or it would not be looked for.
func TestCredentialMarks(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"neo_sk_abc", "xoxb-12345678", "xoxp-12345678", "xapp-12345678", "sk-" + strings.Repeat("a", 24),
		"?sig=eyJhbGciOiJI.eyJzdWIiOiIx.x", "AKIA" + strings.Repeat("A", 16), "ghp_" + strings.Repeat("a", 30), "gho_" + strings.Repeat("a", 30),
		"ghu_" + strings.Repeat("a", 30), "ghs_" + strings.Repeat("a", 30), "ghr_" + strings.Repeat("a", 30),
		"-----BEGIN RSA PRIVATE KEY-----\nx", "-----BEGIN PRIVATE KEY-----",
	} {
		if !credentials.MatchString(s) {
			t.Errorf("%q is not a credential", s)
		}
		if !mayHoldCredential(s) {
			t.Errorf("%q has no mark", s)
		}
	}
}
