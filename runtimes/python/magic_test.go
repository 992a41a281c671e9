package python_test

import (
	"strings"
	"testing"

	"hotcell/internal/wire"
)

// TestMagics goes through what notebooks use.
func TestMagics(t *testing.T) {
	t.Parallel()
	k := configured(t)
	for _, c := range []struct{ name, code, status, stdout, error string }{
		{"time", "%time x = 1", "ok", "Wall time", ""},
		{"cell time", "%%time\nx = 2\nx", "ok", "Wall time", ""},
		{"timeit", "%timeit -n2 -r2 1+1", "ok", "loop", ""},
		{"cell timeit", "%%timeit -n2 -r2\nx = 2", "ok", "loop", ""},
		{"writefile", "%%writefile mod.py\nvalue = 1\n", "ok", "Writing mod.py", ""},
		{"run", "%run mod.py\nvalue", "ok", "", ""},
		{"write bad", "%%writefile bad.py\ndef f():\n    1/0\nf()\n", "ok", "", ""},
		{"run with error", "%run bad.py", "error", "", "ZeroDivisionError"},
		{"autoreload", "%load_ext autoreload\n%autoreload 2\nimport mod; mod.value", "ok", "", ""},
		{"autoreload goes on", "mod.value", "ok", "", ""},
		{"cd", "%cd -q /\nimport os; print(os.getcwd())", "ok", "/\n", ""},
		{"who", "%who", "ok", "mod", ""},
		{"whos", "%whos", "ok", "Variable", ""},
		{"history", "%history", "ok", "%whos", ""},
		{"env", "%set_env HX=5", "ok", "HX=5", ""},
		{"inspect", "os?", "ok", "", ""},
		{"inspect source", "os.getcwdb??", "ok", "", ""},
		{"double shell", "!!echo hi", "ok", "", ""},
		{"shell status", "!exit 3\nprint(_exit_code)", "ok", "3\n", ""},
		{"shell variable", "w = 'word'\n!echo {w} $w", "ok", "word word", ""},
		{"python", "%%python\nprint('py')", "ok", "py\n", ""},
		{"sh with error", "%%sh\nexit 4", "error", "", "CalledProcessError"},
		{"html", "%%html\n<b>x</b>", "ok", "", ""},
		{"precision", "%precision 2", "ok", "", ""},
		{"xmode", "%xmode Verbose", "ok", "Exception reporting mode", ""},
		{"tb", "%tb", "error", "", "CalledProcessError"},
		{"bookmark", "%bookmark here", "ok", "", ""},
		{"matplotlib", "%matplotlib inline", "ok", "", ""},
		{"pip", "%pip --version", "ok", "pip", ""},
		{"nested", "r = get_ipython().run_cell('1/0')", "error", "", "ZeroDivisionError"},
		{"nested value", "r = get_ipython().run_cell('40+2'); print(r.result)", "ok", "42\n", ""},
		{"post hook", "def hook(*a): print('hook')\nget_ipython().events.register('post_run_cell', hook)", "ok", "hook\n", ""},
		{"post hook off", "get_ipython().events.unregister('post_run_cell', hook)", "ok", "", ""},
		{"reset", "%reset -f", "ok", "", ""},
		{"after reset", "w", "error", "", "NameError"},
		{"last", "6*7", "ok", "", ""},
		{"prun", "%prun -q sum(range(10))", "ok", "", ""},
		{"debugger without input", "breakpoint()", "error", "", "BdbQuit"},
	} {
		r := k.execute(c.code)
		e := r.first(wire.MsgError)
		if r.done.Status != c.status || e.Name != c.error || !strings.Contains(r.stdout.String(), c.stdout) {
			t.Errorf("%s: status %s, stdout %.300q, stderr %.300q, error %s\n%s", c.name, r.done.Status, r.stdout.String(), r.stderr.String(), e.Name, e.Traceback)
		}
		if strings.Contains(r.stdout.String()+r.stderr.String(), "\x1b[") {
			t.Errorf("%s: colours in %q", c.name, r.stdout.String()+r.stderr.String())
		}
	}
}
