// Package interpreter is one live context: a kernel, the executions that wait
// for it in order, their time limits and interrupts, and the account of what
// happened when the kernel died.
//
// Ownership and goroutines: each [Interpreter] has one loop, which alone
// starts, uses and buries kernels, and which [Interpreter.Close] joins. A
// request never owns a process.
package interpreter

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/stream"
)

const (
	// defaultQueue is twice what the reference service takes, so that whoever
	// fitted there fits here.
	defaultQueue = 256
	// startLimit bounds the start of a kernel. Imports on a cold, busy disk
	// have been seen to take 20 s.
	startLimit = 60 * time.Second
	// askLimit bounds complete, inspect and is_complete, which may run code of
	// the user's (__getattr__, __repr__). People wait less than this.
	askLimit = 10 * time.Second
)

// Config is what a context is made of.
type Config struct {
	ID       string // empty: a new UUID
	Language string
	Cwd      string
	Env      map[string]string
	// CheckDir reports why Cwd can't be a kernel's directory. Nil looks at this
	// machine's files.
	CheckDir func(path string) error
	// Spawn starts a kernel, or takes a parked one. It is called whenever
	// there is none.
	Spawn func(ctx context.Context) (*runtimes.Kernel, error)
	// Translate is the runtime's.
	Translate func(language, code string) (string, *runtimes.UserError)
	// Complete adds to what a kernel shows what can be told from it, such as the
	// data of a chart; nil adds nothing. It is done once, for all who read.
	Complete func(wire.Bundle) wire.Bundle
	Queue    int            // executions that may wait; 0 is 256
	Store    stream.Store   // of executions' events; nil: a file that goes with the context
	Group    string         // whose they are, for the store
	Events   stream.Options // bounds of one execution's log
	// Lost is the notice that the first execution begins with, when there was such a
	// context before. Nil: there is none.
	Lost *wire.Event
	// Names is told when the user's names have become others; nil: nobody wants that.
	Names   func(names []string, more int)
	Observe Observe // who wants to know what happens
	Now     func() time.Time
	Log     *slog.Logger
}

// Interpreter is one live context.
type Interpreter struct {
	cfg    Config
	ctx    context.Context // cancelled by Close, with the reason
	cancel context.CancelCauseFunc
	wake   chan struct{} // the queue has grown
	resets chan chan error
	ended  chan struct{} // closed when the loop is over
	parked bool          // the first kernel was; written by Open

	mu      sync.Mutex
	queue   []job
	running *Execution
	live    *kernel
	epoch   int
	count   int
	used    time.Time // when the last execution ended, or the context began
	version string
	closed  bool
	drained bool        // nothing is taken any more, since the server is about to end
	lost    *wire.Event // the notice that the next execution begins with
	history history
}

// job is a place in the queue: an execution, or a question to the driver.
type job struct {
	exec *Execution
	ask  *question
}

// question is a request whose answer goes to one caller.
type question struct {
	req    wire.Request
	answer chan answer // of capacity 1
}

type answer struct {
	msg wire.Message
	err error
}

// Status is where a context stands.
type Status struct {
	ID       string `json:"id"`
	Language string `json:"language"`
	Version  string `json:"version"` // of the language
	Cwd      string `json:"cwd"`
	State    string `json:"state"` // idle, busy, dead (the next execution starts a new kernel), closed
	Epoch    int    `json:"epoch"` // grows when the kernel is replaced
	Pid      int    `json:"pid"`   // of the kernel; 0 when there is none
	Queued   int    `json:"queued"`
	Runs     int    `json:"runs"` // executions so far
}

// Open gives a context its first kernel and returns when it takes code. A parked one
// may still be told of the directory and the environment, which were looked at here.
func Open(ctx context.Context, cfg Config) (*Interpreter, error) {
	if cfg.ID == "" {
		cfg.ID = uuid.NewString()
	}
	if cfg.Queue <= 0 {
		cfg.Queue = defaultQueue
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Store == nil {
		cfg.Store = stream.NewJournal("", stream.JournalOptions{}) // its file goes with the last reader
	}
	if cfg.Events.Soon == nil {
		cfg.Events.Soon = stream.NewLaggards()
	}
	if cfg.Names == nil {
		cfg.Names = func([]string, int) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Translate == nil {
		cfg.Translate = func(_, code string) (string, *runtimes.UserError) { return code, nil }
	}
	if cfg.Cwd == "" {
		cfg.Cwd, _ = os.Getwd()
	}
	if err := CheckEnv(cfg.Env); err != nil {
		return nil, err
	}
	if cfg.CheckDir == nil {
		cfg.CheckDir = lookAt
	}
	if err := checkCwd(cfg.Cwd, cfg.CheckDir); err != nil {
		return nil, err
	}
	in := &Interpreter{
		cfg:    cfg,
		wake:   make(chan struct{}, 1),
		resets: make(chan chan error),
		ended:  make(chan struct{}),
	}
	in.used = cfg.Now()
	in.lost = cfg.Lost
	in.ctx, in.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := in.start(ctx, true, startFirst); err != nil {
		in.cancel(err)
		return nil, err
	}
	in.parked = in.live.Parked
	// Ends when Close cancels in.ctx; Close waits for it.
	go in.loop() //nolint:contextcheck // it outlives the request
	return in, nil
}

// ID is unique among all contexts.
func (in *Interpreter) ID() string { return in.cfg.ID }

// Language is the proper name of its language.
func (in *Interpreter) Language() string { return in.cfg.Language }

// Cwd is the directory that its kernels start in.
func (in *Interpreter) Cwd() string { return in.cfg.Cwd }

// Execute puts a run into the queue. When it returns, the execution is known whatever
// happens to the server.
func (in *Interpreter) Execute(req Request) (*Execution, error) {
	if err := CheckEnv(req.Env); err != nil {
		return nil, err
	}
	if req.ID == "" {
		req.ID = uuid.NewString()
	}
	atOnce, err := in.mayQueue()
	if err != nil {
		return nil, err
	}
	e, err := newExecution(in, req, atOnce)
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	err = in.enqueueLocked(job{exec: e})
	if err == nil {
		in.history.add(e)
	}
	in.mu.Unlock()
	if err != nil {
		e.log.Discard() // nobody has heard of it
		return nil, err
	}
	// The loop first: what our caller does next, it can do while the kernel runs the code.
	runtime.Gosched()
	return e, nil
}

// mayQueue looks for a reason to refuse before anything is written, and says whether
// there is nothing to wait for.
func (in *Interpreter) mayQueue() (atOnce bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.queue) == 0 && in.running == nil, in.refusal()
}

// refusal says why nothing more can be queued, if nothing can. It is called with mu held.
func (in *Interpreter) refusal() error {
	switch {
	case in.closed:
		return ErrClosed
	case in.drained:
		return ErrShutdown
	case len(in.queue) >= in.cfg.Queue:
		return fmt.Errorf("%w: %d wait already; wait for some to end, or use another context", ErrQueueFull, in.cfg.Queue)
	}
	return nil
}

// enqueueLocked is called with mu held.
func (in *Interpreter) enqueueLocked(j job) error {
	if err := in.refusal(); err != nil {
		return err
	}
	in.queue = append(in.queue, j)
	select {
	case in.wake <- struct{}{}:
	default:
	}
	return nil
}

// Complete asks for completions at cursor, in code points.
func (in *Interpreter) Complete(ctx context.Context, code string, cursor int) (wire.Message, error) {
	return in.ask(ctx, wire.Request{Type: wire.ReqComplete, Code: code, Cursor: cursor})
}

// Inspect asks what stands at cursor; detail 1 asks for more, such as source.
func (in *Interpreter) Inspect(ctx context.Context, code string, cursor, detail int) (wire.Message, error) {
	return in.ask(ctx, wire.Request{Type: wire.ReqInspect, Code: code, Cursor: cursor, Detail: detail})
}

// IsComplete asks whether code is a whole cell or waits for another line.
func (in *Interpreter) IsComplete(ctx context.Context, code string) (wire.Message, error) {
	code, fault := in.cfg.Translate(in.cfg.Language, code)
	if fault != nil {
		status := "invalid"
		if fault.Incomplete {
			status = "incomplete"
		}
		return wire.Message{Type: wire.MsgIsCompleteReply, Status: status}, nil
	}
	return in.ask(ctx, wire.Request{Type: wire.ReqIsComplete, Code: code})
}

func (in *Interpreter) ask(ctx context.Context, req wire.Request) (wire.Message, error) {
	req.ID = uuid.NewString()
	q := &question{req: req, answer: make(chan answer, 1)}
	in.mu.Lock()
	err := in.enqueueLocked(job{ask: q})
	in.mu.Unlock()
	if err != nil {
		return wire.Message{}, err
	}
	select {
	case a := <-q.answer:
		return a.msg, a.err
	case <-ctx.Done():
		return wire.Message{}, fmt.Errorf("wait for the kernel's answer: %w", context.Cause(ctx))
	}
}

// Interrupt ends the running execution; see [Execution.Interrupt].
func (in *Interpreter) Interrupt(reason string, grace time.Duration) error {
	in.mu.Lock()
	e := in.running
	in.mu.Unlock()
	if e == nil {
		return ErrNotRunning
	}
	return e.Interrupt(reason, grace)
}

// Restart replaces the kernel by a fresh one. What runs or waits is ended.
func (in *Interpreter) Restart(ctx context.Context) error {
	in.cancelQueued("ContextRestartedError", "context_restarted", "the context was restarted")
	result := make(chan error, 1)
	select {
	case in.resets <- result:
	case <-in.ended:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("restart context: %w", context.Cause(ctx))
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("restart context: %w", context.Cause(ctx))
	}
}

// Close ends the context: what runs and waits gets the reason at once, and the
// kernel's group is gone when Close returns. reason is one of the error names
// that [ClosedError] knows. What its executions have put out stays in the store.
func (in *Interpreter) Close(reason ClosedError) {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	in.cancel(reason)
	in.cancelQueued(reason.Name, reason.Reason, reason.Text)
	<-in.ended
}

// Refuse refuses executions from now on.
func (in *Interpreter) Refuse() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.drained = true
}

// Drain refuses executions from now on, ends those that wait, and returns when the one
// that runs has ended, or ctx.
func (in *Interpreter) Drain(ctx context.Context) {
	reason := Shutdown()
	in.mu.Lock()
	in.drained = true
	e := in.running
	in.mu.Unlock()
	in.cancelQueued(reason.Name, reason.Reason, reason.Text)
	if e == nil {
		return
	}
	select {
	case <-e.done:
	case <-ctx.Done():
	}
}

// ClosedError says why a context is closed. It is an error so that it can be
// the cause of a cancelled context.
type ClosedError struct {
	Name   string // of the error event: ContextDeletedError
	Reason string // of its cause: context_deleted
	Text   string // for the user
}

func (r ClosedError) Error() string { return r.Text }

// Deleted is why a context that a client deleted is closed.
func Deleted() ClosedError {
	return ClosedError{"ContextDeletedError", "context_deleted", "the context was deleted"}
}

// Expired is why a context that nobody used is closed.
func Expired(after time.Duration) ClosedError {
	return ClosedError{"ContextExpiredError", "context_expired", fmt.Sprintf("the context was not used for %s", after)}
}

// Outlived is why a context whose lifetime is over is closed.
func Outlived(after time.Duration) ClosedError {
	return ClosedError{"ContextExpiredError", "context_expired", fmt.Sprintf("the context's lifetime of %s was over", after)}
}

// Shutdown is why all contexts are closed when the service stops.
func Shutdown() ClosedError {
	return ClosedError{"ServerShutdownError", "shutdown", "the server is shutting down"}
}

// cancelQueued ends everything that waits, at once and with a reason.
func (in *Interpreter) cancelQueued(name, reason, text string) {
	in.mu.Lock()
	jobs := in.queue
	in.queue = nil
	in.mu.Unlock()
	for _, j := range jobs {
		in.refuse(j, name, reason, text+" before this ran")
	}
}

// file remembers an execution that has ended.
func (in *Interpreter) file(e *Execution) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.history.finish(e)
}

// refuse ends a job that left the queue without its turn.
func (in *Interpreter) refuse(j job, name, reason, text string) {
	if j.ask != nil {
		j.ask.answer <- answer{err: fmt.Errorf("%w: %s", ErrClosed, text)}
		return
	}
	j.exec.fail(wire.Event{Name: name, Value: text, Cause: &wire.Cause{Reason: reason}})
	j.exec.finish(wire.StatusCancelled)
	in.file(j.exec)
}

// withdraw takes an execution out of the queue, if that is where it is.
func (in *Interpreter) withdraw(e *Execution, reason string) bool {
	in.mu.Lock()
	i := slices.IndexFunc(in.queue, func(j job) bool { return j.exec == e })
	if i >= 0 {
		in.queue = slices.Delete(in.queue, i, i+1)
	}
	in.mu.Unlock()
	if i < 0 {
		return false
	}
	in.refuse(job{exec: e}, "InterruptedError", "interrupt", reason)
	return true
}

// reply passes an answer on to the driver, if e is what runs.
func (in *Interpreter) reply(e *Execution, r wire.Request, accepted func()) error {
	in.mu.Lock()
	k, ok := in.live, in.running == e
	in.mu.Unlock()
	if !ok || k == nil {
		return ErrNotRunning
	}
	if accepted != nil {
		accepted()
	}
	k.send(r)
	return nil
}

// Execution finds an execution of this context.
func (in *Interpreter) Execution(id string) (*Execution, error) {
	if e := in.Held(id); e != nil {
		return e, nil
	}
	s, err := FindStored(in.cfg.Store, id)
	if err != nil {
		return nil, err
	}
	e := in.restored(s)
	if s.Parent != in.cfg.ID || e == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownExecution, id)
	}
	return e, nil
}

// restored makes an execution of what the store has of one that isn't held. Nil: it is
// only being created, which a slow disk may let take a while, and may be refused yet.
func (in *Interpreter) restored(s stream.Stored) *Execution {
	if s.Ended.IsZero() {
		return in.Held(s.ID) // by now, perhaps
	}
	return Restore(s)
}

// Held returns an execution that waits or runs, or has ended lately; nil if it is not
// one of those.
func (in *Interpreter) Held(id string) *Execution {
	in.mu.Lock()
	e := in.history.byID[id]
	in.mu.Unlock()
	if e == nil || e.log.Gone() {
		return nil
	}
	return e
}

// Executions lists those that are kept, oldest first.
func (in *Interpreter) Executions() []*Execution {
	all := in.cfg.Store.List(KindExecution, in.cfg.ID)
	out := make([]*Execution, 0, len(all))
	for _, s := range all {
		e := in.Held(s.ID)
		if e == nil {
			e = in.restored(s)
		}
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

// LastUsed is when the last execution ended; zero while one runs or waits.
func (in *Interpreter) LastUsed() time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.running != nil || len(in.queue) > 0 {
		return time.Time{}
	}
	return in.used
}

// Status says where the context stands.
func (in *Interpreter) Status() Status {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := Status{
		ID: in.cfg.ID, Language: in.cfg.Language, Version: in.version, Cwd: in.cfg.Cwd,
		State: "idle", Epoch: in.epoch, Queued: len(in.queue), Runs: in.count,
	}
	switch {
	case in.closed:
		s.State = "closed"
	case in.running != nil && in.running.Snapshot().State != wire.StateDone: // whoever saw its end is not told that it runs
		s.State = "busy"
	case in.live == nil:
		s.State = "dead"
	}
	if in.live != nil {
		s.Pid = in.live.Process.Pid()
	}
	return s
}
