// Package e2b speaks the protocol of E2B's code-interpreter SDKs: a few routes,
// and a stream of JSON lines for each execution. It translates; sandboxes and
// contexts are kept by the packages of these names, so a context that was made
// here is there for the other dialects too.
// docs/dialects/e2b.md says what is served and where it goes further.
//
// Goroutines: one for each execution that is being streamed, which looks
// whether its client is still there; the stream joins it.
package e2b

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/internal/activity"
	"hotcell/internal/wire"
)

const (
	// defaultSandbox is the one of a client that names none.
	defaultSandbox = "default"
	// debugSandbox is the id that the SDKs make up in their debug mode, in which
	// nobody has given them a sandbox.
	debugSandbox = "debug_sandbox_id"
	// sandboxHeader names the sandbox.
	sandboxHeader = "E2b-Sandbox-Id"
	// startTimeout is for starting a kernel. A cold start with large libraries
	// takes a few seconds on a busy machine; more than this is a fault.
	startTimeout = 60 * time.Second
	// keepAlive is how often a silent stream says something.
	keepAlive = 5 * time.Second
)

// tokenHeaders are where the SDKs put a token, if they were given one: the
// first with executions, the second with every request.
func tokenHeaders() []string { return []string{"X-Access-Token", "E2B-Traffic-Access-Token"} }

// Sandboxes tells what a context begins with.
type Sandboxes interface {
	// Enter finds a sandbox by its id or name, among those that a client may see,
	// and counts as activity in it.
	Enter(by *access.Access, sandbox string) (id string, o contexts.Options, err error)
}

// Charter reads what a bundle shows as a chart: in this protocol's form, and as
// the whole model of the figure. Either may be nil. A Charter that is nil reads
// nothing.
type Charter func(wire.Bundle) (chart, figure json.RawMessage)

// Deps is what the dialect stands on.
type Deps struct {
	Contexts  *contexts.Set
	Sandboxes Sandboxes
	Chart     Charter
	// Explain is the server's one table of errors.
	Explain func(error) *fault.Fault
}

// Dialect serves the protocol. It has no state of its own.
type Dialect struct{ Deps }

// New returns a dialect to be mounted.
func New(deps Deps) *Dialect {
	if deps.Chart == nil {
		deps.Chart = func(wire.Bundle) (chart, figure json.RawMessage) { return nil, nil }
	}
	return &Dialect{deps}
}

// Mount adds the routes to r, which may be a prefix. check lets those pass who
// may use them.
func (d *Dialect) Mount(r fiber.Router, check fiber.Handler) {
	r.Use(request.Speaks(activity.E2B), d.failures)
	r.Get("/health", func(c *fiber.Ctx) error { return c.JSON("OK") })
	r.Use(Credentials, check)
	r.Post("/execute", d.execute)
	r.Get("/contexts", d.list)
	r.Post("/contexts", d.create)
	r.Post("/contexts/:context/restart", d.restart)
	r.Delete("/contexts/:context", d.remove)
	r.Use(d.notFound)
}

// Credentials puts a key that came as one of the protocol's tokens where the
// check looks for it.
func Credentials(c *fiber.Ctx) error {
	if c.Get(fiber.HeaderAuthorization) != "" {
		return c.Next()
	}
	for _, name := range tokenHeaders() {
		if key := c.Get(name); key != "" {
			c.Request().Header.Set(fiber.HeaderAuthorization, "Bearer "+key)
			break
		}
	}
	return c.Next()
}

// failures writes what the handlers behind it return.
func (d *Dialect) failures(c *fiber.Ctx) error {
	if err := c.Next(); err != nil {
		return WriteFault(c, d.Explain(err))
	}
	return nil
}

// WriteFault answers with an error as the SDKs show it: a sentence.
func WriteFault(c *fiber.Ctx, f *fault.Fault) error {
	if after := f.RetryHeader(); after != "" {
		c.Set(fiber.HeaderRetryAfter, after)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	c.Set("X-Content-Type-Options", "nosniff")
	if f.Code == contexts.CodeLost { // the SDKs know "not found" as an error of its own, and no "gone"
		return c.Status(http.StatusNotFound).SendString(f.Message)
	}
	return c.Status(f.Status).SendString(f.Message)
}

// notFound says what is missing: the SDKs can do more than run code.
func (d *Dialect) notFound(c *fiber.Ctx) error {
	return fault.NotFound("%s %s: only code execution and contexts are served in E2B's protocol, not files, commands or terminals",
		c.Method(), strings.Clone(c.Path()))
}

// enter finds the sandbox that a request is about. One that isn't there is an
// error and not the default one: the code would run beside the wrong files.
func (d *Dialect) enter(c *fiber.Ctx) (string, contexts.Options, error) {
	name := strings.Clone(c.Get(sandboxHeader))
	if name == debugSandbox {
		name = ""
	}
	id, o, err := d.Sandboxes.Enter(access.Of(c), cmp.Or(name, defaultSandbox))
	if err != nil {
		return "", o, err
	}
	// The sandbox's own language is another protocol's word.
	o.Language = "python"
	return id, o, nil
}

// done answers a request that only has to succeed.
func done(c *fiber.Ctx) error { return c.SendStatus(http.StatusOK) }
