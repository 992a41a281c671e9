package screen

import (
	"maps"
	"slices"
	"strconv"
)

// Parts of what puts a terminal that may have served another program into the
// state of a fresh one. None clears anything or asks for an answer.
const (
	toMain = "\x1b[?1049l" // which also moves the cursor
	soften = "\x1b[!p"
	// calm ends with what moves the cursor to the top.
	calm = "\x1b[?1;5;6;9;66;1000;1002;1003;1004;1005;1006;1015;1016;2004;2026l\x1b>\x1b[?7;25h\x1b[4;20l" +
		"\x1b[>4;0m\x1b[=0u\x1b[0 q" + plain + "\x1b[r"
	plain = "\x1b(B\x1b)B\x0f\x1b[m"
)

// Replay returns what draws the screen on another terminal of this size, with
// the lines that have left it above, and leaves that terminal as the program's
// next byte expects it. There is nothing in it that a terminal answers.
func (s *Screen) Replay() []byte {
	w := &writer{marks: &s.marks, charsets: home().charsets}
	w.text(toMain + soften + calm + "\x1b[H\x1b[J")
	w.history(s)
	w.screen(s, &s.main)
	if s.buf == &s.alt {
		w.keys(s.main.keys)
		w.cursor(&s.main, s.main.saved, 0)
		w.text("\x1b[?1049h")
		w.style(style{})
		w.text("\x1b[H\x1b[J") // it was cleared in the pen's colour
		w.screen(s, &s.alt)
	}
	w.keys(s.buf.keys)
	w.tabs(s)
	if s.buf.saved != home() {
		w.cursor(s.buf, s.buf.saved, 0)
		w.text("\x1b7")
	}
	if s.top != 0 || s.bottom != s.rows-1 {
		w.csi("", []int{s.top + 1, s.bottom + 1}, "r")
	}
	w.settings(&s.strings)
	w.modes(s)
	w.cursor(s.buf, s.cursor, s.top)
	w.last(s)
	w.text(s.partial())
	return w.out
}

// Leave returns what puts a terminal that has shown this screen back in order
// for the next program, or nothing if it is in order. On the main screen the
// cursor stays where it is.
func (s *Screen) Leave() []byte {
	fresh := New(s.cols, s.rows)
	m := s.modes
	m.odd = nil
	inOrder := s.buf == &s.main && s.state == ground && m.same(fresh.modes) && len(s.main.keys) < 2 &&
		s.pen == style{} && s.charsets == fresh.charsets && s.shift == 0 && !s.origin && s.top == 0 && s.bottom == s.rows-1
	if inOrder {
		return nil
	}
	w := &writer{}
	if s.state >= osc {
		w.text("\x1b\\")
	}
	at := s.cursor
	if s.buf == &s.alt {
		w.popKeys(s.alt.keys)
		w.text(toMain)
		at = s.main.saved
	}
	w.popKeys(s.main.keys)
	w.text(calm)
	w.csi("", []int{at.y + 1, at.x + 1}, "H")
	return w.out
}

func (w *writer) popKeys(keys []int) {
	if n := len(keys) - 1; n > 0 {
		w.csi("<", []int{n}, "u")
	}
}

// partial is the sequence or character that the program is in the middle of.
func (s *Screen) partial() string {
	switch {
	case !s.long:
		return string(s.utf) + string(s.seq)
	// The rest of a string that was too long to keep goes where it does no harm.
	case s.state == osc:
		return "\x1b]7777;"
	case s.state == oscEscape:
		return "\x1b]7777;\x1b"
	case s.state == otherEscape:
		return "\x1b_hotcell;\x1b"
	case s.state == other:
		return "\x1b_hotcell;"
	default:
		return "\x1b[0<" // a CSI without an end, which makes no sense
	}
}

// writer draws a screen.
type writer struct {
	out      []byte
	pen      style
	charsets [2]byte
	shift    int
	marks    *marks
}

func (w *writer) text(s string) { w.out = append(w.out, s...) }

func (w *writer) csi(prefix string, params []int, end string) {
	w.text("\x1b[" + prefix)
	for i, p := range params {
		if i > 0 {
			w.out = append(w.out, ';')
		}
		w.out = strconv.AppendInt(w.out, int64(p), 10)
	}
	w.text(end)
}

// history prints the lines above the screen, and pushes them out of it, so that
// what is drawn next has its place whatever the size of the terminal is.
func (w *writer) history(s *Screen) {
	lines := s.history.all()
	if len(lines) == 0 {
		return
	}
	for i, l := range lines {
		next := s.main.lines[0]
		if i+1 < len(lines) {
			next = lines[i+1]
		}
		w.row(l, s.cols)
		if !flows(l, next, s.cols) || i+1 == len(lines) {
			w.style(style{}) // or the row that comes in has its colour
			w.text("\r\n")
		}
	}
	for range s.rows - 1 {
		w.text("\r\n")
	}
	w.text("\x1b[H\x1b[J")
}

// screen prints the rows of a screen that is blank.
func (w *writer) screen(s *Screen, b *buffer) {
	w.charset(home())
	last := len(b.lines) - 1
	for last >= 0 && b.lines[last].used() == 0 {
		last--
	}
	for i, l := range b.lines[:last+1] {
		w.row(l, s.cols)
		if i < last && !flows(l, b.lines[i+1], s.cols) {
			w.text("\r\n")
		}
	}
	w.style(style{})
}

// flows reports whether the next row begins by itself when a row is full, so
// that the terminal knows them to be one line. A row that comes in takes the
// colour of what begins it, which must be the terminal's own.
func flows(l, next *line, cols int) bool {
	if !l.wrapped || next.used() == 0 || next.cells[0].ch == 0 || next.cells[0].style.bg != 0 {
		return false
	}
	n := l.used()
	return n == cols || (n == cols-1 && next.cells[0].wide())
}

func (w *writer) row(l *line, cols int) {
	for _, c := range l.cells[:min(l.used(), cols)] {
		w.cell(c)
	}
}

func (w *writer) cell(c cell) {
	if c.ch == half {
		return
	}
	w.style(c.style)
	r := rune(c.ch & runeBits)
	if r == 0 {
		r = ' '
	}
	w.text(string(r))
	w.text(w.marks.text(c.ch >> markBit))
}

// style changes the pen, if it must.
func (w *writer) style(t style) {
	if t == w.pen {
		return
	}
	w.pen = t
	w.text("\x1b[")
	if t != (style{}) {
		w.out = append(w.out, '0')
	}
	for _, a := range []struct {
		bit  uint16
		code string
	}{{bold, ";1"}, {faint, ";2"}, {italic, ";3"}, {blink, ";5"}, {inverse, ";7"}, {conceal, ";8"}, {strike, ";9"}, {overline, ";53"}} {
		if t.attr&a.bit != 0 {
			w.text(a.code)
		}
	}
	switch u := t.attr & underline; u {
	case 0:
	case 1:
		w.text(";4")
	default:
		w.text(";4:" + strconv.Itoa(int(u)))
	}
	w.color(t.fg, 30)
	w.color(t.bg, 40)
	w.color(t.ul, 50)
	w.out = append(w.out, 'm')
}

func (w *writer) color(c color, base int) {
	n := int(c & 0xff)
	switch {
	case c == 0:
		return
	case c&rgb != 0:
		w.text(";" + strconv.Itoa(base+8) + ";2;" + strconv.Itoa(int(c>>16&0xff)) + ";" + strconv.Itoa(int(c>>8&0xff)) + ";" + strconv.Itoa(n))
	case base == 50 || n > 15:
		w.text(";" + strconv.Itoa(base+8) + ";5;" + strconv.Itoa(n))
	case n > 7:
		w.text(";" + strconv.Itoa(base+60+n-8))
	default:
		w.text(";" + strconv.Itoa(base+n))
	}
}

// cursor puts the cursor in place, with all that belongs to it. top is where
// the terminal's scroll region begins.
func (w *writer) cursor(b *buffer, c cursor, top int) {
	x, y := c.x, c.y
	if c.origin {
		w.text("\x1b[?6h")
		y = max(y-top, 0)
	} else {
		w.text("\x1b[?6l")
	}
	under := cell{ch: ' '}
	if cells := b.lines[c.y].cells; x < len(cells) {
		if cells[x].ch == half && x > 0 {
			x--
		}
		under = cells[x]
	}
	if !c.wrapNext {
		x = c.x
	}
	w.csi("", []int{y + 1, x + 1}, "H")
	if c.wrapNext { // the terminal comes to this only by printing
		w.charset(home())
		w.cell(under)
	}
	if c.wrapNext && under.style == c.pen && c.charsets == home().charsets && c.shift == 0 {
		return // and the character can be repeated
	}
	w.style(c.pen)
	w.charset(c)
}

// last prints the character before the cursor once more if it is what REP, which
// may be half here already, repeats. Nothing but text has come since, so it
// looks as the pen does.
func (w *writer) last(s *Screen) {
	x, cells := s.x-1, s.line().cells
	if s.last == 0 || s.wrapNext || x < 0 || x >= len(cells) {
		return
	}
	back, width := 1, 1
	if cells[x].ch == half && x > 0 {
		x, back, width = x-1, 2, 2
	}
	w.csi("", []int{back}, "D")
	if s.on(insertMode) {
		w.csi("", []int{width}, "P")
	}
	w.cell(cells[x])
}

// charset designates what the cursor has designated.
func (w *writer) charset(c cursor) {
	for i, set := range c.charsets {
		if set != w.charsets[i] {
			w.out = append(w.out, 0x1b, "()"[i], set)
		}
	}
	if c.shift != w.shift {
		w.out = append(w.out, 0x0f-byte(c.shift)) // SI or SO
	}
	w.charsets, w.shift = c.charsets, c.shift
}

func (w *writer) tabs(s *Screen) {
	if slices.Equal(s.tabs, newTabs(nil, s.cols)) {
		return
	}
	w.text("\x1b[3g")
	for x, stop := range s.tabs {
		if stop {
			w.csi("", []int{1, x + 1}, "H\x1bH")
		}
	}
}

func (w *writer) keys(keys []int) {
	for i, flags := range keys {
		if i > 0 {
			w.csi(">", []int{flags}, "u")
		} else if flags != 0 {
			w.csi("=", []int{flags, 1}, "u")
		}
	}
}

func (w *writer) settings(t *settings) {
	for _, name := range slices.Sorted(maps.Keys(t.colors)) {
		w.text("\x1b]" + name + ";" + t.colors[name] + "\a")
	}
	if t.dir != "" {
		w.text("\x1b]7;" + t.dir + "\a")
	}
	if t.title != "" {
		w.text("\x1b]2;" + t.title + "\a")
	}
}

// modes sets what differs from a calm terminal.
func (w *writer) modes(s *Screen) {
	var on, off []int
	for _, n := range []int{1, 5, 7, 25, 1004, 2004} {
		if b := private(n); s.on(b) != (b&(autowrap|visible) != 0) {
			if s.on(b) {
				on = append(on, n)
			} else {
				off = append(off, n)
			}
		}
	}
	for _, n := range []int{s.mouse, s.mouseCode} {
		if n != 0 {
			on = append(on, n)
		}
	}
	on, off = append(on, s.oddModes(true)...), append(off, s.oddModes(false)...)
	if len(on) > 0 {
		w.csi("?", on, "h")
	}
	if len(off) > 0 {
		w.csi("?", off, "l")
	}
	if s.on(keypad) {
		w.text("\x1b=")
	}
	if s.on(insertMode) {
		w.text("\x1b[4h")
	}
	if s.on(newline) {
		w.text("\x1b[20h")
	}
	if s.shape != 0 {
		w.csi("", []int{s.shape}, " q")
	}
	if s.otherKeys != 0 {
		w.csi(">", []int{4, s.otherKeys}, "m")
	}
}
