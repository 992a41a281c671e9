package native

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/body"
	"hotcell/handlers/fault"
	httprequest "hotcell/handlers/request"
)

// failures writes what the handlers behind it return.
func (d *Dialect) failures(c *fiber.Ctx) error {
	err := c.Next()
	if err == nil {
		return nil
	}
	f := d.fault(err)
	if after := f.RetryHeader(); after != "" {
		c.Set(fiber.HeaderRetryAfter, after)
	}
	return send(c, f.Status, struct {
		Error shownFault `json:"error"`
	}{show(f)})
}

func (d *Dialect) notFound(c *fiber.Ctx) error {
	return fault.NotFound("%s %s is no address of this protocol", c.Method(), c.Path())
}

// send answers with JSON. Fiber's own encoder escapes for HTML.
func send(c *fiber.Ctx, status int, v any) error {
	body, err := appendJSON(nil, v)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Status(status).Send(append(body, '\n'))
}

// read takes a request from the body, which may be empty, the path and the
// query. Everything in it is copied: the server reuses its buffers.
func read(c *fiber.Ctx) (*request, error) {
	r := &request{}
	if err := body.Load(c); err != nil { // whoever let the request pass has done so
		return nil, err
	}
	raw := c.Body()
	if len(raw) > maxMessage {
		return nil, refuse(http.StatusRequestEntityTooLarge, codeTooLarge,
			"the body has %d bytes; the limit is %d", len(raw), maxMessage)
	}
	if len(raw) > 0 {
		decoded, f := decodeRequest(raw)
		if f != nil {
			return nil, f
		}
		r = &decoded
	}
	r.by, r.origin = access.Of(c), httprequest.Origin(c)
	if sandbox := c.Query("sandbox"); sandbox != "" {
		r.Sandbox = strings.Clone(sandbox)
	}
	if language := c.Query("language"); language != "" {
		r.Language = strings.Clone(language)
	}
	var err error
	if p := c.Params("context"); p != "" {
		r.Context, err = segment(p)
	} else if p := c.Params("execution"); p != "" {
		r.Execution, err = segment(p)
	}
	return r, err
}

func segment(s string) (string, error) {
	out, err := url.PathUnescape(strings.Clone(s))
	if err != nil {
		return "", invalid("the address is not valid: %v", err)
	}
	return out, nil
}

func (d *Dialect) status(c *fiber.Ctx) error {
	return send(c, http.StatusOK, d.showStatus(access.Of(c)))
}

func (d *Dialect) listContexts(c *fiber.Ctx) error {
	all, err := d.contextList(access.Of(c), strings.Clone(c.Query("sandbox")))
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, all)
}

func (d *Dialect) createContext(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	out, err := d.create(c.UserContext(), r)
	if err != nil {
		return err
	}
	c.Location("/v1/contexts/" + out.ID)
	return send(c, http.StatusCreated, out)
}

func (d *Dialect) showContext(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	e, err := d.existing(r)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, showContext(e))
}

func (d *Dialect) deleteContext(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	if err := d.remove(c.UserContext(), r); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (d *Dialect) restartContext(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	out, err := d.restart(c.UserContext(), r)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, out)
}

func (d *Dialect) interruptContext(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	r.Execution = "" // the address says what is meant
	if err := d.interrupt(r); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// askContext answers complete, inspect and is_complete.
func (d *Dialect) askContext(kind string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		r, err := read(c)
		if err != nil {
			return err
		}
		out, err := d.ask(c.UserContext(), kind, r)
		if err != nil {
			return err
		}
		return send(c, http.StatusOK, out)
	}
}

func (d *Dialect) listExecutions(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	all, err := d.executionList(r)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, all)
}

func (d *Dialect) listKept(c *fiber.Ctx) error {
	all, err := d.keptList(access.Of(c), strings.Clone(c.Query("sandbox")))
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, all)
}

// startExecution queues a run. With "wait" it answers when the run is over,
// and with all that it produced.
func (d *Dialect) startExecution(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	if f := r.need("code"); f != nil {
		return f
	}
	e, err := d.find(c.UserContext(), r)
	if err != nil {
		return err
	}
	x, err := d.enqueue(e, r)
	if err != nil {
		return err
	}
	c.Location("/v1/executions/" + url.PathEscape(x.ID()))
	if !r.Wait {
		return send(c, http.StatusAccepted, showExecution(x))
	}
	out, err := collect(x)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, out)
}

func (d *Dialect) showExecution(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	x, err := d.execution(r.by, r.Execution)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, showExecution(x))
}

func (d *Dialect) interruptExecution(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	if err := d.interrupt(r); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (d *Dialect) replyInput(c *fiber.Ctx) error {
	r, err := read(c)
	if err != nil {
		return err
	}
	if err := d.answer(r, nil); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// inlineQuery is how much data an event of a stream may carry: all, if the
// client doesn't say, since a stream has no messages that it could refuse.
func inlineQuery(c *fiber.Ctx) (int, error) {
	q := c.Query("inline")
	if q == "" {
		return math.MaxInt, nil
	}
	n, err := strconv.Atoi(q)
	if err != nil || n < 0 {
		return 0, invalid("query \"inline\" must be a number of bytes, not %q", q)
	}
	return n, nil
}

// fromQuery is the number of the first event wanted.
func fromQuery(c *fiber.Ctx) (uint64, error) {
	if q := c.Query("from"); q != "" {
		n, err := strconv.ParseUint(q, 10, 64)
		if err != nil {
			return 0, invalid("query \"from\" must be the number of an event, not %q", q)
		}
		return n, nil
	}
	if last := c.Get("Last-Event-ID"); last != "" {
		n, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return 0, invalid("header \"Last-Event-ID\" must be the number of an event, not %q", last)
		}
		return n + 1, nil
	}
	return 1, nil
}
