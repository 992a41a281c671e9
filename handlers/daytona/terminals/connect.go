package terminals

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/keys"
	"hotcell/process/terminal"
)

// Subprotocols by which the SDKs say what they can do, and carry what has no
// place elsewhere.
const (
	exitControl = "X-Daytona-Pty-Exit-Control"
	envsPrefix  = "X-Daytona-Pty-Envs~"
	sdkVersion  = "X-Daytona-SDK-Version~"
)

const (
	// maxInput bounds one message. A person's paste is far smaller; a file goes
	// in pieces.
	maxInput = 1 << 20
	// sendBuffer is what the system holds for a client, about. In its megabytes a
	// slow client's progress could not be seen for longer than one that reads
	// nothing is waited for, and whoever came back would read a stale screen first.
	sendBuffer = 64 << 10
	// rubyWait is how long the Ruby SDK takes, at most, to listen to a socket
	// that it has opened.
	rubyWait = 50 * time.Millisecond
	// touchEvery is how often typing counts as activity.
	touchEvery = 10 * time.Second
)

// caller is what a client's handshake says of it.
type caller struct {
	sandbox string
	exits   bool // it wants to be told of the exit in a message
	frames  bool // it shows its user what comes in messages, not HTTP's refusals
	ruby    bool
	creator bool   // of the terminal
	answer  string // the subprotocol to answer
	envs    string // what came with envsPrefix
}

func (p *Part) caller(c *fiber.Ctx) caller {
	source := c.Get("X-Daytona-Source")
	who := caller{
		sandbox: strings.Clone(p.SandboxOf(c)),
		frames:  strings.HasPrefix(source, "sdk-typescript") || c.Get(fiber.HeaderOrigin) != "",
		ruby:    source == "sdk-ruby",
	}
	for offered := range strings.SplitSeq(c.Get(fiber.HeaderSecWebSocketProtocol), ",") {
		offered = strings.Clone(strings.TrimSpace(offered))
		rank := who.answer == ""
		switch {
		case offered == exitControl:
			who.exits, rank = true, true
		case strings.HasPrefix(offered, sdkVersion):
			who.frames, rank = true, !who.exits
		case strings.HasPrefix(offered, envsPrefix):
			who.envs = offered[len(envsPrefix):]
		default:
			rank = rank || strings.HasPrefix(who.answer, envsPrefix)
		}
		if rank {
			who.answer = offered
		}
	}
	return who
}

// createConnect makes a terminal and attaches its creator.
func (p *Part) createConnect(c *fiber.Ctx) error {
	who := p.caller(c)
	if !websocket.IsWebSocketUpgrade(c) {
		return upgradeNeeded()
	}
	t, err := p.createFor(c, who)
	if err != nil {
		return p.refuse(c, who, err)
	}
	who.creator = true
	if err := p.upgrade(c, who, t); err != nil {
		t.Kill() // nobody knows of it
		return err
	}
	return nil
}

func (p *Part) createFor(c *fiber.Ctx, who caller) (*terminal.Terminal, error) {
	o := terminal.Options{ID: strings.Clone(c.Query("id")), Cwd: strings.Clone(c.Query("cwd"))}
	var err error
	if o.Cols, o.Rows, err = size(strings.Clone(c.Query("cols")), strings.Clone(c.Query("rows"))); err != nil {
		return nil, err
	}
	if o.Env, err = decodeEnvs(who.envs); err != nil {
		return nil, err
	}
	return p.make(c, o)
}

// decodeEnvs reads the variables that came as a subprotocol.
func decodeEnvs(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no variables
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, fault.BadRequest("the variables in the subprotocol %s… are not base64url: %v", envsPrefix, err)
	}
	var envs map[string]string
	if err := json.Unmarshal(raw, &envs); err != nil {
		return nil, fault.BadRequest("the variables in the subprotocol %s… are not a JSON object of strings", envsPrefix)
	}
	return envs, nil
}

// connect attaches one more client to a terminal.
func (p *Part) connect(c *fiber.Ctx) error {
	who := p.caller(c)
	if !websocket.IsWebSocketUpgrade(c) {
		return upgradeNeeded()
	}
	t, err := p.find(c)
	if err == nil {
		err = t.Ready(c.UserContext())
	}
	if err != nil {
		return p.refuse(c, who, err)
	}
	return p.upgrade(c, who, t)
}

func (p *Part) upgrade(c *fiber.Ctx, who caller, t *terminal.Terminal) error {
	v := &viewer{Part: p, caller: who, terminal: t}
	return p.Sockets.Upgrade(c, socket.Options{Subprotocol: who.answer, ReadLimit: maxInput, SendBuffer: sendBuffer}, v.serve)
}

// told refuses in the same way what the client's key doesn't allow.
func (p *Part) told(c *fiber.Ctx) error {
	err := c.Next()
	if !websocket.IsWebSocketUpgrade(c) || access.Refused(err) == 0 {
		return err
	}
	return p.refuse(c, p.caller(c), err)
}

// refuse answers with HTTP's status, or on the socket if the client could tell
// its user nothing of that.
func (p *Part) refuse(c *fiber.Ctx, who caller, err error) error {
	if !who.frames {
		return err
	}
	f := p.Explain(err)
	request.Refuse(c, f.Status)
	return p.Sockets.Upgrade(c, socket.Options{Subprotocol: who.answer, ReadLimit: maxInput, Uncounted: true},
		func(_ context.Context, conn *socket.Conn) socket.Close {
			return sayError(conn, f.Message, websocket.ClosePolicyViolation)
		})
}

func upgradeNeeded() error {
	return fault.New(fiber.StatusUpgradeRequired, "this address speaks WebSocket only")
}

// missing makes a terminal that has ended look as if it had never been, for
// those addresses of which clients expect that.
func missing(err error) error {
	var gone *terminal.EndedError
	if errors.As(err, &gone) {
		return fault.NotFound("%s", gone.Error())
	}
	return err
}

// control is a message that isn't output.
type control struct {
	Type       string `json:"type"`
	Status     string `json:"status,omitempty"`
	ExitCode   *int   `json:"exitCode,omitempty"`
	ExitReason string `json:"exitReason,omitempty"`
	Error      string `json:"error,omitempty"`
}

func say(conn *socket.Conn, c control) error {
	c.Type = "control"
	msg, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return conn.Write(msg)
}

// sayError ends a connection with words. The message has room for all of them;
// the close frame has them in a form that the SDKs read.
func sayError(conn *socket.Conn, words string, code int) socket.Close {
	_ = say(conn, control{Status: "error", Error: words})
	return socket.Close{Code: code, Reason: reason(map[string]any{"error": words})}
}

// reason is an object small enough for a close frame: long words are cut.
func reason(members map[string]any) string {
	const room = 123
	for {
		raw, err := json.Marshal(members)
		if err != nil || len(raw) <= room {
			return string(raw)
		}
		for name, v := range members {
			if s, ok := v.(string); ok {
				cut := []rune(s)
				members[name] = strings.TrimSuffix(string(cut[:max(len(cut)-(len(raw)-room+3), 0)]), "…") + "…"
			}
		}
	}
}

// viewer is a client of a terminal, on its WebSocket.
type viewer struct {
	*Part
	caller
	terminal *terminal.Terminal
	conn     *socket.Conn
	client   *terminal.Client
	touched  time.Time // of the goroutine that reads
}

func (v *viewer) serve(ctx context.Context, conn *socket.Conn) socket.Close {
	v.conn = conn
	client, err := v.terminal.Attach(ctx, v.creator)
	if err != nil {
		return sayError(conn, v.Explain(err).Message, websocket.ClosePolicyViolation)
	}
	defer client.Close()
	v.client = client
	// Typing that waits for a program ends with this function too.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := v.greet(ctx); err != nil {
		return socket.Close{}
	}
	conn.Listen(func(msg []byte) error { return v.take(ctx, msg) })
	for {
		p, err := client.Next(ctx)
		if err != nil {
			return v.end(err)
		}
		if err := v.show(p); err != nil {
			return socket.Close{}
		}
	}
}

// greet says that the client is connected, which has to be the first message.
// The Ruby SDK begins to listen after it has connected, and may have missed it.
func (v *viewer) greet(ctx context.Context) error {
	if err := say(v.conn, control{Status: "connected"}); err != nil || !v.ruby {
		return err
	}
	timer := time.NewTimer(rubyWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return say(v.conn, control{Status: "connected"})
}

// take is what the client types.
func (v *viewer) take(ctx context.Context, msg []byte) error {
	if now := time.Now(); now.Sub(v.touched) > touchEvery {
		v.touched = now
		_, _ = v.Place(v.sandbox) // counts as activity; a sandbox that stops says so itself
	}
	err := v.client.Write(ctx, msg)
	if errors.Is(err, io.ErrClosedPipe) {
		return nil // the end is on its way to the client
	}
	return err
}

// show sends output. The Ruby SDK takes for a message what it can read as an
// object: no frame of ours is one.
func (v *viewer) show(p []byte) error {
	if n := braceOf(p); n > 0 && json.Valid(p) {
		if err := v.conn.WriteBinary(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return v.conn.WriteBinary(p)
}

// braceOf is where the inside of an object begins, if p could be one.
func braceOf(p []byte) int {
	for i, b := range p {
		switch b {
		case ' ', '\t', '\r', '\n':
		case '{':
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// end says how it ended.
func (v *viewer) end(err error) socket.Close {
	var key *keys.EndedError
	switch {
	case errors.As(err, &key):
		return sayError(v.conn, key.Error(), websocket.ClosePolicyViolation)
	case errors.Is(err, io.EOF):
		<-v.terminal.Done()
		e := v.terminal.Exit()
		members := map[string]any{"exitCode": e.Code}
		if e.Reason != "" {
			members["exitReason"] = e.Reason
		}
		if v.exits {
			_ = say(v.conn, control{Status: "exited", ExitCode: &e.Code, ExitReason: e.Reason})
		}
		return socket.Close{Code: websocket.CloseNormalClosure, Reason: reason(members)}
	case errors.Is(err, socket.ErrTooLarge):
		return sayError(v.conn, err.Error()+": send input in smaller pieces", websocket.CloseMessageTooBig)
	case errors.Is(err, terminal.ErrSlow), errors.Is(err, terminal.ErrInputFull):
		return sayError(v.conn, err.Error(), websocket.ClosePolicyViolation)
	default: // the client left, or the server ends
		return socket.Close{}
	}
}
