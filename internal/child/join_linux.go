package child

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// spaces are the namespaces that a jail may have of its own. A time namespace is
// none of them.
func spaces() map[string]int {
	return map[string]int{
		"cgroup": unix.CLONE_NEWCGROUP, "ipc": unix.CLONE_NEWIPC, "mnt": unix.CLONE_NEWNS, "net": unix.CLONE_NEWNET,
		"pid": unix.CLONE_NEWPID, "user": unix.CLONE_NEWUSER, "uts": unix.CLONE_NEWUTS,
	}
}

// First is a jail's first process.
type First struct {
	pidfd  *os.File
	pid    int
	spaces int
}

// NewFirst looks at the process of a pidfd, once: its number and its namespaces stay
// what they are, and each kernel's start would look again.
func NewFirst(pidfd *os.File) (*First, error) {
	pid, err := pidOf(pidfd)
	if err != nil {
		return nil, err
	}
	f := &First{pidfd: pidfd, pid: pid}
	for name, flag := range spaces() {
		var ours, theirs unix.Stat_t
		if err := unix.Stat("/proc/self/ns/"+name, &ours); errors.Is(err, unix.ENOENT) {
			continue // the kernel has none of this kind
		} else if err != nil {
			return nil, fmt.Errorf("look at our namespaces: %w", err)
		}
		if err := unix.Stat(fmt.Sprintf("/proc/%d/ns/%s", pid, name), &theirs); err != nil {
			return nil, f.lost(fmt.Errorf("look at the jail's namespaces: %w", err))
		}
		if ours.Dev != theirs.Dev || ours.Ino != theirs.Ino {
			f.spaces |= flag
		}
	}
	// Was it this process that was looked at?
	if err := f.lost(nil); err != nil {
		return nil, err
	}
	return f, nil
}

// Namespaces are those of it that we aren't in ourselves, as flags of setns(2): to join
// one that one is in already takes rights over it. A process that has ended has none to join.
func (f *First) Namespaces() (int, error) { return f.spaces, f.lost(nil) }

// File is its pidfd.
func (f *First) File() *os.File { return f.pidfd }

// Ended reports whether a jail's first process has ended, or is about to: that takes
// until all else inside is gone and reaped. Where a jail has no namespaces, it can't be told.
func Ended(jail Jail) bool {
	if jail == nil {
		return false
	}
	// To look may fail, for want of descriptors, and says nothing then.
	f := jail.Join().Init
	return f != nil && errors.Is(f.lost(nil), ErrJailEnded)
}

// lost is [ErrJailEnded] if it has ended, and err if not.
func (f *First) lost(err error) error {
	rc, cerr := f.pidfd.SyscallConn()
	if cerr == nil {
		cerr = rc.Control(func(fd uintptr) {
			n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			if n > 0 {
				err = ErrJailEnded
			} else if s, ok := statOf(f.pid); ok && s.flags&exiting != 0 {
				err = ErrJailEnded
			}
		})
	}
	if cerr != nil { // closed
		return ErrJailEnded
	}
	return err
}

// exiting is PF_EXITING.
const exiting = 4

// pidOf is the number of a pidfd's process.
func pidOf(pidfd *os.File) (pid int, err error) {
	rc, err := pidfd.SyscallConn()
	if err != nil {
		return 0, ErrJailEnded
	}
	var raw []byte
	if cerr := rc.Control(func(fd uintptr) { raw, err = os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(fd))) }); cerr != nil {
		return 0, ErrJailEnded
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the jail's first process: %w", err)
	}
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		if value, ok := bytes.CutPrefix(s.Bytes(), []byte("Pid:")); ok {
			if pid, err := strconv.Atoi(string(bytes.TrimSpace(value))); err == nil && pid > 0 {
				return pid, nil
			}
		}
	}
	return 0, ErrJailEnded
}
