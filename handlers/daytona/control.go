package daytona

import (
	"context"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/sandboxes"
)

// endTimeout is for ending what runs in a sandbox: kernels that ignore every
// signal but the last one take a few seconds.
const endTimeout = 60 * time.Second

// control adds the control plane.
func (d *dialect) control(r fiber.Router) {
	r.Get("/health", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) })
	r.Get("/config", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"version": d.Version}) })
	r.Post("/sandbox", d.createSandbox)
	r.Get("/sandbox", d.listSandboxes)
	r.Get("/sandbox/paginated", d.listPages)
	r.Get("/sandbox/:id", d.getSandbox)
	r.Delete("/sandbox/:id", d.bounded(d.Sandboxes.Delete))
	r.Post("/sandbox/:id/start", d.bounded(d.Sandboxes.Start))
	r.Post("/sandbox/:id/stop", d.bounded(d.Sandboxes.Stop))
	r.Post("/sandbox/:id/last-activity", d.touch)
	r.Put("/sandbox/:id/labels", d.setLabels)
	r.Post("/sandbox/:id/autostop/:minutes", d.interval(func(i *sandboxes.Intervals, n int) { i.AutoStop = n }))
	r.Post("/sandbox/:id/autopause/:minutes", d.interval(func(i *sandboxes.Intervals, n int) { i.AutoPause = n }))
	r.Post("/sandbox/:id/autoarchive/:minutes", d.interval(func(i *sandboxes.Intervals, n int) { i.AutoArchive = n }))
	r.Post("/sandbox/:id/autodelete/:minutes", d.interval(func(i *sandboxes.Intervals, n int) { i.AutoDelete = max(n, -1) }))
	r.Post("/sandbox/:id/ttl/:minutes", d.interval(func(i *sandboxes.Intervals, n int) { i.TTL = n }))
	r.Get("/sandbox/:id/toolbox-proxy-url", d.proxyURL)
	r.Get("/sandbox/:id/ports/:port/preview-url", d.preview)
	r.Get("/sandbox/:id/ports/:port/signed-preview-url", d.signedPreview)
	r.Use(d.elsewhere)
}

func (d *dialect) getSandbox(c *fiber.Ctx) error {
	id, err := request.Param(c, "id")
	if err != nil {
		return err
	}
	sb, err := d.Sandboxes.Lookup(id)
	return d.answer(c, sb, err)
}

// bounded answers with the sandbox after an operation that may take a while.
func (d *dialect) bounded(op func(context.Context, string) (sandboxes.Sandbox, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		id, err := request.Param(c, "id")
		if err != nil {
			return err
		}
		request.Note(c, id)
		ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
		sb, err := op(ctx, id)
		return d.answer(c, sb, err)
	}
}

func (d *dialect) touch(c *fiber.Ctx) error {
	id, err := request.Param(c, "id")
	if err != nil {
		return err
	}
	if err := d.Sandboxes.Touch(id); err != nil {
		return err
	}
	c.Status(fiber.StatusCreated)
	return nil
}

func (d *dialect) setLabels(c *fiber.Ctx) error {
	id, err := request.Param(c, "id")
	if err != nil {
		return err
	}
	var req struct {
		Labels map[string]string `json:"labels"`
	}
	if err := request.Body(c, &req); err != nil {
		return err
	}
	if req.Labels == nil {
		return fault.BadRequest("labels must be an object of strings")
	}
	if req.Labels, err = d.checkLabels(req.Labels); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	request.Note(c, id)
	sb, err := d.Sandboxes.SetLabels(ctx, id, req.Labels)
	if err != nil {
		return err
	}
	request.About(c, sb.ID)
	return c.JSON(fiber.Map{"labels": sb.Labels})
}

// interval sets one of the times after which a sandbox ends.
func (d *dialect) interval(set func(*sandboxes.Intervals, int)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		n, err := strconv.Atoi(c.Params("minutes"))
		if err != nil {
			return fault.BadRequest("the interval must be a whole number of minutes, not %q", c.Params("minutes"))
		}
		return d.bounded(func(ctx context.Context, id string) (sandboxes.Sandbox, error) {
			return d.Sandboxes.SetIntervals(ctx, id, func(i *sandboxes.Intervals) { set(i, n) })
		})(c)
	}
}

// elsewhere answers for the rest of the control plane.
func (d *dialect) elsewhere(c *fiber.Ctx) error {
	return fault.Unsupported("%s %s is not supported by hotcell %s", c.Method(), c.Path(), d.Version)
}
