// Package handlers is the HTTP side of hotcell: it assembles the dialects
// behind one Fiber application, decides who may do what, and turns errors into
// answers. How anything is done, the packages below know.
//
// Ownership: a [Server] owns its connections and their goroutines, and joins
// them in [Server.Shutdown]. The contexts and sandboxes that it serves belong
// to whoever made them, who closes them after it.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hotcell/contexts"
	"hotcell/handlers/body"
	"hotcell/handlers/daytona"
	"hotcell/handlers/native"
	"hotcell/handlers/socket"
	"hotcell/process/tools"
	"hotcell/runtimes"
	"hotcell/sandboxes"
)

const (
	// readTimeout is for one whole request: 64 MiB at 5 Mbit/s. Uploads, which
	// may be larger, have a limit of their own.
	readTimeout = 2 * time.Minute
	// idleTimeout is long because some clients don't repeat a POST that met a
	// connection which the server was just closing.
	idleTimeout = 10 * time.Minute
	// requestGrace is how long a shutdown waits for requests. What they waited
	// for has ended by then; the rest is up to their clients.
	requestGrace = 2 * time.Second
	// headerLimit holds long query strings and subprotocols.
	headerLimit = 16 << 10
	// writeBuffer holds a chunk of an answer that is streamed, 4 KiB, with its
	// head and tail: half as many writes.
	writeBuffer = 8 << 10
)

// Config is what a server is made of. Contexts, Sandboxes, Table and Tools are
// needed.
type Config struct {
	Contexts  *contexts.Set
	Sandboxes *sandboxes.Registry
	Table     *runtimes.Table
	Tools     *tools.Tools
	// Key opens everything. Empty means that no key is asked for.
	Key string
	// PublicURL is where clients reach the server when that isn't what they
	// send as Host, as behind a proxy that ends TLS: https://cells.example.org.
	// Nil or an empty answer means that the request's own Host is right.
	PublicURL func() string
	// AllowedHosts are names, beside loopback ones and plain addresses, that a
	// request's Host may have.
	AllowedHosts []string
	// AllowedOrigins are the web origins, beside the server's own, whose pages
	// may use it: https://app.example.org.
	AllowedOrigins []string
	// FirstWait is how long a client that runs code over a connection of its
	// own may be connected before it says what; 0 is a minute.
	FirstWait time.Duration
	// Stall is how long an upload may stand still; 0 is a minute. A download
	// may do so ten times as long.
	Stall time.Duration
	// Ready says what of the server is there to take work; nil: all that has to be.
	Ready func() map[string]Check
	// Figures are the server's figures, in the format that Prometheus reads. Nil:
	// there are none.
	Figures func() (text []byte, contentType string, err error)
	Observe Observe
	Version string
	Log     *slog.Logger
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	if c.Contexts == nil || c.Sandboxes == nil || c.Table == nil || c.Tools == nil {
		errs = append(errs, errors.New("contexts, sandboxes, the language table and the tools are needed"))
	}
	for _, o := range c.AllowedOrigins {
		if u, err := url.Parse(o); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			errs = append(errs, fmt.Errorf("allowed origin %q is not of the form https://host[:port]", o))
		}
	}
	return errors.Join(errs...)
}

// Server answers HTTP requests.
type Server struct {
	cfg     Config
	app     *fiber.App
	auth    *auth
	hosts   []string // allowed names, in lower case
	sockets *socket.Set
	conns   conns

	mu       sync.Mutex
	serving  []*serving
	shutdown bool
}

// serving is one address and what answers there.
type serving struct {
	app *fiber.App
	ln  net.Listener
}

// ErrShutdown is what [Server.Serve] returns when it is called too late.
var ErrShutdown = errors.New("the server was shut down")

// New assembles a server. cfg must be valid.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg:     cfg,
		auth:    newAuth(cfg.Key, cfg.Sandboxes),
		sockets: socket.NewSet(cfg.Log),
	}
	for _, h := range cfg.AllowedHosts {
		s.hosts = append(s.hosts, strings.ToLower(h))
	}
	if u, err := url.Parse(s.publicURL()); err == nil && u.Hostname() != "" {
		s.hosts = append(s.hosts, strings.ToLower(u.Hostname()))
	}
	s.conns.open = make(map[net.Conn]struct{})
	s.app = s.newApp(s.fail)
	s.mount()
	return s
}

// newApp returns an application without routes, but with what stands before all.
func (s *Server) newApp(fail fiber.ErrorHandler) *fiber.App {
	app := fiber.New(fiber.Config{
		// Bodies stay in the connection until they are wanted, and have their
		// limit there: see the package body.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    body.Prefetch,

		ReadTimeout:           readTimeout,
		IdleTimeout:           idleTimeout,
		ReadBufferSize:        headerLimit,
		WriteBufferSize:       writeBuffer,
		CaseSensitive:         true,
		DisableStartupMessage: true,
		ErrorHandler:          fail,
	})
	app.Server().ConnState = s.conns.note
	s.settle(app.Server())
	app.Use(s.observed, s.recovered, collapse, s.guard)
	return app
}

// settle sees to what clients go on sending when they have been answered.
func (s *Server) settle(server *fasthttp.Server) {
	handle, refuse := server.Handler, server.ErrorHandler
	server.Handler = func(c *fasthttp.RequestCtx) {
		handle(c)
		body.Settle(c)
	}
	server.ErrorHandler = func(c *fasthttp.RequestCtx, err error) {
		refuse(c, err)
		body.Linger(c.Conn())
	}
}

// mount says who answers what. Order matters.
func (s *Server) mount() {
	s.app.Get("/health", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) })
	s.mountHealth(s.app)
	if s.cfg.Figures != nil {
		s.app.Get("/metrics", s.requireKey, s.figures)
	}
	rooms := workspaces{s.cfg.Sandboxes}
	native.New(native.Config{
		Contexts:  s.cfg.Contexts,
		Commands:  s.cfg.Tools.Commands,
		Sandboxes: rooms,
		Runtimes:  s.cfg.Table,
		Sockets:   s.sockets,
		Version:   s.cfg.Version,
		Explain:   s.explain,
		Log:       s.cfg.Log,
	}).Mount(s.app.Group("/v1"), s.requireKey)
	s.e2b().Mount(s.app.Group("/e2b"), s.requireKey)
	daytona.Mount(s.app, daytona.Deps{
		Contexts:       s.cfg.Contexts,
		Sandboxes:      s.cfg.Sandboxes,
		Table:          s.cfg.Table,
		Sockets:        s.sockets,
		Explain:        s.explain,
		RequireKey:     s.requireKey,
		RequireSandbox: s.requireSandbox,
		RequireToken:   s.requireToken,
		IsKey:          s.auth.isKey,
		Options: func(sandbox string) (contexts.Options, error) {
			_, o, err := rooms.Enter(sandbox)
			return o, err
		},
		Place:     rooms.Place,
		Parts:     s.parts(rooms),
		SandboxOf: sandboxOf,
		BaseURL:   s.baseURL,
		FirstWait: s.cfg.FirstWait,
		Did:       s.cfg.Observe.did,
		Version:   s.cfg.Version,
		Log:       s.cfg.Log,
	})
}

// fail answers a request that ended in an error, in its dialect's words.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	return daytona.WriteFault(c, s.explain(err))
}

// recovered turns a panic of a handler into an ordinary unexpected error.
func (s *Server) recovered(c *fiber.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v", p)
		}
	}()
	return c.Next()
}

// collapse forgives an API URL that was given with a slash at its end, to
// which clients append another.
func collapse(c *fiber.Ctx) error {
	path := c.Path()
	if !strings.Contains(path, "//") {
		return c.Next()
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	clean := "/" + strings.Join(parts, "/")
	if strings.HasSuffix(path, "/") && clean != "/" {
		clean += "/"
	}
	c.Path(clean)
	return c.RestartRouting()
}

func (s *Server) publicURL() string {
	if s.cfg.PublicURL == nil {
		return ""
	}
	return strings.TrimRight(s.cfg.PublicURL(), "/")
}

// baseURL is the address under which this client reaches the server. It is
// what the client itself used, so that any alias or forwarded port works,
// unless a proxy stands between that has a URL of its own.
func (s *Server) baseURL(c *fiber.Ctx) string {
	host := string(c.Request().Host())
	if public := s.publicURL(); public != "" {
		u, err := url.Parse(public)
		proxied := c.Get(fiber.HeaderXForwardedHost) != "" || c.Get(fiber.HeaderForwarded) != "" || c.Get(fiber.HeaderXForwardedProto) != ""
		if err == nil && (proxied || strings.EqualFold(u.Host, host)) {
			return public
		}
	}
	scheme := "http"
	if c.Context().IsTLS() {
		scheme = "https"
	}
	return scheme + "://" + host
}

// Serve answers on ln until [Server.Shutdown], and then returns nil.
func (s *Server) Serve(ln net.Listener) error { return s.serve(s.app, ln) }

func (s *Server) serve(app *fiber.App, ln net.Listener) error {
	s.mu.Lock()
	if s.shutdown {
		s.mu.Unlock()
		_ = ln.Close()
		return ErrShutdown
	}
	ln = newListener(ln, s.cfg.Log)
	s.serving = append(s.serving, &serving{app, ln})
	s.mu.Unlock()
	if err := app.Listener(ln); err != nil {
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown stops listening, ends every WebSocket with a reason, waits for the
// requests that are being answered, and returns when the goroutines are gone
// or ctx has ended.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.shutdown = true
	all := s.serving
	s.mu.Unlock()
	for _, a := range all {
		_ = a.ln.Close()
	}
	errs := []error{s.sockets.Shutdown(ctx)}
	cut := time.AfterFunc(requestGrace, s.conns.cut)
	defer cut.Stop()
	for _, a := range all {
		if err := a.app.ShutdownWithContext(ctx); err != nil {
			errs = append(errs, fmt.Errorf("wait for requests: %w", err))
		}
	}
	errs = append(errs, s.conns.join(ctx))
	return errors.Join(errs...)
}
