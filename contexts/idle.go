package contexts

import (
	"log/slog"
	"math"
	"time"

	"hotcell/interpreter"
)

// expire ends contexts that have run nothing for the idle timeout, or whose lifetime
// is over. It wakes when the first of them can be due, not on a fixed beat.
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
			left, reason := s.dueIn(e)
			if left > 0 || !s.remove(e) {
				continue
			}
			s.cfg.Log.LogAttrs(s.ctx, slog.LevelInfo, "context expired",
				slog.String("context", e.ID()), slog.String("reason", reason.Text))
			s.shut(s.ctx, e, reason)
		}
	}
}

// nextDue is the time until the first context can expire.
func (s *Set) nextDue() time.Duration {
	due := longest
	for _, limit := range []time.Duration{s.cfg.IdleTimeout, s.cfg.Lifetime} { // of one that is made now
		if limit > 0 {
			due = min(due, limit)
		}
	}
	for _, e := range s.All() {
		left, _ := s.dueIn(e)
		due = min(due, left)
	}
	return max(due, time.Millisecond)
}

// longest is for what never comes.
const longest = time.Duration(math.MaxInt64)

// dueIn is how long a context may live yet, and why no longer.
func (s *Set) dueIn(e *Entry) (left time.Duration, reason interpreter.ClosedError) {
	left = longest
	now := s.cfg.Now()
	if s.cfg.IdleTimeout > 0 {
		left, reason = s.cfg.IdleTimeout, interpreter.Expired(s.cfg.IdleTimeout)
		if last := e.LastUsed(); !last.IsZero() { // else something runs or waits
			left -= now.Sub(last)
		}
	}
	if s.cfg.Lifetime > 0 {
		if age := s.cfg.Lifetime - now.Sub(e.Created); age < left {
			left, reason = age, interpreter.Outlived(s.cfg.Lifetime)
		}
	}
	return left, reason
}
