package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// inputSize is how much may wait for a program that reads more slowly than
	// its clients type: what a person pastes.
	inputSize = 1 << 20
	// inputPiece is what a terminal's queue in the kernel holds.
	inputPiece = 4 << 10
)

// ErrInputFull is what a client gets whose input finds no room, because the
// program has read nothing for a while.
var ErrInputFull = errors.New("the program in this terminal does not read its input")

// input carries what clients type to the program, in the order in which it came.
//
// Goroutines: none of its own; feed is run by the terminal.
type input struct {
	stall time.Duration

	mu     sync.Mutex
	queue  [][]byte
	size   int       // bytes in it, those that are being written included
	since  time.Time // when the program last read something, or the queue was empty
	closed bool
	wake   chan struct{} // closed by the next change; nil while nobody waits
}

func newInput(stall time.Duration) *input { return &input{stall: stall} }

// write queues input. It waits while the queue is full and the program reads.
func (in *input) write(ctx context.Context, p []byte) error {
	for {
		wake, patience, err := in.put(p)
		if err != nil || wake == nil {
			return err
		}
		timer := time.NewTimer(patience)
		select {
		case <-wake:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		timer.Stop()
	}
}

// put queues p if there is room; else it says what to wait for, and how long.
// A message that is larger than the room goes in whole once anything does.
func (in *input) put(p []byte) (wake <-chan struct{}, patience time.Duration, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return nil, 0, io.ErrClosedPipe
	}
	if len(p) == 0 {
		return nil, 0, nil
	}
	if in.size == 0 {
		in.since = time.Now()
	}
	if in.size < inputSize {
		if last := len(in.queue) - 1; last >= 0 && len(in.queue[last])+len(p) <= inputPiece {
			in.queue[last] = append(in.queue[last], p...) // keys, one by one
		} else {
			in.queue = append(in.queue, p)
		}
		in.size += len(p)
		in.signal()
		return nil, 0, nil
	}
	if patience = in.stall - time.Since(in.since); patience <= 0 {
		return nil, 0, fmt.Errorf("%w: %d bytes have waited for %s", ErrInputFull, in.size, in.stall)
	}
	return in.waiting(), patience, nil
}

// feed writes the queue to the terminal until close.
func (in *input) feed(w io.Writer) {
	for {
		p := in.take()
		if p == nil {
			return
		}
		for len(p) > 0 {
			n := min(len(p), inputPiece)
			if _, err := w.Write(p[:n]); err != nil {
				in.close() // the process is gone: nothing will be read any more
				return
			}
			p = p[n:]
			in.wrote(n)
		}
	}
}

// take waits for something to write; nil when there will be nothing.
func (in *input) take() []byte {
	for {
		in.mu.Lock()
		if in.closed {
			in.mu.Unlock()
			return nil
		}
		if len(in.queue) > 0 {
			p := in.queue[0]
			in.queue = in.queue[1:]
			in.mu.Unlock()
			return p
		}
		wake := in.waiting()
		in.mu.Unlock()
		<-wake
	}
}

func (in *input) wrote(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.size -= n
	in.since = time.Now()
	in.signal()
}

// close ends feed and refuses what comes.
func (in *input) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.queue = nil
	in.signal()
}

// waiting is called with mu held.
func (in *input) waiting() <-chan struct{} {
	if in.wake == nil {
		in.wake = make(chan struct{})
	}
	return in.wake
}

// signal is called with mu held.
func (in *input) signal() {
	if in.wake != nil {
		close(in.wake)
		in.wake = nil
	}
}
