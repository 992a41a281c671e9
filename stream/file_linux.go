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
		return nameless(dir) // a file system without O_TMPFILE
	}
	return os.NewFile(uintptr(fd), "journal"), nil
}

// allocate takes room on the disk for a part of a file, whose size stays as it is.
func allocate(f *os.File, off, size int64) error {
	for {
		if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, off, size); err != unix.EINTR {
			return err
		}
	}
}
