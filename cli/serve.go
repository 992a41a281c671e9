package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotcell/audit"
	"hotcell/handlers"
	"hotcell/handlers/secure"
	"hotcell/internal/jail"
	"hotcell/keys"
	"hotcell/stream"
)

// defaultListen is loopback: whoever reaches the server can run code.
const defaultListen = "127.0.0.1:3986"

// usualE2B is where E2B's SDKs look in their debug mode.
const usualE2B = "127.0.0.1:49999"

// shutdownLimit is how long an orderly end may take once what ran has had its time: interrupts and kills are
// done within three seconds, and clients get two for their last words.
const shutdownLimit = 10 * time.Second

// engineFlags are what every command that runs interpreters has.
type engineFlags struct {
	Python string `help:"The Python to use: an interpreter, or the python of a virtual environment. Default: what make setup made, if the program is where make build put it, else python3 on the PATH." placeholder:"PATH"`
	Node   string `help:"The Node.js to use for JavaScript and TypeScript. Default: node on the PATH." placeholder:"PATH"`
}

type serveCommand struct {
	Listen        string        `help:"Where to listen. Port 0 picks a free one. Default: ${listen}. An address that other machines can reach needs --api-key." default:"${listen}" placeholder:"HOST:PORT"`
	E2BListen     string        `name:"e2b-listen" env:"HOTCELL_E2B_LISTEN" help:"Where to serve the protocol of E2B's SDKs at an address of its own, as they need it in their debug mode: ${e2blisten} is where they look. No key is asked for on a loopback address; on others it is --api-key, which must be given. Default: nowhere; under /e2b of the main address it is always served." placeholder:"HOST:PORT"`
	APIKey        string        `name:"api-key" help:"The key that opens everything; 'hotcell keys' makes others that open less. Better given as HOTCELL_API_KEY, since other users can read a command line. Default: one is made at the first start and kept in the data directory." placeholder:"KEY"`
	TLSCert       string        `name:"tls-cert" help:"A certificate with its chain, in PEM: the server then speaks HTTPS only, with TLS 1.2 or newer, at all its addresses but a --metrics-listen on loopback. It is read again when the file changes." placeholder:"FILE" type:"path"`
	TLSKey        string        `name:"tls-key" help:"The certificate's key, in PEM." placeholder:"FILE" type:"path"`
	KeyRate       keys.Rate     `help:"How many requests each key may send, such as 50/s, 1000/m or 10000/h; so many may come at once. More are answered with 429. A key made with --rate has its own. Default: no limit." placeholder:"N/UNIT"`
	KeyExecs      int           `name:"key-executions" help:"How many executions and commands of each key may wait or run at once; 0 is no limit. A key made with --executions has its own." default:"0" placeholder:"N"`
	KeySockets    int           `help:"How many WebSockets each key may have open at once; 0 is no limit. A key made with --sockets has its own." default:"0" placeholder:"N"`
	DataDir       string        `help:"Where sandboxes, their files and the generated key are kept. One server at a time. Default: hotcell in the user's data directory ($$XDG_DATA_HOME or ~/.local/share)." placeholder:"DIR" type:"path"`
	ReadyFile     string        `help:"Write one line of JSON with url and pid to this file once the server answers, and remove it at the end." placeholder:"FILE" type:"path"`
	Warm          int           `help:"How many kernels of each language are kept started, ready to be given out, and how many boundaries for sandboxes that are yet to be created." default:"2"`
	PublicURL     string        `name:"public-url" help:"The URL by which clients reach the server, if it is another than the one it listens on, as behind a proxy." placeholder:"URL"`
	AllowHost     []string      `help:"A name, beside localhost and plain addresses, by which clients may call the server. May be repeated." placeholder:"NAME"`
	AllowOrigin   []string      `help:"A web origin whose pages may use the server, such as https://app.example.org. May be repeated." placeholder:"ORIGIN"`
	MaxContexts   int           `help:"How many contexts there may be at once, of all sandboxes together." default:"1000"`
	MetricsListen string        `help:"Where to serve /metrics, /healthz and /readyz at an address of its own, without a key; on a loopback address without TLS, too. Without a host it is 127.0.0.1. Default: nowhere; under the main address they always are, /metrics with a key of the scope read." placeholder:"HOST:PORT"`
	AuditLog      string        `help:"Write who had what done, and how it ended, to this file: a line of JSON each, never the code itself. - is standard error. Default: nothing is written." placeholder:"FILE"`
	AuditCode     bool          `help:"Put what was run into the audit log too: its SHA-256, and the first 16 KiB of its text."`
	AuditSize     int           `help:"Set the audit log aside at so many MiB, under a name with the time, and begin another. Default: ${default}." default:"100" placeholder:"MIB"`
	AuditKeep     int           `help:"How many of those to keep. 0 is all. Default: ${default}." default:"10" placeholder:"N"`
	IdleTimeout   time.Duration `help:"End contexts that have run nothing for so long, such as 90m. 0 is never." default:"0"`
	Retention     time.Duration `help:"How long executions and commands that have ended can be read again, also after a restart." default:"24h"`
	KeepSize      int           `name:"retention-size" help:"How many MiB of them are kept at most; the oldest go first, of the sandbox that occupies most. Default: ${default}." default:"1024" placeholder:"MIB"`
	Drain         time.Duration `help:"How long what runs may take to end by itself when the server is told to end. A second signal ends it at once." default:"5s"`
	limitFlags
	isolationFlags
	engineFlags
}

// Run serves until a signal comes.
func (c *serveCommand) Run(a *app) error {
	if err := c.check(a); err != nil {
		return err
	}
	if c.DataDir == "" {
		path, err := defaultDataDir()
		if err != nil {
			return err
		}
		c.DataDir = path
	}
	dir, err := openDataDir(c.DataDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	dir.open()
	key, made := c.APIKey, c.APIKey == ""
	if made {
		if key, err = dir.apiKey(); err != nil {
			return err
		}
	}
	cert, err := c.certificate(a)
	if err != nil {
		return err
	}
	defer cert.Close()
	lns, err := c.listen(a.ctx)
	if err != nil {
		return err
	}
	e, err := openEngine(a.ctx, engineConfig{
		Flags: c.engineFlags, Isolation: c.isolationFlags, Warm: c.Warm, MaxContexts: c.MaxContexts, IdleTimeout: c.IdleTimeout,
		Limits: c.limitFlags,
		Keep:   stream.JournalOptions{Age: c.Retention, Bytes: int64(c.KeepSize) << 20}, Drain: c.Drain,
		Key: key, KeyLimits: c.limits(), TLS: cert.Config(), Dir: dir.path,
		PublicURL: c.PublicURL, AllowHosts: append(c.AllowHost, cert.Names()...), AllowOrigins: c.AllowOrigin,
		Audit:   audit.Config{Path: c.AuditLog, Stderr: a.term.Err, Size: c.AuditSize, Keep: c.AuditKeep, Code: c.AuditCode},
		Version: a.version, Log: a.log,
	})
	if err != nil {
		lns.close()
		return err
	}
	if s := e.isolation.Status(); lns.e2b != nil && s.Mode != jail.None && s.Network == jail.Host && handlers.CheckListen(hostOf(c.E2BListen), "") == nil {
		a.log.LogAttrs(a.ctx, slog.LevelWarn, "sandboxes reach the address of E2B's protocol, which asks for no key; choose --network loopback or none, or serve it under /e2b alone")
	}
	serving := e.serve(lns)
	err = c.announce(a, c.addresses(lns), key, made, dir)
	if err == nil {
		select {
		case <-a.ctx.Done():
			a.log.LogAttrs(a.ctx, slog.LevelInfo, "shutting down", slog.String("reason", context.Cause(a.ctx).Error()))
		case err = <-serving:
		}
	}
	if c.ReadyFile != "" {
		_ = os.Remove(c.ReadyFile)
	}
	limit, cancel := a.patience(c.Drain + shutdownLimit)
	defer cancel()
	err = errors.Join(err, e.close(limit))
	if err == nil {
		a.log.LogAttrs(a.ctx, slog.LevelInfo, "stopped")
	}
	return err
}

// check looks at what the grammar could not.
func (c *serveCommand) check(a *app) error {
	if err := c.checkListen(a, "--listen", c.Listen, defaultListen); err != nil {
		return err
	}
	if c.E2BListen != "" {
		if err := c.checkListen(a, "--e2b-listen", c.E2BListen, usualE2B); err != nil {
			return err
		}
	}
	if host, port, err := net.SplitHostPort(c.MetricsListen); err == nil && host == "" {
		c.MetricsListen = net.JoinHostPort("127.0.0.1", port) // who means all addresses says so
	}
	if c.MetricsListen != "" {
		if err := checkPort(a.ctx, "--metrics-listen", c.MetricsListen); err != nil {
			return err
		}
	}
	if strings.ContainsAny(c.APIKey, " \t\r\n\x00") || c.APIKey != strings.ToValidUTF8(c.APIKey, "") {
		return badUsage("--api-key must not have blanks in it: clients could not send it")
	}
	if n := len(c.APIKey); n > 0 && n < 16 {
		a.log.LogAttrs(a.ctx, slog.LevelWarn, "the API key is short enough to be guessed; 16 random characters are not")
	}
	switch {
	case c.Warm < 0:
		return badUsage("--warm must not be negative, it is %d", c.Warm)
	case c.MaxContexts < 1:
		return badUsage("--max-contexts must be at least 1, it is %d", c.MaxContexts)
	case c.Retention < time.Minute:
		return badUsage("--retention must be at least 1m, it is %s", c.Retention)
	case c.KeepSize < 16:
		return badUsage("--retention-size must be at least 16 MiB, it is %d", c.KeepSize)
	case c.Drain < 0:
		return badUsage("--drain must not be negative, it is %s", c.Drain)
	case c.AuditSize < 1:
		return badUsage("--audit-size must be at least 1, it is %d", c.AuditSize)
	case c.AuditKeep < 0:
		return badUsage("--audit-keep must not be negative, it is %d", c.AuditKeep)
	case c.AuditCode && c.AuditLog == "":
		return badUsage("--audit-code says what is in the audit log, which --audit-log has to name")
	case c.KeyExecs < 0, c.KeySockets < 0:
		return badUsage("--key-executions and --key-sockets must not be negative; 0 is no limit")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return badUsage("--tls-cert and --tls-key belong together")
	case c.IdleTimeout < 0:
		return badUsage("--idle-timeout must not be negative, it is %s", c.IdleTimeout)
	}
	return errors.Join(c.limitFlags.check(), c.isolationFlags.check())
}

// checkListen looks at an address to listen on.
func (c *serveCommand) checkListen(a *app, flag, address, usual string) error {
	if err := checkPort(a.ctx, flag, address); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(address) // looked at above
	if err := handlers.CheckListen(host, c.APIKey); err != nil {
		return badUsage("%v; choose one and give it with HOTCELL_API_KEY or --api-key, or listen on %s", err, usual)
	}
	if c.TLSCert == "" && handlers.CheckListen(host, "") != nil {
		a.log.LogAttrs(a.ctx, slog.LevelWarn, "keys, code and results can be read on the network: give --tls-cert and --tls-key, or put a proxy with TLS in front",
			slog.String("address", address))
	}
	return nil
}

func checkPort(ctx context.Context, flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return badUsage("%s must be HOST:PORT, not %q", flag, address)
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return badUsage("%s: %q is not a port", flag, port)
	}
	return nil
}

// certificate is nil where none was given.
func (c *serveCommand) certificate(a *app) (*secure.Certificate, error) {
	if c.TLSCert == "" {
		return nil, nil //nolint:nilnil // a nil certificate is one that changes nothing
	}
	cert, err := secure.Open(secure.Files{Cert: c.TLSCert, Key: c.TLSKey, Log: a.log})
	if err != nil {
		return nil, badUsage("%v", err)
	}
	return cert, nil
}

func (c *serveCommand) limits() keys.Limits {
	return keys.Limits{Rate: c.KeyRate, Executions: c.KeyExecs, Sockets: c.KeySockets}
}

// listeners are the open addresses: for everything, for E2B's protocol alone, for
// the figures. Those that are not wanted are nil.
type listeners struct{ main, e2b, metrics net.Listener }

func (l *listeners) close() {
	for _, ln := range []net.Listener{l.main, l.e2b, l.metrics} {
		if ln != nil {
			_ = ln.Close()
		}
	}
}

// listen opens the addresses.
func (c *serveCommand) listen(ctx context.Context) (*listeners, error) {
	l := &listeners{}
	for _, one := range []struct {
		address string
		into    *net.Listener
	}{{c.Listen, &l.main}, {c.E2BListen, &l.e2b}, {c.MetricsListen, &l.metrics}} {
		if one.address == "" {
			continue
		}
		ln, err := listen(ctx, one.address)
		if err != nil {
			l.close()
			return nil, err
		}
		*one.into = ln
	}
	return l, nil
}

// hostOf is the host of an address that has been checked.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// patience is the context of an orderly end: it ends with the limit, or when
// a second signal comes.
func (a *app) patience(limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(a.ctx), limit, fmt.Errorf("not done after %s", limit))
	// Ends with the context.
	go func() {
		select {
		case <-a.force:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// addresses are the URLs by which clients on this machine reach the server.
type addresses struct {
	main    string
	e2b     string // empty when that protocol has no address of its own
	metrics string // likewise
}

// socket is the address of the native WebSocket.
func (at addresses) socket() string { return "ws" + strings.TrimPrefix(at.main, "http") + "/v1/ws" }

// addresses are those of what listens.
func (c *serveCommand) addresses(l *listeners) addresses {
	plain, secret := "http://", "https://"
	if c.TLSCert == "" {
		secret = plain
	}
	at := addresses{main: secret + clientAddress(l.main.Addr())}
	if l.e2b != nil {
		at.e2b = secret + clientAddress(l.e2b.Addr())
	}
	switch {
	case l.metrics == nil:
	case handlers.Local(l.metrics):
		at.metrics = plain + clientAddress(l.metrics.Addr())
	default:
		at.metrics = secret + clientAddress(l.metrics.Addr())
	}
	return at
}

// announce tells people and programs that the server answers.
func (c *serveCommand) announce(a *app, at addresses, key string, made bool, dir *dataDir) error {
	if err := dir.note(holder{pid: strconv.Itoa(os.Getpid()), url: at.main, cert: c.TLSCert}); err != nil {
		return err
	}
	if c.ReadyFile != "" {
		ready := map[string]any{"url": at.main, "ws_url": at.socket(), "pid": os.Getpid(), "version": a.version}
		if at.e2b != "" {
			ready["e2b_url"] = at.e2b
		}
		if at.metrics != "" {
			ready["metrics_url"] = at.metrics + "/metrics"
		}
		line, err := json.Marshal(ready)
		if err == nil {
			err = writeAtomically(c.ReadyFile, append(line, '\n'), 0o644)
		}
		if err != nil {
			return fmt.Errorf("write the ready file: %w", err)
		}
	}
	shown, from := "…", "the key that you gave"
	if made {
		shown, from = key, "kept in "+dir.keyPath()
	}
	text := fmt.Sprintf("hotcell %s serves at %s\nAPI key: %s (%s)\n", a.version, at.main, shown, from)
	if at.e2b != "" {
		text += fmt.Sprintf(`
To use it with the E2B SDK:
  export E2B_DEBUG=true
  export E2B_SANDBOX_URL=%s
`, at.e2b)
	}
	if at.metrics != "" {
		text += fmt.Sprintf("Figures: %s/metrics\n", at.metrics)
	}
	text += fmt.Sprintf(`
To use it with the Daytona SDK:
  export DAYTONA_API_URL=%s/api
  export DAYTONA_API_KEY=%s
`, at.main, shown)
	if _, err := fmt.Fprint(a.term.Out, text); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	return nil
}

// clientAddress is what a client on this machine connects to.
func clientAddress(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w%s", address, err, listenHint(err))
	}
	return ln, nil
}

// listenHint says what to do about the usual fault.
func listenHint(err error) string {
	if errors.Is(err, syscall.EADDRINUSE) {
		return "; another program listens there: stop it, or choose another port (0 picks a free one)"
	}
	return ""
}
