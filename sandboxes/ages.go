package sandboxes

import (
	"log/slog"
	"maps"
	"slices"
	"time"
)

// ages are the times that intervals are counted from.
func (s *Sandbox) ages() []*time.Time {
	return []*time.Time{&s.Created, &s.LastActivity, &s.StoppedAt}
}

// stepped is how far apart two clocks may tell a time before one of them was set.
const stepped = time.Second

// restated is a time for a record, which the next server tells the age of by the clock as
// it is now. If that was set since, the time was written down as another.
func restated(t, now time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	by := now.Add(-now.Sub(t)).Round(0)
	if d := by.Sub(t.Round(0)); d.Abs() < stepped {
		return t
	}
	return by
}

// anchored is a time of a record as a moment of this process's: from now on its age grows
// as time passes, whatever is done to the clock. One in the future was written before the
// clock was set back; it counts as now, or what depends on it would wait for ever.
func anchored(t, now time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return now.Add(-max(now.Sub(t), 0)) // in now's zone: [time.Time.In] forgets what the other clock says
}

// ClockSet is to be called after the machine's clock was set: a server that dies can't write
// down any more what that means for its records.
func (r *Registry) ClockSet() {
	select {
	case r.set <- struct{}{}:
	default: // it is about to be looked at
	}
}

// restate writes all records again, unless the clock says nearly the same as when that
// was done last. It returns when it was.
func (r *Registry) restate(last time.Time) time.Time {
	now := r.opts.Now()
	if restated(last, now).Equal(last.Round(0)) {
		return last
	}
	r.mu.Lock()
	ids := slices.Collect(maps.Keys(r.byID))
	r.mu.Unlock()
	for _, id := range ids {
		e, err := r.take(r.ctx, id)
		if err != nil {
			continue // it is gone, or the registry closes, which writes all
		}
		if err := r.save(e); err != nil {
			r.opts.Log.Error("a sandbox's record has another clock's times", slog.String("sandbox", id), slog.Any("error", err))
		}
		e.release()
	}
	r.opts.Log.Info("the clock was set, or the machine slept: sandboxes' records were written again", slog.Time("now", now))
	return now
}
