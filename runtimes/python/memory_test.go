package python_test

import (
	"strconv"
	"strings"
	"testing"

	"hotcell/internal/wire"
)

// TestManyCells runs thousands of cells that define nothing among a few that do:
// the lines of those are there to the end, and the kernel is no larger for the others.
func TestManyCells(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("n = 0\ndef fail(d):\n    return d['missing']  # here")
	k.ok("class Kind:\n    size = 1")
	k.ok("import gc, inspect, linecache, sys")
	k.ok("def blocks(): gc.collect(); return sys.getallocatedblocks()")
	for range 300 {
		k.ok("n += 1\nn")
	}
	before := number(t, k.ok("blocks()").result())
	const cells = 2000
	for range cells {
		k.ok("n += 1\nn")
	}
	// The text in In is one for each.
	if grown := number(t, k.ok("blocks()").result()) - before; grown > cells*3/2 {
		t.Errorf("%d objects more after %d cells", grown, cells)
	}
	if got := k.ok("print(inspect.getsource(fail), inspect.getsource(Kind), In[1][:5], len(In), n)").stdout.String(); got !=
		"def fail(d):\n    return d['missing']  # here\n class Kind:\n    size = 1\n n = 0 2308 2300\n" {
		t.Errorf("%q", got)
	}
	for _, first := range []string{"", "linecache.clearcache()\n", ""} {
		if first == "" {
			k.ok("linecache.clearcache()")
		}
		e := k.execute(first + "fail({})").first(wire.MsgError)
		if !strings.Contains(e.Traceback, "return d['missing']  # here") || !strings.Contains(e.Traceback, "fail({})\n") {
			t.Error(e.Traceback)
		}
	}
	if left := number(t, k.ok("sum(name.startswith('<cell ') for name in linecache.cache)").result()); left < 256 || left > 300 {
		t.Errorf("%d cells have their lines", left)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
