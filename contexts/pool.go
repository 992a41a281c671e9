package contexts

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"hotcell/runtimes"
)

// pool keeps kernels of one runtime parked: started, with nobody's code in
// them yet. A kernel that was taken never comes back.
//
// Goroutines: one that refills, and one for each parked kernel that waits for
// its end; close ends and joins them all.
type pool struct {
	runtime runtimes.Runtime
	size    int
	taken   func(runtime string, parked bool)
	log     *slog.Logger
	ctx     context.Context // cancelled by close
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	refill  chan struct{}
	tried   chan struct{} // closed when the first fill is over

	mu     sync.Mutex
	parked []*runtimes.Kernel
	fault  error // why the last one could not be started
}

func newPool(ctx context.Context, r runtimes.Runtime, size int, taken func(string, bool), log *slog.Logger) *pool {
	p := &pool{runtime: r, size: size, taken: taken, log: log, refill: make(chan struct{}, 1), tried: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if size > 0 && r.Info().Fault == "" {
		// Ends when close cancels the pool's context.
		p.wg.Go(p.fill)
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

// take returns a parked kernel, or starts one.
func (p *pool) take(ctx context.Context) (*runtimes.Kernel, error) {
	defer p.want()
	p.mu.Lock()
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
	return p.runtime.Start(ctx, runtimes.Spec{})
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

// fill keeps size kernels parked.
func (p *pool) fill() {
	for first := true; ; first = false {
		select {
		case <-p.ctx.Done():
			return
		case <-p.refill:
		}
		if !first && !p.pause(settle) {
			return
		}
		for p.room() && p.ctx.Err() == nil {
			k, err := p.runtime.Start(p.ctx, runtimes.Spec{})
			p.note(err)
			if err != nil {
				if !errors.Is(err, context.Canceled) {
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

func (p *pool) room() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.parked) < p.size
}

func (p *pool) park(k *runtimes.Kernel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k.Parked = true
	p.parked = append(p.parked, k)
	// Ends when the kernel does, or with the pool: kernels that were taken
	// are another's by then.
	p.wg.Go(func() {
		select {
		case <-k.Process.Done():
			if p.remove(k) {
				discard(k)
				p.want()
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

// ready says why there are no kernels yet, or none to be had.
func (p *pool) ready() error {
	select {
	case <-p.tried:
	default:
		return errors.New("the first kernels are being started")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// close ends what is parked.
func (p *pool) close() {
	p.cancel()
	p.wg.Wait()
	p.mu.Lock()
	parked := p.parked
	p.parked = nil
	p.mu.Unlock()
	for _, k := range parked {
		discard(k)
	}
}

// discard ends a kernel that never was anybody's.
func discard(k *runtimes.Kernel) {
	_ = k.Process.Signal(syscall.SIGKILL)
	<-k.Process.Done()
	_ = k.Conn.Close()
	_ = k.Stdout.Close()
	_ = k.Stderr.Close()
}
