package child

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pidfdGroup is PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9): the signal goes to the
// group that the descriptor's process leads.
const pidfdGroup = 1 << 2

// handle holds a process by its pidfd, which no recycled number can fool.
type handle struct {
	pid   int
	fd    int       // as filled in by the start; -1 when the kernel has none
	pidfd *os.File  // pollable, so that a waiting process costs no thread
	mark  mark      // on it and its descendants
	born  time.Time // zero: not known
	alone bool      // nothing else can have the mark, since a jail's first process gave it
}

func (h *handle) prepare(cmd *exec.Cmd, spec Spec) {
	h.fd = -1
	attr := &syscall.SysProcAttr{Setsid: true, PidFD: &h.fd, Setctty: spec.Terminal} // whose descriptor is 0, stdin
	if !spec.OutlivesUs {
		attr.Pdeathsig = syscall.SIGKILL
	}
	if len(spec.Users) > 0 {
		attr.Cloneflags = unix.CLONE_NEWUSER
		attr.GidMappingsEnableSetgroups = true
		if spec.NoNetwork {
			attr.Cloneflags |= unix.CLONE_NEWNET
		}
	}
	for _, user := range spec.Users {
		same := syscall.SysProcIDMap{ContainerID: user, HostID: user, Size: 1}
		attr.UidMappings = append(attr.UidMappings, same)
		attr.GidMappings = append(attr.GidMappings, same)
	}
	cmd.SysProcAttr = attr
}

func (h *handle) start(cmd *exec.Cmd) (err error) {
	h.born = time.Now()
	if h.mark, err = newMark().start(cmd.Start); err != nil {
		return err
	}
	h.pid = cmd.Process.Pid
	if h.fd >= 0 {
		h.pidfd = pollable(h.fd)
	}
	return nil
}

func pollable(fd int) *os.File {
	_ = unix.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "pidfd")
}

// awaitExit returns when the process has exited, and leaves it unreaped, so
// that its number stays its own.
func (h *handle) awaitExit() (pinned bool) {
	if h.pidfd != nil && awaitReadable(h.pidfd) == nil {
		return true
	}
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, h.pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}

// awaitReadable returns when the pidfd says that its process has exited.
func awaitReadable(pidfd *os.File) error {
	rc, err := pidfd.SyscallConn()
	if err != nil {
		return err
	}
	return rc.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		return err == nil && n > 0
	})
}

func (h *handle) signal(sig syscall.Signal) error {
	if sig != syscall.SIGKILL {
		return signalGroup(h.pidfd, h.pid, sig)
	}
	strays := descendants(h.pid)
	err := signalGroup(h.pidfd, h.pid, sig)
	for _, pid := range strays {
		_ = unix.Kill(pid, sig)
	}
	for _, s := range h.killStrays() {
		_ = unix.Close(int(s.Fd))
	}
	return err
}

// sweep kills what is left when the leader has exited.
func (h *handle) sweep() strays {
	_ = signalGroup(h.pidfd, h.pid, syscall.SIGKILL)
	return h.killStrays()
}

func (h *handle) close() {
	if h.pidfd != nil {
		_ = h.pidfd.Close()
	}
}

// signalGroup signals the group that pid leads: through the pidfd where the
// kernel can, by number where it cannot. Nobody left in it is not an error.
func signalGroup(pidfd *os.File, pid int, sig syscall.Signal) error {
	err := error(unix.EINVAL)
	if pidfd != nil {
		rc, cerr := pidfd.SyscallConn()
		if cerr != nil {
			return nil //nolint:nilerr // closed: the process was reaped
		}
		if cerr := rc.Control(func(fd uintptr) {
			err = unix.PidfdSendSignal(int(fd), sig, nil, pidfdGroup)
		}); cerr != nil {
			return nil //nolint:nilerr // closed: the process was reaped
		}
	}
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		err = unix.Kill(-pid, sig)
	}
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}
