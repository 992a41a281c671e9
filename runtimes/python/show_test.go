package python_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

func TestDisplay(t *testing.T) {
	t.Parallel()
	k := configured(t)
	r := k.ok(`print('a')
from IPython.display import display, HTML, JSON, clear_output
h = display(HTML('<b>x</b>'), display_id='one')
print('b')
h.update(HTML('<i>y</i>'))
clear_output(wait=True)
print('c')
display({'application/json': {'n': float('nan'), 'l': [1, 2]}, 'image/png': b'\x89PNG'}, raw=True)
'last'`)
	want := []string{"1:a\n", "display", "1:b\n", "display", "clear_output", "1:c\n", "display", "result", "done"}
	if d := cmp.Diff(want, r.order); d != "" {
		t.Errorf("order: %s", d)
	}
	first, second := r.messages[0], r.messages[1]
	if text(first, "text/html") != "<b>x</b>" || first.DisplayID != "one" || first.Update {
		t.Errorf("display %+v", first)
	}
	if text(second, "text/html") != "<i>y</i>" || second.DisplayID != "one" || !second.Update {
		t.Errorf("update %+v", second)
	}
	if !r.messages[2].Wait {
		t.Errorf("clear_output %+v", r.messages[2])
	}
	raw := r.messages[3]
	if string(raw.Bundle["application/json"]) != `{"n":null,"l":[1,2]}` {
		t.Errorf("json %s", raw.Bundle["application/json"])
	}
	if text(raw, "image/png") != base64.StdEncoding.EncodeToString([]byte("\x89PNG")) {
		t.Errorf("png %s", raw.Bundle["image/png"])
	}
}

func TestValuesOnTheWay(t *testing.T) {
	t.Parallel()
	k := configured(t)
	r := k.ok("import sys\nprint('a')\nsys.displayhook(5)\nprint('b')\n6")
	if d := cmp.Diff([]string{"1:a\n", "display", "1:b\n", "result", "done"}, r.order); d != "" {
		t.Errorf("displayhook: %s", d)
	}
	k.ok("%config InteractiveShell.ast_node_interactivity = 'all'")
	r = k.ok("1\nprint('a')\n2")
	if d := cmp.Diff([]string{"display", "1:a\n", "result", "done"}, r.order); d != "" {
		t.Errorf("all: %s", d)
	}
}

func TestDataFrame(t *testing.T) {
	t.Parallel()
	k := configured(t)
	r := k.ok("import pandas as pd\ndf = pd.DataFrame({'alpha': [1, 2], 'beta': [3., 4.]})\ndf")
	m := r.first(wire.MsgResult)
	if !strings.Contains(text(m, "text/html"), "<table") || !strings.Contains(text(m, "text/plain"), "alpha") {
		t.Errorf("bundle %v", m.Bundle)
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	k := configured(t)
	for _, c := range []struct {
		name, code string
		pictures   int
	}{
		{"left open", "import matplotlib.pyplot as plt\nplt.plot([1, 2]);", 1},
		{"none are left", "1", 0},
		{"show", "plt.plot([1]); plt.show()\nprint('x')", 1},
		{"two", "plt.figure(); plt.plot([1]); plt.figure(); plt.plot([2]); plt.show()", 2},
		{"fig.show", "fig, ax = plt.subplots(); fig.show()", 1},
		{"display", "fig, ax = plt.subplots(); display(fig)", 1},
		{"twice", "fig, ax = plt.subplots(); display(fig); display(fig)", 2},
		{"value", "fig, ax = plt.subplots()\nfig", 1},
		{"closed", "fig, ax = plt.subplots(); plt.close(fig)", 0},
		{"savefig only", "from matplotlib.figure import Figure\nf = Figure(); f.subplots(); f.savefig('x.png')", 0},
		{"bare figure", "f", 1},
		{"inline magic", "%matplotlib inline\nplt.plot([1]); plt.show()", 1},
		{"pandas", "import pandas as pd\npd.Series([1, 2]).plot();", 1},
		{"empty", "plt.figure();", 0},
		{"text only", "plt.figure().suptitle('x');", 1},
		{"thread", "import threading\ndef draw(): plt.plot([1])\nth = threading.Thread(target=draw); th.start(); th.join()", 1},
		{"agg", "import matplotlib\nmatplotlib.use('Agg')\nplt.plot([1]); plt.show()", 1},
		{"on error", "plt.plot([1])\n1/0", 1},
	} {
		r := k.execute(c.code)
		n := 0
		for _, m := range r.messages {
			if png, err := base64.StdEncoding.DecodeString(text(m, "image/png")); err == nil && strings.HasPrefix(string(png), "\x89PNG") {
				n++
			}
		}
		if n != c.pictures || r.stderr.Len() > 0 {
			t.Errorf("%s: %d pictures, want %d; %v, stderr %s", c.name, n, c.pictures, r.order, r.stderr.String())
		}
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.input = []string{"Ada", "secret", "x"}
	r := k.request(wire.Request{Code: "import getpass\nprint('who')\na = input('name? ')\nb = getpass.getpass('pass? ')\nprint(a, b)", Stdin: true})
	if d := cmp.Diff([]string{"1:who\n", "input_request", "input_request", "1:Ada secret\n", "done"}, r.order); d != "" {
		t.Errorf("order: %s", d)
	}
	if m := r.messages[1]; m.Prompt != "pass? " || !m.Password {
		t.Errorf("request %+v", m)
	}
	for name, req := range map[string]wire.Request{
		"no stdin":     {Code: "input('p')"},
		"sys.stdin":    {Code: "import sys\nif sys.stdin.readline() == '': raise EOFError"},
		"end of input": {Code: "k = input(); input()", Stdin: true},
	} {
		if r := k.request(req); r.first(wire.MsgError).Name != "EOFError" {
			t.Errorf("%s: %+v", name, r.messages)
		}
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	k := configured(t)
	for _, c := range []struct {
		name, code string
		size       int
	}{
		{"lines", "for i in range(200_000): print(i)", 1288890},
		{"characters", "import sys\nfor i in range(1_000_000): sys.stdout.write('x')", 1000000},
		{"one line", "print('y' * 20_000_000, end='')", 20_000_000},
		{"chunks", "import os\nfor i in range(800): os.write(1, b'z' * 65536)", 800 * 65536},
		{"binary", "sys.stdout.buffer.write(bytes(range(256)) * 1000); None", 256000},
		{"surrogate", "print('\\ud800')", 7},
	} {
		began := time.Now()
		r := k.ok(c.code)
		if r.stdout.Len() != c.size {
			t.Errorf("%s: %d bytes, want %d", c.name, r.stdout.Len(), c.size)
		}
		took := time.Since(began)
		t.Logf("%s: %d bytes in %s", c.name, c.size, took)
		if took > 20*time.Second { // a second or two on an idle machine; what is quadratic takes minutes
			t.Errorf("%s took %s", c.name, took)
		}
	}
	r := k.ok("import threading, time\nev = threading.Event()\nth = threading.Thread(target=lambda: (ev.wait(), print('late'))); th.start()")
	if r.stdout.Len() != 0 {
		t.Errorf("printed %q", r.stdout.String())
	}
	if got := k.ok("ev.set(); th.join()").stdout.String(); got != "late\n" {
		t.Errorf("thread printed %q", got)
	}
}

func TestBackgroundTasks(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("import asyncio\nticks = 0\nasync def tick():\n    global ticks\n    while True:\n        ticks += 1\n        await asyncio.sleep(0.001)\nt = asyncio.create_task(tick())")
	// The task runs only while the loop waits for a frame.
	for range 1000 {
		if k.ok("ticks > 5").result() == "True" {
			break
		}
	}
	if got := k.ok("ticks > 5, t.done()").result(); got != "(True, False)" {
		t.Errorf("ticks: %s", got)
	}
	k.ok("t.cancel()")
	if got := k.ok("await asyncio.sleep(0)\nt.cancelled()").result(); got != "True" {
		t.Errorf("cancelled: %s", got)
	}
	r := k.ok("async def bad():\n    raise SystemExit(3)\nt2 = asyncio.create_task(bad())")
	_ = r
	if got := k.ok("await asyncio.sleep(0.01)\n4").result(); got != "4" {
		t.Errorf("after a task's SystemExit: %s", got)
	}
	k.ok("import concurrent.futures\nf = asyncio.run_coroutine_threadsafe(asyncio.sleep(0, 5), asyncio.get_event_loop())")
	if got := k.ok("await asyncio.wrap_future(f)").result(); got != "5" {
		t.Errorf("threadsafe: %s", got)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	k := start(t)
	dir := t.TempDir()
	k.send(wire.Request{Type: wire.ReqConfigure, Language: "python", Cwd: dir + "/missing"})
	if m := k.read(); m.Type != wire.MsgRefused || !strings.Contains(m.Value, "missing") {
		t.Errorf("missing cwd: %+v", m)
	}
	k.configure(wire.Request{Cwd: dir, Env: map[string]string{"A": "1", "TZ": "Asia/Tokyo"}})
	if got := k.ok("import os, time\nos.getcwd(), os.environ['A'], time.tzname[0], os.environ.get('HOTCELL_PYTHON')").result(); got != fmt.Sprintf("('%s', '1', 'JST', None)", dir) {
		t.Errorf("configured: %s", got)
	}
	r := k.request(wire.Request{Code: "print(os.environ['A'], os.environ['B'])\nos.environ['C'] = '4'\nos.system('echo $A')", Env: map[string]string{"A": "2", "B": "3"}})
	if got := r.stdout.String(); got != "2 3\n2\n" {
		t.Errorf("env of a run: %q", got)
	}
	if got := k.ok("os.environ['A'], os.environ.get('B'), os.environ['C']").result(); got != "('1', None, '4')" {
		t.Errorf("restored: %s", got)
	}
	if r := k.request(wire.Request{Code: "1", Env: map[string]string{"a=b": "1"}}); r.first(wire.MsgError).Name != "ValueError" && r.first(wire.MsgError).Name != "OSError" {
		t.Errorf("bad name: %+v", r.messages)
	}
	k.ok("1")
}

func TestNames(t *testing.T) {
	t.Parallel()
	k := configured(t)
	r := k.ok("import os, sys\nx = 1\n_y = 2\ndef f(): pass\nclass C: pass\nfrom math import pi")
	if d := cmp.Diff([]string{"x", "f", "C", "pi"}, r.done.Names); d != "" {
		t.Errorf("names: %s", d)
	}
	r = k.ok("for i in range(500): globals()[f'v{i}'] = i")
	if len(r.done.Names) != 200 || r.done.More != 305 {
		t.Errorf("%d names and %d more", len(r.done.Names), r.done.More)
	}
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("import pandas as pd\ndf = pd.DataFrame({'alpha': [1], 'beta': [2]})\ndef hello(name):\n    'Says hello.'\n    return name\nwörd = 'x'")
	ask := func(r wire.Request) wire.Message {
		r.ID = "q"
		k.send(r)
		return k.read()
	}
	has := func(m wire.Message, text string) string {
		for _, one := range m.Matches {
			if one.Text == text {
				return one.Kind + "!"
			}
		}
		return ""
	}
	for _, c := range []struct {
		code, text, kind string
		cursor, start    int
	}{
		{"df.", "alpha", "", 3, 3},
		{"df.gro", "groupby", "function", 6, 3},
		{"hel", "hello", "function", 3, 0},
		{"ö = 1; hel", "hello", "function", 10, 7},
		{"wörd.upp", "upper", "function", 8, 5},
		{"imp", "import", "keyword", 3, 0},
		{"pd.Data", "DataFrame", "class", 7, 3},
		{"%timei", "%timeit", "magic", 6, 0},
		{"df['al", "alpha", "dict key", 6, 4},
	} {
		m := ask(wire.Request{Type: wire.ReqComplete, Code: c.code, Cursor: c.cursor})
		kind := has(m, c.text)
		if kind == "" || c.kind != "" && kind != c.kind+"!" {
			t.Errorf("complete %q: %q; %.400s", c.code, kind, fmt.Sprint(m))
		}
		if m.End != c.cursor || m.Start != c.start {
			t.Errorf("complete %q: %d to %d", c.code, m.Start, m.End)
		}
	}
	m := ask(wire.Request{Type: wire.ReqInspect, Code: "hello(", Cursor: 5})
	if !m.Found || !strings.Contains(text(m, "text/plain"), "Says hello.") || strings.Contains(text(m, "text/plain"), "\x1b") {
		t.Errorf("inspect: %+v", m)
	}
	if m := ask(wire.Request{Type: wire.ReqInspect, Code: "nothing_here", Cursor: 3}); m.Found {
		t.Errorf("inspect of nothing: %+v", m)
	}
	for code, want := range map[string]string{"1+1": "complete", "for i in x:": "incomplete", "x = = 1": "invalid", "def f():\n    x": "incomplete"} {
		if m := ask(wire.Request{Type: wire.ReqIsComplete, Code: code}); m.Status != want {
			t.Errorf("is_complete %q: %+v", code, m)
		}
	}
	k.ok("1")
}
