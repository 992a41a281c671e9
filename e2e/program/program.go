// Package program builds and starts the real program for tests that measure a
// server apart from themselves: its memory, its descriptors, its processes.
package program

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Key is what all servers here are opened with.
const Key = "the-key-of-the-end-to-end-tests"

// Program is a running server.
type Program struct {
	URL, Key string
	Pid      int
	Path     string // of the program
	Data     string // its data directory

	cmd   *exec.Cmd //nolint:forbidigo // as below
	ended bool
}

// Kill ends it without a word.
func (p *Program) Kill(tb testing.TB) {
	tb.Helper()
	var exit *exec.ExitError
	if err := p.End(syscall.SIGKILL); !errors.As(err, &exit) {
		tb.Fatalf("the killed server's end: %v", err)
	}
}

// Start builds the program, without the race detector, and starts it, with more
// flags. It ends with the test.
func Start(tb testing.TB, flags ...string) *Program {
	tb.Helper()
	return StartWith(tb, nil, flags...)
}

// StartWith is Start with more of an environment.
func StartWith(tb testing.TB, env []string, flags ...string) *Program {
	tb.Helper()
	return LaunchWith(tb, env, Build(tb), tb.TempDir(), append([]string{"--warm", "1"}, flags...)...)
}

// builtVar names a program that is built already, for where nothing can build one.
const builtVar = "HOTCELL_TEST_PROGRAM"

// Build builds the program and returns its path.
func Build(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv(builtVar); path != "" {
		return path
	}
	path := filepath.Join(tb.TempDir(), "hotcell")
	build := exec.Command("go", "build", "-o", path, "hotcell") //nolint:forbidigo,noctx // the tests own these processes, no server does
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build the program: %v\n%s", err, out)
	}
	return path
}

// Launch starts a program that was built, with a data directory. It ends with the test.
func Launch(tb testing.TB, path, dataDir string, args ...string) *Program {
	tb.Helper()
	return LaunchWith(tb, nil, path, dataDir, args...)
}

// LaunchWith is Launch with more of an environment.
func LaunchWith(tb testing.TB, env []string, path, dataDir string, args ...string) *Program {
	tb.Helper()
	p := &Program{Key: Key, Path: path, Data: dataDir}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", dataDir, "--python", python()}, args...)
	cmd := exec.Command(path, args...) //nolint:forbidigo,noctx // as above
	cmd.Env = append(append(os.Environ(), "HOTCELL_API_KEY="+p.Key), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p.cmd, p.Pid = cmd, cmd.Process.Pid
	tb.Cleanup(func() {
		if p.ended {
			return
		}
		if err := p.End(syscall.SIGTERM); err != nil {
			tb.Errorf("the server's end: %v", err)
		}
	})
	address := regexp.MustCompile(`http://\S+`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if p.URL = address.FindString(lines.Text()); p.URL != "" && strings.Contains(lines.Text(), "serves at") {
			return p
		}
	}
	tb.Fatal("the server has said no address")
	return nil
}

// End sends a signal and waits for the end.
func (p *Program) End(sig syscall.Signal) error {
	p.ended = true
	_ = p.cmd.Process.Signal(sig)
	return p.cmd.Wait()
}

// python is the interpreter of the contexts.
func python() string {
	if path := os.Getenv("HOTCELL_PYTHON"); path != "" {
		return path
	}
	return filepath.Join(root(), ".venv", "bin", "python")
}

// root is the top of the source tree.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}
