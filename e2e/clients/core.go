package clients

import (
	"context"
	"errors"
	"io"

	"hotcell/contexts"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/stream"
)

// Core uses a set of contexts without any dialect.
type Core struct {
	Set   *contexts.Set
	Owner string
}

// Name is core.
func (c *Core) Name() string { return "core" }

// Open creates a context.
func (c *Core) Open(ctx context.Context, o Options) (Context, error) {
	e, err := c.Set.Create(ctx, c.Owner, contexts.Options{Language: o.Language, Cwd: o.Cwd, Env: o.Env})
	if err != nil {
		return nil, err
	}
	return &coreContext{set: c.Set, entry: e}, nil
}

type coreContext struct {
	set   *contexts.Set
	entry *contexts.Entry
}

func (c *coreContext) ID() string { return c.entry.ID() }

func (c *coreContext) Start(ctx context.Context, cell Cell) (*Run, error) {
	x, err := c.entry.Execute(interpreter.Request{ID: cell.ID, Code: cell.Code, Env: cell.Env, Timeout: cell.Timeout, Stdin: cell.Stdin})
	if err != nil {
		return nil, err
	}
	r := newRun(x.ID())
	// Ends with the execution or with ctx.
	go follow(ctx, r, x.Events(0))
	return r, nil
}

func follow(ctx context.Context, r *Run, events *stream.Reader[wire.Event]) {
	for {
		evs, err := events.Next(ctx)
		if errors.Is(err, io.EOF) {
			r.end(nil)
			return
		}
		if err != nil {
			r.end(err)
			return
		}
		r.change(func(o *Outcome) {
			for _, ev := range evs {
				o.take(ev)
			}
		})
	}
}

func (c *coreContext) Delete(ctx context.Context) error {
	return c.set.Delete(ctx, c.entry.Owner, c.entry.ID())
}

func (c *coreContext) Interrupt(_ context.Context, r *Run) error {
	x, err := c.entry.Execution(r.ID)
	if err != nil {
		return err
	}
	return x.Interrupt("interrupted by a client", 0)
}

func (c *coreContext) Reply(_ context.Context, r *Run, value string) error {
	x, err := c.entry.Execution(r.ID)
	if err != nil {
		return err
	}
	return x.Reply(value, false, nil)
}

func (c *coreContext) Restart(ctx context.Context) error { return c.entry.Restart(ctx) }

func (c *coreContext) Epoch(context.Context) (int, error) { return c.entry.Status().Epoch, nil }

func (c *coreContext) Ask(ctx context.Context, kind, code string, cursor int) (Answer, error) {
	var m wire.Message
	var err error
	switch kind {
	case "complete":
		m, err = c.entry.Complete(ctx, code, cursor)
	case "inspect":
		m, err = c.entry.Inspect(ctx, code, cursor, 0)
	default:
		m, err = c.entry.IsComplete(ctx, code)
	}
	a := Answer{Start: m.Start, End: m.End, Found: m.Found, Text: plain(m.Bundle), Status: m.Status, Indent: m.Indent}
	for _, match := range m.Matches {
		a.Matches = append(a.Matches, match.Text)
	}
	return a, err
}
