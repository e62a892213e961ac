package rig

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Row is one thing that was measured. Empty cells are shown as "-".
type Row struct {
	What, Redis, Tandem string
	Figure, Bar         string
	Met                 string // yes, no
}

// Table is a program's outcome.
type Table struct {
	Title string
	Notes []string // sentences above the rows
	Rows  []Row
}

// Add adds a row.
func (t *Table) Add(r Row) { t.Rows = append(t.Rows, r) }

// AtMost completes a row whose figure may be at most the bar; unit is appended to both: "1.20 ×", "≤ 1.50 ×".
func (r Row) AtMost(figure, bar float64, unit string) Row {
	r.Figure, r.Bar, r.Met = fmt.Sprintf("%.2f%s", figure, unit), fmt.Sprintf("≤ %.2f%s", bar, unit), "yes"
	if figure > bar {
		r.Met = "no"
	}
	return r
}

// Markdown is the table with its title, with columns of even width.
func (t *Table) Markdown() string {
	lines := [][]string{{"what", "Redis", "Tandem", "figure", "bar", "met"}}
	for _, r := range t.Rows {
		lines = append(lines, []string{r.What, r.Redis, r.Tandem, r.Figure, r.Bar, r.Met})
	}
	width := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i := range cells {
			if cells[i] == "" {
				cells[i] = "-"
			}
			width[i] = max(width[i], utf8.RuneCountInString(cells[i]))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n", t.Title)
	for _, note := range t.Notes {
		fmt.Fprintf(&b, "- %s\n", note)
	}
	if len(t.Notes) > 0 {
		b.WriteByte('\n')
	}
	for i, cells := range lines {
		b.WriteString(line(cells, width))
		if i == 0 {
			b.WriteString(rule(width))
		}
	}
	return b.String()
}

// line is one row: the first column to the left, the others to the right.
func line(cells []string, width []int) string {
	var b strings.Builder
	for i, cell := range cells {
		space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			b.WriteString("| " + cell + space + " ")
		} else {
			b.WriteString("| " + space + cell + " ")
		}
	}
	return b.String() + "|\n"
}

func rule(width []int) string {
	var b strings.Builder
	for i, n := range width {
		if i == 0 {
			b.WriteString("|" + strings.Repeat("-", n+2))
		} else {
			b.WriteString("|" + strings.Repeat("-", n+1) + ":")
		}
	}
	return b.String() + "|\n"
}
