package native

import (
	"context"
	"net/http"
	"time"

	"hotcell/handlers/fault"
	"hotcell/interpreter"
)

const (
	// freshTime is how long the events of a new attachment, and the answer that goes
	// before them, may wait for the execution's end. A short one is over by then, and
	// all of it is sent in one piece by whoever ended it: a client that is woken once
	// and a server that starts nothing leave the processors to the kernel.
	freshTime = time.Millisecond
	// atOnce is the largest message that is sent in that way. An idle connection
	// takes it without waiting for the client.
	atOnce = 4 << 10
)

// attachment is an execution that a socket follows. It is fresh until its execution
// ends, or for a moment; then it gets a pump, a goroutine of its own.
type attachment struct {
	x      *interpreter.Execution
	from   uint64
	inline int           // bytes of data that an event may carry
	ended  chan struct{} // closed when nothing more will be sent for it

	// Guarded by session.mu.
	stop   func() bool     // while fresh: see [interpreter.Execution.OnEnd]
	ctx    context.Context // the pump's
	cancel context.CancelFunc
}

// attach follows x from an event on. The answer to the request must have been
// queued by then.
func (s *session) attach(x *interpreter.Execution, from uint64, inline int) {
	a := &attachment{x: x, from: from, inline: inline, ended: make(chan struct{})}
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		s.nudge()
		return // the close that follows says why
	}
	s.attached[x.ID()] = a
	s.open++
	if a.stop = x.OnEnd(func() { s.conclude(a) }); a.stop == nil {
		s.withPump(a)
		s.mu.Unlock()
		s.startPump(a)
		return
	}
	s.fresh[a] = true
	if !s.armed { // whatever else is fresh may just be ending
		s.armed = true
		s.soon.Reset(freshTime)
	}
	s.mu.Unlock()
}

// withPump says that a is not fresh any more. It is called with mu held; startPump
// has to follow.
func (s *session) withPump(a *attachment) {
	s.leaveFresh(a)
	a.ctx, a.cancel = context.WithCancel(s.ctx)
}

// leaveFresh is called with mu held.
func (s *session) leaveFresh(a *attachment) {
	if delete(s.fresh, a); len(s.fresh) == 0 && s.armed {
		s.armed = !s.soon.Stop() // too late: then runOut is about to say so
	}
}

func (s *session) startPump(a *attachment) {
	s.spawn(nil, func() {
		defer s.detached(a)
		defer close(a.ended)
		defer a.cancel()
		s.pump(a)
	})
}

// runOut is called when something has been fresh for long enough.
func (s *session) runOut() {
	s.mu.Lock()
	s.armed, s.due = false, true
	s.mu.Unlock()
	s.nudge()
}

// settle gives pumps to what has been fresh for long enough.
func (s *session) settle() {
	s.mu.Lock()
	if !s.due && !s.over {
		s.mu.Unlock()
		return
	}
	s.due = false
	var late []*attachment
	for a := range s.fresh {
		if a.stop() {
			late = append(late, a)
			s.withPump(a)
		}
	}
	s.mu.Unlock()
	for _, a := range late {
		s.startPump(a)
	}
}

// release ends an attachment early.
func (s *session) release(a *attachment) {
	s.mu.Lock()
	fresh := s.fresh[a] && a.stop()
	if fresh {
		s.withPump(a)
	}
	cancel := a.cancel
	s.mu.Unlock()
	if fresh {
		s.startPump(a)
	}
	if cancel != nil { // else its end is being sent
		cancel()
	}
}

// conclude is called with the end of a fresh attachment's execution, by whoever
// appended its last event and has more to do than to wait for a client.
func (s *session) conclude(a *attachment) {
	if !s.enter() {
		return
	}
	defer s.wg.Done()
	if s.sendWhole(a) {
		close(a.ended)
		s.detached(a)
		return
	}
	s.mu.Lock()
	s.withPump(a)
	s.mu.Unlock()
	s.startPump(a)
}

// sendWhole sends all events of an execution that is over, and reports whether that
// could be done without waiting for anybody.
func (s *session) sendWhole(a *attachment) (sent bool) {
	select {
	case s.turn <- struct{}{}:
	default:
		return false
	}
	defer s.recovered(nil)
	defer func() { <-s.turn }()
	if !s.conn.Idle() {
		return false
	}
	events := a.x.Events(a.from)
	defer events.Close()
	all := events.Rest(atOnce)
	if len(all) == 0 {
		return false
	}
	buf, n, err := appendChunk(nil, a.x.ID(), all, a.inline)
	if err != nil || n < len(all) || len(buf)+s.takeReplies() > atOnce {
		return false
	}
	s.forget(a) // before the client can know, so that it can attach again
	s.send(buf)
	return true
}

// mayAttach says why id cannot be followed here, if it cannot.
func (s *session) mayAttach(id string) *fault.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return refuse(http.StatusServiceUnavailable, codeClosing, "the server is shutting down")
	case len(s.attached) >= maxAttached:
		return refuse(http.StatusTooManyRequests, codeTooMany, "this socket follows %d executions already; detach some, or open another", maxAttached)
	case id != "" && s.attached[id] != nil:
		return refuse(http.StatusConflict, codeAttached, "this socket follows execution %s already", id)
	}
	return nil
}

// forget lets an execution be attached again.
func (s *session) forget(a *attachment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached[a.x.ID()] == a {
		delete(s.attached, a.x.ID())
	}
}

func (s *session) detached(a *attachment) {
	s.forget(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveFresh(a)
	if s.open--; s.open == 0 && s.draining {
		close(s.drained)
	}
}

// attachedTo is the attachment to an execution, if there is one.
func (s *session) attachedTo(id string) *attachment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attached[id]
}
