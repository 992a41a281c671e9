package python_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/python"
)

func TestInfo(t *testing.T) {
	t.Parallel()
	info := shared.Info()
	if info.Fault != "" || !filepath.IsAbs(info.Program) || !strings.HasPrefix(info.Version, "3.") {
		t.Errorf("info %+v", info)
	}
	if d := cmp.Diff([]string{"python"}, info.Languages); d != "" {
		t.Error(d)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, script string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ name, program, want string }{
		{"missing", filepath.Join(dir, "nothing"), "no program at"},
		{"too old", write("old", `echo '{"Executable":"/usr/bin/python3.8","Version":"3.8.1","Major":3,"Minor":8,"IPython":true}'`), "python 3.8.1 at /usr/bin/python3.8; 3.10 or newer is needed"},
		{"no IPython", write("bare", `echo '{"Executable":"/x/python","Version":"3.12.1","Major":3,"Minor":12,"IPython":false}'`), "/x/python -m pip install ipython"},
		{"something else", write("else", "echo boo; exit 3"), "exit status 3, and it said \"boo\""},
	} {
		r := python.New(python.Config{Program: c.program})
		if fault := r.Info().Fault; !strings.Contains(fault, c.want) {
			t.Errorf("%s: %q", c.name, fault)
		}
		if _, err := r.Start(t.Context(), runtimes.Spec{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: start: %v", c.name, err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: close: %v", c.name, err)
		}
	}
}

func TestBirthEnv(t *testing.T) {
	t.Parallel()
	got := shared.BirthEnv(map[string]string{"A": "1", "PYTHONPATH": "/x", "LD_PRELOAD": "", "OMP_NUM_THREADS": "1", "LANG": "C", "LC_ALL": "C", "MKL_NUM_THREADS": "2"})
	want := map[string]string{"PYTHONPATH": "/x", "LD_PRELOAD": "", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "2"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := shared.BirthEnv(map[string]string{"A": "1"}); got != nil {
		t.Errorf("nothing to be born with: %v", got)
	}
}

func TestFreshInterpreter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.py"), []byte("value = 'found'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := startOf(t, shared, runtimes.Spec{Env: map[string]string{"PYTHONPATH": dir, "PYTHONHASHSEED": "7"}})
	k.configure(wire.Request{Cwd: dir})
	for code, want := range map[string]string{
		"import mine; mine.value":                 "'found'",
		"import sys; sys.argv, __name__":          "([''], '__main__')",
		"import sys; 'pandas' in sys.modules":     "False",
		"import os; os.environ['PYTHONPATH']":     "'" + dir + "'",
		"await __import__('asyncio').sleep(0, 3)": "3",
	} {
		if got := k.ok(code).result(); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	r := k.ok("import matplotlib.pyplot as plt\nplt.plot([1]); plt.show()")
	if text(r.first(wire.MsgDisplay), "image/png") == "" {
		t.Errorf("figure: %v, %s", r.order, r.stderr.String())
	}
	k.running("print('go')\nwhile True: pass")
	k.interrupt()
	if r := k.await(); r.done.Status != "interrupted" {
		t.Errorf("interrupt: %s", r.done.Status)
	}
	if got := k.ok("mine.value").result(); got != "'found'" {
		t.Errorf("state: %s", got)
	}
}

// TestApart: what one kernel holds is not another's.
func TestApart(t *testing.T) {
	t.Parallel()
	a, b := configured(t), configured(t)
	for _, code := range []string{
		"import random; random.random()",
		"import numpy; float(numpy.random.rand())",
		"import uuid; str(uuid.uuid4())",
		"import tempfile; tempfile.mktemp()",
		"import os; os.getpid()",
	} {
		if x, y := a.ok(code).result(), b.ok(code).result(); x == y {
			t.Errorf("%s gives %s in both", code, x)
		}
	}
	a.ok("import os, sys, signal, subprocess, threading")
	for code, want := range map[string]string{
		// 0, 1 and 2, and the listing's own: what is the driver's lies above.
		"sorted(int(f) for f in os.listdir('/proc/self/fd') if int(f) < 200)":                                                    "[0, 1, 2, 3]",
		"os.getsid(0) == os.getpid() == os.getpgid(0)":                                                                           "True",
		"threading.current_thread() is threading.main_thread()":                                                                  "True",
		"subprocess.run('ls /proc/self/fd | wc -l', shell=True, capture_output=True, close_fds=False, text=True).stdout.strip()": "'4'",
		"sys.path[0], sys.argv":                              "('', [''])",
		"signal.getsignal(signal.SIGTERM) == signal.SIG_DFL": "True",
		"sys.stdin.read()":                                   "''",
		"os.umask(0o22)":                                     "18",
	} {
		if got := a.ok(code).result(); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
}

func TestHowKernelsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(*kernel)
		want string
	}{
		{"shutdown", func(k *kernel) { k.send(wire.Request{Type: wire.ReqShutdown}) }, "exit status 0"},
		{"end of file", func(k *kernel) { k.Conn.Close() }, "exit status 0"},
		{"end of file while awaiting", func(k *kernel) {
			k.running("print('go')\nawait asyncio.sleep(60)")
			k.Conn.Close()
		}, "exit status 0"},
		{"_exit", func(k *kernel) { k.send(wire.Request{Type: wire.ReqExecute, Code: "import os; os._exit(5)"}) }, "exit status 5"},
		{"segfault", func(k *kernel) {
			k.send(wire.Request{Type: wire.ReqExecute, Code: "import ctypes; ctypes.string_at(0)"})
		}, "killed by SIGSEGV"},
		{"abort", func(k *kernel) { k.send(wire.Request{Type: wire.ReqExecute, Code: "import os; os.abort()"}) }, "killed by SIGABRT"},
		{"killed", func(k *kernel) { _ = k.Process.Signal(syscall.SIGKILL) }, "killed by SIGKILL"},
		{"with children", func(k *kernel) {
			k.ok("import subprocess\nsubprocess.Popen(['sleep', '1000'])\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)")
			_ = k.Process.Signal(syscall.SIGKILL)
		}, "killed by SIGKILL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := configured(t)
			k.ok("import asyncio")
			c.end(k)
			select {
			case <-k.Process.Done():
				if got := k.Process.Exit().String(); got != c.want {
					t.Errorf("exit %s, want %s", got, c.want)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("it lives")
			}
			if left := sessionOf(t, k.Process.Pid()); len(left) > 0 {
				t.Errorf("left in its session: %v", left)
			}
		})
	}
}

// sessionOf lists what lives in the session of a kernel.
func sessionOf(t *testing.T, leader int) []string {
	t.Helper()
	var left []string
	for _, f := range processes(t) {
		if f[5] == strconv.Itoa(leader) && f[2] != "Z" {
			left = append(left, strings.Join(f[:6], " "))
		}
	}
	return left
}

// processes reads the process table: pid, name, state, parent, group, session.
func processes(t *testing.T) [][]string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		open, end := strings.IndexByte(string(raw), '('), strings.LastIndexByte(string(raw), ')')
		fields := append([]string{strings.TrimSpace(string(raw[:open])), string(raw[open : end+1])}, strings.Fields(string(raw[end+1:]))...)
		all = append(all, fields)
	}
	return all
}

func children(t *testing.T, parent int) []int {
	t.Helper()
	var out []int
	for _, f := range processes(t) {
		if f[3] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(f[0])
			out = append(out, pid)
		}
	}
	sort.Ints(out)
	return out
}

func own(t *testing.T) *python.Runtime {
	t.Helper()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r := python.New(python.Config{Program: p, Preload: []string{}})
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// templateOf is the process that forked a kernel.
func templateOf(t *testing.T, k *kernel) int {
	t.Helper()
	for _, f := range processes(t) {
		if f[0] == strconv.Itoa(k.Process.Pid()) {
			pid, _ := strconv.Atoi(f[3])
			return pid
		}
	}
	t.Fatalf("kernel %d is not in the process table", k.Process.Pid())
	return 0
}

func TestTemplateDies(t *testing.T) {
	t.Parallel()
	r := own(t)
	k := startOf(t, r, runtimes.Spec{})
	k.configure(wire.Request{})
	k.ok("x = 1")
	template := templateOf(t, k)
	if err := syscall.Kill(template, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := k.ok("x").result(); got != "1" {
		t.Errorf("kernel after its template's death: %s", got)
	}
	next := startOf(t, r, runtimes.Spec{})
	next.configure(wire.Request{})
	if other := templateOf(t, next); other == template {
		t.Errorf("the same template %d", other)
	}
	next.ok("1")
	if err := k.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-k.Process.Done()
	if !k.Process.Exit().Unknown {
		t.Errorf("exit of an orphan: %+v", k.Process.Exit())
	}
}

// TestPackagesChange makes an environment, and installs into it.
func TestPackagesChange(t *testing.T) {
	t.Parallel()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := python.New(python.Config{Program: venv(t, p, dir), Preload: []string{}})
	defer r.Close()
	if f := r.Info().Fault; f != "" {
		t.Fatal(f)
	}
	if got := r.Info().Program; got != filepath.Join(dir, "bin/python") {
		t.Errorf("program %s", got)
	}
	first := startOf(t, r, runtimes.Spec{})
	first.configure(wire.Request{})
	second := startOf(t, r, runtimes.Spec{})
	old := templateOf(t, first)
	if got := templateOf(t, second); got != old {
		t.Errorf("templates %d and %d without a change", old, got)
	}
	first.ok("import sysconfig\nopen(sysconfig.get_path('purelib') + '/fresh.py', 'w').write('value = 1')")
	third := startOf(t, r, runtimes.Spec{})
	third.configure(wire.Request{})
	if templateOf(t, third) == old {
		t.Error("the old template after an installation")
	}
	third.ok("import fresh")
	first.ok("import fresh") // an old kernel lives on
	_ = first.Process.Signal(syscall.SIGKILL)
	_ = second.Process.Signal(syscall.SIGKILL)
	<-first.Process.Done()
	<-second.Process.Done()
	gone := time.Now().Add(10 * time.Second)
	for alive(old) {
		if time.Now().After(gone) {
			t.Fatal("the old template outlives its kernels")
		}
	}
}

// venv makes an environment that borrows the packages of the given one.
func venv(t *testing.T, program, dir string) string {
	t.Helper()
	k := configured(t)
	k.ok(fmt.Sprintf(`import venv, glob, site, sys, os
venv.create(%q, symlinks=True)
target = glob.glob(%q + '/lib/python*/site-packages')[0]
open(target + '/borrowed.pth', 'w').write('\n'.join(p for p in sys.path if p.endswith('site-packages')))`, dir, dir))
	_ = program
	return filepath.Join(dir, "bin/python")
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestManyAtOnce(t *testing.T) {
	r := own(t)
	warm := startOf(t, r, runtimes.Spec{})
	warm.configure(wire.Request{})
	files, before := descriptors(t), children(t, templateOf(t, warm))
	began := time.Now()
	var wg sync.WaitGroup
	kernels := make([]*runtimes.Kernel, 50)
	for i := range kernels {
		wg.Go(func() {
			k, err := r.Start(t.Context(), runtimes.Spec{})
			if err != nil {
				t.Errorf("start %d: %v", i, err)
				return
			}
			kernels[i] = k
		})
	}
	wg.Wait()
	took := time.Since(began)
	t.Logf("50 kernels in %s", took)
	if took > 3*time.Second { // a second on an idle machine; the tests share it
		t.Errorf("50 kernels took %s", took)
	}
	for _, k := range kernels {
		if k == nil {
			continue
		}
		_ = k.Conn.Close()
		_ = k.Process.Signal(syscall.SIGKILL)
		<-k.Process.Done()
		_ = k.Stdout.Close()
		_ = k.Stderr.Close()
	}
	warm.ok("1")
	deadline := time.Now().Add(10 * time.Second)
	for len(children(t, templateOf(t, warm))) != len(before) {
		if time.Now().After(deadline) {
			t.Fatalf("children of the template: %v, before %v", children(t, templateOf(t, warm)), before)
		}
	}
	if now := descriptors(t); now != files {
		t.Errorf("%d descriptors, %d before", now, files)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestClose(t *testing.T) {
	r := own(t)
	files := descriptors(t)
	k := startOf(t, r, runtimes.Spec{})
	k.configure(wire.Request{})
	k.send(wire.Request{Type: wire.ReqExecute, Code: "while True: pass"})
	template := templateOf(t, k)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	<-k.Process.Done() // the template's end is its kernels' end
	if alive(template) {
		t.Error("the template lives")
	}
	if _, err := r.Start(t.Context(), runtimes.Spec{}); err == nil {
		t.Error("a kernel of a closed runtime")
	}
	_ = k.Conn.Close()
	_ = k.Stdout.Close()
	_ = k.Stderr.Close()
	if now := descriptors(t); now > files {
		t.Errorf("%d descriptors, %d before", now, files)
	}
}

// TestServiceKilled: a service that dies without a word leaves no kernel behind.
func TestServiceKilled(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HOTCELL_TEST_ABANDONS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var pidfds []int
	for len(pidfds) < 2 && lines.Scan() {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(lines.Text())
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		pidfds = append(pidfds, fd)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for i, fd := range pidfds {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
		if n != 1 {
			t.Errorf("kernel %d lives on: %v", i, err)
		}
	}
}

func TestCancelledStart(t *testing.T) {
	t.Parallel()
	r := own(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if k, err := r.Start(ctx, runtimes.Spec{}); err == nil {
		t.Errorf("started %v", k)
	}
	k := startOf(t, r, runtimes.Spec{})
	k.configure(wire.Request{})
	k.ok("1")
}

func TestBrokenPreload(t *testing.T) {
	t.Parallel()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r := python.New(python.Config{Program: p, Preload: []string{"there_is_no_such_module", "this"}})
	defer r.Close()
	k := startOf(t, r, runtimes.Spec{})
	k.configure(wire.Request{})
	if got := k.ok("1+1").result(); got != "2" {
		t.Error(got)
	}
}

func TestPreload(t *testing.T) {
	t.Parallel()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		preload []string
		want    string
	}{
		{"the usual ones", nil, "[True, True, True, False]"},
		{"none", []string{}, "[False, False, False, False]"},
		{"one", []string{"wave"}, "[False, False, False, True]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := python.New(python.Config{Program: p, Preload: c.preload})
			defer r.Close()
			k := startOf(t, r, runtimes.Spec{})
			k.configure(wire.Request{})
			got := k.ok("import sys; [n in sys.modules for n in ('numpy', 'pandas', 'matplotlib.pyplot', 'wave')]").result()
			if got != c.want {
				t.Errorf("imported: %s, want %s", got, c.want)
			}
		})
	}
}
