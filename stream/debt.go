package stream

import (
	"errors"
	"log/slog"
	"slices"
	"time"
)

// debt is what the disk has refused of a log that has ended.
type debt struct {
	e     *entry
	repay func() error
}

// Later implements [Tape].
func (e *entry) Later(live any, summary []byte, repay func() error) {
	e.j.mu.Lock()
	defer e.j.mu.Unlock()
	if e.gone || e.j.closed {
		return
	}
	e.live = live
	e.end(ending{at: e.j.opts.Now(), summary: summary})
	e.j.owed = append(e.j.owed, &debt{e, repay})
	if len(e.j.owed) == 1 {
		// Ends when nothing is owed any more, or when Close closes stop.
		e.j.wg.Go(e.j.settleDebts)
	}
}

// taken says that the disk has just taken something. It is called with mu held.
func (j *Journal) taken() {
	if len(j.owed) == 0 {
		return
	}
	select {
	case j.takes <- struct{}{}:
	default:
	}
}

// retry is how long a disk that has refused something is left alone, unless it takes
// something of somebody else's before.
const retry = time.Second

// settleDebts tries again and again until the disk has taken what it has refused.
func (j *Journal) settleDebts() {
	t := time.NewTicker(retry)
	defer t.Stop()
	for closing := false; !closing; {
		select {
		case <-t.C:
		case <-j.takes:
		case <-j.stop:
			closing = true // once more
		}
		if j.repayAll() {
			return
		}
	}
}

// repayAll tries each debt once, or until the disk refuses, and reports whether none
// is left.
func (j *Journal) repayAll() (over bool) {
	j.mu.Lock()
	owed := slices.Clone(j.owed)
	j.mu.Unlock()
	var paid []*debt
	for _, d := range owed {
		err := d.repay()
		if hopeless(err) {
			j.forgive(d, err)
		}
		if err == nil || hopeless(err) {
			paid = append(paid, d)
		} else if errors.Is(err, ErrNoSpace) || errors.Is(err, ErrDisk) {
			break // nor would it take the others
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range paid {
		d.e.live = nil
	}
	j.owed = slices.DeleteFunc(j.owed, func(d *debt) bool { return slices.Contains(paid, d) })
	return len(j.owed) == 0
}

// hopeless reports whether a record will never be taken, whatever becomes of the disk.
func hopeless(err error) bool { return errors.Is(err, ErrTooLarge) || errors.Is(err, errEncode) }

// forgive lets the log end with what the disk has of it.
func (j *Journal) forgive(d *debt, err error) {
	j.mu.Lock()
	how := ending{at: d.e.ended, summary: d.e.summary}
	id := d.e.meta.ID
	j.mu.Unlock()
	j.opts.Log.Error("a part of a log cannot be kept and is lost", slog.String("log", id), slog.Any("error", err))
	_ = d.e.put([]frame{how.frame()}, true) // else the next server ends it
}
