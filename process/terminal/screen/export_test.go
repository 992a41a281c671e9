package screen

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Dump is everything that a screen is, to be compared.
type Dump struct {
	Rows, Alt, History []string
	Cursor, Saved      string
	MainSaved          string
	Region             [2]int
	Tabs               string
	Modes              string
	Strings            string
	OnAlt              bool
	Partial            string
}

// Dump describes the screen.
func (s *Screen) Dump() Dump {
	d := Dump{
		Rows: s.rowsOf(s.main.lines), Alt: nil, History: s.rowsOf(s.history.all()),
		Cursor: cursorText(s.cursor), Saved: cursorText(s.buf.saved), MainSaved: cursorText(s.main.saved),
		Region: [2]int{s.top, s.bottom}, OnAlt: s.buf == &s.alt, Partial: s.partial(),
	}
	if s.buf == &s.alt {
		d.Alt = s.rowsOf(s.alt.lines)
	}
	for x, t := range s.tabs {
		if t {
			d.Tabs += fmt.Sprint(x, " ")
		}
	}
	keys := func(k []int) string {
		if len(k) == 1 && k[0] == 0 {
			return "[]"
		}
		return fmt.Sprint(k)
	}
	d.Modes = fmt.Sprint(s.bits, s.mouse, s.mouseCode, s.shape, s.otherKeys, s.oddModes(true), s.oddModes(false), keys(s.main.keys))
	if d.OnAlt {
		d.Modes += keys(s.alt.keys)
	}
	d.Strings = s.strings.title + "|" + s.strings.dir + "|"
	for _, k := range slices.Sorted(maps.Keys(s.strings.colors)) {
		d.Strings += k + "=" + s.strings.colors[k] + " "
	}
	return d
}

func cursorText(c cursor) string {
	return fmt.Sprint(c.x, ",", c.y, " wrap ", c.wrapNext, " origin ", c.origin, " pen ", c.pen, " sets ", string(c.charsets[:]), c.shift)
}

// rowsOf writes rows with their styles. What is blank at the end of a row is
// left out: it may have been written or not.
func (s *Screen) rowsOf(lines []*line) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		var b strings.Builder
		n := len(l.cells)
		for n > 0 && l.cells[n-1].style == (style{}) && (l.cells[n-1].ch == 0 || l.cells[n-1].ch == ' ') {
			n--
		}
		var pen style
		for _, c := range l.cells[:n] {
			if c.style != pen {
				pen = c.style
				fmt.Fprint(&b, pen)
			}
			switch r := rune(c.ch & runeBits); {
			case c.ch == half:
				b.WriteString("…")
			case r == 0:
				b.WriteByte(' ')
			default:
				b.WriteString(string(r) + s.marks.text(c.ch>>markBit))
			}
		}
		out = append(out, b.String())
	}
	return out
}

// Picture is the screen as text, as the golden files have it.
func (s *Screen) Picture(after int) string {
	var b strings.Builder
	kind := "normal"
	if s.buf == &s.alt {
		kind = "alternate"
	}
	x := s.x
	if s.wrapNext {
		x++
	}
	fmt.Fprintf(&b, "after %d bytes: %s screen, cursor at %d,%d\n", after, kind, x, s.y)
	for _, l := range s.buf.lines {
		var row strings.Builder
		for _, c := range l.cells {
			switch r := rune(c.ch & runeBits); {
			case c.ch == half:
				row.WriteString("…")
			case r == 0:
				row.WriteByte(' ')
			default:
				row.WriteString(string(r) + s.marks.text(c.ch>>markBit))
			}
		}
		b.WriteString("|" + strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}
