package stream

import (
	"sync"
	"time"
)

// Laggards write what logs hold back, when its time has come. One timer serves all of
// them, and what needs it no more isn't taken out: to start and stop one for every short
// execution would wake the scheduler's own threads each time.
//
// Goroutines: the timer's, for as long as the writing takes.
type Laggards struct {
	mu    sync.Mutex
	timer *time.Timer
	due   time.Time // zero: the timer doesn't run
	write []func()
}

// NewLaggards returns one that has nothing to do.
func NewLaggards() *Laggards { return &Laggards{} }

// add has write called after delay, or sooner.
func (s *Laggards) add(delay time.Duration, write func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write = append(s.write, write)
	due := time.Now().Add(delay)
	switch {
	case s.timer == nil:
		s.timer = time.AfterFunc(delay, s.run)
	case s.due.IsZero() || due.Before(s.due):
		s.timer.Reset(delay)
	default:
		return
	}
	s.due = due
}

func (s *Laggards) run() {
	s.mu.Lock()
	write := s.write
	s.write, s.due = nil, time.Time{}
	s.mu.Unlock()
	for _, f := range write {
		f()
	}
}
