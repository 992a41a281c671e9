package native

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// A page's script can set no header on a WebSocket or an EventSource. It sends
// the key in the query, or, so that it stays out of logs and histories, as one
// of the subprotocols that it offers, next to the one that is answered.
const (
	subprotocol = "hotcell.v1"
	keyProtocol = "hotcell.key."
	keyQuery    = "token"
)

// credentials puts a key that came another way where the check looks for it.
func credentials(c *fiber.Ctx) error {
	if c.Get(fiber.HeaderAuthorization) != "" {
		return c.Next()
	}
	key := c.Query(keyQuery)
	for _, offered := range offers(c) {
		if k, ok := strings.CutPrefix(offered, keyProtocol); ok {
			key = k
		}
	}
	if key != "" {
		c.Request().Header.Set(fiber.HeaderAuthorization, "Bearer "+key)
	}
	return c.Next()
}

// chooseSubprotocol answers a client that offers ours. What carries a key is
// never answered.
func chooseSubprotocol(c *fiber.Ctx) string {
	if slices.Contains(offers(c), subprotocol) {
		return subprotocol
	}
	return ""
}

// offers lists the subprotocols that a client offers.
func offers(c *fiber.Ctx) []string {
	var out []string
	for o := range strings.SplitSeq(c.Get(fiber.HeaderSecWebSocketProtocol), ",") {
		if o = strings.TrimSpace(o); o != "" {
			out = append(out, o)
		}
	}
	return out
}
