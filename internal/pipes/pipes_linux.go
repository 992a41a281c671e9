package pipes

import (
	"os"

	"golang.org/x/sys/unix"
)

// size is asked for each output pipe: a quarter of a megabyte lets a fast
// printer and the server work side by side instead of in turns. The default
// (64 KiB) stays where the system refuses.
const size = 256 << 10

// Widen makes room in a pipe.
func Widen(f *os.File) {
	control(f, func(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, size) })
}
