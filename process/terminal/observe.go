package terminal

import (
	"time"

	"hotcell/internal/activity"
)

// Count is how many terminals there are.
func (s *Set) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open) + len(s.dying)
}

// tell reports the end of a terminal. t.exit is known.
func (s *Set) tell(t *Terminal) {
	if s.cfg.Did == nil {
		return
	}
	t.mu.Lock()
	started := t.proc != nil
	t.mu.Unlock()
	t.tape.mu.Lock()
	bytes := t.tape.head
	t.tape.mu.Unlock()
	r := activity.Record{
		Kind: activity.Terminal, Action: "end", Origin: t.opts.Origin, Sandbox: t.place.Sandbox, ID: t.opts.ID,
		Began: t.created, Took: time.Since(t.created), Outcome: activity.NotStarted, Stdout: bytes,
	}
	if started {
		r.Exit, r.Outcome, r.Reason = &t.exit.Code, activity.OfExit(t.exit.Code), t.exit.Reason
	}
	s.cfg.Did(r)
}
