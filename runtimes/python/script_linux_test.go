package python_test

import (
	"context"
	"io"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/python"
	"hotcell/runtimes/scripttest"
)

// scripted is a program with what it is given.
type scripted struct {
	code  string
	args  []string
	vars  map[string]string
	files map[string]string // of its directory
}

func (s scripted) program() scripttest.Program {
	return scripttest.Program{Language: "python", Code: s.code, Args: s.args, Vars: s.vars, Files: s.files}
}

// runScript runs a program by the runtime.
func runScript(t *testing.T, r *python.Runtime, s scripted) scripttest.Ran {
	t.Helper()
	return scripttest.Run(t, r, s.program())
}

// plainly runs a program as everybody does.
func plainly(t *testing.T, s scripted) scripttest.Ran {
	t.Helper()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return scripttest.Plainly(t, s.program(), "script.py", p, "-X", "utf8", "-u")
}

// settled is output without what differs between any two runs, and without the
// two levels of the stack that a script doesn't have for itself.
func settled(output string) string {
	output = regexp.MustCompile(`0x[0-9a-f]{6,}`).ReplaceAllString(output, "ADDRESS")
	return regexp.MustCompile(`repeated \d+ more times`).ReplaceAllString(output, "repeated many times")
}

// TestScriptIsAPlainRun compares scripts with runs of python3.
func TestScriptIsAPlainRun(t *testing.T) {
	t.Parallel()
	for name, s := range plainPrograms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := runScript(t, shared, s), plainly(t, s)
			if d := cmp.Diff(settled(want.Output), settled(got.Output)); d != "" {
				t.Errorf("output:\n%s", d)
			}
			if got.Code != want.Code {
				t.Errorf("exit code %d, want %d", got.Code, want.Code)
			}
		})
	}
}

// TestScriptInItsOwnInterpreter: some variables take effect at the start only.
func TestScriptInItsOwnInterpreter(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]scripted{
		"hash seed":  {code: "print(hash('x'))", vars: map[string]string{"PYTHONHASHSEED": "7"}},
		"path":       {code: "import there; print(there.x)", vars: map[string]string{"PYTHONPATH": "sub"}, files: map[string]string{"there.py": "x = 1"}},
		"traceback":  {code: "def f():\n    1/0\nf()", vars: map[string]string{"PYTHONHASHSEED": "7"}},
		"no modules": {code: "import sys; print('IPython' in sys.modules, 'pandas' in sys.modules)", vars: map[string]string{"PYTHONHASHSEED": "7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := runScript(t, shared, s), plainly(t, s)
			if d := cmp.Diff(want.Output, got.Output); d != "" || got.Code != want.Code {
				t.Errorf("exit codes %d and %d, output:\n%s", got.Code, want.Code, d)
			}
		})
	}
}

// TestScriptOnly is about what scripts have that a plain run has not, or differently.
func TestScriptOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scripted
		output string
		code   int
	}{
		"descriptors":       {scripted{code: "import os; print([fd for fd in range(3, 100) if os.path.exists(f'/proc/self/fd/{fd}')])"}, "[]\n", 0},
		"driver's modules":  {scripted{code: "import sys; print(sorted(m for m in sys.modules if m.startswith('_hotcell.')))"}, "['_hotcell.backend', '_hotcell.running']\n", 0},
		"bottom of a stack": {scripted{code: "import sys\nf = sys._getframe()\nprint(f.f_back.f_code.co_filename, f.f_back.f_back)"}, "<string> None\n", 0},
		"indented":          {scripted{code: "\n    x = 10\n    if x:\n        print(x)\n\n    # end\n  "}, "10\n", 0},
		"indented by tabs":  {scripted{code: "\tx = '''a\n\tb'''\n\tprint(x)"}, "a\nb\n", 0},
		"NUL":               {scripted{code: "print(1)\x00"}, "SyntaxError: source code string cannot contain null bytes\n", 1},
		"failing finalizer": {scripted{code: "class A:\n    def __del__(self):\n        raise KeyError('x')\na = A()\nprint('end')"}, "end\nException ignored in: <function A.__del__ at ADDRESS>\nTraceback (most recent call last):\n  File \"SCRIPT\", line 3, in __del__\n    raise KeyError('x')\nKeyError: 'x'\n", 0},
		"exit huge":         {scripted{code: "import sys; sys.exit(1 << 70)"}, "", 255},
		"C's buffers":       {scripted{code: "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.fopen.restype = ctypes.c_void_p\nf = libc.fopen(b'/dev/stdout', b'w')\nlibc.fputs(b'from C\\n', ctypes.c_void_p(f))"}, "from C\n", 0},
		"authkey":           {scripted{code: "import multiprocessing as mp; print(len(mp.current_process().authkey), mp.process.ORIGINAL_DIR)"}, "32 DIR\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runScript(t, shared, c.scripted)
			if d := cmp.Diff(c.output, settled(got.Output)); d != "" || got.Code != c.code {
				t.Errorf("exit code %d, output:\n%s", got.Code, d)
			}
		})
	}
}

func TestScriptsHaveSeedsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"import random; print(random.random())", "import numpy as np; print(np.random.rand())"} {
		if one, two := runScript(t, shared, scripted{code: code}), runScript(t, shared, scripted{code: code}); one.Output == two.Output {
			t.Errorf("%s: the same number twice: %s", code, one.Output)
		}
	}
}

func TestScriptHasNoOtherVariables(t *testing.T) {
	t.Parallel()
	p := scripted{code: "import os; print(os.environ.get('HOME'), os.popen('echo $HOME').read())"}.program()
	p.Unset = "HOME"
	if got := scripttest.Run(t, shared, p); got.Output != "None \n\n" {
		t.Errorf("%q", got.Output)
	}
}

// TestScriptFigures: what is shown, and what is open at the end, is told and
// changes nothing else.
func TestScriptFigures(t *testing.T) {
	t.Parallel()
	const plot = "import matplotlib.pyplot as plt\n"
	for name, c := range map[string]struct {
		code, output string
		figures      int
		exit         int
	}{
		"none":            {plot + "print(1)", "1\n", 0, 0},
		"show":            {plot + "plt.plot([1, 2])\nplt.show()\nprint('shown')", "shown\n", 1, 0},
		"two at once":     {plot + "plt.figure(); plt.plot([1])\nplt.figure(); plt.plot([2])\nplt.show()\nplt.show()", "", 2, 0},
		"left open":       {plot + "plt.plot([1, 2])\nprint('end')", "end\n", 1, 0},
		"saved":           {plot + "plt.plot([1, 2])\nplt.savefig('x.png')\nplt.close()", "", 0, 0},
		"open and error":  {plot + "plt.plot([1, 2])\nraise SystemExit(3)", "", 1, 3},
		"other backend":   {"import matplotlib\nmatplotlib.use('Agg')\n" + plot + "plt.plot([1, 2])\nplt.show()", "", 1, 0},
		"pandas":          {"import pandas as pd\npd.DataFrame({'a': [1, 2]}).plot()\n" + plot + "plt.show()", "", 1, 0},
		"in a thread":     {plot + "import threading\ndef f():\n    plt.plot([1]); plt.show()\nt = threading.Thread(target=f); t.start(); t.join()", "", 1, 0},
		"in a child":      {plot + "import os\nif os.fork() == 0:\n    plt.plot([1]); plt.show(); os._exit(0)\nos.wait()", "", 0, 0},
		"that fails":      {plot + "plt.title(r'$\\frac{1$')\nplt.plot([1])\nplt.show()\nprint('goes on')", "a figure could not be drawn: ValueError", 0, 0},
		"out of reach":    {plot + "import os\nos.closerange(3, 1000)\nplt.plot([1]); plt.show()\nprint('goes on')", "goes on\n", 0, 0},
		"own interpreter": {"import sys; print('IPython' in sys.modules)\n" + plot + "plt.plot([1, 2])\nplt.show()", "False\n", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scripted{code: c.code}
			if name == "own interpreter" {
				s.vars = map[string]string{"PYTHONHASHSEED": "1"}
			}
			got := runScript(t, shared, s)
			if name == "that fails" {
				if !strings.HasSuffix(got.Output, "goes on\n") {
					t.Errorf("it ended: %s", got.Output)
				}
				got.Output = got.Output[:min(len(c.output), len(got.Output))]
			}
			if got.Output != c.output || got.Code != c.exit {
				t.Errorf("exit code %d, output %q", got.Code, got.Output)
			}
			n := 0
			for _, f := range got.Frames {
				if f.Type == wire.MsgDisplay && len(f.Bundle["image/png"]) > 1000 {
					n++
				}
			}
			if n != c.figures || len(got.Frames) != n {
				t.Errorf("%d figures in %d messages, want %d", n, len(got.Frames), c.figures)
			}
		})
	}
}

func TestScriptManyFigures(t *testing.T) {
	t.Parallel()
	got := runScript(t, shared, scripted{code: "import matplotlib.pyplot as plt\nfig = plt.figure(figsize=(1, 1))\nfor i in range(103): fig.show()\nplt.close()"})
	if len(got.Frames) != 103 || got.Frames[99].Type != wire.MsgDisplay || got.Frames[100].More != 1 {
		t.Errorf("%d messages, %q", len(got.Frames), got.Output)
	}
}

func plainPrograms() map[string]scripted {
	programs := map[string]scripted{
		"print":             {code: "print(1)"},
		"nothing":           {code: ""},
		"comment":           {code: "# nothing"},
		"arguments":         {code: "import sys; print(sys.argv[1:])", args: []string{"a b", `"q"`, "'", "\n", "ünï €😀", "", "$HOME", "-c", "--"}},
		"environment":       {code: "import os; print(sorted((k, v) for k, v in os.environ.items() if k != 'PWD')); print(os.getcwd() == os.environ['PWD'])", vars: map[string]string{"FOO": "BAR é", "EMPTY": ""}},
		"its child's":       {code: "import subprocess; subprocess.run('echo $FOO; pwd', shell=True)", vars: map[string]string{"FOO": "BAR"}},
		"unset":             {code: "import os; del os.environ['FOO']; os.system('echo [$FOO]')", vars: map[string]string{"FOO": "BAR"}},
		"timezone":          {code: "import time; print(time.strftime('%H %Z', time.localtime(0)))", vars: map[string]string{"TZ": "Asia/Tokyo"}},
		"exit 3":            {code: "import sys; sys.exit(3)"},
		"exit 0":            {code: "import sys; sys.exit(0)"},
		"exit":              {code: "exit()"},
		"quit 4":            {code: "quit(4)"},
		"exit text":         {code: "import sys; print('a'); sys.exit('some text')"},
		"exit None":         {code: "raise SystemExit"},
		"exit 256":          {code: "import sys; sys.exit(256)"},
		"exit -1":           {code: "import sys; sys.exit(-1)"},
		"exit True":         {code: "import sys; sys.exit(True)"},
		"exit tuple":        {code: "import sys; sys.exit((1, 2))"},
		"_exit":             {code: "import os; print('a'); os._exit(9)"},
		"abort":             {code: "import os; os.abort()"},
		"kill":              {code: "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"},
		"terminate":         {code: "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"},
		"interrupt":         {code: "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"},
		"raised interrupt":  {code: "raise KeyboardInterrupt"},
		"alarm":             {code: "import signal, time; signal.alarm(1); time.sleep(10)"},
		"segfault":          {code: "import ctypes; print('a'); ctypes.string_at(0)"},
		"handlers":          {code: "import signal; print([str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGUSR1, signal.SIGCHLD)], signal.pthread_sigmask(0, []))"},
		"error":             {code: "x = 1\ndef f(a):\n    return a / 0\n\nprint('before')\nf(x)\n"},
		"error in a class":  {code: "class A:\n    def __repr__(self):\n        raise ValueError('in repr')\nprint(A())"},
		"chained":           {code: "try:\n    1/0\nexcept Exception as e:\n    raise KeyError('k') from e"},
		"context":           {code: "try:\n    1/0\nexcept Exception as e:\n    raise KeyError('k')"},
		"notes":             {code: "e = ValueError('v')\ne.add_note('a note') if hasattr(e, 'add_note') else None\nraise e"},
		"group":             {code: "import sys\nif sys.version_info > (3, 11): raise ExceptionGroup('g', [ValueError(1), KeyError(2)])"},
		"recursion":         {code: "def f(n): return f(n + 1)\nf(0)"},
		"depth":             {code: "import sys\ndef f(n):\n    try: return f(n + 1)\n    except RecursionError: return n\nprint(abs(f(0) - sys.getrecursionlimit()) < 12, sys.getrecursionlimit())"},
		"syntax error":      {code: "x = 1\ninvalid python code"},
		"indented":          {code: "x = 1\n  y = 2"},
		"tabs":              {code: "if 1:\n\tx = 1\n        y = 2"},
		"unclosed":          {code: "print((1, 2"},
		"byte order mark":   {code: "\ufeffprint('ä')"},
		"latin":             {code: "# -*- coding: latin-1 -*-\nprint(len('ä'))"},
		"crlf":              {code: "if 1:\r\n    print('''a\r\nb''')\r\n"},
		"syntax warning":    {code: "print(1 is 1)"},
		"warning":           {code: "import warnings\nwarnings.warn('hey')\nwarnings.warn('old', DeprecationWarning)\nimport warnings as w\nprint(len([f for f in w.filters if 'ipython' in str(f).lower()]))"},
		"order":             {code: "import sys, os, subprocess\nprint('a', end='')\nprint('b', file=sys.stderr, end='')\nos.write(1, b'c')\nos.write(2, b'd')\nsubprocess.run(['echo', 'e'])\nsubprocess.run('echo f >&2', shell=True)\nsys.stdout.buffer.write(b'g')\nprint('h')\nsys.__stdout__.write('i')\nsys.__stderr__.write('j')\nos.system('echo k')"},
		"streams":           {code: "import sys\nfor s in (sys.stdin, sys.stdout, sys.stderr):\n    print(repr(s), s.name, s.mode, s.encoding, s.errors, s.isatty(), s.fileno(), s.closed, s.newlines, s.line_buffering, getattr(s, 'write_through', None), type(s).__name__)\nprint(sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__)"},
		"unprintable":       {code: "print('\\ud800')"},
		"unprintable error": {code: "raise ValueError('\\ud800')"},
		"bytes":             {code: "import sys; sys.stdout.buffer.write(bytes(range(32, 127)))"},
		"stdin":             {code: "import sys; print(repr(sys.stdin.read())); print(sys.stdin.readline() == '')"},
		"input":             {code: "x = input('name? ')"},
		"getpass":           {code: "import getpass; print(getpass.getpass.__module__, getpass.getpass.__name__)"},
		"closed stdout":     {code: "import sys; sys.stdout.close(); sys.stderr.write('x')"},
		"redirected":        {code: "import sys, io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as o: print('no')\nprint(repr(o.getvalue()))"},
		"print loop":        {code: "for i in range(3000): print(i)"},
		"large":             {code: "print('x' * 3_000_000)"},
		"c output":          {code: "import ctypes\nprint('a', end='')\nctypes.CDLL(None).puts(b'b')\nprint('c')"},

		"main":               {code: "print(__name__, __package__, __spec__, __doc__, sorted(k for k in globals() if k != '__cached__'))\nimport sys; print(sys.modules['__main__'].__dict__ is globals(), type(__loader__).__name__, __builtins__)"},
		"docstring":          {code: "'''The doc.'''\nprint(__doc__)"},
		"main guard":         {code: "def main():\n    print('in main')\nif __name__ == '__main__':\n    main()"},
		"annotations":        {code: "x: int = 1\nimport typing\nprint(typing.get_type_hints(__import__('__main__')))"},
		"future":             {code: "from __future__ import annotations\ndef f(a: Nope): pass\nprint(f.__annotations__)"},
		"no futures":         {code: "def f(a: int): pass\nprint(f.__annotations__['a'] is int)"},
		"getsource":          {code: "import inspect\ndef f():\n    return 1\nclass A:\n    x = 1\nprint(inspect.getsource(f), inspect.getsource(A), inspect.getfile(f), inspect.getfile(A), inspect.getmodule(inspect.currentframe()))"},
		"stack":              {code: "import inspect, traceback\ndef f():\n    return [(s.function, s.lineno, s.code_context) for s in inspect.stack()]\nprint(f()[:2])\ndef g(): traceback.print_stack(limit=2)\ng()"},
		"current line":       {code: "import sys\nprint(sys._getframe().f_lineno, sys._getframe().f_code.co_name, sys._getframe().f_code.co_filename)"},
		"dataclass":          {code: "import dataclasses, enum, typing, abc\n@dataclasses.dataclass\nclass P:\n    x: int\n    y: 'float' = 1.0\nclass C(enum.Enum):\n    A = 1\nclass T(typing.NamedTuple):\n    a: int\nprint(P(1), C.A, T(2), P, C, T)"},
		"pickle":             {code: "import pickle\nclass A: pass\ndef f(): return 5\nprint(type(pickle.loads(pickle.dumps(A()))), pickle.loads(pickle.dumps(f))())"},
		"copy":               {code: "import copy\nclass A: pass\na = A(); a.x = [1]\nprint(copy.deepcopy(a).x)"},
		"runpy":              {code: "import sys, runpy\nif len(sys.argv) > 1: print('inner', __name__)\nelse:\n    print(sys.argv[0] == sys.modules['__main__'].__dict__['__fi' 'le__'])\n    sys.argv.append('x')\n    runpy.run_path(sys.argv[0], run_name='__main__')"},
		"modules":            {code: "import mod; print(mod.x, mod.__name__, mod.__file__); import pack.inner; print(pack.inner.y)", files: map[string]string{"mod.py": "x = 41"}},
		"broken module":      {code: "import mod", files: map[string]string{"mod.py": "def f():\n    1/0\nf()"}},
		"no module":          {code: "import nothing_like_this"},
		"local name":         {code: "import script_helper_zz", files: map[string]string{"other.py": ""}},
		"shadowed":           {code: "import wave; print(wave.mine)", files: map[string]string{"wave.py": "mine = 'mine'"}},
		"path":               {code: "import sys, os; print(sys.path[0] == os.getcwd(), '' in sys.path, len(sys.path), len(set(sys.path)))"},
		"sys":                {code: "import sys; print(sys.displayhook, sys.excepthook, hasattr(sys, 'ps1'), sys.argv, sys.orig_argv[0] == sys.executable, sys.flags.interactive, sys.flags.optimize, sys.dont_write_bytecode, sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.warnoptions, hasattr(sys, 'last_value'), sys.is_finalizing(), sys.unraisablehook, sys.breakpointhook)"},
		"builtins":           {code: "import builtins; print(sorted(vars(builtins))); print(input, exit, quit, help, print, __build_class__, __import__)"},
		"meta path":          {code: "import sys; print([getattr(f, '__name__', f) for f in sys.meta_path if type(f).__name__ not in ('DriverImporter', 'DistutilsMetaFinder', '_SixMetaPathImporter')], len(sys.path_hooks))"},
		"no ipython":         {code: "import sys\nprint([m for m in sys.modules if m.split('.')[0] in ('IPython', 'traitlets', 'jedi', 'prompt_toolkit', 'pygments', 'ipykernel', 'matplotlib_inline')])\ntry: get_ipython\nexcept NameError as e: print(e)\ntry: display\nexcept NameError as e: print(e)"},
		"ipython later":      {code: "import IPython, sys; print(IPython.get_ipython(), sys.modules['IPython'] is IPython)"},
		"no magics":          {code: "%time 1"},
		"no echo":            {code: "1 + 1\n'text'\n[1]"},
		"displayhook":        {code: "import sys; sys.displayhook(5); print(_)"},
		"excepthook":         {code: "import sys\ndef hook(k, v, t): print('hooked', k.__name__, v, t.tb_lineno)\nsys.excepthook = hook\n1/0"},
		"broken excepthook":  {code: "import sys\ndef hook(k, v, t): raise KeyError('hook')\nsys.excepthook = hook\n1/0"},
		"exiting excepthook": {code: "import sys\ndef hook(k, v, t): sys.exit(7)\nsys.excepthook = hook\n1/0"},
		"no excepthook":      {code: "import sys\ndel sys.excepthook\n1/0"},
		"last value":         {code: "import sys, atexit\natexit.register(lambda: print(repr(sys.last_value)))\n1/0"},
		"locale":             {code: "import locale; print(locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False))"},
		"gc":                 {code: "import gc; print(gc.isenabled(), gc.get_debug(), gc.get_threshold())"},
		"logging":            {code: "import logging; print(logging.root.handlers, logging.root.level); logging.warning('w'); logging.basicConfig(level=logging.INFO, force=True); logging.info('i')"},
		"decimal":            {code: "import decimal; print(decimal.getcontext())"},
		"random":             {code: "import random; random.seed(1); print(random.random())"},
		"numpy":              {code: "import numpy as np; np.random.seed(1); print(np.random.rand(), np.geterr(), np.get_printoptions()['precision'])"},
		"pandas":             {code: "import pandas as pd; print(pd.DataFrame({'a': [1, 2], 'b': ['x', None]})); print(pd.get_option('display.max_rows'), pd.get_option('display.notebook_repr_html'))"},
		"unittest":           {code: "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\n    def test_b(self): pass\nr = unittest.TextTestRunner(stream=open('/dev/null', 'w')).run(unittest.defaultTestLoader.loadTestsFromModule(__import__('__main__')))\nprint(r)"},
		"unittest main":      {code: "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.fail('no')\nunittest.main(argv=['x'], testRunner=unittest.TextTestRunner(stream=open('/dev/null', 'w')))"},
		"doctest":            {code: "def f():\n    '''\n    >>> f()\n    2\n    '''\n    return 1\nimport doctest; print(doctest.testmod())"},
		"argparse":           {code: "import argparse\np = argparse.ArgumentParser(prog='p')\np.add_argument('--n', type=int)\nprint(p.parse_args())", args: []string{"--n", "x"}},
		"timeit":             {code: "import timeit; print(timeit.timeit('x', setup='x = 1', number=1) >= 0)"},
		"exec":               {code: "exec('1/0')"},
		"eval frame":         {code: "ns = {}\nexec(compile('def f():\\n    raise ValueError(1)', 'made up', 'exec'), ns)\nns['f']()"},
		"breakpoint":         {code: "x = 1\nbreakpoint()\nprint('after')"},
		"faulthandler":       {code: "import faulthandler; print(faulthandler.is_enabled())"},
		"tracemalloc":        {code: "import tracemalloc; tracemalloc.start(); x = [1] * 1000; print(tracemalloc.get_traced_memory()[0] > 8000)"},
		"site":               {code: "import site; print(site.ENABLE_USER_SITE)"},
		"version":            {code: "import sys, platform; print(sys.version, platform.python_version(), sys.prefix, sys.base_prefix, sys.executable)"},
		"umask":              {code: "import os; print(oct(os.umask(0)))"},
	}
	maps.Copy(programs, endPrograms())
	for _, method := range []string{"fork", "spawn", "forkserver"} {
		programs["multiprocessing "+method] = scripted{code: strings.ReplaceAll(pools, "METHOD", strconv.Quote(method)), files: map[string]string{"helper.py": "def double(n): return 2 * n"}}
	}
	return programs
}

// TestScriptsOfCommonVariables are forked all the same: they find pandas imported.
func TestScriptsOfCommonVariables(t *testing.T) {
	t.Parallel()
	got := runScript(t, shared, scripted{
		code: "import os, sys; print('pandas' in sys.modules, os.environ['PYTHONUNBUFFERED'], sys.dont_write_bytecode)",
		vars: map[string]string{"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "", "PYTHONIOENCODING": "UTF-8", "PYTHONUTF8": "1"},
	})
	if got.Output != "True 1 False\n" {
		t.Errorf("%q", got.Output)
	}
}

// TestScriptWithoutPreload draws with a matplotlib that the program imports.
func TestScriptWithoutPreload(t *testing.T) {
	t.Parallel()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r := python.New(python.Config{Program: p, Preload: []string{}})
	defer r.Close()
	got := runScript(t, r, scripted{code: "import sys\nprint('matplotlib' in sys.modules)\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint('IPython' in sys.modules)"})
	if got.Output != "False\nFalse\n" || len(got.Frames) != 1 || len(got.Frames[0].Bundle["image/png"]) < 1000 {
		t.Errorf("%q, %d messages", got.Output, len(got.Frames))
	}
}

// endPrograms are about what happens when a program ends.
func endPrograms() map[string]scripted {
	return map[string]scripted{
		"atexit":                  {code: "import atexit\natexit.register(print, 'first registered')\natexit.register(print, 'last registered')\nprint('end')"},
		"atexit after error":      {code: "import atexit\natexit.register(print, 'bye')\n1/0"},
		"atexit that fails":       {code: "import atexit\ndef f(): 1/0\natexit.register(f)\natexit.register(print, 'one')"},
		"atexit that exits":       {code: "import atexit, sys\natexit.register(lambda: sys.exit(5))\nprint(1)"},
		"atexit count":            {code: "import atexit; print(atexit._ncallbacks() < 9)"},
		"thread":                  {code: "import threading, time\ndef f():\n    time.sleep(0.2)\n    print('thread')\nthreading.Thread(target=f).start()\nprint('main')"},
		"daemon":                  {code: "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint('main')"},
		"thread error":            {code: "import threading\ndef f():\n    raise ValueError('in thread')\nt = threading.Thread(target=f)\nt.start(); t.join()\nprint('main')"},
		"thread and error":        {code: "import threading, time\ndef f():\n    time.sleep(0.2)\n    print('thread')\nthreading.Thread(target=f).start()\n1/0"},
		"thread exit":             {code: "import threading, sys\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start(); t.join()\nprint('main')"},
		"pool":                    {code: "from concurrent.futures import ThreadPoolExecutor\nx = ThreadPoolExecutor(2)\nx.submit(print, 'pooled').result()\nprint(threading_name := __import__('threading').current_thread().name)"},
		"main thread":             {code: "import threading; print(threading.current_thread() is threading.main_thread(), threading.active_count(), threading.main_thread().ident == threading.get_ident())"},
		"finalizer":               {code: "class A:\n    def __del__(self): print('del', self.n)\na = A(); a.n = 1\nb = A(); b.n = 2; b.me = b\nprint('end')"},
		"finalizer in a function": {code: "class A:\n    def __del__(self): print('del')\na = A()\ndef f(): return a\nprint('end')"},
		"finalizer after error":   {code: "class A:\n    def __del__(self): print('del')\ndef f():\n    a = A()\n    1/0\nf()"},
		"finalizer of a module":   {code: "import mod\nprint('end')", files: map[string]string{"mod.py": "class A:\n    def __del__(self): print('del')\na = A()"}},
		"weakref":                 {code: "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'finalized')\nprint('end')"},
		"generator":               {code: "def g():\n    try: yield 1\n    finally: print('closed')\nx = g(); next(x)\nprint('end')"},
		"context manager":         {code: "import contextlib, sys\n@contextlib.contextmanager\ndef m():\n    try: yield\n    finally: print('left')\nwith m(): sys.exit(2)"},
		"temporary":               {code: "import tempfile, os\nd = tempfile.TemporaryDirectory()\nprint(os.path.isdir(d.name))"},
		"unflushed file":          {code: "f = open('x.txt', 'w'); f.write('data'); print('end')"},
		"asyncio":                 {code: "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 7\nprint(asyncio.run(main()))\nprint(asyncio.run(main()))"},
		"async error":             {code: "import asyncio\nasync def main():\n    raise ValueError('async')\nasyncio.run(main())"},
		"async process":           {code: "import asyncio\nasync def main():\n    p = await asyncio.create_subprocess_exec('echo', 'hi', stdout=asyncio.subprocess.PIPE)\n    print(await p.communicate(), p.returncode)\nasyncio.run(main())"},
		"async signal":            {code: "import asyncio, os, signal\nasync def main():\n    done = asyncio.Event()\n    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)\n    os.kill(os.getpid(), signal.SIGTERM)\n    await done.wait()\n    print('caught')\nasyncio.run(main())"},
		"no loop":                 {code: "import asyncio\ntry: asyncio.get_running_loop()\nexcept RuntimeError as e: print(e)\nprint(asyncio.events._get_running_loop())"},
		"top-level await":         {code: "await x"},
		"never awaited":           {code: "async def f(): pass\nf()"},
		"unawaited task":          {code: "import asyncio\nasync def f():\n    raise ValueError('lost')\nasync def main():\n    t = asyncio.create_task(f())\n    await asyncio.sleep(0.01)\nasyncio.run(main())"},
		"fork":                    {code: "import os\npid = os.fork()\nif pid == 0:\n    print('child'); os._exit(3)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"},
		"fork goes on":            {code: "import os, sys, atexit\natexit.register(lambda: print('bye'))\npid = os.fork()\nif pid == 0: sys.exit(4)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"},
		"fork fails":              {code: "import os\npid = os.fork()\nif pid == 0: 1/0\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"},
		"itself":                  {code: "import subprocess, sys\nif len(sys.argv) > 1: print('again', sys.argv[1:])\nelse: subprocess.run([sys.executable, sys.argv[0], 'x'])"},
		"exec itself":             {code: "import os, sys\nprint(len(sys.argv))\nif len(sys.argv) == 1: os.execv(sys.executable, [sys.executable, *sys.argv, 'x'])"},
		"signal handler":          {code: "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *a: print('got it'))\nos.kill(os.getpid(), signal.SIGUSR1)"},
		"its file":                {code: "import os\nprint(open(__file__).read().count('open'), os.path.basename(os.path.dirname(os.path.abspath(__file__))) == os.path.basename(os.getcwd()), os.path.isabs(__file__))"},
		"beside its file":         {code: "import os\nhere = os.path.dirname(os.path.abspath(__file__))\nprint(open(os.path.join(here, 'data.txt')).read())\nopen(os.path.join(here, 'out.txt'), 'w').write('x')\nprint(sorted(f for f in os.listdir() if f[0] in 'do'))", files: map[string]string{"data.txt": "the data"}},
	}
}

const pools = `import multiprocessing as mp
import helper

class Point:
    def __init__(self, x): self.x = x

def square(n):
    return n * n

def move(p):
    return Point(p.x + 1)

def child(queue):
    queue.put((__name__, mp.current_process().name))

if __name__ == "__main__":
    mp.set_start_method(METHOD)
    with mp.Pool(2) as pool:
        print(pool.map(square, range(5)), pool.map(helper.double, [1, 2]), [p.x for p in pool.map(move, [Point(1)])])
    queue = mp.Queue()
    process = mp.Process(target=child, args=(queue,), name="one")
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode)
`

// TestScriptOfALostKernel: a kernel that died before it became the program is
// replaced, once.
func TestScriptOfALostKernel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lost int
		ok   bool
	}{"once": {1, true}, "twice": {2, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := 0
			run, _, err := shared.RunScript(t.Context(), runtimes.Script{
				Code: "print(1)", Dir: t.TempDir(), Own: t.TempDir(),
				Kernel: func(ctx context.Context) (*runtimes.Kernel, error) {
					k, err := shared.Start(ctx, runtimes.Spec{})
					if given++; err == nil && given <= c.lost {
						_ = k.Process.Signal(syscall.SIGKILL)
						<-k.Process.Done()
					}
					return k, err
				},
			})
			if (err == nil) != c.ok {
				t.Fatalf("%v", err)
			}
			if err != nil {
				return
			}
			defer run.Close()
			if text, err := io.ReadAll(run.Output); err != nil || string(text) != "1\n" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}
