package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	upstream "github.com/fasthttp/websocket"

	"hotcell/internal/direct"
)

const (
	// DefaultReadLimit is the largest message a client may send: a cell of
	// 64 MiB is far beyond what a person or a program writes, and still a bound.
	DefaultReadLimit = 64 << 20
	// pingEvery keeps home routers and proxies, which forget idle connections
	// after a minute or so, from cutting a long silent run. Nobody has to
	// answer: some client libraries don't.
	pingEvery = 25 * time.Second
	// closeWait is how long a client may take to answer our close. One that
	// still reads a backlog needs a while; the goroutine that waits is all it costs.
	closeWait = 30 * time.Second
	// maxReason is what a close frame holds beside its code.
	maxReason = 123
)

// Errors of reading.
var (
	ErrTooLarge = errors.New("the message is too large")
	ErrSilent   = errors.New("the client said nothing")
)

// Conn is one WebSocket. Whoever serves it sees to it that one goroutine writes at
// a time; Read is for the goroutine that serves it, until Listen is called.
type Conn struct {
	ws     *upstream.Conn
	raw    net.Conn
	limit  int64
	cancel context.CancelCauseFunc
	timer  *time.Timer

	dialect string // as the set's figures have it

	heard   chan struct{} // closed when Listen's goroutine has ended; nil without one
	readErr error         // reading failed for good; of the goroutine that reads
	cut     *time.Timer   // ends the connection of a client that left a writer waiting

	pong atomic.Pointer[string] // the ping that waits for its answer

	ended atomic.Bool
	mu    sync.Mutex // held while writing
}

func newConn(ws *upstream.Conn, limit int64, cancel context.CancelCauseFunc) *Conn {
	if limit <= 0 {
		limit = DefaultReadLimit
	}
	c := &Conn{ws: ws, raw: rawConn(ws.NetConn()), limit: limit, cancel: cancel}
	ws.SetPingHandler(c.answer)
	c.timer = time.AfterFunc(pingEvery, c.ping)
	return c
}

// Read returns the next message, which has to be complete within wait (0: any
// time). Pings are answered meanwhile. ctx ends the wait.
func (c *Conn) Read(ctx context.Context, wait time.Duration) ([]byte, error) {
	if wait > 0 {
		_ = c.raw.SetReadDeadline(time.Now().Add(wait))
	}
	stop := context.AfterFunc(ctx, func() { _ = c.raw.SetReadDeadline(time.Unix(1, 0)) })
	msg, err := c.read()
	stop()
	if err != nil {
		var ne net.Error
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		} else if errors.As(err, &ne) && ne.Timeout() {
			return nil, fmt.Errorf("%w for %s", ErrSilent, wait)
		}
		return nil, err
	}
	if wait > 0 {
		_ = c.raw.SetReadDeadline(time.Time{})
	}
	return msg, nil
}

func (c *Conn) read() ([]byte, error) {
	_, r, err := c.ws.NextReader()
	if err != nil {
		c.readErr = err
		return nil, fmt.Errorf("read message: %w", errors.Join(ErrLeft, err))
	}
	msg, err := io.ReadAll(io.LimitReader(r, c.limit+1))
	if err != nil {
		c.readErr = err
		return nil, fmt.Errorf("read message: %w", errors.Join(ErrLeft, err))
	}
	if int64(len(msg)) > c.limit {
		return nil, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, c.limit)
	}
	return msg, nil
}

// Listen starts the goroutine that reads from now on: it passes each message
// to take, answers pings, and ends the connection's context when the client
// leaves, sends too large a message, or take returns an error. Call it once.
func (c *Conn) Listen(take func(msg []byte) error) {
	c.heard = make(chan struct{})
	go func() { // ends with the connection; finish joins it
		defer close(c.heard)
		for {
			msg, err := c.read()
			if err == nil {
				err = take(msg)
			}
			if err != nil {
				c.cancel(err)
				c.leave()
				return
			}
		}
	}()
}

// Discard is Listen for a client that has nothing more to say.
func (c *Conn) Discard() { c.Listen(func([]byte) error { return nil }) }

// leave makes sure that a writer which waits for a client that is gone, or
// that closed without reading the rest, doesn't wait for ever.
func (c *Conn) leave() {
	if c.over() {
		_ = c.raw.Close()
		return
	}
	c.cut = time.AfterFunc(closeWait, func() { _ = c.raw.Close() })
}

// over reports whether the connection itself has ended. A client that said
// goodbye properly still waits for our answer.
func (c *Conn) over() bool {
	var ce *upstream.CloseError
	if errors.As(c.readErr, &ce) {
		return ce.Code == upstream.CloseAbnormalClosure // the library's word for an unexpected end
	}
	var ne net.Error
	return errors.Is(c.readErr, io.EOF) || (errors.As(c.readErr, &ne) && !ne.Timeout())
}

// Write sends text messages, in one piece where it can. It waits as long as the
// client lets it.
func (c *Conn) Write(msgs ...[]byte) error {
	return c.send(func() (err error) {
		if len(msgs) > 1 {
			if release := direct.Hold(c.raw); release != nil {
				defer func() { err = errors.Join(err, release()) }()
			}
		}
		for _, msg := range msgs {
			if err := c.ws.WriteMessage(upstream.TextMessage, msg); err != nil {
				return err
			}
		}
		return nil
	})
}

// Idle reports whether the connection has taken all that was sent. It takes a few
// kilobytes more without waiting then.
func (c *Conn) Idle() bool { return direct.Idle(c.raw) }

// WriteBinary sends a binary message.
func (c *Conn) WriteBinary(msg []byte) error {
	return c.send(func() error { return c.ws.WriteMessage(upstream.BinaryMessage, msg) })
}

func (c *Conn) send(write func() error) error {
	c.mu.Lock()
	err := write()
	c.mu.Unlock()
	c.flushPong()
	if err != nil {
		return fmt.Errorf("write message: %w", errors.Join(ErrLeft, err))
	}
	return nil
}

// answer remembers a ping and answers it, unless a write is under way: then
// the writer does. Waiting for it here would keep the reader from reading, and
// giving it a deadline would break the connection of a slow client.
func (c *Conn) answer(ping string) error {
	c.pong.Store(&ping)
	c.flushPong()
	return nil
}

func (c *Conn) flushPong() {
	for c.pong.Load() != nil && c.mu.TryLock() {
		if p := c.pong.Swap(nil); p != nil {
			_ = c.ws.WriteControl(upstream.PongMessage, []byte(*p), time.Time{})
		}
		c.mu.Unlock()
	}
}

// ping runs on the timer's goroutine. While something is being written the
// connection isn't idle, and nothing is sent.
func (c *Conn) ping() {
	if c.mu.TryLock() {
		if !c.ended.Load() {
			_ = c.ws.WriteControl(upstream.PingMessage, nil, time.Time{})
		}
		c.mu.Unlock()
		c.flushPong()
	}
	if !c.ended.Load() {
		c.timer.Reset(pingEvery)
	}
}

// finish says goodbye, waits for the client's, and joins the reader. Closing
// a connection with unread input would reset it, and the client could lose
// what it hasn't read yet; so the writing half is closed first.
func (c *Conn) finish(ctx context.Context, end Close) {
	c.ended.Store(true)
	c.timer.Stop()
	if !errors.Is(context.Cause(ctx), ErrLeft) {
		c.mu.Lock()
		_ = c.ws.WriteControl(upstream.CloseMessage,
			upstream.FormatCloseMessage(end.Code, clip(end.Reason)), time.Time{})
		c.mu.Unlock()
		if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(closeWait))
	if c.heard != nil {
		<-c.heard
	}
	c.drain()
	if c.cut != nil {
		c.cut.Stop()
	}
}

// drain reads what is left until the client has closed.
func (c *Conn) drain() {
	for c.readErr == nil {
		_, r, err := c.ws.NextReader()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		c.readErr = err
	}
	var ce *upstream.CloseError
	if !errors.As(c.readErr, &ce) && !c.over() {
		_, _ = io.Copy(io.Discard, c.raw) // until its end or the deadline
	}
}

// clip cuts a reason to what a close frame holds, at a rune's boundary.
func clip(reason string) string {
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) <= maxReason {
		return reason
	}
	cut := maxReason - len("…")
	for !utf8.RuneStart(reason[cut]) {
		cut--
	}
	return reason[:cut] + "…"
}
