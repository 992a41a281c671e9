package runtimes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"hotcell/internal/child"
	"hotcell/internal/wire"
)

// Scripts is implemented by runtimes that run programs as well as cells.
type Scripts interface {
	// RunScript starts a program. One that cannot be run as it is, because it
	// doesn't compile, is the user's matter: what there is to say about it comes
	// back as Rejected, and nothing runs. ctx bounds the starting, with whatever
	// is compiled; the run itself belongs to the caller.
	RunScript(ctx context.Context, s Script) (*Run, *Rejected, error)
}

// Script is a program to run once, from its first line to its exit.
type Script struct {
	Language string // its proper name in the table
	Code     string
	Args     []string
	Dir      string            // where it runs; absolute
	Env      map[string]string // its whole environment
	Vars     map[string]string // those of Env that are not just the server's own
	// Own is a directory of the run's own, empty at first. [Clean] removes it. From
	// inside a jail it can only be read.
	Own string
	// Names are the files that this and other runs have elsewhere.
	Names *Names
	// Room is where the program's user may write to: a directory that isn't there yet,
	// and goes with the run. Empty: Own.
	Room string
	// UID is the user that the program runs as. 0: the server's own.
	UID int
	// Jail is the boundary inside which it runs. Nil: none.
	Jail child.Jail
	// Group makes the group that counts and bounds the run. Nil: there is none. It is
	// called once for each process that is tried.
	Group func() (child.Group, error)
	// Kernel gives a started kernel of the runtime that was nobody's yet. Nil
	// starts one.
	Kernel func(context.Context) (*Kernel, error)
}

// Run is a program that runs. It belongs to whoever had it started.
type Run struct {
	Process Process
	Output  *os.File // the read end of what stdout and stderr share
	Conn    Conn     // the driver's messages, displays and charts, to their end; nil where there are none
	Engine  string   // what runs it, "node 20.20.2"
}

// Rejected is what a compiler says about a program that doesn't compile.
type Rejected struct {
	Output string
	Code   int // the exit code that stands for it
	Engine string
}

// Close ends a run and gives up its channels.
func (r *Run) Close() {
	_ = r.Process.Signal(syscall.SIGKILL)
	<-r.Process.Done()
	if r.Conn != nil {
		_ = r.Conn.Close()
	}
	_ = r.Output.Close()
}

// errLost means that a kernel ended before it became a script.
var errLost = errors.New("the kernel ended before the script began")

// Become takes a kernel and makes a script of it, in a group of its own. A kernel
// that dies before that is replaced once: nothing of the script has run.
func Become(ctx context.Context, take func(context.Context) (*Kernel, error), group func() (child.Group, error), s wire.Script, dir string) (*Run, error) {
	for attempt := 0; ; attempt++ {
		k, err := take(ctx)
		if err != nil {
			return nil, err
		}
		if err := bound(k, group); err != nil {
			k.Discard()
			return nil, err
		}
		err = handOver(ctx, k, wire.Request{Type: wire.ReqScript, Cwd: dir, Script: &s, Doors: k.Doors()})
		if err == nil {
			if k.Stderr != nil {
				_ = k.Stderr.Close() // both streams are one now
			}
			return &Run{Process: k.Process, Output: k.Stdout, Conn: k.Conn}, nil
		}
		k.Discard()
		if !errors.Is(err, errLost) || attempt > 0 {
			return nil, err
		}
	}
}

// bound puts a kernel into a group before anything of the script is known to it.
func bound(k *Kernel, group func() (child.Group, error)) error {
	if k.Group != nil {
		return nil // it has one already
	}
	g, err := Script{Group: group}.MakeGroup()
	if err != nil || g == nil {
		return err
	}
	return k.Enter(g)
}

// MakeGroup makes the group for a process of the run; nil if there is none.
func (s Script) MakeGroup() (child.Group, error) {
	if s.Group == nil {
		return nil, nil //nolint:nilnil // there is none, which is no fault
	}
	g, err := s.Group()
	if err != nil {
		return nil, fmt.Errorf("bound the script: %w", err)
	}
	return g, nil
}

// wordGrace is how much longer a driver has for its word when the start is given up: a
// script that has begun may have put something out, which must not be lost.
const wordGrace = 100 * time.Millisecond

// handOver sends the script and waits for the driver's word that it begins.
func handOver(ctx context.Context, k *Kernel, req wire.Request) error {
	stop := context.AfterFunc(ctx, func() { _ = k.Conn.SetDeadline(time.Now().Add(wordGrace)) })
	err := wire.WriteFrame(k.Conn, req)
	var answer wire.Message
	if err == nil {
		err = wire.ReadFrame(k.Conn, &answer)
	}
	switch {
	case !stop() && (err != nil || answer.Type != wire.MsgReady):
		return context.Cause(ctx)
	case errors.Is(err, wire.ErrFrameTooLarge):
		return fmt.Errorf("hand over the script: %w", err)
	case err != nil:
		return fmt.Errorf("%w: %w", errLost, err)
	case answer.Type != wire.MsgReady:
		return fmt.Errorf("the %s driver answered a script with %q: %s", k.Hello.Language, answer.Type, answer.Value)
	}
	return nil
}

// Discard ends a kernel that is nobody's.
func (k *Kernel) Discard() {
	_ = k.Process.Signal(syscall.SIGKILL)
	<-k.Process.Done()
	_ = k.Conn.Close()
	for _, f := range []*os.File{k.Stdout, k.Stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}
