package screen

import (
	"maps"
	"slices"
)

// mode is a switch of the terminal's, one bit.
type mode uint16

const (
	cursorKeys   mode = 1 << iota // ?1
	reverseVideo                  // ?5
	autowrap                      // ?7
	visible                       // ?25
	keypad                        // ?66
	focus                         // ?1004
	paste                         // ?2004
	insertMode                    // 4
	newline                       // 20
)

// modes is what the terminal does with keys, mouse and text.
type modes struct {
	bits      mode
	mouse     int // the one mouse mode that is on, or 0
	mouseCode int // how its reports are written, or 0
	shape     int // of the cursor, as for DECSCUSR
	otherKeys int // modifyOtherKeys
	// odd holds those whose setting at the start depends on the terminal, as far
	// as the program has set them.
	odd map[int]bool
}

func defaultModes() modes { return modes{bits: autowrap | visible} }

func (m *modes) on(b mode) bool { return m.bits&b != 0 }

func (m *modes) set(b mode, on bool) {
	if on {
		m.bits |= b
	} else {
		m.bits &^= b
	}
}

// same compares all but odd.
func (m *modes) same(o modes) bool {
	return m.bits == o.bits && m.mouse == o.mouse && m.mouseCode == o.mouseCode && m.shape == o.shape && m.otherKeys == o.otherKeys
}

// private lists the DEC modes that are one bit.
func private(n int) mode {
	switch n {
	case 1:
		return cursorKeys
	case 5:
		return reverseVideo
	case 7:
		return autowrap
	case 25:
		return visible
	case 66:
		return keypad
	case 1004:
		return focus
	case 2004:
		return paste
	default:
		return 0
	}
}

// setPrivate is DECSET and DECRST.
func (s *Screen) setPrivate(n int, on bool) {
	switch n {
	case 6:
		s.origin = on
		s.moveTo(0, 0)
	case 9, 1000, 1002, 1003:
		s.mouse = n
		if !on {
			s.mouse = 0
		}
	case 1005, 1006, 1015, 1016:
		s.mouseCode = n
		if !on {
			s.mouseCode = 0
		}
	case 12, 1007, 1034, 1036, 1039, 2027, 2031, 2048:
		if s.odd == nil {
			s.odd = make(map[int]bool)
		}
		s.odd[n] = on
	case 47, 1047, 1048, 1049:
		s.switchScreen(n, on)
	default:
		s.set(private(n), on)
	}
}

// switchScreen shows the other screen, or comes back from it.
func (s *Screen) switchScreen(n int, on bool) {
	if on {
		if n >= 1048 {
			s.saveCursor()
		}
		if n != 1048 {
			s.show(&s.alt)
		}
		if n == 1049 {
			s.clearAll()
		}
		return
	}
	if n == 1047 && s.buf == &s.alt {
		s.clearAll()
	}
	if n != 1048 {
		s.show(&s.main)
	}
	if n >= 1048 {
		s.restoreCursor()
	}
}

func (s *Screen) clearAll() {
	for _, l := range s.buf.lines {
		l.clear(s.blank(), s.cols)
	}
}

// setANSI is SM and RM.
func (s *Screen) setANSI(n int, on bool) {
	switch n {
	case 4:
		s.set(insertMode, on)
	case 20:
		s.set(newline, on)
	}
}

// softReset is DECSTR.
func (s *Screen) softReset() {
	s.set(cursorKeys|keypad|insertMode, false)
	s.set(visible|autowrap, true)
	s.origin = false
	s.top, s.bottom = 0, s.rows-1
	s.pen, s.charsets, s.shift = style{}, home().charsets, 0
	s.buf.saved = home()
}

// maxKeys is how deep the kitty keyboard's stack goes; what lies deepest falls
// out, as the protocol says.
const maxKeys = 16

// kittyKeys is CSI = u, CSI > u and CSI < u.
func (s *Screen) kittyKeys() {
	keys := s.buf.keys
	if len(keys) == 0 {
		keys = []int{0}
	}
	flags := &keys[len(keys)-1]
	switch s.prefix {
	case '>':
		keys = append(keys, s.param(0, 0))
		if len(keys) > maxKeys {
			keys = slices.Delete(keys, 1, 2)
		}
	case '<':
		keys = keys[:max(len(keys)-s.param(0, 1), 1)]
	case '=':
		switch n := s.param(0, 0); s.param(1, 1) {
		case 1:
			*flags = n
		case 2:
			*flags |= n
		case 3:
			*flags &^= n
		}
	}
	s.buf.keys = keys
}

// oddModes lists the settings of odd, in order.
func (m *modes) oddModes(on bool) []int {
	var out []int
	for _, n := range slices.Sorted(maps.Keys(m.odd)) {
		if m.odd[n] == on {
			out = append(out, n)
		}
	}
	return out
}
