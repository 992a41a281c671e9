package golang_test

import (
	"strconv"
	"strings"
	"testing"
)

// TestCellsThatPass runs thousands of cells that declare nothing, and wants the
// kernel to be no larger for them, and all places to be right afterwards.
func TestCellsThatPass(t *testing.T) {
	t.Parallel()
	c := start(t)
	ok := func(code string) string {
		o := c.run(code)
		if o.status != "ok" {
			t.Fatalf("%s: %s %s", code, o.status, o.err.Traceback)
		}
		return o.result
	}
	turn := func(n int) {
		for i := range n {
			ok("n++\nn")
			switch i % 10 {
			case 1:
				if o := c.run(strings.Repeat("fmt.Println(1)\n", 100) + "x = "); o.err.Name != "SyntaxError" {
					t.Fatalf("%+v", o.err)
				}
			case 3:
				ok(`fmt.Sprintln(strings.Repeat("-", n % 10), max(n, 3))`)
			case 5:
				if o := c.run("n + undefined"); o.err.Name != "CompileError" {
					t.Fatalf("%+v", o.err)
				}
			case 7:
				if o := c.run("n / (n - n)"); o.err.Name != "runtime error" || !strings.Contains(o.err.Traceback, "n / (n - n)") {
					t.Fatalf("%+v", o.err)
				}
			}
		}
	}
	ok("n := 0\nfunc heap() uint64 {\n\truntime.GC()\n\tvar m runtime.MemStats\n\truntime.ReadMemStats(&m)\n\treturn m.HeapAlloc\n}")
	ok("func fail(m map[string]int) {\n\tm[\"x\"] = 1\n}")
	heap := func() int {
		n, err := strconv.Atoi(ok("heap()"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	turn(200)
	before := heap()
	const cells = 2000
	turn(cells)
	if grown := heap() - before; grown > 100<<10 {
		t.Errorf("%d bytes more after %d cells", grown, cells)
	}
	c.run("broken(")
	o := c.run("n = 1\nfail(nil)")
	for _, want := range []string{":2\n    fail(nil)", "in fail, cell[3]:2"} {
		if !strings.Contains(o.err.Traceback, want) {
			t.Errorf("no %q in %s", want, o.err.Traceback)
		}
	}
	ok("g := func() { fail(nil) }")
	if o := c.run("g()"); !strings.Contains(o.err.Traceback, ":1\n    g()\n") || !strings.Contains(o.err.Traceback, "in fail, cell[3]:2") {
		t.Error(o.err.Traceback)
	}
}
