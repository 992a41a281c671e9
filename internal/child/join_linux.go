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

// Namespaces are those of Init that we aren't in ourselves, as flags of setns(2): to
// join one that one is in already takes rights over it.
func (j Join) Namespaces() (int, error) {
	if j.Init == nil {
		return 0, nil
	}
	pid, err := pidOf(j.Init)
	if err != nil {
		return 0, err
	}
	flags := 0
	for name, flag := range spaces() {
		var ours, theirs unix.Stat_t
		if err := unix.Stat("/proc/self/ns/"+name, &ours); errors.Is(err, unix.ENOENT) {
			continue // the kernel has none of this kind
		} else if err != nil {
			return 0, fmt.Errorf("look at our namespaces: %w", err)
		}
		if err := unix.Stat(fmt.Sprintf("/proc/%d/ns/%s", pid, name), &theirs); err != nil {
			return 0, j.lost(fmt.Errorf("look at the jail's namespaces: %w", err))
		}
		if ours.Dev != theirs.Dev || ours.Ino != theirs.Ino {
			flags |= flag
		}
	}
	// Was it this process that was looked at?
	return flags, j.lost(nil)
}

// Ended reports whether a jail's first process has ended, or is about to: that takes
// until all else inside is gone and reaped. Where a jail has no namespaces, it can't be told.
func Ended(jail Jail) bool {
	if jail == nil {
		return false
	}
	j := jail.Join()
	// To look may fail, for want of descriptors, and says nothing then.
	return j.Init != nil && errors.Is(j.lost(nil), ErrJailEnded)
}

// lost is [ErrJailEnded] if the first process has ended, and err if not.
func (j Join) lost(err error) error {
	pid, perr := pidOf(j.Init)
	if perr != nil {
		return perr
	}
	rc, cerr := j.Init.SyscallConn()
	if cerr == nil {
		cerr = rc.Control(func(fd uintptr) {
			n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			if s, ok := statOf(pid); n > 0 || ok && s.flags&exiting != 0 {
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
