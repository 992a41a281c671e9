package child

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Born is a process that was started for somebody else, who sweeps up behind it
// before it is reaped. It is what a jail's first process has of those that it
// starts; the other end is an [Adopted].
type Born struct {
	cmd    *exec.Cmd
	handle handle
}

// Bear starts a process, which is born with the mark. Whoever calls it awaits and
// reaps it. The error is the system's, in an [os.PathError].
func Bear(spec Spec, m Mark) (*Born, error) {
	if spec.Search {
		path, err := LookPath(spec.Path, spec.Dir, spec.Env)
		if err != nil {
			return nil, &os.PathError{Op: "find", Path: spec.Path, Err: err}
		}
		spec.Path = path
	}
	b := &Born{cmd: command(spec)}
	b.handle.prepare(b.cmd, spec)
	_, err := m.start(b.cmd.Start)
	if err != nil {
		return nil, err
	}
	if b.handle.fd < 0 {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
		return nil, &os.PathError{Op: "pidfd", Path: spec.Path, Err: unix.ENOSYS}
	}
	b.handle.pid = b.cmd.Process.Pid
	b.handle.pidfd = pollable(b.handle.fd)
	return b, nil
}

// Pid is the process number here.
func (b *Born) Pid() int { return b.handle.pid }

// Pidfd is the process's. It is closed by Reap.
func (b *Born) Pidfd() *os.File { return b.handle.pidfd }

// exitInfo is what waitid(2) says of a process that has ended: siginfo_t as it is
// for SIGCHLD on systems of 64 bits.
type exitInfo struct {
	_      [2]int32
	code   int32
	_      [3]int32
	status int32
	_      [100]byte
}

// Await returns when the process has ended. It stays unreaped.
func (b *Born) Await() Exit {
	_ = awaitReadable(b.handle.pidfd)
	var info exitInfo
	for {
		_, _, err := unix.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(b.handle.pid),
			uintptr(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, 0, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		e := Exit{At: time.Now(), Code: int(info.status), Unknown: err != 0}
		if info.code != cldExited {
			e.Signal = syscall.Signal(info.status)
			e.Code = 128 + int(info.status)
		}
		return e
	}
}

// cldExited is CLD_EXITED: it ended by itself, and not by a signal.
const cldExited = 1

// Reap gives the process's number free.
func (b *Born) Reap() {
	_ = b.cmd.Wait()
	b.handle.close()
}
