// Package native is hotcell's own dialect: REST under /v1, and one WebSocket
// that carries any number of contexts and executions. Commands are REST only. docs/protocol.md is its
// description; this package only translates and owns no state but the open
// sockets.
//
// Goroutines: of each WebSocket, the two of its [socket.Conn], one for each
// attached execution that takes longer than a moment and one for each request
// that takes time; the socket's serving goroutine joins the latter two, and
// waits for goroutines of executions that are just sending their end.
package native

import (
	"log/slog"

	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	httprequest "hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/internal/activity"
	"hotcell/keys"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/runtimes"
	"hotcell/sandboxes/isolation"
	"hotcell/sandboxes/limits"
)

// DefaultSandbox is where contexts live whose creator names no sandbox.
const DefaultSandbox = "default"

// Sandboxes tells what a context begins with.
type Sandboxes interface {
	// Enter finds a sandbox by its id or name, among those that a client may see,
	// and counts as activity in it. The options are the directory, the environment
	// and the default language of its contexts, which belong to id.
	Enter(by *access.Access, sandbox string) (id string, o contexts.Options, err error)
	// Place is where the processes of a sandbox run; an error like that of Enter.
	Place(by *access.Access, sandbox string) (process.Place, error)
}

// Config is what the dialect translates to.
type Config struct {
	Contexts  *contexts.Set
	Commands  *command.Set
	Sandboxes Sandboxes
	Keys      *keys.Store
	// Needs is the scope that a type of message on the WebSocket needs; false if
	// there is no such type.
	Needs     func(kind string) (keys.Scope, bool)
	Runtimes  *runtimes.Table
	Isolation *isolation.Set
	Sockets   *socket.Set
	Limits    *limits.Set // nil: there are none
	Version   string
	// Explain maps an error to what a client is told about it. It logs what
	// it doesn't know.
	Explain func(error) *fault.Fault
	Log     *slog.Logger
}

// Dialect serves the native protocol.
type Dialect struct{ cfg Config }

// New returns a dialect to be mounted.
func New(cfg Config) *Dialect { return &Dialect{cfg: cfg} }

// Mount adds the routes to r, which is /v1. check lets those pass who may use
// them.
func (d *Dialect) Mount(r fiber.Router, check fiber.Handler) {
	r.Use(httprequest.Speaks(activity.Native), d.failures, credentials, check)
	r.Get("/status", d.status)
	r.Get("/contexts", d.listContexts)
	r.Post("/contexts", d.createContext)
	r.Get("/contexts/:context", d.showContext)
	r.Delete("/contexts/:context", d.deleteContext)
	r.Post("/contexts/:context/restart", d.restartContext)
	r.Post("/contexts/:context/interrupt", d.interruptContext)
	for _, kind := range []string{askComplete, askInspect, askIsComplete} {
		r.Post("/contexts/:context/"+kind, d.askContext(kind))
	}
	r.Get("/contexts/:context/executions", d.listExecutions)
	r.Post("/contexts/:context/executions", d.startExecution)
	r.Get("/executions", d.listKept)
	r.Get("/executions/:execution", d.showExecution)
	r.Get("/executions/:execution/events", d.streamEvents)
	r.Get("/executions/:execution/artifacts", d.listArtifacts)
	r.Get("/executions/:execution/artifacts/:artifact", d.showArtifact)
	r.Get("/executions/:execution/events/:seq/data", d.listData)
	r.Get("/executions/:execution/events/:seq/data/*", d.showData)
	r.Post("/executions/:execution/interrupt", d.interruptExecution)
	r.Post("/executions/:execution/input", d.replyInput)
	r.Get("/commands", d.listCommands)
	r.Post("/commands", d.startCommand)
	r.Get("/commands/:command", d.showCommand)
	r.Delete("/commands/:command", d.deleteCommand)
	r.Get("/commands/:command/events", d.streamCommand)
	r.Post("/commands/:command/signal", d.signalCommand)
	r.Post("/commands/:command/input", d.inputCommand)
	r.Get("/keys", d.listKeys)
	r.Post("/keys", d.createKey)
	r.Get("/keys/:key", d.showKey)
	r.Delete("/keys/:key", d.revokeKey)
	r.Get("/ws", d.upgrade)
	r.Use(d.notFound)
}

// fault is what a client is told about err.
func (d *Dialect) fault(err error) *fault.Fault { return d.cfg.Explain(err) }
