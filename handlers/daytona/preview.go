package daytona

import (
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/sandboxes"
)

// Ports that mean the toolbox: 2280 is where the reference's listens and what
// the Ruby SDK asks for; 1 is what the TypeScript SDK asks for to get a token.
const (
	portToolbox = 2280
	portToken   = 1
)

// A signed link without a wish lives a minute, as the reference's does, and
// never longer than a day.
const (
	signedDefault = 60
	signedMax     = 24 * 60 * 60
)

func (d *dialect) proxyURL(c *fiber.Ctx) error {
	if _, err := d.named(c); err != nil {
		return err
	}
	return c.JSON(fiber.Map{"url": d.BaseURL(c) + "/toolbox"})
}

func (d *dialect) named(c *fiber.Ctx) (sandboxes.Sandbox, error) {
	id, err := request.Param(c, "id")
	if err != nil {
		return sandboxes.Sandbox{}, err
	}
	return d.Sandboxes.Lookup(id)
}

func (d *dialect) preview(c *fiber.Ctx) error {
	sb, err := d.named(c)
	if err != nil {
		return err
	}
	link, _, err := d.link(c)
	if err != nil {
		return err
	}
	token, err := d.token(c, sb.ID)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"sandboxId": sb.ID, "url": link, "token": token})
}

func (d *dialect) signedPreview(c *fiber.Ctx) error {
	sb, err := d.named(c)
	if err != nil {
		return err
	}
	link, port, err := d.link(c)
	if err != nil {
		return err
	}
	seconds := signedDefault
	if s := c.Query("expiresInSeconds"); s != "" {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 1 || f > signedMax {
			return fault.BadRequest("expiresInSeconds must be between 1 and %d", signedMax)
		}
		seconds = int(f)
	}
	token, err := d.Sandboxes.SignedToken(sb.ID, time.Now().Add(time.Duration(seconds)*time.Second), holder(c))
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{
		"sandboxId": sb.ID, "port": port, "token": token,
		"url": link + "?" + queryKey + "=" + url.QueryEscape(token),
	})
}

// token opens a sandbox for as long as there are both, the sandbox and the key that
// asks for it.
func (d *dialect) token(c *fiber.Ctx, sandbox string) (string, error) {
	if key := holder(c); key != "" {
		return d.Sandboxes.SignedToken(sandbox, time.Time{}, key)
	}
	return d.Sandboxes.Token(sandbox)
}

// holder is the id of the key that asks; the server's first key has none.
func holder(c *fiber.Ctx) string { return access.Of(c).Key().ID }

// queryKey is the query member in which clients without headers send a token.
const queryKey = "DAYTONA_SANDBOX_AUTH_KEY"

// link is where a port of a sandbox is found. Sandboxes share the machine's
// network: whatever listens on a port there is reached on the same host.
func (d *dialect) link(c *fiber.Ctx) (string, int, error) {
	port, err := strconv.Atoi(c.Params("port"))
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fault.BadRequest("the port must be between 1 and 65535, not %q", c.Params("port"))
	}
	base := d.BaseURL(c)
	if port == portToolbox || port == portToken {
		return base, port, nil
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", 0, fault.BadRequest("the address %q of this server is not a URL", base)
	}
	return "http://" + net.JoinHostPort(u.Hostname(), strconv.Itoa(port)), port, nil
}
