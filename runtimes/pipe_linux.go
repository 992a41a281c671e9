package runtimes

import (
	"os"

	"golang.org/x/sys/unix"

	"hotcell/internal/pipes"
)

// newPipe makes a pipe with a read end for us and a write end for a kernel, which
// blocks: the flag belongs to the pipe, and user code would find it there.
func newPipe() (read, write *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	read = ours(fds[0], "output")
	pipes.Widen(read)
	return read, os.NewFile(uintptr(fds[1]), "output"), nil
}

// newSocketpair makes a socket's two ends, one for us and one for a kernel.
func newSocketpair() (mine, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return ours(fds[0], "protocol"), os.NewFile(uintptr(fds[1]), "protocol"), nil
}
