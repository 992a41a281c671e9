package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// column is one of the table's.
type column struct {
	title string
	left  bool // text, where numbers end at the right
	cell  func(Line) string
}

func columns() []column {
	return []column{
		{"what", true, func(l Line) string { return l.What }},
		{"hotcell", false, func(l Line) string { return number(l.Ours.Median, l.Unit) }},
		{"p95", false, func(l Line) string { return number(l.Ours.Worst, l.Unit) }},
		{"n", false, count},
		{"ipykernel", false, func(l Line) string { return number(l.Theirs.Median, l.Unit) }},
		{"ratio", false, func(l Line) string { return times(l.Ratio) }},
		{"beside", true, beside},
		{"budget", false, func(l Line) string { return number(l.Budget, l.Unit) }},
		{"within", true, func(l Line) string { return string(l.Within) }},
		{"Daytona*", false, func(l Line) string { return number(l.Reference, l.Unit) }},
		{"ahead", true, func(l Line) string { return string(l.Ahead) }},
	}
}

func count(l Line) string {
	if l.Ours.Count == 0 {
		return ""
	}
	return fmt.Sprint(l.Ours.Count)
}

func beside(l Line) string {
	if l.Beside.Count == 0 {
		return ""
	}
	return number(l.Beside.Median, l.Unit) + " " + l.Other
}

// Write writes the lines as a Markdown table that is aligned for reading as
// it is.
func Write(w io.Writer, lines []Line) error {
	cols := columns()
	grid := make([][]string, 0, len(lines)+1)
	titles := make([]string, len(cols))
	for i, c := range cols {
		titles[i] = c.title
	}
	grid = append(grid, titles)
	for _, l := range lines {
		cells := make([]string, len(cols))
		for i, c := range cols {
			cells[i] = c.cell(l)
		}
		grid = append(grid, cells)
	}
	widths := make([]int, len(cols))
	for _, cells := range grid {
		for i, c := range cells {
			widths[i] = max(widths[i], 2, utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for n, cells := range grid {
		writeCells(&b, cols, cells, widths)
		if n == 0 {
			writeRule(&b, cols, widths)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func writeCells(b *strings.Builder, cols []column, cells []string, widths []int) {
	for i, c := range cells {
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
		if cols[i].left {
			c += space
		} else {
			c = space + c
		}
		b.WriteString("| " + c + " ")
	}
	b.WriteString("|\n")
}

func writeRule(b *strings.Builder, cols []column, widths []int) {
	for i, w := range widths {
		if cols[i].left {
			b.WriteString("| " + strings.Repeat("-", w) + " ")
		} else {
			b.WriteString("| " + strings.Repeat("-", w-1) + ": ")
		}
	}
	b.WriteString("|\n")
}
