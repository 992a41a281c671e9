package native

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/artifact"
	"hotcell/handlers/fault"
	"hotcell/internal/wire"
)

// readLimit is for reading one event that is there already, from a disk at
// worst.
const readLimit = 10 * time.Second

// listData answers with links to the formats of an event.
func (d *Dialect) listData(c *fiber.Ctx) error {
	e, execution, err := d.event(c)
	if err != nil {
		return err
	}
	return send(c, http.StatusOK, artifact.Links(e, execution))
}

// showData answers with one format of an event, as a file of its type.
func (d *Dialect) showData(c *fiber.Ctx) error {
	e, execution, err := d.event(c)
	if err != nil {
		return err
	}
	name, err := segment(c.Params("*"))
	if err != nil {
		return err
	}
	kind, body, ok := artifact.Find(e, name)
	if !ok {
		return fault.NotFound("event %d has no %q; it has: %s", e.Seq, name, strings.Join(names(e, execution), ", "))
	}
	return sendFile(c, kind, body)
}

// sendFile answers with what user code has made, which stays as it is.
func sendFile(c *fiber.Ctx, kind string, body []byte) error {
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderCacheControl, "private, max-age=3600, immutable")
	// It comes from user code: a browser that opens it must not run it as a page
	// of this server's.
	c.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Send(body)
}

func names(e *wire.Event, execution string) []string {
	var out []string
	for name := range artifact.Links(e, execution) {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// event reads the event in the path.
func (d *Dialect) event(c *fiber.Ctx) (*wire.Event, string, error) {
	id, err := segment(c.Params("execution"))
	if err != nil {
		return nil, "", err
	}
	e, err := d.numbered(id, c.Params("seq"))
	return e, id, err
}

// numbered reads an event of an execution by its number, as it is written in a path.
func (d *Dialect) numbered(id, number string) (*wire.Event, error) {
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || seq == 0 {
		return nil, invalid("the address must have the number of an event, not %q", number)
	}
	x, err := d.execution(id)
	if err != nil {
		return nil, err
	}
	if there := x.Snapshot().Events; seq > there {
		return nil, fault.NotFound("execution %s has no event %d; it has %d so far", id, seq, there)
	}
	events := x.Events(seq)
	defer events.Close()
	ctx, cancel := context.WithTimeout(context.Background(), readLimit)
	defer cancel()
	batch, err := events.Next(ctx)
	if err != nil {
		return nil, err
	}
	return &batch[0], nil
}
