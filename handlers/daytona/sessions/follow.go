package sessions

import (
	"context"
	"errors"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/process"
	"hotcell/process/session"
)

const (
	closeNormal   = 1000
	closeAway     = 1001
	closeInternal = 1011
	// frameSize bounds a frame with its marker. One SDK splits each frame by
	// itself, so it begins with a marker and has whole characters of one stream.
	frameSize = 32 << 10
)

// following reports whether the log is to be sent as it comes.
func following(c *fiber.Ctx) bool { return websocket.IsWebSocketUpgrade(c) }

// logs answers with the log as it is, or follows it.
func (d Deps) logs(c *fiber.Ctx) error {
	cmd, err := d.findCommand(c)
	if err != nil {
		return err
	}
	if !following(c) {
		if c.QueryBool("follow") {
			return fault.New(fiber.StatusUpgradeRequired, "a log is followed over a WebSocket; without follow=true the answer is what it holds by now")
		}
		return d.wholeLog(c, cmd)
	}
	f := follower{format: formatFor(c), cmd: cmd}
	return d.Sockets.Upgrade(c, socket.Options{Subprotocol: request.Subprotocol(c)}, f.serve)
}

// follower sends a log over a WebSocket, from the beginning to the command's
// end. How fast the client reads is its own business.
type follower struct {
	format format
	cmd    *session.Command
	frame  []byte
	kind   session.Kind // of the frame
}

func (f *follower) serve(ctx context.Context, conn *socket.Conn) socket.Close {
	conn.Discard() // answers pings and notices a client that leaves
	pieces := f.cmd.Pieces()
	defer pieces.Close()
	for {
		ps, err := pieces.Next(ctx)
		if err != nil {
			return failed(ctx, err)
		}
		for _, p := range ps {
			if p.Kind != f.kind || len(f.frame)+len(p.Text) > frameSize {
				if err := f.flush(conn); err != nil {
					return socket.Close{}
				}
			}
			if p.Kind == session.End {
				return f.end()
			}
			f.add(p)
		}
		if err := f.flush(conn); err != nil {
			return socket.Close{}
		}
	}
}

// add lengthens the frame.
func (f *follower) add(p session.Piece) {
	if len(f.frame) > 0 {
		f.frame = append(f.frame, p.Text...)
		return
	}
	f.kind = p.Kind
	f.frame = f.format.appendFrame(f.frame, p.Kind, p.Text)
}

func (f *follower) flush(conn *socket.Conn) error {
	if len(f.frame) == 0 {
		return nil
	}
	err := conn.WriteBinary(f.frame)
	f.frame = f.frame[:0]
	return err
}

// end closes as it is with a command that came to its end. The reason is for
// those who look why it did; some clients take any other code for an error.
func (f *follower) end() socket.Close {
	<-f.cmd.Done()
	err := f.cmd.Err()
	switch {
	case errors.Is(err, process.ErrClosed):
		return socket.Close{Code: closeAway, Reason: err.Error()}
	case err != nil:
		return socket.Close{Code: closeNormal, Reason: err.Error()}
	default:
		return socket.Close{Code: closeNormal}
	}
}

// failed is for a log that cannot be read any more, or a client that is gone.
func failed(ctx context.Context, err error) socket.Close {
	if ctx.Err() != nil {
		return socket.Close{}
	}
	return socket.Close{Code: closeInternal, Reason: "the log cannot be read: " + err.Error()}
}
