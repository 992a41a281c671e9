package body

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// lingerTime is how long a refused client may go on sending before it is
	// cut, and lingerSilence how long it may say nothing: what is on its way
	// arrives within that.
	lingerTime    = 30 * time.Second
	lingerSilence = 5 * time.Second
)

// tcp is what a TCP connection can do, by whatever means it reads and writes.
type tcp interface {
	net.Conn
	syscall.Conn
	io.ReaderFrom
	CloseWrite() error
}

// Conn is a client's connection, as the server's listener hands it out. It
// knows how reading ended, which the layers above don't say, and how to close
// so that the last answer arrives.
type Conn struct {
	tcp
	readErr error // of the goroutine that serves the connection

	lingers atomic.Bool
	closing atomic.Bool
}

// Wrap makes a connection one that can do all this. What isn't TCP stays as it is.
func Wrap(conn net.Conn) net.Conn {
	if tcp, ok := conn.(tcp); ok {
		return &Conn{tcp: tcp}
	}
	return conn
}

// NetConn is the connection that was wrapped.
func (c *Conn) NetConn() net.Conn { return c.tcp }

func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.tcp.Read(p)
	if err != nil {
		c.readErr = err
	}
	return n, err
}

// Linger makes the next Close take in what the client is still sending. If
// input is left unread when a connection is closed, the client is told to
// forget what it hasn't read yet: the answer that says why.
func (c *Conn) Linger() { c.lingers.Store(true) }

// Close closes the connection; after Linger, when the client has, or its time
// is over. A second Close, or Abort, ends the wait.
func (c *Conn) Close() error {
	if c.lingers.Load() && c.readErr == nil && !c.closing.Swap(true) {
		c.linger()
	}
	return c.tcp.Close()
}

// Abort closes the connection at once.
func (c *Conn) Abort() error {
	c.closing.Store(true)
	return c.tcp.Close()
}

func (c *Conn) linger() {
	if c.CloseWrite() != nil {
		return
	}
	buf := make([]byte, 16<<10)
	for end := time.Now().Add(lingerTime); ; {
		now := time.Now()
		if now.After(end) || c.SetReadDeadline(earlier(now.Add(lingerSilence), end)) != nil {
			return
		}
		if _, err := c.tcp.Read(buf); err != nil {
			return
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Watch calls left if the client closes the connection before stop is called.
// Nothing else may read meanwhile, and what the client sends stays unread: once
// it has sent something, its leaving cannot be seen. stop waits until the watch
// is over.
func (c *Conn) Watch(left func()) (stop func()) {
	raw, err := c.SyscallConn()
	if err != nil {
		return func() {}
	}
	_ = c.SetReadDeadline(time.Time{})
	over := make(chan struct{})
	go func() { // ends when something arrives, or with the deadline that stop sets
		defer close(over)
		var one [1]byte
		gone := false
		_ = raw.Read(func(fd uintptr) bool {
			n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
			for err == syscall.EINTR {
				n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
			}
			gone = err != syscall.EAGAIN && (err != nil || n == 0)
			return err != syscall.EAGAIN
		})
		if gone {
			left()
		}
	}()
	return func() {
		_ = c.SetReadDeadline(time.Unix(1, 0))
		<-over
		_ = c.SetReadDeadline(time.Time{})
	}
}
