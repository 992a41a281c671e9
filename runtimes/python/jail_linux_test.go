package python_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// cellUID is the user in the tests' jails.
const cellUID = 0x70000123

// cell is the smallest jail: a first process that does nothing.
type cell struct {
	join    child.Join
	admit   func(int) error
	process *exec.Cmd
}

func (j *cell) Join() child.Join { return j.join }

func (j *cell) Admit(pid int) error {
	if j.admit != nil {
		return j.admit(pid)
	}
	return nil
}

func (j *cell) Spawn(context.Context, child.Spec) (*child.Adopted, error) {
	return nil, errors.New("this jail starts nothing")
}

func (j *cell) CheckDir(string) error { return nil }

// kill ends the jail, and returns when it has ended with all in it.
func (j *cell) kill() {
	_ = j.process.Process.Kill()
	_ = j.process.Wait()
}

const spaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// newJail needs root, or a system on which everybody may make user namespaces.
func newCell(tb testing.TB, flags uintptr) *cell {
	tb.Helper()
	j := &cell{process: exec.Command("/proc/self/exe")}
	uid := 0
	ids := []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
	if os.Getuid() == 0 {
		uid = cellUID
		ids = append(ids, syscall.SysProcIDMap{ContainerID: uid, HostID: uid, Size: 1})
	}
	j.process.Env = []string{fmt.Sprintf("%s=%d %s %s", jailVar, uid, prefix(tb), environment(tb))}
	j.process.Stderr = os.Stderr
	pidfd := -1
	j.process.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: flags, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: uid != 0,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN}, // which only root keeps without that
		PidFD:       &pidfd, Pdeathsig: syscall.SIGKILL,
	}
	out, err := j.process.StdoutPipe()
	if err == nil {
		err = j.process.Start()
	}
	if err != nil {
		tb.Skipf("no jail can be made here: %v", err)
	}
	init := os.NewFile(uintptr(pidfd), "init")
	j.join = child.Join{UID: uid, Ruleset: ruleset(tb), Seccomp: filter(tb)}
	tb.Cleanup(func() {
		j.kill()
		_ = init.Close()
		_ = j.join.Ruleset.Close()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		tb.Fatalf("no jail: %q %v", line, err)
	}
	if j.join.Init, err = child.NewFirst(init); err != nil {
		tb.Fatal(err)
	}
	return j
}

// prefix is where the tests' Python is installed.
func prefix(tb testing.TB) string {
	tb.Helper()
	program, err := program()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(program))
}

// environment is the virtual one of the tests' Python, which may lie in /tmp.
func environment(tb testing.TB) string {
	tb.Helper()
	program, err := program()
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(program))
}

// emptyTmp leaves nothing in /tmp but the Python of the tests.
func emptyTmp(environment string) error {
	if !strings.HasPrefix(environment, "/tmp/") {
		return unix.Mount("tmp", "/tmp", "tmpfs", 0, "mode=1777")
	}
	dir, err := unix.Open(environment, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := unix.Mount("tmp", "/tmp", "tmpfs", 0, "mode=1777"); err != nil {
		return err
	}
	if err := os.MkdirAll(environment, 0o755); err != nil {
		return err
	}
	return unix.Mount(fmt.Sprintf("/proc/self/fd/%d", dir), environment, "", unix.MS_BIND|unix.MS_REC, "")
}

// beInit is the jail's first process.
func beInit() error {
	var uid int
	var prefix, environment string
	if _, err := fmt.Sscan(os.Getenv(jailVar), &uid, &prefix, &environment); err != nil {
		return err
	}
	_ = os.Unsetenv(jailVar)
	const held = "/dev/shm"
	home := filepath.Join("/", strings.Split(prefix, "/")[1]) // which others can't enter
	steps := []func() error{
		func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") },
		func() error { return unix.Mount("proc", "/proc", "proc", 0, "") },
		func() error { return unix.Mount(prefix, held, "", unix.MS_BIND|unix.MS_REC, "") },
		func() error { return unix.Mount("tmp", home, "tmpfs", 0, "mode=755") },
		func() error { return os.MkdirAll(prefix, 0o755) },
		func() error { return unix.Mount(held, prefix, "", unix.MS_BIND|unix.MS_REC, "") },
		func() error { return unix.Unmount(held, unix.MNT_DETACH) },
		func() error { return unix.Mount("shm", held, "tmpfs", 0, "mode=1777") },
		func() error { return emptyTmp(environment) },
		func() error { return unix.Sethostname([]byte("cell")) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	// Not root loses its capabilities when they aren't ambient any more.
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	if uid != 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid)); err != nil {
			return err
		}
	}
	signal.Ignore(unix.SIGCHLD) // which reaps
	fmt.Println("ready")
	select {}
}

// ruleset restricts signals and abstract sockets to those inside, and nothing else.
func ruleset(tb testing.TB) *os.File {
	tb.Helper()
	attr := [3]uint64{0, 0, 3}
	fd, _, err := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if err != 0 {
		return nil
	}
	return os.NewFile(fd, "ruleset")
}

// filter refuses what a kernel doesn't need, as an example: mount, and children of its parent.
func filter(tb testing.TB) []byte {
	tb.Helper()
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_MOUNT, SkipFalse: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	})
	if err != nil {
		tb.Fatal(err)
	}
	var b []byte
	for _, i := range raw {
		b = append(b, byte(i.Op), byte(i.Op>>8), i.Jt, i.Jf, byte(i.K), byte(i.K>>8), byte(i.K>>16), byte(i.K>>24))
	}
	return b
}
