// Package socket carries WebSockets for the dialects: the upgrade, the rules
// for writing and reading, pings, the closing handshake, and the set of open
// connections that a shutdown has to end. It doesn't know what is said on them.
//
// A connection is served by one goroutine, which writes or knows who does; a
// second one, started by [Conn.Listen], reads. The first joins the second before it
// returns, and [Set.Shutdown] joins the first.
//
// No write has a deadline: a client that reads slowly, or not at all for a
// while, holds up the goroutine of its own connection and nothing else. What
// it is bounded by is TCP, whose keep-alives end a connection to a machine that
// is gone, and the shutdown.
package socket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	upstream "github.com/fasthttp/websocket"
	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/keys"
)

// Causes with which a connection's context ends, for [context.Cause].
var (
	ErrLeft     = errors.New("the client left")
	ErrShutdown = errors.New("the server is shutting down")
)

// shutdownGrace is how long a shutdown waits for clients to take their last
// words. Whoever hasn't by then isn't reading.
const shutdownGrace = 2 * time.Second

// Set holds the open connections of one server.
type Set struct {
	log     *slog.Logger
	explain func(error) *fault.Fault
	buffers sync.Pool

	mu      sync.Mutex
	conns   map[*Conn]struct{}
	closing bool
	empty   chan struct{} // made by Shutdown, closed when the last connection is gone
}

// NewSet returns an empty set. explain is the server's table of errors, for those
// that come when only the connection is left to say them on.
func NewSet(log *slog.Logger, explain func(error) *fault.Fault) *Set {
	return &Set{log: log, explain: explain, conns: map[*Conn]struct{}{}}
}

// Options of one upgrade.
type Options struct {
	Subprotocol string // answered to the client, who must have offered it; empty: none
	ReadLimit   int64  // of one message; 0 is 64 MiB
	// SendBuffer is how many bytes the system may hold that the client hasn't taken,
	// about; 0 leaves it to the system, which goes up to several megabytes.
	SendBuffer int
	// Uncounted is for a connection on which a client is told why it gets none: it
	// counts as none of its key's.
	Uncounted bool
}

// Close says how a connection ends. The zero value is a normal end, or the
// shutdown's own words when there is one.
type Close struct {
	Code   int
	Reason string // cut at 123 bytes, which is what a close frame holds
}

// Serve is one connection's life. ctx ends with [ErrLeft] when the client is
// gone (once [Conn.Listen] was called), with [ErrShutdown], and with a
// [keys.EndedError] when the client's key isn't valid any more.
type Serve func(ctx context.Context, conn *Conn) Close

// Upgrade turns the request into a WebSocket and hands it to serve, on another
// goroutine and after the handler has returned: serve must not use c. It counts
// as one of those of the client's key; a client that has shown none yet does so
// later, with [Conn.Belong].
func (s *Set) Upgrade(c *fiber.Ctx, o Options, serve Serve) error {
	if !websocket.IsWebSocketUpgrade(c) {
		return fault.New(http.StatusUpgradeRequired, "this address speaks WebSocket only")
	}
	cfg := websocket.Config{
		ReadBufferSize:  4 << 10,
		WriteBufferSize: 36 << 10, // one 32 KiB piece of output with its JSON in one write
		WriteBufferPool: &s.buffers,
		RecoverHandler:  func(*websocket.Conn) {}, // run recovers
	}
	if o.Subprotocol != "" {
		cfg.Subprotocols = []string{o.Subprotocol}
	}
	var key *keys.Key
	if by := access.Of(c); by != nil && !o.Uncounted {
		key = by.Key()
		if err := key.MayOpenSocket(); err != nil {
			return err
		}
	}
	dialect := request.Origin(c).Dialect
	return websocket.New(func(wc *websocket.Conn) { s.serve(wc.Conn, dialect, o, key, serve) }, cfg)(c)
}

func (s *Set) serve(ws *upstream.Conn, dialect string, o Options, key *keys.Key, serve Serve) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	conn := newConn(ws, o.ReadLimit, cancel)
	conn.dialect = dialect
	defer conn.giveUp()
	if key != nil {
		// Only now: a client that was gone before the switch has none to give back.
		if err := conn.Belong(key); err != nil {
			conn.finish(ctx, Close{Code: websocket.ClosePolicyViolation, Reason: s.explain(err).Message})
			return
		}
	}
	if o.SendBuffer > 0 {
		limitSending(conn.raw, o.SendBuffer)
	}
	if !s.add(conn) {
		conn.finish(ctx, Close{Code: websocket.CloseGoingAway, Reason: ErrShutdown.Error()})
		return
	}
	defer s.remove(conn)
	conn.finish(ctx, s.run(ctx, conn, serve))
}

// run is serve with a net under it: a fault of ours ends one connection.
func (s *Set) run(ctx context.Context, conn *Conn, serve Serve) (end Close) {
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "a WebSocket's goroutine panicked",
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			end = Close{Code: websocket.CloseInternalServerErr, Reason: "internal error"}
		}
	}()
	end = serve(ctx, conn)
	if end.Code == 0 {
		end.Code = websocket.CloseNormalClosure
		cause := context.Cause(ctx)
		var ended *keys.EndedError
		switch {
		case errors.Is(cause, ErrShutdown):
			end = Close{Code: websocket.CloseGoingAway, Reason: ErrShutdown.Error()}
		case errors.As(cause, &ended):
			end = Close{Code: websocket.ClosePolicyViolation, Reason: ended.Error()}
		}
	}
	return end
}

func (s *Set) add(conn *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Set) remove(conn *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	if s.closing && len(s.conns) == 0 {
		close(s.empty)
	}
}

// Len is the number of open connections.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Open counts the open connections of each dialect.
func (s *Set) Open() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int)
	for conn := range s.conns {
		out[conn.dialect]++
	}
	return out
}

// Shutdown refuses new connections, tells the open ones to end, and returns
// when their goroutines have. Clients that don't take the close are cut.
func (s *Set) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	s.empty = make(chan struct{})
	if len(s.conns) == 0 {
		close(s.empty)
	}
	open := make([]*Conn, 0, len(s.conns))
	for conn := range s.conns {
		open = append(open, conn)
	}
	s.mu.Unlock()

	for _, conn := range open {
		conn.cancel(ErrShutdown)
	}
	grace := time.NewTimer(shutdownGrace)
	defer grace.Stop()
	select {
	case <-s.empty:
		return nil
	case <-grace.C:
	case <-ctx.Done():
	}
	for _, conn := range open {
		_ = conn.raw.Close()
	}
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		if n := s.Len(); n > 0 {
			return fmt.Errorf("end %d WebSockets: %w", n, ctx.Err())
		}
		return nil // both have come
	}
}

// limitSending bounds what waits in the system for a client. Where that isn't
// possible it stays as it is.
func limitSending(conn net.Conn, size int) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, size) })
	}
}

// rawConn is the connection beneath fasthttp's wrapper, whose Close does nothing.
func rawConn(nc net.Conn) net.Conn {
	if w, ok := nc.(interface{ UnsafeConn() net.Conn }); ok {
		return w.UnsafeConn()
	}
	return nc
}
