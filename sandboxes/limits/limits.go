// Package limits bounds sandboxes and what runs in them: it joins what the server
// allows with what a sandbox's record says, and hands out a group for each process.
//
// Ownership: a [Set] owns the bounds of all sandboxes; [Set.End] gives up those of
// one, and [Set.Close] all. Goroutines: none.
package limits

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"hotcell/internal/cgroup"
	"hotcell/internal/child"
	"hotcell/internal/disk"
	"hotcell/sandboxes"
)

// Limits are what a sandbox, or a context in it, may have. 0 is no limit.
type Limits struct {
	Memory    int64   `json:"memory,omitempty"`    // bytes
	CPU       float64 `json:"cpu,omitempty"`       // processors
	Processes int     `json:"processes,omitempty"` // and threads
	Files     int     `json:"files,omitempty"`     // descriptors of each process
	FileSize  int64   `json:"file_size,omitempty"` // bytes of each file
	Disk      int64   `json:"disk,omitempty"`      // bytes of a sandbox's work directory
}

func (l Limits) bounds() cgroup.Limits {
	return cgroup.Limits{Memory: l.Memory, CPU: l.CPU, Processes: l.Processes, Files: l.Files, FileSize: l.FileSize}
}

// Config is what a set is made of. The zero value limits nothing.
type Config struct {
	Dir     string // the data directory
	Server  Limits // all sandboxes together
	Sandbox Limits // each, and the most that a client can ask for
	Context Limits // each context, command, script, session and terminal
	// Off leaves out what bounds sandboxes as a whole.
	Off bool
	// Asked is what a sandbox's client has asked for. Nil: nothing.
	Asked func(sandbox string) sandboxes.Limits
	// Hit is told of a limit that was reached, in a word, where nobody else is: disk_full.
	Hit func(kind string)
	Log *slog.Logger
}

// Status is what is in force.
type Status struct {
	cgroup.Force
	Server  Limits `json:"server,omitzero"`
	Sandbox Limits `json:"sandbox,omitzero"`
	Context Limits `json:"context,omitzero"`
	// Disk is what bounds the space of sandboxes' files.
	Disk disk.Force `json:"disk"`
}

// Set bounds the sandboxes of one server.
type Set struct {
	cfg  Config
	tree *cgroup.Tree
	disk *disk.Set // nil: nothing bounds files

	mu     sync.Mutex
	closed bool
	open   map[string]*opened
}

// opened are the bounds of a sandbox in which something runs.
type opened struct {
	once    sync.Once
	sandbox *cgroup.Sandbox
	home    child.Group // for processes that are no context's, as a jail's first
	err     error
}

// New finds out what bounds processes here, and clears what a dead server of the same
// data directory has left, with all that still runs in it. It never fails: [Status]
// says what is in force.
func New(cfg Config) *Set {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Hit == nil {
		cfg.Hit = func(string) {}
	}
	if cfg.Asked == nil {
		cfg.Asked = func(string) sandboxes.Limits { return sandboxes.Limits{} }
	}
	return &Set{
		cfg:  cfg,
		tree: cgroup.Open(cgroup.Config{Dir: cfg.Dir, Whole: cfg.Server.bounds(), Off: cfg.Off, Log: cfg.Log}),
		open: make(map[string]*opened),
	}
}

// Status says what is in force.
func (s *Set) Status() Status {
	return Status{Force: s.tree.Force(), Server: s.cfg.Server, Sandbox: s.cfg.Sandbox, Context: s.cfg.Context, Disk: s.diskForce()}
}

// Dirs are the directories of the server's own among the kernel's groups, if it has any.
func (s *Set) Dirs() []string { return s.tree.Dirs() }

// Group makes the group of one process in a sandbox, with all that it starts. of says
// what the process is, in one word: context, command …
func (s *Set) Group(sandbox, of string) (child.Group, error) {
	o, err := s.enter(sandbox)
	if err != nil {
		return nil, err
	}
	g, err := o.sandbox.Group(of, s.cfg.Context.bounds())
	if err != nil {
		return nil, fmt.Errorf("bound a %s: %w", of, err)
	}
	return group{Group: g, full: s.full(sandbox)}, nil
}

// In is Group for one sandbox.
func (s *Set) In(sandbox string) func(of string) (child.Group, error) {
	return func(of string) (child.Group, error) { return s.Group(sandbox, of) }
}

// Contexts is Group for the contexts of any sandbox.
func (s *Set) Contexts() func(sandbox string) (child.Group, error) {
	return func(sandbox string) (child.Group, error) { return s.Group(sandbox, "context") }
}

// Admit puts a process into a sandbox that is no context's or command's, such as the
// first one of a jail, which what it starts inherits.
func (s *Set) Admit(sandbox string, pid int) error {
	o, err := s.enter(sandbox)
	if err != nil {
		return err
	}
	return o.home.Admit(pid)
}

// Within is Admit for one sandbox.
func (s *Set) Within(sandbox string) func(pid int) error {
	return func(pid int) error { return s.Admit(sandbox, pid) }
}

// enter finds the bounds of a sandbox, and makes them at its first use.
func (s *Set) enter(sandbox string) (*opened, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, cgroup.ErrClosed
	}
	o := s.open[sandbox]
	if o == nil {
		o = &opened{}
		s.open[sandbox] = o
	}
	s.mu.Unlock()
	o.once.Do(func() { o.sandbox, o.home, o.err = s.make(sandbox) })
	if o.err != nil {
		s.drop(sandbox, o) // the next one tries again
	}
	return o, o.err
}

func (s *Set) make(sandbox string) (*cgroup.Sandbox, child.Group, error) {
	sb, err := s.tree.Sandbox(s.Of(sandbox).bounds())
	if err != nil {
		return nil, nil, err
	}
	home, err := sb.Home()
	if err != nil {
		return nil, nil, errors.Join(err, sb.Close())
	}
	return sb, home, nil
}

// Of is what a sandbox may have: what its client has asked for, but not more than the
// server gives to any.
func (s *Set) Of(sandbox string) Limits {
	l, asked := s.cfg.Sandbox, s.cfg.Asked(sandbox)
	l.Memory = least(asked.Memory, l.Memory)
	l.CPU = least(asked.CPU, l.CPU)
	if l.Disk = least(asked.Disk, l.Disk); l.Disk > 0 {
		l.Disk = max(l.Disk, disk.Least)
	}
	if l.Disk > 0 && (s.disk == nil || s.disk.Settle().Mechanism == disk.None) { // no file can be larger, at least
		l.FileSize = least(l.FileSize, l.Disk)
	}
	return l
}

// least is the smaller of two limits, of which 0 is none.
func least[N int64 | float64](a, b N) N {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	}
	return min(a, b)
}

func (s *Set) drop(sandbox string, o *opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[sandbox] == o {
		delete(s.open, sandbox)
	}
}

// End kills what is left in a sandbox and gives up its bounds. Its next use makes new
// ones.
func (s *Set) End(sandbox string) error {
	s.mu.Lock()
	o := s.open[sandbox]
	delete(s.open, sandbox)
	s.mu.Unlock()
	if o == nil {
		return s.endDisk(sandbox)
	}
	o.once.Do(func() { o.err = cgroup.ErrClosed }) // whoever came in between is refused
	if o.sandbox == nil {
		return s.endDisk(sandbox)
	}
	o.home.End()
	if err := errors.Join(o.sandbox.Close(), s.endDisk(sandbox)); err != nil {
		return fmt.Errorf("give up the bounds of the sandbox: %w", err)
	}
	return nil
}

// Close kills what is left in all sandboxes. It may be called on nil.
func (s *Set) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	s.closed = true
	s.open = make(map[string]*opened)
	s.mu.Unlock()
	if err := errors.Join(s.tree.Close(), s.disk.Close()); err != nil {
		return fmt.Errorf("give up the bounds of sandboxes: %w", err)
	}
	return nil
}
