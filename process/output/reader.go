package output

import (
	"errors"
	"os"
	"sync"
	"time"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
)

const (
	// chunk is what a pipe of the usual size holds.
	chunk = 64 << 10
	// drainLimit bounds what is still taken from a pipe when its program has
	// ended: no pipe holds more, but somebody may go on writing to it.
	drainLimit = 1 << 20
)

// Reader fills what keeps it from the read end of a pipe, as fast as the pipe's
// writers write.
//
// Goroutines: one, from Follow until the pipe's end, Finish or Close.
type Reader struct {
	file *os.File
	into *Kept
	wg   sync.WaitGroup

	ended bool // the goroutine's, and the owner's once it is joined
}

// Follow starts to read. The reader owns the file from then on.
func Follow(file *os.File, into *Kept) *Reader {
	pipes.Widen(file)
	r := &Reader{file: file, into: into}
	// Ends at the pipe's end, or when Finish or Close sets a deadline.
	r.wg.Go(r.run)
	return r
}

func (r *Reader) run() {
	buf := make([]byte, chunk)
	for {
		n, err := r.file.Read(buf)
		_, _ = r.into.Write(buf[:n])
		if err != nil {
			r.ended = !errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
	}
}

// Finish is called when the program has ended: it takes what the pipe holds now
// and waits for nothing more. It reports whether somebody still has the pipe
// open, such as a process that the program left behind. It may be called again.
func (r *Reader) Finish() (held bool) {
	_ = r.file.SetReadDeadline(time.Now())
	r.wg.Wait()
	if r.ended {
		return false
	}
	_ = r.file.SetReadDeadline(time.Time{})
	buf := make([]byte, chunk)
	for took := 0; took < drainLimit; {
		n, err := direct.ReadNow(r.file, buf)
		_, _ = r.into.Write(buf[:n])
		took += n
		switch {
		case err != nil:
			r.ended = true
			return false
		case n == 0:
			return true
		}
	}
	return true
}

// File is the pipe.
func (r *Reader) File() *os.File { return r.file }

// Close gives up the pipe. What it holds is lost unless Finish came before.
func (r *Reader) Close() {
	_ = r.file.SetReadDeadline(time.Now())
	r.wg.Wait()
	_ = r.file.Close()
}
