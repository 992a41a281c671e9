package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"golang.org/x/term"

	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// follow shows a run until it is over. The first signal interrupts the code,
// the second leaves it alone.
func follow(a *app, run *client.Run) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stop := context.AfterFunc(a.ctx, func() {
		if err := run.Interrupt(ctx); err != nil && ctx.Err() == nil {
			cancel(fmt.Errorf("interrupt: %w", err))
		}
	})
	defer stop()
	// Ends with ctx.
	go func() {
		select {
		case <-a.force:
			cancel(errForced)
		case <-ctx.Done():
		}
	}()
	s := screen{a: a, run: run, in: bufio.NewReader(a.term.In)}
	for {
		events, err := run.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, errForced) {
			a.status = ExitInterrupted
			return nil
		}
		if err != nil {
			return err
		}
		for i := range events {
			err := s.show(ctx, &events[i])
			if errors.Is(err, syscall.EPIPE) { // whoever read us has enough
				a.status = exitPipe
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
}

var errForced = errors.New("interrupted twice")

// screen shows events on a terminal, or in a pipe.
type screen struct {
	a    *app
	run  *client.Run
	in   *bufio.Reader // the standard input
	line chan line     // a line that is being read; nil if none is
}

type line struct {
	text string
	eof  bool
}

func (s *screen) show(ctx context.Context, e *wire.Event) (err error) {
	out := s.a.term.Out
	switch e.Type {
	case wire.EventStdout:
		_, err = io.WriteString(out, e.Text)
	case wire.EventStderr:
		_, err = io.WriteString(s.a.term.Err, e.Text)
	case wire.EventResult, wire.EventDisplay:
		if text := plainText(e.Bundle); text != "" {
			_, err = fmt.Fprintln(out, text)
		}
	case wire.EventNotice:
		_, err = fmt.Fprintf(s.a.term.Err, "hotcell: %s\n", e.Text)
	case wire.EventError:
		_, err = fmt.Fprintln(s.a.term.Err, errorText(e))
	case wire.EventInputRequest:
		err = s.answer(ctx, e)
	case wire.EventState:
		if e.State == wire.StateDone {
			s.a.status = verdict(e.Status, s.a.ctx.Err() != nil)
		}
	default: // charts and clearing are for screens that can draw
	}
	return err
}

// errorText is the traceback, and, when it wasn't the code's own doing, what
// ended it.
func errorText(e *wire.Event) string {
	trace, summary := strings.TrimRight(e.Traceback, "\n"), strings.TrimSuffix(e.Name+": "+e.Value, ": ")
	switch {
	case trace == "":
		return summary
	case e.Cause != nil:
		return trace + "\n" + summary
	default:
		return trace
	}
}

// plainText is the form of a bundle that a terminal can show.
func plainText(b wire.Bundle) string {
	var text string
	if json.Unmarshal(b["text/plain"], &text) != nil {
		return ""
	}
	return text
}

// answer gives the code a line of our own input. A signal ends the waiting for
// it: the code is interrupted then.
func (s *screen) answer(ctx context.Context, e *wire.Event) error {
	if _, err := io.WriteString(s.a.term.Out, e.Prompt); err != nil {
		return err
	}
	if s.line == nil {
		s.line = make(chan line, 1)
		// Ends with the line, or with the process: reading a terminal can't be
		// called off. A line that nobody waited for answers the next request.
		go func(out chan<- line) { out <- s.read(e.Password) }(s.line)
	}
	select {
	case l := <-s.line:
		s.line = nil
		return s.run.Reply(ctx, l.text, l.eof)
	case <-s.a.ctx.Done():
		return nil
	}
}

func (s *screen) read(secret bool) line {
	if secret && isTerminal(s.a.term.In) {
		raw, err := term.ReadPassword(int(s.a.term.In.Fd()))
		fmt.Fprintln(s.a.term.Out)
		return line{text: string(raw), eof: err != nil}
	}
	text, err := s.in.ReadString('\n')
	return line{text: strings.TrimRight(text, "\r\n"), eof: err != nil && text == ""}
}
