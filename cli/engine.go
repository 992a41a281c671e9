package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hotcell/audit"
	"hotcell/charts"
	"hotcell/contexts"
	"hotcell/handlers"
	"hotcell/internal/clock"
	"hotcell/internal/disk"
	"hotcell/internal/jail"
	"hotcell/internal/lives"
	"hotcell/keys"
	"hotcell/metrics"
	"hotcell/process"
	"hotcell/process/script"
	"hotcell/process/tools"
	"hotcell/runtimes"
	"hotcell/runtimes/golang"
	"hotcell/runtimes/node"
	"hotcell/runtimes/python"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
	"hotcell/sandboxes/limits"
	"hotcell/stream"
)

// engineConfig is what a server is made of, once flags and files were read.
type engineConfig struct {
	Flags        engineFlags
	Isolation    isolationFlags
	Warm         int // kernels parked per runtime
	MaxContexts  int
	Limits       limitFlags
	IdleTimeout  time.Duration
	Keep         stream.JournalOptions // how much is kept of what has ended
	Drain        time.Duration         // how long what runs may take to end at a shutdown
	Preload      []string              // modules for every Python kernel; nil is the usual ones
	Key          string                // the first one
	KeyLimits    keys.Limits           // of every key that has none of its own
	TLS          *tls.Config
	Dir          string // the data directory
	PublicURL    string
	AllowHosts   []string
	AllowOrigins []string
	Audit        audit.Config // its path is empty where there is to be none
	Version      string
	Log          *slog.Logger
}

// engine is everything that stands behind one address.
//
// Goroutines: the one of serve, which ends when close has ended the server.
type engine struct {
	table     *runtimes.Table
	keys      *keys.Store
	contexts  *contexts.Set
	limits    *limits.Set
	isolation *isolation.Set
	sandboxes *sandboxes.Registry
	tools     *tools.Tools
	server    *handlers.Server
	life      *lives.Life
	journal   *stream.Journal
	cards     *lives.Shelf[contexts.Card]
	drain     time.Duration
	metrics   *metrics.Metrics
	clock     *clock.Watcher // nil: none
	audit     *audit.Log     // nil: none
	probe     probe
	lns       []net.Listener
	wg        sync.WaitGroup
}

// openEngine builds a server from the bottom up. When it fails, what was
// built is taken down again.
func openEngine(ctx context.Context, cfg engineConfig) (*engine, error) {
	e := &engine{drain: cfg.Drain}
	if err := e.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, e.close(context.WithoutCancel(ctx)))
	}
	return e, nil
}

func (e *engine) open(ctx context.Context, cfg engineConfig) error {
	if err := e.openRecords(cfg); err != nil {
		return err
	}
	before, err := e.remember(cfg)
	if err != nil {
		return err
	}
	scratch, err := cfg.directories()
	if err != nil {
		return err
	}
	if e.keys, err = keys.Open(keys.Config{Dir: cfg.Dir, First: cfg.Key, Limits: cfg.KeyLimits}); err != nil {
		return err
	}
	e.table = cfg.findRuntimes(scratch) //nolint:contextcheck // the look-ups have time limits of their own
	reportRuntimes(ctx, e.table, cfg.Log)
	e.limits = limits.New(e.limitsConfig(cfg)) // first it clears what a server before has left
	reportLimits(ctx, e.limits.Status(), cfg.Log)
	if err := e.openIsolation(ctx, cfg, scratch); err != nil {
		return err
	}
	e.openDisk(ctx, scratch, cfg.Log)
	e.contexts = contexts.New(ctx, contexts.Config{
		Table:       e.table,
		Parked:      cmp.Or(cfg.Warm, -1), // none, where 0 would mean the default
		Limit:       cfg.MaxContexts,
		OwnerLimit:  cfg.Limits.contextShare(cfg.MaxContexts),
		IdleTimeout: cfg.IdleTimeout,
		Lifetime:    cfg.Limits.ContextLifetime,
		Queue:       cfg.Limits.ContextQueue,
		Complete:    charts.Shown,
		Admit:       e.admit,
		Group:       e.limits.Contexts(),
		Jail:        e.jail,
		Jailed:      e.isolation.Status().Mode != jail.None,
		Store:       e.journal,
		Events:      stream.Options{Disk: int64(cfg.Limits.ExecutionOutput)},
		Shelf:       e.cards,
		Before:      before,
		Observe:     e.observeContexts(),
		Log:         cfg.Log,
	})
	e.tools = tools.New(tools.Config{
		Host:         process.Host{Path: e.table.Programs(), Scratch: scratch},
		CommandShare: cfg.Limits.SandboxCommands, RunShare: cfg.Limits.SandboxRuns,
		Table: e.table, Kernel: e.contexts.Kernel, Admit: e.admit, Did: e.did, Log: cfg.Log,
		Store: e.journal, Records: filepath.Join(cfg.Dir, recordsDir), Before: before,
	})
	e.sandboxes, err = sandboxes.Open(cfg.Dir, sandboxes.Options{
		End: func(ctx context.Context, id string) error {
			err := errors.Join(e.tools.End(ctx, id), e.contexts.DeleteOwner(ctx, id), e.isolation.End(ctx, id), e.limits.End(id))
			e.journal.Rest(id)
			return err
		},
		Ready: e.limits.Ready, Expired: e.expired,
		Gone: e.journal.Forget, Berth: e.berth,
		Busy: func(id string) bool { return e.busy(id) || e.tools.Busy(id) },
		Idle: cfg.Limits.SandboxIdle, Lifetime: cfg.Limits.SandboxLifetime,
		Died: before != nil && before.Died(), Log: cfg.Log,
	})
	if err != nil {
		return fmt.Errorf("open the data directory: %w", err)
	}
	e.watchClock(ctx, cfg.Log)
	if err := e.forgetStrangers(); err != nil {
		return err
	}
	if e.limits.Of("").Disk == 0 { // else none would fit
		e.isolation.Keep(cfg.Warm, e.berths()) //nolint:contextcheck // until the server ends
	}
	hc := handlers.Config{
		Contexts: e.contexts, Sandboxes: e.sandboxes, Table: e.table, Tools: e.tools, Isolation: e.isolation, Limits: e.limits,
		Keys: e.keys, TLS: cfg.TLS, PublicURL: func() string { return cfg.PublicURL },
		AllowedHosts: cfg.AllowHosts, AllowedOrigins: cfg.AllowOrigins,
		Ready: e.ready, Figures: e.metrics.Text,
		Observe: handlers.Observe{Request: e.metrics.Request, Limit: e.metrics.Limit, Did: e.did},
		Version: cfg.Version, Log: cfg.Log,
	}
	if err := hc.Validate(); err != nil {
		return &usageError{msg: err.Error()}
	}
	e.server = handlers.New(hc) //nolint:contextcheck // it makes handlers; each request brings its context
	e.metrics.Watch(e.state())
	e.probe.dir = cfg.Dir
	return nil
}

// admit says whether something may run in a sandbox.
func (e *engine) admit(sandbox string) error {
	_, err := e.sandboxes.Enter(sandbox)
	return err
}

// recordsDir holds what the next server should know.
const recordsDir = "records"

// remember ends what a server before this one has left, and reads what it has kept.
func (e *engine) remember(cfg engineConfig) (before *lives.End, err error) {
	if e.life, err = lives.Begin(cfg.Dir, time.Now(), cfg.Log); err != nil {
		return nil, err
	}
	keep := cfg.Keep
	keep.Log, keep.Evicted = cfg.Log, e.metrics.Evicted
	if e.journal, err = stream.OpenJournal(filepath.Join(cfg.Dir, "journal"), keep); err != nil {
		return nil, fmt.Errorf("open the data directory: %w", err)
	}
	e.life.Seen(e.journal.Latest())
	e.cards, err = lives.OpenShelf[contexts.Card](filepath.Join(cfg.Dir, recordsDir, "contexts"), cfg.Log)
	return e.life.Before(), err
}

// forgetStrangers gives up what is kept of sandboxes that were being deleted when a
// server died.
func (e *engine) forgetStrangers() error {
	var errs []error
	for _, id := range e.journal.Groups() {
		if _, err := e.sandboxes.Lookup(id); errors.Is(err, sandboxes.ErrNotFound) {
			errs = append(errs, e.journal.Forget(id))
		}
	}
	return errors.Join(errs...)
}

// directories makes those of the data directory that the engine uses itself.
// The scratch of a server before this one, which may have been killed, goes: its
// name is one that nothing else has, whatever directory somebody names.
func (cfg engineConfig) directories() (scratch string, err error) {
	scratch = filepath.Join(cfg.Dir, "hotcell-scratch")
	// An image that was being tried may still be mounted there.
	err = errors.Join(script.Recover(scratch), disk.Clear(scratch, cfg.Log), os.RemoveAll(scratch), os.MkdirAll(scratch, 0o700))
	if err != nil {
		return "", fmt.Errorf("prepare the data directory: %w", err)
	}
	return scratch, nil
}

// findRuntimes looks for the programs, all at once: asking each for its
// version takes a while.
func (cfg engineConfig) findRuntimes(scratch string) *runtimes.Table {
	var (
		wg sync.WaitGroup
		py *python.Runtime
		js *node.Runtime
	)
	wg.Go(func() {
		py = python.New(python.Config{Program: cmp.Or(cfg.Flags.Python, ownPython()), Preload: cfg.Preload, ScratchDir: scratch, Log: cfg.Log})
	})
	wg.Go(func() {
		js = node.New(node.Config{Program: cfg.Flags.Node, ScratchDir: scratch, Cold: cfg.Warm == 0, Log: cfg.Log})
	})
	wg.Wait()
	return runtimes.NewTable(py, js, golang.New(golang.Config{ScratchDir: scratch, Log: cfg.Log}))
}

// ownPython is the environment that `make setup` made beside the program's
// bin folder, if this is where the program runs from. Empty means to look on
// the PATH.
func ownPython() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	path := filepath.Join(filepath.Dir(filepath.Dir(exe)), ".venv", "bin", "python")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// reportRuntimes says what was found, and what to do about what was not.
func reportRuntimes(ctx context.Context, table *runtimes.Table, log *slog.Logger) {
	for _, r := range table.All() {
		info := r.Info()
		if info.Fault != "" {
			log.LogAttrs(ctx, slog.LevelWarn, "runtime is not available",
				slog.String("runtime", info.Name), slog.String("fault", info.Fault))
			continue
		}
		log.LogAttrs(ctx, slog.LevelInfo, "runtime found", slog.String("runtime", info.Name),
			slog.String("version", info.Version), slog.String("program", info.Program))
	}
}

// busy reports whether something runs or waits in a sandbox.
func (e *engine) busy(sandbox string) bool {
	for _, c := range e.contexts.All() {
		if c.Owner != sandbox {
			continue
		}
		if s := c.Status(); s.State == "busy" || s.Queued > 0 {
			return true
		}
	}
	return false
}

// watchClock tells those who go by the machine's clock that it was set.
func (e *engine) watchClock(ctx context.Context, log *slog.Logger) {
	lost := func(err error) {
		log.WarnContext(ctx, "nobody will tell the server that the machine's clock was set", slog.Any("error", err))
	}
	w, err := clock.Watch(func() {
		e.keys.ClockSet()
		e.sandboxes.ClockSet()
	}, lost)
	if err != nil {
		lost(err)
		return
	}
	e.clock = w
}

// serve answers on the listeners that there are; what comes out is the fault that
// ended one of them, if close didn't.
func (e *engine) serve(l *listeners) <-chan error {
	fault := make(chan error, 3) // one of each
	e.listen(l.main, e.server.Serve, fault)
	if l.e2b != nil {
		e.listen(l.e2b, e.server.ServeE2B, fault)
	}
	if l.metrics != nil {
		e.listen(l.metrics, e.server.ServeMetrics, fault)
	}
	return fault
}

func (e *engine) listen(ln net.Listener, serve func(net.Listener) error, fault chan<- error) {
	e.lns = append(e.lns, ln)
	// Ends when close has shut the server down.
	e.wg.Go(func() {
		if err := serve(ln); err != nil {
			fault <- err
		}
	})
}

// close takes everything down in the order in which nothing is cut off: no
// new clients; what runs may end by itself for a while; executions end, with a reason
// that their clients still read; then the clients' connections; then what the
// executions stood on.
func (e *engine) close(ctx context.Context) error {
	var errs []error
	e.probe.ending.Store(true)
	for _, ln := range e.lns {
		_ = ln.Close()
	}
	e.drained(ctx)
	if e.contexts != nil {
		e.contexts.Close()
	}
	e.tools.Close()
	if e.server != nil && len(e.lns) > 0 {
		errs = append(errs, e.server.Shutdown(ctx))
	}
	e.wg.Wait()
	e.clock.Close()
	if e.keys != nil {
		e.keys.Close()
	}
	if e.sandboxes != nil {
		errs = append(errs, e.sandboxes.Close())
	}
	e.isolation.Close()
	if e.table != nil {
		errs = append(errs, e.table.Close())
	}
	errs = append(errs, e.limits.Close())
	if e.journal != nil {
		e.journal.Close()
	}
	errs = append(errs, e.cards.Close(), e.tools.Forget())
	if e.life != nil {
		errs = append(errs, e.life.Finish(time.Now()))
	}
	errs = append(errs, e.audit.Close(ctx)) // last: nothing more happens
	return errors.Join(errs...)
}

// drained returns when nothing runs, or when it has had its time.
func (e *engine) drained(ctx context.Context) {
	if e.contexts == nil || e.tools == nil || e.drain <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, e.drain)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { e.contexts.Drain(ctx) }) // ends with what runs, or ctx; as does the next
	wg.Go(func() { e.tools.Drain(ctx) })
	wg.Wait()
}
