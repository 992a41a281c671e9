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
// next one is due or a record changes.
func (r *Registry) expire() {
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
		for _, d := range e.sandbox.dues(r.opts.Minute) {
			if d.id = id; !found || d.at.Before(first.at) {
				first, found = d, true
			}
		}
	}
	return first, found
}

func (s *Sandbox) dues(minute time.Duration) []due {
	var ds []due
	if s.State == Started && s.AutoStop > 0 {
		ds = append(ds, due{at: s.LastActivity.Add(time.Duration(s.AutoStop) * minute)})
	}
	if s.ID == DefaultID {
		return ds
	}
	if s.State == Stopped && s.AutoDelete >= 0 {
		ds = append(ds, due{at: s.StoppedAt.Add(time.Duration(s.AutoDelete) * minute), delete: true})
	}
	if s.TTL > 0 {
		ds = append(ds, due{at: s.Created.Add(time.Duration(s.TTL) * minute), delete: true})
	}
	return ds
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
		still = slices.ContainsFunc(e.sandbox.dues(r.opts.Minute), func(o due) bool {
			return o.delete == d.delete && !o.at.After(now)
		})
	}
	r.mu.Unlock()
	if !still {
		return nil
	}
	var err error
	if d.delete {
		_, err = r.Delete(r.ctx, d.id)
	} else {
		_, err = r.Stop(r.ctx, d.id)
	}
	return err
}
