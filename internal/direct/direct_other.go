//go:build !linux

package direct

import (
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Buffered is at most what a pipe can hold; reading stops where it is empty.
func Buffered(*os.File) int { return 64 << 10 }

// ReadNow reads what is there: no bytes and no error when nothing is, and [io.EOF]
// when nothing will come.
func ReadNow(f *os.File, p []byte) (int, error) {
	rc, err := f.SyscallConn()
	if err != nil {
		return 0, io.EOF
	}
	var n int
	err = os.ErrClosed
	_ = rc.Control(func(fd uintptr) {
		for {
			n, err = unix.Read(int(fd), p)
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

// File returns f.
func File(f *os.File) Stream { return f }

// Conn returns c.
func Conn(c net.Conn) net.Conn { return c }

// Hold is nil: nothing is kept back.
func Hold(net.Conn) (release func() error) { return nil }

// Idle is false: nobody knows.
func Idle(net.Conn) bool { return false }
