package contexts

import (
	"context"
	"sync"
)

// Drain refuses contexts and executions from now on, ends the executions that wait, and
// returns when those that run have ended, or ctx. Close has to follow.
func (s *Set) Drain(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	var wg sync.WaitGroup
	all := s.All()
	for _, e := range all { // before any of them tells a client that it ends
		e.Refuse()
	}
	for _, e := range all {
		wg.Go(func() { e.Drain(ctx) }) // ends with its execution, or ctx
	}
	wg.Wait()
}
