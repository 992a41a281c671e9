package interpreter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotcell/internal/child"
	"hotcell/internal/wire"
)

// The ladder: SIGINT at once, again after 250 ms and 1 s for code that lost
// the first one (system(3) ignores it while its child runs, and a loop may
// swallow one), and SIGKILL after the grace. Two seconds leave room for a
// handler that writes something away, and keep the end within three.
const (
	defaultGrace = 2 * time.Second
	secondTry    = 250 * time.Millisecond
	thirdTry     = time.Second
	// closeGrace is how long a process may live on once its driver has closed
	// the protocol: an interpreter that runs its exit handlers.
	closeGrace = time.Second
)

// reasonOutput is why an execution is ended whose log is full.
const reasonOutput = "output_limit"

// watch follows one execution from its start until the kernel is done with it
// or dead. Its fields are the loop's alone.
type watch struct {
	in *Interpreter
	k  *kernel
	e  *Execution

	reason   string // why it is being ended: empty while nobody wants that
	text     string // the same for the user
	tries    int    // how many interrupts were sent
	grace    time.Duration
	stopped  time.Time // when the ladder began
	killed   bool
	done     *wire.Message // the driver's last word
	restart  chan error
	lostNote int64 // bytes of output that had no room
}

// await returns when the driver has said done, or the kernel is dead.
func (w *watch) await() {
	replies, gone, closing, full := w.k.replies, w.k.Process.Done(), w.in.ctx.Done(), w.k.out.fullLog()
	resets := w.in.resets
	limit := timer(w.e.req.Timeout)
	defer limit.Stop()
	next := timer(0)
	defer next.Stop()
	for replies != nil || gone != nil {
		select {
		case m, ok := <-replies:
			if ok && m.Type == wire.MsgDone && !w.killed {
				w.done = &m
				return
			}
			if !ok { // the protocol's end: the process follows, or is made to
				replies = nil
				next.Reset(closeGrace)
			}
		case <-gone:
			gone = nil
			_ = w.k.Conn.SetReadDeadline(time.Now().Add(drainTime))
		case <-limit.C:
			next.Reset(w.climb("timeout", fmt.Sprintf("the time limit of %s passed", w.e.req.Timeout), defaultGrace))
		case i := <-w.e.signal:
			next.Reset(w.climb("interrupt", i.reason, i.grace))
		case <-full:
			full = nil
			w.in.cfg.Observe.limited(reasonOutput)
			next.Reset(w.climb(reasonOutput, w.k.out.overflowText(), defaultGrace))
		case <-next.C:
			if after := w.again(replies == nil); after > 0 {
				next.Reset(after)
			}
		case <-closing:
			closing = nil
			reason, _ := w.in.closeReason()
			w.kill(reason.Reason, reason.Text)
		case w.restart = <-resets:
			resets = nil
			w.kill("context_restarted", "the context was restarted")
		}
	}
}

// neverRan reports that the kernel died without having read the request, as
// one does that was killed a moment before. Nothing else was sent that could
// have been left unread.
func (w *watch) neverRan() bool {
	return w.done == nil && w.reason == "" && w.k.hasUnread() && !w.e.wasAsked()
}

// timer makes one that never fires for 0.
func timer(d time.Duration) *time.Timer {
	if d > 0 {
		return time.NewTimer(d)
	}
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// climb begins the ladder, unless it has begun, and says when to go on.
func (w *watch) climb(reason, text string, grace time.Duration) time.Duration {
	if w.reason == "" {
		if grace == 0 {
			grace = defaultGrace
		}
		if !w.e.hold() {
			return time.Hour // the driver's done is on its way here
		}
		w.reason, w.text, w.grace, w.stopped = reason, text, grace, time.Now()
		w.interrupt()
	} else if w.grace < 0 && grace >= 0 { // a second request allows the kill
		w.grace = time.Since(w.stopped) + max(grace, secondTry)
	}
	return w.pause()
}

// again takes the ladder's next step and says when the one after it is due; 0
// is never.
func (w *watch) again(protocolEnded bool) time.Duration {
	passed := time.Since(w.stopped)
	switch {
	case protocolEnded:
		w.k.kill()
		return 0
	case w.reason == "":
		return 0
	case w.grace >= 0 && passed >= w.grace:
		w.killed = true
		w.in.cfg.Observe.interrupted(stepKill)
		w.k.kill()
		return 0
	case w.tries == 1 && passed >= secondTry, w.tries == 2 && passed >= thirdTry:
		w.interrupt()
	}
	return w.pause()
}

// pause is the time until the next step.
func (w *watch) pause() time.Duration {
	var at time.Duration
	switch {
	case w.tries == 1:
		at = secondTry
	case w.tries == 2:
		at = thirdTry
	case w.grace < 0:
		return 0
	default:
		at = w.grace
	}
	if w.grace >= 0 {
		at = min(at, w.grace)
	}
	return max(at-time.Since(w.stopped), time.Millisecond)
}

// kill ends the kernel without asking.
func (w *watch) kill(reason, text string) {
	if !w.e.hold() {
		return // the driver's done is on its way here
	}
	w.reason, w.text, w.killed = reason, text, true
	w.k.kill()
}

// stepKill is the ladder's last.
const stepKill = "kill"

// interrupt takes one of the steps before it.
func (w *watch) interrupt() {
	w.tries++
	w.in.cfg.Observe.interrupted(strconv.Itoa(w.tries))
	w.k.interrupt()
}

// died tells how the kernel ended, if nobody has asked for that.
func (w *watch) died(exit child.Exit) {
	switch w.reason {
	case "":
		w.in.cfg.Observe.died(w.in.cfg.Language, w.k.causeOf(exit))
	case "timeout", "interrupt", reasonOutput:
		w.in.cfg.Observe.died(w.in.cfg.Language, w.reason)
	}
}

func (c *kernel) kill() { _ = c.Process.Signal(syscall.SIGKILL) }

// conclude appends the execution's last events.
func (w *watch) conclude() {
	w.lostNote = w.k.out.detach()
	if w.done != nil {
		if !slices.Equal(w.k.names, w.done.Names) || w.k.more != w.done.More {
			w.in.cfg.Names(w.done.Names, w.done.More)
		}
		w.k.names, w.k.more = w.done.Names, w.done.More
		if !w.e.isOver() {
			w.concludeLive()
		}
		return
	}
	exit := w.k.exit()
	w.in.bury()
	w.concludeDead(exit)
}

// concludeLive is for a kernel that is still there.
func (w *watch) concludeLive() {
	status := wire.Status(w.done.Status)
	cause := &wire.Cause{Reason: w.reason, Step: "interrupt", StateKept: true}
	held := w.e.heldError()
	switch w.reason {
	case "":
		if w.lostNote > 0 {
			_ = w.e.append(wire.Event{Type: wire.EventNotice, Text: discardedNotice(w.lostNote)})
		}
	case "interrupt":
		if held != nil {
			held.Cause = cause
			held.Value = joinWords(held.Value, w.text, "the context's variables are kept")
			w.e.fail(*held)
			status = wire.StatusInterrupted
		}
	case "timeout":
		w.e.fail(w.stoppedError("TimeoutError", held, cause, "it was interrupted and the context's variables are kept"))
		status = wire.StatusTimeout
	default: // output_limit
		w.e.fail(w.stoppedError("OutputLimitError", held, cause,
			discardedNotice(w.lostNote)+"; it was interrupted and the context's variables are kept"))
		status = wire.StatusError
	}
	w.e.finish(status)
}

// stoppedError is the service's account of an execution that it ended, with
// the driver's traceback, which shows where.
func (w *watch) stoppedError(name string, held *wire.Event, cause *wire.Cause, after string) wire.Event {
	ev := wire.Event{Name: name, Value: w.text + "; " + after, Cause: cause}
	if held != nil {
		ev.Traceback = held.Traceback
	}
	return ev
}

// concludeDead is for a kernel that is gone, by our hand or otherwise.
func (w *watch) concludeDead(exit child.Exit) {
	cause := &wire.Cause{Reason: w.reason}
	if !exit.Unknown && exit.Signal == 0 {
		cause.ExitCode = &exit.Code
	}
	if exit.Signal != 0 {
		cause.Signal = child.SignalName(exit.Signal)
	}
	ev := wire.Event{Cause: cause, Lost: w.k.names, LostMore: w.k.more}
	status := wire.StatusDied
	how := w.k.ended()
	lost := lostWords(w.k.names, w.k.more)
	if w.killed {
		cause.Step = "kill"
	}
	switch w.reason {
	case "timeout", "output_limit", "interrupt":
		ev.Name = map[string]string{"timeout": "TimeoutError", "output_limit": "OutputLimitError", "interrupt": "InterruptedError"}[w.reason]
		status = map[string]wire.Status{"timeout": wire.StatusTimeout, "output_limit": wire.StatusDied, "interrupt": wire.StatusInterrupted}[w.reason]
		if w.killed {
			how = fmt.Sprintf("killed, since %d interrupts did not end it within %s", w.tries, w.grace)
		}
		ev.Value = fmt.Sprintf("%s; the %s kernel was %s; %s", w.text, w.in.cfg.Language, how, lost)
	case "":
		cause.Reason, ev.Name = "kernel_died", "KernelDiedError"
		if w.k.breach() != nil {
			cause.Reason, ev.Name = diedProtocol, "ProtocolError"
		} else if exit.OutOfMemory() {
			cause.Reason, ev.Name = "out_of_memory", "OutOfMemoryError"
			cause.Killed, cause.LimitOf, cause.Limit = exit.Count.Killed, exit.Count.Memory.Of, exit.Count.Memory.Limit
		}
		ev.Value = fmt.Sprintf("the %s kernel ended while this ran: %s; %s", w.in.cfg.Language, how, lost)
	case "context_restarted":
		ev.Name, ev.Value, status = "ContextRestartedError", w.text+" while this ran", wire.StatusCancelled
	default:
		reason, _ := w.in.closeReason()
		ev.Name, ev.Value, status = reason.Name, w.text+" while this ran", wire.StatusCancelled
	}
	if w.lostNote > 0 {
		ev.Value += "; " + discardedNotice(w.lostNote)
	}
	if counted := exit.Count.String(); counted != "" && !strings.Contains(ev.Value, counted) {
		ev.Value += "; " + counted
	}
	w.died(exit)
	w.in.remember(w.k, how)
	w.e.fail(ev)
	w.e.finish(status)
}
