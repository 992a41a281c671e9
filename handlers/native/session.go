package native

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

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
	// replyDelay is how long the answer to a request that events follow may wait
	// for the first of them. Those of a short execution are there by then, and a
	// client that is woken once for everything leaves the processor to the kernel.
	replyDelay = time.Millisecond
)

// session is one WebSocket. The goroutines of serve and of the attachments
// write, one at a time; take is called by the one that reads.
type session struct {
	d      *Dialect
	conn   *socket.Conn
	ctx    context.Context // cancelled when serve ends
	cancel context.CancelFunc
	wg     sync.WaitGroup // attachments, pending requests

	turn    chan struct{} // of capacity 1: whoever has put something in may write
	replies chan []byte   // answers; whoever writes sends them before its own
	wake    chan struct{} // of capacity 1: serve has answers to send
	soon    *time.Timer   // wakes serve for those that were to leave with events
	broken  chan struct{} // closed when a write has failed
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
				turn:     make(chan struct{}, 1),
				replies:  make(chan []byte, maxReplies),
				wake:     make(chan struct{}, 1),
				broken:   make(chan struct{}),
				drained:  make(chan struct{}),
				attached: make(map[string]*attachment),
				lanes:    make(map[string][]*request),
			}
			s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
			s.soon = time.AfterFunc(replyDelay, s.nudge)
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
			s.write(s.ctx, nil)
		case <-s.broken:
			return socket.Close{}
		case <-s.drained:
			s.write(s.ctx, nil)
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
	s.cancel()
	s.soon.Stop()
}

// write sends the answers that wait and then a message, unless there is none. The
// answer to the request that began an execution was queued before its events were
// read, so it leaves before them. It reports whether more may follow.
func (s *session) write(ctx context.Context, msg []byte) bool {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-s.turn }()
	s.soon.Stop() // before the queue is looked at: what comes later starts it again
	var msgs [][]byte
	for len(s.replies) > 0 { // only who has the turn takes them out
		msgs = append(msgs, <-s.replies)
	}
	if msg != nil {
		msgs = append(msgs, msg)
	}
	select {
	case <-s.broken:
		return false
	default:
	}
	if s.conn.Write(msgs...) != nil {
		close(s.broken)
		return false
	}
	return true
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
func (s *session) attach(x *interpreter.Execution, from uint64) {
	ctx, cancel := context.WithCancel(s.ctx)
	a := &attachment{x: x, cancel: cancel, ended: make(chan struct{})}
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

// replyWithEvents answers r with a result that events follow.
func (s *session) replyWithEvents(r *request, result any) {
	b := s.encode(answer{Type: "reply", ID: r.ID, Result: result})
	select {
	case s.replies <- b:
		s.soon.Reset(replyDelay)
	default:
		s.post(b)
	}
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
		s.nudge()
	case <-s.ctx.Done():
	}
}

// nudge lets serve send the answers that wait.
func (s *session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
