package terminal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Client is somebody who watches a terminal and types into it. It is for one
// goroutine, but Write and Close, which are for any.
type Client struct {
	t *Terminal

	// Guarded by the tape's mu.
	redraw []byte    // the rest of what draws the screen that it found
	off    int64     // the next byte for it
	since  time.Time // when it last asked for something, or something came for it
	slow   bool      // it was left behind
	buf    []byte
}

// Ready reports whether a client could attach just now. It starts the shell if
// that was waiting for a client.
func (t *Terminal) Ready(ctx context.Context) error {
	if err := t.start(ctx); err != nil {
		var gone *EndedError
		if !errors.As(err, &gone) && ctx.Err() == nil {
			t.end("the shell could not be started", 0)
		}
		return err
	}
	return t.tape.admit(t.set.cfg.Clients)
}

// Attach adds a client to a terminal that is [Terminal.Ready]. The first client
// ever and its creator get everything from the beginning, others what draws the
// screen, and then everything.
func (t *Terminal) Attach(ctx context.Context, creator bool) (*Client, error) {
	if err := t.Ready(ctx); err != nil {
		return nil, err
	}
	c := &Client{t: t}
	return c, t.tape.attach(c, creator, t.set.cfg.Clients)
}

// Next returns the next bytes of the terminal, waiting for them if it must. It
// returns io.EOF behind the last, and [ErrSlow]. The slice is valid until the
// next call.
func (c *Client) Next(ctx context.Context) ([]byte, error) { return c.t.tape.next(ctx, c) }

// Write types. It waits for a program that reads slowly, and returns
// [ErrInputFull] for one that doesn't. p belongs to the terminal then.
func (c *Client) Write(ctx context.Context, p []byte) error {
	err := c.t.input.write(ctx, p)
	if err != nil {
		return fmt.Errorf("type into terminal %q: %w", c.t.opts.ID, err)
	}
	return nil
}

// Close detaches the client. The terminal goes on.
func (c *Client) Close() { c.t.tape.detach(c) }
