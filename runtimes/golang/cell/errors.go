package cell

import (
	"errors"
	"fmt"
	"go/scanner"
	"go/token"
	"strings"
)

// Error is a fault in the user's code, found before it ran.
type Error struct {
	Name      string // SyntaxError, CompileError, Unsupported
	Value     string
	Traceback string
}

func (e *Error) Error() string { return e.Name + ": " + e.Value }

// problem is one fault with its place in the cell.
type problem struct {
	line, col int
	msg       string
}

// report makes an error of faults: each with its place, its line and a caret.
// More than ten say nothing new.
func report(name, cellName, code string, list []problem) *Error {
	var b strings.Builder
	lines := strings.Split(code, "\n")
	for i, p := range list {
		if i == 10 {
			fmt.Fprintf(&b, "and %d more\n", len(list)-i)
			break
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s\n", cellName, p.line, p.col, p.msg)
		if p.line >= 1 && p.line <= len(lines) {
			b.WriteString(caret(lines[p.line-1], p.col))
		}
	}
	value := list[0].msg
	if list[0].line > 0 {
		value = fmt.Sprintf("%d:%d: %s", list[0].line, list[0].col, list[0].msg)
	}
	return &Error{Name: name, Value: value, Traceback: strings.TrimRight(b.String(), "\n")}
}

// caret shows a source line with a mark under a byte column. A very long line
// is cut around it.
func caret(line string, col int) string {
	const around = 100
	line = strings.TrimRight(line, "\r")
	at := min(max(col-1, 0), len(line))
	from := 0
	if at > around {
		from = at - around
	}
	to := min(len(line), at+around)
	shown := strings.ToValidUTF8(line[from:to], "\uFFFD")
	lead := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(line[from:at], "\uFFFD"))
	return "    " + shown + "\n    " + lead + "^\n"
}

// problemsOf lists what the parser had to say.
func problemsOf(err error) []problem {
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		return []problem{{msg: err.Error()}}
	}
	var out []problem
	for _, e := range list {
		out = append(out, problem{e.Pos.Line, e.Pos.Column, e.Msg})
	}
	return out
}

func problemAt(pos token.Position, msg string) problem {
	return problem{pos.Line, pos.Column, msg}
}

// Unsupported is raised, as a panic, by the emitter for what the interpreter
// cannot do; Compile turns it into an [Error].
type unsupported struct {
	pos token.Pos
	msg string
}
