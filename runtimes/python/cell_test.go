package python_test

import (
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
