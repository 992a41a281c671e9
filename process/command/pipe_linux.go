package command

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen asks for a larger pipe; where the system refuses, the usual one stays.
func widen(f *os.File) {
	if rc, err := f.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
}
