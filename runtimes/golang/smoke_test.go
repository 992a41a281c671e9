package golang_test

import "testing"

func TestSmoke(t *testing.T) {
	c := start(t)
	for _, code := range []string{"1+1", "x := 1\nx += 2\nx", "import \"fmt\"\nfor i := range 3 { fmt.Println(i) }\ntype P struct{N string}\nfunc (p P) String() string { return \"P:\"+p.N }\nP{\"a\"}", "slices.Sorted(maps.Keys(map[string]int{\"b\":1,\"a\":2}))", "min(x, 2)", "undefinedThing(3)", "var m map[string]int; m[\"a\"]=1", "x := \"s\"; x"} {
		o := c.run(code)
		t.Logf("%s\n => %s res=%q out=%q errs=%q err=%+v names=%v %v", code, o.status, o.result, o.stdout, o.stderr, o.err, o.names, o.took)
	}
}
