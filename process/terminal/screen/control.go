package screen

// control carries out a control character.
func (s *Screen) control(b byte) {
	switch b {
	case '\b':
		s.moveBy(-1, 0)
	case '\t':
		s.tab(1)
	case '\n', '\v', '\f':
		s.index()
		if s.on(newline) {
			s.x = 0
		}
	case '\r':
		s.x, s.wrapNext = 0, false
	case 0x0e:
		s.shift = 1
	case 0x0f:
		s.shift = 0
	default: // the bell, and what has no meaning here
	}
}

// tab moves over n stops, back if n is negative.
func (s *Screen) tab(n int) {
	s.wrapNext = false
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for ; n > 0; n-- {
		x := s.x + step
		for x > 0 && x < s.cols-1 && !s.tabs[x] {
			x += step
		}
		s.x = min(max(x, 0), s.cols-1)
	}
}

// escapeFor carries out ESC and a letter.
func (s *Screen) escapeFor(b byte) {
	switch b {
	case '7':
		s.saveCursor()
	case '8':
		s.restoreCursor()
	case 'D':
		s.index()
	case 'E':
		s.index()
		s.x = 0
	case 'H':
		s.tabs[s.x] = true
	case 'M':
		s.reverseIndex()
	case '=':
		s.set(keypad, true)
	case '>':
		s.set(keypad, false)
	case 'c':
		s.reset()
	default: // queries, and what xterm-256color programs don't use
	}
}

// escapeWith carries out ESC with an intermediate byte.
func (s *Screen) escapeWith(inter, b byte) {
	switch inter {
	case '(':
		s.charsets[0] = b
	case ')':
		s.charsets[1] = b
	case '#':
		if b == '8' { // DECALN
			s.top, s.bottom, s.origin = 0, s.rows-1, false
			s.moveTo(0, 0)
			for _, l := range s.buf.lines {
				l.wrapped = false
				fill(l.open(0, s.cols, cell{}), cell{ch: 'E'})
			}
		}
	default:
	}
}

// dispatch carries out a CSI.
func (s *Screen) dispatch(b byte) {
	switch {
	case s.inter != 0:
		switch {
		case s.inter == ' ' && b == 'q':
			s.shape = s.param(0, 0)
		case s.inter == '!' && b == 'p':
			s.softReset()
		}
	case s.prefix != 0:
		s.dispatchPrivate(b)
	default:
		s.dispatchMove(b)
	}
}

func (s *Screen) dispatchPrivate(b byte) {
	switch {
	case s.prefix == '?' && (b == 'h' || b == 'l'):
		for i := range s.count {
			s.setPrivate(s.param(i, 0), b == 'h')
		}
	case s.prefix == '?' && b == 'J':
		s.eraseDisplay(s.param(0, 0))
	case s.prefix == '?' && b == 'K':
		s.eraseLine(s.param(0, 0))
	case s.prefix == '>' && b == 'm':
		if s.param(0, 0) == 4 {
			s.otherKeys = s.param(1, 0)
		}
	case b == 'u':
		s.kittyKeys()
	}
}

func (s *Screen) dispatchMove(b byte) {
	n := s.param(0, 1)
	switch b {
	case 'A':
		s.moveBy(0, -n)
	case 'B', 'e':
		s.moveBy(0, n)
	case 'C', 'a':
		s.moveBy(n, 0)
	case 'D':
		s.moveBy(-n, 0)
	case 'E':
		s.moveBy(-s.cols, n)
	case 'F':
		s.moveBy(-s.cols, -n)
	case 'G', '`':
		s.moveBy(n-1-s.x, 0)
	case 'd':
		s.moveTo(s.x, n-1)
	case 'H', 'f':
		s.moveTo(s.param(1, 1)-1, n-1)
	case 'I':
		s.tab(min(n, s.cols))
	case 'Z':
		s.tab(-min(n, s.cols))
	case 's':
		s.saveCursor()
	case 'u':
		s.restoreCursor()
	case 'r':
		s.region()
	default:
		s.dispatchEdit(b)
	}
}

func (s *Screen) dispatchEdit(b byte) {
	n := s.param(0, 1)
	switch b {
	case '@':
		if !s.wrapNext {
			s.line().insert(s.x, n, s.blank(), s.cols)
		}
	case 'P':
		if !s.wrapNext {
			s.line().remove(s.x, n, s.blank(), s.cols)
		}
	case 'X':
		if !s.wrapNext {
			s.line().erase(s.x, min(s.x+n, s.cols), s.blank(), s.cols)
		}
	case 'J':
		s.eraseDisplay(s.param(0, 0))
	case 'K':
		s.eraseLine(s.param(0, 0))
	case 'L', 'M':
		if s.y < s.top || s.y > s.bottom {
			return
		}
		s.x, s.wrapNext = 0, false
		if b == 'L' {
			s.scrollDown(s.y, n)
		} else {
			s.deleteLines(n)
		}
	case 'S':
		s.scrollUp(s.top, n)
	case 'T':
		s.scrollDown(s.top, n)
	case 'b':
		s.repeat(n)
	case 'g':
		switch s.param(0, 0) {
		case 0:
			s.tabs[s.x] = false
		case 3:
			clear(s.tabs)
		}
	case 'h', 'l':
		for i := range s.count {
			s.setANSI(s.param(i, 0), b == 'h')
		}
	case 'm':
		s.sgr()
	}
}

// deleteLines is DL: unlike scrolling, what goes is no history.
func (s *Screen) deleteLines(n int) {
	lines := s.buf.lines[s.y : s.bottom+1]
	for range min(n, len(lines)) {
		gone := lines[0]
		copy(lines, lines[1:])
		lines[len(lines)-1] = s.cleared(gone)
	}
}

// region is DECSTBM.
func (s *Screen) region() {
	top, bottom := s.param(0, 1)-1, s.param(1, s.rows)-1
	if s.param(1, 0) == 0 {
		bottom = s.rows - 1
	}
	bottom = min(bottom, s.rows-1)
	if top >= bottom {
		return
	}
	s.top, s.bottom = top, bottom
	s.moveTo(0, 0)
}

// eraseDisplay is ED.
func (s *Screen) eraseDisplay(what int) {
	from, to := 0, s.rows
	switch what {
	case 0:
		s.eraseLine(0)
		from = s.y + 1
	case 1:
		s.eraseLine(1)
		to = s.y
	case 2:
	case 3:
		s.history = history{}
		return
	default:
		return
	}
	for _, l := range s.buf.lines[from:max(from, to)] {
		l.clear(s.blank(), s.cols)
	}
}

// eraseLine is EL. When the last column was just written, the cursor stands
// behind it, as xterm.js and tmux have it: there is nothing to its right.
func (s *Screen) eraseLine(what int) {
	from, to := 0, s.cols
	switch what {
	case 0:
		from = s.x
		if s.wrapNext {
			return
		}
	case 1:
		to = s.x + 1
	case 2:
	default:
		return
	}
	s.line().erase(from, to, s.blank(), s.cols)
}
