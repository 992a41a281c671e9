package session

import (
	"fmt"
	"os"
	"sync"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
)

// mostWords is what is kept of what a shell writes outside of its commands.
const mostWords = 1 << 20

// words keeps what the shell writes to one of its own streams.
//
// Goroutines: one, until the stream's end or close.
type words struct {
	file *os.File
	wg   sync.WaitGroup

	mu   sync.Mutex
	text []byte
	lost int
}

func hear(file *os.File) *words {
	w := &words{file: file}
	// Ends when nobody holds the other end any more, or close closes this one.
	w.wg.Go(func() {
		pipes.Follow(file, func() int {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.read()
		})
	})
	return w
}

// read is called with mu held.
func (w *words) read() int {
	var piece [4096]byte
	n, err := direct.ReadNow(w.file, piece[:])
	switch {
	case err != nil:
		return 0
	case n == 0:
		return -1
	}
	room := min(n, mostWords-len(w.text))
	w.text = append(w.text, piece[:room]...)
	w.lost += n - room
	return n
}

// collect is called with mu held.
func (w *words) collect() {
	for left := direct.Buffered(w.file); left > 0; {
		n := w.read()
		if n <= 0 {
			return
		}
		left -= n
	}
}

// forget drops what was written by now.
func (w *words) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.collect()
	w.text, w.lost = nil, 0
}

// take returns what was written since then.
func (w *words) take() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.collect()
	text := w.text
	if w.lost > 0 {
		text = fmt.Appendf(text, "\nhotcell: %d bytes more were not kept\n", w.lost)
	}
	w.text, w.lost = nil, 0
	return text
}

func (w *words) close() {
	_ = w.file.Close()
	w.wg.Wait()
}
