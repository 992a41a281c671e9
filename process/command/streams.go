package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
	"hotcell/process/output"
)

const (
	// pieceSize is the most that is read at once, and the most that one event
	// holds: well below every client's limit for a message.
	pieceSize = 32 << 10
	// quiet is how long output may be held back to make fewer, larger pieces:
	// below what a person sees, above what a burst of small writes needs.
	quiet = 5 * time.Millisecond
	// linger is how long the first piece after a silence waits for its rest: many
	// programs write a line in two steps. The end doesn't wait for it.
	linger = time.Millisecond
	// pipeSize is what a pipe holds at most, which bounds the last look at it.
	pipeSize = 256 << 10
)

// sink takes a command's output, one piece after the other.
type sink interface {
	// take takes bytes of one stream, and says how long it will hold some of them
	// back; 0 is not at all.
	take(stream int, p []byte) (hold time.Duration)
	// flush gives out what was held back of a stream: all of it, or but for the
	// beginning of a character.
	flush(stream int, all bool)
}

// streams reads one pipe or two, until their writers have gone or until end says
// that nobody cares for those that are left.
//
// Goroutines: one for each pipe, until then; end joins them.
type streams struct {
	sink    sink
	files   []*os.File
	drained chan struct{} // closed when all pipes have been read to their end
	wg      sync.WaitGroup

	mu   sync.Mutex // of the sink too
	over bool
	open int
}

// newOutput makes the pipes. theirs are the ends for the process: the same twice
// when both streams share one pipe, which keeps their order.
func newStreams(s sink, count int) (o *streams, theirs [2]*os.File, err error) {
	o = &streams{sink: s, drained: make(chan struct{}), open: count}
	for i := range count {
		r, w, err := os.Pipe()
		if err != nil {
			o.abandon(theirs)
			return nil, theirs, fmt.Errorf("make output pipe: %w", err)
		}
		pipes.Widen(r)
		o.files = append(o.files, r)
		theirs[i] = w
	}
	if count == 1 {
		theirs[1] = theirs[0]
	}
	return o, theirs, nil
}

// abandon closes everything when no process was started.
func (o *streams) abandon(theirs [2]*os.File) {
	closeTheirs(theirs)
	for _, f := range o.files {
		_ = f.Close()
	}
}

func closeTheirs(theirs [2]*os.File) {
	for _, f := range theirs {
		if f != nil {
			_ = f.Close() // the second time, of one pipe for both, says so and does nothing
		}
	}
}

func (o *streams) start() {
	for i := range o.files {
		o.wg.Go(func() { o.follow(i) }) // ends with its pipe, or with end
	}
}

// follow reads a pipe to its end.
func (o *streams) follow(i int) {
	f := o.files[i]
	defer f.Close()
	buf := make([]byte, pieceSize)
	for {
		n, err := f.Read(buf)
		if more := o.took(i, buf[:n], err); !more {
			break
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		o.drain(i, buf)
	}
	o.sink.flush(i, true)
	if o.open--; o.open == 0 {
		close(o.drained)
	}
}

// took passes on what was read, and reports whether there may be more.
func (o *streams) took(i int, p []byte, err error) (more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var hold time.Duration
	switch {
	case len(p) > 0:
		hold = o.sink.take(i, p)
	case errors.Is(err, os.ErrDeadlineExceeded):
		o.sink.flush(i, false)
	default:
		return false
	}
	if o.over {
		return false
	}
	if hold > 0 {
		_ = o.files[i].SetReadDeadline(time.Now().Add(hold))
	} else if err != nil {
		_ = o.files[i].SetReadDeadline(time.Time{})
	}
	return true
}

// end stops reading: what the pipes hold by now is taken, what others may still
// write to them is not.
func (o *streams) end() {
	o.mu.Lock()
	o.over = true
	for _, f := range o.files {
		_ = f.SetReadDeadline(time.Unix(1, 0))
	}
	o.mu.Unlock()
	o.wg.Wait()
}

// drain takes what a pipe holds, but no more than it can hold, so that somebody
// who writes without end keeps nobody here.
func (o *streams) drain(i int, buf []byte) {
	for left := pipeSize; left > 0; {
		n, err := direct.ReadNow(o.files[i], buf)
		if n == 0 || err != nil {
			return
		}
		o.sink.take(i, buf[:n])
		left -= n
	}
}

// whole is a sink that keeps everything in one piece.
type whole struct{ kept *output.Kept }

func (w whole) take(_ int, p []byte) time.Duration {
	_, _ = w.kept.Write(p) // takes all
	return 0
}

func (whole) flush(int, bool) {}

// pieces is a sink that makes events. emit is called for one at a time.
type pieces struct {
	emit    func(EventType, []byte)
	pending [2][]byte
	since   [2]time.Time // when the oldest of pending came
	last    [2]time.Time // when the last piece was given out
}

func (s *pieces) take(i int, p []byte) time.Duration {
	s.flush(1-i, false) // what was read earlier was written earlier
	now := time.Now()
	for len(p) > 0 {
		if len(s.pending[i]) == 0 {
			s.since[i] = now
		}
		n := min(len(p), pieceSize-len(s.pending[i]))
		s.pending[i] = append(s.pending[i], p[:n]...)
		p = p[n:]
		if len(s.pending[i]) == pieceSize {
			s.flush(i, false)
		}
	}
	if len(s.pending[i]) == pipes.Partial(s.pending[i]) {
		return 0
	}
	wait := max(quiet-s.since[i].Sub(s.last[i]), linger) - now.Sub(s.since[i])
	if wait <= 0 {
		s.flush(i, false)
		return 0
	}
	return wait
}

func (s *pieces) flush(i int, all bool) {
	b := s.pending[i]
	n := len(b)
	if !all {
		n -= pipes.Partial(b)
	}
	if n == 0 {
		return
	}
	s.last[i] = time.Now()
	s.emit([2]EventType{EventStdout, EventStderr}[i], b[:n])
	s.pending[i] = b[:copy(b, b[n:])]
	s.since[i] = s.last[i]
}

// piece is the event for some output. b is used again, and so copied. What has a
// NUL in it is no text, and would be six times as long as one.
func piece(kind EventType, b []byte) Event {
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return Event{Type: kind, Text: string(b)}
	}
	return Event{Type: kind, Base64: append([]byte{}, b...)}
}
