package native

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	httprequest "hotcell/handlers/request"
	"hotcell/process/command"
)

// attachedIdle is how often something is sent to a client whose leaving ends its
// command: only a failed write shows that it has left.
const attachedIdle = time.Second

// commandRequest is a command to run.
type commandRequest struct {
	Command  *string           `json:"command"`
	Argv     []string          `json:"argv"`
	Sandbox  string            `json:"sandbox"`
	Cwd      string            `json:"cwd"`
	Env      map[string]string `json:"env"`
	Timeout  float64           `json:"timeout_ms"`
	Stdin    bool              `json:"stdin"`    // it will be written to
	Events   *bool             `json:"events"`   // answer with them; true if absent
	Attached bool              `json:"attached"` // end the command when the client leaves
}

// check says what is wrong with a request in itself.
func (r *commandRequest) check() *fault.Fault {
	limits := request{Timeout: r.Timeout}
	switch {
	case r.Command == nil && r.Argv == nil:
		return invalid("member \"command\" or \"argv\" is missing")
	case r.Command != nil && r.Argv != nil:
		return invalid("members \"command\" and \"argv\" exclude each other")
	case r.Argv != nil && len(r.Argv) == 0:
		return invalid("member \"argv\" must not be empty")
	case r.Attached && !r.streams():
		return invalid("\"attached\": true needs the events, which \"events\": false declines")
	}
	return limits.check()
}

func (r *commandRequest) streams() bool { return r.Events == nil || *r.Events }

// spec is the request as the commands take it.
func (d *Dialect) spec(r *commandRequest) (command.Spec, error) {
	sandbox := cmp.Or(r.Sandbox, DefaultSandbox)
	limits := request{Timeout: r.Timeout}
	s := command.Spec{Argv: r.Argv, Cwd: r.Cwd, Env: r.Env, Timeout: limits.timeout(), Stdin: r.Stdin}
	if r.Command != nil {
		s.Text = *r.Command
	}
	var err error
	s.Place, err = d.cfg.Sandboxes.Place(sandbox)
	s.Admit = func() error {
		_, err := d.cfg.Sandboxes.Place(sandbox)
		return err
	}
	return s, err
}

// startCommand starts a command, and answers with its events as they come, or,
// if the client doesn't want them, with what it is.
func (d *Dialect) startCommand(c *fiber.Ctx) error {
	var r commandRequest
	if err := decodeBody(c, &r); err != nil {
		return err
	}
	if sandbox := c.Query("sandbox"); sandbox != "" {
		r.Sandbox = strings.Clone(sandbox)
	}
	if f := r.check(); f != nil {
		return f
	}
	spec, err := d.spec(&r)
	if err != nil {
		return err
	}
	spec.Origin = httprequest.Origin(c)
	x, err := d.cfg.Commands.Start(c.UserContext(), spec)
	if err != nil {
		return err
	}
	c.Location("/v1/commands/" + x.ID())
	if !r.streams() {
		return send(c, http.StatusAccepted, showCommand(x))
	}
	return d.commandEvents(c, x, 1, r.Attached)
}

// streamCommand sends a command's events from a number on.
func (d *Dialect) streamCommand(c *fiber.Ctx) error {
	from, err := fromQuery(c)
	if err != nil {
		return err
	}
	x, err := d.command(c)
	if err != nil {
		return err
	}
	return d.commandEvents(c, x, from, false)
}

func (d *Dialect) commandEvents(c *fiber.Ctx, x *command.Command, from uint64, attached bool) error {
	events, err := x.Events(from)
	if err != nil {
		return err
	}
	s := &eventStream[command.Event]{
		events: events, encode: appendCommandEvent, explain: d, idle: keepAlive,
		tag: func(e *command.Event) (uint64, string) { return e.Seq, string(e.Type) },
	}
	if attached {
		s.idle, s.left = attachedIdle, func() { x.End(command.ErrAbandoned) } // unless it has ended
	}
	snap := x.Snapshot()
	return sendEvents(c, snap.Outcome != nil && from > snap.Events, s)
}

func (d *Dialect) listCommands(c *fiber.Ctx) error {
	sandbox := c.Query("sandbox")
	if sandbox != "" {
		p, err := d.cfg.Sandboxes.Place(sandbox)
		if err != nil {
			return err
		}
		sandbox = p.Sandbox
	}
	out := []shownCommand{}
	for _, x := range d.cfg.Commands.All() {
		if s := showCommand(x); sandbox == "" || s.Sandbox == sandbox {
			out = append(out, s)
		}
	}
	return send(c, http.StatusOK, out)
}

func (d *Dialect) showCommand(c *fiber.Ctx) error {
	x, err := d.command(c)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, showCommand(x))
}

func (d *Dialect) deleteCommand(c *fiber.Ctx) error {
	x, err := d.command(c)
	if err != nil {
		return err
	}
	if err := d.cfg.Commands.Delete(x.ID()); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// signalCommand sends a signal, and SIGKILL after a grace if one is given.
func (d *Dialect) signalCommand(c *fiber.Ctx) error {
	var r struct {
		Signal *string  `json:"signal"`
		Grace  *float64 `json:"grace_ms"`
	}
	if err := decodeBody(c, &r); err != nil {
		return err
	}
	limits := request{Grace: r.Grace}
	if f := limits.check(); f != nil {
		return f
	}
	if r.Signal == nil {
		return invalid("member \"signal\" is missing")
	}
	sig, err := command.ParseSignal(*r.Signal)
	if err != nil {
		return invalid("%v", err)
	}
	x, err := d.command(c)
	if err != nil {
		return err
	}
	if limits.grace() == 0 || sig == syscall.SIGKILL {
		err = x.Signal(sig, 0)
	} else {
		err = x.Signal(sig, limits.grace())
	}
	if err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// inputCommand writes to a command's standard input, and answers when the
// command has room for all of it.
func (d *Dialect) inputCommand(c *fiber.Ctx) error {
	var r struct {
		Text   *string `json:"text"`
		Base64 []byte  `json:"base64"`
		EOF    bool    `json:"eof"`
	}
	if err := decodeBody(c, &r); err != nil {
		return err
	}
	switch {
	case r.Text == nil && r.Base64 == nil && !r.EOF:
		return invalid("member \"text\" or \"base64\" is missing (or \"eof\": true, to end the input)")
	case r.Text != nil && r.Base64 != nil:
		return invalid("members \"text\" and \"base64\" exclude each other")
	case r.Text != nil:
		r.Base64 = []byte(*r.Text)
	}
	x, err := d.command(c)
	if err != nil {
		return err
	}
	if err := x.Input(r.Base64); err != nil {
		return err
	}
	if r.EOF {
		if err := x.CloseInput(); err != nil {
			return err
		}
	}
	return c.SendStatus(http.StatusNoContent)
}

// command is the one that the path names.
func (d *Dialect) command(c *fiber.Ctx) (*command.Command, error) {
	id, err := segment(c.Params("command"))
	if err != nil {
		return nil, err
	}
	return d.cfg.Commands.Find(id)
}

// decodeBody reads a JSON object into a struct that has all members there are.
func decodeBody(c *fiber.Ctx, into any) error {
	body := c.Body()
	switch {
	case len(body) > maxMessage:
		return refuse(http.StatusRequestEntityTooLarge, codeTooLarge, "the body has %d bytes; the limit is %d", len(body), maxMessage)
	case !utf8.Valid(body):
		return invalid("the request is not valid UTF-8")
	case bytes.Equal(bytes.TrimSpace(body), []byte("null")):
		return invalid("the request must be a JSON object, not null")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); errors.Is(err, io.EOF) {
		return invalid("the request is empty")
	} else if err != nil {
		return decodeFault(err)
	}
	if _, more := dec.Token(); !errors.Is(more, io.EOF) {
		return invalid("there is something after the JSON object")
	}
	return nil
}

// shownCommand is a command as clients see it.
type shownCommand struct {
	ID      string    `json:"id"`
	Sandbox string    `json:"sandbox"`
	Command string    `json:"command"`
	Cwd     string    `json:"cwd"`
	State   string    `json:"state"`
	Pid     int       `json:"pid,omitempty"`
	Created time.Time `json:"created"`
	Events  uint64    `json:"events"`
	*command.Outcome
}

func showCommand(x *command.Command) shownCommand {
	s := x.Snapshot()
	out := shownCommand{
		ID: s.ID, Sandbox: s.Sandbox, Command: s.Words, Cwd: s.Cwd, State: "running", Pid: s.Pid,
		Created: s.Created.UTC(), Events: s.Events, Outcome: s.Outcome,
	}
	if s.Outcome != nil {
		out.State = "done"
	}
	return out
}

// appendCommandEvent is appendEvent for commands. Output that is not UTF-8 is
// sent as it is, in base64.
func appendCommandEvent(dst []byte, e *command.Event) ([]byte, error) {
	if e.Type != command.EventStdout && e.Type != command.EventStderr {
		return appendJSON(dst, e)
	}
	dst = appendHead(dst, e.Seq, e.Time, string(e.Type))
	if e.Base64 == nil {
		dst = append(dst, `,"text":`...)
		return append(appendString(dst, e.Text), '}'), nil
	}
	dst = append(dst, `,"base64":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, e.Base64), `"}`...), nil
}
