package screen

import (
	"bytes"
	"strings"
	"unicode"
)

// settings is what programs tell a terminal by OSC that it keeps.
type settings struct {
	title  string
	dir    string            // OSC 7, the shell's working directory
	colors map[string]string // by the number, or "4;N" of the palette
}

// maxColors is more than a palette of 256 and what stands beside it.
const maxColors = 300

// setting carries out an OSC.
func (s *Screen) setting(text []byte) {
	text = bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) { // could end the string when it is written again
			return -1
		}
		return r
	}, bytes.ToValidUTF8(text, nil))
	number, rest, _ := bytes.Cut(text, []byte{';'})
	switch n := string(number); n {
	case "0", "2":
		s.strings.title = string(rest)
	case "7":
		s.strings.dir = string(rest)
	case "4":
		for len(rest) > 0 {
			index, more, ok := bytes.Cut(rest, []byte{';'})
			spec, next, _ := bytes.Cut(more, []byte{';'})
			if !ok {
				return
			}
			s.strings.color("4;"+string(index), string(spec))
			rest = next
		}
	case "10", "11", "12", "17", "19":
		s.strings.color(n, string(rest))
	case "110", "111", "112", "117", "119":
		delete(s.strings.colors, n[1:])
	case "104":
		s.strings.resetPalette(string(rest))
	}
}

// color remembers a colour. A question is none.
func (t *settings) color(name, spec string) {
	if spec == "" || len(name)+len(spec) > 80 || strings.ContainsAny(spec, "?;") {
		return
	}
	if t.colors == nil {
		t.colors = make(map[string]string)
	}
	if _, known := t.colors[name]; known || len(t.colors) < maxColors {
		t.colors[name] = spec
	}
}

func (t *settings) resetPalette(which string) {
	for name := range t.colors {
		if index, ok := strings.CutPrefix(name, "4;"); ok && (which == "" || index == which) {
			delete(t.colors, name)
		}
	}
}
