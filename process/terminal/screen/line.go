package screen

import "slices"

// color is a kind in the upper byte and a value in the lower three.
type color uint32

const (
	indexed color = 1 << 24 // one of 256
	rgb     color = 2 << 24
)

// style is how a character looks.
type style struct {
	fg, bg, ul color // 0 is the terminal's own
	attr       uint16
}

// Attributes. The lowest three bits are the kind of underline.
const (
	underline = 7
	bold      = 1 << (iota + 2)
	faint
	italic
	blink
	inverse
	conceal
	strike
	overline
)

// A cell's character is a rune, whether it takes two columns, and the number of
// the marks that stand on it.
const (
	runeBits = 1<<21 - 1
	wide     = 1 << 21
	markBit  = 22
	// half is the second column of a wide character; no rune has this value.
	half = runeBits
)

// cell is one column of a row. The zero value was never written.
type cell struct {
	style style
	ch    uint32
}

func (c cell) wide() bool { return c.ch&wide != 0 }

// line is a row. What lies beyond its cells is blank.
type line struct {
	cells   []cell
	wrapped bool // it goes on in the next row
}

// reach makes sure that the cells below n exist.
func (l *line) reach(n int) {
	if have := len(l.cells); have < n {
		l.cells = slices.Grow(l.cells, n-have)[:n]
		clear(l.cells[have:])
	}
}

// cut takes apart the wide character whose second half is at x, which is about
// to be written over from one side. What is left of it looks like what is written.
func (l *line) cut(x int, with cell) {
	if x > 0 && x < len(l.cells) && l.cells[x].ch == half {
		l.cells[x-1], l.cells[x] = with, with
	}
}

// open prepares the cells from x to end for being written.
func (l *line) open(x, end int, with cell) []cell {
	l.cut(x, with)
	l.cut(end, with)
	l.reach(end)
	return l.cells[x:end]
}

// erase blanks the cells from x to end, which is at most cols.
func (l *line) erase(x, end int, blank cell, cols int) {
	if end >= cols {
		l.wrapped = false
		if blank == (cell{}) {
			l.cut(x, blank)
			l.cells = l.cells[:min(x, len(l.cells))]
			return
		}
	}
	if x < end {
		fill(l.open(x, end, blank), blank)
	}
}

func (l *line) clear(blank cell, cols int) { l.erase(0, cols, blank, cols) }

func fill(cells []cell, c cell) {
	for i := range cells {
		cells[i] = c
	}
}

// insert moves the cells from x on to the right by n.
func (l *line) insert(x, n int, blank cell, cols int) {
	n = min(n, cols-x)
	l.cut(x, blank)
	if x < len(l.cells) {
		l.reach(min(len(l.cells)+n, cols))
		copy(l.cells[x+n:], l.cells[x:])
		l.trim(cols, blank)
	}
	fill(l.open(x, x+n, blank), blank)
}

// trim blanks a wide character whose second half was pushed over the edge.
func (l *line) trim(cols int, blank cell) {
	if len(l.cells) == cols && l.cells[cols-1].wide() {
		l.cells[cols-1] = blank
	}
}

// remove takes n cells out at x; those to the right of them move up.
func (l *line) remove(x, n int, blank cell, cols int) {
	n = min(n, cols-x)
	l.wrapped = false
	l.cut(x, blank)
	l.cut(x+n, blank)
	if blank != (cell{}) {
		l.reach(cols)
	}
	if x >= len(l.cells) {
		return
	}
	kept := copy(l.cells[x:], l.cells[min(x+n, len(l.cells)):])
	end := x + kept
	if blank == (cell{}) {
		l.cells = l.cells[:end]
		return
	}
	fill(l.cells[end:], blank)
}

// used is how many of the cells are more than blanks of the terminal's own
// colour.
func (l *line) used() int {
	n := len(l.cells)
	for n > 0 && l.cells[n-1] == (cell{}) {
		n--
	}
	return n
}

// history holds the newest lines that have left the screen.
type history struct {
	lines []*line // a ring once it is full
	first int
	cells int
}

// push adds a line. It returns one that fell out and can be used again, or nil.
func (h *history) push(l *line) *line {
	h.cells += cap(l.cells)
	if len(h.lines) < historyLines {
		h.lines = append(h.lines, l)
		return h.shrink()
	}
	old := h.lines[h.first]
	h.lines[h.first] = l
	h.first = (h.first + 1) % len(h.lines)
	h.cells -= cap(old.cells)
	if h.cells > historyCells {
		h.lines, h.first = h.all(), 0
		h.shrink()
	}
	return old
}

// shrink drops lines until the rest is within the bound.
func (h *history) shrink() *line {
	if h.cells <= historyCells {
		return nil
	}
	// A quarter at once, so that this costs little for each line.
	n := 0
	for n < len(h.lines)-1 && h.cells > historyCells*3/4 {
		h.cells -= cap(h.lines[n].cells)
		n++
	}
	h.lines = slices.Delete(h.lines, 0, n)
	return nil
}

// all lists the lines, the oldest first.
func (h *history) all() []*line {
	return append(slices.Clone(h.lines[h.first:]), h.lines[:h.first]...)
}
