package command

import (
	"errors"
	"time"

	"hotcell/internal/activity"
)

// count is called by whoever appends output.
func (c *Command) count(kind EventType, n int) {
	if kind == EventStdout {
		c.bytes[0] += int64(n)
	} else {
		c.bytes[1] += int64(n)
	}
}

// tell reports the end of a command; o is nil if it could not be started.
func (s *Set) tell(c *Command, o *Outcome) {
	if s.cfg.Did == nil {
		return
	}
	r := activity.Record{
		Kind: activity.Command, Action: "run", Origin: c.spec.Origin, Sandbox: c.spec.Place.Sandbox, ID: c.id,
		Began: c.created, Outcome: activity.NotStarted, In: int64(len(c.code)), Code: c.code,
	}
	c.code = ""
	if o != nil {
		r.Waited = c.began.Sub(c.created)
		r.Took = time.Duration(o.Duration * float64(time.Millisecond))
		r.Exit, r.Reason = &o.Code, o.Reason
		r.Stdout, r.Stderr = c.bytes[0], c.bytes[1]
		if c.kept != nil {
			r.Stdout = c.kept.Total()
		}
		if c.log != nil {
			r.Spilled = c.log.Stored()
		}
		switch o.Status {
		case StatusExited:
			r.Outcome = activity.OfExit(o.Code)
		case StatusSignaled:
			r.Outcome = activity.Signaled
		case StatusTimeout:
			r.Outcome = activity.TimedOut
		default:
			r.Outcome = activity.Ended
			if errors.Is(o.Cause, ErrOutputLimit) {
				r.Limit = "output_limit"
			}
		}
	}
	s.cfg.Did(r)
}
