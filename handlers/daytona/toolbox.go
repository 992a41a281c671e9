package daytona

import (
	"os"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
)

// toolbox adds what a sandbox offers. The router has found the sandbox.
func (d *dialect) toolbox(r fiber.Router) {
	for path, handler := range d.places() {
		r.Get(path, handler)
	}
	d.interpreter(r)
	for _, mount := range d.Parts {
		mount(r)
	}
	for _, path := range unsupported() {
		r.All(path, d.missing)
	}
	r.Use(func(c *fiber.Ctx) error {
		return fault.NotFound("%s %s is no address of the toolbox", c.Method(), c.Path())
	})
}

// atRoot adds the same at the top, where only known paths may be taken.
func (d *dialect) atRoot(app fiber.Router) {
	for path, handler := range d.places() {
		app.Get(path, d.RequireToken, handler)
	}
	known := app.Group("", onlyUnder([]string{"/process/", "/files", "/env", "/init", "/system/"}, d.RequireToken))
	d.interpreter(known)
	for _, mount := range d.Parts {
		mount(known)
	}
	for _, path := range unsupported() {
		app.All(path, d.RequireToken, d.missing)
	}
}

// onlyUnder applies a check to the paths that begin like one of these.
func onlyUnder(prefixes []string, check fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		for _, prefix := range prefixes {
			if strings.HasPrefix(c.Path(), prefix) {
				return check(c)
			}
		}
		return c.Next()
	}
}

// unsupported lists the toolbox's other parts.
func unsupported() []string {
	return []string{
		"/git/*", "/lsp/*", "/computeruse/*", "/system/*", "/port", "/port/*",
	}
}

func (d *dialect) missing(c *fiber.Ctx) error {
	return fault.Unsupported("%s %s is not supported by hotcell %s", c.Method(), c.Path(), d.Version)
}

// places are the questions about the sandbox itself.
func (d *dialect) places() map[string]fiber.Handler {
	return map[string]fiber.Handler{
		"/version":       func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"version": d.Version}) },
		"/work-dir":      d.workDir,
		"/project-dir":   d.homeDir,
		"/user-home-dir": d.homeDir,
	}
}

func (d *dialect) workDir(c *fiber.Ctx) error {
	opts, err := d.Options(d.SandboxOf(c))
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"dir": opts.Cwd})
}

// homeDir is what ~ means to the code: the sandbox's HOME, else the server's, or,
// where that can't be seen, the work directory.
func (d *dialect) homeDir(c *fiber.Ctx) error {
	place, err := d.Place(d.SandboxOf(c))
	if err != nil {
		return err
	}
	dir := place.Env["HOME"]
	if dir == "" && place.Jail == nil {
		dir, _ = os.UserHomeDir() // it may have none
	}
	if dir == "" {
		dir = place.Dir
	}
	return c.JSON(fiber.Map{"dir": dir})
}
