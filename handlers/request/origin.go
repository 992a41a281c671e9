package request

import (
	"cmp"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/internal/activity"
)

// maxForwarded is longer than a chain of proxies that anybody has built.
const maxForwarded = 256

// maxDetail bounds what is noted of a request: a few paths.
const maxDetail = 4 << 10

// Request locals. What they hold is a copy.
type (
	admittedLocal struct{}
	dialectLocal  struct{}
	subjectLocal  struct{}
	detailLocal   struct{}
)

// Admit notes that a request was let in, and by which key: its name, never the
// key. Empty means that none was needed.
func Admit(c *fiber.Ctx, key string) { c.Locals(admittedLocal{}, strings.Clone(key)) }

// Admitted reports whether it was.
func Admitted(c *fiber.Ctx) bool {
	_, ok := c.Locals(admittedLocal{}).(string)
	return ok
}

// Speaks notes the dialect of the requests that pass; without it, it is Daytona's,
// whose addresses are everywhere.
func Speaks(dialect string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Locals(dialectLocal{}, dialect)
		return c.Next()
	}
}

// Origin says who sends a request.
func Origin(c *fiber.Ctx) activity.Origin {
	key, _ := c.Locals(admittedLocal{}).(string)
	dialect, _ := c.Locals(dialectLocal{}).(string)
	forwarded := c.Get(fiber.HeaderXForwardedFor)
	return activity.Origin{
		Key:       key,
		Address:   c.Context().RemoteIP().String(),
		Forwarded: strings.ToValidUTF8(strings.Clone(forwarded[:min(len(forwarded), maxForwarded)]), ""),
		Dialect:   cmp.Or(dialect, activity.Daytona),
	}
}

// About notes which sandbox a request turned out to be about, for those whose path
// doesn't name one.
func About(c *fiber.Ctx, sandbox string) { c.Locals(subjectLocal{}, sandbox) }

// Subject is what About noted.
func Subject(c *fiber.Ctx) string {
	id, _ := c.Locals(subjectLocal{}).(string)
	return id
}

// Note adds what a request does things to, such as the paths of files, for the record
// that is kept of it.
func Note(c *fiber.Ctx, words ...string) {
	have, _ := c.Locals(detailLocal{}).(string)
	for _, w := range words {
		if len(have) >= maxDetail {
			break
		}
		if have != "" {
			have += ", "
		}
		have += w
	}
	c.Locals(detailLocal{}, strings.ToValidUTF8(strings.Clone(have[:min(len(have), maxDetail)]), ""))
}

// Noted is what Note was told.
func Noted(c *fiber.Ctx) string {
	s, _ := c.Locals(detailLocal{}).(string)
	return s
}
