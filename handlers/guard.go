package handlers

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
)

// guard keeps web pages out. A page of another site can send requests here,
// and by rebinding its own name even read the answers; but it cannot choose
// the Host and Origin that the browser sends.
func (s *Server) guard(c *fiber.Ctx) error {
	host := string(c.Request().Host())
	if !s.allowedHost(host) {
		return fault.New(http.StatusForbidden, "host %q is not allowed: name it in the allowed hosts", host)
	}
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return c.Next()
	}
	foreign := !sameOrigin(origin, host)
	if foreign && slices.Contains(s.cfg.AllowedOrigins, origin) {
		foreign = false
		s.allowCORS(c, strings.Clone(origin))
		if c.Method() == fiber.MethodOptions && c.Get(fiber.HeaderAccessControlRequestMethod) != "" {
			return c.SendStatus(http.StatusNoContent)
		}
	}
	if foreign && (changes(c.Method()) || c.Get(fiber.HeaderUpgrade) != "") {
		return fault.New(http.StatusForbidden, "origin %q is not allowed: name it in the allowed origins", origin)
	}
	return c.Next()
}

func (s *Server) allowCORS(c *fiber.Ctx, origin string) {
	c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
	c.Vary(fiber.HeaderOrigin)
	if wanted := c.Get(fiber.HeaderAccessControlRequestHeaders); wanted != "" {
		c.Set(fiber.HeaderAccessControlAllowHeaders, strings.Clone(wanted))
		c.Set(fiber.HeaderAccessControlAllowMethods, "GET, HEAD, POST, PUT, PATCH, DELETE")
		c.Set(fiber.HeaderAccessControlMaxAge, "600")
	}
}

// changes reports whether a method may change something. A foreign page's
// preflight is refused here too, before its request would be.
func changes(method string) bool {
	return method != fiber.MethodGet && method != fiber.MethodHead
}

// allowedHost accepts addresses as they are, since a name is what rebinding
// needs, and the names that mean this machine or were configured.
func (s *Server) allowedHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return isLoopback(host) || slices.Contains(s.hosts, host)
}

// sameOrigin compares the host and port only: a proxy may have ended TLS.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}
