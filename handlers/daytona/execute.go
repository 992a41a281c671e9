package daytona

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/internal/activity"
	"hotcell/internal/wire"
	"hotcell/interpreter"
)

// Close codes of this protocol.
const (
	closeNormal    = 1000
	closeProtocol  = 1002
	closePolicy    = 1008
	closeTooLarge  = 1009
	closeInternal  = 1011
	closeTimeout   = 4008
	closeTimeoutGo = 4001 // what the Go SDK takes for a timeout
)

// DefaultFirstWait is how long a client may be connected before it says what to
// run: far longer than any SDK takes, and soon enough for what hangs.
const DefaultFirstWait = 60 * time.Second

// SDKs that need something of their own, by their X-Daytona-Source.
const (
	sourceGo   = "sdk-go"
	sourceRuby = "sdk-ruby"
)

// execute upgrades to the WebSocket of one run.
func (d *dialect) execute(c *fiber.Ctx) error {
	sandbox := d.SandboxOf(c)
	if _, err := d.Options(sandbox); err != nil {
		return err
	}
	r := &run{
		dialect: d, by: access.Of(c), sandbox: sandbox, origin: request.Origin(c),
		source: strings.Clone(c.Get("X-Daytona-Source")), enc: newEncoder(),
	}
	return d.Sockets.Upgrade(c, socket.Options{Subprotocol: request.Subprotocol(c)}, r.serve)
}

// refusedWait is how long one that is refused anyhow may take to say what it wants.
const refusedWait = 5 * time.Second

// told says on the WebSocket itself why the client's key doesn't get one. Of an
// HTTP answer in its place the SDKs show the status at most.
func (d *dialect) told(c *fiber.Ctx) error {
	err := c.Next()
	status := access.Refused(err)
	if status == 0 || !websocket.IsWebSocketUpgrade(c) {
		return err
	}
	request.Refuse(c, status)
	r := &run{dialect: d, source: strings.Clone(c.Get("X-Daytona-Source")), enc: newEncoder()}
	return d.Sockets.Upgrade(c, socket.Options{Subprotocol: request.Subprotocol(c), Uncounted: true},
		func(ctx context.Context, conn *socket.Conn) socket.Close {
			r.conn = conn
			// Clients send before they read, and what they are told goes down with a
			// message that they can't send any more.
			_, _ = conn.Read(ctx, refusedWait)
			end := r.refuse(err)
			_ = r.flush()
			return end
		})
}

// run is one WebSocket: a request, the events of its execution, and an end
// that every SDK understands. The execution goes on if the client leaves.
type run struct {
	*dialect
	by      *access.Access
	sandbox string
	origin  activity.Origin
	source  string
	conn    *socket.Conn
	enc     *encoder
	waiting [][]byte // messages that leave with what follows them at once
	size    int      // of them
}

// together is how many bytes of messages are collected to leave in one piece. Larger
// ones are not copied for that.
const together = 16 << 10

func (r *run) serve(ctx context.Context, conn *socket.Conn) socket.Close {
	r.conn = conn
	end := r.converse(ctx)
	_ = r.flush()
	return end
}

// converse is everything up to the close frame.
func (r *run) converse(ctx context.Context) socket.Close {
	conn := r.conn
	msg, err := conn.Read(ctx, r.FirstWait)
	if err != nil {
		return r.refuse(err)
	}
	req, err := decodeRun(msg)
	if err != nil {
		return r.refuse(err)
	}
	conn.Discard() // answers pings and notices a client that leaves
	ex, err := r.start(ctx, req)
	if err != nil {
		return r.refuse(err)
	}
	return r.follow(ctx, ex)
}

// start queues the code in its context.
func (r *run) start(ctx context.Context, req runRequest) (*interpreter.Execution, error) {
	entry, err := r.find(ctx, req.context)
	if err != nil {
		return nil, err
	}
	return r.by.Execute(func() (*interpreter.Execution, error) { //nolint:contextcheck // it outlives the connection, and not its key
		return entry.Execute(interpreter.Request{Code: req.code, Env: req.env, Timeout: req.timeout, Origin: r.origin})
	})
}

func (r *run) find(ctx context.Context, id string) (*contexts.Entry, error) {
	if id != "" && id != contexts.DefaultID {
		return r.Contexts.Lookup(r.sandbox, id)
	}
	opts, err := r.Options(r.sandbox)
	if err != nil {
		return nil, err
	}
	// Others may wait for the same kernel, so a client that leaves doesn't end this.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	return r.Contexts.Default(activity.By(ctx, r.origin), r.sandbox, opts)
}

// refuse ends a connection on which nothing ran.
func (r *run) refuse(err error) socket.Close {
	var protocol *protocolError
	var policy *policyError
	switch {
	case errors.Is(err, socket.ErrLeft), errors.Is(err, socket.ErrShutdown):
		return socket.Close{}
	case errors.Is(err, socket.ErrSilent):
		return socket.Close{Code: closePolicy, Reason: "no request arrived within " + r.FirstWait.String()}
	case errors.Is(err, socket.ErrTooLarge):
		return r.farewell("RequestError", err.Error(), closeTooLarge)
	case errors.As(err, &protocol):
		return r.farewell("RequestError", protocol.words, closeProtocol)
	case errors.As(err, &policy):
		return r.farewell("RequestError", policy.words, closePolicy)
	}
	f := r.Explain(err)
	code := closePolicy
	if f.Status >= http.StatusInternalServerError {
		code = closeInternal
	}
	return r.farewell(errorName(f.Code), f.Message, code)
}

// farewell says why in an error chunk too, which has room for all of it and
// which clients can read that don't look at close frames.
func (r *run) farewell(name, words string, code int) socket.Close {
	_ = r.send(chunk{Type: "error", Name: name, Value: words})
	if r.source == sourceRuby { // it waits for a control message only
		_ = r.send(chunk{Type: "control", Text: "completed"})
	}
	return socket.Close{Code: code, Reason: words}
}

// errorName turns QUEUE_FULL into QueueFullError.
func errorName(code string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(code, "_") {
		if word != "" {
			b.WriteString(word[:1] + strings.ToLower(word[1:]))
		}
	}
	return b.String() + "Error"
}

// follow sends the execution's events until it ends.
func (r *run) follow(ctx context.Context, ex *interpreter.Execution) socket.Close {
	events := ex.Events(0)
	defer events.Close()
	status := wire.StatusCancelled
	for {
		evs, err := events.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return r.end(status)
		case errors.Is(err, socket.ErrShutdown):
			return r.interrupted("ServerShutdownError", "the server is shutting down")
		case err != nil: // the client left or sent too much, or the events are gone
			return r.refuse(err)
		}
		for _, ev := range evs {
			if ev.Type == wire.EventState {
				status = ev.Status
				if ev.State == wire.StateDone { // nothing stands behind it
					return r.end(status)
				}
				continue
			}
			if err := r.event(ev, ex.ID()); err != nil {
				return socket.Close{}
			}
		}
		if err := r.flush(); err != nil {
			return socket.Close{}
		}
	}
}

// event sends one event as the SDKs know it, or as an extra.
func (r *run) event(ev wire.Event, execution string) error {
	switch ev.Type {
	case wire.EventStdout, wire.EventStderr:
		return r.send(chunk{Type: string(ev.Type), Text: ev.Text})
	case wire.EventError:
		return r.send(errorChunk(ev))
	case wire.EventNotice:
		// A notice matters most to those who don't know notices.
		if err := r.send(chunk{Type: "stderr", Text: strings.TrimRight(ev.Text, "\n") + "\n"}); err != nil {
			return err
		}
	}
	msg, err := r.enc.extra(ev, execution)
	if err != nil {
		return err
	}
	return r.put(msg)
}

func (r *run) send(c chunk) error {
	msg, err := r.enc.encode(c)
	if err != nil {
		return err
	}
	return r.put(msg)
}

// put sends a message, or keeps it until the next flush.
func (r *run) put(msg []byte) error {
	if r.size+len(msg) > together {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if len(msg) > together {
		return r.conn.Write(msg)
	}
	r.waiting = append(r.waiting, bytes.Clone(msg))
	r.size += len(msg)
	return nil
}

// flush sends what was kept.
func (r *run) flush() error {
	if len(r.waiting) == 0 {
		return nil
	}
	err := r.conn.Write(r.waiting...)
	r.waiting, r.size = r.waiting[:0], 0
	return err
}

// end tells how it ended, in the way that each SDK takes for what it was. The
// control message always comes before a normal close; before a timeout's close
// it would make some SDKs report success.
func (r *run) end(status wire.Status) socket.Close {
	word := "completed"
	switch status {
	case wire.StatusTimeout:
		switch r.source {
		case sourceGo:
			return socket.Close{Code: closeTimeoutGo, Reason: "execution timed out"}
		case sourceRuby:
			_ = r.send(chunk{Type: "control", Text: "interrupted"})
		}
		return socket.Close{Code: closeTimeout, Reason: "execution timed out"}
	case wire.StatusInterrupted:
		word = "interrupted"
	}
	_ = r.send(chunk{Type: "control", Text: word})
	return socket.Close{Code: closeNormal}
}

// interrupted ends a connection under an execution that has not ended.
func (r *run) interrupted(name, words string) socket.Close {
	_ = r.send(chunk{Type: "error", Name: name, Value: words})
	_ = r.send(chunk{Type: "control", Text: "interrupted"})
	return socket.Close{Code: closeNormal, Reason: words}
}
