package driver

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/wire"
)

// lowestFD keeps the protocol and the kept streams away from the numbers that
// user code gets, closes in loops, or guesses.
const lowestFD = 200

// conn is the driver's end of the protocol.
type conn struct {
	file     *os.File
	requests chan wire.Request // what is done one at a time
	acks     chan struct{}
	control  func(wire.Request) // interrupt overtakes the queue

	mu sync.Mutex // guards writes
}

func openConn(fd int) (*conn, error) {
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, lowestFD)
	if err != nil {
		return nil, fmt.Errorf("move the protocol's descriptor: %w", err)
	}
	_ = unix.Close(fd)
	if err := unix.SetNonblock(high, true); err != nil {
		return nil, fmt.Errorf("prepare the protocol's descriptor: %w", err)
	}
	return &conn{
		file:     os.NewFile(uintptr(high), "protocol"),
		requests: make(chan wire.Request),
		acks:     make(chan struct{}, 1),
	}, nil
}

func (c *conn) send(m wire.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.WriteFrame(c.file, m)
}

// read hands out frames until the descriptor ends.
func (c *conn) read() {
	defer close(c.requests)
	r := bufio.NewReader(c.file)
	for {
		var req wire.Request
		if err := wire.ReadFrame(r, &req); err != nil {
			return
		}
		switch req.Type {
		case wire.ReqInterrupt:
			c.control(req)
		case wire.ReqAck:
			select {
			case c.acks <- struct{}{}:
			default:
			}
		case wire.ReqShutdown:
			return
		case wire.ReqInput:
		default:
			c.requests <- req
		}
	}
}

// streams are private copies of descriptors 0, 1 and 2, so that user code that
// closes its own finds them whole again in its next cell.
type streams struct {
	copies [3]int
	files  [3]*os.File // never collected: their finalizers would close
}

func keepStreams() (*streams, error) {
	s := &streams{files: [3]*os.File{os.Stdin, os.Stdout, os.Stderr}}
	for fd := range s.copies {
		n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, lowestFD)
		if err != nil {
			return nil, fmt.Errorf("keep descriptor %d: %w", fd, err)
		}
		s.copies[fd] = n
	}
	return s, nil
}

// restore puts the descriptors back, and the os package's files if user code
// has closed them.
func (s *streams) restore() {
	for fd, kept := range s.copies {
		if !sameFile(fd, kept) {
			_ = duplicate(kept, fd)
		}
	}
	for fd, f := range []**os.File{&os.Stdin, &os.Stdout, &os.Stderr} {
		if *f != nil && !closed(*f) {
			continue
		}
		// A file that isn't closed must stay referenced: collected, it would
		// close a descriptor that is in use.
		if closed(s.files[fd]) {
			s.files[fd] = os.NewFile(uintptr(fd), s.files[fd].Name())
		}
		*f = s.files[fd]
	}
}

func closed(f *os.File) bool { return f.Fd() == ^uintptr(0) }

func sameFile(a, b int) bool {
	var x, y syscall.Stat_t
	return syscall.Fstat(a, &x) == nil && syscall.Fstat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}
