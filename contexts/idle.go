package contexts

import (
	"context"
	"log/slog"
	"time"

	"hotcell/interpreter"
)

// expire ends contexts that have run nothing for the idle timeout. It wakes
// when the first of them can be due, not on a fixed beat.
func (s *Set) expire() {
	for {
		t := time.NewTimer(s.nextDue())
		select {
		case <-s.ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		for _, e := range s.All() {
			if s.dueIn(e) > 0 || !s.remove(e) {
				continue
			}
			s.cfg.Log.LogAttrs(s.ctx, slog.LevelInfo, "context expired",
				slog.String("context", e.ID()), slog.Duration("idle", s.cfg.IdleTimeout))
			s.shut(e, interpreter.Expired(s.cfg.IdleTimeout))
		}
	}
}

// nextDue is the time until the first context can expire.
func (s *Set) nextDue() time.Duration {
	due := s.cfg.IdleTimeout
	for _, e := range s.All() {
		due = min(due, s.dueIn(e))
	}
	return max(due, time.Millisecond)
}

// dueIn is how long a context may stay idle yet.
func (s *Set) dueIn(e *Entry) time.Duration {
	last := e.LastUsed()
	if last.IsZero() { // something runs or waits
		return s.cfg.IdleTimeout
	}
	return s.cfg.IdleTimeout - s.cfg.Now().Sub(last)
}

// Parked tells how many kernels of each runtime wait for use, by its name.
func (s *Set) Parked() map[string]int {
	out := make(map[string]int, len(s.pools))
	for r, p := range s.pools {
		out[r.Info().Name] = p.count()
	}
	return out
}

// Ready tells of each runtime that is available, by its name, why its kernels
// aren't parked yet, or can't be; nil is ready.
func (s *Set) Ready() map[string]error {
	out := make(map[string]error, len(s.pools))
	for r, p := range s.pools {
		if r.Info().Fault == "" {
			out[r.Info().Name] = p.ready()
		}
	}
	return out
}

// Parking reports whether the first kernels of a runtime are still being started.
func (s *Set) Parking() bool {
	for _, p := range s.pools {
		select {
		case <-p.tried:
		default:
			return true
		}
	}
	return false
}

// Warm returns when every pool that can is full, or ctx ends.
func (s *Set) Warm(ctx context.Context) {
	for _, p := range s.pools {
		p.warm(ctx)
	}
}
