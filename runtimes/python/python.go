// Package python is the Python runtime: it finds an interpreter and starts
// kernels of it, with the driver (driver/) handed over in memory.
//
// On Linux kernels are forked from a template, a process with everything
// imported; elsewhere, and when the environment asks for something that only
// takes effect at an interpreter's start, a kernel is an interpreter of its own.
//
// Goroutines: two for each template (its packets, its output), which end with
// it. The runtime owns its templates; a started kernel belongs to its starter.
package python

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// Config says which Python to use. The zero value finds one.
type Config struct {
	// Program is an interpreter, or the python of a virtual environment.
	// Empty: python3 on the PATH.
	Program string
	// Preload lists the modules that every kernel finds imported. Nil means
	// numpy, pandas and matplotlib.pyplot, as far as they are installed; an
	// empty list means none.
	Preload []string
	// ScratchDir is where files of the runtime's own go. Empty: os.TempDir.
	ScratchDir string
	Log        *slog.Logger
}

// Runtime implements [runtimes.Runtime], [runtimes.BirthEnv] and [runtimes.Scripts].
type Runtime struct {
	cfg     Config
	found   interpreter
	fault   string
	payload *os.File // the driver's source, sealed

	mu        sync.Mutex
	closed    bool
	templates templates
}

var (
	_ runtimes.Runtime  = (*Runtime)(nil)
	_ runtimes.BirthEnv = (*Runtime)(nil)
	_ runtimes.Scripts  = (*Runtime)(nil)
)

// New finds the interpreter. It never fails: without a usable Python, Info
// says what is missing, and Start refuses with the same words.
func New(cfg Config) *Runtime {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.ScratchDir == "" {
		cfg.ScratchDir = os.TempDir()
	}
	if cfg.Preload == nil {
		cfg.Preload = []string{"numpy", "pandas", "matplotlib.pyplot"}
	}
	r := &Runtime{cfg: cfg}
	found, err := probe(cfg.Program)
	r.found = found
	if err == nil {
		r.payload, err = driverPayload(cfg.ScratchDir)
	}
	if err != nil {
		r.fault = err.Error()
	}
	return r
}

// Info tells which interpreter is in use.
func (r *Runtime) Info() runtimes.Info {
	return runtimes.Info{
		Name:      "python",
		Languages: []string{"python"},
		Aliases:   []string{"py=python", "python3=python", "ipython=python"},
		Program:   r.found.Executable,
		Version:   r.found.Version,
		Fault:     r.fault,
	}
}

// Shared implements [runtimes.Sharing].
func (r *Runtime) Shared() []string {
	return append([]string{filepath.Dir(r.found.Executable)}, r.found.Paths...)
}

// Start starts a kernel: a fork of the template, or with birth variables an
// interpreter of its own.
func (r *Runtime) Start(ctx context.Context, spec runtimes.Spec) (*runtimes.Kernel, error) {
	if r.fault != "" {
		return nil, fmt.Errorf("%w: %s", runtimes.ErrUnavailable, r.fault)
	}
	if len(spec.Env) > 0 || !forks {
		return r.startFresh(ctx, spec.Env)
	}
	return r.startForked(ctx)
}

// Translate returns the cell as it is.
func (r *Runtime) Translate(_, code string) (string, *runtimes.UserError) { return code, nil }

// Close ends the templates, and with them whatever kernels they still have.
func (r *Runtime) Close() error {
	r.mu.Lock()
	was := r.closed
	r.closed = true
	r.mu.Unlock()
	if was {
		return nil
	}
	r.closeTemplates()
	if r.payload != nil {
		return r.payload.Close()
	}
	return nil
}

// startFresh starts an interpreter of its own.
func (r *Runtime) startFresh(ctx context.Context, env map[string]string) (*runtimes.Kernel, error) {
	k, err := runtimes.Launch(ctx, r.process("kernel", nil, env))
	if err != nil {
		return nil, fmt.Errorf("start python: %w", err)
	}
	return k, nil
}

// process describes an interpreter that runs the driver. Its fourth extra
// descriptor is the driver's source.
func (r *Runtime) process(mode string, options []string, env map[string]string) child.Spec {
	args := append([]string{"-X", "utf8", "-c", bootstrap, mode}, options...)
	return child.Spec{
		Path:  r.found.Executable,
		Args:  args,
		Env:   r.environment(env),
		Dir:   "/",
		Files: []*os.File{r.payload},
	}
}

// environment is the server's own, without what is the server's business, with
// the interpreter's programs (pip, python) first on the PATH.
func (r *Runtime) environment(extra map[string]string) []string {
	vars := make(map[string]string)
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "HOTCELL_") {
			vars[name] = value
		}
	}
	vars["PATH"] = prepend(filepath.Dir(r.found.Executable), vars["PATH"])
	// Nobody is there to press a key.
	vars["PAGER"], vars["GIT_PAGER"] = "cat", "cat"
	maps.Copy(vars, extra)
	env := make([]string, 0, len(vars))
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	return env
}

func prepend(dir, path string) string {
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	if first, _, _ := strings.Cut(path, ":"); first == dir {
		return path
	}
	return dir + ":" + path
}
