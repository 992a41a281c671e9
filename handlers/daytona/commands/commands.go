// Package commands serves the toolbox's one-shot commands, and what they run
// with: the sandbox's variables and the state of the machine. It only
// translates; process/command runs them. docs/dialects/daytona.md says what is
// served and where it goes further.
package commands

import (
	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/process/machine"
	"hotcell/sandboxes"
)

// Deps is what the routes stand on.
type Deps struct {
	Commands  *command.Set
	Sandboxes *sandboxes.Registry
	Gauge     *machine.Gauge
	// Place is where processes of a sandbox run; an error if it isn't there or
	// not started.
	Place     func(sandbox string) (process.Place, error)
	SandboxOf func(*fiber.Ctx) string
	// Explain is the server's one table of errors.
	Explain func(error) *fault.Fault
}

// dialect is what the handlers are methods of.
type dialect struct{ Deps }

// Mount returns what adds the routes to a toolbox.
func Mount(deps Deps) func(fiber.Router) {
	d := &dialect{deps}
	return func(r fiber.Router) {
		r.Post("/process/execute", d.execute)
		r.Post("/env", d.env)
		r.Post("/init", d.initialize)
		r.Get("/system/metrics", d.metrics)
	}
}
