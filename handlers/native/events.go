package native

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/internal/wire"
	"hotcell/stream"
)

const (
	mimeNDJSON = "application/x-ndjson"
	mimeSSE    = "text/event-stream"
	// keepAlive is how often something is sent when nothing happens. Only a
	// failed write shows that the client has left; proxies give up after a
	// minute of silence.
	keepAlive = 15 * time.Second
)

// streamEvents sends an execution's events, as lines of JSON or as
// server-sent events, until the last.
func (d *Dialect) streamEvents(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	from, err := fromQuery(c)
	if err != nil {
		return err
	}
	x, err := d.execution(r.Execution)
	if err != nil {
		return err
	}
	inline, err := inlineQuery(c)
	if err != nil {
		return err
	}
	format := lines(x.ID(), inline)
	c.Set(fiber.HeaderContentType, mimeNDJSON)
	if wantsSSE(c.Get(fiber.HeaderAccept)) {
		if s := x.Snapshot(); s.State == wire.StateDone && from > s.Events {
			// An EventSource connects again after the end, until it is told
			// with this status that there is nothing more.
			return c.SendStatus(http.StatusNoContent)
		}
		format = serverSent(x.ID(), inline)
		c.Set(fiber.HeaderContentType, mimeSSE)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	c.Context().SetBodyStream(&eventStream{events: x.Events(from), format: format, explain: d}, -1)
	return nil
}

// wantsSSE reports whether a client asks for server-sent events.
func wantsSSE(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		if kind, _, err := mime.ParseMediaType(part); err == nil && kind == mimeSSE {
			return true
		}
	}
	return false
}

// framing is one of the two formats of a stream.
type framing struct {
	event func(dst []byte, e *wire.Event) ([]byte, error)
	fault func(dst, body []byte) []byte
	idle  string
}

// lines is one JSON object a line; an empty line means that nothing happened.
func lines(execution string, inline int) framing {
	return framing{
		event: func(dst []byte, e *wire.Event) ([]byte, error) {
			dst, err := appendLight(dst, e, execution, inline)
			return append(dst, '\n'), err
		},
		fault: func(dst, body []byte) []byte { return append(append(dst, body...), '\n') },
		idle:  "\n",
	}
}

// serverSent is the format of the HTML standard, with the event's number as
// its id.
func serverSent(execution string, inline int) framing {
	return framing{
		event: func(dst []byte, e *wire.Event) ([]byte, error) {
			dst = appendUint(append(dst, "id: "...), e.Seq)
			dst = append(append(dst, "\nevent: "...), e.Type...)
			dst, err := appendLight(append(dst, "\ndata: "...), e, execution, inline)
			return append(dst, "\n\n"...), err
		},
		fault: func(dst, body []byte) []byte {
			dst = append(append(dst, "event: fault\ndata: "...), body...)
			return append(dst, "\n\n"...)
		},
		idle: ": nothing new\n\n",
	}
}

// eventStream is a response's body. The server reads it at the pace at which
// the client takes it.
type eventStream struct {
	events  *stream.Reader[wire.Event]
	format  framing
	explain *Dialect
	buf     []byte // what was encoded
	rest    []byte // the part of buf that was not read yet
	batch   []wire.Event
	over    bool
}

// Read gives out what there is, waiting for it if it must.
func (s *eventStream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.over {
			return 0, io.EOF
		}
		s.fill()
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Close is called by the server when the response is over, or its client gone.
func (s *eventStream) Close() error {
	s.events.Close()
	return nil
}

// fill encodes the next events, at most about chunkSize of them.
func (s *eventStream) fill() {
	f := s.format
	s.buf = s.buf[:0]
	err := s.next()
	switch {
	case err == nil:
	case errors.Is(err, errIdle):
		s.buf = append(s.buf, f.idle...)
	case errors.Is(err, io.EOF):
		s.over = true
	default:
		s.fail(f, err)
	}
	n := 0
	for n < len(s.batch) && len(s.buf) < chunkSize {
		buf, err := f.event(s.buf, &s.batch[n])
		if err != nil {
			s.fail(f, err)
			break
		}
		s.buf = buf
		n++
	}
	s.batch = s.batch[n:]
	s.rest = s.buf
}

var errIdle = errors.New("nothing happened")

// next makes sure that there is something to encode.
func (s *eventStream) next() error {
	if len(s.batch) > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), keepAlive, errIdle)
	defer cancel()
	var err error
	s.batch, err = s.events.Next(ctx)
	return err
}

// fail ends the stream with an error in place of an event: the status has
// been sent long ago.
func (s *eventStream) fail(f framing, err error) {
	s.over, s.batch = true, nil
	body, merr := appendJSON(nil, struct {
		Error shownFault `json:"error"`
	}{show(s.explain.fault(err))})
	if merr == nil {
		s.buf = f.fault(s.buf, body)
	}
}
