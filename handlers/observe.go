package handlers

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/internal/activity"
)

// Observe is told what happens on the HTTP side. All must be quick and wait for
// nothing; any may be nil.
type Observe struct {
	// Request is told of each request that was answered: the pattern of its route,
	// never its path.
	Request func(method, route string, status int)
	// Limit is told of each request that was refused since there is too much of
	// something, by the code of the fault, in small letters: queue_full.
	Limit func(kind string)
	// Did is told of what requests do that has no processes of its own, such as
	// changes of files, and of those that were not let in.
	Did func(activity.Record)
}

func (o *Observe) did(r activity.Record) {
	if o.Did != nil {
		o.Did(r)
	}
}

// limited counts a fault, if it is one that says: too much.
func (o *Observe) limited(f *fault.Fault) {
	switch f.Status {
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
		if o.Limit != nil {
			o.Limit(strings.ToLower(f.Code))
		}
	}
}

// seenLocal marks a request that is being observed: one whose path is rewritten
// goes through all handlers again.
type seenLocal struct{}

// observed stands before everything else. It answers what ended in an error, so
// that it knows the status.
func (s *Server) observed(c *fiber.Ctx) error {
	if c.Locals(seenLocal{}) != nil {
		return c.Next()
	}
	c.Locals(seenLocal{}, true)
	began := time.Now()
	if err := c.Next(); err != nil {
		if err := c.App().ErrorHandler(c, err); err != nil {
			return err
		}
	}
	status := c.Response().StatusCode()
	if s.cfg.Observe.Request != nil {
		s.cfg.Observe.Request(methodOf(c), c.Route().Path, status)
	}
	if s.cfg.Observe.Did != nil {
		s.tell(c, cmp.Or(request.Refusal(c), status), began)
	}
	return nil
}

// methodOf is one of a few words, whatever a client says.
func methodOf(c *fiber.Ctx) string {
	for _, known := range fiber.DefaultMethods {
		if c.Method() == known {
			return known
		}
	}
	return "other"
}

// tell records a request that did something, or was not let in.
func (s *Server) tell(c *fiber.Ctx, status int, began time.Time) {
	r := activity.Record{Began: began, Took: time.Since(began)}
	kind, action := deed(c.Method(), c.Route().Path)
	switch {
	case !request.Admitted(c) && (status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests):
		r.Kind, r.Action = activity.Login, "refuse"
		r.Detail = methodOf(c) + " " + c.Route().Path
	case kind != "" && request.Admitted(c):
		r.Kind, r.Action, r.Detail = kind, action, request.Noted(c)
		r.In = int64(c.Request().Header.ContentLength())
		if action == "download" { // what it is sent, if it takes it all
			r.Out = int64(c.Response().Header.ContentLength())
		}
	default:
		return
	}
	r.Origin = request.Origin(c)
	if by := access.Of(c); by != nil {
		r.Origin.Key = by.Name() // of those too who were not let in
	}
	r.Sandbox = sandboxOf(c)
	if r.Sandbox == "" {
		r.Sandbox = request.Subject(c)
	}
	r.Outcome = activity.OK
	if status >= http.StatusBadRequest {
		r.Outcome, r.Reason = activity.Refused, http.StatusText(status)
	}
	s.cfg.Observe.Did(r)
}

// deed is what a route does, if that is to be recorded here. What runs something
// isn't: it is recorded where it ends.
func deed(method, route string) (activity.Kind, string) {
	if rest, ok := strings.CutPrefix(route, "/api/sandbox"); ok {
		return sandboxDeed(method, rest)
	}
	if _, rest, ok := strings.Cut(route, "/files"); ok {
		return fileDeed(method, rest)
	}
	switch method + " " + route {
	case "POST /v1/keys":
		return activity.Key, "create"
	case "DELETE /v1/keys/:key":
		return activity.Key, "revoke"
	}
	_, rest, ok := strings.Cut(route, "/process/")
	if !ok {
		if method == fiber.MethodPost && (strings.HasSuffix(route, "/env") || strings.HasSuffix(route, "/init")) {
			return activity.Sandbox, "set_env"
		}
		return "", ""
	}
	switch method + " " + rest {
	case "POST session":
		return activity.Session, "create"
	case "DELETE session/+":
		return activity.Session, "delete"
	case "POST pty", "GET pty/create-connect":
		return activity.Terminal, "create"
	case "GET pty/:id/connect":
		return activity.Terminal, "connect"
	case "DELETE pty/:id":
		return activity.Terminal, "delete"
	}
	return "", ""
}

func sandboxDeed(method, rest string) (activity.Kind, string) {
	switch {
	case method == fiber.MethodPost && rest == "":
		return activity.Sandbox, "create"
	case method == fiber.MethodDelete && rest == "/:id":
		return activity.Sandbox, "delete"
	case method == fiber.MethodPost && rest == "/:id/last-activity":
		return "", ""
	case method == fiber.MethodPost || method == fiber.MethodPut: // start, stop, labels, autostop and the like
		action, _, _ := strings.Cut(strings.TrimPrefix(rest, "/:id/"), "/")
		return activity.Sandbox, action
	}
	return "", ""
}

func fileDeed(method, rest string) (activity.Kind, string) {
	switch {
	case method == fiber.MethodDelete && rest == "":
		return activity.File, "delete"
	case method == fiber.MethodGet && rest == "/download", method == fiber.MethodPost && rest == "/bulk-download":
		return activity.File, "download"
	case method != fiber.MethodPost:
		return "", ""
	}
	switch rest {
	case "/upload", "/upload-v2", "/bulk-upload":
		return activity.File, "upload"
	case "/folder":
		return activity.File, "create_folder"
	case "/move", "/permissions", "/replace":
		return activity.File, rest[1:]
	}
	return "", ""
}
