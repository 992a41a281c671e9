// Package terminals is the part of the Daytona dialect that serves terminals
// (PTYs): HTTP addresses to make, list, resize and end them, and WebSockets to
// watch them and type. It translates; package terminal keeps them.
//
// Goroutines: of each WebSocket the two of its [socket.Conn].
package terminals

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/process"
	"hotcell/process/terminal"
)

// Config is what the part stands on.
type Config struct {
	Terminals *terminal.Set
	Sockets   *socket.Set
	SandboxOf func(*fiber.Ctx) string
	// Place is where processes of a sandbox run; an error if it isn't there or
	// not started. Asking counts as activity in the sandbox.
	Place func(sandbox string) (process.Place, error)
	// Explain is the server's one table of errors.
	Explain func(error) *fault.Fault
}

// Part serves the addresses.
type Part struct{ Config }

// New returns a part to be mounted.
func New(cfg Config) *Part { return &Part{cfg} }

// Mount adds the routes to a toolbox whose sandbox is known.
func (p *Part) Mount(r fiber.Router) {
	r.Get("/process/pty", p.list)
	r.Post("/process/pty", p.create)
	r.Get("/process/pty/create-connect", p.createConnect)
	r.Get("/process/pty/:id/connect", p.connect)
	r.Post("/process/pty/:id/resize", p.resize)
	r.Get("/process/pty/:id", p.show)
	r.Delete("/process/pty/:id", p.remove)
}

// info is a terminal as the SDKs know it; all of it is needed.
type info struct {
	ID        string            `json:"id"`
	Cwd       string            `json:"cwd"`
	Envs      map[string]string `json:"envs"`
	Cols      int               `json:"cols"`
	Rows      int               `json:"rows"`
	CreatedAt string            `json:"createdAt"`
	Active    bool              `json:"active"`
	LazyStart bool              `json:"lazyStart"`
}

func show(t *terminal.Terminal) info {
	i := t.Info()
	return info{
		ID: i.ID, Cwd: i.Cwd, Envs: i.Env, Cols: i.Cols, Rows: i.Rows,
		CreatedAt: request.Stamp(i.Created), Active: i.Running, LazyStart: i.Lazy,
	}
}

// createRequest is the body of a create. Numbers are read later, to be refused
// in the same words as those of a query.
type createRequest struct {
	ID        string            `json:"id"`
	Cwd       string            `json:"cwd"`
	Envs      map[string]string `json:"envs"`
	Cols      json.RawMessage   `json:"cols"`
	Rows      json.RawMessage   `json:"rows"`
	LazyStart bool              `json:"lazyStart"`
}

func (p *Part) create(c *fiber.Ctx) error {
	var req createRequest
	if err := request.Body(c, &req); err != nil {
		return err
	}
	o := terminal.Options{ID: req.ID, Cwd: req.Cwd, Env: req.Envs, Lazy: req.LazyStart}
	var err error
	if o.Cols, o.Rows, err = size(string(req.Cols), string(req.Rows)); err != nil {
		return err
	}
	t, err := p.make(c, o)
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(fiber.Map{"sessionId": t.ID()})
}

// make creates a terminal.
func (p *Part) make(c *fiber.Ctx, o terminal.Options) (*terminal.Terminal, error) {
	sandbox := p.SandboxOf(c)
	request.Note(c, o.ID)
	o.Origin = request.Origin(c)
	place, err := p.Place(sandbox)
	if err != nil {
		return nil, err
	}
	t, err := p.Terminals.Create(c.UserContext(), place, o)
	if err != nil {
		return nil, err
	}
	// The sandbox may have been stopped before this terminal was there to be
	// ended with it.
	if _, err := p.Place(sandbox); err != nil {
		t.Kill()
		return nil, err
	}
	return t, nil
}

func (p *Part) list(c *fiber.Ctx) error {
	sandbox := p.SandboxOf(c)
	if _, err := p.Place(sandbox); err != nil {
		return err
	}
	sessions := []info{}
	for _, t := range p.Terminals.List(sandbox) {
		sessions = append(sessions, show(t))
	}
	return c.JSON(fiber.Map{"sessions": sessions})
}

func (p *Part) show(c *fiber.Ctx) error {
	t, err := p.find(c)
	if err != nil {
		return missing(err)
	}
	return c.JSON(show(t))
}

func (p *Part) resize(c *fiber.Ctx) error {
	t, err := p.find(c)
	if err != nil {
		return err
	}
	var req struct{ Cols, Rows json.RawMessage }
	if err := request.Body(c, &req); err != nil {
		return err
	}
	if len(req.Cols) == 0 || len(req.Rows) == 0 {
		return fault.BadRequest("cols and rows are both needed, from 1 to 1000")
	}
	cols, rows, err := size(string(req.Cols), string(req.Rows))
	if err != nil {
		return err
	}
	if err := t.Resize(cols, rows); err != nil {
		return err
	}
	return c.JSON(show(t))
}

func (p *Part) remove(c *fiber.Ctx) error {
	t, err := p.find(c)
	if err != nil {
		return missing(err)
	}
	t.Kill()
	return c.JSON(fiber.Map{"message": "terminal " + t.ID() + " was ended"})
}

// find is the terminal that the path names.
func (p *Part) find(c *fiber.Ctx) (*terminal.Terminal, error) {
	id, err := request.Param(c, "id")
	if err != nil {
		return nil, err
	}
	request.Note(c, id)
	sandbox := p.SandboxOf(c)
	if _, err := p.Place(sandbox); err != nil {
		return nil, err
	}
	return p.Terminals.Lookup(sandbox, id)
}

// size reads two numbers. What is absent is 0, which stands for the default.
func size(cols, rows string) (c, r int, err error) {
	if c, err = side("cols", cols); err == nil {
		r, err = side("rows", rows)
	}
	return c, r, err
}

func side(name, text string) (int, error) {
	if text == "" || text == "null" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		const enough = 40
		return 0, fault.BadRequest("%s must be a whole number from 1 to 1000, not %s", name, strings.ToValidUTF8(text[:min(len(text), enough)], ""))
	}
	return n, nil
}
