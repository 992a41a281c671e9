// Package golang runs Go: each kernel is this very program, started again, in
// which nothing runs but an interpreter (package driver). Programs that are run
// once are compiled, where there is a go command. It owns no goroutines and no
// processes; kernels belong to whoever started them.
package golang

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// Config says how kernels are started. The zero value is right for a program
// whose main calls driver.Main for the arguments "be-child go".
type Config struct {
	Program    string   // the program to start; empty is the running one
	ChildArgs  []string // that make it a kernel; nil is be-child go
	ScratchDir string   // where a kernel is before it is configured; empty is the root directory
	Toolchain  string   // the go command that compiles programs; empty finds one on the PATH
	Log        *slog.Logger
}

// Runtime starts Go kernels.
type Runtime struct {
	cfg       Config
	info      runtimes.Info
	toolchain finder
}

var (
	_ runtimes.Runtime  = (*Runtime)(nil)
	_ runtimes.BirthEnv = (*Runtime)(nil)
	_ runtimes.Scripts  = (*Runtime)(nil)
)

// New returns the runtime. What is wrong with it stands in Info.
func New(cfg Config) *Runtime {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.ChildArgs == nil {
		cfg.ChildArgs = []string{"be-child", "go"}
	}
	if cfg.ScratchDir == "" {
		cfg.ScratchDir = "/"
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(runtime.Version(), "go"), " ")
	r := &Runtime{cfg: cfg, info: runtimes.Info{
		Name: "go", Languages: []string{"go"}, Aliases: []string{"golang=go"}, Version: version,
	}}
	r.toolchain.program = cfg.Toolchain
	program, err := ownProgram(cfg.Program)
	if err != nil {
		r.info.Fault = fmt.Sprintf("the server's own program can't be started again, which Go needs: %v", err)
	}
	r.info.Program = program
	return r
}

func ownProgram(path string) (string, error) {
	if path != "" {
		return filepath.Abs(path)
	}
	return os.Executable()
}

// Info implements [runtimes.Runtime].
func (r *Runtime) Info() runtimes.Info { return r.info }

// Start implements [runtimes.Runtime].
func (r *Runtime) Start(ctx context.Context, spec runtimes.Spec) (*runtimes.Kernel, error) {
	if r.info.Fault != "" {
		return nil, fmt.Errorf("%w: %s", runtimes.ErrUnavailable, r.info.Fault)
	}
	env := runtimes.Inherited(spec.Jail)
	for name, value := range spec.Env {
		env = append(env, name+"="+value)
	}
	dir := r.cfg.ScratchDir
	if spec.Jail != nil {
		dir = "/"
	}
	k, err := runtimes.Launch(ctx, child.Spec{Path: r.info.Program, Args: r.cfg.ChildArgs, Env: env, Dir: dir, Jail: spec.Jail})
	if err != nil {
		return nil, fmt.Errorf("start a go kernel: %w", err)
	}
	r.cfg.Log.DebugContext(ctx, "go kernel started", slog.Int("pid", k.Process.Pid()))
	return k, nil
}

// Shared implements [runtimes.Sharing]: our own program, and what compiles programs.
func (r *Runtime) Shared() []string {
	shared := []string{r.info.Program}
	if t := r.toolchain.find(r.cfg.Log); t != nil {
		// What is compiled already, the standard library above all, is used and not
		// added to.
		shared = append(shared, t.root, t.caches[0], t.program)
	}
	return shared
}

// BirthEnv implements [runtimes.BirthEnv]: what the Go runtime and the dynamic
// linker read when a program starts, and the zone that package time loads once.
func (r *Runtime) BirthEnv(env map[string]string) map[string]string {
	var out map[string]string
	for name, value := range env {
		switch {
		case strings.HasPrefix(name, "LD_"), strings.HasPrefix(name, "MALLOC_"):
		case name == "GOMAXPROCS", name == "GODEBUG", name == "GOGC", name == "GOMEMLIMIT", name == "GOTRACEBACK", name == "TZ":
		default:
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = value
	}
	return out
}

// Translate implements [runtimes.Runtime]: the driver takes Go as it is.
func (r *Runtime) Translate(_, code string) (string, *runtimes.UserError) { return code, nil }

// Close implements [runtimes.Runtime]. There is nothing to end.
func (r *Runtime) Close() error { return nil }
