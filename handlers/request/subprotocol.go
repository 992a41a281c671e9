package request

import (
	"iter"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// versionToken begins the subprotocol by which clients in browsers, which can
// send no headers, say which SDK they are.
const versionToken = "X-Daytona-SDK-Version~"

// Subprotocol picks the one to answer: a client that offered some refuses the
// connection when none is. Those that carry something stay unanswered.
func Subprotocol(c *fiber.Ctx) string {
	first := ""
	for offered := range subprotocols(c) {
		if strings.HasPrefix(offered, versionToken) {
			return offered
		}
		if first == "" {
			first = offered
		}
	}
	return first
}

// SDKVersion is what the client says it is: 0.218.0, v0.205.1; often nothing.
func SDKVersion(c *fiber.Ctx) string {
	if v := c.Get("X-Daytona-SDK-Version"); v != "" {
		return strings.Clone(v)
	}
	for offered := range subprotocols(c) {
		if v, ok := strings.CutPrefix(offered, versionToken); ok {
			return v
		}
	}
	return ""
}

// subprotocols are those that the client offers.
func subprotocols(c *fiber.Ctx) iter.Seq[string] {
	return func(yield func(string) bool) {
		for offered := range strings.SplitSeq(c.Get(fiber.HeaderSecWebSocketProtocol), ",") {
			if !yield(strings.Clone(strings.TrimSpace(offered))) {
				return
			}
		}
	}
}
