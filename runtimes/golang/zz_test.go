package golang_test

import (
	"testing"
)

func TestZZ(t *testing.T) {
	for _, code := range []string{`type E struct{n int}
func (e E) Error() string { return "E!" }
func f() error { return E{3} }
err := f()
var e E
os.Setenv("HOTCELL_DEBUG", "1")
fmt.Println(errors.As(err, &e), e)
_, ok := err.(E)
var err2 error = E{4}
_, ok2 := err2.(E)

fmt.Println(ok, ok2)
func g() error { e := E{3}; return e }
_, ok3 := g().(E)
fmt.Println(ok3)
func h() error { var e error = E{3}; return e }
_, ok4 := h().(E)
fmt.Println(ok4)
`} {
		c := start(t)
		o := c.run(code)
		t.Logf("%s\n%s res=%s out=%s\nerr=%s\n%s %s\n%s", code, o.status, o.result, o.stdout, o.stderr, o.err.Name, o.err.Value, o.err.Traceback)
	}
}
