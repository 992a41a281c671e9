package child_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell starts a script, and returns what it writes.
func shell(t *testing.T, script string, in *os.File) (*child.Process, *bufio.Reader) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := child.Start(t.Context(), child.Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: os.Environ(), Stdin: in, Stdout: w})
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0); _ = r.Close() })
	return p, bufio.NewReader(r)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(s)
}

func TestExitIsAValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		script, words string
		code          int
		signal        syscall.Signal
	}{
		{"exit 0", "exit status 0", 0, 0},
		{"exit 3", "exit status 3", 3, 0},
		{"kill -SEGV $$", "killed by SIGSEGV", 139, syscall.SIGSEGV},
		{"kill -KILL $$", "killed by SIGKILL", 137, syscall.SIGKILL},
	} {
		t.Run(c.script, func(t *testing.T) {
			t.Parallel()
			p, _ := shell(t, c.script, nil)
			<-p.Done()
			if e := p.Exit(); e.Code != c.code || e.Signal != c.signal || e.String() != c.words || e.At.IsZero() {
				t.Errorf("%+v %s", e, e)
			}
			if err := p.Signal(syscall.SIGINT); err != nil {
				t.Errorf("signal after the end: %v", err)
			}
		})
	}
}

func TestStopClimbsToKill(t *testing.T) {
	t.Parallel()
	p, out := shell(t, `trap 'echo no' TERM; echo on; while :; do sleep 0.01; done`, nil)
	line(t, out)
	if e := p.Stop(20 * time.Millisecond); e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
	p, out = shell(t, `trap 'exit 5' TERM; echo on; while :; do sleep 0.01; done`, nil)
	line(t, out)
	if e := p.Stop(10 * time.Second); e.Code != 5 {
		t.Errorf("%+v", e)
	}
	if e := p.Stop(time.Hour); e.Code != 5 {
		t.Errorf("second stop: %+v", e)
	}
}

// TestNothingIsLeft covers a child in the group, one in a group of its own, one
// in a session of its own, and one whose parents have ended; each when the
// leader is killed and when it ends by itself.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{
		"same group":  "sleep 600 & echo $!",
		"own group":   "set -m; sleep 600 & echo $!",
		"own session": `setsid sh -c 'echo $$; exec sleep 600' &`,
		"a daemon":    `(setsid sh -c 'sleep 600 & echo $!' &) &`,
		"no variable": `setsid env -i sh -c 'echo $$; exec sleep 600' 3>&- &`,
	} {
		for way, end := range map[string]string{"killed": "\nsleep 600", "ended": "\nread go"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				in, letGo, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer in.Close()
				defer letGo.Close()
				p, out := shell(t, start+end, in)
				fd := hold(t, line(t, out))
				if way == "killed" {
					p.Stop(0)
				}
				_ = letGo.Close()
				<-p.Done()
				if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 2000); n != 1 {
					t.Errorf("it is left: %v", err)
				}
			})
		}
	}
}

// TestOldLeader covers a leader that is too old for its descendants to be told
// by their numbers.
func TestOldLeader(t *testing.T) {
	t.Parallel()
	p, out := shell(t, "sleep 1.1; setsid sh -c 'echo $$; exec sleep 600' & wait %%; read nothing", nil)
	fd := hold(t, line(t, out))
	p.Stop(0)
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 2000); n != 1 {
		t.Errorf("it is left: %v", err)
	}
}

// TestNeighboursLive checks that a sweep takes nobody else along.
func TestNeighboursLive(t *testing.T) {
	t.Parallel()
	neighbour, out := shell(t, "setsid sh -c 'echo $$; exec sleep 600' & sleep 600", nil)
	fd := hold(t, line(t, out))
	for range 5 {
		p, _ := shell(t, "sleep 600 &", nil)
		<-p.Done()
	}
	if n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0); n != 0 {
		t.Error("a neighbour's child was killed")
	}
	select {
	case <-neighbour.Done():
		t.Error("a neighbour was killed")
	default:
	}
}

// hold opens a descriptor of a process that is named by its number.
func hold(t *testing.T, number string) int {
	t.Helper()
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// TestKillBeforeItLeads: somebody may stop a process before it comes to lead its group.
func TestKillBeforeItLeads(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := child.Adopt(cmd.Process.Pid, os.NewFile(uintptr(pidfd), "pidfd"))
	if err := errors.Join(cmd.Process.Signal(syscall.SIGSTOP), a.Signal(syscall.SIGKILL)); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("it ended by %v", err)
	}
	a.Exited(child.Exit{})
}

func TestStartFailures(t *testing.T) {
	t.Parallel()
	if _, err := child.Start(t.Context(), child.Spec{Path: "/does/not/exist"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("too late"))
	if _, err := child.Start(ctx, child.Spec{Path: "/bin/true"}); err == nil || err.Error() != "too late" {
		t.Errorf("%v", err)
	}
}

func TestNoDescriptorIsLeft(t *testing.T) {
	count := func() int {
		names, _ := os.ReadDir("/proc/self/fd")
		return len(names)
	}
	run := func() {
		p, err := child.Start(t.Context(), child.Spec{Path: "/bin/true"})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
	}
	run()
	before := count()
	for range 50 {
		run()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
}
