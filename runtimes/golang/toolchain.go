package golang

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

const (
	// askTime is for `go env`, which takes 10 ms unless the disk is cold.
	askTime = 10 * time.Second
	// saidLimit bounds what is kept of a compiler's words. It stops after ten
	// errors by itself.
	saidLimit = 1 << 20
)

// finder looks for the go command once, when it is first needed.
type finder struct {
	program string // to look for; empty is go
	once    sync.Once
	found   *toolchain
}

// toolchain is the go command in use.
type toolchain struct {
	program string
	version string        // 1.26.1
	root    string        // GOROOT
	caches  [2]string     // GOCACHE and GOMODCACHE as the server's user has them
	slots   chan struct{} // one for each compilation at a time
}

// find returns nil when there is no go command that works.
func (f *finder) find(log *slog.Logger) *toolchain {
	f.once.Do(func() {
		name := f.program
		if name == "" {
			name = "go"
		}
		path, err := exec.LookPath(name)
		if err != nil {
			return
		}
		if f.found, err = ask(path); err != nil {
			log.Warn("the go command doesn't work; programs are interpreted", slog.String("program", path), slog.Any("error", err))
		}
	})
	return f.found
}

// ask has the command tell what it is.
func ask(path string) (*toolchain, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	env := append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local")
	said, exit, err := run(ctx, child.Spec{
		Path: path, Args: []string{"env", "-json", "GOVERSION", "GOROOT", "GOCACHE", "GOMODCACHE"}, Env: env, Dir: os.TempDir(),
	})
	if err != nil {
		return nil, err
	}
	var facts struct{ GOVERSION, GOROOT, GOCACHE, GOMODCACHE string }
	if err := json.Unmarshal([]byte(said), &facts); err != nil || exit.Code != 0 || facts.GOVERSION == "" {
		return nil, fmt.Errorf("%s, and it said %q", exit, strings.ToValidUTF8(said[:min(len(said), 300)], "\uFFFD"))
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(facts.GOVERSION, "go"), " ")
	return &toolchain{
		program: path, version: version, root: facts.GOROOT, caches: [2]string{facts.GOCACHE, facts.GOMODCACHE},
		slots: make(chan struct{}, runtime.NumCPU()),
	}, nil
}

// build compiles a program. It returns the path of the executable, or none and
// what the compiler said.
func (t *toolchain) build(ctx context.Context, s runtimes.Script) (program, said string, err error) {
	// A module of its own: nothing around it counts.
	room, err := s.Furnish(map[string]string{"main.go": s.Code, "go.mod": "module script\n\ngo " + t.language() + "\n"})
	if err != nil {
		return "", "", err
	}
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return "", "", context.Cause(ctx)
	}
	program = filepath.Join(room, "program")
	said, exit, err := run(ctx, child.Spec{
		Path: t.program, Dir: room, Env: list(t.environment(s, room)), Jail: s.Jail,
		Args: []string{
			"build", "-mod=mod", "-buildvcs=false", "-ldflags=-s -w",
			"-gcflags=-trimpath=" + room, // positions without our directory; the standard library's stay cached
			"-o", program, "main.go",
		},
	})
	switch {
	case err != nil:
		return "", "", err
	case exit.Code != 0:
		return "", tidy(said, room), nil
	}
	return program, "", nil
}

// language is the version that a go.mod asks for.
func (t *toolchain) language() string {
	parts := strings.SplitN(t.version, ".", 3)
	if len(parts) < 2 {
		return t.version
	}
	minor := strings.TrimRightFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
	if at := strings.IndexFunc(minor, func(r rune) bool { return r < '0' || r > '9' }); at >= 0 {
		minor = minor[:at] // 1.27rc1
	}
	return parts[0] + "." + minor
}

// environment is the program's, with the server's own caches unless somebody
// asked for others: compiling the standard library anew takes half a minute.
func (t *toolchain) environment(s runtimes.Script, room string) map[string]string {
	env := maps.Clone(s.Env)
	for name, value := range map[string]string{
		"GOCACHE": t.caches[0], "GOMODCACHE": t.modules(s, room), "GOTOOLCHAIN": "local",
	} {
		if _, asked := s.Vars[name]; !asked && value != "" {
			env[name] = value
		}
	}
	env["GOWORK"], env["GO111MODULE"], env["PWD"] = "off", "on", room
	return env
}

// modules is where modules are kept: inside a jail, with the run, since they are
// written to.
func (t *toolchain) modules(s runtimes.Script, room string) string {
	if s.Jail != nil {
		return filepath.Join(room, "modules")
	}
	return t.caches[1]
}

// tidy leaves out of a compiler's words what is about our directory and not
// about the program.
func tidy(said, own string) string {
	var kept []string
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "# command-line-arguments") {
			kept = append(kept, line)
		}
	}
	return strings.ReplaceAll(strings.Join(kept, ""), own+string(filepath.Separator), "./")
}

// run runs a command and returns what it says. ctx ends it.
func run(ctx context.Context, spec child.Spec) (string, child.Exit, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", child.Exit{}, fmt.Errorf("make output pipe: %w", err)
	}
	defer read.Close()
	spec.Stdout, spec.Stderr = write, write
	p, err := child.Start(ctx, spec)
	_ = write.Close()
	if err != nil {
		return "", child.Exit{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Signal(syscall.SIGKILL) })
	defer stop()
	said, err := io.ReadAll(io.LimitReader(read, saidLimit))
	if err == nil {
		_, err = io.Copy(io.Discard, read)
	}
	<-p.Done()
	if ctx.Err() != nil {
		return "", child.Exit{}, context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return "", child.Exit{}, fmt.Errorf("read what %s says: %w", spec.Path, err)
	}
	return string(said), p.Exit(), nil
}
