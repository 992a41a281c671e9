package command

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Errors of what is written to a command.
var (
	ErrNoInput     = errors.New("the command was started without an input")
	ErrInputClosed = errors.New("the command's input is closed")
)

// Input writes to the command's standard input, and returns when the command has
// room for all of it. Several inputs at once are not mixed.
func (c *Command) Input(p []byte) error {
	in, err := c.input()
	if err != nil || len(p) == 0 {
		return err
	}
	_, err = in.Write(p)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w: it does not read any more", ErrInputClosed)
	case errors.Is(err, os.ErrClosed):
		return fmt.Errorf("%w: it was ended, or the command has", ErrInputClosed)
	case err != nil:
		return fmt.Errorf("write to the command: %w", err)
	}
	return nil
}

// CloseInput ends the command's standard input.
func (c *Command) CloseInput() error {
	in, err := c.input()
	if err == nil {
		_ = in.Close() // the second time it says that it is
	}
	return err
}

// input is our end of the pipe.
func (c *Command) input() (*os.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.spec.Stdin:
		return nil, fmt.Errorf("%w: %s", ErrNoInput, c.id)
	case c.outcome != nil || c.in == nil:
		return nil, fmt.Errorf("%w: %s", ErrNotRunning, c.id)
	default:
		return c.in, nil
	}
}
