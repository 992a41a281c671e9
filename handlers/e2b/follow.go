package e2b

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"hotcell/handlers/fault"
	"hotcell/handlers/hangup"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/stream"
)

// chunkSize is about how much is encoded ahead of what the client takes: large
// enough that much output takes few steps.
const chunkSize = 64 << 10

var (
	errIdle = errors.New("nothing happened")
	errLeft = errors.New("the client has left")
)

// leftText is what an execution's error says that was ended for this reason.
const leftText = "the client that had started it hung up"

// answer is a response's body: the events of one execution, as lines. The
// server reads it at the pace at which the client takes it. The execution is
// the client's: if one leaves, so does the other.
type answer struct {
	d      *Dialect
	x      *interpreter.Execution
	events *stream.Reader[wire.Event]
	watch  *hangup.Watch
	ctx    context.Context // cancelled when the client has left
	cancel context.CancelCauseFunc

	buf   []byte // what was encoded
	rest  []byte // the part of buf that was not read yet
	batch []wire.Event
	over  bool // the last line is in buf
}

// follow makes an answer that ends with a context too, that of the client's key.
func (d *Dialect) follow(ctx context.Context, conn net.Conn, x *interpreter.Execution) *answer {
	a := &answer{d: d, x: x, events: x.Events(1)}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.watch = hangup.Begin(conn, func() {
		a.interrupt()
		a.cancel(errLeft)
	})
	return a
}

// interrupt ends the execution. An error means that it has ended already.
func (a *answer) interrupt() { _ = a.x.Interrupt(leftText, 0) }

// Close is called by the server when the response is over, or its client gone.
func (a *answer) Close() error {
	a.watch.Stop()
	a.interrupt()
	a.cancel(nil)
	a.events.Close()
	return nil
}

// Read gives out what there is, waiting for it if it must.
func (a *answer) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.over {
			return 0, io.EOF
		}
		if err := a.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// fill encodes the next events, at most about chunkSize of them.
func (a *answer) fill() error {
	if cap(a.buf) > 16*chunkSize { // a big picture's
		a.buf = nil
	}
	a.buf = a.buf[:0]
	err := a.next()
	switch {
	case err == nil:
	case errors.Is(err, errIdle):
		a.buf = append(a.buf, keepAliveLine...)
	case errors.Is(err, errLeft):
		return err
	case errors.Is(err, io.EOF):
		a.end()
	default:
		a.fail(err)
	}
	n := 0
	for n < len(a.batch) && len(a.buf) < chunkSize {
		if a.buf, err = a.d.appendEvent(a.buf, &a.batch[n]); err != nil {
			a.batch = nil
			a.fail(err)
			break
		}
		n++
	}
	if a.batch != nil {
		a.batch = a.batch[n:]
	}
	a.rest = a.buf
	return nil
}

// next makes sure that there is something to encode.
func (a *answer) next() error {
	if len(a.batch) > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(a.ctx, keepAlive, errIdle)
	defer cancel()
	var err error
	a.batch, err = a.events.Next(ctx)
	return err
}

// end is the last line.
func (a *answer) end() {
	a.buf = append(a.buf, endLine...)
	a.over = true
}

// fail ends the stream with an error: the status has been sent long ago.
func (a *answer) fail(err error) {
	var f *fault.Fault
	if !errors.As(err, &f) {
		f = a.d.Explain(err)
	}
	a.buf = appendError(a.buf, &wire.Event{Name: "StreamError", Value: f.Message, Time: time.Now()})
	a.end()
}
