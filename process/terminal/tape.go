package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"hotcell/process/terminal/screen"
)

const (
	// ringSize is how far clients may be apart. Between a program that prints
	// as fast as it can and a client that reads as fast as it can, a few reads'
	// worth would do.
	ringSize = 256 << 10
	// frameSize is the most that a client is given at once.
	frameSize = 32 << 10
	// stallEnd is how long clients may hold up the end of a terminal that was
	// told to end.
	stallEnd = 2 * time.Second
)

// ErrSlow is what a client gets that has read nothing for so long that it was
// left behind. What it missed is gone; attaching again gives it the screen.
var ErrSlow = errors.New("this client has read nothing for too long, and output was lost to it: attach again to get the screen")

// tape carries what a program prints to all clients of its terminal, and keeps
// the screen that it makes.
//
// The newest output lies in a ring, from which each client reads at its own
// pace. Nothing is written over that a client hasn't read: the program waits,
// so that every byte reaches everybody. Only a client that reads nothing at all
// for a while, though a full ring waits for it, is left behind: it gets
// [ErrSlow]. Alone it may take longer than beside others whom it holds up.
// Without clients nothing waits.
//
// Goroutines: none. write, room and end are for the one that reads the terminal.
type tape struct {
	alone, shared time.Duration
	log           *slog.Logger

	mu      sync.Mutex
	ring    []byte // grows up to ringSize
	head    int64  // how many bytes were written in all
	screen  *screen.Screen
	seen    bool      // somebody has attached
	hasty   time.Time // when it was told to end; zero before that
	ended   bool
	clients map[*Client]struct{}
	wake    chan struct{} // closed by the next change; nil while nobody waits
	moved   chan struct{} // tells the writer that a client has read, or is gone
}

func newTape(s *screen.Screen, alone, shared time.Duration, log *slog.Logger) *tape {
	return &tape{screen: s, alone: alone, shared: shared, log: log, clients: make(map[*Client]struct{}), moved: make(chan struct{}, 1)}
}

// attach adds a client. The first one ever, and whoever made the terminal, get
// everything from the beginning, if it is still there; later ones, the screen.
func (tp *tape) attach(c *Client, creator bool, limit int) error {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if err := tp.admitLocked(limit); err != nil {
		return err
	}
	c.off, c.since = tp.head, time.Now()
	// The writer may have room for one more read, which was measured before.
	whole := tp.head <= ringSize-readSize
	if tp.head == 0 || whole && (creator || !tp.seen) {
		c.off = 0
	} else {
		tp.guard(func() { c.redraw = tp.screen.Replay() })
	}
	tp.seen = true
	tp.clients[c] = struct{}{}
	return nil
}

// admit says whether there is room for one more client.
func (tp *tape) admit(limit int) error {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.admitLocked(limit)
}

// admitLocked is called with mu held.
func (tp *tape) admitLocked(limit int) error {
	if n := len(tp.clients); n >= limit {
		return fmt.Errorf("%w: %d; close one first", ErrClients, n)
	}
	return nil
}

func (tp *tape) detach(c *Client) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	delete(tp.clients, c)
	tp.signalMoved()
}

// next returns what comes next for a client, waiting for it if it must, and
// io.EOF behind the last.
func (tp *tape) next(ctx context.Context, c *Client) ([]byte, error) {
	for {
		p, wake, err := tp.take(c)
		if err != nil || len(p) > 0 {
			return p, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (tp *tape) take(c *Client) ([]byte, <-chan struct{}, error) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	c.since = time.Now()
	switch {
	case c.slow:
		return nil, nil, ErrSlow
	case len(c.redraw) > 0:
		p := c.redraw[:min(frameSize, len(c.redraw))]
		c.redraw = c.redraw[len(p):]
		return p, nil, nil
	case c.off < tp.head:
		c.buf = tp.copyFrom(c.buf[:0], c.off)
		c.off += int64(len(c.buf))
		tp.signalMoved()
		return c.buf, nil, nil
	case tp.ended:
		return nil, nil, io.EOF
	}
	if tp.wake == nil {
		tp.wake = make(chan struct{})
	}
	return nil, tp.wake, nil
}

// copyFrom appends a frame of what lies in the ring from off on.
func (tp *tape) copyFrom(dst []byte, off int64) []byte {
	n := int(min(tp.head-off, frameSize))
	at := int(off % int64(len(tp.ring)))
	first := min(n, len(tp.ring)-at)
	dst = append(dst, tp.ring[at:at+first]...)
	return append(dst, tp.ring[:n-first]...)
}

// write adds output, for which room has said that there is room.
func (tp *tape) write(p []byte) {
	if len(p) == 0 {
		return
	}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	now := time.Now()
	for c := range tp.clients {
		if c.off == tp.head {
			c.since = now // from here on it has something to read
		}
	}
	tp.grow(len(p))
	at := int(tp.head % int64(len(tp.ring)))
	n := copy(tp.ring[at:], p)
	copy(tp.ring, p[n:])
	tp.head += int64(len(p))
	tp.guard(func() { _, _ = tp.screen.Write(p) })
	tp.signal()
}

// grow makes the ring larger while nothing of it was written over yet.
func (tp *tape) grow(more int) {
	need := min(tp.head+int64(more), ringSize)
	if int64(len(tp.ring)) >= need {
		return
	}
	size := max(len(tp.ring), 8<<10)
	for int64(size) < need {
		size *= 2
	}
	ring := make([]byte, size)
	copy(ring, tp.ring)
	tp.ring = ring
}

// room waits until the program may print more, and says how much.
func (tp *tape) room() int {
	for {
		n, patience := tp.check()
		if n > 0 {
			return n
		}
		timer := time.NewTimer(patience)
		select {
		case <-tp.moved:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// check returns the room that there is, or how long to wait for the one who is
// furthest behind. Those who had their time are left behind.
func (tp *tape) check() (n int, patience time.Duration) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	limit := tp.alone
	if len(tp.clients) > 1 {
		limit = tp.shared
	}
	n, patience = ringSize, limit
	for c := range tp.clients {
		room := ringSize - int(tp.head-c.off)
		if c.slow || room > 0 {
			if !c.slow {
				n = min(n, room)
			}
			continue
		}
		left := limit - time.Since(c.since)
		if !tp.hasty.IsZero() {
			left = min(left, stallEnd-time.Since(tp.hasty))
		}
		if left <= 0 {
			c.slow, c.redraw = true, nil
			continue
		}
		n, patience = 0, min(patience, left)
	}
	return n, patience
}

// hurry is for a terminal that was told to end.
func (tp *tape) hurry() {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if tp.hasty.IsZero() {
		tp.hasty = time.Now()
	}
	tp.signalMoved()
}

// end says that nothing more will come.
func (tp *tape) end() {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.ended = true
	tp.signal()
}

func (tp *tape) resize(cols, rows int) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.guard(func() { tp.screen.Resize(cols, rows) })
}

// guard runs what looks at the screen, which takes whatever programs print. A
// fault in there costs the picture, not the server. It is called with mu held.
func (tp *tape) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			tp.log.Error("the screen of a terminal was lost", slog.Any("panic", p))
			tp.screen = screen.New(tp.screen.Size())
		}
	}()
	f()
}

// signal is called with mu held.
func (tp *tape) signal() {
	if tp.wake != nil {
		close(tp.wake)
		tp.wake = nil
	}
}

func (tp *tape) signalMoved() {
	select {
	case tp.moved <- struct{}{}:
	default:
	}
}
