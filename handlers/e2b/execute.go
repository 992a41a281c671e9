package e2b

import (
	"bytes"
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/internal/activity"
	"hotcell/interpreter"
)

// runRequest is what is to be run. The SDKs send null for what they were not
// given.
type runRequest struct {
	Code     *string           `json:"code"`
	Context  string            `json:"context_id"`
	Language string            `json:"language"`
	Env      map[string]string `json:"env_vars"`
}

// execute queues the code, and streams what it produces. What goes wrong before
// that is an ordinary error, with a status.
func (d *Dialect) execute(c *fiber.Ctx) error {
	req, err := readRun(c)
	if err != nil {
		return err
	}
	e, err := d.find(c, req)
	if err != nil {
		return err
	}
	by, origin := access.Of(c), request.Origin(c)
	x, err := by.Execute(func() (*interpreter.Execution, error) {
		return e.Execute(interpreter.Request{Code: *req.Code, Env: req.Env, Origin: origin})
	})
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/x-ndjson")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // nginx would hold the lines back
	// A client's limit for the answer's beginning passes while its execution
	// waits in the queue.
	c.Response().ImmediateHeaderFlush = true
	c.Context().SetBodyStream(d.follow(by.Context(), c.Context().Conn(), x), -1)
	return nil
}

func readRun(c *fiber.Ctx) (runRequest, error) {
	var req runRequest
	if len(bytes.TrimSpace(c.Body())) == 0 {
		return req, fault.BadRequest(`the body is empty: send a JSON object with the member "code"`)
	}
	if err := request.Body(c, &req); err != nil {
		return req, err
	}
	req.Language = strings.TrimSpace(req.Language)
	switch {
	case req.Code == nil:
		return req, fault.BadRequest(`the member "code" is missing`)
	case req.Context != "" && req.Language != "":
		return req, fault.BadRequest("only one of context_id or language can be provided")
	}
	return req, nil
}

// find returns the context that is meant. A default one is made when it is not
// there yet.
func (d *Dialect) find(c *fiber.Ctx, req runRequest) (*contexts.Entry, error) {
	sandbox, o, err := d.enter(c)
	if err != nil {
		return nil, err
	}
	if req.Context != "" && req.Context != contexts.DefaultID {
		return d.Contexts.Lookup(sandbox, req.Context)
	}
	if req.Language != "" {
		o.Language = req.Language
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return d.Contexts.Default(activity.By(ctx, request.Origin(c)), sandbox, o)
}
