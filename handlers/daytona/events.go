package daytona

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/internal/activity"
	"hotcell/sandboxes"
)

// The event stream is Socket.IO 5 over Engine.IO 4, of which the SDKs use the
// WebSocket, the default namespace, and events from the server. Packets begin
// with a digit for the engine's type and, in messages, one for the socket's.
const (
	engineOpen    = "0"
	enginePing    = "2"
	socketConnect = "40"
	socketRefused = "44"
	socketEvent   = "42"
	socketLeave   = "41"
)

const (
	// heartbeat and heartbeatWait are what Socket.IO servers usually say.
	// A client that hears nothing for their sum connects anew.
	heartbeat     = 25 * time.Second
	heartbeatWait = 20 * time.Second
	// connectWait is how long a client may take to send its token.
	connectWait = 45 * time.Second
	// maxPacket is more than a token needs; clients send nothing else.
	maxPacket = 64 << 10
)

func (d *dialect) mountEvents(app fiber.Router) {
	app.Get("/api/socket.io", d.events)
}

// events upgrades to the event stream. It is the only address that asks for
// the key later: the client sends it in its first packet.
func (d *dialect) events(c *fiber.Ctx) error {
	if c.Query("EIO") != "4" || c.Query("transport") != "websocket" {
		return fault.BadRequest("the event stream speaks Engine.IO 4 over WebSocket: EIO=4&transport=websocket")
	}
	s := &eventStream{dialect: d, base: d.BaseURL(c), origin: request.Origin(c)}
	return d.Sockets.Upgrade(c, socket.Options{Subprotocol: request.Subprotocol(c), ReadLimit: maxPacket}, s.serve)
}

// eventStream is one client of the event stream.
type eventStream struct {
	*dialect
	base   string
	origin activity.Origin
	conn   *socket.Conn
}

func (s *eventStream) serve(ctx context.Context, conn *socket.Conn) socket.Close {
	s.conn = conn
	if err := s.open(ctx); err != nil {
		if errors.Is(err, socket.ErrSilent) {
			return socket.Close{Code: closePolicy, Reason: "no connect packet arrived within " + connectWait.String()}
		}
		return socket.Close{}
	}
	watch := s.Sandboxes.Watch()
	defer watch.Close()
	conn.Listen(s.take)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return socket.Close{}
		case <-beat.C:
			err = conn.Write([]byte(enginePing))
		case ev, ok := <-watch.Events():
			if !ok { // too slow, or the server ends: the client looks for itself
				return socket.Close{Code: closePolicy, Reason: "the client is too slow"}
			}
			err = s.send(ev)
		}
		if err != nil {
			return socket.Close{}
		}
	}
}

var errRefused = errors.New("the token is not valid")

// open is the handshake. A refusal is a packet, after which clients leave.
func (s *eventStream) open(ctx context.Context) error {
	hello, err := json.Marshal(map[string]any{
		"sid": uuid.NewString(), "upgrades": []string{},
		"pingInterval": heartbeat.Milliseconds(), "pingTimeout": heartbeatWait.Milliseconds(),
		"maxPayload": 1_000_000,
	})
	if err != nil {
		return fmt.Errorf("encode handshake: %w", err)
	}
	if err := s.conn.Write(append([]byte(engineOpen), hello...)); err != nil {
		return err
	}
	packet, err := s.conn.Read(ctx, connectWait)
	if err != nil {
		return err
	}
	var auth struct {
		Token string `json:"token"`
	}
	if len(packet) > len(socketConnect) && string(packet[:2]) == socketConnect {
		_ = json.Unmarshal(packet[2:], &auth) // what isn't JSON holds no token
	}
	if !s.IsKey(auth.Token) {
		s.Did(activity.Record{
			Kind: activity.Login, Action: "refuse", Origin: s.origin, Began: time.Now(),
			Outcome: activity.Refused, Reason: "Unauthorized", Detail: "GET /api/socket.io",
		})
		_ = s.conn.Write([]byte(socketRefused + `{"message":"Unauthorized: the token is not valid"}`))
		return errRefused
	}
	return s.conn.Write([]byte(socketConnect + `{"sid":"` + uuid.NewString() + `"}`))
}

// take reads what clients send: pongs, and that they leave. A client that
// answers no ping isn't cut: TCP notices one that is gone.
func (s *eventStream) take(packet []byte) error {
	if string(packet) == socketLeave {
		return socket.ErrLeft
	}
	return nil
}

// send passes on what has happened to a sandbox.
func (s *eventStream) send(ev sandboxes.Event) error {
	sb := s.show(ev.Sandbox, s.base)
	event := []any{"sandbox.created", sb}
	if !ev.Created {
		event = []any{"sandbox.state.updated", map[string]any{
			"sandbox": sb, "oldState": ev.Old, "newState": ev.Sandbox.State,
		}}
	}
	packet, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	return s.conn.Write(append([]byte(socketEvent), packet...))
}
