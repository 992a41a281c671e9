package python_test

import (
	"strings"
	"testing"

	"hotcell/internal/wire"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	k := configured(t)
	for _, c := range []struct {
		name, code, wantName, wantValue string
		trace                           []string
	}{
		{"plain", "def f():\n    return 1/0\nf()", "ZeroDivisionError", "division by zero", []string{`File "<cell 1>", line 3, in <module>`, "return 1/0", "f()"}},
		{"syntax", "x = = 1", "SyntaxError", "invalid syntax", []string{`File "<cell 3>", line 1`, "x = = 1", "^"}},
		{"indentation", "  x\n y", "IndentationError", "", []string{`File "<cell 5>", line `}},
		{"incomplete", "def f(", "SyntaxError", "", []string{`File "<cell 7>"`}},
		{"nul", "x\x00y", "SyntaxError", "NUL character at column 2", nil},
		{"key", "{}['a']", "KeyError", "'a'", nil},
		{"str raises", "class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E", "<exception str() failed", nil},
		{"str exits", "class E2(Exception):\n    def __str__(self): raise SystemExit\nraise E2", "E2", "", nil},
		{"repr raises", "class R:\n    def __repr__(self): raise ValueError('no repr')\nR()", "ValueError", "no repr", []string{"raise ValueError"}},
		{"base exception", "class B(BaseException): pass\nraise B('b')", "B", "b", nil},
		{"keyboard interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt", "", nil},
		{"generator exit", "raise GeneratorExit", "GeneratorExit", "", nil},
		{"cancelled", "import asyncio\nraise asyncio.CancelledError", "CancelledError", "", nil},
		{"cancelled while awaiting", "await asyncio.sleep(0)\nraise asyncio.CancelledError('c')", "CancelledError", "c", nil},
		{"exit 3", "import sys\nsys.exit(3)", "SystemExit", "3", nil},
		{"exit text", "exit('bye')", "SystemExit", "bye", nil},
		{"exit in await", "await asyncio.sleep(0)\nsys.exit(4)", "SystemExit", "4", nil},
		{"recursion", "def r(): r()\nr()", "RecursionError", "maximum recursion depth", nil},
		{"mutual recursion", "def a(n): return b(n)\ndef b(n): return a(n)\na(1)", "RecursionError", "", []string{"frames in the middle were left out"}},
		{"memory", "'x' * 10**13", "MemoryError", "", nil},
		{"cause", "try:\n    1/0\nexcept Exception as e:\n    raise ValueError('outer') from e", "ValueError", "outer", []string{"ZeroDivisionError: division by zero", "direct cause", "ValueError: outer"}},
		{"stop iteration", "raise StopIteration(3)", "StopIteration", "3", nil},
		{"huge value", "raise ValueError('x' * 10_000_000)", "ValueError", "characters left out", nil},
		{"huge int", "10**5000", "ValueError", "4300", nil},
		{"unknown magic", "%nosuchmagic", "UsageError", "", nil},
		{"await error", "async def f():\n    raise ValueError('aw')\nawait f()", "ValueError", "aw", []string{"await f()"}},
		{"magic error", "%timeit -n1 -r1 1/0", "ZeroDivisionError", "", nil},
		{"nested code", "exec('1/0')", "ZeroDivisionError", "", []string{`File "<string>", line 1`}},
		{"closing the loop", "await asyncio.sleep(0)\nasyncio.get_running_loop().close()", "RuntimeError", "", nil},
	} {
		r := k.execute(c.code)
		e := r.first(wire.MsgError)
		if r.done.Status != "error" || e.Name != c.wantName || !strings.Contains(e.Value, c.wantValue) {
			t.Errorf("%s: status %s, error %s: %.200s\n%.1000s", c.name, r.done.Status, e.Name, e.Value, e.Traceback)
			continue
		}
		if n := r.count(wire.MsgError); n != 1 {
			t.Errorf("%s: %d errors", c.name, n)
		}
		if !strings.HasPrefix(e.Traceback, "Traceback (most recent call last)") && c.name != "cause" {
			t.Errorf("%s: traceback begins %.100q", c.name, e.Traceback)
		}
		for _, want := range c.trace {
			if !strings.Contains(e.Traceback, want) {
				t.Errorf("%s: %q is not in %s", c.name, want, e.Traceback)
			}
		}
		for _, not := range []string{"<hotcell", "\x1b["} {
			if strings.Contains(e.Traceback, not) {
				t.Errorf("%s: %q is in %s", c.name, not, e.Traceback)
			}
		}
		if got := k.ok("1+1").result(); got != "2" {
			t.Errorf("after %s: %s", c.name, got)
		}
	}
	if got := k.ok("sys.exit()"); got.count(wire.MsgError) != 0 {
		t.Errorf("sys.exit() is an error: %+v", got.messages)
	}
	if got := k.ok("print('before')\nexit()\nprint('after')").stdout.String(); got != "before\n" {
		t.Errorf("exit() printed %q", got)
	}
}

// TestDamage breaks what user code can break, and expects the next cell to work.
func TestDamage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, code string }{
		{"close 1 and 2", "import os\nos.close(1); os.close(2)"},
		{"close 0", "import os\nos.close(0)"},
		{"stdout none", "import sys\nsys.stdout = None; sys.stderr = None; sys.stdin = None"},
		{"stdout closed", "import sys\nsys.stdout.close()\nsys.__stderr__.close()"},
		{"stdout deleted", "import sys\ndel sys.stdout"},
		{"json", "import json\njson.dumps = json.loads = None\njson.JSONEncoder.encode = None\njson.encoder.c_make_encoder = None\njson.decoder.scanner.make_scanner = None"},
		{"print", "import builtins\nbuiltins.print = None"},
		{"len and friends", "import builtins\nfor n in list(vars(builtins)):\n    if n not in ('list', 'vars'): setattr(builtins, n, None)"},
		{"__builtins__", "__builtins__ = None"},
		{"modules", "import sys\nfor n in ('json', 'asyncio', 'IPython', '_hotcell', '_hotcell.kernel', '__main__'):\n    sys.modules[n] = None"},
		{"main deleted", "import sys\ndel sys.modules['__main__']"},
		{"shadowing", "str = list = dict = isinstance = type = print2 = None; id = 5; open = 3"},
		{"namespace cleared", "globals().clear()"},
		{"excepthook", "import sys\nsys.excepthook = sys.displayhook = sys.unraisablehook = None"},
		{"recursion limit", "import sys\nsys.setrecursionlimit(60)"},
		{"trace", "import sys\nsys.settrace(lambda *a: 1/0)"},
		{"signal ignored", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"},
		{"signal masked", "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])"},
		{"linecache", "import linecache\nlinecache.clearcache(); linecache.cache = None"},
		{"os.read", "import os, socket\nos.read = os.write = os.getpid = os.fstat = None\nsocket.socket.recv = None"},
		{"asyncio", "import asyncio\nasyncio.set_event_loop = None\nasyncio.get_event_loop().close()"},
		{"threading", "import threading\nthreading.current_thread = threading.main_thread = None"},
		{"time", "import time\ntime.perf_counter = None"},
		{"gone cwd", "import os, tempfile\nd = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)"},
		{"traceback", "import traceback\ntraceback.TracebackException = None"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := configured(t)
			k.execute(c.code)
			r := k.execute("import os\nos.write(1, b'w') if callable(os.write) else None\nprint('ok')\n6*7")
			if r.done.Status != "ok" {
				t.Fatalf("next cell: %s %s", r.done.Status, r.first(wire.MsgError).Traceback)
			}
			if got := strings.TrimPrefix(r.stdout.String(), "w"); got != "ok\n" || r.result() != "42" {
				t.Fatalf("next cell printed %q and gave %q", got, r.result())
			}
			if r := k.execute("1/0"); r.first(wire.MsgError).Name != "ZeroDivisionError" {
				t.Fatalf("error after damage: %+v", r.messages)
			}
		})
	}
}

// TestForkedChild lets a child of a cell's os.fork come back into the cell.
func TestForkedChild(t *testing.T) {
	t.Parallel()
	k := configured(t)
	r := k.ok("import os\npid = os.fork()\nprint('child' if pid == 0 else 'parent')\nif pid: status = os.waitpid(pid, 0)[1]")
	if got := strings.Count(r.stdout.String(), "child"); got != 1 {
		t.Errorf("output %q", r.stdout.String())
	}
	if got := k.ok("status").result(); got != "0" {
		t.Errorf("status %s", got)
	}
	for code, want := range map[string]string{"1/0": "1", "sys.exit(7)": "7", "display(3)": "0", "5": "0", "input()": "1"} {
		r := k.ok("import sys\npid = os.fork()\nif pid == 0:\n    " + code + "\nelse:\n    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))")
		if got := strings.TrimSpace(r.stdout.String()); !strings.HasSuffix(got, want) {
			t.Errorf("child that runs %s: %q, want %s; %s", code, got, want, r.stderr.String())
		}
	}
	r = k.ok("import asyncio\nawait asyncio.sleep(0)\npid = os.fork()\nif pid: print(os.waitpid(pid, 0)[1])")
	if got := r.stdout.String(); got != "0\n" {
		t.Errorf("child of an awaiting cell: %q", got)
	}
}

// TestHooksOfForks: what the template leaves out when it forks is done when a cell does.
func TestHooksOfForks(t *testing.T) {
	t.Parallel()
	k := configured(t)
	const code = `import os, random, threading
def told(say):
    r, w = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(w, repr(say()).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return eval(os.read(r, 99))
done = threading.Event()
threading.Thread(target=done.wait).start()
random.seed(1)
there = told(lambda: (threading.active_count(), random.random()))
here = threading.active_count(), random.random()
done.set()
there[0], here[0], there[1] != here[1]`
	if got := k.ok(code).result(); got != "(1, 2, True)" {
		t.Errorf("threads in a child, here, and other random numbers: %s", got)
	}
}
