//go:build !linux

package runtimes

import (
	"os"

	"golang.org/x/sys/unix"
)

func newPipe() (read, write *os.File, err error) { return os.Pipe() }

func newSocketpair() (mine, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return ours(fds[0], "protocol"), os.NewFile(uintptr(fds[1]), "protocol"), nil
}
