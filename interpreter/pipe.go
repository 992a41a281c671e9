package interpreter

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readNow reads without waiting: io.EOF at the end, no bytes and no error when
// nothing is there.
func readNow(f *os.File, buf []byte) (int, error) {
	var n int
	err := os.ErrClosed
	control(f, func(fd int) {
		for {
			n, err = unix.Read(fd, buf)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, nil
	case err != nil, n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// follow calls read until it says that the pipe has ended (0 bytes) or the
// pipe is closed. When there is nothing to read (-1) it waits in the poller,
// not in a thread.
func follow(file *os.File, read func() int) {
	rc, err := file.SyscallConn()
	if err != nil {
		return
	}
	more := true
	for more && err == nil {
		err = rc.Read(func(uintptr) bool {
			n := read()
			more = n != 0
			return n >= 0
		})
	}
}

func control(f *os.File, g func(fd int)) {
	rc, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = rc.Control(func(fd uintptr) { g(int(fd)) })
}
