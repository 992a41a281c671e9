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

const (
	// defaultLimit is far above what a machine works off at once, and below what
	// would use up its descriptors and processes.
	defaultLimit = 256
	// What is remembered of commands that have ended; as for executions.
	defaultKeep      = 256
	defaultKeepBytes = 256 << 20
	// settled is what an ended command keeps in memory; the rest of a long log
	// goes to disk.
	settled = 64 << 10
	// forgotten is how many evicted ids are remembered, so that "gone" and "never
	// was" can be told apart.
	forgotten = 4096
)

// Config says where and how commands run. The zero value works.
type Config struct {
	Host process.Host
	// Limit is how many commands may run at once; 0 is 256.
	Limit int
	// Keep and KeepBytes bound what is remembered of commands that have ended and
	// of their events; 0 is 256 commands and 256 MiB. The newest always stays.
	Keep      int
	KeepBytes int64
	// Events bounds the log of one command.
	Events stream.Options
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
	byID    map[string]*Command   // running or kept
	ended   []kept                // in the order of their ends
	bytes   int64                 // of their events
	gone    []string              // evicted ids, oldest first
}

// kept is a command that has ended, with the size of its events.
type kept struct {
	*Command
	bytes int64
}

// New makes an empty set.
func New(cfg Config) *Set {
	cfg.Limit = cmp.Or(cfg.Limit, defaultLimit)
	cfg.Keep = cmp.Or(cfg.Keep, defaultKeep)
	cfg.KeepBytes = cmp.Or(cfg.KeepBytes, defaultKeepBytes)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Events.Spool == nil {
		cfg.Events.Spool = stream.NewSpool(cmp.Or(cfg.Events.Dir, cfg.Host.ScratchDir()))
	}
	return &Set{cfg: cfg, running: make(map[*Command]struct{}), byID: make(map[string]*Command)}
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
	c.log = stream.New(codec{}, s.cfg.Events)
	if err := s.begin(ctx, c); err != nil {
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
	}
	s.running[c], s.byID[c.id] = struct{}{}, c
	s.wg.Add(1)
	return nil
}

// finish settles a command that has ended.
func (s *Set) finish(c *Command, o *Outcome) {
	s.tell(c, o)
	// Before the event: whoever has read that and asks is told the same.
	c.mu.Lock()
	c.outcome = o
	c.mu.Unlock()
	bytes := int64(0)
	if c.log != nil {
		_ = c.append(Event{Type: EventEnd, Outcome: o}) // a full log still takes it
		c.log.Close()
		c.log.Settle(settled)
		memory, disk := c.log.Size()
		bytes = int64(memory) + disk
	}
	s.mu.Lock()
	delete(s.running, c)
	var evicted []*Command
	if c.log == nil {
		delete(s.byID, c.id)
	} else {
		s.ended = append(s.ended, kept{c, bytes})
		s.bytes += bytes
		evicted = s.evict()
	}
	s.mu.Unlock()
	for _, old := range evicted {
		old.log.Discard()
	}
	close(c.done)
}

// evict takes out what is too much. It is called with mu held.
func (s *Set) evict() (out []*Command) {
	for len(s.ended) > 1 && (len(s.ended) > s.cfg.Keep || s.bytes > s.cfg.KeepBytes) {
		old := s.ended[0]
		s.ended = s.ended[1:]
		s.bytes -= old.bytes
		delete(s.byID, old.id)
		s.gone = append(s.gone, old.id)
		out = append(out, old.Command)
	}
	s.gone = s.gone[max(0, len(s.gone)-forgotten):]
	return out
}

// Find returns a command by its id, one that runs or is kept.
func (s *Set) Find(id string) (*Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.byID[id]; ok {
		return c, nil
	}
	if slices.Contains(s.gone, id) {
		return nil, fmt.Errorf("%w: %s", ErrEvicted, id)
	}
	return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
}

// All lists the commands that run or are kept, oldest first.
func (s *Set) All() []*Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.byID), func(a, b *Command) int { return a.created.Compare(b.created) })
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
	s.ended = slices.DeleteFunc(s.ended, func(k kept) bool {
		if k.Command == c {
			s.bytes -= k.bytes
		}
		return k.Command == c
	})
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

// Close ends all commands, with a reason that clients are told, and refuses what
// comes later. What was kept of ended ones is given up once it has been read.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = s.endAll(context.Background(), process.ErrClosed, func(*Command) bool { return true }) // ends with them
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.ended {
		k.log.Discard()
	}
	s.ended, s.bytes = nil, 0
	clear(s.byID)
}
