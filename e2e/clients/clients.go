// Package clients runs cells over every way that leads to a context: the core
// without a server, the native WebSocket, and the Daytona protocol as it is on
// the wire. What comes back is the same [Outcome], so that one table of cells
// and expectations runs over all of them.
//
// Goroutines: one for each started [Run], which ends with the run, with its
// connection, or with the context that it was started with.
package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hotcell/internal/wire"
)

// Cell is one piece of code and how it is to run.
type Cell struct {
	Code    string
	Env     map[string]string
	Timeout time.Duration // 0: none
	Stdin   bool          // the native dialect's; others have no input
	ID      string        // the native dialect's; empty is a new one
}

// Options describe a context.
type Options struct {
	Language string
	Cwd      string
	Env      map[string]string
}

// Client is one dialect.
type Client interface {
	Name() string
	Open(ctx context.Context, o Options) (Context, error)
}

// Context is a live context seen through a dialect.
type Context interface {
	ID() string
	// Start queues a cell. ctx bounds the following of the run.
	Start(ctx context.Context, c Cell) (*Run, error)
	Delete(ctx context.Context) error
}

// Controlled is a context of a dialect that can do more than run and delete.
type Controlled interface {
	Context
	Interrupt(ctx context.Context, r *Run) error
	Reply(ctx context.Context, r *Run, value string) error
	Restart(ctx context.Context) error
	Ask(ctx context.Context, kind, code string, cursor int) (Answer, error)
	Epoch(ctx context.Context) (int, error)
}

// Answer is what a driver says about code.
type Answer struct {
	Matches    []string
	Start, End int
	Found      bool
	Text       string // the text/plain of an inspection
	Status     string
	Indent     string
}

// Piece is output: adjacent pieces of one stream are one, once the run is over.
type Piece struct {
	Stream string // stdout, stderr, or the type of what stands between
	Text   string
}

// Failure is an error as the client saw it.
type Failure struct {
	Name, Value, Traceback string
	Cause                  *wire.Cause // nil where the dialect has no place for it
	Lost                   []string
}

// Outcome is all that a client was told about one run.
type Outcome struct {
	Pieces  []Piece
	Result  string // text/plain of the last expression's value
	Error   *Failure
	Status  string
	Epoch   int
	Notices []string
	Lost    []string  // of the notices
	Started time.Time // when the first word arrived
	Ended   time.Time // when the last word arrived
	Close   int       // the close code of a socket of the run's own
}

// Stdout is what was written to stream 1.
func (o Outcome) Stdout() string { return o.stream("stdout") }

// Stderr is what was written to stream 2.
func (o Outcome) Stderr() string { return o.stream("stderr") }

func (o Outcome) stream(name string) string {
	var b strings.Builder
	for _, p := range o.Pieces {
		if p.Stream == name {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// String shows an outcome in a test's failure.
func (o Outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "status %s", o.Status)
	if o.Result != "" {
		fmt.Fprintf(&b, ", result %.300q", o.Result)
	}
	if o.Error != nil {
		fmt.Fprintf(&b, ", %s: %.1000s\n%.2000s\ncause %+v lost %v", o.Error.Name, o.Error.Value, o.Error.Traceback, o.Error.Cause, o.Error.Lost)
	}
	for _, p := range o.Pieces {
		fmt.Fprintf(&b, "\n  %s %.500q", p.Stream, p.Text)
	}
	for _, n := range o.Notices {
		fmt.Fprintf(&b, "\n  notice %.500q", n)
	}
	return b.String()
}

// Run is one execution that is being followed.
type Run struct {
	ID   string
	done chan struct{}

	mu      sync.Mutex
	outcome Outcome
	err     error
	changed chan struct{} // closed at the next change
}

func newRun(id string) *Run {
	return &Run{ID: id, done: make(chan struct{}), changed: make(chan struct{})}
}

// Done is closed when nothing more will come.
func (r *Run) Done() <-chan struct{} { return r.done }

// Wait returns the outcome once the run is over.
func (r *Run) Wait(ctx context.Context) (Outcome, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.outcome, fmt.Errorf("wait for the run's end: %w; so far %s", context.Cause(ctx), r.outcome)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outcome, r.err
}

// Until returns when the run's standard output contains text.
func (r *Run) Until(ctx context.Context, text string) error {
	return r.when(ctx, fmt.Sprintf("output %q", text), func(o *Outcome) bool { return strings.Contains(o.Stdout(), text) })
}

// Begun returns when the run has left the queue.
func (r *Run) Begun(ctx context.Context) error {
	return r.when(ctx, "the first event", func(o *Outcome) bool { return !o.Started.IsZero() })
}

// Asked returns when the run has asked for input n times.
func (r *Run) Asked(ctx context.Context, n int) error {
	return r.when(ctx, "a request for input", func(o *Outcome) bool {
		asked := 0
		for _, p := range o.Pieces {
			if p.Stream == string(wire.EventInputRequest) {
				asked++
			}
		}
		return asked >= n
	})
}

func (r *Run) when(ctx context.Context, what string, holds func(*Outcome) bool) error {
	for {
		r.mu.Lock()
		ok, changed := holds(&r.outcome), r.changed
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-r.done:
			r.mu.Lock()
			defer r.mu.Unlock()
			if holds(&r.outcome) {
				return nil
			}
			return fmt.Errorf("the run ended without %s: %s", what, r.outcome)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		}
	}
}

// change is called by the goroutine that follows.
func (r *Run) change(f func(*Outcome)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.outcome)
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Run) end(err error) {
	r.change(func(o *Outcome) {
		o.Ended = time.Now()
		o.merge()
		r.err = err
	})
	close(r.done)
}

// take adds one event.
func (o *Outcome) take(ev wire.Event) {
	if o.Started.IsZero() && ev.State != wire.StateQueued {
		o.Started = time.Now()
	}
	switch ev.Type {
	case wire.EventState:
		o.Epoch = max(o.Epoch, ev.Epoch)
		if ev.State == wire.StateDone {
			o.Status = string(ev.Status)
		}
	case wire.EventStdout, wire.EventStderr:
		o.Pieces = append(o.Pieces, Piece{string(ev.Type), ev.Text})
	case wire.EventNotice:
		o.Notices = append(o.Notices, ev.Text)
		o.Lost = append(o.Lost, ev.Lost...)
	case wire.EventResult:
		o.Result = plain(ev.Bundle)
	case wire.EventDisplay, wire.EventClearOutput, wire.EventInputRequest:
		text := plain(ev.Bundle)
		if ev.Type == wire.EventInputRequest {
			text = ev.Prompt
		}
		o.Pieces = append(o.Pieces, Piece{string(ev.Type), text})
	case wire.EventError:
		o.Error = &Failure{Name: ev.Name, Value: ev.Value, Traceback: ev.Traceback, Cause: ev.Cause, Lost: slices.Clone(ev.Lost)}
	}
}

// merge joins adjacent pieces of output. It is done once, at the end: much
// output comes in many pieces.
func (o *Outcome) merge() {
	var merged []Piece
	for i := 0; i < len(o.Pieces); {
		stream, n := o.Pieces[i].Stream, i+1
		text := o.Pieces[i].Text
		if stream == string(wire.EventStdout) || stream == string(wire.EventStderr) {
			var b strings.Builder
			b.WriteString(text)
			for ; n < len(o.Pieces) && o.Pieces[n].Stream == stream; n++ {
				b.WriteString(o.Pieces[n].Text)
			}
			text = b.String()
		}
		merged = append(merged, Piece{stream, text})
		i = n
	}
	o.Pieces = merged
}

// plain is a bundle's text/plain.
func plain(b wire.Bundle) string {
	var s string
	_ = json.Unmarshal(b["text/plain"], &s)
	return s
}
