package interpreter

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pipeSize is asked for each output pipe: a quarter of a megabyte lets a fast
// printer and the server work side by side instead of in turns. The default
// (64 KiB) stays where the system refuses.
const pipeSize = 256 << 10

func widen(f *os.File) {
	control(f, func(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) })
}

// buffered is how many bytes wait in the pipe.
func buffered(f *os.File) int {
	n := 0
	control(f, func(fd int) {
		var v int32
		_, _, _ = syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), unix.TIOCINQ, uintptr(unsafe.Pointer(&v)))
		n = int(v)
	})
	return n
}
