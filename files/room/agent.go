package room

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"hotcell/internal/child"
	"hotcell/process"
)

const (
	// startLimit is for a start on a machine that is very busy; the usual one is
	// over in a few milliseconds.
	startLimit = 10 * time.Second
	// grace is for an agent to remove what isn't complete.
	grace = time.Second
)

// agent is the process that does what is asked of one sandbox's files.
type agent struct {
	set     *Set
	jail    child.Jail
	sandbox string
	ready   chan struct{} // closed when it was started, or could not be
	fault   error         // why it could not be; written before ready is closed
	process *child.Process
	control *os.File // on which it is given its calls

	calls int         // guarded by set.mu
	idle  *time.Timer // guarded by set.mu
}

// start starts the process; ready says when it is over.
func (a *agent) start(p process.Place) {
	defer close(a.ready)
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	spec := child.Spec{
		Path: a.set.cfg.Program, Args: append(slices.Clone(a.set.cfg.Args), p.Dir), Dir: "/", Jail: p.Jail,
		// Nothing of the server's. A few threads suffice, whatever the machine has.
		Env: []string{"GOMAXPROCS=4", "GOTRACEBACK=none", "PATH=/usr/local/bin:/usr/bin:/bin"},
	}
	if err := a.launch(ctx, spec); err != nil {
		a.set.cfg.Log.Warn("the agent of a sandbox's files could not be started",
			slog.String("sandbox", p.Sandbox), slog.Any("error", err))
		a.fault = fmt.Errorf("%w: the process that sees to them could not be started: %w", ErrUnavailable, err)
	}
}

// over reports an agent that can't be called any more.
func (a *agent) over() bool {
	select {
	case <-a.ready:
	default:
		return false
	}
	if a.fault != nil {
		return true
	}
	select {
	case <-a.process.Done():
		return true
	default:
		return false
	}
}

// stop hangs up, upon which the agent ends; if it doesn't, it is killed.
func (a *agent) stop() {
	<-a.ready
	if a.fault != nil {
		return
	}
	_ = a.control.Close()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-a.process.Done():
	case <-t.C:
		a.kill()
		<-a.process.Done()
	}
}

// kill ends an agent that does not do what it should. The next call finds
// another one.
func (a *agent) kill() { _ = a.process.Signal(os.Kill) }

// lost says why an agent doesn't answer, or why its answers are no good; then
// it is killed.
func (a *agent) lost(err error) error {
	a.kill()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-a.process.Done():
		if e := a.process.Exit(); e.Signal != 0 || e.Code != 0 {
			return fmt.Errorf("%w: the process that sees to them was lost, %s (%w); the next request starts another", ErrUnavailable, e, err)
		}
	case <-t.C:
	}
	return fmt.Errorf("%w: the process that sees to them was lost (%w); the next request starts another", ErrUnavailable, err)
}
