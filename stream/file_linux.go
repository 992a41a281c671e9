package stream

import (
	"os"

	"golang.org/x/sys/unix"
)

// unlinked makes a file without a name, so that nothing is left behind
// however the server ends.
func unlinked(dir string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return named(dir) // a file system without O_TMPFILE
	}
	return os.NewFile(uintptr(fd), "spill"), nil
}
