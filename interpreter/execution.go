package interpreter

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotcell/internal/activity"
	"hotcell/internal/wire"
	"hotcell/stream"
)

// Request is one run of one piece of code.
type Request struct {
	ID      string            // empty: a new UUID
	Code    string            //
	Env     map[string]string // for this run only
	Timeout time.Duration     // 0: none. It counts from the start of the run
	Stdin   bool              // input() may ask the client
	Formats []string          // what its figures are drawn as, beside PNG: svg, pdf
	Origin  activity.Origin   // who asks
}

// Execution is one run, from its place in the queue to its last event.
type Execution struct {
	req    Request
	in     *Interpreter // nil when it was read from the store, which is when it had ended
	atOnce bool         // nothing was in its way when it was accepted
	log    *stream.Log[wire.Event]
	done   chan struct{}
	signal chan interruption // to the loop, while running

	created time.Time // the snapshot's, for those who have no lock

	stdout, stderr atomic.Int64 // bytes
	first          atomic.Int64 // when its first event came: so many nanoseconds after created, at least one

	mu      sync.Mutex
	snap    Snapshot
	asked   bool        // an input_request waits for its answer
	inputs  int         // how many there have been
	stopped bool        // an interrupt is under way: the driver's error is kept in held
	over    bool        // the driver's done came before any interrupt, and has ended it
	held    *wire.Event // the driver's own account of the interrupt
	then    []*func()   // to be called at the end
}

// Snapshot is where an execution stands.
type Snapshot struct {
	ID        string
	ContextID string
	State     wire.State
	Status    wire.Status // once State is done
	Created   time.Time
	Started   time.Time // zero while queued
	Ended     time.Time // zero until done
	Events    uint64    // how many there are so far
	Error     *wire.Event

	took time.Duration // of one that was read from the store
}

// Took is how long it ran, whatever was done to the clock meanwhile; 0 until it is known.
func (s Snapshot) Took() time.Duration {
	switch {
	case s.Started.IsZero() || s.Ended.IsZero():
		return 0
	case s.took > 0:
		return s.took
	default:
		return max(s.Ended.Sub(s.Started), 0)
	}
}

// soon is how long readers need not hear that an execution runs, or of an event
// that another one stands behind already: a short execution is over by then, and
// they get all of it at once.
const soon = time.Millisecond

// interruption asks the loop to end the running execution.
type interruption struct {
	reason string        // for the user, and Cause.Reason when it is one word
	grace  time.Duration // until the kill; negative: never
}

// newExecution makes one that the store knows. With atOnce nothing is in its way.
func newExecution(in *Interpreter, req Request, atOnce bool) (*Execution, error) {
	e := &Execution{
		req:    req,
		in:     in,
		atOnce: atOnce,
		done:   make(chan struct{}),
		signal: make(chan interruption, 1),
	}
	e.created = in.cfg.Now()
	e.snap = Snapshot{ID: req.ID, ContextID: in.cfg.ID, State: wire.StateQueued, Created: e.created}
	tape, err := create(in.cfg.Store, in.cfg.Group, about{Language: in.cfg.Language, AtOnce: atOnce}, e.snap)
	if err != nil {
		return nil, err
	}
	e.log = stream.New(eventCodec{}, tape, in.cfg.Events)
	return e, nil
}

// ID is unique among all executions.
func (e *Execution) ID() string { return e.req.ID }

// ContextID is the id of the context that it runs in.
func (e *Execution) ContextID() string { return e.snap.ContextID } // never changes

// Events reads the execution's events from the one numbered from on. Any
// number of readers may do so, while it runs and afterwards until it is evicted.
func (e *Execution) Events(from uint64) *stream.Reader[wire.Event] { return e.log.Reader(from) }

// Done is closed after the last event.
func (e *Execution) Done() <-chan struct{} { return e.done }

// OnEnd has f called as soon as the last event is there, by the goroutine that
// appended it, which f must not keep. stop prevents that, and reports whether it was
// in time. It is nil, and f is not called, when the execution has ended already.
func (e *Execution) OnEnd(f func()) (stop func() bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.snap.State == wire.StateDone {
		return nil
	}
	e.then = append(e.then, &f)
	return func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		before := len(e.then)
		e.then = slices.DeleteFunc(e.then, func(other *func()) bool { return other == &f })
		return len(e.then) < before
	}
}

// Snapshot says where the execution stands.
func (e *Execution) Snapshot() Snapshot {
	e.mu.Lock()
	s := e.snap
	e.mu.Unlock()
	s.Events = e.log.Len()
	return s
}

// Interrupt ends the execution: a queued one is withdrawn, a running one gets
// SIGINT and, after grace, SIGKILL (0 is two seconds, negative never).
func (e *Execution) Interrupt(reason string, grace time.Duration) error {
	select {
	case <-e.done:
		return ErrNotRunning
	default:
	}
	if e.in.withdraw(e, reason) {
		return nil
	}
	select {
	case e.signal <- interruption{reason: reason, grace: grace}:
	default: // one is on its way already
	}
	return nil
}

// Reply answers an input request; eof ends the input instead. Accepted, unless nil, is
// called before the code gets the value, so before anything that follows from it.
func (e *Execution) Reply(value string, eof bool, accepted func()) error {
	e.mu.Lock()
	asked := e.asked
	e.asked = false
	e.mu.Unlock()
	if !asked {
		return ErrNoInputRequested
	}
	return e.in.reply(e, wire.Request{Type: wire.ReqInput, Value: value, EOF: eof}, accepted)
}

// append adds an event. It is called by one goroutine at a time: the loop, or
// those of the kernel from its begin to the driver's done.
func (e *Execution) append(ev wire.Event) error { return e.appendSoon(ev, 0) }

// appendSoon is append for an event that readers may be told about later.
func (e *Execution) appendSoon(ev wire.Event, delay time.Duration) error {
	_, err := e.log.AppendSoon(delay, func(seq uint64) wire.Event {
		ev.Seq = seq
		if ev.Time.IsZero() {
			ev.Time = e.in.cfg.Now()
		}
		e.noteEvent(&ev)
		return ev
	})
	return err
}

// fail appends an error event and keeps it for the snapshot.
func (e *Execution) fail(ev wire.Event) {
	ev.Type = wire.EventError
	if ev.Time.IsZero() {
		ev.Time = e.in.cfg.Now()
	}
	e.noteEvent(&ev)
	ev = last(e.log, ev)
	e.mu.Lock()
	e.snap.Error = &ev
	e.mu.Unlock()
}

// last appends an error event, or as much of it as can be kept, and returns it as its
// readers see it. A full log still takes it, and says full to the next.
func last(log *stream.Log[wire.Event], ev wire.Event) wire.Event {
	add := func() (uint64, error) {
		return log.Last(func(seq uint64) wire.Event {
			ev.Seq = seq
			return ev
		})
	}
	seq, err := add()
	if errors.Is(err, stream.ErrTooLarge) {
		ev = reduced(ev)
		seq, _ = add()
	}
	ev.Seq = seq
	return ev
}

// begin marks the execution as running. It must not run when that is refused: who reads
// its events later would be told that it hadn't begun.
func (e *Execution) begin(epoch, count int) error {
	now := e.in.cfg.Now()
	e.mu.Lock()
	e.snap.State, e.snap.Started = wire.StateRunning, now
	e.mu.Unlock()
	delay := soon
	if !e.atOnce {
		delay = 0 // without this event it would be taken for one that still waits
	}
	return e.appendSoon(wire.Event{Time: now, Type: wire.EventState, State: wire.StateRunning, Epoch: epoch, Count: count}, delay)
}

// conclude ends the execution as the driver says, unless an interrupt is under
// way: then the loop has to say what happened. It is called by the goroutine
// that reads the driver's messages, once the output is detached.
func (e *Execution) conclude(status wire.Status) {
	e.mu.Lock()
	e.over = !e.stopped
	over := e.over
	e.mu.Unlock()
	if over {
		e.finish(status)
	}
}

func (e *Execution) isOver() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.over
}

// finish appends the last event. Nothing may be appended afterwards.
func (e *Execution) finish(status wire.Status) {
	now := e.in.cfg.Now()
	e.mu.Lock()
	snap := e.snap
	e.mu.Unlock()
	snap.State, snap.Status, snap.Ended = wire.StateDone, status, now
	e.tell(snap)
	// A history of large programs would weigh more than their events do.
	e.req.Code, e.req.Env = "", nil
	var then []*func()
	e.log.Finish(func(seq uint64) wire.Event {
		ev := doneEvent(snap)
		ev.Seq = seq
		return ev
	}, summaryOf(snap), func() { // nobody says done before it is on disk, nor after it was seen
		e.mu.Lock()
		defer e.mu.Unlock()
		e.snap = snap
		then, e.then = e.then, nil
	})
	close(e.done)
	for _, f := range then {
		(*f)()
	}
}

// doneEvent is an execution's last.
func doneEvent(s Snapshot) wire.Event {
	ev := wire.Event{Time: s.Ended, Type: wire.EventState, State: wire.StateDone, Status: s.Status}
	ev.Duration = float64(s.Took().Microseconds()) / 1000
	return ev
}

// ask notes that the code waits for input.
func (e *Execution) ask() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = true
	e.inputs++
}

func (e *Execution) wasAsked() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inputs > 0
}

// hold says that an interrupt is under way: from now on the driver's error is
// kept back, so that the loop can say in one event what happened. It is too late
// for that when the driver's done has ended the execution.
func (e *Execution) hold() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = !e.over
	return e.stopped
}

// driverError takes an error event of the driver's.
func (e *Execution) driverError(ev wire.Event) {
	e.mu.Lock()
	if e.stopped {
		e.held = &ev
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	e.fail(ev)
}

// heldError returns what driverError kept back.
func (e *Execution) heldError() *wire.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held
}
