package cgroup

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// keepFree is how many groups of a sandbox wait to be used again. The kernel frees
// one that is removed only when the last page that was charged to it is gone, which
// may be never for what is cached of a file; so a command for a command another
// would be a leak.
const keepFree = 16

// cleanMemory is what may be charged yet to a group that gets a limit.
const cleanMemory = 8 << 20

// Sandbox bounds the groups of one sandbox together.
type Sandbox struct {
	tree   *Tree
	name   string
	node   node
	limits Limits
	visits sync.WaitGroup // processes that are being started in it

	mu     sync.Mutex
	closed bool
	home   node
	made   int
	free   []node
	groups map[*Group]struct{}
}

// Limits are what the sandbox was made with.
func (s *Sandbox) Limits() Limits { return s.limits }

// Group makes a group in the sandbox. of says what it is, in one word: whose limits
// are reached when its own are.
func (s *Sandbox) Group(of string, limits Limits) (*Group, error) {
	g := &Group{sandbox: s, of: of, limits: limits}
	if !s.tree.real() {
		return g, s.register(g)
	}
	n, fresh, err := s.take(limits)
	if err != nil {
		return nil, err
	}
	if fresh {
		err = n.make()
	}
	if err == nil {
		err = n.bound(limits)
	}
	if err != nil {
		_ = n.remove()
		return nil, fmt.Errorf("make a group in the sandbox: %w", err)
	}
	g.node = n
	if !fresh {
		g.base = n.tally()
		g.seen = reading{killed: g.base.killed, refused: g.base.refused}
		n.resetWatermark()
	}
	return g, s.register(g)
}

// Home makes the group of what belongs to the sandbox as such. It is for once.
func (s *Sandbox) Home() (*Group, error) {
	g, err := s.Group("sandbox", Limits{})
	if err == nil {
		s.mu.Lock()
		s.home = g.node
		s.mu.Unlock()
	}
	return g, err
}

func (s *Sandbox) homeNode() node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.home
}

func (s *Sandbox) register(g *Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		if g.real() {
			_ = g.node.remove()
		}
		return ErrClosed
	}
	s.groups[g] = struct{}{}
	return nil
}

// take finds a free group that can be given the limits, or names a new one.
func (s *Sandbox) take(limits Limits) (n node, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return node{}, false, ErrClosed
	}
	for i, n := range s.free {
		if n.sharesCPU == (limits.CPU == 0) || n.v2 {
			// What is charged to it already must not count against somebody else.
			if limits.Memory > 0 && n.memoryUsed() > cleanMemory {
				continue
			}
			s.free = append(s.free[:i:i], s.free[i+1:]...)
			return n, false, nil
		}
	}
	s.made++
	return s.node.child("g"+strconv.Itoa(s.made), limits.CPU == 0), true, nil
}

// enter announces a start, which ends with visits.Done.
func (s *Sandbox) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.visits.Add(1)
	return nil
}

func (s *Sandbox) forget(g *Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, g)
}

// takeBack keeps a group's directories for the next one, or removes them.
func (s *Sandbox) takeBack(g *Group) {
	// One that has had as many processes as it may would say so of the next one's.
	clean := g.empty && !g.node.full(g.limits.Processes)
	s.mu.Lock()
	delete(s.groups, g)
	keep := clean && !s.closed && len(s.free) < keepFree
	if keep {
		s.free = append(s.free, g.node)
	}
	s.mu.Unlock()
	if !keep {
		_ = g.node.remove() // what isn't empty yet goes with the sandbox
	}
}

// Close kills what is left in the sandbox and removes its groups.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.tree.forget(s)
	s.visits.Wait()
	if !s.tree.real() {
		return nil
	}
	if s.node.pids != "" {
		_ = write(s.node.pids, "pids.max", "0") // nobody is faster than the kill
	}
	return clearBelow(s.node)
}

// clearBelow kills who is in a node or below it, and removes it.
func clearBelow(n node) error {
	var errs []error
	for _, below := range n.below() {
		errs = append(errs, clearBelow(below))
	}
	if !n.clear(false) {
		errs = append(errs, fmt.Errorf("%s: %w", n.dirs()[0], errStuck))
	}
	if err := n.remove(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

var errStuck = errors.New("killed processes have not ended")
