package handlers

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/body"
	"hotcell/handlers/daytona/files"
	"hotcell/handlers/request"
	"hotcell/keys"
)

// need is what a route asks of the key.
type need struct {
	scope keys.Scope // None: not even a key
	free  bool       // it must not be confined to some sandboxes
}

// needs is the one table of who may do what: method and path, as they are
// registered, and what that needs. A * for the method is any; HEAD is as GET. A
// route that isn't here is for free admins alone, and fails a test.
func needs() map[string]need {
	public, read, run := need{}, need{scope: keys.Read}, need{scope: keys.Run}
	admin, free := need{scope: keys.Admin}, need{keys.Admin, true}
	all := map[string]need{
		"GET /health":  public, // on both addresses
		"GET /healthz": public,
		"GET /readyz":  public,
		"GET /metrics": {keys.Read, true}, // it counts what is in all sandboxes

		"GET /v1/status":                                    read,
		"GET /v1/ws":                                        read, // each message for itself: see messages
		"GET /v1/contexts":                                  read,
		"POST /v1/contexts":                                 run,
		"GET /v1/contexts/:context":                         read,
		"DELETE /v1/contexts/:context":                      run,
		"POST /v1/contexts/:context/restart":                run,
		"POST /v1/contexts/:context/interrupt":              run,
		"POST /v1/contexts/:context/complete":               run, // it may run code, as properties are
		"POST /v1/contexts/:context/inspect":                run,
		"POST /v1/contexts/:context/is_complete":            run,
		"GET /v1/contexts/:context/executions":              read,
		"POST /v1/contexts/:context/executions":             run,
		"GET /v1/executions":                                read,
		"GET /v1/executions/:execution":                     read,
		"GET /v1/executions/:execution/events":              read,
		"GET /v1/executions/:execution/artifacts":           read,
		"GET /v1/executions/:execution/artifacts/:artifact": read,
		"GET /v1/executions/:execution/events/:seq/data":    read,
		"GET /v1/executions/:execution/events/:seq/data/*":  read,
		"POST /v1/executions/:execution/interrupt":          run,
		"POST /v1/executions/:execution/input":              run,
		"GET /v1/commands":                                  read,
		"POST /v1/commands":                                 run,
		"GET /v1/commands/:command":                         read,
		"DELETE /v1/commands/:command":                      run,
		"GET /v1/commands/:command/events":                  read,
		"POST /v1/commands/:command/signal":                 run,
		"POST /v1/commands/:command/input":                  run,
		"GET /v1/keys":                                      free,
		"POST /v1/keys":                                     free,
		"GET /v1/keys/:key":                                 free,
		"DELETE /v1/keys/:key":                              free,

		"GET /api/socket.io": public, // the key is in the first packet, and events are read
		"GET /api/health":    read,
		"GET /api/config":    read,

		"POST /api/sandbox":                                   free,
		"GET /api/sandbox":                                    read,
		"GET /api/sandbox/paginated":                          read,
		"GET /api/sandbox/:id":                                read,
		"DELETE /api/sandbox/:id":                             admin,
		"POST /api/sandbox/:id/start":                         admin,
		"POST /api/sandbox/:id/stop":                          admin,
		"POST /api/sandbox/:id/last-activity":                 run,
		"PUT /api/sandbox/:id/labels":                         admin,
		"POST /api/sandbox/:id/autostop/:minutes":             admin,
		"POST /api/sandbox/:id/autopause/:minutes":            admin,
		"POST /api/sandbox/:id/autoarchive/:minutes":          admin,
		"POST /api/sandbox/:id/autodelete/:minutes":           admin,
		"POST /api/sandbox/:id/ttl/:minutes":                  admin,
		"GET /api/sandbox/:id/toolbox-proxy-url":              read,
		"GET /api/sandbox/:id/ports/:port/preview-url":        run, // it has a token that runs code
		"GET /api/sandbox/:id/ports/:port/signed-preview-url": run,
	}
	for _, base := range []string{"/e2b", ""} {
		all["GET "+base+"/health"] = public
		all["POST "+base+"/execute"] = run
		all["GET "+base+"/contexts"] = read
		all["POST "+base+"/contexts"] = run
		all["POST "+base+"/contexts/:context/restart"] = run
		all["DELETE "+base+"/contexts/:context"] = run
	}
	for _, base := range []string{"/api/toolbox/:sandbox/toolbox", "/toolbox/:sandbox", ""} {
		for route, n := range toolboxNeeds() {
			method, path, _ := strings.Cut(route, " ")
			all[method+" "+base+path] = need{scope: n}
		}
	}
	return all
}

// toolboxNeeds is the part of the table that is mounted three times.
func toolboxNeeds() map[string]keys.Scope {
	return map[string]keys.Scope{
		"GET /version":       keys.Read,
		"GET /work-dir":      keys.Read,
		"GET /project-dir":   keys.Read,
		"GET /user-home-dir": keys.Read,

		"POST /process/interpreter/context":            keys.Run,
		"GET /process/interpreter/context":             keys.Read,
		"DELETE /process/interpreter/context/:context": keys.Run,
		"GET /process/interpreter/execute":             keys.Run,

		"POST /process/code-run": keys.Run,
		"POST /process/execute":  keys.Run,
		"POST /env":              keys.Run,
		"POST /init":             keys.Run,
		"GET /system/metrics":    keys.Read,

		"POST /process/session":                          keys.Run,
		"GET /process/session":                           keys.Read,
		"GET /process/session/entrypoint":                keys.Read,
		"GET /process/session/entrypoint/logs":           keys.Read,
		"GET /process/session/+/command/:command/logs":   keys.Read,
		"POST /process/session/+/command/:command/input": keys.Run,
		"GET /process/session/+/command/:command":        keys.Read,
		"POST /process/session/+/exec":                   keys.Run,
		"GET /process/session/+":                         keys.Read,
		"DELETE /process/session/+":                      keys.Run,

		"GET /process/pty":                keys.Read,
		"POST /process/pty":               keys.Run,
		"GET /process/pty/create-connect": keys.Run,
		"GET /process/pty/:id/connect":    keys.Run, // whoever watches can type
		"POST /process/pty/:id/resize":    keys.Run,
		"GET /process/pty/:id":            keys.Read,
		"DELETE /process/pty/:id":         keys.Run,

		"GET /files":                keys.Read,
		"DELETE /files":             keys.Run,
		"GET /files/info":           keys.Read,
		"GET /files/find":           keys.Read,
		"GET /files/search":         keys.Read,
		"POST /files/folder":        keys.Run,
		"POST /files/move":          keys.Run,
		"POST /files/permissions":   keys.Run,
		"POST /files/replace":       keys.Run,
		"POST /files/upload":        keys.Run,
		"POST /files/upload-v2":     keys.Run,
		"POST /files/bulk-upload":   keys.Run,
		"GET /files/download":       keys.Read,
		"POST /files/bulk-download": keys.Read,

		// What hotcell doesn't have is refused to everybody.
		"* /git/*":         keys.Read,
		"* /lsp/*":         keys.Read,
		"* /computeruse/*": keys.Read,
		"* /system/*":      keys.Read,
		"* /port":          keys.Read,
		"* /port/*":        keys.Read,
	}
}

// messageScope is the table for what is asked for on the native WebSocket. A type
// that isn't in it is none.
func messageScope(kind string) (keys.Scope, bool) {
	scope, ok := map[string]keys.Scope{
		"ping":           keys.Read,
		"status":         keys.Read,
		"list":           keys.Read,
		"attach":         keys.Read,
		"detach":         keys.Read,
		"execute":        keys.Run,
		"interrupt":      keys.Run,
		"input_reply":    keys.Run,
		"create_context": keys.Run,
		"delete_context": keys.Run,
		"restart":        keys.Run,
		"complete":       keys.Run,
		"inspect":        keys.Run,
		"is_complete":    keys.Run,
	}[kind]
	return scope, ok
}

// needOf finds a route in the table.
func needOf(table map[string]need, method, path string) (n need, listed bool) {
	if method == fiber.MethodHead {
		method = fiber.MethodGet
	}
	if n, listed = table[method+" "+path]; !listed {
		n, listed = table["* "+path]
	}
	if !listed {
		n = need{keys.Admin, true}
	}
	return n, listed
}

// protect puts a check before the handlers of every route that an application
// has. What is registered later has none.
func (s *Server) protect(app *fiber.App) {
	table, ends := needs(), endpoints(app)
	for _, routes := range app.Stack() {
		for _, route := range routes {
			n, _ := needOf(table, route.Method, route.Path)
			if ends[&route.Handlers[0]] && n.scope != keys.None {
				route.Handlers = append([]fiber.Handler{permit(n)}, route.Handlers...)
			}
		}
	}
}

// endpoints are the first handlers of the routes that are no middleware: Fiber
// tells which ones these are, but gives copies.
func endpoints(app *fiber.App) map[*fiber.Handler]bool {
	ends := map[*fiber.Handler]bool{}
	for _, route := range app.GetRoutes(true) {
		ends[&route.Handlers[0]] = true
	}
	return ends
}

// permit lets those pass whose key allows it, within its limits, and only then
// takes in the request's body: nobody else's is read. Uploads read theirs as they
// come.
func permit(n need) fiber.Handler {
	return func(c *fiber.Ctx) error {
		by := access.Of(c)
		if by == nil {
			return grant{}.refusal(c)
		}
		if err := by.Key().Allow(); err != nil {
			return err
		}
		if err := by.Need(n.scope); err != nil {
			return err
		}
		if n.free {
			if err := by.NeedFree(); err != nil {
				return err
			}
		}
		if strings.HasPrefix(c.Route().Path, "/api/sandbox/:id") {
			id, err := request.Param(c, "id")
			if err == nil {
				err = by.Enter(id)
			}
			if err != nil {
				return err
			}
		}
		request.Admit(c, by.Name())
		if !files.Streams(c) {
			if err := body.Load(c); err != nil {
				return err
			}
		}
		return c.Next()
	}
}
