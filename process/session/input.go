package session

import (
	"fmt"
	"os"
	"sync"
)

// input is what clients send to a command: it waits until the command begins,
// and then until it reads.
//
// Goroutines: one at a time, while something waits to be written.
type input struct {
	limit int
	wg    sync.WaitGroup

	mu      sync.Mutex
	file    *os.File // the pipe's writing end; nil before the command begins
	waiting []byte
	writing int // bytes that the goroutine has taken
	ended   bool
}

// send takes data, after echo was called, or refuses it.
func (in *input) send(data string, echo func()) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended {
		return ErrCompleted
	}
	if held := len(in.waiting) + in.writing; held+len(data) > in.limit {
		return fmt.Errorf("%w: %d bytes wait for it, and %d more would exceed the limit of %d", ErrInputFull, held, len(data), in.limit)
	}
	echo()
	in.waiting = append(in.waiting, data...)
	in.pump()
	return nil
}

// begin gives the pipe.
func (in *input) begin(file *os.File) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.file = file
	in.pump()
}

// pump is called with mu held.
func (in *input) pump() {
	if in.file == nil || in.ended || in.writing > 0 || len(in.waiting) == 0 {
		return
	}
	data := in.take()
	// Ends when all is written, or end closes the pipe.
	in.wg.Go(func() { in.write(data) })
}

// take is called with mu held.
func (in *input) take() []byte {
	data := in.waiting
	in.waiting, in.writing = nil, len(data)
	return data
}

func (in *input) write(data []byte) {
	for len(data) > 0 {
		_, err := in.file.Write(data)
		in.mu.Lock()
		if err != nil { // the command has ended
			in.waiting = nil
		}
		data = in.take()
		in.mu.Unlock()
	}
}

// end closes the pipe; what wasn't read is of no use any more.
func (in *input) end() {
	in.mu.Lock()
	in.ended = true
	file := in.file
	in.mu.Unlock()
	if file != nil {
		_ = file.Close()
	}
	in.wg.Wait()
}
