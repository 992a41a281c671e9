package interpreter

import "os"

// follow calls read until it says that the pipe has ended (0 bytes) or the
// pipe is closed. When there is nothing to read (-1) it waits in the poller,
// not in a thread.
func follow(file *os.File, read func() int) {
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
