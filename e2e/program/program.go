// Package program builds and starts the real program for tests that measure a
// server apart from themselves: its memory, its descriptors, its processes.
package program

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Program is a running server.
type Program struct {
	URL, Key string
	Pid      int
	Path     string // of the program
	Data     string // its data directory

	killed bool
}

// Kill ends it without a word.
func (p *Program) Kill(tb testing.TB) {
	tb.Helper()
	p.killed = true
	if err := syscall.Kill(p.Pid, syscall.SIGKILL); err != nil {
		tb.Fatal(err)
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
	path := filepath.Join(tb.TempDir(), "hotcell")
	build := exec.Command("go", "build", "-o", path, "hotcell") //nolint:forbidigo,noctx // the tests own these processes, no server does
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build the program: %v\n%s", err, out)
	}
	p := &Program{Key: "the-key-of-the-end-to-end-tests", Path: path, Data: tb.TempDir()}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", p.Data, "--python", python(), "--warm", "1"}, flags...)
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
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil && !p.killed {
			tb.Errorf("the server's end: %v", err)
		}
	})
	p.Pid = cmd.Process.Pid
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
