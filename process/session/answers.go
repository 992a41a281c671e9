package session

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
)

// report is what the shell says when it waits for a command.
type report struct {
	code int // of the last one
	err  error
}

// status listens to what the shell reports.
//
// Goroutines: one, until close.
type status struct {
	channel channel
	reports chan report // holds one
	wg      sync.WaitGroup

	mu  sync.Mutex
	buf []byte
}

func listen(c channel) *status {
	s := &status{channel: c, reports: make(chan report, 1)}
	// Ends when close closes our ends.
	s.wg.Go(func() {
		pipes.Follow(c.r, func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.read()
		})
	})
	return s
}

// collect takes in what was reported by now.
func (s *status) collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.read()
}

// read is called with mu held.
func (s *status) read() int {
	var piece [64]byte // a status has four characters at most
	n, err := direct.ReadNow(s.channel.r, piece[:])
	switch {
	case err != nil:
		return 0
	case n == 0:
		return -1
	}
	s.buf = append(s.buf, piece[:n]...)
	for {
		line, rest, ok := bytes.Cut(s.buf, []byte{'\n'})
		if !ok {
			break
		}
		s.buf = rest
		s.tell(string(line))
	}
	if len(s.buf) >= len(piece) {
		s.buf = nil
		s.tell("…")
	}
	return n
}

// tell passes a report on. Nobody may report twice.
func (s *status) tell(line string) {
	r := report{}
	var err error
	if r.code, err = strconv.Atoi(line); err != nil {
		r.err = fmt.Errorf("%w: it says %q", errOutOfStep, line)
	}
	select {
	case s.reports <- r:
	default:
		select {
		case <-s.reports:
		default:
		}
		s.reports <- report{err: fmt.Errorf("%w: it says %q out of turn", errOutOfStep, line)}
	}
}

func (s *status) close() {
	s.channel.close()
	s.wg.Wait()
}
