package client

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/wire"
)

// maxInline is more than any event carries: this client reads whatever comes.
const maxInline = 1 << 30

// Code is something to run.
type Code struct {
	Sandbox   string
	Context   string // empty: the default context of Language
	Language  string
	Code      string
	Env       map[string]string
	Timeout   time.Duration
	Stdin     bool
	Execution string // an id of the caller's choice; empty: a new UUID
}

// Run is an execution that a client follows. Whoever has one has to call Next: when a few
// messages wait for that, whatever else the server says to this client waits behind them.
type Run struct {
	ID      string
	Context string

	c     *Client
	batch chan message
	over  bool // Next has returned the last event; of the goroutine that calls it
	last  uint64
}

// Snapshot is what a server says about an execution.
type Snapshot struct {
	ID      string      `json:"id"`
	Context string      `json:"context"`
	State   wire.State  `json:"state"`
	Status  wire.Status `json:"status"`
	Events  uint64      `json:"events"`
	Error   *wire.Event `json:"error"`
}

// Execute starts an execution and follows it.
func (c *Client) Execute(ctx context.Context, code Code) (*Run, error) {
	if code.Execution == "" {
		code.Execution = uuid.NewString() // so that its events can be told from the first on
	}
	return c.follow(ctx, code.Execution, map[string]any{
		"type": "execute", "execution": code.Execution, "sandbox": code.Sandbox, "context": code.Context,
		"language": code.Language, "code": code.Code, "env": code.Env, "stdin": code.Stdin,
		"inline":     maxInline,
		"timeout_ms": float64(code.Timeout) / float64(time.Millisecond),
	})
}

// Attach follows an execution that is there already, from an event on.
func (c *Client) Attach(ctx context.Context, execution string, from uint64) (*Run, error) {
	return c.follow(ctx, execution, map[string]any{"type": "attach", "execution": execution, "from": from, "inline": maxInline})
}

func (c *Client) follow(ctx context.Context, id string, request map[string]any) (*Run, error) {
	r := &Run{ID: id, c: c, batch: make(chan message, 4)}
	var s Snapshot
	err := c.call(ctx, request, &s, func() {
		c.mu.Lock()
		c.runs[id] = r
		c.mu.Unlock()
	})
	if err != nil {
		r.forget()
		return nil, err
	}
	r.Context = s.Context
	return r, nil
}

func (r *Run) forget() {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.c.runs[r.ID] == r {
		delete(r.c.runs, r.ID)
	}
}

// take is called by the client's reader.
func (r *Run) take(m message) {
	select {
	case r.batch <- m:
	case <-r.c.ctx.Done():
	}
}

// Next returns the next events, at least one; io.EOF after the last.
func (r *Run) Next(ctx context.Context) ([]wire.Event, error) {
	if r.over {
		return nil, io.EOF
	}
	select {
	case m := <-r.batch:
		return r.open(m)
	default:
	}
	select {
	case m := <-r.batch:
		return r.open(m)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-r.c.ctx.Done():
		return nil, r.c.fault()
	}
}

func (r *Run) open(m message) ([]wire.Event, error) {
	if m.Error != nil {
		r.over = true
		r.forget()
		return nil, fmt.Errorf("follow execution: %w", m.Error)
	}
	if n := len(m.Events); n > 0 {
		r.last = m.Events[n-1].Seq
		if e := m.Events[n-1]; e.Type == wire.EventState && e.State == wire.StateDone {
			r.over = true
			r.forget()
		}
	}
	return m.Events, nil
}

// Last is the number of the last event that Next returned: whoever attaches
// from the one after it misses nothing and sees nothing twice.
func (r *Run) Last() uint64 { return r.last }

// Interrupt asks the server to end the execution.
func (r *Run) Interrupt(ctx context.Context) error {
	return r.c.Call(ctx, map[string]any{"type": "interrupt", "execution": r.ID}, nil)
}

// Reply answers an input request; eof ends the input instead.
func (r *Run) Reply(ctx context.Context, value string, eof bool) error {
	request := map[string]any{"type": "input_reply", "execution": r.ID}
	if eof {
		request["eof"] = true
	} else {
		request["value"] = value
	}
	return r.c.Call(ctx, request, nil)
}
