package interpreter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/stream"
)

// loop is a context's life: it takes one job after another, and between jobs
// it notices when the kernel dies or somebody wants a new one.
func (in *Interpreter) loop() {
	defer close(in.ended)
	defer in.bury()
	in.confirm()
	for in.ctx.Err() == nil {
		if j, ok := in.next(); ok {
			in.handle(j)
			continue
		}
		select {
		case <-in.ctx.Done():
		case <-in.wake:
		case result := <-in.resets:
			result <- in.restart()
		case <-in.gone():
			in.diedIdle()
		}
	}
}

// next takes the first job of the queue.
func (in *Interpreter) next() (job, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) == 0 || in.ctx.Err() != nil {
		return job{}, false
	}
	j := in.queue[0]
	in.queue[0] = job{}
	in.queue = in.queue[1:]
	in.running = j.exec
	return j, true
}

func (in *Interpreter) handle(j job) {
	if j.ask != nil {
		in.answer(j.ask)
		return
	}
	result := in.run(j.exec)
	in.mu.Lock()
	in.running, in.used = nil, in.cfg.Now()
	in.mu.Unlock()
	in.file(j.exec)
	j.exec.log.Settle(settled)
	if result != nil {
		result <- in.restart()
	}
}

// gone is closed when there is a kernel and it has ended.
func (in *Interpreter) gone() <-chan struct{} {
	if k := in.current(); k != nil {
		return k.Process.Done()
	}
	return nil
}

func (in *Interpreter) current() *kernel {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.live
}

// start gives the context a kernel that takes code. With trust it doesn't wait for a
// parked one to say so, which is alive and has nothing to refuse that was not looked
// at before, if it could be told: confirm has to follow.
func (in *Interpreter) start(ctx context.Context, trust bool, why string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errNoKernel)
	defer cancel()
	k, err := in.obtain(ctx, trust)
	if errors.Is(err, runtimes.ErrStruck) && ctx.Err() == nil {
		k, err = in.obtain(ctx, trust)
	}
	if err != nil {
		return fmt.Errorf("start %s kernel: %w", in.cfg.Language, err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.live, in.version = k, k.Hello.Version
	in.epoch++
	in.cfg.Observe.started(in.cfg.Language, why)
	return nil
}

// obtain gets a kernel that takes code, or is trusted to.
func (in *Interpreter) obtain(ctx context.Context, trust bool) (*kernel, error) {
	raw, err := in.cfg.Spawn(ctx)
	if err != nil {
		return nil, err
	}
	k := newKernel(raw, in.cfg)
	if k.trusted = trust && k.Parked && small(in.configuration(k)); k.trusted {
		return k, nil
	}
	k.send(in.configuration(k))
	if err := k.configured(ctx); err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

var errNoKernel = fmt.Errorf("no kernel after %s", startLimit)

// configuration tells a kernel whose it is.
func (in *Interpreter) configuration(k *kernel) wire.Request {
	return wire.Request{Type: wire.ReqConfigure, Language: in.cfg.Language, Cwd: in.cfg.Cwd, Env: in.cfg.Env, Doors: k.Doors()}
}

// confirm tells a kernel that was trusted, while whoever asked for the context is answered,
// and waits for its word. Without it the next execution gets another kernel, or is told
// why there is none.
func (in *Interpreter) confirm() {
	k := in.current()
	if !k.trusted {
		return
	}
	k.send(in.configuration(k))
	if k.Group != nil {
		k.Group.Count() // opens its files, which the end of the first execution needn't wait for then
	}
	ctx, cancel := context.WithTimeoutCause(in.ctx, startLimit, errNoKernel)
	defer cancel()
	if err := k.configured(ctx); err != nil && in.ctx.Err() == nil {
		in.lose(k, err.Error())
		in.cfg.Log.LogAttrs(in.ctx, slog.LevelWarn, "a parked kernel was of no use",
			slog.String("context", in.cfg.ID), slog.Any("error", err))
	}
}

// ready returns the kernel, starting one when there is none.
func (in *Interpreter) ready() (*kernel, error) {
	if k := in.current(); k != nil {
		select {
		case <-k.Process.Done():
			in.diedIdle()
		default:
			return k, nil
		}
	}
	if err := in.start(in.ctx, false, startReplacement); err != nil {
		return nil, err
	}
	return in.current(), nil
}

// restart is Restart, on the loop.
func (in *Interpreter) restart() error {
	in.bury()
	in.mu.Lock()
	in.lost = nil // whoever restarts knows
	in.mu.Unlock()
	in.cfg.Names(nil, 0)
	return in.start(in.ctx, false, startRestart)
}

// bury ends the kernel, if there is one, with all that belongs to it.
func (in *Interpreter) bury() {
	in.mu.Lock()
	k := in.live
	in.live = nil
	in.mu.Unlock()
	if k != nil {
		k.close()
	}
}

// diedIdle accounts for a kernel that ended between executions.
func (in *Interpreter) diedIdle() {
	k := in.current()
	in.bury()
	in.cfg.Observe.died(in.cfg.Language, k.causeOf(k.Process.Exit()))
	how := k.ended()
	in.remember(k, how+" while nothing ran")
	in.cfg.Log.LogAttrs(in.ctx, slog.LevelWarn, "kernel ended while idle",
		slog.String("context", in.cfg.ID), slog.String("exit", how))
}

// remember keeps, for the next execution, what went with the kernel.
func (in *Interpreter) remember(k *kernel, how string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.lost != nil && len(k.names) == 0 {
		// No execution has run in it, so none has been told of the one before,
		// which took the variables along.
		return
	}
	in.lost = &wire.Event{
		Type: wire.EventNotice, Text: lostNotice(in.cfg.Language, how, k.names, k.more),
		Lost: k.names, LostMore: k.more,
	}
}

// run is one execution, from its first event to its last. What it returns is
// the waiting Restart that ended it.
func (in *Interpreter) run(e *Execution) (restart chan error) {
	code, fault := in.cfg.Translate(in.cfg.Language, e.req.Code)
	for try := 1; ; try++ {
		k, err := in.ready()
		epoch, count, lost := in.number(try, err == nil)
		if try == 1 {
			if fault := e.begin(epoch, count); fault != nil {
				in.failBegin(e, fault, lost)
				return nil
			}
		}
		if err != nil {
			in.failStart(e, err)
			return nil
		}
		if lost != nil {
			lost.Epoch = epoch
			if err := e.append(*lost); errors.Is(err, stream.ErrTooLarge) {
				_ = e.append(reduced(*lost))
			}
		}
		if fault != nil {
			e.fail(wire.Event{Name: fault.Name, Value: fault.Value, Traceback: fault.Traceback})
			e.finish(wire.StatusError)
			return nil
		}
		request := wire.Request{Type: wire.ReqExecute, ID: e.req.ID, Code: code, Env: e.req.Env, Stdin: e.req.Stdin, Formats: e.req.Formats}
		k.begin(e) // from here on e is the kernel's until its done
		k.send(request)
		w := watch{in: in, k: k, e: e}
		w.await()
		if try == 1 && w.neverRan() {
			in.diedIdle()
			continue
		}
		w.conclude()
		return w.restart
	}
}

// number counts an execution, and hands it the notice that it begins with.
func (in *Interpreter) number(try int, started bool) (epoch, count int, lost *wire.Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if try == 1 {
		in.count++
	}
	if started {
		lost, in.lost = in.lost, nil
	}
	return in.epoch, in.count, lost
}

// failBegin ends an execution whose events are not taken. What it would have begun with
// is the next one's.
func (in *Interpreter) failBegin(e *Execution, err error, lost *wire.Event) {
	in.mu.Lock()
	in.lost = cmp.Or(in.lost, lost)
	in.mu.Unlock()
	in.cfg.Observe.limited(reasonOutput)
	e.fail(wire.Event{
		Name: "OutputLimitError", Value: fmt.Sprintf("its output could not be kept: %v; it ended before its code ran", err),
		Cause: &wire.Cause{Reason: reasonOutput},
	})
	e.finish(wire.StatusCancelled)
}

// failStart ends an execution that no kernel could be had for.
func (in *Interpreter) failStart(e *Execution, err error) {
	if reason, ok := in.closeReason(); ok {
		e.fail(wire.Event{Name: reason.Name, Value: reason.Text, Cause: &wire.Cause{Reason: reason.Reason}})
		e.finish(wire.StatusCancelled)
		return
	}
	e.fail(wire.Event{Name: "KernelStartError", Value: err.Error(), Cause: &wire.Cause{Reason: "start_failed"}})
	e.finish(wire.StatusDied)
}

// closeReason is why the context is being closed, if it is.
func (in *Interpreter) closeReason() (ClosedError, bool) {
	if in.ctx.Err() == nil {
		return ClosedError{}, false
	}
	reason := Shutdown()
	_ = errors.As(context.Cause(in.ctx), &reason)
	return reason, true
}

// answer puts a question to the driver.
func (in *Interpreter) answer(q *question) {
	k, err := in.ready()
	if err != nil {
		q.answer <- answer{err: err}
		return
	}
	k.ask(q.req)
	limit := time.NewTimer(askLimit)
	defer limit.Stop()
	interrupted := false
	for {
		select {
		case m, ok := <-k.replies:
			if ok && m.Type == wire.MsgRefused {
				q.answer <- answer{err: fmt.Errorf("%s: %w", q.req.Type, &RefusedError{Value: m.Value})}
				return
			}
			if ok && interrupted { // it has little to say, but lives
				q.answer <- answer{err: fmt.Errorf("%s: %w in %s and was interrupted", q.req.Type, ErrNoAnswer, askLimit)}
				return
			}
			if ok {
				q.answer <- answer{msg: m}
				return
			}
			q.answer <- answer{err: fmt.Errorf("%s: %w", q.req.Type, errProtocolEnd)}
			in.lose(k, "ended while it answered "+q.req.Type)
			return
		case <-limit.C:
			if !interrupted {
				interrupted = true
				k.interrupt()
				limit.Reset(defaultGrace)
				continue
			}
			q.answer <- answer{err: fmt.Errorf("%s: %w in %s and was replaced", q.req.Type, ErrNoAnswer, askLimit)}
			in.lose(k, fmt.Sprintf("killed after %s without an answer to %s", askLimit, q.req.Type))
			return
		case <-in.ctx.Done():
			q.answer <- answer{err: fmt.Errorf("%s: %w", q.req.Type, ErrClosed)}
			return
		}
	}
}

// lose buries a kernel that is of no use any more.
func (in *Interpreter) lose(k *kernel, how string) {
	in.bury()
	in.cfg.Observe.died(in.cfg.Language, diedUseless)
	in.remember(k, how)
}

// ask sends a question and remembers which answer is wanted.
func (c *kernel) ask(r wire.Request) {
	c.mu.Lock()
	c.asking = r.ID
	c.mu.Unlock()
	c.send(r)
}
