// Package scripttest runs programs in tests: by a runtime, as
// [runtimes.Scripts] does it, and as people do it, to compare the two.
package scripttest

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// patience bounds one program; it is only reached when something is broken.
const patience = time.Minute

// Program is a program with what it is given.
type Program struct {
	Language string
	Code     string
	Args     []string
	Vars     map[string]string
	Unset    string            // a variable that the program doesn't get
	Files    map[string]string // of its directory, by relative path
}

// Ran is what came of a program. In the output, its file is SCRIPT and its
// directory DIR.
type Ran struct {
	Output string
	Code   int
	Frames []wire.Message
	Engine string
}

// dir makes a program's directory.
func (p Program) dir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range p.Files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (p Program) environ(dir string) map[string]string {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	env["PWD"] = dir
	delete(env, p.Unset)
	maps.Copy(env, p.Vars)
	return env
}

// Run runs a program by its runtime, and checks that no file of it is left.
func Run(t *testing.T, r runtimes.Scripts, p Program) Ran {
	t.Helper()
	dir, own := p.dir(t), filepath.Join(t.TempDir(), "own")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	run, rejected, err := r.RunScript(ctx, runtimes.Script{
		Language: p.Language, Code: p.Code, Args: p.Args, Dir: dir, Env: p.environ(dir), Vars: p.Vars, Own: own,
	})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	// What the runtimes call a program differs; what follows it is the same.
	hidden := strings.NewReplacer(
		own+"/script.py", "SCRIPT", dir+"/.script.py", "SCRIPT",
		dir+"/.script.cjs", "SCRIPT", dir+"/.script.mjs", "SCRIPT", dir+"/.script.ts", "SCRIPT",
		own, "OWN", dir, "DIR")
	var got Ran
	if rejected != nil {
		got = Ran{Output: hidden.Replace(rejected.Output), Code: rejected.Code, Engine: rejected.Engine}
	} else {
		defer run.Close()
		got = follow(t, run)
		got.Output = hidden.Replace(got.Output)
	}
	if err := runtimes.Clean(own); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".script*")); left != nil {
		t.Errorf("left in the directory: %v", left)
	}
	return got
}

func follow(t *testing.T, run *runtimes.Run) Ran {
	t.Helper()
	got := Ran{Engine: run.Engine}
	told := make(chan struct{})
	go func() { // ends at the connection's end
		defer close(told)
		for run.Conn != nil {
			var m wire.Message
			if wire.ReadFrame(run.Conn, &m) != nil {
				return
			}
			got.Frames = append(got.Frames, m)
		}
	}()
	_ = run.Output.SetReadDeadline(time.Now().Add(patience))
	text, err := io.ReadAll(run.Output)
	if err != nil {
		t.Errorf("read its output: %v; it was %q", err, text[max(0, len(text)-500):])
		run.Close()
	}
	<-run.Process.Done()
	<-told
	got.Code, got.Output = run.Process.Exit().Code, string(text)
	return got
}

// Plainly runs a program as a file of the given name, by a command to which
// the file and the arguments are added.
func Plainly(t *testing.T, p Program, file string, command ...string) Ran {
	t.Helper()
	dir := p.dir(t)
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, []byte(p.Code), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args := slices.Concat(command[1:], []string{path}, p.Args)
	cmd := exec.CommandContext(ctx, command[0], args...) //nolint:forbidigo // what a test compares with
	cmd.Dir = dir
	for name, value := range p.environ(dir) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	got := Ran{Code: cmd.ProcessState.ExitCode()}
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && state.Signaled() {
		got.Code = 128 + int(state.Signal())
	}
	got.Output = strings.NewReplacer(path, "SCRIPT", dir, "DIR").Replace(string(text))
	return got
}
