// Package direct makes system calls that never wait without telling the runtime.
//
// Before a system call the runtime prepares for its taking long: it wakes a
// thread of its own that would give the processor to somebody else meanwhile.
// That costs two or three switches between threads whenever the process has
// just been idle, as a server of kernels is twice in every short execution. A
// read or write of a descriptor that doesn't block returns at once, so all of
// that is wasted, and on a path of a few hundred microseconds it shows.
//
// Waiting stays the business of the runtime's poller. Elsewhere than on Linux
// everything goes the usual way.
package direct

import (
	"io"
	"time"
)

// Stream is what package direct and those who use it need of a connection.
type Stream interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
}
