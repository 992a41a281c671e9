package screen

import (
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// ascii prints characters of which each takes one column and none is special.
func (s *Screen) ascii(p []byte) {
	if s.charsets[s.shift] == graphics || s.on(insertMode) {
		for _, b := range p {
			s.print(rune(b))
		}
		return
	}
	s.last = rune(p[len(p)-1])
	for len(p) > 0 {
		s.wrapIfDue()
		n := min(len(p), s.cols-s.x)
		dst := s.line().open(s.x, s.x+n, cell{style: s.pen})
		for i := range dst {
			dst[i] = cell{style: s.pen, ch: uint32(p[i])}
		}
		s.x += n
		p = p[n:]
		if s.x == s.cols {
			s.x--
			s.wrapNext = true
			if len(p) > 0 && !s.on(autowrap) { // the last column takes them all
				p = p[len(p)-1:]
				s.wrapNext = false
			}
		}
	}
}

// wrapIfDue begins the next row if the last column of this one was written.
func (s *Screen) wrapIfDue() {
	if !s.wrapNext {
		return
	}
	s.wrapNext = false
	if !s.on(autowrap) {
		return
	}
	s.line().wrapped = true
	s.x = 0
	s.index()
}

// print prints one character.
func (s *Screen) print(r rune) {
	if s.charsets[s.shift] == graphics {
		r = graphic(r)
	}
	width := s.widths.of(r)
	if width == 0 {
		s.mark(r)
		return
	}
	s.last = r
	s.wrapIfDue()
	if s.x+width > s.cols {
		if width > s.cols {
			return
		}
		if s.on(autowrap) {
			s.wrapNext = true
			s.wrapIfDue()
		} else {
			s.x = s.cols - width
		}
	}
	if s.on(insertMode) {
		s.line().insert(s.x, width, s.blank(), s.cols)
	}
	dst := s.line().open(s.x, s.x+width, cell{style: s.pen})
	dst[0] = cell{style: s.pen, ch: uint32(r)}
	if width == 2 {
		dst[0].ch |= wide
		dst[1] = cell{style: s.pen, ch: half}
	}
	s.x += width
	if s.x == s.cols {
		s.x--
		s.wrapNext = true
	}
}

// mark adds a character without a width to the one before it.
func (s *Screen) mark(r rune) {
	x := s.x
	if !s.wrapNext {
		x--
	}
	cells := s.line().cells
	if x > 0 && x < len(cells) && cells[x].ch == half {
		x--
	}
	if x < 0 || x >= len(cells) || cells[x].ch&runeBits == 0 {
		return
	}
	c := &cells[x]
	c.ch = c.ch&(1<<markBit-1) | s.marks.with(c.ch>>markBit, r)<<markBit
}

// repeat prints the last character again, as often as fills the screen at most.
func (s *Screen) repeat(n int) {
	if s.last == 0 {
		return
	}
	for range min(n, s.cols*s.rows) {
		s.print(s.last)
	}
}

// marks numbers the sequences of combining characters that are in use.
type marks struct {
	texts []string // number 1 is the first
	known map[string]uint32
}

const (
	maxMarks = 1<<(32-markBit) - 1
	// marksBytes is more than any script stacks on one letter.
	marksBytes = 16
)

// with is the number of the sequence of number id with r added. When there
// are no numbers left, or the sequence is too long, r is left out.
func (m *marks) with(id uint32, r rune) uint32 {
	text := m.text(id) + string(r)
	if n, ok := m.known[text]; ok {
		return n
	}
	if len(m.texts) == maxMarks || len(text) > marksBytes {
		return id
	}
	if m.known == nil {
		m.known = make(map[string]uint32)
	}
	m.texts = append(m.texts, text)
	m.known[text] = uint32(len(m.texts))
	return m.known[text]
}

func (m *marks) text(id uint32) string {
	if id == 0 {
		return ""
	}
	return m.texts[id-1]
}

// widths remembers how many columns characters take; finding out takes ten
// times as long.
type widths struct {
	known [512]struct {
		r     rune
		width int8
	}
	cond runewidth.Condition // as most terminals do: ambiguous ones are narrow
}

func (w *widths) of(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	k := &w.known[uint32(r)%uint32(len(w.known))]
	if k.r != r {
		k.r, k.width = r, int8(min(w.cond.RuneWidth(r), 2))
	}
	return int(k.width)
}

// graphics is the designation of the set of line-drawing characters.
const graphics = '0'

// graphic is a character of that set.
func graphic(r rune) rune {
	const first, set = '`', "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"
	if r < first || r > '~' {
		return r
	}
	i := r - first
	for _, g := range set {
		if i == 0 {
			return g
		}
		i--
	}
	return r
}
