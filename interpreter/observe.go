package interpreter

import (
	"time"

	"hotcell/internal/activity"
	"hotcell/internal/child"
	"hotcell/internal/wire"
)

// Observe is told what happens in contexts, by the goroutine to which it happens,
// partly under its locks: each must be quick, wait for nothing and call nothing of
// this package. Any may be nil.
type Observe struct {
	Did       func(activity.Record)                  // an execution ends, just before its clients are told
	Output    func(stream wire.EventType, bytes int) // a kernel has put something out, in an execution or between
	Started   func(language, why string)             // a kernel is a context's: see the constants
	Died      func(language, cause string)           // it is one no more, and nobody has asked for that
	Interrupt func(step string)                      // somebody or something ends an execution: "1", "2", "3", "kill"
	Limit     func(kind string)                      // a limit was hit, named as in [wire.Cause]
}

// Why a kernel was started.
const (
	startFirst       = "first"       // for a new context
	startReplacement = "replacement" // for one whose kernel had died
	startRestart     = "restart"     // since a client asked for it
)

// Causes of a kernel's death, beside the reasons for which an execution is ended.
const (
	diedExited   = "exited"   // it ended by itself
	diedSignaled = "signaled" // by a signal that isn't ours
	diedUnknown  = "unknown"  // the process that knew how is gone
	diedUseless  = "no_answer"
	diedProtocol = "protocol" // it said what no driver says, and was killed
)

func (o *Observe) output(stream wire.EventType, bytes int) {
	if o.Output != nil {
		o.Output(stream, bytes)
	}
}

func (o *Observe) started(language, why string) {
	if o.Started != nil {
		o.Started(language, why)
	}
}

func (o *Observe) died(language, cause string) {
	if o.Died != nil {
		o.Died(language, cause)
	}
}

func (o *Observe) interrupted(step string) {
	if o.Interrupt != nil {
		o.Interrupt(step)
	}
}

func (o *Observe) limited(kind string) {
	if o.Limit != nil {
		o.Limit(kind)
	}
}

// causeOf is how a kernel ended that nobody has ended.
func (c *kernel) causeOf(exit child.Exit) string {
	switch {
	case c.breach() != nil:
		return diedProtocol
	case exit.Unknown:
		return diedUnknown
	case exit.Signal != 0:
		return diedSignaled
	default:
		return diedExited
	}
}

// Parked reports whether the context began with a kernel that was parked for it.
func (in *Interpreter) Parked() bool { return in.parked }

// tell reports the end of an execution, unless nobody listens.
func (e *Execution) tell(snap Snapshot) {
	did := e.in.cfg.Observe.Did
	if did == nil {
		return
	}
	r := activity.Record{
		Kind: activity.Execution, Action: "run", Origin: e.req.Origin,
		Context: snap.ContextID, ID: snap.ID, Language: e.in.cfg.Language,
		Began: snap.Created, Waited: snap.Ended.Sub(snap.Created), Outcome: known(snap.Status),
		Stdout: e.stdout.Load(), Stderr: e.stderr.Load(), In: int64(len(e.req.Code)), Spilled: e.log.Stored(),
		Code: e.req.Code,
	}
	if !snap.Started.IsZero() {
		r.Waited, r.Took = snap.Started.Sub(snap.Created), snap.Ended.Sub(snap.Started)
		if first := e.first.Load(); first != 0 {
			r.First = max(time.Duration(first)-r.Waited, 0)
		}
	}
	if snap.Error != nil && snap.Error.Cause != nil {
		r.Reason = snap.Error.Cause.Reason
	}
	did(r)
}

// known is a status, if it is one: the driver says it, which code can imitate.
func known(s wire.Status) string {
	switch s {
	case wire.StatusOK, wire.StatusError, wire.StatusInterrupted, wire.StatusTimeout, wire.StatusDied, wire.StatusCancelled:
		return string(s)
	default:
		return "unknown"
	}
}

// noteEvent keeps what [Execution.tell] needs of an event. Events come one at a
// time, but the end may be another goroutine's.
func (e *Execution) noteEvent(ev *wire.Event) {
	switch ev.Type {
	case wire.EventState, wire.EventNotice:
		return // ours
	case wire.EventStdout:
		e.stdout.Add(int64(len(ev.Text)))
	case wire.EventStderr:
		e.stderr.Add(int64(len(ev.Text)))
	}
	if e.first.Load() == 0 {
		e.first.Store(max(int64(ev.Time.Sub(e.created)), 1))
	}
}
