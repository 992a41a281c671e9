package screen

// sgr changes the pen.
func (s *Screen) sgr() {
	for i := 0; i < s.count; {
		i += s.sgrAt(i)
	}
}

// sgrAt takes the parameter at i with those that belong to it, and returns how
// many that were.
func (s *Screen) sgrAt(i int) int {
	subs := s.subCount(i)
	p, n := &s.pen, s.param(i, 0)
	switch {
	case n == 0:
		*p = style{}
	case n == 38, n == 48, n == 58:
		c, used := s.color(i, subs)
		switch n {
		case 38:
			p.fg = c
		case 48:
			p.bg = c
		default:
			p.ul = c
		}
		return used
	case n == 39:
		p.fg = 0
	case n == 49:
		p.bg = 0
	case n == 59:
		p.ul = 0
	case n >= 30 && n <= 37:
		p.fg = indexed | color(n-30)
	case n >= 40 && n <= 47:
		p.bg = indexed | color(n-40)
	case n >= 90 && n <= 97:
		p.fg = indexed | color(n-90+8)
	case n >= 100 && n <= 107:
		p.bg = indexed | color(n-100+8)
	case n == 4 && subs > 0:
		p.attr = p.attr&^underline | uint16(min(s.param(i+1, 0), 5))
	default:
		p.attribute(n)
	}
	return 1 + subs
}

func (p *style) attribute(n int) {
	switch n {
	case 4:
		p.attr = p.attr&^underline | 1
	case 21:
		p.attr = p.attr&^underline | 2
	case 22:
		p.attr &^= bold | faint
	case 24:
		p.attr &^= underline
	case 25:
		p.attr &^= blink
	default:
		if bit := attrOf(n); bit != 0 {
			p.attr |= bit
		} else {
			p.attr &^= attrOf(n - 20)
		}
		if n == 55 {
			p.attr &^= overline
		}
	}
}

// attrOf is the attribute that a number turns on; 20 more turns it off.
func attrOf(n int) uint16 {
	switch n {
	case 1:
		return bold
	case 2:
		return faint
	case 3:
		return italic
	case 5, 6:
		return blink
	case 7:
		return inverse
	case 8:
		return conceal
	case 9:
		return strike
	case 53:
		return overline
	default:
		return 0
	}
}

// subCount is how many parameters behind i hang on it by colons.
func (s *Screen) subCount(i int) int {
	n := 0
	for i+1+n < s.count && s.subs&(1<<(i+1+n)) != 0 {
		n++
	}
	return n
}

// color reads 5;N or 2;R;G;B behind i, written with semicolons, or with colons
// and perhaps a colour space. What makes no sense leaves the terminal's own.
func (s *Screen) color(i, subs int) (c color, used int) {
	kind := s.param(i+1, 0)
	need := map[int]int{5: 1, 2: 3}[kind]
	used = 2 + need
	at := i + 2
	if subs > 0 {
		used = 1 + subs
		if kind == 2 && subs >= 5 {
			at++ // over the colour space
		}
		if at+need > i+1+subs {
			return 0, used
		}
	}
	part := func(n int) color { return color(min(s.param(at+n, 0), 255)) }
	switch kind {
	case 5:
		return indexed | part(0), used
	case 2:
		return rgb | part(0)<<16 | part(1)<<8 | part(2), used
	default:
		return 0, used
	}
}
