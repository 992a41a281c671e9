package native

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"hotcell/internal/wire"
)

const (
	// chunkSize is about how large a message of events becomes: large enough
	// that 50 MB of output take a few hundred writes, small enough that many
	// executions share a socket fairly, and with the 192 KiB that one piece of
	// output can grow to by escapes still under the 1 MiB at which common
	// client libraries refuse a message.
	chunkSize = 128 << 10
	// keepBuffer is the largest buffer that is used again. A message grows
	// beyond it only for a big picture.
	keepBuffer = 1 << 20
)

// pump sends an execution's events, at the pace at which the client takes
// them: it reads from the log only what the socket has room for.
func (s *session) pump(a *attachment) {
	ctx, events := a.ctx, a.x.Events(a.from)
	defer events.Close()
	var buf []byte
	for {
		batch, err := events.Next(ctx)
		if err != nil {
			s.endPump(ctx, a, err)
			return
		}
		for len(batch) > 0 {
			var n int
			if buf, n, err = appendChunk(buf[:0], a.x.ID(), batch, a.inline); err != nil {
				s.endPump(ctx, a, err)
				return
			}
			if last := &batch[n-1]; last.Type == wire.EventState && last.State == wire.StateDone {
				// Before the client can know, so that it can attach again.
				s.forget(a)
			}
			if !s.write(ctx.Done(), buf) {
				return
			}
			batch = batch[n:]
			if cap(buf) > keepBuffer {
				buf = nil
			}
		}
	}
}

// endPump tells the client when an attachment ends without its last event.
func (s *session) endPump(ctx context.Context, a *attachment, err error) {
	s.forget(a)
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return
	}
	f := show(s.d.fault(err))
	b, err := appendJSON(nil, struct {
		Type      string         `json:"type"`
		Execution string         `json:"execution"`
		Result    shownExecution `json:"result"`
		Error     shownFault     `json:"error"`
	}{"detached", a.x.ID(), showExecution(a.x), f})
	if err != nil {
		s.d.cfg.Log.LogAttrs(ctx, slog.LevelError, "encode a detached message", slog.Any("error", err))
		return
	}
	s.write(s.ctx.Done(), b)
}

// appendChunk makes one message of as many events as fit, at least one, and
// says how many.
func appendChunk(dst []byte, execution string, events []wire.Event, inline int) ([]byte, int, error) {
	dst = append(dst, `{"type":"events","execution":`...)
	dst = appendString(dst, execution)
	dst = append(dst, `,"events":[`...)
	n := 0
	for n < len(events) && len(dst) < chunkSize {
		if n > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendLight(dst, &events[n], execution, inline); err != nil {
			return dst, n, err
		}
		n++
	}
	return append(dst, `]}`...), n, nil
}
