package node

import (
	"context"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"hotcell/runtimes"
)

// settle is how long a new spare process waits after one was taken: starting it
// at once would compete with the program that was given the other.
const settle = 25 * time.Millisecond

// spare keeps one process waiting for a program, from the first program on. One
// that was taken never comes back.
//
// Goroutines: one while a process is being started, which close joins.
type spare struct {
	start  func(context.Context) (*runtimes.Kernel, error)
	none   bool // keep none
	log    *slog.Logger
	ctx    context.Context // cancelled by close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	starting bool
	parked   *runtimes.Kernel
}

func newSpare(start func(context.Context) (*runtimes.Kernel, error), none bool, log *slog.Logger) *spare {
	s := &spare{start: start, none: none, log: log}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// take returns the waiting process, or starts one.
func (s *spare) take(ctx context.Context) (*runtimes.Kernel, error) {
	s.mu.Lock()
	k := s.parked
	s.parked = nil
	if !s.none && !s.starting && !s.closed {
		s.starting = true
		// Ends when a process is parked, or with close.
		s.wg.Go(s.refill)
	}
	s.mu.Unlock()
	if k != nil {
		select {
		case <-k.Process.Done(): // it died while it waited
			discard(k)
		default:
			return k, nil
		}
	}
	return s.start(ctx)
}

func (s *spare) refill() {
	k := s.next()
	s.mu.Lock()
	s.starting = false
	if !s.closed {
		s.parked, k = k, s.parked
	}
	s.mu.Unlock()
	if k != nil {
		discard(k)
	}
}

// next starts a process, a little later.
func (s *spare) next() *runtimes.Kernel {
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		return nil
	}
	k, err := s.start(s.ctx)
	if err != nil {
		if s.ctx.Err() == nil { // the next program meets the error itself
			s.log.Warn("start a spare node process", slog.Any("error", err))
		}
		return nil
	}
	return k
}

// close ends what waits.
func (s *spare) close() {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	k := s.parked
	s.parked = nil
	s.mu.Unlock()
	s.wg.Wait()
	if k != nil {
		discard(k)
	}
}

func discard(k *runtimes.Kernel) {
	_ = k.Process.Signal(syscall.SIGKILL)
	<-k.Process.Done()
	_ = k.Conn.Close()
	_ = k.Stdout.Close()
}
