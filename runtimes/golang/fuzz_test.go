package golang_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"hotcell/runtimes/golang/cell"
	"hotcell/runtimes/golang/std"
)

// FuzzCompile gives the rewriter anything. It may refuse, with a message; what
// it accepts has to be Go.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob("testdata/programs/*.go.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
		f.Add(asCell(string(raw)))
	}
	for _, s := range []string{"x := 1; x", "func (", "type T[P any] struct{ n *T[T[P]] }; var v T[int]", "goto x", "L: break L", "{", "import (", "var a, b = f()", "for i := range x {", "x, y := 1", "a.b.c", "func f[T any](t T) { f[[]T](nil) }; f(1)", "break", "return", "const x = x", "/*line :0:0*/x", "func init() {}", "func main() {}", "package p", "_ = 1", "_", "type _ int", "defer recover()", "x.(type)", "...", "if x := 1; {}"} {
		f.Add(s)
	}
	lib := std.New(nil)
	f.Fuzz(func(t *testing.T, code string) {
		s := cell.NewSession(lib)
		prog, fail := s.Compile(code)
		if fail != nil {
			if fail.Value == "" {
				t.Errorf("refused without a word: %+v", fail)
			}
			return
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", prog.Source, 0); err != nil {
			t.Errorf("%q became invalid: %v\n%s", code, err, prog.Source)
		}
		prog.Commit()
		s.Complete(code, len(code)/2)
		s.Describe(code, len(code)/2)
	})
}
