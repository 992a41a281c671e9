package files

import (
	"context"
	"fmt"
	"sync"

	"hotcell/process"
)

// Visits are the requests that are at work on files. They belong to whoever
// made them; here they are counted, and told when their sandbox ends.
type Visits struct {
	mu     sync.Mutex
	open   map[string]map[*visitor]struct{} // by sandbox
	closed bool
}

type visitor struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// NewVisits returns an empty count.
func NewVisits() *Visits {
	return &Visits{open: map[string]map[*visitor]struct{}{}}
}

// Begin counts one until leave is called. ctx ends, with the cause that its
// client is to be told, when the sandbox or the server does.
func (v *Visits) Begin(sandbox string) (ctx context.Context, leave func(), err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	one := &visitor{cancel: cancel, done: make(chan struct{})}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		cancel(nil)
		return nil, nil, process.ErrClosed
	}
	if v.open[sandbox] == nil {
		v.open[sandbox] = map[*visitor]struct{}{}
	}
	v.open[sandbox][one] = struct{}{}
	return ctx, sync.OnceFunc(func() {
		v.remove(sandbox, one)
		cancel(nil)
		close(one.done)
	}), nil
}

func (v *Visits) remove(sandbox string, one *visitor) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.open[sandbox], one)
	if len(v.open[sandbox]) == 0 {
		delete(v.open, sandbox)
	}
}

// Busy reports whether somebody is at work in a sandbox.
func (v *Visits) Busy(sandbox string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.open[sandbox]) > 0
}

// End ends what is under way in a sandbox, and returns when it is over.
func (v *Visits) End(ctx context.Context, sandbox string) error {
	v.mu.Lock()
	var all []*visitor
	for one := range v.open[sandbox] {
		all = append(all, one)
	}
	v.mu.Unlock()
	for _, one := range all {
		one.cancel(ErrEnded)
	}
	for _, one := range all {
		select {
		case <-one.done:
		case <-ctx.Done():
			return fmt.Errorf("end what is under way in the files: %w", ctx.Err())
		}
	}
	return nil
}

// Drain refuses what comes later, and returns when what is under way is over, or ctx.
func (v *Visits) Drain(ctx context.Context) {
	v.mu.Lock()
	v.closed = true
	var all []*visitor
	for _, room := range v.open {
		for one := range room {
			all = append(all, one)
		}
	}
	v.mu.Unlock()
	for _, one := range all {
		select {
		case <-one.done:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends everything, and refuses what comes later. Those who were at work
// are joined by the server whose requests they serve.
func (v *Visits) Close() {
	v.mu.Lock()
	v.closed = true
	var all []*visitor
	for _, room := range v.open {
		for one := range room {
			all = append(all, one)
		}
	}
	v.mu.Unlock()
	for _, one := range all {
		one.cancel(process.ErrClosed)
	}
}
