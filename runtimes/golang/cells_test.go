package golang_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

// TestSessions runs cells one after the other in one kernel. Each line of want
// is what that cell gives: its result, or "! name: value" for an error.
func TestSessions(t *testing.T) {
	t.Parallel()
	cases := map[string][][2]string{
		"values": {
			{"1 + 1", "2"},
			{`"a" + "b"`, `"ab"`},
			{"x := 7", ""},
			{"x * 2.5", "! CompileError"},
			{"float64(x) * 2.5", "17.5"},
			{"[]int{1, 2}", "[]int{1, 2}"},
			{`map[string]int{"b": 2, "a": 1}`, `map[string]int{"a": 1, "b": 2}`},
			{"func() (int, error) { return 1, nil }()", "(1, nil)"},
			{"type P struct { X int; y string }\n&P{1, \"s\"}", `&main.P{X: 1, y: "s"}`},
			{"time.Duration(1500) * time.Millisecond", "1.5s"},
			{"[]any{1, nil, \"x\"}", `[]any{1, nil, "x"}`},
			{"var e error\ne", ""},
			{`errors.New("bad")`, "bad"},
			{"fmt.Println(1)", ""},
			{"x == 7", "true"},
			{"'a'", "97"},
			{"int", "! CompileError"},
			{"type Op int\nfunc (o Op) String() string { return [...]string{\"+\", \"-\"}[o] }\nOp(1)", "-"},
			{"[]Op{0, 1}", "[]main.Op{+, -}"},
			{"nil", "! "},
			{"", ""},
			{"// only a comment", ""},
		},
		"redeclaration": {
			{"x := 1\nf := func() int { return x }", ""},
			{"x := 2", ""},
			{"f()", "2"},
			{"x := \"now a string\"", ""},
			{"len(x)", "12"},
			{"f()", "2"},
			{"x := x + \"!\"\nx", `"now a string!"`},
			{"type T struct{ A int }\nold := T{1}", ""},
			{"type T struct{ B string }\nT{\"n\"}", `main.T{B: "n"}`},
			{"old.A", "1"},
			{"func g() int { return 1 }", ""},
			{"func g() string { return \"s\" }\ng()", `"s"`},
			{"a, err := 1, error(nil)\nb, err := 2, errors.New(\"e\")\na + b", "3"},
			{"err", "e"},
			{"var x int\nx", "0"},
		},
		"methods later": {
			{"type P struct{ Name string }\np := P{\"Ann\"}", ""},
			{"func (p P) Hello() string { return \"hi \" + p.Name }\np.Hello()", `"hi Ann"`},
			{"func (p *P) Rename(n string) *P { p.Name = n; return p }\np.Rename(\"Bob\").Hello()", `"hi Bob"`},
			{"func (p P) Hello() string { return \"bye \" + p.Name }\np.Hello()", `"bye Bob"`},
			{"type Greeter interface{ Hello() string }\nvar g Greeter = p\ng.Hello()", `"bye Bob"`},
			{"func (p P) String() string { return \"<\" + p.Name + \">\" }\nfmt.Sprint(p)", `"<Bob>"`},
			{"p", "<Bob>"},
		},
		"order in a cell": {
			{"fmt.Print()\nfunc twice(n int) int { return 2 * half(n) * factor }\nfactor := 3\nfunc half(n int) int { return n / 2 }\ntwice(4)", "12"},
			{"factor = 10\ntwice(4)", "40"},
			{"func even(n int) bool { if n == 0 { return true }; return odd(n - 1) }\nfunc odd(n int) bool { return n != 0 && even(n-1) }", ""},
			{"even(10), odd(3)", "! SyntaxError"},
			{"even(10) && odd(3)", "true"},
			{"if true { y := 1; _ = y }\ny", "! CompileError"},
			{"import \"strings\"\nimport m \"math\"\nstrings.ToUpper(\"a\") + fmt.Sprint(m.Sqrt(4))", `"A2"`},
			{"strings.Repeat(\"x\", 3)", `"xxx"`},
		},
		"generics over cells": {
			{"func Map[T, U any](s []T, f func(T) U) []U { var out []U; for _, v := range s { out = append(out, f(v)) }; return out }", ""},
			{"Map([]int{1, 2}, func(i int) string { return fmt.Sprint(i) })", `[]string{"1", "2"}`},
			{"type Stack[T any] struct{ items []T }\nfunc (s *Stack[T]) Push(v T) { s.items = append(s.items, v) }", ""},
			{"s := &Stack[string]{}\ns.Push(\"a\")\ns.items", `[]string{"a"}`},
			{"s.Push(\"b\")\nlen(s.items)", "2"},
			{"func (s *Stack[T]) Len() int { return len(s.items) }", "! Unsupported"},
		},
		"faults": {
			{"undefined1 + 1", "! CompileError: 1:1: undefined: undefined1"},
			{"x := ", "! SyntaxError"},
			{"panic(\"boom\")", "! panic: boom"},
			{"kept := 5\npanic(errors.New(\"e\"))", "! panic: e"},
			{"kept", "5"},
			{"var m map[string]int\nm[\"a\"] = 1", "! runtime error: assignment to entry in nil map"},
			{"var a []int\na[3]", "! runtime error: index out of range"},
			{"var p *struct{ X int }\np.X", "! runtime error: invalid memory address or nil pointer dereference"},
			{"z := 0\n1 / z", "! runtime error: integer divide by zero"},
			{"var q any = 1\nq.(string)", "! runtime error: interface conversion: interface is int, not string"},
			{"runtime.Goexit()", "! "},
			{"import \"github.com/x/y\"", "! CompileError: 1:1: package github.com/x/y is not available here"},
			{"type F func() F", "! Unsupported: 1:6: type F is a function type that contains itself"},
			{"a\x00b", "! SyntaxError: 1:2: the code has a NUL character"},
			{"a := 1\r\nb := a + 1\r\nb", "2"},
			{"kept", "5"},
		},
	}
	for name, cells := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			for _, x := range cells {
				o := c.run(x[0])
				got := o.result
				if o.status != "ok" {
					got = "! " + o.err.Name + ": " + o.err.Value
				}
				same := got == x[1] || strings.HasPrefix(x[1], "! ") && strings.HasPrefix(got, x[1])
				if !same {
					t.Errorf("%s\n got %s\nwant %s\n%s", x[0], got, x[1], o.err.Traceback)
				}
			}
		})
	}
}

func TestTraceback(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run("func div(a, b int) int {\n\treturn a / b\n}\nfunc outer() int { return div(1, 0) }\nx := 1\nouter()")
	want := "cell[1]:6\n    outer()\nin outer, cell[1]:4\nin div, cell[1]:2\nruntime error: integer divide by zero"
	if diff := cmp.Diff(want, o.err.Traceback); diff != "" {
		t.Error(diff)
	}
	o = c.run("x := 1\nfmt.Println(y)")
	if !strings.Contains(o.err.Traceback, "2:13: undefined: y\n    fmt.Println(y)\n                ^") {
		t.Errorf("%s", o.err.Traceback)
	}
}

func TestDeath(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		code, stderr string
		exit         int
	}{
		"os.Exit":              {`fmt.Println("last"); os.Exit(3)`, "", 3},
		"log.Fatal":            {`log.Fatal("fatal words")`, "fatal words", 1},
		"panic in a goroutine": {`go func() { panic("lost") }(); select {}`, "panic: lost", 2},
		"runtime error in one": {`go func() { var m map[int]int; m[1] = 1 }(); select {}`, "assignment to entry in nil map", 2},
		"kill":                 {`syscall.Kill(os.Getpid(), syscall.SIGKILL)`, "", 137},
		"endless recursion":    {"func f(n int) int { return f(n+1) + 1 }\nf(0)", "stack", 2},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			o := c.run(tc.code)
			if o.status != "died" {
				t.Fatalf("%s %+v", o.status, o.err)
			}
			if got := c.exit().Code; got != tc.exit {
				t.Errorf("exit %d, want %d", got, tc.exit)
			}
			if tc.stderr != "" {
				c.errs.contains(t, o.stderr, tc.stderr)
			}
		})
	}
}

// contains waits for the rest of a dead process's output.
func (c *collector) contains(t *testing.T, before, want string) {
	t.Helper()
	deadline := time.After(patience)
	for all := before; !strings.Contains(all, want); all += c.take() {
		select {
		case <-c.more:
		case <-deadline:
			t.Fatalf("stderr lacks %q: %q", want, all)
		}
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run(`fmt.Println("a"); println("e"); exec.Command("sh", "-c", "echo b; echo f >&2").Run(); os.Stdout.WriteString("c\n"); log.SetFlags(0); log.Println("l")
cmd := exec.Command("sh", "-c", "echo b; echo f >&2")
cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
cmd.Run()`)
	if o.stdout != "a\nc\nb\n" || o.stderr != "e\nl\nf\n" {
		t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
	}
	for _, breaking := range []string{"os.Stdout.Close()", "syscall.Close(1); syscall.Close(2); syscall.Close(0)", "os.Stdout = nil", "for fd := 0; fd < 100; fd++ { if fd > 2 && fd < 60 { continue }; syscall.Close(fd) }"} {
		c.run(breaking)
		if o := c.run("fmt.Println(\"still here\")"); o.stdout != "still here\n" {
			t.Errorf("after %s: %q, %+v", breaking, o.stdout, o.err)
		}
	}
	o = c.run("var s string\nn, err := fmt.Scanln(&s)\nfmt.Println(n, err)")
	if o.stdout != "0 EOF\n" && o.stdout != "0 unexpected newline\n" {
		t.Errorf("reading gave %q", o.stdout)
	}
	o = c.run("for i := range 20000 { fmt.Println(i) }")
	if n := strings.Count(o.stdout, "\n"); n != 20000 || !strings.HasSuffix(o.stdout, "19999\n") {
		t.Errorf("%d lines", n)
	}
}

func TestConfigureAndEnv(t *testing.T) {
	t.Parallel()
	c := start(t)
	dir := t.TempDir()
	if m := c.ask(wire.Request{Type: wire.ReqConfigure, Cwd: filepath.Join(dir, "no")}); m.Type != wire.MsgRefused || m.Value == "" {
		t.Errorf("%+v", m)
	}
	if m := c.ask(wire.Request{Type: wire.ReqConfigure, Cwd: dir, Env: map[string]string{"A": "1"}}); m.Type != wire.MsgReady {
		t.Errorf("%+v", m)
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: `b, _ := os.ReadFile("f"); string(b) + os.Getenv("A") + os.Getenv("B")`, Env: map[string]string{"A": "2", "B": "3"}})
	if o := c.finish(); o.result != `"x23"` {
		t.Errorf("%q %+v", o.result, o.err)
	}
	if o := c.run(`_, ok := os.LookupEnv("B"); os.Getenv("A") + fmt.Sprint(ok)`); o.result != `"1false"` {
		t.Errorf("%q", o.result)
	}
	c.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: "1", Env: map[string]string{"A=B": "2"}})
	if o := c.finish(); o.status != "error" {
		t.Errorf("%+v", o)
	}
}

func TestDisplay(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run(`import "hotcell/display"
display.HTML("<b>x</b>")
display.JSON(map[string]int{"a": 1})
display.PNG([]byte{1, 2})
display.Bundle(map[string]any{"text/plain": "t", "application/json": []int{1}})
display.Markdown("# m")`)
	var got []string
	for _, m := range o.display {
		for mime, raw := range m.Bundle {
			got = append(got, mime+" "+string(raw))
		}
	}
	if o.status != "ok" || len(o.display) != 5 || got[0] != `text/html "\u003cb\u003ex\u003c/b\u003e"` {
		t.Errorf("%s %v %+v", o.status, got, o.err)
	}
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.run("import \"strings\"\ntype Pt struct{ X, Yy int }\nfunc (p Pt) Norm() int { return p.X }\nmyPoint := Pt{1, 2}\nfunc helper(a int, b string) error { return nil }")
	complete := func(code string) []string {
		m := c.ask(wire.Request{Type: wire.ReqComplete, ID: "q", Code: code, Cursor: len([]rune(code))})
		var out []string
		for _, x := range m.Matches {
			out = append(out, x.Text)
		}
		return out
	}
	for code, want := range map[string][]string{
		"myP": {"myPoint"}, "é := myPoint.": {"Norm", "X", "Yy"}, "strings.ToU": {"ToUpper", "ToUpperSpecial"},
		"hel": {"helper"}, "strings.Nothing": nil, "1 + fal": {"fallthrough", "false"},
	} {
		if diff := cmp.Diff(want, complete(code)); diff != "" {
			t.Errorf("%s: %s", code, diff)
		}
	}
	m := c.ask(wire.Request{Type: wire.ReqInspect, ID: "q", Code: "helper(1)", Cursor: 3})
	if !m.Found || text(m) != "func helper(a int, b string) error" {
		t.Errorf("%+v %s", m, text(m))
	}
	if m := c.ask(wire.Request{Type: wire.ReqInspect, ID: "q", Code: "nothing", Cursor: 3}); m.Found {
		t.Errorf("%+v", m)
	}
	for code, want := range map[string]string{
		"x := 1": "complete", "if x {": "incomplete", "f(1,": "incomplete", "x := `a": "incomplete", "x +": "incomplete",
		"x := )": "invalid", "\"abc": "invalid", "": "complete", "func f() {\n\tif x {": "incomplete", "/* open": "incomplete",
	} {
		m := c.ask(wire.Request{Type: wire.ReqIsComplete, ID: "q", Code: code})
		if m.Status != want {
			t.Errorf("%q is %s, want %s", code, m.Status, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run("import \"os\"\nb, a := 1, 2\ntype T int\nfunc f() { local := 1; _ = local }\nconst k = 1\n_ = os.Args")
	if diff := cmp.Diff([]string{"T", "a", "b", "f", "k"}, o.names); diff != "" {
		t.Error(diff)
	}
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, "v%d := %d\n", i, i)
	}
	if o := c.run(many.String()); len(o.names) != 200 {
		t.Errorf("%d names", len(o.names))
	}
}

func TestBigCell(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run("s := \"" + strings.Repeat("x", 5<<20) + "\"\nlen(s)")
	if o.result != "5242880" {
		t.Errorf("%s %+v", o.status, o.err)
	}
}

func TestSecretsStay(t *testing.T) {
	t.Setenv("HOTCELL_API_KEY", "secret")
	c := start(t)
	if o := c.run(`os.Getenv("HOTCELL_API_KEY")`); o.result != `""` {
		t.Errorf("user code reads %s", o.result)
	}
}

func TestHugePanic(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run(`panic(strings.Repeat("x", 80<<20))`)
	if o.status != "error" || len(o.err.Value) > 300<<10 {
		t.Errorf("%s, %d bytes", o.status, len(o.err.Value))
	}
	if o := c.run("strings.Repeat(\"x\", 80<<20)"); o.status != "ok" {
		t.Errorf("%s %+v", o.status, o.err)
	}
}
