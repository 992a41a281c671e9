package handlers

import (
	"net"

	"github.com/gofiber/fiber/v2"

	"hotcell/charts"
	"hotcell/handlers/access"
	"hotcell/handlers/e2b"
)

// e2b is the dialect of E2B's SDKs.
func (s *Server) e2b() *e2b.Dialect {
	return e2b.New(e2b.Deps{
		Contexts:  s.cfg.Contexts,
		Sandboxes: s.rooms(),
		Chart:     charts.ShownE2B,
		Explain:   s.explain,
	})
}

// ServeE2B is Serve for E2B's dialect alone, at the root of an address of its
// own. Its SDKs send no credential there, so where only this machine can
// connect none is asked for.
func (s *Server) ServeE2B(ln net.Listener) error {
	check := s.requireKey
	if Local(ln) {
		check = s.requireNeighbour
	}
	return s.serve(s.newE2B(check), ln, s.cfg.TLS)
}

// Local reports whether only this machine can connect.
func Local(ln net.Listener) bool {
	host, _, err := net.SplitHostPort(ln.Addr().String())
	return err == nil && isLoopback(host)
}

// newE2B is the application at that address.
func (s *Server) newE2B(check fiber.Handler) *fiber.App {
	app := s.newApp(func(c *fiber.Ctx, err error) error { return e2b.WriteFault(c, s.explain(err)) })
	s.e2b().Mount(app, check)
	s.protect(app)
	return app
}

// requireNeighbour lets whoever connects from this machine pass, and others
// that have the key.
func (s *Server) requireNeighbour(c *fiber.Ctx) error {
	if c.Context().RemoteIP().IsLoopback() {
		access.New(s.auth.keys.Nobody(), s.cfg.Sandboxes).Set(c)
		return c.Next()
	}
	return s.requireKey(c)
}
