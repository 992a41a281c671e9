// Package command runs one-shot commands in sandboxes: a text for the shell, or
// a program with its arguments. Whoever asks gets either the whole output in one
// piece, in which stdout and stderr keep their order ([Set.Run]), or a log of
// numbered events that can be followed, left, and read again ([Set.Start]).
//
// A command ends when its process does. What it has left running in the
// background ends with it, whatever session it is in; what is to live on belongs
// in a shell session. Its standard input is empty, unless it was asked for.
//
// Ownership: a [Set] owns its commands and ends them in Close. Requests own none:
// a command goes on when whoever asked for it has left.
//
// Goroutines: one for each running command and one for each of its pipes.
package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"hotcell/internal/child"
	"hotcell/process/output"
	"hotcell/stream"
)

// settle is how long output may still come when a command's process has ended
// and something that it left behind holds its pipes: time enough for the tee of
// a process substitution to write its last line.
const settle = 250 * time.Millisecond

// Causes for which the service ends a command.
var (
	ErrSandboxEnded = errors.New("its sandbox was stopped or deleted")
	ErrOutputLimit  = errors.New("it has put out more than is kept of one command")
	ErrDeleted      = errors.New("a client deleted it")
	ErrAbandoned    = errors.New("the client that it was attached to has left")
)

// Command is a command that runs, or has run.
type Command struct {
	id      string
	spec    Spec
	words   string
	code    string // all of it, while it runs and somebody wants to know
	created time.Time
	began   time.Time
	bytes   [2]int64 // of output as events; of the goroutine that reads it, until its end

	log  *stream.Log[Event] // nil when the output is kept in one piece
	kept *output.Kept       // nil otherwise

	ends   chan error         // why the service ends it, to live
	graces chan time.Duration // time until it is killed, to live
	exited chan struct{}      // closed when its process has ended by itself
	killed chan struct{}      // closed when it was sent SIGKILL
	done   chan struct{}      // closed when outcome is known and nothing is left

	mu      sync.Mutex
	process *child.Process // nil until it is started
	in      *os.File       // our end of its standard input; nil if that is empty
	dir     string
	outcome *Outcome // nil until done
}

// Snapshot is where a command stands.
type Snapshot struct {
	ID      string
	Sandbox string
	Words   string // the command, shortened if it is long
	Cwd     string
	Pid     int // 0 when it doesn't run
	Created time.Time
	Events  uint64 // how many there are so far
	Outcome *Outcome
}

// ID is unique among all commands.
func (c *Command) ID() string { return c.id }

// Done is closed when the command has ended and its last event is there.
func (c *Command) Done() <-chan struct{} { return c.done }

// Events reads the command's events from the one numbered from on. It is an
// error if they are not kept because somebody waits for all of the output.
func (c *Command) Events(from uint64) (*stream.Reader[Event], error) {
	if c.log == nil {
		return nil, fmt.Errorf("%w: %s was started by a request that waits for its whole output", ErrNoEvents, c.id)
	}
	return c.log.Reader(from), nil
}

// Snapshot says where the command stands.
func (c *Command) Snapshot() Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Snapshot{ID: c.id, Sandbox: c.spec.Place.Sandbox, Words: c.words, Cwd: c.dir, Created: c.created, Outcome: c.outcome}
	if c.process != nil && c.outcome == nil {
		s.Pid = c.process.Pid()
	}
	if c.log != nil {
		s.Events = c.log.Len()
	}
	return s
}

// Signal sends a signal to the command's process group; with a grace, SIGKILL
// follows if it hasn't ended by then.
func (c *Command) Signal(sig syscall.Signal, grace time.Duration) error {
	c.mu.Lock()
	p := c.process
	c.mu.Unlock()
	select {
	case <-c.done:
		return fmt.Errorf("%w: %s", ErrNotRunning, c.id)
	default:
	}
	if p == nil {
		return fmt.Errorf("%w: %s is only being started", ErrNotRunning, c.id)
	}
	if err := p.Signal(sig); err != nil {
		return fmt.Errorf("signal command: %w", err)
	}
	if grace > 0 {
		select {
		case c.graces <- grace:
		case <-c.done:
		}
	}
	return nil
}

// End ends the command for a cause. It returns before the command has ended.
func (c *Command) End(cause error) {
	select {
	case c.ends <- cause:
	default: // it is being ended already
	}
}

// start starts the process.
func (c *Command) start(ctx context.Context, s *Set) error {
	out, theirs, err := c.pipes()
	if err != nil {
		return c.spec.diagnose(err)
	}
	var in, ours *os.File
	if c.spec.Stdin {
		if in, ours, err = os.Pipe(); err != nil {
			out.abandon(theirs)
			return c.spec.diagnose(err)
		}
		defer in.Close()
	}
	c.began = time.Now()
	if s.cfg.Did != nil {
		c.code = c.spec.whole()
	}
	p, dir, err := c.spec.start(ctx, s.cfg.Host, in, theirs, func() { c.settle(out) })
	if err != nil {
		_ = ours.Close() // of nil, this is nothing
		out.abandon(theirs)
		return err
	}
	closeTheirs(theirs)
	c.mu.Lock()
	c.process, c.dir, c.in = p, dir, ours
	c.mu.Unlock()
	c.spec.Text, c.spec.Argv, c.spec.Env = "", nil, nil // many large ones would weigh more than what they put out
	if c.log != nil {
		_ = c.append(Event{Type: EventStart, ID: c.id, Pid: p.Pid()})
	}
	out.start()
	// Ends with the command; the set joins it.
	s.wg.Go(func() { //nolint:contextcheck // ctx bounds the start only
		if until := c.spec.Until; until != nil {
			defer context.AfterFunc(until, func() { c.End(context.Cause(until)) })()
		}
		o := c.live(s, p, out)
		_ = ours.Close()
		o.Duration = float64(p.Exit().At.Sub(c.began).Microseconds()) / 1000
		s.finish(c, o)
	})
	return nil
}

func (c *Command) pipes() (*streams, [2]*os.File, error) {
	if c.kept != nil {
		return newStreams(whole{c.kept}, 1)
	}
	full := false
	return newStreams(&pieces{emit: func(kind EventType, b []byte) {
		if full {
			return // it is being killed for what came before
		}
		c.count(kind, len(b))
		err := c.append(piece(kind, b)) // which was taken even so
		if full = err != nil; errors.Is(err, stream.ErrFull) {
			c.End(fmt.Errorf("%w (%w)", ErrOutputLimit, err))
		} else if full {
			c.End(fmt.Errorf("its output could not be kept: %w", err))
		}
	}}, 2)
}

// append adds an event. It is called by one goroutine at a time.
func (c *Command) append(e Event) error {
	_, err := c.log.Append(c.event(e))
	return err
}

// event gives an event its time, and its number.
func (c *Command) event(e Event) func(seq uint64) Event {
	e.Time = time.Now().UTC()
	return func(seq uint64) Event {
		e.Seq = seq
		return e
	}
}

// settle is called when the process has ended, before what it left behind is
// killed.
func (c *Command) settle(out *streams) {
	close(c.exited)
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case <-out.drained:
	case <-timer.C:
	case <-c.killed:
	}
}

// live waits for the command's end, and sees to it that it comes.
func (c *Command) live(s *Set, p *child.Process, out *streams) *Outcome {
	var limit, final <-chan time.Time
	if c.spec.Timeout > 0 {
		timer := time.NewTimer(c.spec.Timeout)
		defer timer.Stop()
		limit = timer.C
	}
	o := &Outcome{}
	kill := sync.OnceFunc(func() {
		close(c.killed)
		if err := p.Signal(syscall.SIGKILL); err != nil {
			s.cfg.Log.Error("cannot kill a command", slog.String("command", c.id), slog.Any("error", err))
		}
	})
	exited := c.exited
	for running := true; running; {
		select {
		case <-p.Done():
			running = false
		case <-exited:
			exited, limit = nil, nil
		case <-limit:
			o.Status, o.Reason = StatusTimeout, fmt.Sprintf("the command had not ended after %s and was killed", c.spec.Timeout)
			limit = nil
			kill()
		case cause := <-c.ends:
			if o.Status == "" && exited != nil {
				o.Status, o.Reason, o.Cause = StatusEnded, "the command was killed: "+cause.Error(), cause
			}
			kill()
		case grace := <-c.graces:
			final = time.After(grace)
		case <-final:
			kill()
		}
	}
	out.end()
	o.describe(p.Exit())
	if limits := p.Exit().Count.String(); limits != "" && c.kept != nil { // whose outcome has no room for a reason
		c.kept.Note("hotcell: " + limits)
	}
	return o
}

// describe adds how the process ended to why.
func (o *Outcome) describe(e child.Exit) {
	o.Code = e.Code
	switch {
	case e.Unknown:
		o.Code = -1
	case e.Signal != 0:
		o.Signal = child.SignalName(e.Signal)
	}
	o.Killed = e.Count.Killed
	if o.Status == "" {
		o.Reason = e.Count.String()
	}
	if o.Status == "" && e.Unknown {
		o.Status, o.Reason = StatusEnded, "the first process of its sandbox was killed, and with it everything inside; how the command ended is not known"
	}
	if o.Status == "" {
		o.Status = StatusExited
		if o.Signal != "" {
			o.Status = StatusSignaled
		}
	}
}
