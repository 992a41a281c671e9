package daytona

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/request"
	"hotcell/internal/activity"
	"hotcell/interpreter"
)

// startTimeout is for starting a kernel. A cold start with large libraries
// takes a few seconds on a busy machine; more than this is a fault.
const startTimeout = 60 * time.Second

// interpreter adds the routes of the code interpreter.
func (d *dialect) interpreter(r fiber.Router) {
	r.Post("/process/interpreter/context", d.createContext)
	r.Get("/process/interpreter/context", d.listContexts)
	r.Delete("/process/interpreter/context/:context", d.deleteContext)
	r.Use("/process/interpreter/execute", d.told)
	r.Get("/process/interpreter/execute", d.execute)
}

// contextBody is a context as the SDKs read it: all five are required.
type contextBody struct {
	ID        string `json:"id"`
	Cwd       string `json:"cwd"`
	CreatedAt string `json:"createdAt"`
	Active    bool   `json:"active"`
	Language  string `json:"language"`
}

func showContext(e *contexts.Entry) contextBody {
	return contextBody{
		ID:        e.ID(),
		Cwd:       e.Cwd(),
		CreatedAt: request.Stamp(e.Created),
		Active:    e.Status().State != "closed",
		Language:  e.Language(),
	}
}

// createRequest may be empty. The SDKs send a cwd at most.
type createRequest struct {
	Cwd      string            `json:"cwd"`
	Language string            `json:"language"`
	Envs     map[string]string `json:"envs"`
}

func (d *dialect) createContext(c *fiber.Ctx) error {
	var req createRequest
	if err := request.Body(c, &req); err != nil {
		return err
	}
	sandbox := d.SandboxOf(c)
	opts, err := d.Options(sandbox)
	if err != nil {
		return err
	}
	opts.Language = cmp.Or(req.Language, opts.Language)
	if req.Cwd != "" && !filepath.IsAbs(req.Cwd) {
		req.Cwd = filepath.Join(opts.Cwd, req.Cwd)
	}
	opts.Cwd = cmp.Or(req.Cwd, opts.Cwd)
	maps.Copy(opts.Env, req.Envs)
	if err := interpreter.CheckEnv(opts.Env); err != nil {
		return err
	}
	// Fiber doesn't tell when a client leaves, so only the time bounds this.
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	entry, err := d.Contexts.Create(activity.By(ctx, request.Origin(c)), sandbox, opts)
	if err != nil {
		return err
	}
	if _, err := d.Options(sandbox); err != nil { // it was stopped or deleted meanwhile
		_ = d.Contexts.Delete(ctx, sandbox, entry.ID())
		return err
	}
	return c.JSON(showContext(entry))
}

func (d *dialect) listContexts(c *fiber.Ctx) error {
	sandbox := d.SandboxOf(c)
	if _, err := d.Options(sandbox); err != nil {
		return err
	}
	list := []contextBody{}
	for _, e := range d.Contexts.List(sandbox) {
		list = append(list, showContext(e))
	}
	return c.JSON(fiber.Map{"contexts": list})
}

func (d *dialect) deleteContext(c *fiber.Ctx) error {
	id, err := request.Param(c, "context")
	if err != nil {
		return err
	}
	sandbox := d.SandboxOf(c)
	if _, err := d.Options(sandbox); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := d.Contexts.Delete(activity.By(ctx, request.Origin(c)), sandbox, id); err != nil {
		return err
	}
	return c.JSON(fiber.Map{"message": "context deleted: " + id})
}
