package native

import (
	"cmp"
	"net/http"

	"hotcell/contexts"
	"hotcell/handlers/fault"
)

// take handles one message. What takes time goes to a goroutine of its own, so
// that an interrupt is never held up by what it interrupts; executions are
// queued here and now, in the order in which they were sent.
func (s *session) take(msg []byte) error {
	if len(msg) > maxMessage {
		s.fail(&request{ID: findID(msg)}, refuse(http.StatusRequestEntityTooLarge, codeTooLarge,
			"the message has %d bytes; the limit is %d", len(msg), maxMessage))
		return nil
	}
	r, f := decodeRequest(msg)
	r.origin = s.origin
	if f != nil {
		s.fail(&r, f)
		return nil
	}
	r.by = s.by
	err := s.permit(&r)
	if err == nil {
		err = s.dispatch(&r)
	}
	if err != nil {
		s.fail(&r, err)
	}
	return nil
}

// permit says whether the client's key allows a request, within its rate.
func (s *session) permit(r *request) error {
	if err := s.by.Key().Allow(); err != nil {
		return err
	}
	scope, known := s.d.cfg.Needs(r.Type)
	switch {
	case r.Type == "":
		return invalid("member \"type\" is missing")
	case !known:
		return refuse(http.StatusBadRequest, codeUnknown, "unknown type %q", r.Type)
	}
	return s.by.Need(scope)
}

// done is the result of a request that has nothing to say but that it worked.
type done struct{}

func (s *session) dispatch(r *request) error {
	switch r.Type {
	case "ping":
		s.reply(r, done{})
		return nil
	case "status":
		s.reply(r, s.d.showStatus(s.by))
		return nil
	case "list":
		return s.list(r)
	case "execute":
		return s.execute(r)
	case "attach":
		return s.follow(r)
	case "interrupt":
		if f := r.needEither("execution", "context"); f != nil {
			return f
		}
		if err := s.interrupt(r); err != nil {
			return err
		}
		s.reply(r, done{})
		return nil
	case "input_reply":
		if f := r.need("execution"); f != nil {
			return f
		}
		// Queued before the code goes on, so that no event of what it does then is ahead of it.
		return s.d.answer(r, func() { s.reply(r, done{}) })
	case "detach":
		return s.detach(r)
	case "create_context":
		return s.aside(r, func() (any, error) { return s.d.create(s.ctx, r) })
	case "delete_context", "restart":
		if f := r.need("context"); f != nil {
			return f
		}
		if r.Type == "restart" {
			return s.aside(r, func() (any, error) { return s.d.restart(s.ctx, r) })
		}
		return s.aside(r, func() (any, error) { return done{}, s.d.remove(s.ctx, r) })
	case askComplete, askInspect, askIsComplete:
		return s.aside(r, func() (any, error) { return s.d.ask(s.ctx, r.Type, r) })
	default:
		return refuse(http.StatusBadRequest, codeUnknown, "unknown type %q", r.Type)
	}
}

// aside runs what takes time on a goroutine of its own.
func (s *session) aside(r *request, f func() (any, error)) error {
	if fa := s.begin(); fa != nil {
		return fa
	}
	s.spawn(r, func() {
		defer s.finish()
		result, err := f()
		if err != nil {
			s.fail(r, err)
			return
		}
		s.reply(r, result)
	})
	return nil
}

// begin counts a request that takes time in.
func (s *session) begin() *fault.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending >= maxPending {
		return refuse(http.StatusTooManyRequests, codeTooMany, "%d requests of this socket are under way already; wait for some of their answers", maxPending)
	}
	s.pending++
	return nil
}

// finish counts it out.
func (s *session) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending--
}

func (s *session) list(r *request) error {
	if r.Context == "" {
		all, err := s.d.contextList(s.by, r.Sandbox)
		if err != nil {
			return err
		}
		s.reply(r, all)
		return nil
	}
	all, err := s.d.executionList(r)
	if err != nil {
		return err
	}
	s.reply(r, all)
	return nil
}

// execute queues a run. With a context's id that is done at once. A default
// context may have to be made first; then the runs for it wait, in order, in
// a lane of their own.
func (s *session) execute(r *request) error {
	if f := r.need("code"); f != nil {
		return f
	}
	if !r.usesDefault() {
		e, err := s.d.enter(r)
		if err != nil {
			return err
		}
		return s.start(e, r)
	}
	if f := s.begin(); f != nil {
		return f
	}
	lane := cmp.Or(r.Sandbox, DefaultSandbox) + "\x00" + r.Language
	s.mu.Lock()
	queue, busy := s.lanes[lane]
	s.lanes[lane] = append(queue, r)
	s.mu.Unlock()
	if !busy {
		s.spawn(r, func() { s.runLane(lane) })
	}
	return nil
}

// runLane starts what waits for one default context, until nothing does.
func (s *session) runLane(lane string) {
	for {
		s.mu.Lock()
		queue := s.lanes[lane]
		if len(queue) == 0 {
			delete(s.lanes, lane)
			s.mu.Unlock()
			return
		}
		r := queue[0]
		s.lanes[lane] = queue[1:]
		s.mu.Unlock()
		e, err := s.d.find(s.ctx, r)
		if err == nil {
			err = s.start(e, r)
		}
		if err != nil {
			s.fail(r, err)
		}
		s.finish()
	}
}

// start queues a run in e and follows it, unless the client doesn't want to.
func (s *session) start(e *contexts.Entry, r *request) error {
	events := r.Events == nil || *r.Events
	if events {
		if f := s.mayAttach(r.Execution); f != nil {
			return f
		}
	}
	x, err := s.d.enqueue(e, r)
	if err != nil {
		return err
	}
	if !events {
		s.reply(r, showExecution(x))
		return nil
	}
	s.replyWithEvents(r, showExecution(x))
	s.attach(x, r.From, r.inline())
	return nil
}

// follow attaches to an execution that is there already.
func (s *session) follow(r *request) error {
	if f := r.need("execution"); f != nil {
		return f
	}
	x, err := s.d.execution(s.by, r.Execution)
	if err != nil {
		return err
	}
	if f := s.mayAttach(r.Execution); f != nil {
		return f
	}
	s.replyWithEvents(r, showExecution(x))
	s.attach(x, r.From, r.inline())
	return nil
}

// detach ends an attachment. Its answer comes after the last of the events.
func (s *session) detach(r *request) error {
	if f := r.need("execution"); f != nil {
		return f
	}
	a := s.attachedTo(r.Execution)
	if a == nil {
		return refuse(http.StatusNotFound, codeDetached, "this socket does not follow execution %s", r.Execution)
	}
	if f := s.begin(); f != nil {
		return f
	}
	s.release(a)
	s.spawn(r, func() {
		defer s.finish()
		select {
		case <-a.ended:
		case <-s.ctx.Done():
			return
		}
		// In turn, behind the events that are on their way.
		s.write(s.ctx.Done(), s.encode(answer{Type: "reply", ID: r.ID, Result: done{}}))
	})
	return nil
}

// interrupt finds what this socket follows without searching every context.
func (s *session) interrupt(r *request) error {
	if a := s.attachedTo(r.Execution); r.Execution != "" && a != nil {
		return a.x.Interrupt(interruptText, r.grace())
	}
	return s.d.interrupt(r)
}
