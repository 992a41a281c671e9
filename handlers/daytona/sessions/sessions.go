// Package sessions adds shell sessions to the Daytona dialect's toolbox. It
// translates: process/session has the shells, their commands and logs.
// docs/dialects/daytona.md says what is served and where it goes further.
//
// Goroutines: those of the WebSockets that follow a log, which belong to the
// set of sockets.
package sessions

import (
	"context"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/process"
	"hotcell/process/session"
)

// waitTimeout is for a session to start or to end, which takes milliseconds:
// whatever takes longer has its own time limits below this one.
const waitTimeout = 30 * time.Second

// Deps is what the routes stand on.
type Deps struct {
	Sessions  *session.Set
	Sockets   *socket.Set
	SandboxOf func(*fiber.Ctx) string
	// Place is where a sandbox's processes run; an error if it isn't there or
	// not started. Asking counts as activity in it.
	Place   func(sandbox string) (process.Place, error)
	Version string
}

// Routes returns what adds the routes to a toolbox. Not all clients encode the
// slashes of an id, so + takes them too.
func Routes(d Deps) func(fiber.Router) {
	return func(r fiber.Router) {
		r.Post("/process/session", d.create)
		r.Get("/process/session", d.list)
		r.Get("/process/session/entrypoint", d.entrypoint)
		r.Get("/process/session/entrypoint/logs", d.entrypointLogs)
		r.Get("/process/session/+/command/:command/logs", d.logs)
		r.Post("/process/session/+/command/:command/input", d.input)
		r.Get("/process/session/+/command/:command", d.command)
		r.Post("/process/session/+/exec", d.execute)
		r.Get("/process/session/+", d.show)
		r.Delete("/process/session/+", d.remove)
	}
}

// sessionBody is a session as the SDKs read it.
type sessionBody struct {
	SessionID string        `json:"sessionId"`
	Commands  []commandBody `json:"commands"` // never null
}

// commandBody is a command. Clients tell by the absence of an exit code that
// it still runs.
type commandBody struct {
	ID       string `json:"id"`
	Command  string `json:"command"`
	ExitCode *int   `json:"exitCode,omitempty"`
}

func showSession(s *session.Session) sessionBody {
	body := sessionBody{SessionID: s.ID(), Commands: []commandBody{}}
	for _, c := range s.Commands() {
		body.Commands = append(body.Commands, showCommand(c))
	}
	return body
}

func showCommand(c *session.Command) commandBody {
	body := commandBody{ID: c.ID(), Command: c.Text()}
	if code, ended := c.Exit(); ended {
		body.ExitCode = &code
	}
	return body
}

func (d Deps) create(c *fiber.Ctx) error {
	var req struct {
		SessionID string `json:"sessionId"`
	}
	if err := request.Body(c, &req); err != nil {
		return err
	}
	if req.SessionID == entrypointID {
		return reserved()
	}
	request.Note(c, req.SessionID)
	place, err := d.Place(d.SandboxOf(c))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	if _, err := d.Sessions.Create(ctx, place, req.SessionID); err != nil {
		return err
	}
	if _, err := d.Place(place.Sandbox); err != nil { // it was stopped or deleted meanwhile
		_ = d.Sessions.Delete(ctx, place.Sandbox, req.SessionID)
		return err
	}
	return c.SendStatus(http.StatusCreated)
}

func (d Deps) list(c *fiber.Ctx) error {
	place, err := d.Place(d.SandboxOf(c))
	if err != nil {
		return err
	}
	list := []sessionBody{}
	for _, s := range d.Sessions.List(place.Sandbox) {
		list = append(list, showSession(s))
	}
	return c.JSON(list)
}

func (d Deps) show(c *fiber.Ctx) error {
	s, err := d.find(c)
	if err != nil {
		return err
	}
	return c.JSON(showSession(s))
}

func (d Deps) remove(c *fiber.Ctx) error {
	id, err := request.Param(c, "+")
	if err != nil {
		return err
	}
	if id == entrypointID {
		return reserved()
	}
	request.Note(c, id)
	place, err := d.Place(d.SandboxOf(c))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	if err := d.Sessions.Delete(ctx, place.Sandbox, id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// find finds the session that the path names.
func (d Deps) find(c *fiber.Ctx) (*session.Session, error) {
	id, err := request.Param(c, "+")
	if err != nil {
		return nil, err
	}
	place, err := d.Place(d.SandboxOf(c))
	if err != nil {
		return nil, err
	}
	if id == entrypointID {
		return nil, reserved()
	}
	return d.Sessions.Lookup(place.Sandbox, id)
}

// findCommand finds the command that the path names.
func (d Deps) findCommand(c *fiber.Ctx) (*session.Command, error) {
	s, err := d.find(c)
	if err != nil {
		return nil, err
	}
	id, err := request.Param(c, "command")
	if err != nil {
		return nil, err
	}
	return s.Command(id)
}

func reserved() error {
	return fault.BadRequest("the session %q is the service's own: it can only be looked at", entrypointID)
}
