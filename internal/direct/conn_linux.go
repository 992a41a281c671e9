package direct

import (
	"net"
	"os"
	"sync"
	"syscall"
)

// conn is a network connection. What isn't here is the embedded one's.
type conn struct {
	*net.TCPConn
	raw raw

	mu      sync.Mutex
	holding bool
	held    []byte // written while holding
}

// Conn wraps a TCP connection; anything else is returned as it is. The wrapped one
// can do more: see [Hold] and [Idle].
func Conn(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok || alone() {
		return c
	}
	rc, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	return &conn{TCPConn: tcp, raw: raw{rc}}
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.raw.read(p)
	return n, c.named("read", err)
}

func (c *conn) Write(p []byte) (int, error) {
	if c.keep(p) {
		return len(p), nil
	}
	n, err := c.raw.write(p)
	return n, c.named("write", err)
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

func (c *conn) named(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok { //nolint:errorlint // it is ours, and not wrapped
		return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
	}
	return err
}

// Hold keeps back what is written to a wrapped connection from now on. The function
// that it returns sends all of that, in one call. It is nil for other connections.
func Hold(nc net.Conn) (release func() error) {
	c := wrapped(nc)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	c.holding = true
	c.mu.Unlock()
	return func() error {
		c.mu.Lock()
		held := c.held
		c.holding, c.held = false, nil
		c.mu.Unlock()
		_, err := c.raw.write(held)
		return c.named("write", err)
	}
}

// Idle reports whether the other side of a wrapped connection has all that was
// written. It takes a few kilobytes more without waiting then.
func Idle(nc net.Conn) bool {
	c := wrapped(nc)
	return c != nil && c.raw.count(syscall.TIOCOUTQ) == 0
}

// wrapped finds what [Conn] made, also inside a connection that says what it is
// around; nil if there is none.
func wrapped(nc net.Conn) *conn {
	if outer, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = outer.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}
