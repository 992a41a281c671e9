package screen

import "unicode/utf8"

const (
	// maxParams is what xterm takes.
	maxParams = 32
	// maxParam bounds one number; nothing that is counted is larger.
	maxParam = 65535
	// maxString bounds what is kept of an OSC or DCS string: titles and colours
	// are shorter, and pictures are not kept.
	maxString = 4 << 10
)

// state is where in a sequence the parser is.
type state uint8

const (
	ground      state = iota
	escape            // ESC
	escapeInter       // ESC and an intermediate byte
	csi               // CSI, its parameters
	csiInter          // CSI and an intermediate byte
	csiIgnore         // a CSI that makes no sense, to its end
	osc               // OSC, its text
	oscEscape         // an ESC in it: its end, perhaps
	other             // DCS, SOS, PM or APC: nothing in them is ours
	otherEscape
)

// parser splits bytes into text, controls and sequences.
type parser struct {
	state  state
	seq    []byte // the sequence so far, for the one who comes into its middle
	long   bool   // it is longer than seq
	utf    []byte // the beginning of a character
	text   []byte // of an OSC
	params [maxParams]int
	subs   uint32 // which of them stand behind a colon
	count  int    // of params, the one that is being read included
	prefix byte   // < = > or ?
	inter  byte
}

// Write takes what the program has written. It never fails.
func (s *Screen) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if s.state != ground {
			s.step(p[0])
			p = p[1:]
			continue
		}
		if len(s.utf) == 0 {
			if run := asciiRun(p); run > 0 {
				s.ascii(p[:run])
				p = p[run:]
				continue
			}
		}
		if p[0] < utf8.RuneSelf {
			if len(s.utf) > 0 {
				s.invalid()
				continue
			}
			s.step(p[0])
			p = p[1:]
			continue
		}
		p = p[s.decode(p):]
	}
	return n, nil
}

// asciiRun is how many printable ASCII characters p begins with.
func asciiRun(p []byte) int {
	for i, b := range p {
		if b < ' ' || b > '~' {
			return i
		}
	}
	return len(p)
}

// decode prints the character that p begins with or goes on with, and returns
// how many bytes that took.
func (s *Screen) decode(p []byte) int {
	if len(s.utf) == 0 {
		if r, n := utf8.DecodeRune(p); r != utf8.RuneError || n > 1 {
			s.char(r)
			return n
		}
	}
	s.utf = append(s.utf, p[0])
	if !utf8.FullRune(s.utf) {
		return 1
	}
	r, n := utf8.DecodeRune(s.utf)
	if n == len(s.utf) && n > 1 {
		s.utf = s.utf[:0]
		s.char(r)
		return 1
	}
	// What was begun isn't a character; the last byte may begin another.
	if len(s.utf) > 1 {
		s.invalid()
		return 0
	}
	s.invalid()
	return 1
}

// invalid prints what stands for bytes that are no character.
func (s *Screen) invalid() {
	if len(s.utf) > 0 {
		s.utf = s.utf[:0]
		s.print(utf8.RuneError)
	}
}

func (s *Screen) char(r rune) {
	if r >= 0x80 && r < 0xa0 { // a C1 control is ESC and a letter
		s.step(0x1b)
		s.step(byte(r - 0x40))
		return
	}
	s.print(r)
}

// step takes one byte of a sequence, or a control character.
func (s *Screen) step(b byte) {
	switch {
	case s.state >= osc:
		s.stepString(b)
		return
	case b == 0x1b:
		s.begin(escape)
	case b == 0x18 || b == 0x1a: // CAN and SUB call a sequence off
		s.end(0)
		return
	case b < ' ':
		s.last = 0
		s.control(b)
		return
	case b == 0x7f:
		return
	}
	s.keep(b)
	switch s.state {
	case escape, escapeInter:
		s.stepEscape(b)
	case csi, csiInter, csiIgnore:
		s.stepCSI(b)
	default:
	}
}

func (s *Screen) begin(st state) {
	s.state, s.seq, s.long = st, s.seq[:0], false
	s.prefix, s.inter, s.count, s.subs = 0, 0, 1, 0
	s.params[0] = -1
}

// end is when a sequence is over. Only the character right before REP can be
// repeated.
func (s *Screen) end(b byte) {
	if b != 'b' {
		s.last = 0
	}
	s.state, s.seq, s.long = ground, s.seq[:0], false
}

// keep remembers a byte of the sequence.
func (s *Screen) keep(b byte) {
	if len(s.seq) < maxString {
		s.seq = append(s.seq, b)
	} else {
		s.long = true
	}
}

func (s *Screen) stepEscape(b byte) {
	if b == 0x1b {
		return
	}
	if b < '0' {
		s.state, s.inter = escapeInter, b
		return
	}
	if s.state == escapeInter {
		s.end(b)
		s.escapeWith(s.inter, b)
		return
	}
	switch b {
	case '[':
		s.state = csi
	case ']':
		s.state, s.text = osc, s.text[:0]
	case 'P', 'X', '^', '_':
		s.state = other
	default:
		s.end(b)
		s.escapeFor(b)
	}
}

func (s *Screen) stepCSI(b byte) {
	switch {
	case b >= '@':
		ignored := s.state == csiIgnore
		s.end(b)
		if !ignored {
			s.dispatch(b)
		}
	case s.state == csiIgnore:
	case b < '0':
		s.state, s.inter = csiInter, b
	case s.state == csiInter:
		s.state = csiIgnore
	case b <= '9':
		p := &s.params[s.count-1]
		*p = min(max(*p, 0)*10+int(b-'0'), maxParam)
	case b == ';' || b == ':':
		if s.count == maxParams {
			s.state = csiIgnore
			return
		}
		s.params[s.count] = -1
		if b == ':' {
			s.subs |= 1 << s.count
		}
		s.count++
	default: // < = > ?
		if s.count > 1 || s.params[0] >= 0 || s.prefix != 0 {
			s.state = csiIgnore
			return
		}
		s.prefix = b
	}
}

// stepString takes a byte of a string, which ST ends, or BEL if it is an OSC.
func (s *Screen) stepString(b byte) {
	switch {
	case s.state == oscEscape || s.state == otherEscape:
		if b == '\\' {
			s.endString()
			return
		}
		// Any other sequence calls the string off.
		s.begin(escape)
		s.keep(0x1b)
		s.step(b)
	case b == 0x1b:
		s.keep(b)
		s.state++
	case b == 0x18 || b == 0x1a:
		s.end(0)
	case s.state == osc && b == 0x07:
		s.endString()
	default:
		s.keep(b)
		if s.state == osc && b >= ' ' && len(s.text) < maxString {
			s.text = append(s.text, b)
		}
	}
}

func (s *Screen) endString() {
	whole := !s.long
	isOSC := s.state == osc || s.state == oscEscape
	s.end(0)
	if isOSC && whole {
		s.setting(s.text)
	}
}

// param is a number of a CSI, or what stands for one that is absent. 0 is
// absent where it makes no sense.
func (s *Screen) param(i, otherwise int) int {
	if i >= s.count || s.params[i] < 0 || (s.params[i] == 0 && otherwise == 1) {
		return otherwise
	}
	return s.params[i]
}
