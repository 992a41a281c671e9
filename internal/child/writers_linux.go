package child

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// dieTime is how long a killed process is waited for. It takes microseconds,
// unless the process is stuck in the system.
const dieTime = time.Second

// EndWriters kills the processes that have the other end of a pipe open for
// writing, of which we have the reading one. They have left the session of the
// process that they came from, or they would be gone with it. It returns when
// they are dead, or hold no pipe any more.
func EndWriters(pipe *os.File) {
	var st unix.Stat_t
	if control(pipe, func(fd int) error { return unix.Fstat(fd, &st) }) != nil {
		return
	}
	want := fmt.Sprintf("pipe:[%d]", st.Ino)
	var ending []*os.File
	for _, p := range table() {
		if p.pid == os.Getpid() || !writes(p.pid, want) {
			continue
		}
		fd, err := unix.PidfdOpen(p.pid, 0)
		if err != nil {
			continue
		}
		pidfd := pollable(fd)
		// Its number may have been given to another in between; what the
		// descriptor holds is looked at once more.
		if writes(p.pid, want) && control(pidfd, func(fd int) error {
			return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		}) == nil {
			ending = append(ending, pidfd)
			continue
		}
		_ = pidfd.Close()
	}
	for _, pidfd := range ending {
		_ = pidfd.SetReadDeadline(time.Now().Add(dieTime))
		_ = awaitReadable(pidfd)
		_ = pidfd.Close()
	}
}

// writes reports whether a process has a pipe open for writing.
func writes(pid int, pipe string) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	names, err := readNames(dir)
	if err != nil {
		return false
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if target, err := os.Readlink(path); err != nil || target != pipe {
			continue
		}
		// The link's own mode says how the descriptor was opened.
		if st, err := os.Lstat(path); err == nil && st.Mode()&0o200 != 0 {
			return true
		}
	}
	return false
}

func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// control calls g with a file's descriptor.
func control(f *os.File, g func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var gerr error
	if err := conn.Control(func(fd uintptr) { gerr = g(int(fd)) }); err != nil {
		return err
	}
	return gerr
}
