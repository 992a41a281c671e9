// Package cli_test runs the program as people and scripts do.
package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the binary that TestMain builds.
var program string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hotcell-cli-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "hotcell")
	out, err := exec.Command("go", "build", "-o", program, "hotcell").CombinedOutput()
	if err != nil {
		panic(string(out))
	}
	if signal.Ignored(syscall.SIGHUP) { // under nohup; programs that are started would ignore it too
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	return m.Run()
}

const (
	// limit bounds every call of the program: what hangs is killed and reported.
	limit = 30 * time.Second
	// serverLimit is that of a server, whose tests wait for their turn among others.
	serverLimit = 10 * time.Minute
)

// command prepares a call of the program in a home of its own.
func command(tb testing.TB, home string, args ...string) *exec.Cmd {
	tb.Helper()
	return bounded(tb, limit, home, args...)
}

func bounded(tb testing.TB, limit time.Duration, home string, args ...string) *exec.Cmd {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), limit)
	tb.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // with its goroutines' last words
	cmd.Dir = tb.TempDir()
	cmd.Env = append(environ(), "HOME="+home, "TMPDIR="+home, "HOTCELL_PYTHON="+kernelPython(tb))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// environ is ours, without what would configure the program.
func environ() []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HOTCELL_") && !strings.HasPrefix(v, "XDG_") && !strings.HasPrefix(v, "HOME=") {
			out = append(out, v)
		}
	}
	return out
}

func kernelPython(tb testing.TB) string {
	tb.Helper()
	if p := os.Getenv("HOTCELL_PYTHON"); p != "" {
		return p
	}
	_, file, _, _ := runtime.Caller(0)
	p := filepath.Join(filepath.Dir(file), "..", "..", ".venv", "bin", "python")
	if _, err := os.Stat(p); err != nil {
		tb.Fatalf("%s is not there: run `make setup`, or set HOTCELL_PYTHON", p)
	}
	return p
}

type outcome struct {
	out, err string
	status   int
}

// check compares with what was wanted; says is a part of what it says on stderr,
// where it says nothing if that is empty.
func (got outcome) check(t *testing.T, want outcome, says string) {
	t.Helper()
	if got.status != want.status || got.out != want.out || !strings.Contains(got.err, says) {
		t.Errorf("status %d, stdout %q, stderr:\n%s\nwant status %d, stdout %q, stderr with %q",
			got.status, got.out, got.err, want.status, want.out, says)
	}
	if says == "" && got.err != "" {
		t.Errorf("stderr: %s", got.err)
	}
}

// call runs the program to its end.
func call(tb testing.TB, input string, args ...string) outcome {
	tb.Helper()
	return finish(tb, command(tb, tb.TempDir(), args...), input)
}

func finish(tb testing.TB, cmd *exec.Cmd, input string) outcome {
	tb.Helper()
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatal(err)
	}
	return outcome{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// started is a server of the program's.
type started struct {
	URL        string
	E2BURL     string `json:"e2b_url"`
	MetricsURL string `json:"metrics_url"`
	Pid        int

	WebSocket string `json:"ws_url"`

	cmd    *exec.Cmd
	home   string
	out    *bytes.Buffer
	errs   *bytes.Buffer
	ended  chan struct{}
	status int
}

func start(tb testing.TB, home string, env []string, args ...string) *started {
	tb.Helper()
	ready := filepath.Join(tb.TempDir(), "ready.json")
	s := &started{home: home, out: &bytes.Buffer{}, errs: &bytes.Buffer{}, ended: make(chan struct{})}
	s.cmd = bounded(tb, serverLimit, home, append([]string{"serve", "--listen", "127.0.0.1:0", "--ready-file", ready}, args...)...)
	s.cmd.Env = append(s.cmd.Env, env...)
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	s.cmd.Stderr = s.errs
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	announced := make(chan struct{})
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			s.out.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "DAYTONA_API_KEY") {
				close(announced)
			}
		}
		_ = s.cmd.Wait()
		s.status = s.cmd.ProcessState.ExitCode()
	}()
	tb.Cleanup(func() { s.stop(syscall.SIGTERM) })
	select {
	case <-announced:
	case <-s.ended:
		tb.Fatalf("it did not start: %s", s.errs)
	}
	line, err := os.ReadFile(ready)
	if err != nil {
		tb.Fatalf("the ready file is not there once it is announced: %v", err)
	}
	if err := json.Unmarshal(line, s); err != nil || bytes.Count(line, []byte("\n")) != 1 {
		tb.Fatalf("%q: %v", line, err)
	}
	return s
}

func (s *started) stop(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	<-s.ended
}

// ask sends a request and returns the status.
func (s *started) ask(tb testing.TB, key, path string) int {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}
