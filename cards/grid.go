package cards

import (
	"strings"
	"unicode"
)

// phoneColumns is how many characters of fixed width fit a phone 360 pixels wide.
const phoneColumns = 38

// maxCell is the longest table cell, in units.
const maxCell = 120

// tableRows cleans a table: header first, every row as long as the header,
// no empty cell, at most limit columns.
func tableRows(t Table, limit int) [][]string {
	cols := min(len(t.Columns), limit)
	if cols == 0 {
		return nil
	}
	out := make([][]string, 0, len(t.Rows)+1)
	for i := -1; i < len(t.Rows); i++ {
		src := t.Columns
		if i >= 0 {
			src = t.Rows[i]
		}
		row := make([]string, cols)
		for j := range row {
			if j < len(src) {
				row[j] = brief(oneLine(src[j]), maxCell)
			}
			if row[j] == "" {
				row[j] = "–"
			}
		}
		out = append(out, row)
	}
	return out
}

// tableColumns is the width, in characters, beyond which a table is no longer
// drawn as one: on a phone its cells would become towers of single words.
const tableColumns = 60

// tooWide reports whether rows need more than tableColumns side by side.
func tooWide(rows [][]string) bool {
	total := 0
	for _, w := range columnWidths(rows) {
		total += w + 2
	}
	return total-2 > tableColumns
}

func columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for j, c := range row {
			widths[j] = max(widths[j], columns(c))
		}
	}
	return widths
}

// rowItems is a wide table as a list: the first cell is the title, the others
// follow with the names of their columns.
func rowItems(rows [][]string) []Item {
	items := make([]Item, 0, len(rows)-1)
	for _, row := range rows[1:] {
		parts := make([]string, 0, len(row))
		for j := 1; j < len(row); j++ {
			parts = append(parts, rows[0][j]+": "+row[j])
		}
		items = append(items, Item{Title: row[0], Detail: strings.Join(parts, " · ")})
	}
	return items
}

// gridText is rows as text of fixed width: aligned columns when they fit into
// width, otherwise one paragraph per row with "column: value" lines.
func gridText(rows [][]string, width int) string {
	widths := columnWidths(rows)
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	var b strings.Builder
	if total > width {
		records(&b, rows)
		return strings.TrimRight(b.String(), "\n")
	}
	numeric := numericColumns(rows)
	for i, row := range rows {
		gridLine(&b, row, widths, numeric)
		if i == 0 {
			b.WriteString(strings.Repeat("─", total) + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// numericColumns reports which columns hold numbers only and are therefore
// aligned on the right.
func numericColumns(rows [][]string) []bool {
	out := make([]bool, len(rows[0]))
	for j := range out {
		out[j] = len(rows) > 1
		for _, row := range rows[1:] {
			if row[j] != "–" && (strings.Trim(row[j], "0123456789.,+-−%$€£ ") != "" || !strings.ContainsAny(row[j], "0123456789")) {
				out[j] = false
				break
			}
		}
	}
	return out
}

func gridLine(b *strings.Builder, row []string, widths []int, numeric []bool) {
	var line strings.Builder
	for j, c := range row {
		pad := strings.Repeat(" ", widths[j]-columns(c))
		if numeric[j] {
			line.WriteString(pad + c)
		} else {
			line.WriteString(c + pad)
		}
		line.WriteString("  ")
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func records(b *strings.Builder, rows [][]string) {
	for _, row := range rows[1:] {
		for j, c := range row {
			if j == 0 {
				b.WriteString(c + "\n")
				continue
			}
			b.WriteString("  " + rows[0][j] + ": " + c + "\n")
		}
	}
}

// columns is how many cells of a terminal s takes: wide East Asian letters and
// emoji two, marks none.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r < 0x300:
			n++
		case unicode.Is(unicode.M, r) || isVariation(r) || r == 0x200d:
		case r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
			r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
			r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd:
			n += 2
		default:
			n++
		}
	}
	return n
}
