package cell

import (
	"go/token"
	"strings"
)

// passes reports whether a cell that is written out leaves nothing behind: no
// name, and no function that could be called once it has ended. It takes the
// word for the thing, in a text for example; what is kept then is only memory.
func (e *emitter) passes() bool {
	left := len(e.names) + len(e.global) + len(e.insts) + len(e.methods)
	return left == 0 && strings.Count(e.decls.String(), "func") <= 1
}

// Forget lets go of what is known about a cell that has ended, if nothing of it
// can ever run or be named again: its text, and the places in it. Without that,
// each of a million cells would cost memory for good.
func (s *Session) Forget(p *Program) {
	if p.Passing {
		s.forget(p.Name, p.pos)
	}
}

// forget is for the newest cell.
func (s *Session) forget(name string, pos token.Pos) {
	if file := s.fset.File(pos); pos.IsValid() && file != nil {
		s.fset.RemoveFile(file)
	}
	s.lines = s.bases[name]
	s.order = s.order[:len(s.order)-1]
	delete(s.sources, name)
	delete(s.bases, name)
}
