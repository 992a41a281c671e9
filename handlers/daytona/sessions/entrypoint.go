package sessions

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/request"
	"hotcell/handlers/socket"
	"hotcell/process/session"
)

// entrypointID is the session in which Daytona runs a sandbox's own program.
// Here that is the server; its start is the session's only command, and has
// ended, so nobody who follows it waits for ever.
const entrypointID = "entrypoint"

func (d Deps) entrypoint(c *fiber.Ctx) error {
	if _, err := d.Place(d.SandboxOf(c)); err != nil {
		return err
	}
	code := 0
	return c.JSON(sessionBody{SessionID: entrypointID, Commands: []commandBody{
		{ID: entrypointID, Command: "hotcell serve", ExitCode: &code},
	}})
}

func (d Deps) entrypointLogs(c *fiber.Ctx) error {
	if _, err := d.Place(d.SandboxOf(c)); err != nil {
		return err
	}
	text := "hotcell " + d.Version + " serves this sandbox\n"
	f := formatFor(c)
	if following(c) {
		return d.Sockets.Upgrade(c, socket.Options{Subprotocol: request.Subprotocol(c)}, func(_ context.Context, conn *socket.Conn) socket.Close {
			_ = conn.WriteBinary(f.appendFrame(nil, session.Stdout, text))
			return socket.Close{Code: closeNormal}
		})
	}
	if f == split {
		return c.JSON(fiber.Map{"output": text, "stdout": text, "stderr": ""})
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.Status(http.StatusOK).Send(f.appendFrame(nil, session.Stdout, text))
}
