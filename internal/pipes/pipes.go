// Package pipes reads what processes write into pipes: without waiting and
// without a thread for each of them, and cut into text where characters end.
//
// The package owns nothing. [Follow] runs on its caller's goroutine.
package pipes

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ReadNow reads without waiting: io.EOF at the end, no bytes and no error when
// nothing is there.
func ReadNow(f *os.File, buf []byte) (int, error) {
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

// Follow calls read until it says that the pipe has ended (0 bytes) or the
// pipe is closed. When there is nothing to read (-1) it waits in the poller,
// not in a thread.
func Follow(file *os.File, read func() int) {
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

// WriteNow writes all of data without waiting, or says that there is no room.
func WriteNow(f *os.File, data []byte) error {
	err := os.ErrClosed
	control(f, func(fd int) {
		var n int
		for {
			if n, err = unix.Write(fd, data); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		if err == nil && n < len(data) {
			err = io.ErrShortWrite
		}
	})
	return err
}
