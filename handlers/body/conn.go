package body

import (
	"errors"
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
	if c.lingers.Load() && !c.left() && !c.closing.Swap(true) {
		c.linger()
	}
	return c.tcp.Close()
}

// left reports that the client has, in contrast to being late.
func (c *Conn) left() bool { return c.readErr != nil && !isTimeout(c.readErr) }

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
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
