package sandboxes

import (
	"log/slog"
	"slices"
	"time"
)

// due is what has to be done to a sandbox, and when.
type due struct {
	id     string
	at     time.Time
	delete bool
}

// expire stops and deletes sandboxes whose time is over. It sleeps until the
// next one is due, a record changes or the clock was set. The records go by the clock
// as it was at the time that is given.
func (r *Registry) expire(written time.Time) {
	defer close(r.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, ok := r.nextDue()
		var alarm <-chan time.Time
		if ok {
			timer.Reset(next.at.Sub(r.opts.Now()))
			alarm = timer.C
		}
		select {
		case <-r.ctx.Done():
			return
		case <-r.wake:
		case <-r.set:
			written = r.restate(written)
		case <-alarm:
			if err := r.end(next); err != nil && r.ctx.Err() == nil {
				r.opts.Log.Error("cannot end a sandbox whose time is over",
					slog.String("sandbox", next.id), slog.Any("error", err))
				r.pause(timer)
			}
		}
	}
}

// pause keeps a fault that stays, like a full disk, from being met in a loop.
func (r *Registry) pause(timer *time.Timer) {
	timer.Reset(r.opts.Minute)
	select {
	case <-r.ctx.Done():
	case <-timer.C:
	}
}

// reschedule is called with mu held.
func (r *Registry) reschedule() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// nextDue finds what is due first. Idleness is looked at when the time has
// come, so that activity doesn't have to wake anybody.
func (r *Registry) nextDue() (due, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first due
	found := false
	for id, e := range r.byID {
		for _, d := range r.opts.dues(&e.sandbox) {
			if d.id = id; !found || d.at.Before(first.at) {
				first, found = d, true
			}
		}
	}
	return first, found
}

// dues are the times at which something has to be done to a sandbox: by its own
// intervals, or the bounds of all.
func (o *Options) dues(s *Sandbox) []due {
	var ds []due
	idle, age := time.Duration(s.AutoStop)*o.Minute, time.Duration(s.TTL)*o.Minute
	if s.ID != DefaultID {
		idle, age = sooner(idle, o.Idle), sooner(age, o.Lifetime)
	}
	if s.State == Started && idle > 0 {
		ds = append(ds, due{at: s.LastActivity.Add(idle)})
	}
	if s.ID == DefaultID {
		return ds
	}
	if s.State == Stopped && s.AutoDelete >= 0 {
		ds = append(ds, due{at: s.StoppedAt.Add(time.Duration(s.AutoDelete) * o.Minute), delete: true})
	}
	if age > 0 {
		ds = append(ds, due{at: s.Created.Add(age), delete: true})
	}
	return ds
}

// sooner is the shorter of two times, of which 0 is never.
func sooner(a, b time.Duration) time.Duration {
	if a <= 0 || b <= 0 {
		return max(a, b)
	}
	return min(a, b)
}

// end does what was due. A sandbox that was used meanwhile is left alone.
func (r *Registry) end(d due) error {
	if !d.delete && r.opts.Busy(d.id) {
		_ = r.Touch(d.id) // its time begins again
		return nil
	}
	now := r.opts.Now()
	r.mu.Lock()
	e, still := r.byID[d.id]
	if still {
		still = slices.ContainsFunc(r.opts.dues(&e.sandbox), func(o due) bool {
			return o.delete == d.delete && !o.at.After(now)
		})
	}
	r.mu.Unlock()
	if !still {
		return nil
	}
	do := r.Stop
	if d.delete {
		do = r.Delete
	}
	sb, err := do(r.ctx, d.id)
	if err == nil {
		r.opts.Expired(sb, d.delete)
	}
	return err
}
