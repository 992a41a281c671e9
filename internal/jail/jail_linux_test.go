package jail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"hotcell/internal/child"
	"hotcell/internal/jail"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "be-child" && os.Args[2] == "init" {
		os.Exit(jail.Main(os.Args[3:]))
	}
	if len(os.Args) > 2 && os.Args[1] == "access" { // as Node.js and git do it, and no shell
		if err := unix.Access(os.Args[2], unix.X_OK); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// modes are those that work here.
func modes(tb testing.TB) []jail.Mode {
	tb.Helper()
	if _, err := exec.LookPath("bwrap"); err != nil {
		tb.Log("bubblewrap is not installed: namespaces are not tried")
		return []jail.Mode{jail.Process}
	}
	return []jail.Mode{jail.Namespace, jail.Process}
}

// open makes a jail, whose directories others can reach.
func open(tb testing.TB, mode jail.Mode, change func(*jail.Config)) *jail.Jail {
	tb.Helper()
	cfg := jail.Config{Mode: mode, Network: jail.Host, Work: place(tb, "work"), Scratch: filepath.Join(place(tb, "scratch"), "a")}
	if os.Geteuid() == 0 {
		cfg.UID = jail.UserBase + 4711 + os.Getpid()
		if err := os.Chown(cfg.Work, cfg.UID, cfg.UID); err != nil {
			tb.Fatal(err)
		}
	}
	if change != nil {
		change(&cfg)
	}
	j, err := jail.New(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(j.Close)
	return j
}

// place is a directory that another user can reach, which tb.TempDir isn'tb.
func place(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "hotcell-jail-") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	full := filepath.Join(dir, name)
	for _, err := range []error{os.Chmod(dir, 0o711), os.Mkdir(full, 0o755)} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	return full
}

// run runs a script inside, and returns what it put out and how it ended.
func run(t *testing.T, j *jail.Jail, script string) (string, child.Exit) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := child.Start(t.Context(), child.Spec{
		Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin:/sbin:/usr/sbin"}, Dir: j.Config().Work,
		Stdout: w, Stderr: w, Jail: j,
	})
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, _ = io.Copy(&out, r)
	<-p.Done()
	return strings.TrimSpace(out.String()), p.Exit()
}

func TestStart(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			j := open(t, mode, nil)
			out, exit := run(t, j, "echo $$; id -u; pwd; echo $HOME; umask; exit 7")
			t.Log(out)
			if exit.Code != 7 || exit.Signal != 0 || exit.At.IsZero() {
				t.Errorf("%+v", exit)
			}
			words := strings.Fields(out)
			if len(words) != 5 || words[2] != j.Config().Work || words[3] != j.Config().Work || words[4] != "0022" {
				t.Errorf("%q", out)
			}
			if want := strconv.Itoa(j.Config().UID); os.Geteuid() == 0 && words[1] != want {
				t.Errorf("user %s, want %s", words[1], want)
			}
			if _, exit := run(t, j, "kill -SEGV $$"); exit.Signal != syscall.SIGSEGV || exit.Code != 139 {
				t.Errorf("%+v", exit)
			}
		})
	}
}

func TestStartFailures(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			j := open(t, mode, nil)
			plain := filepath.Join(j.Config().Work, "plain")
			if err := os.WriteFile(plain, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				spec child.Spec
				want error
			}{
				{child.Spec{Path: "/does/not/exist"}, os.ErrNotExist},
				{child.Spec{Path: plain}, os.ErrPermission},
				{child.Spec{Path: "/bin/true", Dir: "/not/there"}, os.ErrNotExist},
				{child.Spec{Path: "nothing", Search: true, Env: []string{"PATH=/bin"}}, os.ErrNotExist},
				{child.Spec{Path: "/bin/true", Args: []string{strings.Repeat("x", 1<<20)}}, syscall.E2BIG},
			} {
				c.spec.Jail = j
				_, there := child.Start(t.Context(), c.spec)
				c.spec.Jail = nil
				_, here := child.Start(t.Context(), child.Spec{Path: c.spec.Path, Dir: c.spec.Dir, Args: c.spec.Args})
				if !errors.Is(there, c.want) {
					t.Errorf("%q: %v", c.spec.Path, there)
				}
				if !c.spec.Search && (there == nil || here == nil || there.Error() != here.Error()) {
					t.Errorf("outside it is %v, inside %v", here, there)
				}
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("too late"))
			if _, err := child.Start(ctx, child.Spec{Path: "/bin/true", Jail: j}); err == nil || err.Error() != "start /bin/true: too late" && err.Error() != "too late" {
				t.Errorf("%v", err)
			}
			if err := j.CheckDir(j.Config().Work); err != nil {
				t.Error(err)
			}
			if err := os.Chmod(j.Config().Work, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := j.CheckDir(j.Config().Work); !errors.Is(err, os.ErrPermission) {
				t.Errorf("a work directory that nobody may enter: %v", err)
			}
			if err := os.Chmod(j.Config().Work, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := j.CheckDir("/nowhere"); !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
			if err := j.CheckDir(plain); !errors.Is(err, syscall.ENOTDIR) {
				t.Error(err)
			}
		})
	}
}

// TestNothingIsLeft is the test of the same name in package child, inside.
func TestNothingIsLeft(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			j := open(t, mode, nil)
			neighbour := start(t, j, "exec sleep 600")
			for name, script := range map[string]string{
				"same group":  "sleep 600 & sleep 600",
				"own session": "setsid sleep 600 & sleep 600",
				"a daemon":    "(setsid sh -c 'sleep 600 & sleep 600' &) & sleep 600",
			} {
				p := start(t, j, script)
				for len(below(t, j)) < 3 { // sleep of the neighbour's, the shell, its child
					time.Sleep(time.Millisecond)
				}
				p.Stop(0)
				if left := below(t, j); len(left) != 1 || left[0] != neighbour.Pid() {
					t.Errorf("%s: %v is left, beside the neighbour %d", name, left, neighbour.Pid())
				}
			}
			select {
			case <-neighbour.Done():
				t.Error("the neighbour has ended")
			default:
			}
			for range 20 {
				if _, exit := run(t, j, "(sleep 0.01 &); true"); exit.Code != 0 {
					t.Error(exit)
				}
			}
			if left := below(t, j); len(left) != 1 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

func start(t *testing.T, j *jail.Jail, script string) *child.Process {
	t.Helper()
	p, err := child.Start(t.Context(), child.Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Jail: j})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// below lists the processes below the first one.
func below(t *testing.T, j *jail.Jail) []int {
	t.Helper()
	out, _ := exec.Command("ps", "-eo", "pid=,ppid=,stat=").Output()
	parents := map[int]int{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		pid, _ := strconv.Atoi(f[0])
		if f[2][0] == 'Z' {
			continue // its parent, or the first process, is about to reap it
		}
		parents[pid], _ = strconv.Atoi(f[1])
	}
	var pids []int
	for pid := range parents {
		for at := parents[pid]; at > 1; at = parents[at] {
			if at == j.Pid() {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// TestClose ends all that is inside.
func TestClose(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			j := open(t, mode, nil)
			var fds []unix.PollFd
			p := start(t, j, "setsid sleep 600 & (setsid sleep 600 &) & exec sleep 600")
			for len(below(t, j)) < 3 {
				time.Sleep(time.Millisecond)
			}
			for _, pid := range append(below(t, j), j.Pid()) {
				fd, err := unix.PidfdOpen(pid, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer unix.Close(fd)
				fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			}
			if err := unix.Kill(j.Pid(), unix.SIGSTOP); err != nil { // as those inside can, without namespaces
				t.Fatal(err)
			}
			j.Close()
			for i := range fds {
				if n, err := unix.Poll(fds[i:i+1], 0); n != 1 {
					t.Errorf("process %d is left: %v", i, err)
				}
			}
			<-p.Done()
			if !p.Exit().Unknown {
				t.Errorf("%+v", p.Exit())
			}
			if _, err := child.Start(t.Context(), child.Spec{Path: "/bin/true", Jail: j}); !errors.Is(err, jail.ErrEnded) {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(j.Config().Scratch); !os.IsNotExist(err) {
				t.Errorf("its scratch directory is left: %v", err)
			}
		})
	}
}

func BenchmarkTrue(b *testing.B) {
	once := func(b *testing.B, j child.Jail) {
		b.Helper()
		for b.Loop() {
			p, err := child.Start(b.Context(), child.Spec{Path: "/bin/true", Jail: j})
			if err != nil {
				b.Fatal(err)
			}
			<-p.Done()
		}
	}
	b.Run("none", func(b *testing.B) { once(b, nil) })
	for _, mode := range modes(b) {
		b.Run(string(mode), func(b *testing.B) { once(b, open(b, mode, nil)) })
	}
}

func BenchmarkNew(b *testing.B) {
	for _, mode := range modes(b) {
		b.Run(string(mode), func(b *testing.B) {
			for b.Loop() {
				j := open(b, mode, nil)
				b.StopTimer()
				j.Close()
				b.StartTimer()
			}
		})
	}
}

// TestNotRoot runs the others as a user without privileges, by bubblewrap's own user
// namespaces.
func TestNotRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the others have done it")
	}
	program := filepath.Join(place(t, "bin"), "jail.test")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	cmd := exec.Command(program, "-test.run", "^(TestStart|TestStartFailures|TestNothingIsLeft|TestClose)$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Dir, cmd.Env = "/", []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=/tmp", "HOME=/tmp"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// reach opens a jail whose user has the capability to pass directories, for a work
// directory that it couldn't get to otherwise.
func reach(t *testing.T) *jail.Jail {
	t.Helper()
	if os.Geteuid() != 0 || !jail.CanReach() {
		t.Skip("it takes root, with a capability that it has not everywhere")
	}
	return open(t, jail.Process, func(cfg *jail.Config) {
		cfg.Reaches = true
		if err := os.Chmod(filepath.Dir(cfg.Work), 0o700); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReach has one capability and no other, in all threads of the first process, and
// in what it starts; and access(2), which git and Node.js ask, counts it.
func TestReach(t *testing.T) {
	j := reach(t)
	const one = "CapInh CapPrm CapEff CapBnd CapAmb"
	check := func(of, status string) {
		t.Helper()
		for set := range strings.FieldsSeq(one) {
			_, rest, _ := strings.Cut(status, set+":")
			if got := strings.TrimSpace(rest[:max(0, strings.Index(rest, "\n"))]); got != "0000000000000004" {
				t.Errorf("%s of %s is %q", set, of, got)
			}
		}
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", j.Pid()))
	if err != nil || len(tasks) == 0 {
		t.Fatal(tasks, err)
	}
	for _, path := range tasks {
		status, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		check(path, string(status))
	}
	status, _ := run(t, j, "cat /proc/self/status")
	check("a command", status)
	if out, exit := run(t, j, j.Config().Program+` access "$HOME"`); exit.Code != 0 {
		t.Errorf("access(2) refuses what is allowed: %s", out)
	}
	if err := j.CheckDir(j.Config().Work); err != nil {
		t.Error(err)
	}
}

// TestTerminalsOfOthers can't be opened by who reads whatever the mode says; those of
// the sandbox's own work.
func TestTerminalsOfOthers(t *testing.T) {
	j := reach(t)
	open := func() (master *os.File, slave string) {
		t.Helper()
		master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { _ = master.Close() })
		n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
			t.Fatal(err)
		}
		return master, fmt.Sprintf("/dev/pts/%d", n)
	}
	_, theirs := open()
	if err := os.Chmod(theirs, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := run(t, j, "exec 3<"+theirs); !strings.Contains(strings.ToLower(out), "permission denied") {
		t.Errorf("%s is opened: %q", theirs, out)
	}
	master, name := open()
	slave, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := child.Start(t.Context(), child.Spec{
		Path: "/bin/sh", Args: []string{"-c", "tty; read word </dev/tty; echo \"<$word>\" >/dev/tty; stty size"}, Dir: j.Config().Work,
		Env: []string{"PATH=/usr/bin:/bin"}, Stdin: slave, Stdout: slave, Stderr: slave, Terminal: true, Jail: j,
	})
	_ = slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := master.WriteString("mine\n"); err != nil {
		t.Fatal(err)
	}
	out, _ := io.ReadAll(master) // up to EIO, when nobody has the other side
	if <-p.Done(); p.Exit().Code != 0 || !strings.Contains(string(out), name) || !strings.Contains(string(out), "<mine>") {
		t.Errorf("%s: %q", p.Exit(), out)
	}
}

// TestNothingIsLeftOfAFailure before there is a first process.
func TestNothingIsLeftOfAFailure(t *testing.T) {
	cfg := jail.Config{
		Mode: jail.Process, Network: jail.Host, Program: "/does/not/exist", Work: place(t, "work"),
		Scratch: filepath.Join(place(t, "scratch"), "a"), Writable: filepath.Join(place(t, "rooms"), "a"),
	}
	if _, err := jail.New(t.Context(), cfg); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, dir := range []string{cfg.Scratch, cfg.Writable} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
}
