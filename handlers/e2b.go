package handlers

import (
	"net"

	"github.com/gofiber/fiber/v2"

	"hotcell/charts"
	"hotcell/handlers/e2b"
)

// e2b is the dialect of E2B's SDKs.
func (s *Server) e2b() *e2b.Dialect {
	return e2b.New(e2b.Deps{
		Contexts:  s.cfg.Contexts,
		Sandboxes: workspaces{s.cfg.Sandboxes},
		Chart:     charts.ShownE2B,
		Explain:   s.explain,
	})
}

// ServeE2B is Serve for E2B's dialect alone, at the root of an address of its
// own. Its SDKs send no credential there, so where only this machine can
// connect none is asked for.
func (s *Server) ServeE2B(ln net.Listener) error {
	app := s.newApp(func(c *fiber.Ctx, err error) error { return e2b.WriteFault(c, s.explain(err)) })
	check := s.requireKey
	if host, _, err := net.SplitHostPort(ln.Addr().String()); err == nil && isLoopback(host) {
		check = s.requireNeighbour
	}
	s.e2b().Mount(app, check)
	return s.serve(app, ln)
}

// requireNeighbour lets whoever connects from this machine pass, and others
// that have the key.
func (s *Server) requireNeighbour(c *fiber.Ctx) error {
	if c.Context().RemoteIP().IsLoopback() {
		return admit(c, grant{})
	}
	return s.requireKey(c)
}
