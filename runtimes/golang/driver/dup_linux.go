package driver

import "golang.org/x/sys/unix"

// duplicate makes fd another name of kept. Some of Linux's architectures have
// no dup2.
func duplicate(kept, fd int) error { return unix.Dup3(kept, fd, 0) }
