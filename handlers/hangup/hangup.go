// Package hangup notices that a client has left while its answer is still being
// made. fasthttp finds out by the first write that fails, and a quiet execution
// writes nothing for seconds.
//
// Ownership and goroutines: each [Watch] has one, which ends when the client
// leaves or sends more, or with [Watch.Stop], which joins it.
package hangup

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// Watch looks at one connection on which a response is being written.
type Watch struct {
	conn net.Conn
	wg   sync.WaitGroup
	mu   sync.Mutex
	over bool // Stop was called
}

// Begin calls left, once and on another goroutine, when the client closes the
// connection or its writing half. Nothing that the client sends is taken from
// the connection: who sends the next request ahead is not watched further. A
// connection that the server itself has cut counts as left.
// A connection that isn't a socket isn't watched at all.
func Begin(conn net.Conn, left func()) *Watch {
	w := &Watch{conn: conn}
	if under := beneath(conn); under != nil {
		_ = conn.SetReadDeadline(time.Time{})
		// Ends as the other one does.
		w.wg.Go(func() {
			if err := under.Ahead(); err != nil && !late(err) && !w.stopped() {
				left()
			}
		})
		return w
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return w
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return w
	}
	// That of the request, which has been read. The server sets another before
	// it reads the next one.
	_ = conn.SetReadDeadline(time.Time{})
	// Ends when something can be read, or when Stop lets the deadline pass.
	w.wg.Go(func() {
		if gone(raw) && !w.stopped() {
			left()
		}
	})
	return w
}

// aheader is a connection on which what is sent and the end of it can't be told
// apart from outside, as with TLS: it reads ahead.
type aheader interface{ Ahead() error }

// beneath is the one that a connection is around; nil if there is none.
func beneath(conn net.Conn) aheader {
	outer, ok := conn.(interface{ NetConn() net.Conn })
	if !ok {
		return nil
	}
	under, _ := outer.NetConn().(aheader)
	return under
}

func late(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// Stop ends the watch. left isn't called afterwards.
func (w *Watch) Stop() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	_ = w.conn.SetReadDeadline(time.Unix(1, 0))
	w.wg.Wait()
	_ = w.conn.SetReadDeadline(time.Time{})
}

func (w *Watch) stopped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// gone waits until the connection can be read, and reports whether what there
// is to read is its end.
func gone(raw syscall.RawConn) bool {
	var err error
	var n int
	waited := raw.Read(func(fd uintptr) bool {
		var one [1]byte
		for {
			n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
			if !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		return !errors.Is(err, syscall.EAGAIN)
	})
	if waited != nil { // our own end was closed, or the deadline has passed
		return errors.Is(waited, net.ErrClosed)
	}
	return n <= 0
}
