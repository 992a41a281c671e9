package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
	"hotcell/stream"
)

const (
	// pieceSize leaves room for what a client's format adds below 32 KiB.
	pieceSize = 31 << 10
	// quiet is how long output may be held back to make fewer, larger pieces:
	// below what a person sees, above what a burst of small writes needs.
	quiet = 5 * time.Millisecond
	// linger is how long the first piece after a silence waits for its rest.
	// The end of the command doesn't wait for it.
	linger = time.Millisecond
)

// output carries what a command's two pipes bring into its log. All of its
// order is made under mu: a piece is read and appended in one step, and what was
// read of the other stream before is appended before.
//
// Goroutines: one for each pipe, until its end of file or close. They belong to
// the session, which joins them.
type output struct {
	log *stream.Log[Piece]

	mu       sync.Mutex
	pipes    []*pipe  // none before the command begins, nor when it has let go of them
	overflow error    // why the log takes no more
	lost     int64    // bytes since then
	bytes    [2]int64 // of stdout and stderr, until the command's end
}

// pipe is one of the two streams. output.mu guards it.
type pipe struct {
	out     *output
	other   *pipe
	kind    Kind
	file    *os.File
	pending []byte // read, not yet appended
	last    time.Time
	timer   *time.Timer
	armed   bool
	wide    bool
	ended   bool
}

// begin takes the pipes. follow has to be called for each of them.
func (o *output) begin(stdout, stderr *os.File) []*pipe {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, b := &pipe{out: o, kind: Stdout, file: stdout}, &pipe{out: o, kind: Stderr, file: stderr}
	a.other, b.other = b, a
	o.pipes = []*pipe{a, b}
	return o.pipes
}

// echo appends what was sent to the command, behind what it had written.
func (o *output) echo(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle(false)
	o.emit(Stdout, []byte(text))
}

// sync appends everything that is in the pipes at this moment.
func (o *output) sync() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle(false)
}

// finish does the same and marks the command's end, behind last words of the
// shell and ours.
func (o *output) finish(stdout, stderr []byte, notice string, summary json.RawMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle(true)
	o.emit(Stdout, stdout)
	o.emit(Stderr, stderr)
	if o.lost > 0 {
		notice += fmt.Sprintf("hotcell: %d bytes were not kept\n", o.lost)
	}
	if notice != "" {
		o.last(Piece{Kind: Stderr, Text: notice})
	}
	o.log.Conclude(ending(summary))
	for _, p := range o.pipes {
		p.readOnce() // often it is at its end
	}
}

// ending is the piece that marks a command's end, and the summary beside it.
func ending(summary json.RawMessage) (build func(uint64) Piece, beside []byte) {
	return func(uint64) Piece { return Piece{Kind: End, Text: string(summary)} }, summary
}

// rest keeps little in memory of a command that has ended.
func (o *output) rest() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log.Settle(settled)
	for _, p := range o.pipes {
		if len(p.pending) == 0 {
			p.pending = nil
		}
	}
}

// release closes the pipes that are at their end, and reports whether somebody
// still holds one. Who waits for such a pipe is woken: it may serve the next
// command by now, and seem to have no end.
func (o *output) release() (held bool) {
	o.mu.Lock()
	var over []*os.File
	for _, p := range o.pipes {
		if p.ended {
			over = append(over, p.file)
		} else {
			held = true
		}
	}
	if !held {
		o.pipes = nil // a session remembers many commands
	}
	o.mu.Unlock()
	for _, file := range over {
		_ = file.Close()
	}
	return held
}

// settle is called with mu held.
func (o *output) settle(all bool) {
	for _, p := range o.pipes {
		p.collect()
	}
	for _, p := range o.pipes {
		p.flush(all)
	}
}

// emit appends bytes as text. mu is held.
func (o *output) emit(kind Kind, b []byte) {
	for len(b) > 0 {
		n := min(len(b), pieceSize)
		if n < len(b) {
			n -= pipes.Partial(b[:n])
		}
		for _, text := range pipes.Pieces(b[:n], pieceSize) {
			if kind == Stdout {
				o.bytes[0] += int64(len(text))
			} else {
				o.bytes[1] += int64(len(text))
			}
			if o.overflow != nil {
				o.lost += int64(len(text))
				continue
			}
			o.append(Piece{Kind: kind, Text: text})
		}
		b = b[n:]
	}
}

// append adds a piece. A full log still takes it, and the notice that says so;
// emit adds nothing more. mu is held.
func (o *output) append(p Piece) {
	_, err := o.log.Append(func(uint64) Piece { return p })
	if err == nil || o.overflow != nil {
		return
	}
	o.overflow = err
	words := "hotcell: what follows is not kept: " + err.Error() + "\n"
	o.last(Piece{Kind: Stderr, Text: words})
}

// last adds a piece for which there is room on a disk that is full for others. mu is held.
func (o *output) last(p Piece) { _, _ = o.log.Last(func(uint64) Piece { return p }) }

// close gives up both pipes, with what they hold.
func (o *output) close() {
	o.mu.Lock()
	o.settle(true)
	open := o.pipes // who follows them may be releasing them
	for _, p := range open {
		p.end()
	}
	o.mu.Unlock()
	for _, p := range open {
		_ = p.file.Close()
	}
}

// follow reads the pipe to its end.
func (p *pipe) follow() {
	pipes.Follow(p.file, func() int {
		p.out.mu.Lock()
		defer p.out.mu.Unlock()
		return p.readOnce()
	})
}

// collect reads what the pipe holds at this moment, and no more, so that
// somebody who writes without end cannot keep it here.
func (p *pipe) collect() {
	for left := p.buffered(); left > 0; {
		n := p.readOnce()
		if n <= 0 {
			return
		}
		left -= n
	}
}

func (p *pipe) buffered() int {
	if p.ended {
		return 0
	}
	return direct.Buffered(p.file)
}

// readOnce reads what fits. It returns the number of bytes, 0 at the end, or
// -1 when nothing is there now. mu is held.
func (p *pipe) readOnce() int {
	if p.ended {
		return 0
	}
	if p.kind == Stderr {
		p.other.collect()
	}
	n := p.read()
	if n <= 0 {
		return n
	}
	if p.kind == Stderr && p.other.buffered() > 0 {
		// Nobody knows in which order it was written what lies in both. Most
		// programs complain about what they have just said.
		p.other.read()
	}
	p.other.flush(false) // what was read earlier was written earlier
	switch {
	case len(p.pending) == cap(p.pending):
		p.flush(false)
		p.widen()
	case !p.armed:
		p.armed = true
		p.arm(max(quiet-time.Since(p.last), linger))
	}
	return n
}

// read adds to what is pending.
func (p *pipe) read() int {
	if cap(p.pending) == 0 {
		p.pending = make([]byte, 0, pieceSize)
	}
	n, err := direct.ReadNow(p.file, p.pending[len(p.pending):cap(p.pending)])
	switch {
	case errors.Is(err, io.EOF):
		p.flush(true)
		p.end()
		return 0
	case err != nil || n == 0:
		return -1
	}
	p.pending = p.pending[:len(p.pending)+n]
	return n
}

// widen makes room for somebody who writes fast.
func (p *pipe) widen() {
	if !p.wide {
		p.wide = true
		pipes.Widen(p.file)
	}
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
	p.last = time.Now()
	p.out.emit(p.kind, p.pending[:n])
	p.pending = p.pending[:copy(p.pending, p.pending[n:])]
}

// end forgets the pipe. mu is held.
func (p *pipe) end() {
	p.ended = true
	p.pending = nil
	if p.timer != nil {
		p.timer.Stop()
	}
}
