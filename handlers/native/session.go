package native

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	httprequest "hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/internal/activity"
)

const (
	// maxMessage is the largest request. It holds 5 MB of code however it is
	// escaped. Up to the socket's own limit a larger one is read and refused;
	// beyond that the connection ends.
	maxMessage = 32 << 20
	// maxReplies is how many answers may wait for a client that sends requests
	// and doesn't read. When they do, its requests aren't read either.
	maxReplies = 256
	// maxPending is how many requests that take time may be under way at once.
	maxPending = 256
	// maxAttached is how many executions one socket may follow at once.
	maxAttached = 1024
)

// session is one WebSocket. serve and the attachments write, one at a time; take
// is called by the goroutine that reads.
type session struct {
	d      *Dialect
	conn   *socket.Conn
	origin activity.Origin // of whoever opened it
	ctx    context.Context // cancelled when serve ends
	cancel context.CancelFunc
	wg     sync.WaitGroup // attachments, pending requests

	turn    chan struct{} // of capacity 1: whoever has put something in may write
	replies chan []byte   // answers; whoever writes sends them before its own
	taken   [][]byte      // answers that left the queue, for the next who writes; of who has the turn
	wake    chan struct{} // of capacity 1: there is something for serve to do
	broken  chan struct{} // closed when a write has failed
	drained chan struct{}

	mu       sync.Mutex
	pending  int // requests under way
	attached map[string]*attachment
	open     int                  // attachments that have not ended
	fresh    map[*attachment]bool // those whose execution may end at once
	soon     *time.Timer          // looks after the fresh ones
	armed    bool                 // it runs, or has just run out
	due      bool                 // it has run out
	draining bool
	over     bool                  // serve is ending: nothing may be started any more
	lanes    map[string][]*request // executions that wait for a default context
}

func (d *Dialect) upgrade(c *fiber.Ctx) error {
	origin := httprequest.Origin(c)
	return d.cfg.Sockets.Upgrade(c, socket.Options{Subprotocol: chooseSubprotocol(c)},
		func(ctx context.Context, conn *socket.Conn) socket.Close {
			s := &session{
				d: d, conn: conn, origin: origin,
				turn:     make(chan struct{}, 1),
				replies:  make(chan []byte, maxReplies),
				wake:     make(chan struct{}, 1),
				broken:   make(chan struct{}),
				drained:  make(chan struct{}),
				attached: make(map[string]*attachment),
				fresh:    make(map[*attachment]bool),
				lanes:    make(map[string][]*request),
			}
			s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
			s.soon = time.AfterFunc(time.Hour, s.runOut)
			s.soon.Stop()
			return s.serve(ctx)
		})
}

// serve sends answers until the client leaves, or until the server shuts down and
// the client has been told how its executions ended.
func (s *session) serve(ctx context.Context) socket.Close {
	defer s.wg.Wait()
	defer s.end()
	s.conn.Listen(s.take)
	left := ctx.Done()
	for {
		select {
		case <-s.wake:
			s.settle()
			s.write(s.ctx.Done(), nil)
		case <-s.broken:
			return socket.Close{}
		case <-s.drained:
			s.write(s.ctx.Done(), nil)
			return socket.Close{}
		case <-left:
			if !errors.Is(context.Cause(ctx), socket.ErrShutdown) {
				return farewell(context.Cause(ctx))
			}
			left = nil
			s.drain()
		}
	}
}

// end stops what was started. The reader, which is joined later, starts nothing
// more.
func (s *session) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.settle() // which starts nothing any more, and leaves nothing behind
	s.cancel()
}

// farewell is the close frame for a client whose connection we end.
func farewell(cause error) socket.Close {
	if errors.Is(cause, socket.ErrTooLarge) {
		return socket.Close{Code: 1009, Reason: cause.Error()}
	}
	return socket.Close{}
}

// drain refuses new attachments and closes drained when those there are have
// been sent to their end.
func (s *session) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	if s.open == 0 {
		close(s.drained)
	}
}

// spawn runs f beside the reader, with a net under it: a fault of ours costs
// one request. It ends when f does; serve joins it.
func (s *session) spawn(r *request, f func()) {
	if !s.enter() {
		return
	}
	go func() {
		defer s.wg.Done()
		defer s.recovered(r)
		f()
	}()
}

// enter counts somebody in whom serve has to wait for, unless it is too late.
func (s *session) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.wg.Add(1)
	}
	return !s.over
}

// recovered is the net.
func (s *session) recovered(r *request) {
	if p := recover(); p != nil {
		s.d.cfg.Log.Error("a request on a WebSocket panicked",
			slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		s.fail(r, refuse(http.StatusInternalServerError, fault.Code(http.StatusInternalServerError), "internal error"))
	}
}
