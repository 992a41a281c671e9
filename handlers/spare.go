package handlers

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// spare is a descriptor that is held back, so that a client who comes when all others are
// in use can be told so. Without it, clients would wait for an answer that nobody gives.
type spare struct {
	mu     sync.Mutex
	file   *os.File // nil: it was given, or there is none
	closed bool
}

// hold takes the descriptor back, and reports whether there is one: if not, all are in use.
func (s *spare) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil || s.closed {
		return true
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		return !outOfDescriptors(err)
	}
	s.file = f
	return true
}

// give frees it for one client, if it is there.
func (s *spare) give() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return false
	}
	_ = s.file.Close()
	s.file = nil
	return true
}

func (s *spare) close() {
	s.give()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// noRoom is the answer, in the shapes of all dialects.
const noRoom = `{"error":{"code":"NO_ROOM","message":"the server has no descriptors left for another client; try again","status":503,"retry_after_ms":1000},` +
	`"statusCode":503,"code":"NO_ROOM","message":"the server has no descriptors left for another client; try again"}`

// refusalWait is how long a client may take to go away with its answer: closing before
// it has would take that from it.
const refusalWait = 250 * time.Millisecond

// refuse tells a client that there is no room, unless it expects TLS, whose handshake
// takes what there isn't: its connection is just closed.
func (l *listener) refuse(conn net.Conn) {
	defer conn.Close()
	if l.tls != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(refusalWait))
	_, err := io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"+noRoom)
	if half, ok := conn.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
}
