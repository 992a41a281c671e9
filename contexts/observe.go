package contexts

import (
	"time"

	"hotcell/internal/activity"
	"hotcell/interpreter"
)

// Observe is told what happens in the set and in its contexts. Like those of
// [interpreter.Observe] they must be quick and wait for nothing; any may be nil.
type Observe struct {
	interpreter.Observe
	Taken func(runtime string, parked bool)                      // a kernel was wanted; parked: one waited
	Ready func(language string, parked bool, took time.Duration) // a context takes code
}

func (o *Observe) taken(runtime string, parked bool) {
	if o.Taken != nil {
		o.Taken(runtime, parked)
	}
}

func (o *Observe) ready(language string, parked bool, took time.Duration) {
	if o.Ready != nil {
		o.Ready(language, parked, took)
	}
}

// tell records that a context was made, or has ended, and why.
func (o *Observe) tell(action string, e *Entry, by activity.Origin, reason string) {
	if o.Did != nil {
		o.Did(activity.Record{
			Kind: activity.Context, Action: action, Origin: by, Sandbox: e.Owner, Context: e.ID(), Language: e.Language(),
			Began: time.Now(), Outcome: activity.OK, Reason: reason,
		})
	}
}

// of is what the contexts of an owner are given: they don't know whose they are.
func (o *Observe) of(owner string) interpreter.Observe {
	inner, did := o.Observe, o.Did
	if did != nil {
		inner.Did = func(r activity.Record) {
			r.Sandbox = owner
			did(r)
		}
	}
	return inner
}
