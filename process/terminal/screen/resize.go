package screen

// Resize changes the size. Lines of the main screen that were wrapped are
// wrapped anew; those of the other screen are cut, since the program there draws
// everything again.
func (s *Screen) Resize(cols, rows int) {
	cols, rows = side(cols), side(rows)
	if cols == s.cols && rows == s.rows {
		return
	}
	onMain := s.buf == &s.main
	text := s.main.saved
	if onMain {
		text = s.cursor
	}
	text = s.refit(text, cols, rows)
	if s.alt.lines != nil {
		s.alt.lines = crop(s.alt.lines, cols, rows)
	}
	s.cols, s.rows, s.last = cols, rows, 0
	s.tabs = newTabs(s.tabs, cols)
	s.top, s.bottom = 0, rows-1
	if onMain {
		s.cursor = text
	} else {
		s.main.saved = text
	}
	for _, c := range []*cursor{&s.cursor, &s.main.saved, &s.alt.saved} {
		c.wrapNext = c.wrapNext && c.x == cols-1
		c.x, c.y = min(c.x, cols-1), min(c.y, rows-1)
	}
}

func crop(lines []*line, cols, rows int) []*line {
	for len(lines) < rows {
		lines = append(lines, &line{})
	}
	lines = lines[:rows]
	for _, l := range lines {
		l.crop(cols)
	}
	return lines
}

func (l *line) crop(cols int) {
	if len(l.cells) > cols {
		l.cut(cols, cell{ch: ' '})
		l.cells = l.cells[:cols]
	}
	l.wrapped = false
}

// refit puts the main screen and its history into another size. It returns
// where the cursor has come to.
func (s *Screen) refit(c cursor, cols, rows int) cursor {
	lines := s.history.all()
	top := len(lines)
	lines = append(lines, s.main.lines...)
	at := place{row: top + c.y, col: c.x}
	if cols != s.cols {
		if c.wrapNext {
			at.col++
		}
		lines, top, at = rewrap(lines, top, at, cols)
		c.wrapNext = false
	}
	// Rows that are too many go: first blank ones below the cursor.
	for len(lines)-top > rows && len(lines)-1 > at.row && lines[len(lines)-1].used() == 0 {
		lines = lines[:len(lines)-1]
	}
	if over := len(lines) - top - rows; over > 0 {
		top += over
	} else if at.row == len(lines)-1 { // at the bottom: room is filled from above
		top = max(top+over, 0)
	}
	if at.row < top { // the cursor stays on the screen
		top = at.row
		lines = lines[:min(len(lines), top+rows)]
	}
	for len(lines)-top < rows {
		lines = append(lines, &line{})
	}
	s.history = history{}
	for _, l := range lines[:top] {
		s.history.push(l)
	}
	s.main.lines = append([]*line(nil), lines[top:]...)
	c.x, c.y = min(at.col, cols-1), at.row-top
	return c
}

// place is a cell in a list of lines.
type place struct{ row, col int }

// rewrap breaks lines anew at another width. top and at move along.
func rewrap(lines []*line, top int, at place, cols int) (out []*line, newTop int, newAt place) {
	for i := 0; i < len(lines); {
		var whole []cell
		first, topAt, cursorAt := len(out), -1, -1
		for more := true; more; i++ {
			l := lines[i]
			if i == top {
				topAt = len(whole)
			}
			if i == at.row {
				cursorAt = len(whole) + at.col
			}
			whole = append(whole, l.cells[:l.used()]...)
			more = l.wrapped && i+1 < len(lines)
		}
		var starts []int
		out, starts = wrapInto(out, whole, cols)
		for n, start := range starts {
			if topAt >= start {
				newTop = first + n
			}
			if cursorAt >= start {
				newAt = place{first + n, min(cursorAt-start, cols-1)}
			}
		}
	}
	return out, newTop, newAt
}

// wrapInto appends a line as rows of cols, and says where in the line each row
// starts.
func wrapInto(out []*line, whole []cell, cols int) (_ []*line, starts []int) {
	for at := 0; ; {
		end := min(at+cols, len(whole))
		if end < len(whole) && end > at+1 && whole[end].ch == half {
			end-- // a wide character isn't divided
		}
		row := &line{cells: append([]cell(nil), whole[at:end]...), wrapped: end < len(whole)}
		for i := range row.cells { // unless it has no room in a whole row
			if c := &row.cells[i]; cols == 1 && (c.wide() || c.ch == half) {
				c.ch = ' '
			}
		}
		starts = append(starts, at)
		out = append(out, row)
		if !row.wrapped {
			return out, starts
		}
		at = end
	}
}
