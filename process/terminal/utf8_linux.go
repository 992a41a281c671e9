package terminal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// knowUTF8 makes the kernel erase whole characters when a line is edited by it.
func knowUTF8(slave *os.File) error {
	fd := int(slave.Fd())
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == nil {
		t.Iflag |= unix.IUTF8
		err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
	if err != nil {
		return fmt.Errorf("set up the terminal: %w", err)
	}
	return nil
}
