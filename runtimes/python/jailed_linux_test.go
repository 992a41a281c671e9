package python_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/e2e/procs"
	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

func jailed(t *testing.T, j child.Jail) *kernel {
	t.Helper()
	k := startOf(t, shared, runtimes.Spec{Jail: j})
	k.configure(wire.Request{Cwd: "/tmp"})
	return k
}

// TestJailed is what a kernel in a jail is, and isn't.
func TestJailed(t *testing.T) {
	t.Parallel()
	j := newCell(t, spaces|unix.CLONE_NEWNET)
	j.join.Env = map[string]string{"HOME": "/tmp", "TMPDIR": "/dev/shm"}
	k, beside := jailed(t, j), jailed(t, j)
	k.ok(`import os, socket, tempfile, ctypes, signal
status = dict(l.rstrip("\n").split(":\t", 1) for l in open("/proc/self/status"))
def no(call, *args):
    try: return call(*args)
    except OSError as e: return type(e).__name__`)
	other := beside.ok("import os; os.getpid()").result()
	uid := strconv.Itoa(cmp.Or(j.join.UID, os.Getuid()))
	for code, want := range map[string]string{
		"status['Uid'].split() + status['Gid'].split() == [str(os.getuid())] * 8": "True",
		"os.getuid()":    uid,
		"os.getgroups()": "[]",
		"{int(status[n], 16) for n in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')}":                      "{0}",
		"status['NoNewPrivs'], status['Seccomp']":                                                               "('1', '2')",
		"sorted(int(f) for f in os.listdir('/proc/self/fd') if int(f) < 200)":                                   "[0, 1, 2, 3]",
		"{os.readlink(f'/proc/self/fd/{f}').partition(':')[0] for f in (0, 1, 2)}":                              "{'/dev/null', 'pipe'}",
		"os.getsid(0) == os.getpid() == os.getpgid(0), os.getppid()":                                            "(True, 0)",
		"os.listdir('/root'), socket.gethostname()":                                                             "(['.pyenv'], 'cell')",
		"[n for n, _ in [(i[1], 0) for i in socket.if_nameindex()]]":                                            "['lo']",
		"os.environ['HOME'], os.environ['TMPDIR'], tempfile.gettempdir()":                                       "('/tmp', '/dev/shm', '/dev/shm')",
		"sorted(int(p) for p in os.listdir('/proc') if p.isdigit()) == sorted([1, os.getpid(), " + other + "])": "True",
		"no(open, '/proc/1/environ', 'rb'), no(os.readlink, '/proc/1/fd/1')":                                    "('PermissionError', 'PermissionError')",
		"no(os.kill, 1, signal.SIGTERM), no(os.kill, " + other + ", signal.SIGKILL)":                            "('PermissionError', 'PermissionError')",
		"no(open, '/proc/" + other + "/mem', 'rb'), no(os.readlink, '/proc/" + other + "/fd/1')":                "('PermissionError', 'PermissionError')",
		"no(os.kill, " + strconv.Itoa(os.Getpid()) + ", 0)":                                                     "'ProcessLookupError'",
		"ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, None)":                                             "-1",
		"len(open('/proc/self/environ').read()) > 0, os.access('/proc/self/mem', os.W_OK)":                      "(True, True)",
		"import linecache; [n for n in linecache.cache if 'hotcell' in n]":                                      "[]",
		"signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.sigpending()":                                     "(set(), set())",
	} {
		if got := k.ok(code).result(); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	if got := beside.ok("1+1").result(); got != "2" {
		t.Errorf("the one beside it: %s", got)
	}
	// By pidfd_getfd; its number is the same on all machines.
	got := k.ok("pidfd = os.pidfd_open(" + other + "); [ctypes.CDLL(None).syscall(438, pidfd, fd, 0) for fd in (1, *range(200, 210))] == [-1] * 11").result()
	if got != "True" {
		t.Error("it has a descriptor of the kernel beside it")
	}
}

// TestJailedWithoutNamespaces: what is left where there are none.
func TestJailedWithoutNamespaces(t *testing.T) {
	t.Parallel()
	rules := ruleset(t)
	if rules == nil {
		t.Skip("no Landlock that restricts signals")
	}
	defer rules.Close()
	j := &cell{join: child.Join{Ruleset: rules, Seccomp: filter(t), Env: map[string]string{"TMPDIR": t.TempDir()}}}
	k, beside, free := jailed(t, j), jailed(t, j), configured(t)
	k.ok(`import os, signal, tempfile
def no(call, *args):
    try: return call(*args)
    except OSError as e: return type(e).__name__`)
	for code, want := range map[string]string{
		"{l.split()[1] for l in open('/proc/self/status') if l.startswith('Cap')}": "{'0000000000000000'}",
		"tempfile.gettempdir()": "'" + j.join.Env["TMPDIR"] + "'",
		"os.getpid()":           strconv.Itoa(k.Process.Pid()),
	} {
		if got := k.ok(code).result(); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	for name, pid := range map[string]int{
		"its template": templateOf(t, k), "the server": os.Getpid(), "one beside it": beside.Process.Pid(), "one without a jail": free.Process.Pid(),
	} {
		code := fmt.Sprintf("no(os.kill, %d, signal.SIGSTOP), no(open, '/proc/%d/mem', 'rb'), no(open, '/proc/%d/environ', 'rb')", pid, pid, pid)
		if got := k.ok(code).result(); got != "('PermissionError', 'PermissionError', 'PermissionError')" {
			t.Errorf("%s: %s", name, got)
		}
	}
	beside.ok("1")
	free.ok("1")
}

// TestJailedWorks: what people do works in a jail as well.
func TestJailedWorks(t *testing.T) {
	t.Parallel()
	k := jailed(t, newCell(t, spaces))
	for code, want := range map[string]string{
		"import numpy; float(numpy.ones((200, 200)).dot(numpy.ones((200, 200))).sum())": "8000000.0",
		"import pandas; pandas.DataFrame({'a': [1, 2]}).a.sum().item()":                 "3",
		"import asyncio; await asyncio.sleep(0, 3)":                                     "3",
		"import asyncio\nasync def f():\n    p = await asyncio.create_subprocess_shell('echo hi', stdout=-1)\n    return (await p.communicate())[0]\nasyncio.run(f())":                            `b'hi\n'`,
		"import subprocess; subprocess.run('id -u; ps -e 2>/dev/null | wc -l', shell=True, capture_output=True, text=True).returncode":                                                            "0",
		"import subprocess, sys; subprocess.run([sys.executable, '-c', 'import os, numpy; print(os.getuid())'], capture_output=True, text=True).stdout.strip() == str(__import__('os').getuid())": "True",
		"from multiprocessing import Pool\ndef double(x): return 2*x\nwith Pool(2) as p: r = p.map(double, range(5))\nr":                                                                          "[0, 2, 4, 6, 8]",
		"import multiprocessing, os, math\nwith multiprocessing.get_context('spawn').Pool(1) as p: r = p.map(math.sqrt, [4.0])\nr":                                                                "[2.0]",
		"from multiprocessing import Manager\nwith Manager() as m: d = m.dict(); d[1] = 2; r = dict(d)\nr":                                                                                        "{1: 2}",
		"from concurrent.futures import ThreadPoolExecutor\nlist(ThreadPoolExecutor(4).map(abs, [-1, -2]))":                                                                                       "[1, 2]",
		"import os; os.kill(os.getpid(), 0); os.waitpid(os.fork() or os._exit(7), 0)[1]":                                                                                                          "1792",
		"import socket, threading\ns = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); s.accept()[0].send(b'x'); c.recv(9)":                                "b'x'",
	} {
		if got := k.ok(code).result(); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	r := k.ok("import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('Ünï'); plt.show()")
	if text(r.first(wire.MsgDisplay), "image/png") == "" || r.stderr.Len() > 0 {
		t.Errorf("figure: %v, %s", r.order, r.stderr.String())
	}
	trace := k.execute("def f():\n    1/0\nf()").first(wire.MsgError).Traceback
	if !strings.Contains(trace, "1/0") || !strings.Contains(trace, "in f") {
		t.Errorf("traceback %s", trace)
	}
}

// TestNothingOfTheServers: what the server has in its environment is nowhere in the
// memory of a kernel in a jail, and neither is what there is of another jail.
func TestNothingOfTheServers(t *testing.T) {
	t.Parallel()
	other := newCell(t, spaces)
	other.join.Env = map[string]string{"HOME": "/" + serversSecret}
	jailed(t, other).ok("1")
	k := jailed(t, newCell(t, spaces))
	k.ok("import os, re; in_memory = []")
	got := k.ok(`for line in open('/proc/self/maps'):
    area, mode, *_, name = line.split(maxsplit=5) if line.count(' ') > 5 else [*line.split(), '']
    if mode.startswith('rw') and not name.startswith('[v'):
        start, end = (int(edge, 16) for edge in area.split('-'))
        with open('/proc/self/mem', 'rb', 0) as memory:
            memory.seek(start)
            in_memory += re.findall(b'xyzzy.plug[h]', memory.read(end - start))
len(in_memory), [n for n in os.environ if 'SERVER' in n], b'xyzzy' in open('/proc/self/environ', 'rb').read()`).result()
	if got != "(0, [], False)" {
		t.Error(got)
	}
	if got := configured(t).ok("import os; os.environ['A_SERVERS_SECRET']").result(); got != "'"+serversSecret+"'" {
		t.Errorf("without a jail: %s", got)
	}
}

// TestJailedApart: no key or seed of one kernel is known to another.
func TestJailedApart(t *testing.T) {
	t.Parallel()
	a, b := jailed(t, newCell(t, spaces)), jailed(t, newCell(t, spaces))
	for _, code := range []string{
		"import random; random.random()",
		"import numpy; float(numpy.random.rand())",
		"import multiprocessing; bytes(multiprocessing.current_process().authkey)",
		"import tempfile; tempfile.mktemp()",
	} {
		if x, y := a.ok(code).result(), b.ok(code).result(); x == y {
			t.Errorf("%s gives %s in both", code, x)
		}
	}
}

// TestJailedEnds: the ladder, the report of an exit, and the sweep.
func TestJailedEnds(t *testing.T) {
	t.Parallel()
	j := newCell(t, spaces)
	k := jailed(t, j)
	k.running("print('go')\nwhile True: pass")
	k.interrupt()
	if r := k.await(); r.done.Status != "interrupted" {
		t.Errorf("interrupt: %s", r.done.Status)
	}
	k.running("import time; print('go'); time.sleep(600)")
	k.interrupt()
	if r := k.await(); r.done.Status != "interrupted" {
		t.Errorf("interrupt of a call: %s", r.done.Status)
	}
	for name, c := range map[string]struct{ code, want string }{
		"exit":   {"os._exit(5)", "exit status 5"},
		"signal": {"os.kill(os.getpid(), 11)", "killed by SIGSEGV"},
	} {
		k := jailed(t, j)
		const daemon = `import os, subprocess
subprocess.Popen(['sleep', '600']); subprocess.Popen(['sleep', '600'], start_new_session=True)
subprocess.run("(setsid sh -c 'exec sleep 600' &) &", shell=True); subprocess.run("ps -e >/dev/null; sleep 0.1", shell=True)
[p for p in os.listdir('/proc') if p.isdigit() and b'sleep' in open(f'/proc/{p}/cmdline', 'rb').read()]`
		sleepers := strings.Count(k.ok(daemon).result(), ",") + 1
		if sleepers != 3 {
			t.Fatalf("%d were started", sleepers)
		}
		k.send(wire.Request{Type: wire.ReqExecute, Code: c.code})
		<-k.Process.Done()
		if got := k.Process.Exit().String(); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
		if left := inside(t, j); len(left) > 2 { // the first process and the kernel above
			t.Errorf("%s: left inside: %v", name, left)
		}
	}
}

// inside lists what lives in a jail, by the numbers here.
func inside(t *testing.T, j *cell) []string {
	t.Helper()
	var in []string
	own, err := os.Stat(fmt.Sprintf("/proc/%d/ns/pid", j.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range processes(t) {
		if st, err := os.Stat("/proc/" + f[0] + "/ns/pid"); err == nil && f[2] != "Z" && os.SameFile(own, st) {
			in = append(in, f[0]+f[1])
		}
	}
	return in
}

// TestJailDies: with a jail's first process all its kernels end, and are reported.
func TestJailDies(t *testing.T) {
	t.Parallel()
	j := newCell(t, spaces)
	a, b := jailed(t, j), jailed(t, j)
	// A child of the template's that it doesn't know of: it would keep the jail from ending.
	got := a.ok(`import ctypes, os
libc = ctypes.CDLL(None)
def clone(flags):
    if os.uname().machine != "x86_64": return 1
    pid = libc.syscall(56, flags | 17, 0, 0, 0, 0)
    if pid == 0:
        while True: libc.pause()
    return pid
CLONE_PARENT, CLONE_PTRACE, TRACEME = 0x8000, 0x2000, 0
[clone(CLONE_PARENT) > 0, libc.ptrace(TRACEME, 0, 0, 0) == 0, clone(CLONE_PTRACE) > 0]`).result()
	if got != "[True, True, True]" {
		t.Fatal(got)
	}
	b.send(wire.Request{Type: wire.ReqExecute, Code: "while True: pass"})
	j.kill() // returns when the kernel has ended everything in it
	for _, k := range []*kernel{a, b} {
		<-k.Process.Done()
		if got := k.Process.Exit().String(); got != "killed by SIGKILL" {
			t.Errorf("exit %s", got)
		}
	}
	if _, err := shared.Start(t.Context(), runtimes.Spec{Jail: j}); !errors.Is(err, child.ErrJailEnded) {
		t.Errorf("a start in a dead jail: %v", err)
	}
	configured(t).ok("1+1")
}

// TestNoWayIn: whichever step fails, there is no kernel, and it is said why.
func TestNoWayIn(t *testing.T) {
	t.Parallel()
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = null.Close() })
	refused := errors.New("no room")
	for name, c := range map[string]struct {
		change func(*cell)
		want   string
	}{
		"pid namespace": {func(j *cell) { j.kill() }, "enter the jail: the sandbox's first process has ended"},
		"user":          {func(j *cell) { j.join.UID = 12345 }, "enter the jail: become the jail's group: Invalid argument"},
		"ruleset":       {func(j *cell) { j.join.Ruleset = null }, "enter the jail: restrict by Landlock: "},
		"filter":        {func(j *cell) { j.join.Seccomp = []byte("not instructions") }, "enter the jail: filter system calls: Invalid argument"},
		"size":          {func(j *cell) { j.join.Seccomp = make([]byte, 50<<10) }, "of at most"},
		"limits":        {func(j *cell) { j.admit = func(int) error { return refused } }, "limits: no room"},
		"closed":        {func(j *cell) { j.join.Ruleset = os.NewFile(1<<20, "closed"); _ = j.join.Ruleset.Close() }, "closed file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newCell(t, spaces)
			good := jailed(t, j)
			template := templateOf(t, good)
			ours := j.join
			defer func() { j.join = ours }()
			c.change(j)
			k, err := shared.Start(t.Context(), runtimes.Spec{Jail: j})
			if err == nil {
				_ = k.Process.Signal(syscall.SIGKILL)
				t.Fatal("a kernel")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			next := jailed(t, newCell(t, spaces))
			if templateOf(t, next) != template {
				t.Error("the template has gone")
			}
			here, err := os.Readlink("/proc/self/ns/pid")
			if err != nil {
				t.Fatal(err)
			}
			// It is elsewhere for the moment in which it forks for another case.
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := procs.Eventually(ctx, func() error {
				there, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid_for_children", template))
				if there != here {
					return fmt.Errorf("the template forks into %s: %v", there, err) //nolint:errorlint // it may be nil
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestManyJailed: what is started many times leaves nothing.
func TestManyJailed(t *testing.T) {
	r := own(t)
	j := newCell(t, spaces)
	warm := startOf(t, r, runtimes.Spec{Jail: j})
	template := templateOf(t, warm)
	ours, theirs, there := descriptors(t), descriptorsOf(t, template), len(children(t, template))
	for range 4 {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				k, err := r.Start(t.Context(), runtimes.Spec{Jail: j})
				if err != nil {
					t.Error(err)
					return
				}
				_ = k.Conn.Close()
				<-k.Process.Done()
				_ = k.Stdout.Close()
				_ = k.Stderr.Close()
			})
		}
		wg.Wait()
	}
	// The answer to a fork comes after what was asked before it was done.
	last := startOf(t, r, runtimes.Spec{Jail: j})
	last.configure(wire.Request{})
	if now := len(children(t, template)); now != there+1 {
		t.Errorf("%d children of the template, %d before", now, there+1)
	}
	if now := inside(t, j); len(now) != 3 {
		t.Errorf("in the jail: %v", now)
	}
	_ = last.Conn.Close()
	<-last.Process.Done()
	_ = last.Stdout.Close()
	_ = last.Stderr.Close()
	for until := time.Now().Add(10 * time.Second); ; {
		if descriptors(t) == ours && descriptorsOf(t, template) == theirs && len(children(t, template)) == there {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d descriptors, %d before; the template's %d, %d before; its children %v", descriptors(t), ours, descriptorsOf(t, template), theirs, children(t, template))
		}
	}
}

func descriptorsOf(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestJailsWithoutPrivileges runs the tests above as somebody who may make user
// namespaces, and nothing else: once as root without CAP_SYS_ADMIN, as in a
// container, and once as another user.
func TestJailsWithoutPrivileges(t *testing.T) {
	if os.Getuid() != 0 || os.Getenv(unprivilegedVar) != "" {
		t.Skip("for root")
	}
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	for name, privileges := range map[string]string{
		"root without capabilities": "--bounding-set=-sys_admin",
		"another user":              "--reuid=12345 --regid=12345 --clear-groups",
	} {
		t.Run(name, func(t *testing.T) {
			// The tests' Python may lie in a home directory, where others don't come.
			cmd := exec.Command("unshare", "--mount", "sh", "-ec", `
mount --bind "$0" /mnt; mount -t tmpfs -o mode=755 tmp "/$(echo "$0" | cut -d/ -f2)"
mkdir -p "$0"; mount --move /mnt "$0"
exec setpriv `+privileges+` /proc/self/fd/3 -test.v '-test.run=^(TestJailed|TestJailedWorks|TestJailedEnds|TestJailDies|TestManyJailed)$'`, prefix(t))
			cmd.Env = append(os.Environ(), unprivilegedVar+"=1")
			cmd.ExtraFiles = []*os.File{self}
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Count(string(out), "--- PASS") != 5 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

const unprivilegedVar = "HOTCELL_TEST_UNPRIVILEGED"
