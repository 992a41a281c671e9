// Package body is how the bodies of requests are read. The server takes a
// request's head only; the body lies in the connection until a handler wants
// it. Most want it whole, once the client has shown its key: [Load]. An upload
// reads it as it comes: [Of] and [Reader.Roll]. [Settle] sees to what nobody has
// read, so that the connection can go on or its end be told.
//
// A [Reader] belongs to the goroutine that serves its request. Goroutines: none.
package body

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hotcell/handlers/fault"
)

const (
	// Limit bounds a body that is held in memory. It is the size of the largest
	// frame that a kernel takes.
	Limit = 64 << 20
	// Prefetch is how much of a body the server reads before it calls a
	// handler. It cannot be nothing.
	Prefetch = 1
	// drainLimit is how much of an unread body is read after all, to keep the
	// connection: more is cheaper to send on a new one.
	drainLimit = 256 << 10
	// drainWait is for what is on its way already.
	drainWait = 250 * time.Millisecond
	// sure is how much memory a body is given before it has come.
	sure = 1 << 20
)

// Errors of reading. In all of them the request is not complete.
var (
	ErrLeft   = errors.New("the client left before its request was complete")
	ErrSilent = errors.New("the client sent nothing more, and its request is not complete")
	ErrBroken = errors.New("the request's chunks are malformed")
)

// Reader reads a request's body, and knows the end of it from the end of the
// connection.
type Reader struct {
	src    io.Reader
	conn   net.Conn
	length int64 // -1: in chunks
	n      int64
	err    error // once there was one, for good

	ctx     context.Context //nolint:containedctx // of the request, as is the reader
	silence time.Duration   // 0: the deadline is somebody else's
}

// readerKey is under which a request keeps its reader.
type readerKey struct{}

// Of is the body of a request; nil if it has none, or was loaded.
func Of(c *fasthttp.RequestCtx) *Reader {
	src := c.RequestBodyStream()
	if src == nil {
		return nil
	}
	r, ok := c.UserValue(readerKey{}).(*Reader)
	if !ok {
		r = &Reader{src: src, conn: c.Conn(), length: int64(c.Request.Header.ContentLength())}
		c.SetUserValue(readerKey{}, r)
	}
	return r
}

// Roll gives the client silence for each read, instead of a time for all of the
// body, and ends reading with ctx. stop ends that.
func (r *Reader) Roll(ctx context.Context, silence time.Duration) (stop func()) {
	r.ctx, r.silence = ctx, silence
	cancel := context.AfterFunc(ctx, func() { _ = r.conn.SetReadDeadline(time.Unix(1, 0)) })
	return func() {
		cancel()
		r.ctx, r.silence = nil, 0
	}
}

// Err is what ended reading; io.EOF at the body's end.
func (r *Reader) Err() error { return r.err }

func (r *Reader) Read(p []byte) (int, error) {
	if r.err == nil && r.n == r.length {
		r.err = io.EOF
	}
	if r.err == nil && r.silence > 0 {
		_ = r.conn.SetReadDeadline(time.Now().Add(r.silence))
		if r.ctx.Err() != nil { // after the deadline, which must not undo that of the end
			r.err = context.Cause(r.ctx)
		}
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.src.Read(p)
	r.n += int64(n)
	if err != nil {
		r.err = r.explain(err)
	}
	return n, r.err
}

// explain tells apart what fasthttp doesn't: a body that has ended from a
// connection that has.
func (r *Reader) explain(err error) error {
	var failure error
	if conn, ok := r.conn.(*Conn); ok {
		failure = conn.readErr
	}
	silent := isTimeout(failure) || isTimeout(err) || errors.Is(err, fasthttp.ErrTimeout)
	switch {
	case r.ctx != nil && r.ctx.Err() != nil:
		return context.Cause(r.ctx)
	case r.n == r.length, errors.Is(err, io.EOF) && r.length < 0 && failure == nil:
		return io.EOF
	case silent && r.silence > 0:
		return fmt.Errorf("%w: the limit is %s", ErrSilent, r.silence)
	case silent:
		return ErrSilent
	case failure != nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrLeft
	default:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
}

// Load reads the whole body of a request, up to the limit, and puts it where
// handlers look for it. It may be called again.
func Load(c *fiber.Ctx) error {
	r := Of(c.Context())
	if r == nil {
		return nil
	}
	if r.length > Limit {
		return tooLarge()
	}
	if err := Plain(c); err != nil {
		return err
	}
	var all bytes.Buffer
	all.Grow(int(min(max(r.length, 0), sure)) + bytes.MinRead)
	if _, err := all.ReadFrom(io.LimitReader(r, Limit+1)); err != nil {
		return err
	}
	if all.Len() > Limit {
		return tooLarge()
	}
	c.Request().SetBodyRaw(all.Bytes())
	return nil
}

func tooLarge() error {
	return fault.New(http.StatusRequestEntityTooLarge, "the request's body is larger than %d bytes, the limit", Limit)
}

// Plain refuses a body that is compressed, since nobody could say how large it
// becomes.
func Plain(c *fiber.Ctx) error {
	coding := c.Get(fiber.HeaderContentEncoding)
	if coding == "" || strings.EqualFold(coding, "identity") {
		return nil
	}
	return fault.New(http.StatusUnsupportedMediaType, "the request's body has the content encoding %q: send it as it is", coding)
}

// Settle is called when a request has been handled, before its answer is sent.
// What was left of the body would be taken for the next request: a little of it
// is read now, and because of more, or of a body that never comes, the
// connection ends with the answer.
func Settle(c *fasthttp.RequestCtx) {
	r := Of(c)
	if r == nil || c.Hijacked() || r.drain() {
		return
	}
	c.SetConnectionClose()
	Linger(c.Conn())
}

// Linger makes a connection wait for its client when it is closed.
func Linger(conn net.Conn) {
	if conn, ok := conn.(*Conn); ok {
		conn.Linger()
	}
}

// drain reads the rest, if it is little and comes soon.
func (r *Reader) drain() bool {
	if r.err == nil && r.length-r.n <= drainLimit {
		r.silence = 0
		_ = r.conn.SetReadDeadline(time.Now().Add(drainWait))
		_, _ = io.Copy(io.Discard, io.LimitReader(r, drainLimit+1))
	}
	return errors.Is(r.err, io.EOF)
}
