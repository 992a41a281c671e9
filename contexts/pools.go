package contexts

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// lot says whose kernels a pool has. Those without a jail are everybody's.
type lot struct {
	owner   string
	runtime runtimes.Runtime
}

// everybody is the owner of the pools without a jail.
const everybody = ""

// openPools makes the pools that there are from the beginning: those of kernels
// without a jail, or, where everybody has a jail, none; but what a runtime has ready
// for all of them is made ready.
func (s *Set) openPools(ctx context.Context) {
	for _, r := range s.cfg.Table.All() {
		p, prepares := r.(runtimes.Preparer)
		switch {
		case !s.cfg.Jailed:
			s.pools[lot{everybody, r}] = newPool(ctx, r, nil, s.cfg.Parked, true, s.cfg.Observe.taken, s.cfg.Log)
		case prepares && s.cfg.Parked > 0 && r.Info().Fault == "":
			// Ends when the runtime is ready or Close cancels s.ctx.
			ready := make(chan struct{})
			s.preparing[r] = ready
			s.prepared.Go(func() { p.Prepare(s.ctx); close(ready) })
		}
	}
}

// pool finds the pool of an owner's kernels that live in a jail, or in none.
func (s *Set) pool(ctx context.Context, owner string, r runtimes.Runtime, jail child.Jail) (*pool, error) {
	l, group := lot{owner, r}, s.grouped(owner)
	if jail == nil {
		l.owner, group = everybody, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	p := s.pools[l]
	if p == nil {
		p = newPool(ctx, r, group, s.cfg.Parked, false, s.cfg.Observe.taken, s.cfg.Log)
		s.pools[l] = p
	}
	return p, nil
}

// jail is the one in which an owner's kernels live now.
func (s *Set) jail(ctx context.Context, owner string) (child.Jail, error) {
	if s.cfg.Jail == nil {
		return nil, nil //nolint:nilnil // there is none around any
	}
	jail, err := s.cfg.Jail(ctx, owner)
	if err != nil {
		return nil, fmt.Errorf("isolate the sandbox: %w", err)
	}
	return jail, nil
}

// tries is how often more a kernel is started when something was killed under it. While
// a template imports what it has to, which is seconds, that may be more than one thing.
const tries = 2

// take gives a kernel of an owner's. If something was killed in that moment that a start
// needs, its jail perhaps, it is tried again; what was parked in a jail is not told from
// what it is. A jail that was just looked at needn't be looked at again; nil is one to be found.
func (s *Set) take(ctx context.Context, owner string, r runtimes.Runtime, jail child.Jail) (*runtimes.Kernel, error) {
	for attempt := 0; ; attempt++ {
		var err error
		if jail == nil || attempt > 0 {
			if jail, err = s.jail(ctx, owner); err != nil {
				return nil, err
			}
		}
		p, err := s.pool(ctx, owner, r, jail)
		if err != nil {
			return nil, err
		}
		k, err := p.take(ctx, jail)
		if err == nil {
			return s.enter(k, owner)
		}
		switch struck := errors.Is(err, runtimes.ErrStruck); {
		case !struck && !child.Ended(jail):
			return nil, err
		case attempt >= tries && !struck:
			return nil, fmt.Errorf("%w: %w", runtimes.ErrStruck, err)
		case attempt >= tries:
			return nil, err
		}
	}
}

// grouper makes a kernel's group.
type grouper func() (child.Group, error)

// grouped makes those of an owner's kernels; nil if there are none.
func (s *Set) grouped(owner string) grouper {
	if s.cfg.Group == nil {
		return nil
	}
	return func() (child.Group, error) { return s.cfg.Group(owner) }
}

// enter puts a kernel that was everybody's into a group of its owner's.
func (s *Set) enter(k *runtimes.Kernel, owner string) (*runtimes.Kernel, error) {
	if k.Group != nil || s.cfg.Group == nil {
		return k, nil
	}
	group, err := s.cfg.Group(owner)
	if err == nil {
		err = k.Enter(group)
	}
	if err != nil {
		k.Discard()
		return nil, err
	}
	return k, nil
}

// closePools ends what is parked for an owner.
func (s *Set) closePools(owner string) {
	s.mu.Lock()
	var theirs []*pool
	for l, p := range s.pools {
		if l.owner == owner && owner != everybody {
			theirs = append(theirs, p)
			delete(s.pools, l)
		}
	}
	s.mu.Unlock()
	closeAll(theirs)
}

// closeAll closes pools, all at once.
func closeAll(pools []*pool) {
	var wg sync.WaitGroup
	for _, p := range pools {
		wg.Go(p.close) // ends when its kernels have
	}
	wg.Wait()
}

// allPools are those that there are now.
func (s *Set) allPools() []*pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*pool, 0, len(s.pools))
	for _, p := range s.pools {
		out = append(out, p)
	}
	return out
}

// Parked tells how many kernels of each runtime wait for use, by its name.
func (s *Set) Parked() map[string]int {
	out := make(map[string]int)
	for _, p := range s.allPools() {
		out[p.runtime.Info().Name] += p.count()
	}
	return out
}

// Ready tells of each runtime that is available, by its name, why its kernels
// aren't parked yet, or can't be; nil is ready. What is parked in jails is parked
// for who has used them already.
func (s *Set) Ready() map[string]error {
	out := make(map[string]error)
	for _, r := range s.cfg.Table.All() {
		if r.Info().Fault != "" {
			continue
		}
		s.mu.Lock()
		p := s.pools[lot{everybody, r}]
		s.mu.Unlock()
		var err error
		if p != nil {
			err = p.ready()
		} else if !ended(s.preparing[r]) {
			err = errParking
		}
		out[r.Info().Name] = err
	}
	return out
}

// Parking reports whether the first kernels of a runtime are still being started.
func (s *Set) Parking() bool {
	for _, err := range s.Ready() {
		if errors.Is(err, errParking) {
			return true
		}
	}
	return false
}

// ended reports that a channel is closed, or that there is none.
func ended(done <-chan struct{}) bool {
	if done == nil {
		return true
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Warm returns when every pool that can is full, and what kernels come from is
// ready, or ctx ends.
func (s *Set) Warm(ctx context.Context) {
	for _, p := range s.allPools() {
		p.warm(ctx)
	}
	_ = wait(ctx, &s.prepared)
}
