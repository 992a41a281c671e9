//go:build unix

package node

import "golang.org/x/sys/unix"

// readAvailable reads what is there; the descriptor does not block.
func readAvailable(fd int, buf []byte) (int, error) { return unix.Read(fd, buf) }
