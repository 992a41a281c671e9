// Package child is the only place that starts, signals and reaps processes.
//
// Every process has one owner here and is waited for exactly once; its exit is
// a value, stored before Done is closed. A process leads its own session and
// group. Whatever is left of both when the leader has exited is killed before
// the leader is reaped, so a process number that is signalled is never one
// that was given out again; and so are its descendants elsewhere, which on Linux
// are known by a mark that they inherit.
//
// Goroutines: one for each started process, which ends when the process does.
package child

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Spec says what to start. Path must be resolved already, unless Search says
// otherwise.
type Spec struct {
	Path string
	// Search finds Path where the process runs, see [LookPath]. It is for a jail,
	// whose files are others than ours.
	Search bool
	Args   []string // without the program's own name
	Env    []string // the whole environment; nil is an empty one
	Dir    string
	Stdin  *os.File // nil is /dev/null, here and below
	Stdout *os.File
	Stderr *os.File
	Files  []*os.File // descriptors 3, 4 … of the child
	// Terminal makes Stdin, which is a terminal, the process's controlling one.
	Terminal bool
	// OutlivesUs keeps the process when the server dies without a word.
	OutlivesUs bool
	// Jail is where the process lives, which ends with us. Nil: beside us.
	Jail Jail
	// Users starts the process in a user namespace of its own, in which these users
	// and groups exist, with the same numbers. It is root there, where we are.
	Users []int
	// NoNetwork gives it a network namespace with nothing in it, beside Users.
	NoNetwork bool
	// Settle, if there is one, is called when the process has exited, before what
	// is left of it is killed and before Done is closed. It must end by itself.
	Settle func()
}

// Exit is how a process ended.
type Exit struct {
	Code    int            // of a normal exit; 128+n after signal n
	Signal  syscall.Signal // 0 after a normal exit
	Unknown bool           // it is gone, but whoever reaped it took the status along
	At      time.Time
}

// String says it in words: "exit status 3", "killed by SIGSEGV".
func (e Exit) String() string {
	switch {
	case e.Unknown:
		return "ended with an unknown status"
	case e.Signal != 0:
		return "killed by " + SignalName(e.Signal)
	default:
		return fmt.Sprintf("exit status %d", e.Code)
	}
}

// Process is a child of ours and leads its own session and process group.
type Process struct {
	jailed *Adopted // in a jail, it does all that the rest is for
	cmd    *exec.Cmd
	handle handle
	settle func()
	done   chan struct{}
	exit   Exit // written before done is closed

	mu     sync.Mutex
	reaped bool // no signal may be sent any more
}

// Start starts a process. ctx bounds the starting only: cancelling it later
// does nothing to the process.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if spec.Jail != nil {
		return startJailed(ctx, spec)
	}
	p := &Process{cmd: command(spec), settle: spec.Settle, done: make(chan struct{})}
	p.handle.prepare(p.cmd, spec)
	if err := p.handle.start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	// Ends when the process has ended; everybody else waits for done.
	go p.wait()
	return p, nil
}

// command is a process that isn't started yet.
func command(spec Spec) *exec.Cmd {
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx // a process is not owned by the request that started it
	cmd.Env = spec.Env
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	cmd.Dir = spec.Dir
	// Assigned only when set: a nil *os.File in the interface is not nil.
	if spec.Stdin != nil {
		cmd.Stdin = spec.Stdin
	}
	if spec.Stdout != nil {
		cmd.Stdout = spec.Stdout
	}
	if spec.Stderr != nil {
		cmd.Stderr = spec.Stderr
	}
	cmd.ExtraFiles = spec.Files
	return cmd
}

// Pid is the process number, of the process and of its group.
func (p *Process) Pid() int {
	if p.jailed != nil {
		return p.jailed.Pid()
	}
	return p.cmd.Process.Pid
}

// Done is closed when the process has been reaped, nothing of it is left, and
// Exit is known.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit is how the process ended. It may be called once Done is closed.
func (p *Process) Exit() Exit {
	if p.jailed != nil {
		return p.jailed.Exit()
	}
	return p.exit
}

// Signal sends sig to the process group. SIGKILL also reaches descendants that
// have left the group. A process that has ended takes any signal without error.
func (p *Process) Signal(sig os.Signal) error {
	if p.jailed != nil {
		return p.jailed.Signal(sig)
	}
	s, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v is not a system signal", sig)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return nil
	}
	return p.handle.signal(s)
}

// Stop asks the group to end (SIGTERM), gives it grace, then kills it, and
// returns when it has been reaped. It may be called any number of times.
func (p *Process) Stop(grace time.Duration) Exit {
	if grace > 0 {
		_ = p.Signal(syscall.SIGTERM)
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-p.done:
			return p.Exit()
		case <-t.C:
		}
	}
	_ = p.Signal(syscall.SIGKILL)
	<-p.done
	return p.Exit()
}

func (p *Process) wait() {
	pinned := p.handle.awaitExit()
	if !pinned {
		_ = p.cmd.Wait()
	}
	if p.settle != nil {
		p.settle()
	}
	p.mu.Lock()
	// A pinned leader is a zombie now and holds its number: the group and the
	// session can be swept without hitting a stranger.
	left := p.handle.sweep()
	p.reaped = true
	p.mu.Unlock()
	left.bury()
	if pinned {
		_ = p.cmd.Wait() // the state below says all; a failed wait leaves it nil, which is Unknown
	}
	p.handle.close()
	p.exit = exitOf(p.cmd.ProcessState)
	close(p.done)
}

func exitOf(state *os.ProcessState) Exit {
	e := Exit{At: time.Now(), Unknown: state == nil}
	if state == nil {
		return e
	}
	e.Code = state.ExitCode()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = ws.Signal()
		e.Code = 128 + int(ws.Signal())
	}
	return e
}
