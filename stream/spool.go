package stream

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// Spool is the file that any number of logs share, so that many long logs cost
// one descriptor. It has no name, is opened when the first log needs it, and is
// closed when the last one that did is discarded. What one log leaves behind
// before that is given back to the file system where that can punch holes.
type Spool struct {
	dir string

	mu   sync.Mutex
	file *os.File
	end  int64 // where the next block goes
	logs int   // that have blocks in the file
}

// NewSpool returns a spool whose file will lie in dir; empty is [os.TempDir].
func NewSpool(dir string) *Spool {
	if dir == "" {
		dir = os.TempDir()
	}
	return &Spool{dir: dir}
}

// join counts a log that is about to write its first block.
func (s *Spool) join() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		file, err := unlinked(s.dir)
		if err != nil {
			return fmt.Errorf("open spill file: %w", err)
		}
		s.file, s.end = file, 0
	}
	s.logs++
	return nil
}

// leave takes the blocks of a log that joined out of the file.
func (s *Spool) leave(blocks []block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logs--; s.logs == 0 {
		_ = s.file.Close()
		s.file = nil
		return
	}
	for _, b := range blocks {
		punch(s.file, b.off, int64(b.size))
	}
}

// write stores a block and tells where. A failed write leaves a gap.
func (s *Spool) write(buf []byte) (off int64, err error) {
	s.mu.Lock()
	file, off := s.file, s.end
	s.end += int64(len(buf))
	s.mu.Unlock()
	if _, err := file.WriteAt(buf, off); err != nil {
		return 0, fmt.Errorf("spill events: %w", err)
	}
	return off, nil
}

// read fetches a block.
func (s *Spool) read(buf []byte, off int64) error {
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	if file == nil {
		return ErrDiscarded
	}
	if _, err := file.ReadAt(buf, off); err != nil {
		if errors.Is(err, os.ErrClosed) {
			return ErrDiscarded
		}
		return fmt.Errorf("read spilled events: %w", err)
	}
	return nil
}
