package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/access"
	"hotcell/handlers/fault"
	"hotcell/keys"
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
	key       *access.Access // of whoever has shown a key; nil if none was
	token     *access.Access // of whoever has shown a preview token
	presented bool           // something was sent
	stale     bool           // a preview token was sent that opens nothing
	ended     error          // why a key that was valid isn't any more
}

// auth knows the keys and asks the sandboxes for their tokens.
type auth struct {
	keys      *keys.Store
	sandboxes *sandboxes.Registry
}

// access is what a key opens.
func (a *auth) access(text string) (*access.Access, error) {
	key, err := a.keys.Find(text)
	if err != nil && a.keys.Asks() {
		return nil, err
	} else if err != nil {
		key = a.keys.Nobody()
	}
	return access.New(key, a.sandboxes), nil
}

// grant looks at the header, the preview token and the query key, whichever
// are there: each of them suffices.
func (a *auth) grant(c *fiber.Ctx) grant {
	g := grant{}
	if bearer, ok := cutPrefixFold(c.Get(fiber.HeaderAuthorization), "Bearer "); ok {
		g.presented = true
		g.key, g.ended = a.access(strings.Clone(strings.TrimSpace(bearer)))
	} else if !a.keys.Asks() {
		g.key = access.New(a.keys.Nobody(), a.sandboxes)
	}
	for _, token := range []string{c.Get(previewHeader), c.Query(queryKey)} {
		if token == "" {
			continue
		}
		g.presented = true
		if t := a.token(strings.Clone(token)); t != nil {
			g.token = t
		} else if k, err := a.keys.Find(strings.Clone(token)); err == nil {
			g.key = access.New(k, a.sandboxes)
		} else {
			g.stale = true
		}
	}
	return g
}

// token is what a preview token opens; nil is nothing. One that was given to a
// key's client ends with the key.
func (a *auth) token(text string) *access.Access {
	sandbox, holder, ok := a.sandboxes.Opens(text)
	if !ok {
		return nil
	}
	key := a.keys.Preview()
	if holder != "" {
		var err error
		if key, err = a.keys.Holder(holder); err != nil {
			return nil
		}
	}
	return access.Token(key, sandbox, a.sandboxes)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func (g grant) refusal(c *fiber.Ctx) error {
	c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	ended := (*keys.EndedError)(nil)
	switch {
	case !g.presented:
		return fault.New(http.StatusUnauthorized, "a key is needed: send it as Authorization: Bearer KEY")
	case errors.As(g.ended, &ended):
		return ended
	default:
		return fault.New(http.StatusUnauthorized, "the key is not valid")
	}
}

// requireKey lets whoever has a key pass.
func (s *Server) requireKey(c *fiber.Ctx) error {
	g := s.auth.grant(c)
	switch {
	case g.key != nil:
		g.key.Set(c)
		return c.Next()
	case g.token != nil:
		return fault.New(http.StatusForbidden, "a preview token opens its sandbox's toolbox, not this")
	default:
		return g.refusal(c)
	}
}

// requireSandbox lets pass whoever may use the sandbox in the path, and notes
// which one that is.
func (s *Server) requireSandbox(c *fiber.Ctx) error {
	g := s.auth.grant(c)
	if g.key == nil && g.token == nil {
		return g.refusal(c)
	}
	name, err := url.PathUnescape(c.Params("sandbox"))
	if err != nil {
		return fault.BadRequest("the sandbox's name in the path is not valid: %v", err)
	}
	name = strings.Clone(name)
	sb, err := s.cfg.Sandboxes.Lookup(name)
	var by *access.Access
	if err == nil {
		by = g.within(sb)
	}
	switch {
	case by != nil:
		return into(c, by, sb.ID)
	case g.key == nil:
		// Whoever holds a token of one sandbox doesn't learn which others there are.
		return fault.New(http.StatusForbidden, "the preview token opens another sandbox")
	case err == nil:
		return g.key.Enter(name) // it is hidden
	default:
		return err
	}
}

// within is who the client is in a sandbox: of a key and a token the one that
// opens more of it. Nil is a client that may not know of it.
func (g grant) within(sb sandboxes.Sandbox) *access.Access {
	var best *access.Access
	for _, a := range []*access.Access{g.key, g.token} {
		if a != nil && a.SeesSandbox(sb) && (best == nil || a.Scope() > best.Scope()) {
			best = a
		}
	}
	return best
}

// into notes who the client is and in which sandbox it works.
func into(c *fiber.Ctx, by *access.Access, sandbox string) error {
	by.Set(c)
	c.Locals(sandboxLocal{}, sandbox)
	return c.Next()
}

// requireToken finds the sandbox by the preview token, for clients that have
// only the host; the API key alone means the built-in sandbox.
func (s *Server) requireToken(c *fiber.Ctx) error {
	g := s.auth.grant(c)
	id := sandboxes.DefaultID
	switch {
	case g.token != nil:
		id = g.token.Sandbox()
	case g.key == nil || g.stale:
		return g.refusal(c)
	}
	sb, err := s.cfg.Sandboxes.Lookup(id)
	if err != nil {
		return err
	}
	if by := g.within(sb); by != nil {
		return into(c, by, id)
	}
	return g.key.Enter(id) // it is hidden
}

// sandboxLocal is the request local that holds the id of the sandbox.
type sandboxLocal struct{}

func sandboxOf(c *fiber.Ctx) string {
	id, _ := c.Locals(sandboxLocal{}).(string)
	return id
}
