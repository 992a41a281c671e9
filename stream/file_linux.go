package stream

import (
	"os"

	"golang.org/x/sys/unix"
)

// unlinked makes a file without a name, so that nothing is left behind
// however the server ends.
func unlinked(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return named(dir) // a file system without O_TMPFILE
	}
	return os.NewFile(uintptr(fd), "spill"), nil
}

// punch gives the room of a part of the file back. Where the file system
// cannot, the room stays taken until the file is closed.
func punch(f *os.File, off, size int64) {
	_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, size)
}
