package interpreter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
	"hotcell/internal/wire"
	"hotcell/stream"
)

const (
	// pieceSize keeps one event well below every client's message limit
	// (aiohttp's 4 MiB, some proxies' 64 KiB).
	pieceSize = 32 << 10
	// quiet is how long output may be held back to make fewer, larger pieces:
	// below what a person sees, above what a burst of small writes needs.
	quiet = 5 * time.Millisecond
	// linger is how long the first piece after a silence waits for its rest.
	// print writes a line and its end in two steps, and a client should see one
	// piece: a line without its end waits for as long as it may, since the writer
	// may be held up between the two. The end of the execution waits for nothing.
	linger = time.Millisecond
	// backgroundLimit bounds what is kept of output that nobody has asked for.
	backgroundLimit = 1 << 20
)

// output carries what a kernel produces to the execution that is attached, or
// keeps it for the next one. All of its order is made under mu: a piece is
// read and appended in one step, and a message of the driver's first takes
// what the pipes held when it arrived.
//
// Goroutines: one for each pipe, until its end of file or close.
type output struct {
	now  func() time.Time
	obs  Observe
	full chan struct{} // closed when the attached execution's log is full
	wg   sync.WaitGroup

	mu         sync.Mutex
	pipes      [2]*pipe
	sink       *Execution
	overflow   error // why the sink's log takes no more
	discarded  int64 // bytes since then
	background []wire.Event
	backBytes  int
	backLost   int
}

// pipe is one of the kernel's two streams. output.mu guards it.
type pipe struct {
	out     *output
	kind    wire.EventType
	file    *os.File
	pending []byte // read, not yet appended; in small until there is more
	last    time.Time
	timer   *time.Timer
	armed   bool
	since   time.Time // armed since
	torn    bool      // armed with a line that had no end
	ended   bool
	small   [1 << 10]byte
}

func newOutput(stdout, stderr *os.File, now func() time.Time, obs Observe) *output {
	o := &output{now: now, obs: obs}
	for i, p := range []struct {
		kind wire.EventType
		file *os.File
	}{{wire.EventStdout, stdout}, {wire.EventStderr, stderr}} {
		o.pipes[i] = &pipe{out: o, kind: p.kind, file: p.file}
	}
	for _, p := range o.pipes {
		// Ends at the pipe's end of file, or when close closes our end.
		o.wg.Go(p.follow)
	}
	return o
}

// attach sends what comes from now on to an execution, after what came since
// the last one.
func (o *output) attach(e *Execution) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.collect()
	for _, ev := range o.background {
		_ = e.append(ev)
	}
	if o.backLost > 0 {
		_ = e.append(wire.Event{Type: wire.EventNotice, Text: backgroundNotice(o.backLost)})
	}
	o.background, o.backBytes, o.backLost = nil, 0, 0
	o.sink, o.full, o.overflow, o.discarded = e, make(chan struct{}), nil, 0
}

// detach ends that, with everything that is in the pipes by now, and says how
// many bytes the execution's log had no room for.
func (o *output) detach() (discarded int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.detachLocked()
	return o.discarded
}

func (o *output) detachLocked() {
	o.collect()
	for _, p := range o.pipes {
		p.flush(true)
		p.pending = nil
	}
	o.sink = nil
}

// fullLog is closed when the attached execution's log has no room left.
func (o *output) fullLog() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.full
}

// overflowText says why the attached execution's log takes no more.
func (o *output) overflowText() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if errors.Is(o.overflow, stream.ErrFull) {
		return "it has put out more than is kept of one execution (" + o.overflow.Error() + ")"
	}
	return fmt.Sprintf("its output could not be kept: %v", o.overflow)
}

// end detaches, and reports whether the execution's log was full.
func (o *output) end() (full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.detachLocked()
	return o.overflow != nil
}

// message appends an event that is not output, in its place. Readers may hear of
// it after a delay.
func (o *output) message(ev *wire.Event, delay time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.collect()
	for _, p := range o.pipes {
		p.flush(false)
	}
	if ev.Type == wire.EventError && o.sink != nil {
		o.sink.driverError(*ev)
		return
	}
	o.emit(*ev, eventCodec{}.Size(*ev), delay)
}

// collect reads what the pipes hold at this moment, and no more, so that
// somebody who writes without end cannot keep it here.
func (o *output) collect() {
	for _, p := range o.pipes {
		if p.ended {
			continue
		}
		for left := direct.Buffered(p.file); left > 0 && !p.ended; {
			n := p.readOnce()
			if n <= 0 {
				break
			}
			left -= n
		}
	}
}

// emit appends an event to the sink, or keeps it. mu is held.
func (o *output) emit(ev wire.Event, bytes int, delay time.Duration) {
	if o.sink == nil {
		if o.backBytes+bytes > backgroundLimit {
			o.backLost += bytes
			return
		}
		ev.Time = o.now()
		o.background = append(o.background, ev)
		o.backBytes += bytes
		return
	}
	if o.overflow != nil {
		o.discarded += int64(bytes)
		return
	}
	err := o.sink.appendSoon(ev, delay)
	if errors.Is(err, stream.ErrTooLarge) { // it was not taken, but others may be
		err = o.sink.append(wire.Event{Type: wire.EventNotice, Text: leftOutNotice(ev.Type, err)})
	}
	if err != nil {
		o.overflow = err // from the next piece on; this one was still taken
		close(o.full)
	}
}

// close gives up both pipes and joins their goroutines.
func (o *output) close() {
	o.mu.Lock()
	for _, p := range o.pipes {
		p.ended = true
		if p.timer != nil {
			p.timer.Stop()
		}
	}
	o.mu.Unlock()
	for _, p := range o.pipes {
		_ = p.file.Close()
	}
	o.wg.Wait()
}

// follow reads the pipe to its end.
func (p *pipe) follow() {
	pipes.Follow(p.file, func() int {
		p.out.mu.Lock()
		defer p.out.mu.Unlock()
		if p.ended {
			return 0
		}
		return p.readOnce()
	})
}

// readOnce reads what fits. It returns the number of bytes, 0 at the end, or
// -1 when nothing is there now. mu is held.
func (p *pipe) readOnce() int {
	switch {
	case cap(p.pending) == 0:
		p.pending = p.small[:0]
	case len(p.pending) == len(p.small) && cap(p.pending) == len(p.small):
		p.pending = append(make([]byte, 0, pieceSize), p.pending...)
	}
	n, err := direct.ReadNow(p.file, p.pending[len(p.pending):cap(p.pending)])
	switch {
	case errors.Is(err, io.EOF):
		p.ended = true
		p.flush(true)
		p.pending = nil
		return 0
	case err != nil || n == 0:
		return -1
	}
	p.pending = p.pending[:len(p.pending)+n]
	p.other().flush(false) // what was read earlier was written earlier
	if len(p.pending) == pieceSize {
		p.flush(false)
	} else {
		p.hold()
	}
	return n
}

// hold sees to it that what is pending is flushed in time.
func (p *pipe) hold() {
	torn := p.pending[len(p.pending)-1] != '\n'
	if p.armed && (torn || !p.torn) {
		return
	}
	now := p.out.now()
	if !p.armed {
		p.since = now
	}
	p.armed, p.torn = true, torn
	wait := linger
	if torn {
		wait = quiet
	}
	p.arm(max(quiet-now.Sub(p.last), wait-now.Sub(p.since)))
}

func (p *pipe) other() *pipe {
	if p == p.out.pipes[0] {
		return p.out.pipes[1]
	}
	return p.out.pipes[0]
}

// arm flushes once the quiet time is over.
func (p *pipe) arm(wait time.Duration) {
	if p.timer != nil {
		p.timer.Reset(wait)
		return
	}
	p.timer = time.AfterFunc(wait, func() {
		p.out.mu.Lock()
		defer p.out.mu.Unlock()
		if p.armed {
			p.flush(false)
		}
	})
}

// flush appends what is pending, but for a character whose end has not come;
// all of it when the stream ends here. mu is held.
func (p *pipe) flush(all bool) {
	p.armed = false
	n := len(p.pending)
	if !all {
		n -= pipes.Partial(p.pending)
	}
	if n == 0 {
		return
	}
	p.last = p.out.now()
	for _, text := range pipes.Pieces(p.pending[:n], pieceSize) {
		p.out.obs.output(p.kind, len(text))
		p.out.emit(wire.Event{Type: p.kind, Text: text}, len(text), 0)
	}
	p.pending = p.pending[:copy(p.pending, p.pending[n:])]
}
