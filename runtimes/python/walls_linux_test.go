package python_test

import (
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// openJail makes a jail as a server does, with an own user where that one reaches the
// tests' Python.
func openJail(tb testing.TB, mode jail.Mode) *jail.Jail {
	tb.Helper()
	return openJailWith(tb, mode, false)
}

// openJailWith makes one whose user may reach what lies where no other user gets to.
func openJailWith(tb testing.TB, mode jail.Mode, reaches bool) *jail.Jail {
	tb.Helper()
	if _, err := exec.LookPath("bwrap"); err != nil && mode == jail.Namespace {
		tb.Skip(err)
	}
	dir, err := os.MkdirTemp("", "hotcell-python-") //nolint:usetesting // others can't reach tb.TempDir
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	cfg := jail.Config{
		Mode: mode, Network: jail.Host, Work: filepath.Join(dir, "work"), Scratch: filepath.Join(dir, "scratch"),
		Shared: shared.Shared(), Hidden: []string{"/" + strings.Split(prefix(tb), "/")[1]},
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		tb.Fatal(err)
	}
	if err := os.Mkdir(cfg.Work, 0o700); err != nil {
		tb.Fatal(err)
	}
	if cfg.Reaches = reaches; reaches {
		if err := os.Chmod(dir, 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	if os.Getuid() == 0 && (mode == jail.Namespace || reaches) {
		cfg.UID = jail.UserBase + 1<<20 + os.Getpid()
		if reaches {
			cfg.UID += 1 << 23 // the end of this one ends all of its user
		}
		if err := os.Chown(cfg.Work, cfg.UID, cfg.UID); err != nil {
			tb.Fatal(err)
		}
	}
	j, err := jail.New(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(j.Close)
	return j
}

// TestWalls is the whole in a sandbox's jail: forked kernels, one with variables of
// its own, programs, and the end of all.
func TestWalls(t *testing.T) {
	t.Parallel()
	for _, mode := range []jail.Mode{jail.Namespace, jail.Process} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			j := openJail(t, mode)
			work := j.Config().Work
			fresh := runtimes.Spec{Jail: j, Env: map[string]string{"PYTHONHASHSEED": "1"}}
			var kernels []*kernel
			for name, spec := range map[string]runtimes.Spec{"forked": {Jail: j}, "fresh": fresh} {
				k := startOf(t, shared, spec)
				k.configure(wire.Request{Cwd: work, Env: map[string]string{"MINE": "1"}})
				kernels = append(kernels, k)
				for code, want := range map[string]string{
					"import os; os.getcwd() == os.environ['HOME'], os.environ['MINE']":                                                    "(True, '1')",
					"import tempfile; open(tempfile.mkstemp()[1], 'w').write('x')":                                                        "1",
					"open('file', 'w').write('abc')":                                                                                      "3",
					"import numpy, pandas; len(pandas.DataFrame({'a': numpy.ones(3)}))":                                                   "3",
					"{int(l.split()[1], 16) for l in open('/proc/self/status') if l.startswith('Cap')}":                                   "{0}",
					"[l.split()[1] for l in open('/proc/self/status') if l.startswith(('NoNewP', 'Seccomp:'))]":                           "['1', '2']",
					"import ctypes, os; ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) if os.uname().machine == 'x86_64' else -1": "-1",
					"import subprocess; subprocess.run('echo hi', shell=True, capture_output=True).stdout":                                `b'hi\n'`,
				} {
					if got := k.ok(code).result(); got != want {
						t.Errorf("%s, %s: %s, want %s", name, code, got, want)
					}
				}
				if r := k.ok("import matplotlib.pyplot as plt\nplt.plot([1]); plt.show()"); text(r.first(wire.MsgDisplay), "image/png") == "" || r.stderr.Len() > 0 {
					t.Errorf("%s: %v, %s", name, r.order, r.stderr.String())
				}
				for _, code := range []string{"open('/root/.bashrc').read()", "open('/etc/shadow').read()", "open('/usr/x', 'w')", "import os; os.kill(1, 9)\nopen('/root/.bashrc')"} {
					if r := k.execute(code); r.done.Status != "error" {
						t.Errorf("%s: %s", name, code)
					}
				}
			}
			if st, err := os.Stat(filepath.Join(work, "file")); err != nil || int(st.Sys().(*syscall.Stat_t).Uid) != j.Config().UID {
				t.Errorf("whose file? %v", err)
			}
			if mode == jail.Namespace {
				got := kernels[0].ok("import os; open('/workspace/file').read(), sorted(p for p in os.listdir('/proc') if p.isdigit()) == []").result()
				if got != "('abc', False)" {
					t.Error(got)
				}
			}
			j.Close()
			for _, k := range kernels {
				if mode == jail.Process && j.Config().UID == 0 {
					break // nothing tells a forked one from what else is the server's
				}
				select {
				case <-k.Process.Done():
				case <-time.After(10 * time.Second):
					t.Errorf("kernel %d lives on", k.Process.Pid())
				}
			}
			if _, err := shared.Start(t.Context(), fresh); err == nil {
				t.Error("a kernel in a closed jail")
			}
			if _, err := shared.Start(t.Context(), runtimes.Spec{Jail: j}); err == nil && mode == jail.Namespace {
				t.Error("a forked kernel in a closed jail")
			} else if mode == jail.Namespace && !strings.Contains(err.Error(), child.ErrJailEnded.Error()) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestReach gives a kernel one capability and no other, which access(2) counts as well.
func TestReach(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 || !jail.CanReach() {
		t.Skip("it takes root, with a capability that it has not everywhere")
	}
	j := openJailWith(t, jail.Process, true)
	fresh := runtimes.Spec{Jail: j, Env: map[string]string{"PYTHONHASHSEED": "1"}}
	for name, spec := range map[string]runtimes.Spec{"forked": {Jail: j}, "fresh": fresh} {
		k := startOf(t, shared, spec)
		k.configure(wire.Request{Cwd: j.Config().Work})
		for code, want := range map[string]string{
			"{int(l.split()[1], 16) for l in open('/proc/self/status') if l.startswith('Cap')}":                                                             "{4}",
			"import os; os.getuid() > 0, os.access(os.getcwd(), os.R_OK | os.W_OK | os.X_OK), os.access('/etc', os.W_OK)":                                   "(True, True, False)",
			"import subprocess; subprocess.run('test -x $PWD && grep ^Cap /proc/self/status | cut -f 2 | sort -u', shell=True, capture_output=True).stdout": `b'0000000000000004\n'`,
		} {
			if got := k.ok(code).result(); got != want {
				t.Errorf("%s, %s: %s, want %s", name, code, got, want)
			}
		}
	}
}

// TestScriptInJail runs a program where a sandbox's programs run.
func TestScriptInJail(t *testing.T) {
	t.Parallel()
	j := openJail(t, jail.Namespace)
	cfg := j.Config()
	own := filepath.Join(cfg.Run(), "one")
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, vars := range map[string]map[string]string{"forked": nil, "fresh": {"PYTHONHASHSEED": "1"}} {
		env := map[string]string{"PATH": "/usr/bin:/bin", "HOME": j.Config().Work}
		maps.Copy(env, vars)
		run, _, err := shared.RunScript(t.Context(), runtimes.Script{
			Code: "import os, pandas\nprint(os.getuid(), os.getcwd())\n1/0", Dir: j.Config().Work, Own: own, Env: env, Vars: vars, Jail: j, UID: j.Config().UID,
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out, _ := io.ReadAll(run.Output)
		<-run.Process.Done()
		run.Close()
		if !strings.Contains(string(out), j.Config().Work) || !strings.Contains(string(out), "ZeroDivisionError") || !strings.Contains(string(out), "1/0") {
			t.Errorf("%s: %s", name, out)
		}
	}
}
