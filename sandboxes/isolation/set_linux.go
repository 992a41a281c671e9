package isolation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/process"
)

// Set is the jails of a server.
type Set struct {
	cfg     Config
	status  Status
	reaches bool            // sandboxes' users pass directories by a capability
	home    string          // of the server's user; empty if there is none
	ctx     context.Context // cancelled by Close
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	berths  Berths        // set by Keep
	wanted  chan struct{} // has one word for fill when a spare was taken

	mu     sync.Mutex
	cells  map[string]*cell // by sandbox
	spares []spare          // the oldest first
	closed bool
}

// cell is a sandbox's jail, which may be in the making.
type cell struct {
	ready chan struct{}
	jail  *jail.Jail // once ready
	err   error
	// settle is what is left to be done at the first use. Nil: nothing.
	settle func() error
}

// New finds out what works. The error says why what is asked for doesn't.
func New(ctx context.Context, cfg Config) (*Set, error) {
	cfg.Mode, cfg.Network = cmp.Or(cfg.Mode, jail.None), cmp.Or(cfg.Network, jail.Host)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Shared == nil {
		cfg.Shared = func() []string { return nil }
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Set{cfg: cfg, cells: make(map[string]*cell), wanted: make(chan struct{}, 1)}
	s.home, _ = os.UserHomeDir()
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.choose(ctx); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// Status is what is in force. It may be asked of nil.
func (s *Set) Status() Status {
	if s == nil {
		return Status{Mode: jail.None, Network: jail.Host}
	}
	return s.status
}

// Jail is a sandbox's, which is made if there is none; nil where sandboxes have none.
// ctx bounds the waiting.
func (s *Set) Jail(ctx context.Context, sb Sandbox) (*jail.Jail, error) {
	if s.status.Mode == jail.None {
		return nil, disown(sb.Work)
	}
	for {
		c, err := s.cell(sb) //nolint:contextcheck // made for everybody who asks, not for this request
		if err != nil {
			return nil, err
		}
		select {
		case <-c.ready:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the sandbox's jail: %w", context.Cause(ctx))
		}
		if c.err != nil {
			return nil, c.err
		}
		if !child.Ended(c.jail) {
			err := c.settled()
			if err == nil {
				return c.jail, nil
			}
			if !errors.Is(err, errUnfit) {
				return nil, err
			}
		}
		// Its first process was killed, or it can't be this sandbox's. What is left, its
		// directory above all, goes before there can be another.
		select {
		case <-c.jail.Done():
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the end of the sandbox's last jail: %w", context.Cause(ctx))
		}
	}
}

// cell is the one that a sandbox has, or gets.
func (s *Set) cell(sb Sandbox) (*cell, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	c := s.cells[sb.ID]
	if c == nil || c.over() {
		c = &cell{ready: make(chan struct{})}
		s.cells[sb.ID] = c
		// Ends when the jail is there or its making has failed, which package jail
		// bounds. It is for all who wait, and so doesn't end with whoever came first.
		s.wg.Go(func() { s.build(c, sb) })
	}
	return c, nil
}

// settled does what is left to be done at the first use.
func (c *cell) settled() error {
	if c.settle == nil {
		return nil
	}
	return c.settle()
}

// over reports whether a jail has ended, or was never there.
func (c *cell) over() bool {
	select {
	case <-c.ready:
	default:
		return false
	}
	if c.jail == nil {
		return true
	}
	select {
	case <-c.jail.Done():
		return true
	default:
		return false
	}
}

// build makes a jail.
func (s *Set) build(c *cell, sb Sandbox) {
	defer close(c.ready)
	c.jail, c.err = s.make(s.config(sb))
	if c.err == nil && s.cfg.Enter != nil {
		if c.err = s.cfg.Enter(sb.ID); c.err != nil {
			c.jail.Close()
			c.jail = nil
		}
	}
}

// tries is how often more a jail is made when its first process was killed meanwhile.
const tries = 2

// make makes a jail, around a directory that is then its user's.
func (s *Set) make(cfg jail.Config) (*jail.Jail, error) {
	if err := own(cfg.Work, cfg.UID); err != nil {
		return nil, err
	}
	if err := jail.Sweep(cfg); err != nil { // of a server before this one, which was killed
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		j, err := jail.New(s.ctx, cfg)
		if !errors.Is(err, child.ErrJailEnded) || attempt >= tries || s.ctx.Err() != nil {
			return j, err
		}
	}
}

// config is what a sandbox's jail is made of.
func (s *Set) config(sb Sandbox) jail.Config {
	cfg := jail.Config{
		Mode: s.status.Mode, Network: s.cfg.Network, Program: s.cfg.Program, Args: s.cfg.Args,
		Work: sb.Work, Scratch: filepath.Join(s.cfg.Dir, sb.ID), Hidden: []string{s.cfg.Data},
		Shared: append(narrow(s.cfg.Shared(), s.home), s.cfg.Visible...),
	}
	if s.status.Users {
		cfg.UID, cfg.Reaches = sb.UID, s.reaches
	}
	if s.cfg.Rooms != nil {
		cfg.Writable = s.cfg.Rooms(sb.ID)
	}
	if s.cfg.Admit != nil {
		cfg.Admit = s.cfg.Admit(sb.ID)
	}
	return cfg
}

// End ends a sandbox's jail, with all that is inside, and returns when it is gone.
func (s *Set) End(ctx context.Context, sandbox string) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	c := s.cells[sandbox]
	delete(s.cells, sandbox)
	s.mu.Unlock()
	if c == nil {
		return nil
	}
	gone := make(chan struct{})
	// Ends when the jail has ended. Close joins it.
	s.wg.Go(func() { defer close(gone); c.end() })
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the sandbox's jail to end: %w", context.Cause(ctx))
	}
}

func (c *cell) end() {
	<-c.ready
	if c.jail != nil {
		c.jail.Close()
	}
}

// Close ends all jails, and refuses to make others. It may be called on nil.
func (s *Set) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.closed = true
	cells, spares := s.cells, s.spares
	s.cells, s.spares = nil, nil
	s.mu.Unlock()
	s.cancel()
	for _, c := range cells {
		s.wg.Go(c.end) // ends when the jail has ended; joined below
	}
	for _, sp := range spares {
		s.wg.Go(func() { s.discard(sp) }) // likewise
	}
	s.wg.Wait()
}

// Within is [Set.Jail] for those who know jails only by what they do, and what is to be
// found inside.
func (s *Set) Within(ctx context.Context, sb Sandbox) (child.Jail, process.Inside, error) {
	if s == nil {
		return nil, process.Inside{}, nil
	}
	j, err := s.Jail(ctx, sb)
	if j == nil || err != nil {
		return nil, process.Inside{}, err
	}
	cfg := j.Config()
	return j, process.Inside{Run: cfg.Run(), Rooms: cfg.Rooms(), UID: cfg.UID, Env: j.Join().Env}, nil
}

// pathAbove lists the directories above a path.
func pathAbove(path string) []string {
	var dirs []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
		if dir == filepath.Dir(dir) {
			return dirs
		}
	}
}

// passable reports the first directory above a path that another user can't pass.
func passable(path string) error {
	for _, dir := range pathAbove(path) {
		st, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if st.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("%s can't be passed by other users, and %s lies in it", dir, path)
		}
	}
	return nil
}
