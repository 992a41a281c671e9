// Package script runs code that is sent as a whole, once, in a process of its
// own: a program with arguments and an environment, whose output and exit code
// are the answer. Nothing of it is left behind.
//
// How a language's programs are started, its runtime knows ([runtimes.Scripts]).
//
// Ownership: a [Runs] owns its runs, their processes and their files. A run
// belongs to no request: it ends by itself, by its time limit, with its sandbox
// or with the server.
//
// Goroutines: two for each run, its output and its figures, which end with it.
package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"hotcell/internal/activity"
	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/process"
	"hotcell/runtimes"
)

// DefaultLimit is how many runs there may be at once. Each is a process with an
// interpreter in it, or a compiler: a hundred of them keep any machine busy.
const DefaultLimit = 100

// Config is what runs stand on. Table is needed.
type Config struct {
	Host  process.Host
	Table *runtimes.Table
	// Kernel gives a started kernel of a runtime that was nobody's yet, for
	// runtimes that can make a script of one. Nil has them start it.
	Kernel func(ctx context.Context, sandbox string, r runtimes.Runtime) (*runtimes.Kernel, error)
	// Admit is asked once more when a run can be found by End: a sandbox that
	// was stopped in between begins nothing. Nil admits all.
	Admit       func(sandbox string) error
	Limit       int // runs at once; 0 is [DefaultLimit]
	Share       int // of those, how many may be one sandbox's; 0 is all
	OutputLimit int // bytes of one run; 0 is the default of package output
	// Did is told of programs that have ended; it must be quick. It may be nil.
	Did func(activity.Record)
	Log *slog.Logger
}

// Request is a program to run.
type Request struct {
	Language string // or an alias; empty: python
	Code     string
	Args     []string
	Env      map[string]string
	Timeout  time.Duration   // 0 is none; compiling counts, waiting for a kernel doesn't
	Origin   activity.Origin // who asks
}

// Result is how a program ended.
type Result struct {
	ExitCode int
	Output   string // stdout and stderr in one order
	// Figures are what it has shown, a bundle each.
	Figures []wire.Bundle
	Omitted int    // figures beyond the bounds
	Engine  string // what ran it: "python 3.12.1"
}

// Errors of this package. Those of a run come as a [*CutError].
var (
	ErrBusy        = errors.New("too many programs are running")
	ErrUnsupported = errors.New("code of this language can only be run in a context")
	ErrArgument    = errors.New("an argument can't be given to a program")
	ErrTimeout     = errors.New("the time limit was reached")
	ErrStopped     = errors.New("the sandbox was stopped")
	ErrUnknownEnd  = errors.New("how it ended is not known: the process that it was started by is gone")
)

// CutError is a run that was not left to end, or whose end nobody has seen.
type CutError struct {
	Cause  error         // ErrTimeout, ErrStopped, process.ErrClosed, ErrUnknownEnd
	Limit  time.Duration // of ErrTimeout
	Output string        // what there was until then
	Tail   string        // the end of it
}

func (e *CutError) Error() string {
	text := "the code was ended: " + e.Cause.Error()
	if errors.Is(e.Cause, ErrTimeout) {
		text = fmt.Sprintf("the code did not end within its time limit of %s and was killed", e.Limit)
	}
	if e.Tail == "" {
		return text + "; it had put out nothing"
	}
	return text + "; the last that it put out: " + e.Tail
}

func (e *CutError) Unwrap() error { return e.Cause }

// Runs are the programs that run in a server's sandboxes.
type Runs struct {
	cfg   Config
	base  string // where runs have their directories; made with the first
	names runtimes.Names

	mu      sync.Mutex
	closed  bool
	slots   []*run // by number; nil is a free one
	changed *sync.Cond
}

// New returns an empty set. Nothing is started or written before the first run.
func New(cfg Config) *Runs {
	cfg.Limit = cmp.Or(cfg.Limit, DefaultLimit)
	if cfg.Admit == nil {
		cfg.Admit = func(string) error { return nil }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runs{cfg: cfg, base: basePath(cfg.Host.Scratch)}
	r.changed = sync.NewCond(&r.mu)
	return r
}

// Run runs a program and returns when it and all that it has started are gone.
// What the program does wrong is in the result. ctx ends the run, with its
// cause.
func (r *Runs) Run(ctx context.Context, place process.Place, req Request) (Result, error) {
	runtime, language, err := r.cfg.Table.Lookup(cmp.Or(req.Language, "python"))
	if err != nil {
		return Result{}, err
	}
	scripts, ok := runtime.(runtimes.Scripts)
	if !ok {
		return Result{}, fmt.Errorf("%w: %s", ErrUnsupported, language)
	}
	program, err := r.program(place, language, req)
	if err != nil {
		return Result{}, err
	}
	run, err := r.enter(ctx, place)
	if err != nil {
		return Result{}, err
	}
	defer r.leave(run)
	if err := r.cfg.Admit(place.Sandbox); err != nil {
		return Result{}, err
	}
	if r.cfg.Kernel != nil {
		program.Kernel = run.untimed(func(ctx context.Context) (*runtimes.Kernel, error) { return r.cfg.Kernel(ctx, place.Sandbox, runtime) })
	}
	began := time.Now()
	result, err := run.do(scripts, program, req.Timeout)
	r.tell(place.Sandbox, language, began, req, result, err)
	if errors.Is(err, syscall.E2BIG) || errors.Is(err, wire.ErrFrameTooLarge) {
		err = fmt.Errorf("%w: with the environment they are too long", ErrArgument)
	}
	return result, err
}

// program is what a runtime is asked to run.
func (r *Runs) program(place process.Place, language string, req Request) (runtimes.Script, error) {
	for i, arg := range req.Args {
		if strings.ContainsRune(arg, 0) {
			return runtimes.Script{}, fmt.Errorf("%w: number %d has a NUL in it", ErrArgument, i+1)
		}
	}
	dir, err := place.Resolve("")
	if err != nil {
		return runtimes.Script{}, err
	}
	place.Dir = dir
	environ, err := r.cfg.Host.Environ(place, req.Env)
	if err != nil {
		return runtimes.Script{}, err
	}
	s := runtimes.Script{
		Language: language, Code: req.Code, Args: slices.Clone(req.Args), Dir: dir,
		Env: make(map[string]string, len(environ)), Vars: make(map[string]string),
		Jail: place.Jail, UID: place.Inside.UID, Names: &r.names,
	}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		s.Env[name] = value
	}
	if place.Group != nil {
		s.Group = func() (child.Group, error) { return place.Group("script") }
	}
	maps.Copy(s.Vars, place.Env)
	maps.Copy(s.Vars, req.Env)
	return s, nil
}

// End ends what runs in a sandbox, and returns when it is gone.
func (r *Runs) End(ctx context.Context, sandbox string) error {
	mine := func(run *run) bool { return run != nil && run.sandbox == sandbox }
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut(mine, ErrStopped)
	stop := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed.Broadcast()
	})
	defer stop()
	for slices.ContainsFunc(r.slots, mine) {
		if ctx.Err() != nil {
			return fmt.Errorf("wait for programs to end: %w", context.Cause(ctx))
		}
		r.changed.Wait()
	}
	return nil
}

// Busy reports whether something runs in a sandbox.
func (r *Runs) Busy(sandbox string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.slots, func(run *run) bool { return run != nil && run.sandbox == sandbox })
}

// Close ends all runs and refuses what comes later.
func (r *Runs) Close() {
	all := func(run *run) bool { return run != nil }
	r.mu.Lock()
	r.closed = true
	r.cut(all, process.ErrClosed)
	for slices.ContainsFunc(r.slots, all) {
		r.changed.Wait()
	}
	r.mu.Unlock()
	if err := os.RemoveAll(r.base); err != nil {
		r.cfg.Log.Warn("the scripts' directory is left", slog.Any("error", err))
	}
}

// cut is called with mu held.
func (r *Runs) cut(which func(*run) bool, cause error) {
	for _, run := range r.slots {
		if which(run) {
			run.cancel(cause)
		}
	}
}
