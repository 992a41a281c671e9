package cell

import (
	"fmt"
	"go/token"
	"strings"
	"unicode/utf8"
)

// MaxCode is the longest cell that is looked at. The parser's tree takes some
// fifty times the room of its text.
const MaxCode = 16 << 20

// Compile checks a cell and writes it for the interpreter. What it declares is
// visible to later cells once the program is committed.
func (s *Session) Compile(code string) (*Program, *Error) {
	s.cells++
	name := fmt.Sprintf("cell[%d]", s.cells)
	if err := acceptable(name, code); err != nil {
		return nil, err
	}
	code = strings.ReplaceAll(code, "\r\n", "\n")
	s.enroll(name, code)
	d, err := newDraft(s.fset, name, code)
	if err != nil {
		s.forget(name, token.NoPos)
		return nil, err
	}
	p, err := s.translate(d)
	if err != nil {
		s.forget(name, d.file.FileStart)
		return nil, err
	}
	return p, nil
}

func (s *Session) translate(d *draft) (*Program, *Error) {
	c, err := s.check(d)
	if err != nil {
		return nil, err
	}
	return s.emit(c)
}

func acceptable(name, code string) *Error {
	fail := func(at int, msg string) *Error {
		line, col := place(code, at)
		return report("SyntaxError", name, code, []problem{{line, col, msg}})
	}
	if len(code) > MaxCode {
		return &Error{Name: "SyntaxError", Value: fmt.Sprintf("the cell has %d bytes; at most %d are taken", len(code), MaxCode)}
	}
	if i := strings.IndexByte(code, 0); i >= 0 {
		return fail(i, "the code has a NUL character")
	}
	if !utf8.ValidString(code) {
		for i, r := range code {
			if r == utf8.RuneError {
				if _, n := utf8.DecodeRuneInString(code[i:]); n == 1 {
					return fail(i, "the code is not valid UTF-8")
				}
			}
		}
	}
	return nil
}
