package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// Native speaks hotcell's own protocol over one WebSocket for each context, so
// that no context waits for a reader of another.
type Native struct {
	URL, Key string
	Sandbox  string // empty: the default one
}

// Name is native.
func (n *Native) Name() string { return "native" }

// Open creates a context.
func (n *Native) Open(ctx context.Context, o Options) (Context, error) {
	c, err := client.Dial(ctx, n.URL, n.Key)
	if err != nil {
		return nil, err
	}
	nc := &nativeContext{c: c}
	var created struct{ ID string }
	request := map[string]any{"type": "create_context", "language": o.Language, "cwd": o.Cwd, "env": o.Env}
	if n.Sandbox != "" {
		request["sandbox"] = n.Sandbox
	}
	if err := c.Call(ctx, request, &created); err != nil {
		c.Close()
		return nil, fmt.Errorf("create context: %w", err)
	}
	nc.id = created.ID
	return nc, nil
}

type nativeContext struct {
	c    *client.Client
	id   string
	runs sync.WaitGroup
}

func (n *nativeContext) ID() string { return n.id }

func (n *nativeContext) Start(ctx context.Context, cell Cell) (*Run, error) {
	x, err := n.c.Execute(ctx, client.Code{
		Context: n.id, Code: cell.Code, Env: cell.Env, Timeout: cell.Timeout, Stdin: cell.Stdin, Execution: cell.ID,
	})
	if err != nil {
		return nil, err
	}
	r := newRun(x.ID)
	// Ends with the execution, the connection or ctx.
	n.runs.Go(func() { followNative(ctx, r, x) })
	return r, nil
}

func followNative(ctx context.Context, r *Run, x *client.Run) {
	var last uint64
	for {
		evs, err := x.Next(ctx)
		if errors.Is(err, io.EOF) {
			r.end(nil)
			return
		}
		if err != nil {
			r.end(err)
			return
		}
		for _, ev := range evs {
			if ev.Seq != last+1 {
				r.end(fmt.Errorf("event %d came after %d", ev.Seq, last))
				return
			}
			last = ev.Seq
		}
		r.change(func(o *Outcome) {
			for _, ev := range evs {
				o.take(ev)
			}
		})
	}
}

// Delete also ends the connection, once the runs have been told.
func (n *nativeContext) Delete(ctx context.Context) error {
	defer n.c.Close()
	if err := n.c.Call(ctx, map[string]any{"type": "delete_context", "context": n.id}, nil); err != nil {
		return err
	}
	n.runs.Wait()
	return nil
}

func (n *nativeContext) Interrupt(ctx context.Context, r *Run) error {
	return n.c.Call(ctx, map[string]any{"type": "interrupt", "execution": r.ID}, nil)
}

func (n *nativeContext) Reply(ctx context.Context, r *Run, value string) error {
	return n.c.Call(ctx, map[string]any{"type": "input_reply", "execution": r.ID, "value": value}, nil)
}

func (n *nativeContext) Restart(ctx context.Context) error {
	return n.c.Call(ctx, map[string]any{"type": "restart", "context": n.id}, nil)
}

func (n *nativeContext) Epoch(ctx context.Context) (int, error) {
	var all []struct {
		ID    string
		Epoch int
	}
	if err := n.c.Call(ctx, map[string]any{"type": "list"}, &all); err != nil {
		return 0, err
	}
	for _, c := range all {
		if c.ID == n.id {
			return c.Epoch, nil
		}
	}
	return 0, fmt.Errorf("context %s is not in the list", n.id)
}

func (n *nativeContext) Ask(ctx context.Context, kind, code string, cursor int) (Answer, error) {
	request := map[string]any{"type": kind, "context": n.id, "code": code}
	if kind != "is_complete" {
		request["cursor"] = cursor
	}
	var m struct {
		Matches    []wire.Match
		Start, End int
		Found      bool
		Data       wire.Bundle
		Status     string
		Indent     string
	}
	err := n.c.Call(ctx, request, &m)
	a := Answer{Start: m.Start, End: m.End, Found: m.Found, Text: plain(m.Data), Status: m.Status, Indent: m.Indent}
	for _, match := range m.Matches {
		a.Matches = append(a.Matches, match.Text)
	}
	return a, err
}
