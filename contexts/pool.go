package contexts

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// pool keeps kernels of one runtime parked: started, with nobody's code in
// them yet. A kernel that was taken never comes back. Those of an owner that has a
// jail are parked inside of it.
//
// Goroutines: one that refills, and one for each parked kernel that waits for
// its end; close ends and joins them all.
type pool struct {
	runtime runtimes.Runtime
	group   grouper // of each kernel's; nil while they are nobody's
	size    int
	taken   func(runtime string, parked bool)
	log     *slog.Logger
	ctx     context.Context // cancelled by close
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	refill  chan struct{}
	tried   chan struct{} // closed when the first fill is over

	mu     sync.Mutex
	jail   child.Jail // that of the last take; nil is none
	parked []*runtimes.Kernel
	closed bool
	fault  error // why the last one could not be started
}

// newPool makes a pool that begins to park at once, if it is eager, or else with
// the first take.
func newPool(ctx context.Context, r runtimes.Runtime, group grouper, size int, eager bool, taken func(string, bool), log *slog.Logger) *pool {
	p := &pool{runtime: r, group: group, size: size, taken: taken, log: log, refill: make(chan struct{}, 1), tried: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	parks := size > 0 && r.Info().Fault == ""
	eager = eager && parks
	if parks {
		// Ends when close cancels the pool's context.
		p.wg.Go(func() { p.fill(eager) })
	}
	if eager {
		p.want()
	} else {
		close(p.tried)
	}
	return p
}

// warm returns when the first fill is over.
func (p *pool) warm(ctx context.Context) {
	select {
	case <-p.tried:
	case <-p.ctx.Done():
	case <-ctx.Done():
	}
}

// take returns a kernel that was parked in the jail, or starts one there.
func (p *pool) take(ctx context.Context, jail child.Jail) (*runtimes.Kernel, error) {
	defer p.want()
	p.mu.Lock()
	p.move(jail)
	for len(p.parked) > 0 {
		k := p.parked[0]
		p.parked = p.parked[1:]
		select {
		case <-k.Process.Done(): // died while parked; its watcher disposes of it
			continue
		default:
		}
		p.mu.Unlock()
		p.taken(p.runtime.Info().Name, true)
		return k, nil
	}
	p.mu.Unlock()
	p.taken(p.runtime.Info().Name, false)
	return start(ctx, p.runtime, runtimes.Spec{Jail: jail}, p.group)
}

// move is called with mu held. What is parked in another jail, whose time is over,
// is nobody's any more.
func (p *pool) move(jail child.Jail) {
	if p.jail == jail || p.closed { // close sees to what is parked
		return
	}
	p.jail = jail
	if len(p.parked) == 0 {
		return
	}
	stale := p.parked
	p.parked = nil
	// Ends when they have ended, which they do when they are killed.
	p.wg.Go(func() {
		for _, k := range stale {
			k.Discard()
		}
	})
}

// start starts a kernel that knows where it is, in a group of its own if there are any.
func start(ctx context.Context, r runtimes.Runtime, spec runtimes.Spec, group grouper) (*runtimes.Kernel, error) {
	var err error
	if group != nil {
		if spec.Group, err = group(); err != nil {
			return nil, err
		}
	}
	k, err := r.Start(ctx, spec)
	switch {
	case err == nil:
		k.Jail = spec.Jail
	case spec.Group != nil:
		spec.Group.End()
	}
	return k, err
}

// want asks for a refill.
func (p *pool) want() {
	select {
	case p.refill <- struct{}{}:
	default:
	}
}

// settle is how long a refill waits after a kernel was taken: starting the next
// one at once would compete with the first cell of the one that was taken,
// which is what the client waits for.
const settle = 25 * time.Millisecond

// fill keeps size kernels parked, where the last one was taken.
func (p *pool) fill(first bool) {
	for ; ; first = false {
		select {
		case <-p.ctx.Done():
			return
		case <-p.refill:
		}
		if !first && !p.pause(settle) {
			return
		}
		for p.ctx.Err() == nil {
			jail, room := p.room()
			if !room {
				break
			}
			k, err := start(p.ctx, p.runtime, runtimes.Spec{Jail: jail}, p.group)
			p.note(err)
			if err != nil {
				if !errors.Is(err, context.Canceled) && !child.Ended(jail) {
					p.log.LogAttrs(p.ctx, slog.LevelWarn, "park kernel",
						slog.String("runtime", p.runtime.Info().Name), slog.Any("error", err))
				}
				break // the next take asks again, and meets the error itself
			}
			p.park(k)
		}
		if first {
			close(p.tried)
		}
	}
}

func (p *pool) note(fault error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// pause waits, and reports whether the pool is still open.
func (p *pool) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// room tells whether one more is to be parked, and where.
func (p *pool) room() (child.Jail, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.jail, len(p.parked) < p.size
}

func (p *pool) park(k *runtimes.Kernel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k.Jail != p.jail && !p.closed { // it was moved meanwhile
		// Ends when it has ended, which it does when it is killed.
		p.wg.Go(func() { k.Discard() })
		return
	}
	k.Parked = true
	p.parked = append(p.parked, k)
	// Ends when the kernel does, or with the pool: kernels that were taken
	// are another's by then.
	p.wg.Go(func() {
		select {
		case <-k.Process.Done():
			if p.remove(k) {
				k.Discard()
				if !child.Ended(k.Jail) { // else the next take finds another
					p.want()
				}
			}
		case <-p.ctx.Done():
		}
	})
}

// remove takes k out, if it is still parked.
func (p *pool) remove(k *runtimes.Kernel) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, q := range p.parked {
		if q == k {
			p.parked = append(p.parked[:i:i], p.parked[i+1:]...)
			return true
		}
	}
	return false
}

// count is how many kernels are parked.
func (p *pool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.parked)
}

// errParking means that it is too early to tell.
var errParking = errors.New("the first kernels are being started")

// ready says why there are no kernels yet, or none to be had.
func (p *pool) ready() error {
	select {
	case <-p.tried:
	default:
		return errParking
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// close ends what is parked.
func (p *pool) close() {
	p.cancel()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wg.Wait()
	p.mu.Lock()
	parked := p.parked
	p.parked = nil
	p.mu.Unlock()
	for _, k := range parked {
		k.Discard()
	}
}
