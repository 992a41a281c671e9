// Package screen is a terminal without a display: it takes what a program
// writes to a terminal, keeps the screen that this makes, with the newest lines
// that have left it, and writes that screen down again as bytes that draw it on
// another terminal, which then goes on as if it had seen everything.
//
// It knows what xterm-256color programs use: both screens, scroll regions,
// colours and attributes, character sets, wide and combining characters, the
// modes of keyboard, mouse and paste. It answers no queries, since the terminal
// of somebody who watches does, and keeps no pictures and no links.
//
// The package owns nothing and has no goroutines. A [Screen] is for one
// goroutine at a time.
package screen

import "slices"

const (
	// MaxSide is the most columns or rows.
	MaxSide = 1000
	// historyLines and historyCells bound the lines that have left the screen:
	// what a person scrolls back through, in at most 2 MB.
	historyLines = 1000
	historyCells = 100_000
)

// Screen is a terminal's state. Make one with [New].
type Screen struct {
	cols, rows int
	main, alt  buffer
	buf        *buffer // the one that shows
	history    history

	cursor
	top, bottom int // of the scroll region, both inside it
	tabs        []bool
	last        rune // the last character printed, for its repetition

	modes
	strings settings
	marks   marks
	widths  widths
	parser
}

// buffer is one of the two screens.
type buffer struct {
	lines []*line // rows of them; nil in a screen that was never shown
	saved cursor  // by DECSC
	keys  []int   // the kitty keyboard's flags: what it was, what was pushed
}

// cursor is what DECSC saves.
type cursor struct {
	x, y     int
	wrapNext bool // the last column was written, the next character wraps
	origin   bool // rows count from the top of the scroll region
	pen      style
	charsets [2]byte // G0 and G1, as designated
	shift    int     // which of them is in use
}

// New returns an empty screen. The sizes are put between 1 and [MaxSide].
func New(cols, rows int) *Screen {
	s := &Screen{cols: side(cols), rows: side(rows)}
	s.reset()
	return s
}

func side(n int) int { return min(max(n, 1), MaxSide) }

// Size is how many columns and rows there are.
func (s *Screen) Size() (cols, rows int) { return s.cols, s.rows }

// reset is what RIS does.
func (s *Screen) reset() {
	s.main, s.alt = buffer{lines: newLines(s.rows), saved: home()}, buffer{saved: home()}
	s.buf = &s.main
	s.history = history{}
	s.cursor = home()
	s.top, s.bottom = 0, s.rows-1
	s.tabs = newTabs(nil, s.cols)
	s.last = 0
	s.modes = defaultModes()
	s.strings = settings{}
}

func home() cursor { return cursor{charsets: [2]byte{'B', 'B'}} }

func newLines(n int) []*line {
	lines := make([]*line, n)
	for i := range lines {
		lines[i] = &line{}
	}
	return lines
}

// newTabs keeps the stops that there are, and adds one every eight columns.
func newTabs(old []bool, cols int) []bool {
	tabs := slices.Clone(old[:min(len(old), cols)])
	for x := len(tabs); x < cols; x++ {
		tabs = append(tabs, x > 0 && x%8 == 0)
	}
	return tabs
}

// show makes one of the screens the visible one.
func (s *Screen) show(b *buffer) {
	if b.lines == nil {
		b.lines = newLines(s.rows)
	}
	s.buf = b
}

// line is the cell's row under the cursor.
func (s *Screen) line() *line { return s.buf.lines[s.y] }

// blank is a cell erased now: it takes the colour of the background.
func (s *Screen) blank() cell { return cell{style: style{bg: s.pen.bg}} }

// moveTo puts the cursor somewhere, within the screen or, with origin, within
// the scroll region.
func (s *Screen) moveTo(x, y int) {
	low, high := 0, s.rows-1
	if s.origin {
		low, high = s.top, s.bottom
		y += low
	}
	s.x, s.y = min(max(x, 0), s.cols-1), min(max(y, low), high)
	s.wrapNext = false
}

// moveBy moves the cursor up or down, not across the edge of the scroll region
// if it starts inside, and sideways.
func (s *Screen) moveBy(dx, dy int) {
	low, high := 0, s.rows-1
	if s.y >= s.top && dy < 0 {
		low = s.top
	}
	if s.y <= s.bottom && dy > 0 {
		high = s.bottom
	}
	s.x, s.y = min(max(s.x+dx, 0), s.cols-1), min(max(s.y+dy, low), high)
	s.wrapNext = false
}

// index moves down a line, and scrolls at the bottom of the region.
func (s *Screen) index() {
	s.wrapNext = false
	switch s.y {
	case s.bottom:
		s.scrollUp(s.top, 1)
	case s.rows - 1:
	default:
		s.y++
	}
}

// reverseIndex moves up a line, and scrolls at the top of the region.
func (s *Screen) reverseIndex() {
	s.wrapNext = false
	switch s.y {
	case s.top:
		s.scrollDown(s.top, 1)
	case 0:
	default:
		s.y--
	}
}

// scrollUp moves the lines from top to the region's bottom up. What leaves the
// top of the main screen is history.
func (s *Screen) scrollUp(top, n int) {
	lines := s.buf.lines[top : s.bottom+1]
	for range min(n, len(lines)) {
		gone := lines[0]
		if top == 0 && s.buf == &s.main {
			gone = s.history.push(gone)
		}
		copy(lines, lines[1:])
		lines[len(lines)-1] = s.cleared(gone)
	}
}

// scrollDown moves the lines from top to the region's bottom down.
func (s *Screen) scrollDown(top, n int) {
	lines := s.buf.lines[top : s.bottom+1]
	for range min(n, len(lines)) {
		gone := lines[len(lines)-1]
		copy(lines[1:], lines)
		lines[0] = s.cleared(gone)
	}
}

// cleared is a line for new content, made of one that is not needed any more.
func (s *Screen) cleared(l *line) *line {
	if l == nil {
		l = &line{}
	}
	l.clear(s.blank(), s.cols)
	return l
}

// saveCursor is DECSC.
func (s *Screen) saveCursor() { s.buf.saved = s.cursor }

// restoreCursor is DECRC.
func (s *Screen) restoreCursor() {
	s.cursor = s.buf.saved
	s.x, s.y = min(s.x, s.cols-1), min(s.y, s.rows-1)
}
