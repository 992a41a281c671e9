package python_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

func TestCells(t *testing.T) {
	t.Parallel()
	k := configured(t)
	for _, c := range []struct{ name, code, stdout, result string }{
		{"expression", "1+1", "", "2"},
		{"assignment", "x = 40", "", ""},
		{"kept variable", "x + 2", "", "42"},
		{"text", "'a\\nb'", "", `'a\nb'`},
		{"none", "None", "", ""},
		{"semicolon", "x;", "", ""},
		{"semicolon and comment", "(x)  ; # quiet", "", ""},
		{"semicolon in a comment only", "x # ;", "", "40"},
		{"print and value", "print('hi')\nx", "hi\n", "40"},
		{"empty", "", "", ""},
		{"blank", "\n  \n", "", ""},
		{"crlf", "y = 1\r\nif y:\r\n    print('crlf')\r\ny\r\n", "crlf\n", "1"},
		{"await", "import asyncio\nawait asyncio.sleep(0, 'slept')", "", "'slept'"},
		{"asyncio.run", "async def main():\n    await asyncio.sleep(0)\n    return 7\nasyncio.run(main())", "", "7"},
		{"await after asyncio.run", "await asyncio.sleep(0, 8)", "", "8"},
		{"get_event_loop", "asyncio.get_event_loop().run_until_complete(main())", "", "7"},
		{"async for", "async def g():\n    yield 1\n[i async for i in g()]", "", "[1]"},
		{"magic", "%env HOTCELL_X=1", "env: HOTCELL_X=1\n", ""},
		{"shell", "!echo $HOTCELL_X", "1\n", ""},
		{"shell result", "a = !printf 'a\\nb'\na", "", "['a', 'b']"},
		{"cell magic", "%%bash\necho from bash", "from bash\n", ""},
		{"capture", "%%capture out\nprint('caught')", "", ""},
		{"captured", "out.stdout", "", `'caught\n'`},
		{"automagic", "pwd", "", ""},
		{"prompts", ">>> 3 + 4", "", "7"},
		{"task", "async def seven(): return 7\ntask = asyncio.create_task(seven())\nimport subprocess; subprocess.run('true');", "", ""},
		{"task's value", "await task", "", "7"},
		{"inputs", "In[1], len(In)", "", "('1+1', 29)"},
		{"future", "from __future__ import annotations\ndef f(a: Nope): pass\nf.__annotations__['a']", "", "'Nope'"},
		{"future is kept", "def g(a: Nope2): pass\ng.__annotations__['a']", "", "'Nope2'"},
		{"exec order", "import os\nprint('a', end='')\nos.system('printf b')\nos.write(1, b'c')\nprint('d')", "abcd\n", ""},
		{"c output", "import ctypes\nprint('a', end='')\nctypes.CDLL(None).printf(b'b')\nprint('c')", "abc\n", ""},
		{"subprocess", "import subprocess\ndone = subprocess.run(['echo', 'sub'])", "sub\n", ""},
		{"getsource", "import inspect\ndef h():\n    return 'here'\nprint(inspect.getsource(h), end='')", "def h():\n    return 'here'\n", ""},
		{"getsource of class", "class K:\n    a = 1\nprint(inspect.getsource(K), end='')", "class K:\n    a = 1\n", ""},
		{"pickle", "import pickle\npickle.loads(pickle.dumps(K())).a", "", "1"},
		{"multiprocessing", "import multiprocessing as mp\ndef sq(n): return n*n\nwith mp.get_context('fork').Pool(2) as p: r = p.map(sq, [1,2,3])\nr", "", "[1, 4, 9]"},
		{"main", "__name__", "", "'__main__'"},
		{"underscore", "_", "", "'__main__'"},
		{"displayhook", "import sys\nsys.displayhook(5)", "", ""},
		{"set_event_loop to none", "asyncio.set_event_loop(None)", "", ""},
		{"closed loop", "l = asyncio.new_event_loop(); asyncio.set_event_loop(l); l.close()", "", ""},
		{"still fine", "await asyncio.sleep(0, 9)", "", "9"},
	} {
		r := k.execute(c.code)
		if e := r.first(wire.MsgError); e.Type != "" || r.done.Status != "ok" {
			t.Errorf("%s: status %q, error %s", c.name, r.done.Status, e.Traceback)
			continue
		}
		if c.name == "automagic" {
			continue // a directory of ours
		}
		if d := cmp.Diff(c.stdout, r.stdout.String()); d != "" {
			t.Errorf("%s: stdout: %s", c.name, d)
		}
		if c.name == "exec order" {
			continue // its value is not the point
		}
		if d := cmp.Diff(c.result, r.result()); d != "" && c.name != "c output" {
			t.Errorf("%s: result: %s", c.name, d)
		}
		if s := r.stderr.String(); s != "" {
			t.Errorf("%s: stderr %q", c.name, s)
		}
	}
}

// TestLastLines: a cell whose last line is plain is compiled without a tree. A comment behind
// it has the same cell compiled with one, and nothing may differ.
func TestLastLines(t *testing.T) {
	t.Parallel()
	k := configured(t)
	number := regexp.MustCompile(`<cell \d+>`)
	for _, code := range []string{
		"1+1", "1+1  ", "1+1\n\n", "x = 1\nx", "x = 1\nx == 1", "x = 1\nx != 2 <= 3", "x = y = 2", "x: int = 3",
		"dict(a=1, b='=')", "print('a', end='')", "dict(\n    a=1\n)", "f'{1}'", "'doc'", "'doc'\nx = 1\n__doc__", "x = 1; x", "'a;b'",
		"x = \"\"\"\nx = 5\"\"\"\nx", "\"\"\"\nx = 5\"\"\"", "[\n1\n]", "(1,\n2)[0]", "x = (1,\n2)", "x = 1 + \\\n2", "x = 4 \\\n\nx", "{1: 2}", "{\n1: 2}",
		"if x:\n    y = 7\ny", "if x:\n    y = 8\nelse:\n    y = 9", "if x:\n8", "for i in range(2): print(i)", "try:\n    1/0\nexcept ZeroDivisionError: print('caught')",
		"lambda: 0\n1", "not x", "None", "...", "*[1],", "-1", "await asyncio.sleep(0, 5)", "import asyncio\nx = await asyncio.sleep(0, 5)\nx", "(yield)", "x = yield",
		"1/0", "x = 1\n1/0", "def f():\n    1/0\nf()", "assert x == 2, 'no'", "raise ValueError(x)", "x = 1\ndel x\nx", "import sys\nfrom os import path", "pass",
		"from __future__ import division", "x = 1\nfrom __future__ import annotations", "from __future__ import annotations\ndef f(a: Nope3): pass\nf.__annotations__", "from __future__ import nothing\n1",
		"x = 1\nglobal x", "x = 1\nprint x", "x =", "1 +", "x = = 1", "f(", "x = 1\n)", "print(1", "return 1", "break", "@property\nx", "x y", "None = 1", "f() = 1", "x = 1\n y = 2", "if x:\n    1\n  2",
		"class C:\n    a = 1\nC.a", "a, b = 1, 2\na", "a[0] = 1", "a = [0]\na[0] = 1\na", "a = [0]\na[0] += 1", "x if x else 1", "x = 3 if 0 else 4\nx", "!echo shell", "x = !echo shell", "x = 1\n%who_ls", "\u00fc = 1\n\u00fc", "len?", "type(x)", "match = 1\nmatch",
		"x = 1\nx\f", "x = 1\r\nx", "x = 1\rx",
	} {
		plain, tree := k.execute(code), k.execute(code+"\n#")
		p, q := plain.first(wire.MsgError), tree.first(wire.MsgError)
		words := func(m wire.Message) string {
			return number.ReplaceAllString(m.Name+": "+m.Value+"\n"+m.Traceback, "<cell>")
		}
		if words(p) != words(q) {
			t.Errorf("%q: %s\nwith a tree: %s", code, words(p), words(q))
		}
		if plain.done.Status != tree.done.Status || plain.result() != tree.result() || plain.stdout.String() != tree.stdout.String() || plain.stderr.String() != tree.stderr.String() {
			t.Errorf("%q: %s, %q, %q, %q; with a tree: %s, %q, %q, %q", code, plain.done.Status, plain.result(), plain.stdout.String(), plain.stderr.String(),
				tree.done.Status, tree.result(), tree.stdout.String(), tree.stderr.String())
		}
	}
}

// TestLastLinesAsAsked: what the user wants shown of a cell.
func TestLastLinesAsAsked(t *testing.T) {
	t.Parallel()
	k := configured(t)
	show := func(mode, code, want string) {
		t.Helper()
		k.execute("get_ipython().ast_node_interactivity = '" + mode + "'")
		if got := k.execute(code).result(); got != want {
			t.Errorf("%s: %q has the value %q; want %q", mode, code, got, want)
		}
	}
	show("none", "1\n2", "")
	show("none", "2", "")
	show("last_expr_or_assign", "x = 5", "5")
	show("last_expr", "x = 6", "")
	show("last_expr", "x", "6")
	k.execute("import ast\nclass Twice(ast.NodeTransformer):\n    def visit_Constant(self, n): return ast.Constant(n.value * 2)\nip = get_ipython(); ip.ast_transformers.append(Twice())")
	show("last_expr", "21", "42")
	k.execute("ip.ast_transformers = []")
	show("last_expr", "21", "21")
}
