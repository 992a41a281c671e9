package e2b

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/request"
	"hotcell/internal/activity"
)

// contextBody is a context as the SDKs read it.
type contextBody struct {
	ID       string `json:"id"`
	Language string `json:"language"`
	Cwd      string `json:"cwd"`
}

func show(e *contexts.Entry) contextBody { return contextBody{e.ID(), e.Language(), e.Cwd()} }

// createRequest may be empty.
type createRequest struct {
	Cwd      string `json:"cwd"`
	Language string `json:"language"`
}

func (d *Dialect) create(c *fiber.Ctx) error {
	var req createRequest
	if err := request.Body(c, &req); err != nil {
		return err
	}
	sandbox, o, err := d.enter(c)
	if err != nil {
		return err
	}
	if strings.TrimSpace(req.Language) != "" {
		o.Language = req.Language
	}
	switch {
	case filepath.IsAbs(req.Cwd):
		o.Cwd = req.Cwd
	case req.Cwd != "":
		o.Cwd = filepath.Join(o.Cwd, req.Cwd)
	}
	ctx, cancel := patience()
	defer cancel()
	e, err := d.Contexts.Create(activity.By(ctx, request.Origin(c)), sandbox, o)
	if err != nil {
		return err
	}
	return c.JSON(show(e))
}

func (d *Dialect) list(c *fiber.Ctx) error {
	sandbox, _, err := d.enter(c)
	if err != nil {
		return err
	}
	out := []contextBody{}
	for _, e := range d.Contexts.All() {
		if e.Owner == sandbox {
			out = append(out, show(e))
		}
	}
	return c.JSON(out)
}

func (d *Dialect) restart(c *fiber.Ctx) error {
	e, err := d.named(c)
	if err != nil {
		return err
	}
	ctx, cancel := patience()
	defer cancel()
	if err := e.Restart(ctx); err != nil {
		return err
	}
	return done(c)
}

// remove ends a context. Here that may be a default one: programs remove
// whatever the list shows, and the next execution makes another.
func (d *Dialect) remove(c *fiber.Ctx) error {
	e, err := d.named(c)
	if err != nil {
		return err
	}
	ctx, cancel := patience()
	defer cancel()
	if err := d.Contexts.End(activity.By(ctx, request.Origin(c)), e); err != nil {
		return err
	}
	return done(c)
}

// named finds the context in the path.
func (d *Dialect) named(c *fiber.Ctx) (*contexts.Entry, error) {
	id, err := request.Param(c, "context")
	if err != nil {
		return nil, err
	}
	sandbox, _, err := d.enter(c)
	if err != nil {
		return nil, err
	}
	return d.Contexts.Lookup(sandbox, id)
}

// patience bounds what a request waits for. Fiber doesn't tell when a client
// leaves.
func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), startTimeout)
}
