package script

import (
	"context"
	"fmt"
	"time"

	"hotcell/runtimes"
)

// startTimeout is for starting a kernel, as it is for contexts: a cold start
// with large libraries takes seconds on a busy machine, more is a fault.
const startTimeout = 60 * time.Second

// clock is the time limit of a run. It belongs to the run's goroutine.
type clock struct {
	timer *time.Timer // nil without a limit
	until time.Time
}

func (c *clock) start(limit time.Duration, over func()) {
	if limit > 0 {
		c.until = time.Now().Add(limit)
		c.timer = time.AfterFunc(limit, over)
	}
}

func (c *clock) stop() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

// untimed has a kernel found without the run's time going by: that one must be
// started first, with all that it has to load, isn't the program's doing.
func (r *run) untimed(find func(context.Context) (*runtimes.Kernel, error)) func(context.Context) (*runtimes.Kernel, error) {
	return func(ctx context.Context) (*runtimes.Kernel, error) {
		if r.clock.timer != nil && r.clock.timer.Stop() {
			left := time.Until(r.clock.until)
			defer func() {
				r.clock.until = time.Now().Add(left)
				r.clock.timer.Reset(left)
			}()
		}
		late := fmt.Errorf("%w: no kernel was ready within %s", runtimes.ErrUnavailable, startTimeout)
		ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, late)
		defer cancel()
		return find(ctx)
	}
}
