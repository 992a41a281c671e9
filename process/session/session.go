// Package session keeps stateful shells: a session is one shell that runs the
// commands sent to it one after the other, so that what one of them changes (the
// directory, variables, functions, aliases, options) the next one finds. Each
// command has streams and a log of its own.
//
// Ownership: a [Set] owns its sessions. A session owns its shell, which is a
// process group of its own, a directory in which shell and server meet, and its
// commands with their logs; all of that is gone when the session was deleted.
//
// Goroutines: one for a session, three for its shell's answers and words, two for the
// pipes of each command as long as a process holds them, and one while input waits
// to be read. They end with the session.
package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hotcell/internal/activity"
	"hotcell/process"
	"hotcell/stream"
)

// Session is one shell and the commands that are sent to it, which run one
// after the other.
//
// Goroutines: live, from newSession until the session has ended; and those of
// its commands' pipes, which live joins.
type Session struct {
	id     string
	place  process.Place
	host   process.Host
	limits Limits
	did    func(activity.Record) // may be nil
	store  stream.Store
	card   Card
	past   bool // it ended with a server before this one

	ctx     context.Context // ends with the reason to end the session
	cancel  context.CancelCauseFunc
	started chan struct{} // closed when fault is known
	fault   error         // why the shell could not be started
	done    chan struct{} // closed when nothing of it is left
	wake    chan struct{} // something waits in the queue
	wg      sync.WaitGroup
	last    int // the status that was reported last; live's alone

	mu      sync.Mutex
	queue   []*Command
	waiting int // bytes of it
	running *Command
	history history
	held    map[*Command]struct{} // somebody holds their output
	ended   error                 // why nothing more is run
	drained bool                  // nothing more is taken, since the server is about to end
}

func newSession(card Card, place process.Place, cfg Config) *Session {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &Session{
		id: card.ID, place: place, host: cfg.Host, limits: cfg.Limits, did: cfg.Did, store: cfg.Store, card: card,
		ctx: ctx, cancel: cancel,
		started: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1),
		held: make(map[*Command]struct{}),
	}
	// Ends when the shell does, or the session is told to.
	go s.live()
	return s
}

// ID is what the client called it.
func (s *Session) ID() string { return s.id }

// Commands lists those that are kept, in the order in which they came.
func (s *Session) Commands() []*Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history.all()
}

// Command finds one.
func (s *Session) Command(id string) (*Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history.find(id)
}

// Execute queues a command.
func (s *Session) Execute(req Request) (*Command, error) {
	switch {
	case strings.TrimSpace(req.Text) == "":
		return nil, fmt.Errorf("%w: command is required", ErrInvalid)
	case strings.ContainsRune(req.Text, 0):
		return nil, fmt.Errorf("%w: the command contains a NUL, which no shell can read", ErrInvalid)
	case len(req.Text) > s.limits.Command:
		return nil, fmt.Errorf("%w: it has %d bytes, %d are allowed: put it in a file", ErrTooLarge, len(req.Text), s.limits.Command)
	}
	if err := s.mayQueue(req); err != nil { // before anything is written
		return nil, err
	}
	c, err := newCommand(req, s)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refusal(req); err != nil {
		c.log.Discard() // nobody has heard of it
		return nil, err
	}
	s.history.add(c)
	s.queue = append(s.queue, c)
	s.waiting += len(req.Text)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return c, nil
}

func (s *Session) mayQueue(req Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal(req)
}

// refusal says why a command cannot be queued, if it can't. It is called with mu held.
func (s *Session) refusal(req Request) error {
	switch {
	case s.ended != nil:
		return s.ended
	case s.drained:
		return process.ErrClosed
	case len(s.queue) >= s.limits.Queue:
		return fmt.Errorf("%w: %d commands wait already", ErrQueueFull, len(s.queue))
	case len(s.queue) > 0 && s.waiting+len(req.Text) > s.limits.QueueBytes:
		return fmt.Errorf("%w: the commands that wait have %d bytes already", ErrQueueFull, s.waiting)
	case len(s.held) > s.limits.Leftovers:
		return fmt.Errorf("%w (%d): end them, or delete the session", ErrLeftovers, len(s.held))
	}
	return nil
}

// drain refuses commands from now on, ends those that wait, and returns when the one that
// runs has ended, or ctx.
func (s *Session) drain(ctx context.Context) {
	s.mu.Lock()
	s.drained = true
	queue, running := s.queue, s.running
	s.queue, s.waiting = nil, 0
	s.mu.Unlock()
	for _, c := range queue {
		s.finish(c, neverRan(process.ErrClosed))
	}
	if running == nil {
		return
	}
	select {
	case <-running.done:
	case <-ctx.Done():
	}
}

// busy reports whether a command runs or waits.
func (s *Session) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running != nil || len(s.queue) > 0
}

// live is the session from its start to its end.
func (s *Session) live() {
	defer close(s.done)
	sh, err := startShell(s.ctx, s.host, s.place)
	if err != nil && s.ctx.Err() != nil {
		err = s.reason()
	}
	s.fault = err
	close(s.started)
	if err != nil {
		s.refuse(err)
		return
	}
	s.refuse(s.serve(sh))
	sh.exit()
	sh.close()
	for _, c := range s.leftovers() {
		c.out.close()
	}
	s.wg.Wait()
}

// leftovers are commands of which processes may be left; no more come.
func (s *Session) leftovers() []*Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.held))
}

// refuse fails what waits, and what comes later.
func (s *Session) refuse(why error) {
	s.mu.Lock()
	if s.ended == nil {
		s.ended = why
	}
	queue := s.queue
	s.queue, s.waiting = nil, 0
	s.mu.Unlock()
	for _, c := range queue {
		s.finish(c, neverRan(why))
	}
}

// neverRan is the end of a command that didn't begin.
func neverRan(why error) end {
	return end{code: -1, err: why, notice: "hotcell: this command never ran: " + why.Error() + "\n"}
}

// serve runs commands until the session ends, and says why it did.
func (s *Session) serve(sh *shell) error {
	for {
		c, err := s.next(sh)
		if err == nil {
			err = s.run(sh, c)
		}
		if err != nil {
			return err
		}
	}
}

// next waits for a command.
func (s *Session) next(sh *shell) (*Command, error) {
	for {
		if s.ctx.Err() != nil {
			return nil, s.reason()
		}
		select {
		case <-sh.proc.Done():
			return nil, s.over("its shell ended while no command ran: %s", sh.proc.Exit())
		default:
		}
		if c := s.take(); c != nil {
			return c, nil
		}
		select {
		case <-s.wake:
		case <-s.ctx.Done():
		case <-sh.proc.Done():
		}
	}
}

func (s *Session) take() *Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil
	}
	c := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	s.waiting -= len(c.text)
	s.running = c
	return c
}

// run runs a command to its end. The error is why there can be no next one.
func (s *Session) run(sh *shell, c *Command) error {
	st, err := sh.prepare(c.text, c.in != nil)
	if err != nil {
		s.setRunning(nil)
		s.finish(c, neverRan(fmt.Errorf("prepare a command: %w", err)))
		return nil
	}
	c.began = time.Now()
	s.follow(c, c.begin(st.stdin.w, st.stdout.r, st.stderr.r))
	e, err := s.await(sh, c)
	st.hangUp()
	if err != nil {
		s.refuse(err) // before anybody learns of the end and sends the next one
	}
	s.setRunning(nil)
	s.finish(c, e)
	held := c.out.release()
	if !held {
		s.letGo(c)
	}
	st.strike(held)
	return err
}

func (s *Session) setRunning(c *Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = c
}

// follow reads a command's pipes for as long as somebody holds them.
func (s *Session) follow(c *Command, pipes []*pipe) {
	s.mu.Lock()
	s.held[c] = struct{}{}
	s.mu.Unlock()
	for _, p := range pipes {
		// Ends at the pipe's end, or with the session.
		s.wg.Go(func() {
			p.follow()
			if !c.out.release() {
				s.letGo(c)
			}
		})
	}
}

// letGo is for a command whose output nobody holds any more.
func (s *Session) letGo(c *Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, c)
}

// await lets the shell run what was prepared, and waits for whatever ends it.
func (s *Session) await(sh *shell, c *Command) (end, error) {
	if len(sh.status.reports) > 0 {
		return s.broken(sh, c, <-sh.status.reports)
	}
	if err := sh.run(s.last); err != nil {
		return s.broken(sh, c, report{err: err})
	}
	select {
	case r := <-sh.status.reports:
		return s.reported(sh, c, r)
	case <-sh.proc.Done():
		return s.died(sh, c, nil)
	case <-s.ctx.Done():
		why := s.reason()
		s.refuse(why) // nobody in the queue has to wait for this one
		sh.proc.Stop(grace)
		return s.died(sh, c, why)
	}
}

func (s *Session) reported(sh *shell, c *Command, r report) (end, error) {
	if r.err != nil || sh.start.waits() { // it can't speak of a command that it hasn't read
		return s.broken(sh, c, r)
	}
	s.last = r.code
	return end{code: r.code, notice: sh.counted()}, nil
}

// died is for a shell that ended with the command, or just before or behind it;
// why is known if it was made to.
func (s *Session) died(sh *shell, c *Command, why error) (end, error) {
	exit := sh.proc.Exit()
	if sh.start.waits() { // nobody has read that there is a command
		if why == nil {
			why = s.over("its shell ended while no command ran: %s", exit)
		}
		return neverRan(why), why
	}
	e := end{code: exit.Code, err: why}
	if why == nil {
		why = s.over("its shell ended with command %s: %s", c.id, exit)
	}
	if exit.Unknown {
		e.code = -1
	}
	sh.status.collect()
	if len(sh.status.reports) > 0 {
		if r := <-sh.status.reports; r.err == nil {
			return end{code: r.code}, why
		}
	}
	e.stdout, e.stderr = sh.lastWords()
	e.notice = sh.counted()
	return e, why
}

// broken is for a shell that cannot be relied on any more.
func (s *Session) broken(sh *shell, c *Command, r report) (end, error) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: it says %d out of turn", errOutOfStep, r.code)
	}
	err := s.over("%s (command %s)", r.err, c.id)
	sh.proc.Stop(0)
	return end{code: -1, err: err, notice: "hotcell: " + err.Error() + "\n"}, err
}

// finish ends a command, and lets older ones go for it.
func (s *Session) finish(c *Command, e end) {
	c.finish(e, func() { s.tell(c, e) })
	c.out.rest()
	s.mu.Lock()
	gone := s.history.finish(c, s.limits, s.held)
	s.mu.Unlock()
	for _, old := range gone {
		old.log.Discard()
	}
}

// over says why the session has ended.
func (s *Session) over(format string, args ...any) error {
	return &EndedError{Session: s.id, Words: fmt.Sprintf(format, args...)}
}

// reason is why the session was told to end.
func (s *Session) reason() error {
	cause := context.Cause(s.ctx)
	if errors.Is(cause, process.ErrClosed) {
		return cause
	}
	return s.over("%s", cause)
}

// discard gives up the logs of a session that has ended. Who reads one reads on.
func (s *Session) discard() {
	for _, c := range s.Commands() {
		c.log.Discard()
	}
}
