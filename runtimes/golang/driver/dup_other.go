//go:build !linux

package driver

import "golang.org/x/sys/unix"

func duplicate(kept, fd int) error { return unix.Dup2(kept, fd) }
