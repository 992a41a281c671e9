package room

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"hotcell/files"
	"hotcell/internal/child"
	"hotcell/process"
)

// DefaultIdle is how long an agent is kept that nobody has called: a start costs
// milliseconds, so it is no longer than the pauses of a program that works.
const DefaultIdle = 30 * time.Second

// Config says how agents are started. The zero value is right for a program
// whose main calls [Main] for the arguments "be-child files".
type Config struct {
	// Program is what is started. Empty: the running program, as it is known to those
	// inside, whose first process it is; its path may be out of their reach.
	Program string
	Args    []string // that make it an agent; nil is be-child files
	// Idle is how long one is kept that nobody calls; 0 is DefaultIdle. Patience is
	// how long one may say nothing while it owes an answer; 0 is DefaultPatience.
	Idle, Patience time.Duration
	// Start starts an agent of any place. Nil: places with a boundary have one, which
	// starts inside.
	Start func(context.Context, child.Spec) (*child.Process, error)
	Log   *slog.Logger
}

// Set is the rooms of one server: who is at work in them, and their agents.
type Set struct {
	*files.Visits
	cfg Config
	wg  sync.WaitGroup // of what starts and stops agents

	mu     sync.Mutex
	agents map[string]*agent // by sandbox
	closed bool
}

// New returns a set. Nothing runs yet.
func New(cfg Config) *Set {
	cfg.Program = cmp.Or(cfg.Program, "/proc/self/exe")
	cfg.Idle = cmp.Or(cfg.Idle, DefaultIdle)
	cfg.Patience = cmp.Or(cfg.Patience, DefaultPatience)
	if cfg.Args == nil {
		cfg.Args = []string{"be-child", "files"}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Set{Visits: files.NewVisits(), cfg: cfg, agents: map[string]*agent{}}
}

// Of is the room of a sandbox.
func (s *Set) Of(p process.Place) Room {
	r := Room{tree: files.Of(p)}
	if p.Jail != nil || s.cfg.Start != nil {
		r.open = func(ctx context.Context) (*agent, error) { return s.open(ctx, p) }
	}
	return r
}

// open finds or starts the agent of a place. It is to be released.
func (s *Set) open(ctx context.Context, p process.Place) (*agent, error) {
	a, err := s.enter(p) //nolint:contextcheck // a start is for all who wait for it
	if err != nil {
		return nil, err
	}
	select {
	case <-a.ready:
		err = a.fault
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		a.release()
		return nil, err
	}
	return a, nil
}

// enter counts a call to the agent of a place, which may be starting still.
func (s *Set) enter(p process.Place) (*agent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, process.ErrClosed
	}
	a := s.agents[p.Sandbox]
	if a == nil || a.jail != p.Jail || a.over() {
		if a != nil {
			s.wg.Go(a.stop) // ends within its grace
		}
		a = &agent{set: s, jail: p.Jail, sandbox: p.Sandbox, ready: make(chan struct{})}
		s.agents[p.Sandbox] = a
		s.wg.Go(func() { a.start(p) }) // ends within the time for a start
	}
	a.calls++
	if a.idle != nil {
		a.idle.Stop()
	}
	return a, nil
}

// release ends a call. When it was the last, the agent's time begins to run.
func (a *agent) release() {
	a.set.mu.Lock()
	defer a.set.mu.Unlock()
	if a.calls--; a.calls > 0 || a.set.agents[a.sandbox] != a {
		return
	}
	if a.idle == nil {
		a.idle = time.AfterFunc(a.set.cfg.Idle, a.retire)
	} else {
		a.idle.Reset(a.set.cfg.Idle)
	}
}

// retire ends an agent that is idle still.
func (a *agent) retire() {
	s := a.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.calls > 0 || s.agents[a.sandbox] != a {
		return
	}
	delete(s.agents, a.sandbox)
	s.wg.Go(a.stop) // ends within its grace
}

// End ends what is under way in a sandbox, then its agent, and returns when
// both are over.
func (s *Set) End(ctx context.Context, sandbox string) error {
	err := s.Visits.End(ctx, sandbox)
	s.mu.Lock()
	a := s.agents[sandbox]
	delete(s.agents, sandbox)
	s.mu.Unlock()
	if a != nil {
		a.stop()
	}
	return err
}

// Close ends everything, and refuses what comes later.
func (s *Set) Close() {
	s.Visits.Close()
	s.mu.Lock()
	s.closed = true
	for id, a := range s.agents {
		delete(s.agents, id)
		s.wg.Go(a.stop) // ends within its grace
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Agents is how many there are.
func (s *Set) Agents() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.agents)
}
