package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/body"
	"hotcell/handlers/daytona/files"
	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/sandboxes"
)

// Names by which clients send what opens a door.
const (
	previewHeader = "X-Daytona-Preview-Token"
	queryKey      = "DAYTONA_SANDBOX_AUTH_KEY"
)

// ErrNoKey refuses to serve other machines without a key.
var ErrNoKey = errors.New("an API key is needed to listen beyond this machine")

// CheckListen refuses to listen where other machines can reach a server that
// asks for no key: it runs whatever code it is given.
func CheckListen(host, key string) error {
	if key != "" || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("%w: %q is not a loopback address", ErrNoKey, host)
}

func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// grant is what a request's credentials open.
type grant struct {
	all       bool   // the API key: everything
	sandbox   string // a preview token: this one
	presented bool   // something was sent
	stale     bool   // a preview token was sent that opens nothing
}

// name is what records call the credentials: the name of a key, never a key.
func (g grant) name() string {
	switch {
	case !g.presented:
		return "" // none was needed
	case g.all:
		return "the key"
	default:
		return "a preview token"
	}
}

// auth knows the key and asks the sandboxes for their tokens.
type auth struct {
	open      bool // no key is set
	key       [sha256.Size]byte
	sandboxes *sandboxes.Registry
}

func newAuth(key string, registry *sandboxes.Registry) *auth {
	return &auth{open: key == "", key: sha256.Sum256([]byte(key)), sandboxes: registry}
}

// isKey compares digests, so that neither the content nor the length of the
// key shows in the time it takes.
func (a *auth) isKey(s string) bool {
	got := sha256.Sum256([]byte(s))
	return a.open || subtle.ConstantTimeCompare(got[:], a.key[:]) == 1
}

// grant looks at the header, the preview token and the query key, whichever
// are there: each of them suffices.
func (a *auth) grant(c *fiber.Ctx) grant {
	g := grant{all: a.open}
	if bearer, ok := cutPrefixFold(c.Get(fiber.HeaderAuthorization), "Bearer "); ok {
		g.presented = true
		g.all = g.all || a.isKey(strings.TrimSpace(bearer))
	}
	for _, token := range []string{c.Get(previewHeader), c.Query(queryKey)} {
		if token == "" {
			continue
		}
		g.presented = true
		if id, ok := a.sandboxes.Opens(strings.Clone(token)); ok {
			g.sandbox = id
		} else if a.isKey(token) {
			g.all = true
		} else {
			g.stale = true
		}
	}
	return g
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func (g grant) refusal(c *fiber.Ctx) error {
	c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	if !g.presented {
		return fault.New(http.StatusUnauthorized, "a key is needed: send it as Authorization: Bearer KEY")
	}
	return fault.New(http.StatusUnauthorized, "the key is not valid")
}

// requireKey lets the API key pass.
func (s *Server) requireKey(c *fiber.Ctx) error {
	g := s.auth.grant(c)
	switch {
	case g.all:
		return admit(c, g)
	case g.sandbox != "":
		return fault.New(http.StatusForbidden, "a preview token opens its sandbox's toolbox, not this")
	default:
		return g.refusal(c)
	}
}

// requireSandbox lets pass whoever may use the sandbox in the path, and notes
// which one that is.
func (s *Server) requireSandbox(c *fiber.Ctx) error {
	g := s.auth.grant(c)
	if !g.all && g.sandbox == "" {
		return g.refusal(c)
	}
	name, err := url.PathUnescape(c.Params("sandbox"))
	if err != nil {
		return fault.BadRequest("the sandbox's name in the path is not valid: %v", err)
	}
	sb, err := s.cfg.Sandboxes.Lookup(strings.Clone(name))
	if !g.all && (err != nil || sb.ID != g.sandbox) {
		// Whoever holds a token of one sandbox doesn't learn which others there are.
		return fault.New(http.StatusForbidden, "the preview token opens another sandbox")
	}
	if err != nil {
		return err
	}
	c.Locals(sandboxLocal{}, sb.ID)
	return admit(c, g)
}

// requireToken finds the sandbox by the preview token, for clients that have
// only the host; the API key alone means the built-in sandbox.
func (s *Server) requireToken(c *fiber.Ctx) error {
	g := s.auth.grant(c)
	switch {
	case g.sandbox != "":
		c.Locals(sandboxLocal{}, g.sandbox)
	case g.all && !g.stale:
		c.Locals(sandboxLocal{}, sandboxes.DefaultID)
	default:
		return g.refusal(c)
	}
	return admit(c, g)
}

// admit takes in the body of a request that may be handled. Nobody else's is
// read. Uploads read theirs as they come.
func admit(c *fiber.Ctx, g grant) error {
	request.Admit(c, g.name())
	if !files.Streams(c) {
		if err := body.Load(c); err != nil {
			return err
		}
	}
	return c.Next()
}

// sandboxLocal is the request local that holds the id of the sandbox.
type sandboxLocal struct{}

func sandboxOf(c *fiber.Ctx) string {
	id, _ := c.Locals(sandboxLocal{}).(string)
	return id
}

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
