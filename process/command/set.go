package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/activity"
	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/process/output"
	"hotcell/stream"
)

// Errors of a set.
var (
	ErrTooMany    = errors.New("too many commands run at once")
	ErrNotFound   = errors.New("command not found")
	ErrEvicted    = errors.New("the command has ended and is not kept any more")
	ErrNotRunning = errors.New("the command does not run")
	ErrNoEvents   = errors.New("the command has no events")
	ErrNoRoom     = errors.New("the machine has no room for another process")
)

// EvictedError is an [ErrEvicted] that says whose the command was.
type EvictedError struct{ ID, Sandbox string }

func (e *EvictedError) Error() string { return fmt.Sprintf("%v: %s", ErrEvicted, e.ID) }

// Unwrap makes it an ErrEvicted.
func (e *EvictedError) Unwrap() error { return ErrEvicted }

const (
	// defaultLimit is far above what a machine works off at once, and below what
	// would use up its descriptors and processes.
	defaultLimit = 256
	// held is how many ended commands are at hand; older ones are read from the store
	// when somebody asks for them.
	held = 64
	// settled is what an ended command keeps in memory, for those who come just
	// behind its end.
	settled = 16 << 10
)

// Config says where and how commands run. The zero value works.
type Config struct {
	Host process.Host
	// Limit is how many commands may run at once; 0 is 256.
	Limit int
	// Share is how many of them may be one sandbox's; 0 is all.
	Share int
	// Events bounds the log of one command.
	Events stream.Options
	// Store keeps commands and their events; nil: files that go with the set.
	Store stream.Store
	// Before is how the server before this one ended; nil: there was none.
	Before *lives.End
	// Did is told of commands that have ended; it must be quick. It may be nil.
	Did func(activity.Record)
	Log *slog.Logger
}

// Set is the commands of one server.
type Set struct {
	cfg Config
	wg  sync.WaitGroup // the goroutines of commands

	mu      sync.Mutex
	closed  bool
	running map[*Command]struct{} // those being started too
	byID    map[string]*Command   // running, or ended lately
	ended   []string              // ids of those, in the order of their ends
}

// New makes an empty set.
func New(cfg Config) *Set {
	cfg.Limit = cmp.Or(cfg.Limit, defaultLimit)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Store == nil {
		cfg.Store = stream.NewJournal(cfg.Host.ScratchDir(), stream.JournalOptions{}) // its files go with the last reader
	}
	s := &Set{cfg: cfg, running: make(map[*Command]struct{}), byID: make(map[string]*Command)}
	s.recover()
	return s
}

// Result is a command that has ended, with its output, which the caller closes.
type Result struct {
	Outcome
	Output *output.Kept
}

// Run runs a command to its end. ctx bounds the starting only. That the command
// failed, was killed or ran out of time is no error.
func (s *Set) Run(ctx context.Context, spec Spec) (*Result, error) {
	c := newCommand(spec)
	c.kept = output.New(s.cfg.Host.ScratchDir(), 0)
	if err := s.begin(ctx, c); err != nil {
		return nil, err
	}
	<-c.done
	return &Result{Outcome: *c.outcome, Output: c.kept}, nil
}

// Start starts a command whose output becomes events. ctx bounds the starting
// only.
func (s *Set) Start(ctx context.Context, spec Spec) (*Command, error) {
	c := newCommand(spec)
	if err := c.spec.check(); err != nil { // before anything is written
		return nil, err
	}
	tape, err := c.create(s.cfg.Store)
	if err != nil {
		return nil, err
	}
	c.log = stream.New(codec{}, tape, s.cfg.Events)
	if err := s.begin(ctx, c); err != nil {
		c.log.Discard() // nobody has heard of it
		return nil, err
	}
	return c, nil
}

func newCommand(spec Spec) *Command {
	return &Command{
		id: uuid.NewString(), spec: spec, words: spec.words(), created: time.Now(),
		ends: make(chan error, 1), graces: make(chan time.Duration),
		exited: make(chan struct{}), killed: make(chan struct{}), done: make(chan struct{}),
	}
}

// begin counts a command in and starts it.
func (s *Set) begin(ctx context.Context, c *Command) error {
	if err := c.spec.check(); err != nil {
		return err
	}
	if err := s.enter(c); err != nil {
		return err
	}
	var err error
	if c.spec.Admit != nil {
		err = c.spec.Admit()
	}
	if err == nil {
		err = c.start(ctx, s)
	}
	if err != nil {
		s.mu.Lock()
		delete(s.running, c)
		delete(s.byID, c.id)
		s.mu.Unlock()
		s.tell(c, nil)
		close(c.done)
		s.wg.Done()
		return err
	}
	s.wg.Done() // its own goroutine counts now
	return nil
}

// enter makes a command one of the set's.
func (s *Set) enter(c *Command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return process.ErrClosed
	case len(s.running) >= s.cfg.Limit:
		return fmt.Errorf("%w: this server runs %d commands already; wait for some of them to end", ErrTooMany, len(s.running))
	case s.cfg.Share > 0 && s.runningIn(c.spec.Place.Sandbox) >= s.cfg.Share:
		return fmt.Errorf("%w: this sandbox runs %d commands already, which is its share; wait for some of them to end", ErrTooMany, s.cfg.Share)
	}
	s.running[c], s.byID[c.id] = struct{}{}, c
	s.wg.Add(1)
	return nil
}

// runningIn counts the commands of a sandbox. It is called with mu held.
func (s *Set) runningIn(sandbox string) (n int) {
	for c := range s.running {
		if c.spec.Place.Sandbox == sandbox {
			n++
		}
	}
	return n
}

// finish settles a command that has ended.
func (s *Set) finish(c *Command, o *Outcome) {
	s.tell(c, o)
	seen := func() { // before the event: whoever has read that and asks is told the same
		c.mu.Lock()
		defer c.mu.Unlock()
		c.outcome = o
	}
	if c.log == nil {
		seen()
	} else {
		c.log.Finish(c.event(Event{Type: EventEnd, Outcome: o}), c.summary(o), seen)
		c.log.Settle(settled)
	}
	s.mu.Lock()
	delete(s.running, c)
	if c.log == nil {
		delete(s.byID, c.id)
	} else {
		s.ended = append(s.ended, c.id)
		for len(s.ended) > held {
			delete(s.byID, s.ended[0])
			s.ended = s.ended[1:]
		}
	}
	s.mu.Unlock()
	close(c.done)
}

// Find returns a command by its id, one that runs or is kept.
func (s *Set) Find(id string) (*Command, error) {
	if c := s.at(id); c != nil {
		return c, nil
	}
	stored, err := s.cfg.Store.Find(kindCommand, id)
	switch {
	case errors.Is(err, stream.ErrEvicted):
		return nil, &EvictedError{id, stored.Group}
	case err != nil || stored.Ended.IsZero():
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return restore(stored), nil
}

// at returns a command that is at hand, or nil.
func (s *Set) at(id string) *Command {
	s.mu.Lock()
	c := s.byID[id]
	s.mu.Unlock()
	if c == nil || c.log != nil && c.log.Gone() {
		return nil
	}
	return c
}

// All lists the commands that run or are kept, oldest first.
func (s *Set) All() []*Command {
	s.mu.Lock()
	var out []*Command
	for _, c := range s.byID {
		if c.log == nil {
			out = append(out, c)
		}
	}
	s.mu.Unlock()
	for _, stored := range s.cfg.Store.List(kindCommand, "") {
		c := s.at(stored.ID)
		switch {
		case c != nil:
			out = append(out, c)
		case !stored.Ended.IsZero():
			out = append(out, restore(stored))
		}
	}
	slices.SortStableFunc(out, func(a, b *Command) int { return a.created.Compare(b.created) })
	return out
}

// Running is how many commands run.
func (s *Set) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running)
}

// Delete ends a command that runs, and forgets one that has ended. It returns
// when nothing is left of it.
func (s *Set) Delete(id string) error {
	c, err := s.Find(id)
	if err != nil {
		return err
	}
	c.End(ErrDeleted)
	<-c.done
	s.mu.Lock()
	delete(s.byID, id)
	s.ended = slices.DeleteFunc(s.ended, func(other string) bool { return other == id })
	s.mu.Unlock()
	if c.log != nil {
		c.log.Discard()
	}
	return nil
}

// End ends what runs in a sandbox, and returns when it is gone.
func (s *Set) End(ctx context.Context, sandbox string) error {
	return s.endAll(ctx, ErrSandboxEnded, func(c *Command) bool { return c.spec.Place.Sandbox == sandbox })
}

func (s *Set) endAll(ctx context.Context, cause error, which func(*Command) bool) error {
	s.mu.Lock()
	var all []*Command
	for c := range s.running {
		if which(c) {
			all = append(all, c)
		}
	}
	s.mu.Unlock()
	for _, c := range all {
		c.End(cause)
	}
	for _, c := range all {
		select {
		case <-c.done:
		case <-ctx.Done():
			return fmt.Errorf("wait for command %s to end: %w", c.id, context.Cause(ctx))
		}
	}
	return nil
}

// Busy reports whether a command runs in a sandbox.
func (s *Set) Busy(sandbox string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.running {
		if c.spec.Place.Sandbox == sandbox {
			return true
		}
	}
	return false
}

// Drain refuses commands from now on, and returns when those that run have ended, or
// ctx. Close has to follow.
func (s *Set) Drain(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	all := slices.Collect(maps.Keys(s.running))
	s.mu.Unlock()
	for _, c := range all {
		select {
		case <-c.done:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends all commands, with a reason that clients are told, and refuses what
// comes later. What was kept stays in the store.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = s.endAll(context.Background(), process.ErrClosed, func(*Command) bool { return true }) // ends with them
	s.wg.Wait()
}
