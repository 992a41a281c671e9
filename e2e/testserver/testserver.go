// Package testserver starts complete hotcell servers inside a test binary:
// real runtimes, real kernels, a port of their own and a data directory that
// goes away with the test. Any number may run side by side.
//
//	func TestMain(m *testing.M) { testserver.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		s := testserver.Start(t)
//		… s.URL, s.Key …
//	}
package testserver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"hotcell/charts"
	"hotcell/contexts"
	"hotcell/handlers"
	"hotcell/internal/activity"
	"hotcell/internal/jail"
	"hotcell/internal/lives"
	"hotcell/keys"
	"hotcell/metrics"
	"hotcell/process"
	"hotcell/process/tools"
	"hotcell/runtimes"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
	"hotcell/sandboxes/limits"
	"hotcell/stream"
)

// Server is a running server.
type Server struct {
	URL       string // http://127.0.0.1:PORT
	APIURL    string // what the Daytona SDKs take: URL + /api
	E2BURL    string // the address of E2B's protocol, without a key
	Key       string
	DataDir   string
	Contexts  *contexts.Set
	Sandboxes *sandboxes.Registry
	Isolation *isolation.Set
	Table     *runtimes.Table
	Tools     *tools.Tools
	Limits    *limits.Set // nil without WithLimits
	Metrics   *metrics.Metrics
	Keys      *keys.Store

	now     func() time.Time
	did     func(activity.Record) // may be nil
	scheme  string
	server  *handlers.Server
	life    *lives.Life
	journal *stream.Journal
	cards   *lives.Shelf[contexts.Card]
	ended   chan error // a word from each address
	serving int
	closed  bool
}

type options struct {
	key      string
	dataDir  string
	config   func(*handlers.Config)
	contexts func(*contexts.Config)
	tools    func(*tools.Config)
	limits   *limits.Config
	did      func(activity.Record)
	keys     keys.Config
	minute   time.Duration
	now      func() time.Time
	preload  []string
	python   string
	runtimes []runtimes.Runtime
	log      *slog.Logger
	mode     jail.Mode
	network  jail.Network
	visible  []string
	keep     stream.JournalOptions
}

// Option changes how a server is made.
type Option func(*options)

// WithKey sets the API key; empty asks for none.
func WithKey(key string) Option { return func(o *options) { o.key = key } }

// WithDataDir keeps the records elsewhere, so that a second server finds them.
func WithDataDir(dir string) Option { return func(o *options) { o.dataDir = dir } }

// WithConfig changes the configuration of the HTTP side.
func WithConfig(f func(*handlers.Config)) Option { return func(o *options) { o.config = f } }

// WithContexts changes the configuration of the contexts.
func WithContexts(f func(*contexts.Config)) Option { return func(o *options) { o.contexts = f } }

// WithTools changes the configuration of what runs beside contexts.
func WithTools(f func(*tools.Config)) Option { return func(o *options) { o.tools = f } }

// WithLimits bounds sandboxes.
func WithLimits(cfg limits.Config) Option { return func(o *options) { o.limits = &cfg } }

// WithDid is told of all that is done, as an audit log is.
func WithDid(f func(activity.Record)) Option { return func(o *options) { o.did = f } }

// WithKeys sets the limits and the clock of the keys; where they are kept and the
// first of them are the server's own.
func WithKeys(cfg keys.Config) Option { return func(o *options) { o.keys = cfg } }

// WithMinute makes the minutes of the sandboxes' intervals shorter.
func WithMinute(d time.Duration) Option { return func(o *options) { o.minute = d } }

// WithClock gives the server another clock, as far as it can be given one: commands,
// sessions, terminals and scripts have the machine's.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithPandas preloads what a real server preloads. Without it Python starts
// bare, which is much faster and enough for most tests.
func WithPandas() Option { return func(o *options) { o.preload = nil } }

// WithPython runs Python contexts with another interpreter than the usual one.
func WithPython(program string) Option { return func(o *options) { o.python = program } }

// WithIsolation says what is around each sandbox. Without it that is the strongest
// that works here, as for serve, or what HOTCELL_TEST_ISOLATION says.
func WithIsolation(mode jail.Mode, network jail.Network) Option {
	return func(o *options) { o.mode, o.network = mode, network }
}

// WithVisible lets sandboxes read directories, whatever is around them.
func WithVisible(dirs ...string) Option {
	return func(o *options) { o.visible = append(o.visible, dirs...) }
}

// WithRetention bounds what is kept of what has ended.
func WithRetention(keep stream.JournalOptions) Option { return func(o *options) { o.keep = keep } }

// WithRuntimes serves other languages than the real ones.
func WithRuntimes(rs ...runtimes.Runtime) Option { return func(o *options) { o.runtimes = rs } }

// WithLog replaces the log, which goes to standard error from warnings on.
func WithLog(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// Start starts a server that ends with the test.
func Start(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	o := options{
		key:     "test-key",
		preload: []string{},
		python:  kernelPython(),
		mode:    UsualMode(),
		now:     time.Now,
		log:     slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, f := range opts {
		f(&o)
	}
	if o.dataDir == "" {
		o.dataDir = tb.TempDir()
	}
	s := &Server{Key: o.key, DataDir: o.dataDir, now: o.now, ended: make(chan error, 2)}
	tb.Cleanup(func() { s.Close(tb) })
	s.Table = table(tb, o)
	s.isolate(tb, o)
	s.Metrics, s.did = metrics.New("0.0.0-test"), o.did
	s.remember(tb, o)
	cc := contexts.Config{
		Table: s.Table, Parked: 1, Log: o.log, Complete: charts.Shown,
		Store: s.journal, Shelf: s.cards, Before: s.life.Before(),
		Admit: s.admit, Jail: s.jail, Jailed: s.Isolation.Status().Mode != jail.None, Observe: s.Metrics.Contexts(),
		Now: o.now,
	}
	if o.limits != nil {
		s.bound(tb, o)
		cc.Group = s.Limits.Contexts()
	}
	cc.Observe.Did = s.record
	if o.contexts != nil {
		o.contexts(&cc)
	}
	s.Contexts = contexts.New(tb.Context(), cc)
	tc := tools.Config{
		Host:  process.Host{Path: s.Table.Programs(), Scratch: tb.TempDir()},
		Table: s.Table, Kernel: s.Contexts.Kernel, Admit: s.admit, Did: s.record, Log: o.log,
		Store: s.journal, Records: filepath.Join(o.dataDir, "records"), Before: s.life.Before(),
	}
	if o.tools != nil {
		o.tools(&tc)
	}
	s.Tools = tools.New(tc)
	var err error
	s.Sandboxes, err = sandboxes.Open(o.dataDir, sandboxes.Options{
		Ready: s.ready,
		Gone:  s.journal.Forget,
		End: func(ctx context.Context, id string) error {
			return errors.Join(s.Tools.End(ctx, id), s.Contexts.DeleteOwner(ctx, id), s.Isolation.End(ctx, id), s.endLimits(id))
		},
		Busy:   func(id string) bool { return s.busy(id) || s.Tools.Busy(id) },
		Died:   s.life.Before() != nil && s.life.Before().Died(),
		Minute: o.minute, Now: o.now, Log: o.log,
	})
	if err != nil {
		tb.Fatalf("open sandboxes: %v", err)
	}
	o.keys.Dir, o.keys.First = o.dataDir, o.key
	if o.keys.Now == nil {
		o.keys.Now = o.now
	}
	if s.Keys, err = keys.Open(o.keys); err != nil {
		tb.Fatalf("open keys: %v", err)
	}
	hc := handlers.Config{
		Contexts: s.Contexts, Sandboxes: s.Sandboxes, Table: s.Table, Tools: s.Tools, Isolation: s.Isolation, Limits: s.Limits,
		Keys: s.Keys, Figures: s.Metrics.Text,
		Observe: handlers.Observe{Request: s.Metrics.Request, Limit: s.Metrics.Limit, Did: s.record},
		Version: "0.0.0-test", Log: o.log,
	}
	if o.config != nil {
		o.config(&hc)
	}
	if err := hc.Validate(); err != nil {
		tb.Fatalf("configure server: %v", err)
	}
	s.scheme = "http://"
	if hc.TLS != nil {
		s.scheme = "https://"
	}
	s.server = handlers.New(hc)
	s.Metrics.Watch(metrics.State{Contexts: s.Contexts, Table: s.Table, Tools: s.Tools, Sockets: s.server.Sockets})
	s.listen(tb)
	return s
}

// bound makes the limits.
func (s *Server) bound(tb testing.TB, o options) {
	tb.Helper()
	o.limits.Dir, o.limits.Log, o.limits.Hit = o.dataDir, o.log, s.Metrics.Limit
	if o.limits.Asked == nil {
		o.limits.Asked = func(id string) sandboxes.Limits {
			sb, _ := s.Sandboxes.Lookup(id)
			return sb.Limits
		}
	}
	s.Limits = limits.New(*o.limits)
	scratch := filepath.Join(o.dataDir, "disks")
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		tb.Fatal(err)
	}
	s.Limits.OpenDisk(scratch, s.Isolation.Status().Users)
}

// ready makes a sandbox's directory ready, if something bounds it.
func (s *Server) ready(sb sandboxes.Sandbox, still func() error) error {
	if s.Limits == nil {
		return nil
	}
	return s.Limits.Ready(sb, still)
}

func (s *Server) roomsOf(sandbox string) string {
	if s.Limits == nil {
		return ""
	}
	return s.Limits.Rooms(sandbox)
}

// limitsOf puts processes under a sandbox's limits, if there are any.
func (s *Server) limitsOf(sandbox string) func(pid int) error {
	if s.Limits == nil {
		return nil
	}
	return s.Limits.Within(sandbox)
}

func (s *Server) endLimits(sandbox string) error {
	if s.Limits == nil {
		return nil
	}
	return s.Limits.End(sandbox)
}

// remember opens what outlives a server.
func (s *Server) remember(tb testing.TB, o options) {
	tb.Helper()
	if o.keep.Log == nil {
		o.keep.Log = o.log
	}
	if o.keep.Now == nil {
		o.keep.Now = o.now
	}
	o.keep.Evicted = s.Metrics.Evicted
	life, err := lives.Begin(o.dataDir, o.now(), o.log)
	journal, jerr := stream.OpenJournal(filepath.Join(o.dataDir, "journal"), o.keep)
	cards, cerr := lives.OpenShelf[contexts.Card](filepath.Join(o.dataDir, "records", "contexts"), o.log)
	if err := errors.Join(err, jerr, cerr); err != nil {
		tb.Fatalf("open the data directory: %v", err)
	}
	s.life, s.journal, s.cards = life, journal, cards
}

func (s *Server) record(r activity.Record) {
	s.Metrics.Did(r)
	if s.did != nil {
		s.did(r)
	}
}

func (s *Server) admit(sandbox string) error {
	_, err := s.Sandboxes.Enter(sandbox)
	return err
}

func (s *Server) listen(tb testing.TB) {
	tb.Helper()
	s.URL = s.serve(tb, s.server.Serve)
	s.APIURL = s.URL + "/api"
	s.E2BURL = s.serve(tb, s.server.ServeE2B)
}

// serve answers on a free port, whose URL it returns.
func (s *Server) serve(tb testing.TB, answer func(net.Listener) error) string {
	tb.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listen: %v", err)
	}
	s.serving++
	go func() { s.ended <- answer(ln) }() // ends with Close, which joins it
	return s.scheme + ln.Addr().String()
}

func (s *Server) busy(sandbox string) bool {
	for _, e := range s.Contexts.All() {
		if st := e.Status(); e.Owner == sandbox && (st.State == "busy" || st.Queued > 0) {
			return true
		}
	}
	return false
}

// closeTimeout is for a clean end; what takes longer is a fault.
const closeTimeout = 20 * time.Second

// Close ends the server before the test does. It may be called twice.
func (s *Server) Close(tb testing.TB) {
	tb.Helper()
	if s.closed {
		return
	}
	s.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	s.Tools.Close()
	if s.server != nil {
		if err := s.server.Shutdown(ctx); err != nil {
			tb.Errorf("shut the server down: %v", err)
		}
		for range s.serving {
			// A test may be over before each address was served.
			if err := <-s.ended; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, handlers.ErrShutdown) {
				tb.Errorf("serve: %v", err)
			}
		}
	}
	if s.Contexts != nil {
		s.Contexts.Close()
	}
	if s.Keys != nil {
		s.Keys.Close()
	}
	if s.Sandboxes != nil {
		if err := s.Sandboxes.Close(); err != nil {
			tb.Errorf("close sandboxes: %v", err)
		}
	}
	s.Isolation.Close()
	if err := s.Limits.Close(); err != nil {
		tb.Errorf("close limits: %v", err)
	}
	if s.Table != nil {
		if err := s.Table.Close(); err != nil {
			tb.Errorf("close runtimes: %v", err)
		}
	}
	if s.journal != nil {
		s.journal.Close()
		_ = s.cards.Close()
		_ = s.Tools.Forget()
		if err := s.life.Finish(s.now()); err != nil {
			tb.Error(err)
		}
	}
}

// root is the top of the source tree.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}
