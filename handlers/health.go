package handlers

import (
	"net"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/daytona"
	"hotcell/handlers/fault"
)

// Check is one thing that has to be right before the server can take work.
type Check struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // for people: what is wrong, or what there is to say
}

// health is the answer of /readyz.
type health struct {
	Ready  bool             `json:"ready"`
	Checks map[string]Check `json:"checks"`
}

// mountHealth adds what a supervisor asks. Neither needs a key: what they say is
// no secret, and probes that need one are set up without it.
func (s *Server) mountHealth(app fiber.Router) {
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) })
	app.Get("/readyz", s.ready)
}

func (s *Server) ready(c *fiber.Ctx) error {
	h := health{Ready: true, Checks: map[string]Check{}}
	if s.cfg.Ready != nil {
		h.Checks = s.cfg.Ready()
	}
	for _, check := range h.Checks {
		h.Ready = h.Ready && check.OK
	}
	if !h.Ready {
		c.Status(http.StatusServiceUnavailable)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(h)
}

func (s *Server) figures(c *fiber.Ctx) error {
	text, kind, err := s.cfg.Figures()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, kind)
	return c.Send(text)
}

// ServeMetrics is Serve for the figures and the state of health alone, at an address
// of their own, where no key is asked for.
func (s *Server) ServeMetrics(ln net.Listener) error {
	app := s.newApp(func(c *fiber.Ctx, err error) error { return daytona.WriteFault(c, s.explain(err)) })
	s.mountHealth(app)
	if s.cfg.Figures != nil {
		app.Get("/metrics", s.figures)
	}
	app.Use(func(*fiber.Ctx) error { return fault.NotFound("only /metrics, /healthz and /readyz are served here") })
	return s.serve(app, ln)
}

// Sockets counts the open WebSockets of each dialect.
func (s *Server) Sockets() map[string]int { return s.sockets.Open() }
