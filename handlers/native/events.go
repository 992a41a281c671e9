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
	x, err := d.execution(r.by, r.Execution)
	if err != nil {
		return err
	}
	inline, err := inlineQuery(c)
	if err != nil {
		return err
	}
	s, id := x.Snapshot(), x.ID()
	return sendEvents(c, s.State == wire.StateDone && from > s.Events, &eventStream[wire.Event]{
		ctx: r.by.Context(), events: x.Events(from), explain: d, idle: keepAlive,
		encode: func(dst []byte, e *wire.Event) ([]byte, error) { return appendLight(dst, e, id, inline) },
		tag:    func(e *wire.Event) (uint64, string) { return e.Seq, string(e.Type) },
	})
}

// sendEvents answers with a stream. seen says that the client has had all of it.
func sendEvents[E any](c *fiber.Ctx, seen bool, stream *eventStream[E]) error {
	c.Set(fiber.HeaderContentType, mimeNDJSON)
	stream.format = lines(stream.encode)
	if wantsSSE(c.Get(fiber.HeaderAccept)) {
		if seen {
			// An EventSource connects again after the end, until it is told
			// with this status that there is nothing more.
			_ = stream.Close()
			return c.SendStatus(http.StatusNoContent)
		}
		c.Set(fiber.HeaderContentType, mimeSSE)
		stream.format = serverSent(stream.encode, stream.tag)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	c.Context().SetBodyStream(stream, -1)
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

// encoder appends an event as JSON, without a line break in it.
type encoder[E any] func(dst []byte, e *E) ([]byte, error)

// framing is one of the two formats of a stream.
type framing[E any] struct {
	event func(dst []byte, e *E) ([]byte, error)
	fault func(dst, body []byte) []byte
	idle  string
}

// lines is one JSON object a line; an empty line means that nothing happened.
func lines[E any](encode encoder[E]) framing[E] {
	return framing[E]{
		event: func(dst []byte, e *E) ([]byte, error) {
			dst, err := encode(dst, e)
			return append(dst, '\n'), err
		},
		fault: func(dst, body []byte) []byte { return append(append(dst, body...), '\n') },
		idle:  "\n",
	}
}

// serverSent is the format of the HTML standard, with the event's number as
// its id.
func serverSent[E any](encode encoder[E], tag func(*E) (uint64, string)) framing[E] {
	return framing[E]{
		event: func(dst []byte, e *E) ([]byte, error) {
			seq, kind := tag(e)
			dst = appendUint(append(dst, "id: "...), seq)
			dst = append(append(dst, "\nevent: "...), kind...)
			dst, err := encode(append(dst, "\ndata: "...), e)
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
type eventStream[E any] struct {
	ctx     context.Context //nolint:containedctx // that of the client's key: the stream ends with it
	events  *stream.Reader[E]
	encode  encoder[E]
	tag     func(*E) (seq uint64, kind string) // for server-sent events
	idle    time.Duration                      // of silence, until something is sent
	left    func()                             // told that nobody reads any more; may be nil
	explain *Dialect

	format framing[E]
	buf    []byte // what was encoded
	rest   []byte // the part of buf that was not read yet
	batch  []E
	over   bool
}

// Read gives out what there is, waiting for it if it must.
func (s *eventStream[E]) Read(p []byte) (int, error) {
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
func (s *eventStream[E]) Close() error {
	s.events.Close()
	if s.left != nil {
		s.left()
	}
	return nil
}

// fill encodes the next events, at most about chunkSize of them.
func (s *eventStream[E]) fill() {
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
func (s *eventStream[E]) next() error {
	if len(s.batch) > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(s.ctx, s.idle, errIdle)
	defer cancel()
	var err error
	s.batch, err = s.events.Next(ctx)
	return err
}

// fail ends the stream with an error in place of an event: the status has
// been sent long ago.
func (s *eventStream[E]) fail(f framing[E], err error) {
	s.over, s.batch = true, nil
	body, merr := appendJSON(nil, struct {
		Error shownFault `json:"error"`
	}{show(s.explain.fault(err))})
	if merr == nil {
		s.buf = f.fault(s.buf, body)
	}
}
