package cards

import (
	"regexp"
	"strings"
)

// The elements of Adaptive Card 1.5 in use, only with the properties in use:
// https://adaptivecards.io/explorer/

type textBlock struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Style    string `json:"style,omitempty"`
	Size     string `json:"size,omitempty"`
	Weight   string `json:"weight,omitempty"`
	Color    string `json:"color,omitempty"`
	IsSubtle bool   `json:"isSubtle,omitempty"`
	Spacing  string `json:"spacing,omitempty"`
	Wrap     bool   `json:"wrap,omitempty"`
}

type richTextBlock struct {
	Type    string    `json:"type"`
	Spacing string    `json:"spacing,omitempty"`
	Inlines []textRun `json:"inlines"`
}

type textRun struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Size     string `json:"size,omitempty"`
	Weight   string `json:"weight,omitempty"`
	FontType string `json:"fontType,omitempty"`
	IsSubtle bool   `json:"isSubtle,omitempty"`
	Italic   bool   `json:"italic,omitempty"`
}

type container struct {
	Type      string `json:"type"`
	Style     string `json:"style,omitempty"`
	Bleed     bool   `json:"bleed,omitempty"`
	Separator bool   `json:"separator,omitempty"`
	Spacing   string `json:"spacing,omitempty"`
	Items     []any  `json:"items"`
}

type columnSet struct {
	Type    string   `json:"type"`
	Spacing string   `json:"spacing,omitempty"`
	Columns []column `json:"columns"`
}

type column struct {
	Type                     string `json:"type"`
	Width                    string `json:"width"`
	VerticalContentAlignment string `json:"verticalContentAlignment,omitempty"`
	Items                    []any  `json:"items"`
}

type table struct {
	Type              string      `json:"type"`
	FirstRowAsHeaders bool        `json:"firstRowAsHeaders"`
	ShowGridLines     bool        `json:"showGridLines"`
	Spacing           string      `json:"spacing,omitempty"`
	Columns           []columnDef `json:"columns"`
	Rows              []tableRow  `json:"rows"`
}

type columnDef struct {
	Width                          int    `json:"width"`
	HorizontalCellContentAlignment string `json:"horizontalCellContentAlignment,omitempty"`
}

type tableRow struct {
	Type  string      `json:"type"`
	Cells []tableCell `json:"cells"`
}

type tableCell struct {
	Type  string `json:"type"`
	Items []any  `json:"items"`
}

type actionSet struct {
	Type    string `json:"type"`
	Actions []any  `json:"actions"`
}

type action struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Verb     string         `json:"verb,omitempty"`
	Data     map[string]any `json:"data"`
	Style    string         `json:"style,omitempty"`
	Fallback *action        `json:"fallback,omitempty"`
}

type textInput struct {
	Type         string `json:"type"`
	ID           string `json:"id"`
	Label        string `json:"label"`
	Placeholder  string `json:"placeholder,omitempty"`
	Value        string `json:"value,omitempty"`
	IsMultiline  bool   `json:"isMultiline,omitempty"`
	IsRequired   bool   `json:"isRequired,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
	MaxLength    int    `json:"maxLength,omitempty"`
}

type choiceSet struct {
	Type         string   `json:"type"`
	ID           string   `json:"id"`
	Label        string   `json:"label"`
	Style        string   `json:"style"`
	Value        string   `json:"value,omitempty"`
	IsRequired   bool     `json:"isRequired,omitempty"`
	ErrorMessage string   `json:"errorMessage,omitempty"`
	Choices      []choice `json:"choices"`
}

type choice struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// words is literal text: runs have no Markdown. What they do have is the date
// macro {{DATE(...)}}, which is taken apart so that it shows as written.
func words(s string) textRun { return textRun{Type: "TextRun", Text: noMacro(orWord(s, " "))} }

func strong(s string) textRun {
	r := words(s)
	r.Weight = "Bolder"
	return r
}

func subtle(s string) textRun {
	r := words(s)
	r.IsSubtle = true
	return r
}

func richText(spacing string, runs ...textRun) richTextBlock {
	return richTextBlock{Type: "RichTextBlock", Spacing: spacing, Inlines: runs}
}

func smallPrint(s string) any {
	r := subtle(s)
	r.Size = "Small"
	return richText("Small", r)
}

// heading is a TextBlock, which screen readers announce as a heading, when
// Markdown would leave every character of s alone; otherwise bold text.
func heading(s, size string) any {
	if mdKeeps(s) {
		return textBlock{Type: "TextBlock", Style: "heading", Text: s, Size: size, Weight: "Bolder", Wrap: true, Spacing: spacingFor(size)}
	}
	r := strong(s)
	r.Size = size
	return richText(spacingFor(size), r)
}

func spacingFor(size string) string {
	if size == "Large" {
		return ""
	}
	return "Medium"
}

var (
	macro    = regexp.MustCompile(`(?i)\{\{(\s*(?:date|time)\s*\()`)
	listMark = regexp.MustCompile(`^\s*(?:[-+]|\d+[.)])(?:\s|$)`)
)

// noMacro writes "{{DATE(" as "{ {DATE(".
func noMacro(s string) string {
	if !strings.Contains(s, "{{") {
		return s
	}
	return macro.ReplaceAllString(s, "{ {$1")
}

// mdKeeps reports whether s, one line, shows the same as Markdown and as text:
// no formatting sign, no entity, no list mark, nothing that looks like an address.
func mdKeeps(s string) bool {
	return !strings.ContainsAny(s, "\\`*_[]<>&~{}|#\n\t") && !strings.Contains(s, "://") && !strings.Contains(s, "@") &&
		!strings.Contains(strings.ToLower(s), "www.") && !listMark.MatchString(s)
}

// mdPlain makes s safe where only Markdown text is possible (fallback text):
// formatting signs become blanks.
func mdPlain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\\`*_[]<>~{}|#", r) {
			return ' '
		}
		return r
	}, s)
}

// nbsp keeps runs of blanks and indentation, which HTML would swallow.
func nbsp(s string) string {
	s = strings.ReplaceAll(s, "  ", "\u00a0\u00a0")
	return strings.ReplaceAll(s, "\n ", "\n\u00a0")
}
