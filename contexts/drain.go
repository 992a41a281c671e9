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
	for _, e := range s.All() {
		wg.Go(func() { e.Drain(ctx) }) // ends with its execution, or ctx
	}
	wg.Wait()
}
