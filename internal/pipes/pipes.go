// Package pipes is for pipes that processes write into: following them without
// a thread for each, and cutting what is read into text where characters end.
// Package direct reads from them.
//
// The package owns nothing. [Follow] runs on its caller's goroutine.
package pipes

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

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
