// Package daytona speaks the protocols of the Daytona SDKs: the control plane
// with its event stream, and the toolbox of a sandbox with its interpreter. It
// translates; sandboxes and contexts are kept by the packages of these names.
// docs/dialects/daytona.md says what is served and where it goes further.
package daytona

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/internal/activity"
	"hotcell/process"
	"hotcell/runtimes"
	"hotcell/sandboxes"
)

// Labels that say in which language a sandbox's default context is.
const (
	// LanguageLabel is where the SDKs keep the language they were given. They
	// know python, typescript and javascript, and refuse others themselves.
	LanguageLabel = "code-toolbox-language"
	// OwnLanguageLabel goes before it, so that Go can be asked for too.
	OwnLanguageLabel = "hotcell-language"
)

// Language is the language of a sandbox by its labels; empty is the default.
func Language(labels map[string]string) string {
	return cmp.Or(labels[OwnLanguageLabel], labels[LanguageLabel])
}

// ScriptLanguage is the language of code that is run once. The SDKs always send
// the language that their label has, so that our own label goes before it; any
// other is what the caller means.
func ScriptLanguage(labels map[string]string, asked string) string {
	if own := labels[OwnLanguageLabel]; own != "" && asked == labels[LanguageLabel] {
		return own
	}
	return cmp.Or(asked, Language(labels))
}

// Deps is what the dialect stands on.
type Deps struct {
	Contexts  *contexts.Set
	Sandboxes *sandboxes.Registry
	Table     *runtimes.Table
	Sockets   *socket.Set
	// Explain is the server's one table of errors.
	Explain func(error) *fault.Fault
	// RequireKey, RequireSandbox and RequireToken let a request pass that has
	// a key; that may use the sandbox named in the path; that has a
	// preview token. The latter two note the sandbox for SandboxOf.
	RequireKey, RequireSandbox, RequireToken fiber.Handler
	// Access is what a key opens that comes otherwise than with the request.
	Access func(key string) (*access.Access, error)
	// Options are what a context of a sandbox begins with; an error if the
	// sandbox isn't there or not started.
	Options   func(sandbox string) (contexts.Options, error)
	SandboxOf func(*fiber.Ctx) string
	// Place is where processes of a sandbox run; an error like that of Options.
	Place func(sandbox string) (process.Place, error)
	// Parts add the toolbox's other routes, where the sandbox is known already.
	Parts []func(fiber.Router)
	// BaseURL is the server's address as this client reaches it.
	BaseURL func(*fiber.Ctx) string
	Version string
	// FirstWait is how long an interpreter's client may say nothing; 0 is
	// [DefaultFirstWait].
	FirstWait time.Duration
	// Did is told of clients that are refused later than others: the event
	// stream's, whose key comes on the socket.
	Did func(activity.Record)
	Log *slog.Logger
}

// dialect is what the handlers are methods of. It has no state of its own.
type dialect struct{ Deps }

// Mount adds the routes: the control plane under /api, the toolbox under
// /toolbox/{sandbox}, and again at the root for clients that know only a host
// and a preview token.
func Mount(app fiber.Router, deps Deps) {
	deps.FirstWait = cmp.Or(deps.FirstWait, DefaultFirstWait)
	d := &dialect{Deps: deps}
	d.mountEvents(app)
	d.toolbox(app.Group("/api/toolbox/:sandbox/toolbox", d.RequireSandbox))
	d.toolbox(app.Group("/toolbox/:sandbox", d.RequireSandbox))
	d.control(app.Group("/api", d.RequireKey))
	d.atRoot(app)
}

// ErrorBody is an error as the SDKs read it. Who has more to say adds members.
type ErrorBody struct {
	StatusCode int    `json:"statusCode"`
	Message    string `json:"message"`
	Error      string `json:"error"`
	Code       string `json:"code"`
	Source     string `json:"source"`
	Path       string `json:"path"`
	Method     string `json:"method"`
	Timestamp  string `json:"timestamp"`
	// Result is extra: what there was until the error.
	Result *string `json:"result,omitempty"`
}

// NewErrorBody is the body of the answer to a request that failed.
func NewErrorBody(c *fiber.Ctx, f *fault.Fault) ErrorBody {
	source := "DAYTONA_DAEMON"
	if path := c.Path(); strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/api/toolbox/") {
		source = "DAYTONA_API"
	}
	return ErrorBody{
		StatusCode: f.Status,
		Message:    f.Message,
		Error:      http.StatusText(f.Status),
		Code:       f.Code,
		Source:     source,
		Path:       strings.Clone(c.Path()),
		Method:     strings.Clone(c.Method()),
		Timestamp:  request.Stamp(time.Now()),
		Result:     f.Result,
	}
}

// WriteFault answers with an error.
func WriteFault(c *fiber.Ctx, f *fault.Fault) error {
	if after := f.RetryHeader(); after != "" {
		c.Set(fiber.HeaderRetryAfter, after)
	}
	if f.Code == contexts.CodeLost { // the SDKs know "not found" as an error of its own, and no "gone"
		f = fault.NotFound("%s", f.Message)
	}
	return c.Status(f.Status).JSON(NewErrorBody(c, f))
}
