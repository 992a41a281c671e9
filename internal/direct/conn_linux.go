// Package direct makes the system calls of sockets that never wait in one.
//
// The runtime prepares for each system call to take long: it wakes a thread of
// its own that would give the processor away meanwhile, which costs two or three
// switches between threads whenever the process has just been idle. A read or
// write of a non-blocking descriptor returns at once, so that is wasted, and on
// a path of a few hundred microseconds it shows.
package direct

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// conn is a stream socket. What isn't here is the embedded connection's.
type conn struct {
	net.Conn
	raw syscall.RawConn

	mu      sync.Mutex
	holding bool
	held    []byte // written while holding
}

// Conn wraps a stream socket of package net; anything else is returned as it is.
func Conn(c net.Conn) net.Conn {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return c
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return c
	}
	return &conn{Conn: c, raw: raw}
}

func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var n int
	var errno syscall.Errno
	err := c.raw.Read(func(fd uintptr) bool {
		n, errno = call(syscall.SYS_READ, fd, p)
		return errno != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, c.fail("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *conn) Write(p []byte) (int, error) {
	if c.keep(p) {
		return len(p), nil
	}
	return c.send(p)
}

// keep adds p to what is held, if anything is to be held.
func (c *conn) keep(p []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holding {
		c.held = append(c.held, p...)
	}
	return c.holding
}

// Hold keeps back what is written from now on, until Release sends all of it in
// one call.
func (c *conn) Hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
}

// Release ends Hold.
func (c *conn) Release() error {
	c.mu.Lock()
	c.holding = false
	held := c.held
	c.held = nil
	c.mu.Unlock()
	_, err := c.send(held)
	return err
}

func (c *conn) send(p []byte) (int, error) {
	done := 0
	var errno syscall.Errno
	err := c.raw.Write(func(fd uintptr) bool {
		for done < len(p) {
			var n int
			if n, errno = call(syscall.SYS_WRITE, fd, p[done:]); errno != 0 {
				return errno != syscall.EAGAIN
			}
			done += n
		}
		return true
	})
	if err == nil && errno != 0 {
		err = c.fail("write", errno)
	}
	return done, err
}

// SyscallConn makes it a [syscall.Conn], as what it wraps is.
func (c *conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// CloseWrite ends what is sent, and leaves what is received.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Idle reports whether the other side has all that was written.
func (c *conn) Idle() bool {
	var left int32
	errno := syscall.ENOTCONN
	_ = c.raw.Control(func(fd uintptr) {
		_, _, errno = syscall.RawSyscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&left)))
	})
	return errno == 0 && left == 0
}

func (c *conn) fail(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
}

func call(trap, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
