package session

import (
	"time"

	"hotcell/internal/activity"
)

// Count is how many sessions there are, and how many commands run and wait in them.
func (s *Set) Count() (sessions, running, waiting int) {
	s.mu.Lock()
	all := make([]*entry, 0, len(s.all))
	for e := range s.all {
		all = append(all, e)
	}
	s.mu.Unlock()
	for _, e := range all {
		e.mu.Lock()
		if e.running != nil {
			running++
		}
		waiting += len(e.queue)
		e.mu.Unlock()
	}
	return len(all), running, waiting
}

// tell reports the end of a command.
func (s *Session) tell(c *Command, e end) {
	if s.did == nil {
		return
	}
	c.out.mu.Lock()
	bytes := c.out.bytes
	c.out.mu.Unlock()
	now := time.Now()
	r := activity.Record{
		Kind: activity.SessionCommand, Action: "run", Origin: c.origin,
		Sandbox: s.place.Sandbox, Context: s.id, ID: c.id,
		Began: c.asked, Waited: now.Sub(c.asked), Outcome: activity.NotStarted, Spilled: c.log.Stored(),
		In: int64(len(c.text)), Code: c.text,
	}
	if !c.began.IsZero() {
		r.Waited, r.Took = c.began.Sub(c.asked), now.Sub(c.began)
		r.Stdout, r.Stderr, r.Exit = bytes[0], bytes[1], &e.code
		r.Outcome = activity.OfExit(e.code)
	}
	if e.err != nil {
		r.Reason = e.err.Error()
		if !c.began.IsZero() {
			r.Outcome = activity.Ended
		}
	}
	s.did(r)
}
