package script

import (
	"context"
	"errors"
	"syscall"
	"time"

	"hotcell/process/output"
	"hotcell/runtimes"
)

// tailSize is how much of the output's end an error's message repeats.
const tailSize = 1 << 10

// run is one program, from its start to its end.
type run struct {
	sandbox string
	own     string // its directory
	room    string // what it may write to, where own isn't that; else empty
	number  int
	scratch string
	half    int64 // see output.New
	ctx     context.Context
	cancel  context.CancelCauseFunc
	clock   clock
}

// do is a run's life.
func (r *run) do(scripts runtimes.Scripts, program runtimes.Script, limit time.Duration) (Result, error) {
	r.clock.start(limit, func() { r.cancel(ErrTimeout) })
	defer r.clock.stop()
	program.Own, program.Room = r.own, r.room
	started, rejected, err := scripts.RunScript(r.ctx, program)
	if err != nil {
		if r.ctx.Err() != nil && errors.Is(err, context.Cause(r.ctx)) {
			return Result{}, r.cutShort(limit, &output.Kept{})
		}
		var failed *runtimes.StartError
		if errors.As(err, &failed) && len(program.Vars) > 0 {
			// It was the program's own variables that its interpreter didn't take.
			return Result{ExitCode: failed.Exit.Code, Output: failed.Words + "\n"}, nil
		}
		return Result{}, err
	}
	if rejected != nil {
		return Result{ExitCode: rejected.Code, Output: rejected.Output, Engine: rejected.Engine}, nil
	}
	text := output.New(r.scratch, r.half)
	defer text.Close()
	reader := output.Follow(started.Output, text)
	defer reader.Close()
	defer started.Close() // first: it ends whatever the reader waits for
	figures := follow(started.Conn)

	cut := r.await(started.Process)
	reader.Finish()
	figures.finish()
	if cut {
		return Result{}, r.cutShort(limit, text)
	}
	exit := started.Process.Exit()
	if exit.Unknown {
		r.cancel(ErrUnknownEnd)
		return Result{}, r.cutShort(limit, text)
	}
	return Result{
		ExitCode: exit.Code, Output: text.String(), Engine: started.Engine,
		Figures: figures.list, Omitted: figures.omitted,
	}, nil
}

// await returns when the process has ended, and whether that was our doing.
func (r *run) await(p runtimes.Process) (cut bool) {
	select {
	case <-p.Done():
		return false
	case <-r.ctx.Done():
	}
	select {
	case <-p.Done(): // in the same moment, by itself
		return false
	default:
	}
	_ = p.Signal(syscall.SIGKILL)
	<-p.Done()
	return true
}

func (r *run) cutShort(limit time.Duration, text *output.Kept) *CutError {
	return &CutError{Cause: context.Cause(r.ctx), Limit: limit, Output: text.String(), Tail: text.Tail(tailSize)}
}
