// Package node runs JavaScript and TypeScript in kernels of Node.js. A kernel
// is one process; its driver (driver/, embedded) evaluates cells through V8's
// own inspector on the main thread, and reads the protocol on a second one.
// TypeScript is stripped, and import is rewritten, here before a cell is sent.
//
// The package owns a directory with the driver's files, from the first Start
// to Close, and from the first script on a process that waits for the next.
package node

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"hotcell/runtimes"
)

// oldest is the first major version that is supported: it is the oldest one
// that Node's own project still maintained when this was written, and the
// first whose inspector keeps const across cells.
const oldest = 20

// probeTime bounds asking a program for its version. A cold disk and a slow
// version manager's shim need a second; ten mean that it hangs.
const probeTime = 10 * time.Second

// Config says where things are. The zero value is usable.
type Config struct {
	Program    string       // the node to use; empty finds it on PATH
	ScratchDir string       // where the driver's files go; empty is the system's temporary directory
	Env        []string     // what kernels inherit; nil is the server's own environment without HOTCELL_*
	Cold       bool         // no process is kept waiting for a script
	Log        *slog.Logger // nil logs nothing
}

// Runtime starts kernels of Node.js. It is safe for concurrent use.
type Runtime struct {
	cfg    Config
	info   runtimes.Info
	driver driver
	spare  *spare
}

var (
	_ runtimes.Runtime  = (*Runtime)(nil)
	_ runtimes.BirthEnv = (*Runtime)(nil)
	_ runtimes.Scripts  = (*Runtime)(nil)
)

// New finds the program and asks for its version. It never fails: what is
// wrong is Info().Fault.
func New(cfg Config) *Runtime {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Env == nil {
		cfg.Env = runtimes.Inherited(nil)
	}
	r := &Runtime{cfg: cfg, info: runtimes.Info{
		Name:      "node",
		Languages: []string{"javascript", "typescript"},
		Aliases: []string{
			"js=javascript", "node=javascript", "nodejs=javascript", "mjs=javascript",
			"ts=typescript", "mts=typescript",
		},
	}}
	r.driver.dir = cfg.ScratchDir
	r.spare = newSpare(func(ctx context.Context) (*runtimes.Kernel, error) { return r.startScript(ctx, cfg.Env, nil) }, cfg.Cold, cfg.Log)
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	r.info.Program, r.info.Version, r.info.Fault = find(ctx, cfg.Program, cfg.Env)
	if r.info.Fault == "" {
		cfg.Log.Debug("node is ready", slog.String("program", r.info.Program), slog.String("version", r.info.Version))
	}
	return r
}

// Info tells which Node.js is in use, or what is wrong.
func (r *Runtime) Info() runtimes.Info { return r.info }

// Close ends the process that waits for a script, and removes the driver's files.
func (r *Runtime) Close() error {
	r.spare.close()
	return r.driver.remove()
}

// birthVariables only take effect when Node.js, its thread pool, OpenSSL or
// the dynamic linker starts. TZ is not among them: Node.js takes a new one
// over when process.env.TZ is set.
func birthVariable(name string) bool {
	switch name {
	case "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS", "NODE_ICU_DATA", "NODE_V8_COVERAGE",
		"NODE_PENDING_DEPRECATION", "NODE_NO_WARNINGS", "NODE_REDIRECT_WARNINGS", "NODE_DEBUG",
		"NODE_PRESERVE_SYMLINKS", "NODE_COMPILE_CACHE", "NODE_USE_ENV_PROXY",
		"UV_THREADPOOL_SIZE", "OPENSSL_CONF", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"MALLOC_ARENA_MAX", "GLIBC_TUNABLES":
		return true
	}
	return strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_")
}

// BirthEnv returns the variables that a kernel must be started with.
func (r *Runtime) BirthEnv(env map[string]string) map[string]string {
	var born map[string]string
	for name, value := range env {
		if !birthVariable(name) {
			continue
		}
		if born == nil {
			born = make(map[string]string)
		}
		born[name] = value
	}
	return born
}
