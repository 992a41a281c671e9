package native

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/socket"
	"hotcell/interpreter"
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

// session is one WebSocket. The goroutine of serve writes; take is called by
// the one that reads.
type session struct {
	d      *Dialect
	conn   *socket.Conn
	ctx    context.Context // cancelled when serve ends
	cancel context.CancelFunc
	wg     sync.WaitGroup // attachments, pending requests

	replies chan []byte // answers; they overtake events
	chunks  chan []byte // events; unbuffered, so senders take turns
	drained chan struct{}

	mu       sync.Mutex
	pending  int // requests under way
	attached map[string]*attachment
	pumps    int // goroutines of attachments
	draining bool
	over     bool                  // serve is ending: nothing may be started any more
	lanes    map[string][]*request // executions that wait for a default context
}

func (d *Dialect) upgrade(c *fiber.Ctx) error {
	return d.cfg.Sockets.Upgrade(c, socket.Options{Subprotocol: chooseSubprotocol(c)},
		func(ctx context.Context, conn *socket.Conn) socket.Close {
			s := &session{
				d: d, conn: conn,
				replies:  make(chan []byte, maxReplies),
				chunks:   make(chan []byte),
				drained:  make(chan struct{}),
				attached: make(map[string]*attachment),
				lanes:    make(map[string][]*request),
			}
			s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
			return s.serve(ctx)
		})
}

// serve writes until the client leaves, or until the server shuts down and the
// client has been told how its executions ended.
func (s *session) serve(ctx context.Context) socket.Close {
	defer s.wg.Wait()
	defer s.end()
	s.conn.Listen(s.take)
	left := ctx.Done()
	for {
		var err error
		select {
		case reply := <-s.replies:
			err = s.conn.Write(reply)
		case chunk := <-s.chunks:
			// The answer to the request that began these events was queued
			// before they were, so it leaves before them.
			if err = s.flush(); err == nil {
				err = s.conn.Write(chunk)
			}
		case <-s.drained:
			_ = s.flush()
			return socket.Close{}
		case <-left:
			if !errors.Is(context.Cause(ctx), socket.ErrShutdown) {
				return farewell(context.Cause(ctx))
			}
			left = nil
			s.drain()
		}
		if err != nil {
			return socket.Close{}
		}
	}
}

// end stops what was started. The reader, which is joined later, starts nothing
// more.
func (s *session) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.cancel()
}

// flush writes the answers that wait.
func (s *session) flush() error {
	for {
		select {
		case reply := <-s.replies:
			if err := s.conn.Write(reply); err != nil {
				return err
			}
		default:
			return nil
		}
	}
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
	if s.pumps == 0 {
		close(s.drained)
	}
}

// attach follows x from an event on. The answer to the request must have been
// queued by then.
func (s *session) attach(x *interpreter.Execution, from uint64, inline int) {
	ctx, cancel := context.WithCancel(s.ctx)
	a := &attachment{x: x, inline: inline, cancel: cancel, ended: make(chan struct{})}
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		cancel()
		return // the close that follows says why
	}
	s.attached[x.ID()] = a
	s.pumps++
	s.mu.Unlock()
	s.spawn(nil, func() {
		defer s.detached(a)
		defer close(a.ended)
		defer cancel()
		s.pump(ctx, a, from)
	})
}

// mayAttach says why id cannot be followed here, if it cannot.
func (s *session) mayAttach(id string) *fault.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return refuse(http.StatusServiceUnavailable, codeClosing, "the server is shutting down")
	case len(s.attached) >= maxAttached:
		return refuse(http.StatusTooManyRequests, codeTooMany, "this socket follows %d executions already; detach some, or open another", maxAttached)
	case id != "" && s.attached[id] != nil:
		return refuse(http.StatusConflict, codeAttached, "this socket follows execution %s already", id)
	}
	return nil
}

// forget lets an execution be attached again.
func (s *session) forget(a *attachment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached[a.x.ID()] == a {
		delete(s.attached, a.x.ID())
	}
}

func (s *session) detached(a *attachment) {
	s.forget(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pumps--; s.pumps == 0 && s.draining {
		close(s.drained)
	}
}

// attachedTo is the attachment to an execution, if there is one.
func (s *session) attachedTo(id string) *attachment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attached[id]
}

// spawn runs f beside the reader, with a net under it: a fault of ours costs
// one request. It ends when f does; serve joins it.
func (s *session) spawn(r *request, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				s.d.cfg.Log.Error("a request on a WebSocket panicked",
					slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				s.fail(r, refuse(http.StatusInternalServerError, fault.Code(http.StatusInternalServerError), "internal error"))
			}
		}()
		f()
	})
}

// answer is what is sent back for one request.
type answer struct {
	Type   string          `json:"type"` // reply or error
	ID     json.RawMessage `json:"id,omitempty"`
	Result any             `json:"result,omitempty"`
	Error  *shownFault     `json:"error,omitempty"`
}

// reply answers r with a result.
func (s *session) reply(r *request, result any) {
	s.post(s.encode(answer{Type: "reply", ID: r.ID, Result: result}))
}

// fail answers r, which may be nil, with an error.
func (s *session) fail(r *request, err error) {
	f := show(s.d.fault(err))
	a := answer{Type: "error", Error: &f}
	if r != nil {
		a.ID = r.ID
	}
	s.post(s.encode(a))
}

func (s *session) encode(a answer) []byte {
	b, err := appendJSON(nil, a)
	if err != nil {
		f := show(s.d.fault(err))
		b, _ = appendJSON(nil, answer{Type: "error", ID: a.ID, Error: &f}) // strings only
	}
	return b
}

// post queues an answer, waiting for room if it must.
func (s *session) post(b []byte) {
	select {
	case s.replies <- b:
	case <-s.ctx.Done():
	}
}

// postInTurn queues an answer behind the events that are on their way.
func (s *session) postInTurn(b []byte) {
	select {
	case s.chunks <- b:
	case <-s.ctx.Done():
	}
}
